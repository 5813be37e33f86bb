//! What each answer to a refresh says about the grant. Only a refusal in the protocol's own words is final, with whichever
//! status; a blip that is taken for a logout costs a person a new sign-in.

use device_login::clock::Moment;
use device_login::http::Response;
use device_login::oauth::token::{NoToken, TokenFlow};
use device_login::oauth::wire::{Approval, Unreadable};
use device_login::oauth::{Client, Step};
use device_login::providers::{Dialect, standard, zoho};
use device_login::secret::Secret;
use url::Url;

use Class::{Error, Garbled, Minted, Refused, Rejected, Throttled};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    Minted,
    /// The one final class.
    Refused,
    Error,
    Throttled,
    Garbled,
    Rejected,
}

const TOKEN: &str = r#"{"access_token":"a","expires_in":3600}"#;
const HTML: &str = "<!doctype html><h1>Forbidden</h1>";
const THROTTLE: &str = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;
const THROTTLE_CHINESE: &str = r#"{"error_description":"您的请求过于频繁","error":"拒绝访问","status":"failure"}"#;
const CODE: &str = r#"{"error":"invalid_code"}"#;
const GRANT: &str = r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;

/// Status, body, class at Zoho, class at a standard provider.
const ANSWERS: &[(u16, &str, Class, Class)] = &[
    // Tokens.
    (200, TOKEN, Minted, Minted),
    (201, TOKEN, Minted, Minted),
    (400, TOKEN, Minted, Minted),
    (200, r#"{"access_token":"a","error":null}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":""}"#, Minted, Minted),
    (200, r#"{"access_token":"a","status":"failure"}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":true}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":1}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":"NaN"}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":"é"}"#, Minted, Minted),
    (201, r#"{"access_token":"a","error":{"a":[1]}}"#, Minted, Minted),
    (400, r#"{"access_token":"a","error":true}"#, Minted, Minted),
    (200, r#"{"access_token":"","error":true}"#, Error, Error),
    (200, r#"{"access_token":"a","error":"invalid_grant"}"#, Minted, Minted),
    (200, r#"{"access_token":"a","error":"server_error"}"#, Minted, Minted),
    (200, r#"{"access_token":"a","status":"success"}"#, Minted, Minted),
    (200, r#"{"access_token":"a","refresh_token":null}"#, Minted, Minted),
    (302, TOKEN, Garbled, Garbled),
    (429, TOKEN, Minted, Minted),
    (500, TOKEN, Minted, Minted),
    (200, r#"{"access_token":""}"#, Rejected, Rejected),
    (200, r#"{"access_token":"a b"}"#, Rejected, Rejected),
    (200, r#"{"access_token":"a","refresh_token":""}"#, Minted, Minted),
    (200, r#"{"access_token":"a","api_domain":"https://evil.example"}"#, Minted, Minted),
    (200, r#"{"access_token":[7]}"#, Garbled, Garbled),
    (200, r#"{"access_token":null}"#, Garbled, Garbled),
    // Refusals.
    (200, CODE, Refused, Error),
    (400, CODE, Refused, Error),
    (401, CODE, Refused, Error),
    (400, GRANT, Refused, Refused),
    (401, GRANT, Refused, Refused),
    (403, GRANT, Refused, Refused),
    (200, GRANT, Refused, Refused),
    (400, r#"{"error":"INVALID_GRANT"}"#, Refused, Refused),
    (400, r#"{"access_token":"a","error":"invalid_grant"}"#, Minted, Minted),
    (400, r#"{"access_token":"","error":"invalid_grant"}"#, Refused, Refused),
    (400, r#"{"refresh_token":"a","error":"invalid_grant"}"#, Refused, Refused),
    // Known words count before the status, but for the one that servers have for faults of their own.
    (429, GRANT, Refused, Refused),
    (429, CODE, Refused, Throttled),
    (500, GRANT, Refused, Refused),
    (500, r#"{"error":"invalid_request"}"#, Garbled, Garbled),
    (500, r#"{"error":"invalid_client"}"#, Error, Error),
    (502, CODE, Refused, Garbled),
    (503, GRANT, Refused, Refused),
    (599, GRANT, Refused, Refused),
    (400, r#"{"error":["invalid_grant"]}"#, Refused, Refused),
    (400, r#"{"error":{"code":"invalid_grant"}}"#, Refused, Refused),
    (501, r#"{"error":"unsupported_grant_type"}"#, Error, Error),
    // The same words from something that does not speak for the endpoint.
    (301, GRANT, Garbled, Garbled),
    (307, CODE, Garbled, Garbled),
    (0, GRANT, Garbled, Garbled),
    (101, GRANT, Garbled, Garbled),
    (400, r#"["invalid_grant"]"#, Garbled, Garbled),
    (400, r#""invalid_grant""#, Garbled, Garbled),
    (400, "error=invalid_grant", Refused, Refused),
    (400, "invalid_grant", Garbled, Garbled),
    (403, "<h1>invalid_grant</h1>", Garbled, Garbled),
    (400, r#"{"message":"invalid_grant"}"#, Garbled, Garbled),
    (400, r#"{"error":"invalid_grant""#, Garbled, Garbled),
    (400, r#"{"error":"invalid_grant_type"}"#, Error, Error),
    (400, r#"{"error":"some_error","error_description":"invalid_grant"}"#, Error, Error),
    // The client or the request, not the grant.
    (200, r#"{"error":"invalid_client"}"#, Error, Error),
    (401, r#"{"error":"invalid_client"}"#, Error, Error),
    (200, r#"{"error":"invalid_client_secret"}"#, Error, Error),
    (400, r#"{"error":"invalid_request"}"#, Error, Error),
    (400, r#"{"error":"invalid_scope"}"#, Error, Error),
    (400, r#"{"error":"unauthorized_client"}"#, Error, Error),
    (400, r#"{"error":"unsupported_grant_type"}"#, Error, Error),
    (400, r#"{"error":"general_error"}"#, Error, Error),
    (400, r#"{"error":42}"#, Error, Error),
    // Who is asked for without a word, as by Spring, is the client.
    (401, "", Error, Error),
    (401, HTML, Error, Error),
    (401, r#"{"status":401,"error":"Unauthorized","path":"/token"}"#, Error, Error),
    // Too often.
    (400, THROTTLE, Throttled, Error),
    (200, THROTTLE, Throttled, Error),
    (400, THROTTLE_CHINESE, Throttled, Error),
    (200, THROTTLE_CHINESE, Throttled, Error),
    (200, r#"{"status":"failure"}"#, Throttled, Garbled),
    (400, r#"{"status":"failure","error":"invalid_grant"}"#, Throttled, Refused),
    (400, r#"{"error":"access_denied"}"#, Throttled, Error),
    (400, r#"{"error":"Access Denied"}"#, Throttled, Error),
    (429, "", Throttled, Throttled),
    (429, HTML, Throttled, Throttled),
    (429, "{}", Throttled, Throttled),
    // Anything else.
    (200, "", Garbled, Garbled),
    (204, "", Garbled, Garbled),
    (200, HTML, Garbled, Garbled),
    (200, "null", Garbled, Garbled),
    (200, "{}", Garbled, Garbled),
    (200, r#"{"access_token":"a"#, Garbled, Garbled),
    (302, "", Garbled, Garbled),
    (400, "", Garbled, Garbled),
    (400, HTML, Garbled, Garbled),
    (403, HTML, Garbled, Garbled),
    (404, HTML, Garbled, Garbled),
    // The status in words and no more is no word.
    (403, r#"{"error":"Forbidden"}"#, Garbled, Garbled),
    (404, r#"{"status":404,"error":"Not Found"}"#, Garbled, Garbled),
    (405, r#"{"error":"Method Not Allowed"}"#, Garbled, Garbled),
    (422, r#"{"error":"Unprocessable Entity"}"#, Garbled, Garbled),
    (407, HTML, Garbled, Garbled),
    (408, "", Garbled, Garbled),
    (500, HTML, Garbled, Garbled),
    (502, HTML, Garbled, Garbled),
    (503, "", Garbled, Garbled),
    (504, "upstream request timeout", Garbled, Garbled),
    (400, r#"{"error":"server_error"}"#, Garbled, Garbled),
    (200, r#"{"error":"temporarily_unavailable"}"#, Garbled, Garbled),
    (400, r#"{"error":""}"#, Garbled, Garbled),
    (400, r#"{"error":null}"#, Garbled, Garbled),
];

#[test]
fn every_answer_is_taken_for_what_it_is() {
    let mut misjudged = Vec::new();
    for &(status, body, at_zoho, at_standard) in ANSWERS {
        for (dialect, expected) in [(&zoho::DIALECT, at_zoho), (&standard::DIALECT, at_standard)] {
            let class = class(dialect, status, body);
            if class != expected {
                misjudged.push(format!("{}: {status} {body}: {class:?}, not {expected:?}", dialect.display_name));
            }
        }
    }
    let all = ANSWERS.len() * 2;
    println!("{} of {all} answers to a refresh are taken for what they are", all - misjudged.len());
    assert!(misjudged.is_empty(), "{} misjudged:\n{}", misjudged.len(), misjudged.join("\n"));
}

fn class(dialect: &'static Dialect, status: u16, body: &str) -> Class {
    let at = |address| Url::parse(address).expect("an address");
    let data_center = zoho::data_center("us", &at("https://accounts.zoho.com"), &at("https://www.zohoapis.com"));
    let client = Client::new("client", None);
    let mut flow = TokenFlow::new(dialect, data_center, client, Approval::RefreshToken(Secret::new("refresh")));
    let mut now = Moment::default();
    let outcome = loop {
        match flow.poll(now) {
            Step::Send(_) => flow.handle(now, Ok(Response { status, headers: Vec::new(), body: body.into() })),
            Step::Wait(until) => now = until,
            Step::Done(outcome) => break outcome,
            Step::AwaitReply => panic!("the reply was handed in"),
        }
    };
    match outcome {
        Ok(_) => Minted,
        Err(NoToken::Refused(_)) => Refused,
        Err(NoToken::Error(_)) => Error,
        Err(NoToken::Unreadable(Unreadable::Throttled(_))) => Throttled,
        Err(NoToken::Unreadable(Unreadable::Garbled { status: told, .. })) if told == status => Garbled,
        Err(NoToken::Unreadable(Unreadable::Rejected(_))) => Rejected,
        outcome => panic!("{status} {body}: {outcome:?}"),
    }
}
