//! Notices that somebody else has changed `config.toml` since this process read it.
//!
//! A file that looks as it did when it was read last is not read again. What cannot be read changes nothing, and is told
//! once.

use std::sync::{Arc, Mutex};

use super::Service;
use crate::config::{Config, Profile};
use crate::error::{Code, Error};
use crate::files::{self, Look};
use crate::mutex::locked;
use crate::profile::ProfileName;

/// How the file looked when there was nothing new in it; `None` before the first look.
pub(super) type LastLook = Mutex<Option<Look>>;

impl Service {
    /// The configuration as its file says it by now; `None` while that is nothing new.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or says nothing valid. That is said once for each state of it.
    pub fn changed_configuration(&self) -> Result<Option<Config>, Error> {
        let look = files::look(&self.config.file);
        self.read_again(look).inspect_err(|_| self.remember(look))
    }

    /// The same for whoever has nothing under way that goes by the providers as they were: these are taken as the file says
    /// them by now, too. `is_asked_for` has it read however it looks, and told again if it cannot be.
    pub fn newest_configuration(&self, is_asked_for: bool) -> Result<Option<Config>, Error> {
        let look = files::look(&self.config.file);
        self.read_new(look, is_asked_for, |config| config).inspect_err(|_| self.remember(look))
    }

    /// The service and the profile as the file says them by now.
    ///
    /// # Errors
    ///
    /// The profile is gone from the file, or never was in it.
    pub fn up_to_date(self: Arc<Self>, name: &ProfileName) -> Result<(Arc<Self>, Profile), Error> {
        // What cannot be read does not say that a profile is gone.
        let service = match self.read_again(files::look(&self.config.file)) {
            Ok(Some(config)) => Arc::new(Self::clone(&self).with_config(config)),
            Ok(None) | Err(_) => self.clone(),
        };
        match service.config.profiles.get(name).cloned() {
            Some(profile) => Ok((service, profile)),
            None if self.config.profiles.contains_key(name) => {
                let message = format!("profile `{name}` is not configured any more");
                Err(Error::new(Code::UnknownProfile, message))
            }
            None => {
                let profile = self.config.profile(Some(name))?.clone();
                Ok((service, profile))
            }
        }
    }

    /// Providers that were known stay what they were taken for, as everything under way takes them.
    pub(super) fn keeping_providers(&self, changed: Config) -> Config {
        let mut providers = changed.providers;
        providers.extend(self.config.providers.clone());
        Config { providers, ..changed }
    }

    fn read_again(&self, look: Look) -> Result<Option<Config>, Error> {
        self.read_new(look, false, |config| self.keeping_providers(config))
    }

    /// The configuration as it is to be taken, unless that or the look of its file is nothing new.
    fn read_new(
        &self,
        look: Look,
        is_asked_for: bool,
        taken: impl FnOnce(Config) -> Config,
    ) -> Result<Option<Config>, Error> {
        if !is_asked_for && *locked(&self.last_look) == Some(look) {
            return Ok(None);
        }
        let config = taken(self.read_configuration(look)?);
        if config == *self.config {
            self.remember(look);
            return Ok(None);
        }
        Ok(Some(config))
    }

    fn read_configuration(&self, look: Look) -> Result<Config, Error> {
        let file = &self.config.file;
        if look.is_none() && !self.config.profiles.is_empty() {
            // An editor may be about to put it there again.
            return Err(Error::new(Code::Config, format!("{} is not there any more", file.display())));
        }
        Config::load(file)
    }

    fn remember(&self, look: Look) {
        *locked(&self.last_look) = Some(look);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::http::client::Client;
    use crate::storage::{self, KeyOptions, StoreAddress};

    const WORK: &str = "[profiles.work]\nprovider = \"zoho\"\nclient_id = \"1000.ABC\"\nscopes = [\"A.b.READ\"]\n";

    fn service() -> (tempfile::TempDir, PathBuf, Arc<Service>) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.toml");
        write(&file, WORK);
        let store = storage::open(&StoreAddress::Memory, KeyOptions::default());
        let config = Config::load(&file).expect("valid");
        (directory, file, Arc::new(Service::new(config, store, Client::new(None), Box::new(|_| None))))
    }

    fn write(file: &Path, text: &str) {
        crate::files::replace(file, text.as_bytes()).expect("it is written");
    }

    fn name(text: &str) -> ProfileName {
        text.parse().expect("a name")
    }

    #[test]
    fn a_change_by_somebody_else_is_noticed_until_it_is_gone_by() {
        let (_directory, file, service) = service();
        assert_eq!(service.changed_configuration(), Ok(None));
        write(&file, &WORK.replace("work", "office"));
        let changed = service.changed_configuration().expect("valid").expect("something new");
        assert!(changed.profiles.contains_key(&name("office")));
        let service = Service::clone(&service).with_config(changed);
        assert_eq!(service.changed_configuration(), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_told_once_and_changes_nothing() {
        let (_directory, file, service) = service();
        write(&file, "profiles = 1");
        assert_eq!(service.changed_configuration().map_err(|error| error.code), Err(Code::Config));
        assert_eq!(service.changed_configuration(), Ok(None));
        assert!(service.clone().up_to_date(&name("work")).is_ok());
        fs::remove_file(&file).expect("it was there");
        assert!(service.changed_configuration().expect_err("it is gone").message.contains("not there any more"));
        assert_eq!(service.changed_configuration(), Ok(None));
        assert!(service.clone().up_to_date(&name("work")).is_ok());
    }

    #[test]
    fn a_profile_is_taken_as_the_file_has_it_by_now() {
        let (_directory, file, service) = service();
        write(&file, &WORK.replace("1000.ABC", "1000.NEW"));
        let (_, profile) = service.clone().up_to_date(&name("work")).expect("it is there");
        assert_eq!(profile.client_id, "1000.NEW");
        write(&file, &WORK.replace("work", "office"));
        let gone = service.clone().up_to_date(&name("work")).map(|_| ()).expect_err("it is gone");
        assert_eq!(gone.message, "profile `work` is not configured any more");
        let never = service.up_to_date(&name("never")).map(|_| ()).expect_err("it never was there");
        assert_eq!(never.message, "there is no profile `never`");
    }
}
