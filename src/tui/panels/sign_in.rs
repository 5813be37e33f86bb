//! The sign-in: a code that waits for approval, and how it ended.
//!
//! The panel follows the events of `service::login`; it never polls and never counts down anything that the events did
//! not bring. What becomes of it is in `events`, its keys are in `offer`, how it looks is in [`view`].

mod events;
mod offer;
#[cfg(test)]
mod tests;
pub mod view;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;

use self::events::say_what_was_decided;
use self::offer::{hands_on, is_of_profile};

use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::oauth::qr::QrMatrix;
use crate::profile::ProfileName;
use crate::service::{Begin, QrFormat, SignIn, SignedIn};
use crate::tui::clipboard::ToCopy;
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::Ended;
use crate::tui::message::{DemoDecision, Effect, Message, TaskId};
use crate::tui::overlay::{Overlay, SaveAs};
use crate::tui::panel::{FormFor, Go, Heard, Outcome, Panel, Then};
use crate::tui::received::Content;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::time_left;
use crate::tui::waiting::{LastAnswer, Waiting};
use crate::tui::widgets::list::moved;

/// A code shown for longer than this is not cancelled without asking.
const CANCEL_TIME: Duration = Duration::from_secs(10);
/// Answers keys for what is not there.
const NO_QR: &str = "No QR code is in sight.";

/// One sign-in on the screen.
#[derive(Debug)]
pub struct SignInPanel {
    pub profile: ProfileName,
    pub options: SignIn,
    task: TaskId,
    pub stage: Stage,
    /// The code before this one, and when it ran out.
    pub previous: Option<(String, Timestamp)>,
    /// The data center that is asked since the server said that the account lives there.
    pub relocated_to: Option<String>,
    /// A sign-in that was begun for a code in the place of this one, which stays until that has come.
    successor: Option<TaskId>,
    pub qr: QrView,
    pub is_link_bare: bool,
    /// Codes were replaced since a key was pressed.
    is_left_alone: bool,
    /// How far the text about the end is scrolled.
    pub scroll: usize,
    /// The app was started for it and ends with it.
    is_alone: bool,
}

impl SignInPanel {
    /// Begins a sign-in.
    pub fn start(profile: ProfileName, options: SignIn, around: &mut Surroundings) -> (Self, Vec<Effect>) {
        let mut panel = Self {
            profile,
            options,
            task: TaskId::default(),
            stage: Stage::Asking { host: None },
            previous: None,
            relocated_to: None,
            successor: None,
            qr: QrView::default(),
            is_link_bare: false,
            is_left_alone: false,
            scroll: 0,
            is_alone: false,
        };
        let effects = panel.begin(around);
        (panel, effects)
    }

    /// The same for an app that ends with it.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }

    fn begin(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        self.task = around.new_task();
        around.notice = None;
        vec![Effect::StartSignIn { task: self.task, profile: self.profile.clone(), options: self.options.clone() }]
    }

    /// Whoever leaves it gives it up: nothing more is asked, and the code is forgotten.
    fn given_up(&self) -> impl Iterator<Item = Effect> + use<> {
        [self.task].into_iter().chain(self.successor).map(Effect::GiveUp)
    }
}

/// How far the sign-in is.
#[derive(Debug)]
pub enum Stage {
    /// No code yet. `host` is known once it is asked.
    Asking {
        host: Option<String>,
    },
    Waiting(Waiting),
    /// Approved, but the store did not take the grant, which is kept in memory until the person decides.
    Unsaved {
        error: Error,
    },
    /// The person gave the grant up; it goes back to the provider, which nothing may cut short.
    GivingBack,
    /// Approved and saved; the account is being asked for.
    Approved,
    SignedIn {
        outcome: SignedIn,
        /// `None` where there is something to read: then it stays until a key.
        leaves_at: Option<Moment>,
    },
    /// `user_code` is the code that it was about, if there was one.
    Failed {
        error: Error,
        user_code: Option<String>,
        at: Timestamp,
    },
}

/// How the person wants the QR code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QrView {
    pub is_full_screen: bool,
    pub is_inverted: bool,
    /// Steps up (bigger) or down from the usual size.
    pub step: i16,
}

impl Panel for SignInPanel {
    fn scope(&self) -> Scope {
        Scope::SignIn
    }

