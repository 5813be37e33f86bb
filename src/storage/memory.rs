//! Records that end with the process, for tests and throw-away use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Attempt, KeySource, LockedRecord, PastCall, Protection, Record, Store, StoreError};
use crate::clock;
use crate::profile::ProfileName;

/// Records in memory.
#[derive(Default)]
pub(super) struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    unlocked: Condvar,
}

#[derive(Default)]
struct Content {
    records: BTreeMap<ProfileName, Record>,
    calls: BTreeMap<ProfileName, Vec<PastCall>>,
    attempts: BTreeMap<ProfileName, Attempt>,
    locked: BTreeSet<ProfileName>,
}

impl Shared {
    /// A panic elsewhere leaves every record whole: they are replaced in one step.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&self, profile: &ProfileName) -> Result<Option<Record>, StoreError> {
        Ok(self.shared.content().records.get(profile).cloned())
    }

    fn lock(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn LockedRecord>, StoreError> {
        let start = clock::now();
        let is_locked = |content: &mut Content| content.locked.contains(profile);
        let waited = self.shared.unlocked.wait_timeout_while(self.shared.content(), patience, is_locked);
        let (mut content, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let holder = Some(std::process::id().to_string());
            return Err(StoreError::Locked { profile: profile.clone(), holder, waited: start.until(clock::now()) });
        }
        content.locked.insert(profile.clone());
        Ok(Box::new(LockedEntry { shared: Arc::clone(&self.shared), profile: profile.clone() }))
    }

    fn calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        Ok(self.shared.content().calls.get(profile).cloned().unwrap_or_default())
    }

    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        Ok(self.shared.content().records.keys().cloned().collect())
    }

    fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn protection(&self) -> Result<Protection, StoreError> {
        Ok(Protection { kind: "memory", place: None, key: KeySource::Memory, has_key: true, exposed: None })
    }
}

struct LockedEntry {
    shared: Arc<Shared>,
    profile: ProfileName,
}

impl LockedRecord for LockedEntry {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        let content = self.shared.content();
        let mut record = content.records.get(&self.profile).cloned();
        if let (Some(record), Some(attempt)) = (&mut record, content.attempts.get(&self.profile)) {
            attempt.show_in(record);
        }
        Ok(record)
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.shared.content().attempts.insert(self.profile.clone(), attempt);
        Ok(())
    }

    fn commit(&mut self, record: &mut Record) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        let before = content.records.get(&self.profile).map_or(0, |record| record.generation);
        record.generation = before.saturating_add(1);
        content.records.insert(self.profile.clone(), record.clone());
        Ok(())
    }

    fn forget_previous(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn save_calls(&mut self, calls: &[PastCall]) -> Result<(), StoreError> {
        self.shared.content().calls.insert(self.profile.clone(), calls.to_vec());
        Ok(())
    }

    fn forget(&mut self) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        content.records.remove(&self.profile);
        content.calls.remove(&self.profile);
        content.attempts.remove(&self.profile);
        Ok(())
    }
}

impl Drop for LockedEntry {
    fn drop(&mut self) {
        self.shared.content().locked.remove(&self.profile);
        self.shared.unlocked.notify_all();
    }
}
