//! What whoever sees to a store asks of it: what it is, whether it is sound, another key for it.

use std::collections::BTreeSet;

use super::Service;
use super::aside::aside;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::storage::{Checked, NewKey, Rekeyed, Store, StoreError, StoreInfo};

impl Service {
    /// What is known of the store.
    pub async fn store_info(&self) -> Result<StoreInfo, Error> {
        self.with_store(|store, _| store.info()).await
    }

    /// Makes what the store needs to be there, and proves that it works.
    pub async fn init_store(&self) -> Result<(), Error> {
        self.with_store(|store, _| store.init()).await
    }

    /// Reads everything that the store has. No provider is asked.
    pub async fn check_store(&self) -> Result<Checked, Error> {
        self.with_store(|store, names| store.check(&names)).await
    }

    /// Mends what a check found, and tells what was done: a sentence each.
    pub async fn repair_store(&self, checked: Checked) -> Result<Vec<String>, Error> {
        self.with_store(move |store, _| store.repair(&checked)).await
    }

    /// Gives the store another key and seals everything anew.
    pub async fn rekey_store(&self, to: NewKey) -> Result<Rekeyed, Error> {
        self.with_store(move |store, names| store.rekey(&to, &names)).await
    }

    /// Does `work` with the store and the profiles that the configuration has.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, BTreeSet<ProfileName>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let (store, names) = (self.store.clone(), self.config.profiles.keys().cloned().collect());
        Ok(aside(move || work(&store, names)).await?)
    }
}
