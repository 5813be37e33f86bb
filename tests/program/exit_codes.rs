//! Every error code by the program itself: its exit code, its word, and what people and scripts are told.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use device_login::error::{Code, exit_codes};
use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{self, Home, Ran, ended, ran};

/// What a failing command said to a person, and to a script where that can ask for JSON.
type Told = (Ran, Option<Ran>);

/// The same failure twice, each in a home of its own, since the first may note something for the next.
fn twice(home: impl Fn() -> Home, person: &[&str], script: &[&str]) -> Told {
    (home().run(person), Some(home().run(script)))
}

/// A server that has one answer for the beginning of a sign-in, one for tokens, and knows who asks.
fn server(device: impl Fn(&Asked) -> (u16, Value) + Send + 'static, token: (u16, Value)) -> Authority {
    Authority::start(move |asked| {
        let (status, body) = match asked.path.as_str() {
            "/device" => device(asked),
            "/userinfo" => (200, json!({"sub": "77", "email": "dana@example.com"})),
            "/revoke" => (200, json!({})),
            path if path.contains("/token") => token.clone(),
            _ => (404, json!({})),
        };
        (status, body.to_string())
    })
}

fn device_code(asked: &Asked) -> (u16, Value) {
    let page = format!("{}/page", asked.origin());
    let code = json!({
        "device_code": "d", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300, "verification_uri": page,
    });
    (200, code)
}

/// What a sign-in makes of an answer to its polls.
fn polled(token: (u16, Value), more: &[&str]) -> Told {
    let authority = server(device_code, token);
    let with = |how| [&["login", how], more].concat();
    twice(|| Home::at(&authority), &with("--plain"), &with("--json"))
}

/// What a refresh makes of an answer.
fn refreshed(status: u16, body: Value) -> Told {
    let authority = server(device_code, (status, body));
    let home = || {
        let home = Home::at(&authority);
        home.sign_in(&authority, ended);
        home
    };
    twice(home, &["token"], &["token", "--format", "json"])
}

/// The same at a server of Zoho's kind.
fn refreshed_at_zoho(word: &str) -> Told {
    let authority = server(device_code, (200, json!({ "error": word, "user_location": "eu" })));
    let home = || {
        let (home, origin) = (Home::new(), authority.origin());
        home.write("secret", program::CLIENT_SECRET);
        let profile = "[profiles.work]\nprovider = \"corp\"\ndata_center = \"us\"\nclient_id = \"client-1\"\n\
            client_secret_file = \"secret\"\nscopes = [\"openid\"]\n[providers.corp]\nkind = \"zoho\"\n";
        let place = format!("accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n");
        home.configure(&format!("{profile}[providers.corp.data_centers.us]\n{place}"));
        home.sign_in(&authority, |grant| {
            grant.issuer = format!("{origin}/");
            "us".clone_into(&mut grant.data_center);
            ended(grant);
        });
        home
    };
    twice(home, &["token"], &["token", "--format", "json"])
}

/// A sign-in at which nobody approves, interrupted when it has told its code.
fn interrupted(how: &str) -> Ran {
    let authority = server(device_code, (400, json!({"error": "authorization_pending"})));
    let home = Home::at(&authority);
    let mut child = home.spawn(&["login", how]);
    let mut said = String::new();
    if how == "--json" {
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut said).expect("it speaks");
    } else {
        let mut stderr = child.stderr.take().expect("a pipe");
        let mut byte = [0];
        while !said.contains("ABCD-1234") && stderr.read(&mut byte).expect("it speaks") == 1 {
            said.push(char::from(byte[0]));
        }
        child.stderr = Some(stderr);
    }
    assert!(said.contains("ABCD-1234"), "{said}");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    ran(child)
}

/// A profile that another process changes.
fn locked() -> Told {
    let authority = server(device_code, (400, json!({"error": "invalid_grant"})));
    let home = Home::at(&authority);
    home.sign_in(&authority, ended);
    let store = home.store();
    let held = store.hold(&"work".parse().expect("a name"), Duration::from_secs(5)).expect("nobody else writes");
    let (person, script) = (home.spawn(&["token"]), home.spawn(&["token", "--format", "json"]));
    let told = (ran(person), Some(ran(script)));
    held.release();
    told
}

