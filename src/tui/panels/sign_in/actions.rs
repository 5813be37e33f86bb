//! What the keys of a sign-in do.

use std::time::Duration;

use super::offer::is_of_profile;
use super::{LastAnswer, SignInPanel, Stage, Waiting, view};
use crate::error::Code;
use crate::qr::QrMatrix;
use crate::service::{Begin, QrFormat};
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::{DemoDecision, Effect, Ended};
use crate::tui::overlay::{Overlay, SaveAs};
use crate::tui::panel::{FormFor, Go, Outcome, Then};
use crate::tui::received::Content;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::widgets::list::moved;

/// A code shown for longer than this is not cancelled without asking.
const CANCEL_TIME: Duration = Duration::from_secs(10);
/// Answers keys for what is not there.
const NO_QR: &str = "No QR code is in sight.";

impl SignInPanel {
    /// Gives the sign-in up. Nothing more is asked, and the code is forgotten.
    pub(super) fn leave(&mut self) -> Then {
        let mut effects = match &self.stage {
            Stage::Asking { .. } | Stage::Waiting(_) | Stage::Approved => self.given_up().collect(),
            Stage::Unsaved { .. } => vec![Effect::TrySaving { task: self.task, again: false }],
            Stage::GivingBack | Stage::SignedIn { .. } | Stage::Failed { .. } => Vec::new(),
        };
        if !self.is_alone {
            return Then { effects, go: Go::Back(Outcome::About(self.profile.clone())) };
        }
        effects.push(Effect::Quit(match std::mem::replace(&mut self.stage, Stage::GivingBack) {
            Stage::SignedIn { outcome, .. } => Ended::SignedIn(outcome),
            Stage::Failed { error, .. } => Ended::Failed(error),
            Stage::Waiting(_) => Ended::Cancelled { has_lost_answer: false },
            Stage::Asking { .. } | Stage::Unsaved { .. } | Stage::GivingBack | Stage::Approved => Ended::Interrupted,
        }));
        effects.into()
    }

    /// Where a sign-in that worked leads.
    pub(super) fn go_on(&mut self) -> Then {
        if self.is_alone { self.leave() } else { Outcome::SignedIn(self.profile.clone()).into() }
    }

    /// Whoever reads or decides stays, so the screen no longer goes by itself.
    pub(super) fn stay(&mut self) {
        if let Stage::SignedIn { leaves_at, .. } = &mut self.stage {
            *leaves_at = None;
        }
    }

    pub(super) fn invert_qr(&mut self, around: &mut Surroundings, now: Now) {
        if view::shown_qr(around, self, now).is_none() {
            around.say(Mark::Attention, NO_QR, now);
        } else {
            self.qr.is_inverted = !self.qr.is_inverted;
        }
    }

    /// Another size of the QR code, if the window has one.
    pub(super) fn resize_qr(&mut self, step: i16, around: &mut Surroundings, now: Now) {
        let before = view::shown_qr(around, self, now);
        if before.is_none() {
            return around.say(Mark::Attention, NO_QR, now);
        }
        self.qr.step += step;
        if view::shown_qr(around, self, now) == before {
            self.qr.step -= step;
            let most = if step > 0 { "large" } else { "small" };
            around.say(Mark::Attention, format!("The QR code is as {most} as it gets in this window."), now);
        }
    }

    /// Answers a key that could be expected to do something here.
    pub(super) fn say_why_not(&self, command: Command, around: &mut Surroundings, now: Now) {
        let Stage::Waiting(waiting) = &self.stage else { return };
        let (long, short) = match command {
            Command::FullScreenQr => match view::lack_of_full_screen_qr(around, waiting) {
                Some(lack) => (lack, "No QR code fits this window."),
                None => return,
            },
            Command::OpenBrowser => {
                let copy = around.key(Scope::SignIn, Command::CopyLink);
                (format!("No browser can be opened here. {copy} copies the link."), "No browser can be opened here.")
            }
            _ => return,
        };
        around.say_in_room(Mark::Attention, [long, short.to_owned()], now);
    }

    pub(super) fn choose(&mut self, around: &mut Surroundings, now: Now) -> Then {
        match &self.stage {
            Stage::SignedIn { .. } => self.go_on(),
            Stage::Unsaved { .. } => self.decide_saving(true).into(),
            Stage::Failed { rest: Some(_), at, .. } => {
                let goes_on = self.policy.cuts_short(at.moment, now.moment);
                if goes_on { self.ask(None, around).into() } else { Then::default() }
            }
            Stage::Failed { error, .. } if error.code == Code::CodeExpired => self.new_code(around, now).into(),
            Stage::Failed { error, .. } if is_of_profile(error) => {
                // The form says what the store has, which nobody need have read before.
                let go = Go::Form(FormFor::Mend(self.profile.clone(), error.code));
                Then { effects: vec![Effect::LoadStatuses], go }
            }
            Stage::Waiting(_) => Effect::AskNow(self.task).into(),
            _ => Then::default(),
        }
    }

