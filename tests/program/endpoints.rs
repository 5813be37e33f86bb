//! Tokens and secrets go where they went when a person approved, whatever the configuration or the issuer's metadata come to
//! say: each endpoint, changed in each way, for each command that sends something there.

use serde_json::{Value, json};

use crate::support::authority::{Asked, Authority};
use crate::support::program::{CLIENT_SECRET, Home, Ran, ran};
use device_login::storage::IssuerEndpoints;

const ENDPOINTS: [&str; 4] =
    ["device_authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint"];

/// How a provider is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// By its issuer, which describes itself.
    Issuer,
    Endpoints,
}

fn path_of(endpoint: &str) -> &'static str {
    match endpoint {
        "device_authorization_endpoint" => "/device",
        "token_endpoint" => "/token",
        "revocation_endpoint" => "/revoke",
        _ => "/userinfo",
    }
}

/// An authority that describes itself with all endpoints.
fn authority() -> Authority {
    Authority::start(|asked| answer(asked, &json!({})))
}

fn answer(asked: &Asked, metadata: &Value) -> (u16, String) {
    let origin = asked.origin();
    let body = match asked.path.as_str() {
        "/.well-known/openid-configuration" => {
            let mut document = json!({ "issuer": origin });
            for endpoint in ENDPOINTS {
                document[endpoint] = json!(format!("{origin}{}", path_of(endpoint)));
            }
            for (key, value) in metadata.as_object().into_iter().flatten() {
                document[key] = value.clone();
            }
            document
        }
        "/device" => json!({"device_code": "d", "user_code": "ABCD", "verification_uri": format!("{origin}/v"),
            "expires_in": 300, "interval": 1}),
        "/token" => json!({"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt",
            "scope": "openid"}),
        "/userinfo" => json!({"sub": "7", "email": "dana@example.com"}),
        "/revoke" => return (200, String::new()),
        _ => return (404, String::new()),
    };
    (200, body.to_string())
}

/// The configuration of a provider at `origin`, with more lines for it.
fn configuration(form: Form, origin: &str, more: &[(&str, String)]) -> String {
    let mut lines: Vec<(String, String)> = match form {
        Form::Issuer => vec![("issuer".to_owned(), origin.to_owned())],
        Form::Endpoints => ENDPOINTS
            .iter()
            .map(|endpoint| ((*endpoint).to_owned(), format!("{origin}{}", path_of(endpoint))))
            .collect(),
    };
    for (key, value) in more {
        lines.retain(|(known, _)| known != key);
        lines.push(((*key).to_owned(), value.clone()));
    }
    let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
    format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\n\
         [providers.corp]\nkind = \"standard\"\n{}",
        lines.concat()
    )
}

/// A home whose profile is signed in, with a stored secret.
fn signed_in(form: Form, origin: &str) -> Home {
    let home = with_secret(form, origin);
    let ran = home.run(&["login", "--plain"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    home
}

/// The same before the first sign-in.
fn with_secret(form: Form, origin: &str) -> Home {
    let home = Home::new();
    home.configure(&configuration(form, origin, &[]));
    let ran = home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET);
    assert_eq!(ran.code, 0, "{ran:?}");
    home
}

#[track_caller]
fn assert_refused(ran: &Ran, foreign: &Authority, case: &str) {
    assert_eq!(ran.code, 2, "{case}: {ran:?}");
    assert!(ran.stderr.contains("device-login profile edit work --accept-endpoints"), "{case}: {ran:?}");
    assert!(foreign.log().is_empty(), "{case}: {:?}", foreign.log());
    // That would be refused as well.
    assert!(!ran.stderr.contains("device-login login work"), "{case}: {ran:?}");
}

#[test]
fn a_stored_secret_that_is_given_again_goes_where_the_provider_is_now() {
    for form in [Form::Issuer, Form::Endpoints] {
        let (own, new) = (authority(), authority());
        let home = signed_in(form, &own.origin());
        let elsewhere = format!("{}/token", new.origin());
        home.configure(&configuration(form, &own.origin(), &[("token_endpoint", elsewhere)]));
        home.run(&["login", "--plain"])
            .failed(2, &["or give the secret again: `device-login profile edit work --client-secret-stdin`"]);
        let given = home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET);
        assert_eq!(given.code, 0, "{given:?}");
        let ran = home.run(&["login", "--plain"]);
        assert!(ran.code == 0 && new.count("/token") > 0, "{form:?}: {ran:?}");
    }
}

