//! What the HTTP client must not do, whatever a server answers: follow it elsewhere, read for ever, wait for ever, hand out
//! more than was asked for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use device_login::http::client::Client;
use device_login::http::{Request, Response, TransportFailure};
use url::Url;

const SECRET: &str = "sentinel-secret-0123456789";

/// Answers every connection by `answer`, and counts them.
fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let url = Url::parse(&format!("http://{}/token", listener.local_addr().expect("it listens"))).expect("an address");
    let (count, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer(stream));
        }
    });
    (url, count)
}

/// Reads one request to the end of its form.
fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(SECRET.as_bytes()) && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        seen.extend(byte);
    }
}

fn answering(text: impl Into<Vec<u8>>) -> (Url, Arc<AtomicUsize>) {
    let text = text.into();
    serve(move |mut stream| {
        read_request(&mut stream);
        // A client that has enough closes first.
        let _ = stream.write_all(&text);
    })
}

fn send(request: Request) -> Result<Response, TransportFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(Client::new(None).send(request))
}

fn form(url: &Url) -> Request {
    Request::form(url.clone(), &[("client_secret", SECRET)])
}

#[test]
fn no_redirect_is_followed() {
    let (elsewhere, visits) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    for status in [301, 302, 303, 307, 308] {
        let (url, _) = answering(format!("HTTP/1.1 {status} X\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(send(form(&url)).map(|response| response.status), Ok(status));
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_without_end_is_read_to_its_limit_only() {
    let (written, bytes) = mpsc::channel();
    let (url, _) = serve(move |mut stream| {
        read_request(&mut stream);
        let mut sent = stream.write(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_or(0);
        while let Ok(more) = stream.write(&[b'x'; 4096]) {
            sent += more;
        }
        written.send(sent).expect("the test listens");
    });
    let request = Request { body_limit: 64 * 1024, ..form(&url) };
    assert!(matches!(send(request), Err(TransportFailure::TooLarge(_, 65536))));
    // What was on its way when the connection closed counts as well.
    assert!(bytes.recv_timeout(Duration::from_secs(20)).expect("the server is done") < 64 * 1024 * 1024);
}

#[test]
fn packed_bodies_are_not_unpacked() {
    let (url, _) = answering("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x0b\x08\x00");
    assert_eq!(send(form(&url)).map(|response| response.body.len()), Ok(4));
}

#[test]
fn a_server_that_says_nothing_is_given_up_at_the_deadline() {
    let (url, _) = serve(|mut stream| {
        read_request(&mut stream);
        // Until the client goes away.
        let _ = stream.read(&mut [0]);
    });
    let request = Request { deadline: Duration::from_millis(200), ..form(&url) };
    assert!(matches!(send(request), Err(TransportFailure::Timeout(_))));
}

#[test]
fn failures_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let url = Url::parse(&format!("http://{closed}/")).expect("an address");
    assert!(matches!(send(form(&url)), Err(TransportFailure::Connect(_))));
    let (url, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    assert!(matches!(send(form(&url)), Err(TransportFailure::Truncated(_))));
}

#[test]
fn plain_http_leaves_this_machine_for_nobody() {
    for address in ["http://192.0.2.1/token", "http://accounts.example.com/token", "http://127.0.0.1.example.com/"] {
        let url = Url::parse(address).expect("an address");
        assert!(matches!(send(form(&url)), Err(TransportFailure::Setup(_))), "{address}");
    }
}
