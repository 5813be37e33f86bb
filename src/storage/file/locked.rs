//! The writer's side: what the holder of a profile's lock may do to its files.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::calls::CALLS;
use super::reservation::{self, Reservation};
use super::{ASIDE, CURRENT, Files, LIMIT, PREVIOUS, ROOM, Slot, lock};
use crate::storage::{LockedRecord, PastCall, Record, StoreError, private};

/// The lock on one profile's files, and the room that was reserved for the next generation.
pub(super) struct LockedFile {
    files: Arc<Files>,
    slot: Slot,
    reservation: Option<Reservation>,
    /// Dropped last.
    _lock: File,
}

impl LockedFile {
    pub(super) fn lock(files: &Arc<Files>, slot: Slot, patience: Duration) -> Result<Self, StoreError> {
        let directory = &files.directory;
        private::create_directory(directory)?;
        private::check_directory(directory)?;
        private::check_ancestors(directory)?;
        let lock = lock::acquire(&files.path(&slot, "lock"), &slot.profile, patience)?;
        for name in files.names()?.iter().filter(|name| reservation::is_left_over(name, &slot.stem)) {
            let path = directory.join(name);
            fs::remove_file(&path).map_err(StoreError::io("removing", &path))?;
        }
        Ok(Self { files: Arc::clone(files), slot, reservation: None, _lock: lock })
    }

    /// The generation that a commit replaces. Where nothing can be opened, all of it is set aside.
    fn generation_before(&self) -> Result<u64, StoreError> {
        match self.files.mend(&self.slot) {
            Ok(record) => Ok(record.map_or(0, |record| record.generation)),
            Err(StoreError::Corrupt { .. }) => {
                self.files.set_aside(&self.slot, CURRENT)?;
                self.files.set_aside(&self.slot, PREVIOUS)?;
                Ok(0)
            }
            Err(error) => Err(error),
        }
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
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("removing", &path)(error)),
            _ => Ok(()),
        }
    }
}

impl LockedRecord for LockedFile {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        self.files.mend(&self.slot)
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        if self.reservation.is_none() {
            self.files.key_for_writing()?;
            self.reservation = Some(Reservation::make(&self.files.directory, &self.slot.stem, ROOM)?);
        }
        Ok(())
    }

    fn commit(&mut self, record: &mut Record) -> Result<(), StoreError> {
        if record.profile != self.slot.profile {
            let path = self.files.path(&self.slot, CURRENT);
            return Err(StoreError::Corrupt { path, problem: "the record to be written names another profile" });
        }
        let old_generation = record.generation;
        record.generation = self.generation_before()?.saturating_add(1);
        let replaced = self.replace(record);
        if replaced.is_err() {
            record.generation = old_generation;
        }
        replaced
    }

    fn forget_previous(&mut self) -> Result<(), StoreError> {
        let aside = format!("{}.{ASIDE}", self.slot.stem);
        for name in self.files.names()?.iter().filter(|name| name.starts_with(&aside)) {
            self.remove(name)?;
        }
        self.remove(&format!("{}.{PREVIOUS}", self.slot.stem))?;
        private::sync_directory(&self.files.directory)
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
        if let Err(error @ StoreError::Newer { .. }) = self.files.load(&self.slot) {
            return Err(error);
        }
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
