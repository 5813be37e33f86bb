//! What the store does with copies of access tokens: keeps one whenever a record is read or committed, and hands it out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Shared, Store};
use crate::clock;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::storage::copies::Copies;
use crate::storage::{Copied, Record, StoreError};
use crate::words::time_of_day;

impl Store {
    /// Keeps copies of access tokens in this directory, each as good as the store for so long, where others share the store.
    /// For no time at all none is kept.
    #[must_use]
    pub fn with_copies(self, directory: PathBuf, lasts: Duration) -> Self {
        let backend = &self.shared.backend;
        if backend.is_shared() && !lasts.is_zero() {
            self.shared.copies.get_or_init(|| Copies::new(directory, lasts, backend.place()));
        }
        self
    }

    /// The access token as this machine has seen it so short a while ago that the store need not be asked.
    pub fn recent_copy(&self, profile: &ProfileName, now: Timestamp) -> Option<Copied> {
        self.shared.copies.get()?.recent(profile, || self.shared.keyring.at_hand(), now)
    }

    /// The access token as this machine has seen it last, for when the store is away.
    pub fn last_copy(&self, profile: &ProfileName, now: Timestamp) -> Option<Copied> {
        self.shared.copies.get()?.last(profile, || self.shared.keyring.at_hand(), now)
    }

    /// Has [`found_damaged`](Self::found_damaged) tell that a copy served, until the store can be read again.
    pub fn tell_of_copy(&self, copied: &Copied, why: &StoreError, zone: &TimeZone) {
        let (profile, as_of) = (&copied.profile, time_of_day(copied.as_of, clock::wall(), zone));
        let sentence =
            format!("The access token of profile `{profile}` is the one that was known here at {as_of}: {why}.");
        self.shared.served().insert(profile.clone(), sentence);
    }

    /// Deletes all copies of access tokens on this machine.
    pub fn drop_copies(&self) {
        if let Some(copies) = self.shared.copies.get() {
            copies.remove_all();
        }
    }
}

impl Shared {
    pub(super) fn served(&self) -> MutexGuard<'_, BTreeMap<ProfileName, String>> {
        locked(&self.served)
    }

    /// The time, where copies are kept.
    pub(super) fn time_of_copy(&self) -> Option<Timestamp> {
        self.copies.get().map(|_| clock::wall())
    }

    /// Keeps what the store said when it was asked, where copies are kept.
    pub(super) fn copy(&self, profile: &ProfileName, record: Option<&Record>, asked_at: Option<Timestamp>) {
        if let Some((copies, asked_at)) = self.copies.get().zip(asked_at) {
            copies.keep(profile, record, self.keyring.at_hand().as_deref(), asked_at);
            self.served().remove(profile);
        }
    }
}
