//! Hostile values in every field that an answer can carry: all are refused, and nothing goes to a host outside the
//! provider's table.

use std::time::Duration;

use device_login::clock::Moment;
use device_login::http::{Request, Response};
use device_login::oauth::device::{self, DeviceFlow};
use device_login::oauth::token::{self, TokenFlow};
use device_login::oauth::wire::Approval;
use device_login::oauth::{Client, Step};
use device_login::providers::standard::{self, Metadata, StandardEndpoints, StandardServer};
use device_login::providers::{Provider, zoho};
use device_login::secret::Secret;
use serde_json::{Value, json};
use url::{Origin, Url};

/// Puts a value into a field and tells whether it is refused.
type IsRefused = Box<dyn Fn(&str) -> bool>;

/// No code and no token: empty, control characters, escapes, hidden and look-alike characters, spaces, too long.
fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        " AB",
        "AB ",
        "A\0B",
        "A\u{7}B",
        "A\u{8}B",
        "A\tB",
        "A\nB",
        "A\rB",
        "A\r\nHost: evil.example",
        "A\u{7f}B",
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]52;c;ZXZpbA==\u{7}",
        "\u{1b}]8;;https://evil.example\u{1b}\\A\u{1b}]8;;\u{1b}\\",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{9b}31mA",
        "A\u{202e}B",
        "A\u{2066}B",
        "A\u{200b}B",
        "A\u{feff}B",
        "A\u{a0}B",
        "A\u{2028}B",
        "\u{410}\u{412}\u{421}D",
        "\u{ff21}\u{ff22}",
        "A\u{e0041}B",
        "A\u{1f511}B",
    ];
    texts.into_iter().map(str::to_owned).chain(["A".repeat(17 * 1024)]).collect()
}

/// Addresses that nobody should open or call, for any provider.
fn addresses() -> Vec<String> {
    let addresses = [
        "accounts.zoho.com",
        "//accounts.zoho.com/",
        "/oauth/v3/device",
        "http://accounts.zoho.com/",
        "http://evil.example/",
        "http://127.0.0.1.evil.example/",
        "javascript:alert(1)",
        "data:text/html,evil",
        "file:///etc/passwd",
        "ftp://accounts.zoho.com/",
        "ssh://accounts.zoho.com/",
        "mailto:person@accounts.zoho.com",
        "calc.exe",
        "-e/bin/sh",
        "https://",
        "https://accounts.zoho.com@evil.example/",
        "https://user:word@accounts.zoho.com/",
        "https://evil.example\\@accounts.zoho.com/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://0x7f000001/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://localhost/",
        "https://router/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://accounts.zoho.com/\r\nHost: evil.example",
        "https://accounts.zoho.com/\0",
        "https://accounts.zoho.com/\u{1b}[2J",
        "https://accounts.zoho.com/\u{202e}moc",
        "https://accounts.z\u{43e}ho.com/",
    ];
    addresses
        .into_iter()
        .map(str::to_owned)
        .chain([format!("https://accounts.zoho.com/{}", "A".repeat(2048))])
        .collect()
}

/// Public addresses that are not Zoho's in the data center `us`.
fn strange_addresses() -> Vec<String> {
    let strange = [
        "https://evil.example/",
        "https://accounts.zoho.com.evil.example/",
        "https://accounts-zoho.com/",
        "https://accounts.zoho.co/",
        "https://accounts.zoho.com.:443/",
        "https://accounts.zoho.com:8443/",
        "https://www.zohoapis.com:8443/",
        "https://www.zohoapis.com./",
        "https://www.zohoapis.com.evil.example/",
        "https://xn--accounts-zoho-com-fake.example/",
        "https://zohoapis.com/",
        "https://evil.accounts.zoho.com/",
        "https://accounts.zoho.eu/",
        "https://www.zohoapis.eu/",
    ];
    strange.into_iter().map(str::to_owned).chain(addresses()).collect()
}

