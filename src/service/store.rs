//! What whoever sees to a store asks of it: what it is, whether it is sound, another key for it.

use std::collections::BTreeSet;

use super::Service;
use crate::aside::aside;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::providers::Rotation;
use crate::storage::{
    Checked, CopyOutcome, Destination, Finding, FindingKind, NewKey, Record, Rekeyed, Store, StoreError, StoreInfo,
};

/// Where records went, and what became of each profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedProfiles {
    /// The address of the store, without a password.
    pub to: String,
    pub profiles: Vec<(ProfileName, CopyOutcome)>,
}

impl Service {
    /// What is known of the store.
    pub async fn store_info(&self) -> Result<StoreInfo, Error> {
        self.with_store(|store, names| Ok(store.info(&names))).await
    }

    /// Makes what the store needs to be there, and proves that it works.
    pub async fn init_store(&self) -> Result<(), Error> {
        self.with_store(|store, _| store.init()).await
    }

    /// Reads everything that the store has. No provider is asked.
    pub async fn check_store(&self) -> Result<Checked, Error> {
        self.with_store(|store, names| store.check(&names)).await
    }

    /// Mends what a check found, and tells what was done, a sentence each, and what failed first.
    pub async fn repair_store(&self, checked: Checked) -> (Vec<String>, Option<Error>) {
        self.aside(move |service| {
            let (mut done, failed) = service.store.repair(&checked);
            let mut failed = failed.map(Error::from);
            for Finding { profile, .. } in
                checked.findings.iter().filter(|finding| finding.kind == FindingKind::Unconfigured)
            {
                match service.forget_copy(profile) {
                    Ok(false) => {}
                    Ok(true) => done.push(format!(
                        "{profile}: a copy of another profile's sign-in was deleted, which a rename had left"
                    )),
                    Err(error) => drop(failed.get_or_insert(error)),
                }
            }
            (done, failed)
        })
        .await
    }

    /// Gives the store another key and seals everything anew.
    pub async fn rekey_store(&self, to: NewKey) -> Result<Rekeyed, Error> {
        self.with_store(move |store, names| store.rekey(&to, &names)).await
    }

    /// Copies every record to another store at this address.
    pub async fn copy_store(&self, to: Store, address: String, keeps_both: bool) -> Result<CopiedProfiles, Error> {
        self.aside(move |service| {
            if service.store.is_same_as(&to)? {
                return Err(Error::new(Code::Usage, "both are the same store").advise("name another one"));
            }
            let may_keep = |record: &Record| service.never_rotates(record);
            let keeps_both: Option<&dyn Fn(&Record) -> bool> = if keeps_both { Some(&may_keep) } else { None };
            let destination = Destination { store: &to, address: &address, keeps_both };
            service.store.check_awaited(&destination)?;
            to.init_place()?;
            service.store.share_key(&to)?;
            let mut profiles = Vec::new();
            for profile in service.store.profiles()? {
                let copied = match service.store.copy_profile(&profile, &destination) {
                    // The others go on.
                    Err(
                        error @ (StoreError::Corrupt { .. }
                        | StoreError::Newer { .. }
                        | StoreError::KeyUnavailable(_)
                        | StoreError::Locked { .. }),
                    ) => CopyOutcome::Refused(error.to_string()),
                    copied => copied?,
                };
                profiles.push((profile, copied));
            }
            Ok(CopiedProfiles { to: address, profiles })
        })
        .await
    }

    /// Whether the provider of this record never replaces refresh tokens.
    fn never_rotates(&self, record: &Record) -> bool {
        let provider = self.config.providers.get(&record.provider);
        let has_rotated =
            record.grant.as_ref().and_then(|grant| grant.last_refresh.as_ref()).is_some_and(|last| last.rotates);
        provider.is_some_and(|provider| provider.dialect().rotation == Rotation::None) && !has_rotated
    }

    /// Fails where a record is refreshed and changed elsewhere, before a person is asked for anything.
    pub(super) async fn refuse_moved(&self, profile: &ProfileName) -> Result<(), Error> {
        let record = self.record(profile).await.ok().flatten();
        if record.is_none_or(|record| record.moved.is_none()) {
            return Ok(());
        }
        self.holding(profile, |_, held| Ok(held.load().map(drop)?)).await
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
