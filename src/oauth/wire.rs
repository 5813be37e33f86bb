//! Turns requests into form bodies, and answers into what they mean.
//!
//! Reading is lenient where providers differ and strict where it protects: a known word in the body decides
//! before the status, since Zoho sends errors with 200 and others send them with 500; only `invalid_request` says nothing where a
//! server fails itself. A body that is no JSON object is
//! [`Unreadable::Garbled`], which a proxy or captive portal may have sent and is worth another try. Every text passes the
//! check of its field before it leaves this module; what is optional and does not pass is left out.

mod id_token;
mod request;
mod revocation;
mod trouble;

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

pub use self::id_token::IdToken;
pub use self::request::{Approval, client_form, device_authorization_request, device_token_request, token_request};
pub use self::revocation::{Unrevoked, read_revocation};

use self::revocation::said_in;
pub(crate) use self::trouble::is_same_endpoint;
pub use self::trouble::moved_to;
use self::trouble::{is_of_failure, is_phrase, is_web_page, status_trouble};
use crate::http::Response;
use crate::http::decode::{self, NoJson};
use crate::http::pause::{is_throttle_status, obeyed_pause};
use crate::http::trouble::Trouble;
use crate::providers::{DataCenter, Dialect, Intervals, PollError, explained};
use crate::secret::{Known, Secret};
use crate::untrusted::{Rejected, Untrusted, is_near};

const FORM: &str = "application/x-www-form-urlencoded";

/// So many polls are made in a code's life where the server's interval leaves none.
const POLLS_OF_A_LIFE: u32 = 5;
/// The longest life that a token is believed to have.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);

/// Both of them whole are worth taking out of an answer that breaks off behind them: another one may never come.
const TOKENS: [&str; 2] = ["access_token", "refresh_token"];

/// What a token is taken to be good for whose answer broke off before that was said: it is used, and soon replaced.
const LIFE_IF_CUT_OFF: Duration = Duration::from_secs(60);

/// What the device authorization endpoint gives (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCode {
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: Url,
    pub verification_uri_complete: Option<Url>,
    pub lifetime: Duration,
    /// The least time between two polls.
    pub interval: Duration,
}

/// What the token endpoint gives (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq)]
pub struct TokenAnswer {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    /// `None` where the server does not say.
    pub expires_in: Option<Duration>,
    /// `None` means: as asked for (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
    /// As the data center's table has it, whatever alias was sent.
    pub api_domain: Option<Url>,
    /// Who approved, in the words of OpenID Connect.
    pub id_token: Option<IdToken>,
    /// What else was sent and must not be used. It ends nothing, and people are told.
    pub left_out: Vec<LeftOut>,
}

impl TokenAnswer {
    /// The same without the secrets that it repeats: scopes and addresses are shown, and kept where nothing is sealed.
    #[must_use]
    pub fn without(mut self, known: &Known) -> Self {
        let count = |scopes: &Option<Vec<String>>| scopes.as_ref().map_or(0, Vec::len);
        let before = count(&self.scopes);
        self.scopes.iter_mut().for_each(|scopes| scopes.retain(|scope| !known.is_in(scope)));
        if count(&self.scopes) < before {
            self.left_out.push(LeftOut::Field(Rejected { field: "a scope", problem: "repeats a secret" }));
        }
        self.scopes = self.scopes.filter(|scopes| !scopes.is_empty());
        for left_out in &mut self.left_out {
            if let LeftOut::ApiDomain(named) = left_out {
                *named = known.blot(named);
            }
        }
        self
    }

    /// The tokens that came.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.access_token).chain(&self.refresh_token)
    }
}

/// What of an answer with tokens must not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    Field(Rejected),
    /// An API domain that is not one of the data center's, made safe to show.
    ApiDomain(String),
}

/// What a server said when it said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// The `error` word, made safe to show.
    pub word: String,
    pub description: Option<String>,
}

impl ServerError {
    /// The same without the secrets that it repeats.
    #[must_use]
    pub fn without(self, known: &Known) -> Self {
        Self { word: known.blot(&self.word), description: self.description.map(|text| known.blot(&text)) }
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.description {
            Some(description) => write!(f, "{} ({description})", self.word),
            None => f.write_str(&self.word),
        }
    }
}

