//! The writer's side: what the holder of a profile may do to its record.

use std::sync::Arc;

use jiff::Timestamp;

use super::reading::{InSpare, Reader, counting};
use super::{Held, OpenedRecord, Place, kept_for_now, kept_in_spare, set_aside_as};
use crate::clock::Moment;
use crate::storage::backend::{Clear, Found, Part};
use crate::storage::envelope::{self, Opened};
use crate::storage::key::Key;
use crate::storage::{Attempt, ClientAt, PastCall, Poller, Record, StoreError, Throttled};

impl Held {
    /// Reads again what is to be changed or to go, now that nobody else writes. A refresh that was [claimed](Self::claim) and of
    /// which nothing more was committed shows in the record as one whose answer got lost.
    ///
    /// # Errors
    ///
    /// The record has moved: another store has it now, and alone may change it.
    pub fn load(&mut self) -> Result<Option<Box<Record>>, StoreError> {
        let record = self.look()?;
        self.replaces(record.as_deref())?;
        Ok(record)
    }

    /// The same of what is only looked at, also where it has moved.
    pub fn look(&mut self) -> Result<Option<Box<Record>>, StoreError> {
        let asked_at = self.shared.time_of_copy();
        let mut record = self.mend()?.map(|record| self.settle(record)).transpose()?;
        self.shared.copy(&self.profile, record.as_deref(), asked_at);
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
        self.key()?;
        self.hold.reserve()?;
        if self.before.is_some() {
            return Ok(());
        }
        match self.mend() {
            Ok(record) => self.replaces(record.as_deref()),
            // Whoever commits sets it aside, and nobody who may yet fail.
            Err(StoreError::Corrupt { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Has the next commit replace this record. What others keep in the spare place from now on is for whoever holds the profile next.
    fn replaces(&mut self, record: Option<&Record>) -> Result<(), StoreError> {
        self.before = Some(self.generation_of(record)?);
        self.spent = record.and_then(|record| self.shared.spent(record));
        Ok(())
    }

    /// The key to seal with, asked for once.
    pub(super) fn key(&mut self) -> Result<Arc<Key>, StoreError> {
        let key = match self.key.take() {
            Some(key) => key,
            None => self.shared.keyring.for_writing()?,
        };
        Ok(Arc::clone(self.key.insert(key)))
    }

    /// Reserves, and notes durably that a request goes out now whose answer may come only once. Nothing has to be opened
    /// any more to keep that answer. The next commit ends the attempt. A refresh token of which this machine has written the
    /// successor is not sent to a provider that may take that for a theft.
    pub fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.reserve()?;
        if let Some(written) = self.spent.filter(|_| attempt.may_rotate) {
            let (profile, generation) = (self.profile.clone(), attempt.generation);
            return Err(StoreError::Spent { profile, generation, written });
        }
        if self.before.is_none() {
            self.before = Some(self.generation_before()?);
        }
        self.hold.note(attempt)
    }

    /// Has the next commit take the room that who asks for a pending sign-in has kept for it, where it has that still and in this
    /// store.
    pub fn use_room_of(&mut self, poller: &Poller) {
        let is_here = Arc::ptr_eq(&self.shared, &poller.store().shared);
        if let Some(room) = is_here.then(|| poller.take_room()).flatten() {
            self.hold.use_room(room);
        }
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
            let (place, profile) = (self.place_of(Part::Current), Some(self.profile.clone()));
            return Err(StoreError::Corrupt { place, problem, profile });
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

    /// The same for a record with a new sign-in. It comes after whatever this machine has noted of the profile: the store may be
    /// another one by now, and an earlier approval may be of a clock that was ahead.
    pub fn commit_sign_in(&mut self, record: &mut Record) -> Result<(), StoreError> {
        let before = self.before.take().map_or_else(|| self.generation_before(), Ok)?;
        let noted = self.shared.seen.get().and_then(|seen| seen.last(&self.profile));
        self.before = Some(before.max(noted.map_or(0, |note| note.generation)));
        self.commit(record)
    }

    /// Which grants of the client were throttled lately.
    pub fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        self.shared.backend.throttled(client)
    }

    /// Notes for all grants of the client that this one was throttled.
    pub fn note_throttled(&mut self, client: &ClientAt, at: Timestamp, until: Timestamp) -> Result<(), StoreError> {
        self.shared.backend.note_throttled(client, Throttled { profile: self.profile.clone(), at, until })
    }

    /// Commits a record out of which something is gone for good, and forgets what is older. Where there is no room for both, that goes
    /// first, unless it is all that there is.
    pub fn commit_for_good(&mut self, record: &mut Record) -> Result<(), StoreError> {
        match self.commit(record) {
            Err(error) if error.is_lack_of_room() && matches!(self.read(Part::Current), Ok(Opened::Sound(_))) => {
                self.forget_previous()?;
                self.commit(record)?;
            }
            committed => committed?,
        }
        self.forget_previous()
    }

    /// Deletes the record before this one and damaged ones that were set aside, so that a grant which the last commit took
    /// out of the record is gone from the store as well. What cannot be deleted keeps nothing else.
    pub fn forget_previous(&mut self) -> Result<(), StoreError> {
        let aside = self.hold.remove_set_aside();
        let previous = self.hold.remove(Part::Previous);
        let other = match self.in_spare()? {
            InSpare::Nothing | InSpare::Outdated => self.hold.remove(Part::Spare),
            // The one here was read, and is the one before. A database may be back since.
            InSpare::Counts(_, Place::SpareForNow) if previous.is_ok() && !self.shared.backend.is_shared() => {
                self.hold.remove(Part::Current)
            }
            InSpare::Counts(..) => Ok(()),
        };
        aside.and(previous).and(other)
    }

    /// The same where nothing was committed before: what counts takes the place of the record first, where that cannot be opened.
    pub fn forget_older(&mut self) -> Result<(), StoreError> {
        if let Some(record) = self.mend()?
            && !matches!(self.read(Part::Current), Ok(Opened::Sound(_)))
        {
            self.bring_back(&record)?;
        }
        self.forget_previous()
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

    pub(super) fn place_of(&self, part: Part) -> String {
        self.shared.backend.place_of(&self.profile, part)
    }

    fn in_spare(&mut self) -> Result<InSpare, StoreError> {
        self.shared.in_spare(&mut Reader::Holder(&mut *self.hold), &self.profile)
    }

    pub(super) fn read(&mut self, part: Part) -> Result<OpenedRecord, StoreError> {
        self.shared.read(&mut Reader::Holder(&mut *self.hold), &self.profile, part)
    }

    pub(super) fn tell(&self, found: String) {
        self.shared.damaged().insert(self.profile.clone(), found);
    }

    /// Ends a commit whose writer died when all was written but the name: an answer that a provider gives only once may be in
    /// it. Since every writer looks for that first, nothing newer than what is left over is lost. What cannot be judged stays, and
    /// nobody writes before it is: it may have the refresh token that a provider takes next.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        let mut newest: Option<Box<Record>> = None;
        for mut bytes in self.hold.left_over()? {
            if let Opened::Sound(record) = self.shared.open(&self.profile, &mut bytes, Part::Current)? {
                newest = counting(record, newest.as_deref()).or(newest);
            }
        }
        if let Some(record) = newest
            && let Some(record) = counting(record, self.mend_or_set_aside()?.as_deref())
        {
            self.bring_back(&record)?;
        }
        self.hold.sweep()
    }

    /// The newest record. A damaged one is set aside, and so is one that is older than its predecessor. One that is in the
    /// spare place comes back, or is removed where it is not newer.
    pub(super) fn mend(&mut self) -> Result<Option<Box<Record>>, StoreError> {
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
                if let Some(place) = self.shared.backend.set_aside_of(&self.profile) {
                    self.tell(set_aside_as(&place));
                }
            }
            // No record could take the place of a directory.
            Ok(Opened::Damaged(_)) if matches!(self.hold.read(Part::Previous), Ok(Found::Damaged(_))) => {
                self.hold.set_aside(Part::Previous)?;
            }
            _ => {}
        }
        let record = match self.in_spare()? {
            InSpare::Counts(record, _) => record,
            found => {
                if matches!(found, InSpare::Outdated) {
                    // Its writer died before it removed that. Whoever finds no newer record one day would take it for the newest;
                    // where it cannot be removed the next one tries again.
                    let _ = self.hold.remove(Part::Spare);
                }
                return self.shared.load_here(&mut Reader::Holder(&mut *self.hold), &self.profile);
            }
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
    pub(super) fn bring_back(&mut self, record: &Record) -> Result<(), StoreError> {
        let mut record = record.clone();
        if let Some(attempt) = self.hold.attempt()? {
            attempt.show_in(&mut record);
        }
        self.replace(&record)?;
        self.hold.remove(Part::Spare)
    }

    /// The newest record. Where none can be opened, all are set aside.
    fn mend_or_set_aside(&mut self) -> Result<Option<Box<Record>>, StoreError> {
        match self.mend() {
            Err(StoreError::Corrupt { .. }) => self.set_all_aside().map(|()| None),
            mended => mended,
        }
    }

    /// The generation that a commit replaces.
    fn generation_before(&mut self) -> Result<u64, StoreError> {
        let record = self.mend_or_set_aside()?;
        self.generation_of(record.as_deref())
    }

    /// Of a record that may be replaced.
    pub(super) fn generation_of(&self, record: Option<&Record>) -> Result<u64, StoreError> {
        match record.and_then(|record| record.moved.as_ref()) {
            Some(moved) => Err(self.moved(moved)),
            None => Ok(record.map_or(0, |record| record.generation)),
        }
    }

    pub(super) fn set_all_aside(&mut self) -> Result<(), StoreError> {
        self.hold.set_aside(Part::Current)?;
        self.hold.set_aside(Part::Previous)
    }

    /// Keeps the record here, or else in the spare place.
    pub(super) fn keep(&mut self, record: &Record) -> Result<(), StoreError> {
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
                self.tell(kept_in_spare(&self.profile, &place, &failed));
                Ok(())
            }
            // Its last step alone failed: it is lost only if the machine stops before the disk has taken it.
            Ok(None) | Err(_) if matches!(self.read(Part::Current), Ok(Opened::Sound(here)) if *here == *record) => {
                self.tell(kept_for_now(&self.profile, &failed));
                Ok(())
            }
            // The store's own place is the one to mend.
            Ok(None) | Err(_) => Err(failed),
        }
    }

    pub(super) fn replace(&mut self, record: &Record) -> Result<(), StoreError> {
        let sealed = envelope::seal_record(&*self.key()?, record)?;
        let clear = self.clear(record)?;
        self.hold.replace(&clear, &sealed)
    }

    pub(super) fn clear(&mut self, record: &Record) -> Result<Clear, StoreError> {
        let key_id = self.key()?.id().to_owned();
        let grant = record.grant.as_ref();
        let state = match grant {
            None => "signed_out",
            Some(grant) if grant.wants_sign_in() => "needs_login",
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::profile::ProfileName;
    use crate::secret::Secret;
    use crate::storage::{self, Doubt, Grant, KeyOptions, LOCK_PATIENCE, StoreAddress};

    #[test]
    fn a_profile_has_the_same_state_in_the_clear_as_in_a_status() {
        let grant = Grant::new("", Vec::new(), Secret::new("token"), Timestamp::UNIX_EPOCH, None);
        let doubt = |times| Some(Doubt { answer: "HTTP 400".to_owned(), times });
        let refused = Some("the grant was revoked".to_owned());
        let profile: ProfileName = "work".parse().expect("a name");
        let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
        let mut held = store.hold(&profile, LOCK_PATIENCE).expect("it is free");
        for (grant, state) in [
            (None, "signed_out"),
            (Some(Grant { doubt: doubt(1), ..grant.clone() }), "signed_in"),
            (Some(Grant { doubt: doubt(2), ..grant.clone() }), "needs_login"),
            (Some(Grant { refused, ..grant }), "needs_login"),
        ] {
            let record = Record { grant, ..Record::empty(profile.clone(), "", "") };
            assert_eq!(held.clear(&record).expect("it has no key").state, state, "{:?}", record.grant);
        }
        held.release();
    }
}
