//! A system that gives no threads, descriptors or memory: a sentence, never a panic.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::authority::Authority;
use crate::support::program::{Home, Ran, ended, ran, set_mode};

/// A user without processes, for limits that the superuser does not have.
const NOBODY: &str = "65534";

const COMMANDS: [&[&str]; 11] = [
    &["token"],
    &["token", "--force"],
    &["refresh"],
    &["status"],
    &["whoami"],
    &["login", "--plain", "--timeout", "60s"],
    &["logout"],
    &["api", "/userinfo"],
    &["profile", "list"],
    &["exec", "--", "true"],
    &["exec", "--", "/nowhere"],
];

fn run(home: &Home, limit: &str, as_nobody: bool, arguments: &[&str]) -> Ran {
    let mut command = Command::new("prlimit");
    command.arg(limit);
    if as_nobody {
        command.args(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
    }
    command.arg(env!("CARGO_BIN_EXE_device-login")).args(arguments);
    command.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command.spawn().expect("util-linux is there"))
}

/// Gives all of a home to somebody, where that can be done.
fn give_away(home: &Home) -> bool {
    let is_superuser = rustix::process::geteuid().is_root();
    let given = is_superuser
        && Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(home.path("")).status().is_ok();
    given && fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o700)).is_ok()
}

#[test]
fn a_passphrase_that_needs_more_memory_than_there_is_says_so() {
    let authority = Authority::start(|_| (503, String::new()));
    let home = Home::at(&authority);
    let passphrase = home.write("passphrase", "correct horse");
    set_mode(&passphrase, 0o600);
    let run = |limit: &str| {
        let mut command = Command::new("prlimit");
        command.args([limit, env!("CARGO_BIN_EXE_device-login"), "login", "--plain", "--timeout", "60s"]);
        command.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("DEVICE_LOGIN_PASSPHRASE_FILE", &passphrase);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(command.spawn().expect("util-linux is there"))
    };
    run("--as=100000000").failed(9, &["takes 64 MiB of memory"]);
    run("--as=1000000000").failed(7, &[]);
}

#[test]
fn where_there_is_no_room_for_an_answer_nobody_is_asked() {
    let authority = Authority::start(|_| (503, json!({"error": "busy"}).to_string()));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let asked_before = authority.log().len();
    for (limit, raised_by) in
        [("--stack=500000", "`ulimit -s`"), ("--stack=400000", "`ulimit -s`"), ("--data=8000000", "`ulimit -d`")]
    {
        for arguments in [&["refresh"][..], &["login", "--plain", "--timeout", "60s"]] {
            let ran = run(&home, limit, false, arguments);
            ran.failed(1, &["error: the program could not start: its ", " is limited to ", raised_by]);
        }
    }
    assert_eq!(authority.log().len(), asked_before, "nothing was sent");
    run(&home, "--as=1000000000", false, &["refresh"]).failed(7, &[]);
}

/// A word takes far more memory than it has letters.
#[test]
fn no_limit_that_lets_a_command_start_loses_it_the_largest_answer() {
    let scopes: Vec<String> = (0..30_000).map(|number| format!("s{number}")).collect();
    let answer = json!({"access_token": "AT", "token_type": "Bearer", "expires_in": 3600, "scope": scopes.join(" ")});
    let answer = answer.to_string();
    assert!(answer.len() < 256 << 10);
    let authority = Authority::start(move |_| (200, answer.clone()));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let mut refused = 0;
    for kibibytes in (16_000..72_000).step_by(500) {
        for limit in ["--as", "--data"] {
            let asked_before = authority.log().len();
            let ran = run(&home, &format!("{limit}={}", kibibytes << 10), false, &["token", "--force"]);
            let was_asked = authority.log().len() > asked_before;
            // With least of all nothing starts at all, and says nothing.
            assert_eq!(was_asked, ran.code == 0, "{limit} {kibibytes}: {ran:?}");
            refused += usize::from(ran.stderr.contains(" is limited to "));
        }
    }
    assert!(refused > 2, "some of these are too little");
}