/// Words that are no data center's.
fn locations() -> Vec<String> {
    let locations = [
        "mars",
        "euu",
        "e",
        "u s",
        " eu",
        "eu ",
        "eu.",
        "eu/",
        "../eu",
        "eu.evil.example",
        "evil.example",
        "@evil.example",
        "https://accounts.zoho.eu",
        "https://evil.example/",
        "//evil.example",
        "zoho.eu",
        "accounts.zoho.eu",
        "127.0.0.1",
        "localhost",
        "eu\0",
        "eu\n",
        "\u{1b}[2Jeu",
        "\u{435}u",
        "e\u{200b}u",
        "\u{ff45}\u{ff55}",
        "eu,us",
        "*",
        "null",
    ];
    locations.into_iter().map(str::to_owned).chain([String::new(), "eu".repeat(40)]).collect()
}

#[test]
fn every_hostile_value_in_every_field_is_refused() {
    let start =
        |field: &'static str| move |value: &str| sign_in(&zoho_provider(), &with(code(), field, value), &token());
    let standard_start = |field: &'static str| {
        move |value: &str| sign_in(&standard_provider(), &with(standard_code(), field, value), &token())
    };
    let poll =
        |field: &'static str| move |value: &str| sign_in(&zoho_provider(), &code(), &with(token(), field, value));
    let moved = |field: &'static str| {
        move |value: &str| sign_in(&zoho_provider(), &code(), &with(json!({ "error": "other_dc" }), field, value))
    };
    let renewed = |field: &'static str| move |value: &str| refresh(&with(token(), field, value));

    let fields: Vec<(&str, Vec<String>, IsRefused)> = vec![
        ("user_code", texts(), Box::new(start("user_code"))),
        ("device_code", texts(), Box::new(start("device_code"))),
        ("verification_url", strange_addresses(), Box::new(start("verification_url"))),
        ("verification_uri", strange_addresses(), Box::new(start("verification_uri"))),
        ("verification_uri_complete", strange_addresses(), Box::new(start("verification_uri_complete"))),
        ("standard verification_uri", addresses(), Box::new(standard_start("verification_uri"))),
        ("standard verification_uri_complete", addresses(), Box::new(standard_start("verification_uri_complete"))),
        ("access_token", texts(), Box::new(poll("access_token"))),
        ("refresh_token", texts(), Box::new(poll("refresh_token"))),
        ("api_domain", strange_addresses(), Box::new(poll("api_domain"))),
        ("user_location", locations(), Box::new(moved("user_location"))),
        ("dc", locations(), Box::new(moved("dc"))),
        ("location", locations(), Box::new(moved("location"))),
        ("refreshed access_token", texts(), Box::new(renewed("access_token"))),
        ("refreshed refresh_token", texts(), Box::new(renewed("refresh_token"))),
        ("refreshed api_domain", strange_addresses(), Box::new(renewed("api_domain"))),
        ("issuer", strange_addresses(), Box::new(|value| metadata("issuer", value))),
        ("device_authorization_endpoint", addresses(), Box::new(|v| metadata("device_authorization_endpoint", v))),
        ("token_endpoint", addresses(), Box::new(|value| metadata("token_endpoint", value))),
        ("revocation_endpoint", addresses(), Box::new(|value| metadata("revocation_endpoint", value))),
        ("authorization_endpoint", addresses(), Box::new(|value| metadata("authorization_endpoint", value))),
        ("userinfo_endpoint", addresses(), Box::new(|value| metadata("userinfo_endpoint", value))),
    ];

    let mut taken = Vec::new();
    for (field, values, is_refused) in &fields {
        assert!(values.len() >= 25, "{field}: only {} values", values.len());
        taken.extend(values.iter().filter(|value| !is_refused(value)).map(|value| format!("{field}: {value:?}")));
    }
    assert!(fields.len() >= 12);
    assert!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
}

