//! Records as a status takes them: read once, on several threads where that is much, and again when they change.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread;

use jiff::Timestamp;

use super::away::Away;
use super::{PendingCode, ProfileStatus, State};
use crate::config::{Profile, ProviderSource};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::providers::{Provider, RevocationEnds};
use crate::service::grants::{self, Counted};
use crate::service::tokens::ends::minted_now;
use crate::service::tokens::throttles;
use crate::service::{Service, home_data_center};
use crate::sorted;
use crate::storage::{ClientAt, Clocks, Lost, PendingId, Record, Version};

/// Reading records takes so many threads at most, and none of its own for fewer records than the second number.
const MOST_THREADS: usize = 4;
const LEAST_SHARE: usize = 64;

/// What was read of each record, so that it need not be read again until it changes.
pub(in crate::service) type SeenRecords = Mutex<BTreeMap<ProfileName, Seen>>;

/// The providers of the configuration that are known whole, by name.
pub(super) type Providers<'a> = BTreeMap<&'a String, Provider>;

/// What one record said. No token is kept here.
pub(in crate::service) struct Seen {
    version: Option<Version>,
    /// Whether it was read well: what went wrong may have passed by the next time.
    is_sound: bool,
    pub(super) counted: Counted,
    /// That of the grant.
    pub(super) client: Option<ClientAt>,
    pub(super) noted: Noted,
    /// What an import got is kept until it is known whose it is.
    pub(super) has_import: bool,
    /// There is no record, and one was there.
    pub(super) lost: Option<Lost>,
    /// The sign-in that is pending.
    pub(super) pending: Option<PendingId>,
    /// When the access token of a profile that is signed in was minted, for judging by the clock of the day.
    pub(super) minted_at: Option<Timestamp>,
    /// That the store is away and this is what was known here last, in words.
    pub(super) as_of: Option<String>,
    /// Without warnings; `None` for a record whose profile is not configured.
    pub(super) status: Option<Box<ProfileStatus>>,
}

/// What waits to be revoked of earlier sign-ins, and who does that next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Nothing,
    ForLogin,
    /// It may end the sign-in that there is now.
    ForLogout,
}

/// What a listing tells of the record of a profile.
#[derive(Clone, Copy)]
enum Listed {
    No,
    /// There is one copy alone.
    Alone,
    Maybe,
}

impl Service {
    /// Reads what is not known yet or has changed, on several threads where that is much.
    pub(super) fn see(
        &self,
        seen: &mut BTreeMap<ProfileName, Seen>,
        versions: Option<&BTreeMap<ProfileName, Version>>,
        now: Timestamp,
    ) {
        let away = Away::default();
        // A record elsewhere, and one that cannot be listed, is found by reading alone.
        let listing = away.noting(self.store.listing()).unwrap_or_default();
        let recorded: BTreeMap<&ProfileName, bool> =
            listing.profiles.iter().map(|(name, alone)| (name, *alone)).collect();
        // A file system may take a name in other letters for the same.
        let lowered = |name: &ProfileName| name.as_str().to_ascii_lowercase();
        let all_lowered = LazyCell::new(|| sorted::set(recorded.keys().map(|name| lowered(name))));
        let names: BTreeSet<&ProfileName> = recorded.keys().copied().chain(self.config.profiles.keys()).collect();
        seen.retain(|name, _| names.contains(name));
        let version = |name: &ProfileName| versions.and_then(|versions| versions.get(name).copied());
        let is_known = |name: &ProfileName| {
            let same = |seen: &Seen| seen.is_sound && seen.version == version(name);
            versions.is_some() && seen.get(name).is_some_and(same)
        };
        let listed = |name: &ProfileName| match recorded.get(name) {
            Some(true) => Listed::Alone,
            None if listing.is_whole && !all_lowered.contains(&lowered(name)) => Listed::No,
            _ => Listed::Maybe,
        };
        let stale = names.into_iter().filter(|name| !is_known(name)).map(|name| (name, listed(name)));
        let stale: Vec<(&ProfileName, Listed)> = stale.collect();
        // Made once, since there may be thousands of profiles.
        let source = |(name, source): (_, &ProviderSource)| Some((name, source.known()?));
        let providers = sorted::map(self.config.providers.iter().filter_map(source));
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let share = stale.len().div_ceil(threads).max(LEAST_SHARE);
        let one = |(name, listed): &(&ProfileName, Listed)| {
            let loaded = match listed {
                Listed::No => Ok(None),
                Listed::Alone => away.unless_away(|| self.store.load_alone(name)),
                Listed::Maybe => away.unless_away(|| self.store.load(name)),
            };
            let profile = self.config.profiles.get(*name);
            ((*name).clone(), self.seen(loaded, profile, &providers, version(name), now))
        };
        let read = |names: &[(&ProfileName, Listed)]| -> Vec<(ProfileName, Seen)> { names.iter().map(one).collect() };
        let mut newly_seen = thread::scope(|scope| {
            let mut shares = stale.chunks(share);
            let own = shares.next().unwrap_or_default();
            let begin = |names| (names, thread::Builder::new().spawn_scoped(scope, move || read(names)));
            let others: Vec<_> = shares.map(begin).collect();
            let mut newly_seen = read(own);
            for (names, other) in others {
                newly_seen.extend(match other {
                    Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    // There are no more threads to be had.
                    Err(_) => read(names),
                });
            }
            newly_seen.into_iter().collect()
        });
        seen.append(&mut newly_seen);
    }

