//! The kiosk: one sign-in on a screen that nobody attends, for a television or a wall.
//!
//! It renews its code by itself, waits out whatever trouble there is, and leads nowhere but to its own end. When the next
//! code is asked for is decided by `service::Renewal`; how it looks is in [`view`].

#[cfg(test)]
mod tests;
pub mod view;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::clock::Moment;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::service::{Renewal, Rest, RestReason, SignIn, SignInEvent, SignedIn};
use crate::tui::keymap::{Command, Scope};
use crate::tui::message::Ended;
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::panel::{Heard, Panel, Then};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::time_left;
use crate::tui::waiting::Waiting;

/// How long the screen of a sign-in that worked stays by itself.
const SUCCESS_TIME: Duration = Duration::from_secs(10);
/// How long a new code comes with a word about the one before it, which may stand on a note.
const NOTICE_TIME: Duration = Duration::from_secs(60);
/// The wait before a grant is saved again.
const SAVE_AGAIN_TIME: Duration = Duration::from_secs(30);
/// How often a grant is saved before it is given back: nobody is there to decide.
const SAVE_ATTEMPTS: u32 = 20;
/// A person may cut a wait short, but not sooner than this after its beginning.
const SHORTEST_REST: Duration = Duration::from_secs(5);
/// Nothing stays in its place for longer, for the sake of the screen.
const DRIFT_TIME: Duration = Duration::from_secs(60);

/// The sign-in on the screen.
#[derive(Debug)]
pub struct KioskPanel {
    pub profile: ProfileName,
    options: SignIn,
    renewal: Renewal,
    task: TaskId,
    pub stage: Stage,
    /// The host that is asked for codes, once one was asked.
    pub host: Option<String>,
    /// The codes so far. Text and QR code change sides with each.
    pub codes: u32,
    /// How often the supervisor hears that this screen is alive, and when it does next.
    pulse: Option<(Duration, Moment)>,
}

/// How far the sign-in is.
#[derive(Debug)]
pub enum Stage {
    /// A code is asked for. One that ran out stays until then.
    Asking {
        old: Option<Box<Shown>>,
    },
    Waiting(Box<Shown>),
    /// No code, and why; the next one is asked for by itself.
    Resting {
        rest: Rest,
        since: Moment,
        error: Error,
    },
    /// Approved, but the store did not take the grant.
    Unsaved {
        error: Error,
        attempts: u32,
        again_at: Moment,
    },
    /// Approved; the grant is being saved, or given back.
    Approved {
        /// The attempts to save it that failed.
        unsaved: u32,
    },
    SignedIn {
        outcome: Box<SignedIn>,
        leaves_at: Moment,
    },
}

/// A code on the screen.
#[derive(Debug)]
pub struct Shown {
    pub waiting: Waiting,
    /// The code before this one, and until when it is mentioned.
    pub previous: Option<(String, Moment)>,
}

impl Panel for KioskPanel {
    fn scope(&self) -> Scope {
        Scope::Everywhere
    }

    /// Nothing is on offer to whoever passes by.
    fn commands(&self, _around: &Surroundings) -> Vec<Command> {
        Vec::new()
    }

    /// Only what cannot lead anywhere: a new code where there is none, drawing again, and the way out.
    fn allows(&self, command: Command) -> bool {
        matches!(command, Command::Choose | Command::Redraw | Command::LeaveNow)
    }

    /// OK on a remote: somebody is there and wants to go on.
    fn run(&mut self, _command: Command, around: &mut Surroundings, now: Now) -> Then {
        match &self.stage {
            Stage::Resting { since, .. } if now.moment - *since >= SHORTEST_REST => {
                self.renewal.attended();
                self.ask(None, around).into()
            }
            Stage::SignedIn { .. } => self.leave().into(),
            _ => Then::default(),
        }
    }

    fn hear(&mut self, message: Message, _is_covered: bool, around: &mut Surroundings, at: Now) -> Heard {
        let now = at.moment;
        let then = match message {
            Message::SignIn { task, event } if task == self.task => {
                self.take(event, at);
                Then::default()
            }
            Message::Unsaved { task, error } if task == self.task => {
                let before = if let Stage::Approved { unsaved } = self.stage { unsaved } else { 0 };
                self.stage = Stage::Unsaved { error, attempts: before + 1, again_at: now + SAVE_AGAIN_TIME };
                Then::default()
            }
            Message::SignInEnded { task, result } if task == self.task => self.ended(*result, around, now).into(),
            other => return (Then::default(), Some(other)),
        };
        (then, None)
    }

    fn wake(&mut self, around: &mut Surroundings, now: Now) -> Then {
        let now = now.moment;
        let beat: Vec<Effect> = self.beat(now).into_iter().collect();
        let effects = match &self.stage {
            Stage::Resting { rest, .. } if rest.until <= now => self.ask(None, around),
            Stage::Unsaved { again_at, attempts, .. } if *again_at <= now => {
                let (again, unsaved) = (*attempts < SAVE_ATTEMPTS, *attempts);
                self.stage = Stage::Approved { unsaved };
                vec![Effect::TrySaving { task: self.task, again }]
            }
            Stage::SignedIn { leaves_at, .. } if *leaves_at <= now => self.leave(),
            _ => Vec::new(),
        };
        Then::from(beat).and(effects)
    }

