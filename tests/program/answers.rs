//! What servers send, odd in every way that was seen: what is usable of it is used, and the rest is told.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{Home, Ran, ran};

const SIGN_IN: &str =
    r#"{"device_code":"dc","user_code":"AB-12","verification_uri":"ORIGIN/go","expires_in":60,"interval":1}"#;

/// A server that answers polls and refreshes with `token`, each with a status, headers and a body.
fn start(token: impl Fn(&Asked) -> (u16, String, String) + Send + 'static) -> Authority {
    Authority::start_with_headers(move |asked| match asked.path.as_str() {
        "/device" => (200, String::new(), SIGN_IN.replace("ORIGIN", &asked.origin())),
        "/token" => token(asked),
        "/userinfo" => (200, String::new(), r#"{"sub":"7"}"#.to_owned()),
        "/revoke" => (200, String::new(), String::new()),
        _ => (404, String::new(), String::new()),
    })
}

fn home(authority: &Authority) -> Home {
    home_with(authority, "")
}

/// The same with further keys of the provider.
fn home_with(authority: &Authority, keys: &str) -> Home {
    let (home, origin) = (Home::new(), authority.origin());
    home.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
         client_secret_env = \"WORK_SECRET\"\n\
         [providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{origin}/device\"\n\
         token_endpoint = \"{origin}/token\"\nuserinfo_endpoint = \"{origin}/userinfo\"\n{}",
        keys.replace("ORIGIN", &origin)
    ));
    home
}

const SECRET: &str = "s3cret-of-the-client";

fn run(home: &Home, arguments: &[&str]) -> Ran {
    ran(home.command(arguments).env("WORK_SECRET", SECRET).spawn().expect("the program starts"))
}

fn login(home: &Home) -> Ran {
    run(home, &["login", "--json", "--timeout", "60s"])
}

