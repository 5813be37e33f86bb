//! What the HTTP client must not do, whatever a server answers: follow it elsewhere, read for ever, wait for ever, hand out
//! more than was asked for.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::support::socket::{SECRET, answering, form, read_request, send, serve};
use device_login::clock;
use device_login::http::client::Client;
use device_login::http::{Method, Request, TransportFailure};
use device_login::secret::Secret;
use url::Url;

/// What is asked for, and how.
type Kind = (&'static str, fn(Url) -> Request);

#[test]
fn no_redirect_is_followed_with_a_credential() {
    let bytes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&bytes);
    let (elsewhere, visits) = serve(move |mut stream| {
        let _ = counted.fetch_add(stream.read(&mut [0; 4096]).unwrap_or(0), Ordering::SeqCst);
    });
    let port = elsewhere.port().expect("a port of its own");
    let targets = [elsewhere.to_string(), format!("http://localhost:{port}/"), format!("//127.0.0.1:{port}/token")];
    let kinds: [Kind; 5] = [
        ("token", |url| form(&url)),
        ("device", |url| Request::form(url, &[("client_id", "1000.CLIENT"), ("scope", SECRET)])),
        ("revoke", |url| Request::form(url, &[("token", SECRET)])),
        ("userinfo", |url| Request::get(url).with_header("authorization", bearer())),
        ("api", |url| Request { method: Method::Put, ..form(&url) }.with_header("authorization", bearer())),
    ];
    let mut refused = 0;
    for (kind, request) in kinds {
        for status in [301, 302, 303, 307, 308] {
            for target in &targets {
                let head = format!("HTTP/1.1 {status} X\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
                let (url, _) = answering(head);
                let answer = send(request(url));
                assert_eq!(answer.map(|response| response.status), Ok(status), "{kind} to {target}");
                refused += 1;
            }
        }
    }
    assert_eq!((refused, visits.load(Ordering::SeqCst), bytes.load(Ordering::SeqCst)), (75, 0, 0));
}

fn bearer() -> Secret {
    Secret::new(format!("Bearer {SECRET}"))
}

#[test]
fn a_header_line_that_nobody_can_read_takes_nothing_from_an_answer() {
    for line in [
        "X-A : b",
        "X-A:b",
        "X-A: b\r\n  folded",
        "X-A: b\r\n\tfolded",
        "no colon",
        ": no name",
        "X A: b",
        "X-\u{e9}: b",
        "X-A: \u{1}b",
        "X-A: \u{e9}",
        "{\"json\": 1}",
    ] {
        let (url, _) = answering(format!("HTTP/1.1 200 OK\r\n{line}\r\ncontent-length: 2\r\n{line}\r\n\r\n{{}}"));
        let answer = send(form(&url)).map(|response| (response.status, response.body));
        assert_eq!(answer, Ok((200, b"{}".to_vec())), "{line:?}");
    }
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
fn the_time_at_which_an_answer_came_is_noted_beside_what_was_sent() {
    for date in [None, Some("Thu, 01 Jan 1970 00:00:07 GMT"), Some("soon")] {
        let head = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
        let (url, _) = answering(format!("HTTP/1.1 200 OK\r\n{head}content-length: 2\r\n\r\n{{}}"));
        let response = send(form(&url)).expect("an answer");
        let sent: Vec<(&str, &str)> =
            response.sent_headers().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected: Vec<(&str, &str)> =
            date.map(|date| ("date", date)).into_iter().chain([("content-length", "2")]).collect();
        assert_eq!(sent, expected);
        assert_eq!(response.date().is_some(), date.is_some_and(|date| date.ends_with("GMT")));
        let received = response.received().expect("a time");
        assert!(clock::wall().duration_since(received).as_secs().abs() < 60, "{received}");
    }
}

#[test]
fn a_connection_that_a_server_has_closed_meanwhile_fails_only_what_may_change_something() {
    let get = |url: &Url| Request::get(url.clone()).with_header("authorization", bearer());
    let head = |url: &Url| Request { method: Method::Head, ..get(url) };
    for (which, request, is_sent_again) in
        [("GET", &get as &dyn Fn(&Url) -> Request, true), ("HEAD", &head, true), ("POST", &form, false)]
    {
        // Answers one request of each connection, and closes with the next.
        let (url, connections) = serve(|mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0]);
        });
        let client = Client::new(None);
        let replies: Vec<_> = crate::support::runtime()
            .block_on(async { vec![client.send(request(&url)).await, client.send(request(&url)).await] });
        let answered = replies.iter().filter(|reply| reply.is_ok()).count();
        assert_eq!(answered, if is_sent_again { 2 } else { 1 }, "{which}: {replies:?}");
        assert_eq!(connections.load(Ordering::SeqCst), answered, "{which}");
        assert!(is_sent_again || matches!(replies[1], Err(TransportFailure::Closed(_))), "{which}: {replies:?}");
    }
}

#[test]
fn plain_http_leaves_this_machine_for_nobody() {
    for address in ["http://192.0.2.1/token", "http://accounts.example.com/token", "http://127.0.0.1.example.com/"] {
        let url = Url::parse(address).expect("an address");
        assert!(matches!(send(form(&url)), Err(TransportFailure::Setup(_))), "{address}");
    }
}