    /// Tries to save the grant again, or gives it back; either way the end follows as a message.
    pub(super) fn decide_saving(&mut self, again: bool) -> Effect {
        self.stage = if again { Stage::Approved } else { Stage::GivingBack };
        Effect::TrySaving { task: self.task, again }
    }

    /// Scrolls what is said about the end.
    pub(super) fn scroll(&mut self, command: Command, around: &Surroundings, now: Now) {
        let last = view::last_scroll(around, self, now);
        let page = usize::from(around.window.height / 2).max(1);
        self.scroll = moved(self.scroll.min(last), command, page, last);
        self.stay();
    }

    /// Asks first while there is a code that is still good, unless a new one was asked for already, which is said once more.
    pub(super) fn ask_for_new_code(&mut self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        match &self.stage {
            Stage::Waiting(Waiting { code, .. }) if self.successor.is_none() && now.moment < code.expires_at => {
                let question =
                    format!("Somebody may be typing {} right now. A new code makes it worthless.", code.user_code);
                around.overlay = Some(Overlay::Confirm { question, command: Command::NewCode });
                Vec::new()
            }
            _ => self.new_code(around, now),
        }
    }

    /// Starts anew. A code that still waits goes on until the new one has come. Where none is in sight, one that somebody has asked
    /// for elsewhere meanwhile is gone on with, unless the person wants another one.
    pub(super) fn new_code(&mut self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let Stage::Waiting(waiting) = &self.stage else {
            self.options.begin = Begin::GoOn;
            return self.ask(None, around);
        };
        self.options.begin = Begin::Anew;
        let long = format!("Asking for a new code. {} stays good until it comes.", waiting.code.user_code);
        around.say_in_room(Mark::Working, [long, "Asking for a new code ...".to_owned()], now);
        if self.successor.is_some() {
            return Vec::new();
        }
        let task = around.new_task();
        self.successor = Some(task);
        vec![self.sign_in(task)]
    }

    pub(super) fn back(&mut self, around: &mut Surroundings, now: Now) -> Then {
        if self.qr.is_full_screen || self.is_link_bare {
            self.qr.is_full_screen = false;
            self.is_link_bare = false;
            return Then::default();
        }
        match &self.stage {
            // The code is not this screen's to end.
            Stage::Waiting(Waiting { last_answer: LastAnswer::Theirs { .. }, .. }) => {
                let long = "The code is left to the process that asks: the sign-in goes on there.";
                around.say_in_room(
                    Mark::Attention,
                    [long.to_owned(), "The sign-in goes on elsewhere.".to_owned()],
                    now,
                );
                self.leave()
            }
            Stage::Waiting(waiting) if waiting.is_handed_on || now.moment - waiting.code.issued_at > CANCEL_TIME => {
                let question = "Cancel this sign-in? The code will be worth nothing.".to_owned();
                around.overlay = Some(Overlay::Confirm { question, command: Command::Back });
                Then::default()
            }
            Stage::SignedIn { .. } => self.go_on(),
            Stage::Unsaved { .. } => self.decide_saving(false).into(),
            Stage::GivingBack => Then::default(),
            _ => self.leave(),
        }
    }

    /// Commands about the code on the screen.
    pub(super) fn with_code(&self, command: Command, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let Stage::Waiting(Waiting { code, matrix, .. }) = &self.stage else { return Vec::new() };
        let decide = |decision| vec![Effect::Decide { user_code: code.user_code.clone(), decision }];
        match command {
            Command::CopyCode => around.copy(ToCopy::text(code.user_code.clone(), "the code"), Scope::SignIn, now),
            Command::CopyLink => around.copy(ToCopy::text(code.address().clone(), "the link"), Scope::SignIn, now),
            Command::OpenBrowser => vec![Effect::OpenBrowser(code.address().clone())],
            Command::SaveQrPng => save_qr(matrix.as_ref(), QrFormat::Png, around),
            Command::SaveQrSvg => save_qr(matrix.as_ref(), QrFormat::Svg, around),
            Command::DemoApprove => decide(DemoDecision::Approve),
            Command::DemoApproveElsewhere => decide(DemoDecision::ApproveElsewhere),
            Command::DemoDecline => decide(DemoDecision::Decline),
            _ => Vec::new(),
        }
    }
}

/// Asks where to save the QR code as a picture, which also works where the screen has no room for it.
fn save_qr(matrix: Option<&QrMatrix>, format: QrFormat, around: &mut Surroundings) -> Vec<Effect> {
    if let Some(matrix) = matrix {
        let (name, content) = (format!("device-login-qr.{}", format.extension()), format.picture(matrix).into());
        around.overlay = Some(Overlay::SaveAs(SaveAs::new(&name, "the QR code", Content::Binary(content))));
    }
    Vec::new()
}
