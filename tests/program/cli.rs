//! The binary as people and scripts meet it: stdout, stderr and the exit code of every command.

mod profile;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use device_login::clock;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{self, ACCESS_TOKEN, Home, REFRESH_TOKEN, ended, ran};
use crate::support::socket::closed_port;

const NEW_TOKEN: &str = "sentinel-access-2-0123456789";

/// A provider that approves at the first poll, refreshes, revokes, and knows who asks.
fn friendly(asked: &Asked) -> (u16, String) {
    let token = || json!({"access_token": NEW_TOKEN, "token_type": "Bearer", "expires_in": 3600});
    let body = match asked.path.as_str() {
        "/device" => return (200, device_code(asked)),
        "/token" if asked.body.contains("device_code") => {
            let mut token = token();
            token["refresh_token"] = json!(REFRESH_TOKEN);
            token
        }
        "/token" => token(),
        "/revoke" => json!({}),
        "/userinfo" => json!({"sub": "77", "email": "dana@example.com", "name": "Dana"}),
        _ => json!({"hello": asked.path}),
    };
    (200, body.to_string())
}

fn device_code(asked: &Asked) -> String {
    let page = format!("{}/page", asked.origin());
    json!({
        "device_code": "sentinel-device-code", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
        "verification_uri": page, "verification_uri_complete": format!("{page}?user_code=ABCD-1234"),
    })
    .to_string()
}

/// A provider whose token endpoint says one thing only.
fn refusing(status: u16, body: Value) -> Authority {
    Authority::start(move |asked| match asked.path.as_str() {
        "/device" => (200, device_code(asked)),
        _ => (status, body.to_string()),
    })
}

fn expired(home: &Home, authority: &Authority) {
    home.sign_in(authority, ended);
}

#[test]
fn without_a_command_or_a_terminal_there_is_help_on_stderr() {
    Home::new().run(&[]).failed(2, &["Usage: device-login", "login", "token", "demo"]);
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    home.run(&["--version"]).worked(concat!("device-login ", env!("CARGO_PKG_VERSION"), "\n"));
    for command in ["login", "token", "status", "refresh", "whoami", "logout", "api", "profile", "demo"] {
        let ran = home.run(&[command, "--help"]);
        assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.contains("Usage:"), "{ran:?}");
    }
}

#[test]
fn mistakes_of_the_caller_end_with_2() {
    let home = Home::new();
    home.run(&["nonsense"]).failed(2, &["unrecognized subcommand 'nonsense'"]);
    home.run(&["token", "--min-ttl", "soon"]).failed(2, &["give a time such as"]);
    home.run(&["token", "-p", "../x"]).failed(2, &["a profile's name has"]);
    home.run(&["token", "a", "-p", "b"]).failed(2, &["both `a` and `-p b` name a profile"]);
    home.run(&["--store", "elsewhere", "status"]).failed(2, &["is no store"]);
    home.run(&["--store", "postgres://u:sentinel@h/d", "status"])
        .failed(2, &["`--store` takes no address with a password in it"]);
    let error = home.run(&["status", "--json", "--nonsense"]);
    assert_eq!((error.code, &error.json()["error"]["code"]), (2, &json!("usage")), "{error:?}");
    assert_eq!(error.stderr, "");
}

#[test]
fn a_configuration_that_cannot_be_meant_names_key_and_line() {
    let home = Home::new();
    home.configure("colour = 1\n");
    home.run(&["token"])
        .failed(2, &["config.toml is not valid: line 1: unknown key `colour`", "`device-login config check`"]);
    let error = home.run(&["whoami", "--json"]);
    assert_eq!((error.code, &error.json()["error"]["code"]), (2, &json!("config")), "{error:?}");
    assert_eq!(error.json()["error"]["retryable"], json!(false));
    home.configure("[profiles.a]\nprovider = \"nowhere\"\nclient_id = \"x\"\n");
    home.run(&["refresh"]).failed(4, &["profile `a` is not signed in"]);
    home.run(&["login"]).failed(2, &["the provider `nowhere`, which is not known"]);
}

#[test]
fn profiles_that_are_missing_or_unclear_are_told() {
    let home = Home::new();
    home.run(&["token"]).failed(2, &["there is no profile yet", "device-login profile add"]);
    home.run(&["login"]).failed(2, &["there is no profile yet", "profile add"]);
    home.configure(
        "[profiles.a]\nprovider=\"zoho\"\nclient_id=\"x\"\n[profiles.b]\nprovider=\"zoho\"\nclient_id=\"x\"\n",
    );
    home.run(&["token"]).failed(2, &["which profile is meant is not clear: there are `a`, `b`"]);
    home.run(&["token", "c"]).failed(2, &["there is no profile `c`"]);
    for arguments in [&["token", "b"][..], &["-p", "b", "token"], &["token", "-p", "b"]] {
        home.run(arguments).failed(4, &["profile `b` is not signed in", "device-login login b"]);
    }
    let child = home.command(&["token"]).env("DEVICE_LOGIN_PROFILE", "a").spawn().expect("the program starts");
    ran(child).failed(4, &["profile `a` is not signed in"]);
}

