//! What the command line says when a provider refuses is what `docs/errors.md` says: cause, likely causes, next step, code.

use std::fs;
use std::path::Path;
use std::thread;

use crate::support::authority::{Asked, Authority};
use crate::support::program::{self, Home, ran};
use serde_json::{Value, json};

/// A provider that speaks Zoho's dialect, and says one thing at the paths that end so.
fn refusing(end: &'static str, body: Value) -> Authority {
    Authority::start(move |asked: &Asked| {
        let code = json!({
            "device_code": "sentinel", "user_code": "ABCD-1234", "interval": 1, "expires_in": 300,
            "verification_url": format!("{}/oauth/v3/device", asked.origin()),
        });
        let is_first = asked.path == "/oauth/v3/device/code" && end != "/code";
        (200, if is_first { code } else { body.clone() }.to_string())
    })
}

fn home_at(authority: &Authority) -> Home {
    let (home, origin) = (Home::new(), authority.origin());
    home.write("secret", program::CLIENT_SECRET);
    let configuration = "[profiles.work]\nprovider = \"corp\"\ndata_center = \"us\"\nclient_id = \"client-1\"\n\
        client_secret_file = \"secret\"\nscopes = [\"openid\"]\n\n[providers.corp]\nkind = \"zoho\"\n\
        [providers.corp.data_centers.us]\n";
    home.configure(&format!("{configuration}accounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n"));
    home
}

fn expired(home: &Home, authority: &Authority) {
    home.sign_in(authority, |grant| {
        grant.issuer = format!("{}/", authority.origin());
        "us".clone_into(&mut grant.data_center);
        program::ended(grant);
    });
}

/// The part of the document about `word` when `place`, its capitals filled in: meaning, causes, next step, code.
fn documented(word: &str, place: &str) -> (String, Vec<String>, String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let text = fs::read_to_string(path).expect("the document is there");
    let zoho = text.split("\n## ").find(|part| part.starts_with("Zoho")).expect("a part about Zoho").to_owned();
    let zoho = zoho.replace("PROFILE", "work").replace(" DC", " US").replace("SCOPES", "openid");
    let is_it = |part: &&str| {
        part.lines().next().is_some_and(|words| words.contains(&format!("`{word}`")))
            && part.lines().any(|line| line.starts_with("When ") && line.contains(place))
    };
    let part = zoho.split("\n### ").find(is_it).unwrap_or_else(|| panic!("{word} is not documented"));
    let lines: Vec<&str> = part.lines().filter(|line| !line.is_empty()).collect();
    let clause = |line: &str| {
        let line = line.trim_start_matches("**Next:** ").trim_end_matches('.');
        let mut characters = line.chars();
        let first = characters.next().expect("a sentence");
        // A sentence begins with a capital, the clause of an error does not.
        if line.starts_with("Zoho") { line.to_owned() } else { first.to_lowercase().chain(characters).collect() }
    };
    let causes = lines.iter().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let code = lines[2].split('`').nth(1).unwrap_or_default();
    (clause(lines[1]), causes.map(|line| (*line).to_owned()).collect(), clause(lines[lines.len() - 1]), code.to_owned())
}

/// A command, what the provider answers it at the path that ends so, and where that is documented.
struct Case {
    command: &'static str,
    end: &'static str,
    body: Value,
    word: &'static str,
    place: &'static str,
    exit: i32,
}

const fn case(command: &'static str, end: &'static str, place: &'static str) -> Case {
    Case { command, end, body: Value::Null, word: "", place, exit: 0 }
}

const CODE: Case = case("login", "/code", "asking for a code");
const POLL: Case = case("login", "/token", "waiting for approval");
const REFRESH: Case = case("token", "/token", "refreshing");

/// A hint with the place of the secret as the document has it, which knows no file.
fn in_profile(hint: &str) -> String {
    let place = hint.split_once("into the file ").and_then(|(before, rest)| Some((before, rest.split_once(';')?.1)));
    place.map_or_else(|| hint.to_owned(), |(before, rest)| format!("{before}where profile `work` has it;{rest}"))
}