/// Why an answer could not be read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Requests come too often; the server may say for how long to stay away.
    Throttled(Option<Duration>),
    /// HTML from a proxy, half a body, an error page: no word from the provider about the grant.
    Garbled { status: u16, trouble: Trouble },
    /// The provider says that it is asked at the wrong address, and which the right one is. Nothing is sent there unless a
    /// person writes it into the configuration.
    Moved { status: u16, to: Url },
    /// The provider answered, but with a field that must not be used.
    Rejected(Rejected),
    /// The provider answered with no access token that can be used, and a refresh token that can: the one sent may be spent.
    RefreshTokenAlone { refresh_token: Secret, rejected: Rejected },
}

impl Unreadable {
    /// Tells whether the server may have done what it was asked, and what it gave cannot be had.
    pub fn is_answer_lost(&self) -> bool {
        match self {
            Self::Garbled { status, .. } => matches!(status, 200..=299),
            Self::Rejected(_) => true,
            Self::Throttled(_) | Self::Moved { .. } | Self::RefreshTokenAlone { .. } => false,
        }
    }
}

impl From<Rejected> for Unreadable {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

/// The answer to a device authorization request.
#[derive(Clone, Debug, PartialEq)]
pub enum CodeReply {
    Issued(Box<DeviceCode>),
    Error(ServerError),
}

/// The answer to a poll.
#[derive(Clone, Debug, PartialEq)]
pub enum PollReply {
    Token(Box<TokenAnswer>),
    Pending,
    /// The server may name the interval that it wants from now on.
    SlowDown(Option<Duration>),
    /// Approved, but the account lives in the data center with this code.
    Relocated(String),
    Denied(ServerError),
    Expired,
    Error(ServerError),
}

/// The answer to a refresh.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenReply {
    Token(Box<TokenAnswer>),
    /// The refresh token is gone for good.
    Refused(ServerError),
    Error(ServerError),
}

/// Tells whether a server may have missed who the client is, so that another way of saying it is worth a try. Beside
/// `invalid_client` (RFC 6749 §5.2) these are the words of servers that look in one place only.
pub fn is_authentication_refusal(error: &ServerError) -> bool {
    is_client_unknown(error) || ["invalid_request", "unauthorized_client"].contains(&error.word.as_str())
}

/// Tells whether a server says that it does not know who the client is: in a word (RFC 6749 §5.2), or without one (RFC 9110
/// §15.5.2).
pub fn is_client_unknown(error: &ServerError) -> bool {
    ["invalid_client", explained::UNAUTHENTICATED].contains(&error.word.as_str())
}

/// What a server says of a client that it refused in several ways, one after the other: of the first one, since of the others it may
/// say only that it does not know the way. A word that says nothing of the client gives way to a later one.
pub fn most_telling(first: Option<ServerError>, last: ServerError) -> ServerError {
    let tells = |error: &ServerError| !["invalid_request", explained::UNAUTHENTICATED].contains(&error.word.as_str());
    first.filter(|first| is_authentication_refusal(&last) && tells(first)).unwrap_or(last)
}

/// Reads the answer to [`device_authorization_request`].
pub fn read_device_code(
    dialect: &Dialect,
    data_center: &DataCenter,
    response: &Response,
) -> Result<CodeReply, Unreadable> {
    let endpoint = data_center.endpoints.device_authorization.as_ref();
    let body = Body::read(dialect, endpoint, &[401, 404, 405, 410], response)?;
    match body.error() {
        Some(error) if is_passing(&error) => Err(body.garbled()),
        Some(error) if is_throttle(dialect, &error) => Err(Unreadable::Throttled(obeyed_pause(response))),
        Some(error) => Ok(CodeReply::Error(error)),
        None if !body.has("device_code") => body.refusal_in_words().map(CodeReply::Error).ok_or_else(|| body.garbled()),
        None => Ok(CodeReply::Issued(Box::new(body.device_code(dialect, data_center)?))),
    }
}

