//! What a provider's No means to whoever asked: one text for signing in, refreshing and revoking.
//!
//! Meanings, causes and next steps are data in `providers::explained`; here they meet the profile, the client and the data
//! center. What is said of connections and of the store is in `service`.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::{endpoints, transport_error};
use crate::clock;
use crate::config::{Profile, SecretSource};
use crate::error::{Advice, Code, Error};
use crate::http::trouble::Trouble;
use crate::oauth::Client;
use crate::oauth::token::NoToken;
use crate::oauth::wire::{ServerError, Unreadable, is_same_endpoint, is_token_gone_by_sentence};
use crate::providers::explained::{
    Explanation, Facts, NO_REFRESH_TOKEN, Place, THROTTLED, UNAUTHENTICATED, UNREADABLE, look_up, look_up_answer,
};
use crate::providers::{DataCenter, Dialect, Provider, catalog, explained};

/// Where the provider may have replaced the refresh token, and nobody can tell, that nothing is lost is not said.
const TRY_LATER: &str = "try again later; what is stored stays as it is";

/// How a person takes access back at a provider of which no more is known.
pub(super) const REMOVAL_BY_HAND: &str = "remove the access by hand in the account's settings at the provider";

/// A request to an accounts server: who asked for what, and where.
pub(super) struct Asked<'a> {
    /// What failed if it was refused: "profile `work` could not be signed in".
    pub(super) what: &'a str,
    pub(super) place: Place,
    pub(super) provider: &'a Provider,
    pub(super) data_center: &'a DataCenter,
    pub(super) profile: &'a Profile,
    /// Those that were asked for, if any were.
    pub(super) scopes: &'a [String],
    pub(super) client: &'a Client,
}

