//! What the answer to a revocation says (RFC 7009 §2.2).
//!
//! Revoked is only what the dialect calls so. Only words about the token, or an endpoint that is not there, are final too;
//! whatever else comes says nothing about the token, which may be tried again.
//!
//! RFC 7009 gives the body no meaning. A network's sign-in page or a gateway answers 200 as well, and a token that is
//! taken for revoked is lost and lives on: so a body that is there has to be one that a revocation endpoint sends.

use std::time::Duration;

use serde_json::{Map, Value};

use super::trouble::{is_of_failure, is_web_page, status_trouble};
use super::{Body, ServerError, Unreadable, is_one_of, is_passing, is_throttle, number, refusal_by_status};
use crate::http::Response;
use crate::http::decode;
use crate::http::pause::{is_throttle_status, obeyed_pause};
use crate::http::trouble::Trouble;
use crate::providers::Dialect;
use crate::tables::Words;
use crate::untrusted::Untrusted;

/// Why a token was not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrevoked {
    /// The server does not know the token.
    UnknownToken(ServerError),
    /// The server does not revoke such tokens, or none at this address.
    Unsupported(Option<ServerError>),
    /// The server does not take the client.
    Client(ServerError),
    /// Another refusal, which says nothing about the token.
    Refused(ServerError),
    Throttled(Option<Duration>),
    Garbled(Trouble),
}

/// Reads the answer to a revocation request.
pub fn read_revocation(dialect: &Dialect, response: &Response) -> Result<(), Unrevoked> {
    let status = response.status;
    if matches!(status, 300..=399) {
        return Err(Unrevoked::Garbled(status_trouble(status)));
    }
    let parsed = Body::parse(dialect, response);
    let body = parsed.as_ref().ok();
    let said = body.and_then(|body| body.text("status"));
    let says = |word| said.as_ref().and_then(Untrusted::word) == Some(word);
    let is_cut_off = matches!(parsed, Err(Unreadable::Garbled { trouble: Trouble::Truncated, .. }));
    let is_success = if let Some(word) = dialect.revoked_status {
        status == 200 && says(word)
    } else {
        let is_empty = matches!(parsed, Err(Unreadable::Garbled { trouble: Trouble::Empty, .. }));
        matches!(status, 200 | 204) && (is_empty || body.is_some_and(|body| confirms(&body.fields)))
    };
    match body.and_then(Body::error).filter(|error| !is_of_failure(status, error)) {
        // Zoho's throttle answers so, in words of many languages.
        _ if says("failure") && dialect.failure_status_is_throttle => Err(Unrevoked::Throttled(obeyed_pause(response))),
        Some(error) if is_one_of(&error, CLIENT) => Err(Unrevoked::Client(error)),
        Some(error) if is_one_of(&error, UNKNOWN_TOKEN) => Err(Unrevoked::UnknownToken(error)),
        Some(error) if is_one_of(&error, &["unsupported_token_type"]) => Err(Unrevoked::Unsupported(Some(error))),
        Some(error) if is_throttle(dialect, &error) => Err(Unrevoked::Throttled(obeyed_pause(response))),
        _ if is_throttle_status(response) => Err(Unrevoked::Throttled(obeyed_pause(response))),
        Some(error) if is_passing(&error) => Err(Unrevoked::Garbled(Trouble::ServerError)),
        None if status == 401 => Err(Unrevoked::Client(refusal_by_status(status, body))),
        _ if is_web_page(response) && !is_absent(status) => Err(Unrevoked::Garbled(Trouble::Portal)),
        error if is_absent(status) => Err(Unrevoked::Unsupported(error)),
        _ if !matches!(status, 200..=299 | 400..=499) => Err(Unrevoked::Garbled(status_trouble(status))),
        Some(error) => Err(Unrevoked::Refused(error)),
        None if is_success => Ok(()),
        None => match body.and_then(|body| said_in(&body.fields)) {
            Some(word) => Err(Unrevoked::Refused(ServerError { word, description: None })),
            None => Err(Unrevoked::Garbled(if is_cut_off { Trouble::Truncated } else { Trouble::Garbled })),
        },
    }
}

