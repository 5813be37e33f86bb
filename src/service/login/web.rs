//! The sign-in through a browser: an address to open, and the way back from it by hand or over loopback.

mod listener;

use std::collections::BTreeSet;

use url::Url;

use self::listener::RedirectListener;
use super::attempt::Attempt;
use super::{SignIn, SignedIn, check_way};
use crate::config::Profile;
use crate::error::{Advice, Code, Error, Value, Way};
pub use crate::oauth::authorization::Callback;
use crate::oauth::authorization::{AuthorizationRequest, CallbackProblem};
use crate::oauth::wire::Approval;
use crate::providers::explained::Place;
use crate::providers::standard;
use crate::random;
use crate::registered::RedirectUri;
use crate::service::Service;

/// The person, or somebody for them, said No (RFC 6749 §4.1.2.1).
const ACCESS_DENIED: &str = "access_denied";

/// Answers that are told though they are none of this sign-in's. Any page on this machine may send more.
const MOST_TOLD: usize = 5;

/// One sign-in through a browser, from the address to open to the code that comes back.
pub struct WebSignIn {
    attempt: Attempt,
    request: AuthorizationRequest,
    uri: Url,
    listener: Option<RedirectListener>,
    /// The redirect URI is on this machine, and somebody else is heard there.
    is_taken: bool,
}

/// What an address meant that a person pasted or a browser opened.
pub enum CameBack {
    /// The code to finish with.
    Approved(Callback),
    /// It was not the answer; the right one may still come.
    Strange(Error),
    /// Nothing tells whose it is, so that a person has to say whether to take it.
    CodeAlone(Callback),
}

impl Service {
    /// Prepares a sign-in through a browser. Listens at the profile's redirect URI if that is on loopback and free.
    pub async fn begin_web(&self, profile: &Profile, options: SignIn) -> Result<WebSignIn, Error> {
        check_way(profile, Some(Way::Web))?;
        let what = format!("profile `{}` cannot sign in through a browser", profile.name);
        let redirect_uri = profile.redirect_uri.clone().ok_or_else(|| {
            Error::new(Code::Config, &what).because("no `redirect_uri` is configured").advise(
                Advice::EditValue(profile.name.clone(), Value::RedirectUri)
                    .after("give the one that the client is registered with: "),
            )
        })?;
        self.check_scopes(profile, &options)?;
        let attempt = Attempt::begin(self, profile, options, None).await?;
        let Some(endpoint) = attempt.home.endpoints.authorization.clone() else {
            return Err(Error::new(Code::Config, what)
                .because(match standard::oddity(&attempt.home.endpoints.odd, standard::AUTHORIZATION) {
                    Some(odd) => odd.to_string(),
                    None => format!("provider `{}` is not known to have an authorization endpoint", profile.provider),
                })
                .advise("give `authorization_endpoint` for the provider"));
        };
        let listener = if redirect_uri.is_loopback() { RedirectListener::bind(&redirect_uri).await } else { None };
        let is_taken = listener.is_none() && redirect_uri.url().scheme() == "http";
        let redirect_uri = listener.as_ref().map_or(redirect_uri, |listener| listener.redirect_uri().clone());
        let random = || random::bytes().map_err(|error| attempt.without_random_numbers(&error));
        let request = AuthorizationRequest::new(redirect_uri, random()?, random()?);
        let uri = request.uri(&endpoint, &attempt.provider, &attempt.client, &attempt.scopes);
        Ok(WebSignIn { attempt, request, uri, listener, is_taken })
    }
}

impl WebSignIn {
    /// What a person has to open in a browser.
    pub fn uri(&self) -> &Url {
        &self.uri
    }

    /// How the address begins on which the browser ends.
    pub fn redirect_uri(&self) -> &RedirectUri {
        self.request.redirect_uri()
    }

    /// Whether another program has the redirect URI's port, so that it would be handed the code.
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// Whether a browser on this machine is heard at the redirect URI.
    pub fn is_listening(&self) -> bool {
        self.listener.is_some()
    }

