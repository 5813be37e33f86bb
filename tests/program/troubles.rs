//! Every way in which a poll brings no answer, from a real socket to the event: each has its steady word and none ends the
//! sign-in.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::support::authority;
use crate::support::program::{Home, configuration, ended};
use crate::support::socket::{answering, closed_port, form, read_request, send, serve};
use device_login::clock::Moment;
use device_login::http::trouble::Trouble;
use device_login::http::{Request, Response, TransportFailure};
use device_login::oauth::device::{DeviceEvent, DeviceFlow};
use device_login::oauth::{Client, Step};
use device_login::providers::zoho;
use url::Url;

type Reply = Result<Response, TransportFailure>;

const CODE: &str = r#"{"user_code":"WLKU-4502","device_code":"1004.code","interval":5,"expires_in":300}"#;

/// The word and the sentence that a poll with this answer leads to; the sign-in goes on.
fn told(name: &str, reply: Reply) -> (&'static str, String) {
    let provider = zoho::provider();
    let data_center = provider.default_data_center().clone();
    let client = Client::new("1000.CLIENT", None);
    let mut flow = DeviceFlow::new(provider, data_center, client, Vec::new());
    let at = |seconds| Moment::at(Duration::from_secs(seconds));
    assert!(matches!(flow.poll(at(0)), Step::Send(_)));
    flow.handle(at(0), Ok(Response { status: 200, headers: Vec::new(), body: CODE.into() }));
    assert!(matches!(flow.poll(at(6)), Step::Send(_)));
    flow.handle(at(6), reply);
    assert!(matches!(flow.poll(at(6)), Step::Wait(until) if until > at(10)), "{name}: {flow:?}");
    match flow.events().last() {
        Some(DeviceEvent::Retrying { trouble, reason, .. }) => (trouble.word(), reason),
        event => panic!("{name}: {event:?}"),
    }
}

