//! What other sessions say of profiles that were given back, for those who wait for one.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts what was said of each profile that somebody waits for.
#[derive(Default)]
pub(super) struct Notices {
    counts: Mutex<BTreeMap<String, u64>>,
    added: Condvar,
}

impl Notices {
    /// A panic elsewhere leaves whole numbers.
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on counts what is said of `profile`; how much it was so far.
    pub(super) fn begin(&self, profile: &str) -> u64 {
        *self.counts().entry(profile.to_owned()).or_default()
    }

    pub(super) fn add(&self, profile: &str) {
        if let Some(count) = self.counts().get_mut(profile) {
            *count += 1;
            self.added.notify_all();
        }
    }

    /// Waits until more than `seen` was said of `profile`, for `limit` at most.
    pub(super) fn wait(&self, profile: &str, seen: u64, limit: Duration) {
        let is_silent = |counts: &mut BTreeMap<String, u64>| counts.get(profile).is_none_or(|count| *count <= seen);
        // Whoever waits looks by itself, whichever of both has ended the wait.
        drop(self.added.wait_timeout_while(self.counts(), limit, is_silent));
    }
}