/// The commands that send something to an endpoint.
fn senders(endpoint: &str) -> &'static [&'static [&'static str]] {
    match endpoint {
        "device_authorization_endpoint" => &[&["login", "--plain"]],
        "token_endpoint" => &[&["refresh"], &["token", "--force"], &["login", "--plain"]],
        "revocation_endpoint" => &[&["login", "--plain"], &["logout"]],
        _ => &[&["whoami"]],
    }
}

#[test]
fn an_endpoint_that_the_configuration_changes_gets_nothing() {
    let (own, foreign) = (authority(), authority());
    for form in [Form::Issuer, Form::Endpoints] {
        let home = signed_in(form, &own.origin());
        for endpoint in ENDPOINTS {
            let elsewhere = format!("{}{}", foreign.origin(), path_of(endpoint));
            home.configure(&configuration(form, &own.origin(), &[(endpoint, elsewhere.clone())]));
            for command in senders(endpoint) {
                let ran = home.run(command);
                assert_refused(&ran, &foreign, &format!("{form:?}, {endpoint}, {command:?}"));
                assert!(ran.stderr.contains(&format!("`{endpoint}`")) && ran.stderr.contains(&elsewhere), "{ran:?}");
            }
        }
        // What was signed out meanwhile is revoked where it was approved.
        home.configure(&configuration(form, &own.origin(), &[]));
        let revoked = own.count("/revoke");
        let ran = home.run(&["logout"]);
        assert_eq!((ran.code, own.count("/revoke")), (0, revoked + 1), "{ran:?}");
    }
}

#[test]
fn an_endpoint_that_was_not_there_is_a_change_too() {
    let (foreign, metadata) = (authority(), json!({"revocation_endpoint": null, "userinfo_endpoint": null}));
    let own = Authority::start(move |asked| answer(asked, &metadata));
    for endpoint in ["revocation_endpoint", "userinfo_endpoint"] {
        let home = signed_in(Form::Issuer, &own.origin());
        let elsewhere = format!("{}{}", foreign.origin(), path_of(endpoint));
        home.configure(&configuration(Form::Issuer, &own.origin(), &[(endpoint, elsewhere)]));
        for command in senders(endpoint) {
            assert_refused(&home.run(command), &foreign, &format!("{endpoint}, {command:?}"));
        }
    }
}

#[test]
fn a_secret_that_waits_for_its_first_sign_in_goes_where_the_issuer_says() {
    let (own, foreign) = (authority(), authority());
    for endpoint in ["device_authorization_endpoint", "token_endpoint", "revocation_endpoint"] {
        let home = with_secret(Form::Issuer, &own.origin());
        let elsewhere = format!("{}{}", foreign.origin(), path_of(endpoint));
        home.configure(&configuration(Form::Issuer, &own.origin(), &[(endpoint, elsewhere)]));
        assert_refused(&home.run(&["login", "--plain"]), &foreign, endpoint);
        home.configure(&configuration(Form::Issuer, &own.origin(), &[]));
        assert_eq!(home.run(&["login", "--plain"]).code, 0);
    }
}

#[test]
fn an_endpoint_that_the_issuers_metadata_change_gets_nothing() {
    let foreign = authority();
    for endpoint in ENDPOINTS {
        let moved = std::sync::Arc::new(std::sync::Mutex::new(json!({})));
        let metadata = moved.clone();
        let own = Authority::start(move |asked| answer(asked, &metadata.lock().expect("no panic")));
        let home = signed_in(Form::Issuer, &own.origin());
        let elsewhere = format!("{}{}", foreign.origin(), path_of(endpoint));
        *moved.lock().expect("no panic") = json!({ endpoint: elsewhere });
        if endpoint != "userinfo_endpoint" {
            assert_refused(&home.run(&["login", "--plain"]), &foreign, endpoint);
        }
        // The grant goes on at the endpoints under which it was approved.
        for command in [&["refresh"][..], &["whoami"], &["logout"]] {
            let ran = home.run(command);
            assert!(ran.code == 0 && foreign.log().is_empty(), "{endpoint}, {command:?}: {ran:?}");
        }
    }
}

