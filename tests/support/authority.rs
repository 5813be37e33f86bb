//! A scripted authorization server and API on loopback, with a log of what it was asked. Knows no protocol: each test
//! gives the answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// One header a line, names in lower case.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Asked {
    /// Where the client takes the server to be.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.header("host").expect("every request names its host"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The server. It stops when dropped.
pub(crate) struct Authority {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Authority {
    /// Starts a server that answers each request with a status and a body.
    pub(crate) fn start(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Self {
        Self::start_with_headers(move |asked| {
            let (status, body) = answer(asked);
            (status, String::new(), body)
        })
    }

    /// The same with headers of its own, each with its line end.
    pub(crate) fn start_with_headers(answer: impl Fn(&Asked) -> (u16, String, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
        let address = listener.local_addr().expect("it listens");
        let (log, stopping) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (thread_log, thread_stopping) = (Arc::clone(&log), Arc::clone(&stopping));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if thread_stopping.load(Ordering::SeqCst) {
                    return;
                }
                let Some((asked, mut stream)) = stream.ok().and_then(read) else { continue };
                thread_log.lock().expect("no thread panics with it").push(asked.clone());
                let (status, headers, body) = answer(&asked);
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-limit: 7\r\n{headers}");
                let length = body.len();
                // A client that went away is the test's own doing.
                let _ = write!(stream, "{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            }
        });
        Self { address, log, stopping, thread: Some(thread) }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().expect("no thread panics with it").clone()
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.log().iter().filter(|asked| asked.path == path).count()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server's thread ends");
        }
    }
}

/// Reads a request with its body.
pub(crate) fn read(stream: TcpStream) -> Option<(Asked, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut asked = read_head(&mut reader)?;
    let length = asked.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some((asked, reader.into_inner()))
}

/// Reads a request up to its body.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.extend([&name.to_ascii_lowercase(), ": ", value.trim(), "\n"]);
    }
    Some(Asked { method, path, headers, body: String::new() })
}
