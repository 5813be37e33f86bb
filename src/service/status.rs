//! What is known of each profile without asking anybody.

mod away;
mod reading;
mod verified;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use self::away::Away;
pub(super) use self::reading::SeenRecords;
use self::reading::{Noted, Seen};
pub use self::verified::Verified;
use super::grants::Census;
use super::tokens::ends::{Ends, is_ahead, stated_end, whole_life};
use super::tokens::throttles;
use super::{DEFAULT_MIN_TTL, Service, tokens};
use crate::clock::{later, until};
use crate::config::{Config, Profile, ProviderSource};
use crate::error::Error;
use crate::files::access::{self, Holds};
use crate::files::own;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::providers::MintLimit;
use crate::providers::granted::ScopeNames;
use crate::sorted;
use crate::storage::{Account, ClientAt, Clocks, Event, Grant, LastRefresh, PendingSignIn, Protection};

const CLOCK_SET_BACK: &str =
    "This machine's clock has been set back since the access token came, so nobody can tell when that ends.";

const KEPT_IMPORT: &str = "What an import got is kept, and nobody has found out whose it is: importing the same token again goes on with it, and \
     a logout revokes it.";

/// How a profile stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Only a person can bring it back.
    NeedsLogin,
    SignedOut,
    /// The store could not be read, or the clock has been set back since the access token came.
    Unknown,
    /// Valid, but ends so soon that the next use refreshes it.
    Expiring,
    /// Ended; the next use refreshes it.
    Expired,
    Valid,
}

impl State {
    /// All that there are, as monitoring lists them.
    pub const ALL: [State; 6] =
        [State::Valid, State::Expiring, State::NeedsLogin, State::Expired, State::SignedOut, State::Unknown];

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

    /// The same for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            State::SignedOut => "signed out",
            State::Valid => "valid",
            State::Expiring => "ends soon",
            State::Expired => "ended (refreshes itself)",
            State::NeedsLogin => "sign in again",
            State::Unknown => "cannot tell",
        }
    }

    /// The same where there is little room.
    pub const fn in_few_words(self) -> &'static str {
        if let State::Expired = self { "ended" } else { self.in_words() }
    }
}

/// What monitoring makes of a profile, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    Bad,
    CannotTell,
    Soon,
    Ok,
}

/// How much may still be minted from a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub limit: usize,
    pub window: Duration,
    /// When tokens were minted, oldest first.
    pub mints: Vec<Timestamp>,
}

impl Budget {
    /// How many mints are in the window at `now`.
    pub fn used(&self, now: Timestamp) -> usize {
        self.in_window(now).count()
    }

    /// When the oldest mint leaves the window.
    pub fn frees_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.in_window(now).next().map(|mint| later(mint, self.window))
    }

    /// When there is room for one more; `None` if that is now.
    fn spent_until(&self, now: Timestamp) -> Option<Timestamp> {
        tokens::refills_at(&self.mints, MintLimit { tokens: self.limit, window: self.window }, now)
    }

    fn in_window(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        tokens::in_window(&self.mints, self.window, now)
    }
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
    /// Where an end is known, and the grant is not over before, or probably so.
    pub access_token_expires_at: Option<Timestamp>,
    /// From the moment it was minted to that end.
    pub access_token_life: Option<Duration>,
    /// The last characters of the access token, for comparing.
    pub access_token_hint: Option<String>,
    pub api_domain: Option<String>,
    /// That is a sandbox or another environment than production: calls change other data than most people expect.
    pub is_other_environment: bool,
    /// Granted.
    pub scopes: Vec<String>,
    /// Wanted by the profile and not granted.
    pub missing_scopes: Vec<String>,
    pub refreshable: bool,
    /// Whether the store has a secret of the client, as far as that was read.
    pub stores_secret: Option<bool>,
    pub budget: Option<Budget>,
    /// The provider asked to be left alone until then.
    pub paused_until: Option<Timestamp>,
    pub last_refresh: Option<LastRefresh>,
    /// Why the grant is over, in words, where the provider or a logout said so.
    pub over: Option<String>,
    pub protection: Option<Arc<Protection>>,
    /// Why the state is unknown.
    pub problem: Option<Error>,
    /// That the store is away and this is what was known here last, in words.
    pub away: Option<String>,
    /// What a person should see to before it becomes one.
    pub warnings: Vec<String>,
    /// A grant that is not in use waits to be revoked, or was got by an import and is kept: signing out revokes it.
    pub is_unrevoked: bool,
    /// What happened to the profile, oldest first.
    pub events: Arc<[Event]>,
    /// A code that waits for its approval.
    pub pending: Option<PendingCode>,
}

/// What a person has to know to approve a sign-in that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCode {
    pub user_code: String,
    pub verification_uri: Url,
    /// The same with the code in it, where the provider gave one.
    pub verification_uri_complete: Option<Url>,
    /// Its end, as the wall clock stands.
    pub expires_at: Timestamp,
}

