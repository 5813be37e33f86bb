//! What the answer to a revocation says (RFC 7009 §2.2).
//!
//! Revoked is only what the dialect calls so. Only words about the token, or an endpoint that is not there, are final too;
//! whatever else comes says nothing about the token, which may be tried again.
//!
//! RFC 7009 gives the body no meaning. A network's sign-in page or a gateway answers 200 as well, and a token that is
//! taken for revoked is lost and lives on: so a body that is there has to be one that a revocation endpoint sends.

use std::time::Duration;

use serde_json::{Map, Value};

use super::trouble::{is_web_page, obeyed_pause, status_trouble};
use super::{Body, ServerError, Unreadable, is_one_of, is_passing};
use crate::http::Response;
use crate::http::decode;
use crate::http::trouble::Trouble;
use crate::providers::Dialect;
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
    let parsed = Body::parse(response);
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
    match body.and_then(Body::error) {
        // Zoho's throttle answers so, in words of many languages.
        _ if says("failure") && dialect.failure_status_is_throttle => Err(Unrevoked::Throttled(obeyed_pause(response))),
        Some(error) if is_one_of(&error, CLIENT) => Err(Unrevoked::Client(error)),
        Some(error) if is_one_of(&error, UNKNOWN_TOKEN) => Err(Unrevoked::UnknownToken(error)),
        Some(error) if is_one_of(&error, &["unsupported_token_type"]) => Err(Unrevoked::Unsupported(Some(error))),
        _ if status == 429 => Err(Unrevoked::Throttled(obeyed_pause(response))),
        Some(error) if is_passing(&error) => Err(Unrevoked::Garbled(Trouble::ServerError)),
        _ if is_web_page(response) && !is_absent(status) => Err(Unrevoked::Garbled(Trouble::Portal)),
        error if is_absent(status) => Err(Unrevoked::Unsupported(error)),
        _ if !matches!(status, 200..=299 | 400..=499) => Err(Unrevoked::Garbled(status_trouble(status))),
        Some(error) => Err(Unrevoked::Refused(error)),
        None if is_success => Ok(()),
        None if status == 401 => {
            Err(Unrevoked::Client(ServerError { word: CLIENT[0].to_owned(), description: Some("HTTP 401".to_owned()) }))
        }
        None => Err(Unrevoked::Garbled(if is_cut_off { Trouble::Truncated } else { Trouble::Garbled })),
    }
}

/// Words about the client (RFC 6749 §5.2, Zoho).
const CLIENT: &[&str] = &["invalid_client", "invalid_client_secret", "unauthorized_client"];
/// Words about the token, where RFC 7009 §2.2 wants none.
const UNKNOWN_TOKEN: &[&str] = &["invalid_token", "invalid_code", "invalid_grant"];

/// Words of success, as the value of a member that tells the outcome.
const SUCCESS: &[&str] = &["success", "ok", "revoked", "true"];

/// The object has nothing to say, or says that the token is revoked, and nothing against it.
fn confirms(fields: &Map<String, Value>) -> bool {
    let verdicts: Vec<bool> = fields.iter().filter_map(|(name, value)| verdict(name, value)).collect();
    verdicts.iter().all(|is_success| *is_success) && (!verdicts.is_empty() || fields.values().all(Value::is_null))
}

/// What a member tells of the outcome; `None` where it tells nothing.
fn verdict(name: &str, value: &Value) -> Option<bool> {
    match (name, value) {
        (_, Value::Null) => None,
        ("revoked" | "success" | "ok" | "status" | "result", value) => {
            let is_word = |text: &str| SUCCESS.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
            Some(*value == true || value.as_str().is_some_and(is_word))
        }
        ("message" | "detail", Value::String(text)) if !text.trim().is_empty() => Some(true),
        (name, value) if name.starts_with("error") && !decode::says_nothing(value) => Some(false),
        _ => None,
    }
}

/// Nobody revokes at the address.
fn is_absent(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 501)
}

#[cfg(test)]
mod tests {
    use super::{Unrevoked, read_revocation};
    use crate::http::Response;
    use crate::providers::{standard, zoho};

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
            (401, "<h1>Sign in to the proxy</h1>", Kept, Kept),
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
            (500, r#"{"error":"nobody_knows"}"#, Kept, Kept),
            (302, r#"{"error":"invalid_token"}"#, Kept, Kept),
            (503, "", Kept, Kept),
            (400, r#"{"error":"temporarily_unavailable"}"#, Kept, Kept),
        ] {
            for (dialect, expected) in [(&zoho::DIALECT, at_zoho), (&standard::DIALECT, at_standard)] {
                let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
                let class = match read_revocation(dialect, &response) {
                    Ok(()) => Revoked,
                    Err(Unrevoked::UnknownToken(_)) => Unknown,
                    Err(Unrevoked::Unsupported(_)) => Unsupported,
                    Err(Unrevoked::Client(_)) => Client,
                    Err(Unrevoked::Refused(_) | Unrevoked::Throttled(_) | Unrevoked::Garbled(_)) => Kept,
                };
                assert_eq!(class, expected, "{}: {status} {body}", dialect.display_name);
            }
        }
    }
}
