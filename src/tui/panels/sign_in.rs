//! The sign-in: a code that waits for approval, and how it ended.
//!
//! The panel follows the events of `service::login`; it never polls and never counts down anything that the events did
//! not bring. What becomes of it is in `events`, its keys are in `offer` and `actions`. Who decides is its `Policy`: a
//! person, for whom `view` draws, or itself on a screen that nobody attends, the `kiosk`.

mod actions;
mod events;
mod kiosk;
mod offer;
mod policy;
#[cfg(test)]
mod tests;
mod view;
mod waiting;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use self::events::say_what_was_decided;
use self::offer::hands_on;
use self::policy::Policy;
pub use self::waiting::{LastAnswer, Previous, Waiting};
use crate::clock::Moment;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::service::{Rest, RestReason, SignIn, SignedIn};
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::overlay::Overlay;
use crate::tui::panel::{Go, Heard, Outcome, Panel, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::time_left;

/// One sign-in on the screen.
#[derive(Debug)]
pub struct SignInPanel {
    pub profile: ProfileName,
    pub options: SignIn,
    policy: Policy,
    task: TaskId,
    pub stage: Stage,
    /// The host that is asked for codes, once one was asked.
    host: Option<String>,
    /// The codes so far.
    codes: u32,
    /// The code before this one.
    pub previous: Option<Previous>,
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

/// How far the sign-in is.
#[derive(Debug)]
pub enum Stage {
    /// A code is asked for. One that ran out stays until then, where that goes by itself.
    Asking {
        old: Option<Waiting>,
    },
    Waiting(Waiting),
    /// Approved, but the store did not take the grant, which is kept in memory until the person decides, or until then.
    Unsaved {
        error: Error,
        again_at: Option<Moment>,
    },
    /// The grant goes back to the provider, which nothing may cut short.
    GivingBack,
    /// Approved; the grant is being saved, or is and the account is being asked for.
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
        at: Now,
        /// When it goes on by itself.
        rest: Option<Rest>,
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

impl SignInPanel {
    /// Begins a sign-in.
    pub fn start(profile: ProfileName, options: SignIn, around: &mut Surroundings) -> (Self, Vec<Effect>) {
        Self::begin(profile, options, Policy::Attended, around)
    }

    /// Begins one that nobody attends. `options.renewals` codes may follow the first one before it rests; whoever
    /// supervises it hears of it at every `pulse`.
    pub fn unattended(
        profile: ProfileName,
        options: SignIn,
        pulse: Option<Duration>,
        around: &mut Surroundings,
    ) -> (Self, Vec<Effect>) {
        let policy = Policy::unattended(options.renewals, pulse);
        // Each code is a sign-in of its own, so that all that goes before a code is tried anew as well.
        Self::begin(profile, SignIn { renewals: 0, ..options }, policy, around)
    }

    /// The same for an app that ends with it.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }

    fn begin(profile: ProfileName, options: SignIn, policy: Policy, around: &mut Surroundings) -> (Self, Vec<Effect>) {
        let mut panel = Self {
            profile,
            options,
            policy,
            task: TaskId::default(),
            stage: Stage::Asking { old: None },
            host: None,
            codes: 0,
            previous: None,
            relocated_to: None,
            successor: None,
            qr: QrView::default(),
            is_link_bare: false,
            is_left_alone: false,
            scroll: 0,
            is_alone: false,
        };
        let effects = panel.ask(None, around);
        (panel, effects)
    }

    /// Asks for a code, for which an old one stays until it comes.
    fn ask(&mut self, old: Option<Waiting>, around: &mut Surroundings) -> Vec<Effect> {
        self.task = around.new_task();
        self.stage = Stage::Asking { old };
        (self.previous, self.relocated_to, self.is_left_alone, self.scroll) = (None, None, false, 0);
        around.notice = None;
        vec![self.sign_in(self.task)]
    }

    fn sign_in(&self, task: TaskId) -> Effect {
        Effect::StartSignIn { task, profile: self.profile.clone(), options: self.options.clone() }
    }

    /// Whoever leaves it gives it up: nothing more is asked, and the code is forgotten.
    fn given_up(&self) -> impl Iterator<Item = Effect> + use<> {
        [self.task].into_iter().chain(self.successor).map(Effect::GiveUp)
    }
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

    fn allows(&self, command: Command) -> bool {
        self.policy.allows(command)
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
                self.stage = Stage::Unsaved { error, again_at: self.policy.saves_again_at(now.moment) };
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

    /// Does what goes by itself when its time has come.
    fn wake(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let beat = self.policy.beat(now.moment).into_iter().collect();
        let then = match &self.stage {
            Stage::SignedIn { leaves_at: Some(at), .. } if *at <= now.moment => self.go_on(),
            Stage::Unsaved { again_at: Some(at), .. } if *at <= now.moment => {
                self.decide_saving(self.policy.saves_again()).into()
            }
            Stage::Failed { rest: Some(rest), .. } if rest.until <= now.moment => self.ask(None, around).into(),
            _ => Then::default(),
        };
        then.and(beat)
    }

    /// As its clocks do.
    fn next_wakeup(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        let is_attended = self.policy.is_attended();
        let tick =
            |ends: [Option<Moment>; 2]| time_left::next_change(ends.into_iter().flatten(), now.moment, around.motion);
        let clock = match &self.stage {
            Stage::Waiting(waiting) => {
                let is_told = is_attended || waiting.trouble().is_some();
                tick([Some(waiting.code.expires_at), is_told.then_some(waiting.next_poll_at)])
            }
            // Minutes will do for what takes half an hour.
            Stage::Failed { rest: Some(Rest { reason: RestReason::Idle, until }), .. } => Some(*until),
            Stage::SignedIn { leaves_at: Some(at), .. }
            | Stage::Unsaved { again_at: Some(at), .. }
            | Stage::Failed { rest: Some(Rest { until: at, .. }), .. } => {
                Some(tick([Some(*at), None]).unwrap_or(now.moment))
            }
            _ => None,
        };
        let drift = (!is_attended).then(|| kiosk::moves_at(now.moment));
        clock.into_iter().chain(drift).chain(self.policy.next_beat(now.moment)).min()
    }

    /// What is approved is kept, or given back by the end of the app.
    fn give_up(&self) -> Vec<Effect> {
        let is_waiting = matches!(self.stage, Stage::Asking { .. } | Stage::Waiting(_));
        if is_waiting { self.given_up().collect() } else { Vec::new() }
    }

    fn keeps_clear(&self, around: &Surroundings, now: Now) -> Option<Rect> {
        view::shown_qr(around, self, now).filter(|_| !self.is_link_bare).map(|(_, place)| place)
    }

    fn drift(&self, around: &Surroundings, now: Now) -> Position {
        if self.policy.is_attended() { Position::ORIGIN } else { kiosk::drift(around.window, now.moment) }
    }

    fn view(&self, around: &Surroundings, now: Now, area: Rect, frame: &mut Frame<'_>) {
        let draw = if self.policy.is_attended() { view::view } else { kiosk::view };
        draw(around, self, now, area, frame);
    }
}
