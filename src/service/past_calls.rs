//! Which API calls are remembered, and what of them: enough to make them again, nothing that opens anything.
//!
//! What may be a secret is left out rather than kept: a value by its name or by its looks, a body as a whole.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;
use url::form_urlencoded;

use super::{Service, TypedBody};
use crate::api::Call;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::storage::{LOCK_PATIENCE, PastAnswer, PastCall, StoreError};
use crate::tables::Words;

/// So many calls of a profile are remembered; the oldest go.
pub const MOST_CALLS: usize = 50;
/// Bytes of a body that is kept.
const LONGEST_BODY: usize = 4 * 1024;
/// Bytes of address and headers of a call that is remembered.
const LONGEST_HEAD: usize = 8 * 1024;
/// Bytes of all calls of a profile together, as JSON.
const MOST_BYTES: usize = 512 * 1024;

/// What the name of a secret has in it, in small letters and digits.
const SECRET_PARTS: Words =
    Words("token secret password passwd passphrase apikey signature credential assertion cookie session auth jwt otp");
/// Names of secrets that are parts of harmless names.
const SECRET_NAMES: Words = Words("code sig pwd pass pin sid hmac");

impl Service {
    /// The calls that were made with a profile, oldest first. Blocks the thread.
    pub fn past_calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, Error> {
        Ok(self.store().calls(profile)?)
    }

    /// Remembers a call of a profile that is signed in. Blocks the thread.
    pub fn keep_call(&self, profile: &ProfileName, call: PastCall) -> Result<(), Error> {
        self.store().holding(profile, LOCK_PATIENCE, |held| {
            // Signed out meanwhile: nothing of it is to stay behind.
            if held.look()?.is_none_or(|record| record.grant.is_none()) {
                return Ok(());
            }
            let mut calls = match self.store().calls(profile) {
                // It is no loss that needs a person.
                Err(StoreError::Corrupt { .. }) => Vec::new(),
                calls => calls?,
            };
            calls.push(call);
            Ok(held.save_calls(last_of(&calls))?)
        })
    }
}

