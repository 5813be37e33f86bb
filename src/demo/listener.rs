//! A listener that bounds what strangers can hold open: how many connections, how many of one address, and each for how
//! long.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::exchange::Response;
use crate::mutex::locked;

const MOST_CONNECTIONS: usize = 128;
const MOST_OF_ONE_ADDRESS: usize = 32;
/// A connection whose client has had so long for its turn gives way to others where there is no more room.
const GRACE: Duration = Duration::from_secs(1);

/// Whose turn it is on a connection, as its bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The client sends a request.
    Asking,
    /// The client takes the answer, and may think of another request.
    Answering,
}

impl Turn {
    /// How long the client has, however many bytes come or go meanwhile.
    fn patience(self) -> Duration {
        match self {
            Turn::Asking => Duration::from_secs(10),
            Turn::Answering => Duration::from_secs(60),
        }
    }
}

/// Accepts what there is room for; further connections wait in the system's queue.
pub(super) struct BoundedListener {
    listener: TcpListener,
    held: Arc<Held>,
    last_id: u64,
}

impl BoundedListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, held: Arc::default(), last_id: 0 }
    }
    /// Answers requests until `stopped` tells of something or its sender is gone; those that came before are still answered.
    pub(super) async fn serve<F>(
        mut self,
        answer: impl Fn(hyper::Request<Incoming>) -> F + Clone + Send + 'static,
        mut stopped: watch::Receiver<()>,
    ) where
        F: Future<Output = Response> + Send + 'static,
    {
        loop {
            let connection = tokio::select! {
                connection = self.accept() => connection,
                _ = stopped.changed() => return,
            };
            let (answer, mut stopped) = (answer.clone(), stopped.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let mut served = pin!(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
                tokio::select! {
                    // How a connection ends is its client's business.
                    _ = served.as_mut() => return,
                    _ = stopped.changed() => served.as_mut().graceful_shutdown(),
                }
                let _ = served.await;
            });
        }
    }

    async fn accept(&mut self) -> Connection {
        loop {
            let (stream, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(_) => {
                    // Nothing tells when there are descriptors again.
                    sleep(GRACE).await;
                    continue;
                }
            };
            let address = from.ip().to_canonical();
            // Programs of this machine are no strangers, and many of them may ask at once.
            let is_one_too_many = !address.is_loopback() && self.held.count(address) >= MOST_OF_ONE_ADDRESS;
            if is_one_too_many && !self.held.slowest_gives_way(address) {
                continue;
            }
            while let Some(crowd) = self.held.crowd()
                && !self.held.slowest_gives_way(crowd)
            {
                // Nothing tells when one of them has had its time.
                let _ = timeout(GRACE, self.held.left.notified()).await;
            }
            self.last_id += 1;
            return Connection::new(stream, address, self.last_id, Arc::clone(&self.held));
        }
    }
}

/// The connections that are open, by the order in which they came.
#[derive(Default)]
struct Held {
    places: Mutex<BTreeMap<u64, Place>>,
    left: tokio::sync::Notify,
}

struct Place {
    address: IpAddr,
    /// When its turn began.
    since: Instant,
    /// Closes the connection when dropped.
    _open: oneshot::Sender<()>,
}

impl Held {
    fn places(&self) -> MutexGuard<'_, BTreeMap<u64, Place>> {
        locked(&self.places)
    }

    fn count(&self, address: IpAddr) -> usize {
        self.places().values().filter(|place| place.address == address).count()
    }

    /// The address with the most connections, where there is no room for one more.
    fn crowd(&self) -> Option<IpAddr> {
        let places = self.places();
        let mut counts = BTreeMap::<IpAddr, usize>::new();
        for place in places.values() {
            *counts.entry(place.address).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(address, _)| address);
        most.filter(|_| places.len() >= MOST_CONNECTIONS)
    }

    /// Closes the connection of an address whose client has had the longest for its turn. Tells whether there is one that has
    /// had long enough.
    fn slowest_gives_way(&self, address: IpAddr) -> bool {
        let mut places = self.places();
        let is_slow = |place: &Place| place.address == address && place.since.elapsed() >= GRACE;
        let slow = places.iter().filter(|(_, place)| is_slow(place));
        let slowest = slow.min_by_key(|(_, place)| place.since).map(|(id, _)| *id);
        slowest.is_some_and(|id| places.remove(&id).is_some())
    }
}

/// A connection that ends by itself when its client takes too long.
pub(super) struct Connection {
    stream: TcpStream,
    turn: Turn,
    deadline: Pin<Box<Sleep>>,
    closed: oneshot::Receiver<()>,
    id: u64,
    held: Arc<Held>,
}

