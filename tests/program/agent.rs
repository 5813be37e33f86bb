//! `agent` as a service manager, programs and people meet it.

mod files;
mod keeping;
mod manager;
mod programs;
mod units;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::interrupts::{NEW_TOKEN, Strict, home_with_an_ended_token, send};
use crate::support::authority::Authority;
use crate::support::program::{ACCESS_TOKEN, Home};

/// Far longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

fn has_all(line: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| line.contains(part))
}

/// An agent that runs, and what its log says. It ends when dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let arguments: Vec<&str> = ["agent"].iter().chain(arguments).copied().collect();
        Self::spawn(&mut home.command(&arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let (told, lines) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line of the log that has all of these in it.
    #[track_caller]
    fn says(&self, parts: &[&str]) -> String {
        self.says_until(parts).pop().expect("the line itself is the last")
    }

    /// The same with the lines before it.
    #[track_caller]
    fn says_until(&self, parts: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| has_all(line, parts)) {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("no line has {parts:?}: {lines:#?}") };
            lines.push(line);
        }
        lines
    }

    fn signal(&self, signal: &str) {
        send(signal, &self.child);
    }

    /// Waits for its end and gives the exit code with what it said until then.
    fn ended(mut self) -> (i32, Vec<String>) {
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        (code, self.lines.iter().collect())
    }

    /// Has it end once it has looked at everything.
    #[track_caller]
    fn stop_when_ready(self) -> Vec<String> {
        self.says(&["ready: "]);
        self.stop()
    }

    /// Has it end as a service manager does.
    #[track_caller]
    fn stop(self) -> Vec<String> {
        self.signal("-TERM");
        let (code, lines) = self.ended();
        assert_eq!(code, 0, "{lines:#?}");
        lines
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A provider whose tokens are numbered from 2 on.
fn provider() -> Authority {
    let tokens = std::sync::atomic::AtomicUsize::new(2);
    Authority::start(move |asked| match asked.path.as_str() {
        "/token" => {
            let number = tokens.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            (200, serde_json::json!({"access_token": token(number), "expires_in": 3600}).to_string())
        }
        _ => (200, "{}".to_owned()),
    })
}

/// Runs a command that has to work.
#[track_caller]
fn run(home: &Home, arguments: &[&str]) {
    let ran = home.run(arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn token(number: usize) -> String {
    ACCESS_TOKEN.replace("-1-", &format!("-{number}-"))
}

#[test]
fn what_it_cannot_begin_with_is_said_and_ends_it() {
    let home = Home::new();
    home.configure("profiles = 1");
    home.run(&["agent"]).failed(2, &["config.toml"]);
    let provider = provider();
    let home = Home::signed_in(&provider);
    home.write("key", "no key");
    home.run(&["agent"]).failed(9, &["the store cannot be used"]);
    home.run(&["agent", "-p", "work", "other"]).failed(2, &["`-p work` and the names beside `agent`"]);
    home.run(&["agent", "work", "wrok"]).failed(2, &["there is no profile `wrok`\n", "did you mean `work`?"]);
    home.run(&["agent", "--token-file", "wrok=token"]).failed(2, &["there is no profile `wrok`"]);
    home.run(&["agent", "--on-event", "/no/such/program"]).failed(2, &["`/no/such/program` cannot be run"]);
}

#[test]
fn a_service_without_profiles_waits_for_some() {
    let home = Home::new();
    let agent = Running::start(&home, &["absent"]);
    agent.says(&["absent unknown_profile: there is no such profile yet; it is waited for"]);
    agent.says(&["ready: "]);
    let lines = agent.stop();
    assert!(lines.last().is_some_and(|line| line.contains(" stopped: ")), "{lines:#?}");
}

#[test]
fn each_signal_that_ends_a_service_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let agent = Running::start(&Home::new(), &[]);
        agent.says(&["ready: "]);
        agent.signal(signal);
        assert_eq!(agent.ended().0, 0, "{signal}");
    }
}

#[test]
fn a_service_that_was_started_on_a_terminal_ends_with_it() {
    let (pty, pts) = pty_process::blocking::open().expect("a pty");
    let home = Home::new();
    let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_device-login"));
    let command = command.arg("agent").env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("TZ", "UTC");
    let mut child = command.spawn(pts).expect("the program starts");
    let said = |part: &str| {
        let mut lines = BufReader::new(&pty).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(part)), "{part}");
    };
    said(" ready: ");
    // Somebody who asks for it is not the terminal.
    send("-HUP", &child);
    said(" reloaded: ");
    drop(pty);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn an_answer_that_is_out_at_the_end_is_kept_and_in_the_file() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let outside = Home::new();
    let file = outside.path("token");
    let argument = format!("work={}", file.display());
    let agent = Running::start(&home, &["--token-file", &argument]);
    strict.wait_until_asked();
    agent.signal("-TERM");
    agent.says(&["stopping: "]);
    strict.answer.send(()).expect("the provider still waits");
    let (code, lines) = agent.ended();
    assert_eq!(code, 0, "{lines:#?}");
    assert_eq!(std::fs::read_to_string(file).expect("it is there"), NEW_TOKEN);
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(strict.authority.count("/token"), 1);
}

#[test]
fn the_log_is_text_or_json_and_less_of_it_where_that_is_asked_for() {
    let provider = provider();
    let home = Home::signed_in(&provider);
    let agent = Running::start(&home, &["--log", "json"]);
    let ready = agent.says(&["\"event\":\"ready\""]);
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!((&ready["schema_version"], &ready["level"]), (&1.into(), &"notice".into()));
    run(&home, &["refresh"]);
    let refreshed = agent.says(&["\"event\":\"refreshed\""]);
    let refreshed: serde_json::Value = serde_json::from_str(&refreshed).expect("JSON");
    assert_eq!((&refreshed["profile"], &refreshed["state"]), (&"work".into(), &"valid".into()));
    let rest = agent.stop();
    assert!(rest.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{rest:#?}");

    let place = Home::new();
    let argument = format!("work={},mode=0644", place.path("token").display());
    let agent = Running::start(&home, &["-q", "--token-file", &argument]);
    agent.says(&["token_file_readers: "]);
    run(&home, &["refresh"]);
    run(&home, &["logout", "--local"]);
    assert_eq!(agent.stop(), [""; 0]);
}
