//! The store as the rest of the program sees it: records, opened and judged, whatever keeps their bytes.
//!
//! Readers take no lock. Every write goes through [`Store::hold`], so that a refresh can read again, decide, ask the provider
//! and commit while nobody else does the same. Of several copies of a record the newest sound one counts; whoever holds a
//! profile also mends what is damaged. No failure here deletes or blanks a record.

mod anew;
mod check;
mod copied;
mod info;
mod moving;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::backend::{Backend, Clear, Found, Hold, Part};
use super::copies::Copies;
use super::envelope::{self, FirstLine, Opened};
use super::key::{Key, Keyring, Sources};
use super::seen::Seen;
use super::{Attempt, ClientAt, PastCall, Protection, Record, StoreError, Throttled, Version};
use crate::clock::Moment;
use crate::profile::ProfileName;

pub use self::anew::Rekeyed;
pub use self::check::{Checked, Finding, FindingKind};
pub use self::info::StoreInfo;
pub use self::moving::{Copied as CopiedProfile, Destination, Opener};

/// Where the newest record of a profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Here,
    /// It can come back, since the store can be read.
    SpareForNow,
    Spare,
}

/// A record that may not be there, or may be damaged.
type Copy = Opened<Box<Record>>;

/// A place that keeps records. Clones share it. Everything here may wait for a disk, a lock or a network.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    keyring: Keyring,
    /// What was found damaged since the store was opened, in words.
    damaged: Mutex<BTreeMap<ProfileName, String>>,
    /// Where this machine keeps copies of access tokens, if it does.
    copies: OnceLock<Copies>,
    /// What this machine has written last.
    seen: OnceLock<Seen>,
    /// Where records are looked for whose move was cut short.
    opener: OnceLock<Opener>,
    /// Whose copy served since the store was away, in words.
    served: Mutex<BTreeMap<ProfileName, String>>,
}

impl Store {
    /// The store in `backend`, sealed with a key from `sources`, or not sealed at all.
    pub(super) fn new(backend: Arc<dyn Backend>, sources: Option<Sources>) -> Self {
        let keyring = Keyring::new(Arc::clone(&backend), sources);
        Self {
            shared: Arc::new(Shared {
                backend,
                keyring,
                damaged: Mutex::default(),
                copies: OnceLock::new(),
                seen: OnceLock::new(),
                opener: OnceLock::new(),
                served: Mutex::default(),
            }),
        }
    }

    /// Has this machine note in a directory of its own what it writes into the store at this address.
    #[must_use]
    pub(super) fn noting(self, directory: PathBuf, address: &str) -> Self {
        self.shared.seen.get_or_init(|| Seen::new(directory, address));
        self
    }

    /// The record as last committed; `None` where the profile has none.
    pub fn load(&self, profile: &ProfileName) -> Result<Option<Record>, StoreError> {
        let asked_at = self.shared.time_of_copy();
        let (record, place) = self.shared.load(&mut self.shared.reader(profile), profile)?;
        self.shared.copy(profile, record.as_ref(), asked_at);
        if let Some(record) = &record {
            self.shared.tell_if_moved(record);
        }
        if place == Place::SpareForNow && self.shared.backend.is_shared() {
            self.bring_back(profile);
        }
        Ok(record)
    }

    /// Has a record come back out of the spare place, unless somebody else is at it.
    fn bring_back(&self, profile: &ProfileName) {
        let brought: Result<(), StoreError> = self.holding(profile, Duration::ZERO, |held| held.load().map(drop));
        // It is good where it is, and the next one tries again.
        drop(brought);
    }

    /// Waits up to `patience` for the sole right to write this profile's record.
    pub fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Held, StoreError> {
        let mut held = Held {
            shared: Arc::clone(&self.shared),
            profile: profile.clone(),
            hold: self.shared.backend.hold(profile, patience)?,
            before: None,
            key: None,
        };
        match held.finish() {
            Ok(()) => Ok(held),
            Err(error) => {
                held.release();
                Err(error)
            }
        }
    }

