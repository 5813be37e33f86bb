//! What `api` and the API panel show on a terminal: answers for people, bodies from files, and how far a long call has come.

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
    let home = Home::signed_in(&authority);
    let terminal = start(
        &home,
        "$program api /204; $program -q api /204; $program api /304; $program api /empty; $program api HEAD /x; \
         $program --color never api /x; $program api /hostile; $program api /x",
    );
    terminal.wait_for_bytes(b"\x1b[1m\"id\"\x1b[0m: \x1b[36m12345678901234567890\x1b[0m,\r\n");
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
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200000\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
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
    assert!(!screen.contains("Received") && screen.starts_with("warning: "), "{screen}");
    assert_eq!(out.metadata().map(|metadata| metadata.len()).ok(), Some(200_000));
}

/// The API panel with the form of an own request, whose method is POST; the cursor is in its body.
fn form_of_a_post(home: &Home, path: &str) -> Terminal {
    let terminal = start(home, &format!("export HOME={}; $program", home.path("").display()));
    terminal.wait_for("work");
    terminal.press("a");
    terminal.wait_for("Own request");
    terminal.press("\x1b[He");
    terminal.wait_for("▌Address");
    terminal.press(&format!("{path}\x1b[Zp\t\t\t\t"));
    terminal.wait_for("@PATH sends a file");
    terminal
}

#[test]
fn a_body_is_read_from_the_file_that_the_form_names_once_that_can_be_read() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = Home::signed_in(&authority);
    let terminal = form_of_a_post(&home, "/leads");
    terminal.press("@~/lead.json\x13");
    terminal.wait_for("Send this?");
    terminal.press("y");
    let screen = terminal.wait_for("What helps");
    assert!(screen.contains("could not be read") && screen.contains("@~/lead.json"), "{screen}");
    assert_eq!(authority.count("/leads"), 0);
    let lead = format!("{{\"data\":[{}]}}", "1,".repeat(100_000) + "1");
    home.write("lead.json", &lead);
    terminal.press("\x13");
    terminal.wait_for("Send this?");
    terminal.press("y");
    terminal.wait_for("200 OK");
    let sent = authority.log().into_iter().find(|asked| asked.path == "/leads").expect("it was sent");
    assert_eq!((sent.method.as_str(), sent.header("content-type")), ("POST", Some("application/json")));
    assert!(sent.body == lead, "{} bytes came", sent.body.len());
}

#[test]
fn each_line_of_a_body_is_a_part_where_the_header_asks_for_a_form() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = Home::signed_in(&authority);
    home.write("leads.csv", "Last_Name\nReyes\n");
    let terminal = form_of_a_post(&home, "/import");
    terminal.press("\x1b[ZContent-Type: multipart/form-data\t");
    terminal.wait_for("A part a line");
    terminal.press("kind=leads\rfile=@~/leads.csv;filename=new.csv\x13");
    terminal.wait_for("Send this?");
    terminal.press("y");
    terminal.wait_for("200 OK");
    let sent = authority.log().into_iter().find(|asked| asked.path == "/import").expect("it was sent");
    let media_type = sent.header("content-type").expect("it has a type");
    let boundary = media_type.strip_prefix("multipart/form-data; boundary=").expect("a boundary of its own");
    let disposition = "Content-Disposition: form-data; name=";
    let expected = [
        format!("--{boundary}"),
        format!("{disposition}\"kind\"\r\n"),
        "leads".to_owned(),
        format!("--{boundary}"),
        format!("{disposition}\"file\"; filename=\"new.csv\""),
        "Content-Type: text/csv\r\n".to_owned(),
        "Last_Name\nReyes\n".to_owned(),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(sent.body, expected.join("\r\n"));
}

#[test]
fn an_answer_beyond_the_memory_goes_to_a_file_that_is_gone_with_the_panel() {
    const HALF: usize = 50_000_000;
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let (url, _) = socket::serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", 2 * HALF + 1);
        let half = format!("\"{}\",", "x".repeat(97)).repeat(HALF / 100);
        let _ = stream.write_all(format!("{head}[{half}").as_bytes());
        // The test's end is an answer, too.
        let _ = may_go_on.lock().expect("one call at a time").recv();
        let _ = stream.write_all(format!("{}]", &half[..half.len() - 1]).as_bytes());
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let (pid, saved) = (home.path("pid"), home.path("all.json"));
    let terminal = start(&home, &format!("echo $$ > {}; exec $program", pid.display()));
    terminal.wait_for("work");
    terminal.press("a");
    terminal.wait_for("Own request");
    terminal.press("\x1b[He");
    terminal.wait_for("▌Address");
    terminal.press("/long\r");
    terminal.wait_for("Received 50.0 MB of 100.0 MB, 50 %");
    go_on.send(()).expect("the server waits");
    terminal.wait_for("The first 10.0 MB of 100.0 MB");
    let process = format!("/proc/{}", std::fs::read_to_string(pid).expect("the shell wrote it").trim());
    let has_nameless_file = || {
        let files = std::fs::read_dir(format!("{process}/fd")).expect("the program runs");
        files.flatten().any(|file| {
            let target = std::fs::read_link(file.path()).unwrap_or_default();
            target.to_string_lossy().ends_with("(deleted)")
        })
    };
    assert!(has_nameless_file());
    let status = std::fs::read_to_string(format!("{process}/status")).expect("the program runs");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    let most: u64 = most.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(most < 160_000, "{most} kB");
    terminal.press("w");
    terminal.wait_for("Save the answer");
    terminal.press(&format!("\x15{}\r", saved.display()));
    terminal.wait_for("Saved");
    let all = std::fs::read(saved).expect("it is saved");
    assert!(all.len() == 2 * HALF + 1 && all.starts_with(b"[\"xxx") && all.ends_with(b"xxx\"]"), "{}", all.len());
    terminal.press("\x1b");
    terminal.wait_for("refresh");
    assert!(!has_nameless_file());
}

