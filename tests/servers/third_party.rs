//! Real authorization servers: oidc-provider and Authlib, with their own pages in a real browser, and the program as a
//! person runs it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout};

use serde_json::{Value, json};

use crate::support::http;
use crate::support::program::{Home, Ran, ran};
use crate::support::servers::Server;
use crate::support::webdriver::{Browser, Device};

/// The clients that authenticate: one by HTTP Basic, one in the body. The servers take no other form from them.
const SECRETIVE: [&str; 2] = ["basic", "posting"];

/// A home whose profile is a client of oidc-provider, known by its issuer.
fn oidc_provider_home(server: &Server, client: &str) -> Home {
    let issuer = server.at("");
    let provider = format!("issuer = \"{issuer}\"\n");
    home(client, &["openid", "email", "profile", "offline_access"], &provider)
}

/// A home whose profile is a client of Authlib, known by its endpoints.
fn authlib_home(server: &Server, client: &str) -> Home {
    let [device, token, revocation, userinfo] =
        ["/device_authorization", "/token", "/revoke", "/userinfo"].map(|path| server.at(path));
    let provider = format!(
        "device_authorization_endpoint = \"{device}\"\ntoken_endpoint = \"{token}\"\n\
        revocation_endpoint = \"{revocation}\"\nuserinfo_endpoint = \"{userinfo}\"\n"
    );
    home(client, &["profile", "notes"], &provider)
}

fn home(client: &str, scopes: &[&str], provider: &str) -> Home {
    let home = Home::new();
    let secret = if SECRETIVE.contains(&client) {
        home.write("secret", &format!("secret-of-{client}"));
        "client_secret_file = \"secret\"\n"
    } else {
        ""
    };
    home.configure(&format!(
        "[profiles.work]\nprovider = \"corp\"\nclient_id = \"{client}\"\nscopes = {scopes:?}\n{secret}\
        [providers.corp]\nkind = \"standard\"\n{provider}"
    ));
    home
}

/// A sign-in that waits for a person.
struct SignIn {
    program: Child,
    events: Lines<BufReader<ChildStdout>>,
    code: Value,
}

impl SignIn {
    fn start(home: &Home) -> Self {
        let mut program = home.spawn(&["login", "--json", "--timeout", "10m"]);
        let mut events = BufReader::new(program.stdout.take().expect("stdout is a pipe")).lines();
        let first = events.next().expect("there is an event").expect("the program speaks UTF-8");
        let code: Value = serde_json::from_str(&first).expect("events are JSON");
        assert_eq!(code["event"], "code_issued", "{code}");
        Self { program, events, code }
    }

    fn text(&self, field: &str) -> &str {
        self.code[field].as_str().unwrap_or_else(|| panic!("{field} is no text: {}", self.code))
    }

    /// How the program ended, and its last event.
    fn end(mut self) -> (i32, Value) {
        let last = self.events.by_ref().map(|line| line.expect("the program speaks UTF-8")).last();
        let last = serde_json::from_str(&last.expect("there is an event at the end")).expect("events are JSON");
        (ran(self.program).code, last)
    }

    #[track_caller]
    fn worked(self) -> Value {
        let (code, last) = self.end();
        assert_eq!((code, &last["event"]), (0, &json!("signed_in")), "{last}");
        last
    }
}

/// Types the code, signs in as `maya` and goes on to the last page, which says `Sign-in Success`.
fn approve_at_oidc_provider(browser: &Browser, sign_in: &SignIn) {
    browser.go_to(sign_in.text("verification_uri"));
    browser.type_into("input[name=user_code]", sign_in.text("user_code"));
    browser.click("button[form='op.deviceInputForm']");
    assert_eq!(browser.text("code"), sign_in.text("user_code"));
    browser.click("button[autofocus]");
    browser.type_into("input[name=login]", "maya");
    browser.type_into("input[name=password]", "any");
    browser.click("button.login-submit");
    browser.click("form:has(input[value=consent]) button");
    // Only the last page's container ends with words.
    assert!(browser.text(".container > p:last-child").contains("was successful"));
}

fn decide_at_authlib(browser: &Browser, sign_in: &SignIn, decision: &str) -> String {
    browser.go_to(sign_in.text("verification_uri_complete"));
    browser.click(&format!("button[value={decision}]"));
    browser.text("h1.decided")
}

