//! Any authorization server that keeps to RFC 8628, given by its endpoints or by discovery (RFC 8414).

use std::time::Duration;

use serde_json::{Map, Value};
use url::{Origin, Url};

use super::granted::ScopeNames;
use super::{
    AccountFields, ClientAuthentication, DataCenter, Dialect, Endpoints, Foreign, Intervals, PollError, Provider,
    Revocation, RevocationEnds, Rotation, answers, explained,
};
use crate::http::decode;
use crate::tables::Pairs;
use crate::untrusted::{Rejected, Untrusted, is_near};

/// The dialect of the RFCs.
pub const RFC: Dialect = Dialect {
    display_name: "the provider",
    device_request: &[],
    authenticates_device_request: true,
    // Servers must take Basic and may take the body (RFC 6749 §2.3.1).
    client_authentication: &[ClientAuthentication::Basic, ClientAuthentication::Body, ClientAuthentication::RawBasic],
    device_grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code_parameter: "device_code",
    scope_separator: " ",
    scope_names: ScopeNames::PLAIN,
    data_center_aliases: Pairs(""),
    needs_scope: false,
    needs_secret: false,
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
        longest: Duration::from_secs(60 * 60),
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
    // Beside RFC 6749's own: Ory Hydra 1 (ory/hydra#3004), GitHub Enterprise Server, and others by the word of RFC 8628 §3.5.
    refresh_refusals: &["invalid_grant", "token_inactive", "bad_refresh_token", "expired_token"],
    // Dex (dexidp/dex#2613), the PHP League's server before version 9 (laravel/passport#1605), and those made with Spring Security
    // OAuth or MITREid (indigo-dc/oidc-agent#507).
    refresh_refusals_by_sentence: &[
        ("invalid_request", "refresh token is invalid"),
        ("invalid_request", "refresh token expired"),
        ("invalid_request", "refresh token has expired"),
        ("invalid_request", "refresh token has been revoked"),
        ("invalid_token", "refresh token"),
    ],
    // Auth0 (auth0-samples/auth0-angular-samples#201, auth0/laravel-auth0#42). A person's No has status 403 there.
    client_refusals: &[("access_denied", "unauthorized")],
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
    api: &answers::RFC,
    git_username: None,
    variable_prefix: None,
    has_products: false,
    default_scope: "openid",
    // OpenID Connect Core 1.0 §5.4 and §11.
    scopes: Pairs(
        "openid sign in with your account
        email see your email address
        profile see your name and picture
        offline_access stay signed in",
    ),
    registration: "register a client that may use the device grant",
    web_registration: "register a client that may use the authorization code grant",
    code_by_hand: "Have the provider make an authorization code for this client.",
    error_words: &[explained::RFC, explained::GOOGLE, explained::MICROSOFT, explained::GITHUB],
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
    /// The way back from the browser names the issuer, always (RFC 9207 §3).
    pub names_issuer: bool,
    /// What was named and must not be used.
    pub odd: Vec<Rejected>,
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
            names_issuer: self.names_issuer || others.names_issuer,
            odd: [self.odd, others.odd].concat(),
        }
    }

    /// Those that are not among `foreign`.
    fn without(mut self, foreign: &[Foreign]) -> Self {
        for (_, known) in self.by_key() {
            known.take_if(|url| foreign.iter().any(|other| other.url == *url));
        }
        self
    }

    /// Each by its key in the configuration.
    fn by_key(&mut self) -> [(&'static str, &mut Option<Url>); 5] {
        [
            (DEVICE_ENDPOINT, &mut self.device_authorization),
            (BROWSERS_ENDPOINT, &mut self.authorization),
            (TOKEN_ENDPOINT, &mut self.token),
            ("revocation_endpoint", &mut self.revocation),
            ("userinfo_endpoint", &mut self.userinfo),
        ]
    }

    /// Tells whether a device can sign in with these alone.
    pub fn suffice(&self) -> bool {
        self.device_authorization.is_some() && self.token.is_some()
    }

    /// Tells whether another document could add anything that is used.
    pub fn are_whole(&self) -> bool {
        self.suffice() && self.revocation.is_some() && self.userinfo.is_some()
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
    /// What a preset knows of another server.
    pub foreign: Vec<Foreign>,
}

impl StandardServer {
    /// One of which nothing is known but how it speaks.
    pub fn new(name: impl Into<String>, dialect: &'static Dialect) -> Self {
        Self {
            name: name.into(),
            dialect,
            issuer: None,
            endpoints: StandardEndpoints::default(),
            api_domain: None,
            parameters: Vec::new(),
            foreign: Vec::new(),
        }
    }

    /// What a preset knows, as far as that is of another server, to which what is `given` has [moved](Self::moved_by) it: what is on an
    /// origin that is given.
    #[must_use]
    pub fn beside(mut self, given: &Self) -> Self {
        let given = given.addresses();
        let is_of_another = |url: &mut Url| given.iter().all(|(_, given)| given.origin() != url.origin());
        let known = self.endpoints.by_key().into_iter().chain([(API_DOMAIN, &mut self.api_domain)]);
        let foreign = known.filter_map(|(key, known)| Some(Foreign { key, url: known.take_if(is_of_another)? }));
        self.foreign = foreign.filter(|known| given.iter().all(|(key, _)| *key != known.key)).collect();
        self
    }

    /// The key of what is `given` on no origin of those that the preset knows: the tokens' endpoint, which is another server's then, or
    /// without one where a sign-in begins.
    pub fn moved_by(&self, given: &Self) -> Option<&'static str> {
        let own = self.addresses();
        if own.is_empty() {
            return None;
        }
        let own: Vec<Origin> = own.iter().map(|(_, url)| url.origin()).collect();
        let given = given.addresses();
        let gives_tokens = given.iter().any(|(key, _)| *key == TOKEN_ENDPOINT);
        let begins: &[&str] =
            if gives_tokens { &[TOKEN_ENDPOINT] } else { &[ISSUER, DEVICE_ENDPOINT, BROWSERS_ENDPOINT] };
        let mut given = given.into_iter().filter(|(key, url)| begins.contains(key) && !own.contains(&url.origin()));
        given.next().map(|(key, _)| key)
    }

    /// This one, and what `others` know beside it.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            issuer: self.issuer.or(others.issuer),
            endpoints: self.endpoints.or(others.endpoints),
            api_domain: self.api_domain.or(others.api_domain),
            foreign: others.foreign,
            ..self
        }
    }

    /// All addresses, by their keys in the configuration.
    fn addresses(&self) -> Vec<(&'static str, Url)> {
        let mut endpoints = self.endpoints.clone();
        let endpoints = endpoints.by_key().map(|(key, url)| (key, url.take()));
        let others = [(ISSUER, self.issuer_url()), (API_DOMAIN, self.api_domain.clone())];
        endpoints.into_iter().chain(others).filter_map(|(key, url)| Some((key, url?))).collect()
    }

    /// The issuer as an address, if there is one.
    pub fn issuer_url(&self) -> Option<Url> {
        self.issuer.as_ref().and_then(|issuer| Url::parse(&without_well_known(issuer)).ok())
    }

    /// The provider with what is configured and what `discovered` adds to it; `None` without a token endpoint.
    pub fn provider(&self, discovered: StandardEndpoints) -> Option<Provider> {
        // Who names the token endpoint names the rest.
        let foreign = if self.endpoints.token.is_some() { &self.foreign[..] } else { &[] };
        let endpoints = self.endpoints.clone().or(discovered.without(foreign));
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
                names_issuer: endpoints.names_issuer,
                odd: endpoints.odd,
                foreign: self.foreign.clone(),
            },
            api_domain: self.api_domain.clone(),
            product_domain: None,
            api_domain_aliases: Vec::new(),
            environments: Vec::new(),
            further_hosts: Vec::new(),
            allowed_origins: Vec::new(),
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

