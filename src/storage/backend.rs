//! What a place for records has to do: it moves bytes that it cannot read, and knows who may replace them.
//!
//! A [`Backend`] blocks its caller, which is never a thread of the screens. What the bytes mean, which key opens them and
//! which of two copies counts is decided above, in `records`; so a backend never judges, mends or deletes by itself.

pub mod watched;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use super::reservation::Reservation;
use super::{Attempt, ClientAt, StoreError, Throttled, Version};
use crate::clock::Moment;
use crate::error::Advice;
use crate::files::access::Holds;
use crate::http::Chain;
use crate::profile::ProfileName;

/// Which of a profile's bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The record as last committed.
    Current,
    /// The record before it.
    Previous,
    /// A record that this machine keeps elsewhere, since the store failed in the middle of a commit.
    Spare,
    /// The calls that were made with the profile.
    Calls,
}

/// What is at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Missing,
    /// Something that cannot be bytes of this store, and why.
    Damaged(&'static str),
    Bytes(Zeroizing<Vec<u8>>),
}

/// Bytes of a profile that are none of its parts.
#[derive(Debug)]
pub struct Stray {
    pub profile: ProfileName,
    pub kind: StrayKind,
    /// Where exactly it is, for messages.
    pub place: String,
    pub found: Result<Found, StoreError>,
}

/// How bytes came to be no part any more, or never became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// A part that was moved out of the way.
    SetAside,
    /// Its writer died before it had its name, or is at work now; or it is in the place of a lock, and none.
    LeftOver,
}

/// The profiles that have a record.
#[derive(Debug, Default)]
pub struct Listing {
    /// In order, and whether it is known that there is no other copy of the record than the current one.
    pub profiles: Vec<(ProfileName, bool)>,
    /// No other profile has one.
    pub is_whole: bool,
}

/// What a place may know of a record beside its bytes: the columns in clear of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clear {
    pub provider: String,
    /// Empty where the provider has no data centers.
    pub data_center: String,
    pub client_id: String,
    /// `signed_out`, `signed_in` or `needs_login`; what depends on the time is not kept.
    pub state: &'static str,
    pub generation: u64,
    /// Empty where nothing is sealed.
    pub key_id: String,
    pub access_token_expires_at: Option<Timestamp>,
    pub last_refresh_at: Option<Timestamp>,
}

/// What keeps the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    File,
    Plain,
    Memory,
    Postgres,
}

impl StoreKind {
    /// The word for people and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            StoreKind::File => "file",
            StoreKind::Plain => "plain",
            StoreKind::Memory => "memory",
            StoreKind::Postgres => "postgres",
        }
    }
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabaseDetails {
    pub database: String,
    pub role: String,
    pub server_version: String,
    pub tables_version: i32,
    /// It takes no writes, since it follows another server.
    pub standby: bool,
    /// It takes no writes: it follows another server, or is set so.
    pub read_only: bool,
    pub synchronous_commit: String,
    /// Why it takes no writes, as a clause behind a name for it, and what helps.
    #[serde(skip)]
    pub refuses_writes: Option<(String, Advice)>,
}

/// How the server of a database is, seen from this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// This role may read and write everything.
    pub may_write: bool,
    /// The version of TLS on the server's own connection, which ends at a pooler where there is one.
    pub tls: Option<String>,
    /// The name of whom TLS was spoken to from here, a pooler where there is one, and its chain.
    pub chain: Option<(String, Chain)>,
    /// How far its clock is ahead of this machine's.
    pub ahead: SignedDuration,
    /// Somebody else has had the connection before this process: a pooler is in between. Without it there may be one, too.
    pub is_pooled: bool,
}

/// A place that keeps bytes by the name of a profile.
pub trait Backend: Send + Sync {
    fn kind(&self) -> StoreKind;

    /// The store in words for people: a directory, or a database without its password.
    fn place(&self) -> String;

    /// The same for each address of the store, and another one for each other store.
    fn identity(&self) -> Result<String, StoreError> {
        Ok(self.place())
    }

    /// The directory in which a change of a record shows as one of its file, where there is one.
    fn directory(&self) -> Option<PathBuf> {
        None
    }

    /// Where exactly these bytes are, for messages.
    fn place_of(&self, profile: &ProfileName, part: Part) -> String;

    /// Takes no lock, and finds what was last committed.
    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError>;

    /// The line in clear at the start of a part, where that is cheaper to have than the whole.
    fn first_line(&self, profile: &ProfileName, part: Part) -> Option<Vec<u8>>;

    /// Waits up to `patience` for the sole right to write this profile's parts.
    fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn Hold>, StoreError>;

    /// The file by which the processes of this machine settle who asks for a profile's pending sign-in; `None` where no other
    /// process knows of that, or nothing can be kept.
    fn poller_path(&self, profile: &ProfileName) -> Result<Option<PathBuf>, StoreError>;

    /// Sees that the profile's next record will find room, which is kept although others write the record meanwhile; only who has
    /// the right to ask for a pending sign-in calls it. `None` where a record needs no room that could be taken by others.
    fn room(&self, _profile: &ProfileName) -> Result<Option<Reservation>, StoreError> {
        Ok(None)
    }

    /// Keeps a record in the place that only this machine has, for who cannot have the right to write it, and tells where; `None` where
    /// there is no such place.
    fn keep_spare(&self, _profile: &ProfileName, _bytes: &[u8]) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// The home whose processes have that file in common, over all starts of its machine; `None` where everybody has who shares the
    /// store, as in a directory.
    fn poller_home(&self) -> Option<String> {
        None
    }

