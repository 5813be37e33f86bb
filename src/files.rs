//! Files that people name. They may turn out to be anything, so they are read within a limit, that none fills the memory;
//! and they are replaced whole or not at all. Also what is made for this user alone, and the locks between processes. Who
//! else may read or write a file that holds secrets or steers the program is in `access`.

pub mod access;
mod file_system;
mod made;
mod nameless;
pub mod own;
pub mod program;
mod replacement;
mod trouble;

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use self::access::{Holds, Opened};
pub use self::file_system::FileSystem;
pub use self::made::{
    create_private, create_private_directories, create_private_directory, open_lock, with_owners_rights,
};
pub use self::nameless::nameless;
pub use self::replacement::{PRIVATE, Readers, Replacement, remove_left_behind, replace};
pub use self::trouble::{Trouble, advice, advice_on, is_out_of_descriptors, without_lock};
use crate::clock;

/// Bytes, for what has a length that is not known.
const FIRST_ROOM: usize = 8 * 1024;
/// Between two looks at a lock.
const SHORTEST_PACE: Duration = Duration::from_millis(1);
const LONGEST_PACE: Duration = Duration::from_millis(25);

/// The whole content, of `limit` bytes at most. It may be secret, so it is wiped when dropped.
pub fn read(path: &Path, limit: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    read_all(&File::open(path)?, 0, limit)
}

/// As [`read`], for text.
pub fn read_text(path: &Path, limit: u32) -> io::Result<Zeroizing<String>> {
    text(read(path, limit)?)
}

/// As [`read`], for a file that nobody else could have written. Tells as well whether others can read the secret in it.
pub fn read_own(path: &Path, holds: Holds, limit: u32) -> Result<(Zeroizing<Vec<u8>>, bool), Trouble> {
    let Opened { file, metadata, is_exposed } = access::open(path, holds)?;
    Ok((read_all(&file, metadata.len(), limit)?, is_exposed))
}

/// As [`read_own`], for text.
pub fn read_own_text(path: &Path, holds: Holds, limit: u32) -> Result<(Zeroizing<String>, bool), Trouble> {
    let (content, is_exposed) = read_own(path, holds, limit)?;
    Ok((text(content)?, is_exposed))
}

/// Text with a secret that a person gives once, by a file or through a pipe that a shell has put in its place. Tells as
/// well whether others can read it where it lies.
pub fn read_given_text(path: &Path, limit: u32) -> Result<(Zeroizing<String>, bool), Trouble> {
    let path = &expanded(path);
    let is_file = path.metadata()?.is_file();
    if is_file && !is_descriptor(path) {
        let Opened { file, metadata, .. } = access::open(path, Holds::Settings)?;
        let content = read_all(&file, metadata.len(), limit)?;
        return Ok((text(content)?, access::is_read_by_others(&metadata)));
    }
    // A named pipe may never have a writer, and be waited for all the same.
    if !is_descriptor(path) && is_pipe(path)? {
        return Err(access::Refusal {
            path: path.clone(),
            problem: "it is a named pipe, which may never say anything".to_owned(),
            advice: "let the shell put a pipe in its place, `<(COMMAND)`, or use stdin".to_owned(),
        }
        .into());
    }
    Ok((read_text(path, limit)?, false))
}

/// The path with the home directory in place of a `~` at its beginning, which no shell has replaced inside of a file, a
/// variable or an address.
pub fn expanded(path: &Path) -> PathBuf {
    let Ok(rest) = path.strip_prefix("~") else { return path.to_owned() };
    // Without `HOME` the system is asked, which may have to ask a server.
    match std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
        Some(home) => home.join(rest),
        None => path.to_owned(),
    }
}

/// Whether the path names something that is open already.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn is_pipe(path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    let is_pipe = std::os::unix::fs::FileTypeExt::is_fifo(&path.metadata()?.file_type());
    #[cfg(not(unix))]
    let is_pipe = path.metadata().map(|_| false)?;
    Ok(is_pipe)
}

/// `length` is what is there as far as that is known: then one read is enough, and no copy is left where a vector grew.
fn read_all(mut file: &File, length: u64, limit: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let longest = u64::from(limit) + 1;
    let mut content = Zeroizing::new(vec![0; usize::try_from(length.min(longest)).unwrap_or(usize::MAX)]);
    let count = file.read(&mut content)?;
    content.truncate(count);
    if count == 0 || count as u64 != length {
        content.reserve(FIRST_ROOM);
        file.take(longest - count as u64).read_to_end(&mut content)?;
    }
    if content.len() as u64 >= longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

fn text(mut content: Zeroizing<Vec<u8>>) -> io::Result<Zeroizing<String>> {
    match String::from_utf8(std::mem::take(&mut *content)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
        }
    }
}

