//! The device flow (RFC 8628) as a state machine that owns no time and no connection.
//!
//! Call [`DeviceFlow::poll`] until it is done: send what it asks to send, hand the answer to [`DeviceFlow::handle`], wait
//! as long as it says. `service::login::polling` is the one place that does so for the command line and the screens.

use std::collections::VecDeque;
use std::time::Duration;

use url::Url;

use super::wire::{self, CodeReply, DeviceCode, PollReply, ServerError, TokenAnswer, Unreadable};
use super::{Client, Step};
use crate::clock::Moment;
use crate::http::pause::obeyed_pause;
use crate::http::trouble::Trouble;
use crate::http::{Request, Response, TransportFailure};
use crate::providers::{ClientAuthentication, DataCenter, Provider};
use crate::secret::Known;
use crate::untrusted::Untrusted;

/// What `slow_down` adds to the interval, for this and every later poll (RFC 8628 §3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);
/// What is waited beyond the interval, and what each `slow_down` adds to that.
const MARGIN_STEP_PERCENT: u32 = 10;
/// Where adding ends.
const LARGEST_MARGIN_PERCENT: u32 = 40;
/// The first wait after an exchange without an answer; it doubles from there.
const FIRST_BACKOFF: Duration = Duration::from_secs(5);
/// Where the doubling ends.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// How long is waited after an exchange without an answer that comes after so many others.
pub fn backoff(failures: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(1 << failures.min(6)).min(LONGEST_BACKOFF)
}

/// One sign-in from the request for a code to its end.
///
/// | state | on | goes to |
/// | --- | --- | --- |
/// | `Start` | `poll` | `AwaitingCode`, sends the authorization request |
/// | `AwaitingCode` | a code | `Waiting` |
/// | | a refusal of the client that may say who it is in another way | `Start` |
/// | | anything else | `Done(Failed)` |
/// | `Waiting` | `poll` before the time | `Waiting` |
/// | | `poll` at the time | `AwaitingToken`, sends a poll |
/// | | `ask_now` | `Waiting`, with the next poll as soon as the server allows |
/// | `AwaitingToken` | pending, slow down, relocated, another form wanted, no answer | `Waiting`, or `Done(Expired)` after the last poll |
/// | | token, denial, expiry, other errors | `Done` |
///
/// The last poll is the first one that falls on or after the code's end, so an approval in the last seconds is not lost,
/// and a flow ends by expiry plus one interval with its margin (and the time that the exchanges after expiry take: the
/// last one, and one that was under way).
#[derive(Debug)]
pub struct DeviceFlow {
    provider: Provider,
    data_center: DataCenter,
    client: Client,
    scopes: Vec<String>,
    state: State,
    events: VecDeque<DeviceEvent>,
    /// A poll went out to which no answer came that can be used.
    has_lost_answer: bool,
    /// What the server said of the client before it turned to the way in use to say who it is.
    refusal: Option<ServerError>,
}

/// What happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceEvent {
    CodeIssued {
        code: Box<DeviceCode>,
        expires_at: Moment,
        next_poll_at: Moment,
    },
    /// Nobody has approved yet.
    Pending {
        next_poll_at: Moment,
    },
    SlowedDown {
        interval: Duration,
        next_poll_at: Moment,
    },
    /// Approved; the account lives in another data center, which is asked from now on.
    Relocated {
        data_center: String,
        next_poll_at: Moment,
    },
    /// The server does not take the poll in this form, which says nothing of the approval, and is asked in another one.
    Resting {
        next_poll_at: Moment,
    },
    /// The next poll comes as soon as the server allows one, since somebody asked for it.
    Hastened {
        next_poll_at: Moment,
    },
    /// An exchange brought no answer. `attempt` counts them since the last answer.
    Retrying {
        trouble: Trouble,
        /// The sentence for people.
        reason: String,
        attempt: u32,
        next_poll_at: Moment,
    },
}

/// Where a flow stands whose code waits for its approval: what it takes to go on with it after its process has died.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// With the interval as the server has it by now.
    pub code: DeviceCode,
    /// How often the server has asked for a longer one.
    pub slow_downs: u32,
    /// The data center that is asked.
    pub data_center: String,
    /// The ways in which the client may yet say who it is, the one in use first.
    pub authentication: Vec<ClientAuthentication>,
    pub sends_json: bool,
}

