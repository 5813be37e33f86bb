//! What the HTTP client must not do, whatever a server answers: follow it elsewhere, read for ever, wait for ever, hand out
//! more than was asked for.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::support::socket::{SECRET, answering, form, read_request, send, serve};
use device_login::clock;
use device_login::http::{Method, Request, TransportFailure};
use device_login::secret::Secret;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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
fn an_answer_without_a_date_gets_the_time_at_which_it_came() {
    let date = |head: &str| {
        let (url, _) = answering(format!("HTTP/1.1 200 OK\r\n{head}content-length: 2\r\n\r\n{{}}"));
        let response = send(form(&url)).expect("an answer");
        response.header("date").expect("a date").to_owned()
    };
    assert_eq!(date("date: Thu, 01 Jan 1970 00:00:07 GMT\r\n"), "Thu, 01 Jan 1970 00:00:07 GMT");
    let added = date("");
    let read = DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", &added).expect(&added);
    let came = TimeZone::UTC.to_timestamp(read).expect("a time");
    assert!(clock::wall().duration_since(came).as_secs().abs() < 60, "{added}");
}

#[test]
fn plain_http_leaves_this_machine_for_nobody() {
    for address in ["http://192.0.2.1/token", "http://accounts.example.com/token", "http://127.0.0.1.example.com/"] {
        let url = Url::parse(address).expect("an address");
        assert!(matches!(send(form(&url)), Err(TransportFailure::Setup(_))), "{address}");
    }
}
