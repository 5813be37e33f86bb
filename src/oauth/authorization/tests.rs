use url::Url;

use super::{AuthorizationRequest, CallbackProblem};
use crate::oauth::Client;
use crate::providers::presets::Preset;
use crate::providers::standard::{self, StandardEndpoints, StandardServer};
use crate::providers::{Provider, zoho};
use crate::secret::Secret;

const REDIRECT: &str = "http://127.0.0.1:8123/callback";

fn request() -> AuthorizationRequest {
    AuthorizationRequest::new(REDIRECT.parse().expect("an address"), [1; 32], [2; 32])
}

fn state() -> String {
    request().state.expose().to_owned()
}

/// Reads an address with the right state at Zoho, whose client is registered in the US.
fn read(rest: &str) -> Result<(String, String), CallbackProblem> {
    read_address(&format!("{REDIRECT}?state={}&{rest}", state()))
}

fn read_address(address: &str) -> Result<(String, String), CallbackProblem> {
    let zoho = zoho::provider();
    let read = request().read_callback(&zoho, zoho.default_data_center(), address);
    read.map(|callback| (callback.code.expose().to_owned(), callback.data_center))
}

#[test]
fn the_request_has_state_and_challenge_and_no_secret() {
    let zoho = zoho::provider();
    let secret = Some(Secret::new("s3cret"));
    let client = Client::new("1000.X", secret);
    let endpoint = zoho.default_data_center().endpoints.authorization.clone().expect("Zoho has one");
    let uri = request().uri(&endpoint, &zoho, &client, &["A.b.READ".to_owned(), "C.d.READ".to_owned()]);
    // The challenge was computed apart from this program: SHA-256 of the verifier, base64url.
    let expected = "https://accounts.zoho.com/oauth/v2/auth?response_type=code&client_id=1000.X\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A8123%2Fcallback&scope=A.b.READ%2CC.d.READ&access_type=offline&prompt=consent\
         &state=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\
         &code_challenge=bB1ju9q0N8VDaMu9iIaohqea2XcpfiZe6_H19fAVM7k&code_challenge_method=S256";
    assert_eq!(uri.as_str(), expected);
    assert_eq!(request().verifier().expose().len(), 43);
}

#[test]
fn the_code_comes_from_the_data_center_that_is_named() {
    let ok = |code: &str, place: &str| Ok((code.to_owned(), place.to_owned()));
    assert_eq!(read("code=1000.c"), ok("1000.c", "us"));
    assert_eq!(read("code=1000.c&location=eu"), ok("1000.c", "eu"));
    assert_eq!(read("code=1000.c&location=EU&accounts-server=https%3A%2F%2Faccounts.zoho.eu"), ok("1000.c", "eu"));
    assert_eq!(read("code=1000.c&accounts-server=https%3A%2F%2Faccounts.zohocloud.ca"), ok("1000.c", "ca"));
}

#[test]
fn data_centers_outside_the_table_are_refused() {
    assert_eq!(read("code=c&location=xx"), Err(CallbackProblem::UnknownDataCenter("xx".to_owned())));
    for rest in [
        "code=c&location=us&accounts-server=https%3A%2F%2Faccounts.zoho.eu",
        "code=c&accounts-server=https%3A%2F%2Fevil.example",
        "code=c&accounts-server=http%3A%2F%2Faccounts.zoho.com",
        "code=c&accounts-server=https%3A%2F%2Faccounts.zoho.com%40evil.example",
        "code=c&accounts-server=javascript%3Aalert(1)",
        "code=c&accounts-server=",
        "code=c%0A&location=us",
        "code=c&iss=https%3A%2F%2Fevil.example",
    ] {
        assert!(matches!(read(rest), Err(CallbackProblem::Rejected(_))), "{rest}: {:?}", read(rest));
    }
}

#[test]
fn only_the_own_state_and_address_are_taken() {
    let code = format!("code=c&state={}", state());
    for address in [
        format!("{REDIRECT}?code=c&state="),
        format!("{REDIRECT}?code=c&state=another"),
        format!("{REDIRECT}?{code}&state=another"),
        "code=c&state=another".to_owned(),
        format!("{REDIRECT}?error=x&state=another"),
    ] {
        assert_eq!(read_address(&address), Err(CallbackProblem::OtherState), "{address}");
    }
    for address in [format!("{REDIRECT}?code=c"), "code=c".to_owned(), format!("{REDIRECT}?code=c&location=eu")] {
        assert_eq!(read_address(&address), Err(CallbackProblem::NoState), "{address}");
    }
    for address in [
        String::new(),
        "some words".to_owned(),
        format!("https://evil.example/callback?{code}"),
        format!("http://127.0.0.1:8124/callback?{code}"),
        format!("http://127.0.0.1:8123/other?{code}"),
        format!("https://127.0.0.1:8123/callback?{code}"),
        format!("evil.example/callback?{code}"),
        format!("/other?{code}"),
        REDIRECT.to_owned(),
        "?".to_owned(),
        "a=b".to_owned(),
    ] {
        assert!(matches!(read_address(&address), Err(CallbackProblem::OtherAddress(_))), "{address}");
    }
}