/// Words about the client (RFC 6749 §5.2, Zoho).
const CLIENT: &[&str] = &["invalid_client", "invalid_client_secret", "unauthorized_client"];
/// Words about the token, where RFC 7009 §2.2 wants none.
const UNKNOWN_TOKEN: &[&str] = &["invalid_token", "invalid_code", "invalid_grant"];

/// Words of success, as the value of a member that tells the outcome, or in a sentence.
const SUCCESS: Words =
    Words("success successful successfully succeeded ok okay done true revoked deleted removed invalidated");
/// Words that turn a sentence about success into its opposite.
const AGAINST: Words = Words(
    "not no never cannot can't couldn't wasn't without unable fail fails failed failure error denied refused invalid \
     unauthorized forbidden unknown",
);

/// The object has nothing to say, or says that the token is revoked, and nothing against it.
fn confirms(fields: &Map<String, Value>) -> bool {
    let verdicts: Vec<bool> = fields.iter().filter_map(|(name, value)| verdict(name, value)).collect();
    verdicts.iter().all(|is_success| *is_success) && (!verdicts.is_empty() || fields.values().all(Value::is_null))
}

/// What a member tells of the outcome; `None` where it tells nothing.
fn verdict(name: &str, value: &Value) -> Option<bool> {
    let name: String = name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect();
    match (name.as_str(), value) {
        (_, Value::Null) => None,
        // As numbers of HTTP, or none.
        ("status" | "code" | "statuscode" | "httpstatus", value) if number(value).is_some() => {
            number(value).filter(|number| *number != 0).map(|number| (200..300).contains(&number))
        }
        ("revoked" | "success" | "ok" | "status" | "result", value) => {
            let is_word = |text: &str| SUCCESS.contains(&text.trim().to_ascii_lowercase());
            Some(*value == true || value.as_str().is_some_and(is_word))
        }
        (name, Value::String(text)) if SENTENCES.contains(name) => sentence(text),
        (name, value) if name.starts_with("error") || name.starts_with("fail") => {
            (!decode::says_nothing(value)).then_some(false)
        }
        _ => None,
    }
}

/// Members that tell the outcome in a sentence.
const SENTENCES: Words = Words("message msg detail details description title reason");

/// What a sentence tells of the outcome: none does by being there.
fn sentence(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    let has = |words: Words| {
        let mut said = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        said.any(|word| words.contains(word))
    };
    if has(AGAINST) { Some(false) } else { has(SUCCESS).then_some(true) }
}

/// What an answer that is no success says in a sentence, made safe to show.
pub(super) fn said_in(fields: &Map<String, Value>) -> Option<String> {
    let mut texts = SENTENCES.iter().filter_map(|name| fields.get(name)?.as_str());
    texts.find(|text| !text.trim().is_empty()).map(|text| Untrusted::new(text).line())
}

/// Nobody revokes at the address.
fn is_absent(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 501)
}

#[cfg(test)]
mod tests {
    use super::{Unrevoked, read_revocation};
    use crate::http::Response;
    use crate::providers::{Dialect, standard, zoho};

    #[derive(Debug, PartialEq)]
    enum Class {
        Revoked,
        Unknown,
        Unsupported,
        Client,
        /// To be tried again.
        Kept,
    }
    use Class::{Client, Kept, Revoked, Unknown, Unsupported};

    const THROTTLE: &str = r#"{"error_description":"too many requests","error":"Access Denied","status":"failure"}"#;

    fn class(dialect: &Dialect, status: u16, body: &str) -> Class {
        let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        match read_revocation(dialect, &response) {
            Ok(()) => Revoked,
            Err(Unrevoked::UnknownToken(_)) => Unknown,
            Err(Unrevoked::Unsupported(_)) => Unsupported,
            Err(Unrevoked::Client(_)) => Client,
            Err(Unrevoked::Refused(_) | Unrevoked::Throttled(_) | Unrevoked::Garbled(_)) => Kept,
        }
    }