impl ProfileStatus {
    /// The code, if it can still be approved.
    pub fn waiting_code(&self, now: Timestamp) -> Option<&PendingCode> {
        self.pending.as_ref().filter(|pending| pending.expires_at > now)
    }
}

impl PendingCode {
    pub(super) fn of(pending: &PendingSignIn, now: &Clocks<'_>) -> Self {
        Self {
            user_code: pending.user_code.clone(),
            verification_uri: pending.verification_uri.clone(),
            verification_uri_complete: pending.verification_uri_complete.clone(),
            expires_at: pending.expires_at(now),
        }
    }
}

impl Service {
    /// Every profile's status, by name.
    pub fn statuses(&self, now: Timestamp) -> Vec<ProfileStatus> {
        let protection = self.store.protection().ok().map(Arc::new);
        let mut seen = BTreeMap::new();
        self.see(&mut seen, None, now);
        let statuses = seen.values_mut().filter_map(|seen| seen.status.take()).map(|status| *status).collect();
        self.all_finished(statuses, &seen, protection.as_ref(), now)
    }

    /// The same for who asks again and again: those records only are opened that have changed since this was asked last.
    pub fn statuses_by_now(&self, now: Timestamp) -> Vec<ProfileStatus> {
        let mut seen = locked(&self.seen);
        let protection = self.store.protection().ok().map(Arc::new);
        let versions = self.store.versions().filter(|_| protection.is_some());
        self.see(&mut seen, versions.as_ref(), now);
        let statuses = seen.values().filter_map(|seen| seen.status.as_deref().cloned()).collect();
        self.all_finished(statuses, &seen, protection.as_ref(), now)
    }

    /// The statuses with what the rest of the store says about them.
    fn all_finished(
        &self,
        statuses: Vec<ProfileStatus>,
        seen: &BTreeMap<ProfileName, Seen>,
        protection: Option<&Arc<Protection>>,
        now: Timestamp,
    ) -> Vec<ProfileStatus> {
        let census = Census::of(seen.values().map(|seen| &seen.counted));
        let damage = self.store.damage();
        // Where no grant of a client is paused, the client is not, either.
        let mut pauses: HashMap<&ClientAt, Option<Timestamp>> = HashMap::new();
        for status in statuses.iter().filter(|status| status.pause(now).is_some()) {
            let client = seen.get(&status.name).and_then(|seen| seen.client.as_ref());
            if let (Some(client), Some(profile)) = (client, self.config.profiles.get(&status.name)) {
                pauses.entry(client).or_insert_with(|| self.client_pause(profile, client, now));
            }
        }
        let finished = |status: ProfileStatus| {
            let profile = self.config.profiles.get(&status.name)?;
            let (seen, damage) = (seen.get(&status.name)?, damage.get(&status.name));
            let mut status = self.finished(status, profile, seen, &census, damage, protection, now);
            let pause = seen.client.as_ref().and_then(|client| *pauses.get(client)?);
            status.paused_until = status.pause(now).max(pause);
            Some(status)
        };
        statuses.into_iter().filter_map(finished).collect()
    }

    /// One profile's status, for which no other record is opened: grants in others are not counted. A store that cannot be
    /// read is a status, too.
    pub fn status(&self, profile: &Profile, now: Timestamp) -> ProfileStatus {
        let provider = self.config.provider(profile).ok().and_then(ProviderSource::known);
        let providers = sorted::map(provider.into_iter().map(|provider| (&profile.provider, provider)));
        let loaded = Away::default().unless_away(|| self.store.load(&profile.name));
        let mut seen = self.seen(loaded, Some(profile), &providers, None, now);
        let status = seen.status.take().map_or_else(|| ProfileStatus::signed_out(profile), |status| *status);
        let (damage, protection) = (self.store.damage_of(&profile.name), self.store.protection().ok().map(Arc::new));
        let census = Census::of(std::iter::once(&seen.counted));
        let mut status = self.finished(status, profile, &seen, &census, damage.as_ref(), protection.as_ref(), now);
        let pause = seen.client.as_ref().and_then(|client| self.client_pause(profile, client, now));
        status.paused_until = status.pause(now).max(pause);
        status
    }

    /// Until when no grant of the client is refreshed, since several were throttled.
    fn client_pause(&self, profile: &Profile, client: &ClientAt, now: Timestamp) -> Option<Timestamp> {
        let limit = self.config.provider(profile).ok()?.dialect().mint_limit;
        throttles::client_pause(&self.store.throttled(client).ok()?, throttles::window(limit), now)
    }

