//! Servers on loopback that answer by hand, for what no honest server sends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use device_login::http::client::Client;
use device_login::http::{Request, Response, TransportFailure};
use tokio::net::TcpSocket;
use url::Url;

/// The end of every request's form.
pub(crate) const SECRET: &str = "sentinel-secret-0123456789";

/// Answers every connection by `answer`, and counts them.
pub(crate) fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> (Url, Arc<AtomicUsize>) {
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

/// An address that refuses connections as long as the socket lives: it has the port, and does not listen.
pub(crate) fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// Reads one request to the end of its form.
pub(crate) fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(SECRET.as_bytes()) && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        seen.extend(byte);
    }
}

/// Answers every request with these bytes and closes.
pub(crate) fn answering(text: impl Into<Vec<u8>>) -> (Url, Arc<AtomicUsize>) {
    let text = text.into();
    serve(move |mut stream| {
        read_request(&mut stream);
        // A client that has enough closes first.
        let _ = stream.write_all(&text);
    })
}

pub(crate) fn send(request: Request) -> Result<Response, TransportFailure> {
    crate::support::runtime().block_on(Client::new(None).send(request))
}

pub(crate) fn form(url: &Url) -> Request {
    Request::form(url.clone(), &[("client_secret", SECRET)])
}
