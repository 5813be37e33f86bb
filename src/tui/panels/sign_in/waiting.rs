//! The code that waits for approval, with what came of the questions about it, and the one before it.

use std::time::Duration;

use jiff::Timestamp;

use super::view::in_words;
use crate::clock::Moment;
use crate::error::Error;
use crate::qr::QrMatrix;
use crate::service::{IssuedCode, SignInEvent};
use crate::storage::Asker;
use crate::tui::surroundings::Now;

/// A code that waits for approval.
#[derive(Debug)]
pub struct Waiting {
    pub code: IssuedCode,
    /// The address as a QR code, made once; `None` where it is too long for one.
    pub matrix: Option<QrMatrix>,
    pub interval: Duration,
    pub next_poll_at: Moment,
    pub last_answer: LastAnswer,
    /// What it asks for, in words.
    pub permissions: Vec<String>,
    /// It was copied, saved or shown large, so it may be elsewhere by now.
    pub is_handed_on: bool,
}

/// How the last question to the server ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastAnswer {
    /// Nothing was asked yet.
    None,
    Pending {
        at: Moment,
    },
    SlowedDown {
        at: Moment,
    },
    Relocated {
        data_center: String,
        accounts_host: String,
    },
    /// Another process asks.
    Theirs {
        asker: Asker,
    },
    /// It was not asked, since an approval could not be kept.
    HeldBack {
        error: Error,
    },
    /// There was none.
    Missing {
        reason: String,
        attempt: u32,
    },
}

/// A code that is worth nothing any more, and may stand on a note.
#[derive(Debug, PartialEq, Eq)]
pub struct Previous {
    pub user_code: String,
    /// `None` where another one took its place before its end.
    pub ran_out_at: Option<Timestamp>,
}

impl Previous {
    pub(super) fn replaced(self) -> Self {
        Self { ran_out_at: None, ..self }
    }

    /// `WXYZ-1234 ran out`
    pub(super) fn end(&self) -> String {
        format!("{} {}", self.user_code, if self.ran_out_at.is_some() { "ran out" } else { "was replaced" })
    }
}

impl Waiting {
    pub fn new(code: IssuedCode, next_poll_at: Moment) -> Self {
        let matrix = QrMatrix::encode(code.address().as_str());
        let permissions = in_words(&code.scopes);
        let (interval, last_answer) = (code.interval, LastAnswer::None);
        Self { code, matrix, interval, next_poll_at, last_answer, permissions, is_handed_on: false }
    }

    /// Takes in what came of a question, or when the next one comes.
    pub fn take(&mut self, event: SignInEvent, now: Now) {
        let at = now.moment;
        let (answer, next) = match event {
            SignInEvent::Pending { next_poll_at } => (LastAnswer::Pending { at }, next_poll_at),
            SignInEvent::SlowedDown { interval, next_poll_at } => {
                self.interval = interval;
                (LastAnswer::SlowedDown { at }, next_poll_at)
            }
            SignInEvent::Relocated { data_center, accounts_host, next_poll_at } => {
                (LastAnswer::Relocated { data_center, accounts_host }, next_poll_at)
            }
            SignInEvent::Retrying { reason, attempt, next_poll_at, .. } => {
                (LastAnswer::Missing { reason, attempt }, next_poll_at)
            }
            SignInEvent::Following { asker } => (LastAnswer::Theirs { asker }, self.next_poll_at),
            SignInEvent::HeldBack { error, next_poll_at } => (LastAnswer::HeldBack { error }, next_poll_at),
            // This process has taken over from another one.
            SignInEvent::Resting { next_poll_at } if matches!(self.last_answer, LastAnswer::Theirs { .. }) => {
                (LastAnswer::None, next_poll_at)
            }
            SignInEvent::Resting { next_poll_at } => (self.last_answer.clone(), next_poll_at),
            SignInEvent::Asking { .. }
            | SignInEvent::CodeIssued { .. }
            | SignInEvent::CodeTakenUp { .. }
            | SignInEvent::CodeRenewed { .. }
            | SignInEvent::CodeReplaced { .. }
            | SignInEvent::Hastened { .. }
            | SignInEvent::Approved => return,
        };
        self.last_answer = answer;
        self.next_poll_at = next;
    }

    /// Why the last question had no answer, or was not asked.
    pub fn trouble(&self) -> Option<String> {
        match &self.last_answer {
            LastAnswer::Missing { reason, .. } => Some(reason.clone()),
            LastAnswer::HeldBack { error } => Some(error.to_string()),
            _ => None,
        }
    }
}
