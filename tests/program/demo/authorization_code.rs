//! Codes from a browser (RFC 6749 §4.1) and from the self client, and what they are exchanged for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Value, json};
use url::Url;

use super::{call, form_value, patient};
use crate::support::demo_server::{DemoServer, SCOPE, text};
use crate::support::http;

const CLIENT: &str = "http://127.0.0.1:8123/callback?from=demo";
const STATE: &str = "a state/with & odd+characters";
const VERIFIER: &str = "a-verifier-of-the-tests-that-is-long-enough.~_";
/// Every address to which the demo must send nobody.
const STRANGE_CLIENTS: [&str; 14] = [
    "",
    "http://evil.example/callback",
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "http://192.0.2.1/",
    "http://127.0.0.1@evil.example/",
    "https://user:password@client.example/",
    "//evil.example/",
    "/oauth/v3/device",
    "javascript:alert(1)",
    "data:text/html,x",
    "urn:ietf:wg:oauth:2.0:oob",
    "https:\\\\evil.example",
    "http://127.0.0.1:8123/callback#fragment",
];

type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// What a client with PKCE asks for.
fn request<'a>(server: &'a DemoServer, challenge: &'a str) -> Parameters<'a> {
    vec![
        ("response_type", "code"),
        ("client_id", &server.addresses().client_id),
        ("scope", SCOPE),
        ("redirect_uri", CLIENT),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("state", STATE),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]
}

fn challenge() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
}

fn with<'a>(parameters: &Parameters<'a>, name: &'a str, value: &'a str) -> Parameters<'a> {
    let others = parameters.iter().filter(|(own, _)| *own != name).copied();
    others.chain([(name, value)]).collect()
}

fn without<'a>(parameters: &Parameters<'a>, names: &[&str]) -> Parameters<'a> {
    parameters.iter().filter(|(own, _)| !names.contains(own)).copied().collect()
}

fn open(server: &DemoServer, request: &Parameters<'_>) -> http::Answer {
    http::send("GET", &server.us(&format!("/oauth/v2/auth?{}", http::form(request))), &[], "")
}

/// The address to which the page's form goes.
fn action(page: &str) -> String {
    let (_, after) = page.split_once("<form method=\"post\" action=\"").expect("the page has a form");
    after.split('"').next().expect("split yields a first part").replace("&amp;", "&")
}

/// Presses a button of the page as a browser does.
fn press(server: &DemoServer, request: &Parameters<'_>, person: &str, button: &str) -> http::Answer {
    let page = open(server, request);
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.text();
    let form_token = form_value(&page, "form_token");
    let fields = [("form_token", form_token.as_str()), ("person", person), ("decision", button)];
    http::post_with(&server.us(&action(&page)), &[("origin", &server.us(""))], &fields)
}

/// The address to which an answer sends the browser, and its parameters.
fn sent_to(answer: &http::Answer) -> (Url, Value) {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let address = Url::parse(answer.header("location").expect("it leads somewhere")).expect("it is an address");
    let parameters: serde_json::Map<String, Value> =
        address.query_pairs().map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    (address, Value::Object(parameters))
}

fn approved(server: &DemoServer, request: &Parameters<'_>, person: &str) -> String {
    let (_, parameters) = sent_to(&press(server, request, person, "accept"));
    text(&parameters["code"]).to_owned()
}

/// The parameters of an exchange, PKCE and all.
fn exchange<'a>(server: &'a DemoServer, code: &'a str) -> Parameters<'a> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", &server.addresses().client_id),
        ("client_secret", &server.addresses().client_secret),
        ("redirect_uri", CLIENT),
        ("code", code),
        ("code_verifier", VERIFIER),
    ]
}