#[test]
fn a_stored_token_is_printed_in_every_format_and_nobody_is_asked() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    let origin = authority.origin();
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    home.run(&["token", "work", "--format", "header"]).worked(&format!("Authorization: Bearer {ACCESS_TOKEN}\n"));
    home.run(&["token", "--format", "env"]).worked(&format!(
        "export DEVICE_LOGIN_ACCESS_TOKEN='{ACCESS_TOKEN}'\nexport DEVICE_LOGIN_API_DOMAIN='{origin}'\n"
    ));
    let token = home.run(&["token", "--format", "json", "--min-ttl", "30m"]).json();
    assert_eq!(token["schema_version"], json!(1));
    assert_eq!((&token["profile"], &token["access_token"]), (&json!("work"), &json!(ACCESS_TOKEN)));
    assert_eq!((&token["token_type"], &token["api_domain"]), (&json!("Bearer"), &json!(origin)));
    assert!(token["expires_in"].as_u64().is_some_and(|seconds| (3500..=3600).contains(&seconds)), "{token}");
    assert!(token["expires_at"].as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')), "{token}");
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn a_token_that_ended_is_refreshed_once_and_kept() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    expired(&home, &authority);
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(authority.count("/token"), 1);
    let refreshed = home.run(&["refresh"]);
    assert!(
        refreshed.code == 0 && refreshed.stdout.starts_with("Profile work has a new access token"),
        "{refreshed:?}"
    );
    home.run(&["token", "--force"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(authority.count("/token"), 3);
}

#[test]
fn the_end_of_a_token_of_another_day_has_its_date() {
    let authority = Authority::start(|_| (200, json!({"access_token": NEW_TOKEN, "expires_in": 604_800}).to_string()));
    let home = Home::at(&authority);
    expired(&home, &authority);
    let said = home.run(&["refresh"]).stdout;
    let year = (clock::wall() + SignedDuration::from_hours(7 * 24)).strftime("%Y").to_string();
    assert!(said.contains(&format!(", good for 7 days, until {year}-")), "{said}");
}

#[test]
fn many_processes_at_the_end_of_a_token_refresh_it_once() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    expired(&home, &authority);
    let herd: Vec<_> = (0..32).map(|_| home.spawn(&["token"])).collect();
    for child in herd {
        ran(child).worked(&format!("{NEW_TOKEN}\n"));
    }
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn tokens_that_live_shorter_than_wanted_are_not_minted_by_every_process() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/token" => (200, json!({"access_token": NEW_TOKEN, "expires_in": 120}).to_string()),
        _ => friendly(asked),
    });
    let home = Home::at(&authority);
    expired(&home, &authority);
    for _ in 0..5 {
        home.run(&["token", "--min-ttl", "10m"]).worked(&format!("{NEW_TOKEN}\n"));
    }
    assert_eq!(authority.count("/token"), 1);
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_the_profile() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    let elsewhere = home.write("other.toml", &program::configuration(&authority.origin()).replace("work", "other"));
    let elsewhere = elsewhere.to_str().expect("a path");
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.command(arguments);
        command.envs(variables.iter().copied());
        ran(command.spawn().expect("the program starts"))
    };
    let list = |arguments: &[&str], variables: &[(&str, &str)]| run(arguments, variables).stdout;
    assert!(list(&["profile", "list"], &[]).contains("work"));
    assert!(list(&["profile", "list"], &[("DEVICE_LOGIN_CONFIG", elsewhere)]).contains("other"));
    run(&["--config", "/nonexistent.toml", "status"], &[]).failed(2, &["there is no configuration /nonexistent.toml"]);
    let own = home.path("config.toml");
    let own = ["--config", own.to_str().expect("a path"), "profile", "list"];
    assert!(list(&own, &[("DEVICE_LOGIN_CONFIG", elsewhere)]).contains("work"));

    let empty = ("DEVICE_LOGIN_STORE", "memory:");
    run(&["token"], &[empty]).failed(4, &["not signed in"]);
    let state = format!("file:{}", home.path("state").display());
    run(&["--store", &state, "token"], &[empty]).worked(&format!("{ACCESS_TOKEN}\n"));

    let missing = [("DEVICE_LOGIN_PROFILE", "missing")];
    run(&["token"], &missing).failed(2, &["no profile `missing`: `DEVICE_LOGIN_PROFILE` names it; "]);
    run(&["status"], &missing).failed(2, &["`DEVICE_LOGIN_PROFILE` names it; ", "config.toml was read"]);
    let misspelt = [("DEVICE_LOGIN_PROFILE", "wrok")];
    run(&["token"], &misspelt)
        .failed(2, &["no profile `wrok`: `DEVICE_LOGIN_PROFILE` names it; ", "did you mean `work`"]);
    let named_beside = run(&["token", "nobody"], &missing);
    assert!(!named_beside.stderr.contains("DEVICE_LOGIN_PROFILE"), "{named_beside:?}");
    run(&["-p", "work", "token"], &[("DEVICE_LOGIN_PROFILE", "missing")]).worked(&format!("{ACCESS_TOKEN}\n"));

    let basic = format!("authorization: Basic {}", BASE64_STANDARD.encode("client-1:another-secret"));
    let refreshed = run(&["refresh"], &[("DEVICE_LOGIN_CLIENT_SECRET", "another-secret")]);
    assert_eq!(refreshed.code, 0, "{refreshed:?}");
    assert!(authority.log().iter().any(|asked| asked.headers.contains(&basic)));
}

