use url::Url;

use super::{AuthorizationRequest, CallbackProblem};
use crate::oauth::Client;
use crate::providers::presets::Preset;
use crate::providers::zoho;
use crate::secret::Secret;

const REDIRECT: &str = "http://127.0.0.1:8123/callback";

fn request() -> AuthorizationRequest {
    AuthorizationRequest::new(Url::parse(REDIRECT).expect("an address"), [1; 32], [2; 32])
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
        format!("{REDIRECT}?code=c"),
        format!("{REDIRECT}?code=c&state="),
        format!("{REDIRECT}?code=c&state=another"),
        format!("{REDIRECT}?{code}&state=another"),
    ] {
        assert_eq!(read_address(&address), Err(CallbackProblem::OtherState), "{address}");
    }
    for address in [
        "1000.c".to_owned(),
        String::new(),
        format!("https://evil.example/callback?{code}"),
        format!("http://127.0.0.1:8124/callback?{code}"),
        format!("http://127.0.0.1:8123/other?{code}"),
        format!("https://127.0.0.1:8123/callback?{code}"),
    ] {
        assert!(matches!(read_address(&address), Err(CallbackProblem::OtherAddress(_))), "{address}");
    }
    assert!(read_address(&format!(" {REDIRECT}?{code}#fragment\n")).is_ok());
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