    /// Does `work` with the sole right to write this profile's record, and gives that back whatever comes of it.
    pub fn holding<T, E: From<StoreError>>(
        &self,
        profile: &ProfileName,
        patience: Duration,
        work: impl FnOnce(&mut Held) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = self.hold(profile, patience)?;
        let result = work(&mut held);
        held.release();
        result
    }

    /// Waits up to `patience` for others to change records, and tells which; `None` where nobody says when they do. It may miss
    /// some.
    pub fn changed(&self, patience: Duration) -> Option<Vec<ProfileName>> {
        self.shared.backend.changed(patience)
    }

    /// The calls that were made with a profile, as last saved, oldest first.
    pub fn calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let place = || backend.place_of(profile, Part::Calls);
        let opened = match backend.read(profile, Part::Calls)? {
            Found::Missing => Opened::Missing,
            Found::Damaged(problem) => Opened::Damaged(problem),
            Found::Bytes(mut bytes) => envelope::open_calls(keyring, profile, &mut bytes, &place)?,
        };
        match opened {
            Opened::Sound(calls) => Ok(calls),
            Opened::Missing => Ok(Vec::new()),
            Opened::Damaged(problem) => Err(StoreError::Corrupt { place: place(), problem }),
        }
    }

    /// The profiles that have a record.
    pub fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        self.shared.backend.profiles()
    }

    /// Proves that records can be kept: writes a probe, reads it back and deletes it.
    pub fn probe(&self) -> Result<(), StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let profile = ProfileName::of_probe();
        let record = Record::empty(profile.clone(), "", "");
        let key = keyring.for_writing()?;
        let found = backend.probe(&envelope::seal_record(&key, &record)?)?;
        let place = || backend.place();
        if let Found::Bytes(mut bytes) = found
            && let Opened::Sound(read_back) = envelope::open_record(keyring, &profile, &mut bytes, &place)?
            && *read_back == record
        {
            return Ok(());
        }
        Err(StoreError::Corrupt { place: place(), problem: "a probe was not read back as it was written" })
    }

    /// What this store found damaged since it was opened, and what it used instead: a sentence for people about each.
    pub fn found_damaged(&self) -> Vec<String> {
        let (damaged, served) = (self.shared.damaged(), self.shared.served());
        damaged.values().chain(served.values()).cloned().collect()
    }

    /// What a person should know of damage to records, now or before.
    pub fn damage(&self) -> BTreeMap<ProfileName, String> {
        let before =
            self.shared.backend.set_aside().into_iter().map(|(profile, place)| (profile, set_aside_as(&place)));
        before.chain(self.shared.damaged().clone()).chain(self.shared.served().clone()).collect()
    }

    /// The directory in which a change of a record shows as one of its file, where there is one.
    pub fn directory(&self) -> Option<PathBuf> {
        self.shared.backend.directory()
    }

    /// Tells the committed records apart from earlier and later ones without opening any; `None` where only opening tells.
    pub fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        self.shared.backend.versions()
    }

    /// Which grants of a client were throttled lately.
    pub fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        self.shared.backend.throttled(client)
    }

    /// Where the records are and what guards them, for people.
    pub fn protection(&self) -> Result<Protection, StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let key = keyring.checked_source()?;
        let kind = backend.kind();
        let place = (kind != "memory").then(|| backend.place());
        Ok(Protection { kind, place, exposed: keyring.exposed(&key), key, has_key: keyring.has_key()? })
    }
}

fn set_aside_as(place: &str) -> String {
    format!("A damaged record was set aside as {place}; the one before it took its place.")
}

/// Who reads the parts of a profile: anybody, or who holds it.
enum Reader<'a> {
    Anybody(&'a dyn Backend, &'a ProfileName),
    Holder(&'a mut dyn Hold),
}

impl Reader<'_> {
    fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        match self {
            Reader::Anybody(backend, profile) => backend.read(profile, part),
            Reader::Holder(hold) => hold.read(part),
        }
    }
}

