//! A request to the token endpoint as a state machine: one exchange, and one more when the first never reached the
//! server, when the answer to a refresh got lost, or when the client may say who it is in another way.
//!
//! It decides what an answer says about the grant. Locks, storage and the budget belong to `service::tokens`.

use std::time::Duration;

use super::wire::{self, Approval, ServerError, TokenAnswer, TokenReply, Unreadable};
use super::{Client, Step};
use crate::clock::Moment;
use crate::http::{ACCOUNTS_DEADLINE, Request, Response, TransportFailure};
use crate::providers::{ClientAuthentication, DataCenter, Dialect};
use crate::secret::{Known, Secret};

/// The wait before the second try.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Both tries together take no longer than one request may, since whoever waits for the lock counts on that.
const DEADLINE: Duration = ACCOUNTS_DEADLINE;
/// With less time left, a second try is not worth beginning.
const SHORTEST_TRY: Duration = Duration::from_secs(5);

/// One refresh (RFC 6749 §6), or one exchange of a code (§4.1.3), from request to outcome.
///
/// | state | on | goes to |
/// | --- | --- | --- |
/// | `Ready` | `poll` at the time | `AwaitingReply`, sends the request |
/// | `AwaitingReply` | no connection, first try | `Ready`, half a second later |
/// | | an answer to a refresh that got lost or cannot be read, first try, early enough | `Ready`, half a second later |
/// | | a refusal of the client that may say who it is in another way | `Ready`, at once |
/// | | any answer, or any other failure | `Done` |
#[derive(Debug)]
pub struct TokenFlow {
    dialect: &'static Dialect,
    data_center: DataCenter,
    client: Client,
    approval: Approval,
    state: State,
    /// When the first request went out.
    begun_at: Option<Moment>,
    has_lost_answer: bool,
    /// What the server said of the client before it turned to the way in use to say who it is.
    refusal: Option<ServerError>,
}

/// What came of it.
pub type Outcome = Result<Minted, NoToken>;

/// The provider gave a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Minted {
    pub token: Box<TokenAnswer>,
    /// How the client said who it is.
    pub client_authentication: ClientAuthentication,
}

/// What the provider said in place of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum NoToken {
    /// The approval is gone for good: revoked, used, replaced or of another client.
    Refused(ServerError),
    /// The provider refused the client or the request, which says nothing about the grant.
    Error(ServerError),
    Unreadable(Unreadable),
    Transport(TransportFailure),
}

#[derive(Debug)]
enum State {
    Ready { at: Option<Moment>, is_retry: bool },
    AwaitingReply { is_retry: bool },
    Done(Outcome),
}

impl TokenFlow {
    /// A request at the data center that issued the approval.
    pub fn new(dialect: &'static Dialect, data_center: DataCenter, client: Client, approval: Approval) -> Self {
        let state = State::Ready { at: None, is_retry: false };
        Self { dialect, data_center, client, approval, state, begun_at: None, has_lost_answer: false, refusal: None }
    }

    /// The same where an earlier request may have been answered although nobody heard: this one is its second try, and has
    /// none of its own.
    #[must_use]
    pub fn for_a_second_try(self) -> Self {
        Self { state: State::Ready { at: None, is_retry: true }, ..self }
    }

    /// Tells whether a request went out to which no answer came that can be used: the server may have acted on it.
    pub fn has_lost_answer(&self) -> bool {
        self.has_lost_answer
    }

    /// Tells what to do at `now`.
    pub fn poll(&mut self, now: Moment) -> Step<Outcome> {
        match &self.state {
            State::Ready { at: Some(at), .. } if now < *at => Step::Wait(*at),
            State::Ready { is_retry, .. } => {
                let is_retry = *is_retry;
                self.state = State::AwaitingReply { is_retry };
                let begun_at = *self.begun_at.get_or_insert(now);
                let request = wire::token_request(&self.data_center, &self.client, &self.approval);
                let deadline = if is_retry { DEADLINE.saturating_sub(now - begun_at) } else { request.deadline };
                Step::Send(Request { deadline, ..request })
            }
            State::AwaitingReply { .. } => Step::AwaitReply,
            State::Done(outcome) => Step::Done(outcome.clone()),
        }
    }