#[test]
fn a_call_whose_sign_in_has_ended_ends_so_with_its_answer_told() {
    for (refusal, code) in [("invalid_grant", 4), ("slow_down", 10)] {
        let authority = Authority::start(move |asked| match asked.path.as_str() {
            "/token" => (400, format!(r#"{{"error":"{refusal}"}}"#)),
            _ => (401, r#"{"error":"invalid_token"}"#.to_owned()),
        });
        let home = Home::signed_in(&authority);
        let ran = home.run(&["api", "/userinfo"]);
        assert_eq!((ran.code, ran.stdout.trim()), (code, r#"{"error":"invalid_token"}"#), "{ran:?}");
        // Asked again, it cannot even begin.
        assert_eq!(home.run(&["api", "/userinfo"]).code, code);
        let home = Home::signed_in(&authority);
        assert_eq!(home.run(&["api", "--fail", "/userinfo"]).code, 22);
    }
}

#[test]
fn tokens_are_taken_whatever_they_are_wrapped_in() {
    let many = "x-line: 1\r\n".repeat(1000);
    let long = format!("x-long: {}\r\n", "x".repeat(100_000));
    let token =
        r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1","scope":"openid"}"#;
    for (headers, body) in [
        (String::new(), format!("\u{feff}{token}")),
        (String::new(), format!("\r\n{token}\0")),
        (String::new(), format!("[{token}]")),
        (String::new(), format!("{token}{}", " ".repeat(300_000))),
        (String::new(), token.replace("\"AT1\"", "\" AT1\\n\"").replace("\"RT1\"", "\"RT1\\r\\n\"")),
        (many, token.to_owned()),
        (long, token.to_owned()),
        ("content-encoding: gzip\r\n".to_owned(), token.to_owned()),
        ("content-encoding: utf-8\r\n".to_owned(), token.to_owned()),
        // The connection ends before the body does.
        ("transfer-encoding: chunked\r\n".to_owned(), format!("{:x}\r\n{token}\r\n", token.len())),
        ("transfer-encoding: chunked\r\n".to_owned(), format!("{:x}\r\n{}", token.len(), &token[..token.len() - 9])),
    ] {
        let case = format!("{headers:.40}{body:.20}");
        let authority = start(move |_| (200, headers.clone(), body.clone()));
        let home = home(&authority);
        let ran = login(&home);
        assert_eq!(ran.code, 0, "{case}: {ran:?}");
        run(&home, &["token"]).worked("AT1\n");
        assert!(authority.log().iter().all(|asked| asked.headers.contains("accept-encoding: identity")), "{case}");
    }
}

#[test]
fn an_empty_refresh_token_loses_nothing() {
    for odd in [json!(""), json!(null), json!(7.5), json!(["x"])] {
        let answer =
            json!({"access_token": "AT2", "refresh_token": odd, "expires_in": "3600", "scope": "", "api_domain": ""});
        let first = json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600});
        let authority = start(move |asked| {
            let body = if asked.body.contains("refresh_token=RT1") { answer.to_string() } else { first.to_string() };
            (200, String::new(), body)
        });
        let home = home(&authority);
        assert_eq!(login(&home).code, 0);
        for _ in 0..2 {
            assert_eq!(run(&home, &["refresh"]).code, 0, "{odd}");
        }
        run(&home, &["token"]).worked("AT2\n");
    }
}

#[test]
fn a_success_that_cannot_be_read_counts_as_lost_and_says_so() {
    let first = json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string();
    for body in ["", "<html>", "{\"access_token\":\"AT", "OK", "{}"] {
        let first = first.clone();
        let authority = start(move |asked| {
            let body = if asked.body.contains("refresh_token=RT1") { body.to_owned() } else { first.clone() };
            (200, String::new(), body)
        });
        let home = home(&authority);
        assert_eq!(login(&home).code, 0);
        let before = authority.count("/token");
        let ran = run(&home, &["refresh"]);
        assert_eq!(ran.code, 7, "{body}: {ran:?}");
        assert_eq!(authority.count("/token") - before, 2, "{body}: the old token is sent once more");
        assert!(!ran.stderr.contains("nothing was lost"), "{body}: {ran:?}");
        assert!(ran.stderr.contains("had a new refresh token"), "{body}: {ran:?}");
    }
}

#[test]
fn a_new_refresh_token_is_kept_whatever_the_access_token_beside_it_is() {
    let given = |access: &str, refresh: &str| json!({"access_token": access, "refresh_token": refresh}).to_string();
    let long = given(&"x".repeat(70_000), "RT2");
    for (odd, said) in [
        (r#"{"refresh_token":"RT2"}"#, "has no access token"),
        (r#"{"access_token":null,"refresh_token":"RT2"}"#, "has no access token"),
        (r#"{"error":true,"refresh_token":"RT2"}"#, "has no access token"),
        (r#"{"access_token":[7],"refresh_token":"RT2"}"#, "has no access token"),
        (r#"{"access_token":0,"refresh_token":"RT2"}"#, "has no access token"),
        (&given("", "RT2"), "is empty or not printable ASCII"),
        (&given("A T", "RT2"), "is empty or not printable ASCII"),
        (&long, "is too long"),
        (r#"{"access_token":"AT2","token_type":"mac","refresh_token":"RT2"}"#, "`mac`"),
    ] {
        let (odd, first, last) = (odd.to_owned(), given("AT1", "RT1"), given("AT3", "RT3"));
        let authority = start(move |asked| {
            let body = match asked.body.as_str() {
                body if body.contains("refresh_token=RT1") => &odd,
                body if body.contains("refresh_token=RT2") => &last,
                _ => &first,
            };
            (200, String::new(), body.clone())
        });
        let home = home(&authority);
        assert_eq!(login(&home).code, 0);
        let ran = run(&home, &["refresh"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{said}: {ran:?}");
        assert!(
            ran.stderr.contains(said) && ran.stderr.contains("refresh token that came with it was kept"),
            "{ran:?}"
        );
        run(&home, &["token"]).worked("AT1\n");
        assert_eq!(run(&home, &["refresh"]).code, 0, "{said}");
        run(&home, &["token"]).worked("AT3\n");
        let spent = authority.log().iter().filter(|asked| asked.body.contains("refresh_token=RT1")).count();
        assert_eq!(spent, 1, "{said}: a spent token is sent again");
    }
}

#[test]
fn an_approval_without_an_access_token_that_can_be_used_is_given_back() {
    for (access, kind, said) in [
        (json!("A T1"), "Bearer", "not printable ASCII"),
        (json!([7]), "Bearer", "has no access token"),
        (json!("AT1"), "DPoP", "`DPoP`"),
    ] {
        for (keys, became) in [
            ("revocation_endpoint = \"ORIGIN/revoke\"\n", "nothing was saved and the grant was revoked"),
            ("", "remove the access by hand"),
        ] {
            let answer = json!({"access_token": access, "token_type": kind, "refresh_token": "RT1"}).to_string();
            let authority = start(move |_| (200, String::new(), answer.clone()));
            let home = home_with(&authority, keys);
            let ran = run(&home, &["login", "--plain", "--timeout", "60s"]);
            assert_eq!(ran.code, 1, "{ran:?}");
            assert!(ran.stderr.contains(said) && ran.stderr.contains(became), "{ran:?}");
            let given_back = authority.log().into_iter().filter(|asked| asked.path == "/revoke");
            let given_back: Vec<bool> = given_back.map(|asked| asked.body.contains("token=RT1")).collect();
            assert_eq!(given_back, vec![true; usize::from(!keys.is_empty())], "{ran:?}");
            assert_eq!(run(&home, &["token"]).code, 4);
        }
    }
}

#[test]
fn secrets_that_an_answer_repeats_among_the_scopes_are_neither_told_nor_kept() {
    let (access, refresh) = ("AT-of-this-sign-in", "RT-of-this-sign-in");
    let answer = json!({
        "access_token": access,
        "refresh_token": refresh,
        "scope": format!("openid {refresh} x-{access} {SECRET}"),
        "api_domain": format!("https://{refresh}.example"),
    });
    let answer = answer.to_string();
    let authority = start(move |_| (200, String::new(), answer.clone()));
    let home = home(&authority);
    let ran = [login(&home), run(&home, &["status", "--json"]), run(&home, &["refresh"]), run(&home, &["status"])];
    for ran in ran {
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = (ran.stdout.clone() + &ran.stderr).to_lowercase();
        assert!(![access, refresh, SECRET].iter().any(|secret| told.contains(&secret.to_lowercase())), "{ran:?}");
        assert!(
            told.contains("openid") || told.contains("a scope that repeats a secret") || !told.contains("scope"),
            "{ran:?}"
        );
    }
}

#[test]
fn an_answer_without_an_account_is_told_for_what_it_is() {
    let token = json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string();
    for (keys, status, headers, body, code, said) in [
        (
            "userinfo_endpoint = \"ORIGIN/signed\"\n",
            200,
            "content-type: application/jwt\r\n",
            "eyJ.eyJ.x",
            2,
            "signed token",
        ),
        ("userinfo_endpoint = \"ORIGIN/page\"\n", 200, "content-type: text/html\r\n", "<html>", 7, "sign-in page"),
        ("", 200, "", "", 2, "give `userinfo_endpoint`"),
        (
            "userinfo_endpoint = \"ORIGIN/refused\"\n",
            403,
            "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"email profile\"\r\n",
            "",
            4,
            "add `email profile`",
        ),
    ] {
        let token = token.clone();
        let authority = Authority::start_with_headers(move |asked| match asked.path.as_str() {
            "/device" => (200, String::new(), SIGN_IN.replace("ORIGIN", &asked.origin())),
            "/token" => (200, String::new(), token.clone()),
            _ => (status, headers.to_owned(), body.to_owned()),
        });
        let (home, origin) = (Home::new(), authority.origin());
        home.configure(&format!(
            "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
             [providers.corp]\nkind = \"standard\"\ndevice_authorization_endpoint = \"{origin}/device\"\n\
             token_endpoint = \"{origin}/token\"\n{}",
            keys.replace("ORIGIN", &origin)
        ));
        assert_eq!(login(&home).code, 0);
        let ran = run(&home, &["whoami"]);
        assert_eq!(ran.code, code, "{said}: {ran:?}");
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
        let verified = run(&home, &["status", "--verify"]).code;
        assert_eq!(verified, if code == 4 { 0 } else { 7 }, "{said}");
    }
}

#[test]
fn who_asks_again_too_soon_after_a_refused_token_is_to_wait() {
    let token = json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string();
    let authority = Authority::start_with_headers(move |asked| match asked.path.as_str() {
        "/device" => (200, String::new(), SIGN_IN.replace("ORIGIN", &asked.origin())),
        "/token" => (200, String::new(), token.clone()),
        _ => (401, String::new(), r#"{"error":"invalid_token"}"#.to_owned()),
    });
    let home = home(&authority);
    assert_eq!(login(&home).code, 0);
    assert_ne!(run(&home, &["whoami"]).code, 0);
    let again = run(&home, &["whoami", "--json"]);
    let error: serde_json::Value = serde_json::from_str(again.stdout.trim()).expect("an error");
    let error = &error["error"];
    assert_eq!(
        (again.code, &error["code"], &error["retryable"]),
        (10, &json!("rate_limited"), &json!(true)),
        "{again:?}"
    );
}

#[test]
fn what_a_refresh_leaves_out_is_told_where_it_happened_and_in_the_status() {
    let long = json!({"access_token": "AT2", "refresh_token": "x".repeat(70_000)});
    let foreign = json!({"access_token": "AT2", "api_domain": "https://evil.example"});
    for (odd, said) in [
        (&long, "a refresh token that is too long: at most 64 KiB are taken; the one before is kept"),
        (&foreign, "an API domain, https://evil.example, that is not one of its own"),
    ] {
        let (odd, first) =
            (odd.to_string(), json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string());
        let authority = start(move |asked| {
            let is_refresh = asked.body.contains("refresh_token=RT1");
            (200, String::new(), if is_refresh { odd.clone() } else { first.clone() })
        });
        let home = home(&authority);
        assert_eq!(login(&home).code, 0);
        for command in [&["refresh"][..], &["token", "--force"]] {
            let ran = run(&home, command);
            assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
            assert!(ran.stderr.starts_with("warning: ") && ran.stderr.contains(said), "{command:?}: {ran:?}");
        }
        let ran = run(&home, &["token"]);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("AT2\n", ""), "told once");
        for command in [&["status"][..], &["status", "--json"]] {
            let ran = run(&home, command);
            assert!(ran.stdout.contains(said), "{command:?}: {ran:?}");
        }
    }
}

#[test]
fn secrets_that_a_server_repeats_are_shown_and_kept_nowhere() {
    let first =
        json!({"access_token": "AT1-0123456789", "refresh_token": "RT1-0123456789", "expires_in": 3600}).to_string();
    let authority = start(move |asked| {
        if asked.body.contains("refresh_token=RT1") {
            let said = format!("{} with s3cret-of-the-client, czNjcmV0LW9mLXRoZS1jbGllbnQ, AT1-0123456789", asked.body);
            (400, String::new(), json!({"error": "odd s3cret-of-the-client", "error_description": said}).to_string())
        } else {
            (200, String::new(), first.clone())
        }
    });
    let home = home(&authority);
    assert_eq!(login(&home).code, 0);
    for command in [&["refresh"][..], &["refresh", "--json"], &["status", "--json"], &["status"]] {
        let ran = run(&home, command);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        for secret in ["s3cret-of-the-client", "RT1-0123456789", "AT1-0123456789", "czNjcmV0LW9m"] {
            assert!(!told.contains(secret), "{command:?}: {ran:?}");
        }
    }
}

#[test]
fn secrets_that_come_back_where_none_was_asked_for_are_not_shown_either() {
    let said = "s3cret-of- the-client, czNjcmV0LW9mLXRoZS1jbGllbnQ, AT1-0123456789, RT1-01\n23456789";
    let refusal = json!({"error": format!("odd {said}"), "error_description": said, "message": said}).to_string();
    let tokens =
        json!({"access_token": "AT1-0123456789", "refresh_token": "RT1-0123456789", "expires_in": 3600}).to_string();
    let authority = Authority::start_with_headers(move |asked| match asked.path.as_str() {
        "/device" => (200, String::new(), SIGN_IN.replace("ORIGIN", &asked.origin())),
        "/token" => (200, String::new(), tokens.clone()),
        _ => (400, String::new(), refusal.clone()),
    });
    let home = home(&authority);
    let origin = authority.origin();
    home.configure(&format!(
        "{}revocation_endpoint = \"{origin}/revoke\"\napi_domain = \"{origin}\"\n",
        home.configuration()
    ));
    assert_eq!(login(&home).code, 0);
    for command in [&["whoami"][..], &["whoami", "--json"], &["api", "/x"], &["logout"], &["status", "--json"]] {
        let ran = run(&home, command);
        // The answer of an API is data.
        let told = if command[0] == "api" { ran.stderr.clone() } else { format!("{}{}", ran.stdout, ran.stderr) };
        for secret in ["s3cret-of", "RT1-01", "AT1-0123456789", "czNjcmV0LW9m"] {
            assert!(!told.contains(secret), "{command:?}: {ran:?}");
        }
    }
}

#[test]
fn a_redirect_names_the_address_to_write_and_ends_no_sign_in_that_waits() {
    let moved = || (301, "location: /token/?x=s3cret\r\n".to_owned(), String::new());
    let authority = start(move |_| moved());
    let ran = run(&home(&authority), &["login", "--json", "--timeout", "10s"]);
    let to = format!("{}/token/", authority.origin());
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stdout.contains(&to) && !ran.stdout.contains("s3cret"), "{ran:?}");
    assert!(ran.stdout.contains("\"retrying\""), "{ran:?}");

    let first = json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string();
    let authority =
        start(
            move |asked| {
                if asked.body.contains("refresh_token=RT1") { moved() } else { (200, String::new(), first.clone()) }
            },
        );
    let (home, to) = (home(&authority), format!("token_endpoint = \"{}/token/\"", authority.origin()));
    assert_eq!(login(&home).code, 0);
    let ran = run(&home, &["refresh"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains(&to) && !ran.stderr.contains("s3cret"), "{ran:?}");
}

#[test]
fn metadata_is_found_at_every_place_and_odd_fields_are_passed_over() {
    for place in [
        "/realm/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realm",
        "/realm/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/realm",
    ] {
        for written in ["/realm", "/realm/.well-known/openid-configuration"] {
            let authority = Authority::start(move |asked| {
                let origin = asked.origin();
                let token = json!({"access_token": "AT1", "expires_in": 3600});
                match asked.path.as_str() {
                    path if path == place => {
                        let document = json!({
                            "issuer": format!("{origin}/realm"),
                            "device_authorization_endpoint": format!("{origin}/device"),
                            "token_endpoint": format!("{origin}/token"),
                            "authorization_endpoint": "http://evil.example/",
                            "userinfo_endpoint": "/me",
                            "token_endpoint_auth_methods_supported": null,
                        });
                        (200, format!("\u{feff}{document}"))
                    }
                    "/device" => (200, SIGN_IN.replace("ORIGIN", &origin)),
                    "/token" => (200, token.to_string()),
                    _ => (404, "<html>".to_owned()),
                }
            });
            let (home, origin) = (Home::new(), authority.origin());
            home.configure(&format!(
                "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
                 [providers.corp]\nkind = \"standard\"\nissuer = \"{origin}{written}\"\n"
            ));
            let ran = home.run(&["login", "--json", "--timeout", "60s"]);
            assert_eq!(ran.code, 0, "{place} {written}: {ran:?}");
        }
    }
}

#[test]
fn the_second_document_is_asked_for_what_the_first_lacks_also_after_a_fault() {
    let faults = Mutex::new(vec!["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]);
    let authority = Authority::start(move |asked| {
        let mut faults = faults.lock().expect("no test has panicked");
        if let Some(at) = faults.iter().position(|path| *path == asked.path) {
            faults.remove(at);
            return (503, String::new());
        }
        let origin = asked.origin();
        let document = |more: &str| {
            let mut document = json!({
                "issuer": origin,
                "device_authorization_endpoint": format!("{origin}/device"),
                "token_endpoint": format!("{origin}/token"),
            });
            document[more] = json!(format!("{origin}/{more}"));
            (200, document.to_string())
        };
        match asked.path.as_str() {
            "/.well-known/openid-configuration" => document("userinfo_endpoint"),
            "/.well-known/oauth-authorization-server" => document("revocation_endpoint"),
            "/device" => (200, SIGN_IN.replace("ORIGIN", &origin)),
            "/token" => (200, json!({"access_token": "AT1", "refresh_token": "RT1", "expires_in": 3600}).to_string()),
            "/userinfo_endpoint" => (200, json!({"sub": "7"}).to_string()),
            "/revocation_endpoint" => (200, String::new()),
            _ => (404, String::new()),
        }
    });
    let (home, origin) = (Home::new(), authority.origin());
    home.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
         [providers.corp]\nkind = \"standard\"\nissuer = \"{origin}\"\ndevice_authorization_endpoint = \"{origin}/device\"\n"
    ));
    assert_eq!(home.run(&["login", "--json", "--timeout", "60s"]).code, 0);
    assert_eq!(home.run(&["logout"]).code, 0);
    assert_eq!(authority.count("/revocation_endpoint"), 1);
}

/// A home whose provider only its issuer describes.
fn discovering(authority: &Authority) -> Home {
    let (home, origin) = (Home::new(), authority.origin());
    home.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\
         [providers.corp]\nkind = \"standard\"\nissuer = \"{origin}\"\n"
    ));
    home
}

#[test]
fn metadata_may_be_long_and_without_a_usable_endpoint_are_one_kind_of_mistake() {
    let without = |field: &str, value: Value| json!({ field: value });
    for (changed, code) in [
        (without("scopes_supported", json!("x".repeat(1_000_000))), 0),
        (without("scopes_supported", json!("x".repeat(1_100_000))), 1),
        (without("token_endpoint", json!(null)), 2),
        (without("token_endpoint", json!(5)), 2),
        (without("token_endpoint", json!(["x"])), 2),
        (without("token_endpoint", json!("/token")), 2),
        (without("device_authorization_endpoint", json!(null)), 2),
        (without("device_authorization_endpoint", json!(5)), 2),
    ] {
        let change = changed.clone();
        let authority = Authority::start(move |asked| {
            let origin = asked.origin();
            let mut document = json!({
                "issuer": origin,
                "device_authorization_endpoint": format!("{origin}/device"),
                "token_endpoint": format!("{origin}/token"),
            });
            document.as_object_mut().expect("one").extend(change.as_object().expect("one").clone());
            match asked.path.as_str() {
                "/.well-known/openid-configuration" => (200, document.to_string()),
                "/device" => (200, SIGN_IN.replace("ORIGIN", &origin)),
                "/token" => (200, json!({"access_token": "AT1", "expires_in": 3600}).to_string()),
                _ => (404, String::new()),
            }
        });
        let ran = discovering(&authority).run(&["login", "--json", "--timeout", "60s"]);
        let shown = changed.to_string();
        assert_eq!(ran.code, code, "{}: {ran:?}", &shown[..shown.len().min(60)]);
        assert!(!ran.stdout.contains("ask for less"), "{ran:?}");
    }
}

#[test]
fn who_asks_for_fewer_requests_is_told_as_such_everywhere_and_with_how_long() {
    for (status, headers, body) in [
        (429, "retry-after: 2000\r\n", ""),
        (503, "retry-after: 2000\r\n", "<h1>Down</h1>"),
        (403, "retry-after: 2000\r\n", "<h1>Forbidden</h1>"),
        (400, "retry-after: 2000\r\n", r#"{"error":"rate_limit_exceeded"}"#),
        (400, "retry-after: 2000\r\n", r#"{"error":"slow_down"}"#),
        (500, "retry-after: 2000\r\n", r#"{"error":"too_many_requests"}"#),
        (429, "", "slowly"),
        (400, "", r#"{"error":"rate_limit_exceeded"}"#),
    ] {
        let context = format!("{status} {headers}{body}");
        let is_timed = !headers.is_empty();
        let told = |ran: Ran, what: &str| {
            assert_eq!(ran.code, 10, "{what}: {context}: {ran:?}");
            let says_when = ["try again after", "wait ", "try again at"].iter().any(|said| ran.stderr.contains(said));
            assert!(!is_timed || says_when, "{what}: {context}: {ran:?}");
        };
        let authority = Authority::start_with_headers(move |_| (status, headers.to_owned(), body.to_owned()));
        let home = discovering(&authority);
        told(home.run(&["login", "--plain"]), "discovery");
        assert_eq!(authority.log().len(), 1, "{context}");
        let home = home_with(&authority, "revocation_endpoint = \"ORIGIN/revoke\"\n");
        told(run(&home, &["login", "--plain"]), "a code");
        for command in ["whoami", "logout", "refresh"] {
            let home = home_with(&authority, "revocation_endpoint = \"ORIGIN/revoke\"\n");
            home.sign_in(&authority, |_| {});
            told(run(&home, &[command]), command);
        }
    }
}

#[test]
fn a_refusal_with_200_revokes_nothing() {
    for said in [
        r#"{"message":"please log in"}"#,
        r#"{"detail":"Authentication credentials were not provided."}"#,
        r#"{"message":"ok","code":401}"#,
        r#"{"statusCode":500,"message":"Internal Server Error"}"#,
    ] {
        let authority = Authority::start(move |_| (200, said.to_owned()));
        let home = home_with(&authority, "revocation_endpoint = \"ORIGIN/revoke\"\n");
        home.sign_in(&authority, |_| {});
        for times in 1..=2 {
            let ran = run(&home, &["logout"]);
            assert!(ran.code != 0 && !ran.stdout.contains("Revoked"), "{said}: {ran:?}");
            assert_eq!(authority.count("/revoke"), times, "{said}: it is tried again");
        }
    }
}

#[test]
fn what_the_device_endpoint_answers_is_told_for_what_it_is() {
    let word = |word: &str| json!({ "error": word }).to_string();
    for (status, body, exit, code, hint) in [
        (400, word("invalid_grant"), 2, "invalid_client", "check which grants"),
        (403, word("access_denied"), 2, "invalid_client", "check which grants"),
        (500, word("invalid_request"), 7, "provider", "try again later"),
        (401, String::new(), 2, "invalid_client", "check `client_id` and the secret"),
        (401, "<h1>Unauthorized</h1>".to_owned(), 2, "invalid_client", "check `client_id` and the secret"),
        (401, word("Unauthorized"), 2, "invalid_client", "check `client_id` and the secret"),
        (401, json!({"message": "Unauthorized"}).to_string(), 2, "invalid_client", "check `client_id` and the secret"),
        (404, String::new(), 2, "config", "compare that address"),
        (404, "<h1>Not Found</h1>".to_owned(), 2, "config", "compare that address"),
        (404, json!({"status": 404, "error": "Not Found"}).to_string(), 2, "config", "compare that address"),
        (404, word("Realm does not exist"), 2, "config", "compare that address"),
        (
            405,
            json!({"status": 405, "error": "Method Not Allowed", "path": "/x"}).to_string(),
            2,
            "config",
            "compare that address",
        ),
        (410, word("gone"), 2, "config", "compare that address"),
        (422, json!({"status": 422, "error": "Unprocessable Entity"}).to_string(), 7, "provider", "try again later"),
        (408, json!({"message": "Request Timeout"}).to_string(), 7, "provider", "try again later"),
        (409, json!({"message": "Another deployment is in progress"}).to_string(), 7, "provider", "try again later"),
        (421, json!({"detail": "This host is not served here"}).to_string(), 7, "provider", "try again later"),
        (423, json!({"msg": "Locked for maintenance"}).to_string(), 7, "provider", "try again later"),
        (425, json!({"message": "Too early"}).to_string(), 7, "provider", "try again later"),
        (
            400,
            json!({"status": 400, "message": "invalid client"}).to_string(),
            1,
            "other",
            "the word is the provider's own",
        ),
        (
            403,
            json!({"message": "Missing Authentication Token"}).to_string(),
            1,
            "other",
            "the word is the provider's own",
        ),
        (
            200,
            json!({"status": "error", "msg": "Invalid client_id"}).to_string(),
            1,
            "other",
            "the word is the provider's own",
        ),
        (302, "/login".to_owned(), 2, "config", "compare `device_authorization_endpoint`"),
        (302, "/oauth/device/".to_owned(), 2, "config", "write `device_authorization_endpoint = "),
    ] {
        let answer = body.clone();
        let authority = Authority::start_with_headers(move |_| match status {
            302 => (status, format!("location: {answer}\r\n"), String::new()),
            _ => (status, String::new(), answer.clone()),
        });
        let error = run(&home(&authority), &["login", "--json"]);
        let (ended, error) = (error.code, error.json()["error"].clone());
        let is_retryable = json!(exit == 7);
        assert_eq!(
            (ended, &error["code"], &error["retryable"]),
            (exit, &json!(code), &is_retryable),
            "{body}: {error}"
        );
        assert!(error["hint"].as_str().is_some_and(|said| said.contains(hint)), "{status} {body}: {error}");
        let is_named = error.to_string().contains(&format!("{}/device", authority.origin()));
        assert_eq!(is_named, matches!(status, 404 | 405 | 410), "{status} {body}: {error}");
    }
}

#[test]
fn what_a_server_says_beside_its_word_is_shown() {
    let policy = "Policy evaluation failed, please check the policy configurations.";
    let hinting = json!({
        "error": "invalid_scope", "error_description": "The scope is invalid", "hint": "Check the `bogus` scope", "message": "x",
    });
    for (path, said, exit, told) in [
        ("/token", json!({"error": "access_denied", "error_description": policy}), 5, policy),
        ("/device", hinting.clone(), 2, "invalid_scope (The scope is invalid; Check the `bogus` scope)"),
        ("/token", hinting, 2, "invalid_scope (The scope is invalid; Check the `bogus` scope)"),
        ("/token", json!({"error": "invalid_scope", "hint": SECRET}), 2, "invalid_scope (****)"),
    ] {
        let authority = Authority::start(move |asked| match asked.path.as_str() {
            asked if asked == path => (400, said.to_string()),
            _ => (200, SIGN_IN.replace("ORIGIN", &asked.origin())),
        });
        let ran = login(&home(&authority));
        let error = ran.json_lines().last().expect("a line")["error"].clone();
        let is_told = error["message"].as_str().is_some_and(|message| message.contains(told));
        assert!(ran.code == exit && is_told, "{told}: {ran:?}");
    }
}