/// Reads the answer to [`device_token_request`].
pub fn read_poll(dialect: &Dialect, data_center: &DataCenter, response: &Response) -> Result<PollReply, Unreadable> {
    let body = Body::read(dialect, Some(&data_center.endpoints.device_token), &[401], response)?;
    let Some(error) = body.error_in_place_of_token(dialect) else {
        return Ok(PollReply::Token(Box::new(body.token(dialect, data_center)?)));
    };
    match poll_error(dialect, &error) {
        Some(PollError::Pending) => Ok(PollReply::Pending),
        Some(PollError::SlowDown) => Ok(PollReply::SlowDown(body.interval(dialect))),
        Some(PollError::Denied) => Ok(PollReply::Denied(error)),
        Some(PollError::Expired) => Ok(PollReply::Expired),
        Some(PollError::Relocated) => Ok(PollReply::Relocated(body.location(dialect)?)),
        None if is_throttle(dialect, &error) => Err(Unreadable::Throttled(obeyed_pause(response))),
        None if is_passing(&error) => Err(body.garbled()),
        None => Ok(PollReply::Error(error)),
    }
}

/// Reads the answer to [`token_request`].
///
/// Only a refusal in words is final; whatever else goes wrong says nothing about the grant.
pub fn read_token(dialect: &Dialect, data_center: &DataCenter, response: &Response) -> Result<TokenReply, Unreadable> {
    let body = Body::read(dialect, Some(&data_center.endpoints.token), &[401], response)?;
    let Some(error) = body.error_in_place_of_token(dialect) else {
        return Ok(TokenReply::Token(Box::new(body.token(dialect, data_center)?)));
    };
    if is_token_gone(dialect, &error) {
        Ok(TokenReply::Refused(error))
    } else if is_throttle(dialect, &error) {
        Err(Unreadable::Throttled(obeyed_pause(response)))
    } else if is_passing(&error) {
        Err(body.garbled())
    } else {
        Ok(TokenReply::Error(error))
    }
}

fn is_one_of(error: &ServerError, words: &[&str]) -> bool {
    words.iter().any(|word| error.word.eq_ignore_ascii_case(word))
}

/// Whether a server says of a refresh token that it is gone for good.
fn is_token_gone(dialect: &Dialect, error: &ServerError) -> bool {
    is_one_of(error, dialect.refresh_refusals) || is_token_gone_by_sentence(dialect, error)
}

/// Whether it says so in its sentence, and something else in the word.
pub fn is_token_gone_by_sentence(dialect: &Dialect, error: &ServerError) -> bool {
    has_sentence(error, dialect.refresh_refusals_by_sentence)
}

/// Whether an error has one of these words, and that part in its sentence.
fn has_sentence(error: &ServerError, known: &[(&str, &str)]) -> bool {
    let said = error.description.as_deref().unwrap_or_default().to_lowercase();
    known.iter().any(|(word, part)| error.word.eq_ignore_ascii_case(word) && said.contains(part))
}

fn poll_error(dialect: &Dialect, error: &ServerError) -> Option<PollError> {
    let known = dialect.poll_errors.iter().find(|(word, _)| error.word.eq_ignore_ascii_case(word));
    known.map(|(_, meaning)| *meaning)
}

/// Whether a word speaks of the request, wherever it is said. Of the moment the status says more.
fn is_known(dialect: &Dialect, error: &ServerError) -> bool {
    let is_refusal = || is_token_gone(dialect, error) || is_throttle(dialect, error);
    poll_error(dialect, error).is_some() || is_refusal() || explained::is_final(dialect.error_words, &error.word)
}

/// Whether a word asks for fewer requests, wherever it is said: of a poll the dialect may know better.
fn is_throttle(dialect: &Dialect, error: &ServerError) -> bool {
    explained::is_throttle(dialect.error_words, &error.word)
}

