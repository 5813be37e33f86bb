//! What is known about authorization servers, as data.
//!
//! A [`Provider`] is a [`Dialect`] (how its kind of server deviates from the RFCs) and the [`DataCenter`]s at which it
//! answers. The flows in `oauth` read these fields; none of them asks for a provider by name.

pub mod answers;
pub mod catalog;
pub mod explained;
pub mod granted;
pub mod presets;
pub mod standard;
pub mod zoho;

use std::iter;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use crate::tables::Pairs;
use crate::untrusted::Rejected;

/// An authorization server, or several that share their clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// The name under which profiles refer to it.
    pub name: String,
    pub dialect: &'static Dialect,
    /// Never empty. A provider without data centers has one whose code is empty.
    pub data_centers: Vec<DataCenter>,
    /// How a client that has a secret may say who it is, in the order in which it is tried. Never empty.
    pub client_authentication: Vec<ClientAuthentication>,
    /// Sent with each request for an approval, beside those of the dialect: `audience`, `resource`.
    pub parameters: Vec<(String, String)>,
}

impl Provider {
    /// The data center with this code; codes compare without case.
    pub fn data_center(&self, code: &str) -> Option<&DataCenter> {
        self.data_centers.iter().find(|data_center| data_center.code.eq_ignore_ascii_case(code))
    }

    /// The data center that people or other programs call so: by its code, its domain or one of its addresses.
    pub fn data_center_called(&self, name: &str) -> Option<&DataCenter> {
        let name = name.trim().to_ascii_lowercase();
        let of_alias = || self.data_center(self.dialect.data_center_aliases.of(&name)?);
        self.data_center(&name).or_else(of_alias).or_else(|| {
            let address = name.split_once("://").map_or(name.as_str(), |(_, address)| address);
            let host = address.split('/').next().unwrap_or_default().trim_start_matches('.');
            self.data_centers.iter().find(|data_center| data_center.has_host(host))
        })
    }

    /// The data center whose APIs answer at an address, or that is called so.
    pub fn data_center_of_api(&self, address: &str) -> Option<&DataCenter> {
        let origin = Url::parse(address).ok().map(|url| url.origin());
        let of_origin = self.data_centers.iter().find(|data_center| {
            let own =
                data_center.api_domain.iter().chain(&data_center.api_domain_aliases).chain(&data_center.environments);
            own.into_iter().any(|url| Some(url.origin()) == origin)
        });
        of_origin.or_else(|| self.data_center_called(address))
    }

    /// The data center that is meant where a profile names none.
    pub fn default_data_center(&self) -> &DataCenter {
        &self.data_centers[0]
    }
}

/// One place at which a provider answers, with its own accounts server and APIs.
#[derive(Clone, Debug, PartialEq)]
pub struct DataCenter {
    /// Lower-case location code (`us`, `eu`, …), or empty where the provider has no data centers.
    pub code: String,
    /// The accounts server or issuer, shown to people.
    pub accounts_server: Url,
    pub endpoints: Endpoints,
    /// The gateway that most product APIs share.
    pub api_domain: Option<Url>,
    /// Hosts of products outside the gateway end in this (`zoho.eu`); without it they are looked for at `api_domain`.
    pub product_domain: Option<String>,
    /// Addresses that this data center's answers may name for `api_domain` and that mean the one above.
    pub api_domain_aliases: Vec<Url>,
    /// Gateways that its answers may name instead, where an approval was for a sandbox or another environment.
    pub environments: Vec<Url>,
    /// Hosts beside those of the catalogue that are its own: files come from there.
    pub further_hosts: Vec<Url>,
    /// Hosts to which its access tokens may go because the configuration says so.
    pub allowed_origins: Vec<Url>,
    /// Hosts that its verification address may have, beside the accounts server's own.
    pub verification_origins: Vec<Origin>,
}