#[test]
fn an_address_is_taken_however_it_was_copied() {
    let state = state();
    let query = format!("code=1000.c&state={state}");
    let whole = format!("{REDIRECT}?{query}");
    for pasted in [
        whole.clone(),
        format!(" {whole}#fragment\r\n"),
        format!("{REDIRECT}/?{query}"),
        format!("HTTP://127.0.0.1:8123/callback?{query}"),
        format!("<{whole}>"),
        format!("\"{whole}\""),
        format!("'{whole}',"),
        format!("({whole})."),
        format!("`{whole}`"),
        format!("{whole} and some words"),
        format!("It ended on {whole}"),
        format!("some words\n{whole}"),
        format!("{whole}\nsome words"),
        format!("{REDIRECT}?code=x&state=another\n{whole}"),
        format!("{REDIRECT}#{query}"),
        format!("127.0.0.1:8123/callback?{query}"),
        format!("/callback?{query}"),
        format!("?{query}"),
        format!("#{query}"),
        query.clone(),
        query.replace('&', "&amp;"),
        format!("state={state}&code=1000.c"),
    ] {
        assert_eq!(read_address(&pasted), Ok(("1000.c".to_owned(), "us".to_owned())), "{pasted}");
    }
}

#[test]
fn a_code_alone_is_told_apart_since_nothing_tells_whose_it_is() {
    for (pasted, code) in [
        ("1000.abc.def", "1000.abc.def"),
        (" <1000.abc>\n", "1000.abc"),
        ("4%2F0AX4", "4/0AX4"),
        ("4/0A+b=", "4/0A+b="),
        ("M.C507!x*$$", "M.C507!x*$$"),
    ] {
        let expected = CallbackProblem::CodeAlone(Secret::new(code));
        assert_eq!(read_address(pasted), Err(expected), "{pasted}");
    }
}

#[test]
fn an_error_without_a_state_ends_nothing_and_keeps_its_word() {
    for rest in ["error=invalid_scope", "error=invalid_scope&error_description=no%1B%5B2J"] {
        for address in [format!("{REDIRECT}?{rest}"), rest.to_owned(), format!("{REDIRECT}/#{rest}")] {
            let problem = read_address(&address).expect_err("it is no approval");
            assert!(!problem.ends_request());
            let CallbackProblem::RefusedWithoutState(error) = problem else { panic!("{address}: {problem:?}") };
            assert_eq!(error.word, "invalid_scope");
            assert!(error.description.is_none_or(|text| text == "no<U+001B>[2J"));
        }
    }
}

/// The address to open with these scopes, at a provider whose configuration has these parameters.
fn opened(provider: &Provider, redirect_uri: &str, scopes: &[&str]) -> Vec<(String, String)> {
    let endpoint = Url::parse("https://id.example.com/authorize").expect("an address");
    let request = AuthorizationRequest::new(redirect_uri.parse().expect("an address"), [1; 32], [2; 32]);
    let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    request
        .uri(&endpoint, provider, &Client::new("caf\u{e9} +%:&x", None), &scopes)
        .query_pairs()
        .into_owned()
        .collect()
}

#[test]
fn what_was_registered_arrives_as_it_is() {
    let zoho = zoho::provider();
    for uri in
        ["https://localhost", "http://127.0.0.1:8080", "https://A.example./%7e?x=1", "myapp://cb", "com.example:/cb"]
    {
        let parameters = opened(&zoho, uri, &["b.READ", "A.b.ALL"]);
        for (name, value) in [("redirect_uri", uri), ("client_id", "caf\u{e9} +%:&x"), ("scope", "b.READ,A.b.ALL")] {
            assert!(parameters.contains(&(name.to_owned(), value.to_owned())), "{uri} {name}: {parameters:?}");
        }
    }
}