/// Whether an answer asks for fewer requests, by its status or by a known word.
pub(crate) fn is_throttled(dialect: &Dialect, response: &Response) -> bool {
    let error = || Body::parse(dialect, response).ok().and_then(|body| body.error());
    let says_so = || error().is_some_and(|error| is_throttle(dialect, &error));
    is_throttle_status(response) || (response.status >= 400 && says_so())
}

/// What an answer at `endpoint`, whichever that is, stands for where it says nothing of what was asked: requests come too often, or
/// something else answers in the server's place.
pub(crate) fn trouble_in_place(dialect: &Dialect, endpoint: &Url, response: &Response) -> Option<Trouble> {
    match Body::read(dialect, Some(endpoint), &[401], response) {
        Err(Unreadable::Throttled(_)) => Some(Trouble::Throttled),
        Err(Unreadable::Garbled { trouble: Trouble::Portal, .. }) => Some(Trouble::Portal),
        _ => is_throttled(dialect, response).then_some(Trouble::Throttled),
    }
}

/// Errors by which a server speaks of itself, not of the request (RFC 6749 §4.1.2.1).
fn is_passing(error: &ServerError) -> bool {
    ["server_error", "temporarily_unavailable"].contains(&error.word.as_str())
}

/// A refusal of which the status says more than the word, if there is one.
fn refusal_by_status(status: u16, body: Option<&Body>) -> ServerError {
    let said = |body: &Body| body.error().map(|error| error.to_string()).or_else(|| said_in(&body.fields));
    ServerError { word: explained::status(status), description: body.and_then(said) }
}

/// A JSON object and the status that came with it.
struct Body {
    fields: Map<String, Value>,
    status: u16,
    is_cut_off: bool,
}

impl Body {
    /// What was answered at `endpoint`: the body's tokens and words first, and the status where it has none that are known; these
    /// `statuses` stand for a word.
    fn read(
        dialect: &Dialect,
        endpoint: Option<&Url>,
        statuses: &[u16],
        response: &Response,
    ) -> Result<Self, Unreadable> {
        let (status, pause) = (response.status, obeyed_pause(response));
        let parsed = Self::parse(dialect, response);
        // Redirects come from portals and proxies, or from a server that is asked elsewhere: none is an answer. Tokens come once.
        if !matches!(status, 300..=399) && parsed.as_ref().is_ok_and(|body| body.access_token(dialect).is_ok()) {
            return parsed;
        }
        if let Some(to) = endpoint.and_then(|endpoint| moved_to(endpoint, response)) {
            return Err(Unreadable::Moved { status, to });
        }
        match parsed {
            _ if !matches!(status, 200..=299 | 400..=599) => {
                Err(Unreadable::Garbled { status, trouble: status_trouble(status) })
            }
            Ok(body) if status == super::UNSUPPORTED_MEDIA_TYPE => Err(body.garbled()),
            // Zoho's throttle answer is localised down to its `error`, so its shape tells it from a refusal.
            Ok(body) if dialect.failure_status_is_throttle && body.says_failure() => Err(Unreadable::Throttled(pause)),
            Ok(body) if status == 401 && body.blames_client(dialect) => {
                Ok(Self::refusing(refusal_by_status(status, Some(&body)), status))
            }
            Ok(body) if body.speaks(dialect) => Ok(body),
            _ if is_throttle_status(response) => Err(Unreadable::Throttled(pause)),
            parsed if statuses.contains(&status) => {
                Ok(Self::refusing(refusal_by_status(status, parsed.as_ref().ok()), status))
            }
            Ok(body) if matches!(status, 200..=299 | 400..=499) => Ok(body),
            Ok(body) => Err(body.garbled()),
            Err(unreadable) => Err(unreadable),
        }
    }

