//! The sole right to write one profile's record, over all processes.
//!
//! The lock lies on an open file (`flock`), so it ends with its holder however that dies. The lock file itself is never
//! renamed or deleted: two processes would then hold locks on two files of one name.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::files;
use crate::profile::ProfileName;
use crate::storage::{StoreError, private};

/// Waits up to `patience` for the lock, which lasts until the file is dropped.
pub(super) fn acquire(path: &Path, profile: &ProfileName, patience: Duration) -> Result<File, StoreError> {
    let mut file = private::open_lock(path)?;
    let start = clock::now();
    files::lock(&file, patience).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => {
            let waited = start.until(clock::now());
            StoreError::Locked { profile: profile.clone(), holder: holder(path), waited }
        }
        _ => StoreError::io("locking", path)(error),
    })?;
    // For people only: a lock without a name on it is as good.
    let _ = file.write_all(format!("{:<10}\n", std::process::id()).as_bytes());
    Ok(file)
}

fn holder(path: &Path) -> Option<String> {
    let pid = fs::read_to_string(path).ok()?.trim().to_owned();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then_some(pid)
}
