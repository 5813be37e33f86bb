//! A device sign-in whose code waits for its approval: kept in the profile's record from the moment the code is known, so that
//! whoever dies, loses the terminal or is started anew can go on with it.
//!
//! It is part of the record because the commit that keeps the grant has to take it away: there is no moment at which both
//! are there, or neither.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::IssuerEndpoints;
use super::history::is_zero;
use super::record::secret;
use super::seal;
use crate::clock::{self, Moment};
use crate::error::Error;
use crate::providers::ClientAuthentication;
use crate::random;
use crate::secret::Secret;

/// What it takes to go on with a sign-in. What later versions add is no reason to call a record damaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingSignIn {
    #[serde(default)]
    pub id: PendingId,
    /// By the wall clock.
    pub issued_at: Timestamp,
    /// The same on the boot clock, which nobody sets; it counts until the machine starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booted: Option<Booted>,
    #[serde(rename = "lifetime_ms", with = "milliseconds")]
    pub lifetime: Duration,
    /// The least time between two polls, as the server has it by now.
    #[serde(rename = "interval_ms", with = "milliseconds")]
    pub interval: Duration,
    /// How often the server has asked for a longer one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slow_downs: u32,
    #[serde(with = "secret")]
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<Url>,
    pub provider: String,
    pub client_id: String,
    /// The accounts server at which the client is registered.
    pub issuer: String,
    /// The data center that is asked, since the account may live in another one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_center: String,
    /// Where a provider that the configuration or its issuer describes takes the polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Box<IssuerEndpoints>>,
    /// The ways in which the client may yet say who it is, the one in use first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentication: Vec<ClientAuthentication>,
    /// The server took no form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_json: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The only account that may approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The machine that asks, by its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The same as the store tells it from others that share it ([`Store::poller_home`](super::Store::poller_home)): they leave
    /// the sign-in alone until a person there goes on with it. A name would not do, which a new container has from the one
    /// before it and a machine may change. It is not the home of a lease, since this one has to survive a start of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

/// Tells a pending sign-in from every other one. Random, since clocks are set and a server may hand a code out twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PendingId(String);

impl PendingId {
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn generate() -> io::Result<Self> {
        random::bytes::<16>().map(|bytes| Self(seal::hex(&bytes)))
    }
}

/// A moment on the boot clock of one start of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booted {
    pub id: String,
    /// Since that start.
    #[serde(rename = "ms", with = "milliseconds")]
    pub at: Duration,
}

/// How a sign-in ended that was pending, for those who went along with it, and for who asks later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSignIn {
    #[serde(default)]
    pub id: PendingId,
    /// Nothing where it brought the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// Whoever ended it has told a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_told: bool,
}

/// All the clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks<'a> {
    pub moment: Moment,
    /// Of which start of the machine the moment is, where that is known.
    pub boot: Option<&'a str>,
    pub wall: Timestamp,
}

impl Clocks<'static> {
    /// As they stand.
    pub fn now() -> Self {
        Self { moment: clock::now(), boot: clock::boot(), wall: clock::wall() }
    }
}

impl Clocks<'_> {
    /// The moment, for as long as the machine runs on.
    pub fn booted(&self) -> Option<Booted> {
        Some(Booted { id: self.boot?.to_owned(), at: self.moment - Moment::default() })
    }
}

impl Booted {
    /// How long ago it was, if that was since the same start of the machine.
    pub fn age(&self, now: &Clocks<'_>) -> Option<Duration> {
        let at = Moment::at(self.at);
        (now.boot == Some(&self.id) && at <= now.moment).then(|| now.moment - at)
    }
}

impl PendingSignIn {
    /// How much of the code's life is left: by the boot clock while the machine runs on, else by the wall clock. One that was set
    /// back tells nothing, and then the server alone knows when the code has ended.
    pub fn left(&self, now: &Clocks<'_>) -> Duration {
        let by_wall = || clock::until(self.issued_at, now.wall);
        let age = self.booted.as_ref().and_then(|booted| booted.age(now)).unwrap_or_else(by_wall);
        self.lifetime.saturating_sub(age)
    }

    /// Its end on the wall clock, as that stands now.
    pub fn expires_at(&self, now: &Clocks<'_>) -> Timestamp {
        clock::later(now.wall, self.left(now))
    }

    /// Whether this home asks.
    pub fn is_of(&self, home: Option<&str>) -> bool {
        self.home.as_deref() == home
    }
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Booted, Clocks, PendingId, PendingSignIn};
    use crate::clock::Moment;
    use crate::secret::Secret;

    const ISSUED: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn pending(boot: Option<&str>) -> PendingSignIn {
        let uri: url::Url = "https://corp.example/device".parse().expect("an address");
        PendingSignIn {
            id: PendingId::generate().expect("the system has random numbers"),
            issued_at: ISSUED,
            booted: boot.map(|id| Booted { id: id.to_owned(), at: Duration::from_secs(1000) }),
            lifetime: Duration::from_secs(600),
            interval: Duration::from_secs(5),
            slow_downs: 0,
            device_code: Secret::new("device"),
            user_code: "ABCD".to_owned(),
            verification_uri: uri,
            verification_uri_complete: None,
            provider: "corp".to_owned(),
            client_id: "client".to_owned(),
            issuer: "https://corp.example/token".to_owned(),
            data_center: String::new(),
            endpoints: None,
            authentication: Vec::new(),
            sends_json: false,
            scopes: Vec::new(),
            expected: None,
            machine: None,
            home: None,
        }
    }

    #[test]
    fn what_is_left_of_a_code_is_told_by_the_clock_that_nobody_has_set() {
        let left = |kept: Option<&str>, boot: Option<&str>, moment: u64, wall: i64| {
            let wall = ISSUED + SignedDuration::from_secs(wall);
            let now = Clocks { moment: Moment::at(Duration::from_secs(moment)), boot, wall };
            pending(kept).left(&now).as_secs()
        };
        for (name, kept, boot, moment, wall, expected) in [
            ("at once", Some("a"), Some("a"), 1000, 0, 600),
            ("a while later", Some("a"), Some("a"), 1100, 100, 500),
            ("clock set back", Some("a"), Some("a"), 1100, -86_400, 500),
            ("clock set forward", Some("a"), Some("a"), 1100, 86_400, 500),
            ("at its end", Some("a"), Some("a"), 1600, 0, 0),
            ("long after its end", Some("a"), Some("a"), 9999, 0, 0),
            ("after a start of the machine", Some("a"), Some("b"), 30, 100, 500),
            ("after a start that took long", Some("a"), Some("b"), 30, 700, 0),
            ("after a start without a battery for the clock", Some("a"), Some("b"), 30, -1_000_000_000, 600),
            ("without a boot clock then", None, Some("b"), 30, 100, 500),
            ("without a boot clock now", Some("a"), None, 30, 100, 500),
            ("a boot clock that went back, in a copy of a machine", Some("a"), Some("a"), 900, 100, 500),
        ] {
            assert_eq!(left(kept, boot, moment, wall), expected, "{name}");
        }
    }

    #[test]
    fn what_is_kept_is_read_back_as_it_was() {
        for pending in [pending(Some("a")), pending(None)] {
            let text = serde_json::to_string(&pending).expect("JSON");
            assert_eq!(serde_json::from_str::<PendingSignIn>(&text).expect("the same"), pending, "{text}");
            let later = text.replacen('{', "{\"of_a_later_version\":1,", 1);
            assert_eq!(serde_json::from_str::<PendingSignIn>(&later).expect("it is read"), pending, "{later}");
        }
    }
}
