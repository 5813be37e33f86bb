//! `doctor`: every kind of line in each of its verdicts, as far as a test can bring them about, and what it never does.

use std::fs;
use std::process::Command;
use std::time::Duration;

use device_login::clock;
use jiff::SignedDuration;
use rcgen::date_time_ymd;
use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, Ran, configuration, ran, set_mode};
use crate::support::tls;

/// A provider that knows the client, with these headers on every answer.
fn provider(headers: String) -> Authority {
    Authority::start_with_headers(move |asked: &Asked| {
        let refused = (400, headers.clone(), json!({"error": "invalid_grant"}).to_string());
        if asked.path == "/token" { refused } else { (404, headers.clone(), String::new()) }
    })
}

/// The checks of a kind.
fn of<'a>(json: &'a Value, subject: &str) -> Vec<&'a Value> {
    let checks = json["checks"].as_array().expect("a list");
    checks.iter().filter(|check| check["subject"] == subject).collect()
}

/// One check of the kind has this verdict and says this; where it is not well, it says what helps.
#[track_caller]
fn assert_check(ran: &Ran, subject: &str, verdict: &str, seen: &str) {
    let json = ran.json();
    let checks = of(&json, subject);
    let is_it = |check: &&&Value| {
        let said = format!("{} {} {}", check["about"], check["seen"], check["hint"]);
        check["verdict"] == verdict && said.contains(seen) && check["hint"].is_string() == (verdict != "ok")
    };
    assert!(checks.iter().any(|check| is_it(&check)), "{subject} {verdict} {seen}: {checks:#?}");
    let words = ["ok", "warning", "error"];
    let verdicts = json["checks"].as_array().expect("a list").iter().map(|check| &check["verdict"]);
    let worst = verdicts.map(|word| words.iter().position(|known| word == known).expect("a verdict")).max();
    let worst = worst.expect("some checks");
    let is_quiet = ran.stderr.lines().all(|line| line.starts_with("warning: the variable"));
    assert!(json["verdict"] == words[worst] && i32::try_from(worst) == Ok(ran.code) && is_quiet, "{ran:?}");
}

fn doctor(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["doctor", "--json"], more].concat())
}

fn doctor_with(home: &Home, variables: &[(&str, &str)]) -> Ran {
    let mut command = home.command(&["doctor", "--json"]);
    command.envs(variables.iter().copied());
    ran(command.spawn().expect("it starts"))
}

fn date(ahead: i64) -> String {
    let time = clock::wall() + SignedDuration::from_secs(ahead);
    format!("date: {}\r\n", time.strftime("%a, %d %b %Y %H:%M:%S GMT"))
}

#[test]
fn a_sound_home_has_a_line_for_everything_and_nothing_is_changed_or_asked_for() {
    let authority = provider(date(0));
    let home = Home::signed_in(&authority);
    let before = fs::read(home.path("state/work.record")).expect("a record");
    let ran = doctor(&home, &[]);
    for (subject, seen) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("configuration", "1 profile"),
        ("store", "1 record"),
        ("key", "key-file, encrypted, key file readable by this user only (L1)"),
        ("lock", "nobody holds one"),
        ("files", "nobody else can change them"),
        ("connection", "HTTP 404 after"),
        ("clock", "is as the server's"),
        ("client", "knows `client-1`"),
        ("terminal", "there is none"),
        ("variable", "DEVICE_LOGIN_HOME"),
    ] {
        assert_check(&ran, subject, "ok", seen);
    }
    assert!(of(&ran.json(), "file system").len() == 1, "{ran:?}");
    assert_eq!(fs::read(home.path("state/work.record")).expect("a record"), before);
    let log = authority.log();
    let mut asked: Vec<(&str, &str)> = log.iter().map(|asked| (asked.method.as_str(), asked.path.as_str())).collect();
    asked.sort_unstable();
    assert_eq!(asked, [("HEAD", "/"), ("POST", "/token"), ("POST", "/token")]);
    assert!(log.iter().all(|asked| !format!("{asked:?}").contains("sentinel-refresh")), "{log:?}");
    let is_named = |asked: &Asked| asked.method == "HEAD" || asked.body.contains("client_id=client-1");
    assert!(log.iter().all(is_named) && !format!("{ran:?}").contains("sentinel"), "{log:?}");
}

#[test]
fn the_json_is_what_the_help_says() {
    let home = Home::new();
    let help = home.run(&["doctor", "--help"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let json = doctor(&home, &[]).json();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&json), ["checks", "schema_version", "verdict"]);
    assert!(
        help.contains("the worst `verdict`, and `checks` with `subject`, `about`, `verdict`, `seen` and `hint`"),
        "{help}"
    );
    for check in json["checks"].as_array().expect("a list") {
        let (told, needed) = (keys(check), ["seen", "subject", "verdict"]);
        assert!(needed.iter().all(|key| told.iter().any(|other| other == key)), "{check}");
        assert!(
            told.iter().all(|key| needed.contains(&key.as_str()) || ["about", "hint"].contains(&key.as_str())),
            "{check}"
        );
    }
}

