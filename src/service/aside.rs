//! The one door to disks for whatever is awaited: the store, the configuration and files of secrets are read and written on
//! a thread of their own, so that a slow disk never makes a key wait.

use super::{Service, store_error};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::storage::{LOCK_PATIENCE, LockedRecord, Record};

/// Does `work`, which may wait for a disk or a lock, on a thread of its own. It goes on when nobody waits for it any more.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime shuts down, and nobody is left to hear.
            Err(_) => std::future::pending().await,
        },
    }
}

impl Service {
    /// Reads from disks what requests need, so that none of them waits for that.
    pub fn prepare(&self) {
        self.http.prepare();
    }

    /// The record as last committed.
    pub(super) async fn record(&self, profile: &ProfileName) -> Result<Option<Record>, Error> {
        let (store, profile) = (self.store.clone(), profile.clone());
        aside(move || store.load(&profile)).await.map_err(store_error)
    }

    /// Has the store prove itself.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let store = self.store.clone();
        aside(move || store.probe()).await.map_err(store_error)
    }

    /// Waits for the sole right to a profile's record.
    pub(super) async fn lock(&self, profile: &ProfileName) -> Result<Box<dyn LockedRecord>, Error> {
        let (store, profile) = (self.store.clone(), profile.clone());
        aside(move || store.lock(&profile, LOCK_PATIENCE)).await.map_err(store_error)
    }

    /// Does `work` with this service, which it gets whole, since it may outlive whoever asked for it.
    pub(super) async fn aside<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let service = self.clone();
        aside(move || work(&service)).await
    }
}
