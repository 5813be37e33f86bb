//! The spare place: a directory of this machine beside the store's own place, in which a record is kept when that fails in the
//! middle of a commit.
//!
//! An answer that a provider gives only once is not lost then. The record is sealed as at home, with the home's key, under a
//! name that tells the stores of one user apart. Whoever holds the profile's lock next brings it back.

use std::fs;
use std::path::{Path, PathBuf};

use super::backend::Found;
use super::envelope::ROOM;
use super::reservation::{self, Reservation};
use super::{StoreError, private, seal};
use crate::files;

/// The spare place of one store.
pub(super) struct Spare {
    directory: PathBuf,
    /// Of the store.
    id: String,
}

impl Spare {
    /// For a store in a directory.
    pub(super) fn of_directory(directory: PathBuf, store: &Path) -> Self {
        // One that is named by a relative path from somewhere else is another one.
        Self::new(directory, files::absolute(store).as_os_str().as_encoded_bytes())
    }

    /// For the store that these bytes tell from others.
    pub(super) fn new(directory: PathBuf, store: &[u8]) -> Self {
        Self { directory, id: seal::id(store) }
    }

    /// Whether a record of this store is there.
    pub(super) fn is_in_use(&self) -> bool {
        let ending = format!(".{}.record", self.id);
        self.names().iter().any(|name| name.ends_with(&ending))
    }

    /// The record, where there is one. One that cannot be read is none.
    pub(super) fn read(&self, stem: &str) -> Result<Found, StoreError> {
        let path = self.path(stem);
        if path.symlink_metadata().is_err() {
            return Ok(Found::Missing);
        }
        self.judge()?;
        private::read_bytes(&path)
    }

    /// Refuses a directory that others can look into, or could replace.
    fn judge(&self) -> Result<(), StoreError> {
        private::check_directory(&self.directory)?;
        private::check_ancestors(&self.directory)
    }

    /// Sees that a record will find room here, and opens all that it takes.
    pub(super) fn reserve(&self, stem: &str) -> Result<Reservation, StoreError> {
        private::create_directory(&self.directory)?;
        self.judge()?;
        Reservation::make(&self.directory, &self.stem(stem), ROOM)
    }

    /// Keeps a sealed record and tells where. What was reserved may fail as anything may; a second try is with a new file.
    pub(super) fn keep(&self, stem: &str, reserved: Option<Reservation>, sealed: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.path(stem);
        if reserved.is_none_or(|reserved| reserved.write(sealed, &path).is_err()) {
            self.reserve(stem)?.write(sealed, &path)?;
        }
        Ok(path)
    }

    /// What cannot be looked at is none, as for [`read`](Self::read).
    pub(super) fn remove(&self, stem: &str) -> Result<(), StoreError> {
        let path = self.path(stem);
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        fs::remove_file(&path).map_err(StoreError::io("removing", &path))?;
        private::sync_directory(&self.directory)
    }

    /// Removes what died processes left behind. Needs the sole right to the profile.
    pub(super) fn sweep(&self, stem: &str) {
        let stem = self.stem(stem);
        for name in self.names().iter().filter(|name| reservation::is_left_over(name, &stem)) {
            // The next one tries again.
            let _ = fs::remove_file(self.directory.join(name));
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap_or_default()).collect()
    }

    fn stem(&self, profile: &str) -> String {
        format!("{profile}.{}", self.id)
    }

    pub(super) fn path(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{}.record", self.stem(stem)))
    }
}