impl Connection {
    fn new(stream: TcpStream, address: IpAddr, id: u64, held: Arc<Held>) -> Self {
        let turn = Turn::Asking;
        let (open, closed) = oneshot::channel();
        // The timer's own clock, which tests can pause; the demo's state never sees it.
        held.places().insert(id, Place { address, since: Instant::now(), _open: open });
        Self { stream, turn, deadline: Box::pin(sleep(turn.patience())), closed, id, held }
    }

    fn turns(&mut self, turn: Turn) {
        if self.turn != turn {
            self.turn = turn;
            let now = Instant::now();
            self.deadline.as_mut().reset(now + turn.patience());
            if let Some(place) = self.held.places().get_mut(&self.id) {
                place.since = now;
            }
        }
    }

    /// Fails once the client has had its time, or others need the place.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let is_closed = Pin::new(&mut self.closed).poll(cx).is_ready();
        if is_closed || self.deadline.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.held.places().remove(&self.id);
        self.held.left.notify_one();
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_time(cx)?;
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.turns(Turn::Asking);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_time(cx)?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.turns(Turn::Answering);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use hyper::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    use super::{BoundedListener, Held, Incoming, MOST_CONNECTIONS};
    use crate::demo::exchange::{Request, of_type, text};

    const HEAD: &[u8] = b"POST /short HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n";
    const SHORT: &[u8] = b"POST /short HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    const LONG: &[u8] = b"POST /long HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";

    /// A server one of whose answers is far longer than what sockets hold.
    async fn serve() -> (SocketAddr, Arc<Held>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback can be listened at");
        let address = listener.local_addr().expect("it listens");
        let listener = BoundedListener::new(listener);
        let held = Arc::clone(&listener.held);
        let answer = async |request: hyper::Request<Incoming>| match Request::read(request, 16 * 1024).await {
            Ok(request) if request.path() == "/long" => of_type("text/plain", StatusCode::OK, vec![b'x'; 32 << 20]),
            Ok(_) => text(StatusCode::OK, "short"),
            Err(refusal) => refusal,
        };
        tokio::spawn(async move {
            let (_running, stopped) = watch::channel(());
            listener.serve(answer, stopped).await;
        });
        (address, held)
    }

    #[derive(Clone, Copy, Debug)]
    enum Then {
        Silent,
        SendsBytes,
        TakesBytes,
    }

    /// For how many seconds the server holds a connection on which this comes, and then a byte a second or nothing.
    async fn seconds_held(first: &[u8], then: Then) -> u64 {
        let (address, held) = serve().await;
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let begun = Instant::now();
        stream.write_all(first).await.expect("it reads");
        let client = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                // Where the server has closed it, the end is noticed below.
                let _ = match then {
                    Then::Silent => Ok(0),
                    Then::SendsBytes => stream.write(b"P").await,
                    Then::TakesBytes => stream.read(&mut [0]).await,
                };
            }
        };
        tokio::select! {
            () = client => {}
            () = held.left.notified() => {}
        }
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_a_while_for_its_turn_however_it_spends_it() {
        for (what, first, then, seconds) in [
            ("no request", &b""[..], Then::Silent, 10),
            ("half a head", &HEAD[..9], Then::Silent, 10),
            ("a head byte by byte", &HEAD[..9], Then::SendsBytes, 10),
            ("a head without its body", HEAD, Then::Silent, 10),
            ("a body byte by byte", HEAD, Then::SendsBytes, 10),
            ("an answer that is not taken", LONG, Then::Silent, 60),
            ("an answer byte by byte", LONG, Then::TakesBytes, 60),
            ("no further request", SHORT, Then::Silent, 60),
            ("half a further request after a second", SHORT, Then::SendsBytes, 11),
        ] {
            let held = seconds_held(first, then).await;
            assert!((seconds..=seconds + 1).contains(&held), "{what}: {held} s, expected {seconds} s");
        }
    }

    async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("an address of loopback");
        socket.connect(to).await.expect("it listens")
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_holds_the_most_makes_room_for_others() {
        let (address, held) = serve().await;
        let [many, few] = [2, 3].map(|last| Ipv4Addr::new(127, 0, 0, last));
        let mut early = connect(few, address).await;
        let mut crowd = Vec::new();
        for _ in 0..2 * MOST_CONNECTIONS {
            crowd.push(connect(many, address).await);
        }
        let begun = Instant::now();
        for stream in [&mut connect(few, address).await, &mut early] {
            stream.write_all(SHORT).await.expect("it reads");
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.expect("it answers");
            assert_eq!(answer, b"HTTP/1.1 200");
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        assert!(held.places().len() <= MOST_CONNECTIONS);
    }
}