const WELL_KNOWN: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// Where `issuer` may keep its metadata: OpenID Connect's place first, which most servers fill, then RFC 8414's; where the
/// issuer has a path, each of the two also as the other one would have it.
pub fn metadata_urls(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let [openid, rfc8414] = WELL_KNOWN;
    let places =
        [format!("{path}{openid}"), format!("{rfc8414}{path}"), format!("{path}{rfc8414}"), format!("{openid}{path}")];
    let mut urls: Vec<Url> = Vec::new();
    for place in places {
        let mut url = issuer.clone();
        url.set_path(&place);
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// An issuer's address, where that of its metadata may be written instead.
pub fn without_well_known(address: &str) -> String {
    let found = WELL_KNOWN.iter().find_map(|place| address.split_once(place));
    found.map_or_else(|| address.to_owned(), |(before, behind)| format!("{before}{}", behind.trim_end_matches('/')))
}

/// An authorization server's metadata document (RFC 8414 §2), not yet trusted.
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Takes the document apart; `None` for a body that is none: each one names an issuer.
    pub fn parse(body: &[u8]) -> Option<Self> {
        decode::object(body).ok().filter(|fields| fields.contains_key("issuer")).map(Self)
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The issuer that the document names, made safe to show.
    pub fn named_issuer(&self) -> String {
        Untrusted::new(self.text("issuer").unwrap_or_default()).line()
    }

    /// The endpoints that `issuer` names. What is odd is left out and told, since it may not be needed.
    ///
    /// The document has to repeat `issuer` character by character (RFC 8414 §3.3). An endpoint must not lie deeper in a
    /// private network than the issuer itself, so that no document leads into the machine or its network.
    pub fn endpoints(&self, issuer: &str) -> Result<StandardEndpoints, Rejected> {
        let rejected = |problem| Rejected { field: "a metadata document", problem };
        let own = without_well_known(issuer);
        let named = self.text("issuer").ok_or(rejected("names no issuer"))?;
        // Behind an address of metadata nothing tells whether the issuer ends in a slash.
        if named != own && (own == issuer || named.strip_suffix('/') != Some(&own)) {
            return Err(rejected("names another issuer than the one it was asked for"));
        }
        let issuer = Url::parse(&own).map_err(|_| rejected("belongs to no address"))?;
        let mut odd = Vec::new();
        let mut endpoint = |name: &str, field| {
            let sent = self.0.get(name).filter(|sent| !sent.is_null() && **sent != "")?;
            let checked = match sent.as_str().map(|text| Untrusted::new(text).url(field)) {
                Some(Ok(url)) if is_near(&url, &issuer) => return Some(url),
                Some(Ok(_)) => Rejected { field, problem: "is neither public nor on the issuer's host" },
                Some(Err(rejected)) => rejected,
                None => Rejected { field, problem: "is no address" },
            };
            odd.push(checked);
            None
        };
        Ok(StandardEndpoints {
            device_authorization: endpoint("device_authorization_endpoint", DEVICE_AUTHORIZATION),
            authorization: endpoint("authorization_endpoint", AUTHORIZATION),
            token: endpoint("token_endpoint", TOKEN),
            revocation: endpoint("revocation_endpoint", "a revocation endpoint"),
            userinfo: endpoint("userinfo_endpoint", "a userinfo endpoint"),
            client_authentication: client_authentication(self.0.get("token_endpoint_auth_methods_supported")),
            names_issuer: self
                .0
                .get("authorization_response_iss_parameter_supported")
                .is_some_and(|promised| *promised == true || *promised == "true"),
            odd,
        })
    }
}

const ISSUER: &str = "issuer";
const DEVICE_ENDPOINT: &str = "device_authorization_endpoint";
const BROWSERS_ENDPOINT: &str = "authorization_endpoint";
const TOKEN_ENDPOINT: &str = "token_endpoint";
const API_DOMAIN: &str = "api_domain";

/// What endpoints are called where one must not be used.
pub const DEVICE_AUTHORIZATION: &str = "a device authorization endpoint";
pub const AUTHORIZATION: &str = "an authorization endpoint";
pub const TOKEN: &str = "a token endpoint";

/// Why there is no such endpoint, where one was named.
pub fn oddity<'a>(odd: &'a [Rejected], field: &str) -> Option<&'a Rejected> {
    odd.iter().find(|rejected| rejected.field == field)
}