#[test]
fn clocks_are_compared_with_the_servers() {
    for (ahead, verdict, seen) in [(180, "warning", "minutes behind"), (-4 * 365 * 86_400, "error", "days ahead")] {
        let authority = provider(date(ahead));
        assert_check(&doctor(&Home::at(&authority), &[]), "clock", verdict, seen);
    }
}

#[test]
fn clients_are_asked_about_at_the_provider() {
    let refused = || (400, json!({"error": "invalid_grant"}));
    for ((poll_status, poll), (status, answer), verdict, seen) in [
        (refused(), refused(), "ok", "knows `client-1`"),
        // Of a server that looks at a refresh token before it looks at the client.
        ((401, json!({"error": "invalid_client"})), refused(), "error", "invalid_client"),
        ((400, json!({"error": "unauthorized_client"})), refused(), "error", "unauthorized_client"),
        (refused(), (401, json!({"error": "invalid_client"})), "error", "invalid_client"),
        (
            refused(),
            (400, json!({"error": "unsupported_grant_type"})),
            "warning",
            "unsupported_grant_type, which does not tell",
        ),
        (refused(), (400, json!({"error": "\u{1b}[2J\n\u{202e}odd"})), "warning", "which does not tell"),
        ((404, json!({})), (429, json!({})), "warning", "asks for fewer requests"),
        ((400, json!({"error": "expired_token"})), (500, json!({})), "warning", "HTTP 500"),
        ((404, json!({})), (404, json!({})), "warning", "/token (HTTP 404)"),
        (
            refused(),
            (200, json!({"access_token": "AT", "token_type": "Bearer"})),
            "warning",
            "gave a token for a token of nobody's",
        ),
    ] {
        let is_told_by_poll = poll["error"].as_str().is_some_and(|word| word.ends_with("_client"));
        let authority = Authority::start(move |asked| match asked.path.as_str() {
            "/token" if asked.body.contains("device_code") => (poll_status, poll.to_string()),
            "/token" => (status, answer.to_string()),
            _ => (404, String::new()),
        });
        let home = Home::at(&authority);
        let ran = doctor(&home, &[]);
        assert_check(&ran, "client", verdict, seen);
        let asked = if is_told_by_poll { 1 } else { 2 };
        assert_eq!((authority.count("/device"), authority.count("/token")), (0, asked));
        let said = of(&ran.json(), "client")[0].to_string();
        assert!(!said.contains("\\u001b") && !said.contains('\u{202e}') && !said.contains("\\n"), "{said}");
    }
}