impl DataCenter {
    /// The accounts server's origin, with those under which it is known to the world where a proxy stands before it.
    pub fn accounts_origins(&self) -> impl Iterator<Item = Origin> + '_ {
        std::iter::once(self.accounts_server.origin()).chain(self.verification_origins.iter().cloned())
    }

    /// Tells whether an API domain is written as its own.
    pub fn has_api_domain(&self, api_domain: &str) -> bool {
        self.api_domain
            .as_ref()
            .is_some_and(|own| own.as_str().trim_end_matches('/') == api_domain.trim_end_matches('/'))
    }

    /// Tells whether an API domain is the gateway of another environment than production.
    pub fn is_environment(&self, api_domain: &str) -> bool {
        let named = Url::parse(api_domain).ok();
        named.is_some_and(|named| self.environments.iter().any(|known| known.origin() == named.origin()))
    }

    /// This data center with the API domain that a token answer named, where that is one of its own or allowed.
    #[must_use]
    pub fn in_environment(self, api_domain: Option<&str>) -> Self {
        let named = api_domain.and_then(|address| Url::parse(address).ok());
        let is_known = |named: &Url| {
            self.environments.iter().chain(&self.allowed_origins).any(|known| known.origin() == named.origin())
        };
        match named.filter(is_known) {
            Some(named) => Self { api_domain: Some(named), ..self },
            None => self,
        }
    }

    /// Tells whether a host is its own: `accounts.zoho.eu`, `zoho.eu`, `www.zohoapis.eu`; or what such a name ends in
    /// beside others of its kind: `com.au`.
    fn has_host(&self, host: &str) -> bool {
        let hosts = [Some(&self.accounts_server), self.api_domain.as_ref()].into_iter().flatten().filter_map(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        });
        let mut names = hosts.chain(self.product_domain.clone()).flat_map(|host| {
            let bare =
                ["accounts.", "www."].into_iter().find_map(|prefix| host.strip_prefix(prefix)).map(str::to_owned);
            [Some(host), bare].into_iter().flatten()
        });
        let ending = self.product_domain.as_ref().and_then(|domain| Some(domain.split_once('.')?.1));
        !host.is_empty() && (names.any(|name| name == host) || ending == Some(host))
    }

    /// The origins to which an access token of this data center may be sent.
    pub fn origins(&self) -> Vec<Origin> {
        let mut origins = vec![self.accounts_server.origin()];
        origins.extend(self.endpoints.userinfo.iter().map(Url::origin));
        origins.extend(self.api_domain.iter().map(Url::origin));
        origins.extend(catalog::PRODUCTS.iter().flat_map(|product| product.addresses(self)).map(|url| url.origin()));
        origins.extend(self.further_hosts.iter().chain(&self.allowed_origins).map(Url::origin));
        let mut unique: Vec<Origin> = Vec::new();
        for origin in origins {
            if !unique.contains(&origin) {
                unique.push(origin);
            }
        }
        unique
    }
}

/// Where a data center's accounts server takes which request.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoints {
    /// RFC 8628 §3.1; `None` where there is no device sign-in.
    pub device_authorization: Option<Url>,
    /// RFC 8628 §3.4, polled for the device code.
    pub device_token: Url,
    /// RFC 6749 §3.1, opened in a browser; `None` where it is not known.
    pub authorization: Option<Url>,
    /// RFC 6749 §6, asked to refresh.
    pub token: Url,
    pub revocation: Vec<Revocation>,
    /// Answers with the account behind an access token.
    pub userinfo: Option<Url>,
    /// The way back from the browser names the issuer, always (RFC 9207 §3).
    pub names_issuer: bool,
    /// What the issuer's metadata names and must not be used.
    pub odd: Vec<Rejected>,
    /// What a preset knows of another server.
    pub foreign: Vec<Foreign>,
}

/// An address that a preset knows, where the configuration says that the sign-in is at another server: no token and no secret
/// of that one goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// By which the configuration gives that server's own.
    pub key: &'static str,
    pub url: Url,
}

