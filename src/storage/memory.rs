//! Bytes that end with the process, for tests and throw-away use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::backend::{Backend, Clear, Found, Hold, Listing, Part, StoreKind};
use super::{Attempt, ClientAt, StoreError, Throttled, Version};
use crate::clock::{self, Moment};
use crate::mutex::locked;
use crate::profile::ProfileName;

/// A store in memory.
#[derive(Default)]
pub(super) struct MemoryBackend {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    released: Condvar,
}

#[derive(Default)]
struct Content {
    parts: BTreeMap<(ProfileName, Part), Zeroizing<Vec<u8>>>,
    set_aside: BTreeMap<ProfileName, Vec<Zeroizing<Vec<u8>>>>,
    attempts: BTreeMap<ProfileName, Attempt>,
    versions: BTreeMap<ProfileName, Version>,
    throttled: BTreeMap<ClientAt, Vec<Throttled>>,
    held: BTreeSet<ProfileName>,
    pin: Option<Vec<u8>>,
    commits: u64,
}

impl Content {
    /// The record is another one now.
    fn committed(&mut self, profile: &ProfileName) {
        self.commits += 1;
        self.versions.insert(profile.clone(), Version([self.commits, 0, 0, 0]));
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Found {
        self.parts.get(&(profile.clone(), part)).map_or(Found::Missing, |bytes| Found::Bytes(bytes.clone()))
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        locked(&self.content)
    }
}

impl Backend for MemoryBackend {
    fn kind(&self) -> StoreKind {
        StoreKind::Memory
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn place_of(&self, profile: &ProfileName, _part: Part) -> String {
        format!("of profile `{profile}` in memory")
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError> {
        Ok(self.shared.content().read(profile, part))
    }

    fn first_line(&self, profile: &ProfileName, part: Part) -> Option<Vec<u8>> {
        let content = self.shared.content();
        let bytes = content.parts.get(&(profile.clone(), part))?;
        bytes.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec)
    }

    fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn Hold>, StoreError> {
        let start = clock::now();
        let is_held = |content: &mut Content| content.held.contains(profile);
        let waited = self.shared.released.wait_timeout_while(self.shared.content(), patience, is_held);
        let (mut content, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let holder = Some(format!("pid {}", std::process::id()));
            return Err(StoreError::Locked { profile: profile.clone(), holder, waited: start.until(clock::now()) });
        }
        content.held.insert(profile.clone());
        Ok(Box::new(HeldEntry { shared: Arc::clone(&self.shared), profile: profile.clone() }))
    }

    fn poller_path(&self, _profile: &ProfileName) -> Result<Option<PathBuf>, StoreError> {
        Ok(None)
    }

    fn listing(&self) -> Result<Listing, StoreError> {
        let profiles = self.shared.content().versions.keys().map(|profile| (profile.clone(), false)).collect();
        Ok(Listing { profiles, is_whole: true })
    }

    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        Some(self.shared.content().versions.clone())
    }

    fn set_aside(&self) -> BTreeMap<ProfileName, String> {
        let content = self.shared.content();
        content.set_aside.keys().map(|profile| (profile.clone(), "memory".to_owned())).collect()
    }

    fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        Ok(self.shared.content().throttled.get(client).cloned().unwrap_or_default())
    }

    fn note_throttled(&self, client: &ClientAt, throttled: Throttled) -> Result<(), StoreError> {
        throttled.note_in(self.shared.content().throttled.entry(client.clone()).or_default());
        Ok(())
    }

    fn probe(&self, bytes: &[u8]) -> Result<Found, StoreError> {
        Ok(Found::Bytes(Zeroizing::new(bytes.to_vec())))
    }

    fn pin(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.shared.content().pin.clone())
    }

    fn bind(&self, pin: &[u8]) -> Result<(), StoreError> {
        self.shared.content().pin.get_or_insert_with(|| pin.to_vec());
        Ok(())
    }

    fn rebind(&self, before: &[u8], pin: &[u8]) -> Result<bool, StoreError> {
        let mut content = self.shared.content();
        let is_as_before = content.pin.as_deref() == Some(before);
        if is_as_before {
            content.pin = Some(pin.to_vec());
        }
        Ok(is_as_before)
    }
}

struct HeldEntry {
    shared: Arc<Shared>,
    profile: ProfileName,
}

impl HeldEntry {
    fn key(&self, part: Part) -> (ProfileName, Part) {
        (self.profile.clone(), part)
    }
}

impl Hold for HeldEntry {
    fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        Ok(self.shared.content().read(&self.profile, part))
    }

    fn attempt(&mut self) -> Result<Option<Attempt>, StoreError> {
        Ok(self.shared.content().attempts.get(&self.profile).copied())
    }

    fn may_send_until(&self) -> Option<Moment> {
        None
    }

    fn left_over(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(Vec::new())
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn note(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        self.shared.content().attempts.insert(self.profile.clone(), attempt);
        Ok(())
    }

    fn replace(&mut self, _clear: &Clear, bytes: &[u8]) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        let before = content.parts.insert(self.key(Part::Current), Zeroizing::new(bytes.to_vec()));
        if let Some(before) = before {
            content.parts.insert(self.key(Part::Previous), before);
        }
        content.committed(&self.profile);
        Ok(())
    }

    fn keep_spare(&mut self, _bytes: &[u8]) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn save_calls(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.shared.content().parts.insert(self.key(Part::Calls), Zeroizing::new(bytes.to_vec()));
        Ok(())
    }

    fn reseal(&mut self, part: Part, _key_id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        content.parts.insert(self.key(part), Zeroizing::new(bytes.to_vec()));
        if part == Part::Current {
            content.committed(&self.profile);
        }
        Ok(())
    }

    fn set_aside(&mut self, part: Part) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        if let Some(bytes) = content.parts.remove(&self.key(part)) {
            content.set_aside.entry(self.profile.clone()).or_default().push(bytes);
        }
        Ok(())
    }

    fn remove(&mut self, part: Part) -> Result<(), StoreError> {
        let mut content = self.shared.content();
        content.parts.remove(&self.key(part));
        if part == Part::Current {
            content.versions.remove(&self.profile);
        }
        Ok(())
    }

    fn remove_set_aside(&mut self) -> Result<(), StoreError> {
        self.shared.content().set_aside.remove(&self.profile);
        Ok(())
    }

    fn release(self: Box<Self>) {}
}

impl Drop for HeldEntry {
    fn drop(&mut self) {
        self.shared.content().held.remove(&self.profile);
        self.shared.released.notify_all();
    }
}
