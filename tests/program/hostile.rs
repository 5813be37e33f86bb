//! The real program against a server that answers with hostile values: it connects to nobody else, starts nothing, keeps
//! what it knew, and prints nothing that could steer a terminal.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::hostile::{is_hidden, values};
use crate::support::program::{ACCESS_TOKEN, Home, Ran};
use crate::support::watch::{changes, plain_text};

/// Somebody else on this machine, who knows who came.
struct Elsewhere {
    address: SocketAddr,
    visitors: Receiver<SocketAddr>,
}

impl Elsewhere {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
        let address = listener.local_addr().expect("it listens");
        let (sender, visitors) = channel();
        thread::spawn(move || {
            // Until nobody wants to know any more.
            while listener.accept().is_ok_and(|(_, visitor)| sender.send(visitor).is_ok()) {}
        });
        Self { address, visitors }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many came so far.
    fn visits(&self) -> usize {
        // Whoever came before this visitor is known when this one is.
        let last = TcpStream::connect(self.address).and_then(|stream| stream.local_addr()).expect("it listens");
        self.visitors.iter().take_while(|visitor| *visitor != last).count()
    }
}

#[test]
fn whoever_goes_elsewhere_is_counted() {
    let elsewhere = Elsewhere::new();
    assert_eq!(elsewhere.visits(), 0);
    let _visitors = [(), ()].map(|()| TcpStream::connect(elsewhere.address).expect("it listens"));
    assert_eq!(elsewhere.visits(), 2);
}

/// What the server answers on one path instead of what it should. `ELSEWHERE` stands for somebody else's address.
struct Hostile {
    path: &'static str,
    status: u16,
    /// With its line end.
    header: &'static str,
    body: Value,
}

fn body(path: &'static str, body: Value) -> Hostile {
    let status = if body.get("error").is_some() { 400 } else { 200 };
    Hostile { path, status, header: "", body }
}

fn header(path: &'static str, status: u16, header: &'static str) -> Hostile {
    Hostile { path, status, header, body: json!({}) }
}

/// A good answer with one field changed.
fn changed(path: &'static str, field: &str, value: &str) -> Hostile {
    let mut answer = good(path, "ELSEWHERE");
    answer[field] = json!(value);
    body(path, answer)
}

/// What the server answers where nothing is hostile.
fn good(path: &str, origin: &str) -> Value {
    match path {
        "/device" => json!({
            "device_code": "dc", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
            "verification_uri": format!("{}/page", origin.trim_end_matches('/')),
        }),
        "/token" => json!({"access_token": "at-new", "refresh_token": "rt-new", "expires_in": 3600}),
        "/userinfo" => json!({"sub": "77", "email": "dana@example.com", "name": "Dana"}),
        _ => json!({}),
    }
}

fn start(hostile: Hostile, elsewhere: &str) -> Authority {
    let elsewhere = elsewhere.to_owned();
    Authority::start_with_headers(move |asked: &Asked| {
        if asked.path != hostile.path {
            return (200, String::new(), good(&asked.path, &asked.origin()).to_string());
        }
        let filled = |text: &str| text.replace("ELSEWHERE", &elsewhere);
        (hostile.status, filled(hostile.header), filled(&hostile.body.to_string()))
    })
}

/// What the program had before: a grant, unless it is to sign in.
fn home(authority: &Authority, command: &[&str]) -> Home {
    let home = Home::at(authority);
    if command[0] != "login" {
        home.sign_in(authority, |_| {});
    }
    home
}

const SIGN_IN: [&[&str]; 2] = [&["login", "--json", "--timeout", "10s"], &["login", "--plain", "--timeout", "10s"]];
const OSC_52: &str = "\u{1b}]52;c;ZXZpbA==\u{7}";

