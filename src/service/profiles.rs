//! Adds profiles, changes and removes them: the configuration and the record go together, or not at all. How one gets
//! another name is in `rename`, what a change means for a sign-in in `consequences`.

mod consequences;
mod rename;

use std::sync::Arc;

use super::login::empty_record;
use super::login::exchange::check_client_type;
use super::{Service, endpoints, grants, home_data_center};
use crate::clock;
use crate::config::{self, Config, NewProvider, Profile, ProviderSource};
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::providers::catalog;
use crate::registered::{is_client_id, is_scope, no_scope};
use crate::secret::Secret;
use crate::storage::{Grant, Held, Record, StoreError};

pub use consequences::{Consequence, consequences, is_other_client};

/// A record without a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOver {
    SignedOut,
    SignedIn,
    /// The provider has refused to refresh it, and not revoked what there may be left of it.
    Over,
    /// Signed out, with a token that is yet to be revoked.
    Unrevoked,
    Unreadable,
    /// A rename that was cut short left it: another profile has its sign-in.
    Copied,
}

/// Why no other profile gets the name.
fn is_taken(known: &ProfileName, name: &ProfileName) -> String {
    if known == name {
        return "there is already one with this name".to_owned();
    }
    format!("there is already `{known}`, and names that differ in case only are one file on some systems")
}

fn cannot_be_added(name: &ProfileName) -> String {
    format!("profile `{name}` cannot be added")
}

impl Service {
    /// Tells whether the store keeps a client's secret for the profile.
    pub fn has_stored_secret(&self, profile: &Profile) -> Result<bool, Error> {
        Ok(self.load(profile)?.is_some_and(|record| record.client_secret.is_some()))
    }

    /// Tells whether a change takes a client's secret out of the store, since it belongs to another client.
    pub fn loses_secret(&self, before: &Profile, after: &Profile) -> Result<bool, Error> {
        let record = self.load(before)?.filter(|record| record.client_secret.is_some() && !has_tokens(record));
        Ok(is_other_client(before, after) && record.is_some())
    }