impl Standing {
    /// What is waited between two polls.
    pub fn pace(&self) -> Duration {
        pace(self.code.interval, self.slow_downs)
    }
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Approved; the tokens come from this data center.
    Authorized {
        token: Box<TokenAnswer>,
        data_center: String,
        /// How the client said who it is.
        client_authentication: ClientAuthentication,
    },
    /// With what the server said.
    Denied(ServerError),
    Expired,
    Failed(Failure),
}

/// Why a sign-in could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No code could be had; the accounts server did not answer.
    Transport(TransportFailure),
    /// The server refused the request or the poll, at this data center.
    Server { error: ServerError, data_center: String },
    /// The answer brought no code, or that to a poll must not be used.
    Unreadable(Unreadable),
    /// The account lives in a data center that the provider's table does not know.
    UnknownDataCenter(String),
    /// The provider is not known to have a device authorization endpoint.
    NoDeviceSignIn,
}

#[derive(Debug)]
enum State {
    Start,
    AwaitingCode,
    Waiting(Polling),
    AwaitingToken(Polling),
    Done(Outcome),
}

/// What polling carries along.
#[derive(Clone, Debug)]
struct Polling {
    code: Box<DeviceCode>,
    expires_at: Moment,
    interval: Duration,
    slow_downs: u32,
    next_poll_at: Moment,
    /// From when on the server allows a poll.
    allowed_at: Moment,
    /// Exchanges without an answer since the last answer.
    failures: u32,
    /// The poll under way is the last one.
    is_last: bool,
}

impl Polling {
    fn pace(&self) -> Duration {
        pace(self.interval, self.slow_downs)
    }

    /// When to poll next, after a pause that is longer than the pace. However long it is, the last poll is not put off beyond the
    /// code's end.
    fn after(&self, now: Moment, pause: Duration) -> Moment {
        let last_poll_at = (now + self.pace()).max(self.expires_at);
        (now + self.pace().max(pause)).min(last_poll_at)
    }

    /// What is waited where a person wants an answer: the interval itself, unless a server has shown that it counts slower.
    fn least_pace(&self) -> Duration {
        if self.slow_downs == 0 { self.interval } else { self.pace() }
    }
}

/// What is really waited: a clock that runs fast, as in many virtual machines, must not make polls early at the server.
/// A server that slows us down although we waited may see such a clock; one that asks for longer waits each time would
/// never be content with the same share.
fn pace(interval: Duration, slow_downs: u32) -> Duration {
    let percent = MARGIN_STEP_PERCENT.saturating_mul(slow_downs.saturating_add(1));
    interval + interval * percent.min(LARGEST_MARGIN_PERCENT) / 100
}

impl DeviceFlow {
    /// A sign-in that begins at `data_center`, where the client is registered.
    pub fn new(provider: Provider, data_center: DataCenter, client: Client, scopes: Vec<String>) -> Self {
        Self {
            provider,
            data_center,
            client,
            scopes,
            state: State::Start,
            events: VecDeque::new(),
            has_lost_answer: false,
            refusal: None,
        }
    }

    /// Goes on at `now` with a code that was issued to this client before and has `left` of its life. Nothing is asked within
    /// `rest`.
    #[must_use]
    pub fn resuming(self, standing: Standing, left: Duration, rest: Duration, now: Moment) -> Self {
        let Standing { code, slow_downs, data_center, authentication, sends_json } = standing;
        let data_center = self.provider.data_center(&data_center).cloned().unwrap_or(self.data_center);
        let client = Client { authentication, sends_json, ..self.client };
        let state = State::Waiting(Polling {
            interval: code.interval,
            slow_downs,
            next_poll_at: now + rest,
            allowed_at: now + rest,
            expires_at: now + left,
            failures: 0,
            is_last: false,
            code: Box::new(code),
        });
        Self { data_center, client, state, ..self }
    }

    /// The same, where an answer about the code may have got lost before.
    #[must_use]
    pub fn after_lost_answer(self, has_lost_answer: bool) -> Self {
        Self { has_lost_answer, ..self }
    }

