//! Any authorization server that keeps to RFC 8628, given by its endpoints or by discovery (RFC 8414).

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{
    AccountFields, ApiErrors, ClientAuthentication, DataCenter, Dialect, Endpoints, Intervals, PollError, Provider,
    Revocation, RevocationEnds, Rotation, explained,
};
use crate::untrusted::{Rejected, Untrusted, is_near};

/// The dialect of the RFCs.
pub const RFC: Dialect = Dialect {
    display_name: "the provider",
    device_request: &[],
    authenticates_device_request: true,
    // Servers must take Basic and may take the body (RFC 6749 §2.3.1).
    client_authentication: &[ClientAuthentication::Basic, ClientAuthentication::Body],
    device_grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code_parameter: "device_code",
    scope_separator: " ",
    needs_scope: false,
    client_ids_are_words: false,
    authorization_request: &[],
    // Without `prompt=consent` servers leave the scope out (OpenID Connect Core 1.0 §11), and give no refresh token.
    authorization_request_by_scope: &[("offline_access", ("prompt", "consent"))],
    callback_location: &[],
    callback_accounts_server: None,
    // Google's servers, which came before the RFC, write `url`, and so do servers made after them.
    verification_uri_fields: &["verification_uri", "verification_url"],
    verification_uri_complete_fields: &["verification_uri_complete", "verification_url_complete"],
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
    grant_limit: None,
    rotation: Rotation::Unknown,
    revoked_status: None,
    revocation_ends: RevocationEnds::Unknown,
    account_fields: AccountFields {
        id: &["sub", "id"],
        email: &["email"],
        name: &["name", "preferred_username", "login"],
    },
    api_scheme: "Bearer",
    api_errors: ApiErrors::ByStatus,
    variable_prefix: None,
    products: &[],
    default_scope: "openid",
    registration: "register a client that may use the device grant",
    web_registration: "register a client that may use the authorization code grant",
    code_by_hand: "Have the provider make an authorization code for this client.",
    error_words: &[
        explained::rfc::WORDS,
        explained::others::GOOGLE,
        explained::others::MICROSOFT,
        explained::others::GITHUB,
    ],
    removal_by_hand: None,
};

/// The dialect of the RFCs, for servers without a preset.
pub static DIALECT: Dialect = RFC;

/// What is known of a server: from the configuration, from its metadata, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StandardEndpoints {
    pub device_authorization: Option<Url>,
    pub authorization: Option<Url>,
    pub token: Option<Url>,
    pub revocation: Option<Url>,
    pub userinfo: Option<Url>,
    /// Ways to authenticate that the server is known to take; empty where that is not known.
    pub client_authentication: Vec<ClientAuthentication>,
}

impl StandardEndpoints {
    /// These, and what `others` know beside them.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        let client_authentication = if self.client_authentication.is_empty() {
            others.client_authentication
        } else {
            self.client_authentication
        };
        Self {
            device_authorization: self.device_authorization.or(others.device_authorization),
            authorization: self.authorization.or(others.authorization),
            token: self.token.or(others.token),
            revocation: self.revocation.or(others.revocation),
            userinfo: self.userinfo.or(others.userinfo),
            client_authentication,
        }
    }

    /// Tells whether a device can sign in with these alone.
    pub fn suffice(&self) -> bool {
        self.device_authorization.is_some() && self.token.is_some()
    }
}

/// A server as the configuration describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardServer {
    pub name: String,
    pub dialect: &'static Dialect,
    /// As it was written, since metadata has to repeat it character by character (RFC 8414 §3.3).
    pub issuer: Option<String>,
    pub endpoints: StandardEndpoints,
    pub api_domain: Option<Url>,
    pub parameters: Vec<(String, String)>,
}

impl StandardServer {
    /// The issuer as an address, if there is one.
    pub fn issuer_url(&self) -> Option<Url> {
        self.issuer.as_ref().and_then(|issuer| Url::parse(issuer).ok())
    }

    /// The provider with what is configured and what `discovered` adds to it; `None` without a token endpoint.
    pub fn provider(&self, discovered: StandardEndpoints) -> Option<Provider> {
        let endpoints = self.endpoints.clone().or(discovered);
        let token = endpoints.token?;
        let issuer = self.issuer_url().unwrap_or_else(|| token.clone());
        let revocation = endpoints.revocation.map(|url| Revocation {
            url,
            client_authentication: None,
            type_parameter: Some("token_type_hint"),
        });
        let known = [&endpoints.device_authorization, &endpoints.authorization, &Some(token.clone())];
        let data_center = DataCenter {
            code: String::new(),
            accounts_server: issuer,
            verification_origins: known.into_iter().flatten().map(Url::origin).collect(),
            endpoints: Endpoints {
                device_authorization: endpoints.device_authorization,
                device_token: token.clone(),
                authorization: endpoints.authorization,
                token,
                revocation: revocation.into_iter().collect(),
                userinfo: endpoints.userinfo,
            },
            api_domain: self.api_domain.clone(),
            product_domain: None,
            api_domain_aliases: Vec::new(),
        };
        let client_authentication = if endpoints.client_authentication.is_empty() {
            self.dialect.client_authentication.to_vec()
        } else {
            endpoints.client_authentication
        };
        Some(Provider {
            name: self.name.clone(),
            dialect: self.dialect,
            data_centers: vec![data_center],
            client_authentication,
            parameters: self.parameters.clone(),
        })
    }
}