    /// As its clocks do, and when everything moves by a cell.
    fn next_wakeup(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        let now = now.moment;
        let drift = Moment::default() + DRIFT_TIME * (steps(now) + 1);
        let tick = |ends: Vec<Moment>| time_left::next_change(ends, now, around.motion);
        let countdown = match &self.stage {
            Stage::Waiting(shown) => {
                let next = shown.waiting.trouble().map(|_| shown.waiting.next_poll_at);
                tick([shown.waiting.code.expires_at].into_iter().chain(next).collect())
            }
            // Minutes will do for what takes half an hour.
            Stage::Resting { rest: Rest { reason: RestReason::Idle, until }, .. } => Some(*until),
            Stage::Resting { rest, .. } => Some(tick(vec![rest.until]).unwrap_or(now)),
            Stage::Unsaved { again_at, .. } => Some(tick(vec![*again_at]).unwrap_or(now)),
            Stage::SignedIn { leaves_at, .. } => Some(tick(vec![*leaves_at]).unwrap_or(now)),
            Stage::Asking { .. } | Stage::Approved { .. } => None,
        };
        let beat = self.pulse.map(|(_, next)| next.max(now));
        countdown.into_iter().chain(beat).chain([drift]).min()
    }

    fn give_up(&self) -> Vec<Effect> {
        vec![Effect::GiveUp(self.task)]
    }

    fn view(&self, around: &Surroundings, now: Now, area: Rect, frame: &mut Frame<'_>) {
        view::view(around, self, now, area, frame);
    }
}

/// How often everything has moved by a cell since the machine's start.
fn steps(now: Moment) -> u32 {
    u32::try_from((now - Moment::default()).as_secs() / DRIFT_TIME.as_secs()).unwrap_or(u32::MAX - 1)
}

impl KioskPanel {
    /// Starts the sign-in. `options.renewals` codes may follow the first one before it rests; whoever supervises it hears
    /// of it at every `pulse`.
    pub fn start(
        profile: ProfileName,
        options: SignIn,
        pulse: Option<Duration>,
        around: &mut Surroundings,
    ) -> (Self, Vec<Effect>) {
        let mut panel = Self {
            profile,
            renewal: Renewal::new(options.renewals),
            // Each code is a sign-in of its own, so that all that goes before a code is tried anew as well.
            options: SignIn { renewals: 0, ..options },
            task: TaskId::default(),
            stage: Stage::Asking { old: None },
            host: None,
            codes: 0,
            pulse: pulse.map(|pulse| (pulse, Moment::default())),
        };
        let effects = panel.ask(None, around);
        (panel, effects)
    }

    /// Asks for a code; the old one stays until it comes.
    fn ask(&mut self, old: Option<Box<Shown>>, around: &mut Surroundings) -> Vec<Effect> {
        self.task = around.new_task();
        self.stage = Stage::Asking { old };
        vec![Effect::StartSignIn { task: self.task, profile: self.profile.clone(), options: self.options.clone() }]
    }

    fn ended(&mut self, result: Result<SignedIn, Error>, around: &mut Surroundings, now: Moment) -> Vec<Effect> {
        let error = match result {
            Ok(outcome) => {
                self.stage = Stage::SignedIn { outcome: Box::new(outcome), leaves_at: now + SUCCESS_TIME };
                return Vec::new();
            }
            Err(error) => error,
        };
        let rest = self.renewal.rest(error.code, now);
        let before = std::mem::replace(&mut self.stage, Stage::Resting { rest, since: now, error });
        match before {
            Stage::Waiting(old) if rest.reason == RestReason::RanOut => self.ask(Some(old), around),
            _ if rest.reason == RestReason::RanOut => self.ask(None, around),
            _ => Vec::new(),
        }
    }

    fn leave(&mut self) -> Vec<Effect> {
        match std::mem::replace(&mut self.stage, Stage::Approved { unsaved: 0 }) {
            Stage::SignedIn { outcome, .. } => vec![Effect::Quit(Ended::SignedIn(*outcome))],
            _ => vec![Effect::Quit(Ended::Interrupted)],
        }
    }

    /// Says that the loop still turns, when it is time to.
    fn beat(&mut self, now: Moment) -> Option<Effect> {
        let (pulse, next) = self.pulse.as_mut().filter(|(_, next)| *next <= now)?;
        *next = now + *pulse;
        Some(Effect::Alive)
    }

    fn take(&mut self, event: SignInEvent, now: Now) {
        match (event, &mut self.stage) {
            (SignInEvent::Asking { host }, _) => self.host = Some(host),
            (
                SignInEvent::CodeIssued { code, next_poll_at }
                | SignInEvent::CodeTakenUp { code, next_poll_at }
                | SignInEvent::CodeRenewed { code, next_poll_at }
                | SignInEvent::CodeReplaced { code, next_poll_at },
                _,
            ) => self.show(Waiting::new(code, next_poll_at), now.moment),
            (SignInEvent::Approved, _) => self.stage = Stage::Approved { unsaved: 0 },
            (event, Stage::Waiting(shown)) => shown.waiting.take(event, now),
            _ => {}
        }
    }

    fn show(&mut self, waiting: Waiting, now: Moment) {
        self.renewal.issued();
        self.codes = self.codes.wrapping_add(1);
        let previous = match &mut self.stage {
            Stage::Asking { old: Some(old) } => {
                Some((std::mem::take(&mut old.waiting.code.user_code), now + NOTICE_TIME))
            }
            _ => None,
        };
        self.stage = Stage::Waiting(Box::new(Shown { waiting, previous }));
    }
}