#[test]
fn refreshes_that_fail_end_with_the_code_for_their_reason() {
    for (status, body, code, part) in [
        (400, json!({"error": "invalid_grant"}), 4, "device-login login work"),
        (401, json!({"error": "invalid_client"}), 2, "does not know this client"),
        (400, json!({"error": "unsupported_grant_type"}), 7, "unsupported_grant_type"),
        (429, json!({"error": "slow_down"}), 10, "asks for fewer requests"),
        (502, json!("<html>"), 7, "HTTP 502"),
    ] {
        let authority = refusing(status, body);
        let home = Home::at(&authority);
        expired(&home, &authority);
        home.run(&["token"]).failed(code, &["error: the access token of profile `work`", part, "\n  hint: "]);
        let error = home.run(&["token", "--format", "json"]);
        assert!(
            error.code == code && error.stderr.is_empty() && error.json()["error"]["hint"].is_string(),
            "{error:?}"
        );
    }
}

#[test]
fn without_a_network_a_token_that_is_still_good_is_handed_out_with_a_warning() {
    // As long as it lives, no other server gets its port.
    let (_closed, address) = closed_port();
    let (home, origin) = (Home::new(), format!("http://{address}"));
    home.configure(&program::configuration(&origin));
    home.sign_in_at(&origin, |grant| {
        grant.approved_at = clock::wall() - SignedDuration::from_mins(58);
        grant.access_token_expires_at = Some(clock::wall() + SignedDuration::from_mins(2));
    });
    let ran = home.run(&["token"]);
    assert_eq!(ran.stdout, format!("{ACCESS_TOKEN}\n"), "{ran:?}");
    assert!(
        ran.code == 0 && ran.stderr.contains("warning: ") && ran.stderr.contains("refused the connection"),
        "{ran:?}"
    );
    home.run(&["refresh"]).failed(7, &["refused the connection"]);
}

#[test]
fn a_token_that_cannot_last_as_long_as_it_should_comes_with_a_note() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    expired(&home, &authority);
    for (arguments, is_told) in [
        (&["token", "--min-ttl", "2h"][..], true),
        (&["token", "--min-ttl", "2h", "-q"], false),
        (&["token", "--min-ttl", "30m"], false),
        (&["token"], false),
    ] {
        let ran = home.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, format!("{NEW_TOKEN}\n").as_str()), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.contains("the provider's tokens never last 2 h"), is_told, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.is_empty(), !is_told, "{arguments:?}: {ran:?}");
    }
}

#[test]
fn status_tells_people_scripts_and_monitoring_without_asking_anybody() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    let check = |code| {
        let ran = home.run(&["status", "--check"]);
        assert_eq!(ran.code, code, "{ran:?}");
    };
    let state = || home.run(&["status", "--json"]).json()["profiles"][0]["state"].clone();
    assert_eq!(state(), json!("signed_out"));
    check(2);
    home.sign_in(&authority, |_| {});
    check(0);
    let status = home.run(&["status", "work", "--json"]).json();
    let profile = &status["profiles"][0];
    assert_eq!((&status["schema_version"], &profile["state"]), (&json!(1), &json!("valid")));
    assert_eq!(profile["store"], json!({"kind": "file", "protection": "key-file", "grade": "L1"}));
    assert_eq!((&profile["refreshable"], &profile["scopes"]), (&json!(true), &json!(["openid"])));
    let text = home.run(&["status"]);
    assert!(text.stdout.starts_with("PROFILE") && text.stdout.contains("work     valid"), "{text:?}");
    expired(&home, &authority);
    assert_eq!(state(), json!("expired"));
    check(0);
    home.sign_in(&authority, |grant| {
        grant.refresh_token = None;
        grant.access_token_expires_at = Some(clock::wall() + SignedDuration::from_secs(60));
    });
    check(1);
    home.sign_in(&authority, |grant| grant.refused = Some("revoked".to_owned()));
    assert_eq!(state(), json!("needs_login"));
    check(2);
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn a_store_that_cannot_be_read_is_said_so_by_every_command() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    home.write("state", "not a directory");
    home.run(&["token"]).failed(9, &["error: the store cannot be used", "  hint: "]);
    home.run(&["login"]).failed(9, &["error: the store cannot be used"]);
    let status = home.run(&["status", "--json"]);
    assert_eq!((status.code, &status.json()["profiles"][0]["state"]), (9, &json!("unknown")), "{status:?}");
    let check = home.run(&["status", "--check"]);
    assert_eq!(check.code, 3, "{check:?}");
    assert_eq!(authority.log().len(), 0, "nobody is asked for a code that could not be kept");
}

#[test]
fn a_sign_in_tells_scripts_each_event() {
    let polls = std::sync::atomic::AtomicU32::new(0);
    let authority = Authority::start(move |asked| {
        let is_poll = asked.path == "/token" && asked.body.contains("device_code");
        if is_poll && polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return (400, json!({"error": "authorization_pending"}).to_string());
        }
        friendly(asked)
    });
    let home = Home::at(&authority);
    let ran = home.run(&["login", "--json"]);
    let lines = ran.json_lines();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("a word")).collect();
    assert_eq!((ran.code, events), (0, vec!["code_issued", "pending", "signed_in"]), "{ran:?}");
    assert_eq!(ran.stderr, "");
    let code = &lines[0];
    assert_eq!((&code["profile"], &code["user_code"]), (&json!("work"), &json!("ABCD-1234")));
    assert_eq!((&code["interval"], &code["expires_in"]), (&json!(1), &json!(300)));
    assert_eq!(code["verification_uri"], json!(format!("{}/page", authority.origin())));
    let end = &lines[2];
    assert_eq!(end["account"], json!({"id": "77", "email": "dana@example.com", "name": "Dana"}));
    assert_eq!((&end["refreshable"], &end["scopes"]), (&json!(true), &json!(["openid"])));
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
}

