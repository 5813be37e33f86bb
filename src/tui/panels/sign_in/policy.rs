//! Who decides on a sign-in: the person before the screen, or the screen itself where nobody attends it.
//!
//! When such a screen asks for its next code is decided by `service::Renewal`.

use std::time::Duration;

use crate::clock::Moment;
use crate::error::Error;
use crate::service::{Renewal, Rest, SignedIn};
use crate::tui::keymap::Command;
use crate::tui::message::Effect;

/// How long the end of a sign-in that worked stays by itself for who sits before it.
const SUCCESS_TIME: Duration = Duration::from_secs(5);
/// The same for who stands before it.
const UNATTENDED_SUCCESS_TIME: Duration = Duration::from_secs(10);
/// The wait before a grant is saved again.
const SAVE_AGAIN_TIME: Duration = Duration::from_secs(30);
/// How often a grant is saved before it is given back: nobody is there to decide.
const SAVE_ATTEMPTS: u32 = 20;
/// A wait may be cut short, but not sooner than this after its beginning: a stuck key asks nobody.
const SHORTEST_REST: Duration = Duration::from_secs(5);

/// Who decides.
#[derive(Debug)]
pub(super) enum Policy {
    Attended,
    /// A kiosk: it renews its code by itself, waits out whatever trouble there is, and leads nowhere but to its own end.
    Unattended {
        renewal: Renewal,
        /// How often the grant could not be saved.
        unsaved: u32,
        /// How often the supervisor hears that this screen is alive, and when it does next.
        pulse: Option<(Duration, Moment)>,
    },
}

impl Policy {
    /// Allows `renewals` new codes after the first one before it rests. Whoever supervises it hears of it at every `pulse`.
    pub(super) fn unattended(renewals: u32, pulse: Option<Duration>) -> Self {
        let pulse = pulse.map(|pulse| (pulse, Moment::default()));
        Self::Unattended { renewal: Renewal::new(renewals), unsaved: 0, pulse }
    }

    pub(super) fn is_attended(&self) -> bool {
        matches!(self, Self::Attended)
    }

    /// Whoever passes by may ask for what cannot lead anywhere: to go on, to draw again, and the way out.
    pub(super) fn allows(&self, command: Command) -> bool {
        self.is_attended() || matches!(command, Command::Choose | Command::Redraw | Command::LeaveNow)
    }

    /// A code came.
    pub(super) fn issued(&mut self) {
        if let Self::Unattended { renewal, unsaved, .. } = self {
            renewal.issued();
            *unsaved = 0;
        }
    }

    /// How long nothing is asked for after a failure; for ever where a person decides.
    pub(super) fn rest(&mut self, error: &Error, now: Moment) -> Option<Rest> {
        match self {
            Self::Attended => None,
            Self::Unattended { renewal, .. } => Some(renewal.rest(error.code, now)),
        }
    }

    /// Somebody wants the next code although the time for it has not come; tells whether that is heard.
    pub(super) fn cuts_short(&mut self, since: Moment, now: Moment) -> bool {
        match self {
            Self::Unattended { renewal, .. } if now - since >= SHORTEST_REST => {
                renewal.attended();
                true
            }
            _ => false,
        }
    }

    /// When a grant that could not be saved is decided on; `None` where a person does.
    pub(super) fn saves_again_at(&mut self, now: Moment) -> Option<Moment> {
        let Self::Unattended { unsaved, .. } = self else { return None };
        *unsaved += 1;
        Some(now + SAVE_AGAIN_TIME)
    }

    /// Whether it is to be saved again then, or given back.
    pub(super) fn saves_again(&self) -> bool {
        matches!(self, Self::Unattended { unsaved, .. } if *unsaved < SAVE_ATTEMPTS)
    }

    /// How long the end stays; `None` where a person has something to read.
    pub(super) fn success_time(&self, outcome: &SignedIn) -> Option<Duration> {
        match self {
            Self::Attended => (!needs_reading(outcome)).then_some(SUCCESS_TIME),
            Self::Unattended { .. } => Some(UNATTENDED_SUCCESS_TIME),
        }
    }

    /// Says that the loop still turns, when it is time to.
    pub(super) fn beat(&mut self, now: Moment) -> Option<Effect> {
        let Self::Unattended { pulse: Some((pulse, next)), .. } = self else { return None };
        (*next <= now).then(|| {
            *next = now + *pulse;
            Effect::Alive
        })
    }

    /// When it says so next.
    pub(super) fn next_beat(&self, now: Moment) -> Option<Moment> {
        match self {
            Self::Unattended { pulse: Some((_, next)), .. } => Some((*next).max(now)),
            _ => None,
        }
    }
}

/// Whether a sign-in that worked has something to tell that nobody should miss.
fn needs_reading(outcome: &SignedIn) -> bool {
    let is_whole = outcome.missing_scopes.is_empty() && outcome.refreshable;
    !is_whole || !outcome.warnings.is_empty() || !outcome.left_out.is_empty() || outcome.replaced.is_some()
}
