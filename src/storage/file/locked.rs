//! The writer's side: what the holder of a profile's lock may do to its files.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::calls::CALLS;
use super::reservation::{self, Reservation};
use super::{ASIDE, CURRENT, Files, LIMIT, PREVIOUS, ROOM, Slot, lock};
use crate::storage::{Attempt, LockedRecord, PastCall, Record, StoreError, private};

/// The lock on one profile's files, and the room that was reserved for the next generation.
pub(super) struct LockedFile {
    files: Arc<Files>,
    slot: Slot,
    /// The generation that a commit replaces, once that was looked up for a claim.
    before: Option<u64>,
    reservation: Option<Reservation>,
    /// Of the spare place, where a claim found it to work.
    spare: Option<Reservation>,
    /// Dropped last.
    lock: File,
}

impl LockedFile {
    pub(super) fn lock(files: &Arc<Files>, slot: Slot, patience: Duration) -> Result<Self, StoreError> {
        let directory = &files.directory;
        private::create_directory(directory)?;
        private::check_directory(directory)?;
        private::check_ancestors(directory)?;
        let lock = lock::acquire(&files.path(&slot, "lock"), &slot.profile, patience)?;
        let mut left_over = files.names()?;
        left_over.retain(|name| reservation::is_left_over(name, &slot.stem));
        let left_over: Vec<_> = left_over.iter().map(|name| directory.join(name)).collect();
        files.finish(&slot, &left_over)?;
        for path in left_over {
            fs::remove_file(&path).map_err(StoreError::io("removing", &path))?;
        }
        if let Some(spare) = &files.spare {
            spare.sweep(&slot);
        }
        Ok(Self { files: Arc::clone(files), slot, before: None, reservation: None, spare: None, lock })
    }

    /// The generation that a commit replaces. Where nothing can be opened, all of it is set aside.
    fn generation_before(&self) -> Result<u64, StoreError> {
        match self.files.mend(&self.slot) {
            Ok(record) => Ok(record.map_or(0, |record| record.generation)),
            Err(StoreError::Corrupt { .. }) => self.set_all_aside().map(|()| 0),
            Err(error) => Err(error),
        }
    }

    fn set_all_aside(&self) -> Result<(), StoreError> {
        self.files.set_aside(&self.slot, CURRENT)?;
        self.files.set_aside(&self.slot, PREVIOUS)
    }

