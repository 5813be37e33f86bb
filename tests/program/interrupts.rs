//! A command that is cut short while a provider gives an answer that comes only once: a refresh that replaces the
//! refresh token, the tokens of an approval.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::json;

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, REFRESH_TOKEN, ended, ran};

pub(crate) const NEW_TOKEN: &str = "sentinel-access-2-0123456789";

/// A provider that takes each refresh token and each device code once, and answers when it is told to.
pub(crate) struct Strict {
    /// Dropped first, so that the provider does not wait for ever.
    pub(crate) answer: Sender<()>,
    asked: Receiver<()>,
    pub(crate) authority: Authority,
}

impl Strict {
    pub(crate) fn start() -> Self {
        let (ask, asked) = channel();
        let (answer, may_answer) = channel::<()>();
        let mut tokens = 0;
        let answers = std::sync::Mutex::new(move |request: &Asked| {
            if request.path != "/token" {
                return others(request);
            }
            tokens += 1;
            if tokens > 1 {
                return (400, json!({"error": "invalid_grant"}).to_string());
            }
            let _ = ask.send(());
            // The test's end is an answer, too.
            let _ = may_answer.recv();
            let refresh_token = format!("{REFRESH_TOKEN}-next");
            (200, json!({"access_token": NEW_TOKEN, "expires_in": 3600, "refresh_token": refresh_token}).to_string())
        });
        let authority = Authority::start(move |request| answers.lock().expect("no answer panics")(request));
        Self { answer, asked, authority }
    }

    /// Whether tokens are asked for within so long.
    pub(crate) fn asked(&self, patience: Duration) -> bool {
        self.asked.recv_timeout(patience).is_ok()
    }

    /// Waits until a request for tokens is under way.
    pub(crate) fn wait_until_asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(60)).expect("tokens are asked for");
    }
}

fn others(request: &Asked) -> (u16, String) {
    let body = match request.path.as_str() {
        "/device" => json!({
            "device_code": "sentinel-device-code", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
            "verification_uri": format!("{}/page", request.origin()),
        }),
        _ => json!({"sub": "77", "email": "dana@example.com"}),
    };
    (200, body.to_string())
}

pub(crate) fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Whether the process has a file of this name open.
#[cfg(target_os = "linux")]
pub(crate) fn has_open(child: &Child, name: &str) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.id())).expect("it runs");
    let mut files = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    files.any(|file| file.ends_with(name))
}

#[cfg(target_os = "linux")]
pub(crate) fn wait_until_stopped(child: &Child) {
    let state = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&state).expect("it is there").contains(") T ") {
        std::thread::yield_now();
    }
}

/// Waits until the program has said that it waits.
pub(crate) fn wait_until_told(child: &mut Child) {
    let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let told = stderr.lines().map_while(Result::ok).find(|line| line.contains("given only once"));
    assert!(told.is_some(), "the program ended without a word");
}

pub(crate) fn home_with_an_ended_token(strict: &Strict) -> Home {
    let home = Home::at(&strict.authority);
    home.sign_in(&strict.authority, ended);
    home
}

/// A pipe that is full, and that nobody reads while its first end is kept.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = rustix::fs::fcntl_getfl(&writer).expect("flags");
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).expect("flags can be set");
    while writer.write(&[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).expect("flags can be set");
    (reader, writer)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "nothing tells that it waits to say something")]
fn a_stderr_that_takes_nothing_keeps_no_answer_from_being_kept() {
    for (arguments, signal) in [(&["-v", "refresh"][..], None), (&["refresh"], Some("-INT"))] {
        let strict = Strict::start();
        let home = home_with_an_ended_token(&strict);
        let (_reader, writer) = full_pipe();
        let mut child = home.command(arguments).stderr(writer).spawn().expect("the program starts");
        strict.wait_until_asked();
        if let Some(signal) = signal {
            send(signal, &child);
            // It would say now what it waits for.
            std::thread::sleep(Duration::from_secs(1));
        }
        strict.answer.send(()).expect("the provider still waits");
        home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[test]
fn a_refresh_that_is_interrupted_keeps_the_new_tokens() {
    for (signal, code) in [
        ("-INT", 130),
        ("-TERM", 143),
        ("-HUP", 129),
        ("-QUIT", 131),
        ("-USR1", 138),
        ("-USR2", 140),
        ("-ALRM", 142),
        ("-VTALRM", 154),
        ("-PROF", 155),
        ("-XCPU", 152),
    ] {
        let strict = Strict::start();
        let home = home_with_an_ended_token(&strict);
        let mut child = home.spawn(&["token"]);
        strict.wait_until_asked();
        send(signal, &child);
        wait_until_told(&mut child);
        strict.answer.send(()).expect("the provider still waits");
        let interrupted = ran(child);
        assert_eq!((interrupted.code, interrupted.stdout.as_str()), (code, ""));
        home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
        assert_eq!(strict.authority.count("/token"), 1);
    }
}

#[test]
fn a_refresh_that_is_to_stop_is_done_first() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let child = home.spawn(&["token"]);
    strict.wait_until_asked();
    send("-TSTP", &child);
    strict.answer.send(()).expect("the provider still waits");
    ran(child).worked(&format!("{NEW_TOKEN}\n"));
}

#[test]
fn ctrl_c_ends_even_that_once_it_is_told_what_may_be_lost() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let mut child = home.spawn(&["token"]);
    strict.wait_until_asked();
    send("-INT", &child);
    wait_until_told(&mut child);
    send("-INT", &child);
    // The provider has not answered yet.
    assert_eq!(ran(child).code, 130);
}

