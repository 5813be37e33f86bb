//! `status`: what people, scripts and monitoring are told, and whom that asks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use device_login::clock;
use device_login::error::{Advice, Code, Error};
use device_login::secret::Secret;
use device_login::storage::{Account, EndedSignIn, Grant, LastRefresh, PendingId};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority, read};
use crate::support::program::{Home, Ran, ran};
#[cfg(unix)]
use crate::support::pty::Terminal;

/// One profile in each state; the name says which.
const PROFILES: [&str; 8] = ["ended", "failing", "gone", "good", "new", "odd", "short", "soon"];

fn configure(home: &Home, origin: &str, names: &[&str]) {
    let profile = |name: &&str| {
        format!("[profiles.{name}]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n")
    };
    let profiles: String = names.iter().map(profile).collect();
    home.configure(&format!(
        "default_profile = \"{}\"\n{profiles}[providers.corp]\nkind = \"standard\"\ntoken_endpoint = \"{origin}/token\"\n\
         device_authorization_endpoint = \"{origin}/device\"\nuserinfo_endpoint = \"{origin}/userinfo\"\n",
        names[0]
    ));
}

fn change(name: &str, grant: &mut Grant) {
    let after = |minutes| Some(clock::wall() + SignedDuration::from_mins(minutes));
    grant.account = Some(Account { id: "7".to_owned(), email: Some(format!("{name}@example.com")), name: None });
    match name {
        "ended" => grant.access_token_expires_at = after(-6 * 60),
        "failing" => {
            grant.access_token_expires_at = after(-3 * 60);
            grant.last_refresh = Some(LastRefresh::new(clock::wall(), Some("a | b=1\nc".to_owned())));
        }
        "gone" => grant.refused = Some("invalid_grant".to_owned()),
        "odd" => grant.approved_at = clock::wall() + SignedDuration::from_hours(24),
        "short" => (grant.access_token_expires_at, grant.refresh_token) = (after(2), None),
        "soon" => grant.access_token_expires_at = after(2),
        _ => grant.access_token_expires_at = after(100 * 24 * 60 + 60),
    }
}

/// A home with these of the profiles.
fn home_of(names: &[&str], origin: &str) -> Home {
    let home = Home::in_memory();
    configure(&home, origin, names);
    for name in names.iter().filter(|name| **name != "new") {
        home.sign_in_as(name, origin, |grant| change(name, grant));
    }
    home
}

fn names(status: &Value) -> Vec<&str> {
    status["profiles"].as_array().expect("a list").iter().map(|one| one["name"].as_str().expect("a name")).collect()
}

#[test]
fn each_state_has_one_word_for_people_and_one_for_scripts() {
    let home = home_of(&PROFILES, "http://127.0.0.1:9");
    let (text, json) = (home.run(&["status"]), home.run(&["status", "--json"]).json());
    let rows = [
        ("ended", "expired", "ended (refreshes itself)"),
        ("failing", "expired", "ended (refreshes itself)"),
        ("gone", "needs_login", "sign in again"),
        ("good", "valid", "valid"),
        ("new", "signed_out", "signed out"),
        ("odd", "unknown", "cannot tell"),
        ("short", "expiring", "ends soon"),
        ("soon", "expiring", "ends soon"),
    ];
    let profiles = json["profiles"].as_array().expect("a list");
    assert_eq!(profiles.len(), rows.len());
    for (profile, (name, word, words)) in profiles.iter().zip(rows) {
        assert_eq!((&profile["name"], &profile["state"]), (&json!(name), &json!(word)));
        let line = text.stdout.lines().find(|line| line.split(' ').next() == Some(name)).expect("a line");
        assert!(line.contains(&format!("  {words}  ")), "{line}");
    }
    assert!(text.stdout.contains("ended (default)  ended"), "{text:?}");
}

/// What a terminal of this width shows of the command.
#[cfg(unix)]
fn shown(home: &Home, columns: u16, variables: &str, arguments: &str) -> (String, Terminal) {
    let home = home.path("");
    let script = format!("DEVICE_LOGIN_HOME={} TZ=UTC {variables} $program {arguments}; echo the end", home.display());
    let terminal = Terminal::start_shell(&script, columns, 40);
    (terminal.wait_for("the end"), terminal)
}