    /// Where it stands, while a code waits.
    pub fn standing(&self) -> Option<Standing> {
        let State::Waiting(polling) = &self.state else { return None };
        Some(Standing {
            code: DeviceCode { interval: polling.interval, ..(*polling.code).clone() },
            slow_downs: polling.slow_downs,
            data_center: self.data_center.code.clone(),
            authentication: self.client.authentication.clone(),
            sends_json: self.client.sends_json,
        })
    }

    /// When the next poll is due, while a code waits.
    pub fn next_poll_at(&self) -> Option<Moment> {
        if let State::Waiting(polling) = &self.state { Some(polling.next_poll_at) } else { None }
    }

    /// Tells what to do at `now`. Repeating the call changes nothing, except that each request is handed out once.
    pub fn poll(&mut self, now: Moment) -> Step<Outcome> {
        match &mut self.state {
            State::Start => {
                let Some(request) = self.authorization_request() else {
                    let outcome = Outcome::Failed(Failure::NoDeviceSignIn);
                    self.state = State::Done(outcome.clone());
                    return Step::Done(outcome);
                };
                self.state = State::AwaitingCode;
                Step::Send(request)
            }
            State::Waiting(polling) if now >= polling.next_poll_at => {
                let polling = Polling { is_last: now >= polling.expires_at, ..polling.clone() };
                let dialect = self.provider.dialect;
                let request =
                    wire::device_token_request(dialect, &self.data_center, &self.client, &polling.code.device_code);
                self.state = State::AwaitingToken(polling);
                Step::Send(request)
            }
            State::Waiting(polling) => Step::Wait(polling.next_poll_at),
            State::AwaitingCode | State::AwaitingToken(_) => Step::AwaitReply,
            State::Done(outcome) => Step::Done(outcome.clone()),
        }
    }

