//! The kiosk: one sign-in on a screen that nobody attends, for a television or a wall.
//!
//! It renews its code by itself, waits out whatever trouble there is, and leads nowhere but to its own end. When the next
//! code is asked for is decided by `service::Renewal`; how it looks is in [`view`].

#[cfg(test)]
mod tests;
pub mod view;

use std::time::Duration;

use ratatui::layout::Size;

use crate::clock::Moment;
use crate::error::Error;
use crate::oauth::qr::QrMatrix;
use crate::profile::ProfileName;
use crate::service::{IssuedCode, Renewal, Rest, RestReason, SignIn, SignInEvent, SignedIn};
use crate::tui::Ended;
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::{Effect, Message, TaskId};
use crate::tui::model::{Model, Now, Screen};
use crate::tui::time_left;

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
    pub code: IssuedCode,
    /// The address as a QR code, made once; `None` where it is too long for one.
    pub matrix: Option<QrMatrix>,
    /// Why the last question had no answer, and when the next one comes.
    pub trouble: Option<(String, Moment)>,
    /// The code before this one, and until when it is mentioned.
    pub previous: Option<(String, Moment)>,
}

/// Opens the screen and starts the sign-in. `options.renewals` codes may follow the first one before it rests; whoever
/// supervises it hears of it at every `pulse`.
pub fn start(model: &mut Model, profile: ProfileName, options: SignIn, pulse: Option<Duration>) -> Vec<Effect> {
    let renewal = Renewal::new(options.renewals);
    // Each code is a sign-in of its own, so that all that goes before a code is tried anew as well.
    let options = SignIn { renewals: 0, ..options };
    let pulse = pulse.map(|pulse| (pulse, Moment::default()));
    let task = model.new_task();
    let stage = Stage::Asking { old: None };
    model.screen = Screen::Kiosk;
    let effect = Effect::StartSignIn { task, profile: profile.clone(), options: options.clone() };
    model.kiosk = Some(Box::new(KioskPanel { profile, options, renewal, task, stage, host: None, codes: 0, pulse }));
    vec![effect]
}

/// Takes in one message, of whatever kind: no other panel is there.
pub fn update(model: &mut Model, message: Message, now: Now) -> Vec<Effect> {
    let now = now.moment;
    if let Message::Resized { columns, rows } = message {
        model.window = Size::new(columns, rows);
        return Vec::new();
    }
    let Some(panel) = model.kiosk.as_mut() else { return Vec::new() };
    match message {
        Message::Key(key) => press(model, key, now),
        Message::Woken => {
            let beat = panel.beat(now);
            beat.into_iter().chain(wake(model, now)).collect()
        }
        Message::SignIn { task, event } if task == panel.task => {
            panel.take(event, now);
            Vec::new()
        }
        Message::Unsaved { task, error } if task == panel.task => panel.keep_unsaved(error, now),
        Message::SignInEnded { task, result } if task == panel.task => ended(model, *result, now),
        // Nobody looks at that sign-in any more.
        Message::Unsaved { task, .. } => vec![Effect::TrySaving { task, again: false }],
        _ => Vec::new(),
    }
}

/// When the screen has to change by itself: as its clocks do, and when everything moves by a cell.
pub fn next_wakeup(model: &Model, now: Now) -> Option<Moment> {
    let now = now.moment;
    let drift = Moment::default() + DRIFT_TIME * (steps(now) + 1);
    let tick = |ends: Vec<Moment>| time_left::next_change(ends, now, model.motion);
    let countdown = match &model.kiosk.as_ref()?.stage {
        Stage::Waiting(shown) => {
            let next = shown.trouble.as_ref().map(|(_, next)| *next);
            tick([shown.code.expires_at].into_iter().chain(next).collect())
        }
        // Minutes will do for what takes half an hour.
        Stage::Resting { rest: Rest { reason: RestReason::Idle, until }, .. } => Some(*until),
        Stage::Resting { rest, .. } => Some(tick(vec![rest.until]).unwrap_or(now)),
        Stage::Unsaved { again_at, .. } => Some(tick(vec![*again_at]).unwrap_or(now)),
        Stage::SignedIn { leaves_at, .. } => Some(tick(vec![*leaves_at]).unwrap_or(now)),
        Stage::Asking { .. } | Stage::Approved { .. } => None,
    };
    let beat = model.kiosk.as_ref().and_then(|panel| panel.pulse).map(|(_, next)| next.max(now));
    countdown.into_iter().chain(beat).chain([drift]).min()
}

/// Only what cannot lead anywhere is heard: a new code where there is none, drawing again, and the way out.
fn press(model: &mut Model, key: Key, now: Moment) -> Vec<Effect> {
    match model.keymap.command(Scope::Everywhere, key) {
        Some(Command::LeaveNow) => {
            let given_up = model.kiosk.as_ref().map(|panel| Effect::GiveUp(panel.task));
            given_up.into_iter().chain([Effect::Quit(Ended::Interrupted)]).collect()
        }
        Some(Command::Redraw) => vec![Effect::ClearScreen],
        Some(Command::Choose) => choose(model, now),
        _ => Vec::new(),
    }
}