#[test]
fn another_accounts_server_of_zohos_kind_gets_nothing_until_it_is_accepted() {
    let (own, foreign) = (authority(), authority());
    let configured = |us: &str, eu: &str| {
        let data_center = |code: &str, origin: &str| {
            format!("[providers.lab.data_centers.{code}]\naccounts_server = \"{origin}\"\napi_domain = \"{origin}\"\n")
        };
        format!(
            "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nscopes = [\"A.b.READ\"]\n\
             [providers.lab]\nkind = \"zoho\"\n{}{}",
            data_center("us", us),
            data_center("eu", eu)
        )
    };
    let zoho = Authority::start(|asked| {
        let body = match asked.path.split('?').next().unwrap_or_default() {
            "/oauth/v2/token" => {
                json!({"access_token": "at", "expires_in": 3600, "refresh_token": "rt", "token_type": "Bearer"})
            }
            "/oauth/user/info" => json!({"ZUID": 7, "Email": "dana@example.com"}),
            path if path.contains("revoke") => json!({"status": "success"}),
            _ => json!({"error": "general_error"}),
        };
        (200, body.to_string())
    });
    let home = Home::new();
    home.configure(&configured(&zoho.origin(), &own.origin()));
    assert_eq!(home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET).code, 0);
    let ran = home.run_with(&["login", "--import"], "1000.refresh");
    assert_eq!(ran.code, 0, "{ran:?}");
    for (us, eu) in [(foreign.origin(), own.origin()), (zoho.origin(), foreign.origin())] {
        home.configure(&configured(&us, &eu));
        for command in [&["refresh"][..], &["login", "--plain"], &["logout"]] {
            assert_refused(&home.run(command), &foreign, &format!("{us} {eu} {command:?}"));
        }
        if us == foreign.origin() {
            home.configure(&configured(&zoho.origin(), &own.origin()));
            assert_eq!(home.run(&["logout"]).code, 0);
            assert_eq!(home.run_with(&["login", "--import"], "1000.refresh").code, 0);
            home.configure(&configured(&us, &eu));
            assert_refused(&home.run(&["whoami"]), &foreign, "whoami");
            home.configure(&configured(&zoho.origin(), &own.origin()));
        }
    }
    let accepted = home.run(&["profile", "edit", "work", "--accept-endpoints"]);
    let shown = format!(
        "`data_centers.eu.accounts_server` was {}/ when it was approved, and is {}/ now",
        own.origin(),
        foreign.origin()
    );
    assert!(accepted.code == 0 && accepted.stdout.contains(&shown), "{accepted:?}");
    assert_eq!(home.run(&["logout"]).code, 0);
}

#[test]
fn what_is_accepted_is_shown_and_then_used() {
    let (own, new) = (authority(), authority());
    for form in [Form::Issuer, Form::Endpoints] {
        let home = signed_in(form, &own.origin());
        let accept = || home.run(&["profile", "edit", "work", "--accept-endpoints"]);
        let before = accept();
        assert!(before.code == 0 && before.stdout.contains("are those that were approved"), "{before:?}");
        for endpoint in ENDPOINTS {
            let elsewhere = format!("{}{}", new.origin(), path_of(endpoint));
            home.configure(&configuration(form, &own.origin(), &[(endpoint, elsewhere.clone())]));
            let asked = new.log().len();
            let accepted = accept();
            let shown = format!(
                "`{endpoint}` was {}{} when it was approved, and is {elsewhere} now",
                own.origin(),
                path_of(endpoint)
            );
            assert!(accepted.code == 0 && accepted.stdout.contains(&shown), "{accepted:?}");
            assert_eq!(new.log().len(), asked, "nothing is sent for that");
            home.configure(&configuration(form, &own.origin(), &[]));
            assert_eq!(accept().code, 0);
        }
        home.configure(&configuration(form, &new.origin(), &[]));
        let asked = new.log().len();
        let ran = home.run(&["refresh"]);
        assert!(ran.code == 2 && new.log().len() == asked, "{ran:?}");
        assert_eq!(accept().code, 0);
        for command in [&["refresh"][..], &["whoami"], &["login", "--plain"], &["logout"]] {
            let ran = home.run(command);
            assert_eq!(ran.code, 0, "{form:?}, {command:?}: {ran:?}");
        }
        assert!(new.count("/revoke") > 0 && new.count("/userinfo") > 0);
        assert!(accept().code == 0);
    }
}