#[test]
fn certificates_are_told_by_whom_they_end_in() {
    let lab = tls::Authority::new("Lab root");
    let file = lab.file();
    let file = file.to_str().expect("text");
    let soon = clock::wall() + SignedDuration::from_hours(3 * 24);
    let soon = soon.strftime("%Y %-m %-d").to_string();
    let soon: Vec<i32> = soon.split(' ').map(|number| number.parse().expect("a number")).collect();
    let [year, month, day] = soon[..] else { panic!("a date") };
    let small = |number: i32| u8::try_from(number).expect("small");
    let good = lab.serve(|_| ());
    let ended = lab.serve(|params| params.not_after = date_time_ymd(2020, 2, 3));
    let ending = lab.serve(|params| params.not_after = date_time_ymd(year, small(month), small(day)));
    for (server, arguments, subject, verdict, seen) in [
        (&good, &["--ca-cert", file][..], "TLS", "ok", "ends in \\\"Lab root\\\", from `--ca-cert`"),
        (
            &good,
            &["--ca-cert", file],
            "TLS",
            "ok",
            "its certificate ends on 4096-01-01, \\\"Lab root\\\" on 4096-01-01",
        ),
        (&ended, &["--ca-cert", file], "TLS", "error", "the certificate ended 2020-02-03"),
        (&ended, &["--ca-cert", file], "TLS", "error", "good from 1975-01-01 to 2020-02-03 and signed by"),
        (&ending, &["--ca-cert", file], "TLS", "warning", "its certificate ends on"),
        (&good, &[], "TLS", "error", "signed by \\\"Lab root\\\""),
        (&good, &["--ca-cert", file], "DNS", "ok", "127.0.0.1"),
    ] {
        let home = Home::new();
        home.configure(&configuration(server.as_str().trim_end_matches("/device")));
        assert_check(&doctor(&home, arguments), subject, verdict, seen);
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let home = Home::new();
    let profile = |number: u32| {
        format!(
            "[profiles.p{number}]\nprovider = \"c{number}\"\nclient_id = \"client-{number}\"\nscopes = [\"openid\"]\n\
             [providers.c{number}]\nkind = \"standard\"\ntoken_endpoint = \"http://127.0.0.1:{number}/token\"\n\
             device_authorization_endpoint = \"http://127.0.0.1:{number}/device\"\n"
        )
    };
    for (count, servers, clients) in [(16, None, None), (17, Some("1 more server"), Some("1 more client"))] {
        home.configure(&(1..=count).map(profile).collect::<String>());
        let ran = doctor(&home, &[]);
        let json = ran.json();
        for (subject, left_out) in [("connection", servers), ("client", clients)] {
            assert_eq!(of(&json, subject).len(), 16 + usize::from(left_out.is_some()), "{ran:?}");
            if let Some(left_out) = left_out {
                assert_check(&ran, subject, "warning", &format!("left out: {left_out}"));
            }
            assert_eq!(ran.stdout.contains("left out"), left_out.is_some(), "{ran:?}");
        }
        let named = doctor(&home, &[&format!("p{count}")]);
        assert_check(&named, "client", "warning", "refused the connection");
    }
    let mut command = home.command(&["doctor", "--json"]);
    let lost = [("DEVICE_LOGIN_KEY_FILE", " x"), ("DEVICE_LOGIN_PASSPHRASE_FILE", "y ")];
    let ran = ran(command.envs(lost).spawn().expect("it starts"));
    for (name, _) in lost {
        assert_check(&ran, "variable", "error", name);
    }
}

#[test]
fn proxies_and_names_are_looked_at() {
    let home = Home::new();
    home.configure(&configuration("https://no-such-host.invalid"));
    assert_check(&doctor(&home, &[]), "DNS", "error", "no-such-host.invalid");
    let proxy = [("HTTPS_PROXY", "http://ops:sesam@127.0.0.1:9")];
    let ran = doctor_with(&home, &proxy);
    assert_check(&ran, "proxy", "ok", "through http://127.0.0.1:9/, which `HTTPS_PROXY` names");
    assert_check(&ran, "proxy", "error", "refused the connection");
    assert_check(&ran, "variable", "ok", "set; read by");
    assert!(!format!("{ran:?}").contains("sesam"), "{ran:?}");
    let both = [proxy[0], ("NO_PROXY", ".invalid")];
    assert_check(&doctor_with(&home, &both), "proxy", "ok", "directly, since `NO_PROXY` exempts it");
    let twice = [proxy[0], ("https_proxy", "http://127.0.0.1:8")];
    assert_check(&doctor_with(&home, &twice), "variable", "ok", "not read, since `https_proxy` counts");
    assert_check(&doctor_with(&home, &[("HTTPS_PROXY", "socks5://x")]), "proxy", "error", "SOCKS");
}

#[test]
fn one_trouble_with_names_is_one_line() {
    let home = Home::new();
    let origins = ["https://no-such-host.invalid", "https://nor-this.invalid"];
    let [one, other] = origins.map(configuration);
    home.configure(&(one + &other.replace("work", "other").replace("corp", "club")));
    let offline = doctor(&home, &[]);
    assert_check(&offline, "DNS", "error", "no-such-host.invalid");
    let proxied = doctor_with(&home, &[("HTTPS_PROXY", "no-such-proxy.invalid")]);
    assert_check(&proxied, "DNS", "error", "`HTTPS_PROXY` names it as the proxy");
    for (ran, about) in [(offline, "nor-this.invalid, no-such-host.invalid"), (proxied, "no-such-proxy.invalid")] {
        let json = ran.json();
        let names = of(&json, "DNS");
        assert!(names.len() == 1 && of(&json, "client").is_empty(), "{ran:?}");
        assert_eq!(names[0]["about"], about, "{ran:?}");
    }
}

#[test]
fn profiles_that_need_somebody_are_told_with_the_command_that_helps() {
    let authority = provider(date(0));
    let home = Home::at(&authority);
    assert_check(&doctor(&home, &[]), "sign-in", "warning", "signed out");
    home.sign_in(&authority, |_| {});
    assert!(of(&doctor(&home, &[]).json(), "sign-in").is_empty());
    home.sign_in(&authority, |grant| grant.refused = Some("invalid_grant".to_owned()));
    for arguments in [&[][..], &["work"]] {
        let ran = doctor(&home, arguments);
        assert_check(&ran, "sign-in", "warning", "it needs a new sign-in");
        assert_check(&ran, "sign-in", "warning", "device-login login work");
    }
    let profile =
        |number: u32| format!("[profiles.p{number}]\nprovider = \"corp\"\nclient_id = \"1\"\nscopes = [\"openid\"]\n");
    let more: String = (0..17).map(profile).collect();
    home.configure(&format!("default_profile = \"work\"\n{}{more}", configuration(&authority.origin())));
    let ran = doctor(&home, &[]);
    let json = ran.json();
    let told = of(&json, "sign-in");
    assert!(told.len() == 17 && told[0]["about"] == "work", "{ran:?}");
    assert_check(&ran, "sign-in", "warning", "left out: 2 more profiles");
    home.configure("[profiles.odd]\nprovider = \"zoho\"\nclient_id = \"1\"\nscopes = [\"ZohoCRM.user.READ\"]\n");
    assert_check(&doctor(&home, &[]), "scopes", "warning", "`ZohoCRM.users.READ`");
}

#[test]
fn stores_keys_and_locks_are_looked_at() {
    let authority = provider(date(0));
    let home = Home::at(&authority);
    assert_check(&doctor(&home, &["--store", "plain:/nonexistent/x"]), "key", "warning", "not encrypted");
    home.sign_in(&authority, |_| {});
    let store = home.store();
    let held = store.hold(&"work".parse().expect("a name"), Duration::from_secs(5)).expect("nobody else has it");
    assert_check(&doctor(&home, &[]), "lock", "warning", &format!("pid {} holds `work`", std::process::id()));
    held.release();
    assert_check(&doctor(&home, &[]), "lock", "ok", "nobody holds one");
    let home = Home::at(&authority);
    home.write("state", "not a directory");
    assert_check(&doctor(&home, &[]), "store", "error", "state");
}

/// Where somebody without rights cannot write is told, once for each place, and nothing is left there.
#[test]
#[cfg(target_os = "linux")]
fn places_where_nothing_can_be_written_are_told() {
    const NOBODY: &str = "65534";

    if !crate::support::program::is_root() {
        return;
    }
    let run = |home: &Home, arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", env!("CARGO_BIN_EXE_device-login")]);
        command.args(arguments).env_clear().env("HOME", home.path("")).stdin(std::process::Stdio::null());
        ran_of(command)
    };
    let add = ["profile", "add", "work", "--provider", "zoho", "--client-id", "1", "--scopes", "A.b.READ"];
    let (state, config) = (".local/state/device-login", ".config/device-login");
    let (writing, changing) = ("the store cannot be used: writing to ", "no profile can be added or changed there");
    // `None` is a home in which nothing was ever kept.
    for (closed, subject, verdict, seen) in [
        (None, "store", "error", writing),
        (Some(state), "store", "error", writing),
        (Some(config), "files", "warning", changing),
        (Some(".cache/device-login"), "files", "warning", "nothing can be kept there"),
    ] {
        let home = Home::new();
        let owner = Command::new("chown").args([NOBODY, &home.path("").display().to_string()]).status();
        assert!(owner.is_ok_and(|status| status.success()));
        if closed.is_some() {
            assert_eq!(run(&home, &add).code, 0);
        }
        let place = home.path(closed.unwrap_or_default());
        let mode = |mode| set_mode(&place, mode);
        let before = fs::read_dir(&place).expect("it is there").count();
        let sound = run(&home, &["doctor", "--json"]);
        assert!(!sound.stdout.contains(seen), "{closed:?}: {sound:?}");
        assert_eq!(fs::read_dir(&place).expect("it is there").count(), before, "{closed:?}");
        mode(0o555 & if closed.is_some() { 0o700 } else { 0o777 });
        let ran = run(&home, &["doctor", "--json"]);
        assert_check(&ran, subject, verdict, seen);
        assert_eq!(ran.stdout.matches("Permission denied").count(), 1, "{closed:?}: {ran:?}");
        // Whoever only looks writes nothing.
        for command in ["info", "check"] {
            let told = run(&home, &["store", command]);
            assert!(told.code == 0 && told.stderr.is_empty(), "{closed:?}: {told:?}");
        }
        mode(0o755 & if closed.is_some() { 0o700 } else { 0o777 });
    }
}