    /// The object that was sent, whatever the status says.
    fn parse(dialect: &Dialect, response: &Response) -> Result<Self, Unreadable> {
        let status = response.status;
        let body = response.in_utf8();
        let read = decode::object(&body).or_else(|trouble| {
            let behind = decode::object_behind(&body, |fields| SPEAKING.iter().any(|name| fields.contains_key(*name)));
            behind.or_else(|| form(response)).ok_or(trouble)
        });
        if read.is_err()
            && let Some(fields) = decode::object_cut_behind(&body, &TOKENS)
        {
            return Ok(Self { fields, status, is_cut_off: true });
        }
        let trouble = match read {
            Ok(fields) => return Ok(Self { fields, status, is_cut_off: false }.without_phrase(dialect)),
            _ if status_trouble(status) != Trouble::Garbled => status_trouble(status),
            _ if is_web_page(response) => Trouble::Portal,
            Err(NoJson::Empty) => Trouble::Empty,
            Err(NoJson::Truncated) => Trouble::Truncated,
            Err(NoJson::Other) => Trouble::Garbled,
        };
        Err(Unreadable::Garbled { status, trouble })
    }

    /// The same without an `error` that has the status in words and nothing else, as frameworks write it (Rails, Spring Boot,
    /// `NestJS`), unless the provider means something of its own by it.
    fn without_phrase(mut self, dialect: &Dialect) -> Self {
        if self.error().is_some_and(|error| is_phrase(self.status, &error.word) && !is_known(dialect, &error)) {
            self.fields.remove("error");
        }
        self
    }

    /// One that has this error alone.
    fn refusing(error: ServerError, status: u16) -> Self {
        let description = error.description.map(|said| ("error_description".to_owned(), said.into()));
        let fields = std::iter::once(("error".to_owned(), error.word.into())).chain(description).collect();
        Self { fields, status, is_cut_off: false }
    }

    fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !decode::says_nothing(value))
    }

    fn text(&self, field: &str) -> Option<Untrusted> {
        self.fields.get(field).and_then(Value::as_str).map(Untrusted::new)
    }

    /// The same without texts that say nothing.
    fn optional_text(&self, field: &str) -> Option<Untrusted> {
        self.text(field).filter(|text| !text.is_empty())
    }

    /// The user code without blanks around it; empty if there is none.
    fn user_code(&self) -> Untrusted {
        Untrusted::new(self.fields.get("user_code").and_then(text_or_digits).unwrap_or_default().trim())
    }

    /// A token or device code without the white space around it, if there is one.
    fn secret(&self, field: &str, called: &'static str) -> Option<Result<Secret, Rejected>> {
        let sent = self.fields.get(field).filter(|sent| !decode::says_nothing(sent))?;
        let text = text_or_digits(sent).ok_or(Rejected { field: called, problem: "is no text" });
        Some(text.and_then(|text| Untrusted::new(text).trimmed().token_of_forms(called).map(Secret::new)))
    }

    fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field).and_then(number)
    }

    /// The interval between two polls, never shorter than the server wants it (RFC 8628 §3.5).
    fn interval(&self, dialect: &Dialect) -> Option<Duration> {
        let number = self.fields.get("interval").and_then(|value| rounded(value, f64::ceil))?;
        Some(duration(number, dialect.interval_milliseconds_from).min(dialect.intervals.longest))
    }

    fn garbled(&self) -> Unreadable {
        let trouble = match self.error() {
            Some(error) if is_passing(&error) => Trouble::ServerError,
            _ => status_trouble(self.status),
        };
        Unreadable::Garbled { status: self.status, trouble }
    }

    /// Says failed, and brings no token.
    fn says_failure(&self) -> bool {
        self.text("status").is_some_and(|status| status.word() == Some("failure")) && !self.has("access_token")
    }

    /// What a server says of the request in a sentence alone.
    fn refusal_in_words(&self) -> Option<ServerError> {
        let is_error = self.text("status").is_some_and(|status| status.word() == Some("error"));
        // Other statuses speak of the moment, the address or the method.
        let is_refusal = matches!(self.status, 400 | 403 | 422) || is_error;
        let said = said_in(&self.fields).filter(|_| is_refusal)?;
        Some(ServerError { word: explained::status(self.status), description: Some(said) })
    }

    /// Has a word for the person's No, and means the client.
    fn blames_client(&self, dialect: &Dialect) -> bool {
        self.error().is_some_and(|error| has_sentence(&error, dialect.client_refusals))
    }

    /// Has a word that an endpoint alone would say.
    fn speaks(&self, dialect: &Dialect) -> bool {
        self.error().is_some_and(|error| is_known(dialect, &error) && !is_of_failure(self.status, &error))
    }

    fn error(&self) -> Option<ServerError> {
        // Servers that write every field of a structure send an empty one beside a token.
        let said = |name: &&str| self.fields.get(*name).filter(|error| !decode::says_nothing(error));
        let own = || ["error_code", "errorCode"].iter().find_map(|name| said(name).and_then(word));
        let word = match said(&"error") {
            Some(error) => word(error).map_or_else(|| "an error without a word".to_owned(), |word| word.line()),
            // Google refuses for its quota so, and Okta for what is none of OAuth's.
            None => own()?.line(),
        };
        let description = ["error_description", "errorSummary"].iter().find_map(|name| self.optional_text(name));
        // The PHP League's server says there what is wrong, and beside it only what the word means.
        let texts = description.into_iter().chain(self.optional_text("hint")).map(|text| text.line());
        let texts: Vec<String> = texts.collect();
        Some(ServerError { word, description: (!texts.is_empty()).then(|| texts.join("; ")) })
    }

    /// The same, unless a token came beside it: that may be its only copy. A refresh token alone is one that a refusal may
    /// repeat, so it counts only in a success, beside a word that nobody knows.
    fn error_in_place_of_token(&self, dialect: &Dialect) -> Option<ServerError> {
        let error = self.error().filter(|_| self.access_token(dialect).is_err())?;
        let is_refusal = || !self.is_success() || is_known(dialect, &error) || is_passing(&error);
        let has_other = || self.refresh_token().is_some_and(|checked| checked.is_ok());
        (is_refusal() || !has_other()).then_some(error)
    }

    fn device_code(&self, dialect: &Dialect, data_center: &DataCenter) -> Result<DeviceCode, Rejected> {
        let user_code = self.user_code().user_code()?;
        let absent = Rejected { field: "an answer", problem: "has no device code" };
        let device_code = self.secret("device_code", "a device code").unwrap_or(Err(absent))?;
        let address = |fields: &[&'static str]| {
            let sent = fields.iter().find_map(|field| self.text(field).filter(|sent| !sent.is_empty()));
            sent.map(|sent| verification_address(&sent.trimmed(), dialect, data_center)).transpose()
        };
        let known = || dialect.verification_path.and_then(|path| data_center.accounts_server.join(path).ok());
        let verification_uri = address(dialect.verification_uri_fields)?.or_else(known);
        let verification_uri =
            verification_uri.ok_or(Rejected { field: "an answer", problem: "has no verification address" })?;
        let Intervals { default, shortest, default_lifetime, longest_lifetime, .. } = dialect.intervals;
        let lifetime = self.duration("expires_in", dialect.lifetime_milliseconds_from).unwrap_or(default_lifetime);
        let lifetime = lifetime.clamp(Duration::from_secs(1), longest_lifetime);
        let interval = self.interval(dialect).unwrap_or(default);
        // By an interval that is longer than the code's life nobody could ask at all, so something else is meant.
        let interval = if interval > lifetime { lifetime / POLLS_OF_A_LIFE } else { interval };
        Ok(DeviceCode {
            device_code,
            user_code,
            verification_uri,
            // People can do without it, and type the code.
            verification_uri_complete: address(dialect.verification_uri_complete_fields).ok().flatten(),
            lifetime,
            interval: interval.max(shortest),
        })
    }

    fn duration(&self, field: &str, milliseconds_from: Option<u64>) -> Option<Duration> {
        self.number(field).map(|number| duration(number, milliseconds_from))
    }

    fn token(&self, dialect: &Dialect, data_center: &DataCenter) -> Result<TokenAnswer, Unreadable> {
        let mut left_out = Vec::new();
        let refresh_token = self
            .refresh_token()
            .and_then(|checked| checked.map_err(|rejected| left_out.push(LeftOut::Field(rejected))).ok());
        let access_token = match (self.access_token(dialect), refresh_token.clone()) {
            (Ok(token), _) => token,
            (Err(rejected), Some(refresh_token)) if self.is_success() => {
                return Err(Unreadable::RefreshTokenAlone { refresh_token, rejected });
            }
            (Err(_), _) if self.sent_access_token().is_none() => {
                return Err(self.garbled());
            }
            (Err(rejected), _) => return Err(rejected.into()),
        };
        // Older answers carry `expires_in_sec`, and then `expires_in` is in milliseconds whatever its size.
        let expires_in = self.number("expires_in_sec").map(Duration::from_secs);
        let expires_in = expires_in.or_else(|| self.duration("expires_in", dialect.token_life_milliseconds_from));
        let expires_in = expires_in.or(self.is_cut_off.then_some(LIFE_IF_CUT_OFF));
        let named = self.optional_text("api_domain");
        let api_domain = named.as_ref().and_then(|named| api_domain(named, data_center));
        left_out.extend(named.filter(|_| api_domain.is_none()).map(|named| LeftOut::ApiDomain(named.line())));
        Ok(TokenAnswer {
            access_token,
            refresh_token,
            // No token is given that has ended already: zero and less stand for an end that is not known.
            expires_in: expires_in.filter(|life| !life.is_zero()).map(|life| life.min(LONGEST_TOKEN_LIFE)),
            scopes: self.scopes(),
            id_token: self.fields.get("id_token").and_then(Value::as_str).and_then(IdToken::parse),
            api_domain,
            left_out,
        })
    }

    fn access_token(&self, dialect: &Dialect) -> Result<Secret, Rejected> {
        let absent = Rejected { field: "an answer", problem: "has no access token" };
        let sent = self.sent_access_token().ok_or(absent)?;
        let token = Secret::new(Untrusted::new(sent.trim()).token("an access token")?);
        self.check_token_type(dialect).map(|()| token)
    }

    /// A number that says nothing is none; a text is one, also an empty one.
    fn sent_access_token(&self) -> Option<String> {
        let sent = self.fields.get("access_token").filter(|sent| !sent.is_number() || !decode::says_nothing(sent));
        sent.and_then(text_or_digits)
    }

    fn refresh_token(&self) -> Option<Result<Secret, Rejected>> {
        self.secret("refresh_token", "a refresh token")
    }

    fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// A token of another type would be sent without the proof that it needs (RFC 6749 §7.1). Many servers leave the type
    /// out.
    fn check_token_type(&self, dialect: &Dialect) -> Result<(), Rejected> {
        let kind = self.text("token_type");
        let kind = kind.as_ref().and_then(Untrusted::word).map(|kind| kind.trim().to_ascii_lowercase());
        // What has no letter names no type.
        let is_name = |kind: &String| kind.contains(|letter: char| letter.is_ascii_alphabetic());
        let Some(kind) = kind.filter(is_name) else { return Ok(()) };
        let problem = match kind.as_str() {
            "bearer" => return Ok(()),
            own if own.eq_ignore_ascii_case(dialect.api_scheme) => return Ok(()),
            "dpop" => "is of type `DPoP`, bound to a key (RFC 9449), and only `Bearer` tokens can be used here",
            "mac" => "is of type `mac`, bound to a key, and only `Bearer` tokens can be used here",
            _ => "is of a `token_type` that is not known here, and only `Bearer` tokens can be used",
        };
        Err(Rejected { field: "an access token", problem })
    }

    /// As text (RFC 6749 §3.3), or as a list, which some servers make of it.
    fn scopes(&self) -> Option<Vec<String>> {
        let scopes = match self.fields.get("scope")? {
            Value::String(text) => Untrusted::new(text).scopes(),
            Value::Array(list) => {
                let texts = list.iter().filter_map(Value::as_str);
                texts.flat_map(|text| Untrusted::new(text).scopes()).collect()
            }
            _ => return None,
        };
        Some(scopes).filter(|scopes| !scopes.is_empty())
    }

    fn location(&self, dialect: &Dialect) -> Result<String, Rejected> {
        let location = dialect.location_fields.iter().find_map(|field| self.optional_text(field));
        let code = location.map(Untrusted::trimmed).as_ref().and_then(Untrusted::word).map(str::to_ascii_lowercase);
        code.ok_or(Rejected { field: "a change of data center", problem: "does not name one" })
    }
}