impl Case {
    fn check(self) {
        let Self { command, end, body, word, place, exit } = self;
        let authority = refusing(end, body);
        // One home for each run, since the first one notes a refusal for the second.
        let [for_plain, for_json] = [home_at(&authority), home_at(&authority)];
        if command == "token" {
            expired(&for_plain, &authority);
            expired(&for_json, &authority);
        }
        let (meaning, causes, next, code) = documented(word, place);
        let json = if command == "login" { &["login", "--json"][..] } else { &["token", "--format", "json"] };
        let (plain, json) = (for_plain.spawn(&[command]), for_json.spawn(json));
        let (plain, json) = (ran(plain), ran(json));

        assert_eq!(plain.code, exit, "{word}: {plain:?}");
        let said: Vec<&str> = plain.stderr.lines().map(str::trim).collect();
        assert!(said.iter().any(|line| line.contains(&meaning)), "{meaning:?} is missing: {plain:?}");
        let at = said.iter().position(|line| *line == "likely causes:").expect("causes are listed");
        assert_eq!(said[at + 1..=at + causes.len()], causes, "{word}");
        let hint = said[at + 1 + causes.len()].strip_prefix("hint: ").expect("the hint comes last");
        let hint = in_profile(hint);
        // When to try again is known only here.
        let (hint, next) = if exit == 10 { (&hint[..9], &next[..9]) } else { (&hint[..], &next[..]) };
        assert_eq!(hint, next, "{word}");

        let lines = json.json_lines();
        let error = &lines.last().expect("a line")["error"];
        let listed = error["causes"].as_array().expect("causes are a list").iter().enumerate();
        let numbered: Vec<String> =
            listed.map(|(index, cause)| format!("{}. {}", index + 1, cause.as_str().expect("a text"))).collect();
        assert_eq!((error["code"].as_str(), numbered), (Some(code.as_str()), causes), "{error}");
    }
}

#[test]
fn a_refused_secret_that_the_store_has_is_given_anew_by_a_command() {
    let authority = refusing("/token", json!({ "error": "invalid_client_secret" }));
    let home = home_at(&authority);
    let command = "profile edit work --client-secret-stdin";
    for is_in_store in [false, true] {
        if is_in_store {
            home.configure(&home.configuration().replace("client_secret_file = \"secret\"\n", ""));
            assert_eq!(home.run_with(&command.split(' ').collect::<Vec<_>>(), "sesam").code, 0);
        }
        expired(&home, &authority);
        let ran = home.run(&["token"]);
        assert_eq!((ran.code, ran.stderr.contains(command)), (2, is_in_store), "{ran:?}");
    }
}

#[test]
fn the_command_line_says_what_the_document_says() {
    let word = |case: Case, word, exit| Case { body: json!({ "error": word }), word, exit, ..case };
    let localised = json!({"error": "\u{62d2}", "status": "failure"});
    let cases = [
        word(CODE, "invalid_client", 2),
        word(CODE, "invalid_scope", 2),
        word(POLL, "access_denied", 5),
        word(POLL, "expired", 6),
        word(POLL, "invalid_client_secret", 2),
        word(REFRESH, "invalid_code", 4),
        word(REFRESH, "invalid_client", 2),
        word(REFRESH, "invalid_client_secret", 2),
        word(REFRESH, "Access Denied", 10),
        Case { body: localised, word: "HTTP 429", exit: 10, ..REFRESH },
    ];
    // Zoho's dialect never polls sooner than after five seconds, so they wait together.
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| case.check());
        }
    });
}

#[test]
fn a_throttle_a_revoked_grant_and_a_wrong_secret_have_codes_of_their_own() {
    let code = |body: Value| {
        let authority = refusing("/token", body);
        let home = home_at(&authority);
        expired(&home, &authority);
        let error = home.run(&["token", "--format", "json"]).json()["error"].clone();
        assert!(["code", "message", "hint", "retryable"].iter().all(|field| !error[field].is_null()), "{error}");
        error["code"].as_str().unwrap_or_default().to_owned()
    };
    let words = ["invalid_client", "invalid_client_secret", "other_dc", "invalid_code", "Access Denied"];
    assert_eq!(
        words.map(|word| code(json!({ "error": word }))),
        ["invalid_client", "invalid_client_secret", "wrong_data_center", "sign_in_needed", "rate_limited"]
    );
}