/// One form of the revocation request. They are tried in order until one succeeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Revocation {
    pub url: Url,
    /// How the client says who it is; `None` means as everywhere else.
    pub client_authentication: Option<ClientAuthentication>,
    /// The parameter that tells which kind of token this is: `token_type_hint` in RFC 7009.
    pub type_parameter: Option<&'static str>,
}

/// How a client with a secret says who it is (RFC 6749 §2.3.1). Its id is in the body in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// The secret stays here: the client is public.
    None,
    /// The secret is a parameter of the body.
    Body,
    /// The secret is in the `Authorization` header, encoded first.
    Basic,
    /// The same without that, for servers that take what is in the header as it is.
    RawBasic,
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good for ever.
    None,
    /// A new one takes its place, and the old one stays good for a while.
    Grace,
    /// A new one takes its place, and whoever presents the old one again loses both.
    Strict,
    /// Each server of this kind has its own way.
    Unknown,
}

/// Under which names a user info answer tells who approved, in order of trust.
#[derive(Debug, PartialEq, Eq)]
pub struct AccountFields {
    pub id: &'static [&'static str],
    pub email: &'static [&'static str],
    pub name: &'static [&'static str],
}

/// How many grants a provider keeps for one person and one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantLimit {
    /// The next one silently takes the place of the oldest.
    pub grants: usize,
    /// From here on people are told.
    pub warn_from: usize,
}

/// How a kind of authorization server speaks: parameter names, units, words.
#[derive(Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Dialect {
    /// What people call it: "Zoho".
    pub display_name: &'static str,
    /// Fixed parameters of the device authorization request.
    pub device_request: &'static [(&'static str, &'static str)],
    /// The client authenticates to the device authorization endpoint as well (RFC 8628 §3.1).
    pub authenticates_device_request: bool,
    /// How clients with a secret say who they are, unless the provider's metadata or the configuration tells.
    pub client_authentication: &'static [ClientAuthentication],
    /// `grant_type` of the poll.
    pub device_grant_type: &'static str,
    /// The name under which the poll carries the device code.
    pub device_code_parameter: &'static str,
    pub scope_separator: &'static str,
    /// How answers name the scopes that they grant.
    pub scope_names: granted::ScopeNames,
    /// Nothing is approved where no scope is asked for.
    pub needs_scope: bool,
    /// Tokens are given to no client without its secret, of whatever type it is.
    pub needs_secret: bool,
    /// Its client ids have no blanks, so that one with a blank is a mistake.
    pub client_ids_are_words: bool,
    /// What else data centers are called: word, code.
    pub data_center_aliases: Pairs,
    /// Fixed parameters of the authorization request that a browser opens (RFC 6749 §4.1.1).
    pub authorization_request: &'static [(&'static str, &'static str)],
    /// The same where one of these scopes is asked for.
    pub authorization_request_by_scope: &'static [(&'static str, (&'static str, &'static str))],
    /// Parameters by which the browser's way back names the account's data center.
    pub callback_location: &'static [&'static str],
    /// The parameter by which the browser's way back names the account's accounts server.
    pub callback_accounts_server: Option<&'static str>,
    /// Names of the address at which people type the code.
    pub verification_uri_fields: &'static [&'static str],
    /// Names of the address that has the code in it.
    pub verification_uri_complete_fields: &'static [&'static str],
    /// The verification address may be on another public host (Google's and Microsoft's are), not the provider's only.
    pub verification_on_any_host: bool,
    /// Where the page for codes is on the accounts server, used when an answer names none.
    pub verification_path: Option<&'static str>,
    pub intervals: Intervals,
    /// Values from here on are milliseconds, below it seconds; `None` for servers that send seconds only.
    pub interval_milliseconds_from: Option<u64>,
    /// As above, for `expires_in` of a device code.
    pub lifetime_milliseconds_from: Option<u64>,
    /// As above, for `expires_in` of an access token.
    pub token_life_milliseconds_from: Option<u64>,
    /// `error` words of the poll. Words that are not listed end the sign-in.
    pub poll_errors: &'static [(&'static str, PollError)],
    /// `error` words of a refresh that mean the refresh token is gone for good.
    pub refresh_refusals: &'static [&'static str],
    /// The same for words that mean other things as well: with a part of the sentence beside it, in small letters.
    pub refresh_refusals_by_sentence: &'static [(&'static str, &'static str)],
    /// `error` words with their sentences by which a server that answers 401 means the client (RFC 6749 §5.2), and not the person.
    pub client_refusals: &'static [(&'static str, &'static str)],
    /// Fields, in order of trust, that name the data center after [`PollError::Relocated`].
    pub location_fields: &'static [&'static str],
    /// A body with `"status":"failure"` and no token means that requests come too often, whatever its words, which are
    /// localised.
    pub failure_status_is_throttle: bool,
    /// How long to leave the token endpoint alone after a throttle answer that names no time.
    pub throttle_pause: Duration,
    /// How many access tokens one refresh token may mint in which time.
    pub mint_limit: Option<MintLimit>,
    /// How many grants are kept; `None` where nobody says.
    pub grant_limit: Option<GrantLimit>,
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// The `status` by which the answer to a revocation says that it worked; `None` where an empty body does (RFC 7009 §2.2)
    /// and those that servers send instead.
    pub revoked_status: Option<&'static str>,
    /// What ends with a refresh token that is revoked.
    pub revocation_ends: RevocationEnds,
    pub account_fields: AccountFields,
    /// The word before the token in `Authorization`.
    pub api_scheme: &'static str,
    /// What its APIs mean by their answers.
    pub api: &'static answers::ApiDialect,
    /// The user's name with which its git servers take a token for a password; `None` where it has no such servers.
    pub git_username: Option<&'static str>,
    /// What the names of variables begin with that other programs of this provider read, beside this program's own.
    pub variable_prefix: Option<&'static str>,
    /// The products of its APIs are those of the catalogue.
    pub has_products: bool,
    /// The scope that lets the account be read and little else, proposed where nobody names one.
    pub default_scope: &'static str,
    /// What is offered where the catalogue has nothing, each with its words; there are more.
    pub scopes: Pairs,
    /// What kind of client to register, and where, in one sentence.
    pub registration: &'static str,
    /// The same for clients that get codes from a browser, or made by hand.
    pub web_registration: &'static str,
    /// How a person makes a code by hand, as a sentence.
    pub code_by_hand: &'static str,
    /// What its error words mean; the first table that knows a word decides.
    pub error_words: &'static [explained::Table],
    /// Where, on the accounts server's site, a person takes the access of an app back.
    pub removal_by_hand: Option<&'static str>,
}