#[test]
#[cfg(unix)]
fn the_table_fits_the_terminal_and_is_whole_elsewhere() {
    let home = Home::in_memory();
    let names = ["lobby", "customer-0001-production", "new", "work"];
    configure(&home, "http://127.0.0.1:9", &names);
    let zoho = "[profiles.zoho]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"AaaServer.profile.READ\"]\n";
    home.configure(&home.configuration().replace("[providers.corp]", &format!("{zoho}[providers.corp]")));
    for (name, case) in [("lobby", "gone"), ("customer-0001-production", "ended"), ("work", "good"), ("zoho", "good")] {
        home.sign_in_as(name, "http://127.0.0.1:9", |grant| {
            change(case, grant);
            let email = format!("{name}.and.a.long.name@customers.example.com");
            grant.account = Some(Account { id: "7".to_owned(), email: Some(email), name: None });
            grant.mints = vec![clock::wall()];
        });
    }
    let mut all = String::new();
    for columns in [40, 60, 80, 120, 200] {
        let (screen, _) = shown(&home, columns, "", "status");
        let lines: Vec<&str> = screen.lines().map(str::trim_end).take(6).collect();
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{columns}: {screen}");
        all.extend([format!("{columns}\n{}\n\n", lines.join("\n"))]);
    }
    let piped = home.run(&["status"]).stdout;
    all.extend(["pipe\n", &piped.lines().take(6).collect::<Vec<_>>().join("\n")]);
    insta::assert_snapshot!(all);
}

#[test]
#[cfg(unix)]
fn states_have_colours_where_they_are_wanted() {
    const RED: &str = "\u{1b}[1;31msign in again";
    let home = home_of(&["gone"], "http://127.0.0.1:9");
    for (variables, arguments, has_color, cut) in [
        ("", "status", true, "…"),
        ("NO_COLOR=1", "status", false, "…"),
        ("NO_COLOR=1", "--color always status", true, "…"),
        ("", "--color never status", false, "…"),
        ("TERM=dumb", "status", false, "..."),
        ("LANG=C", "status", true, "..."),
        ("TERM=linux", "status", true, "..."),
    ] {
        let (screen, terminal) = shown(&home, 42, variables, arguments);
        assert_eq!(terminal.has_sent(RED.as_bytes()), has_color, "{variables} {arguments}: {screen}");
        assert!(screen.contains(cut), "{variables} {arguments}: {screen}");
    }
    for (variable, has_color) in [("", false), ("CLICOLOR_FORCE", true), ("NO_COLOR", false)] {
        let mut command = home.command(&["status"]);
        if !variable.is_empty() {
            command.env(variable, "1");
        }
        let ran = ran(command.spawn().expect("it starts"));
        assert_eq!(ran.stdout.contains(RED), has_color, "{variable}: {ran:?}");
        assert!(ran.stdout.contains("gone@example.com"), "{ran:?}");
    }
}

#[test]
fn profiles_are_sorted_as_asked() {
    let home = home_of(&PROFILES, "http://127.0.0.1:9");
    for (by, expected) in [
        ("name", PROFILES),
        ("state", ["gone", "new", "odd", "short", "failing", "soon", "ended", "good"]),
        ("left", ["ended", "failing", "short", "soon", "good", "gone", "new", "odd"]),
        ("account", ["ended", "failing", "gone", "good", "odd", "short", "soon", "new"]),
    ] {
        let json = home.run(&["status", "--json", "--sort", by]).json();
        assert_eq!(names(&json), expected, "{by}");
    }
    home.run(&["status", "--sort", "age"]).failed(2, &["age"]);
}