impl Asked<'_> {
    /// The server answered with an error word. One that is not known is shown as it came.
    pub(super) fn refused(&self, answer: &ServerError) -> Error {
        let dialect = self.provider.dialect;
        // Where the sentence says what is meant, the word says something else.
        let is_by_sentence = self.place == Place::Refresh && is_token_gone_by_sentence(dialect, answer);
        let refusal = dialect.refresh_refusals.first().filter(|_| is_by_sentence).copied();
        let word = refusal.unwrap_or(&answer.word);
        let Some(explained) = self.explain_answer(word, answer.description.as_deref(), None) else {
            let name = self.provider.dialect.display_name;
            let (code, hint) = match self.place {
                Place::Refresh => (Code::Provider, TRY_LATER),
                _ => (Code::Other, "the word is the provider's own; its documentation may explain it"),
            };
            return Error::new(code, self.what)
                .because(format!("{name} answered {answer}"))
                .said_as(&answer.word)
                .advise(hint);
        };
        let wants_secret = explained.wants_secret;
        let mut error = self.error(explained, Some(answer.to_string())).said_as(&answer.word);
        if error.code == Code::InvalidScope && self.provider.dialect.has_products {
            // What is known about the very scopes that were asked for comes before what may be.
            error.causes.splice(..0, self.scopes.iter().filter_map(|scope| catalog::likely_meant(scope)));
        }
        let is_for_sign_in = !matches!(self.place, Place::Refresh | Place::Revocation);
        if error.code == Code::InvalidScope && is_for_sign_in && self.scopes != self.profile.scopes {
            // Those of the profile are not to blame.
            let (scopes, name) = (self.scopes.join(", "), &self.profile.name);
            let correct =
                format!("check the scopes that were asked for in place of those of profile `{name}`: {scopes}");
            let list = self.provider.dialect.has_products.then_some(Advice::ListScopes);
            error = error.advise_only(correct).advise_all(list);
        }
        let give = Advice::GiveSecret(Some(self.profile.name.clone()));
        if self.place == Place::DeviceAuthorization || !wants_secret {
            let is_of_store = error.code == Code::InvalidClientSecret && self.has_secret_from_store();
            return error.advise_all(is_of_store.then_some(give));
        }
        if error.code == Code::InvalidClientSecret {
            let name = self.provider.dialect.display_name;
            let cause =
                format!("no client secret is known for it, and {name} does not take the client without one ({answer})");
            return Error { causes: Vec::new(), ..error }.because(cause).advise_only(give);
        }
        error.advise_only(give)
    }

    /// The server asks for fewer requests, until a time if one is known.
    pub(super) fn throttled(&self, until: Option<Timestamp>) -> Error {
        self.spoken_for(THROTTLED, until)
    }

    /// The same, for a length of time if the server named one.
    pub(super) fn throttled_for(&self, pause: Option<Duration>) -> Error {
        self.throttled(until(pause))
    }

    /// Something answered that does not speak for the endpoint.
    pub(super) fn garbled(&self, trouble: Trouble, status: u16) -> Error {
        let of_status = explained::status(status);
        match self.explain(&of_status, None) {
            Some(explained) => self.error(explained, Some(of_status)),
            None => self.spoken_for(UNREADABLE, None).because(trouble.of_answer(&host(self.data_center), status)),
        }
    }

    /// Where the request went: the key of the address, and the address where the provider has one.
    fn endpoint(&self) -> (&'static str, Option<&Url>) {
        let endpoints = &self.data_center.endpoints;
        match self.place {
            Place::DeviceAuthorization => (endpoints::DEVICE_AUTHORIZATION, endpoints.device_authorization.as_ref()),
            Place::Authorization => (endpoints::AUTHORIZATION, endpoints.authorization.as_ref()),
            Place::Revocation => {
                (endpoints::REVOCATION, endpoints.revocation.first().map(|revocation| &revocation.url))
            }
            Place::Poll | Place::PollAfterMove => (endpoints::TOKEN, Some(&endpoints.device_token)),
            Place::CodeExchange | Place::Refresh => (endpoints::TOKEN, Some(&endpoints.token)),
        }
    }

    /// The endpoint is somewhere else. Nothing is followed, since that could carry a secret to another host.
    pub(super) fn moved(&self, status: u16, to: &Url) -> Error {
        let DataCenter { accounts_server, endpoints, .. } = self.data_center;
        let (key, asked) = self.endpoint();
        let host = host(self.data_center);
        let is_own = [accounts_server, &endpoints.token].iter().any(|own| own.origin() == to.origin());
        let is_same = asked.is_some_and(|asked| is_same_endpoint(asked, to));
        let to = self.client.known([]).blot(to.as_str());
        let (cause, hint) = if is_same {
            (
                format!("{host} says that it is to be asked at {to} (HTTP {status}), and redirects are never followed"),
                format!("write `{key} = \"{to}\"` for the provider"),
            )
        } else {
            (
                format!("{host} leads to {to} (HTTP {status}), which is a page for people and no endpoint"),
                format!("compare `{key}` of the provider with its documentation"),
            )
        };
        if is_own {
            let causes = [
                format!("the address in `{key}` is not that of the endpoint"),
                "the server has people sign in there, since it does not know who the client is".to_owned(),
            ];
            let causes = if is_same { Vec::new() } else { causes.into() };
            return Error::new(Code::Config, self.what).because(cause).likely(causes).advise(hint);
        }
        Error::new(Code::Provider, self.what)
            .because(cause)
            .likely(vec![
                "a network's sign-in page answered in its place".to_owned(),
                format!("{host} has moved for good"),
            ])
            .advise(format!(
                "open a web page to see whether the network wants a sign-in; if the provider itself has moved, {hint}"
            ))
    }

    /// The answer could not be read as one. The advice is for one that must not be used.
    pub(super) fn unreadable(&self, answer: Unreadable, advice: Vec<Advice>) -> Error {
        match answer {
            Unreadable::Throttled(pause) => self.throttled_for(pause),
            Unreadable::Garbled { status, trouble } => self.garbled(trouble, status),
            Unreadable::Moved { status, to } => self.moved(status, &to),
            Unreadable::Rejected(rejected) | Unreadable::RefreshTokenAlone { rejected, .. } => {
                Error::new(Code::UntrustedAnswer, self.what).because(rejected).advise_all(advice)
            }
        }
    }

    /// The token endpoint gave no token.
    pub(super) fn without_token(&self, answer: NoToken) -> Error {
        let is_lost = answer.is_lost();
        let error = match answer {
            NoToken::Refused(error) | NoToken::Error(error) => self.refused(&error),
            NoToken::Unreadable(answer) => self.unreadable(answer, Vec::new()),
            NoToken::Transport(failure) => transport_error(self.what, &failure),
        };
        if is_lost { Error { advice: self.after_a_lost_answer(), ..error } } else { error }
    }

    /// What to do where the server may have acted, and nobody can tell.
    fn after_a_lost_answer(&self) -> Vec<Advice> {
        match self.place {
            Place::Refresh => vec![
                "try again: what is stored stays as it is".into(),
                self.sign_in().after("where the answer had a new refresh token the next try is refused, and then "),
            ],
            _ => vec![self.sign_in().after("the code may be used up by now: ").and(" for a new one")],
        }
    }

    fn sign_in(&self) -> Advice {
        Advice::SignIn(self.profile.name.clone())
    }

    /// What tells one refusal from another, of one that neither says that the grant is over nor what else is wrong.
    pub(super) fn doubtful_answer(&self, answer: &NoToken) -> Option<String> {
        match answer {
            NoToken::Error(error) => {
                let code = look_up(self.provider.dialect.error_words, self.place, &error.word).map(|known| known.code);
                let is_doubtful = matches!(code, None | Some(Some(Code::Other | Code::SignInNeeded)));
                (is_doubtful || error.word == UNAUTHENTICATED).then(|| error.word.clone())
            }
            NoToken::Unreadable(Unreadable::Garbled { status, trouble }) => {
                // That the address is none is the word of what stands before a server that starts anew.
                let is_refusal = matches!(status, 400 | 401 | 403 | 422);
                (is_refusal && !matches!(trouble, Trouble::Portal | Trouble::ServerError))
                    .then(|| format!("HTTP {status}"))
            }
            _ => None,
        }
    }

    /// A refusal that proves nothing, and came that many times in a row.
    pub(super) fn doubted(&self, answer: NoToken, times: u32) -> Error {
        let error = self.without_token(answer);
        if times == 1 {
            return if error.code == Code::Provider {
                error.advise_only(TRY_LATER).advise(self.sign_in().after("if that stays so, "))
            } else {
                error
            };
        }
        let error = Error { code: Code::SignInNeeded, ..error };
        error.adding(format!("that was the answer {times} times in a row")).advise_only(self.sign_in())
    }

    /// There is nothing to refresh with.
    pub(super) fn without_refresh_token(&self) -> Error {
        self.spoken_for(NO_REFRESH_TOKEN, None)
    }

    /// The refresh token was refused earlier, so nobody is asked again.
    pub(super) fn refused_before(&self) -> Error {
        let word = self.provider.dialect.refresh_refusals.first().copied().unwrap_or_default();
        let error = self.spoken_for(word, None);
        error.because(format!("{} refused this grant before", self.provider.dialect.display_name))
    }

    /// The grant has ended without a word of the provider's.
    pub(super) fn ended(&self, why: &str) -> Error {
        Error::new(Code::SignInNeeded, self.what).because(why).advise(self.sign_in())
    }

    /// The person, or the provider for them, answered No.
    pub(super) fn denied(&self, answer: &ServerError) -> Error {
        let error = match &answer.description {
            Some(_) => self.refused(answer),
            None => self.spoken_for("access_denied", None),
        };
        Error { code: Code::Denied, message: "the request was declined".to_owned(), ..error }
    }

    /// Nobody answered in time.
    pub(super) fn expired(&self) -> Error {
        let error = self.spoken_for("expired_token", None);
        let message = error.cause().unwrap_or_else(|| "the code ran out".to_owned());
        Error { code: Code::CodeExpired, message, sources: Vec::new(), ..error }
    }

    /// The same where it is not known that nobody did.
    pub(super) fn ran_out(&self) -> Error {
        Error { message: "the code ran out".to_owned(), causes: Vec::new(), ..self.expired() }
    }

    /// How a person takes the access back without this program.
    pub(super) fn removal_by_hand(&self) -> String {
        let DataCenter { code, accounts_server, .. } = self.data_center;
        // Where there are no data centers the name says where, and the accounts server may be an endpoint without a page.
        let site = if code.is_empty() {
            self.provider.dialect.display_name
        } else {
            accounts_server.as_str().trim_end_matches('/')
        };
        match self.provider.dialect.removal_by_hand {
            Some(page) => format!("remove the access by hand at {site} ({page})"),
            None => REMOVAL_BY_HAND.to_owned(),
        }
    }

    /// Whether the client's secret was sent; `None` where nobody is asked for one.
    fn sends_secret(&self) -> Option<bool> {
        let is_wanted = match self.place {
            Place::DeviceAuthorization => self.provider.dialect.authenticates_device_request,
            place => place != Place::Authorization,
        };
        is_wanted.then(|| self.client.secret_at(&self.data_center.code).is_some())
    }

    /// Where the secret is from that was sent, which is where another one has to go.
    fn secret_place(&self) -> String {
        let Profile { name, client_secret, client_secret_files, .. } = self.profile;
        let in_file = |path: &Path| format!("into the file {}", path.display());
        if let Some(path) = client_secret_files.get(&self.data_center.code) {
            return in_file(path);
        }
        match (self.client.secret_variable, client_secret) {
            (Some(variable), _) => {
                format!("into the variable `{variable}`, which goes before what profile `{name}` has")
            }
            (None, SecretSource::Variable(variable)) => format!("into the variable `{variable}`"),
            (None, SecretSource::File(path)) => in_file(path),
            (None, SecretSource::Store) => format!("where profile `{name}` has it"),
        }
    }

    fn has_secret_from_store(&self) -> bool {
        let Profile { client_secret, client_secret_files, .. } = self.profile;
        self.client.secret_variable.is_none()
            && matches!(client_secret, SecretSource::Store)
            && !client_secret_files.contains_key(&self.data_center.code)
    }

    /// A word that this program says for the server.
    fn spoken_for(&self, word: &str, until: Option<Timestamp>) -> Error {
        match self.explain(word, until) {
            Some(explained) => self.error(explained, None),
            None => Error::new(Code::Provider, self.what).because(word).advise(self.sign_in()),
        }
    }

    fn error(&self, explained: Explanation, detail: Option<String>) -> Error {
        let Explanation { code, meaning, causes, next, .. } = explained;
        let cause = match detail {
            Some(detail) => format!("{meaning} ({detail})"),
            None => meaning,
        };
        Error::new(code.unwrap_or(Code::Provider), self.what).because(cause).likely(causes).advise(next)
    }

    fn explain(&self, word: &str, until: Option<Timestamp>) -> Option<Explanation> {
        self.explain_answer(word, None, until)
    }

    fn explain_answer(&self, word: &str, description: Option<&str>, until: Option<Timestamp>) -> Option<Explanation> {
        let dialect = self.provider.dialect;
        let later = try_again(until, dialect);
        let endpoint = self.endpoint().1.map_or_else(String::new, |asked| self.client.known([]).blot(asked.as_str()));
        let facts = Facts {
            profile: &self.profile.name,
            provider: dialect.display_name,
            endpoint: &endpoint,
            data_center: &self.data_center.code,
            scopes: &self.scopes.join(", "),
            registration: self.profile.client_type.registration(dialect),
            later: &later,
            by_hand: &self.removal_by_hand(),
            sends_secret: self.sends_secret(),
            secret_place: &self.secret_place(),
        };
        look_up_answer(dialect.error_words, self.place, word, description).map(|entry| entry.explain(&facts))
    }
}

/// When to try again who was asked for fewer requests.
fn try_again(until: Option<Timestamp>, dialect: &Dialect) -> Advice {
    match (until, dialect.throttle_pause.as_secs() / 60) {
        (Some(until), _) => Advice::WaitUntil(until),
        (None, 0 | 1) => "try again in a minute".into(),
        (None, minutes) => format!("try again in {minutes} minutes").into(),
    }
}

/// The same where the server may have named a length of time.
pub(super) fn try_again_after(pause: Option<Duration>, dialect: &Dialect) -> Advice {
    try_again(until(pause), dialect)
}

fn until(pause: Option<Duration>) -> Option<Timestamp> {
    pause.map(|pause| clock::later(clock::wall(), pause))
}

/// The accounts server as people know it.
pub(super) fn host(data_center: &DataCenter) -> String {
    data_center.accounts_server.host_str().unwrap_or("the accounts server").to_owned()
}
