//! Which generation of each record this machine has written last, so that a store that was brought back from a backup is
//! noticed: an old refresh token may end the grant.
//!
//! The notes lie in the spare place, which backups leave out. They are of use only where they are right: one that is damaged
//! or missing is none, and nobody waits for one to be durable.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, Happened, Record, private, seal};
use crate::files::{access, with_owners_rights};
use crate::profile::ProfileName;

/// Bytes; notes have less than a hundred.
const LIMIT: u64 = 1024;

/// The notes on one store.
pub(super) struct Seen {
    directory: PathBuf,
    address: String,
    /// Of the store, once it was needed.
    id: OnceLock<String>,
}

/// What was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) generation: u64,
    /// When its last sign-in was approved or ended by a person, as far as that is known.
    approved_at: Option<Timestamp>,
    /// The start of a digest of its refresh token, by which that is told from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<u64>,
}

impl Note {
    pub(super) fn of(record: &Record) -> Self {
        let token = record.grant.as_ref().and_then(|grant| grant.refresh_token.as_ref());
        Self {
            generation: record.generation,
            approved_at: last_decision(record),
            refresh_token: token.map(seal::digest_of),
        }
    }

    /// Whether the record, which is one from before this, has a refresh token that another one has taken the place of.
    pub(super) fn replaced_token_of(self, record: &Record) -> bool {
        self.refresh_token.is_some() && self.refresh_token != Self::of(record).refresh_token
    }

    /// Whether a sign-in that can be refreshed was written, and no end of it.
    pub(super) fn has_sign_in(self) -> bool {
        self.refresh_token.is_some()
    }

    /// Whether the record is one from before this. A later sign-in is not, whatever its number.
    pub(super) fn is_after(self, record: &Record) -> bool {
        let other = Self::of(record);
        other.generation < self.generation && other.approved_at <= self.approved_at
    }
}

/// When the last sign-in of a record was approved, in whole seconds, as its history has them. One that is over counts too,
/// since what ended it comes after it; and so does its end, since a long history forgets beginnings.
fn last_decision(record: &Record) -> Option<Timestamp> {
    let granted = record.grant.iter().map(|grant| grant.approved_at);
    let waiting = record.to_revoke.iter().map(|note| note.approved_at);
    let unrevoked = record.unrevoked.iter().map(|grant| grant.approved_at);
    let decides = |event: &&Event| matches!(event.what, Happened::SignedIn | Happened::SignedOut);
    let told = record.events.iter().filter(decides).map(|event| event.at);
    let last = granted.chain(waiting).chain(unrevoked).chain(told).max()?;
    Timestamp::from_second(last.as_second()).ok()
}

impl Seen {
    /// Of the store at this address.
    pub(super) fn new(directory: PathBuf, address: String) -> Self {
        Self { directory, address, id: OnceLock::new() }
    }

    pub(super) fn last(&self, profile: &ProfileName) -> Option<Note> {
        let content = private::read(&self.path(profile), LIMIT).ok()??;
        serde_json::from_slice(&content).ok()
    }

    /// When that was noted.
    pub(super) fn noted_at(&self, profile: &ProfileName) -> Option<Timestamp> {
        fs::metadata(self.path(profile)).ok()?.modified().ok()?.try_into().ok()
    }

    /// Notes what was written, unless what was written before is newer.
    pub(super) fn note(&self, record: &Record) {
        if !self.last(&record.profile).is_some_and(|last| last.is_after(record)) {
            // Nothing is lost where it cannot be noted.
            let _ = self.write(&self.path(&record.profile), Note::of(record));
        }
    }

    pub(super) fn forget(&self, profile: &ProfileName) {
        // What stays tells of a generation that is gone, and the next sign-in comes after it.
        let _ = fs::remove_file(self.path(profile));
    }

    fn write(&self, path: &Path, note: Note) -> Option<()> {
        private::create_directory(&self.directory).ok()?;
        private::check_directory(&self.directory).ok()?;
        let file = access::options().write(true).create(true).truncate(true).open(path).ok()?;
        with_owners_rights(file).ok()?.write_all(&serde_json::to_vec(&note).ok()?).ok()
    }

    fn path(&self, profile: &ProfileName) -> PathBuf {
        let id = self.id.get_or_init(|| seal::id(self.address.as_bytes()));
        self.directory.join(format!("{profile}.{id}.seen"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Note;
    use crate::secret::Secret;
    use crate::storage::{Grant, Happened, Record};

    fn signed_in(generation: u64, hour: i64) -> Record {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let grant = Grant::new("https://id.example/token", Vec::new(), Secret::new("AT"), at, at);
        let empty = Record::empty("work".parse().expect("a name"), "corp", "client");
        Record { generation, grant: Some(grant), ..empty }
    }

    #[test]
    fn a_sign_out_comes_after_its_sign_in_and_before_the_next_one_however_long_ago_that_was() {
        let before = signed_in(7, 1);
        // Its history has no beginning any more.
        let mut over = Record { generation: 8, grant: None, ..before.clone() };
        over.note(Happened::SignedOut, "", "logout", Timestamp::UNIX_EPOCH + SignedDuration::from_hours(2));
        assert!(Note::of(&over).is_after(&before));
        // One of a profile that was removed and made anew counts from the beginning.
        assert!(!Note::of(&over).is_after(&signed_in(1, 3)));
        assert!(!Note::of(&before).is_after(&over));
    }
}
