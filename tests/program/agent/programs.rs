//! `--on-event` with the real program; what misbehaves is tested beside the code.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Running, provider, run};
use crate::support::authority::Authority;
use crate::support::program::{Home, REFRESH_TOKEN, ended};

/// A program that keeps what it is given, and says when it has.
fn script(place: &Home, text: &str) -> PathBuf {
    place.program("program", &format!("#!/bin/sh\ncd \"${{0%/*}}\"\n{text}\n"))
}

#[test]
fn a_program_hears_that_somebody_has_to_sign_in_and_gets_no_secret() {
    let refusing = Authority::start(|_| (400, json!({"error": "invalid_grant"}).to_string()));
    let (home, place) = (Home::at(&refusing), Home::new());
    home.sign_in(&refusing, ended);
    let program = script(&place, "cat >> events; env > environment; echo heard >&2");
    let mut command = home.command(&["agent", "--on-event", &program.display().to_string()]);
    let agent =
        Running::spawn(command.env("DEVICE_LOGIN_CLIENT_SECRET", "sentinel-secret").env("NOTIFY_SOCKET", "/nowhere"));
    agent.says(&["work needs_login: ", "device-login login work"]);
    agent.says(&["work program_said: ", "says: heard"]);
    agent.stop();
    let text = fs::read_to_string(place.path("events")).expect("it was written");
    let event: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&event["event"], &event["profile"], &event["state"]),
        (&"needs_login".into(), &"work".into(), &"needs_login".into())
    );
    assert_eq!(event["schema_version"], 1);
    assert!(event["hint"].as_str().is_some_and(|hint| hint.contains("device-login login work")), "{event}");
    let environment = fs::read_to_string(place.path("environment")).expect("it was written");
    for secret in ["sentinel", "NOTIFY_SOCKET", REFRESH_TOKEN] {
        assert!(!text.contains(secret) && !environment.contains(secret), "{secret}");
    }
}

#[test]
fn a_program_that_does_not_end_is_ended_with_the_agent() {
    let provider = provider();
    let (home, place) = (Home::signed_in(&provider), Home::new());
    let program = script(&place, "echo $$ > id; echo begun >&2; sleep 1000");
    let agent = Running::start(&home, &["--on-event", &program.display().to_string()]);
    agent.says(&["ready: "]);
    run(&home, &["refresh"]);
    agent.says(&["work program_said: ", "says: begun"]);
    let lines = agent.stop();
    assert!(lines.iter().any(|line| line.contains("program_ended: ")), "{lines:#?}");
    let id = fs::read_to_string(place.path("id")).expect("it was written");
    assert!(!PathBuf::from(format!("/proc/{}", id.trim())).exists());
}

#[test]
fn a_program_that_cannot_be_run_by_then_is_told_and_nothing_more() {
    let provider = provider();
    let (home, place) = (Home::signed_in(&provider), Home::new());
    let program = script(&place, "true");
    let agent = Running::start(&home, &["--on-event", &program.display().to_string()]);
    agent.says(&["ready: "]);
    fs::remove_file(&program).expect("it is ours");
    run(&home, &["refresh"]);
    agent.says(&["work program_failed: ", "cannot be run"]);
    agent.stop();
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let provider = provider();
    let (home, place) = (Home::signed_in(&provider), Home::new());
    // More than a pipe takes.
    let program =
        script(&place, "cat >> events; yes 'a line that nobody reads' | head -c 20000 | tr -d '\\n' | fold -w 290 >&2");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = home.command(&["agent", "--on-event", &program.display().to_string()]);
    let mut child = command.stderr(writer).spawn().expect("it starts");
    drop(command);
    for _ in 0..20 {
        run(&home, &["refresh"]);
    }
    crate::interrupts::send("-TERM", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    drop(reader);
    assert!(fs::read_to_string(place.path("events")).is_ok_and(|events| events.contains("refreshed")));
}
