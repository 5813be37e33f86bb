//! A refresh token that exists already comes into a profile, or into one that is made for it: typed, or as a `.env` file has it.

mod env_file;

pub use env_file::EnvFile;

use std::sync::Arc;

use super::profiles::{LeftOver, left_of};
use super::{Service, SignIn, SignedIn};
use crate::config::{self, Config, Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::sorted;
use crate::storage::Record;

/// A refresh token from elsewhere, and the profile that gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    pub profile: Profile,
    /// The profile is made for it, and stays only if the token proves good.
    pub is_new: bool,
    pub refresh_token: Secret,
    /// The one that came with it.
    pub client_secret: Option<Secret>,
    /// Tells the data center that issued it, where that need not be the profile's.
    pub api_domain: Option<String>,
}

impl Import {
    /// Of a token alone, for a profile that is there.
    pub fn into_profile(profile: &Profile, refresh_token: Secret) -> Self {
        Self { profile: profile.clone(), is_new: false, refresh_token, client_secret: None, api_domain: None }
    }
}

impl EnvFile {
    /// What the file brings: for the profile of this name, or the one that has its client where none is named, else for a new
    /// one, which lacks its data center where the file does not tell it.
    ///
    /// # Errors
    ///
    /// The file lacks something, or does not fit the profile, or no profile is named and several have the client.
    pub fn import(self, config: &Config, name: Option<&ProfileName>) -> Result<Import, Error> {
        let is_there = name.is_some_and(|name| config.profiles.contains_key(name));
        let hint = if is_there {
            "put it into the file, or give the refresh token alone"
        } else {
            "put it into the file, or add the profile first and give the refresh token alone"
        };
        let client_id = self.client_id.clone().ok_or_else(|| self.lacks("ZOHO_CLIENT_ID").advise(hint))?;
        let refresh_token = self.refresh_token.clone().ok_or_else(|| {
            self.lacks("ZOHO_REFRESH_TOKEN").advise(if self.has_access_token {
                "an access token alone ends within the hour and cannot be refreshed, as with client-based applications; \
                 register a non-browser application and sign in"
            } else {
                "without one there is nothing to import: sign in instead"
            })
        })?;
        let known = match name {
            Some(name) => config.profiles.get(name),
            None => config.profile_of_client(&client_id)?,
        };
        let profile = match (known, name) {
            (Some(profile), _) if profile.client_id != client_id => {
                return Err(self
                    .unusable(Code::Config)
                    .because(format!("profile `{}` has another client id", profile.name))
                    .advise("choose another name for the profile"));
            }
            (Some(profile), _) => profile.clone(),
            (None, Some(name)) => self.new_profile(config, name, client_id)?,
            (None, None) => {
                let why = "no profile has its client, and no name is given for a new one";
                return Err(self.unusable(Code::Usage).because(why));
            }
        };
        let Self { client_secret, api_domain, .. } = self;
        Ok(Import { profile, is_new: known.is_none(), refresh_token, client_secret, api_domain })
    }

    /// The data center of a new profile is told neither by the file nor by a person.
    pub fn lacks_data_center(&self) -> Error {
        self.lacks("ZOHO_API_DOMAIN").advise("it tells the data center, such as https://www.zohoapis.eu")
    }

    fn lacks(&self, name: &str) -> Error {
        self.unusable(Code::Config).because(format!("it names no {name}"))
    }

    fn unusable(&self, code: Code) -> Error {
        Error::new(code, format!("{} cannot be imported", self.path.display()))
    }

    /// A profile at the data center that has the file's API domain.
    fn new_profile(&self, config: &Config, name: &ProfileName, client_id: String) -> Result<Profile, Error> {
        let mut sources: Vec<_> = config.providers.values().collect();
        sources.retain(|source| source.dialect().variable_prefix == Some(Self::PREFIX));
        // What is built in comes before stand-ins for it, should both have the address.
        sorted::by_key(&mut sources, |source| matches!(source, ProviderSource::Configured(_)));
        let mut providers = sources.into_iter().filter_map(ProviderSource::known);
        let (provider, data_center) = match &self.api_domain {
            None => (providers.next(), None),
            Some(domain) => providers
                .find_map(|provider| {
                    let code = provider.data_center_of_api(domain)?.code.clone();
                    Some((Some(provider), Some(code)))
                })
                .unwrap_or_default(),
        };
        let provider = provider.ok_or_else(|| {
            let domain = self.api_domain.as_deref().unwrap_or_default();
            self.unusable(Code::Config)
                .because(format!("no data center has the API domain {domain:?}"))
                .advise("check ZOHO_API_DOMAIN; it reads like https://www.zohoapis.eu")
        })?;
        let profile = Profile::new(name.clone(), provider.name, client_id);
        Ok(Profile { data_center, scopes: self.scopes.clone(), ..profile })
    }
}

impl Service {
    /// Signs a profile in with a refresh token from elsewhere, and gives the configuration as it is then. A new profile stays only
    /// if the token proves good.
    pub async fn import(&self, import: Import, options: SignIn) -> Result<(Config, SignedIn), Error> {
        let Import { profile, is_new, refresh_token, client_secret, api_domain } = import;
        if !is_new {
            let (service, now) = Arc::new(self.clone()).up_to_date(&profile.name)?;
            let signed_in =
                service.import_into(&now, refresh_token, client_secret, api_domain.as_deref(), options).await?;
            return Ok((Config::clone(&service.config), signed_in));
        }
        let added = self.keeping_providers(self.add_profile(&profile, client_secret).await?);
        let service = self.clone().with_config(added);
        match service.import_into(&profile, refresh_token, None, api_domain.as_deref(), options).await {
            Ok(signed_in) if profile.scopes.is_empty() => Ok(service.asking_for_what_was_granted(signed_in).await),
            Ok(signed_in) => Ok((Config::clone(&service.config), signed_in)),
            Err(error) => {
                // What cannot be read may be a grant that came with the failure, or one of before.
                let record = service.record(&profile.name).await;
                let is_empty = |record: Box<Record>| left_of(&record) == LeftOver::SignedOut;
                let goes = record.is_ok_and(|record| record.is_none_or(is_empty));
                if goes && service.remove_profile(&profile, true).await.is_ok() {
                    return Err(error);
                }
                let file = service.config.file.display();
                Err(error.adding(format!("profile `{}` was added to {file} and stays", profile.name)))
            }
        }
    }

    /// Has a later sign-in ask for the scopes that the token has.
    async fn asking_for_what_was_granted(&self, mut signed_in: SignedIn) -> (Config, SignedIn) {
        let (name, scopes) = (signed_in.profile.clone(), signed_in.scopes.clone());
        match self.aside(move |service| config::set_scopes(&service.config, &name, &scopes)).await {
            Ok(config) => (self.keeping_providers(config), signed_in),
            Err(error) => {
                signed_in.warnings.push(error.adding("the profile has no scopes").to_string());
                (Config::clone(&self.config), signed_in)
            }
        }
    }
}