impl Shared {
    /// A panic elsewhere leaves whole sentences.
    fn damaged(&self) -> MutexGuard<'_, BTreeMap<ProfileName, String>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader<'a>(&'a self, profile: &'a ProfileName) -> Reader<'a> {
        Reader::Anybody(&*self.backend, profile)
    }

    /// The newest record that there is, and in which place.
    fn load(&self, reader: &mut Reader<'_>, profile: &ProfileName) -> Result<(Option<Record>, Place), StoreError> {
        let Some((in_spare, place)) = self.spare_record(reader, profile)? else {
            return Ok((self.load_here(reader, profile)?, Place::Here));
        };
        self.damaged().entry(profile.clone()).or_insert_with(|| {
            let store = self.backend.place();
            format!(
                "The record of profile `{profile}` is in the spare place, since {store} failed when it was written."
            )
        });
        Ok((Some(in_spare), place))
    }

    /// The record that the spare place has, where it is newer than the one here.
    fn spare_record(
        &self,
        reader: &mut Reader<'_>,
        profile: &ProfileName,
    ) -> Result<Option<(Record, Place)>, StoreError> {
        let Ok(Opened::Sound(record)) = self.read(reader, profile, Part::Spare) else { return Ok(None) };
        let (here, place) = match self.load_here(reader, profile) {
            Ok(here) => (here, Place::SpareForNow),
            Err(error) if error.is_of_place() => (None, Place::Spare),
            Err(error) => return Err(error),
        };
        Ok(here.is_none_or(|here| here.generation < record.generation).then_some((*record, place)))
    }

    /// The record, or the one before it where the record is damaged or older.
    fn load_here(&self, reader: &mut Reader<'_>, profile: &ProfileName) -> Result<Option<Record>, StoreError> {
        let current = self.read(reader, profile, Part::Current)?;
        if let Opened::Sound(record) = current {
            return Ok(Some(self.newer_previous(reader, &record).unwrap_or(*record)));
        }
        let place = |part| self.backend.place_of(profile, part);
        match (current, self.read(reader, profile, Part::Previous)?) {
            (Opened::Damaged(problem), Opened::Sound(record)) => {
                let place = place(Part::Current);
                let found = format!("The record {place} is damaged ({problem}); the one before it is used.");
                self.damaged().insert(profile.clone(), found);
                Ok(Some(*record))
            }
            (_, Opened::Sound(record)) => Ok(Some(*record)),
            (Opened::Damaged(problem), _) => Err(StoreError::Corrupt { place: place(Part::Current), problem }),
            (_, Opened::Damaged(problem)) => Err(StoreError::Corrupt { place: place(Part::Previous), problem }),
            _ => Ok(None),
        }
    }

    /// The record before this one, where it is not: somebody has put an older record in the place of the newest.
    fn newer_previous(&self, reader: &mut Reader<'_>, current: &Record) -> Option<Record> {
        let profile = &current.profile;
        let line = self.backend.first_line(profile, Part::Previous)?;
        FirstLine::of(&line).filter(|line| line.generation > current.generation)?;
        let Ok(Opened::Sound(previous)) = self.read(reader, profile, Part::Previous) else { return None };
        let (older, newer) = (current.generation, previous.generation);
        let place = self.backend.place_of(profile, Part::Current);
        let found = format!(
            "The record {place} is older (generation {older}) than the one before it ({newer}), which is used."
        );
        self.damaged().insert(profile.clone(), found);
        Some(*previous)
    }

    fn read(&self, reader: &mut Reader<'_>, profile: &ProfileName, part: Part) -> Result<Copy, StoreError> {
        match reader.read(part)? {
            Found::Missing => Ok(Opened::Missing),
            Found::Damaged(problem) => Ok(Opened::Damaged(problem)),
            Found::Bytes(mut bytes) => self.open(profile, &mut bytes, part),
        }
    }

    fn open(&self, profile: &ProfileName, bytes: &mut [u8], part: Part) -> Result<Copy, StoreError> {
        envelope::open_record(&self.keyring, profile, bytes, &|| self.backend.place_of(profile, part))
    }
}