impl Dialect {
    /// The products whose APIs are known.
    pub fn products(&self) -> &'static [catalog::Product] {
        if self.has_products { &catalog::PRODUCTS } else { &[] }
    }

    /// What a new profile begins with: who signed in can be told, and where the dialect has a scope for that, it stays so.
    pub fn first_scopes(&self) -> Vec<&'static str> {
        let lasting = self.scopes.iter().map(|(scope, _)| scope);
        let lasting = lasting.filter(|scope| self.scope_names.of_refresh_token.contains(scope));
        iter::once(self.default_scope).chain(lasting).collect()
    }
}

/// What ends when a refresh token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationEnds {
    /// The grant that it belongs to, and no other.
    ThatGrant,
    /// Every grant that the person gave to the client.
    AllOfThePerson,
    Unknown,
}

/// Bounds and defaults of the device flow's times.
#[derive(Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Used when the server names none (RFC 8628 §3.2).
    pub default: Duration,
    pub shortest: Duration,
    pub longest: Duration,
    pub default_lifetime: Duration,
    pub longest_lifetime: Duration,
}

/// What a poll's `error` word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollError {
    Pending,
    SlowDown,
    /// Approved, but the account lives in another data center.
    Relocated,
    Denied,
    Expired,
}

/// How many access tokens may be minted from one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintLimit {
    pub tokens: usize,
    pub window: Duration,
}
