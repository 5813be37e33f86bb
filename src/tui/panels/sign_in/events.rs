//! What becomes of the panel as the sign-in goes on: codes, answers, the end.

use super::{LastAnswer, Previous, SignInPanel, Stage, Waiting};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::service::{Begin, IssuedCode, RestReason, SignInEvent, SignedIn};
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::{DemoDecision, Effect, TaskId};
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Outcome, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::words::minutes_and_seconds;

impl SignInPanel {
    /// Takes in an event of the sign-in under way.
    pub(super) fn happened(&mut self, event: SignInEvent, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        forget_working(around);
        match (event, &mut self.stage) {
            (SignInEvent::Asking { host }, _) => self.host = Some(host),
            (SignInEvent::CodeTakenUp { code, next_poll_at }, _) => {
                if self.policy.is_attended() {
                    self.tell_of_pending(&code, around, now);
                }
                self.show(code, next_poll_at, now);
            }
            (SignInEvent::CodeReplaced { code, next_poll_at }, _) => {
                self.show(code, next_poll_at, now);
                self.previous = self.previous.take().map(Previous::replaced);
                forget_question(around);
            }
            (SignInEvent::CodeIssued { code, next_poll_at } | SignInEvent::CodeRenewed { code, next_poll_at }, _) => {
                self.show(code, next_poll_at, now);
                self.is_left_alone = self.policy.is_attended() && self.previous.is_some();
                forget_question(around);
            }
            (SignInEvent::Hastened { next_poll_at }, Stage::Waiting(waiting)) => {
                waiting.next_poll_at = next_poll_at;
                say_when_asked(waiting, around, now);
            }
            (SignInEvent::Approved, _) => {
                self.stage = Stage::Approved;
                // There is nothing to cancel or to replace any more.
                around.overlay.take_if(|overlay| matches!(overlay, Overlay::Confirm { .. }));
                return self.successor.take().map(Effect::GiveUp).into_iter().collect();
            }
            (event, Stage::Waiting(waiting)) => {
                if let SignInEvent::Relocated { data_center, .. } = &event {
                    self.relocated_to = Some(data_center.clone());
                }
                waiting.take(event, now);
            }
            _ => {}
        }
        Vec::new()
    }

    /// Puts a code on the screen. The one before it is named, since it may stand on a note.
    fn show(&mut self, code: IssuedCode, next_poll_at: Moment, now: Now) {
        let waiting = Waiting::new(code, next_poll_at);
        self.codes = self.codes.wrapping_add(1);
        self.policy.issued();
        // A new code is asked about at home first.
        self.relocated_to = None;
        self.previous = match std::mem::replace(&mut self.stage, Stage::Waiting(waiting)) {
            Stage::Waiting(Waiting { code, .. }) | Stage::Asking { old: Some(Waiting { code, .. }) } => {
                // The provider's clock may be ahead.
                let ran_out_at = Some(code.expires_at_time.min(now.time));
                Some(Previous { user_code: code.user_code, ran_out_at })
            }
            _ => None,
        };
    }

    /// Asks whether to go on with a code that was there before this screen, or says that it was where nobody need be asked.
    fn tell_of_pending(&self, code: &IssuedCode, around: &mut Surroundings, now: Now) {
        if self.options.begin == Begin::GoOn && around.overlay.is_none() {
            let question = question_of(code, now);
            around.overlay = Some(Overlay::Confirm { question, command: Command::NewCode });
        } else {
            say_that_it_was_pending(around, now);
        }
    }

    /// Puts the new code in the place of the old one, which is given up only now.
    pub(super) fn succeed(
        &mut self,
        task: TaskId,
        event: SignInEvent,
        around: &mut Surroundings,
        now: Now,
    ) -> Vec<Effect> {
        let SignInEvent::CodeIssued { code, next_poll_at } = event else { return Vec::new() };
        let old_task = std::mem::replace(&mut self.task, task);
        self.successor = None;
        self.show(code, next_poll_at, now);
        forget_question(around);
        // Whoever asked for the new one knows.
        if let Some(old) = self.previous.take() {
            let long = format!("Code {} was given up. Use the new one.", old.user_code);
            around.say_in_room(Mark::Attention, [long, "The code changed. Use this one.".to_owned()], now);
        }
        vec![Effect::Cancel(old_task)]
    }

