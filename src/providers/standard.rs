//! Any authorization server that keeps to RFC 8628, given by its endpoints or by discovery (RFC 8414).

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{DataCenter, Dialect, Endpoints, Intervals, PollError, Provider, Revocation, explained};
use crate::untrusted::{Rejected, Untrusted, is_public};

/// The dialect of the RFCs.
pub static DIALECT: Dialect = Dialect {
    display_name: "the provider",
    device_request: &[],
    device_grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code_parameter: "device_code",
    scope_separator: " ",
    verification_on_any_host: true,
    verification_path: None,
    intervals: Intervals {
        default: Duration::from_secs(5),
        shortest: Duration::from_secs(1),
        longest: Duration::from_secs(60),
        default_lifetime: Duration::from_secs(300),
        longest_lifetime: Duration::from_secs(60 * 60),
    },
    interval_milliseconds_from: None,
    lifetime_milliseconds_from: None,
    token_life_milliseconds_from: None,
    poll_errors: &[
        ("authorization_pending", PollError::Pending),
        ("slow_down", PollError::SlowDown),
        ("access_denied", PollError::Denied),
        ("expired_token", PollError::Expired),
    ],
    refresh_refusals: &["invalid_grant"],
    refresh_throttles: &[],
    location_fields: &[],
    failure_status_is_throttle: false,
    throttle_pause: Duration::from_secs(60),
    mint_limit: None,
    api_scheme: "Bearer",
    variable_prefix: None,
    products: &[],
    registration: "register a client that may use the device grant",
    error_words: &[
        explained::rfc::WORDS,
        explained::others::GOOGLE,
        explained::others::MICROSOFT,
        explained::others::GITHUB,
    ],
    removal_by_hand: None,
};

/// The endpoints that a configuration names or a discovery document brings.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardEndpoints {
    pub device_authorization: Url,
    pub token: Url,
    pub revocation: Option<Url>,
    pub userinfo: Option<Url>,
}

/// A provider at these endpoints. `issuer` is what people see; its origin is that of the token endpoint if unknown.
pub fn provider(name: &str, issuer: &Url, endpoints: StandardEndpoints, api_domain: Option<Url>) -> Provider {
    let revocation = endpoints.revocation.map(|url| Revocation {
        url,
        basic_authentication: false,
        type_parameter: Some("token_type_hint"),
    });
    let data_center = DataCenter {
        code: String::new(),
        accounts_server: issuer.clone(),
        verification_origins: vec![endpoints.device_authorization.origin(), endpoints.token.origin()],
        endpoints: Endpoints {
            device_authorization: endpoints.device_authorization,
            device_token: endpoints.token.clone(),
            token: endpoints.token,
            revocation: revocation.into_iter().collect(),
            userinfo: endpoints.userinfo,
        },
        api_domain,
        product_domain: None,
        api_domain_aliases: Vec::new(),
    };
    Provider { name: name.to_owned(), dialect: &DIALECT, data_centers: vec![data_center] }
}

/// Where `issuer` keeps its metadata: OpenID Connect's place first, which most servers fill, then RFC 8414's.
pub fn metadata_urls(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let [mut openid, mut rfc8414] = [issuer.clone(), issuer.clone()];
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    rfc8414.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [openid, rfc8414]
}

/// Reads the endpoints out of a metadata document.
///
/// The document's `issuer` must equal the one asked for (RFC 8414 §3.3) but for a slash at the end, which parsing an
/// address adds. An endpoint outside the issuer's own origin must be on a public host, so that no document leads into the
/// machine or its network.
pub fn read_metadata(issuer: &Url, body: &[u8]) -> Result<StandardEndpoints, Rejected> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        device_authorization_endpoint: Option<Untrusted>,
        token_endpoint: Option<Untrusted>,
        revocation_endpoint: Option<Untrusted>,
        userinfo_endpoint: Option<Untrusted>,
    }

    let rejected = |problem| Rejected { field: "a metadata document", problem };
    let metadata: Metadata = serde_json::from_slice(body).map_err(|_| rejected("is not what RFC 8414 describes"))?;
    if metadata.issuer.trim_end_matches('/') != issuer.as_str().trim_end_matches('/') {
        return Err(rejected("names another issuer than the one it was asked for"));
    }
    let endpoint = |sent: Untrusted, field| {
        let url = sent.url(field)?;
        let is_fit = url.origin() == issuer.origin() || is_public(&url);
        if is_fit { Ok(url) } else { Err(Rejected { field, problem: "is neither public nor on the issuer's host" }) }
    };
    let optional = |url: Option<Untrusted>, field| url.map(|url| endpoint(url, field)).transpose();
    let required = |url: Option<Untrusted>, field, problem| endpoint(url.ok_or_else(|| rejected(problem))?, field);
    Ok(StandardEndpoints {
        device_authorization: required(
            metadata.device_authorization_endpoint,
            "a device authorization endpoint",
            "has no device_authorization_endpoint: the issuer does not offer device sign-in",
        )?,
        token: required(metadata.token_endpoint, "a token endpoint", "has no token_endpoint")?,
        revocation: optional(metadata.revocation_endpoint, "a revocation endpoint")?,
        userinfo: optional(metadata.userinfo_endpoint, "a userinfo endpoint")?,
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{metadata_urls, read_metadata};

    #[test]
    fn the_issuer_must_match() {
        let issuer = Url::parse("https://id.example.com/realm").expect("an address");
        let body = |issuer: &str| {
            format!(
                r#"{{"issuer":"{issuer}","device_authorization_endpoint":"https://id.example.com/d",
                "token_endpoint":"https://id.example.com/t"}}"#
            )
        };
        assert!(read_metadata(&issuer, body("https://id.example.com/realm").as_bytes()).is_ok());
        assert!(read_metadata(&issuer, body("https://evil.example/realm").as_bytes()).is_err());
        assert!(read_metadata(&issuer, b"<html>").is_err());
    }

    #[test]
    fn metadata_lies_below_the_issuer_or_before_its_path() {
        let issuer = Url::parse("https://id.example.com/realm").expect("an address");
        let [openid, rfc8414] = metadata_urls(&issuer);
        assert_eq!(openid.as_str(), "https://id.example.com/realm/.well-known/openid-configuration");
        assert_eq!(rfc8414.as_str(), "https://id.example.com/.well-known/oauth-authorization-server/realm");
    }
}
