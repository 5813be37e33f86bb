//! What becomes of a command whose output goes nowhere, and of signals that whoever started it wants ignored.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, configuration, ran};

/// A provider at which nobody ever approves.
fn pending() -> Authority {
    Authority::start(answer_of_one_that_waits)
}

fn answer_of_one_that_waits(asked: &Asked) -> (u16, String) {
    match asked.path.as_str() {
        "/device" => {
            let page = format!("{}/page", asked.origin());
            let code = json!({
                "device_code": "d", "user_code": "ABCD-1234", "interval": 1, "expires_in": 1800, "verification_uri": page,
            });
            (200, code.to_string())
        }
        "/userinfo" => (200, json!({"sub": "77"}).to_string()),
        "/api" => (200, "{}".to_owned()),
        _ => (400, json!({"error": "authorization_pending"}).to_string()),
    }
}

/// A provider at which each code is approved when it is first asked for.
fn approving() -> Authority {
    Authority::start(|asked: &Asked| match asked.path.as_str() {
        "/token" => (200, json!({"access_token": "AT", "refresh_token": "RT", "expires_in": 3600}).to_string()),
        _ => answer_of_one_that_waits(asked),
    })
}

fn full_disk() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("Linux has a full device")
}

#[test]
#[cfg(target_os = "linux")]
fn each_command_that_prints_tells_that_its_output_was_not_written() {
    let authority = pending();
    let home = Home::signed_in(&authority);
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["login", "--help"],
        &["token"],
        &["token", "--format", "json"],
        &["token", "--format", "header"],
        &["status"],
        &["status", "--json"],
        &["status", "--check"],
        &["whoami"],
        &["whoami", "--json"],
        &["api", "/api"],
        &["api", "-i", "/api"],
        &["api", "--curl", "/api"],
        &["profile", "list"],
        &["profile", "show"],
        &["profile", "use", "work"],
        &["profile", "edit", "work", "--scopes", "a"],
        &["scopes"],
        &["scopes", "--json"],
        &["scopes", "crm"],
        &["login", "--json", "--no-wait"],
        &["login", "--json", "--no-wait", "--new-code"],
        &["login", "--json"],
        &["login", "--scopes", "", "--json"],
    ] {
        let child = home.command(arguments).stdout(full_disk()).spawn().expect("the program starts");
        let ran = ran(child);
        // 3 is what monitoring takes for "cannot tell".
        assert!(matches!(ran.code, 1..=3), "{arguments:?}: {ran:?}");
        let says = ran.stderr.contains("No space left on device") || arguments.contains(&"--scopes");
        let hint =
            if arguments.contains(&"--scopes") && ran.code == 2 { "hint: " } else { "hint: make room on the disk" };
        assert!(says && ran.stderr.contains(hint), "{arguments:?}: {ran:?}");

        // A reader that went away is no error of whoever prints once.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = home.command(arguments).stdout(writer).spawn().expect("the program starts");
        let ran = self::ran(child);
        assert!(!ran.stderr.contains("error: "), "{arguments:?}: {ran:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_sign_in_waits_for_an_approval_of_what_nobody_could_see() {
    let authority = pending();
    let home = Home::at(&authority);
    let by_browser = format!(
        "authorization_endpoint = \"{}/authorize\"\n[profiles.web]\nprovider = \"corp\"\nclient_id = \"c\"\n\
         redirect_uri = \"http://127.0.0.1:0/\"\n",
        authority.origin()
    );
    home.configure(&(configuration(&authority.origin()) + &by_browser));
    for arguments in [
        &["login", "work", "--plain", "--no-wait"][..],
        &["login", "work", "--plain", "--no-wait", "--new-code"],
        &["login", "work", "--plain", "--resume", "--no-wait"],
        &["login", "work", "--plain"],
        &["login", "work", "--plain", "--new-code"],
        &["login", "web", "--plain", "--web"],
    ] {
        let child = home.command(arguments).stderr(full_disk()).spawn().expect("the program starts");
        let ran = ran(child);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{arguments:?}");
    }
    assert_eq!(home.run(&["profile", "show", "work", "--json"]).json()["pending"]["user_code"], "ABCD-1234");
}

#[test]
#[cfg(target_os = "linux")]
fn a_sign_in_that_is_kept_is_no_failure_where_its_end_cannot_be_told() {
    let authority = approving();
    let home = Home::at(&authority);
    let by_browser = format!("authorization_endpoint = \"{}/authorize\"\n", authority.origin());
    home.configure(&(configuration(&authority.origin()) + &by_browser));
    for (arguments, typed) in [
        (&["login", "--plain"][..], ""),
        (&["login", "--plain", "--resume"], ""),
        (&["login", "--json"], ""),
        (&["login", "--import"], "RT-imported\n"),
        (&["login", "--import", "--json"], "RT-imported\n"),
        (&["login", "--grant-code"], "code-1\n"),
        (&["login", "--grant-code", "--json"], "code-1\n"),
    ] {
        if arguments.contains(&"--resume") {
            assert_eq!(home.run(&["login", "--no-wait", "--new-code"]).code, 8);
        }
        let mut child = home.command(arguments).stdin(Stdio::piped()).stdout(full_disk()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(typed.as_bytes()).expect("it reads");
        drop(stdin);
        let ran = ran(child);
        // Its code is told on stdout, and nobody could have approved it.
        if arguments == ["login", "--json"] {
            assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
            continue;
        }
        let told = "profile `work` is signed in, but the output could not be written: No space left on device";
        assert!(ran.code == 0 && ran.stderr.contains(told), "{arguments:?}: {ran:?}");
        home.run(&["token"]).worked("AT\n");
        assert_eq!(home.run(&["logout", "--local"]).code, 0);
    }
}

/// `login --json` that has told its code.
fn signing_in(home: &Home, stdout: impl Into<Stdio>) -> Child {
    home.command(&["login", "--json"]).stdout(stdout).spawn().expect("the program starts")
}

#[test]
#[cfg(unix)]
fn a_sign_in_whose_events_nobody_reads_any_more_ends() {
    let authority = pending();
    let home = Home::at(&authority);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let child = signing_in(&home, writer);
    let mut lines = BufReader::new(reader).lines();
    let first: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("an event");
    assert_eq!(first["event"], "code_issued");
    drop(lines);
    // It ends though its code is good for half an hour.
    assert_eq!(ran(child).code, 1);
}

#[cfg(target_os = "linux")]
fn ignoring(signals: &str, home: &Home, arguments: &[&str]) -> Command {
    let program = home.command(arguments);
    let mut shell = home.command(&[]);
    let script = format!("trap '' {signals}; exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(program.get_program()).args(program.get_args());
    command.env_clear().envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
#[cfg(target_os = "linux")]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let authority = pending();
    let home = Home::at(&authority);
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3)] {
        let mut child = ignoring(name, &home, &["login", "--json"]).spawn().expect("a shell");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it speaks");
        assert!(line.contains("code_issued"), "{line}");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("Linux tells");
        let mask = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a mask");
            u64::from_str_radix(line.trim(), 16).expect("hexadecimal")
        };
        assert!(
            mask("SigIgn:") >> (number - 1) & 1 == 1 && mask("SigCgt:") >> (number - 1) & 1 == 0,
            "{name}: {status}"
        );
        let others = [1, 2, 3, 15].into_iter().filter(|other| *other != number);
        assert!(others.into_iter().all(|other| mask("SigCgt:") >> (other - 1) & 1 == 1), "{name}: {status}");
        // The one that is ignored ends nothing, another does.
        let other = if number == 15 { 2 } else { 15 };
        for signal in [number, other] {
            let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
            assert!(sent.expect("kill runs").success());
        }
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("it speaks");
        assert_eq!(ran(child).code, 128 + other, "{name}");
    }
}