    /// What the record that was loaded says of the profile.
    pub(super) fn seen(
        &self,
        loaded: Result<Option<Box<Record>>, Error>,
        profile: Option<&Profile>,
        providers: &Providers<'_>,
        version: Option<Version>,
        now: Timestamp,
    ) -> Seen {
        let mut seen = Seen {
            version,
            is_sound: true,
            counted: Counted::default(),
            client: None,
            noted: Noted::Nothing,
            has_import: false,
            lost: None,
            pending: None,
            minted_at: None,
            as_of: None,
            status: profile.map(|profile| Box::new(ProfileStatus::signed_out(profile))),
        };
        if let Ok(Some(record)) = &loaded {
            seen.counted = Counted::of(record);
            seen.client = record.grant.as_ref().map(|grant| throttles::client_of(record, grant));
            seen.minted_at = record.grant.as_ref().map(minted_now);
            let ends = profile.and_then(|profile| self.config.provider(profile).ok());
            let ends = ends.map_or(RevocationEnds::Unknown, |source| source.dialect().revocation_ends);
            seen.noted = match &record.to_revoke[..] {
                [] => Noted::Nothing,
                notes if notes.iter().all(|note| grants::may_end_living(record, note, ends, now)) => Noted::ForLogout,
                _ => Noted::ForLogin,
            };
            seen.has_import = record.used_up.is_some();
            seen.pending = record.pending.as_ref().map(|pending| pending.id.clone());
        }
        seen.is_sound = loaded.is_ok();
        if let (Some(profile), Some(status)) = (profile, &mut seen.status) {
            let loaded = self.check_provider(profile, providers).and(loaded);
            match loaded {
                Ok(None) => (status.stores_secret, seen.lost) = (Some(false), self.store.lost(&profile.name)),
                Ok(Some(record)) => {
                    status.stores_secret = Some(record.client_secret.is_some());
                    status.events = record.events.into();
                    let code = |pending: &_| PendingCode::of(pending, &Clocks { wall: now, ..Clocks::now() });
                    status.pending = record.pending.as_deref().map(code);
                    if let Some(grant) = record.grant {
                        let is_refreshable = grant.refresh_token.is_some();
                        status.describe(grant, is_refreshable, profile, &self.config, now);
                    }
                }
                Err(error) => {
                    if let Some((copied, words)) = self.copied(profile, &error, now) {
                        (seen.minted_at, seen.as_of) = (Some(minted_now(&copied.grant)), Some(words));
                        status.describe(copied.grant, copied.is_refreshable, profile, &self.config, now);
                    } else {
                        (status.state, status.problem) = (State::Unknown, Some(error));
                    }
                }
            }
            status.is_other_environment = is_other_environment(status, providers.get(&profile.provider));
        }
        seen
    }

    /// Whether the profile names a provider and a data center that are known.
    fn check_provider(&self, profile: &Profile, providers: &Providers<'_>) -> Result<(), Error> {
        self.config.provider(profile)?;
        match providers.get(&profile.provider) {
            Some(provider) => home_data_center(profile, provider).map(drop),
            None => Ok(()),
        }
    }
}

/// Whether the profile's API domain is another environment of its data center.
fn is_other_environment(status: &ProfileStatus, provider: Option<&Provider>) -> bool {
    let code = status.data_center.as_deref().unwrap_or_default();
    let mut data_centers = provider.into_iter().flat_map(|provider| &provider.data_centers);
    let home = data_centers.find(|data_center| data_center.code == code);
    // Parsing an address took a twentieth of the time of a long `status`, and nearly all profiles are at the home's own.
    let domain = status.api_domain.as_deref().filter(|domain| home.is_none_or(|home| !home.has_api_domain(domain)));
    home.zip(domain).is_some_and(|(home, domain)| home.is_environment(domain))
}
