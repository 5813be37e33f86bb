//! The list of earlier answers, and of the requests that are remembered without theirs, also from earlier runs.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::answer::{Exchange, Side};
use super::{ApiPanel, Focus};
use crate::error::Code;
use crate::service::{MOST_CALLS, remembered};
use crate::sorted;
use crate::storage::PastCall;
use crate::tui::keymap::Command;
use crate::tui::message::Effect;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::widgets::list::moved;

/// Rows by which a page moves.
const PAGE: usize = 10;

/// A row of the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Earlier<'a> {
    Answered(&'a Exchange),
    /// Its answer is not there any more.
    Remembered(&'a PastCall),
}

impl Earlier<'_> {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Earlier::Answered(exchange) => exchange.at,
            Earlier::Remembered(past) => past.at,
        }
    }
}

impl ApiPanel {
    /// The rows of the list, the newest first.
    pub(super) fn earlier(&self) -> Vec<Earlier<'_>> {
        let has_answer = |past: &&PastCall| self.history.iter().any(|exchange| exchange.at == past.at);
        let remembered = self.past.iter().rev().filter(|past| !has_answer(past)).map(Earlier::Remembered);
        let mut rows: Vec<_> = self.history.iter().map(Earlier::Answered).chain(remembered).collect();
        sorted::by_key(&mut rows, |row| Reverse(row.at()));
        rows
    }

    /// Remembers a request beyond the end of the app, if it was sent and may be kept.
    pub(super) fn remember(&mut self, exchange: &Exchange) -> Option<Effect> {
        let answer = match &exchange.outcome {
            Ok(reply) => Some((reply.status, reply.took, reply.content.length())),
            Err(error) if error.code == Code::Network => None,
            Err(_) => return None,
        };
        let past = remembered(&exchange.call, exchange.at, answer)?;
        self.past.push(past.clone());
        let excess = self.past.len().saturating_sub(MOST_CALLS);
        self.past.drain(..excess);
        Some(Effect::KeepCall { profile: self.profile.clone(), call: Box::new(past) })
    }

    /// Takes in which calls were made before.
    pub(super) fn recall(&mut self, mut past: Vec<PastCall>) {
        // A call may have been answered meanwhile, and be among them or not yet.
        past.retain(|past| !self.past.iter().any(|known| known.at == past.at));
        past.append(&mut self.past);
        self.past = past;
    }

    pub(super) fn toggle_history(&mut self) {
        self.history_row = 0;
        self.focus = if self.focus == Focus::History { Focus::Answer } else { Focus::History };
    }

    pub(super) fn move_in_history(&mut self, command: Command) {
        if command.is_move() {
            let last = self.earlier().len().saturating_sub(1);
            self.history_row = moved(self.history_row, command, PAGE, last);
        }
    }

    /// Shows the answer at the cursor; opens the request where the answer is not there any more.
    pub(super) fn choose_earlier(&mut self, around: &mut Surroundings, now: Now) {
        match self.earlier().get(self.history_row).copied() {
            Some(Earlier::Answered(exchange)) => {
                self.shown = Some(exchange.task);
                self.history.forget_files(self.shown);
                self.side = Side::Body;
                self.forget_query();
                self.refused = None;
                self.focus = Focus::Answer;
            }
            Some(Earlier::Remembered(_)) if self.test_calls().is_none() => {
                around.say(Mark::Attention, "Not yet: what can be called is being found out.", now);
            }
            Some(Earlier::Remembered(_)) => self.ask_or_edit(around, now),
            None => self.focus = Focus::Answer,
        }
    }

    /// The call at the cursor of the list, where its answer is not there any more.
    pub(super) fn remembered_call(&self) -> Option<&PastCall> {
        match self.earlier().get(self.history_row).copied().filter(|_| self.focus == Focus::History)? {
            Earlier::Remembered(past) => Some(past),
            Earlier::Answered(_) => None,
        }
    }
}

/// What was not kept of a call.
pub(super) fn lacking(past: &PastCall) -> Option<&'static str> {
    match (past.lacks_body, past.lacks_secrets) {
        (false, false) => None,
        (true, false) => Some("Its body was not kept."),
        (false, true) => Some("What was secret in it was not kept."),
        (true, true) => Some("Its body and what was secret in it were not kept."),
    }
}
