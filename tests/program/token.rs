//! The forms in which `token` hands a token to shells, kubectl and people, and the `id_token` beside it.

use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use device_login::clock;
use device_login::secret::Secret;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{ACCESS_TOKEN, Home, REFRESH_TOKEN, Ran, ended, ran};

const NEW_TOKEN: &str = "sentinel-access-2-0123456789";

/// A token for `client-1` that ends so many seconds from now and lives for an hour.
fn id_token(origin: &str, subject: &str, left: i64) -> String {
    let end = clock::wall().as_second() + left;
    let claims = json!({"iss": origin, "aud": "client-1", "exp": end, "iat": end - 3600, "sub": subject});
    format!("e30.{}.sentinel-signature", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A provider whose answers have an `id_token` with so much left, or none where that is zero.
fn provider(left: &'static AtomicI64) -> Authority {
    Authority::start(move |asked: &Asked| {
        let mut token = json!({"access_token": NEW_TOKEN, "expires_in": 3600, "refresh_token": REFRESH_TOKEN});
        let left = left.load(Ordering::SeqCst);
        if left != 0 {
            token["id_token"] = json!(id_token(&asked.origin(), "fresh", left));
        }
        (200, token.to_string())
    })
}

fn with_exec_info(home: &Home, info: &str) -> Ran {
    let mut command = home.command(&["token", "--format", "exec-credential"]);
    ran(command.env("KUBERNETES_EXEC_INFO", info).spawn().expect("the program starts"))
}

/// Whom an `id_token` names.
fn subject(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("it has claims");
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
    claims["sub"].clone()
}

#[test]
fn shells_get_the_variables_in_their_own_words() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::at(&authority);
    home.sign_in(&authority, |grant| grant.access_token = Secret::new("it's-\\-$HOME"));
    let origin = authority.origin();
    for (format, token) in [
        ("env", r"export DEVICE_LOGIN_ACCESS_TOKEN='it'\''s-\-$HOME'"),
        ("fish", r"set -gx DEVICE_LOGIN_ACCESS_TOKEN 'it\'s-\\-$HOME'"),
        ("powershell", r"$env:DEVICE_LOGIN_ACCESS_TOKEN = 'it''s-\-$HOME'"),
    ] {
        let ran = home.run(&["token", "--format", format]);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert!(lines.len() == 2 && lines[0] == token && lines[1].contains(&format!("'{origin}'")), "{ran:?}");
    }
    assert!(authority.log().is_empty());
}

#[test]
fn kubectl_gets_its_credential_in_the_version_that_it_asks_for() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    let api = |version: &str| format!("client.authentication.k8s.io/{version}");
    let info = |version: &str| json!({"apiVersion": api(version), "kind": "ExecCredential", "spec": {}}).to_string();
    for (info, version) in [(String::new(), "v1"), (info("v1"), "v1"), (info("v1beta1"), "v1beta1")] {
        let credential = with_exec_info(&home, &info).json();
        assert_eq!((&credential["apiVersion"], &credential["kind"]), (&json!(api(version)), &json!("ExecCredential")));
        assert_eq!(credential["status"]["token"], json!(ACCESS_TOKEN));
        let end = credential["status"]["expirationTimestamp"].as_str().expect("an end");
        assert!(end.parse::<jiff::Timestamp>().is_ok_and(|end| end > clock::wall()), "{end}");
    }
    for info in [info("v1alpha1"), "nonsense".to_owned()] {
        with_exec_info(&home, &info).failed(2, &["`KUBERNETES_EXEC_INFO` cannot be used"]);
    }
    home.sign_in(&authority, |grant| grant.id_token = Some(Secret::new(id_token("x", "dana", 1800))));
    let credential = with_exec_info(&home, "").json();
    assert_eq!(subject(credential["status"]["token"].as_str().expect("a token")), json!("dana"));
    let end: jiff::Timestamp =
        credential["status"]["expirationTimestamp"].as_str().expect("an end").parse().expect("a time");
    assert!(clock::wall().duration_until(end) <= SignedDuration::from_secs(1800), "{end}");
}

#[test]
fn the_end_of_a_token_is_told_on_stderr_where_that_is_asked_for() {
    let authority = Authority::start(|_| (500, String::new()));
    let home = Home::signed_in(&authority);
    for quiet in [&[][..], &["-q"]] {
        let ran = home.run(&[&["token", "--show-expiry"], quiet].concat());
        assert_eq!(ran.stdout, format!("{ACCESS_TOKEN}\n"));
        assert!(ran.stderr.starts_with("The token is good for ") && ran.stderr.ends_with(" UTC.\n"), "{ran:?}");
    }
    home.sign_in(&authority, |grant| (grant.access_token_expires_at, grant.refresh_token) = (None, None));
    assert_eq!(home.run(&["token", "--show-expiry"]).stderr, "The token has no end that is known.\n");
    assert_eq!(home.run(&["token"]).stderr, "");
}

