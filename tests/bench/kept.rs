//! What safety costs in time: `cargo bench --bench kept`.
//!
//! A token from the store to stdout, beside a program that does nothing; a record kept durably; what is left of that when
//! the answer has come; what a kill leaves, which needs `strace`; a store behind a passphrase. Prints times; nothing but a
//! lost sign-in fails.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::storage::{Attempt, StoreError};
use support::authority::Authority;
use support::program::Home;

fn main() {
    let tokens = r#"{"access_token":"token","token_type":"Bearer","expires_in":36000,"refresh_token":"refresh"}"#;
    let provider = Authority::start(move |_| (200, tokens.to_owned()));
    let home = Home::signed_in(&provider);
    let run = |command: &mut Command| {
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "{command:?}");
    };
    print("a program that does nothing", 1000, || run(&mut Command::new("true")));
    print("`token` from the store to stdout", 1000, || run(&mut home.command(&["token"])));
    saves(&home);
    #[cfg(target_os = "linux")]
    survival();
    let locked = Home::at(&provider);
    let passphrase = locked.write("passphrase", "correct horse battery staple");
    let with_passphrase = |arguments: &[&str]| {
        let mut command = locked.command(arguments);
        command.env("DEVICE_LOGIN_PASSPHRASE_FILE", &passphrase);
        command
    };
    let mut import = with_passphrase(&["login", "work", "--import"]).stdin(Stdio::piped()).spawn().expect("it starts");
    import.stdin.take().expect("a pipe").write_all(b"refresh").expect("it reads");
    assert!(import.wait().is_ok_and(|status| status.success()));
    print("`token` from a store behind a passphrase", 11, || run(&mut with_passphrase(&["token"])));
}

/// Saves as a refresh does.
fn saves(home: &Home) {
    let store = home.store();
    let name: ProfileName = "work".parse().expect("a name");
    let mut windows = Vec::new();
    print("hold, reserve, note, keep durably", 1000, || {
        let saved = store.holding(&name, Duration::from_secs(5), |held| {
            let mut record = held.load()?.expect("it is signed in");
            held.claim(Attempt::new(record.generation, clock::wall()))?;
            let answered = clock::now();
            held.commit(&mut record)?;
            windows.push(answered.until(clock::now()));
            Ok::<_, StoreError>(())
        });
        saved.expect("the disk works");
    });
    show("of that, from the answer to when it is kept", &mut windows);
}

/// What is left where a refresh is killed at whichever call on a file.
#[cfg(target_os = "linux")]
fn survival() {
    use support::faults::Extent;
    use support::matrix::{Command, survive};
    use support::rotating::Rotation;

    for rotation in [Rotation::Never, Rotation::Grace, Rotation::Strict] {
        let tally = survive(Command::Refresh(rotation), Extent::Kills);
        let (killed, lost) = (tally.struck, tally.killed_between);
        println!(
            "a refresh killed at each call on a file, rotation {rotation:?}: {} of {killed} sign-ins go on",
            killed - lost
        );
    }
}

fn print(what: &str, runs: usize, mut run: impl FnMut()) {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..runs {
        let started = clock::now();
        run();
        times.push(started.until(clock::now()));
    }
    show(what, &mut times);
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    println!("{what}: p50 {:.2} ms, p99 {:.2} ms ({} runs)", at(50), at(99), times.len());
}