/// OK on a remote: somebody is there and wants to go on.
fn choose(model: &mut Model, now: Moment) -> Vec<Effect> {
    let Some(panel) = model.kiosk.as_mut() else { return Vec::new() };
    match &panel.stage {
        Stage::Resting { since, .. } if now - *since >= SHORTEST_REST => {
            panel.renewal.attended();
            ask(model, None)
        }
        Stage::SignedIn { .. } => leave(model),
        _ => Vec::new(),
    }
}

fn wake(model: &mut Model, now: Moment) -> Vec<Effect> {
    let Some(panel) = model.kiosk.as_mut() else { return Vec::new() };
    match &mut panel.stage {
        Stage::Resting { rest, .. } if rest.until <= now => ask(model, None),
        Stage::Unsaved { again_at, attempts, .. } if *again_at <= now => {
            let again = *attempts < SAVE_ATTEMPTS;
            panel.stage = Stage::Approved { unsaved: *attempts };
            vec![Effect::TrySaving { task: panel.task, again }]
        }
        Stage::SignedIn { leaves_at, .. } if *leaves_at <= now => leave(model),
        _ => Vec::new(),
    }
}

/// Asks for a code; the old one stays until it comes.
fn ask(model: &mut Model, old: Option<Box<Shown>>) -> Vec<Effect> {
    let task = model.new_task();
    let Some(panel) = model.kiosk.as_mut() else { return Vec::new() };
    panel.task = task;
    panel.stage = Stage::Asking { old };
    vec![Effect::StartSignIn { task, profile: panel.profile.clone(), options: panel.options.clone() }]
}

fn ended(model: &mut Model, result: Result<SignedIn, Error>, now: Moment) -> Vec<Effect> {
    let Some(panel) = model.kiosk.as_mut() else { return Vec::new() };
    let error = match result {
        Ok(outcome) => {
            panel.stage = Stage::SignedIn { outcome: Box::new(outcome), leaves_at: now + SUCCESS_TIME };
            return Vec::new();
        }
        Err(error) => error,
    };
    let rest = panel.renewal.rest(error.code, now);
    let before = std::mem::replace(&mut panel.stage, Stage::Resting { rest, since: now, error });
    match before {
        Stage::Waiting(old) if rest.reason == RestReason::RanOut => ask(model, Some(old)),
        _ if rest.reason == RestReason::RanOut => ask(model, None),
        _ => Vec::new(),
    }
}

fn leave(model: &mut Model) -> Vec<Effect> {
    match model.kiosk.take().map(|panel| panel.stage) {
        Some(Stage::SignedIn { outcome, .. }) => vec![Effect::Quit(Ended::SignedIn(*outcome))],
        _ => vec![Effect::Quit(Ended::Interrupted)],
    }
}

/// How often everything has moved by a cell since the machine's start.
fn steps(now: Moment) -> u32 {
    u32::try_from((now - Moment::default()).as_secs() / DRIFT_TIME.as_secs()).unwrap_or(u32::MAX - 1)
}

impl KioskPanel {
    /// Says that the loop still turns, when it is time to.
    fn beat(&mut self, now: Moment) -> Option<Effect> {
        let (pulse, next) = self.pulse.as_mut().filter(|(_, next)| *next <= now)?;
        *next = now + *pulse;
        Some(Effect::Alive)
    }

    fn take(&mut self, event: SignInEvent, now: Moment) {
        match event {
            SignInEvent::Asking { host } => self.host = Some(host),
            SignInEvent::CodeIssued { code, .. } | SignInEvent::CodeRenewed { code, .. } => self.show(code, now),
            SignInEvent::Approved => self.stage = Stage::Approved { unsaved: 0 },
            SignInEvent::Retrying { reason, next_poll_at, .. } => self.trouble(Some((reason, next_poll_at))),
            // Nobody asks for that here.
            SignInEvent::Hastened { .. } => {}
            // What it shows is the same, whoever asks.
            SignInEvent::Following { .. } => self.trouble(None),
            SignInEvent::Pending { .. } | SignInEvent::SlowedDown { .. } | SignInEvent::Relocated { .. } => {
                self.trouble(None);
            }
        }
    }

    fn show(&mut self, code: IssuedCode, now: Moment) {
        self.renewal.issued();
        self.codes = self.codes.wrapping_add(1);
        let address = code.verification_uri_complete.as_ref().unwrap_or(&code.verification_uri);
        let matrix = QrMatrix::encode(address.as_str());
        let previous = match &mut self.stage {
            Stage::Asking { old: Some(old) } => Some((std::mem::take(&mut old.code.user_code), now + NOTICE_TIME)),
            _ => None,
        };
        self.stage = Stage::Waiting(Box::new(Shown { code, matrix, trouble: None, previous }));
    }

    fn trouble(&mut self, trouble: Option<(String, Moment)>) {
        if let Stage::Waiting(shown) = &mut self.stage {
            shown.trouble = trouble;
        }
    }

    fn keep_unsaved(&mut self, error: Error, now: Moment) -> Vec<Effect> {
        let before = if let Stage::Approved { unsaved } = self.stage { unsaved } else { 0 };
        self.stage = Stage::Unsaved { error, attempts: before + 1, again_at: now + SAVE_AGAIN_TIME };
        Vec::new()
    }
}