fn redeem(accounts_server: &str, exchange: &Parameters<'_>) -> Value {
    let answer = http::post(&format!("{accounts_server}/oauth/v2/token"), exchange);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_browser_brings_a_code_back_that_is_good_for_tokens_once() {
    let server = patient();
    let challenge = challenge();
    let request = request(&server, &challenge);
    let page = open(&server, &request).text();
    for words in ["read CRM users", "stay signed in", "Maya Ortiz", "Jonas Keller", "http://127.0.0.1:8123"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let (address, parameters) = sent_to(&press(&server, &request, "us", "accept"));
    assert!(address.as_str().starts_with("http://127.0.0.1:8123/callback?from=demo&"), "{address}");
    let code = text(&parameters["code"]).to_owned();
    let expected = json!({
        "from": "demo", "code": code, "location": "us", "accounts-server": server.us(""), "state": STATE,
    });
    assert_eq!(parameters, expected);
    assert!(address.as_str().contains("accounts-server=http%3A%2F%2F127.0.0.1%3A"), "{address}");

    let exchange = exchange(&server, &code);
    let tokens = redeem(&server.us(""), &exchange);
    assert_eq!(tokens["api_domain"], server.us(""));
    assert_eq!(tokens["scope"], SCOPE.replace(',', " "));
    assert!(text(&tokens["refresh_token"]).starts_with("1000."));
    assert_eq!(call(&server.us("/oauth/user/info"), &tokens).json()["First_Name"], "Maya");
    assert_eq!(redeem(&server.us(""), &exchange), json!({ "error": "invalid_code" }), "it is spent");
}

#[test]
fn the_code_of_an_account_elsewhere_is_redeemed_there_only() {
    let server = patient();
    let challenge = challenge();
    let (_, parameters) = sent_to(&press(&server, &request(&server, &challenge), "eu", "accept"));
    assert_eq!((&parameters["location"], &parameters["accounts-server"]), (&json!("eu"), &json!(server.eu(""))));
    let exchange = exchange(&server, text(&parameters["code"]));
    assert_eq!(redeem(&server.us(""), &exchange), json!({ "error": "invalid_code" }));
    let tokens = redeem(&server.eu(""), &exchange);
    assert_eq!(call(&server.eu("/oauth/user/info"), &tokens).json()["First_Name"], "Jonas");
}

#[test]
fn a_rejection_and_nothing_else_goes_back_as_an_error() {
    let server = patient();
    let challenge = challenge();
    let request = request(&server, &challenge);
    let (address, parameters) = sent_to(&press(&server, &request, "us", "reject"));
    assert_eq!(parameters, json!({ "from": "demo", "error": "access_denied", "state": STATE }));
    assert_eq!(address.host_str(), Some("127.0.0.1"));
    let stateless = without(&request, &["state"]);
    let (_, parameters) = sent_to(&press(&server, &stateless, "us", "reject"));
    assert_eq!(parameters, json!({ "from": "demo", "error": "access_denied" }));
}

#[test]
fn wrong_requests_end_on_a_page_and_nobody_is_sent_away() {
    let server = patient();
    let challenge = challenge();
    let request = request(&server, &challenge);
    let wrong = [
        ("client_id", "1000.STRANGER", "Invalid Client"),
        ("client_id", "", "Invalid Client"),
        ("response_type", "token", "Invalid response type"),
        ("response_type", "", "Invalid response type"),
        ("scope", "Nothing.at.ALL", "Invalid OAuth scope"),
        ("scope", "", "Invalid OAuth scope"),
        ("scope", "ZohoCRM.users.READ AaaServer.profile.READ", "Invalid OAuth scope"),
        ("code_challenge", "short", "Invalid code challenge"),
        ("code_challenge_method", "S512", "Invalid code challenge"),
    ];
    let strange = STRANGE_CLIENTS.map(|address| ("redirect_uri", address, "Invalid Redirect Uri"));
    let page = open(&server, &request).text();
    let form_token = form_value(&page, "form_token");
    for (name, value, words) in wrong.into_iter().chain(strange) {
        let mistaken = with(&request, name, value);
        let answer = open(&server, &mistaken);
        assert_eq!((answer.status, answer.header("location")), (400, None), "{name}={value}");
        assert!(answer.text().contains(&format!("<h1>{words}</h1>")), "{name}={value}: {}", answer.text());
        // Whoever skips the page meets the same checks.
        for button in ["accept", "reject"] {
            let fields = [("form_token", form_token.as_str()), ("person", "us"), ("decision", button)];
            let decision = server.us(&format!("/oauth/v2/auth/decision?{}", http::form(&mistaken)));
            let answer = http::post_with(&decision, &[("origin", &server.us(""))], &fields);
            assert_eq!((answer.status, answer.header("location")), (400, None), "{name}={value}");
        }
    }
    let query = http::form(&request);
    let elsewhere = http::send("GET", &server.eu(&format!("/oauth/v2/auth?{query}")), &[], "");
    assert!(elsewhere.text().contains("Invalid Client"), "the client is not registered there");
    assert_eq!(http::post(&server.us("/oauth/v2/auth"), &request).status, 400, "not a GET");
}

#[test]
fn addresses_on_this_machine_and_secure_ones_are_taken() {
    let server = patient();
    let challenge = challenge();
    for address in
        ["http://localhost:1/", "http://[::1]:8123/callback", "http://127.0.0.1:8123", "https://client.example/x?y=z"]
    {
        let request = with(&request(&server, &challenge), "redirect_uri", address);
        let (sent_to, parameters) = sent_to(&press(&server, &request, "us", "accept"));
        assert_eq!(sent_to.origin(), Url::parse(address).expect("it is an address").origin());
        let exchange = with(&exchange(&server, text(&parameters["code"])), "redirect_uri", address);
        assert!(redeem(&server.us(""), &exchange)["access_token"].is_string(), "{address}");
    }
}

#[test]
fn browser_decisions_need_the_pages_own_form_and_origin() {
    let server = patient();
    let challenge = challenge();
    let answer = open(&server, &request(&server, &challenge));
    let policy = answer.header("content-security-policy").expect("pages have a policy").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let page = answer.text();
    let (decision, form_token, origin) = (server.us(&action(&page)), form_value(&page, "form_token"), server.us(""));
    let decide = |headers: &[(&str, &str)], form_token: &str, button: &str| {
        let fields = [("form_token", form_token), ("person", "us"), ("decision", button)];
        http::post_with(&decision, headers, &fields).status
    };
    assert_eq!(decide(&[], &form_token, "accept"), 403, "no origin");
    assert_eq!(decide(&[("origin", "http://evil.example")], &form_token, "accept"), 403, "foreign origin");
    assert_eq!(decide(&[("origin", "null")], &form_token, "accept"), 403, "hidden origin");
    assert_eq!(decide(&[("origin", &origin)], "", "accept"), 403, "no form token");
    assert_eq!(decide(&[("origin", &origin)], "0123", "reject"), 403, "wrong form token");
    assert_eq!(decide(&[("origin", &origin)], &form_token, "perhaps"), 403, "no button of the page");
    assert_eq!(http::send("GET", &decision, &[], "").status, 400, "not a POST");
    assert_eq!(decide(&[("origin", &origin)], &form_token, "accept"), 303);
}

#[test]
fn what_a_request_brings_is_escaped() {
    let server = patient();
    let hostile = "\"><script>alert(1)</script>";
    let challenge = challenge();
    let page = open(&server, &with(&request(&server, &challenge), "state", hostile)).text();
    assert!(!page.contains("<script"), "{page}");
    let (_, parameters) =
        sent_to(&press(&server, &with(&request(&server, &challenge), "state", hostile), "us", "reject"));
    assert_eq!(parameters["state"], hostile);
}

#[test]
fn wrong_exchanges_are_named_and_leave_the_code_alone() {
    let server = patient();
    let challenge = challenge();
    let code = approved(&server, &request(&server, &challenge), "us");
    let right = exchange(&server, &code);
    for (name, value, word) in [
        ("client_id", "1000.STRANGER", "invalid_client"),
        ("client_secret", "wrong", "invalid_client_secret"),
        ("code", "1000.a", "invalid_code"),
        ("code", "", "invalid_code"),
        ("redirect_uri", "http://127.0.0.1:8123/callback", "invalid_redirect_uri"),
        ("redirect_uri", "", "invalid_redirect_uri"),
        ("code_verifier", "another-verifier-of-the-tests-that-is-long-enough", "invalid_code"),
        ("code_verifier", "", "invalid_code"),
        ("code_verifier", &challenge, "invalid_code"),
    ] {
        assert_eq!(redeem(&server.us(""), &with(&right, name, value)), json!({ "error": word }), "{name}={value}");
    }
    let refresh = with(&with(&right, "grant_type", "refresh_token"), "refresh_token", &code);
    assert_eq!(redeem(&server.us(""), &refresh), json!({ "error": "invalid_code" }), "a code is no refresh token");
    assert!(redeem(&server.us(""), &right)["access_token"].is_string());
}

#[test]
fn pkce_and_offline_access_are_the_clients_choice() {
    let server = patient();
    let plain = with(&request(&server, VERIFIER), "code_challenge_method", "plain");
    let code = approved(&server, &plain, "us");
    assert!(redeem(&server.us(""), &exchange(&server, &code))["refresh_token"].is_string());

    let bare = without(&plain, &["code_challenge", "code_challenge_method", "access_type", "prompt"]);
    let code = approved(&server, &bare, "us");
    let with_verifier = exchange(&server, &code);
    let word = redeem(&server.us(""), &with_verifier);
    assert_eq!(word, json!({ "error": "invalid_code" }), "no challenge came with the request");
    let tokens = redeem(&server.us(""), &without(&with_verifier, &["code_verifier"]));
    assert!(tokens["access_token"].is_string());
    assert!(tokens.get("refresh_token").is_none(), "without `access_type=offline`");
}

/// Fills the form of the self client as a script does.
fn ask_self_client(page: &str, headers: &[(&str, &str)], scope: &str) -> http::Answer {
    let form_token = form_value(&http::send("GET", page, &[], "").text(), "form_token");
    http::post_with(page, headers, &[("scope", scope), ("form_token", &form_token)])
}

fn grant_code(page: &str) -> &str {
    let (_, after) = page.split_once("id=\"grant-code\">").expect("the page shows a code");
    after.split('<').next().expect("split yields a first part")
}

#[test]
fn the_self_client_of_each_data_center_gives_codes_by_hand() {
    let server = patient();
    assert_eq!(server.addresses().self_client_page, server.us("/console/self-client"));
    for (here, there, name) in [(server.us(""), server.eu(""), "Maya"), (server.eu(""), server.us(""), "Jonas")] {
        let page = ask_self_client(&format!("{here}/console/self-client"), &[], SCOPE);
        assert_eq!(page.status, 200);
        let page = page.text();
        assert!(page.contains("read CRM users"), "{page}");
        let in_browser = exchange(&server, grant_code(&page));
        let bare = without(&in_browser, &["redirect_uri", "code_verifier"]);
        assert_eq!(redeem(&there, &bare), json!({ "error": "invalid_code" }), "another data center");
        let redirected = without(&in_browser, &["code_verifier"]);
        assert_eq!(redeem(&here, &redirected), json!({ "error": "invalid_redirect_uri" }));
        let tokens = redeem(&here, &bare);
        assert!(tokens["refresh_token"].is_string());
        assert_eq!(call(&format!("{here}/oauth/user/info"), &tokens).json()["First_Name"], name);
        assert_eq!(redeem(&here, &bare), json!({ "error": "invalid_code" }), "it is spent");
    }
}

#[test]
fn the_self_client_names_mistakes_and_takes_no_foreign_forms() {
    let server = patient();
    let page = server.addresses().self_client_page.clone();
    for scope in ["", "Nothing.at.ALL", "</textarea><script>"] {
        let answer = ask_self_client(&page, &[], scope);
        assert_eq!(answer.status, 400, "{scope}");
        let text = answer.text();
        assert!(text.contains("role=\"alert\"") && !text.contains("<script"), "{text}");
        assert!(!text.contains("id=\"grant-code\""));
    }
    assert_eq!(http::post(&page, &[("scope", SCOPE)]).status, 403, "no form token");
    assert_eq!(http::post(&page, &[("scope", SCOPE), ("form_token", "0123")]).status, 403, "wrong form token");
    for origin in ["http://evil.example", "null"] {
        assert_eq!(ask_self_client(&page, &[("origin", origin)], SCOPE).status, 403, "{origin}");
    }
    assert_eq!(ask_self_client(&page, &[("origin", &server.us(""))], SCOPE).status, 200);
}
