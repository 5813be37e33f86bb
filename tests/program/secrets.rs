//! Secrets stay where they belong: every command, and every failure of each, is searched for them.

mod commands;
mod faults;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::canaries::NEW_ACCESS_TOKEN;
use crate::support::program::{ACCESS_TOKEN, CLIENT_SECRET, Home, Ran, ended};

/// What every secret of these tests has in it.
const SENTINEL: &str = "sentinel";

/// A provider whose every answer has a secret in it.
fn talkative() -> Authority {
    commands::talkative(|_| None)
}

#[track_caller]
fn assert_clean(ran: &Ran, context: &str) {
    assert!(!ran.stdout.contains(SENTINEL) && !ran.stderr.contains(SENTINEL), "{context}: {ran:?}");
}

/// No secret is in an address, which servers and proxies log.
#[track_caller]
fn assert_clean_addresses(authority: &Authority) {
    for asked in authority.log() {
        assert!(!asked.path.contains(SENTINEL), "{} {}", asked.method, asked.path);
    }
}

/// No secret is readable in any file of the home.
#[track_caller]
fn assert_clean_files(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_clean_files(&path);
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let found = bytes.windows(SENTINEL.len()).any(|window| window == SENTINEL.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[test]
fn only_token_prints_the_token_and_never_twice() {
    let authority = talkative();
    let home = Home::signed_in(&authority);
    for format in ["raw", "header", "env", "json"] {
        let ran = home.run(&["-v", "token", "--format", format]);
        assert_eq!(ran.stdout.matches(ACCESS_TOKEN).count(), 1, "{ran:?}");
        assert_eq!(ran.stdout.matches(SENTINEL).count(), 1, "{ran:?}");
        assert_eq!(ran.stderr, "");
    }
    assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["state"], json!("valid"));
    home.sign_in(&authority, ended);
    let refreshed = home.run(&["-v", "token"]);
    assert_eq!(refreshed.stdout, format!("{NEW_ACCESS_TOKEN}\n"), "{refreshed:?}");
    assert!(!refreshed.stderr.contains(SENTINEL), "{refreshed:?}");
}

#[test]
fn a_client_secret_goes_from_a_pipe_into_the_sealed_store_only() {
    let authority = talkative();
    let home = Home::at(&authority);
    home.run(&["profile", "remove", "work"]).worked("Removed profile work.\n");
    let add = [
        "-v",
        "profile",
        "add",
        "work",
        "--provider",
        "corp",
        "--client-id",
        "client-1",
        "--scopes",
        "openid",
        "--client-secret-stdin",
    ];
    let ran = home.run_with(&add, CLIENT_SECRET);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_clean(&ran, "profile add");
    assert_clean_files(&home.path(""));
    assert_clean(&home.run_with(&add, CLIENT_SECRET), "profile add, again");
    assert!(!home.configuration().contains(SENTINEL));
    let signing_in = home.run(&["-v", "login", "--json"]);
    let basic = BASE64_STANDARD.encode(format!("client-1:{CLIENT_SECRET}"));
    assert!(!signing_in.stdout.contains(&basic) && !signing_in.stderr.contains(&basic));
    let events = signing_in.json_lines();
    assert_eq!(events.last().map(|event| &event["event"]), Some(&json!("signed_in")));
    let poll = authority.log().into_iter().find(|asked| asked.path == "/token").expect("a poll");
    assert!(poll.headers.contains(&format!("authorization: Basic {basic}")), "the secret reached the provider");
    assert!(poll.body.contains("client_id=client-1") && !poll.body.contains(CLIENT_SECRET));
    assert_clean_addresses(&authority);
}

#[test]
fn a_stored_client_secret_goes_to_no_other_client_or_server() {
    let authority = talkative();
    let home = Home::signed_in(&authority);
    let add = ["profile", "add", "other", "--provider", "corp", "--client-id", "client-1", "--scopes", "openid"];
    assert_eq!(home.run_with(&[&add[..], &["--client-secret-stdin"]].concat(), CLIENT_SECRET).code, 0);
    let with_other = home.configuration();
    let changed = with_other.replace("client-1", "client-2");
    for changed in [with_other.replace(&authority.origin(), "https://id.invalid"), changed] {
        home.configure(&changed);
        let ran = home.run(&["login", "other", "--plain"]);
        assert!(ran.code == 2 && ran.stderr.contains("is not used"), "{ran:?}");
        assert_clean(&ran, "a changed configuration");
    }
    assert!(authority.log().is_empty());
}

#[test]
fn the_command_line_and_environment_that_others_see_hold_no_secret() {
    let authority = commands::talkative(|asked| {
        (asked.path == "/token").then(|| (400, r#"{"error":"authorization_pending"}"#.to_owned()))
    });
    let home = Home::signed_in(&authority);
    let mut child = home.spawn(&["-v", "login", "--json"]);
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the program speaks");
    for file in ["cmdline", "environ"] {
        let mut seen = String::new();
        let path = format!("/proc/{}/{file}", child.id());
        fs::File::open(path).and_then(|mut file| file.read_to_string(&mut seen)).expect("it runs");
        assert!(!seen.contains(SENTINEL), "{file}: {seen}");
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert_clean_files(&home.path(""));
}

#[test]
fn the_kernel_is_told_to_write_no_core_dump_before_anything_is_read() {
    let home = Home::new();
    let log = home.path("calls");
    let traced = std::process::Command::new("strace")
        .args(["-o", log.to_str().expect("a path"), "-e", "trace=prctl,openat"])
        .arg(home.command(&[]).get_program())
        .args(["status", "--config", "/nothing/here"])
        .output();
    assert!(!traced.expect("strace runs").status.success(), "there is no such configuration");
    let calls = fs::read_to_string(log).expect("what the program called");
    let told = calls.find("PR_SET_DUMPABLE, SUID_DUMP_DISABLE").expect("it tells the kernel");
    assert!(calls.find("/nothing/here").is_none_or(|read| told < read), "{calls}");
}

#[test]
fn an_address_that_a_provider_names_instead_has_no_secret_in_it() {
    let authority = Authority::start_with_headers(|asked| {
        let location = format!("location: https://elsewhere.example/{ACCESS_TOKEN}\r\n");
        (if asked.path == "/userinfo" { 301 } else { 404 }, location, "{}".to_owned())
    });
    let ran = Home::signed_in(&authority).run(&["whoami"]);
    ran.failed(7, &["leads to https://elsewhere.example/****"]);
    assert_clean(&ran, "whoami");
}