#[test]
fn scripts_hear_of_scopes_that_were_not_granted() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/token" => {
            let answer = json!({"access_token": "AT", "refresh_token": "RT", "expires_in": 3600, "scope": "openid"});
            (200, answer.to_string())
        }
        _ => friendly(asked),
    });
    let home = Home::at(&authority);
    let status = || home.run(&["status", "--json"]).json()["profiles"][0]["missing_scopes"].clone();
    for (asked, missing) in [("openid,extra", json!(["extra"])), ("openid", Value::Null)] {
        assert_eq!(home.run(&["profile", "edit", "work", "--scopes", asked]).code, 0);
        let ran = home.run(&["login", "--json"]);
        let lines = ran.json_lines();
        assert_eq!(lines.last().map(|end| &end["missing_scopes"]), Some(&missing), "{ran:?}");
        assert_eq!(status(), missing);
    }
}

#[test]
fn a_sign_in_in_lines_says_all_that_a_person_has_to_know() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    let said = home.run(&["login", "--qr=half", "--scopes", "AaaServer.profile.READ"]);
    assert_eq!(said.stdout, "Signed in as dana@example.com, profile work.\n", "{said:?}");
    for part in [
        "Sign in to corp, profile work.",
        "It asks for: read your profile.",
        "Asking 127.0.0.1 for a code ...",
        "1. In a browser on ",
        &format!(" open: {}/page\n", authority.origin()),
        "2. Enter this code: ABCD-1234\n",
        "Spelled: Alpha Bravo Charlie Delta, dash, one two three four.",
        "Approve only if you started this yourself, as ops on ",
        "The code is good for 5 minutes, until ",
        "▄▄▄▄▄",
    ] {
        assert!(said.stderr.contains(part), "{part:?} is missing: {}", said.stderr);
    }
    assert!(!said.stderr.contains('\u{1b}') && !said.stderr.contains("Press Enter"), "{said:?}");
    assert!(!home.run(&["login"]).stderr.contains('▄'), "no QR code unless asked for");
    // The form that fits: half-blocks only where they arrive as such.
    for (locale, has_halves) in [("C.UTF-8", true), ("C", false)] {
        let mut command = home.command(&["login", "--qr"]);
        command.env("LC_ALL", locale).env("TERM", "xterm");
        let stderr = ran(command.spawn().expect("the program starts")).stderr;
        assert_eq!((stderr.contains('▄'), stderr.contains("████")), (has_halves, true), "{stderr}");
    }
    for (flags, no_color, has_colors) in [(&["--color=always"][..], "1", true), (&[], "1", false), (&[], "", true)] {
        let mut command = home.command(&[&["login", "--qr=half"], flags].concat());
        command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", no_color);
        let stderr = ran(command.spawn().expect("the program starts")).stderr;
        assert_eq!(stderr.contains("\u{1b}[0;48;5;231m"), has_colors, "{flags:?} {no_color:?}");
    }
}

#[test]
fn the_qr_code_goes_to_a_file_in_every_mode_that_writes_lines() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    for (mode, name) in [("--plain", "code.png"), ("--json", "code.svg")] {
        let file = home.path(name);
        let ran = home.run(&["login", mode, "--qr-file", file.to_str().expect("UTF-8")]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let picture = std::fs::read(&file).expect("it is there");
        assert!(picture.starts_with(b"\x89PNG") || picture.starts_with(b"<svg "), "{name}");
    }
    let nowhere = home.path("nowhere/code.png");
    let ran = home.run(&["login", "--plain", "--qr-file", nowhere.to_str().expect("UTF-8")]);
    assert_eq!(authority.count("/device"), 2);
    ran.failed(2, &["the QR code cannot be written to", "nowhere/code.png", "name a file in a directory"]);
    home.run(&["login", "--plain", "--qr-file", "code.jpg"]).failed(2, &["it has to end in .png or .svg"]);
    home.run(&["login", "--grant-code", "--qr-file", "code.png"]).failed(2, &["cannot be used with"]);
}

#[test]
fn a_code_that_follows_another_is_asked_for_until_somebody_answers() {
    let codes = AtomicUsize::new(0);
    let authority = Authority::start(move |asked| match asked.path.as_str() {
        "/device" => match codes.fetch_add(1, Ordering::SeqCst) {
            0 => (200, device_code(asked).replace("300", "1")),
            1 => (503, "down for maintenance".to_owned()),
            _ => (200, device_code(asked)),
        },
        "/token" if codes.load(Ordering::SeqCst) < 3 => (400, json!({"error": "authorization_pending"}).to_string()),
        _ => friendly(asked),
    });
    let home = Home::at(&authority);
    let ran = home.run(&["login", "--json", "--renew", "1"]);
    let lines = ran.json_lines();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!((ran.code, events.last()), (0, Some(&"signed_in")), "{ran:?}");
    let retrying = events.iter().position(|event| *event == "retrying").expect("nobody answered once");
    assert_eq!((&lines[retrying]["reason"], events[retrying + 1]), (&json!("server_error"), "code_renewed"), "{ran:?}");
}