/// Has the program fail with a code. A code that is new has to be given a way to fail here.
fn failing(code: Code) -> Told {
    let nobody = || server(device_code, (400, json!({"error": "authorization_pending"})));
    match code {
        Code::Usage => twice(Home::new, &["whoami", "--nonsense"], &["whoami", "--nonsense", "--json"]),
        Code::Config => {
            let home = || {
                let home = Home::new();
                home.configure("colour = 1\n");
                home
            };
            twice(home, &["whoami"], &["whoami", "--json"])
        }
        Code::UnknownProfile => twice(|| Home::at(&nobody()), &["whoami", "x"], &["whoami", "x", "--json"]),
        Code::InvalidClient => refreshed(401, json!({"error": "invalid_client"})),
        Code::InvalidClientSecret => refreshed_at_zoho("invalid_client_secret"),
        Code::WrongDataCenter => refreshed_at_zoho("other_dc"),
        Code::InvalidScope => {
            let authority = server(|_| (400, json!({"error": "invalid_scope"})), (400, json!({})));
            twice(|| Home::at(&authority), &["login", "--plain"], &["login", "--json"])
        }
        Code::SignInNeeded => twice(|| Home::at(&nobody()), &["token"], &["token", "--format", "json"]),
        Code::Denied => polled((400, json!({"error": "access_denied"})), &[]),
        Code::CodeExpired => polled((400, json!({"error": "expired_token"})), &[]),
        Code::Timeout => polled((400, json!({"error": "authorization_pending"})), &["--timeout", "1s"]),
        // The server is gone when it is asked.
        Code::Network => twice(|| Home::at(&nobody()), &["login", "--plain"], &["login", "--json"]),
        Code::Provider => refreshed(502, json!("down")),
        Code::UntrustedAnswer => {
            let odd = |asked: &Asked| {
                let (status, mut code) = device_code(asked);
                code["verification_uri"] = json!("javascript:alert(1)");
                (status, code)
            };
            let authority = server(odd, (400, json!({})));
            twice(|| Home::at(&authority), &["login", "--plain"], &["login", "--json"])
        }
        Code::WrongAccount => {
            let token = json!({"access_token": "a", "token_type": "Bearer", "refresh_token": "r", "expires_in": 3600});
            polled((200, token), &["--expect-account", "ops@example.com"])
        }
        Code::Store => {
            let home = || {
                let home = Home::at(&nobody());
                home.write("state", "not a directory");
                home
            };
            twice(home, &["token"], &["token", "--format", "json"])
        }
        Code::StoreLocked => locked(),
        Code::StoreUnavailable => {
            let store = ["--store", "postgres://nobody@127.0.0.1:1/none?sslmode=disable"];
            let with = |arguments: &[&'static str]| [&store, arguments].concat();
            twice(|| Home::at(&nobody()), &with(&["token"]), &with(&["token", "--format", "json"]))
        }
        Code::RateLimited => refreshed(429, json!({"error": "slow_down"})),
        Code::ApiStatus => {
            let authority = nobody();
            let home = Home::signed_in(&authority);
            let call = home.command(&["api", "--fail", "/missing"]).stdout(Stdio::null()).spawn();
            (ran(call.expect("the program starts")), None)
        }
        Code::Interrupted => (interrupted("--plain"), Some(interrupted("--json"))),
        Code::Other => {
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has a full device");
            let child = Home::new().command(&["scopes"]).stdout(full).spawn();
            (ran(child.expect("the program starts")), None)
        }
    }
}

fn check(code: Code) {
    let (person, script) = failing(code);
    let exit = i32::from(code.exit_code());
    assert_eq!((person.code, person.stdout.as_str()), (exit, ""), "{code:?}: {person:?}");
    // Whoever pressed Ctrl-C knows why it ended.
    if code != Code::Interrupted {
        assert!(person.stderr.contains("error: "), "{code:?}: {person:?}");
        let is_of_arguments = person.stderr.contains("Usage: ");
        assert!(is_of_arguments || person.stderr.contains("\n  hint: "), "{code:?}: {person:?}");
    }
    if let Some(script) = script {
        assert_eq!(script.code, exit, "{code:?}: {script:?}");
        let lines = script.json_lines();
        let last = lines.last().unwrap_or_else(|| panic!("{code:?} says nothing: {script:?}"));
        let error = &last["error"];
        assert_eq!((&last["schema_version"], &error["code"]), (&json!(1), &json!(code.word())), "{script:?}");
        assert_eq!(error["retryable"], json!(code.is_retryable()), "{script:?}");
        for field in ["message", "hint"] {
            assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field} is missing: {script:?}");
        }
        assert!(!script.stderr.contains("error: "), "it is told once: {script:?}");
    }
}

#[test]
fn each_error_code_ends_the_program_with_its_exit_code_and_its_word() {
    let can_happen = |code: &&Code| cfg!(feature = "postgres") || **code != Code::StoreUnavailable;
    thread::scope(|scope| {
        let checks: Vec<_> = Code::ALL.iter().filter(can_happen).map(|code| scope.spawn(|| check(*code))).collect();
        for check in checks {
            check.join().expect("the code is told");
        }
    });
}

#[test]
fn the_table_of_exit_codes_is_the_readmes() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("it is there");
    for (code, meaning) in exit_codes() {
        assert!(readme.contains(&format!("| {code} | {meaning} |")), "the README lacks `{code}`: {meaning}");
    }
    for code in Code::ALL {
        assert!(exit_codes().any(|(known, _)| known == code.exit_code().to_string()), "{code:?}");
    }
}
