//! Who asks for a pending sign-in. One process of a machine does, the others watch the record; the lock for that lies on a file
//! of its own, since it is held for minutes and nobody may have to wait for the record so long.
//!
//! The file also says until when the server is to be left alone, so that whoever takes over from a process that died does
//! not ask too early. It need not outlive the machine: after another start a whole interval is waited.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::pending::{Booted, Clocks, PendingId};
use super::reservation::Reservation;
use super::{Record, Store, StoreError, lock};
use crate::clock::Moment;
use crate::files::{Locked, access};
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::words::time_of_day;

/// The sole right on this machine to ask for a profile's pending sign-in, with room for the record that an approval makes of it. Both
/// end when this is dropped.
pub struct Poller {
    store: Store,
    profile: ProfileName,
    room: Mutex<Option<Reservation>>,
    /// As it was last read, for when it cannot be read any more.
    record: Mutex<Option<Box<Record>>>,
    /// Of the lock.
    path: Option<PathBuf>,
    /// Dropped last, since the next one makes a room of the same name.
    lock: Option<Locked>,
}

/// What the one who asked before has left behind about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The server is to be left alone for so long yet.
    pub left: Duration,
    pub last: LastPoll,
}

/// What became of the last poll for a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastPoll {
    /// Nothing that its code would be used up by.
    #[default]
    Answered,
    /// It is out; where its sender has died, its answer got lost, in which the tokens may have been.
    Out,
    /// It brought the approval, which could not be kept.
    NotKept,
}

/// Who has the right to ask for a sign-in in place of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// A process or a machine in words, where it is known.
    pub who: Option<String>,
    /// It holds the right and makes no use of it, until somebody continues or ends it.
    pub is_stopped: bool,
    /// When it asked last, where that was noted on this machine.
    pub last_asked: Option<Timestamp>,
}