#[test]
fn no_other_second_signal_loses_the_new_tokens() {
    for (before, after) in [
        (["-INT", "-INT"].as_slice(), [].as_slice()),
        (&["-INT", "-TERM", "-INT"], &[]),
        (&["-QUIT", "-QUIT"], &["-QUIT"]),
        (&["-TERM", "-TERM"], &["-TERM", "-HUP", "-USR1"]),
        #[cfg(target_os = "linux")]
        (&["-IO", "-PWR"], &["-IO", "-PWR"]),
    ] {
        let strict = Strict::start();
        let home = home_with_an_ended_token(&strict);
        let mut child = home.spawn(&["token"]);
        strict.wait_until_asked();
        for signal in before {
            send(signal, &child);
        }
        wait_until_told(&mut child);
        for signal in after {
            send(signal, &child);
        }
        strict.answer.send(()).expect("the provider still waits");
        assert!(ran(child).code > 128, "{before:?} {after:?}");
        home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
        assert_eq!(strict.authority.count("/token"), 1, "{before:?} {after:?}");
    }
}

#[test]
fn an_approval_that_comes_while_a_sign_in_is_interrupted_is_saved_and_told() {
    for (signal, arguments, told) in [
        ("-INT", &["login", "--plain"][..], "Signed in as dana@example.com"),
        ("-TERM", &["login", "--plain", "--expect-account", "77"], "Signed in as dana@example.com"),
        ("-INT", &["login", "--json"], r#""event":"signed_in""#),
        ("-TERM", &["login", "--json"], r#""event":"signed_in""#),
        ("-TERM", &["login", "--json", "--grant-code"], r#""event":"signed_in""#),
        ("-TERM", &["login", "--import"], "Signed in as dana@example.com"),
    ] {
        let strict = Strict::start();
        let home = Home::at(&strict.authority);
        let code = home.write("code", "code");
        let mut command = home.command(arguments);
        command.stdin(std::fs::File::open(code).expect("it was written"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        strict.wait_until_asked();
        send(signal, &child);
        wait_until_told(&mut child);
        strict.answer.send(()).expect("the provider still waits");
        let ended = ran(child);
        assert!(ended.code == 0 && ended.stdout.contains(told), "{signal} {arguments:?}: {ended:?}");
        home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    }
}

#[test]
fn an_approval_that_comes_while_the_terminal_goes_away_is_saved() {
    for arguments in [&["login", "work"][..], &["login", "work", "--kiosk"]] {
        let strict = Strict::start();
        let home = Home::at(&strict.authority);
        let (terminal, program) = pty_process::blocking::open().expect("a pty can be opened");
        let child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_device-login"))
            .args(arguments)
            .env_clear()
            .env("DEVICE_LOGIN_HOME", home.path(""))
            .env("TERM", "xterm")
            .spawn(program);
        let mut child = child.expect("the program starts");
        strict.wait_until_asked();
        // As when a window is closed: what is written there fails, and a signal tells so.
        drop(terminal);
        strict.answer.send(()).expect("the provider still waits");
        let ended = child.wait().expect("the program ends");
        assert_eq!(ended.code(), Some(129), "{arguments:?}");
        home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    }
}

#[test]
fn an_approval_that_is_under_way_when_the_time_is_over_counts() {
    let strict = Strict::start();
    let home = Home::at(&strict.authority);
    let child = home.spawn(&["login", "--json", "--timeout", "10s"]);
    strict.wait_until_asked();
    // Slower than the timeout, which is all that is waited for here.
    let _ = strict.asked.recv_timeout(Duration::from_secs(11));
    strict.answer.send(()).expect("the provider still waits");
    let ended = ran(child);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.json_lines().last().expect("a line")["event"], json!("signed_in"), "{ended:?}");
}