    /// Takes the answer to the request that `poll` handed out, or why there is none.
    pub fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        self.state = match std::mem::replace(&mut self.state, State::Start) {
            State::AwaitingCode => self.handle_code(now, reply),
            State::AwaitingToken(polling) => self.handle_poll(now, polling, reply),
            // An answer that nobody waits for changes nothing.
            state => state,
        };
    }

    /// Polls as soon as the server allows it instead of at the time that was planned: now, if its interval has passed since
    /// the last exchange (RFC 8628 §3.5). Never later than planned; changes nothing while no code waits.
    pub fn ask_now(&mut self, now: Moment) {
        let State::Waiting(polling) = &mut self.state else { return };
        polling.next_poll_at = polling.next_poll_at.min(polling.allowed_at.max(now));
        self.events.push_back(DeviceEvent::Hastened { next_poll_at: polling.next_poll_at });
    }

    /// The data center that is asked.
    pub fn data_center(&self) -> &DataCenter {
        &self.data_center
    }

    /// Tells whether the answer to a poll got lost, in which the tokens may have been.
    pub fn has_lost_answer(&self) -> bool {
        self.has_lost_answer
    }

    /// How the flow ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        if let State::Done(outcome) = &self.state { Some(outcome) } else { None }
    }

    /// The events since the last call.
    pub fn events(&mut self) -> impl Iterator<Item = DeviceEvent> + '_ {
        self.events.drain(..)
    }

    fn authorization_request(&self) -> Option<Request> {
        let Self { provider, data_center, client, scopes, .. } = self;
        let endpoint = data_center.endpoints.device_authorization.as_ref()?;
        Some(wire::device_authorization_request(endpoint, provider, data_center, client, scopes))
    }

    fn handle_code(&mut self, now: Moment, reply: Result<Response, TransportFailure>) -> State {
        let refusal = self.refusal.take();
        let response = match reply {
            Ok(response) => response,
            Err(failure) => return State::Done(Outcome::Failed(Failure::Transport(failure))),
        };
        let failure = match wire::read_device_code(self.provider.dialect, &self.data_center, &response) {
            Ok(CodeReply::Issued(mut code)) => {
                let known = self.client.known([&code.device_code]);
                // It is shown, and people can type the code instead.
                code.verification_uri_complete.take_if(|complete| known.is_in(complete.as_str()));
                let expires_at = now + code.lifetime;
                let mut polling = Polling {
                    interval: code.interval,
                    slow_downs: 0,
                    next_poll_at: now,
                    allowed_at: now,
                    expires_at,
                    failures: 0,
                    is_last: false,
                    code,
                };
                polling.next_poll_at = now + polling.pace();
                polling.allowed_at = now + polling.least_pace();
                let code = polling.code.clone();
                self.events.push_back(DeviceEvent::CodeIssued { code, expires_at, next_poll_at: polling.next_poll_at });
                return State::Waiting(polling);
            }
            Ok(CodeReply::Error(error)) if self.says_who_it_is_otherwise(refusal.as_ref(), &error) => {
                return State::Start;
            }
            Ok(CodeReply::Error(error)) => {
                self.server_failure(wire::most_telling(refusal, error).without(&self.client.known([])))
            }
            Err(Unreadable::Garbled { status, .. }) if self.client.try_json(status) => return State::Start,
            Err(unreadable) => Failure::Unreadable(unreadable),
        };
        State::Done(Outcome::Failed(failure))
    }

    fn handle_poll(&mut self, now: Moment, polling: Polling, reply: Result<Response, TransportFailure>) -> State {
        let refusal = self.refusal.take();
        let response = match reply {
            Ok(response) => response,
            Err(failure) => {
                self.has_lost_answer |= failure.is_answer_lost();
                // Reasons may quote a server, as those about certificates do.
                let reason = Untrusted::new(failure.to_string()).line();
                return self.back_off(now, polling, (failure.trouble(), reason), None);
            }
        };
        let host = self.data_center.accounts_server.host_str().unwrap_or("the server").to_owned();
        let pause = obeyed_pause(&response);
        let outcome = match wire::read_poll(self.provider.dialect, &self.data_center, &response) {
            Ok(PollReply::Token(token)) => {
                let data_center = self.data_center.code.clone();
                let client_authentication = self.client.authentication_at(&data_center);
                let known = self.client.known(token.tokens().chain([&polling.code.device_code]));
                Outcome::Authorized { token: Box::new(token.without(&known)), data_center, client_authentication }
            }
            Ok(PollReply::Error(error)) if self.says_who_it_is_otherwise(refusal.as_ref(), &error) => {
                return self.wait(now, polling, pause, |next_poll_at| DeviceEvent::Resting { next_poll_at });
            }
            Ok(PollReply::Pending) => {
                // Nobody has approved, so no answer before this one had the tokens.
                self.has_lost_answer = false;
                return self.wait(now, polling, pause, |next_poll_at| DeviceEvent::Pending { next_poll_at });
            }
            Ok(PollReply::SlowDown(wanted)) => {
                // By one that is longer than the code's life nobody could ask again.
                let wanted = wanted.filter(|wanted| *wanted <= polling.code.lifetime);
                let interval = (polling.interval + SLOW_DOWN_STEP).max(wanted.unwrap_or_default());
                let slowed = Polling { interval, slow_downs: polling.slow_downs.saturating_add(1), ..polling };
                return self
                    .wait(now, slowed, pause, |next_poll_at| DeviceEvent::SlowedDown { interval, next_poll_at });
            }
            Ok(PollReply::Relocated(location)) => {
                if let Some(data_center) = self.provider.data_center(&location) {
                    self.data_center = data_center.clone();
                    let data_center = data_center.code.clone();
                    let relocated = |next_poll_at| DeviceEvent::Relocated { data_center, next_poll_at };
                    return self.wait(now, polling, pause, relocated);
                }
                Outcome::Failed(Failure::UnknownDataCenter(self.known(&polling).blot(&location)))
            }
            Ok(PollReply::Denied(error)) => Outcome::Denied(error.without(&self.known(&polling))),
            Ok(PollReply::Expired) => Outcome::Expired,
            // A server that has dropped the code by its end speaks of one that it never knew.
            Ok(PollReply::Error(error)) if now >= polling.expires_at && !wire::is_client_unknown(&error) => {
                Outcome::Expired
            }
            Ok(PollReply::Error(error)) => {
                let error = wire::most_telling(refusal, error).without(&self.known(&polling));
                Outcome::Failed(self.server_failure(error))
            }
            // A network's sign-in page redirects every request until somebody signs in there, so polling goes on. A redirect on
            // the provider's own host that is still there at the code's end means that the endpoint has moved.
            Err(Unreadable::Moved { status, to }) if !(polling.is_last && self.is_own(&to)) => {
                let to = self.known(&polling).blot(to.as_str());
                let reason = format!("{host} leads to {to} (HTTP {status}), and redirects are never followed");
                return self.back_off(now, polling, (Trouble::Portal, reason), None);
            }
            Err(
                unreadable
                @ (Unreadable::Rejected(_) | Unreadable::Moved { .. } | Unreadable::RefreshTokenAlone { .. }),
            ) => Outcome::Failed(Failure::Unreadable(unreadable)),
            Err(Unreadable::Throttled(pause)) => {
                let trouble = Trouble::Throttled;
                return self.back_off(now, polling, (trouble, trouble.of_answer(&host, response.status)), pause);
            }
            Err(Unreadable::Garbled { status, .. }) if self.client.try_json(status) => {
                return self.wait(now, polling, pause, |next_poll_at| DeviceEvent::Resting { next_poll_at });
            }
            Err(Unreadable::Garbled { status, trouble }) => {
                self.has_lost_answer |= Unreadable::Garbled { status, trouble }.is_answer_lost();
                return self.back_off(now, polling, (trouble, trouble.of_answer(&host, status)), None);
            }
        };
        State::Done(outcome)
    }

    /// The server was heard and the person was not: the next poll comes one pace from now, or after the pause that the server asks for.
    fn wait(
        &mut self,
        now: Moment,
        polling: Polling,
        pause: Option<Duration>,
        event: impl FnOnce(Moment) -> DeviceEvent,
    ) -> State {
        let next_poll_at = polling.after(now, pause.unwrap_or_default());
        let allowed_at = if pause.is_some() { next_poll_at } else { now + polling.least_pace() };
        self.schedule(Polling { next_poll_at, allowed_at, failures: 0, ..polling }, event)
    }

    /// Backs off without ending the sign-in: connections fail for reasons of their own (RFC 8628 §3.5).
    fn back_off(
        &mut self,
        now: Moment,
        polling: Polling,
        (trouble, reason): (Trouble, String),
        pause: Option<Duration>,
    ) -> State {
        let attempt = polling.failures.saturating_add(1);
        let next_poll_at = polling.after(now, backoff(polling.failures).max(pause.unwrap_or_default()));
        // A server that is asked too much says when it allows more, or means at least what is waited by itself.
        let allowed_at = if trouble == Trouble::Throttled { next_poll_at } else { now + polling.least_pace() };
        let polling = Polling { next_poll_at, allowed_at, failures: attempt, ..polling };
        self.schedule(polling, |next_poll_at| DeviceEvent::Retrying { trouble, reason, attempt, next_poll_at })
    }

    fn schedule(&mut self, polling: Polling, event: impl FnOnce(Moment) -> DeviceEvent) -> State {
        if polling.is_last {
            return State::Done(Outcome::Expired);
        }
        self.events.push_back(event(polling.next_poll_at));
        State::Waiting(polling)
    }

    /// Turns to another way of authenticating where the server did not take the one in use.
    fn says_who_it_is_otherwise(&mut self, refusal: Option<&ServerError>, error: &ServerError) -> bool {
        let turns =
            wire::is_authentication_refusal(error) && self.client.try_next_authentication(&self.data_center.code);
        self.refusal = turns.then(|| wire::most_telling(refusal.cloned(), error.clone()));
        turns
    }

    /// What the server must not have repeated where it is shown or kept.
    fn known(&self, polling: &Polling) -> Known {
        self.client.known([&polling.code.device_code])
    }

    /// On the host that is polled.
    fn is_own(&self, address: &Url) -> bool {
        address.origin() == self.data_center.endpoints.device_token.origin()
    }

    fn server_failure(&self, error: ServerError) -> Failure {
        Failure::Server { error, data_center: self.data_center.code.clone() }
    }
}

#[cfg(test)]
mod tests;
