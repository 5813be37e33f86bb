//! A request to the token endpoint as a state machine: one exchange, and one more when the first never reached the server
//! or the client may say who it is in another way.
//!
//! It decides what an answer says about the grant. Locks, storage and the budget belong to `service::tokens`.

use std::time::Duration;

use super::wire::{self, Approval, ServerError, TokenAnswer, TokenReply, Unreadable};
use super::{Client, Step};
use crate::clock::Moment;
use crate::http::trouble::Trouble;
use crate::http::{Response, TransportFailure};
use crate::providers::{ClientAuthentication, DataCenter, Dialect};
use crate::untrusted::Rejected;

/// The wait before the second try.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// One refresh (RFC 6749 §6), or one exchange of a code (§4.1.3), from request to outcome.
///
/// | state | on | goes to |
/// | --- | --- | --- |
/// | `Ready` | `poll` at the time | `AwaitingReply`, sends the request |
/// | `AwaitingReply` | no connection, first try | `Ready`, half a second later |
/// | | a refusal of the client that may say who it is in another way | `Ready`, at once |
/// | | any answer, or any other failure | `Done` |
#[derive(Debug)]
pub struct TokenFlow {
    dialect: &'static Dialect,
    data_center: DataCenter,
    client: Client,
    approval: Approval,
    state: State,
}

/// What the provider said.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Minted {
        token: Box<TokenAnswer>,
        /// How the client said who it is.
        client_authentication: ClientAuthentication,
    },
    /// The approval is gone for good: revoked, used, replaced or of another client.
    Refused(ServerError),
    /// The provider refused the client or the request, which says nothing about the grant.
    Error(ServerError),
    Throttled(Option<Duration>),
    Garbled {
        status: u16,
        trouble: Trouble,
    },
    Rejected(Rejected),
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
        Self { dialect, data_center, client, approval, state }
    }

    /// Tells what to do at `now`.
    pub fn poll(&mut self, now: Moment) -> Step<Outcome> {
        match &self.state {
            State::Ready { at: Some(at), .. } if now < *at => Step::Wait(*at),
            State::Ready { is_retry, .. } => {
                self.state = State::AwaitingReply { is_retry: *is_retry };
                Step::Send(wire::token_request(&self.data_center, &self.client, &self.approval))
            }
            State::AwaitingReply { .. } => Step::AwaitReply,
            State::Done(outcome) => Step::Done(outcome.clone()),
        }
    }

    /// Takes the answer to the request that `poll` handed out, or why there is none.
    pub fn handle(&mut self, now: Moment, reply: Result<Response, TransportFailure>) {
        let State::AwaitingReply { is_retry } = self.state else { return };
        self.state = match reply {
            Ok(response) => match self.read(&response) {
                Outcome::Error(error) if self.says_who_it_is_otherwise(&error) => State::Ready { at: None, is_retry },
                Outcome::Garbled { status, .. } if self.client.try_json(status) => State::Ready { at: None, is_retry },
                outcome => State::Done(outcome),
            },
            // Nothing was sent, so a second try cannot present a token twice.
            Err(TransportFailure::Dns(_) | TransportFailure::Refused(_) | TransportFailure::Connect(_))
                if !is_retry =>
            {
                State::Ready { at: Some(now + RETRY_AFTER), is_retry: true }
            }
            Err(failure) => State::Done(Outcome::Transport(failure)),
        };
    }

    fn says_who_it_is_otherwise(&mut self, error: &ServerError) -> bool {
        wire::is_authentication_refusal(error) && self.client.try_next_authentication(&self.data_center.code)
    }

    fn read(&self, response: &Response) -> Outcome {
        match wire::read_token(self.dialect, &self.data_center, response) {
            Ok(TokenReply::Token(token)) => {
                let client_authentication = self.client.authentication_at(&self.data_center.code);
                Outcome::Minted { token, client_authentication }
            }
            Ok(TokenReply::Refused(error)) => Outcome::Refused(error),
            Ok(TokenReply::Error(error)) => Outcome::Error(error),
            Err(Unreadable::Throttled(pause)) => Outcome::Throttled(pause),
            Err(Unreadable::Garbled { status, trouble }) => Outcome::Garbled { status, trouble },
            Err(Unreadable::Rejected(rejected)) => Outcome::Rejected(rejected),
        }
    }
}