#[test]
fn a_long_file_shows_how_much_of_it_is_sent() {
    const LENGTH: u64 = 100_000_000;
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let (url, _) = socket::serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        // The test's end is an answer, too.
        let _ = may_go_on.lock().expect("one call at a time").recv();
        let _ = std::io::copy(&mut (&mut stream).take(LENGTH - 1_000_000), &mut std::io::sink());
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
        // What nobody has read when a connection is closed takes the answer along.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let file = std::fs::File::create(home.path("long.bin")).expect("it is made");
    file.set_len(LENGTH).expect("it may have holes");
    let terminal = form_of_a_post(&home, "/leads");
    terminal.press("@~/long.bin\x13");
    terminal.wait_for("Send this?");
    terminal.press("y");
    terminal.wait_for("Sent ");
    terminal.wait_for(" of 100.0 MB, ");
    go_on.send(()).expect("the server waits");
    terminal.wait_for("200 OK");
}

#[test]
fn a_binary_answer_is_no_text_for_a_terminal_unless_that_is_asked_for() {
    const ANSWER: &[u8] = b"\x89PNG\r\n\x1a\n\0\0and more";
    let (url, _) = socket::serve(|mut stream| {
        let mut asked = [0; 4096];
        let read = stream.read(&mut asked).unwrap_or_default();
        let status = if asked[..read].starts_with(b"GET /gone") { 404 } else { 200 };
        let head = format!("HTTP/1.1 {status} X\r\nx-kind: picture\r\ncontent-length: {}\r\n", ANSWER.len());
        let _ = stream.write_all(&[head.as_bytes(), b"connection: close\r\n\r\n", ANSWER].concat());
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let saved = home.path("saved");
    for (arguments, code, words, others) in [
        ("/x", 1, &["the answer was not printed: it is binary", "`-o FILE`"][..], &["PNG", "picture"][..]),
        ("/x -i", 1, &["x-kind: picture", "the answer was not printed"], &["PNG"]),
        ("/gone", 1, &["answered HTTP 404", "the answer was not printed"], &["PNG"]),
        ("/gone --fail", 22, &["answered HTTP 404"], &["PNG", "was not printed"]),
        ("/x --paginate", 1, &["the answer was not printed"], &["PNG"]),
        ("/x -o -", 0, &["PNG<U+000D>", "<U+0000>and more"], &["error"]),
        ("/x --silent", 0, &[], &["error", "PNG"]),
        (&format!("/x -o {}", saved.display()), 0, &[], &["error", "PNG"]),
        ("/x | cat -v", 0, &["M-^IPNG^M", "^@^@and more"], &["error"]),
    ] {
        let terminal = start(&home, &format!("$program api {arguments}; echo code $?"));
        let screen = terminal.wait_for(&format!("code {code}"));
        assert!(words.iter().all(|word| screen.contains(word)), "{arguments}: {screen}");
        assert!(!others.iter().any(|word| screen.contains(word)), "{arguments}: {screen}");
    }
    assert_eq!(std::fs::read(saved).expect("it is saved"), ANSWER);
}

#[test]
fn a_text_in_another_encoding_is_shown_as_what_it_means_and_passed_on_as_it_came() {
    const ANSWERS: [(&str, &str, &[u8]); 3] = [
        ("GET /x", "iso-8859-1", b"caf\xe9 \x80"),
        ("GET /utf-16", "UTF-16", b"\xff\xfen\0e\0\xe9\0"),
        ("GET /koi8-r", "koi8-r", b"da \xc4\xc1"),
    ];
    let (url, _) = socket::serve(|mut stream| {
        let mut asked = [0; 4096];
        let read = stream.read(&mut asked).unwrap_or_default();
        let answer = ANSWERS.iter().find(|(call, ..)| asked[..read].starts_with(call.as_bytes()));
        let (_, charset, body) = answer.expect("nothing else is called");
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset={charset}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let calls = "$program api /x; $program api /utf-16; $program api /koi8-r; $program api /x | od -An -tx1; echo done";
    let screen = start(&home, calls).wait_for("done");
    let lines: Vec<&str> = screen.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let told = "warning: the answer is in `koi8-r`, which is shown as if it were UTF-8";
    assert_eq!(lines, ["café €", "neé", told, "da", "63 61 66 e9 20 80", "done"], "{screen}");
    // The screens show the same, and save what came.
    let saved = home.path("saved");
    let terminal = start(&home, "exec $program");
    terminal.wait_for("work");
    terminal.press("a");
    terminal.wait_for("Own request");
    terminal.press("\x1b[He");
    terminal.wait_for("▌Address");
    terminal.press("/x\r");
    terminal.wait_for("café €");
    terminal.press("w");
    terminal.wait_for("Save the answer");
    terminal.press(&format!("\x15{}\r", saved.display()));
    terminal.wait_for("Saved");
    assert_eq!(std::fs::read(saved).expect("it is saved"), b"caf\xe9 \x80");
}