    /// Code and time left.
    fn standing(&self, around: &Surroundings, now: Now) -> String {
        let Stage::Waiting(Waiting { code, .. }) = &self.stage else { return String::new() };
        format!("code {} good for {}", code.user_code, around.time_left(now.moment.until(code.expires_at)))
    }

    fn commands(&self, around: &Surroundings) -> Vec<Command> {
        self.offered(around)
    }

    fn label(&self, _around: &Surroundings, command: Command) -> Option<&'static str> {
        self.offered_as(command)
    }

    fn run(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let is_offered = self.offered(around).contains(&command) || matches!(command, Command::Quit | Command::Back);
        if let Stage::Waiting(waiting) = &mut self.stage {
            waiting.is_handed_on |= is_offered && hands_on(command);
        }
        match command {
            _ if command.is_move() => self.scroll(command, around, now),
            _ if !is_offered => self.say_why_not(command, around, now),
            Command::FullScreenQr => self.qr.is_full_screen = !self.qr.is_full_screen,
            Command::InvertQr => self.invert_qr(around, now),
            Command::BiggerQr => self.resize_qr(1, around, now),
            Command::SmallerQr => self.resize_qr(-1, around, now),
            Command::NewCode => return self.ask_for_new_code(around, now).into(),
            Command::Choose => return self.choose(around, now),
            Command::Back | Command::Quit => return self.back(around, now),
            Command::Api => return Go::Api(self.profile.clone()).into(),
            Command::Logout => {
                around.overlay = Some(Overlay::logout(&self.profile));
                self.stay();
            }
            Command::BareLink => self.is_link_bare = !self.is_link_bare,
            _ => return self.with_code(command, around, now).into(),
        }
        Then::default()
    }

    fn confirmed(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        match command {
            Command::NewCode => self.new_code(around, now).into(),
            Command::Logout => Outcome::SignOut(self.profile.clone()).into(),
            _ => self.leave(),
        }
    }

    /// Somebody is there, so that codes go on being replaced.
    fn attended(&mut self) -> Option<Effect> {
        std::mem::take(&mut self.is_left_alone).then_some(Effect::Attend(self.task))
    }

    fn hear(&mut self, message: Message, _is_covered: bool, around: &mut Surroundings, now: Now) -> Heard {
        let then = match message {
            Message::SignIn { task, event } if self.successor == Some(task) => {
                self.succeed(task, event, around, now).into()
            }
            Message::SignIn { task, event } if self.task == task => self.happened(event, around, now).into(),
            Message::Unsaved { task, error } if self.task == task => {
                self.stage = Stage::Unsaved { error };
                around.overlay = None;
                // A code to come would take the place of the approval that waits.
                self.successor.take().map(Effect::GiveUp).into_iter().collect::<Vec<_>>().into()
            }
            Message::SignInEnded { task, result } if self.successor == Some(task) => {
                self.successor = None;
                self.say_that_none_came(&result, around, now);
                Then::default()
            }
            Message::SignInEnded { task, result } if self.task == task => self.ended(*result, around, now),
            Message::Decided { decision, is_done } => {
                say_what_was_decided(decision, is_done, around, now);
                Then::default()
            }
            other => return (Then::default(), Some(other)),
        };
        (then, None)
    }

    /// What it failed for may be mended now.
    fn resume(&mut self, outcome: Outcome, around: &mut Surroundings, now: Now) -> Then {
        match outcome {
            Outcome::SignIn(_) => self.new_code(around, now).into(),
            _ => Then::default(),
        }
    }

    /// Leaves the success screen when its time is over.
    fn wake(&mut self, _around: &mut Surroundings, now: Now) -> Then {
        match self.stage {
            Stage::SignedIn { leaves_at: Some(at), .. } if at <= now.moment => self.go_on(),
            _ => Then::default(),
        }
    }

    /// As its clocks do.
    fn next_wakeup(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        match &self.stage {
            Stage::Waiting(waiting) => {
                time_left::next_change([waiting.code.expires_at, waiting.next_poll_at], now.moment, around.motion)
            }
            Stage::SignedIn { leaves_at, .. } => time_left::next_change(*leaves_at, now.moment, around.motion),
            Stage::Asking { .. }
            | Stage::Unsaved { .. }
            | Stage::GivingBack
            | Stage::Approved
            | Stage::Failed { .. } => None,
        }
    }

    fn give_up(&self) -> Vec<Effect> {
        let is_waiting = matches!(self.stage, Stage::Asking { .. } | Stage::Waiting(_));
        if is_waiting { self.given_up().collect() } else { Vec::new() }
    }

    fn keeps_clear(&self, around: &Surroundings, now: Now) -> Option<Rect> {
        view::shown_qr(around, self, now).filter(|_| !self.is_link_bare).map(|(_, place)| place)
    }

    fn view(&self, around: &Surroundings, now: Now, area: Rect, frame: &mut Frame<'_>) {
        view::view(around, self, now, area, frame);
    }
}