#[test]
fn monitoring_gets_the_verdict_in_the_first_line() {
    let rows: [(&[&str], i32, &str); 9] = [
        (
            &["good", "soon"],
            0,
            "OK - 1 valid, 1 ends soon | valid=1 expiring=1 needs_login=0 expired=0 signed_out=0 unknown=0",
        ),
        (&["ended"], 0, "OK - 1 ended (refreshes itself) | valid=0 expiring=0 needs_login=0 expired=1 "),
        (&["good", "short"], 1, "WARNING - 1 of 2 wants a look: short (ends soon) | valid=1 expiring=1 "),
        (&["failing", "good"], 1, "WARNING - 1 of 2 wants a look: failing (the last refresh failed) | valid=1 "),
        (
            &["failing", "short"],
            1,
            "WARNING - 2 of 2 want a look: failing (the last refresh failed), short (ends soon) | ",
        ),
        (
            &["good", "new"],
            2,
            "CRITICAL - 1 of 2 needs somebody: new (signed out) | valid=1 expiring=0 needs_login=0 expired=0 signed_out=1 ",
        ),
        (&["gone", "new"], 2, "CRITICAL - 2 of 2 need somebody: gone (sign in again), new (signed out) | "),
        (&["good", "odd"], 3, "UNKNOWN - nobody can tell how 1 of 2 is: odd (cannot tell) | "),
        (&PROFILES, 2, "CRITICAL - 2 of 8 need somebody: gone (sign in again), new (signed out) | valid=1 expiring=2 "),
    ];
    for (profiles, code, first) in rows {
        let home = home_of(profiles, "http://127.0.0.1:9");
        let ran = home.run(&["status", "--check"]);
        assert_eq!(ran.stdout.contains("good: valid, ends in "), profiles.contains(&"good"), "{ran:?}");
        let begins = ran.stdout.starts_with(&format!("DEVICE-LOGIN {first}"));
        assert!(ran.code == code && begins && ran.stderr.is_empty(), "{profiles:?}: {ran:?}");
        assert_eq!(ran.stdout.matches('|').count(), 1, "{ran:?}");
        assert!(ran.stdout.lines().count() > profiles.len(), "{ran:?}");
    }
    let many: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let home = Home::in_memory();
    configure(&home, "http://127.0.0.1:9", &many);
    let ran = home.run(&["status", "--check"]);
    assert!(ran.stdout.contains("p11 (signed out), p12 (signed out) and 55 more | "), "{ran:?}");
    assert!(ran.stdout.ends_with("\n... and 10 more lines; run `device-login status` for all\n"), "{ran:?}");
}

#[test]
fn a_wait_that_the_provider_orders_or_the_budget_makes_is_told_everywhere() {
    let home = Home::in_memory();
    configure(&home, "http://127.0.0.1:9", &["corp"]);
    let zoho = |name: &str| {
        format!(
            "[profiles.{name}]\nprovider = \"zoho\"\nclient_id = \"1000.A\"\nscopes = [\"AaaServer.profile.READ\"]\n"
        )
    };
    let profiles: String = ["asked", "free", "gone", "over", "spent"].map(zoho).concat();
    home.configure(&home.configuration().replace("[providers.corp]", &format!("{profiles}[providers.corp]")));
    let now = clock::wall();
    let until = now + SignedDuration::from_secs(290);
    let ended = Some(now - SignedDuration::from_mins(1));
    for name in ["asked", "corp", "free", "gone", "over", "spent"] {
        home.sign_in_as(name, "https://accounts.zoho.com", |grant| {
            change("good", grant);
            grant.paused_until = matches!(name, "asked" | "corp" | "gone").then_some(until);
            match name {
                "gone" => grant.refused = Some("invalid_code".to_owned()),
                "over" => grant.paused_until = Some(now - SignedDuration::from_secs(1)),
                "spent" => {
                    grant.access_token_expires_at = ended;
                    grant.mints = vec![until - SignedDuration::from_mins(10); 10];
                }
                _ => {}
            }
        });
    }
    let clock = until.strftime("%H:%M:%S UTC").to_string();
    let text = home.run(&["status"]);
    let row = |name: &str| text.stdout.lines().find(|line| line.split(' ').next() == Some(name)).expect("a row");
    let json = home.run(&["status", "--json"]).json();
    let metrics = samples(&home.run(&["status", "--prometheus"]).stdout);
    for (name, wait, budget) in [
        ("asked", Some("the provider asks to wait"), Some(0)),
        ("corp", Some("the provider asks to wait"), None),
        ("free", None, Some(0)),
        ("gone", None, Some(0)),
        ("over", None, Some(0)),
        ("spent", Some("10 in 10 minutes are used, which is all"), Some(10)),
    ] {
        assert_eq!(row(name).contains("  wait 4:"), wait.is_some(), "{text:?}");
        let said = format!("no refresh before {clock}: {}", wait.unwrap_or_default());
        let is_told = text.stdout.lines().any(|line| line.contains(name) && line.ends_with(&said));
        assert_eq!(is_told, wait.is_some(), "{name}: {text:?}");
        let one = json["profiles"].as_array().expect("a list").iter().find(|one| one["name"] == name).expect("it");
        let not_before = one["refresh_not_before"].as_str();
        let expected = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        assert_eq!(not_before, wait.map(|_| expected.as_str()), "{one}");
        assert_eq!(one["budget"]["used"].as_u64(), budget, "{one}");
        let series = format!("device_login_refresh_not_before_timestamp_seconds{{profile=\"{name}\"}}");
        let sample = metrics.iter().find(|(known, _)| *known == series).map(|(_, value)| *value);
        #[expect(clippy::cast_precision_loss, reason = "a time of these days")]
        let expected = wait.map(|_| until.as_second() as f64);
        assert_eq!(sample, expected, "{series}");
        let check = home.run(&["status", "--check", name]);
        let (code, first) = match name {
            // It still has a token that is good.
            "asked" | "corp" | "free" | "over" => (0, "DEVICE-LOGIN OK - 1 valid | ".to_owned()),
            "gone" => (2, "DEVICE-LOGIN CRITICAL - 1 of 1 needs somebody: gone (sign in again) | ".to_owned()),
            _ => (1, format!("DEVICE-LOGIN WARNING - 1 of 1 wants a look: spent (no refresh before {clock}) | ")),
        };
        assert!(check.code == code && check.stdout.starts_with(&first), "{check:?}");
        assert_eq!(check.stdout.contains(&said), wait.is_some(), "{check:?}");
    }
}