/// Hostile answers to a sign-in, and how it ends.
fn to_signing_in() -> Vec<(Hostile, i32)> {
    let device = |field, value| changed("/device", field, value);
    let token = |field, value| changed("/token", field, value);
    vec![
        (device("user_code", OSC_52), 1),
        (device("user_code", "AB\u{202e}CD"), 1),
        (device("device_code", "a\r\nHost: evil.example"), 1),
        (device("verification_uri", "javascript:alert(1)"), 1),
        (device("verification_uri", "http://evil.example/"), 1),
        (device("verification_uri", "https://169.254.169.254/"), 1),
        (device("verification_uri", "https://[::ffff:10.0.0.1]/"), 1),
        (device("verification_uri_complete", "file:///etc/passwd"), 0),
        (device("verification_uri_complete", "ELSEWHERE@evil.example/"), 0),
        (body("/device", json!({"error": OSC_52, "error_description": "\u{9b}2J\u{202e}x"})), 1),
        (header("/device", 302, "location: ELSEWHERE/device\r\n"), 7),
        (header("/device", 307, "location: ELSEWHERE/device\r\n"), 7),
        (token("access_token", "at\r\nX: y"), 1),
        (token("refresh_token", OSC_52), 0),
        (token("api_domain", "ELSEWHERE"), 0),
        (token("api_domain", "https://evil.example"), 0),
        (body("/token", json!({"error": OSC_52, "error_description": "\r✓ Signed in"})), 1),
        (body("/token", json!({"error": "other_dc", "user_location": "ELSEWHERE"})), 1),
        (header("/token", 308, "location: ELSEWHERE/token\r\n"), 6),
        (changed("/userinfo", "name", "\u{1b}]8;;ELSEWHERE\u{1b}\\x"), 0),
        (header("/userinfo", 307, "location: ELSEWHERE/userinfo\r\n"), 0),
    ]
}

/// Statuses that lead elsewhere, and where to.
const REDIRECTS: [(u16, &str); 5] = [
    (301, "location: ELSEWHERE/\r\n"),
    (302, "location: ELSEWHERE/\r\n"),
    (303, "location: //evil.example/\r\n"),
    (307, "location: ELSEWHERE/\r\n"),
    (308, "location: https://evil.example/\r\n"),
];

/// Hostile answers to what a signed-in profile asks, and how it ends.
fn to_others() -> Vec<(&'static [&'static str], Hostile, i32)> {
    let token = |field, value| changed("/token", field, value);
    let who = |field, value| changed("/userinfo", field, value);
    let mut all: Vec<(&[&str], Hostile, i32)> = vec![
        (&["refresh"], token("access_token", OSC_52), 1),
        (&["refresh"], token("access_token", ""), 1),
        (&["refresh"], token("refresh_token", "rt\nX: y"), 0),
        (&["refresh"], token("api_domain", "ELSEWHERE"), 0),
        (&["refresh"], token("api_domain", "javascript:alert(1)"), 0),
        (&["refresh"], body("/token", json!({"error": "\u{9d}52;c;eA==\u{9c}", "error_description": OSC_52})), 7),
        (&["whoami"], who("name", OSC_52), 0),
        (&["whoami", "--json"], who("name", "\u{9b}2J\u{7f}\u{202e}"), 0),
        (&["whoami"], who("email", "\u{1b}]0;title\u{7}"), 0),
        (&["whoami"], who("sub", "7\r\n✓"), 0),
        (&["whoami", "--json"], body("/userinfo", json!({"sub": {"a": 1}})), 7),
        (&["api", "-i", "/x"], header("/x", 200, "x-note: \u{9b}2J\u{202e}\u{200b}\r\n"), 0),
        (&["api", "--fail", "/x"], header("/x", 429, "retry-after: \u{9b}2J\u{202e}\r\n"), 10),
    ];
    for (status, location) in REDIRECTS {
        all.push((&["refresh"], header("/token", status, location), 7));
        all.push((&["whoami"], header("/userinfo", status, location), 7));
        all.push((&["api", "/x"], header("/x", status, location), 0));
        all.push((&["logout"], header("/revoke", status, location), 7));
    }
    all
}

/// Nothing on either stream steers or hides.
#[track_caller]
fn assert_harmless(ran: &Ran, context: &str) {
    for text in [&ran.stdout, &ran.stderr] {
        let hidden = text.chars().find(|&character| character != '\n' && is_hidden(character));
        assert_eq!(hidden, None, "{context}: {text:?}");
    }
}

