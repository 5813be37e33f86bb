//! The list of earlier answers, and of the requests that are remembered without theirs, also from earlier runs.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::answer::{Exchange, Side};
use super::list::{RequestList, Row};
use super::{ApiPanel, Focus, RequestForm};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{MOST_CALLS, call_again, remembered};
use crate::storage::PastCall;
use crate::tui::keymap::Command;
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::moved;
use crate::tui::theme::Mark;

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
        rows.sort_by_key(|row| Reverse(row.at()));
        rows
    }

    /// Remembers a request beyond the end of the app, if it was sent and may be kept.
    pub(super) fn remember(&mut self, exchange: &Exchange) -> Option<Effect> {
        let answer = match &exchange.outcome {
            Ok(reply) => Some((reply.status, reply.took, reply.content.bytes().len())),
            Err(error) if error.code == Code::Network => None,
            Err(_) => return None,
        };
        let past = remembered(&exchange.call, exchange.at, answer)?;
        self.past.push(past.clone());
        let excess = self.past.len().saturating_sub(MOST_CALLS);
        self.past.drain(..excess);
        Some(Effect::KeepCall { profile: self.profile.clone(), call: Box::new(past) })
    }
}

/// Takes in which calls were made before. Why they could not be read is for the log.
pub fn past_calls_loaded(
    model: &mut Model,
    profile: &ProfileName,
    result: Result<Vec<PastCall>, Error>,
) -> Vec<Effect> {
    if let (Some(panel), Ok(mut past)) = (model.api.as_mut().filter(|panel| panel.profile == *profile), result) {
        // A call may have been answered meanwhile, and be among them or not yet.
        past.retain(|past| !panel.past.iter().any(|known| known.at == past.at));
        past.append(&mut panel.past);
        panel.past = past;
    }
    Vec::new()
}

pub(super) fn toggle_history(panel: &mut ApiPanel) -> Vec<Effect> {
    panel.history_row = 0;
    panel.focus = if panel.focus == Focus::History { Focus::Answer } else { Focus::History };
    Vec::new()
}

pub(super) fn move_in_history(panel: &mut ApiPanel, command: Command) -> Vec<Effect> {
    if command.is_move() {
        let last = panel.earlier().len().saturating_sub(1);
        panel.history_row = moved(panel.history_row, command, PAGE).min(last);
    }
    Vec::new()
}

/// Shows the answer at the cursor; opens the request where the answer is not there any more.
pub(super) fn choose_earlier(model: &mut Model, now: Now) -> Vec<Effect> {
    let Some(panel) = &mut model.api else { return Vec::new() };
    match panel.earlier().get(panel.history_row).copied() {
        Some(Earlier::Answered(exchange)) => {
            let task = exchange.task;
            show(panel, task);
        }
        Some(Earlier::Remembered(past)) => {
            let past = past.clone();
            open(model, &past, now);
        }
        None => panel.focus = Focus::Answer,
    }
    Vec::new()
}

fn show(panel: &mut ApiPanel, task: TaskId) {
    panel.shown = Some(task);
    panel.side = Side::Body;
    panel.forget_query();
    panel.refused = None;
    panel.focus = Focus::Answer;
}

/// Opens a request in the form, ready to be sent, and says what it lacks.
fn open(model: &mut Model, past: &PastCall, now: Now) {
    let Some(panel) = model.api.as_mut().filter(|panel| panel.test_calls().is_some()) else {
        model.say(Mark::Attention, "Not yet: what can be called is being found out.", now);
        return;
    };
    let form = RequestForm::of(&call_again(past));
    panel.form = match panel.test_calls() {
        Some(known) => form.at(&known.data_center),
        None => form,
    };
    panel.list.filter = None;
    panel.with_list(RequestList::fill);
    panel.list.select(Row::OwnRequest);
    panel.focus = Focus::Form;
    panel.refused = None;
    let lacking = match (past.lacks_body, past.lacks_secrets) {
        (false, false) => return,
        (true, false) => "Its body was not kept.",
        (false, true) => "What was secret in it was not kept.",
        (true, true) => "Its body and what was secret in it were not kept.",
    };
    model.say(Mark::Attention, lacking, now);
}
