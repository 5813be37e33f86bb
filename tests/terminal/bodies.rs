//! What `api` shows on a terminal: answers for people, and how far a long call has come.

use std::io::{Read, Write};
use std::sync::{Mutex, mpsc};

use crate::support::authority::Authority;
use crate::support::program::{Home, configuration};
use crate::support::pty::Terminal;
use crate::support::socket;

fn start(home: &Home, script: &str) -> Terminal {
    Terminal::start_shell(&format!("export DEVICE_LOGIN_HOME={}; {script}", home.path("").display()), 90, 24)
}

#[test]
fn answers_are_readable_and_empty_ones_are_told() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/204" => (204, String::new()),
        "/304" => (304, String::new()),
        "/empty" => (200, String::new()),
        "/hostile" => (200, "[\"\u{1b}[2J\u{202e}\"]".to_owned()),
        _ => (200, r#"{"id":12345678901234567890,"id":1.0,"list":[]}"#.to_owned()),
    });
    let home = Home::at(&authority);
    home.sign_in(&authority, |_| {});
    let terminal = start(
        &home,
        "$program api /204; $program -q api /204; $program api /304; $program api /empty; $program api HEAD /x; \
         $program --color never api /x; $program api /hostile; $program api /x",
    );
    terminal.wait_for_bytes(b"\x1b[1;34m\"id\"\x1b[0m: \x1b[36m12345678901234567890\x1b[0m,\r\n");
    let screen = terminal.wait_for("\"list\"");
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    let plain = ["{", "  \"id\": 12345678901234567890,", "  \"id\": 1.0,", "  \"list\": []", "}"];
    let expected: Vec<&str> = [
        &["204 No Content", "304 Not Modified", "200 OK, with an empty body", "200 OK"][..],
        &plain,
        &["[", "  \"<U+001B>[2J<U+202E>\"", "]"],
        &plain[..2],
    ]
    .concat();
    assert_eq!(lines[..expected.len()], expected, "{screen}");
}

#[test]
fn a_long_call_shows_how_far_it_has_come_and_leaves_nothing_of_that() {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let (url, _) = socket::serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(&vec![b'x'; 100_000]);
        // The test's end is an answer, too.
        let _ = may_go_on.lock().expect("one call at a time").recv();
        let _ = stream.write_all(&vec![b'x'; 100_000]);
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let out = home.path("out");
    // `0` asks for nothing.
    let terminal = start(&home, &format!("ACCESSIBLE=0 $program api /x -o {}; echo done", out.display()));
    terminal.wait_for("Received 100.0 kB of 200.0 kB, 50 %");
    go_on.send(()).expect("the server waits");
    let screen = terminal.wait_for("done");
    assert!(!screen.contains("Received"), "{screen}");
    assert_eq!(out.metadata().map(|metadata| metadata.len()).ok(), Some(200_000));
}