/// Runs the command and checks all that has to hold whatever the answer was.
fn run(command: &[&str], hostile: Hostile, code: i32) {
    let elsewhere = Elsewhere::new();
    let context = format!("{command:?}, {} {} {:?} {}", hostile.path, hostile.status, hostile.header, hostile.body);
    let authority = start(hostile, &elsewhere.origin());
    let home = home(&authority, command);
    let ran = home.run(command);
    assert_eq!(ran.code, code, "{context}: {ran:?}");
    assert_harmless(&ran, &context);
    let status = home.run(&["status", "--json"]);
    assert_harmless(&status, &context);
    let state = status.json()["profiles"][0]["state"].clone();
    if command[0] == "login" {
        assert_eq!(state, json!(if code == 0 { "valid" } else { "signed_out" }), "{context}: {status:?}");
    } else if command[0] != "logout" {
        let token = if command == ["refresh"] && code == 0 { "at-new" } else { ACCESS_TOKEN };
        home.run(&["token"]).worked(&format!("{token}\n"));
    }
    assert_eq!(elsewhere.visits(), 0, "{context} led elsewhere");
}

/// Runs all of them, some at a time.
fn run_all(runs: Vec<(&'static [&'static str], Hostile, i32)>) {
    let mut left = runs.into_iter();
    loop {
        let together = left.by_ref().take(12);
        let threads = together.map(|(command, hostile, code)| thread::spawn(move || run(command, hostile, code)));
        let threads: Vec<_> = threads.collect();
        if threads.is_empty() {
            return;
        }
        for thread in threads {
            thread.join().expect("this run is harmless");
        }
    }
}

#[test]
fn hostile_answers_lead_nowhere_and_leave_what_was_known() {
    let mut runs = to_others();
    for command in SIGN_IN {
        runs.extend(to_signing_in().into_iter().map(|(hostile, code)| (command, hostile, code)));
    }
    println!("{} runs", runs.len());
    assert!(runs.len() >= 40);
    run_all(runs);
}

/// Signs in at a server that only its issuer describes, and how that ends.
fn discover(document: Hostile, code: i32) {
    let elsewhere = Elsewhere::new();
    let context = format!("{} {}", document.status, document.body);
    let authority = start(document, &elsewhere.origin());
    let (origin, home) = (authority.origin(), Home::new());
    home.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
         [providers.corp]\nkind = \"standard\"\nissuer = \"{origin}\"\n"
    ));
    let ran = home.run(&["login", "--json"]);
    assert_eq!(ran.code, code, "{context}: {ran:?}");
    assert_harmless(&ran, &context);
    assert_eq!(elsewhere.visits(), 0, "{context}");
    assert!(authority.log().iter().all(|asked| asked.path.contains(".well-known")), "{context}: {:?}", authority.log());
    assert_eq!(authority.count("/device"), 0);
}

#[test]
fn hostile_metadata_leads_nowhere() {
    let path = "/.well-known/openid-configuration";
    for issuer in ["ELSEWHERE", "https://evil.example", OSC_52, "javascript:alert(1)", ""] {
        discover(body(path, json!({ "issuer": issuer, "token_endpoint": "ELSEWHERE/token" })), 1);
    }
    for status in [301, 307] {
        let redirect = header(path, status, "location: ELSEWHERE/\r\n");
        discover(redirect, 7);
    }
}

/// What reaches a terminal of its own that the program runs on.
fn on_a_terminal(home: &Home, command: &[&str]) -> Vec<u8> {
    let (mut pty, pts) = pty_process::blocking::open().expect("a pty can be opened");
    pty.resize(pty_process::Size::new(24, 80)).expect("a pty can be resized");
    let mut child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_device-login"))
        .args(command)
        .env_clear()
        .env("DEVICE_LOGIN_HOME", home.path(""))
        .env("TERM", "xterm-256color")
        .env("USER", "ops")
        .spawn(pts)
        .expect("the program starts");
    let mut bytes = Vec::new();
    // A pty whose other end is closed fails to read.
    let _ = pty.read_to_end(&mut bytes);
    child.wait().expect("it ends");
    bytes
}

