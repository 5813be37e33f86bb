//! The sole right to write one profile's record, over all processes.
//!
//! The lock lies on an open file (`flock`), so it ends with its holder however that dies. The lock file itself is never
//! renamed or deleted: two processes would then hold locks on two files of one name.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::profile::ProfileName;
use crate::storage::{StoreError, private};

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Waits up to `patience` for the lock, which lasts until the file is dropped.
pub(super) fn acquire(path: &Path, profile: &ProfileName, patience: Duration) -> Result<File, StoreError> {
    let mut file = private::open_lock(path)?;
    let start = clock::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(StoreError::io("locking", path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let waited = start.until(clock::now());
        if waited >= patience {
            return Err(StoreError::Locked { profile: profile.clone(), holder: holder(path), waited });
        }
        wait(pause.min(patience.saturating_sub(waited)));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    // For people only: a lock without a name on it is as good.
    let _ = file.write_all(format!("{:<10}\n", std::process::id()).as_bytes());
    Ok(file)
}

fn holder(path: &Path) -> Option<String> {
    let pid = fs::read_to_string(path).ok()?.trim().to_owned();
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then_some(pid)
}

#[expect(clippy::disallowed_methods, reason = "a lock that another process gives back announces nothing to wait for")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}