/// An address at which people type codes must not lead them to a look-alike host.
fn verification_address(sent: &Untrusted, dialect: &Dialect, data_center: &DataCenter) -> Result<Url, Rejected> {
    let own = &data_center.verification_origins;
    let url = sent.url_among("a verification address", own)?;
    let origin = url.origin();
    let is_own = origin == data_center.accounts_server.origin() || own.contains(&origin);
    if is_own || (dialect.verification_on_any_host && is_near(&url, &data_center.accounts_server)) {
        Ok(url)
    } else {
        Err(Rejected { field: "a verification address", problem: "is not on the provider's own host" })
    }
}

/// The domain that the answer names, if it is one that is known for this data center or allowed by the configuration
/// (RFC 9700 §4.9.1, counterfeit resource server). An alias stands for the known one.
fn api_domain(sent: &Untrusted, data_center: &DataCenter) -> Option<Url> {
    let origin = sent.url("an API domain").ok()?.origin();
    let is_it = |known: &&Url| known.origin() == origin;
    let further = data_center.environments.iter().chain(&data_center.allowed_origins).find(is_it);
    let own = data_center.api_domain.as_ref();
    let is_own = own.into_iter().chain(&data_center.api_domain_aliases).any(|known| is_it(&known));
    own.filter(|_| is_own).or(further).cloned()
}

