//! Gives a profile another name, with its record.
//!
//! A record is bound to its profile's name, so it is written anew: first under the new name, then the configuration
//! changes, then the old record goes. Whoever dies in between leaves the grant where the configuration looks for it, and
//! at most a copy under the other name, which gives way to the next profile that gets that name.

use crate::config::{self, Config, Profile};
use crate::error::{Code, Error, renamed};
use crate::profile::ProfileName;
use crate::service::Service;
use crate::storage::{Grant, Held, LOCK_PATIENCE, LastRefresh, Record};

use super::{has_tokens, is_taken, roll_back, still_held};

impl Service {
    /// Gives a profile another name; its sign-in and its client's secret stay. Gives the configuration with it.
    pub async fn rename_profile(&self, profile: &Profile, new: &ProfileName) -> Result<Config, Error> {
        self.check_new_name(&profile.name, new)?;
        let (old, new) = (profile.name.clone(), new.clone());
        self.aside(move |service| {
            // Everybody takes the two locks in the same order, so that nobody waits for ever.
            let old_first = old < new;
            let (first, second) = if old_first { (&old, &new) } else { (&new, &old) };
            service.store.holding(first, LOCK_PATIENCE, |first| {
                service.store.holding(second, LOCK_PATIENCE, |second| {
                    let (at_old, at_new) = if old_first { (first, second) } else { (second, first) };
                    service.rename_held((&old, at_old), (&new, at_new))
                })
            })
        })
        .await
    }

    fn rename_held(
        &self,
        (old, at_old): (&ProfileName, &mut Held),
        (new, at_new): (&ProfileName, &mut Held),
    ) -> Result<Config, Error> {
        let record = at_old.load()?;
        let left_over = at_new.load()?;
        if let Some(left_over) = &left_over {
            self.check_left_over(left_over, new)?;
        }
        if let Some(record) = &record {
            let mut anew = Record { profile: new.clone(), ..*record.clone() };
            name_anew(&mut anew, old, new);
            at_new.commit(&mut anew)?;
        }
        let config = config::rename_profile(&self.config, old, new).map_err(|error| {
            let error = error.adding("the profile keeps its name");
            if record.is_some() { roll_back(at_new, left_over, error) } else { error }
        })?;
        // Nobody is held up by a list for convenience.
        let calls = self.store().calls(old).unwrap_or_default();
        let _ = at_new.save_calls(&calls);
        forget_old(at_old, old)?;
        Ok(config)
    }

    fn check_new_name(&self, old: &ProfileName, new: &ProfileName) -> Result<(), Error> {
        let refused = |cause: String| {
            Error::new(Code::Config, format!("profile `{old}` cannot be renamed to `{new}`")).because(cause)
        };
        if old == new {
            return Err(refused("that is its name already".to_owned()).advise("give another name"));
        }
        if let Some(known) = self.config.taken_by(new).filter(|known| *known != old) {
            return Err(refused(is_taken(known, new)).advise("choose another name"));
        }
        if old.is_alike(new.as_str()) {
            // On some systems both names lead to the same files.
            return Err(refused("the names differ in case only".to_owned()).advise("rename it to something else first"));
        }
        config::check_new_name(new)
    }

    /// Whatever is there under the new name must not be lost, unless it is a copy.
    fn check_left_over(&self, left_over: &Record, new: &ProfileName) -> Result<(), Error> {
        if !has_tokens(left_over) || self.lives_elsewhere(left_over)? {
            return Ok(());
        }
        Err(still_held(new))
    }

    /// Tells whether a configured profile of another name has the same sign-in: the record is then what a rename left
    /// behind that was cut short.
    pub(super) fn lives_elsewhere(&self, record: &Record) -> Result<bool, Error> {
        let whole = if self.config.is_part { Some(Config::load(&self.config.file)?) } else { None };
        let profiles = &whole.as_ref().unwrap_or(&self.config).profiles;
        for name in profiles.keys().filter(|name| **name != record.profile) {
            let other = self.store().load(name)?;
            if other.is_some_and(|other| is_copy(record, &other)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes the record of a name that no profile has, where it is a copy that a rename left behind. Tells whether it was. Blocks.
    pub(in crate::service) fn forget_copy(&self, name: &ProfileName) -> Result<bool, Error> {
        self.store().holding(name, LOCK_PATIENCE, |held| {
            let record = held.look()?.filter(|_| self.is_unknown_to_all(name));
            let is_copy = record.map_or(Ok(false), |record| self.lives_elsewhere(&record))?;
            if is_copy {
                held.forget()?;
            }
            Ok(is_copy)
        })
    }

    /// Deletes the copies of a sign-in that renames left behind which were cut short: they are no more than that sign-in,
    /// and end with it.
    pub(in crate::service) async fn forget_copies(&self, record: &Record) -> Result<(), Error> {
        let record = record.clone();
        self.aside(move |service| service.forget_copies_of(&record)).await
    }

    fn forget_copies_of(&self, record: &Record) -> Result<(), Error> {
        let is_copy = |other: &Record| is_copy(record, other);
        let names = self.store().profiles()?;
        // There may be thousands of profiles, and the records of those that are configured are nobody's copies.
        let is_stray = |name: &ProfileName| *name != record.profile && !self.config.profiles.contains_key(name);
        for name in names.into_iter().filter(is_stray) {
            if !self.store().load(&name)?.as_deref().is_some_and(is_copy) {
                continue;
            }
            self.store().holding(&name, LOCK_PATIENCE, |held| {
                // Whoever renames holds this record until the configuration has the new name.
                let is_stray = self.is_unknown_to_all(&name) && held.look()?.as_deref().is_some_and(is_copy);
                if is_stray { held.forget() } else { Ok(()) }
            })?;
        }
        Ok(())
    }

    /// Tells whether neither this configuration nor the one in the file now has a profile of this name.
    fn is_unknown_to_all(&self, name: &ProfileName) -> bool {
        let file = &self.config.file;
        let has_not = |config: &Config| !config.profiles.contains_key(name);
        let is_missing = || matches!(file.try_exists(), Ok(false));
        has_not(&self.config) && (is_missing() || Config::load(file).is_ok_and(|now| has_not(&now)))
    }
}

/// What is told of the last refresh and of the end of a sign-in names the profile.
fn name_anew(record: &mut Record, old: &ProfileName, new: &ProfileName) {
    let mut errors: Vec<_> = record.ended.iter_mut().filter_map(|ended| ended.error.as_mut()).collect();
    let mut texts = Vec::new();
    if let Some(Grant { last_refresh, refused, .. }) = &mut record.grant {
        texts.extend(refused);
        if let Some(LastRefresh { error, failure, .. }) = last_refresh {
            texts.extend(error);
            errors.extend(failure);
        }
    }
    for error in errors {
        *error = error.clone().renamed(old, new);
    }
    for text in texts {
        *text = renamed(text, old, new);
    }
}

/// Records without a grant are nobody's copies.
fn is_copy(record: &Record, other: &Record) -> bool {
    record.grant.is_some() && record.is_same_sign_in(other)
}

fn forget_old(held: &mut Held, old: &ProfileName) -> Result<(), Error> {
    held.forget().map_err(|error| {
        let error = Error::from(error);
        let message = format!("the profile has its new name, but its record under `{old}` could not be deleted");
        Error { message, ..error }
    })
}
