//! Who asks for a pending sign-in. One process of a machine does, the others watch the record; the lock for that lies on a file
//! of its own, since it is held for minutes and nobody may have to wait for the record so long.
//!
//! The file also says until when the server is to be left alone, so that whoever takes over from a process that died does
//! not ask too early. It need not outlive the machine: after another start a whole interval is waited.

use std::fs::File;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file::lock;
use super::pending::{Booted, Clocks, PendingId};
use super::{Store, StoreError};
use crate::clock::Moment;
use crate::profile::ProfileName;

/// The sole right on this machine to ask for a profile's pending sign-in. It ends when this is dropped.
pub struct Poller(Option<File>);

/// What the one who asked before has left behind about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The server is to be left alone for so long yet.
    pub left: Duration,
    /// A poll was out when its sender died, so that its answer got lost.
    pub was_asking: bool,
}

#[derive(Serialize, Deserialize)]
struct Note {
    id: PendingId,
    rests_until: Booted,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_asking: bool,
}

impl Store {
    /// Becomes the one that asks for the profile's pending sign-in.
    ///
    /// # Errors
    ///
    /// Somebody else is ([`StoreError::Locked`]), or the file cannot be used.
    pub fn poller(&self, profile: &ProfileName) -> Result<Poller, StoreError> {
        let path = self.poller_path(profile)?;
        path.map(|path| lock::acquire(&path, profile, Duration::ZERO)).transpose().map(Poller)
    }
}

impl Poller {
    /// What is known of this sign-in; `None` where a whole interval has to be waited.
    pub fn rest(&self, id: &PendingId, now: &Clocks<'_>) -> Option<Rest> {
        let note: Note = lock::noted(self.0.as_ref()?)?;
        let until = Moment::at(note.rests_until.at);
        let is_known = note.id == *id && now.boot == Some(&note.rests_until.id);
        is_known.then(|| Rest { left: now.moment.until(until), was_asking: note.is_asking })
    }

    /// Notes that the server is to be left alone until then, and whether it is being asked. Where that cannot be written, whoever
    /// comes next waits as long as after the note before.
    pub fn note(&self, id: PendingId, until: Moment, is_asking: bool, now: &Clocks<'_>) {
        let Some((file, rests_until)) = self.0.as_ref().zip(Clocks { moment: until, ..*now }.booted()) else { return };
        let _ = lock::write(file, &Note { id, rests_until, is_asking });
    }
}
