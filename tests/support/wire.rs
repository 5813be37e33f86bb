//! Stands between a client and PostgreSQL, counts the messages that pass, and does what networks do at any one of them.
//!
//! A message is a byte for its kind and a length (the first ones of a client have no kind). What is encrypted passes in
//! the pieces that it comes in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// What has passed since the last fault was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) connections: usize,
    /// At once.
    pub(crate) most_connections: usize,
    /// In both directions.
    pub(crate) messages: usize,
    pub(crate) statements: usize,
    pub(crate) to_server: usize,
    pub(crate) to_client: usize,
}

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// In the place of the message of this number, counted from one over both directions.
    Message(usize),
    /// After so many bytes to the server.
    ToServer(usize),
    /// After so many bytes to the client.
    ToClient(usize),
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// All connections end; the next ones work.
    Cut,
    /// All connections end, and no other can be made.
    Gone,
    /// Nothing passes any more, though connections are taken.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    Open,
    Refused,
    Blocked,
    /// Nobody is there any more.
    Left,
}

struct State {
    road: Road,
    fault: Option<(At, Fault)>,
    passed: Passed,
    /// Both ends of each connection, by its number.
    open: BTreeMap<usize, [Socket; 2]>,
    last: usize,
}

/// The proxy. It ends with all its connections when dropped.
pub(crate) struct Proxy {
    directory: TempDir,
    listens_at: Option<SocketAddr>,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Proxy {
    /// Listens on a socket of the same name in another folder.
    pub(crate) fn to_socket(socket: &Path) -> Self {
        let (mut proxy, server) = (Self::new(), socket.to_owned());
        let name = socket.file_name().expect("a socket is a file");
        let listener = UnixListener::bind(proxy.directory.path().join(name)).expect("the path is short");
        proxy.serve(
            move || Some(Socket::Unix(listener.accept().ok()?.0)),
            move || UnixStream::connect(&server).map(Socket::Unix),
        );
        proxy.listens_at = None;
        proxy
    }

    /// Listens at a port of 127.0.0.1.
    pub(crate) fn to_port(port: u16) -> Self {
        let mut proxy = Self::new();
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
        proxy.listens_at = listener.local_addr().ok();
        proxy.serve(
            move || Some(Socket::Tcp(listener.accept().ok()?.0)),
            move || TcpStream::connect(("127.0.0.1", port)).map(Socket::Tcp),
        );
        proxy
    }

    fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("wire").tempdir_in("/tmp").expect("a temporary directory");
        let state = State { road: Road::Open, fault: None, passed: Passed::default(), open: BTreeMap::new(), last: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { directory, listens_at: None, shared }
    }

    fn serve(
        &self,
        accept: impl Fn() -> Option<Socket> + Send + 'static,
        connect: impl Fn() -> io::Result<Socket> + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            while let Some(client) = accept() {
                if shared.lock().road == Road::Left {
                    return;
                }
                // To the client, a server that is away is one that ends the connection.
                let Ok(server) = connect() else { continue };
                let Some(number) = shared.take(&client, &server) else { continue };
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // A connection ends by an error, if only that of its end.
                    let _ = carry(&shared, client, server);
                    shared.lock().open.remove(&number);
                });
            }
        });
    }

    /// The folder of the socket.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.listens_at.expect("it listens at a port").port()
    }

    /// Forgets what has passed, and lets this happen once.
    pub(crate) fn set(&self, at: At, fault: Fault) {
        let mut state = self.shared.lock();
        (state.fault, state.passed) = (Some((at, fault)), Passed::default());
    }

    /// Does it now.
    pub(crate) fn now(&self, fault: Fault) {
        self.shared.happen(&mut self.shared.lock(), fault);
    }

    /// Lets everything pass from now on, and counts anew.
    pub(crate) fn open(&self) {
        let mut state = self.shared.lock();
        (state.road, state.fault, state.passed) = (Road::Open, None, Passed::default());
        self.shared.changed.notify_all();
    }

    pub(crate) fn passed(&self) -> Passed {
        self.shared.lock().passed
    }

    /// Tells whether what was set has happened.
    pub(crate) fn has_happened(&self) -> bool {
        self.shared.lock().fault.is_none()
    }

    /// Waits until what was set happens, or `ended` says that it will not any more. Tells which.
    pub(crate) fn wait(&self, ended: impl FnMut() -> bool) -> bool {
        self.wait_while(|state| state.fault.is_some(), ended)
    }

    /// Waits until so many statements have passed, or `ended` says that they will not any more.
    pub(crate) fn wait_for_statements(&self, count: usize, ended: impl FnMut() -> bool) -> bool {
        self.wait_while(|state| state.passed.statements < count, ended)
    }

    fn wait_while(&self, is_early: impl Fn(&State) -> bool, mut ended: impl FnMut() -> bool) -> bool {
        let mut state = self.shared.lock();
        while is_early(&state) && !ended() {
            let waited = self.shared.changed.wait_timeout(state, Duration::from_millis(20));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        !is_early(&state)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.now(Fault::Gone);
        self.shared.lock().road = Road::Left;
        // The thread that accepts has to wake to see that nobody is there any more.
        if let Some(address) = self.listens_at {
            drop(TcpStream::connect(address));
        }
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            drop(UnixStream::connect(entry.path()));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in, unless none is taken.
    fn take(&self, client: &Socket, server: &Socket) -> Option<usize> {
        let mut state = self.lock();
        state.passed.connections += 1;
        if state.road == Road::Refused {
            return None;
        }
        let ends = [client.again().ok()?, server.again().ok()?];
        state.last += 1;
        let number = state.last;
        state.open.insert(number, ends);
        state.passed.most_connections = state.passed.most_connections.max(state.open.len());
        Some(number)
    }

    fn happen(&self, state: &mut State, fault: Fault) {
        state.fault = None;
        match fault {
            Fault::Cut => {}
            Fault::Gone => state.road = Road::Refused,
            Fault::Silent => state.road = Road::Blocked,
        }
        if fault != Fault::Silent {
            std::mem::take(&mut state.open).values().flatten().for_each(Socket::close);
        }
        self.changed.notify_all();
    }

    /// How many bytes of what is to pass may do so; fewer than all where the connection ends there.
    fn pass(&self, message: &Message, to_server: bool) -> usize {
        let mut state = self.lock();
        loop {
            let length = message.bytes.len();
            let (number, forth, back) = (state.passed.messages + 1, state.passed.to_server, state.passed.to_client);
            let room = match state.fault {
                Some((At::Message(at), _)) if number >= at => 0,
                Some((At::ToServer(at), _)) if to_server => at.saturating_sub(forth),
                Some((At::ToClient(at), _)) if !to_server => at.saturating_sub(back),
                _ => length,
            };
            match state.fault {
                Some((_, Fault::Silent)) if room < length => self.happen(&mut state, Fault::Silent),
                // Whoever carries this ends the connection once the part has passed.
                Some(_) if room < length => return room,
                _ if state.road != Road::Blocked => {
                    state.passed.messages += 1;
                    state.passed.statements += usize::from(to_server && matches!(message.kind, b'Q' | b'E'));
                    *(if to_server { &mut state.passed.to_server } else { &mut state.passed.to_client }) += length;
                    return length;
                }
                _ => state = self.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0,
            }
        }
    }

    /// Carries one message on. Ends the connection where that is what was to happen.
    fn forward(&self, message: &Message, to: &mut Socket, to_server: bool) -> io::Result<()> {
        let room = self.pass(message, to_server);
        to.write_all(&message.bytes[..room])?;
        if room < message.bytes.len() {
            let mut state = self.lock();
            let fault = state.fault.map_or(Fault::Cut, |(_, fault)| fault);
            self.happen(&mut state, fault);
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

/// One message with its head, or a piece of what is encrypted.
struct Message {
    /// Zero where there is none.
    kind: u8,
    bytes: Vec<u8>,
}

/// Carries a connection from its first message to its end.
fn carry(shared: &Arc<Shared>, mut client: Socket, mut server: Socket) -> io::Result<()> {
    let framed = loop {
        let message = read_message(&mut client, false)?;
        let code = message.bytes.get(4..8).map(|code| u32::from_be_bytes([code[0], code[1], code[2], code[3]]));
        shared.forward(&message, &mut server, true)?;
        if !matches!(code, Some(SSL_REQUEST | GSSENC_REQUEST)) {
            break true;
        }
        let mut answer = vec![0];
        server.read_exact(&mut answer)?;
        let encrypts = answer[0] != b'N';
        shared.forward(&Message { kind: 0, bytes: answer }, &mut client, false)?;
        if encrypts {
            break false;
        }
    };
    let (back, mut to_client, mut from_server) = (Arc::clone(shared), client.again()?, server.again()?);
    thread::spawn(move || carry_on(&back, &mut from_server, &mut to_client, framed, false));
    carry_on(shared, &mut client, &mut server, framed, true)
}

fn carry_on(shared: &Shared, from: &mut Socket, to: &mut Socket, framed: bool, to_server: bool) -> io::Result<()> {
    let carried = loop {
        let message = if framed { read_message(from, true) } else { read_piece(from) };
        if let Err(error) = message.and_then(|message| shared.forward(&message, to, to_server)) {
            break error;
        }
    };
    from.close();
    to.close();
    Err(carried)
}

fn read_message(from: &mut Socket, has_kind: bool) -> io::Result<Message> {
    let head = if has_kind { 5 } else { 4 };
    let mut bytes = vec![0; head];
    from.read_exact(&mut bytes)?;
    let length = &bytes[head - 4..];
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
    bytes.resize((head - 4 + length).max(head), 0);
    from.read_exact(&mut bytes[head..])?;
    Ok(Message { kind: if has_kind { bytes[0] } else { 0 }, bytes })
}

fn read_piece(from: &mut Socket) -> io::Result<Message> {
    let mut bytes = vec![0; 16 * 1024];
    let read = from.read(&mut bytes)?;
    bytes.truncate(read);
    if read == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(Message { kind: 0, bytes }) }
}

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn again(&self) -> io::Result<Self> {
        match self {
            Socket::Unix(stream) => stream.try_clone().map(Socket::Unix),
            Socket::Tcp(stream) => stream.try_clone().map(Socket::Tcp),
        }
    }

    fn close(&self) {
        // The other end may have closed it before.
        let _ = match self {
            Socket::Unix(stream) => stream.shutdown(Shutdown::Both),
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.read(buffer),
            Socket::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.write(bytes),
            Socket::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