#[test]
fn sign_ins_that_fail_end_with_the_code_for_their_reason() {
    for (status, word, code, part) in [
        (400, "access_denied", 5, "the request was declined"),
        (400, "expired_token", 6, "the code ran out"),
        (401, "invalid_client", 2, "does not know this client"),
        (400, "invalid_scope", 2, "does not know one of the scopes"),
    ] {
        let authority = refusing(status, json!({"error": word}));
        let ran = Home::at(&authority).run(&["login", "--json"]);
        let lines = ran.json_lines();
        let failed = lines.last().expect("a line");
        assert_eq!((ran.code, &failed["event"]), (code, &json!("failed")), "{ran:?}");
        assert!(failed["error"]["message"].as_str().is_some_and(|message| message.contains(part)), "{ran:?}");
    }
    let authority = refusing(400, json!({"error": "invalid_scope"}));
    let home = Home::at(&authority);
    home.run(&["login", "--plain", "--scopes", "made.up"])
        .failed(2, &["check the scopes that were asked for in place of those of profile `work`: made.up"]);
    let pending = refusing(400, json!({"error": "authorization_pending"}));
    // Enough for a code on a busy machine.
    let timed_out = Home::at(&pending).run(&["login", "--plain", "--timeout", "10s"]);
    assert_eq!((timed_out.code, timed_out.stdout.as_str()), (6, ""), "{timed_out:?}");
    assert!(timed_out.stderr.contains("no approval came within 10 seconds"), "{timed_out:?}");
    // It takes connections and answers none.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("it is bound");
    let unanswered = Home::new();
    unanswered.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"c\"\n[providers.corp]\nkind = \"standard\"\n\
         device_authorization_endpoint = \"http://{address}/device\"\ntoken_endpoint = \"http://{address}/token\"\n"
    ));
    for mode in ["--plain", "--json"] {
        let ran = unanswered.run(&["login", mode, "--timeout", "10s"]);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code == 6 && told.contains("nothing to approve came within 10 seconds"), "{ran:?}");
        assert!(told.contains("the provider had not answered"), "{ran:?}");
    }
    let home = Home::new();
    home.configure(&program::configuration("http://127.0.0.1:1"));
    home.run(&["login"]).failed(7, &["refused the connection"]);
}

#[test]
fn a_time_or_a_count_without_a_meaning_is_refused_and_the_way_to_give_one_named() {
    let (time, over) = ("give a time such as `90s`, `5m` or `1h30m`", "that is over before anything is done");
    let home = Home::new();
    for (arguments, part) in [
        (&["login", "--timeout", "0"][..], over),
        (&["login", "--timeout", "0s"], over),
        (&["login", "--timeout=999ms"], over),
        (&["login", "--kiosk", "--timeout", "0h"], over),
        (&["login", "--timeout", "0"], time),
        (&["login", "--timeout", "-5s"], time),
        (&["login", "--timeout", "-5"], time),
        (&["login", "--timeout", ""], time),
        (&["login", "--timeout", "soon"], time),
        (&["login", "--timeout", "99999999999999999999"], time),
        (&["login", "--timeout", "9999999999999999999h"], time),
        (&["token", "--min-ttl", "-5m"], time),
        (&["token", "--min-ttl=-1"], time),
        (&["exec", "--min-ttl", "-5m", "--", "true"], time),
        (&["login", "--renew", "-1"], "such as `3`"),
        (&["login", "--renew", "4294967296"], "such as `3`"),
        (&["demo", "--serve", "--port", "-1"], "such as `9101`"),
        (&["demo", "--serve", "--port", "65536"], "such as `9101`"),
    ] {
        home.run(arguments).failed(2, &["invalid value", part]);
    }
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    assert_eq!(home.run(&["login"]).code, 0);
    // The longest that can be said.
    let ever = home.run(&["token", "--min-ttl", "2562047788015215h"]);
    assert!(ever.code == 0 && !ever.stderr.contains("panicked"), "{ever:?}");
    assert_eq!(home.run(&["token", "--min-ttl", "0"]).code, 0);
    assert_eq!(home.run(&["login", "--timeout", "2562047788015215h"]).code, 0);
}

#[test]
fn a_wrong_account_is_refused_and_its_grant_given_back() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    let ran = home.run(&["login", "--expect-account", "ops@example.com"]);
    assert!(ran.code == 1 && ran.stderr.contains("`dana@example.com` approved instead of"), "{ran:?}");
    assert_eq!(authority.count("/revoke"), 1);
    home.run(&["token"]).failed(4, &[]);
    assert_eq!(home.run(&["login", "--expect-account", "DANA@example.com"]).code, 0);
}

#[test]
fn an_approval_that_cannot_be_saved_is_given_back() {
    for in_its_place in [Some("a file"), Some("a directory"), None] {
        let home = Home::new();
        let (state, aside) = (home.path("state"), home.path("aside"));
        home.write("spare", "no directory");
        let authority = Authority::start(move |asked| {
            if asked.path == "/token" {
                std::fs::rename(&state, &aside).expect("the store was probed");
                let made = match in_its_place {
                    Some("a file") => std::fs::File::create(&state).map(drop),
                    Some(_) => std::fs::create_dir(&state),
                    None => Ok(()),
                };
                made.expect("the home can be written");
            }
            friendly(asked)
        });
        home.configure(&program::configuration(&authority.origin()));
        let ran = home.run(&["login", "--plain"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (9, ""), "{in_its_place:?}: {ran:?}");
        assert!(ran.stderr.contains("nothing was saved and the grant was revoked"), "{in_its_place:?}: {ran:?}");
        assert_eq!(authority.count("/revoke"), 1, "{in_its_place:?}");
    }
}

#[cfg(unix)]
#[test]
fn signals_end_a_sign_in_with_their_own_code() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let authority = refusing(400, json!({"error": "authorization_pending"}));
        let home = Home::at(&authority);
        let mut child = home.spawn(&["login", "--json"]);
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the program speaks");
        assert!(line.contains("code_issued"), "{line}");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(killed.success());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut rest).expect("the program ends");
        assert_eq!(child.wait().expect("it ended").code(), Some(code), "{rest}");
        assert!(rest.contains(r#""code":"interrupted""#), "{rest}");
    }
}