/// Where `issuer` keeps its metadata: OpenID Connect's place first, which most servers fill, then RFC 8414's.
pub fn metadata_urls(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let [mut openid, mut rfc8414] = [issuer.clone(), issuer.clone()];
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    rfc8414.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [openid, rfc8414]
}

/// An authorization server's metadata document (RFC 8414 §2), not yet trusted.
#[derive(Deserialize)]
pub struct Metadata {
    issuer: String,
    device_authorization_endpoint: Option<Untrusted>,
    authorization_endpoint: Option<Untrusted>,
    token_endpoint: Option<Untrusted>,
    revocation_endpoint: Option<Untrusted>,
    userinfo_endpoint: Option<Untrusted>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Metadata {
    /// Takes the document apart; `None` for a body that is none.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The issuer that the document names, made safe to show.
    pub fn named_issuer(&self) -> String {
        Untrusted::new(self.issuer.as_str()).line()
    }

    /// The endpoints that `issuer` names.
    ///
    /// The document has to repeat `issuer` character by character (RFC 8414 §3.3). An endpoint must not lie deeper in a
    /// private network than the issuer itself, so that no document leads into the machine or its network.
    pub fn endpoints(self, issuer: &str) -> Result<StandardEndpoints, Rejected> {
        let rejected = |problem| Rejected { field: "a metadata document", problem };
        if self.issuer != issuer {
            return Err(rejected("names another issuer than the one it was asked for"));
        }
        let issuer = Url::parse(issuer).map_err(|_| rejected("belongs to no address"))?;
        let endpoint = |sent: Option<Untrusted>, field| match sent.map(|sent| sent.url(field)).transpose()? {
            Some(url) if !is_near(&url, &issuer) => {
                Err(Rejected { field, problem: "is neither public nor on the issuer's host" })
            }
            url => Ok(url),
        };
        Ok(StandardEndpoints {
            device_authorization: endpoint(self.device_authorization_endpoint, "a device authorization endpoint")?,
            authorization: endpoint(self.authorization_endpoint, "an authorization endpoint")?,
            token: endpoint(self.token_endpoint, "a token endpoint")?,
            revocation: endpoint(self.revocation_endpoint, "a revocation endpoint")?,
            userinfo: endpoint(self.userinfo_endpoint, "a userinfo endpoint")?,
            client_authentication: client_authentication(&self.token_endpoint_auth_methods_supported),
        })
    }
}

/// The ways that both sides know, Basic first, as the RFCs do.
fn client_authentication(methods: &[String]) -> Vec<ClientAuthentication> {
    let known =
        [("client_secret_basic", ClientAuthentication::Basic), ("client_secret_post", ClientAuthentication::Body)];
    let supported = known.into_iter().filter(|(method, _)| methods.iter().any(|supported| supported == method));
    supported.map(|(_, authentication)| authentication).collect()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Metadata, StandardEndpoints, metadata_urls};
    use crate::providers::ClientAuthentication;
    use crate::untrusted::Rejected;

    const ISSUER: &str = "https://id.example.com/realm";

    fn document(issuer: &str, token_endpoint: &str) -> Vec<u8> {
        let document = serde_json::json!({
            "issuer": issuer,
            "device_authorization_endpoint": "https://id.example.com/d/",
            "token_endpoint": token_endpoint,
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        });
        document.to_string().into_bytes()
    }

    fn read_metadata(issuer: &str, body: &[u8]) -> Result<StandardEndpoints, Rejected> {
        Metadata::parse(body).expect("a document").endpoints(issuer)
    }

    #[test]
    fn the_issuer_must_match_to_the_character() {
        let endpoints = read_metadata(ISSUER, &document(ISSUER, "https://id.example.com/t")).expect("the same");
        assert_eq!(endpoints.device_authorization.expect("an endpoint").as_str(), "https://id.example.com/d/");
        for other in ["https://evil.example/realm", "https://id.example.com/realm/", "https://ID.example.com/realm", ""]
        {
            assert!(read_metadata(ISSUER, &document(other, "https://id.example.com/t")).is_err(), "{other}");
        }
        assert!(Metadata::parse(b"<html>").is_none());
    }

    #[test]
    fn endpoints_may_be_on_other_public_hosts_and_not_in_private_networks() {
        for (endpoint, is_fit) in [
            ("https://token.example.net/t", true),
            ("https://10.0.0.1/t", false),
            ("https://localhost/t", false),
            ("http://127.0.0.1/t", false),
            ("https://id.corp.internal/t", false),
            ("http://token.example.net/t", false),
        ] {
            assert_eq!(read_metadata(ISSUER, &document(ISSUER, endpoint)).is_ok(), is_fit, "{endpoint}");
        }
        let local = "http://localhost:3000";
        assert!(read_metadata(local, &document(local, "http://127.0.0.1:3000/t")).is_ok());
    }

    #[test]
    fn ways_to_authenticate_that_are_not_known_here_are_left_out() {
        let endpoints = read_metadata(ISSUER, &document(ISSUER, "https://id.example.com/t")).expect("fit");
        assert_eq!(endpoints.client_authentication, [ClientAuthentication::Basic, ClientAuthentication::Body]);
    }

    #[test]
    fn metadata_lies_below_the_issuer_or_before_its_path() {
        let issuer = Url::parse(ISSUER).expect("an address");
        let [openid, rfc8414] = metadata_urls(&issuer);
        assert_eq!(openid.as_str(), "https://id.example.com/realm/.well-known/openid-configuration");
        assert_eq!(rfc8414.as_str(), "https://id.example.com/.well-known/oauth-authorization-server/realm");
    }
}
