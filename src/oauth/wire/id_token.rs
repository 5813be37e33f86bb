//! What an `id_token` beside the other tokens says of the person (OpenID Connect Core 1.0 §2).
//!
//! It comes straight from the token endpoint over TLS, which vouches for it instead of its signature (§3.1.3.7, 6). Never
//! read one here that came any other way.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::number;
use crate::clock;
use crate::http::decode;
use crate::providers::DataCenter;
use crate::secret::Secret;

/// How far the clock here may be ahead: devices without a battery wake up with any time.
const LEEWAY: Duration = Duration::from_secs(24 * 3600);

/// Bytes; a longer one has no place in a header.
const LONGEST: usize = 64 * 1024;

/// A token, and its claims about a person, which are not yet trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct IdToken {
    text: Secret,
    claims: Map<String, Value>,
}

impl IdToken {
    /// Takes a token apart; `None` for text that is none, or that fits no header.
    pub fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        let fits = token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        let claims = decode::object(&claims).ok().filter(|_| fits)?;
        Some(Self { text: Secret::new(token), claims })
    }

    /// The token as it came.
    pub fn into_text(self) -> Secret {
        self.text
    }

    /// When it ends, and how long it lives in all as far as that is said.
    pub fn end(&self) -> Option<(Timestamp, Option<Duration>)> {
        let time = |claim: &str| {
            let seconds = self.claims.get(claim).and_then(number)?;
            Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
        };
        let end = time("exp")?;
        Some((end, time("iat").map(|begin| clock::until(begin, end))))
    }

    /// The claims, if the token is from this data center, for this client, and has not ended at `now` (§3.1.3.7).
    pub fn claims(&self, data_center: &DataCenter, client_id: &str, now: Timestamp) -> Option<&Map<String, Value>> {
        let is_sound = self.is_from(data_center) && self.is_for(client_id) && self.lasts(now);
        is_sound.then_some(&self.claims)
    }

    /// Issuers with many tenants name another path than the one that was asked, and Google leaves the scheme out, so the
    /// host decides.
    fn is_from(&self, data_center: &DataCenter) -> bool {
        let Some(issuer) = self.claims.get("iss").and_then(Value::as_str) else { return false };
        let issuer = Url::parse(issuer).or_else(|_| Url::parse(&format!("https://{issuer}")));
        let Some(host) = issuer.as_ref().ok().and_then(Url::host) else { return false };
        [&data_center.accounts_server, &data_center.endpoints.token]
            .iter()
            .any(|own| own.host().as_ref() == Some(&host))
    }

    fn is_for(&self, client_id: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => audience == client_id,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
            _ => false,
        }
    }

    fn lasts(&self, now: Timestamp) -> bool {
        self.end().is_some_and(|(end, _)| end.saturating_add(LEEWAY).is_ok_and(|end| now < end))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
    use jiff::Timestamp;
    use serde_json::{Value, json};
    use url::Url;

    use super::IdToken;
    use crate::providers::{DataCenter, zoho};

    const NOW: i64 = 1_700_000_000;

    fn data_center() -> DataCenter {
        let at = |address| Url::parse(address).expect("an address");
        zoho::data_center("us", &at("https://id.example.com/tenant"), &at("https://api.example.com"))
    }

    fn is_taken(change: impl FnOnce(&mut Value)) -> bool {
        let mut claims = json!({"iss": "https://id.example.com", "aud": "client", "exp": NOW + 300, "sub": "7"});
        change(&mut claims);
        let token = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let now = Timestamp::from_second(NOW).expect("a time");
        IdToken::parse(&token).is_some_and(|token| token.claims(&data_center(), "client", now).is_some())
    }

    #[test]
    fn issuer_audience_and_end_decide() {
        assert!(is_taken(|_| {}));
        for issuer in ["https://id.example.com/other-tenant/v2.0", "id.example.com", "https://ID.example.com/"] {
            assert!(is_taken(|claims| claims["iss"] = json!(issuer)), "{issuer}");
        }
        for issuer in [json!("https://id.example.org"), json!("https://example.com"), json!(""), json!(7), json!(null)]
        {
            assert!(!is_taken(|claims| claims["iss"] = issuer.clone()), "{issuer}");
        }
        for audience in [json!("other"), json!(["other"]), json!([]), json!(null), json!("client2")] {
            assert!(!is_taken(|claims| claims["aud"] = audience.clone()), "{audience}");
        }
        assert!(is_taken(|claims| claims["aud"] = json!(["other", "client"])));
        for (end, expected) in [
            (json!(NOW - 3600), true),
            (json!(NOW - 100_000), false),
            (json!(format!("{}", NOW + 1)), true),
            (json!(1e300), false),
            (json!(-5), false),
            (json!(null), false),
        ] {
            assert_eq!(is_taken(|claims| claims["exp"] = end.clone()), expected, "{end}");
        }
    }

    #[test]
    fn text_that_is_no_token_has_no_claims() {
        for text in ["", "a.b", "..", "a.%%.c", "e30.W10.", "e30.e30", "a.\u{202e}.c"] {
            let token = IdToken::parse(text);
            assert!(token.is_none(), "{text:?}: {token:?}");
        }
        let padded = format!("e30.{}.x", BASE64_URL_SAFE.encode(r#"{"sub":"1"}"#));
        assert!(IdToken::parse(&padded).is_some());
    }
}
