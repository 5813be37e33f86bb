//! Room on the disk for the next generation of a record, and the steps by which it takes the place of the last one.
//!
//! The steps: write, sync, keep the old generation as the previous one, rename, sync the directory, which makes both names
//! durable. After a failed sync the file is thrown away, since a second sync of it would prove nothing. A process may die
//! between any two steps: the names then still lead to the old generation or to the new one.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::private::Directory;
use super::{StoreError, private};
use crate::files::{Locked, access};

const NEW: &str = "new";
const OLD: &str = "old";
/// Nobody else locks the file for longer than it takes to see that it is locked.
const PATIENCE: Duration = Duration::from_millis(250);

/// A file of its own with room for a record, locked until it has its name. Removed when dropped unused. All that has to be open to
/// make use of it is open, since a process may run out of descriptors meanwhile.
pub struct Reservation {
    temporary: Temporary,
    file: Locked,
    directory: Directory,
}

impl Reservation {
    /// Fails where the disk, a quota or a limit leaves no room.
    pub(super) fn make(directory: &Path, stem: &str, room: usize) -> Result<Self, StoreError> {
        let (temporary, file) = Temporary::create(directory, stem)?;
        Self::of(temporary, file, directory, room)
    }

    /// The same in a file of this name, which outlives that others write the record meanwhile. The caller alone makes it; one that
    /// is there already was left by who died.
    pub(super) fn make_beside(path: PathBuf, room: usize) -> Result<Self, StoreError> {
        // Where that fails, so does what follows.
        let _ = fs::remove_file(&path);
        let file = private::create_private(&path).map_err(StoreError::io("creating", &path))?;
        let directory = private::directory_of(&path).to_owned();
        Self::of(Temporary { path }, file, &directory, room)
    }

    /// Makes it one of `stem` that was made beside. Under the lock: what is written there is then found if its writer dies.
    pub(super) fn moved(mut self, stem: &str) -> Result<Self, StoreError> {
        let path = Temporary::free_path(private::directory_of(&self.temporary.path), stem);
        fs::rename(&self.temporary.path, &path).map_err(StoreError::io("renaming", &self.temporary.path))?;
        self.temporary.path = path;
        Ok(self)
    }

    fn of(temporary: Temporary, file: File, directory: &Path, room: usize) -> Result<Self, StoreError> {
        // Where files cannot be locked, a writer that lives is taken for one that died, and tries again.
        let file = Locked::where_possible(PATIENCE, file);
        let reserved = reserve(&file, room).and_then(|()| private::synced(file.sync_all()));
        reserved.map_err(StoreError::io("reserving room in", &temporary.path))?;
        Ok(Self { temporary, file, directory: Directory::open(directory)? })
    }

    /// Makes `content` the file at `current`, and what was there before the one at `previous`.
    pub(super) fn replace(self, content: &[u8], current: &Path, previous: &Path) -> Result<(), StoreError> {
        let Self { temporary, directory, .. } = &self.filled(content)?;
        keep(current, previous, &temporary.path.with_extension(OLD)).map_err(StoreError::io("keeping", current))?;
        fs::rename(&temporary.path, current).map_err(StoreError::io("replacing", current))?;
        directory.sync()
    }

    /// Makes `content` the file at `path`; what was there before is gone.
    pub(super) fn write(self, content: &[u8], path: &Path) -> Result<(), StoreError> {
        let Self { temporary, directory, .. } = &self.filled(content)?;
        fs::rename(&temporary.path, path).map_err(StoreError::io("replacing", path))?;
        directory.sync()
    }

    fn filled(self, content: &[u8]) -> Result<Self, StoreError> {
        let mut file: &File = &self.file;
        let written = file.write_all(content).and_then(|()| file.set_len(content.len() as u64));
        let written = written.and_then(|()| private::synced(file.sync_all()));
        written.map_err(StoreError::io("writing", &self.temporary.path))?;
        Ok(self)
    }
}

/// Whether somebody is about to give this temporary file its name.
pub(super) fn is_in_use(path: &Path) -> bool {
    let file = access::options().read(true).open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether this is the name of a temporary file of `stem`. Where only who holds the record makes such files, its holder knows that a
/// process has died and left it over.
pub(super) fn is_left_over(name: &str, stem: &str) -> bool {
    stem_of_left_over(name) == Some(stem)
}

/// Of what a file of this name was to become the record, where it is a temporary one.
pub(super) fn stem_of_left_over(name: &str) -> Option<&str> {
    let (rest, extension) = name.strip_prefix('.')?.rsplit_once('.')?;
    let (stem, unique) = rest.rsplit_once(".record.")?;
    let is_unique = unique.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (is_unique && [NEW, OLD].contains(&extension)).then_some(stem)
}

/// Gives the current generation its second name. There is a moment without the first one only on file systems without
/// hard links, and readers then take the second.
fn keep(current: &Path, previous: &Path, between: &Path) -> io::Result<()> {
    let kept = fs::hard_link(current, between).and_then(|()| fs::rename(between, previous));
    // A rename does nothing where both names lead to the same file already.
    let _ = fs::remove_file(between);
    match kept {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(_) => fs::rename(current, previous),
        Ok(()) => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, room: usize) -> io::Result<()> {
    use rustix::fs::FallocateFlags;
    use rustix::io::Errno;

    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, room as u64) {
        Err(full @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(full.into()),
        // Not every file system has it, and not all of these say so in the same way.
        Err(_) => write_zeros(file, room),
        Ok(()) => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(file: &File, room: usize) -> io::Result<()> {
    write_zeros(file, room)
}

fn write_zeros(mut file: &File, room: usize) -> io::Result<()> {
    use std::io::Seek;

    file.write_all(&vec![0; room])?;
    file.rewind()
}

/// The name of a file that exists only while a record is written.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn create(directory: &Path, stem: &str) -> Result<(Self, File), StoreError> {
        let mut number = 0;
        loop {
            let path = Self::path(directory, stem, number);
            match private::create_private(&path) {
                Ok(file) => return Ok((Self { path }, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(StoreError::io("creating", &path)(error)),
            }
        }
    }

    fn path(directory: &Path, stem: &str, number: u32) -> PathBuf {
        directory.join(format!(".{stem}.record.{}-{number}.{NEW}", std::process::id()))
    }

    /// One that nothing has. Under the lock nobody else gives it to anything.
    fn free_path(directory: &Path, stem: &str) -> PathBuf {
        let paths = (0..).map(|number| Self::path(directory, stem, number));
        let mut free = paths.skip_while(|path| path.symlink_metadata().is_ok());
        free.next().unwrap_or_else(|| Self::path(directory, stem, 0))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Once renamed, there is nothing left to remove.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::is_left_over;

    #[test]
    fn only_a_profiles_own_temporary_files_are_left_over() {
        assert!(is_left_over(".work.record.12-0.new", "work"));
        assert!(is_left_over(".work.record.12-0.old", "work"));
        assert!(is_left_over("..probe.record.12-0.new", ".probe"));
        for name in ["work.record", ".work.record.12-0", ".work.record.1.record.12-0.new", ".works.record.12-0.new"] {
            assert!(!is_left_over(name, "work"), "{name}");
        }
    }
}
