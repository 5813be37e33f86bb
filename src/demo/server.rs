//! What one data center answers, and what all its handlers share: the state, tokens in headers.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard};

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::accounts::{Accounts, DataCenter, Person};
use super::exchange::{Request, Response, text};
use super::hosts::Hosts;
use super::{Addresses, DataCenterAddresses, apis, oauth, pages, random};
use crate::clock;
use crate::mutex::locked;

/// Requests carry a few hundred bytes.
const BODY_LIMIT: usize = 16 * 1024;

/// What both data centers share.
pub(super) struct Shared {
    pub(super) addresses: Addresses,
    /// What is left of the day's API credits.
    pub(super) credits: AtomicU32,
    /// Proves that a form comes from a page of this demo. Forms of device codes have tokens of their own.
    pub(super) form_token: String,
    accounts: Mutex<Accounts>,
}

impl Shared {
    pub(super) fn new(accounts: Accounts, addresses: Addresses) -> Self {
        Self {
            addresses,
            credits: AtomicU32::new(apis::CREDITS),
            form_token: random::hex(),
            accounts: Mutex::new(accounts),
        }
    }

    pub(super) fn addresses_of(&self, data_center: DataCenter) -> &DataCenterAddresses {
        match data_center {
            DataCenter::Us => &self.addresses.data_centers.us,
            DataCenter::Eu => &self.addresses.data_centers.eu,
        }
    }

    pub(super) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        locked(&self.accounts)
    }
}

/// One data center's server, as its handlers see it.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) data_center: DataCenter,
    pub(super) shared: Arc<Shared>,
    hosts: Hosts,
}

/// Why a call to an API is refused. Each product says it in words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    NoToken,
    InvalidToken,
    MissingScope,
}

impl Site {
    pub(super) fn new(data_center: DataCenter, hosts: Hosts, shared: Arc<Shared>) -> Self {
        Self { data_center, shared, hosts }
    }

    pub(super) fn addresses(&self) -> &DataCenterAddresses {
        self.shared.addresses_of(self.data_center)
    }

    /// The person behind the request's access token, which has to cover one of the `scopes`.
    pub(super) fn authorize(&self, headers: &HeaderMap, scopes: &[&str]) -> Result<Person, Denial> {
        let token = access_token(headers).ok_or(Denial::NoToken)?;
        let accounts = self.shared.accounts();
        let session = accounts.session(self.data_center, token, clock::now()).ok_or(Denial::InvalidToken)?;
        if session.allows(scopes) { Ok(session.person) } else { Err(Denial::MissingScope) }
    }
}

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    // `no-referrer` would take the `Origin` from forms too, and the pages check it.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Answers a request, but for one under a foreign name. A page may have a security policy of its own.
pub(super) async fn answer(site: Site, request: hyper::Request<Incoming>) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = if host.is_some_and(|host| site.hosts.allow(host)) {
        Request::read(request, BODY_LIMIT).await.map_or_else(|refusal| refusal, |request| route(&site, &request))
    } else {
        text(StatusCode::MISDIRECTED_REQUEST, "The demo server does not answer under this name.\n")
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn route(site: &Site, request: &Request) -> Response {
    let path = request.path();
    let route = oauth::route(path).or_else(|| apis::route(path)).or_else(|| pages::route(path, site.data_center));
    match route.map(|route| route.handler(&request.method)) {
        Some(Some(handler)) => handler(site, request),
        Some(None) => apis::wrong_method(path),
        None => apis::unknown_path(),
    }
}

/// Zoho takes both its own word and the standard's before the token.
fn access_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_known = ["Zoho-oauthtoken", "Bearer"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    is_known.then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use hyper::header::{self, HeaderMap, HeaderValue};

    use super::access_token;

    fn authorization(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn both_words_before_a_token_are_taken() {
        assert_eq!(access_token(&authorization("Zoho-oauthtoken 1000.a")), Some("1000.a"));
        assert_eq!(access_token(&authorization("bearer 1000.a")), Some("1000.a"));
        assert_eq!(access_token(&authorization("Basic 1000.a")), None);
        assert_eq!(access_token(&authorization("1000.a")), None);
    }
}