    /// Takes in the end of the sign-in under way.
    pub(super) fn ended(&mut self, result: Result<SignedIn, Error>, around: &mut Surroundings, now: Now) -> Then {
        // A screen that nobody attends has no list of profiles below it.
        let mut effects = if self.policy.is_attended() { vec![Effect::LoadStatuses] } else { Vec::new() };
        match self.successor.take() {
            Some(successor) if result.is_ok() => effects.push(Effect::GiveUp(successor)),
            Some(successor) => {
                // The new code is on its way, whatever became of the old one.
                let old_stage = std::mem::replace(&mut self.stage, Stage::Asking { old: None });
                self.task = successor;
                forget_working(around);
                if let (Stage::Waiting(old), Err(error)) = (old_stage, &result)
                    && error.code == Code::Denied
                {
                    let text = format!("Code {} was declined. A new one is on its way.", old.code.user_code);
                    around.say(Mark::Declined, text, now);
                }
                return Then::default();
            }
            None => {}
        }
        self.qr.is_full_screen = false;
        self.is_link_bare = false;
        around.overlay = None;
        forget_working(around);
        let error = match result {
            Ok(outcome) => {
                let leaves_at = self.policy.success_time(&outcome).map(|time| now.moment + time);
                self.stage = Stage::SignedIn { outcome, leaves_at };
                return effects.into();
            }
            // A profile that is gone has no sign-in to look at.
            Err(error) if error.code == Code::UnknownProfile && !self.is_alone => {
                return Outcome::Gone { profile: self.profile.clone(), error, wanted: Command::SignIn }.into();
            }
            Err(error) => error,
        };
        let old = match std::mem::replace(&mut self.stage, Stage::GivingBack) {
            Stage::Waiting(waiting) => Some(waiting),
            _ => None,
        };
        let rest = self.policy.rest(&error, now.moment);
        if rest.is_some_and(|rest| rest.reason == RestReason::RanOut) {
            return self.ask(old, around).into();
        }
        let user_code = old.map(|waiting| waiting.code.user_code);
        self.stage = Stage::Failed { error, user_code, at: now, rest };
        effects.into()
    }

    /// Says that no new code came, and that the old one is as good as before.
    pub(super) fn say_that_none_came(&self, result: &Result<SignedIn, Error>, around: &mut Surroundings, now: Now) {
        if let (Err(error), Stage::Waiting(waiting)) = (result, &self.stage) {
            let (code, why) = (&waiting.code.user_code, error.reason());
            let long = format!("{code} is still good. No new one: {why}.");
            around.say_in_room(Mark::Attention, [long, format!("{code} is still good: no new one.")], now);
        }
    }
}

/// What a notice waited for is here.
fn forget_working(around: &mut Surroundings) {
    around.notice.take_if(|notice| notice.mark == Some(Mark::Working));
}

/// Takes back the question whether a code is to be given up that is not there any more.
fn forget_question(around: &mut Surroundings) {
    around.overlay.take_if(|overlay| overlay.asks_about(Command::NewCode));
}

/// Says at once what the demo person did, since the server is asked only later.
pub(super) fn say_what_was_decided(decision: DemoDecision, is_done: bool, around: &mut Surroundings, now: Now) {
    let text = match decision {
        _ if !is_done => "The demo server does not know this code any more.",
        DemoDecision::Decline => "Declined on the other device. We hear of it when we ask next.",
        _ => "Approved on the other device. We hear of it when we ask next.",
    };
    around.say(if is_done { Mark::Working } else { Mark::Attention }, text, now);
}

/// Answers who said that it is approved: the server is asked now, or when it allows that.
fn say_when_asked(waiting: &Waiting, around: &mut Surroundings, now: Now) {
    let left = now.moment.until(waiting.next_poll_at);
    let text = match &waiting.last_answer {
        LastAnswer::Theirs { .. } => "Another process asks the server.",
        _ if left.is_zero() => "Asking the server now ...",
        // The clock on the screen says when, and goes on while this stands.
        LastAnswer::HeldBack { .. } => "The server is not asked while an approval could not be kept.",
        LastAnswer::Missing { .. } => "There was no answer; we try again at the time above.",
        _ => "Asked at the time above: the server allows no sooner.",
    };
    around.say(Mark::Working, text, now);
}

/// Asks whether a code that was there before this screen is the wanted one. The server is asked about it meanwhile, and no
/// gives nothing up.
fn question_of(code: &IssuedCode, now: Now) -> String {
    let left = minutes_and_seconds(now.moment.until(code.expires_at));
    format!("A sign-in is pending: code {}, {left} left. Give it up, and ask for a new code?", code.user_code)
}

/// Says the same where nobody need be asked.
fn say_that_it_was_pending(around: &mut Surroundings, now: Now) {
    let key = around.key(Scope::SignIn, Command::NewCode);
    let long = format!("This sign-in was pending already. {key} asks for a new code.");
    around.say_in_room(Mark::Attention, [long, "It was pending already.".to_owned()], now);
}
