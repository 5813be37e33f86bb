//! What has happened since the app was opened, for the log view. Holds words only: no token, no code, no query of an address.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::lines::{end_of_sentence, reason};
use super::message::Message;
use super::theme::Mark;
use crate::error::Error;
use crate::service::SignInEvent;
use crate::untrusted::visible;

/// Entries that are kept.
const LONGEST: usize = 1000;

/// The last things that happened, the oldest first.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub mark: Mark,
    pub text: String,
}

impl Log {
    /// Keeps a message that tells of something.
    pub fn note(&mut self, message: &Message, at: Timestamp) {
        if let Some((mark, text)) = in_words(message) {
            self.push(mark, &text, at);
        }
    }

    pub fn push(&mut self, mark: Mark, text: &str, at: Timestamp) {
        if self.entries.len() == LONGEST {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at, mark, text: visible(text) });
    }

    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }
}

/// What a message tells, if it tells anything.
fn in_words(message: &Message) -> Option<(Mark, String)> {
    match message {
        Message::SignIn { event, .. } => of_sign_in(event),
        Message::Unsaved { error, .. } => Some(failed("the sign-in", error)),
        Message::SignInEnded { result, .. } => Some(match result.as_ref() {
            Ok(signed_in) => (Mark::Good, format!("signed in profile {}", signed_in.profile)),
            Err(error) => failed("the sign-in", error),
        }),
        Message::Refreshed { profile, result, .. } => Some(outcome(profile, "refreshed", result.as_ref().map(drop))),
        Message::Verified { profile, result, .. } => {
            Some(outcome(profile, "whoami answered", result.as_ref().map(drop)))
        }
        Message::SignedOut { profile, result, .. } => Some(match result {
            Ok(out) if out.is_unknown || out.revoked.as_ref().is_none_or(Result::is_ok) => {
                (Mark::Good, format!("{profile}: logged out"))
            }
            Ok(out) => {
                let why = out.revoked.as_ref().and_then(|revoked| revoked.as_ref().err()).map(reason);
                let text = format!("{profile}: logged out here, but not revoked at the provider");
                (Mark::Attention, why.map_or(text.clone(), |why| format!("{text}: {why}.")))
            }
            Err(error) => failed(profile.as_str(), error),
        }),
        Message::TokenRead { profile, result, .. } => Some(outcome(profile, "token read", result.as_ref().map(drop))),
        Message::ConfigurationChanged { result, .. } => Some(match result.as_ref() {
            Ok(_) => (Mark::Good, "the configuration was changed".to_owned()),
            Err(error) => failed("changing a profile", error),
        }),
        Message::Imported { result, .. } => Some(match result.as_ref() {
            Ok((_, signed_in)) => (Mark::Good, format!("{}: a token was imported", signed_in.profile)),
            Err(error) => failed("the import", error),
        }),
        Message::ConfigurationReread { result, .. } => Some(match result.as_ref() {
            Ok(_) => (Mark::Working, "somebody else changed the configuration".to_owned()),
            Err(error) => failed("the configuration", error),
        }),
        Message::TestCallsLoaded { result, .. } => {
            result.as_ref().as_ref().err().map(|error| failed("the test calls", error))
        }
        Message::Answered { result, .. } => result.as_ref().as_ref().err().map(|error| failed("the call", error)),
        Message::NotSent { error, .. } => Some(failed("the call", error)),
        Message::PastCallsLoaded { profile, result: Err(error) } => {
            Some(failed(&format!("{profile}: earlier calls"), error))
        }
        Message::CallKept { profile, result: Err(error) } => {
            Some(failed(&format!("{profile}: keeping the call"), error))
        }
        Message::Exchanged(exchange) => {
            Some((if exchange.outcome.is_ok() { Mark::Working } else { Mark::Attention }, exchange.to_string()))
        }
        _ => None,
    }
}

fn of_sign_in(event: &SignInEvent) -> Option<(Mark, String)> {
    Some(match event {
        SignInEvent::Asking { host } => (Mark::Working, format!("asking {host} for a code")),
        SignInEvent::CodeIssued { code, .. } => {
            (Mark::Working, format!("a code came, good for {} s", code.lifetime.as_secs()))
        }
        SignInEvent::CodeTakenUp { .. } => (Mark::Working, "going on with a code that was pending".to_owned()),
        SignInEvent::CodeRenewed { .. } => (Mark::Attention, "the code ran out; a new one came".to_owned()),
        SignInEvent::CodeReplaced { .. } => (Mark::Attention, "a new code took the place of this one".to_owned()),
        SignInEvent::Following { .. } => (Mark::Working, "another process asks the server already".to_owned()),
        SignInEvent::SlowedDown { interval, .. } => {
            (Mark::Attention, format!("the server asks for {} s between questions", interval.as_secs()))
        }
        SignInEvent::Relocated { data_center, accounts_host, .. } => {
            (Mark::Working, format!("the account lives in {data_center}; asking {accounts_host} from now on"))
        }
        SignInEvent::Retrying { reason, .. } => (Mark::Attention, reason.clone()),
        SignInEvent::Approved => (Mark::Good, "approved".to_owned()),
        SignInEvent::HeldBack { error, .. } => (Mark::Attention, format!("the server is not asked: {error}")),
        SignInEvent::Pending { .. } | SignInEvent::Hastened { .. } | SignInEvent::Resting { .. } => return None,
    })
}

fn outcome(subject: &impl std::fmt::Display, done: &str, result: Result<(), &Error>) -> (Mark, String) {
    match result {
        Ok(()) => (Mark::Good, format!("{subject}: {done}")),
        Err(error) => failed(&subject.to_string(), error),
    }
}

fn failed(subject: &str, error: &Error) -> (Mark, String) {
    (Mark::Declined, format!("{subject}: {}", end_of_sentence(error)))
}
