//! What the answer to a revocation says (RFC 7009 §2.2).
//!
//! Only words about the token, or an endpoint that is not there, are final. Whatever says something about the client,
//! the moment or the network says nothing about the token.

use std::time::Duration;

use super::trouble::{is_web_page, retry_after, status_trouble};
use super::{Body, ServerError, is_known, is_one_of, is_passing};
use crate::http::Response;
use crate::http::trouble::Trouble;
use crate::providers::Dialect;
use crate::untrusted::Untrusted;

/// Why a token was not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrevoked {
    /// The server does not know the token, or does not revoke such tokens at this address; asking again is useless.
    Refused(Option<ServerError>),
    /// The server does not take the client.
    Client(ServerError),
    Throttled(Option<Duration>),
    Garbled(Trouble),
}

/// Reads the answer to a revocation request.
pub fn read_revocation(dialect: &Dialect, response: &Response) -> Result<(), Unrevoked> {
    let status = response.status;
    if matches!(status, 300..=399) {
        return Err(Unrevoked::Garbled(status_trouble(status)));
    }
    let body = Body::parse(response).ok();
    let said = body.as_ref().and_then(|body| body.text("status"));
    let says = |word| said.as_ref().and_then(Untrusted::word) == Some(word);
    match body.as_ref().and_then(Body::error) {
        // Zoho's throttle answers so, in words of many languages.
        _ if says("failure") && dialect.failure_status_is_throttle => Err(Unrevoked::Throttled(retry_after(response))),
        Some(error) if is_about_the_client(&error) => Err(Unrevoked::Client(error)),
        Some(error) if is_about_the_token(dialect, &error) => Err(Unrevoked::Refused(Some(error))),
        _ if status == 429 => Err(Unrevoked::Throttled(retry_after(response))),
        Some(error) if is_passing(&error) => Err(Unrevoked::Garbled(Trouble::ServerError)),
        _ if is_web_page(response) && !is_absent(status) => Err(Unrevoked::Garbled(Trouble::Portal)),
        _ if !matches!(status, 200..=299 | 400..=499) => Err(Unrevoked::Garbled(status_trouble(status))),
        Some(error) => Err(Unrevoked::Refused(Some(error))),
        None if says("failure") || says("error") => Err(Unrevoked::Refused(None)),
        None if matches!(status, 200..=299) => Ok(()),
        None if status == 400 || is_absent(status) => Err(Unrevoked::Refused(None)),
        None => Err(Unrevoked::Garbled(Trouble::Garbled)),
    }
}

/// Nobody answers at the address for good.
fn is_absent(status: u16) -> bool {
    matches!(status, 404 | 405 | 410)
}

/// A word that means the same with every status.
fn is_about_the_token(dialect: &Dialect, error: &ServerError) -> bool {
    let is_throttle = is_one_of(error, dialect.refresh_throttles);
    is_one_of(error, &["invalid_token"]) || (is_known(dialect, error) && !is_throttle)
}

fn is_about_the_client(error: &ServerError) -> bool {
    ["invalid_client", "invalid_client_secret", "unauthorized_client"].contains(&error.word.as_str())
}

#[cfg(test)]
mod tests {
    use super::{Unrevoked, read_revocation};
    use crate::http::Response;
    use crate::providers::{standard, zoho};

    #[derive(Debug, PartialEq)]
    enum Class {
        Revoked,
        Refused,
        Passing,
    }
    use Class::{Passing, Refused, Revoked};

    const THROTTLE: &str = r#"{"error_description":"too many requests","error":"Access Denied","status":"failure"}"#;

    #[test]
    fn only_words_about_the_token_are_final() {
        for (status, body, at_zoho, at_standard) in [
            (200, "", Revoked, Revoked),
            (200, "{}", Revoked, Revoked),
            (200, r#"{"status":"success"}"#, Revoked, Revoked),
            (204, "", Revoked, Revoked),
            (200, "OK", Revoked, Revoked),
            (200, "<html>sign in to this network</html>", Passing, Passing),
            (200, r#"{"error":"invalid_token"}"#, Refused, Refused),
            (200, r#"{"status":"failure"}"#, Passing, Refused),
            (200, r#"{"status":"error"}"#, Refused, Refused),
            (400, r#"{"error":"invalid_code"}"#, Refused, Refused),
            (400, r#"{"error":"unsupported_token_type"}"#, Refused, Refused),
            (400, "", Refused, Refused),
            (400, THROTTLE, Passing, Refused),
            (400, r#"{"error":"invalid_client"}"#, Passing, Passing),
            (401, r#"{"error":"invalid_client"}"#, Passing, Passing),
            (401, "", Passing, Passing),
            (403, "<h1>Forbidden</h1>", Passing, Passing),
            (404, "<h1>Not Found</h1>", Refused, Refused),
            (405, "", Refused, Refused),
            (302, "", Passing, Passing),
            (408, "", Passing, Passing),
            (429, r#"{"error":"invalid_token"}"#, Refused, Refused),
            (500, r#"{"error":"invalid_token"}"#, Refused, Refused),
            (500, r#"{"error":"invalid_client"}"#, Passing, Passing),
            (500, r#"{"error":"nobody_knows"}"#, Passing, Passing),
            (429, r#"{"error":"nobody_knows"}"#, Passing, Passing),
            (302, r#"{"error":"invalid_token"}"#, Passing, Passing),
            (503, "", Passing, Passing),
            (400, r#"{"error":"temporarily_unavailable"}"#, Passing, Passing),
        ] {
            for (dialect, expected) in [(&zoho::DIALECT, at_zoho), (&standard::DIALECT, at_standard)] {
                let response = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
                let class = match read_revocation(dialect, &response) {
                    Ok(()) => Revoked,
                    Err(Unrevoked::Refused(_)) => Refused,
                    Err(_) => Passing,
                };
                assert_eq!(class, expected, "{}: {status} {body}", dialect.display_name);
            }
        }
    }
}
