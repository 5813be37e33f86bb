//! The sole right to write one profile's record, over all processes.
//!
//! The lock lies on an open file (`flock`), so it ends with its holder however that dies. The lock file itself is never
//! renamed or deleted: two processes would then hold locks on two files of one name. It holds two lines: who locked it
//! last, and a note: in the lock of a record, the last refresh whose request went out.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Attempt, StoreError, private};
use crate::clock;
use crate::files::{self, Locked, access};
use crate::process::Process;
use crate::profile::ProfileName;

/// Bytes of the first line, which is written over in place.
const HOLDER: u64 = 11;
/// More than a note takes.
const LONGEST_NOTE: u64 = 1024;

/// Waits up to `patience` for the lock.
pub(super) fn acquire(path: &Path, profile: &ProfileName, patience: Duration) -> Result<Locked, StoreError> {
    let start = clock::now();
    let file = Locked::after(patience, private::open_lock(path)?).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => {
            let waited = start.until(clock::now());
            StoreError::Locked { profile: profile.clone(), holder: holder_in_words(path), waited }
        }
        _ => StoreError::io("locking", path)(files::without_lock(path, error)),
    })?;
    // For people only: a lock without a name on it is as good.
    let _ = (&*file).write_all(format!("{:<10}\n", std::process::id()).as_bytes());
    Ok(file)
}

/// Fails where the file that is locked has not this name any more: what it was in was moved, or unmounted.
pub(super) fn check_in_place(lock: &File, path: &Path) -> Result<(), StoreError> {
    let failed = StoreError::io("looking at", path);
    let (here, there) = (lock.metadata().map_err(&failed)?, path.metadata().map_err(&failed)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        // Of two file systems that are mounted there in turn, both may have that number.
        if (here.dev(), here.ino()) != (there.dev(), there.ino()) {
            return Err(failed(ErrorKind::NotFound.into()));
        }
    }
    #[cfg(not(unix))]
    let _ = (here, there);
    Ok(())
}

/// Who has the lock now; `None` where nobody does. Whoever wants it meanwhile waits no longer than this looks.
pub(super) fn held_by(path: &Path) -> Result<Option<String>, StoreError> {
    let file = match access::options().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("opening", path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder_in_words(path).unwrap_or_else(|| "somebody".to_owned()))),
        Err(TryLockError::Error(error)) => Err(StoreError::io("locking", path)(files::without_lock(path, error))),
    }
}

/// Notes a refresh whose request goes out, durably. Whether nothing was ever noted before, so that the file may be so new that
/// its directory does not durably have it.
pub(super) fn note(lock: &File, attempt: &Attempt) -> io::Result<bool> {
    let is_first = lock.metadata()?.len() <= HOLDER;
    write(lock, attempt)?;
    private::synced(lock.sync_data())?;
    Ok(is_first)
}

/// Puts a note in the place of the one before.
pub(super) fn write(mut lock: &File, note: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(note)?;
    line.push(b'\n');
    lock.seek(SeekFrom::Start(HOLDER))?;
    lock.write_all(&line)?;
    lock.set_len(HOLDER + line.len() as u64)
}

/// What was noted last. What cannot be read was never durable, so the request that it tells of did not go out.
pub(super) fn noted<T: DeserializeOwned>(mut lock: &File) -> Option<T> {
    lock.seek(SeekFrom::Start(HOLDER)).ok()?;
    let mut line = Vec::new();
    lock.take(LONGEST_NOTE).read_to_end(&mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

fn holder_in_words(path: &Path) -> Option<String> {
    let pid = holder(path)?;
    Some(if is_stopped(&pid) { format!("pid {pid}, which is stopped") } else { format!("pid {pid}") })
}

/// The process that locked it last.
pub(super) fn holder(path: &Path) -> Option<String> {
    let content = fs::read_to_string(path).ok()?;
    let pid = content.lines().next()?.trim().to_owned();
    let is_pid = !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
    is_pid.then_some(pid)
}

pub(super) fn is_stopped(pid: &str) -> bool {
    pid.parse().ok().and_then(Process::of).is_some_and(|process| process.is_stopped)
}