/// The sole right to write one profile's record. It is given back by [`release`](Self::release).
pub struct Held {
    shared: Arc<Shared>,
    profile: ProfileName,
    hold: Box<dyn Hold>,
    /// The generation that a commit replaces, once that was looked up for it.
    before: Option<u64>,
    /// What is written is sealed with it. It stays while the profile is held: whoever seals everything anew waits for that.
    key: Option<Arc<Key>>,
}

impl Held {
    /// Reads again, now that nobody else writes. A refresh that was [claimed](Self::claim) and of which nothing more was
    /// committed shows in the record as one whose answer got lost.
    pub fn load(&mut self) -> Result<Option<Record>, StoreError> {
        let asked_at = self.shared.time_of_copy();
        let mut record = self.mend()?.map(|record| self.settle(record)).transpose()?;
        self.shared.copy(&self.profile, record.as_ref(), asked_at);
        if let Some(record) = &mut record
            && let Some(attempt) = self.hold.attempt()?
        {
            attempt.show_in(record);
        }
        Ok(record)
    }

    /// Makes sure that a commit will have room, before anything irreversible is asked of a provider. What it replaces is
    /// looked up as well, so that nothing has to be read any more.
    pub fn reserve(&mut self) -> Result<(), StoreError> {
        self.make_room()?;
        self.before = match self.mend() {
            Ok(record) => Some(self.generation_of(record.as_ref())?),
            // Whoever commits sets it aside, and nobody who may yet fail.
            Err(StoreError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// The key to seal with, asked for once.
    fn key(&mut self) -> Result<Arc<Key>, StoreError> {
        let key = match self.key.take() {
            Some(key) => key,
            None => self.shared.keyring.for_writing()?,
        };
        Ok(Arc::clone(self.key.insert(key)))
    }

    /// Reserves, and notes durably that a request goes out now whose answer may come only once. Nothing has to be opened
    /// any more to keep that answer. The next commit ends the attempt.
    pub fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.reserve()?;
        if self.before.is_none() {
            self.before = Some(self.generation_before()?);
        }
        self.hold.note(attempt)
    }

    fn make_room(&mut self) -> Result<(), StoreError> {
        self.key()?;
        self.hold.reserve()
    }

    /// Until when a request may be sent whose answer may come only once: others may do so after the end of this right.
    pub fn may_send_until(&self) -> Option<Moment> {
        self.hold.may_send_until()
    }

    /// Replaces the record durably; its `generation` becomes one more than that of the record it replaces.
    ///
    /// A failure that may pass is met by a second try, and then by the spare place, where the store has one. On an error
    /// the store holds either the old record or the new one, and `record` keeps its old generation.
    pub fn commit(&mut self, record: &mut Record) -> Result<(), StoreError> {
        if record.profile != self.profile {
            let problem = "the record to be written names another profile";
            return Err(StoreError::Corrupt { place: self.place_of(Part::Current), problem });
        }
        let old_generation = record.generation;
        let before = self.before.take().map_or_else(|| self.generation_before(), Ok)?;
        record.generation = before.saturating_add(1);
        record.moved = None;
        let kept = self.keep(record);
        if kept.is_err() {
            record.generation = old_generation;
        } else {
            self.shared.copy(&self.profile, Some(record), self.shared.time_of_copy());
            if let Some(seen) = self.shared.seen.get() {
                seen.note(record);
            }
        }
        kept
    }

    /// Which grants of the client were throttled lately.
    pub fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        self.shared.backend.throttled(client)
    }

    /// Notes for all grants of the client that this one was throttled.
    pub fn note_throttled(&mut self, client: &ClientAt, at: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.shared.backend.note_throttled(client, Throttled { profile: self.profile.clone(), at, until })
    }

    /// Deletes the record before this one and damaged ones that were set aside, so that a grant which the last commit took
    /// out of the record is gone from the store as well.
    pub fn forget_previous(&mut self) -> Result<(), StoreError> {
        self.hold.remove_set_aside()?;
        self.hold.remove(Part::Previous)?;
        // A record that only the spare place has stays there.
        if self.spare_record()?.is_none() { self.hold.remove(Part::Spare) } else { Ok(()) }
    }

    /// Replaces the calls that were made with the profile. None at all leave nothing behind.
    pub fn save_calls(&mut self, calls: &[PastCall]) -> Result<(), StoreError> {
        if calls.is_empty() {
            return self.hold.remove(Part::Calls);
        }
        let sealed = envelope::seal_calls(&*self.key()?, &self.profile, calls)?;
        self.hold.save_calls(&sealed)
    }

    /// Deletes the record, the calls and everything that [`forget_previous`](Self::forget_previous) deletes.
    pub fn forget(&mut self) -> Result<(), StoreError> {
        if let Some(copies) = self.shared.copies.get() {
            copies.remove(&self.profile);
        }
        if let Some(seen) = self.shared.seen.get() {
            seen.forget(&self.profile);
        }
        match self.shared.load(&mut Reader::Holder(&mut *self.hold), &self.profile) {
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            // Somebody may have the key to it, or a better copy, and its grant lives on at the provider.
            Err(StoreError::Corrupt { .. }) => {
                self.set_all_aside()?;
                return self.hold.remove(Part::Calls);
            }
            _ => {}
        }
        self.hold.remove(Part::Spare)?;
        // The record goes last, since without it the one before would take its place.
        self.forget_previous()?;
        self.hold.remove(Part::Calls)?;
        self.hold.remove(Part::Current)
    }

    /// Gives the right back, so that others need not wait for its end.
    pub fn release(self) {
        self.hold.release();
    }

    fn place_of(&self, part: Part) -> String {
        self.shared.backend.place_of(&self.profile, part)
    }

    fn spare_record(&mut self) -> Result<Option<Record>, StoreError> {
        let found = self.shared.spare_record(&mut Reader::Holder(&mut *self.hold), &self.profile)?;
        Ok(found.map(|(record, _)| record))
    }

    fn read(&mut self, part: Part) -> Result<Copy, StoreError> {
        self.shared.read(&mut Reader::Holder(&mut *self.hold), &self.profile, part)
    }

    fn tell(&self, found: String) {
        self.shared.damaged().insert(self.profile.clone(), found);
    }

    /// Ends a commit whose writer died when all was written but the name: an answer that a provider gives only once may be in
    /// it. Since every writer looks for that first, nothing newer than what is left over is lost.
    fn finish(&mut self) -> Result<(), StoreError> {
        let mut newest: Option<Box<Record>> = None;
        for mut bytes in self.hold.left_over()? {
            if let Ok(Opened::Sound(record)) = self.shared.open(&self.profile, &mut bytes, Part::Current)
                && newest.as_ref().is_none_or(|newest| newest.generation < record.generation)
            {
                newest = Some(record);
            }
        }
        if let Some(record) = newest {
            match self.shared.load(&mut Reader::Holder(&mut *self.hold), &self.profile) {
                Ok((here, _)) if here.as_ref().is_none_or(|here| here.generation < record.generation) => {
                    self.bring_back(&record)?;
                }
                // What cannot be opened is somebody's to decide on.
                _ => {}
            }
        }
        self.hold.sweep()
    }

    /// The newest record. A damaged one is set aside, and so is one that is older than its predecessor. One that is in the
    /// spare place comes back.
    fn mend(&mut self) -> Result<Option<Record>, StoreError> {
        let current = self.read(Part::Current)?;
        let previous = self.read(Part::Previous);
        let is_older = |previous: &Record| match &current {
            Opened::Sound(record) => previous.generation > record.generation,
            Opened::Damaged(_) => true,
            Opened::Missing => false,
        };
        match &previous {
            Ok(Opened::Sound(record)) if is_older(record) => {
                self.hold.set_aside(Part::Current)?;
                if let Some(place) = self.shared.backend.set_aside().get(&self.profile) {
                    self.tell(set_aside_as(place));
                }
            }
            // No record could take the place of a directory.
            Ok(Opened::Damaged(_)) if matches!(self.hold.read(Part::Previous), Ok(Found::Damaged(_))) => {
                self.hold.set_aside(Part::Previous)?;
            }
            _ => {}
        }
        let Some(record) = self.spare_record()? else {
            return self.shared.load_here(&mut Reader::Holder(&mut *self.hold), &self.profile);
        };
        if self.bring_back(&record).is_err() {
            // It is good where it is.
            let (record, _) = self.shared.load(&mut Reader::Holder(&mut *self.hold), &self.profile)?;
            return Ok(record);
        }
        self.shared.damaged().remove(&self.profile);
        Ok(Some(record))
    }

    /// Writes here what was written elsewhere, and empties the spare place.
    fn bring_back(&mut self, record: &Record) -> Result<(), StoreError> {
        let sealed = envelope::seal_record(&*self.key()?, record)?;
        let clear = self.clear(record)?;
        self.hold.replace(&clear, &sealed)?;
        self.hold.remove(Part::Spare)
    }

    /// The generation that a commit replaces. Where nothing can be opened, all of it is set aside.
    fn generation_before(&mut self) -> Result<u64, StoreError> {
        match self.mend() {
            Ok(record) => self.generation_of(record.as_ref()),
            Err(StoreError::Corrupt { .. }) => self.set_all_aside().map(|()| 0),
            Err(error) => Err(error),
        }
    }

    /// Of a record that may be replaced.
    fn generation_of(&self, record: Option<&Record>) -> Result<u64, StoreError> {
        match record.and_then(|record| record.moved.as_ref()) {
            Some(moved) => Err(self.moved(&moved.to)),
            None => Ok(record.map_or(0, |record| record.generation)),
        }
    }

    fn set_all_aside(&mut self) -> Result<(), StoreError> {
        self.hold.set_aside(Part::Current)?;
        self.hold.set_aside(Part::Previous)
    }

    /// Keeps the record here, or else in the spare place.
    fn keep(&mut self, record: &Record) -> Result<(), StoreError> {
        let failed = match self.replace(record) {
            // What failed once may work with a new file.
            Err(StoreError::Io { .. }) => match self.replace(record) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            },
            // A database was waited for as long as it makes sense.
            Err(failed @ StoreError::Database { .. }) => failed,
            replaced => return replaced,
        };
        let sealed = envelope::seal_record(&*self.key()?, record)?;
        match self.hold.keep_spare(&sealed) {
            Ok(Some(place)) => {
                let profile = &self.profile;
                self.tell(format!("The record of profile `{profile}` is kept in {place} for now: {failed}."));
                Ok(())
            }
            // The store's own place is the one to mend.
            Ok(None) | Err(_) => Err(failed),
        }
    }

    fn replace(&mut self, record: &Record) -> Result<(), StoreError> {
        self.make_room()?;
        let sealed = envelope::seal_record(&*self.key()?, record)?;
        let clear = self.clear(record)?;
        self.hold.replace(&clear, &sealed)
    }

    fn clear(&mut self, record: &Record) -> Result<Clear, StoreError> {
        let key_id = self.key()?.id().to_owned();
        let grant = record.grant.as_ref();
        let state = match grant {
            None => "signed_out",
            Some(grant) if grant.refused.is_some() => "needs_login",
            Some(_) => "signed_in",
        };
        Ok(Clear {
            provider: record.provider.clone(),
            data_center: grant.map(|grant| grant.data_center.clone()).unwrap_or_default(),
            client_id: record.client_id.clone(),
            state,
            generation: record.generation,
            key_id,
            access_token_expires_at: grant.and_then(|grant| grant.access_token_expires_at),
            last_refresh_at: grant.and_then(|grant| grant.last_refresh.as_ref()).map(|last| last.at),
        })
    }
}