    /// Keeps the record here, or else in the spare place.
    fn keep(&mut self, record: &Record) -> Result<(), StoreError> {
        let failed = match self.replace(record) {
            // What failed once may work with a new file.
            Err(StoreError::Io { .. }) => match self.replace(record) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            },
            replaced => return replaced,
        };
        let Some(spare) = &self.files.spare else { return Err(failed) };
        let sealed = self.files.seal(&self.slot, record.generation, record)?;
        match spare.keep(&self.slot, self.spare.take(), &sealed) {
            Ok(path) => {
                let (profile, kept_in) = (&self.slot.profile, path.display());
                let found = format!("The record of profile `{profile}` is kept in {kept_in} for now: {failed}.");
                self.files.damaged().insert(profile.clone(), found);
                Ok(())
            }
            // The store's own place is the one to mend.
            Err(_) => Err(failed),
        }
    }

    /// Whatever is in the spare place is older than what is here now, or a copy of it.
    fn empty_spare(&self) -> Result<(), StoreError> {
        self.files.spare.as_ref().map_or(Ok(()), |spare| spare.remove(&self.slot))
    }

    fn replace(&mut self, record: &Record) -> Result<(), StoreError> {
        self.reserve()?;
        let sealed = self.files.seal(&self.slot, record.generation, record)?;
        let (current, previous) = (self.files.path(&self.slot, CURRENT), self.files.path(&self.slot, PREVIOUS));
        check_length(&sealed, &current)?;
        let reservation = self.reservation.take().expect("just reserved");
        reservation.replace(&sealed, &current, &previous)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.files.directory.join(name);
        match fs::remove_file(&path) {
            // A directory that somebody made is not for this program to delete.
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
                Err(StoreError::io("removing", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

impl LockedRecord for LockedFile {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        let mut record = self.files.mend(&self.slot)?;
        if let (Some(record), Some(attempt)) = (&mut record, lock::noted(&self.lock)) {
            attempt.show_in(record);
        }
        Ok(record)
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        if self.reservation.is_none() {
            self.files.key_for_writing()?;
            self.reservation = Some(Reservation::make(&self.files.directory, &self.slot.stem, ROOM)?);
        }
        Ok(())
    }

    fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.reserve()?;
        self.before = Some(self.generation_before()?);
        if let Some(spare) = &self.files.spare {
            // Nobody needs it while the store's own place works.
            self.spare = spare.reserve(&self.slot).ok();
        }
        lock::note(&self.lock, &attempt).map_err(StoreError::io("writing", &self.files.path(&self.slot, "lock")))
    }

    fn commit(&mut self, record: &mut Record) -> Result<(), StoreError> {
        if record.profile != self.slot.profile {
            let path = self.files.path(&self.slot, CURRENT);
            return Err(StoreError::Corrupt { path, problem: "the record to be written names another profile" });
        }
        let old_generation = record.generation;
        let before = self.before.take().map_or_else(|| self.generation_before(), Ok)?;
        record.generation = before.saturating_add(1);
        let kept = self.keep(record);
        if kept.is_err() {
            record.generation = old_generation;
        }
        kept
    }

    fn forget_previous(&mut self) -> Result<(), StoreError> {
        let aside = format!("{}.{ASIDE}", self.slot.stem);
        for name in self.files.names()?.iter().filter(|name| name.starts_with(&aside)) {
            self.remove(name)?;
        }
        self.remove(&format!("{}.{PREVIOUS}", self.slot.stem))?;
        private::sync_directory(&self.files.directory)?;
        // A record that only the spare place has stays there.
        if self.files.spare_record(&self.slot)?.is_none() { self.empty_spare() } else { Ok(()) }
    }

    fn save_calls(&mut self, calls: &[PastCall]) -> Result<(), StoreError> {
        if calls.is_empty() {
            self.remove(&format!("{}.{CALLS}", self.slot.stem))?;
            return private::sync_directory(&self.files.directory);
        }
        let (sealed, path) = (self.files.seal_calls(&self.slot, calls)?, self.files.path(&self.slot, CALLS));
        check_length(&sealed, &path)?;
        Reservation::make(&self.files.directory, &self.slot.stem, sealed.len())?.write(&sealed, &path)
    }

    fn forget(&mut self) -> Result<(), StoreError> {
        match self.files.load(&self.slot) {
            Err(error @ StoreError::Newer { .. }) => return Err(error),
            // Somebody may have the key to it, or a better copy, and its grant lives on at the provider.
            Err(StoreError::Corrupt { .. }) => {
                self.set_all_aside()?;
                return self.remove(&format!("{}.{CALLS}", self.slot.stem));
            }
            _ => {}
        }
        self.empty_spare()?;
        // The record goes last, since without it the generation before would take its place.
        self.forget_previous()?;
        self.remove(&format!("{}.{CALLS}", self.slot.stem))?;
        self.remove(&format!("{}.{CURRENT}", self.slot.stem))?;
        private::sync_directory(&self.files.directory)
    }
}

/// Nobody would read a longer file back.
fn check_length(sealed: &[u8], path: &Path) -> Result<(), StoreError> {
    if sealed.len() as u64 <= LIMIT {
        return Ok(());
    }
    let source = io::Error::new(ErrorKind::FileTooLarge, format!("it would be longer than {LIMIT} bytes"));
    Err(StoreError::io("writing", path)(source))
}