    /// What is known against the spelling of the profile's scopes, where the provider's products are known. Advice only:
    /// nobody knows all scopes.
    pub fn advice_on_scopes(&self, profile: &Profile, scopes: &[String]) -> Vec<String> {
        match self.config.provider(profile) {
            Ok(provider) if provider.dialect().has_products => {
                scopes.iter().filter_map(|scope| catalog::advice(scope)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Does what a person asked for on a screen, where signing out first needs no second command.
    pub async fn change_configuration(&self, change: ConfigurationChange) -> Result<Config, Error> {
        if let Some(name) = change.profile() {
            Arc::new(self.clone()).up_to_date(name)?;
        }
        // What is to change was shown by the configuration at hand, so that nothing else in the file is put back.
        let profile = |name: &ProfileName| self.config.profile(Some(name));
        let changed = match change {
            ConfigurationChange::Add(draft) => self.add_drafted(&draft).await,
            ConfigurationChange::Change(draft) => self.change_profile(&draft, true).await,
            ConfigurationChange::Rename { old, new } => self.rename_profile(profile(&old)?, &new).await,
            ConfigurationChange::Remove(name) => self.remove_signing_out(profile(&name)?).await,
            ConfigurationChange::RemoveUnrevoked(name) => {
                self.remove_profile(profile(&name)?, true).await.map(|(config, _)| config)
            }
            ConfigurationChange::Use(name) => self.use_profile(&name),
            ConfigurationChange::AddScopes { profile, scopes } => config::add_scopes(&self.config, &profile, &scopes),
            ConfigurationChange::TakeBackScopes { profile, scopes } => {
                config::take_back_scopes(&self.config, &profile, &scopes)
            }
        }?;
        Ok(self.keeping_providers(changed))
    }

    /// Adds a profile and keeps its client's secret, if it has one, in the store. Gives the configuration with it.
    ///
    /// The record is written first: where it cannot be kept, the configuration stays as it is.
    pub async fn add_profile(&self, profile: &Profile, secret: Option<Secret>) -> Result<Config, Error> {
        self.add_drafted(&ProfileDraft { profile: profile.clone(), provider: None, secret }).await
    }

    /// The same for a profile whose provider may be new as well.
    async fn add_drafted(&self, draft: &ProfileDraft) -> Result<Config, Error> {
        let source = self.check_new_profile(draft)?;
        let ProfileDraft { profile, provider, secret } = draft.clone();
        let name = profile.name.clone();
        let add = move |service: &Self, held: &mut Held| {
            let before = held.load()?;
            let mut record = service.record_for(&profile, before.as_deref())?;
            record.client_secret = secret;
            record.client_secret_for = Some(source.identity());
            record.client_endpoints = endpoints::given(&source);
            held.commit(&mut record)?;
            config::add_profile(&service.config, &profile, provider.as_ref())
                .map_err(|error| roll_back(held, before, error.adding("the profile was not added")))
        };
        self.holding(&name, add).await
    }

    /// Gives a profile other values under the same name; a secret of the draft takes the place of the one in the store.
    ///
    /// A grant belongs to its client, so a profile that is signed in gets another client or provider only if it is signed
    /// out by that, which `signing_out` allows. Other changes leave the grant as it is until the next sign-in.
    pub async fn change_profile(&self, draft: &ProfileDraft, signing_out: bool) -> Result<Config, Error> {
        let profile = &draft.profile;
        let name = &profile.name;
        let before = self.config.profile(Some(name))?;
        let source = self.check_draft(draft, &format!("profile `{name}` cannot be changed"))?;
        let is_other_client = is_other_client(before, profile);
        if is_other_client && signing_out {
            self.sign_out_wholly(before).await?;
        }
        let draft = draft.clone();
        self.holding(name, move |service, held| service.change_held(&draft, &source, is_other_client, held)).await
    }

    fn change_held(
        &self,
        draft: &ProfileDraft,
        source: &ProviderSource,
        is_other_client: bool,
        held: &mut Held,
    ) -> Result<Config, Error> {
        let ProfileDraft { profile, provider, secret } = draft;
        let name = &profile.name;
        let record_before = held.load()?;
        if is_other_client && record_before.as_deref().is_some_and(has_tokens) {
            return Err(Error::new(Code::Config, format!("profile `{name}` cannot get another client"))
                .because("the store still has a grant, or a token to revoke, of the client that it has now")
                .advise(Advice::SignOut(name.clone()).and(" first")));
        }
        let has_pending = record_before.as_ref().is_some_and(|record| record.pending.is_some());
        let gives_up =
            has_pending && self.config.profile(Some(name)).is_ok_and(|before| asks_otherwise(before, profile));
        let is_recorded = is_other_client || secret.is_some() || gives_up;
        if is_recorded {
            let mut record = record_before.clone().unwrap_or_else(|| Box::new(empty_record(profile)));
            record.pending.take_if(|_| gives_up);
            if is_other_client {
                record.client_secret = None;
                record.provider.clone_from(&profile.provider);
                record.client_id.clone_from(&profile.client_id);
            }
            if let Some(secret) = secret {
                record.client_secret = Some(secret.clone());
            }
            if is_other_client || secret.is_some() {
                record.client_secret_for = Some(source.identity());
                record.client_endpoints = endpoints::given(source);
            }
            held.commit(&mut record).map_err(|error| Error::from(error).adding("the profile stays as it was"))?;
        }
        config::change_profile(&self.config, profile, provider.as_ref()).map_err(|error| {
            let error = error.adding("the profile stays as it was");
            if is_recorded { roll_back(held, record_before, error) } else { error }
        })
    }

    /// Names the profile that commands use where none is named.
    pub fn use_profile(&self, name: &ProfileName) -> Result<Config, Error> {
        self.config.profile(Some(name))?;
        config::set_default_profile(&self.config, name)
    }

    /// Revokes what the provider still takes, then removes the profile.
    async fn remove_signing_out(&self, profile: &Profile) -> Result<Config, Error> {
        if self.load(profile)?.as_deref().is_some_and(has_tokens) {
            self.sign_out_wholly(profile).await?;
        }
        self.remove_profile(profile, false).await.map(|(config, _)| config)
    }

    /// Signs a profile out that is to change or go. One whose access could not be revoked stays until a person has heard of it.
    async fn sign_out_wholly(&self, profile: &Profile) -> Result<(), Error> {
        let out = self.sign_out(profile, false).await?;
        match out.revoked {
            Some(Err(error)) if !out.is_unknown => Err(error.adding("the profile stays, logged out here")),
            _ => Ok(()),
        }
    }

    /// Takes a profile out of the configuration and deletes its record. Nothing is revoked, so a profile that is signed
    /// in is refused unless `even_signed_in`. Gives the configuration without it, and what there was.
    pub async fn remove_profile(&self, profile: &Profile, even_signed_in: bool) -> Result<(Config, LeftOver), Error> {
        let asking = profile.clone();
        let remove = move |service: &Self, held: &mut Held| service.remove_held(&asking, even_signed_in, held);
        let (config, record, left) = self.holding(&profile.name, remove).await?;
        if let Some(record) = record {
            self.forget_copies(&record).await?;
        }
        Ok((config, left))
    }

    /// Gives the configuration without the profile, and the record that it had.
    fn remove_held(
        &self,
        profile: &Profile,
        even_signed_in: bool,
        held: &mut Held,
    ) -> Result<(Config, Option<Box<Record>>, LeftOver), Error> {
        let name = &profile.name;
        let (record, left) = match held.load() {
            // Nobody can sign out what nobody can open; it is set aside.
            Err(StoreError::Corrupt { .. }) if even_signed_in => (None, LeftOver::Unreadable),
            loaded => {
                let record = loaded?;
                let left = record.as_deref().map_or(LeftOver::SignedOut, left_of);
                (record, left)
            }
        };
        if !even_signed_in && left != LeftOver::SignedOut {
            let (is, would, to, leaving) = match left {
                LeftOver::SignedIn => (
                    "is signed in",
                    "not revoke its grant at the provider",
                    " first",
                    " to leave the grant valid there",
                ),
                LeftOver::Over => (
                    "has a sign-in that is over, and what may be left of it is not revoked",
                    "forget the token that the provider has to be told",
                    " first",
                    " to tell the provider nothing",
                ),
                LeftOver::Unrevoked | LeftOver::Unreadable | LeftOver::SignedOut | LeftOver::Copied => (
                    "is signed out, but a grant of it is not revoked yet",
                    "forget the token that the provider has to be told",
                    " to revoke it",
                    " to leave the grant valid there",
                ),
            };
            return Err(Error::new(Code::Config, format!("profile `{name}` {is}"))
                .because(format!("removing it would {would}"))
                .advise(Advice::SignOut(name.clone()).and(to))
                .advise(Advice::RemoveAnyway(name.clone()).after("or ").and(leaving)));
        }
        let removed = config::remove_profile(&self.config, name);
        let config = removed.map_err(|error| error.adding("the profile and its record stay as they were"))?;
        held.forget().map_err(|error| {
            let error = Error::from(error);
            let message = format!("profile `{name}` is out of the configuration, but its record could not be deleted");
            Error { message, ..error }.advise(Advice::RemoveAnyway(name.clone()).after("then ").and(" to delete it"))
        })?;
        Ok((config, record, left))
    }

    /// What the store has of a profile that the configuration does not have: removing it was cut short, or the file is away.
    pub fn left_over(&self, name: &ProfileName) -> Option<LeftOver> {
        if self.config.profiles.contains_key(name) || !self.store.profiles().is_ok_and(|names| names.contains(name)) {
            return None;
        }
        Some(match self.store.load(name) {
            Ok(Some(record)) if self.lives_elsewhere(&record).unwrap_or(false) => LeftOver::Copied,
            Ok(record) => record.as_deref().map_or(LeftOver::SignedOut, left_of),
            Err(_) => LeftOver::Unreadable,
        })
    }

    /// What the store has for a profile which was just added, of one whose removal was cut short.
    pub fn found_left_over(&self, profile: &Profile) -> (LeftOver, Option<Grant>) {
        let record = self.load(profile).ok().flatten();
        (record.as_deref().map_or(LeftOver::SignedOut, left_of), record.and_then(|record| record.grant))
    }

    /// Deletes the record of a profile that is not configured.
    pub async fn remove_left_over(&self, name: &ProfileName) -> Result<(), Error> {
        self.holding(name, |_, held| Ok(held.forget()?)).await
    }

    fn check_new_profile(&self, draft: &ProfileDraft) -> Result<ProviderSource, Error> {
        self.check_is_free(&draft.profile.name)?;
        self.check_draft(draft, &cannot_be_added(&draft.profile.name))
    }

    /// Makes sure that no profile has this name, and that it may be shown.
    pub fn check_is_free(&self, name: &ProfileName) -> Result<(), Error> {
        if let Some(known) = self.config.taken_by(name) {
            return Err(Error::new(Code::Config, cannot_be_added(name))
                .because(is_taken(known, name))
                .advise_all(Advice::for_taken(known)));
        }
        config::check_new_name(name)
    }

    /// Checks what is to be written, and gives the provider that the client's secret is for.
    fn check_draft(&self, draft: &ProfileDraft, what: &str) -> Result<ProviderSource, Error> {
        let profile = &draft.profile;
        check_client_type(profile)?;
        let source = match &draft.provider {
            Some(new) => new.source().map_err(|problem| {
                Error::new(Code::Config, what).because(format!("its provider `{}`: {problem}", new.name))
            })?,
            None => self.config.provider(profile)?.clone(),
        };
        if let Some(provider) = source.known() {
            home_data_center(profile, &provider)?;
        } else if let Some(code) = &profile.data_center {
            return Err(Error::new(Code::Config, what)
                .because(format!("its provider has no data centers, so none is `{code}`"))
                .advise("leave the data center out"));
        }
        let has_blank = source.dialect().client_ids_are_words && profile.client_id.contains(' ');
        if has_blank || !is_client_id(&profile.client_id) {
            return Err(Error::new(Code::Config, what)
                .because("the client id is empty or has characters that no client id has")
                .advise("copy it from the provider's console, without blanks around it"));
        }
        if let Some(uri) = &profile.redirect_uri {
            profile.client_type.check_redirect_uri(uri).map_err(|problem| {
                Error::new(Code::Config, what).because(format!("the redirect URI {uri} {problem}")).advise(
                    "give the address that is registered, or `--client-type mobile` if that is what the client is",
                )
            })?;
        }
        match profile.scopes.iter().find(|scope| !is_scope(scope)) {
            Some(scope) => Err(Error::new(Code::InvalidScope, what)
                .because(no_scope(scope))
                .advise("give scopes such as `AaaServer.profile.READ`, separated by commas")),
            None => Ok(source),
        }
    }

    /// What the store is to hold. A record that an earlier configuration left goes on if it belongs to the same client.
    fn record_for(&self, profile: &Profile, before: Option<&Record>) -> Result<Record, Error> {
        let Some(before) = before else { return Ok(empty_record(profile)) };
        let is_same_client = profile.has_client(&before.provider, &before.client_id);
        let lives_elsewhere = self.lives_elsewhere(before)?;
        if is_same_client && !lives_elsewhere {
            return Ok(before.clone());
        }
        if has_tokens(before) && !lives_elsewhere {
            return Err(still_held(&profile.name));
        }
        let (generation, unrevoked) = (before.generation, before.unrevoked.clone());
        Ok(Record { generation, unrevoked, ..empty_record(profile) })
    }
}

/// The store has a sign-in by a name that no profile has: of one whose removal was cut short, or that was taken out by hand.
fn still_held(name: &ProfileName) -> Error {
    let message = format!("the store still holds a grant of another profile `{name}`");
    let forget = Advice::RemoveAnyway(name.clone()).and(" to forget that grant");
    Error::new(Code::Config, message).advise("choose another name, or another store").advise(forget.after("or "))
}

/// A profile as it is to become, before anything of it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileDraft {
    pub profile: Profile,
    /// The provider that the profile names, where the configuration does not have it yet.
    pub provider: Option<NewProvider>,
    pub secret: Option<Secret>,
}

/// What is to become of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigurationChange {
    Add(Box<ProfileDraft>),
    Change(Box<ProfileDraft>),
    Rename {
        old: ProfileName,
        new: ProfileName,
    },
    Remove(ProfileName),
    /// Although its access cannot be revoked and stays valid at the provider.
    RemoveUnrevoked(ProfileName),
    /// Where no profile is named.
    Use(ProfileName),
    /// To those that the profile asks for at its next sign-in.
    AddScopes {
        profile: ProfileName,
        scopes: Vec<String>,
    },
    /// Away again, as the sign-in did not happen.
    TakeBackScopes {
        profile: ProfileName,
        scopes: Vec<String>,
    },
}

impl ConfigurationChange {
    /// The profile that has to be there for it.
    fn profile(&self) -> Option<&ProfileName> {
        match self {
            ConfigurationChange::Add(_) => None,
            ConfigurationChange::Change(draft) => Some(&draft.profile.name),
            ConfigurationChange::Rename { old: name, .. }
            | ConfigurationChange::Remove(name)
            | ConfigurationChange::RemoveUnrevoked(name)
            | ConfigurationChange::Use(name)
            | ConfigurationChange::AddScopes { profile: name, .. }
            | ConfigurationChange::TakeBackScopes { profile: name, .. } => Some(name),
        }
    }
}

/// A code that waits was asked for by another client, elsewhere or for other scopes.
fn asks_otherwise(before: &Profile, after: &Profile) -> bool {
    is_other_client(before, after) || before.data_center != after.data_center || before.scopes != after.scopes
}

/// What nobody could revoke any more without the record.
pub(super) fn left_of(record: &Record) -> LeftOver {
    match &record.grant {
        Some(grant) if grants::lives(grant, clock::wall()) => LeftOver::SignedIn,
        _ if record.used_up.is_some() || !record.to_revoke.is_empty() => LeftOver::Unrevoked,
        Some(grant) if grant.refused.is_some() && !grants::is_revoked(grant) => LeftOver::Over,
        _ => LeftOver::SignedOut,
    }
}

fn has_tokens(record: &Record) -> bool {
    record.tokens().next().is_some()
}

/// Brings the record back to what it was. An error of that is the smaller one.
fn roll_back(held: &mut Held, before: Option<Box<Record>>, error: Error) -> Error {
    let undone = match before {
        Some(before) => held.load().and_then(|now| {
            let generation = now.map_or(before.generation, |now| now.generation);
            held.commit(&mut Record { generation, ..*before })
        }),
        None => held.forget(),
    };
    match undone {
        Ok(()) => error,
        Err(undone) => error.adding(format!(
            "only the store has the change, which could not be taken back there ({undone}); the same command again mends that"
        )),
    }
}