/// Presets whose host nobody has to name, the addresses at which they take tokens, and their API's domain.
const PRESETS: [(&str, [Option<&str>; 2], &str); 4] = [
    ("github", [None, Some("https://api.github.com/user")], "https://api.github.com"),
    (
        "google",
        [Some("https://oauth2.googleapis.com/revoke"), Some("https://openidconnect.googleapis.com/v1/userinfo")],
        "https://www.googleapis.com",
    ),
    ("microsoft", [None, Some("https://graph.microsoft.com/oidc/userinfo")], "https://graph.microsoft.com"),
    (
        "gitlab",
        [Some("https://gitlab.com/oauth/revoke"), Some("https://gitlab.com/oauth/userinfo")],
        "https://gitlab.com",
    ),
];

#[test]
fn a_preset_at_another_server_gives_nothing_of_that_to_the_presets_own() {
    let metadata = json!({"revocation_endpoint": null, "userinfo_endpoint": null});
    let own = Authority::start(move |asked| answer(asked, &metadata));
    // Whoever is asked at all outside this machine is asked through it.
    let outside = Authority::start(|_| (502, String::new()));
    let at_token = format!("token_endpoint = \"{}/token\"\n", own.origin());
    let at_both = format!("{at_token}device_authorization_endpoint = \"{}/device\"\n", own.origin());
    let at_issuer = format!("issuer = \"{}\"\n", own.origin());
    for (kind, [revocation, userinfo], api_domain) in PRESETS {
        for given in [&at_both, &at_issuer, &format!("{at_token}{at_issuer}")] {
            // One preset with all that an issuer could tell stands for the others.
            if *given != at_both && kind != "google" {
                continue;
            }
            let home = Home::new();
            home.configure(&format!(
                "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\n\
                 [providers.corp]\nkind = \"{kind}\"\n{given}"
            ));
            let run = |command: &[&str]| {
                let proxy = outside.origin();
                let ran = ran(home.command(command).env("HTTPS_PROXY", proxy).spawn().expect("the program starts"));
                assert!(outside.log().is_empty(), "{kind}, {given}, {command:?}: {:?}", outside.log());
                ran
            };
            let secret = home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET);
            assert_eq!(secret.code, 0, "{secret:?}");
            assert!(run(&["config", "check"]).stdout.contains("another server than the preset"));
            assert_eq!(run(&["login", "--plain"]).code, 0);
            // As an earlier version kept it.
            home.change("work", |record| {
                let grant = record.grant.as_mut().expect("it is signed in");
                let url = |address: Option<&str>| address.map(|address| address.parse().expect("an address"));
                grant.api_domain = Some(api_domain.to_owned());
                let (token, revocation, userinfo) =
                    (url(Some(&format!("{}/token", own.origin()))), url(revocation), url(userinfo));
                let endpoints = IssuerEndpoints { token: token.expect("it is given"), revocation, userinfo };
                if *given != at_issuer {
                    grant.endpoints = Some(Box::new(endpoints));
                }
            });
            let env = run(&["token", "--format", "env"]);
            assert!(env.code == 0 && !env.stdout.contains("API_DOMAIN"), "{kind}, {given}: {env:?}");
            assert!(!run(&["status", "--json"]).stdout.contains(api_domain));
            assert_eq!(run(&["refresh"]).code, 0);
            run(&["whoami"]).failed(2, &["userinfo_endpoint"]);
            assert_ne!(run(&["api", "/user"]).code, 0);
            let out = run(&["logout"]);
            assert!(out.code == 0 && out.stderr.contains("could not be revoked"), "{kind}, {given}: {out:?}");
        }
    }
}

