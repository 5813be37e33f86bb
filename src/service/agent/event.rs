//! What the agent tells: to the log, to programs that want to hear of it, and to whoever keeps token files. Plain data; no
//! event has a token.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::State;
use crate::config::Config;
use crate::error::Advice;
use crate::profile::ProfileName;
use crate::secret::Secret;

/// What happened. The first six are for programs as well ([`Happening::is_for_programs`]), the others for the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// There is a new access token, whoever minted it.
    Refreshed,
    /// Only a person can bring the profile back. Told once until that changes.
    NeedsLogin,
    /// A refresh failed for a reason that may pass. Told at the first, second, fourth, eighth … failure in a row.
    RefreshFailing,
    /// The provider, or its budget, allows no refresh for a while.
    Throttled,
    /// A token that nothing can refresh ends soon.
    Expiring,
    /// A profile that was failing, or needed somebody, is well again. [`Happening::Refreshed`] follows.
    Recovered,
    /// The profile is looked after from now on. Comes for each profile before [`Happening::Ready`], later for new ones.
    Watching,
    /// Somebody has signed the profile out.
    SignedOut,
    /// The profile is not configured any more.
    Removed,
    /// A sign-in of the profile is pending, and the agent goes on with it.
    SigningIn,
    /// That sign-in came to nothing.
    NotSignedIn,
    /// Of a client more tokens are due than are taken to be good for it, so its refreshes are spread.
    Spread,
    /// All records were read: the agent does its work. Once, and again when a store can be reached that could not.
    Ready,
    /// Another configuration took the place of the one before.
    Reloaded,
    /// The configuration cannot be read, and the one before stays.
    NotReloaded,
    /// The store cannot be read, and what was known of it stays.
    StoreFailing,
}

impl Happening {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Happening::Refreshed => "refreshed",
            Happening::NeedsLogin => "needs_login",
            Happening::RefreshFailing => "refresh_failing",
            Happening::Throttled => "throttled",
            Happening::Expiring => "expiring",
            Happening::Recovered => "recovered",
            Happening::Watching => "watching",
            Happening::SignedOut => "signed_out",
            Happening::Removed => "removed",
            Happening::SigningIn => "signing_in",
            Happening::NotSignedIn => "not_signed_in",
            Happening::Spread => "spread",
            Happening::Ready => "ready",
            Happening::Reloaded => "reloaded",
            Happening::NotReloaded => "not_reloaded",
            Happening::StoreFailing => "store_failing",
        }
    }

    /// Whether `--on-event` hears of it.
    pub fn is_for_programs(self) -> bool {
        use Happening::{Expiring, NeedsLogin, Recovered, RefreshFailing, Refreshed, Throttled};
        matches!(self, Refreshed | NeedsLogin | RefreshFailing | Throttled | Expiring | Recovered)
    }
}

/// Something that happened to a profile, or to the agent itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub happening: Happening,
    /// `None` where it concerns a client or the agent.
    pub profile: Option<ProfileName>,
    /// How the profile stands since.
    pub state: Option<State>,
    pub at: Timestamp,
    /// A sentence without its end.
    pub message: String,
    /// What to do, where somebody has to.
    pub advice: Vec<Advice>,
}

/// An event with what only this process may know.
#[derive(Clone, Debug)]
pub struct Notice {
    pub event: Event,
    /// The access token that the profile has since: with [`Happening::Watching`], [`Happening::Refreshed`] and
    /// [`Happening::Recovered`], unless there is none that is good.
    pub token: Option<Secret>,
    pub health: Health,
    /// By which the agent goes on.
    pub config: Arc<Config>,
    /// How many orders to read the configuration again have been carried out by this.
    pub reloads: u32,
}

/// How all that the agent looks after stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub profiles: usize,
    /// Those whose last refresh failed, or that are throttled.
    pub failing: usize,
    /// Those that only a person can bring back.
    pub needs_login: usize,
    pub signed_out: usize,
    /// When the next refresh is due.
    pub next_refresh_at: Option<Timestamp>,
}

/// What others ask of the agent. Where nobody is left who could ask, it begins nothing more, and ends when every answer that
/// is due is kept (TERM).
#[derive(Debug)]
pub enum Command {
    /// Read the configuration and all records again (SIGHUP). [`Happening::Reloaded`] or [`Happening::NotReloaded`] follows,
    /// also where nothing is new.
    Reload,
    /// Say how things stand, which proves as well that the loop is alive (the watchdog).
    Report(tokio::sync::oneshot::Sender<Health>),
}