impl SignInPanel {
    /// Gives the sign-in up. Nothing more is asked, and the code is forgotten.
    fn leave(&mut self) -> Then {
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
            Stage::Waiting(_) => Ended::Cancelled,
            Stage::Asking { .. } | Stage::Unsaved { .. } | Stage::GivingBack | Stage::Approved => Ended::Interrupted,
        }));
        effects.into()
    }

    /// Where a sign-in that worked leads.
    fn go_on(&mut self) -> Then {
        if self.is_alone { self.leave() } else { Outcome::SignedIn(self.profile.clone()).into() }
    }

    /// Whoever reads or decides stays, so the screen no longer goes by itself.
    fn stay(&mut self) {
        if let Stage::SignedIn { leaves_at, .. } = &mut self.stage {
            *leaves_at = None;
        }
    }

    fn invert_qr(&mut self, around: &mut Surroundings, now: Now) {
        if view::shown_qr(around, self, now).is_none() {
            around.say(Mark::Attention, NO_QR, now);
        } else {
            self.qr.is_inverted = !self.qr.is_inverted;
        }
    }

    /// Another size of the QR code, if the window has one.
    fn resize_qr(&mut self, step: i16, around: &mut Surroundings, now: Now) {
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
    fn say_why_not(&self, command: Command, around: &mut Surroundings, now: Now) {
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

    fn choose(&mut self, around: &mut Surroundings, now: Now) -> Then {
        match &self.stage {
            Stage::SignedIn { .. } => self.go_on(),
            Stage::Unsaved { .. } => self.decide_saving(true).into(),
            Stage::Failed { error, .. } if error.code == Code::CodeExpired => self.new_code(around, now).into(),
            Stage::Failed { error, .. } if is_of_profile(error) => {
                Go::Form(FormFor::Mend(self.profile.clone(), error.code)).into()
            }
            Stage::Waiting(_) => Effect::AskNow(self.task).into(),
            _ => Then::default(),
        }
    }

    /// Tries to save the grant again, or gives it back; either way the end follows as a message.
    fn decide_saving(&mut self, again: bool) -> Effect {
        self.stage = if again { Stage::Approved } else { Stage::GivingBack };
        Effect::TrySaving { task: self.task, again }
    }

    /// Scrolls what is said about the end.
    fn scroll(&mut self, command: Command, around: &Surroundings, now: Now) {
        let last = view::last_scroll(around, self, now);
        let page = usize::from(around.window.height / 2).max(1);
        self.scroll = moved(self.scroll.min(last), command, page, last);
        self.stay();
    }

    /// Asks first while there is a code that is still good, unless a new one was asked for already, which is said once more.
    fn ask_for_new_code(&mut self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
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

    /// Starts anew. A code that still waits goes on until the new one has come.
    fn new_code(&mut self, around: &mut Surroundings, now: Now) -> Vec<Effect> {
        let (profile, options) = (self.profile.clone(), SignIn { begin: Begin::Anew, ..self.options.clone() });
        let Stage::Waiting(waiting) = &self.stage else {
            let (qr, is_alone) = (self.qr, self.is_alone);
            let (panel, effects) = Self::start(profile, options, around);
            *self = Self { qr, is_alone, ..panel };
            return effects;
        };
        let long = format!("Asking for a new code. {} stays good until it comes.", waiting.code.user_code);
        around.say_in_room(Mark::Working, [long, "Asking for a new code ...".to_owned()], now);
        if self.successor.is_some() {
            return Vec::new();
        }
        let task = around.new_task();
        self.successor = Some(task);
        vec![Effect::StartSignIn { task, profile, options }]
    }

    fn back(&mut self, around: &mut Surroundings, now: Now) -> Then {
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
    fn with_code(&self, command: Command, around: &mut Surroundings, now: Now) -> Vec<Effect> {
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
