//! The sole right to write one profile's record, over all processes.
//!
//! The lock lies on an open file (`flock`), so it ends with its holder however that dies. The lock file itself is never
//! renamed or deleted: two processes would then hold locks on two files of one name. It holds two lines: who locked it
//! last, and the last refresh whose request went out.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::files;
use crate::profile::ProfileName;
use crate::storage::{Attempt, StoreError, private};

/// Bytes of the first line, which is written over in place.
const HOLDER: u64 = 11;
/// More than an attempt takes.
const LONGEST_ATTEMPT: u64 = 1024;

/// Waits up to `patience` for the lock, which lasts until the file is dropped.
pub(in crate::storage) fn acquire(path: &Path, profile: &ProfileName, patience: Duration) -> Result<File, StoreError> {
    let mut file = private::open_lock(path)?;
    let start = clock::now();
    files::lock(&file, patience).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => {
            let waited = start.until(clock::now());
            StoreError::Locked { profile: profile.clone(), holder: holder(path), waited }
        }
        _ => StoreError::io("locking", path)(files::without_lock(path, error)),
    })?;
    // For people only: a lock without a name on it is as good.
    let _ = file.write_all(format!("{:<10}\n", std::process::id()).as_bytes());
    Ok(file)
}

/// Notes a refresh whose request goes out, durably. Whether nothing was ever noted before, so that the file may be so new that
/// its directory does not durably have it.
pub(super) fn note(mut lock: &File, attempt: &Attempt) -> io::Result<bool> {
    let mut line = serde_json::to_vec(attempt).expect("numbers and a time become JSON");
    line.push(b'\n');
    let is_first = lock.metadata()?.len() <= HOLDER;
    lock.seek(SeekFrom::Start(HOLDER))?;
    lock.write_all(&line)?;
    lock.set_len(HOLDER + line.len() as u64)?;
    private::synced(lock.sync_data())?;
    Ok(is_first)
}

/// The refresh that was noted last. What cannot be read was never durable, so its request did not go out.
pub(super) fn noted(mut lock: &File) -> Option<Attempt> {
    lock.seek(SeekFrom::Start(HOLDER)).ok()?;
    let mut line = Vec::new();
    lock.take(LONGEST_ATTEMPT).read_to_end(&mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

fn holder(path: &Path) -> Option<String> {
    let content = fs::read_to_string(path).ok()?;
    let pid = content.lines().next()?.trim().to_owned();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("pid {pid}"))
}