fn with_length(status: &str, head: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// Whole answers that mean nothing: status line, headers, body, word.
const ANSWERS: [(&str, &str, &str, &str); 45] = [
    ("200 OK", "content-type: text/html\r\n", "<html>Sign in to the network</html>", "portal"),
    ("200 OK", "content-type: text/html; charset=utf-8\r\n", "Sign in", "portal"),
    ("200 OK", "", "<!doctype html><title>Wi-Fi</title>", "portal"),
    ("200 OK", "", "\u{feff}\r\n <HTML>", "portal"),
    ("200 OK", "content-type: application/json\r\n", "<?xml version=\"1.0\"?><WISPAccessGatewayParam/>", "portal"),
    ("403 Forbidden", "content-type: text/html\r\n", "<h1>Blocked by policy</h1>", "portal"),
    ("404 Not Found", "", "<html>nginx</html>", "garbled"),
    ("407 Proxy Authentication Required", "", "<html>proxy</html>", "portal"),
    ("301 Moved", "location: http://portal.example/\r\n", "", "portal"),
    ("302 Found", "location: http://portal.example/\r\n", "<html>", "portal"),
    ("303 See Other", "location: /login\r\n", "", "portal"),
    ("307 Temporary Redirect", "location: http://10.0.0.1/\r\n", "", "portal"),
    ("308 Permanent Redirect", "location: http://10.0.0.1/\r\n", "", "portal"),
    ("302 Found", "location: /\r\n", r#"{"access_token":"1000.a"}"#, "portal"),
    ("511 Network Authentication Required", "", "<html>", "portal"),
    ("500 Internal Server Error", "", "", "server_error"),
    ("500 Internal Server Error", "", r#"{"error":"nobody_knows"}"#, "server_error"),
    ("500 Internal Server Error", "", r#"{"refresh_token":"1000.r"}"#, "server_error"),
    ("502 Bad Gateway", "content-type: text/html\r\n", "<html>nginx</html>", "server_error"),
    ("503 Service Unavailable", "", "down for maintenance", "server_error"),
    ("504 Gateway Timeout", "", "upstream request timeout", "server_error"),
    ("599 X", "", "", "server_error"),
    ("400 Bad Request", "", r#"{"error":"server_error"}"#, "server_error"),
    ("200 OK", "", r#"{"error":"temporarily_unavailable"}"#, "server_error"),
    ("429 Too Many Requests", "", "", "throttled"),
    ("429 Too Many Requests", "retry-after: 7\r\n", "<html>slow</html>", "throttled"),
    ("429 Too Many Requests", "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "{}", "throttled"),
    ("503 Service Unavailable", "retry-after: 120\r\n", "", "throttled"),
    ("400 Bad Request", "", r#"{"error":"Access Denied","status":"failure"}"#, "throttled"),
    ("200 OK", "", "", "empty"),
    ("200 OK", "content-type: text/html\r\n", "", "empty"),
    ("200 OK", "", " \r\n\t ", "empty"),
    ("400 Bad Request", "", "", "empty"),
    ("200 OK", "", r#"{"error":"authorization_pen"#, "truncated"),
    ("200 OK", "", r#"{"access_token":"1000.a","#, "truncated"),
    ("200 OK", "", "\0\0\0\0\0\0\0\0", "garbled"),
    ("200 OK", "", r#"{"error":authorization_pending}"#, "garbled"),
    ("200 OK", "content-encoding: gzip\r\n", "\u{1f}\u{8b}\u{8}\0", "garbled"),
    ("200 OK", "", "OK", "garbled"),
    ("200 OK", "", "null", "garbled"),
    ("200 OK", "", "[]", "garbled"),
    ("200 OK", "", "{}", "garbled"),
    ("200 OK", "", r#""authorization_pending""#, "garbled"),
    ("200 OK", "", "authorization_pending", "garbled"),
    ("200 OK", "", r#"{"access_token":[7]}"#, "garbled"),
];

/// Bytes that are no whole answer, after which the server closes.
const BYTES: [(&str, &str); 14] = [
    ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"err", "truncated"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{\"err", "truncated"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", "truncated"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n", "garbled"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n{}", "garbled"),
    ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}", "garbled"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", "garbled"),
    ("HTTP/1.1 200 OK\r\nna\0me: value\r\n\r\n{}", "garbled"),
    ("HTTP/1.1 abc OK\r\n\r\n{}", "garbled"),
    ("SSH-2.0-OpenSSH_9.9\r\n", "garbled"),
    ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "garbled"),
    ("{\"error\":\"authorization_pending\"}", "garbled"),
    ("HTTP/1.1 200 OK\r\ncontent-le", "closed"),
    ("", "closed"),
];

type Server = fn(TcpStream);

/// Servers that answer too much, too slowly or not at all.
const SERVERS: [(&str, Server, &str); 8] = [
    ("no end", |stream| endless(stream, "HTTP/1.1 200 OK\r\n\r\n"), "too_large"),
    (
        "pieces without end",
        |stream| endless(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7fffffff\r\n"),
        "too_large",
    ),
    ("a gigabyte", |stream| endless(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n"), "too_large"),
    ("a head without end", |stream| endless(stream, "HTTP/1.1 200 OK\r\nx: "), "garbled"),
    ("silence", |stream| trickle(stream, ""), "timeout"),
    ("a slow head", |stream| trickle(stream, "HTTP/1.1 200 OK\r\nx: "), "timeout"),
    ("a slow body", |stream| trickle(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"), "slow"),
    // What was not read makes the kernel reset the connection.
    ("a reset", |mut stream| drop(stream.read(&mut [0; 10])), "closed"),
];

fn endless(mut stream: TcpStream, head: &str) {
    read_request(&mut stream);
    let mut open = stream.write_all(head.as_bytes());
    while open.is_ok() {
        open = stream.write_all(&[b'x'; 4096]);
    }
}

/// A byte now and then, for as long as anybody listens.
fn trickle(mut stream: TcpStream, head: &str) {
    read_request(&mut stream);
    let mut open = stream.write_all(head.as_bytes());
    let pace = Some(Duration::from_millis(20));
    stream.set_read_timeout(pace).expect("a time that is not zero");
    while open.is_ok() && !stream.read(&mut [0]).is_ok_and(|read| read == 0) {
        open = if head.is_empty() { Ok(()) } else { stream.write_all(b" ") };
    }
}

/// Nothing takes longer than this.
const DEADLINE: Duration = Duration::from_secs(2);

#[test]
fn every_trouble_has_its_word_and_none_ends_a_sign_in() {
    let mut seen = BTreeSet::new();
    let mut complaints = Vec::new();
    let mut check = |name: &str, url: &Url, expected: &'static str, deadline: Duration| {
        let (word, sentence) = told(name, send(Request { deadline, ..form(url) }));
        seen.insert(expected);
        if word != expected {
            complaints.push(format!("{name:?}: {word} ({sentence}), expected {expected}"));
        }
    };
    let patient = Duration::from_secs(20);
    for (status, head, body, word) in ANSWERS {
        check(&format!("{status} {body}"), &answering(with_length(status, head, body)).0, word, patient);
    }
    for (bytes, word) in BYTES {
        check(bytes, &answering(bytes).0, word, patient);
    }
    for (name, server, word) in SERVERS {
        let deadline = if ["slow", "timeout"].contains(&word) { DEADLINE } else { patient };
        check(name, &serve(server).0, word, deadline);
    }
    let (_socket, closed) = closed_port();
    check("nobody listens", &Url::parse(&format!("http://{closed}/")).expect("an address"), "refused", patient);
    // Longer than a label may be, and a name that no server knows (RFC 6761 §6.4).
    for name in [format!("https://{}.example/", "a".repeat(64)), "https://nothing.invalid/".to_owned()] {
        check("no such name", &Url::parse(&name).expect("an address"), "dns", patient);
    }
    assert!(complaints.is_empty(), "{} of them:\n{}", complaints.len(), complaints.join("\n"));
    // Those about connections that cannot be made are tested with TLS and proxies.
    let elsewhere = ["connect_timeout", "proxy", "setup", "tls", "unreachable"];
    let all: BTreeSet<&str> = Trouble::ALL.iter().map(|trouble| trouble.word()).collect();
    assert_eq!(all.len(), Trouble::ALL.len(), "no two have the same word");
    let documented = include_str!("../../README.md");
    assert!(all.iter().all(|word| documented.contains(&format!("`{word}`"))), "the words are in the README");
    assert_eq!(seen.union(&elsewhere.into()).copied().collect::<BTreeSet<_>>(), all);
}

/// What the program says of a refresh that met a trouble: its exit code. The sign-in is as it was, and the next try works.
#[test]
fn no_trouble_of_a_refresh_is_taken_for_the_end_of_a_sign_in() {
    let answers = ANSWERS.map(|(status, head, body, word)| (with_length(status, head, body), word));
    // Words of Zoho's, which mean nothing elsewhere.
    let answers = answers.into_iter().filter(|(answer, _)| !answer.contains("Access Denied"));
    let all: Vec<_> = answers.chain(BYTES.map(|(bytes, word)| (bytes.to_owned(), word))).collect();
    // Most of it is waiting to ask once more.
    let complaints: Vec<String> = thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(4));
        let complain = |part: &[(String, &str)]| -> Vec<String> {
            part.iter().filter_map(|(answer, word)| complaint_of_a_refresh(answer, word)).collect()
        };
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || complain(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("no part panics")).collect()
    });
    println!(
        "{} of {} troubles of a refresh told, none taken for the end of a sign-in",
        all.len() - complaints.len(),
        all.len()
    );
    assert!(complaints.is_empty(), "{} of them:\n{}", complaints.len(), complaints.join("\n"));
}

/// What is wrong where a refresh gets this answer, and the next one a good one.
fn complaint_of_a_refresh(answer: &str, word: &str) -> Option<String> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, answer_bytes) = (Arc::clone(&is_over), answer.to_owned());
    let good = with_length("200 OK", "", r#"{"access_token":"AT2","expires_in":3600}"#);
    let (url, _) = serve(move |stream| {
        let Some((_, mut stream)) = authority::read(stream) else { return };
        let answer = if over.load(Ordering::SeqCst) { &good } else { &answer_bytes };
        // A client that has enough closes first.
        let _ = stream.write_all(answer.as_bytes());
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::in_memory();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, ended);
    let met = home.run(&["token"]);
    // An address at the same server is one to be written into the configuration; a time that was is no time to wait.
    let (expected, then) = match word {
        "throttled" => (10, if answer.contains("GMT") { 0 } else { 10 }),
        _ if answer.contains("location: /") => (2, 0),
        _ => (7, 0),
    };
    let state = home.run(&["status", "--json"]).json()["profiles"][0]["state"].clone();
    is_over.store(true, Ordering::SeqCst);
    // Whoever is throttled waits, and asks nobody.
    let again = home.run(&["refresh"]);
    let is_well = (met.code, again.code) == (expected, then);
    let is_ill = !is_well || state != "expired" || met.stderr.contains("panicked");
    is_ill.then(|| format!("{answer:?} ({word}): {met:?} {state} {again:?}"))
}

#[test]
fn nothing_is_sent_twice() {
    let (url, visits) = answering("HTTP/1.1 200 OK\r\ncontent-le");
    assert!(send(form(&url)).is_err());
    assert_eq!(visits.load(Ordering::SeqCst), 1);
}

#[test]
fn a_slow_answer_ends_at_the_deadline() {
    let (tell, told) = mpsc::channel();
    let (url, _) = serve(move |stream| {
        trickle(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        tell.send(()).expect("the test listens");
    });
    assert!(matches!(send(Request { deadline: DEADLINE, ..form(&url) }), Err(TransportFailure::Slow(_))));
    told.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
}

#[test]
fn an_object_that_came_whole_is_the_answer_when_the_time_is_over() {
    for (body, is_whole) in [(r#"{"access_token":"AT1"}"#, true), (r#"{"access_token":"AT1""#, false), ("{}", false)] {
        let (url, _) = serve(move |mut stream| {
            read_request(&mut stream);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{body}");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let answer = send(Request { deadline: DEADLINE, ..form(&url) });
        let expected = if is_whole { Ok(body.as_bytes()) } else { Err(true) };
        let answer = answer.as_ref().map(|response| response.body.as_slice());
        assert_eq!(answer.map_err(|failure| matches!(failure, TransportFailure::Slow(_))), expected, "{body}");
    }
}