#[test]
fn the_same_answers_are_taken_without_the_hostile_value() {
    assert!(!sign_in(&zoho_provider(), &code(), &token()));
    assert!(!sign_in(&standard_provider(), &standard_code(), &json!({ "access_token": "at" })));
    assert!(!refresh(&token()));
    assert!(!metadata("issuer", ISSUER));
}

fn with(mut answer: Value, field: &str, value: &str) -> Value {
    answer[field] = json!(value);
    answer
}

fn code() -> Value {
    json!({ "user_code": "WLKU-4502", "device_code": "1004.device.code", "interval": 5000, "expires_in": 300_000 })
}

fn standard_code() -> Value {
    with(code(), "verification_uri", "https://id.example.com/device")
}

fn token() -> Value {
    json!({ "access_token": "1000.access", "refresh_token": "1000.refresh", "expires_in": 3600 })
}

fn zoho_provider() -> Provider {
    zoho::provider()
}

const ISSUER: &str = "https://id.example.com/";

fn standard_provider() -> Provider {
    let at = |path| Url::parse(ISSUER).and_then(|issuer| issuer.join(path)).expect("an address");
    let endpoints = StandardEndpoints {
        device_authorization: Some(at("code")),
        token: Some(at("token")),
        ..StandardEndpoints::default()
    };
    let server = StandardServer {
        name: "standard".to_owned(),
        dialect: &standard::DIALECT,
        issuer: Some(ISSUER.to_owned()),
        endpoints,
        api_domain: None,
        parameters: Vec::new(),
    };
    server.provider(StandardEndpoints::default()).expect("it has a token endpoint")
}

fn client() -> Client {
    Client {
        id: "client".to_owned(),
        secret: Some(Secret::new("secret")),
        data_center_secrets: [].into(),
        authentication: Vec::new(),
        sends_json: false,
    }
}

/// Whether the sign-in refuses these answers. Every request on the way must go to the provider's own table.
fn sign_in(provider: &Provider, code: &Value, poll: &Value) -> bool {
    let data_center = provider.default_data_center().clone();
    let mut flow = DeviceFlow::new(provider.clone(), data_center, client(), vec!["scope".to_owned()]);
    let mut now = Moment::at(Duration::from_secs(1));
    let mut answers = [code, poll].into_iter();
    for _ in 0..100 {
        match flow.poll(now) {
            Step::Send(request) => {
                check_host(provider, &request);
                flow.handle(now, Ok(answer(answers.next().unwrap_or(poll))));
            }
            Step::Wait(until) => now = until,
            Step::AwaitReply => panic!("the reply was handed in"),
            Step::Done(outcome) => return matches!(outcome, device::Outcome::Failed(_)),
        }
    }
    panic!("a sign-in has an end");
}

fn refresh(reply: &Value) -> bool {
    let provider = zoho_provider();
    let data_center = provider.default_data_center().clone();
    let mut flow =
        TokenFlow::new(provider.dialect, data_center, client(), Approval::RefreshToken(Secret::new("1000.refresh")));
    let now = Moment::default();
    let Step::Send(request) = flow.poll(now) else { panic!("a refresh begins at once") };
    check_host(&provider, &request);
    flow.handle(now, Ok(answer(reply)));
    match flow.poll(now) {
        Step::Done(outcome) => !matches!(outcome, token::Outcome::Minted { .. }),
        step => panic!("a refresh ends with its answer: {step:?}"),
    }
}

fn metadata(field: &str, value: &str) -> bool {
    let document = json!({
        "issuer": ISSUER,
        "device_authorization_endpoint": "https://id.example.com/code",
        "token_endpoint": "https://id.example.com/token",
    });
    let read = Metadata::parse(with(document, field, value).to_string().as_bytes());
    read.is_none_or(|metadata| metadata.endpoints(ISSUER).is_err())
}

fn answer(body: &Value) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn check_host(provider: &Provider, request: &Request) {
    let own: Vec<Origin> = provider.data_centers.iter().map(|place| place.accounts_server.origin()).collect();
    assert!(own.contains(&request.url.origin()), "a request goes to {}", request.url);
}