    /// The status at `now`, with what the rest of the store says about it.
    #[expect(clippy::too_many_arguments, reason = "what is about all profiles is asked for once")]
    fn finished(
        &self,
        mut status: ProfileStatus,
        profile: &Profile,
        seen: &Seen,
        census: &Census<'_>,
        damage: Option<&String>,
        protection: Option<&Arc<Protection>>,
        now: Timestamp,
    ) -> ProfileStatus {
        status.state = status.state_at(now);
        status.protection = protection.cloned();
        let lost = seen.pending.as_ref().and_then(|id| self.lost_approval(&profile.name, id));
        status.pending.take_if(|pending| lost.is_some() || pending.expires_at <= now);
        let is_end_unknown =
            status.access_token_expires_at.is_some() && seen.minted_at.is_some_and(|at| is_ahead(at, now));
        if is_end_unknown {
            (status.access_token_expires_at, status.access_token_life) = (None, None);
            status.state = State::Unknown;
        }
        if status.problem.is_none() {
            status.warnings = self.grant_warnings(profile, seen.minted_at.is_some(), census);
            let left_out = status.last_refresh.iter().flat_map(|last| &last.left_out);
            status.warnings.extend(left_out.map(|sentence| format!("At the last refresh {sentence}.")));
            status.warnings.extend(is_end_unknown.then(|| CLOCK_SET_BACK.to_owned()));
            status.warnings.extend(exposed_secrets(profile, &self.config));
            status.warnings.extend(damage.cloned());
            status.away.clone_from(&seen.as_of);
            status.warnings.extend(seen.as_of.clone());
            status.warnings.extend(lost.map(|lost| format!("Profile `{}` {lost}.", profile.name)));
            let lost = seen.lost.map(|lost| format!("Profile `{}`: {lost}; {}.", profile.name, lost.look()));
            status.warnings.extend(lost);
            status.is_unrevoked = seen.noted != Noted::Nothing || seen.has_import;
            status.warnings.extend(seen.has_import.then(|| KEPT_IMPORT.to_owned()));
            let again = match (seen.noted, seen.minted_at) {
                (Noted::Nothing, _) => None,
                (Noted::ForLogout, _) => {
                    Some("Only a logout does that, since it may end the sign-in that there is now.")
                }
                // A logout would end the sign-in that there is now.
                (Noted::ForLogin, Some(_)) => Some("The next login or logout of the profile tries again."),
                (Noted::ForLogin, None) => Some("The next logout tries again."),
            };
            let again = again.map(|again| format!("The grant of an earlier sign-in is yet to be revoked. {again}"));
            status.warnings.extend(again);
        }
        status
    }
}

/// What is to be said of the files that hold the client's secret, and the password of the store.
fn exposed_secrets<'a>(profile: &'a Profile, config: &'a Config) -> impl Iterator<Item = String> + 'a {
    let exposed = profile
        .secret_files()
        .chain(config.store.url_file.as_deref())
        .filter(|path| access::is_exposed(path, Holds::Secrets));
    exposed.map(|path| {
        let (shown, advice) = (path.display(), own::have_closed(path));
        format!("Others on this machine can read {shown}: {advice}.")
    })
}

impl ProfileStatus {
    /// The state at a later moment than that of the reading, since tokens end by themselves.
    pub fn state_at(&self, now: Timestamp) -> State {
        match self.state {
            State::Valid | State::Expiring | State::Expired => {
                timed_state(self.access_token_expires_at, self.refreshable, now)
            }
            State::SignedOut | State::NeedsLogin | State::Unknown => self.state,
        }
    }

    /// A token that is good is well, whatever became of the last refresh; one that ends soon or has ended is as long as the next use
    /// refreshes it, and the last try did. None of them is while the store is away, since the next use may find it so.
    pub fn alarm(&self, verified: Option<&Verified>, now: Timestamp) -> Alarm {
        match verified {
            Some(Verified::Bad(_)) => return Alarm::Bad,
            Some(Verified::CannotTell(_)) => return Alarm::CannotTell,
            Some(Verified::Valid) | None => {}
        }
        match self.state_at(now) {
            State::Valid | State::Expiring | State::Expired if self.away.is_some() => Alarm::Soon,
            State::Valid => Alarm::Ok,
            State::Expiring if self.refreshable && !self.failed_to_refresh() => Alarm::Ok,
            State::Expired if !self.failed_to_refresh() && self.waits_until(now).is_none() => Alarm::Ok,
            State::Expiring | State::Expired => Alarm::Soon,
            State::SignedOut | State::NeedsLogin => Alarm::Bad,
            State::Unknown => Alarm::CannotTell,
        }
    }

    /// What `status` and the screens sort by, the worst first. While a record cannot be opened nothing helps its profile, so it
    /// comes before all others.
    pub fn badness(&self, verified: Option<&Verified>, now: Timestamp) -> impl Ord + use<> {
        (self.problem.is_none(), self.alarm(verified, now), self.state_at(now))
    }

