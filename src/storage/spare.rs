//! The spare place: a directory of this machine beside the store's own place, in which a record is kept when that fails in the
//! middle of a commit.
//!
//! An answer that a provider gives only once is not lost then. The record is sealed as at home, with the home's key, under a
//! name that tells the stores of one user apart. Whoever holds the profile's lock next brings it back.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::backend::{Found, Stray, StrayKind};
use super::envelope::ROOM;
use super::reservation::{self, Reservation};
use super::{StoreError, private, seal};
use crate::files;
use crate::profile::ProfileName;

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
        self.entries().map_or(true, |names| names.iter().any(|name| name.ends_with(&ending)))
    }

    /// The profiles of which a record of this store is there.
    pub(super) fn profiles(&self) -> Vec<ProfileName> {
        let ending = format!(".{}.record", self.id);
        let profile = |name: &String| name.strip_suffix(&ending)?.parse().ok();
        self.entries().unwrap_or_default().iter().filter_map(profile).collect()
    }

    /// The record, where there is one.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the directory is not safe: it may be newer than the one in the store's own place.
    pub(super) fn read(&self, stem: &str) -> Result<Found, StoreError> {
        let path = self.path(stem);
        if self.is_absent(&path) {
            return Ok(Found::Missing);
        }
        self.judge()?;
        private::read_bytes(&path)
    }

    /// Whether there is none. Where it cannot be looked at, the directory says so.
    fn is_absent(&self, path: &Path) -> bool {
        let is_listed = |names: Vec<String>| names.iter().any(|name| path.ends_with(name));
        path.symlink_metadata()
            .is_err_and(|error| is_absence(&error) || self.entries().is_ok_and(|names| !is_listed(names)))
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

    /// Keeps a sealed record and tells where. What fails once may work with a new file.
    pub(super) fn keep(&self, stem: &str, reserved: Option<Reservation>, sealed: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.path(stem);
        let write = |reserved: Reservation| reserved.write(sealed, &path);
        let kept = reserved.map_or_else(|| self.reserve(stem), Ok).and_then(write);
        kept.or_else(|_| self.reserve(stem).and_then(write))?;
        Ok(path)
    }

    pub(super) fn remove(&self, stem: &str) -> Result<(), StoreError> {
        let path = self.path(stem);
        if self.is_absent(&path) {
            return Ok(());
        }
        if private::remove(&path)? { private::sync_directory(&self.directory) } else { Ok(()) }
    }

    /// What died processes left behind. Who keeps an approval here need not have the right to write the record, and may be at it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the directory is not safe: there may be the newest record in it.
    pub(super) fn left_over(&self, stem: &str) -> Result<LeftOver, StoreError> {
        let (names, stem) = (self.names()?, self.stem(stem));
        let of_stem = names.iter().filter(|name| reservation::is_left_over(name, &stem));
        let paths = of_stem.map(|name| self.directory.join(name));
        let paths: Vec<PathBuf> = paths.filter(|path| !reservation::is_in_use(path)).collect();
        if !paths.is_empty() {
            self.judge()?;
        }
        Ok(LeftOver { content: private::read_each(&paths)?, paths })
    }

    /// The same of every profile, and what is just being written.
    pub(super) fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        let ending = format!(".{}", self.id);
        let stray = |name: String| {
            let profile = reservation::stem_of_left_over(&name)?.strip_suffix(&ending)?.parse().ok()?;
            let path = self.directory.join(name);
            let found = self.judge().and_then(|()| private::read_bytes(&path));
            Some(Stray { profile, kind: StrayKind::LeftOver, place: path.display().to_string(), found })
        };
        Ok(self.names()?.into_iter().filter_map(stray).collect())
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        self.entries().map_err(StoreError::io("listing", &self.directory))
    }

    /// The names of what is there. Nothing is kept in a directory that is not there, that this user may not list, as a service without a
    /// home, or that is a link which leads nowhere.
    fn entries(&self) -> io::Result<Vec<String>> {
        let is_closed = |error: &io::Error| {
            is_absence(error) || error.kind() == ErrorKind::PermissionDenied || self.directory.is_symlink()
        };
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if is_closed(&error) => return Ok(Vec::new()),
            entries => entries?,
        };
        entries.map(|entry| entry.map(|entry| entry.file_name().into_string().unwrap_or_default())).collect()
    }

    fn stem(&self, profile: &str) -> String {
        format!("{profile}.{}", self.id)
    }

    pub(super) fn path(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{}.record", self.stem(stem)))
    }
}

/// What died processes left behind, as it was read.
#[derive(Default)]
pub(super) struct LeftOver {
    pub(super) content: Vec<Zeroizing<Vec<u8>>>,
    paths: Vec<PathBuf>,
}

impl LeftOver {
    /// Removes that, and nothing that came since. Needs the sole right to the profile.
    pub(super) fn sweep(&mut self) {
        for path in self.paths.drain(..) {
            // The next one tries again.
            let _ = fs::remove_file(path);
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{Spare, private};
    use crate::files::create_private;
    use crate::storage::backend::Found;

    type Make = fn(&Path, &Spare);

    #[test]
    fn what_comes_after_the_look_is_not_swept() {
        let home = tempfile::tempdir().expect("a directory");
        let spare = Spare::new(home.path().join("spare"), b"store");
        let left_by = |writer: u32| {
            let path = spare.directory.join(format!(".{}.record.{writer}-0.new", spare.stem("work")));
            create_private(&path).expect("written");
            path
        };
        private::create_directory(&spare.directory).expect("a directory");
        let read = left_by(1);
        let mut left_over = spare.left_over("work").expect("it can be read");
        let after = left_by(2);
        left_over.sweep();
        assert_eq!((read.exists(), after.exists()), (false, true));
    }

    /// Who may list it or not is in `tests/program/unwritable.rs`, which needs two users.
    #[test]
    fn only_a_record_of_the_store_makes_it_one_in_use() {
        let stages: [(&str, Make, bool); 6] = [
            ("nothing", |_, _| (), false),
            ("a file", |directory, _| drop(create_private(directory)), false),
            ("a link to itself", |directory, _| symlink(directory, directory).expect("a link"), false),
            ("a link to nothing", |directory, _| symlink("nowhere", directory).expect("a link"), false),
            (
                "another store's",
                |directory, _| {
                    fs::create_dir(directory).expect("a directory");
                    create_private(&directory.join("work.0.record")).expect("written");
                },
                false,
            ),
            (
                "its own",
                |directory, spare| {
                    fs::create_dir(directory).expect("a directory");
                    create_private(&spare.path("work")).expect("written");
                },
                true,
            ),
        ];
        for (stage, make, is_in_use) in stages {
            let home = tempfile::tempdir().expect("a directory");
            let spare = Spare::new(home.path().join("spare"), b"store");
            make(&spare.directory, &spare);
            let is_missing = matches!(spare.read("work"), Ok(Found::Missing));
            assert_eq!((spare.is_in_use(), is_missing), (is_in_use, !is_in_use), "{stage}");
            assert!(spare.left_over("work").is_ok_and(|left| left.content.is_empty()), "{stage}");
        }
    }
}