    /// The profiles that have a record, by a look that opens none.
    fn listing(&self) -> Result<Listing, StoreError>;

    /// The same alone, in order.
    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        Ok(self.listing()?.profiles.into_iter().map(|(profile, _)| profile).collect())
    }

    /// Tells the committed records apart from earlier and later ones; `None` where only reading tells.
    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>>;

    /// The damaged records that were set aside, and where the last one of each profile is.
    fn set_aside(&self) -> BTreeMap<ProfileName, String>;

    /// The same of one profile.
    fn set_aside_of(&self, profile: &ProfileName) -> Option<String> {
        self.set_aside().remove(profile)
    }

    /// Which grants of a client were throttled lately, the last time for each profile. No lock is needed for it.
    fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError>;

    /// Notes that one was. What was noted of other profiles of the client at the same time stays.
    fn note_throttled(&self, client: &ClientAt, throttled: Throttled) -> Result<(), StoreError>;

    /// Several machines keep their records here: each has the key from where it likes.
    fn is_shared(&self) -> bool {
        false
    }

    /// Proves that bytes can be kept: writes these under a name that no profile has, reads them back and deletes them.
    fn probe(&self, bytes: &[u8]) -> Result<Found, StoreError>;

    /// What the store says about its key, as [`bind`](Self::bind) was given it.
    fn pin(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `pin` durably where the store has none yet; else the one that is there stays.
    fn bind(&self, pin: &[u8]) -> Result<(), StoreError>;

    /// Keeps `pin` durably where `before` is what the store says now, and tells whether it was.
    fn rebind(&self, before: &[u8], pin: &[u8]) -> Result<bool, StoreError>;

    /// Makes what the store needs to be there, which is else made when it is first needed.
    fn init(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Waits up to `patience` for others to change records, and tells which; `None` where nobody says when they do. It may miss
    /// some, so that whoever watches looks by itself as well.
    fn changed(&self, _patience: Duration) -> Option<Vec<ProfileName>> {
        None
    }

    /// How an admin makes what `role` needs to be there, as text for another program; `None` where that is nobody's task.
    fn script(&self, _role: Option<&str>) -> Option<String> {
        None
    }

    /// What a database says of itself; `None` where there is none.
    fn details(&self) -> Result<Option<DatabaseDetails>, StoreError> {
        Ok(None)
    }

    /// The profiles that somebody has the sole right to write now, and who that is, where it shows without asking for it.
    fn holders(&self) -> Result<Vec<(ProfileName, String)>, StoreError> {
        Ok(Vec::new())
    }

    /// Fails where no record could be written on this machine. Nothing is changed for that, and no server asked.
    fn check_room(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How a server is that the place is behind; `None` where there is none.
    fn health(&self) -> Result<Option<Health>, StoreError> {
        Ok(None)
    }

    /// The files of this machine by which the place is reached, and what they hold.
    fn files(&self) -> Vec<(PathBuf, Holds)> {
        Vec::new()
    }

    /// What lies about beside the parts of profiles.
    fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        Ok(Vec::new())
    }
}

/// The sole right to write one profile's parts. It ends by [`release`](Self::release); one that is dropped without it, by a
/// panic or a task that was given up, ends as soon as that can be had without waiting.
pub trait Hold: Send {
    fn read(&mut self, part: Part) -> Result<Found, StoreError>;

    /// The last attempt that was noted, whoever noted it.
    fn attempt(&mut self) -> Result<Option<Attempt>, StoreError>;

    /// Until when a request may be sent that must not be sent twice; `None` where the right ends with this process only.
    fn may_send_until(&self) -> Option<Moment>;

    /// Bytes whose writer died before they had their name, in no order.
    fn left_over(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError>;

    /// Removes them.
    fn sweep(&mut self) -> Result<(), StoreError>;

    /// Makes sure that a record will find room, so that nothing has to be opened any more to replace it.
    fn reserve(&mut self) -> Result<(), StoreError>;

    /// Has the next record take the room that [`Backend::room`] has kept. Where that cannot be used, it takes other one.
    fn use_room(&mut self, _room: Reservation) {}

    /// Notes durably that a request goes out now whose answer may come only once. Fails where the right has ended.
    fn note(&mut self, attempt: Attempt) -> Result<(), StoreError>;

    /// Replaces the current record durably, which becomes the previous one. On an error either of both is the current one.
    fn replace(&mut self, clear: &Clear, bytes: &[u8]) -> Result<(), StoreError>;

    /// Keeps a record in the place that only this machine has, and tells where; `None` where there is no such place.
    fn keep_spare(&mut self, bytes: &[u8]) -> Result<Option<String>, StoreError>;

    /// Replaces the calls.
    fn save_calls(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Gives a part other bytes of the same content, sealed with the key of this id. The other parts stay as they are.
    fn reseal(&mut self, part: Part, key_id: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Moves a damaged record, the current or the previous one, out of the way. One that is missing is no error.
    fn set_aside(&mut self, part: Part) -> Result<(), StoreError>;

    /// Deletes a part durably. One that is missing is no error.
    fn remove(&mut self, part: Part) -> Result<(), StoreError>;

    /// Deletes what was set aside.
    fn remove_set_aside(&mut self) -> Result<(), StoreError>;

    /// Gives the right back, so that others need not wait for its end.
    fn release(self: Box<Self>);
}