    /// Takes the answer to the request that `poll` handed out, or why there is none.
    pub fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        let State::AwaitingReply { is_retry } = self.state else { return };
        let outcome = reply.map_err(NoToken::Transport).and_then(|response| self.read(&response));
        self.state = match outcome {
            Err(NoToken::Error(error)) if self.says_who_it_is_otherwise(&error) => State::Ready { at: None, is_retry },
            Err(NoToken::Unreadable(Unreadable::Garbled { status, .. })) if self.client.try_json(status) => {
                State::Ready { at: None, is_retry }
            }
            outcome => {
                let outcome = outcome.map_err(|answer| match answer {
                    NoToken::Error(error) => NoToken::Error(wire::most_telling(self.refusal.take(), error)),
                    answer => answer,
                });
                self.has_lost_answer |= outcome.as_ref().is_err_and(NoToken::is_lost);
                if !is_retry && self.is_worth_another_try(&outcome, now) {
                    State::Ready { at: Some(now + RETRY_AFTER), is_retry: true }
                } else {
                    State::Done(outcome)
                }
            }
        };
    }

    /// Where nothing was sent, a second try cannot present a token twice. Where a refresh was answered and the answer got
    /// lost, the old token is the only one there is: a server without rotation or with a grace takes it, and on one that
    /// rotates strictly there is nothing more to lose. A code is never sent twice (RFC 6749 §4.1.2).
    fn is_worth_another_try(&self, outcome: &Outcome, now: Moment) -> bool {
        use TransportFailure::{Connect, Dns, Refused};
        let is_unsent = matches!(outcome, Err(NoToken::Transport(Dns(_) | Refused(_) | Connect(_))));
        // What was whole and must not be used comes again as it was.
        let is_odd = matches!(outcome, Err(NoToken::Unreadable(Unreadable::Rejected(_))));
        let is_lost = outcome.as_ref().is_err_and(NoToken::is_lost);
        let is_lost_refresh = is_lost && !is_odd && matches!(self.approval, Approval::RefreshToken(_));
        let spent = self.begun_at.map_or(Duration::ZERO, |begun_at| now - begun_at);
        (is_unsent || is_lost_refresh) && spent + RETRY_AFTER + SHORTEST_TRY <= DEADLINE
    }

    fn says_who_it_is_otherwise(&mut self, error: &ServerError) -> bool {
        let turns =
            wire::is_authentication_refusal(error) && self.client.try_next_authentication(&self.data_center.code);
        if turns {
            self.refusal = Some(wire::most_telling(self.refusal.take(), error.clone()));
        }
        turns
    }

    /// What the server must not have repeated where it is shown or kept, beside what it `gave`.
    fn known<'a>(&'a self, gave: impl IntoIterator<Item = &'a Secret>) -> Known {
        let sent: Vec<&Secret> = match &self.approval {
            Approval::RefreshToken(token) => vec![token],
            Approval::Code { code, verifier, .. } => std::iter::once(code).chain(verifier).collect(),
        };
        self.client.known(gave.into_iter().chain(sent))
    }

    fn read(&self, response: &Response) -> Outcome {
        match wire::read_token(self.dialect, &self.data_center, response) {
            Ok(TokenReply::Token(token)) => {
                let client_authentication = self.client.authentication_at(&self.data_center.code);
                let known = self.known(token.tokens());
                Ok(Minted { token: Box::new(token.without(&known)), client_authentication })
            }
            Ok(TokenReply::Refused(error)) => Err(NoToken::Refused(error.without(&self.known([])))),
            Ok(TokenReply::Error(error)) => Err(NoToken::Error(error.without(&self.known([])))),
            Err(unreadable) => Err(NoToken::Unreadable(unreadable)),
        }
    }
}

impl NoToken {
    /// Tells whether the server may have acted, and what it gave cannot be had.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Transport(failure) => failure.is_answer_lost(),
            Self::Unreadable(answer) => answer.is_answer_lost(),
            Self::Refused(_) | Self::Error(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use url::Url;

    use super::{NoToken, TokenFlow};
    use crate::clock::Moment;
    use crate::http::TransportFailure;
    use crate::oauth::wire::Approval;
    use crate::oauth::{Client, Step};
    use crate::providers::zoho;
    use crate::secret::Secret;

    fn flow(approval: Approval) -> TokenFlow {
        let at = |address| Url::parse(address).expect("an address");
        let data_center = zoho::data_center("us", &at("https://accounts.zoho.com"), &at("https://www.zohoapis.com"));
        let client = Client::new("client", None);
        TokenFlow::new(&zoho::DIALECT, data_center, client, approval)
    }

    fn at(seconds: u64) -> Moment {
        Moment::at(Duration::from_secs(seconds))
    }

    fn lost() -> TransportFailure {
        TransportFailure::Truncated("accounts.zoho.com".to_owned())
    }

    #[test]
    fn the_second_try_has_what_is_left_of_the_first_ones_time() {
        let mut flow = flow(Approval::RefreshToken(Secret::new("refresh")));
        let Step::Send(first) = flow.poll(at(100)) else { panic!("nothing to wait for") };
        assert_eq!((first.deadline, flow.has_lost_answer()), (Duration::from_secs(20), false));
        flow.handle(at(108), Err(lost()));
        let Step::Send(second) = flow.poll(at(109)) else { panic!("the wait is over") };
        assert_eq!((second.deadline, flow.has_lost_answer()), (Duration::from_secs(11), true));
    }

    #[test]
    fn a_second_try_has_no_third() {
        let mut flow = flow(Approval::RefreshToken(Secret::new("refresh"))).for_a_second_try();
        let Step::Send(request) = flow.poll(at(100)) else { panic!("nothing to wait for") };
        assert_eq!(request.deadline, Duration::from_secs(20));
        flow.handle(at(101), Err(lost()));
        assert!(matches!(flow.poll(at(102)), Step::Done(Err(NoToken::Transport(_)))));
    }

    #[test]
    fn a_code_is_never_sent_twice() {
        let mut flow = flow(Approval::Code { code: Secret::new("code"), redirect_uri: None, verifier: None });
        assert!(matches!(flow.poll(at(100)), Step::Send(_)));
        flow.handle(at(101), Err(lost()));
        assert!(matches!(flow.poll(at(102)), Step::Done(Err(NoToken::Transport(_)))));
    }
}
