//! The steps to the store that most of what is awaited needs, each taken aside, since a disk, a lock or a database may let wait.

use super::Service;
use crate::aside::aside;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::storage::{Held, LOCK_PATIENCE, Record};

impl Service {
    /// Does `work` with this service, which it gets whole, since it may outlive whoever asked for it.
    pub(super) async fn aside<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let service = self.clone();
        aside(move || work(&service)).await
    }

    /// The record as last committed.
    pub(super) async fn record(&self, profile: &ProfileName) -> Result<Option<Box<Record>>, Error> {
        let (store, profile) = (self.store.clone(), profile.clone());
        Ok(aside(move || store.load(&profile)).await?)
    }

    /// Has the store prove itself.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let store = self.store.clone();
        Ok(aside(move || store.probe()).await?)
    }

    /// Does `work` with the sole right to a profile's record, which ends with it.
    pub(super) async fn holding<T: Send + 'static>(
        &self,
        profile: &ProfileName,
        work: impl FnOnce(&Self, &mut Held) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let profile = profile.clone();
        self.aside(move |service| service.store.holding(&profile, LOCK_PATIENCE, |held| work(service, held))).await
    }
}