/// Nothing is said to be there that is not.
#[test]
fn what_is_not_there_yet_is_told_as_that() {
    let home = Home::new();
    let look = || doctor(&home, &[]);
    let fresh = look();
    assert_check(&fresh, "files", "ok", "not there yet: ");
    assert_check(&fresh, "key", "ok", "encrypted, by a key file that the first record makes");
    assert_check(&fresh, "store", "ok", "not there yet: the first record makes it");
    assert!(!fresh.stdout.contains("nobody else can change them"), "{fresh:?}");
    assert_eq!(of(&fresh.json(), "store").len(), 1, "{fresh:?}");
    assert_check(&fresh, "store", "ok", "by default");
    assert_eq!(home.run(&["store", "init"]).code, 0);
    let begun = look();
    assert_check(&begun, "files", "ok", "nobody else can change them: ");
    assert_check(&begun, "files", "ok", "; not there yet: ");
    assert_check(&begun, "key", "ok", "encrypted, key file readable by this user only");
    assert_check(&begun, "store", "ok", "0 records");
}

/// A client is asked about where the profile's sign-in begins.
#[test]
#[cfg(feature = "demo")]
fn clients_are_asked_about_at_the_data_center_of_the_sign_in() {
    use crate::support::demo_server::DemoServer;

    let server = DemoServer::start(device_login::demo::Options::default());
    let addresses = server.addresses();
    let home = Home::new();
    let secret = home.write("secret", &addresses.client_secret);
    #[cfg(unix)]
    set_mode(&secret, 0o600);
    let profile = |name: &str, code: &str, kind: &str| {
        format!(
            "[profiles.{name}]\nprovider = \"lab\"\ndata_center = \"{code}\"\nclient_id = \"{}\"\n\
             client_secret_file = {secret:?}\nclient_type = \"{kind}\"\nscopes = [\"AaaServer.profile.READ\"]\n",
            addresses.client_id
        )
    };
    let data_center = |code: &str, at: &str| {
        format!("[providers.lab.data_centers.{code}]\naccounts_server = \"{at}\"\napi_domain = \"{at}\"\n")
    };
    home.configure(
        &[
            profile("abroad", "eu", "non-browser"),
            profile("home", "us", "non-browser"),
            profile("self", "eu", "self-client"),
            "[providers.lab]\nkind = \"zoho\"\n".to_owned(),
            data_center("us", &server.us("")),
            data_center("eu", &server.eu("")),
        ]
        .concat(),
    );
    let unknown = "Zoho does not know this client in data center EU (invalid_client)";
    for (name, verdict, seen) in [
        ("abroad", "error", unknown),
        ("home", "ok", "Zoho knows"),
        // It gets no code by itself, wherever it is registered.
        ("self", "ok", "Zoho knows"),
    ] {
        for arguments in [&[name][..], &[]] {
            let ran = doctor(&home, arguments);
            assert_check(&ran, "client", verdict, seen);
            let json = ran.json();
            let about = of(&json, "client").into_iter().filter(|check| check["about"] == name);
            assert!(about.map(|check| &check["verdict"]).eq([verdict]), "{name}: {ran:?}");
        }
    }
    let ran = home.run(&["login", "abroad", "--no-wait"]);
    assert!(ran.code != 8 && ran.stderr.contains(unknown), "{ran:?}");
}

