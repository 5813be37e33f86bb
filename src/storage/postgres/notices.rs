//! What other sessions say of profiles that were given back, for those who wait for one and for those who watch all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::guarded::Refusal;
use crate::mutex::locked;
use crate::profile::ProfileName;

/// Behind the name of a profile that was changed before it was given back.
const CHANGED: char = '!';

/// What was said.
#[derive(Default)]
pub(super) struct Notices {
    said: Mutex<Said>,
    added: Condvar,
}

#[derive(Default)]
struct Said {
    /// How often something was said of each profile that somebody waits for.
    counts: BTreeMap<String, u64>,
    /// Those that were changed since somebody last asked for them, where somebody does.
    changed: Option<BTreeSet<ProfileName>>,
    /// Nothing can be heard any more, so that whoever watches has to see to that.
    is_deaf: bool,
    /// Why that is, where the server sent what is not taken.
    refusal: Option<Refusal>,
}

impl Notices {
    fn said(&self) -> MutexGuard<'_, Said> {
        locked(&self.said)
    }

    /// From now on counts what is said of `profile`; how much it was so far.
    pub(super) fn begin(&self, profile: &str) -> u64 {
        *self.said().counts.entry(profile.to_owned()).or_default()
    }

    /// Takes what another session said.
    pub(super) fn add(&self, payload: &str) {
        let profile = payload.strip_suffix(CHANGED);
        let mut said = self.said();
        if let Some(count) = said.counts.get_mut(profile.unwrap_or(payload)) {
            *count += 1;
        }
        if let (Some(changed), Some(Ok(profile))) = (&mut said.changed, profile.map(str::parse)) {
            changed.insert(profile);
        }
        self.added.notify_all();
    }

    /// The connection on which it was said has ended.
    pub(super) fn end(&self, refusal: Option<Refusal>) {
        let mut said = self.said();
        said.is_deaf = true;
        said.refusal = refusal.or(said.refusal);
        self.added.notify_all();
    }

    /// Why the connection ended, where this program ended it. Told once.
    pub(super) fn take_refusal(&self) -> Option<Refusal> {
        self.said().refusal.take()
    }

    /// Waits until more than `seen` was said of `profile`, for `limit` at most.
    pub(super) fn wait(&self, profile: &str, seen: u64, limit: Duration) {
        let is_silent = |said: &mut Said| said.counts.get(profile).is_none_or(|count| *count <= seen);
        // Whoever waits looks by itself, whichever of both has ended the wait.
        drop(self.added.wait_timeout_while(self.said(), limit, is_silent));
    }

    /// From now on counts which profiles were changed.
    pub(super) fn watch(&self) {
        let mut said = self.said();
        said.changed.get_or_insert_default();
        said.is_deaf = false;
    }

    /// The profiles that were changed since this was asked for last. Waits for one, or for the end of hearing, for `limit` at
    /// most.
    pub(super) fn changed(&self, limit: Duration) -> Vec<ProfileName> {
        let is_silent = |said: &mut Said| !said.is_deaf && said.changed.as_ref().is_none_or(BTreeSet::is_empty);
        let waited = self.added.wait_timeout_while(self.said(), limit, is_silent);
        let (mut said, _) = waited.unwrap_or_else(PoisonError::into_inner);
        said.changed.as_mut().map(std::mem::take).unwrap_or_default().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Notices;

    #[test]
    fn waiters_hear_of_their_profile_and_watchers_of_every_change() {
        let notices = Notices::default();
        notices.add("work!");
        notices.watch();
        let seen = notices.begin("work");
        for payload in ["home!", "work", "hall", "home!", "-no-name!"] {
            notices.add(payload);
        }
        // Both have something to hear, so that nobody waits.
        notices.wait("work", seen, Duration::MAX);
        let changed: Vec<String> = notices.changed(Duration::MAX).iter().map(ToString::to_string).collect();
        assert_eq!(changed, ["home"]);
        notices.end(None);
        assert_eq!(notices.changed(Duration::MAX), []);
    }
}
