//! The authorization request that a browser opens, and the way back from it (RFC 6749 §4.1.1 and §4.1.2, with PKCE,
//! RFC 7636, and the issuer's name, RFC 9207).
//!
//! Makes and reads addresses only. Whatever comes back came through a browser, so nothing of it is trusted before the
//! state that was sent out comes with it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use super::Client;
use super::wire::ServerError;
use crate::providers::{DataCenter, Provider};
use crate::secret::Secret;
use crate::untrusted::{Rejected, Untrusted};

/// Random bytes of a state or a verifier: 43 characters, the least that RFC 7636 §4.1 allows, hold 256 bits.
pub type Randomness = [u8; 32];

/// One request for an approval in a browser, until its answer comes back.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    redirect_uri: Url,
    /// What ties the answer to this request.
    state: Secret,
    /// What ties the code to whoever asked for it; its hash travels first.
    verifier: Secret,
}

/// What the browser brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub code: Secret,
    /// The data center that issued the code.
    pub data_center: String,
}

/// Why an address is not the answer that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackProblem {
    /// Another address altogether; the right one begins like this.
    OtherAddress(String),
    /// It belongs to another request, or somebody made it up.
    OtherState,
    /// The person declined, or the provider did.
    Refused(ServerError),
    /// It has no code.
    NoCode,
    /// The account lives in a data center that the provider's table does not know.
    UnknownDataCenter(String),
    Rejected(Rejected),
}

impl From<Rejected> for CallbackProblem {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl AuthorizationRequest {
    pub fn new(redirect_uri: Url, state: Randomness, verifier: Randomness) -> Self {
        let text = |random: Randomness| Secret::new(BASE64_URL_SAFE_NO_PAD.encode(random));
        Self { redirect_uri, state: text(state), verifier: text(verifier) }
    }

    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// What has to be presented with the code (RFC 7636 §4.5).
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// The address to open, made of the provider's authorization endpoint.
    pub fn uri(&self, endpoint: &Url, provider: &Provider, client: &Client, scopes: &[String]) -> Url {
        let challenge = digest::digest(&digest::SHA256, self.verifier.expose().as_bytes());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
        let mut uri = endpoint.clone();
        uri.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("scope", &scopes.join(provider.dialect.scope_separator))
            .extend_pairs(provider.dialect.authorization_request)
            .extend_pairs(&provider.parameters)
            .append_pair("state", self.state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        uri
    }

    /// Reads the address on which the browser ended. `home` issued the code unless the address names another data center.
    ///
    /// # Errors
    ///
    /// With [`CallbackProblem::OtherAddress`] and [`CallbackProblem::OtherState`] the right address may still come; the
    /// others end the request.
    pub fn read_callback(
        &self,
        provider: &Provider,
        home: &DataCenter,
        address: &str,
    ) -> Result<Callback, CallbackProblem> {
        let other_address = || CallbackProblem::OtherAddress(self.redirect_uri.to_string());
        let address = Url::parse(address.trim()).map_err(|_| other_address())?;
        let is_ours = address.origin() == self.redirect_uri.origin() && address.path() == self.redirect_uri.path();
        if !is_ours {
            return Err(other_address());
        }
        let parameter = |name: &str| {
            let mut values = address.query_pairs().filter(|(key, _)| key == name);
            values.next().filter(|_| values.next().is_none()).map(|(_, value)| Untrusted::new(value))
        };
        let state = parameter("state").and_then(|state| state.token("a state").map(str::to_owned).ok());
        if state.as_deref() != Some(self.state.expose()) {
            return Err(CallbackProblem::OtherState);
        }
        check_unambiguous(&address)?;
        if let Some(error) = parameter("error") {
            let description = parameter("error_description").map(|text| text.line());
            return Err(CallbackProblem::Refused(ServerError { word: error.line(), description }));
        }
        check_issuer(parameter("iss").as_ref(), home)?;
        let code = parameter("code").filter(|code| !code.is_empty()).ok_or(CallbackProblem::NoCode)?;
        let data_center = named_data_center(provider, home, parameter)?;
        Ok(Callback { code: Secret::new(code.token("an authorization code")?), data_center: data_center.code.clone() })
    }
}

/// The data center that the address names, in whichever way; only those of the provider's table are taken.
fn named_data_center<'a>(
    provider: &'a Provider,
    home: &'a DataCenter,
    parameter: impl Fn(&str) -> Option<Untrusted>,
) -> Result<&'a DataCenter, CallbackProblem> {
    let dialect = provider.dialect;
    let named = match dialect.callback_location.iter().find_map(|name| parameter(name)) {
        Some(location) => {
            let unknown = || CallbackProblem::UnknownDataCenter(location.line());
            let code = location.word().ok_or_else(unknown)?;
            Some(provider.data_center(code).ok_or_else(unknown)?)
        }
        None => None,
    };
    let Some(server) = dialect.callback_accounts_server.and_then(parameter) else {
        return Ok(named.unwrap_or(home));
    };
    let field = "an accounts server";
    let origin = server.url(field)?.origin();
    let mut candidates = match named {
        Some(named) => vec![named],
        None => provider.data_centers.iter().collect(),
    };
    candidates.retain(|data_center| data_center.accounts_origins().any(|own| own == origin));
    let known = candidates.first().copied();
    known.ok_or(CallbackProblem::Rejected(Rejected { field, problem: "is not the one of the account's data center" }))
}

/// A parameter that comes twice could mean one thing here and another elsewhere (RFC 6749 §3.1).
fn check_unambiguous(address: &Url) -> Result<(), Rejected> {
    let mut names: Vec<_> = address.query_pairs().map(|(name, _)| name).collect();
    names.sort_unstable();
    let has_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    if has_twice { Err(Rejected { field: "an address", problem: "has a parameter twice" }) } else { Ok(()) }
}

/// A server that names itself must be the one that was asked (RFC 9207 §2.4).
fn check_issuer(named: Option<&Untrusted>, home: &DataCenter) -> Result<(), Rejected> {
    let Some(named) = named else { return Ok(()) };
    let field = "an issuer";
    let named = named.url(field)?;
    let (known, endpoints) = (&home.accounts_server, &home.endpoints);
    // Some name themselves with a slash at the end and some without.
    let is_same = named.as_str().trim_end_matches('/') == known.as_str().trim_end_matches('/');
    // Of a server that is given by its endpoints alone, no more is known than where the browser was sent.
    let is_opened = || endpoints.authorization.as_ref().is_some_and(|opened| opened.origin() == named.origin());
    if is_same || (*known == endpoints.token && is_opened()) {
        Ok(())
    } else {
        Err(Rejected { field, problem: "is not the one that was asked" })
    }
}

#[cfg(test)]
mod tests;