/// A throttled client makes the last refresh one that failed.
#[test]
fn a_wait_is_no_alarm_while_the_token_is_good() {
    let now = clock::wall();
    let until = now + SignedDuration::from_secs(290);
    for (left, paused, code, word) in
        [(3240, true, 0, "OK"), (3240, false, 0, "OK"), (-60, true, 1, "WARNING"), (-60, false, 1, "WARNING")]
    {
        let home = Home::in_memory();
        configure(&home, "http://127.0.0.1:9", &["corp"]);
        home.sign_in_as("corp", "http://127.0.0.1:9", |grant| {
            change("failing", grant);
            grant.access_token_expires_at = Some(now + SignedDuration::from_secs(left));
            grant.paused_until = paused.then_some(until);
        });
        let ran = home.run(&["status", "--check"]);
        let begins = ran.stdout.starts_with(&format!("DEVICE-LOGIN {word} - "));
        assert!(ran.code == code && begins, "{left} {paused}: {ran:?}");
    }
}

/// What cannot be opened is named before what is only signed out, and why is said once.
#[test]
fn a_lost_key_is_told_first_and_once() {
    let names: Vec<String> = (0..14).map(|number| format!("p{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let home = Home::in_memory();
    configure(&home, "http://127.0.0.1:9", &names);
    for name in &names[..12] {
        home.sign_in_as(name, "http://127.0.0.1:9", |_| {});
    }
    let lost = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("DEVICE_LOGIN_KEY_FILE", "/nonexistent");
        ran(command.spawn().expect("it starts"))
    };
    let why = "records sealed with it exist in";
    let all = lost(&["status", "--check"]);
    let first = all.stdout.lines().next().expect("a line");
    let told = "CRITICAL - 12 of 14 cannot be opened: p00, p01, p02, p03, p04 and 7 more; 2 of 14 need somebody: p12 ";
    assert!(first.contains(told), "{all:?}");
    assert!(!first.contains(why) && all.stdout.matches(why).count() == 1, "{all:?}");
    assert!(all.stdout.contains("12 profiles (p00, p01, p02, ...): "), "{all:?}");
    let rows: Vec<&str> = all.stdout.lines().filter(|line| line.contains(": cannot tell")).collect();
    assert_eq!(rows.len(), 12, "{all:?}");
}

/// A short line on stdout, why and what to do in those below it, and nothing else.
#[track_caller]
fn cannot_tell(ran: &Ran, part: &str) {
    assert!(ran.code == 3 && ran.stdout.lines().count() <= 3 && ran.stderr.is_empty(), "{ran:?}");
    assert!(ran.stdout.starts_with("DEVICE-LOGIN UNKNOWN - ") && ran.stdout.contains(part), "{ran:?}");
}

#[test]
fn whatever_keeps_monitoring_from_an_answer_is_told_below_a_short_line_and_by_3() {
    let home = Home::in_memory();
    home.configure("colour = \"red\"\n[profiles.\"a|b\"]\n");
    cannot_tell(&home.run(&["status", "--check"]), "unknown key");
    let home = home_of(&["good"], "http://127.0.0.1:9");
    cannot_tell(&home.run(&["status", "--check", "nobody"]), "no profile");
    cannot_tell(&home.run(&["--store", "odd", "status", "--check"]), "is no store");
    cannot_tell(&home.run(&["--config", "/none.toml", "status", "--check"]), "there is no configuration /none.toml");
    let home = Home::in_memory();
    let ran = home.run(&["status", "--check"]);
    assert_eq!((ran.code, ran.stdout.split(" | ").next()), (3, Some("DEVICE-LOGIN UNKNOWN - there is no profile")));
    // The store is read after the configuration, so each profile has its line.
    let home = home_of(&["new"], "http://127.0.0.1:9");
    home.write("state", "not a directory");
    let ran = home.run(&["status", "--check"]);
    assert!(
        ran.code == 3 && ran.stdout.contains("nobody can tell how 1 of 1 is: new (") && ran.stderr.is_empty(),
        "{ran:?}"
    );
}

/// The samples of a text in Prometheus' format 0.0.4, strictly read: name with labels, and value.
fn samples(text: &str) -> Vec<(String, f64)> {
    let mut described: Vec<(String, bool)> = Vec::new();
    let mut samples = Vec::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("help has words");
            assert!(!words.is_empty() && described.iter().all(|(other, _)| other != name), "{line}");
            described.push((name.to_owned(), false));
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let last = described.last_mut().expect("help comes first");
            assert_eq!(kind, format!("{} gauge", last.0));
            last.1 = true;
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, is_typed) = described.last().expect("help comes first");
            let labels = series.strip_prefix(name.as_str()).expect("samples follow their metric");
            assert!(*is_typed && (labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}'))), "{line}");
            assert!(samples.iter().all(|(other, _)| other != series), "{line} comes twice");
            samples.push((series.to_owned(), value.parse().expect("a number")));
        }
    }
    samples
}