#[test]
fn an_id_token_is_kept_with_the_sign_in_and_replaced_by_a_refresh() {
    static LEFT: AtomicI64 = AtomicI64::new(3000);
    let authority = provider(&LEFT);
    let home = Home::at(&authority);
    let signed_in = home.run_with(&["login", "--import"], REFRESH_TOKEN);
    assert_eq!(signed_in.code, 0, "{signed_in:?}");
    let asked = authority.count("/token");
    let ran = home.run(&["token", "--id-token"]);
    assert_eq!((ran.code, subject(&ran.stdout)), (0, json!("fresh")), "{ran:?}");
    let header = home.run(&["token", "--id-token", "--format", "header"]).stdout;
    assert_eq!(header, format!("Authorization: Bearer {}", ran.stdout));
    for format in ["env", "fish", "powershell"] {
        home.run(&["token", "--id-token", "--format", format]).failed(2, &["`--id-token` does not go"]);
    }
    // Nothing of that asked anybody, and no other form has the token in it.
    assert_eq!(authority.count("/token"), asked);
    assert!(!home.run(&["token", "--format", "json"]).stdout.contains(ran.stdout.trim()));
    // It ends before the access token, and comes with a new one.
    home.sign_in(&authority, |grant| grant.id_token = Some(Secret::new(id_token(&authority.origin(), "old", 60))));
    assert_eq!(subject(&home.run(&["token", "--id-token"]).stdout), json!("fresh"));
    assert_eq!(authority.count("/token"), asked + 1);
    // A refresh without one leaves the one that lasts, and not the one that ends.
    LEFT.store(0, Ordering::SeqCst);
    home.sign_in(&authority, |grant| {
        grant.id_token = Some(Secret::new(id_token(&authority.origin(), "old", 3000)));
        ended(grant);
    });
    assert_eq!(subject(&home.run(&["token", "--id-token"]).stdout), json!("old"));
    home.sign_in(&authority, |grant| grant.id_token = Some(Secret::new(id_token(&authority.origin(), "old", 60))));
    let asked = authority.count("/token");
    home.run(&["token", "--id-token"]).failed(4, &["there is no `id_token` of profile `work`", "login work"]);
    home.run(&["token", "--id-token"]).failed(4, &["there is no `id_token` of profile `work`"]);
    assert_eq!(authority.count("/token"), asked + 1, "one that never comes is asked for once");
}

#[test]
fn an_id_token_that_cannot_be_renewed_is_good_until_it_ends() {
    let refused = json!({"error": "invalid_grant"}).to_string();
    for (status, body, left, code) in [(500, String::new(), 60, 0), (500, String::new(), -60, 7), (400, refused, 60, 4)]
    {
        let authority = Authority::start(move |_| (status, body.clone()));
        let home = Home::at(&authority);
        let origin = authority.origin();
        for arguments in [&["--id-token"][..], &["--format", "exec-credential"]] {
            home.sign_in(&authority, |grant| grant.id_token = Some(Secret::new(id_token(&origin, "old", left))));
            let ran = home.run(&[&["token"], arguments].concat());
            assert_eq!(ran.code, code, "{left} {ran:?}");
            assert_eq!(ran.stderr.starts_with("warning: the `id_token` ends soon: "), code == 0, "{ran:?}");
            assert_eq!(ran.stdout.is_empty(), code != 0, "{ran:?}");
        }
        assert_eq!(authority.count("/token"), 2, "{status} {left}");
    }
}

#[test]
fn an_id_token_for_somebody_else_or_without_its_scope_is_not_kept() {
    static LEFT: AtomicI64 = AtomicI64::new(3000);
    let authority = provider(&LEFT);
    let home = Home::at(&authority);
    home.configure(&home.configuration().replace("[\"openid\"]", "[\"read\"]"));
    assert_eq!(home.run_with(&["login", "--import"], REFRESH_TOKEN).code, 0);
    home.run(&["token", "--id-token"]).failed(4, &["the scope `openid` is not among its scopes"]);
    home.configure(&home.configuration().replace("[\"read\"]", "[\"openid\"]").replace("client-1", "client-2"));
    assert_eq!(home.run_with(&["login", "--import"], REFRESH_TOKEN).code, 0);
    home.run(&["token", "--id-token"]).failed(4, &["the provider gave none"]);
}