/// One line stands for the profiles of which the same is asked, and for no others.
#[test]
fn clients_are_asked_about_once_for_each_question() {
    let authority = Authority::start(|asked| {
        let is_known = asked.body.contains("client_secret=good") || asked.body.contains("client_id=bare");
        match asked.path.as_str() {
            "/token" if is_known => (400, json!({"error": "invalid_grant"}).to_string()),
            "/token" => (401, json!({"error": "invalid_client"}).to_string()),
            _ => (404, String::new()),
        }
    });
    let home = Home::new();
    let secret = |name: &str, content: &str| {
        let path = home.write(name, content);
        #[cfg(unix)]
        set_mode(&path, 0o600);
        format!("client_secret_file = {path:?}\n")
    };
    let (good, bad) = (secret("good", "good"), secret("bad", "bad"));
    let profile = |(name, client, secret): (&str, &str, &str)| {
        format!("[profiles.{name}]\nprovider = \"corp\"\nclient_id = \"{client}\"\nscopes = [\"openid\"]\n{secret}")
    };
    let profiles = [
        ("a", "bare", ""),
        ("b", "bare", ""),
        ("c", "own", &good),
        ("d", "own", &bad),
        ("e", "own", &good),
        ("f", "bare", ""),
        ("g", "bare", ""),
    ];
    let configured = configuration(&authority.origin());
    let (_, provider) = configured.split_once("[providers.corp]").expect("a provider");
    home.configure(&format!("{}[providers.corp]{provider}", profiles.map(profile).concat()));
    let ran = doctor(&home, &[]);
    let json = ran.json();
    let told: Vec<(&str, &str)> = of(&json, "client")
        .iter()
        .map(|check| (check["about"].as_str().expect("text"), check["verdict"].as_str().expect("text")))
        .collect();
    assert_eq!(told, [("4 profiles (a, b, f, ...)", "ok"), ("c, e", "ok"), ("d", "error")], "{ran:?}");
}

/// Whoever does not answer tells nothing of the client, by whatever way its endpoints are known.
#[test]
fn a_client_that_nobody_could_be_asked_about_is_no_error() {
    let endpoints = configuration("http://127.0.0.1:9");
    let issuer = "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
                  [providers.corp]\nkind = \"standard\"\nissuer = \"http://127.0.0.1:9\"\n";
    for configured in [endpoints.as_str(), issuer] {
        let home = Home::new();
        home.configure(configured);
        let ran = doctor(&home, &[]);
        assert_check(&ran, "client", "warning", "the client could not be asked about: ");
        assert_check(&ran, "connection", "error", "refused the connection");
    }
}

#[test]
fn records_that_cannot_be_opened_are_told_and_their_clients_not_asked_about() {
    let authority = Authority::start(|_| (401, json!({"error": "invalid_client"}).to_string()));
    let broken = |harm: &dyn Fn(&Home)| {
        let home = Home::signed_in(&authority);
        harm(&home);
        doctor(&home, &[])
    };
    let damaged: &dyn Fn(&Home) = &|home| drop(home.write("state/work.record", "nothing of ours"));
    let lost: &dyn Fn(&Home) = &|home| fs::remove_file(home.path("key")).expect("it is there");
    let bad: &dyn Fn(&Home) = &|home| drop(home.write("key", "nothing of ours"));
    let other: &dyn Fn(&Home) = &|home| drop(home.write("key", &"7".repeat(64)));
    for (harm, key, words, helps) in [
        (damaged, "ok", "state/work.record", "store check --repair"),
        (lost, "error", "the records cannot be opened: the key source is unavailable", "bring the key back"),
        (bad, "error", "the records cannot be opened: ", "key"),
        (other, "error", "the records cannot be opened: the key source is unavailable", "bring the key back"),
    ] {
        let ran = broken(harm);
        assert_check(&ran, "store", "error", words);
        assert_check(&ran, "store", "error", helps);
        assert_check(&ran, "store", "ok", "1 record");
        assert_check(&ran, "key", key, "key");
        assert_check(&ran, "client", "warning", "nobody was asked about `client-1`: ");
        assert!(!ran.stdout.contains("client secret") && of(&ran.json(), "client").len() == 1, "{ran:?}");
    }
    assert_eq!(authority.count("/token"), 0);
}

