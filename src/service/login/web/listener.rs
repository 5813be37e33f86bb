//! Listens on loopback for the browser's way back (RFC 8252 §7.3), for one path and one sign-in.
//!
//! Whatever else on this machine connects is answered and forgotten; it can neither hold up nor end the sign-in. Knows
//! nothing of codes: it hands on addresses, and `oauth::authorization` reads them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::AbortHandle;
use url::{Host, Url};

use crate::registered::RedirectUri;

/// Bytes; longer requests are none of a browser's. All pages of this machine share their cookies, so there may be many.
const LONGEST_REQUEST: usize = 256 * 1024;
/// A browser that says nothing for so long says nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// Visitors that wait to be read.
const WAITING_ROOM: usize = 16;
/// Connections that are open at a time. Others on this machine may open many, and this process needs files of its own.
const MOST_CONNECTIONS: usize = 64;

/// A listener at a redirect URI. It stops when dropped.
pub(super) struct RedirectListener {
    redirect_uri: RedirectUri,
    visits: Mutex<mpsc::Receiver<Visit>>,
    listening: Vec<tokio::task::JoinHandle<()>>,
}

/// A browser that came to the redirect URI and waits for its page.
pub(super) struct Visit {
    /// The whole address that it opened.
    pub(super) address: String,
    page: oneshot::Sender<String>,
    /// Tells when the page is on its way, or never will be.
    shown: oneshot::Receiver<()>,
}

impl Visit {
    /// Shows the browser a page, and waits until it is on its way: the process may end after that.
    pub(super) async fn answer(self, title: &str, text: &str) {
        // A browser that went away needs no page.
        let _ = self.page.send(page(title, text));
        let _ = self.shown.await;
    }
}

/// Listens at one port of both addresses, since browsers may take `localhost` for either. A machine without IPv6 has only the one.
///
/// # Errors
///
/// Somebody else listens at one of them, who may be given the code.
async fn listen(first: IpAddr, second: Option<IpAddr>, port: u16) -> io::Result<Vec<TcpListener>> {
    let listener = TcpListener::bind(SocketAddr::new(first, port)).await?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![listener];
    if let Some(second) = second {
        match TcpListener::bind(SocketAddr::new(second, port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
    }
    Ok(listeners)
}

impl RedirectListener {
    /// Listens at every address of the redirect URI's host; `None` where that cannot be, as with `https`, for which nobody
    /// here has a certificate. Port 0 stands for any free one.
    pub(super) async fn bind(redirect_uri: &RedirectUri) -> Option<Self> {
        let url = redirect_uri.url();
        if url.scheme() != "http" {
            return None;
        }
        let port = url.port_or_known_default()?;
        let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        let (first, second) = match url.host()? {
            Host::Ipv4(address) => (address.into(), None),
            Host::Ipv6(address) => (address.into(), None),
            Host::Domain(_) => (v4, Some(v6)),
        };
        let mut listeners = listen(first, second, port).await;
        if port == 0 && listeners.is_err() {
            // Somebody has the free one of the first address at the second.
            listeners = listen(first, second, port).await;
        }
        let listeners = listeners.ok()?;
        let redirect_uri = redirect_uri.with_port(listeners.first()?.local_addr().ok()?.port());
        let (sender, visits) = mpsc::channel(WAITING_ROOM);
        let accept = |listener| tokio::spawn(accept(listener, redirect_uri.clone(), sender.clone()));
        let listening = listeners.into_iter().map(accept).collect();
        Some(Self { redirect_uri, visits: Mutex::new(visits), listening })
    }

    /// The redirect URI with the port at which it listens.
    pub(super) fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// The next browser that comes to the redirect URI.
    pub(super) async fn next(&self) -> Visit {
        match self.visits.lock().await.recv().await {
            Some(visit) => visit,
            // Nobody listens any more.
            None => std::future::pending().await,
        }
    }
}

impl Drop for RedirectListener {
    fn drop(&mut self) {
        self.listening.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn accept(listener: TcpListener, redirect_uri: RedirectUri, visits: mpsc::Sender<Visit>) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection| !connection.is_finished());
                // A browser speaks at once, so whoever has been here longest is the least likely to be one.
                if open.len() >= MOST_CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let visit = receive(stream, redirect_uri.clone(), visits.clone());
                open.push_back(tokio::spawn(visit).abort_handle());
            }
            // Too many open files and the like: the person can still paste the address.
            Err(_) => tokio::time::sleep(PATIENCE).await,
        }
    }
}

async fn receive(mut stream: TcpStream, redirect_uri: RedirectUri, visits: mpsc::Sender<Visit>) {
    let Ok(Some(target)) = tokio::time::timeout(PATIENCE, read_target(&mut stream)).await else { return };
    // A target may look like a path and lead to another host: `//host/`, `/\host/`.
    let is_ours = |asked: &Url| redirect_uri.leads_to(asked);
    let asked = redirect_uri.url().join(&target).ok().filter(is_ours).filter(|_| target.starts_with('/'));
    let Some(address) = asked else {
        let nothing = page("Nothing here", "This machine waits for a sign-in at another address.");
        return show(&mut stream, "404 Not Found", &nothing).await;
    };
    let (page, body) = oneshot::channel();
    let (written, shown) = oneshot::channel();
    if visits.send(Visit { address: address.into(), page, shown }).await.is_err() {
        return;
    }
    show(&mut stream, "200 OK", &body.await.unwrap_or_else(|_| page_of_the_end())).await;
    // Nobody may wait for that any more.
    let _ = written.send(());
}

