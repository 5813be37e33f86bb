//! What becomes of the panel as the sign-in goes on: codes, answers, the end.

use std::time::Duration;

use super::{LastAnswer, NARROW, SignInPanel, Stage, Waiting, complete_address};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::oauth::qr::QrMatrix;
use crate::service::{IssuedCode, SignInEvent, SignedIn};
use crate::tui::keymap::Command;
use crate::tui::message::{DemoDecision, Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::theme::Mark;

/// How long the screen of a sign-in that worked stays by itself.
const SUCCESS_TIME: Duration = Duration::from_secs(5);
/// A code that is older was pending before the screen asked for one.
const JUST_NOW: Duration = Duration::from_secs(3);

/// Takes in an event of the sign-in under way.
pub fn happened(model: &mut Model, task: TaskId, event: SignInEvent, now: Now) -> Vec<Effect> {
    if model.sign_in.as_ref().is_some_and(|panel| panel.successor == Some(task)) {
        return succeed(model, task, event, now);
    }
    let Some(panel) = model.sign_in.as_mut().filter(|panel| panel.task == task) else {
        return Vec::new();
    };
    // What it waited for is here.
    model.notice.take_if(|notice| notice.mark == Some(Mark::Working));
    match (event, &mut panel.stage) {
        (SignInEvent::Asking { host }, _) => panel.stage = Stage::Asking { host: Some(host) },
        (SignInEvent::CodeIssued { code, next_poll_at }, _) => {
            let is_old = now.moment - code.issued_at > JUST_NOW;
            panel.stage = waiting(code, next_poll_at);
            if is_old {
                say_that_it_was_pending(model, now);
            }
        }
        (SignInEvent::CodeRenewed { code, next_poll_at }, stage) => {
            if let Stage::Waiting(old) = stage {
                panel.previous = Some((old.code.user_code.clone(), old.code.expires_at_time));
            }
            panel.stage = waiting(code, next_poll_at);
            panel.is_left_alone = true;
            forget_question(model);
        }
        (SignInEvent::Hastened { next_poll_at }, Stage::Waiting(waiting)) => {
            waiting.next_poll_at = next_poll_at;
            say_when_asked(model, now);
        }
        (SignInEvent::Approved, _) => {
            panel.stage = Stage::Approved;
            return panel.successor.take().map(Effect::Cancel).into_iter().collect();
        }
        (event, Stage::Waiting(waiting)) => waiting.take(event, now),
        _ => {}
    }
    Vec::new()
}

/// Puts the new code in the place of the old one, which is given up only now.
fn succeed(model: &mut Model, task: TaskId, event: SignInEvent, now: Now) -> Vec<Effect> {
    let (Some(panel), SignInEvent::CodeIssued { code, next_poll_at }) = (model.sign_in.as_mut(), event) else {
        return Vec::new();
    };
    let old_task = std::mem::replace(&mut panel.task, task);
    let old_stage = std::mem::replace(&mut panel.stage, waiting(code, next_poll_at));
    (panel.successor, panel.previous) = (None, None);
    forget_question(model);
    if let Stage::Waiting(old) = old_stage {
        let text = match model.window.width {
            0..NARROW => "The code changed. Use this one.".to_owned(),
            _ => format!("Code {} was given up. Use the new one.", old.code.user_code),
        };
        model.say(Mark::Attention, text, now);
    }
    vec![Effect::Cancel(old_task)]
}

/// Takes back the question whether a code is to be given up that is not there any more.
fn forget_question(model: &mut Model) {
    let is_it = |overlay: &mut Overlay| matches!(overlay, Overlay::Confirm { action: Confirmed::NewCode, .. });
    model.overlay.take_if(is_it);
}

/// Says at once what the demo person did, since the server is asked only later.
pub fn decided(model: &mut Model, decision: DemoDecision, is_done: bool, now: Now) {
    let text = match decision {
        _ if !is_done => "The demo server does not know this code any more.",
        DemoDecision::Decline => "Declined on the other device. We hear of it when we ask next.",
        _ => "Approved on the other device. We hear of it when we ask next.",
    };
    let mark = if is_done { Mark::Working } else { Mark::Attention };
    if model.screen == Screen::SignIn {
        model.say(mark, text, now);
    }
}

/// Takes in that the grant could not be saved.
pub fn unsaved(model: &mut Model, task: TaskId, error: Error) -> Vec<Effect> {
    if let Some(panel) = model.sign_in.as_mut().filter(|panel| panel.task == task) {
        panel.stage = Stage::Unsaved { error };
        model.overlay = None;
        return Vec::new();
    }
    // Nobody looks at this sign-in any more.
    vec![Effect::TrySaving { task, again: false }]
}

/// Takes in the end of the sign-in under way.
pub fn ended(model: &mut Model, task: TaskId, result: Result<SignedIn, Error>, now: Now) -> Vec<Effect> {
    let Some(panel) = model.sign_in.as_mut() else { return Vec::new() };
    if panel.successor == Some(task) {
        panel.successor = None;
        return no_successor(model, &result, now);
    }
    if panel.task != task {
        return Vec::new();
    }
    let mut effects = vec![Effect::LoadStatuses];
    match panel.successor.take() {
        Some(successor) if result.is_ok() => effects.push(Effect::Cancel(successor)),
        Some(successor) => {
            // The new code is on its way, whatever became of the old one.
            let old_stage = std::mem::replace(&mut panel.stage, Stage::Asking { host: None });
            panel.task = successor;
            model.notice.take_if(|notice| notice.mark == Some(Mark::Working));
            if let (Stage::Waiting(old), Err(error)) = (old_stage, &result)
                && error.code == Code::Denied
            {
                let text = format!("Code {} was declined. A new one is on its way.", old.code.user_code);
                model.say(Mark::Declined, text, now);
            }
            return Vec::new();
        }
        None => {}
    }
    panel.qr.is_full_screen = false;
    panel.is_link_bare = false;
    model.overlay = None;
    model.notice.take_if(|notice| notice.mark == Some(Mark::Working));
    panel.stage = match result {
        Ok(outcome) => {
            let leaves_at = (!needs_reading(&outcome)).then_some(now.moment + SUCCESS_TIME);
            Stage::SignedIn { outcome, leaves_at }
        }
        Err(error) => {
            let user_code = match &panel.stage {
                Stage::Waiting(waiting) => Some(waiting.code.user_code.clone()),
                _ => None,
            };
            Stage::Failed { error, user_code, at: now.time }
        }
    };
    effects
}

/// Says that no new code came, and that the old one is as good as before.
fn no_successor(model: &mut Model, result: &Result<SignedIn, Error>, now: Now) -> Vec<Effect> {
    if let (Err(error), Some(SignInPanel { stage: Stage::Waiting(waiting), .. })) = (result, &model.sign_in) {
        let (code, why) = (&waiting.code.user_code, error.cause.as_ref().unwrap_or(&error.message));
        let text = if model.window.width < NARROW {
            format!("{code} is still good: no new one.")
        } else {
            format!("{code} is still good. No new one: {why}.")
        };
        model.say(Mark::Attention, text, now);
    }
    Vec::new()
}

impl Waiting {
    fn take(&mut self, event: SignInEvent, now: Now) {
        let at = now.moment;
        let (answer, next) = match event {
            SignInEvent::Pending { next_poll_at } => (LastAnswer::Pending { at }, next_poll_at),
            SignInEvent::SlowedDown { interval, next_poll_at } => {
                self.interval = interval;
                (LastAnswer::SlowedDown { at }, next_poll_at)
            }
            SignInEvent::Relocated { data_center, accounts_host, next_poll_at } => {
                self.relocated_to = Some(data_center.clone());
                (LastAnswer::Relocated { data_center, accounts_host }, next_poll_at)
            }
            SignInEvent::Retrying { reason, attempt, next_poll_at, .. } => {
                (LastAnswer::Missing { reason, attempt }, next_poll_at)
            }
            SignInEvent::Following { holder } => (LastAnswer::Theirs { holder }, self.next_poll_at),
            SignInEvent::Asking { .. }
            | SignInEvent::CodeIssued { .. }
            | SignInEvent::CodeRenewed { .. }
            | SignInEvent::Hastened { .. }
            | SignInEvent::Approved => return,
        };
        self.last_answer = answer;
        self.next_poll_at = next;
    }
}

fn waiting(code: IssuedCode, next_poll_at: Moment) -> Stage {
    let matrix = QrMatrix::encode(complete_address(&code));
    let (interval, last_answer) = (code.interval, LastAnswer::None);
    Stage::Waiting(Waiting {
        interval,
        code,
        matrix,
        next_poll_at,
        last_answer,
        relocated_to: None,
        is_handed_on: false,
    })
}

/// Says of a code that was there before this screen.
fn say_that_it_was_pending(model: &mut Model, now: Now) {
    let key = model.key(Command::NewCode);
    let text = match model.window.width {
        0..NARROW => "It was pending already.".to_owned(),
        _ => format!("This sign-in was pending already. {key} asks for a new code."),
    };
    model.say(Mark::Attention, text, now);
}

/// Answers who said that it is approved: the server is asked now, or when it allows that.
fn say_when_asked(model: &mut Model, now: Now) {
    let Some(SignInPanel { stage: Stage::Waiting(waiting), .. }) = &model.sign_in else { return };
    let left = now.moment.until(waiting.next_poll_at);
    let text = match &waiting.last_answer {
        LastAnswer::Theirs { .. } => "Another process asks the server.",
        _ if left.is_zero() => "Asking the server now ...",
        // The clock on the screen says when, and goes on while this stands.
        LastAnswer::Missing { .. } => "There was no answer; we try again at the time above.",
        _ => "Asked at the time above: the server allows no sooner.",
    };
    model.say(Mark::Working, text, now);
}

/// Whether a sign-in that worked has something to tell that nobody should miss.
fn needs_reading(outcome: &SignedIn) -> bool {
    let is_whole = outcome.missing_scopes.is_empty() && outcome.refreshable;
    !is_whole || !outcome.warnings.is_empty() || !outcome.left_out.is_empty() || outcome.replaced.is_some()
}