#[test]
fn what_is_broken_is_one_line_and_the_others_are_there() {
    let authority = provider(date(0));
    let home = Home::at(&authority);
    assert_check(&doctor(&home, &["nobody"]), "profile", "error", "nobody");
    assert_check(
        &doctor_with(&home, &[("DEVICE_LOGIN_PROFLIE", "x")]),
        "variable",
        "warning",
        "`DEVICE_LOGIN_PROFILE`",
    );
    assert_check(&doctor_with(&home, &[("DEVICE_LOGIN_STORE", "odd:/x")]), "store", "error", "`DEVICE_LOGIN_STORE`");
    // What cannot be used is not said to name the default.
    let other = Home::at(&authority);
    other.configure(&format!("default_profile = \"work\"\n{}", other.configuration()));
    let misnamed = doctor_with(&other, &[("DEVICE_LOGIN_PROFILE", "two words")]);
    assert_check(&misnamed, "profile", "error", "`DEVICE_LOGIN_PROFILE`");
    assert_eq!(of(&misnamed.json(), "profile").len(), 1, "{misnamed:?}");
    assert_check(
        &doctor_with(&home, &[("DEVICE_LOGIN_KEY_FILE", " x")]),
        "variable",
        "error",
        "`DEVICE_LOGIN_KEY_FILE`",
    );
    home.configure("store = \"postgres://db.example/x\"\ncolour = \"red\"\n");
    let store = format!("file:{}", home.path("state").display());
    for arguments in [&[][..], &["--store", &store]] {
        let ran = doctor(&home, arguments);
        assert_check(&ran, "configuration", "error", "unknown key `colour`");
        assert_check(&ran, "store", "warning", "not looked at, since the configuration may name it and its key");
        for subject in ["configuration", "store"] {
            assert_eq!(of(&ran.json(), subject).len(), 1, "{ran:?}");
        }
        assert!(of(&ran.json(), "key").is_empty(), "{ran:?}");
    }
    let homeless = |home: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-login"));
        command.env_clear().env("HOME", home).args(["doctor", "--json"]).stdin(std::process::Stdio::null());
        ran_of(command)
    };
    assert_check(&homeless("relative"), "configuration", "error", "HOME");
}

fn ran_of(mut command: Command) -> Ran {
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    ran(command.spawn().expect("it starts"))
}

