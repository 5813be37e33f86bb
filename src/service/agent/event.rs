//! What the agent tells: to the log, to programs that want to hear of it, and to whoever keeps token files. Plain data; no
//! event has a token.

use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::super::State;
use crate::config::Config;
use crate::profile::ProfileName;
use crate::secret::Secret;

/// The version of an event's JSON.
const SCHEMA_VERSION: u8 = 1;

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
    pub hint: Option<String>,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Event", 7)?;
        object.serialize_field("schema_version", &SCHEMA_VERSION)?;
        object.serialize_field("event", self.happening.word())?;
        match &self.profile {
            Some(profile) => object.serialize_field("profile", profile)?,
            None => object.skip_field("profile")?,
        }
        match self.state {
            Some(state) => object.serialize_field("state", state.word())?,
            None => object.skip_field("state")?,
        }
        let at = Timestamp::from_second(self.at.as_second()).unwrap_or(self.at);
        object.serialize_field("at", &at)?;
        object.serialize_field("message", &self.message)?;
        match &self.hint {
            Some(hint) => object.serialize_field("hint", hint)?,
            None => object.skip_field("hint")?,
        }
        object.end()
    }
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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Event, Happening};
    use crate::service::State;

    #[test]
    fn an_event_is_one_object_and_leaves_out_what_there_is_not() {
        let event = Event {
            happening: Happening::NeedsLogin,
            profile: Some("lobby".parse().expect("a name")),
            state: Some(State::NeedsLogin),
            at: Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1500),
            message: "the access token of profile `lobby` could not be refreshed: it was revoked".to_owned(),
            hint: Some("run `device-login login lobby`".to_owned()),
        };
        assert_eq!(
            serde_json::to_string(&event).expect("JSON"),
            r#"{"schema_version":1,"event":"needs_login","profile":"lobby","state":"needs_login","at":"1970-01-01T00:00:01Z","message":"the access token of profile `lobby` could not be refreshed: it was revoked","hint":"run `device-login login lobby`"}"#
        );
        let ready = Event { happening: Happening::Ready, profile: None, state: None, hint: None, ..event };
        let text = serde_json::to_string(&ready).expect("JSON");
        assert!(!text.contains("profile\":") && !text.contains("hint") && !text.contains("state"), "{text}");
    }
}