/// What is in answers alone, in any other text by a rare chance.
const SPEAKING: [&str; 3] = ["access_token", "device_code", "error"];

/// The fields of a form: some servers answer so whatever `Accept` says, as the first of them did, and some do not say that
/// they do.
fn form(response: &Response) -> Option<Map<String, Value>> {
    let body = response.in_utf8();
    let text = decode::text(&body);
    let is_called_so = response.header("content-type").is_some_and(|kind| kind.trim_start().starts_with(FORM));
    let speaks = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| SPEAKING.contains(&name));
    let looks_so = || {
        let is_foreign = |c: char| c.is_whitespace() || "<>{}\"".contains(c);
        !text.trim().contains(is_foreign) && text.trim().split('&').any(speaks)
    };
    let fields = || url::form_urlencoded::parse(text.trim().as_bytes()).into_owned();
    (is_called_so || looks_so()).then(|| fields().map(|(name, value)| (name, Value::String(value))).collect())
}

/// The word of an error, also where it lies in a list or a structure.
fn word(error: &Value) -> Option<Untrusted> {
    match error {
        Value::String(text) => Some(Untrusted::new(text.trim())),
        Value::Array(values) => values.iter().find_map(word),
        Value::Object(fields) => ["error", "code", "type", "status"].iter().find_map(|name| word(fields.get(*name)?)),
        _ => None,
    }
}

/// A text; of a whole number that stands in its place the digits.
fn text_or_digits(value: &Value) -> Option<String> {
    // Every whole number below is one that a float holds.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(sent) => {
            let is_whole = |number: &f64| (0.0..EXACT).contains(number) && number.fract() == 0.0;
            let number = sent.as_u64().or_else(|| sent.as_f64().filter(is_whole).map(saturated));
            number.map(|number| number.to_string())
        }
        _ => None,
    }
}

/// A whole number, also one that was sent as text; what is below zero is zero, and what is too large the largest.
fn number(value: &Value) -> Option<u64> {
    rounded(value, f64::floor)
}

fn rounded(value: &Value, whole: fn(f64) -> f64) -> Option<u64> {
    let saturated = |number: f64| saturated(whole(number));
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(saturated)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().filter(|number: &f64| !number.is_nan()).map(saturated))
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from float saturates")]
fn saturated(number: f64) -> u64 {
    number as u64
}

fn duration(number: u64, milliseconds_from: Option<u64>) -> Duration {
    match milliseconds_from {
        Some(limit) if number >= limit => Duration::from_millis(number),
        _ => Duration::from_secs(number),
    }
}

#[cfg(test)]
mod tests;