#[test]
fn words_that_nobody_knows_are_shown_as_they_came_but_harmless() {
    let authority = refusing("/token", json!({"error": "sky_fell\u{1b}[31m", "error_description": "on\u{202e} us"}));
    let home = home_at(&authority);
    expired(&home, &authority);
    home.run(&["token"]).failed(7, &["Zoho answered sky_fell<U+001B>[31m (on<U+202E> us)", "hint: try again later"]);
}

#[test]
fn a_sign_in_without_a_refresh_token_says_so_and_why() {
    let authority = refusing("/token", json!({}));
    let home = home_at(&authority);
    home.sign_in(&authority, |grant| {
        grant.issuer = format!("{}/", authority.origin());
        "us".clone_into(&mut grant.data_center);
        program::ended(grant);
        grant.refresh_token = None;
    });
    home.run(&["token"]).failed(4, &["brought no refresh token", "access_type=offline", "device-login login work"]);
    assert_eq!(authority.log().len(), 0);
}

#[test]
fn where_access_is_taken_back_by_hand_is_named_with_the_accounts_server() {
    let authority = refusing("/revoke", json!({"error": "invalid_code"}));
    let home = home_at(&authority);
    expired(&home, &authority);
    let ran = home.run(&["logout", "work"]);
    let by_hand = format!("remove the access by hand at {} (Sessions > Connected Apps)", authority.origin());
    assert!(ran.code == 0 && ran.stderr.contains(&by_hand), "{ran:?}");
    assert!(ran.stderr.contains("does not know the token that was to be revoked"), "{ran:?}");
}

#[test]
fn a_client_that_the_accounts_data_center_does_not_know_has_a_code_of_its_own() {
    let elsewhere = refusing("/token", json!({"error": "invalid_client"}));
    let home_authority = refusing("/token", json!({"error": "other_dc", "user_location": "eu"}));
    let home = home_at(&home_authority);
    let origin = elsewhere.origin();
    let eu = format!("[providers.corp.data_centers.eu]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n");
    home.configure(&(home.configuration() + &eu));
    let lines = home.run(&["login", "--json"]).json_lines();
    let error = &lines.last().expect("a line")["error"];
    assert_eq!(error["code"], json!("wrong_data_center"), "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("client_secret_files]` as `eu`")), "{error}");
}

#[test]
fn a_wrong_secret_is_the_first_cause_where_one_is_sent_and_none_where_there_is_none() {
    for (status, word, place) in [
        (403, "unauthorized_client", "/token"),
        (401, "invalid_client", "/token"),
        (400, "unauthorized_client", "/device"),
        (401, "incorrect_client_credentials", "/token"),
    ] {
        for has_secret in [true, false] {
            let authority = Authority::start(move |_| (status, json!({ "error": word }).to_string()));
            let home = Home::at(&authority);
            let arguments: &[&str] = if place == "/token" { &["token"] } else { &["login", "--plain"] };
            if place == "/token" {
                home.sign_in(&authority, program::ended);
            }
            let mut command = home.command(arguments);
            if has_secret {
                command.env("DEVICE_LOGIN_CLIENT_SECRET", program::CLIENT_SECRET);
            } else if place == "/token" {
                continue;
            }
            let said = ran(command.spawn().expect("the program starts"));
            assert_eq!(said.code, 2, "{said:?}");
            let first = said.stderr.lines().find(|line| line.trim().starts_with("1. ")).expect("causes are listed");
            assert_eq!(first.contains("the client secret is wrong"), has_secret, "{word}: {said:?}");
            assert_eq!(said.stderr.contains("the client secret is wrong"), has_secret, "{word}: {said:?}");
            assert!(!said.stderr.contains("data center") && !said.stderr.contains("Zoho"), "{said:?}");
        }
    }
}