fn token(home: &Home) -> String {
    let Ran { code, stdout, stderr } = home.run(&["token"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    stdout
}

/// What the server says to a bearer of this token.
fn status_with(token: &str, userinfo: &str) -> u16 {
    http::send("GET", userinfo, &[("authorization", &format!("Bearer {}", token.trim_end()))], "").status
}

/// A grant's life after its approval: used, refreshed twice, looked at, given back.
fn live_with_the_grant(home: &Home, scopes: &[&str], account: &str, userinfo: &str) {
    let first = token(home);
    assert_eq!(token(home), first, "it is still good");
    let mut seen = vec![first];
    for _ in 0..2 {
        // The server takes each refresh token once, so the second refresh shows that the newer one was kept.
        let refreshed = home.run(&["refresh"]);
        assert_eq!(refreshed.code, 0, "{refreshed:?}");
        let token = token(home);
        assert!(!seen.contains(&token), "it is not new");
        seen.push(token);
    }
    home.run(&["whoami"]).worked(&format!("{account}\n"));

    let status = home.run(&["status", "--json"]).json();
    let profile = &status["profiles"][0];
    assert_eq!(profile["state"], "valid", "{profile}");
    assert_eq!(profile["refreshable"], true, "{profile}");
    assert_eq!(profile["scopes"], json!(scopes), "{profile}");

    let last = seen.last().expect("there are several");
    assert_eq!(status_with(last, userinfo), 200);
    let signed_out = home.run(&["logout"]);
    assert_eq!(signed_out.code, 0, "{signed_out:?}");
    assert!(signed_out.stdout.starts_with("Revoked: "), "{signed_out:?}");
    assert_eq!(status_with(last, userinfo), 401, "the server has forgotten the grant");
    home.run(&["token"]).failed(4, &["not signed in"]);
}

#[test]
fn oidc_provider_from_its_issuer_to_the_revocation() {
    let server = Server::oidc_provider();
    let home = oidc_provider_home(&server, "public");
    let sign_in = SignIn::start(&home);
    approve_at_oidc_provider(&Browser::open(Device::Desktop), &sign_in);
    let signed_in = sign_in.worked();
    assert_eq!(signed_in["account"]["email"], "maya@example.com", "{signed_in}");
    assert_eq!(signed_in["refreshable"], true, "{signed_in}");
    let scopes = ["openid", "email", "profile", "offline_access"];
    live_with_the_grant(&home, &scopes, "Person maya <maya@example.com>, id maya", &server.at("/me"));
}

#[test]
fn authlib_from_its_endpoints_to_the_revocation() {
    let server = Server::authlib();
    let home = authlib_home(&server, "public");
    let sign_in = SignIn::start(&home);
    assert_eq!(decide_at_authlib(&Browser::open(Device::Phone), &sign_in, "accept"), "Accepted");
    let signed_in = sign_in.worked();
    assert_eq!(signed_in["account"]["id"], "maya", "{signed_in}");
    let account = "Person maya <maya@example.com>, id maya";
    live_with_the_grant(&home, &["profile", "notes"], account, &server.at("/userinfo"));
}

#[test]
fn a_person_declines_at_oidc_provider() {
    let server = Server::oidc_provider();
    let home = oidc_provider_home(&server, "public");
    let sign_in = SignIn::start(&home);
    let browser = Browser::open(Device::Phone);
    browser.go_to(sign_in.text("verification_uri_complete"));
    browser.click("button[name=abort]");
    assert_eq!(browser.text("p.red"), "The Sign-in request was interrupted");
    let (code, last) = sign_in.end();
    assert_eq!((code, &last["error"]["code"]), (5, &json!("denied")), "{last}");
}

#[test]
fn a_person_declines_at_authlib() {
    let server = Server::authlib();
    let home = authlib_home(&server, "public");
    let sign_in = SignIn::start(&home);
    assert_eq!(decide_at_authlib(&Browser::open(Device::Desktop), &sign_in, "decline"), "Declined");
    let (code, last) = sign_in.end();
    assert_eq!((code, &last["error"]["code"]), (5, &json!("denied")), "{last}");
}

#[test]
fn nobody_approves_in_time() {
    let (oidc_provider, authlib) = (Server::oidc_provider(), Server::authlib());
    let homes = [oidc_provider_home(&oidc_provider, "hasty"), authlib_home(&authlib, "hasty")];
    let sign_ins = homes.each_ref().map(SignIn::start);
    for sign_in in sign_ins {
        let (code, last) = sign_in.end();
        assert_eq!((code, &last["error"]["code"]), (6, &json!("code_expired")), "{last}");
    }
}

#[test]
fn oidc_provider_takes_each_client_in_the_form_it_is_registered_for() {
    let server = Server::oidc_provider();
    for client in SECRETIVE {
        let home = oidc_provider_home(&server, client);
        let sign_in = SignIn::start(&home);
        approve_at_oidc_provider(&Browser::open(Device::Desktop), &sign_in);
        sign_in.worked();
        let scopes = ["openid", "email", "profile", "offline_access"];
        live_with_the_grant(&home, &scopes, "Person maya <maya@example.com>, id maya", &server.at("/me"));
    }
}

#[test]
fn authlib_takes_each_client_in_the_form_it_is_registered_for() {
    let server = Server::authlib();
    for client in SECRETIVE {
        let home = authlib_home(&server, client);
        let sign_in = SignIn::start(&home);
        assert_eq!(decide_at_authlib(&Browser::open(Device::Desktop), &sign_in, "accept"), "Accepted");
        sign_in.worked();
        let account = "Person maya <maya@example.com>, id maya";
        live_with_the_grant(&home, &["profile", "notes"], account, &server.at("/userinfo"));
    }
}