#[test]
fn without_threads_or_descriptors_there_is_a_sentence() {
    let authority = Authority::start(|_| (503, json!({"error": "busy"}).to_string()));
    for limit in [
        "--nofile=4:4",
        "--nofile=5:5",
        "--nofile=6:6",
        "--nofile=8:8",
        "--nofile=12:12",
        "--nofile=20:20",
        "--nproc=1:1",
    ] {
        let home = Home::at(&authority);
        home.sign_in(&authority, ended);
        let as_nobody = limit.starts_with("--nproc");
        if as_nobody && !give_away(&home) {
            println!("not looked at: {limit}, since this user has processes of its own");
            continue;
        }
        for arguments in COMMANDS {
            let ran = run(&home, limit, as_nobody, arguments);
            assert!(!ran.stderr.contains("panicked"), "{limit} {arguments:?}: {ran:?}");
            assert!([0, 1, 4, 7, 9, 127].contains(&ran.code), "{limit} {arguments:?}: {ran:?}");
            let [descriptors, threads] = [("os error 24", "`ulimit -n`"), ("os error 11", "`ulimit -u`")]
                .map(|(error, limit)| !ran.stderr.contains(error) || ran.stderr.contains(limit));
            assert!(descriptors && threads, "the limit is not named: {limit} {arguments:?}: {ran:?}");
            assert!(ran.code == 0 || ran.stderr.starts_with("error: ") || ran.stderr.contains("\nerror: "), "{ran:?}");
        }
    }
}

/// Others may be given the last one at any time.
#[cfg(target_os = "linux")]
#[test]
fn whichever_thread_is_not_given_there_is_no_panic() {
    let authority = Authority::start(|_| (503, json!({"error": "busy"}).to_string()));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let mut refused = 0;
    for (command, not_given) in ["refresh", "doctor"].iter().flat_map(|command| (1..=8).map(move |nth| (command, nth)))
    {
        let ran = ran(without_thread(not_given)
            .arg(command)
            .env("DEVICE_LOGIN_HOME", home.path(""))
            .spawn()
            .expect("strace runs"));
        assert!(!ran.stderr.contains("panicked"), "{command}, {not_given}: {ran:?}");
        let is_at_start = ran.code == 1 && ran.stderr.contains("the program could not start");
        refused += usize::from(is_at_start && ran.stderr.contains("`ulimit -u`"));
        assert!(is_at_start || [1, 7].contains(&ran.code), "{command}, {not_given}: {ran:?}");
    }
    assert_eq!(refused, 8, "those that are tried, and the one that stays");
}

/// The program to which the system does not give that thread, counted from 1.
#[cfg(target_os = "linux")]
fn without_thread(not_given: usize) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=clone3", "-e"]);
    command.arg(format!("inject=clone3:error=EAGAIN:when={not_given}"));
    command.arg(env!("CARGO_BIN_EXE_device-login")).env_clear().env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// One is made for each stream of the program that hands over the key.
#[cfg(target_os = "linux")]
#[test]
fn without_a_thread_for_what_hands_over_the_key_there_is_a_sentence() {
    let authority = Authority::start(|_| (503, json!({"error": "busy"}).to_string()));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    fs::rename(home.path("key"), home.path("printed")).expect("a key");
    let command = format!("key_command = [\"cat\", \"{}\"]\n", home.path("printed").display());
    home.configure(&(command + &home.configuration()));
    // The program itself is the first that is started.
    for started in 1..=3 {
        let mut command = without_thread(started);
        command.arg("token").env("DEVICE_LOGIN_HOME", home.path(""));
        ran(command.spawn().expect("strace runs"))
            .failed(9, &["the key command `cat` cannot be started: ", "(os error 11)"]);
    }
}
