//! What is known of each profile without asking anybody.

use std::time::Duration;

use jiff::Timestamp;

use super::{DEFAULT_MIN_TTL, Service, home_data_center, store_error, tokens};
use crate::config::{Config, Profile};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::storage::{Account, Grant, LastRefresh, Protection, Record};

/// How a profile stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    SignedOut,
    Valid,
    /// Valid, but ends so soon that the next use refreshes it.
    Expiring,
    /// Ended; the next use refreshes it.
    Expired,
    /// Only a person can bring it back.
    NeedsLogin,
    /// The store could not be read.
    Unknown,
}

impl State {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            State::SignedOut => "signed_out",
            State::Valid => "valid",
            State::Expiring => "expiring",
            State::Expired => "expired",
            State::NeedsLogin => "needs_login",
            State::Unknown => "unknown",
        }
    }
}

/// How much may still be minted from a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub used: usize,
    pub limit: usize,
    pub window: Duration,
    /// When the oldest mint leaves the window, or a pause that the provider asked for ends.
    pub resets_at: Option<Timestamp>,
}

/// What is known of one profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileStatus {
    pub name: ProfileName,
    pub provider: String,
    pub data_center: Option<String>,
    /// The accounts server that issued the grant.
    pub issuer: Option<String>,
    pub account: Option<Account>,
    pub state: State,
    pub access_token_expires_at: Option<Timestamp>,
    /// From the moment it was minted to its end.
    pub access_token_life: Option<Duration>,
    /// The last characters of the access token, for comparing.
    pub access_token_hint: Option<String>,
    pub api_domain: Option<String>,
    /// Granted.
    pub scopes: Vec<String>,
    /// Wanted by the profile and not granted.
    pub missing_scopes: Vec<String>,
    pub refreshable: bool,
    pub budget: Option<Budget>,
    pub last_refresh: Option<LastRefresh>,
    pub protection: Option<Protection>,
    /// Why the state is unknown.
    pub problem: Option<Error>,
    /// What a person should see to before it becomes one.
    pub warnings: Vec<String>,
}

impl Service {
    /// Every profile's status, by name.
    pub fn statuses(&self, now: Timestamp) -> Vec<ProfileStatus> {
        let records = self.records();
        self.config.profiles.values().map(|profile| self.status_among(profile, &records, now)).collect()
    }

    /// One profile's status. A store that cannot be read is a status, too.
    pub fn status(&self, profile: &Profile, now: Timestamp) -> ProfileStatus {
        let records = if self.grant_limit(profile).is_some() { self.records() } else { Vec::new() };
        self.status_among(profile, &records, now)
    }

    /// One profile's status, with every record at hand that says something about its grants.
    fn status_among(&self, profile: &Profile, records: &[Record], now: Timestamp) -> ProfileStatus {
        let mut status = ProfileStatus {
            name: profile.name.clone(),
            provider: profile.provider.clone(),
            data_center: profile.data_center.clone(),
            issuer: None,
            account: None,
            state: State::SignedOut,
            access_token_expires_at: None,
            access_token_life: None,
            access_token_hint: None,
            api_domain: None,
            scopes: Vec::new(),
            missing_scopes: Vec::new(),
            refreshable: false,
            budget: None,
            last_refresh: None,
            protection: self.store.protection().ok(),
            problem: None,
            warnings: Vec::new(),
        };
        if let Err(error) = self.check_provider(profile) {
            status.state = State::Unknown;
            status.problem = Some(error);
            return status;
        }
        match self.store.load(&profile.name) {
            Ok(record) => {
                status.warnings = self.grant_warnings(profile, records);
                status.warnings.extend(self.store.damage(&profile.name));
                if record.as_ref().is_some_and(|record| !record.to_revoke.is_empty()) {
                    status.warnings.push(format!(
                        "An earlier sign-out could not revoke its grant. `device-login logout {}` tries again.",
                        profile.name
                    ));
                }
                if let Some(grant) = record.and_then(|record| record.grant) {
                    status.describe(grant, profile, &self.config, now);
                }
            }
            Err(error) => {
                status.state = State::Unknown;
                status.problem = Some(store_error(error));
            }
        }
        status
    }

    /// Whether the profile names a provider and a data center that are known.
    fn check_provider(&self, profile: &Profile) -> Result<(), Error> {
        match self.config.provider(profile)?.known() {
            Some(provider) => home_data_center(profile, &provider).map(drop),
            None => Ok(()),
        }
    }
}

impl ProfileStatus {
    /// The state at a later moment than that of the reading, since tokens end by themselves.
    pub fn state_at(&self, now: Timestamp) -> State {
        match self.state {
            State::Valid | State::Expiring | State::Expired => timed_state(self.remaining(now), self.refreshable),
            State::SignedOut | State::NeedsLogin | State::Unknown => self.state,
        }
    }

    /// How long the access token lasts yet; zero without one.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        let left = self.access_token_expires_at.map(|expires_at| now.duration_until(expires_at));
        left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default()
    }

    fn describe(&mut self, grant: Grant, profile: &Profile, config: &Config, now: Timestamp) {
        let minted_at = grant.mints.last().copied().unwrap_or(grant.approved_at);
        self.state = state(&grant, now);
        self.budget = budget(&grant, profile, config, now);
        self.missing_scopes = super::account::missing_scopes(&profile.scopes, &grant.scopes);
        self.data_center = Some(grant.data_center).filter(|code| !code.is_empty());
        self.access_token_expires_at = Some(grant.access_token_expires_at);
        self.access_token_life = Duration::try_from(minted_at.duration_until(grant.access_token_expires_at)).ok();
        self.access_token_hint = Some(grant.access_token.hint());
        self.issuer = Some(grant.issuer);
        self.account = grant.account;
        self.api_domain = grant.api_domain;
        self.scopes = grant.scopes;
        self.refreshable = grant.refresh_token.is_some() && grant.refused.is_none();
        self.last_refresh = grant.last_refresh;
    }
}

fn state(grant: &Grant, now: Timestamp) -> State {
    match grant.refused {
        Some(_) => State::NeedsLogin,
        None => timed_state(tokens::remaining(grant, now), grant.refresh_token.is_some()),
    }
}

fn timed_state(remaining: Duration, is_refreshable: bool) -> State {
    if remaining.is_zero() {
        if is_refreshable { State::Expired } else { State::NeedsLogin }
    } else if remaining < DEFAULT_MIN_TTL {
        State::Expiring
    } else {
        State::Valid
    }
}

fn budget(grant: &Grant, profile: &Profile, config: &Config, now: Timestamp) -> Option<Budget> {
    let limit = config.provider(profile).ok()?.dialect().mint_limit?;
    let used = tokens::mints_in_window(grant, limit, now).count();
    let oldest_leaves_at = tokens::mints_in_window(grant, limit, now).next().map(|mint| mint + limit.window);
    let resets_at = grant.paused_until.filter(|until| *until > now).or(oldest_leaves_at);
    Some(Budget { used, limit: limit.tokens, window: limit.window, resets_at })
}
