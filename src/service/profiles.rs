//! Adds profiles and removes them: the configuration and the record go together, or not at all.

use std::sync::Arc;

use super::login::empty_record;
use super::login::exchange::check_client_type;
use super::{Service, home_data_center, store_error};
use crate::config::{self, Config, Profile};
use crate::error::{Code, Error};
use crate::providers::catalog;
use crate::secret::Secret;
use crate::storage::{LockedRecord, Record};

impl Service {
    /// The same service with another configuration, such as one to which a profile was added.
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Self { config, seen: Arc::default(), ..self }
    }

    /// Tells whether the store keeps a client's secret for the profile.
    pub fn has_stored_secret(&self, profile: &Profile) -> Result<bool, Error> {
        Ok(self.load(profile)?.is_some_and(|record| record.client_secret.is_some()))
    }

    /// What is known against the spelling of the profile's scopes, where the provider's products are known. Advice only:
    /// nobody knows all scopes.
    pub fn advice_on_scopes(&self, profile: &Profile) -> Vec<String> {
        match self.config.provider(profile) {
            Ok(provider) if !provider.dialect().products.is_empty() => {
                profile.scopes.iter().filter_map(|scope| catalog::likely_meant(scope)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Adds a profile and keeps its client's secret, if it has one, in the store. Gives the configuration with it.
    ///
    /// The record is written first: where it cannot be kept, the configuration stays as it is.
    pub async fn add_profile(&self, profile: &Profile, secret: Option<Secret>) -> Result<Config, Error> {
        self.check_new_profile(profile)?;
        let mut locked = self.lock(&profile.name).await?;
        let before = locked.load().map_err(store_error)?;
        let mut record = record_for(profile, before.as_ref())?;
        record.client_secret = secret;
        record.client_secret_for = Some(self.config.provider(profile)?.identity());
        locked.commit(&mut record).map_err(store_error)?;
        config::add_profile(&self.config, profile).map_err(|error| roll_back(&mut *locked, before, error))
    }

    /// Takes a profile out of the configuration and deletes its record. Nothing is revoked, so a profile that is signed
    /// in is refused unless `even_signed_in`.
    pub async fn remove_profile(&self, profile: &Profile, even_signed_in: bool) -> Result<Config, Error> {
        let name = &profile.name;
        let mut locked = self.lock(name).await?;
        if !even_signed_in {
            let record = locked.load().map_err(store_error)?;
            if record.as_ref().is_some_and(|record| !record.to_revoke.is_empty()) {
                let message = format!("profile `{name}` is signed out, but its grant is not revoked yet");
                return Err(Error::new(Code::Config, message)
                    .because("removing it would forget the token that the provider has to be told")
                    .hint(format!(
                        "run `device-login logout {name}` again, or leave the grant valid there with `--force`"
                    )));
            }
            if record.is_some_and(|record| record.grant.is_some()) {
                let message = format!("profile `{name}` is signed in");
                return Err(Error::new(Code::Config, message)
                    .because("removing it would not revoke its grant at the provider")
                    .hint(format!(
                        "run `device-login logout {name}` first, or leave the grant valid there with `--force`"
                    )));
            }
        }
        let config = config::remove_profile(&self.config, name)?;
        locked.forget().map_err(|error| {
            let error = store_error(error);
            let message = format!("profile `{name}` is out of the configuration, but its record could not be deleted");
            Error { message, cause: error.cause, ..error }
        })?;
        Ok(config)
    }

    fn check_new_profile(&self, profile: &Profile) -> Result<(), Error> {
        let name = &profile.name;
        let what = format!("profile `{name}` cannot be added");
        if self.config.profiles.contains_key(name) {
            return Err(Error::new(Code::Config, what)
                .because("there is already one with this name")
                .hint(format!("`device-login profile remove {name}` makes room, or choose another name")));
        }
        check_client_type(profile)?;
        if let Some(provider) = self.config.provider(profile)?.known() {
            home_data_center(profile, &provider)?;
        } else if let Some(code) = &profile.data_center {
            return Err(Error::new(Code::Config, what)
                .because(format!("its provider has no data centers, so none is `{code}`"))
                .hint("leave the data center out"));
        }
        if !is_plain(&profile.client_id) {
            return Err(Error::new(Code::Config, what)
                .because("the client id is empty or has characters that no client id has")
                .hint("copy it from the provider's console, without blanks around it"));
        }
        let odd = |scope: &&String| !is_plain(scope) || scope.contains([',', '"', '\\']);
        match profile.scopes.iter().find(odd) {
            Some(scope) => Err(Error::new(Code::InvalidScope, what)
                .because(format!("{scope:?} is no scope"))
                .hint("give scopes such as `AaaServer.profile.READ`, separated by commas")),
            None => Ok(()),
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What the store is to hold. A record that an earlier configuration left goes on if it belongs to the same client.
fn record_for(profile: &Profile, before: Option<&Record>) -> Result<Record, Error> {
    let Some(before) = before else { return Ok(empty_record(profile)) };
    let is_same_client = before.provider == profile.provider && before.client_id == profile.client_id;
    if is_same_client {
        return Ok(before.clone());
    }
    if before.grant.is_some() || !before.to_revoke.is_empty() {
        let message = format!("the store still holds a grant of another profile `{}`", profile.name);
        return Err(Error::new(Code::Config, message).hint("choose another name, or another store"));
    }
    let (generation, unrevoked) = (before.generation, before.unrevoked.clone());
    Ok(Record { generation, unrevoked, ..empty_record(profile) })
}

/// Brings the record back to what it was. An error of that is the smaller one.
fn roll_back(locked: &mut dyn LockedRecord, before: Option<Record>, error: Error) -> Error {
    let undone = match before {
        Some(before) => locked.load().and_then(|now| {
            let generation = now.map_or(before.generation, |now| now.generation);
            locked.commit(&mut Record { generation, ..before })
        }),
        None => locked.forget(),
    };
    match undone {
        Ok(()) => error,
        Err(undone) => error.adding(format!("its record in the store is left over ({undone})")),
    }
}