#[test]
fn consent_is_asked_for_where_a_refresh_token_takes_it() {
    let preset = |kind: &str| Preset::of_kind(kind).and_then(Preset::provider).expect("a preset without blanks");
    let server = StandardServer {
        endpoints: StandardEndpoints {
            token: Url::parse("https://id.example.com/token").ok(),
            ..StandardEndpoints::default()
        },
        ..StandardServer::new("id", &standard::DIALECT)
    };
    let standard = server.provider(StandardEndpoints::default()).expect("a token endpoint will do");
    let own_prompt = Provider { parameters: vec![("prompt".to_owned(), "login".to_owned())], ..standard.clone() };
    let own_google = Provider { parameters: own_prompt.parameters.clone(), ..preset("google") };
    for (provider, scopes, prompts) in [
        (&standard, &["openid", "offline_access"][..], &["consent"][..]),
        (&standard, &["openid"], &[]),
        (&preset("gitlab"), &["offline_access"], &["consent"]),
        // Gives a refresh token for the scope alone.
        (&preset("microsoft"), &["offline_access"], &[]),
        (&preset("google"), &["openid"], &["consent"]),
        (&zoho::provider(), &["A.b.READ"], &["consent"]),
        // Whoever configures one means it.
        (&own_prompt, &["offline_access"], &["login"]),
        (&own_google, &["openid"], &["login"]),
    ] {
        let parameters = opened(provider, REDIRECT, scopes);
        let sent: Vec<&str> =
            parameters.iter().filter(|(name, _)| name == "prompt").map(|(_, value)| value.as_str()).collect();
        assert_eq!(sent, prompts, "{} {scopes:?}", provider.name);
    }
}

#[test]
fn refusals_and_missing_codes_are_told() {
    let Err(CallbackProblem::Refused(error)) = read("error=access_denied&error_description=no%1B%5B2J") else {
        panic!("it is a refusal")
    };
    assert_eq!((error.word.as_str(), error.description.as_deref()), ("access_denied", Some("no<U+001B>[2J")));
    assert_eq!(read("code="), Err(CallbackProblem::NoCode));
    assert_eq!(read("location=us"), Err(CallbackProblem::NoCode));
}

#[test]
fn an_answer_that_says_something_twice_is_refused() {
    for rest in [
        "code=a&code=b",
        "code=c&error=x&error=y",
        "code=c&iss=https%3A%2F%2Fevil.example&iss=https%3A%2F%2Faccounts.zoho.com",
        "code=c&location=xx&location=us",
        "code=c&accounts-server=https%3A%2F%2Fevil.example&accounts-server=https%3A%2F%2Faccounts.zoho.com",
    ] {
        assert!(matches!(read(rest), Err(CallbackProblem::Rejected(_))), "{rest}: {:?}", read(rest));
    }
}

#[test]
fn a_server_given_by_its_endpoints_names_itself_as_the_host_that_was_opened() {
    let google = Preset::of_kind("google").and_then(Preset::provider).expect("a preset without blanks");
    let read = |issuer: &str| {
        let address = format!("{REDIRECT}?state={}&code=c&iss={issuer}", state());
        request().read_callback(&google, google.default_data_center(), &address).map(|_| ())
    };
    assert_eq!(read("https%3A%2F%2Faccounts.google.com"), Ok(()));
    for other in ["https%3A%2F%2Fevil.example", "http%3A%2F%2Faccounts.google.com", "https%3A%2F%2Fwww.google.com", ""]
    {
        assert!(matches!(read(other), Err(CallbackProblem::Rejected(_))), "{other}");
    }
}

#[test]
fn a_server_that_promises_its_name_has_to_name_itself() {
    for (promises, issuer, is_taken) in [
        (true, "", false),
        (true, "&iss=", false),
        (true, "&iss=https%3A%2F%2Fevil.example", false),
        (true, "&iss=https%3A%2F%2Fid.example.com", true),
        (false, "", true),
        (false, "&iss=https%3A%2F%2Fevil.example", false),
    ] {
        let endpoint =
            |path: &str| Some(Url::parse("https://id.example.com").expect("an address").join(path).expect("one"));
        let endpoints = StandardEndpoints {
            authorization: endpoint("/authorize"),
            token: endpoint("/token"),
            names_issuer: promises,
            ..StandardEndpoints::default()
        };
        let server = StandardServer {
            issuer: Some("https://id.example.com".to_owned()),
            endpoints,
            ..StandardServer::new("mine", &standard::DIALECT)
        };
        let provider = server.provider(StandardEndpoints::default()).expect("whole");
        let address = format!("{REDIRECT}?state={}&code=c{issuer}", state());
        let read = request().read_callback(&provider, provider.default_data_center(), &address);
        assert_eq!(read.is_ok(), is_taken, "{promises} {issuer}: {read:?}");
        if promises && issuer.is_empty() {
            let Err(CallbackProblem::Rejected(rejected)) = read else { panic!("{read:?}") };
            assert!(rejected.to_string().contains("does not name its issuer"), "{rejected}");
        }
    }
}