/// As many of the last calls as are kept.
fn last_of(calls: &[PastCall]) -> &[PastCall] {
    let length = |call: &PastCall| serde_json::to_string(call).map_or(MOST_BYTES, |text| text.len() + 1);
    let mut room = MOST_BYTES;
    let fits = |call: &&PastCall| {
        let left = room.checked_sub(length(call));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let kept = calls.iter().rev().take(MOST_CALLS).take_while(fits).count();
    &calls[calls.len() - kept..]
}

/// What is remembered of a call; `None` of one that is too long, or that has a secret where it cannot be taken out.
pub fn remembered(call: &Call, at: Timestamp, answer: Option<(u16, Duration, u64)>) -> Option<PastCall> {
    let (url, lacks_values) = without_secrets(&call.url)?;
    let is_harmless = |(name, value): &&(String, String)| !is_secret(name, value);
    let headers: Vec<_> = call.headers.iter().filter(is_harmless).cloned().collect();
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if url.as_str().len() + length > LONGEST_HEAD {
        return None;
    }
    let body = harmless_body(call);
    Some(PastCall {
        at,
        method: call.method,
        url,
        lacks_secrets: lacks_values || headers.len() < call.headers.len(),
        lacks_body: body.is_none(),
        headers,
        body: body.unwrap_or_default(),
        answer: answer.map(|(status, took, bytes)| PastAnswer {
            status,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            bytes,
        }),
    })
}

/// The call as far as it was remembered.
pub fn call_again(past: &PastCall) -> Call {
    let PastCall { method, url, headers, body, .. } = past;
    Call { method: *method, url: url.clone(), headers: headers.clone(), body: body.clone().into_bytes() }
}

/// The address without values that may be secret, and whether there were any.
fn without_secrets(url: &Url) -> Option<(Url, bool)> {
    let mut harmless = url.clone();
    harmless.set_fragment(None);
    harmless.set_username("").ok()?;
    harmless.set_password(None).ok()?;
    if url.path().split('/').any(|step| reads_like_token(&decoded(step))) {
        return None;
    }
    let pair = |pair: &str| {
        let (name, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
        if !is_secret(&name, &value) {
            return pair.to_owned();
        }
        // Where there is no name, the value is one.
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        if reads_like_token(&decoded(name)) { String::new() } else { format!("{name}=") }
    };
    let query = url.query().map(|query| query.split('&').map(pair).collect::<Vec<_>>().join("&"));
    harmless.set_query(query.as_deref());
    let lacks = harmless != *url;
    Some((harmless, lacks))
}

fn decoded(text: &str) -> String {
    // A name without a value: `+` stands for a blank, which no secret has.
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// A body that names nothing secret, as JSON, as a form or as the name of a file; `None` of any other that is not empty.
fn harmless_body(call: &Call) -> Option<String> {
    let text = std::str::from_utf8(&call.body).ok().filter(|text| text.len() <= LONGEST_BODY)?;
    if text.is_empty() {
        return Some(String::new());
    }
    let is_harmless = match TypedBody::of(call) {
        Ok(TypedBody::File(_)) => !has_secret_piece(text),
        Ok(TypedBody::Form(_)) => {
            let mut parts = text.lines().filter_map(|line| line.split_once('='));
            parts.all(|(name, value)| !is_secret(name, value) && !has_secret_piece(value))
        }
        _ => is_harmless_text(text),
    };
    is_harmless.then(|| text.to_owned())
}

/// As JSON, or as a form that is written out.
fn is_harmless_text(text: &str) -> bool {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return !has_secret(&value);
    }
    let is_form = text.contains('=') && !text.contains(char::is_whitespace);
    is_form && form_urlencoded::parse(text.as_bytes()).all(|(name, value)| !is_secret(&name, &value))
}

/// A secret between the signs of a path or a part, `@DIRECTORY/FILE` or `<"FILE";filename="NAME"`.
fn has_secret_piece(text: &str) -> bool {
    text.split(['/', '@', '<', '"', ';', '=']).any(reads_like_token)
}

/// Parsing has bounded the depth.
fn has_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => reads_like_token(text),
        Value::Array(values) => values.iter().any(has_secret),
        Value::Object(members) => members.iter().any(|(name, value)| is_secret_name(name) || has_secret(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) || reads_like_token(name) || reads_like_token(value)
}

fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let is_whole = name.ends_with("key") || SECRET_NAMES.contains(&name);
    is_whole || SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// Whether it is formed like a token: of Zoho, with the scheme of a header before it, or a signed one (RFC 7519).
pub fn reads_like_token(value: &str) -> bool {
    let value = value.trim();
    let small = value.to_ascii_lowercase();
    let has_scheme = ["bearer ", "basic ", "zoho-oauthtoken "].iter().any(|scheme| small.starts_with(scheme));
    let is_of_zoho = value.starts_with("1000.") && value.len() >= 40;
    let is_signed = value.starts_with("eyJ") && value.matches('.').count() >= 2;
    has_scheme || is_of_zoho || is_signed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{LONGEST_BODY, MOST_BYTES, MOST_CALLS, call_again, last_of, remembered};
    use crate::api::Call;
    use crate::http::Method;
    use crate::storage::PastCall;

    const ZOHO_TOKEN: &str = "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef";

    fn call(url: &str, headers: &[(&str, &str)], body: &str) -> Call {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Call { method: Method::Post, url: url.parse().expect("an address"), headers, body: body.as_bytes().to_vec() }
    }

    fn kept(call: &Call) -> Option<PastCall> {
        remembered(call, Timestamp::UNIX_EPOCH, Some((200, Duration::from_millis(12), 34)))
    }

    #[test]
    fn a_call_without_secrets_comes_back_whole() {
        let call = call("https://a.example/x?page=2&q=a%20b", &[("orgId", "7")], r#"{"data":[{"Last_Name":"Reyes"}]}"#);
        let past = kept(&call).expect("it is remembered");
        assert_eq!((call_again(&past), past.lacks_body, past.lacks_secrets), (call, false, false));
    }

    #[test]
    fn values_of_names_that_sound_secret_are_taken_out() {
        for name in [
            "token",
            "access_token",
            "refresh-token",
            "code",
            "client_secret",
            "Password",
            "key",
            "apikey",
            "zapikey",
            "api_key",
            "X-Amz-Signature",
            "sig",
            "authtoken",
            "id_token_hint",
            "JSESSIONID",
        ] {
            let url = format!("https://a.example/x?page=2&{name}=hush&z=1");
            let past = kept(&call(&url, &[(name, "hush"), ("orgId", "7")], "")).expect("it is remembered");
            assert!(past.lacks_secrets && !format!("{past:?}").contains("hush"), "{past:?}");
            assert_eq!(past.url.query(), Some(&*format!("page=2&{name}=&z=1")));
            assert_eq!(past.headers, [("orgId".to_owned(), "7".to_owned())]);
        }
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out_whatever_its_name() {
        for value in [ZOHO_TOKEN, "Bearer abc", "eyJhbGciOiJub25lIn0.e30.x"] {
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let query = format!("https://a.example/x?{encoded}&n={encoded}&{encoded}=1#{encoded}");
            let body = format!(r#"{{"note":"{value}"}}"#);
            let past = kept(&call(&query, &[("x-note", value)], &body)).expect("it is remembered");
            let text = format!("{past:?}");
            assert!(!text.contains(value) && !text.contains(&encoded), "{text}");
        }
        assert_eq!(kept(&call(&format!("https://a.example/{ZOHO_TOKEN}/x"), &[], "")), None);
        let past = kept(&call("https://dana:hush@a.example/x", &[], "")).expect("it is remembered");
        assert_eq!(past.url.as_str(), "https://a.example/x");
    }

    #[test]
    fn a_body_is_kept_if_it_is_short_and_names_nothing_secret() {
        for (body, is_kept) in [
            ("", true),
            (r#"{"select_query":"select Last_Name from Leads"}"#, true),
            ("a=1&b=2", true),
            (r#"{"a":[{"client_secret":"x"}]}"#, false),
            ("grant_type=x&code=1", false),
            ("<xml/>", false),
            ("some words", false),
        ] {
            let past = kept(&call("https://a.example/x", &[], body)).expect("it is remembered");
            assert_eq!((past.body.as_str(), past.lacks_body), (if is_kept { body } else { "" }, !is_kept), "{body}");
        }
        for (content_type, body, is_kept) in [
            ("text/csv", "@/home/dana/leads.csv", true),
            ("text/csv", &format!("@/home/{ZOHO_TOKEN}"), false),
            ("text/csv", &format!("@{ZOHO_TOKEN}"), false),
            ("multipart/form-data", &format!("file=@{ZOHO_TOKEN}"), false),
            ("multipart/form-data", &format!("file=</home/{ZOHO_TOKEN}"), false),
            ("multipart/form-data", &format!("file=@\"{ZOHO_TOKEN}\";type=text/csv"), false),
            ("multipart/form-data", &format!("file=@x;filename={ZOHO_TOKEN}"), false),
            ("multipart/form-data", &format!("note=\"{ZOHO_TOKEN}\""), false),
            ("multipart/form-data", "name=leads\nfile=@leads.csv;type=text/csv", true),
            ("multipart/form-data", "file=@leads.csv\npassword=hush", false),
        ] {
            let past = kept(&call("https://a.example/x", &[("content-type", content_type)], body));
            let past = past.expect("it is remembered");
            assert_eq!((past.body.as_str(), past.lacks_body), (if is_kept { body } else { "" }, !is_kept), "{body}");
        }
        let long = format!("\"{}\"", "x".repeat(LONGEST_BODY));
        assert!(kept(&call("https://a.example/x", &[], &long)).is_some_and(|past| past.lacks_body));
    }

    #[test]
    fn the_last_calls_are_kept_within_bounds() {
        let short = kept(&call("https://a.example/x", &[], "")).expect("it is remembered");
        let mut calls = vec![short; 70];
        assert_eq!(last_of(&calls).len(), MOST_CALLS);
        for past in &mut calls {
            past.body = "\u{1}".repeat(LONGEST_BODY);
        }
        let last = last_of(&calls);
        assert!(!last.is_empty() && serde_json::to_string(last).expect("JSON").len() <= MOST_BYTES + 2);
        let endless = format!("https://a.example/{}", "x".repeat(10_000));
        assert_eq!(kept(&call(&endless, &[], "")), None);
    }
}