    pub fn failed_to_refresh(&self) -> bool {
        self.last_refresh.as_ref().is_some_and(|last| last.error.is_some())
    }

    /// Tells whether there is a grant, whatever it is still good for.
    pub fn is_signed_in(&self) -> bool {
        self.access_token_hint.is_some()
    }

    /// Until when the provider asked to be left alone.
    pub fn pause(&self, now: Timestamp) -> Option<Timestamp> {
        tokens::pause(self.paused_until, now)
    }

    /// Until when no new token can be had where one ever can: the provider asked to be left alone, or the budget is spent.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let spent = self.budget.as_ref().and_then(|budget| budget.spent_until(now));
        self.pause(now).max(spent).filter(|_| self.refreshable)
    }

    /// When the budget changes next by itself, or the wait ends.
    pub fn resets_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.waits_until(now).or_else(|| self.budget.as_ref()?.frees_at(now))
    }

    /// How long the access token lasts yet; zero without one, and where no end is known.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.access_token_expires_at.map(|end| until(now, end)).unwrap_or_default()
    }

    /// Of a profile that has no grant.
    fn signed_out(profile: &Profile) -> Self {
        Self::unread(profile.name.clone(), profile.provider.clone(), profile.data_center.clone())
    }

    /// Of a profile of which no more is known than its configuration says.
    pub fn unread(name: ProfileName, provider: String, data_center: Option<String>) -> Self {
        Self {
            name,
            provider,
            data_center,
            issuer: None,
            account: None,
            state: State::SignedOut,
            access_token_expires_at: None,
            access_token_life: None,
            access_token_hint: None,
            api_domain: None,
            is_other_environment: false,
            scopes: Vec::new(),
            missing_scopes: Vec::new(),
            refreshable: false,
            stores_secret: None,
            budget: None,
            paused_until: None,
            last_refresh: None,
            over: None,
            protection: None,
            problem: None,
            away: None,
            warnings: Vec::new(),
            is_unrevoked: false,
            events: Arc::from([]),
            pending: None,
        }
    }

    fn describe(&mut self, grant: Grant, is_refreshable: bool, profile: &Profile, config: &Config, now: Timestamp) {
        let end = stated_end(&grant).filter(|_| !grant.wants_sign_in());
        self.refreshable = is_refreshable && grant.refused.is_none();
        self.state = if grant.wants_sign_in() { State::NeedsLogin } else { timed_state(end, self.refreshable, now) };
        self.access_token_expires_at = end;
        self.access_token_life = end.map(|_| whole_life(&grant));
        self.budget = budget(&grant, profile, config);
        self.paused_until = grant.paused_until;
        let names = config.provider(profile).map_or(&ScopeNames::PLAIN, |source| &source.dialect().scope_names);
        self.missing_scopes = super::account::missing_scopes(names, &profile.scopes, &grant);
        self.api_domain = config.api_domain(profile, &grant.data_center, grant.api_domain);
        self.data_center = Some(grant.data_center).filter(|code| !code.is_empty());
        self.access_token_hint = Some(grant.access_token.hint());
        self.issuer = Some(grant.issuer);
        self.account = grant.account;
        self.scopes = grant.scopes;
        self.last_refresh = grant.last_refresh;
        self.over = grant.refused;
    }

    /// Why the grant is over, unless that is what the last refresh failed by.
    pub fn over_by_other_means(&self) -> Option<&str> {
        let refresh = self.last_refresh.as_ref().and_then(|last| last.error.as_ref());
        self.over.as_ref().filter(|over| Some(*over) != refresh).map(String::as_str)
    }
}

/// How a profile with this grant stands.
pub(super) fn state_of(grant: &Grant, now: Timestamp) -> State {
    let is_refreshable = grant.refresh_token.is_some() && grant.refused.is_none();
    match Ends::of(grant, now) {
        _ if grant.wants_sign_in() => State::NeedsLogin,
        Ends::Unknown => State::Unknown,
        end => timed_state(end.time(), is_refreshable, now),
    }
}

/// A token of which nobody named an end is good until somebody hears otherwise.
fn timed_state(end: Option<Timestamp>, is_refreshable: bool, now: Timestamp) -> State {
    let Some(end) = end else { return State::Valid };
    let left = until(now, end);
    if left.is_zero() {
        if is_refreshable { State::Expired } else { State::NeedsLogin }
    } else if left < DEFAULT_MIN_TTL {
        State::Expiring
    } else {
        State::Valid
    }
}

fn budget(grant: &Grant, profile: &Profile, config: &Config) -> Option<Budget> {
    let limit = config.provider(profile).ok()?.dialect().mint_limit?;
    Some(Budget { limit: limit.tokens, window: limit.window, mints: grant.mints.clone() })
}