#[test]
fn prometheus_gets_every_metric_with_its_meaning() {
    let home = home_of(&PROFILES, "http://127.0.0.1:9");
    let ran = home.run(&["status", "--prometheus"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let read = samples(&ran.stdout);
    let value = |series: &str| read.iter().find(|(name, _)| name == series).map(|(_, value)| *value);
    for (series, expected) in [
        (r#"device_login_profile_state{profile="good",state="valid"}"#, Some(1.0)),
        (r#"device_login_profile_state{profile="good",state="expired"}"#, Some(0.0)),
        (r#"device_login_profile_state{profile="new",state="signed_out"}"#, Some(1.0)),
        (r#"device_login_last_refresh_success{profile="failing"}"#, Some(0.0)),
        (r#"device_login_last_refresh_success{profile="good"}"#, None),
        (r#"device_login_access_token_expires_timestamp_seconds{profile="new"}"#, None),
        (r#"device_login_refresh_budget_limit{profile="good"}"#, None),
        ("device_login_status_success", Some(1.0)),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    let states = read.iter().filter(|(name, _)| name.starts_with("device_login_profile_state"));
    assert_eq!(states.filter(|(_, value)| *value > 0.5).count(), 8);
    let ends = value(r#"device_login_access_token_expires_timestamp_seconds{profile="good"}"#).expect("it has an end");
    assert!(ends > 1.7e9);
    let zoho = Home::in_memory();
    zoho.configure("[profiles.work]\nprovider = \"zoho\"\ndata_center = \"us\"\nclient_id = \"1000.A\"\nscopes = [\"AaaServer.profile.READ\"]\n");
    zoho.sign_in_as("work", "https://accounts.zoho.com", |grant| {
        grant.mints = vec![clock::wall() - SignedDuration::from_secs(3600), clock::wall()];
    });
    let read = samples(&zoho.run(&["status", "--prometheus"]).stdout);
    for (name, expected) in [("used", 1.0), ("limit", 10.0)] {
        assert!(
            read.contains(&(format!(r#"device_login_refresh_budget_{name}{{profile="work"}}"#), expected)),
            "{read:?}"
        );
    }
}

#[test]
#[cfg(unix)]
fn the_file_of_metrics_is_whole_read_by_all_and_never_stale() {
    use std::os::unix::fs::PermissionsExt;

    let home = home_of(&["good"], "http://127.0.0.1:9");
    let file = home.path("device-login.prom");
    let write = || home.run(&["status", "--prometheus", "--output", file.to_str().expect("text")]);
    write().worked("");
    assert_eq!(file.metadata().expect("it is there").permissions().mode() & 0o777, 0o644);
    assert!(samples(&fs::read_to_string(&file).expect("text")).len() > 6);
    home.configure("colour = \"red\"\n");
    write().failed(2, &["unknown key"]);
    assert_eq!(samples(&fs::read_to_string(&file).expect("text")), [("device_login_status_success".to_owned(), 0.0)]);
    let left: Vec<_> = file.parent().expect("a home").read_dir().expect("it is there").flatten().collect();
    assert!(!left.iter().any(|entry| entry.file_name().to_string_lossy().contains(".tmp")), "{left:?}");
    let home = home_of(&["good"], "http://127.0.0.1:9");
    home.run(&["status", "--prometheus", "--output", "/none/x.prom"]).failed(2, &["/none/x.prom", "hint: "]);
    let elsewhere = home.path("metrics");
    let ran = home.run(&["status", "--prometheus", "--output", elsewhere.to_str().expect("text")]);
    assert!(ran.code == 0 && ran.stderr.contains("end in `.prom`") && elsewhere.exists(), "{ran:?}");
    let key = fs::read(home.path("key")).expect("it is there");
    let named = home.path("key");
    let over_a_key = home.run(&["status", "--prometheus", "--output", named.to_str().expect("text")]);
    over_a_key.failed(2, &["holds something else", "name another file"]);
    assert_eq!(fs::read(&named).expect("it is there"), key);
    home.run(&["status", "--output", "x"]).failed(2, &["--prometheus"]);
    home.run(&["status", "--prometheus", "--check"]).failed(2, &["--check"]);
}

/// A provider that knows some tokens.
fn provider() -> Authority {
    Authority::start(|asked: &Asked| {
        let token = asked.header("authorization").unwrap_or_default();
        match asked.path.as_str() {
            "/userinfo" if token.ends_with("dead") => (401, json!({"error": "invalid_token"}).to_string()),
            "/userinfo" if token.ends_with("narrow") => (403, json!({"error": "insufficient_scope"}).to_string()),
            "/userinfo" if token.ends_with("ill") => (503, String::new()),
            "/userinfo" => (200, json!({"sub": "7"}).to_string()),
            "/token" if asked.body.contains("refused") => (400, json!({"error": "invalid_grant"}).to_string()),
            _ => (200, json!({"access_token": "AT2", "token_type": "Bearer", "expires_in": 3600}).to_string()),
        }
    })
}

/// All that the store has in files, but for locks, which say who had them last.
fn stored(home: &Home) -> BTreeMap<OsString, Vec<u8>> {
    let files = fs::read_dir(home.path("state")).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "lock"));
    files.map(|path| (path.file_name().expect("a name").to_owned(), fs::read(&path).expect("it is read"))).collect()
}

#[test]
fn the_exit_code_of_verify_is_that_of_the_worst_however_they_are_sorted() {
    let all = ["a-good", "b-ill", "c-dead", "d-ill", "e-good"];
    for (several, code) in [
        (&all[..], 4),
        (&all[..2], 7),
        (&all[1..2], 7),
        (&all[..1], 0),
        (&all[3..], 7),
        (&all[1..4], 4),
        (&all[2..], 4),
    ] {
        let authority = provider();
        let home = Home::in_memory();
        configure(&home, &authority.origin(), several);
        for (hours, name) in (0..).zip(several) {
            home.sign_in_as(name, &authority.origin(), |grant| {
                change("good", grant);
                let end = clock::wall() + SignedDuration::from_hours(9 - hours);
                (grant.access_token, grant.refresh_token) = (Secret::new(*name), None);
                grant.access_token_expires_at = Some(end);
            });
        }
        for sort in ["name", "state", "left", "account"] {
            let ran = home.run(&["status", "--verify", "--sort", sort]);
            assert_eq!(ran.code, code, "{several:?} by {sort}: {ran:?}");
            for name in several {
                let row = ran.stdout.lines().find(|line| line.starts_with(name)).expect("a row");
                let told = if name.ends_with("good") { "  valid  " } else { "" };
                assert!(row.contains(told) && row.contains("  bad  ") == name.ends_with("dead"), "{ran:?}");
            }
        }
    }
}

#[test]
fn providers_are_asked_only_by_verify_and_nothing_is_refreshed_that_need_not() {
    for (case, access, refresh, result, code, check, asked) in [
        ("good", "AT1", Some("RT1"), "valid", 0, 0, vec!["/userinfo"]),
        ("narrow", "AT1-narrow", None, "valid", 0, 0, vec!["/userinfo"]),
        ("soon", "AT1", Some("RT1"), "valid", 0, 0, vec!["/userinfo"]),
        ("ended", "AT1", Some("RT1"), "valid", 0, 0, vec!["/token", "/userinfo"]),
        ("dead", "AT1-dead", Some("RT1"), "valid", 0, 0, vec!["/userinfo", "/token", "/userinfo"]),
        ("dead", "AT1-dead", None, "bad", 4, 2, vec!["/userinfo"]),
        ("dead", "AT1-dead", Some("refused"), "bad", 4, 2, vec!["/userinfo", "/token"]),
        ("gone", "AT1", Some("RT1"), "bad", 4, 2, vec![]),
        ("new", "", None, "bad", 4, 2, vec![]),
        ("ill", "AT1-ill", None, "unknown", 7, 3, vec!["/userinfo"]),
    ] {
        for arguments in [&["status", "--verify", "--json"][..], &["status", "--verify", "--check"]] {
            let authority = provider();
            let home = Home::in_memory();
            configure(&home, &authority.origin(), &["work"]);
            if case != "new" {
                home.sign_in_as("work", &authority.origin(), |grant| {
                    change(case, grant);
                    (grant.access_token, grant.refresh_token) = (Secret::new(access), refresh.map(Secret::new));
                });
            }
            let before = stored(&home);
            assert_eq!(before.is_empty(), case == "new");
            assert_eq!(home.run(&["status"]).code, 0);
            assert!(authority.log().is_empty(), "{case}: nobody is asked");
            let ran = home.run(arguments);
            let log: Vec<String> = authority.log().into_iter().map(|asked| asked.path).collect();
            assert_eq!(log, asked, "{case}: {ran:?}");
            if arguments.contains(&"--check") {
                assert_eq!(ran.code, check, "{case}: {ran:?}");
            } else {
                let json = ran.json();
                let verified = &json["profiles"][0]["verified"];
                assert_eq!((&verified["result"], ran.code), (&json!(result), code), "{case}: {ran:?}");
                assert_eq!(verified["reason"].is_string(), result != "valid", "{case}: {ran:?}");
            }
            if !asked.contains(&"/token") {
                assert_eq!(stored(&home), before, "{case}: nothing is written");
            }
        }
    }
}

/// How many requests there are to come, came, and are being answered; and how many at most were at once.
#[derive(Default)]
struct Crowd {
    came: usize,
    let_go: usize,
    answered: usize,
    peak: usize,
}

/// A provider that answers nobody before so many have asked at once, and from then on one for each that comes.
fn crowded(at_once: usize, all: usize) -> (String, Arc<(Mutex<Crowd>, Condvar)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let origin = format!("http://{}", listener.local_addr().expect("it listens"));
    let crowd: Arc<(Mutex<Crowd>, Condvar)> = Arc::default();
    let shared = Arc::clone(&crowd);
    let answer = move |stream, (crowd, changed): &(Mutex<Crowd>, Condvar)| {
        let Some((_, mut stream)) = read(stream) else { return };
        let mut seen = crowd.lock().expect("no thread panics with it");
        seen.came += 1;
        seen.peak = seen.peak.max(seen.came - seen.answered);
        seen.let_go = if seen.came == all { all } else { (seen.came + 1).saturating_sub(at_once) };
        changed.notify_all();
        seen = changed.wait_while(seen, |seen| seen.answered == seen.let_go).expect("no thread panics with it");
        seen.answered += 1;
        drop(seen);
        let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let _ = write!(stream, "{head}content-length: 11\r\n\r\n{{\"sub\":\"7\"}}");
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || answer(stream, &shared));
        }
    });
    (origin, crowd)
}

#[test]
fn many_are_verified_at_once_but_not_all() {
    let (origin, crowd) = crowded(8, 30);
    let home = Home::in_memory();
    let many: Vec<String> = (0..30).map(|number| format!("p{number:02}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    configure(&home, &origin, &names);
    for name in &names {
        home.sign_in_as(name, &origin, |grant| grant.access_token = Secret::new(format!("{name}-AT1")));
    }
    let ran = home.run(&["status", "--verify"]);
    let seen = crowd.0.lock().expect("no thread panics with it");
    assert_eq!((ran.code, seen.answered, seen.peak), (0, 30, 8), "{ran:?}");
    assert!(
        ran.stdout.starts_with("PROFILE") && ran.stdout.lines().next().is_some_and(|head| head.contains("VERIFIED"))
    );
}

#[test]
fn a_named_profile_is_the_only_one_that_is_read() {
    let home = home_of(&["good", "soon"], "http://127.0.0.1:9");
    // A record that is damaged is told by whoever reads it.
    assert!(home.path("state/soon.record").exists());
    home.write("state/soon.record", "damaged");
    for (arguments, code) in [(&["status", "good"][..], 0), (&["status", "soon"], 9), (&["status"], 9)] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

#[test]
fn a_store_that_is_not_there_yet_is_told() {
    let authority = Authority::start(|_| (200, "{}".to_owned()));
    let home = Home::at(&authority);
    let nowhere = home.path("nowhere");
    let store = format!("file:{}", nowhere.display());
    let said = format!("There is no store at {} yet.\n", nowhere.display());
    assert!(home.run(&["status", "--store", &store]).stdout.ends_with(&said));
    home.sign_in(&authority, |_| {});
    let there = home.run(&["status"]).stdout;
    assert!(there.contains("Records in ") && !there.contains("no store"), "{there}");
}

#[test]
fn why_a_sign_in_is_not_well_is_told_once_and_by_what_it_was() {
    let refresh = "the access token of profile `good` could not be refreshed";
    let logout = "the logout of profile `b` ended this sign-in as well";
    for (error, over, line) in [
        (format!("{refresh}: connection refused"), false, "good: last refresh: connection refused"),
        (format!("{refresh}: it was revoked"), true, "good: last refresh: it was revoked"),
        (logout.to_owned(), true, "good: the logout of profile `b` ended this sign-in as well"),
    ] {
        let home = Home::in_memory();
        configure(&home, "http://127.0.0.1:9", &["good"]);
        home.sign_in_as("good", "http://127.0.0.1:9", |grant| {
            change("failing", grant);
            grant.last_refresh.as_mut().expect("it was tried").error = Some(error.clone());
            grant.refused = over.then(|| error.clone());
        });
        let said = home.run(&["status"]).stdout;
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
        assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["last_error"], error);
    }
}

#[test]
fn a_renamed_profile_is_told_by_its_new_name() {
    for (status, body, code) in [(503, "{}", 7), (400, "{\"error\": \"invalid_grant\"}", 4)] {
        let authority = Authority::start(move |_| (status, body.to_owned()));
        let home = Home::signed_in(&authority);
        assert_eq!(home.run(&["refresh"]).code, code);
        let told = |name: &str| {
            let line = format!("{name}: last refresh: ");
            let said = home.run(&["status"]).stdout;
            let why = said.lines().find_map(|said| said.strip_prefix(&line)).unwrap_or_else(|| panic!("{said}"));
            let whole = home.run(&["status", "--json"]).json()["profiles"][0]["last_error"].to_string();
            assert!(!why.contains(name) && whole.contains(&format!("`{name}`")), "{why} {whole}");
            why.to_owned()
        };
        let before = told("work");
        assert_eq!(home.run(&["profile", "rename", "work", "hall"]).code, 0);
        assert_eq!(told("hall"), before);
        assert!(!home.run(&["status"]).stdout.contains("work"));
        assert!(!home.run(&["token"]).stderr.contains("work"), "{status}");
    }
}

#[test]
fn how_a_sign_in_of_a_renamed_profile_ended_is_told_by_its_new_name() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    let end = |held: &mut device_login::storage::Held| {
        let mut record = held.load()?.expect("it is signed in");
        let error = Error::new(Code::Denied, "profile `work` could not be signed in")
            .advise(Advice::SignIn("work".parse().expect("a name")));
        record.ended = Some(EndedSignIn {
            id: PendingId::generate().expect("the system has random numbers"),
            error: Some(error),
            is_told: false,
        });
        held.commit(&mut record)
    };
    home.store()
        .holding(&"work".parse().expect("a name"), std::time::Duration::from_secs(30), end)
        .expect("it is kept");
    assert_eq!(home.run(&["profile", "rename", "work", "hall"]).code, 0);
    let told = home.run(&["login", "--resume", "hall"]);
    told.failed(5, &["profile `hall` could not be signed in", "device-login login hall"]);
    assert!(!told.stderr.contains("work"), "{told:?}");
}