    #[test]
    fn a_sentence_or_a_code_counts_by_what_it_says() {
        for (status, body, expected) in [
            (200, r#"{"message":"The token was successfully revoked."}"#, Revoked),
            (200, r#"{"status":200,"message":"OK"}"#, Revoked),
            (200, r#"{"code":0,"msg":"success"}"#, Revoked),
            (200, r#"{"message":"please log in"}"#, Kept),
            (200, r#"{"detail":"Authentication credentials were not provided."}"#, Kept),
            (200, r#"{"message":"Access denied"}"#, Kept),
            (200, r#"{"message":"error: could not revoke"}"#, Kept),
            (200, r#"{"message":"The token could not be revoked"}"#, Kept),
            (200, r#"{"message":"No token was revoked"}"#, Kept),
            (200, r#"{"message":"Revocation failed: token is not revoked"}"#, Kept),
            (200, r#"{"message":"ok","code":401}"#, Kept),
            (200, r#"{"message":"ok","code":"401"}"#, Kept),
            (200, r#"{"message":"ok","code":17}"#, Kept),
            (200, r#"{"statusCode":500,"message":"Internal Server Error"}"#, Kept),
            (200, r#"{"status_code":500,"message":"ok"}"#, Kept),
            (200, r#"{"title":"Unauthorized","status":401}"#, Kept),
            (200, r#"{"success":true,"message":"error: could not revoke"}"#, Kept),
            (200, r#"{"success":true,"message":"please log in"}"#, Revoked),
            (200, r#"{"revoked":true,"failed":1}"#, Kept),
            (200, r#"{"revoked":true,"Error":"x"}"#, Kept),
            (400, r#"{"message":"ok"}"#, Kept),
        ] {
            assert_eq!(class(&standard::DIALECT, status, body), expected, "{status} {body}");
            assert_eq!(class(&zoho::DIALECT, status, body), Kept, "{status} {body}");
        }
    }

    #[test]
    fn revoked_is_only_what_the_dialect_calls_so() {
        for (status, body, at_zoho, at_standard) in [
            (200, "", Kept, Revoked),
            (200, "{}", Kept, Revoked),
            (200, " \r\n", Kept, Revoked),
            (200, "\u{feff}", Kept, Revoked),
            (200, r#"{"error":null}"#, Kept, Revoked),
            (200, r#"{"revoked":true}"#, Kept, Revoked),
            (200, r#"{"revoked":"true"}"#, Kept, Revoked),
            (200, r#"{"success":true,"login":"please"}"#, Kept, Revoked),
            (200, r#"{"ok":true,"error":""}"#, Kept, Revoked),
            (200, r#"{"status":"OK"}"#, Kept, Revoked),
            (200, r#"{"status":"Revoked","errors":[]}"#, Kept, Revoked),
            (200, r#"{"result":"Success"}"#, Kept, Revoked),
            (200, r#"{"message":"Token revoked"}"#, Kept, Revoked),
            (200, r#"{"detail":"done","message":null}"#, Kept, Revoked),
            (200, "OK", Kept, Kept),
            (200, "[]", Kept, Kept),
            (200, "null", Kept, Kept),
            (200, "true", Kept, Kept),
            (200, "0", Kept, Kept),
            (200, r#""revoked""#, Kept, Kept),
            (200, "\0", Kept, Kept),
            (200, r#"{"login":"please"}"#, Kept, Kept),
            (200, r#"{"message":""}"#, Kept, Kept),
            (200, r#"{"message":{"login":"please"}}"#, Kept, Kept),
            (200, r#"{"revoked":false}"#, Kept, Kept),
            (200, r#"{"success":false}"#, Kept, Kept),
            (200, r#"{"success":0}"#, Kept, Kept),
            (200, r#"{"ok":false}"#, Kept, Kept),
            (200, r#"{"ok":"no"}"#, Kept, Kept),
            (200, r#"{"result":"pending"}"#, Kept, Kept),
            (200, r#"{"revoked":false,"message":"try again"}"#, Kept, Kept),
            (200, r#"{"success":true,"revoked":false}"#, Kept, Kept),
            (200, r#"{"message":"no","errors":["x"]}"#, Kept, Kept),
            (200, r#"{"message":"no","error_code":17}"#, Kept, Kept),
            (200, r#"{"revoked":tr"#, Kept, Kept),
            (200, "{", Kept, Kept),
            (202, "{}", Kept, Kept),
            (206, "{}", Kept, Kept),
            (200, r#"{"status":"success"}"#, Revoked, Revoked),
            (200, r#"{"status":"succ"#, Kept, Kept),
            (200, r#"{"status":"#, Kept, Kept),
            (200, r#"{"error":"invalid_tok"#, Kept, Kept),
            (200, "<html>sign in to this network</html>", Kept, Kept),
            (201, r#"{"status":"success"}"#, Kept, Kept),
            (202, r#"{"status":"success"}"#, Kept, Kept),
            (202, "", Kept, Kept),
            (203, "", Kept, Kept),
            (204, "", Kept, Revoked),
            (206, r#"{"status":"success"}"#, Kept, Kept),
            (206, "", Kept, Kept),
            (400, r#"{"status":"success"}"#, Kept, Kept),
            (200, r#"{"status":"failure"}"#, Kept, Kept),
            (200, r#"{"status":"error"}"#, Kept, Kept),
            (200, r#"{"error":"invalid_token"}"#, Unknown, Unknown),
            (400, r#"{"error":"invalid_code"}"#, Unknown, Unknown),
            (400, r#"{"error":"invalid_grant"}"#, Unknown, Unknown),
            (404, r#"{"error":"invalid_token"}"#, Unknown, Unknown),
            (400, r#"{"error":"unsupported_token_type"}"#, Unsupported, Unsupported),
            (503, r#"{"error":"unsupported_token_type"}"#, Unsupported, Unsupported),
            (404, "<h1>Not Found</h1>", Unsupported, Unsupported),
            (404, r#"{"error":"NotFound"}"#, Unsupported, Unsupported),
            (405, "", Unsupported, Unsupported),
            (410, "", Unsupported, Unsupported),
            (501, "", Unsupported, Unsupported),
            (400, r#"{"error":"invalid_client"}"#, Client, Client),
            (401, r#"{"error":"invalid_client"}"#, Client, Client),
            (403, r#"{"error":"unauthorized_client"}"#, Client, Client),
            (200, r#"{"error":"invalid_client_secret"}"#, Client, Client),
            (404, r#"{"error":"invalid_client"}"#, Client, Client),
            (401, "", Client, Client),
            (401, "<h1>Unauthorized</h1>", Client, Client),
            (401, r#"{"status":401,"error":"Unauthorized"}"#, Client, Client),
            (404, r#"{"status":404,"error":"Not Found"}"#, Unsupported, Unsupported),
            (422, r#"{"status":422,"error":"Unprocessable Content"}"#, Kept, Kept),
            (400, r#"{"error":"invalid_request"}"#, Kept, Kept),
            (400, "", Kept, Kept),
            (400, THROTTLE, Kept, Kept),
            (403, "<h1>Forbidden</h1>", Kept, Kept),
            (302, "", Kept, Kept),
            (408, "", Kept, Kept),
            (429, r#"{"error":"invalid_token"}"#, Unknown, Unknown),
            (429, r#"{"error":"nobody_knows"}"#, Kept, Kept),
            (500, r#"{"error":"invalid_token"}"#, Unknown, Unknown),
            (500, r#"{"error":"invalid_client"}"#, Client, Client),
            (500, r#"{"error":"invalid_request"}"#, Kept, Kept),
            (500, r#"{"error":"nobody_knows"}"#, Kept, Kept),
            (302, r#"{"error":"invalid_token"}"#, Kept, Kept),
            (503, "", Kept, Kept),
            (400, r#"{"error":"temporarily_unavailable"}"#, Kept, Kept),
        ] {
            for (dialect, expected) in [(&zoho::DIALECT, at_zoho), (&standard::DIALECT, at_standard)] {
                let class = class(dialect, status, body);
                assert_eq!(class, expected, "{}: {status} {body}", dialect.display_name);
            }
        }
    }
}