#[test]
fn whoami_asks_the_provider() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    home.run(&["whoami"]).failed(4, &["is not signed in"]);
    home.sign_in(&authority, |_| {});
    home.run(&["whoami"]).worked("Dana <dana@example.com>, id 77\n");
    let account = home.run(&["whoami", "--json"]).json();
    assert_eq!(account["account"]["email"], json!("dana@example.com"));
    assert_eq!((&account["schema_version"], &account["profile"]), (&json!(1), &json!("work")));
}

#[test]
fn logout_says_which_of_revoking_and_forgetting_worked() {
    let authority = Authority::start(friendly);
    let home = Home::at(&authority);
    home.run(&["logout"]).worked("Profile work was not signed in.\n");
    home.sign_in(&authority, |_| {});
    let ran = home.run(&["logout"]);
    assert!(ran.code == 0 && ran.stdout.contains("Revoked: ") && ran.stdout.contains("Forgotten: "), "{ran:?}");
    home.run(&["token"]).failed(4, &[]);
    home.sign_in(&authority, |_| {});
    let local = home.run(&["logout", "--local"]);
    assert!(local.code == 0 && !local.stdout.contains("Revoked"), "{local:?}");
    assert!(local.stderr.contains("was not revoked"), "{local:?}");
    assert_eq!(authority.count("/revoke"), 1);
    let (_closed, address) = closed_port();
    let (home, origin) = (Home::new(), format!("http://{address}"));
    home.configure(&program::configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    let offline = home.run(&["logout"]);
    assert!(offline.code == 7 && offline.stderr.contains("could not be revoked"), "{offline:?}");
    assert!(offline.stdout.contains("Signed out: ") && !offline.stdout.contains("Revoked"), "{offline:?}");
    home.run(&["token"]).failed(4, &[]);
}

#[test]
fn api_calls_bring_the_body_as_it_came() {
    let body = "{\"b\": 1.10,\n \"a\": \"\u{1b}[31m\"}";
    let authority = Authority::start(move |asked| match asked.path.as_str() {
        "/gone" => (404, r#"{"code":"INVALID_URL_PATTERN"}"#.to_owned()),
        _ => (200, body.to_owned()),
    });
    let home = Home::at(&authority);
    home.run(&["api", "/x"]).failed(4, &["is not signed in"]);
    home.sign_in(&authority, |_| {});
    home.run(&["api", "/x"]).worked(body);
    let asked = authority.log().pop().expect("a request");
    assert!(asked.headers.contains(&format!("authorization: Bearer {ACCESS_TOKEN}\n")), "{asked:?}");
    let with_head = home.run(&["api", "-i", "/x"]);
    assert!(
        with_head.stdout.starts_with("HTTP/1.1 200 OK\n") && with_head.stdout.contains("\nx-limit: 7\n"),
        "{with_head:?}"
    );
    assert!(with_head.stdout.ends_with(&format!("\n\n{body}")), "{with_head:?}");
    let gone = home.run(&["api", "/gone"]);
    assert!(gone.code == 0 && gone.stderr.contains("GET /gone answered HTTP 404: the API knows no such"), "{gone:?}");
    let failed = home.run(&["api", "--fail", "/gone"]);
    assert!(failed.code == 22 && failed.stdout.contains("INVALID_URL_PATTERN"), "{failed:?}");
}

#[test]
fn a_call_that_is_a_post_only_for_its_fields_is_told_so_where_the_method_is_refused() {
    let authority = Authority::start(|asked| match asked.path.as_str() {
        "/405" => (405, String::new()),
        _ => (400, r#"{"code":"INVALID_DATA"}"#.to_owned()),
    });
    let home = Home::signed_in(&authority);
    for (arguments, is_told) in [
        (&["-F", "a=1", "/405"][..], true),
        (&["-F", "a=1", "/data"], false),
        (&["POST", "-F", "a=1", "/405"], false),
        (&["/405"], false),
    ] {
        let said = home.run(&[&["api"], arguments].concat());
        assert_eq!(said.stderr.contains("as in `api GET PATH`"), is_told, "{arguments:?}: {said:?}");
    }
}

#[test]
fn the_head_of_an_answer_begins_as_it_does_on_the_wire() {
    for (status, line) in [
        (200, "HTTP/1.1 200 OK\n"),
        (401, "HTTP/1.1 401 Unauthorized\n"),
        (410, "HTTP/1.1 410 Gone\n"),
        (599, "HTTP/1.1 599\n"),
    ] {
        let authority = Authority::start(move |_| (status, "{}".to_owned()));
        let home = Home::signed_in(&authority);
        let ran = home.run(&["api", "-i", "/x"]);
        assert!(ran.code == 0 && ran.stdout.starts_with(line), "{ran:?}");
    }
}

#[test]
fn arguments_that_can_be_meant_for_no_call_are_told_before_anybody_has_to_sign_in() {
    let home = Home::new();
    home.configure("[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1\"\nscopes = [\"A.b.READ\"]\n");
    for (arguments, told) in [
        (&["--product", "cmr", "/x"][..], "did you mean `crm`?"),
        (&["--product", "cmr", "--paginate", "/x"], "did you mean `crm`?"),
        (&["--product", "nonsense", "https://www.zohoapis.com/x"], "known are: "),
        (&["work", "/x"], "the method comes before the path"),
        (&["/x", "-H", "no colon"], "it has no colon"),
        (&["/x", "-H", "Authorization: x"], "the program itself says who calls"),
        (&["/x", "-H", "Host: x"], "it follows from the call itself"),
        (&["x"], "no path that begins with `/`"),
        (&["//host/x"], "has no `https:` before it"),
        (&["/x", "-F", "a=@/nothing/here"], "cannot be read"),
    ] {
        home.run(&[&["api"], arguments].concat()).failed(2, &[told]);
    }
    home.run(&["api", "--product", "crm", "/x"]).failed(4, &["device-login login work"]);
}

#[test]
fn api_fields_make_the_query_or_the_body() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    let call = |arguments: &[&str], stdin: &str| {
        let ran = home.run_with(&[&["api"], arguments].concat(), stdin);
        assert_eq!(ran.code, 0, "{ran:?}");
        authority.log().pop().expect("a request")
    };
    let query = call(&["GET", "/x", "-F", "n=1", "-f", "t=a b"], "");
    assert_eq!((query.method.as_str(), query.path.as_str()), ("GET", "/x?n=1&t=a+b"));
    let json = call(&["/x", "-F", "n=1", "-f", "n2=1", "-F", "data[][Last_Name]=A"], "");
    assert_eq!(json.method, "POST");
    assert_eq!(json.body, r#"{"data":[{"Last_Name":"A"}],"n":1,"n2":"1"}"#);
    assert!(json.headers.contains("content-type: application/json\n"), "{json:?}");
    let named = call(&["/x", "-H", "X-Name: caf\u{e9}, \"a\"; b=%20+c"], "");
    assert!(named.headers.contains("x-name: caf\u{e9}, \"a\"; b=%20+c"), "{named:?}");
    let form = call(&["/x", "-f", "a=b c", "-H", "Content-Type: application/x-www-form-urlencoded"], "");
    assert_eq!(form.body, "a=b+c");
    let input = call(&["PUT", "/x", "--input", "-", "-f", "q=1"], "{\"raw\":true}");
    assert_eq!((input.method.as_str(), input.path.as_str()), ("PUT", "/x?q=1"));
    assert_eq!(input.body, r#"{"raw":true}"#);
}

#[test]
fn api_calls_that_must_not_be_made_are_not() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    for (arguments, part) in [
        (&["api", "https://evil.example/x"][..], "https://evil.example is not among the places"),
        (&["api", "https://user:pw@evil.example/x"], "a user name or a password in it"),
        (&["api", "//evil.example/x"], "has no `https:` before it"),
        (&["api", "ftp://evil.example/x"], "begin with `ftp:` are not called"),
        (&["api", "x"], "is no path that begins with"),
        (&["api", "FETCH", "/x"], "`FETCH` is none of GET"),
        (&["api", "work", "/x"], "a profile is named by `-p`"),
        (&["api", "/x", "--product", "nothing"], "the provider has no products, so `nothing` is none"),
        (&["api", "/x", "--product", "desk"], "leave `--product` out"),
        (&["api", "/x", "-F", "a=1", "-f", "a=2"], "`a` is given twice"),
        (&["api", "PUT", "/x", "-F", "a[]=1", "-F", "a=2", "--curl"], "`a` is given twice"),
        (&["api", "/x", "-H", "Authorization: Bearer other"], "cannot be set"),
        (&["api", "/x", "-H", "nonsense"], "it has no colon"),
        (&["api", "/x", "-F", "nonsense"], "it has no `=`"),
        (&["api", "/x", "--input", "/nothing/here"], "the body could not be read"),
        (&["api", "--curl", "/x", "-H", "A: 1", "-H", "B"], "header 2 of those given with `-H` cannot be read"),
        (&["api", "--curl", "https://evil.example/x"], "is not among the places"),
        (&["api", "--curl", "https://user:pw@evil.example/x"], "a user name or a password in it"),
        (&["api"], "required arguments"),
    ] {
        home.run(arguments).failed(2, &[part]);
    }
    assert_eq!(authority.log().len(), 0);
    let origin = authority.origin();
    home.run(&["api", "/x", "--curl"])
        .worked(&format!("curl --globoff -H \"Authorization: Bearer $DEVICE_LOGIN_ACCESS_TOKEN\" '{origin}/x'\n"));
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn profiles_are_added_shown_and_removed() {
    let home = Home::new();
    let add = |more: &[&str]| {
        let arguments = [&["profile", "add", "ops", "--provider", "zoho", "--client-id", "1000.X"], more].concat();
        home.run_with(&arguments, "sentinel-client-secret-0123456789\n")
    };
    let scopes = ["--scopes", "AaaServer.profile.READ,ZohoCRM.users.READ"];
    add(&[&scopes[..], &["--data-center", "mars"]].concat()).failed(2, &["data center `mars`"]);
    add(&["--scopes", "a\"b"]).failed(2, &["`a\"b` is no scope"]);
    add(&[&scopes[..], &["--client-secret-file", "/tmp"]].concat()).failed(2, &["name a file, not a directory"]);
    let added = add(&[&scopes[..], &["--data-center", "EU", "--client-secret-stdin"]].concat());
    assert!(added.code == 0 && added.stdout.starts_with("Added profile ops to "), "{added:?}");
    assert!(!home.configuration().contains("sentinel"), "{}", home.configuration());
    assert!(!added.stderr.contains("was used where"), "it is the only one: {added:?}");
    for (name, is_told) in [("second", true), ("third", false)] {
        let ran =
            home.run(&["profile", "add", name, "--provider", "zoho", "--client-id", "1000.X", scopes[0], scopes[1]]);
        let told = "`ops` was used where no profile is named: run `device-login profile use ops` to keep that.";
        assert_eq!((ran.code, ran.stderr.contains(told)), (0, is_told), "{ran:?}");
        if !is_told {
            assert_eq!(home.run(&["profile", "remove", name]).code, 0);
        }
    }
    assert_eq!(home.run(&["profile", "remove", "second"]).code, 0);
    add(&scopes).failed(2, &["there is already one with this name"]);
    home.run(&["profile", "list"]).worked("ops\tzoho EU\tdefault\n");
    let shown = home.run(&["profile", "show"]);
    for part in ["1000.X", "in the store", "ZohoCRM.users.READ (read CRM users)", "data center    eu", "signed out"] {
        assert!(shown.stdout.contains(part), "{part:?} is missing: {shown:?}");
    }
    assert!(!shown.stdout.contains("sentinel"));
    home.run(&["profile", "remove", "nobody"]).failed(2, &["there is no profile `nobody`"]);
    home.run(&["profile", "remove", "ops"]).worked("Removed profile ops.\n");
    assert!(!home.configuration().contains("ops"));
    assert!(!home.path("state/ops.record").exists());
    home.run(&["profile", "add", "x", "--provider", "nowhere", "--client-id", "1", "--scopes", "a"])
        .failed(2, &["which is not known", "zoho"]);
    home.run(&[
        "profile",
        "add",
        "x",
        "--provider",
        "zoho",
        "--client-id",
        "1",
        "--scopes",
        "a",
        "--client-secret",
        "s",
    ])
    .failed(2, &["never taken from the command line"]);
}

#[test]
fn a_profile_whose_record_cannot_be_written_is_not_configured() {
    let home = Home::new();
    home.write("state", "not a directory");
    let secret = home.write("secret", "sentinel\n").display().to_string();
    let arguments =
        ["profile", "add", "x", "--provider", "zoho", "--client-id", "1", "--scopes", "a", "--client-secret-file"];
    home.run(&[&arguments[..], &[&secret]].concat()).failed(9, &["the store cannot be used"]);
    assert_eq!(home.configuration(), "");
}

#[test]
fn a_profile_that_is_signed_in_is_removed_by_force_only() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    home.run(&["profile", "remove", "work"]).failed(2, &["is signed in", "device-login logout work", "--force"]);
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
    let removed = home.run(&["profile", "remove", "--force", "work"]);
    assert!(removed.code == 0 && removed.stderr.contains("was not revoked"), "{removed:?}");
    assert!(!home.path("state/work.record").exists());
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn verbose_says_which_requests_are_made() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    let ran = home.run(&["-v", "api", "/x?private=1"]);
    let host = authority.origin().replace("http://", "");
    assert!(ran.stderr.starts_with(&format!("GET {host} /x 200 ")) && ran.stderr.ends_with(" ms\n"), "{ran:?}");
    let quiet = home.run(&["-q", "logout", "--local"]);
    assert!(quiet.code == 0 && quiet.stderr.is_empty(), "{quiet:?}");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    for arguments in [&["token"][..], &["status", "--json"], &["api", "/x"], &["--help"]] {
        let (reader, writer) = std::io::pipe().expect("pipes are to be had");
        drop(reader);
        let child = home.command(arguments).stdout(Stdio::from(writer)).spawn().expect("the program starts");
        let ran = ran(child);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_needs_a_terminal_or_serves() {
    let home = Home::new();
    home.run(&["demo"]).failed(2, &["the demo needs a terminal", "demo --serve"]);
    let mut child = home.spawn(&["demo", "--serve"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout is a pipe")).read_line(&mut line).expect("the demo speaks");
    let addresses: Value = serde_json::from_str(&line).expect("one JSON line");
    assert!(addresses["client_id"].is_string() && addresses["data_centers"]["eu"]["api_domain"].is_string(), "{line}");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(!home.path("state").exists() && !home.path("config.toml").exists());
}

#[test]
fn a_damaged_record_that_gave_way_to_the_one_before_is_told() {
    let authority = Authority::start(friendly);
    let home = Home::signed_in(&authority);
    home.sign_in(&authority, |_| {});
    home.write("state/work.record", "damaged");
    let token = home.run(&["token"]);
    assert_eq!((token.code, token.stdout.as_str()), (0, format!("{ACCESS_TOKEN}\n").as_str()), "{token:?}");
    assert!(token.stderr.contains("warning: The record") && token.stderr.contains("is damaged"), "{token:?}");
    for arguments in [&["status"][..], &["status", "--json"]] {
        let status = home.run(arguments);
        let told = (status.stdout.clone() + &status.stderr).matches("is damaged").count();
        assert!(told == 1 && status.stdout.contains("is damaged"), "{status:?}");
    }
    assert_eq!(home.run(&["token", "--force"]).code, 0);
    let aside = home.path("state/work.record.corrupt-1");
    assert_eq!(std::fs::read(&aside).expect("it is kept"), b"damaged");
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    let status = home.run(&["status"]);
    assert!(status.code == 0 && status.stdout.contains("was set aside as"), "{status:?}");
    let status = home.run(&["status", "--json"]).json();
    assert!(status["profiles"][0]["warnings"][0].to_string().contains("corrupt-1"), "{status}");
}
