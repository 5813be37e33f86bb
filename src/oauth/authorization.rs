//! The authorization request that a browser opens, and the way back from it (RFC 6749 §4.1.1 and §4.1.2, with PKCE,
//! RFC 7636, and the issuer's name, RFC 9207).
//!
//! Makes and reads addresses only. Whatever comes back came through a browser, so nothing of it is trusted before the
//! state that was sent out comes with it.

mod pasted;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use url::Url;

use self::pasted::{Parameters, Reading};
use super::Client;
use super::wire::ServerError;
use crate::providers::{DataCenter, Dialect, Provider};
use crate::registered::RedirectUri;
use crate::secret::Secret;
use crate::untrusted::{Rejected, Untrusted};

/// Random bytes of a state or a verifier: 43 characters, the least that RFC 7636 §4.1 allows, hold 256 bits.
pub type Randomness = [u8; 32];

/// One request for an approval in a browser, until its answer comes back.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    redirect_uri: RedirectUri,
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
    /// It has a code, but nothing that tells whose it is: maybe its end was not copied.
    NoState,
    /// An error that anybody may have sent, since it has no state. Providers leave that out where they cannot tell the client.
    RefusedWithoutState(ServerError),
    /// A code without anything that tells whose it is. [`AuthorizationRequest::with_code_alone`] takes it all the same.
    CodeAlone(Secret),
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

impl CallbackProblem {
    /// Tells whether no other answer is to be waited for: this one had the request's state.
    pub fn ends_request(&self) -> bool {
        match self {
            Self::OtherAddress(_)
            | Self::OtherState
            | Self::NoState
            | Self::RefusedWithoutState(_)
            | Self::CodeAlone(_) => false,
            Self::Refused(_) | Self::NoCode | Self::UnknownDataCenter(_) | Self::Rejected(_) => true,
        }
    }
}

impl AuthorizationRequest {
    pub fn new(redirect_uri: RedirectUri, state: Randomness, verifier: Randomness) -> Self {
        let text = |random: Randomness| Secret::new(BASE64_URL_SAFE_NO_PAD.encode(random));
        Self { redirect_uri, state: text(state), verifier: text(verifier) }
    }

    pub fn redirect_uri(&self) -> &RedirectUri {
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
            .extend_pairs(fixed_parameters(provider, scopes))
            .extend_pairs(&provider.parameters)
            .append_pair("state", self.state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        uri
    }

    /// Reads what came back: the address on which the browser ended, or what a person copied of it. `home` issued the code
    /// unless the address names another data center.
    ///
    /// # Errors
    ///
    /// With a [`CallbackProblem`] that [ends nothing](CallbackProblem::ends_request) the right answer may still come.
    pub fn read_callback(
        &self,
        provider: &Provider,
        home: &DataCenter,
        came_back: &str,
    ) -> Result<Callback, CallbackProblem> {
        let mut told = CallbackProblem::OtherAddress(self.redirect_uri.to_string());
        for reading in pasted::readings(came_back, &self.redirect_uri) {
            let problem = match reading {
                Reading::Parameters(parameters) => match self.read_parameters(provider, home, &parameters) {
                    Err(problem) if !problem.ends_request() => problem,
                    decided => return decided,
                },
                Reading::CodeAlone(code) => CallbackProblem::CodeAlone(Secret::new(code)),
                Reading::Nothing => continue,
            };
            if matches!(told, CallbackProblem::OtherAddress(_)) {
                told = problem;
            }
        }
        Err(told)
    }

    /// Takes a code of which nobody but the person knows whose it is. The verifier still ties it to this request where
    /// the provider checks that.
    pub fn with_code_alone(&self, home: &DataCenter, code: Secret) -> Callback {
        Callback { code, data_center: home.code.clone() }
    }

    fn read_parameters(
        &self,
        provider: &Provider,
        home: &DataCenter,
        parameters: &Parameters,
    ) -> Result<Callback, CallbackProblem> {
        let parameter = |name: &str| parameters.one(name);
        let refusal = |error: &Untrusted| {
            let description = parameter("error_description").map(|text| text.line());
            ServerError { word: error.line(), description }
        };
        let state = parameter("state").and_then(|state| state.token("a state").map(str::to_owned).ok());
        if state.as_deref() != Some(self.state.expose()) {
            return Err(match parameter("error") {
                Some(error) if !parameters.has("state") => CallbackProblem::RefusedWithoutState(refusal(&error)),
                None if !parameters.has("state") => CallbackProblem::NoState,
                _ => CallbackProblem::OtherState,
            });
        }
        if parameters.has_twice() {
            return Err(Rejected { field: "an address", problem: "has a parameter twice" }.into());
        }
        if let Some(error) = parameter("error") {
            return Err(CallbackProblem::Refused(refusal(&error)));
        }
        check_issuer(parameter("iss").as_ref(), home)?;
        let code = parameter("code").filter(|code| !code.is_empty()).ok_or(CallbackProblem::NoCode)?;
        let data_center = named_data_center(provider, home, parameter)?;
        Ok(Callback {
            code: Secret::new(code.token_of_forms("an authorization code")?),
            data_center: data_center.code.clone(),
        })
    }
}

/// Those of the dialect, and those that a scope wants, but for the ones that the configuration gives.
fn fixed_parameters(provider: &Provider, scopes: &[String]) -> Vec<(&'static str, &'static str)> {
    let Dialect { authorization_request, authorization_request_by_scope, .. } = provider.dialect;
    let of_scopes = authorization_request_by_scope.iter().filter(|(scope, _)| scopes.iter().any(|own| own == scope));
    let mut parameters: Vec<_> =
        authorization_request.iter().chain(of_scopes.map(|(_, parameter)| parameter)).collect();
    parameters.retain(|(name, _)| provider.parameters.iter().all(|(given, _)| given != name));
    parameters.into_iter().copied().collect()
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

/// A server that names itself must be the one that was asked (RFC 9207 §2.4).
fn check_issuer(named: Option<&Untrusted>, home: &DataCenter) -> Result<(), Rejected> {
    let Some(named) = named else {
        // Without the name nobody can tell which server the code is of (RFC 9207 §2.4).
        let problem = "does not name its issuer, though the provider's metadata promises that (RFC 9207)";
        let is_promised = home.endpoints.names_issuer;
        return if is_promised { Err(Rejected { field: "an address", problem }) } else { Ok(()) };
    };
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