async fn show(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    let _ = tokio::time::timeout(PATIENCE, async {
        // A browser that went away needs no page.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let _ = stream.shutdown().await;
    })
    .await;
}

/// The target of a GET request; `None` for everything else.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    const END: &[u8] = b"\r\n\r\n";
    let (mut request, mut looked_at) = (Vec::new(), 0);
    while !request[looked_at..].windows(END.len()).any(|window| window == END) {
        looked_at = request.len().saturating_sub(END.len() - 1);
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        if request.len() > LONGEST_REQUEST {
            return None;
        }
    }
    let first = String::from_utf8_lossy(&request).lines().next()?.to_owned();
    let target = first.strip_prefix("GET ")?.split(' ').next()?;
    Some(target.to_owned())
}

fn page_of_the_end() -> String {
    page("Too late", "The sign-in in the terminal has ended.")
}

/// Both texts are this program's own.
fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;\
         padding:0 1rem}}</style><h1>{title}</h1><p>{text}</p></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::{MOST_CONNECTIONS, PATIENCE, RedirectListener};

    /// Sends a request as it stands and reads all that comes back.
    async fn visit(listener: &RedirectListener, request: &str) -> String {
        let port = listener.redirect_uri().url().port().expect("a port");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }

    async fn listener() -> RedirectListener {
        let any = "http://localhost:0/callback".parse().expect("an address");
        RedirectListener::bind(&any).await.expect("loopback can be listened at")
    }

    #[tokio::test]
    async fn where_somebody_else_has_either_address_nobody_is_said_to_listen() {
        for taken in ["127.0.0.1:0", "[::1]:0"] {
            // A machine without IPv6 has nobody there.
            let Ok(other) = tokio::net::TcpListener::bind(taken).await else { continue };
            let port = other.local_addr().expect("it listens").port();
            let uri = format!("http://localhost:{port}/callback").parse().expect("an address");
            assert!(RedirectListener::bind(&uri).await.is_none(), "{taken}");
        }
    }

    #[tokio::test]
    async fn a_browser_at_the_redirect_uri_is_handed_on_and_gets_its_page() {
        let listener = listener().await;
        let request = "GET /callback?code=c&state=s HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let (answer, ()) = tokio::join!(visit(&listener, request), async {
            let visit = listener.next().await;
            assert_eq!(visit.address, format!("{}?code=c&state=s", listener.redirect_uri()));
            visit.answer("Approved", "Go back.").await;
        });
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("<h1>Approved</h1>"), "{answer}");
        assert!(answer.contains("no-referrer") && answer.contains("no-store"));
    }

    #[tokio::test]
    async fn a_browser_may_have_many_cookies_of_this_machines_other_pages() {
        let listener = listener().await;
        for bytes in [0, 10_000, 100_000, 250_000] {
            let request = format!("GET /callback?code=c HTTP/1.1\r\ncookie: {}\r\n\r\n", "c".repeat(bytes));
            let ((), answer) = tokio::join!(
                async { listener.next().await.answer("Approved", "Go back.").await },
                visit(&listener, &request)
            );
            assert!(answer.contains("Approved"), "{bytes}: {answer}");
        }
    }

    #[tokio::test]
    async fn whatever_else_connects_is_not_handed_on() {
        let listener = listener().await;
        for request in [
            "GET /favicon.ico HTTP/1.1\r\n\r\n",
            "GET //evil.example/callback?code=c HTTP/1.1\r\n\r\n",
            "GET /\\evil.example/callback?code=c HTTP/1.1\r\n\r\n",
            "GET /\t/evil.example/callback?code=c HTTP/1.1\r\n\r\n",
            "GET callback?code=c HTTP/1.1\r\n\r\n",
            "GET ?code=c HTTP/1.1\r\n\r\n",
            "GET http://evil.example/callback?code=c HTTP/1.1\r\n\r\n",
        ] {
            assert!(visit(&listener, request).await.starts_with("HTTP/1.1 404 "), "{request}");
        }
        for request in ["POST /callback HTTP/1.1\r\n\r\n", "\r\n\r\n"] {
            assert_eq!(visit(&listener, request).await, "", "{request:?}");
        }
        let next = tokio::time::timeout(std::time::Duration::ZERO, listener.next()).await;
        assert!(next.is_err(), "nobody was handed on");
    }

    #[tokio::test]
    async fn connections_that_say_nothing_make_room_for_a_browser() {
        let listener = listener().await;
        let port = listener.redirect_uri().url().port().expect("a port");
        let mut silent = Vec::new();
        for _ in 0..=MOST_CONNECTIONS {
            silent.push(TcpStream::connect(("127.0.0.1", port)).await.expect("it listens"));
        }
        // The oldest is closed long before its patience ends.
        let ended = tokio::time::timeout(PATIENCE / 2, silent[0].read(&mut [0])).await.expect("it was closed");
        assert!(matches!(ended, Ok(0) | Err(_)));
        let ((), visited) = tokio::join!(
            async { listener.next().await.answer("Approved", "Go back.").await },
            visit(&listener, "GET /callback?code=c HTTP/1.1\r\n\r\n"),
        );
        assert!(visited.contains("Approved"), "{visited}");
    }

    #[tokio::test]
    async fn nobody_listens_where_a_browser_would_want_a_certificate() {
        let secure = "https://localhost:0/callback".parse().expect("an address");
        assert!(RedirectListener::bind(&secure).await.is_none());
    }
}