    /// Reads an address that a person pasted.
    ///
    /// # Errors
    ///
    /// The provider refused, or what it sent must not be used: this request is over.
    pub fn read(&self, address: &str) -> Result<CameBack, Error> {
        let Attempt { provider, home, profile, .. } = &self.attempt;
        let problem = match self.request.read_callback(provider, home, address) {
            Ok(callback) => return Ok(CameBack::Approved(callback)),
            Err(problem) => problem,
        };
        let what = format!("profile `{}` could not be signed in", profile.name);
        let strange = |message: &str, what_helps: Vec<Advice>| {
            Ok(CameBack::Strange(Error::new(Code::Usage, message).advise_all(what_helps)))
        };
        Err(match problem {
            CallbackProblem::OtherAddress(expected) => {
                return strange(
                    "that is not the address on which the browser ends",
                    vec![format!("copy the whole address from the browser; it begins with {expected}").into()],
                );
            }
            CallbackProblem::OtherState => {
                return strange(
                    "that address belongs to another sign-in",
                    vec!["open the address above anew, and paste where that ends".into()],
                );
            }
            CallbackProblem::NoState => {
                return strange(
                    "that address has no `state`, so nothing tells that it belongs to this sign-in",
                    vec![
                        "copy the whole address from the browser, to its end".into(),
                        "if that is the whole one, open the address above anew, and paste where that ends".into(),
                    ],
                );
            }
            CallbackProblem::CodeAlone(code) => {
                return Ok(CameBack::CodeAlone(self.request.with_code_alone(home, code)));
            }
            CallbackProblem::RefusedWithoutState(answer) => {
                let refused = self.attempt.asked(&what, Place::Authorization, home).refused(&answer);
                let answer_is_no = answer.word == ACCESS_DENIED;
                let because = refused.cause().unwrap_or(answer.word);
                let message =
                    format!("an answer without this sign-in's `state` came, so anybody may have sent it: {because}");
                if answer_is_no {
                    let anew =
                        "the sign-in goes on waiting: if that was a slip, open the address above anew and approve";
                    return strange(&message, vec![anew.into()]);
                }
                let so_far = ["the sign-in goes on waiting".into()].into_iter();
                let then = refused.advice.into_iter().map(|advice| advice.after("should the provider have sent it: "));
                return strange(&message, so_far.chain(then).collect());
            }
            CallbackProblem::Refused(answer) => {
                let answer = answer.without(&self.attempt.client.known([self.request.verifier()]));
                let error = self.attempt.asked(&what, Place::Authorization, home).refused(&answer);
                if answer.word == ACCESS_DENIED { Error { code: Code::Denied, ..error } } else { error }
            }
            CallbackProblem::NoCode => Error::new(Code::UntrustedAnswer, what)
                .because("the browser came back without a code")
                .advise("nothing was saved; try again"),
            CallbackProblem::UnknownDataCenter(code) => self.attempt.unknown_data_center(&code),
            CallbackProblem::Rejected(rejected) => Error::new(Code::UntrustedAnswer, what)
                .because(rejected)
                .advise("nothing was saved; make sure that nobody else gave you this address"),
        })
    }

    /// Waits until a browser comes back over loopback with this request's answer, and tells each other answer once. For
    /// ever where nobody listens.
    ///
    /// # Errors
    ///
    /// As [`WebSignIn::read`].
    pub async fn listen(&self, tell: impl Fn(&Error)) -> Result<Callback, Error> {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        let mut told = BTreeSet::new();
        loop {
            let visit = listener.next().await;
            match self.read(&visit.address) {
                Ok(CameBack::Approved(callback)) => {
                    visit.answer("Approved", "You can close this page and go back to the terminal.").await;
                    return Ok(callback);
                }
                // Pages that belong to nobody here do not end the sign-in, and whatever they say is said once.
                Ok(CameBack::Strange(error)) => {
                    if told.len() < MOST_TOLD && told.insert(error.message.clone()) {
                        tell(&error);
                    }
                    visit.answer("Not this sign-in", "This address belongs to another sign-in, or to none.").await;
                }
                Ok(CameBack::CodeAlone(_)) => {
                    visit.answer("Not this sign-in", "This address belongs to another sign-in, or to none.").await;
                }
                Err(error) => {
                    visit.answer("Not signed in", "The terminal tells why.").await;
                    return Err(error);
                }
            }
        }
    }

    /// Exchanges the code at the data center that issued it, and keeps the grant.
    pub async fn finish(self, callback: Callback) -> Result<SignedIn, Error> {
        let Self { attempt, request, .. } = self;
        let data_center = attempt.provider.data_center(&callback.data_center).unwrap_or(&attempt.home).clone();
        let (redirect_uri, verifier) = (Some(request.redirect_uri().clone()), Some(request.verifier().clone()));
        attempt.redeem(Approval::Code { code: callback.code, redirect_uri, verifier }, data_center).await
    }
}