/// Whether the path can be that of a directory only, whatever is there.
pub fn names_directory(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    let is_separator = |character| character == '/' || character == std::path::MAIN_SEPARATOR;
    text.strip_suffix('.').unwrap_or(&text).ends_with(is_separator)
}

/// How a file looked: when it was written, and its length; nothing where it was not there.
pub type Look = Option<(SystemTime, u64)>;

/// By which one may tell that a file has changed without reading it.
pub fn look(path: &Path) -> Look {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The path as it is from wherever a process runs; as it is where nobody knows from where this one does.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The directory that holds `path`.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes what happened to names in a directory durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    synced(File::open(directory)?.sync_all())?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Takes a file system that cannot sync for one on which nothing more can be done.
pub fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// The directory, or the nearest one above it that is there.
pub fn nearest(directory: &Path) -> &Path {
    directory.ancestors().find(|directory| directory.exists()).unwrap_or(directory)
}

/// Fails where so many bytes cannot be written into a directory: for want of rights or room, by a quota, or since it is mounted for
/// reading only. What is written for that has no name and is gone at once.
pub fn check_room(directory: &Path, room: usize) -> io::Result<()> {
    nameless(directory)?.write_all(&vec![0; room])
}

/// A file to which nobody else has the right, until this is dropped.
pub struct Locked(File);

impl Locked {
    /// Waits for it up to `patience`: [`io::ErrorKind::WouldBlock`] where somebody else has it all that time.
    pub fn after(patience: Duration, file: File) -> io::Result<Self> {
        lock(&file, patience)?;
        Ok(Self(file))
    }

    /// The same where files can be locked; elsewhere it is as good as without.
    pub fn where_possible(patience: Duration, file: File) -> Self {
        let _ = lock(&file, patience);
        Self(file)
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A program that is just being started has the open file too, and would have the lock with it until it runs.
        let _ = self.0.unlock();
    }
}

/// Waits for the sole right to a file, which by itself lasts until all who have the open file have closed it.
///
/// The system would tell at once who is next, but only a thread that nothing can call back waits there: it would be left behind, with
/// a descriptor, by everybody who runs out of patience.
fn lock(file: &File, patience: Duration) -> io::Result<()> {
    let start = clock::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => {}
        }
        let waited = start.until(clock::now());
        let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        // Who has waited for long hardly notices a little more.
        let pace = (waited / 16).clamp(SHORTEST_PACE, LONGEST_PACE);
        clock::block_until(clock::now() + pace.min(left));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::{Locked, open_lock, read, read_text};

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"four").expect("it can be written");
        assert_eq!(read_text(file.path(), 4).expect("short enough").as_str(), "four");
        assert!(read(file.path(), 3).is_err());
        file.write_all(&[0xff]).expect("it can be written");
        assert!(read_text(file.path(), 5).is_err());
    }

    #[test]
    fn a_lock_is_waited_for_only_so_long() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml.lock");
        let wanted = |patience| Locked::after(patience, open_lock(&path).expect("a file"));
        let held = wanted(Duration::ZERO).expect("nobody has it");
        let refused = wanted(Duration::from_millis(60)).err().expect("somebody has it");
        assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
        drop(held);
        wanted(Duration::ZERO).expect("who gave up does not get it");
    }

    #[test]
    fn a_lock_ends_with_its_holder_though_a_program_that_is_being_started_has_the_open_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("work.lock");
        let held = Locked::after(Duration::ZERO, open_lock(&path).expect("a file")).expect("nobody has it");
        let inherited = held.try_clone().expect("a descriptor");
        drop(held);
        assert!(Locked::after(Duration::ZERO, open_lock(&path).expect("a file")).is_ok());
        drop(inherited);
    }

    #[test]
    fn a_lock_that_is_given_back_goes_to_all_who_wait_one_after_the_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("work.lock");
        let wanted = |patience| Locked::after(patience, open_lock(&path).expect("a file"));
        let held = wanted(Duration::ZERO).expect("nobody has it");
        let has_it = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _held = wanted(Duration::from_secs(60)).expect("it comes to everybody");
                    assert!(!has_it.swap(true, Ordering::SeqCst), "two have it");
                    has_it.store(false, Ordering::SeqCst);
                });
            }
            drop(held);
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_refused() {
        assert!(read("/dev/zero".as_ref(), 1000).is_err());
    }
}