impl Asker {
    /// In words for people in this zone now, behind a word for it or in brackets.
    pub fn words(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let stopped = match self.last_asked.filter(|_| self.is_stopped) {
            Some(at) => format!(", which is stopped and has asked nobody since {}", time_of_day(at, now, zone)),
            None if self.is_stopped => ", which is stopped".to_owned(),
            None => String::new(),
        };
        self.who.as_ref().map(|who| format!("{who}{stopped}"))
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    id: PendingId,
    rests_until: Booted,
    #[serde(default)]
    last: LastPoll,
    /// When that was noted: before each poll, and after its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

impl Store {
    /// Becomes the one that asks for the profile's pending sign-in.
    ///
    /// # Errors
    ///
    /// Somebody else is ([`StoreError::Locked`]), or the file cannot be used.
    pub fn poller(&self, profile: &ProfileName) -> Result<Poller, StoreError> {
        let path = self.poller_path(profile)?;
        let lock = path.as_ref().map(|path| lock::acquire(path, profile, Duration::ZERO)).transpose()?;
        let (store, profile) = (self.clone(), profile.clone());
        Ok(Poller { store, profile, room: Mutex::default(), record: Mutex::default(), path, lock })
    }

    /// Whether somebody on this machine has the right to ask for the profile's pending sign-in. It is only looked at: nothing is
    /// written, and who looks as well is not in the way.
    pub fn is_asked_for(&self, profile: &ProfileName) -> Result<bool, StoreError> {
        let path = self.poller_path(profile)?;
        Ok(path.map(|path| lock::held_by(&path)).transpose()?.flatten().is_some())
    }

    /// Who asks for this sign-in on this machine, as far as that shows.
    pub fn asker(&self, profile: &ProfileName, id: &PendingId) -> Asker {
        let Ok(Some(path)) = self.poller_path(profile) else { return Asker::default() };
        let last_asked = noted(&path, id).and_then(|note| note.at);
        let holder = lock::holder(&path);
        let is_stopped = holder.as_ref().is_some_and(|pid| lock::is_stopped(pid));
        Asker { who: holder.map(|pid| format!("pid {pid}")), is_stopped, last_asked }
    }

    /// What became of the last poll for this sign-in, as was noted on this machine.
    pub fn last_poll(&self, profile: &ProfileName, id: &PendingId) -> LastPoll {
        let path = self.poller_path(profile).ok().flatten();
        path.and_then(|path| noted(&path, id)).map(|note| note.last).unwrap_or_default()
    }

    /// Shows a code as one that waits for nobody any more where its approval has come and could not be kept, as was noted on this machine.
    pub(super) fn end_code_if_used_up(&self, record: &mut Record) {
        if let Some(pending) = &mut record.pending
            && self.last_poll(&record.profile, &pending.id) == LastPoll::NotKept
        {
            pending.lifetime = Duration::ZERO;
        }
    }
}

/// What was noted of this sign-in.
fn noted(path: &Path, id: &PendingId) -> Option<Note> {
    let file = access::options().read(true).open(path).ok()?;
    lock::noted(&file).filter(|note: &Note| note.id == *id)
}

impl Poller {
    /// Fails where what it is kept in is not there any more.
    pub fn check_in_place(&self) -> Result<(), StoreError> {
        self.lock.as_ref().zip(self.path.as_ref()).map_or(Ok(()), |(lock, path)| lock::check_in_place(lock, path))
    }

    /// Has the record at hand, as it was just read.
    pub fn remember(&self, record: &Record) {
        *locked(&self.record) = Some(Box::new(record.clone()));
    }

    /// The record as it was last read.
    pub fn record(&self) -> Option<Box<Record>> {
        locked(&self.record).clone()
    }

    /// Keeps what an approval makes of that record in the spare place, where its own place takes nothing: it is away or read-only, or
    /// somebody keeps the right to write it. Whoever holds the profile next brings it back.
    ///
    /// # Errors
    ///
    /// The record can be written where it is, or the spare place fails as well.
    pub fn keep_aside(&self, record: &mut Record) -> Result<(), StoreError> {
        let held = self.check_in_place().and_then(|()| self.store.hold(&self.profile, Duration::ZERO));
        match held {
            Ok(held) => {
                held.release();
                Err(StoreError::not_possible(self.store.place(), "it takes records", "try again"))
            }
            Err(failed) if failed.is_of_place() || matches!(failed, StoreError::Locked { .. }) => {
                self.store.keep_aside(record, failed)
            }
            Err(failed) => Err(failed),
        }
    }

    /// Sees that an approval can be kept whatever becomes of the room on the disk meanwhile.
    ///
    /// # Errors
    ///
    /// There is no room, so that nobody may be asked.
    pub fn reserve(&self) -> Result<(), StoreError> {
        self.check_in_place()?;
        let mut room = locked(&self.room);
        if room.is_none() {
            *room = self.store.room(&self.profile)?;
        }
        Ok(())
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn take_room(&self) -> Option<Reservation> {
        locked(&self.room).take()
    }

    /// What is known of this sign-in; `None` where a whole interval has to be waited.
    pub fn rest(&self, id: &PendingId, now: &Clocks<'_>) -> Option<Rest> {
        let note: Note = lock::noted(self.lock.as_ref()?)?;
        let until = Moment::at(note.rests_until.at);
        let is_known = note.id == *id && now.boot == Some(&note.rests_until.id);
        is_known.then(|| Rest { left: now.moment.until(until), last: note.last })
    }

    /// Notes that the server is to be left alone until then, and what became of the last poll. Where that cannot be written, whoever
    /// comes next waits as long as after the note before.
    pub fn note(&self, id: PendingId, until: Moment, last: LastPoll, now: &Clocks<'_>) {
        let Some((file, rests_until)) = self.lock.as_ref().zip(Clocks { moment: until, ..*now }.booted()) else {
            return;
        };
        let _ = lock::write(file, &Note { id, rests_until, last, at: Some(now.wall) });
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::profile::ProfileName;
    use crate::secret::Secret;
    use crate::storage::{Grant, KeyOptions, LOCK_PATIENCE, Record, StoreAddress, open};

    #[test]
    fn a_record_takes_the_room_of_its_own_store_only() {
        let name: ProfileName = "work".parse().expect("a name");
        let directories = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let stores = directories
            .each_ref()
            .map(|directory| open(&StoreAddress::Plain(directory.path().join("store")), KeyOptions::default()));
        for (committed, is_used) in [(&stores[0], true), (&stores[0].clone(), true), (&stores[1], false)] {
            let poller = stores[0].poller(&name).expect("nobody asks");
            poller.reserve().expect("there is room");
            let mut record = Record::empty(name.clone(), "corp".to_owned(), "client".to_owned());
            let kept = committed.holding(&name, LOCK_PATIENCE, |held| {
                held.use_room_of(&poller);
                held.commit(&mut record)
            });
            kept.expect("it is kept");
            assert_eq!(poller.take_room().is_none(), is_used);
        }
    }

    #[test]
    fn an_approval_that_others_have_brought_back_counts_as_kept() {
        let name: ProfileName = "work".parse().expect("a name");
        let directory = tempfile::tempdir().expect("a directory");
        // It has no spare place.
        let store = open(&StoreAddress::Plain(directory.path().join("store")), KeyOptions::default());
        let poller = store.poller(&name).expect("nobody asks");
        let approved = |second| {
            let at = Timestamp::from_second(second).expect("a time");
            let grant = Grant::new("", Vec::new(), Secret::new("token"), at, None);
            Record { grant: Some(grant), ..Record::empty(name.clone(), "corp", "client") }
        };
        for (here, is_kept) in
            [(Record::empty(name.clone(), "corp", "client"), false), (approved(1), false), (approved(2), true)]
        {
            let mut held = store.hold(&name, LOCK_PATIENCE).expect("it is free");
            held.commit(&mut { here }).expect("it is kept");
            assert_eq!(poller.keep_aside(&mut approved(2)).is_ok(), is_kept);
            held.release();
        }
    }
}
