//! The router of one data center, and what all its handlers share: the state, parameters, tokens in headers.
//!
//! Every request passes [`guard`] first.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::accounts::{Accounts, DataCenter, Person};
use super::hosts::Hosts;
use super::{Addresses, DataCenterAddresses, apis, oauth, pages, random};
use crate::clock;

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
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
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

/// All that one data center answers.
pub(super) fn router(site: Site) -> Router {
    Router::new()
        .merge(oauth::router())
        .merge(apis::router())
        .merge(pages::router(site.data_center))
        .fallback(apis::unknown_path)
        .method_not_allowed_fallback(apis::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(site.clone(), guard))
        .with_state(site)
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

/// Turns away requests under a foreign name, and adds the security headers to every answer. A page may have a policy of its own.
async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = if host.is_some_and(|host| site.hosts.allow(host)) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "The demo server does not answer under this name.\n").into_response()
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The parameters of a request, from wherever Zoho takes them: HTTP Basic, a form body, the query.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter, empty where it is missing.
    pub(super) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let headers = request.headers();
        let mut parameters = Vec::new();
        if let Some((id, secret)) = basic_credentials(headers) {
            parameters.extend([("client_id".to_owned(), id), ("client_secret".to_owned(), secret)]);
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        if is_form {
            parameters.extend(form_urlencoded::parse(&body).into_owned());
        }
        parameters.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok(Self(parameters))
    }
}

/// Zoho takes both its own word and the standard's before the token.
fn access_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_known = ["Zoho-oauthtoken", "Bearer"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    is_known.then(|| token.trim())
}

/// The user and password of HTTP Basic (RFC 7617).
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(decode_base64(encoded.trim())?).ok()?;
    decoded.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(six)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{access_token, basic_credentials};

    fn authorization(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn basic_credentials_are_decoded_or_refused() {
        let credentials = |value| basic_credentials(&authorization(value));
        let expected = Some(("1000.ABC".to_owned(), "s3cret/+".to_owned()));
        assert_eq!(credentials("Basic MTAwMC5BQkM6czNjcmV0Lys="), expected);
        assert_eq!(credentials("basic MTAwMC5BQkM6czNjcmV0Lys"), expected);
        assert_eq!(credentials("Basic not*base64"), None);
        assert_eq!(credentials("Basic /////w=="), None);
        assert_eq!(credentials("Bearer MTAwMC5BQkM6czNjcmV0Lys="), None);
    }

    #[test]
    fn both_words_before_a_token_are_taken() {
        assert_eq!(access_token(&authorization("Zoho-oauthtoken 1000.a")), Some("1000.a"));
        assert_eq!(access_token(&authorization("bearer 1000.a")), Some("1000.a"));
        assert_eq!(access_token(&authorization("Basic 1000.a")), None);
        assert_eq!(access_token(&authorization("1000.a")), None);
    }
}