/// The ways that both sides know, Basic first, as the RFCs do, and last as servers misread that. Some servers write one way without a
/// list.
fn client_authentication(methods: Option<&Value>) -> Vec<ClientAuthentication> {
    let is_supported = |method: &str| match methods {
        Some(Value::Array(methods)) => methods.iter().any(|supported| *supported == method),
        Some(Value::String(methods)) => methods.split([' ', ',']).any(|supported| supported == method),
        _ => false,
    };
    let known = [
        ("client_secret_basic", ClientAuthentication::Basic),
        ("client_secret_post", ClientAuthentication::Body),
        ("client_secret_basic", ClientAuthentication::RawBasic),
    ];
    known.into_iter().filter(|(method, _)| is_supported(method)).map(|(_, way)| way).collect()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use serde_json::{Value, json};

    use super::{Metadata, StandardEndpoints, TOKEN, metadata_urls, oddity};
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
            ("/t", false),
        ] {
            let found = read_metadata(ISSUER, &document(ISSUER, endpoint)).expect("a document");
            assert_eq!((found.token.is_some(), oddity(&found.odd, TOKEN).is_none()), (is_fit, is_fit), "{endpoint}");
        }
        let local = "http://localhost:3000";
        assert!(read_metadata(local, &document(local, "http://127.0.0.1:3000/t")).is_ok());
    }

    #[test]
    fn ways_to_authenticate_that_are_not_known_here_are_left_out() {
        let endpoints = read_metadata(ISSUER, &document(ISSUER, "https://id.example.com/t")).expect("fit");
        assert_eq!(
            endpoints.client_authentication,
            [ClientAuthentication::Basic, ClientAuthentication::Body, ClientAuthentication::RawBasic]
        );
    }

    #[test]
    fn what_is_odd_is_left_out_and_told() {
        for field in [
            "device_authorization_endpoint",
            "authorization_endpoint",
            "token_endpoint",
            "revocation_endpoint",
            "userinfo_endpoint",
            "token_endpoint_auth_methods_supported",
            "scopes_supported",
            "authorization_response_iss_parameter_supported",
        ] {
            for odd in
                [json!(null), json!(""), json!(7), json!([]), json!({"a": 1}), json!("/me"), json!("http://x.example/")]
            {
                let mut document: Value =
                    serde_json::from_slice(&document(ISSUER, "https://id.example.com/t")).expect("JSON");
                document[field] = odd.clone();
                let found = read_metadata(ISSUER, document.to_string().as_bytes()).expect("a document");
                let is_endpoint = field.ends_with("_endpoint");
                let says_something = !odd.is_null() && odd != "";
                assert_eq!(found.odd.len(), usize::from(is_endpoint && says_something), "{field} {odd}");
                assert_eq!(found.token.is_some(), field != "token_endpoint", "{field} {odd}");
                assert!(!found.names_issuer, "{field} {odd}");
            }
        }
        for (methods, expected) in [
            (json!("client_secret_post"), vec![ClientAuthentication::Body]),
            (json!([7, "client_secret_post", null]), vec![ClientAuthentication::Body]),
            (json!(null), vec![]),
        ] {
            let body = json!({"issuer": ISSUER, "token_endpoint_auth_methods_supported": methods}).to_string();
            assert_eq!(read_metadata(ISSUER, body.as_bytes()).expect("fit").client_authentication, expected);
        }
    }

    #[test]
    fn a_document_without_the_issuer_is_not_used() {
        for body in [json!({"issuer": null}), json!({"issuer": 7}), json!({"issuer": ["x"]})] {
            assert!(read_metadata(ISSUER, body.to_string().as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_address_of_the_metadata_stands_for_the_issuer() {
        for written in [
            "https://id.example.com/realm/.well-known/openid-configuration",
            "https://id.example.com/realm/.well-known/oauth-authorization-server",
            "https://id.example.com/realm/.well-known/openid-configuration/",
            "https://id.example.com/.well-known/oauth-authorization-server/realm",
            "https://id.example.com/.well-known/openid-configuration/realm",
        ] {
            for named in [ISSUER, "https://id.example.com/realm/"] {
                let body = document(named, "https://id.example.com/t");
                assert!(read_metadata(written, &body).is_ok(), "{written} {named}");
            }
            assert!(read_metadata(written, &document("https://id.example.com/", "https://id.example.com/t")).is_err());
        }
    }

    #[test]
    fn metadata_lies_below_the_issuer_or_before_its_path() {
        let places = |issuer: &str| {
            let urls = metadata_urls(&Url::parse(issuer).expect("an address"));
            urls.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            places(ISSUER),
            [
                "https://id.example.com/realm/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server/realm",
                "https://id.example.com/realm/.well-known/oauth-authorization-server",
                "https://id.example.com/.well-known/openid-configuration/realm",
            ]
        );
        assert_eq!(
            places("https://id.example.com/"),
            [
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server",
            ]
        );
    }
}
