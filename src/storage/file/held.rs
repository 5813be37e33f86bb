//! The writer's side: what the holder of a profile's lock may do to its files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Files, MOST_ASIDE, Slot, stem_set_aside};
use crate::clock::Moment;
use crate::files::Locked;
use crate::storage::backend::{Clear, Found, Hold, Part};
use crate::storage::envelope::ROOM;
use crate::storage::reservation::{self, Reservation};
use crate::storage::spare::LeftOver;
use crate::storage::{Attempt, StoreError, lock, private};

/// The lock on one profile's files, and the room that was reserved for the next record.
pub(super) struct HeldFiles {
    files: Arc<Files>,
    slot: Slot,
    reservation: Option<Reservation>,
    /// What a look for it found, since that goes through all files of all profiles.
    left_over: Option<Vec<PathBuf>>,
    left_in_spare: LeftOver,
    /// Of the spare place, where a note found it to work.
    spare: Option<Reservation>,
    /// Dropped last.
    lock: Locked,
}

impl HeldFiles {
    pub(super) fn lock(files: &Arc<Files>, slot: Slot, patience: Duration) -> Result<Self, StoreError> {
        private::create_directory(&files.directory)?;
        files.judge()?;
        let lock = lock::acquire(&files.lock_path(&slot), &slot.profile, patience)?;
        Ok(Self {
            files: Arc::clone(files),
            slot,
            reservation: None,
            left_over: None,
            left_in_spare: LeftOver::default(),
            spare: None,
            lock,
        })
    }

    /// Makes `bytes` a part, of which nothing stays that was there before.
    pub(super) fn write(&self, part: Part, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_at(&self.files.path(&self.slot, part), bytes)
    }

    /// The same for any file of the store's directory.
    pub(super) fn write_at(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        Reservation::make(&self.files.directory, &self.slot.stem, bytes.len())?.write(bytes, path)
    }

    fn left_over_paths(&self) -> Result<Vec<PathBuf>, StoreError> {
        let path = |name: &str| self.files.directory.join(name);
        self.files.names(|name| reservation::is_left_over(name, &self.slot.stem).then(|| path(name)))
    }
}

impl Hold for HeldFiles {
    fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        self.files.read(&self.slot, part)
    }

    fn attempt(&mut self) -> Result<Option<Attempt>, StoreError> {
        Ok(lock::noted(&self.lock))
    }

    fn may_send_until(&self) -> Option<Moment> {
        None
    }

    fn left_over(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        let paths = self.left_over_paths()?;
        let mut whole = private::read_each(&paths)?;
        self.left_over = Some(paths);
        if let Some(spare) = &self.files.spare {
            self.left_in_spare = spare.left_over(&self.slot.stem)?;
            whole.append(&mut self.left_in_spare.content);
        }
        Ok(whole)
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        let paths = match self.left_over.take() {
            Some(paths) => paths,
            None => self.left_over_paths()?,
        };
        for path in paths {
            private::remove(&path)?;
        }
        self.left_in_spare.sweep();
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        if self.reservation.is_none() {
            self.reservation = Some(Reservation::make(&self.files.directory, &self.slot.stem, ROOM)?);
        }
        Ok(())
    }

    fn use_room(&mut self, room: Reservation) {
        if let Ok(moved) = room.moved(&self.slot.stem) {
            self.reservation = Some(moved);
        }
    }

    fn note(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        if let Some(spare) = &self.files.spare {
            // Nobody needs it while the store's own place works.
            self.spare = spare.reserve(&self.slot.stem).ok();
        }
        let noted = lock::note(&self.lock, &attempt);
        let is_first = noted.map_err(StoreError::io("writing", &self.files.lock_path(&self.slot)))?;
        if is_first { private::sync_directory(&self.files.directory) } else { Ok(()) }
    }

    fn replace(&mut self, _clear: &Clear, bytes: &[u8]) -> Result<(), StoreError> {
        let reservation = match self.reservation.take() {
            Some(reservation) => reservation,
            // Now it is known how much it takes.
            None => Reservation::make(&self.files.directory, &self.slot.stem, bytes.len())?,
        };
        let path = |part| self.files.path(&self.slot, part);
        let (current, previous) = (path(Part::Current), path(Part::Previous));
        reservation.replace(bytes, &current, &previous)
    }

    fn keep_spare(&mut self, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        let Some(spare) = &self.files.spare else { return Ok(None) };
        spare.keep(&self.slot.stem, self.spare.take(), bytes).map(|path| Some(path.display().to_string()))
    }

    fn save_calls(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(Part::Calls, bytes)
    }

    fn reseal(&mut self, part: Part, _key_id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        match (part, &self.files.spare) {
            (Part::Spare, Some(spare)) => spare.keep(&self.slot.stem, None, bytes).map(drop),
            (Part::Spare, None) => Ok(()),
            (part, _) => self.write(part, bytes),
        }
    }

    fn set_aside(&mut self, part: Part) -> Result<(), StoreError> {
        let path = self.files.path(&self.slot, part);
        let numbered = |number| self.files.place_aside(&self.slot, number);
        let is_directory = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
        let is_free = |number: &u32| {
            let aside = numbered(*number);
            // No file takes the place of a directory, and no directory that of a file.
            let may_be_replaced = *number >= MOST_ASIDE && !is_directory(&aside) && !is_directory(&path);
            may_be_replaced || aside.symlink_metadata().is_err()
        };
        match fs::rename(&path, numbered((1..u32::MAX).find(is_free).unwrap_or(MOST_ASIDE))) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("setting aside", &path)(error)),
            _ => private::sync_directory(&self.files.directory),
        }
    }

    fn remove(&mut self, part: Part) -> Result<(), StoreError> {
        if part == Part::Spare {
            return self.files.spare.as_ref().map_or(Ok(()), |spare| spare.remove(&self.slot.stem));
        }
        if part == Part::Current {
            // Whoever died while it asked for a sign-in has left it. Who lives and has an approval to keep all the same, under
            // another name, makes another one.
            private::remove(&self.files.room_path(&self.slot))?;
        }
        if private::remove(&self.files.path(&self.slot, part))? {
            private::sync_directory(&self.files.directory)
        } else {
            Ok(())
        }
    }

    fn remove_set_aside(&mut self) -> Result<(), StoreError> {
        let is_own = |name: &str| stem_set_aside(name) == Some(&self.slot.stem);
        for path in self.files.names(|name| is_own(name).then(|| self.files.directory.join(name)))? {
            private::remove(&path)?;
        }
        private::sync_directory(&self.files.directory)
    }

    fn release(self: Box<Self>) {}
}