/// The domain of the APIs is a base to which scripts add: where it is configured with a path, that is of it.
#[test]
fn scripts_are_told_the_domain_of_the_apis_of_today_with_its_path() {
    let own = Authority::start(|asked| match asked.path.as_str() {
        "/api/v3/user" => (200, json!({"id": 7, "login": "dana"}).to_string()),
        _ => answer(asked, &json!({})),
    });
    let origin = own.origin();
    let configured = |api: &str| {
        format!(
            "[profiles.work]\nprovider = \"corp\"\nclient_id = \"client-1\"\nscopes = [\"openid\"]\n\n\
             [providers.corp]\nkind = \"github\"\ntoken_endpoint = \"{origin}/token\"\n\
             device_authorization_endpoint = \"{origin}/device\"\napi_domain = \"{api}\"\n"
        )
    };
    let home = Home::new();
    let told = |case: &str, domain: &str| {
        for command in [&["token", "--format", "json"][..], &["status", "--json"]] {
            let ran = home.run(command);
            let json = ran.json();
            let profile = json.pointer("/profiles/0").unwrap_or(&json);
            assert_eq!(profile["api_domain"], json!(domain), "{case}, {command:?}: {ran:?}");
        }
        let env = home.run(&["token", "--format", "env"]);
        assert!(env.stdout.contains(&format!("DEVICE_LOGIN_API_DOMAIN='{domain}'")), "{case}: {env:?}");
    };
    let with_path = format!("{origin}/api/v3");
    home.configure(&configured(&with_path));
    let login = home.run(&["login", "--json"]);
    assert_eq!(login.code, 0, "{login:?}");
    assert!(login.stdout.contains(&format!("\"api_domain\":\"{with_path}\"")), "{login:?}");
    told("signed in", &with_path);
    // As earlier versions kept it.
    home.change("work", |record| record.grant.as_mut().expect("it is signed in").api_domain = Some(origin.clone()));
    told("kept without its path", &with_path);
    home.configure(&configured(&format!("{origin}/api/v4")));
    told("moved", &format!("{origin}/api/v4"));
    home.change("work", |record| record.grant.as_mut().expect("it is signed in").data_center.clear());
    told("of no data center", &format!("{origin}/api/v4"));
}

#[test]
fn a_data_center_whose_apis_have_moved_is_told_everywhere_by_where_they_are() {
    let own = Authority::start(|asked| match asked.path.split('?').next().unwrap_or_default() {
        "/oauth/v2/token" => (
            200,
            json!({"access_token": "at", "expires_in": 3600, "api_domain": asked.origin(), "token_type": "Bearer"})
                .to_string(),
        ),
        _ => (200, json!({"ZUID": 7, "Email": "dana@example.com"}).to_string()),
    });
    let origin = own.origin();
    let configured = |api: &str| {
        format!(
            "[profiles.work]\nprovider = \"lab\"\nclient_id = \"client-1\"\nscopes = [\"A.b.READ\"]\n\
             [providers.lab]\nkind = \"zoho\"\n\
             [providers.lab.data_centers.us]\naccounts_server = \"{origin}\"\napi_domain = \"{api}\"\n"
        )
    };
    let home = Home::new();
    home.configure(&configured(&origin));
    assert_eq!(home.run_with(&["profile", "edit", "work", "--client-secret-stdin"], CLIENT_SECRET).code, 0);
    assert_eq!(home.run_with(&["login", "--import"], "1000.refresh").code, 0);
    let moved = "https://apis.example.com";
    home.configure(&configured(moved));
    assert_eq!(home.run(&["token", "--format", "json"]).json()["api_domain"], json!(moved));
    assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["api_domain"], json!(moved));
    let doctor = home.run(&["doctor"]);
    assert!(doctor.stdout.contains(&format!("APIs at {moved}")), "{doctor:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("zoho.env");
    let out = file.to_str().expect("a path");
    assert_eq!(home.run(&["profile", "export", "--yes", "--env-file", out]).code, 0);
    let exported = std::fs::read_to_string(out).expect("it is written");
    assert!(exported.contains(&format!("ZOHO_API_DOMAIN={moved}\n")), "{exported}");
}