/// Runs the command on a terminal, with this text where its path answers.
fn hear(command: &[&str], path: &'static str, field: &str, seed: &Value) {
    let answer = match path {
        // A body as it came, so that not even JSON's own escapes are in between.
        "/x" => seed.as_str().unwrap_or_default().to_owned(),
        "/device" => json!({ "error": "some_error", field: seed }).to_string(),
        _ => json!({ "sub": "77", field: seed }).to_string(),
    };
    let authority = Authority::start(move |asked: &Asked| {
        let other = || good(&asked.path, &asked.origin()).to_string();
        (200, if asked.path == path { answer.clone() } else { other() })
    });
    let bytes = on_a_terminal(&home(&authority, command), command);
    let shown = plain_text(&bytes);
    assert!(shown.as_ref().is_ok_and(|shown| !shown.trim().is_empty()), "{command:?} {seed}: {shown:?}");
    assert_eq!(changes(&bytes, 80, 24), Vec::<String>::new(), "{command:?} {seed}");
}

#[test]
fn a_terminal_hears_nothing_but_text() {
    let ways: [(&[&str], &str, &str); 4] = [
        (&["login", "--plain"], "/device", "error_description"),
        (&["whoami"], "/userinfo", "name"),
        (&["whoami", "--json"], "/userinfo", "email"),
        (&["api", "/x"], "/x", "body"),
    ];
    let is_short = |seed: &Value| seed.as_str().is_some_and(|text| text.len() < 100);
    let seeds: Vec<Value> = values("prose").into_iter().filter(is_short).step_by(3).collect();
    for seed in &seeds {
        thread::scope(|scope| {
            for (command, path, field) in ways {
                scope.spawn(move || hear(command, path, field, seed));
            }
        });
    }
    let heard = seeds.len() * ways.len();
    println!("{heard} runs on a terminal");
    assert!(heard >= 40, "only {heard}");
}

/// What the program asked the system for: programs started, and addresses connected to.
#[cfg(target_os = "linux")]
#[test]
fn the_system_is_asked_for_the_provider_alone() {
    if !Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|end| end.success())
    {
        println!("not looked at: there is no strace here");
        return;
    }
    let samples: Vec<(&[&str], Hostile)> = vec![
        (SIGN_IN[1], changed("/device", "verification_uri", "ms-msdt:/id")),
        (SIGN_IN[0], changed("/token", "api_domain", "ELSEWHERE")),
        (&["refresh"], header("/token", 307, "location: ELSEWHERE/\r\n")),
        (&["whoami"], header("/userinfo", 302, "location: https://evil.example/\r\n")),
        (&["api", "/x"], header("/x", 308, "location: ELSEWHERE/\r\n")),
    ];
    for (command, hostile) in samples {
        let elsewhere = Elsewhere::new();
        let authority = start(hostile, &elsewhere.origin());
        let home = home(&authority, command);
        let program = home.command(command);
        let log = home.path("strace.log");
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-e", "trace=execve,connect", "-o"])
            .arg(&log)
            .arg(program.get_program())
            .args(program.get_args());
        traced.env("DEVICE_LOGIN_HOME", home.path("")).env("USER", "ops").stdin(Stdio::null());
        let output = traced.output().expect("strace starts");
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(log.matches("execve(").count(), 1, "{command:?} {output:?}: {log}");
        let port = authority.origin().rsplit(':').next().map(|port| format!("htons({port})")).expect("a port");
        let connects: Vec<&str> = log.lines().filter(|line| line.contains("connect(")).collect();
        assert_eq!(elsewhere.visits(), 0, "{command:?}");
        assert!(!connects.is_empty() && connects.iter().all(|line| line.contains(&port)), "{command:?}: {connects:#?}");
    }
}

#[test]
fn a_configuration_steers_no_terminal_through_a_log() {
    let home = Home::new();
    for text in [
        "[profiles.\"a\\u001b[31mX\"]\nprovider = \"zoho\"\nclient_id = \"1\"\n",
        "[profiles.work]\nprovider = \"a\\u001b[31mX\"\nclient_id = \"1\"\n",
        "default_profile = \"a\\u001b[31mX\"\n",
        "\"a\\u001b[31mX\" = 1\n",
    ] {
        home.configure(text);
        let ran = home.run(&["status"]);
        assert!(ran.code == 2 && !ran.stderr.contains('\u{1b}'), "{text}: {ran:?}");
    }
}
