//! The reader's side: which of several copies of a record counts.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::{OpenedRecord, Place, Shared};
use crate::clock;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::storage::backend::{Backend, Found, Hold, Part};
use crate::storage::envelope::{self, FirstLine, Opened};
use crate::storage::lost::Lost;
use crate::storage::seen::Note;
use crate::storage::{Record, StoreError};

/// What there is in the spare place of a profile.
pub(super) enum InSpare {
    /// No record that could be opened.
    Nothing,
    /// A record that the one in the store's own place has come after.
    Outdated,
    /// The record that counts, and where it was looked for besides.
    Counts(Box<Record>, Place),
}

/// Who reads the parts of a profile: anybody, or who holds it.
pub(super) enum Reader<'a> {
    Anybody(&'a dyn Backend, &'a ProfileName),
    Holder(&'a mut dyn Hold),
}

impl Reader<'_> {
    pub(super) fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        match self {
            Reader::Anybody(backend, profile) => backend.read(profile, part),
            Reader::Holder(hold) => hold.read(part),
        }
    }
}

/// A record that was written aside, where it counts: it is newer than the one here, or ends the sign-in that is still pending here. An
/// approval is kept aside also by who cannot have the right to write, so that others may write meanwhile. Of one that is outdated by
/// that, the one here gets the grants that it lacks, and stays of its generation.
pub(super) fn counting(mut aside: Box<Record>, here: Option<&Record>) -> Option<Box<Record>> {
    let Some(here) = here.filter(|here| !Note::of(&aside).is_after(here)) else { return Some(aside) };
    let pending = here.pending.as_ref().map(|pending| &pending.id);
    if pending.is_some() && pending == aside.ended.as_ref().map(|ended| &ended.id) {
        aside.generation = here.generation.saturating_add(1);
        return Some(aside);
    }
    let mut more = Box::new(here.clone());
    more.take_over_grants(&aside, clock::wall()).then_some(more)
}

impl Shared {
    pub(super) fn damaged(&self) -> MutexGuard<'_, BTreeMap<ProfileName, String>> {
        locked(&self.damaged)
    }

    pub(super) fn reader<'a>(&'a self, profile: &'a ProfileName) -> Reader<'a> {
        Reader::Anybody(&*self.backend, profile)
    }

    /// The newest record that there is, and in which place.
    pub(super) fn load(
        &self,
        reader: &mut Reader<'_>,
        profile: &ProfileName,
    ) -> Result<(Option<Box<Record>>, Place), StoreError> {
        let InSpare::Counts(in_spare, place) = self.in_spare(reader, profile)? else {
            return Ok((self.load_here(reader, profile)?, Place::Here));
        };
        if place != Place::Both {
            self.damaged().entry(profile.clone()).or_insert_with(|| {
                let store = self.backend.place();
                format!(
                    "The record of profile `{profile}` is in the spare place, since {store} failed when it was written."
                )
            });
        }
        Ok((Some(in_spare), place))
    }

    /// What the spare place has.
    pub(super) fn in_spare(&self, reader: &mut Reader<'_>, profile: &ProfileName) -> Result<InSpare, StoreError> {
        let Opened::Sound(record) = self.read(reader, profile, Part::Spare)? else { return Ok(InSpare::Nothing) };
        let (here, place) = match self.load_here(reader, profile) {
            Ok(here) => (here, Place::SpareForNow),
            Err(error) if error.is_of_place() => (None, Place::Spare),
            Err(error) => return Err(error),
        };
        let Some(record) = counting(record, here.as_deref()) else { return Ok(InSpare::Outdated) };
        let is_more = here.is_some_and(|here| here.generation == record.generation);
        Ok(InSpare::Counts(record, if is_more { Place::Both } else { place }))
    }

    /// What this machine has written after the record, where that is no later sign-in: the store was brought back from a
    /// backup, or something older was put into it.
    pub(super) fn written_after(&self, record: &Record) -> Option<Note> {
        let last = self.seen.get()?.last(&record.profile)?;
        (last.is_after(record) && record.grant.is_some()).then_some(last)
    }

    /// Where what this machine has written last has a sign-in, a profile without a record has lost it. A logout leaves a record, and
    /// removing the profile takes the note as well.
    pub(super) fn lost(&self, profile: &ProfileName) -> Option<Lost> {
        let last = self.seen.get()?.last(profile)?;
        last.has_sign_in().then(|| Lost { is_shared: self.backend.is_shared() })
    }

    /// The generation that this machine has written with another refresh token after the record.
    pub(super) fn spent(&self, record: &Record) -> Option<u64> {
        let after = self.written_after(record).filter(|after| after.replaced_token_of(record))?;
        Some(after.generation)
    }

    /// The record, or the one before it where the record is damaged or older.
    pub(super) fn load_here(
        &self,
        reader: &mut Reader<'_>,
        profile: &ProfileName,
    ) -> Result<Option<Box<Record>>, StoreError> {
        let current = self.read(reader, profile, Part::Current)?;
        if let Opened::Sound(record) = current {
            return Ok(Some(self.newer_previous(reader, &record).unwrap_or(record)));
        }
        let place = |part| self.backend.place_of(profile, part);
        let corrupt = |place, problem| StoreError::Corrupt { place, problem, profile: Some(profile.clone()) };
        match (current, self.read(reader, profile, Part::Previous)?) {
            (Opened::Damaged(problem), Opened::Sound(record)) => {
                let place = place(Part::Current);
                let found = format!("The record {place} is damaged ({problem}); the one before it is used.");
                self.damaged().insert(profile.clone(), found);
                Ok(Some(record))
            }
            (_, Opened::Sound(record)) => Ok(Some(record)),
            (Opened::Damaged(problem), _) => Err(corrupt(place(Part::Current), problem)),
            (_, Opened::Damaged(problem)) => Err(corrupt(place(Part::Previous), problem)),
            _ => Ok(None),
        }
    }

    /// The record before this one, where it is not: somebody has put an older record in the place of the newest.
    fn newer_previous(&self, reader: &mut Reader<'_>, current: &Record) -> Option<Box<Record>> {
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
        Some(previous)
    }

    pub(super) fn read(
        &self,
        reader: &mut Reader<'_>,
        profile: &ProfileName,
        part: Part,
    ) -> Result<OpenedRecord, StoreError> {
        reader.read(part)?.opened(|bytes| self.open(profile, bytes, part))
    }

    pub(super) fn open(&self, profile: &ProfileName, bytes: &mut [u8], part: Part) -> Result<OpenedRecord, StoreError> {
        envelope::open_record(&self.keyring, profile, bytes, &|| self.backend.place_of(profile, part))
    }
}