#[test]
#[cfg(unix)]
fn files_that_others_can_change_or_read_are_named() {
    let authority = provider(date(0));
    let set = |path: &std::path::Path, mode| {
        set_mode(path, mode);
    };
    let (_, certificate) = tls::serve_own(|_| ());
    for (named_by, name, mode, bad_mode, helps) in [
        ("config", "x.toml", 0o644, 0o646, "chmod go-w"),
        ("client_secret_file", "x", 0o600, 0o640, "chmod 600"),
        ("client_secret_files", "x", 0o600, 0o604, "chmod 600"),
        ("store_url_file", "x", 0o600, 0o640, "chmod 600"),
        ("--ca-cert", "x", 0o644, 0o666, "chmod go-w"),
        ("SSL_CERT_FILE", "x", 0o644, 0o666, "chmod go-w"),
        ("SSL_CERT_DIR", "x", 0o644, 0o644, "chmod go-w"),
        ("CREDENTIALS_DIRECTORY", "device-login.key", 0o440, 0o444, "chmod 600"),
        ("DEVICE_LOGIN_KEY_FILE", "x", 0o600, 0o640, "chmod 600"),
        ("DEVICE_LOGIN_PASSPHRASE_FILE", "x", 0o600, 0o640, "chmod 600"),
    ] {
        let home = Home::at(&authority);
        let (above, below) = (home.path("above"), home.path("above/below"));
        fs::create_dir_all(&below).expect("a directory");
        let content = match named_by {
            "config" => home.configuration(),
            "store_url_file" => format!("file:{}", home.path("state").display()),
            _ if named_by.contains("key") || named_by.contains("KEY") => "7".repeat(64),
            _ => certificate.clone(),
        };
        let file = home.write(&format!("above/below/{name}"), &content);
        let text = |path: &std::path::Path| path.display().to_string();
        let mut command = home.command(&["doctor", "--json"]);
        match named_by {
            "config" => drop(command.env("DEVICE_LOGIN_CONFIG", &file)),
            "--ca-cert" => drop(command.arg("--ca-cert").arg(&file)),
            "store_url_file" => home.configure(&format!("store_url_file = {:?}\n{}", file, home.configuration())),
            "client_secret_file" | "client_secret_files" => {
                let line = match named_by {
                    "client_secret_file" => format!("client_secret_file = {file:?}\n"),
                    _ => format!("client_secret_files = {{ us = {file:?} }}\n"),
                };
                let id = "client_id = \"client-1\"\n";
                home.configure(&home.configuration().replace(id, &format!("{id}{line}")));
            }
            "SSL_CERT_DIR" | "CREDENTIALS_DIRECTORY" => drop(command.env(named_by, &below)),
            variable => drop(command.env(variable, &file)),
        }
        let mut look = || ran(command.spawn().expect("it starts"));
        set(&file, mode);
        let sound = look();
        let told = if named_by == "SSL_CERT_DIR" { text(&below) } else { text(&file) };
        assert_check(&sound, "files", "ok", &told);
        if bad_mode != mode {
            set(&file, bad_mode);
            assert_check(&look(), "files", "error", &format!("{helps} {}", text(&file)));
            set(&file, mode);
        }
        for directory in [&below, &above] {
            set(directory, 0o777);
            assert_check(&look(), "files", "error", &format!("chmod go-w {}", text(directory)));
            set(directory, 0o700);
        }
        assert_eq!(look().stdout.contains("chmod"), sound.stdout.contains("chmod"), "{named_by}");
    }
    let home = Home::at(&authority);
    let missing = home.path("missing");
    let line = format!("client_id = \"client-1\"\nclient_secret_file = {missing:?}\n");
    home.configure(&home.configuration().replace("client_id = \"client-1\"\n", &line));
    assert_check(&doctor(&home, &[]), "files", "error", "missing");
    home.run(&["--version"]).worked(&format!("device-login {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
#[cfg(target_os = "linux")]
fn file_systems_that_are_full_read_only_or_gone_after_a_restart_are_told() {
    if !crate::support::program::is_root() {
        return;
    }
    let home = Home::new();
    let place = home.path("mounted");
    fs::create_dir(&place).expect("a directory");
    for (options, verdict, seen) in [
        ("size=8m,noexec", "warning", "no programs"),
        ("size=256m", "warning", "tmpfs at"),
        ("size=512k", "error", "it is full"),
        ("size=8m,nr_inodes=1", "error", "it is full"),
        ("size=256m,ro", "error", "read-only"),
    ] {
        let script = format!(
            "mount -t tmpfs -o mode=700,{options} none {0} && DEVICE_LOGIN_HOME={0} exec {1} doctor --json",
            place.display(),
            env!("CARGO_BIN_EXE_device-login")
        );
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &script]).env_remove("DEVICE_LOGIN_HOME").stdin(std::process::Stdio::null());
        assert_check(&ran_of(command), "file system", verdict, seen);
    }
}

#[test]
fn a_server_that_is_silent_keeps_nobody_waiting_for_long() {
    let silent = tls::listen(|stream| {
        let _ = std::io::Read::read_to_end(&mut &stream, &mut Vec::new());
    });
    let home = Home::new();
    home.configure(&configuration(silent.as_str().trim_end_matches("/device")));
    let begun = clock::now();
    let ran = doctor(&home, &[]);
    assert!(clock::now() - begun < Duration::from_secs(10));
    assert_check(&ran, "connection", "error", "in time");
}

#[test]
#[cfg(unix)]
fn lines_fit_the_terminal_with_words_that_say_what_colours_do() {
    use crate::support::pty::Terminal;

    let authority = provider(date(180));
    let home = Home::at(&authority);
    for columns in [40, 80, 120, 200] {
        let script = format!("DEVICE_LOGIN_HOME={} $program doctor; echo the end", home.path("").display());
        let terminal = Terminal::start_shell(&script, columns, 200);
        let screen = terminal.wait_for("the end");
        let widest = screen.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or_default();
        assert!(widest <= usize::from(columns), "{columns}: {widest}\n{screen}");
        for part in ["ok       version", "warning  clock", "hint: set it", "xterm-256color"] {
            assert!(screen.contains(part), "{columns}: {part}\n{screen}");
        }
        assert!(terminal.has_sent(b"\x1b[33mwarning\x1b[0m"), "{screen}");
    }
    let piped = home.run(&["doctor"]);
    let is_whole = piped.stdout.lines().any(|line| line.starts_with("warning  clock         127.0.0.1:"));
    assert!(is_whole && !piped.stdout.contains('\u{1b}') && piped.stdout.contains(", warnings: "), "{piped:?}");
}

#[test]
#[cfg(all(target_os = "linux", feature = "postgres"))]
fn databases_are_told_with_their_rights_and_their_clock() {
    use crate::support::postgres::Postgres;
    use crate::support::postgres::pooler::Pooler;

    let server = Postgres::shared();
    let database = server.database();
    let authority = provider(date(0));
    let home = Home::at(&authority);
    let url = database.url();
    let variables = [
        ("DEVICE_LOGIN_STORE", url.as_str()),
        ("PGHOST", "elsewhere.example"),
        ("PGSERVICE", "other"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ];
    assert_eq!(home.command(&["store", "init"]).envs(variables).status().expect("it starts").code(), Some(0));
    let ran = doctor_with(&home, &variables);
    assert_check(&ran, "PostgreSQL", "ok", "tables of version");
    assert_check(&ran, "PostgreSQL", "ok", "no TLS at the server, no pooler that could be noticed");
    assert_check(&ran, "clock", "ok", "the database");
    assert_check(&ran, "proxy", "ok", "directly: `HTTPS_PROXY` is for `https` only");
    for name in ["PGHOST", "PGSERVICE"] {
        assert_check(&ran, "variable", "warning", &format!("\"{name}\" \"not read: "));
    }
    assert!(of(&ran.json(), "lock").is_empty(), "{ran:?}");
    let role = format!("reader of {}", database.name());
    database.sql(&format!("CREATE ROLE \"{role}\" LOGIN; GRANT USAGE ON SCHEMA device_login TO \"{role}\"; GRANT SELECT ON ALL TABLES IN SCHEMA device_login TO \"{role}\""));
    let reader = url.replacen("postgres@", &format!("{}@", role.replace(' ', "%20")), 1);
    assert_check(
        &doctor_with(&home, &[("DEVICE_LOGIN_STORE", &reader)]),
        "PostgreSQL",
        "error",
        "may not read and write",
    );
    let pooler = Pooler::start(server, 1);
    let behind = pooler.url(database.name());
    let look = || doctor_with(&home, &[("DEVICE_LOGIN_STORE", &behind)]);
    assert_check(&look(), "PostgreSQL", "ok", "no TLS at the server, no pooler that could be noticed");
    // The pooler hands out again what it had opened for the look before.
    assert_check(&look(), "PostgreSQL", "ok", "no TLS at the server, a pooler in between");
    let away = [("DEVICE_LOGIN_STORE", "postgres://127.0.0.1:9/x"), variables[3]];
    let ran = doctor_with(&home, &away);
    assert_check(&ran, "store", "error", "refused");
    assert_check(&ran, "proxy", "ok", "directly: `HTTPS_PROXY` is for `https` only");
}

#[test]
#[cfg(all(target_os = "linux", feature = "postgres"))]
fn a_database_under_tls_is_told_with_its_chain() {
    use crate::support::postgres::Postgres;

    let lab = tls::Authority::new("Lab root");
    let (certificate, key) = lab.certificate(&["localhost"]);
    let server = Postgres::listening("", Some((&certificate, &key)));
    server.sql("postgres", "CREATE ROLE guarded SUPERUSER LOGIN PASSWORD 'of-the-tests'");
    let home = Home::new();
    let (port, file) = (server.port(), lab.file());
    let url =
        format!("postgres://guarded@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}", file.display());
    let variables = [("DEVICE_LOGIN_STORE", url.as_str()), ("PGPASSWORD", "of-the-tests")];
    assert_eq!(home.command(&["store", "init"]).envs(variables).status().expect("it starts").code(), Some(0));
    let ran = doctor_with(&home, &variables);
    assert_check(&ran, "PostgreSQL", "ok", "TLSv1.3 at the server");
    assert_check(&ran, "TLS", "ok", "localhost");
    let from =
        format!("its chain ends in \\\"Lab root\\\", from {}; its certificate ends on 4096-01-01", file.display());
    assert_check(&ran, "TLS", "ok", &from);
    assert_check(&ran, "files", "ok", &file.display().to_string());
    assert!(!format!("{ran:?}").contains("of-the-tests"), "{ran:?}");
    let stranger = tls::Authority::new("Stranger").file().display().to_string();
    let refused = url.replace(&file.display().to_string(), &stranger);
    let ran = doctor_with(&home, &[("DEVICE_LOGIN_STORE", &refused), variables[1]]);
    assert!(of(&ran.json(), "TLS").is_empty(), "{ran:?}");
}

#[test]
#[cfg(feature = "postgres")]
fn a_database_that_hangs_keeps_nobody_waiting_for_long() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let url = format!("postgres://dana@{}/x", silent.local_addr().expect("it listens"));
    let authority = provider(date(0));
    let home = Home::at(&authority);
    let begun = clock::now();
    let mut command = home.command(&["doctor", "work", "--json"]);
    let ran = ran(command.env("DEVICE_LOGIN_STORE", url).spawn().expect("it starts"));
    assert!(clock::now() - begun < Duration::from_secs(12), "{ran:?}");
    assert_check(&ran, "connection", "warning", "its servers were not read within 2 seconds");
    assert_check(&ran, "connection", "ok", "HTTP 404 after");
    assert_check(&ran, "store", "error", "no answer in time");
}
