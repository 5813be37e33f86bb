//! Authorization codes: requests for them (RFC 6749 §4.1.1), their short life, and what each is bound to.
//!
//! Zoho's pages are "Authorization request", "Get access token" and "Self client" below
//! <https://www.zoho.com/accounts/protocol/oauth/>.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use super::Refusal;
use super::access::AccessRequest;
use super::people::{DataCenter, Person};
use crate::clock::Moment;
use crate::demo::random;
use crate::untrusted::Untrusted;

/// Room for this many codes; a further one takes the place of the oldest.
pub(super) const CAPACITY: usize = 1_000;
pub(super) const LIFETIME: Duration = Duration::from_secs(2 * 60);
/// The shortest that Zoho's console offers.
pub(super) const SELF_CLIENT_LIFETIME: Duration = Duration::from_secs(3 * 60);

/// A request that a browser has brought and that was found right.
#[derive(Debug)]
pub(in crate::demo) struct AuthorizationRequest {
    pub(in crate::demo) access: AccessRequest,
    /// As it was sent, since the exchange has to repeat it to the letter.
    redirect_uri: String,
    client: Url,
    state: String,
    challenge: Option<Challenge>,
}

/// Why a person sees an error page. Nobody is sent anywhere with it: the address to go back to may be the very mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Mistake {
    Client,
    ResponseType,
    RedirectUri,
    Scope,
    Challenge,
}

impl AuthorizationRequest {
    /// The names of all parameters that a request may have.
    pub(in crate::demo) const PARAMETERS: [&str; 9] = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "access_type",
        "prompt",
        "state",
        "code_challenge",
        "code_challenge_method",
    ];

    /// Reads what `value` knows by the names of [`Self::PARAMETERS`]; what is missing is empty.
    pub(super) fn read<'a>(client_id: &str, value: impl Fn(&str) -> &'a str) -> Result<Self, Mistake> {
        if value("client_id") != client_id {
            return Err(Mistake::Client);
        }
        let client = client_address(value("redirect_uri")).ok_or(Mistake::RedirectUri)?;
        if value("response_type") != "code" {
            return Err(Mistake::ResponseType);
        }
        let (is_offline, asks_again) = (value("access_type") == "offline", value("prompt") == "consent");
        let access = AccessRequest::new(value("scope"), is_offline, asks_again).map_err(|_| Mistake::Scope)?;
        let challenge = Challenge::read(value("code_challenge"), value("code_challenge_method"))?;
        let (redirect_uri, state) = (value("redirect_uri").to_owned(), value("state").to_owned());
        Ok(Self { access, redirect_uri, client, state, challenge })
    }

    /// The scheme, host and port of the address to go back to.
    pub(in crate::demo) fn client_origin(&self) -> String {
        self.client.origin().ascii_serialization()
    }

    /// The address to go back to with these parameters and the request's state.
    pub(in crate::demo) fn answer(&self, parameters: &[(&str, &str)]) -> Url {
        let mut address = self.client.clone();
        let mut query = address.query_pairs_mut();
        query.extend_pairs(parameters);
        if !self.state.is_empty() {
            query.append_pair("state", &self.state);
        }
        drop(query);
        address
    }
}

/// Takes any `https` address and any `http` one on this machine: the demo's client is registered with none, so that all
/// can try it. A real accounts server sends people to registered addresses only (RFC 9700 §2.1).
fn client_address(redirect_uri: &str) -> Option<Url> {
    let address = Untrusted::new(redirect_uri).url("a redirect URI").ok()?;
    address.fragment().is_none().then_some(address)
}

/// What a verifier has to match (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Challenge {
    Plain(String),
    Sha256(String),
}

impl Challenge {
    fn read(challenge: &str, method: &str) -> Result<Option<Self>, Mistake> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let fits = (43..=128).contains(&challenge.len()) && challenge.bytes().all(is_unreserved);
        match (method, challenge) {
            ("", "") => Ok(None),
            ("S256", _) if fits => Ok(Some(Self::Sha256(challenge.to_owned()))),
            ("plain" | "", _) if fits => Ok(Some(Self::Plain(challenge.to_owned()))),
            _ => Err(Mistake::Challenge),
        }
    }

    fn is_met_by(&self, verifier: &str) -> bool {
        match self {
            Self::Plain(challenge) => challenge == verifier,
            Self::Sha256(challenge) => {
                let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
                *challenge == BASE64_URL_SAFE_NO_PAD.encode(hash)
            }
        }
    }
}

/// What a client presents for tokens (RFC 6749 §4.1.3).
#[derive(Clone, Copy)]
pub(in crate::demo) struct CodeExchange<'a> {
    pub(in crate::demo) code: &'a str,
    /// Empty where none is sent.
    pub(in crate::demo) redirect_uri: &'a str,
    /// Empty where none is sent.
    pub(in crate::demo) verifier: &'a str,
}

struct AuthorizationCode {
    code: String,
    person: Person,
    access: AccessRequest,
    /// Empty for a code from the self client.
    redirect_uri: String,
    challenge: Option<Challenge>,
    expires_at: Moment,
}

/// All authorization codes that have not been used, oldest first.
#[derive(Default)]
pub(super) struct AuthorizationCodes {
    codes: VecDeque<AuthorizationCode>,
}

impl AuthorizationCodes {
    /// Issues the code that answers `request`.
    pub(super) fn approve(&mut self, request: &AuthorizationRequest, person: Person, now: Moment) -> String {
        self.add(AuthorizationCode {
            code: random::token("1000"),
            person,
            access: request.access.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            expires_at: now + LIFETIME,
        })
    }

    /// Issues a code that is bound to no browser.
    pub(super) fn issue_by_hand(&mut self, access: AccessRequest, person: Person, now: Moment) -> String {
        self.add(AuthorizationCode {
            code: random::token("1000"),
            person,
            access,
            redirect_uri: String::new(),
            challenge: None,
            expires_at: now + SELF_CLIENT_LIFETIME,
        })
    }

    fn add(&mut self, code: AuthorizationCode) -> String {
        if self.codes.len() >= CAPACITY {
            self.codes.pop_front();
        }
        let text = code.code.clone();
        self.codes.push_back(code);
        text
    }

    /// Spends a code. One that is presented wrongly stays: it was not its owner who came.
    pub(super) fn redeem(
        &mut self,
        data_center: DataCenter,
        exchange: CodeExchange<'_>,
        now: Moment,
    ) -> Result<(Person, AccessRequest), Refusal> {
        self.codes.retain(|code| now < code.expires_at);
        let is_meant = |code: &AuthorizationCode| code.code == exchange.code && code.person.home() == data_center;
        let index = self.codes.iter().position(is_meant).ok_or(Refusal::InvalidCode)?;
        let code = &self.codes[index];
        if code.redirect_uri != exchange.redirect_uri {
            return Err(Refusal::InvalidRedirectUri);
        }
        // A verifier for a code without a challenge tells that somebody took the challenge out (RFC 9700 §4.8.2).
        let is_verified =
            code.challenge.as_ref().map_or(exchange.verifier.is_empty(), |it| it.is_met_by(exchange.verifier));
        if !is_verified {
            return Err(Refusal::InvalidCode);
        }
        let code = self.codes.remove(index).ok_or(Refusal::InvalidCode)?;
        Ok((code.person, code.access))
    }
}
