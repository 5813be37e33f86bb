//! Reads records for the agent, and refreshes one. Of a record stays what the schedule needs; its token goes on to whoever
//! keeps token files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::super::{Begin, PendingCode, Presence, Service, SignIn, State};
use super::reading::{Dice, Reading};
use crate::clock;
use crate::config::{Config, Profile};
use crate::error::{Advice, Code, Error};
use crate::files;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::storage::{Clocks, Grant, PendingId, Record, digest_of};

/// How long a sign-in is left alone that could not be gone on with.
const BETWEEN_TRIES: Duration = Duration::from_secs(30);

/// What a look at a record told.
pub(super) struct Look {
    pub(super) reading: Reading,
    /// The access token, where it is good.
    pub(super) token: Option<Secret>,
    /// Why the profile is not well.
    pub(super) trouble: Option<Error>,
    /// There is no record. A sign-out leaves one, so this is a profile that never signed in, or a store that is gone.
    pub(super) is_missing: bool,
    /// It is missing, and this machine knows that it had a sign-in.
    pub(super) is_lost: bool,
    /// A sign-in that is pending and to be asked for on this machine.
    pub(super) pending: Option<(TriedWith, PendingCode)>,
}

/// A pending sign-in, with what its record and the files of secrets say of the client: somebody may put that right.
#[derive(Clone, PartialEq)]
pub(super) struct TriedWith {
    id: PendingId,
    /// Tells one secret from another.
    client_secret: Option<u64>,
    client_secret_for: Option<String>,
    client_endpoints: BTreeMap<String, Option<Url>>,
    /// How the files looked that have the secret.
    secret_files: Vec<files::Look>,
}

impl TriedWith {
    fn of(profile: &Profile, record: &Record, id: &PendingId) -> Self {
        Self {
            id: id.clone(),
            client_secret: record.client_secret.as_ref().map(digest_of),
            client_secret_for: record.client_secret_for.clone(),
            client_endpoints: record.client_endpoints.clone(),
            secret_files: profile.secret_files().map(files::look).collect(),
        }
    }
}

impl Look {
    /// Of a record as it is now, which may not be there.
    fn at(profile: &Profile, record: Option<&Record>, config: &Config, dice: Dice) -> Self {
        let grant = record.and_then(|record| record.grant.as_ref());
        Self { is_missing: record.is_none(), ..Self::of(profile, grant, config, dice, clock::wall()) }
    }

    fn of(profile: &Profile, grant: Option<&Grant>, config: &Config, dice: Dice, now: Timestamp) -> Self {
        let limit = config.provider(profile).ok().and_then(|provider| provider.dialect().mint_limit);
        let reading = Reading::of(&profile.name, &profile.client_id, grant, limit, dice, now);
        let is_good = matches!(reading.state, State::Valid | State::Expiring | State::Unknown);
        let token = grant.filter(|_| is_good).map(|grant| grant.access_token.clone());
        Self {
            token,
            trouble: grant.and_then(|grant| trouble(profile, grant)),
            reading,
            is_missing: false,
            is_lost: false,
            pending: None,
        }
    }
}

/// What keeps the grant from being refreshed, by what its record says.
fn trouble(profile: &Profile, grant: &Grant) -> Option<Error> {
    let failure = grant.last_refresh.as_ref().and_then(|last| last.failure.clone());
    match &grant.refused {
        Some(_) if failure.is_some() => failure,
        Some(refused) => Some(Error::new(Code::SignInNeeded, refused).advise(Advice::SignIn(profile.name.clone()))),
        None => failure,
    }
}

/// What came of reading some records.
pub(super) type Looks = Vec<(ProfileName, Result<Look, Error>)>;

/// Reads the records of these profiles, those aside that are not configured. Blocks.
pub(super) fn read(service: &Service, profiles: &[ProfileName], dice: Dice) -> Looks {
    let home = service.store.poller_home();
    let look = |profile: &Profile| {
        let record = service.store.load(&profile.name)?;
        let pending = record.as_ref().and_then(|record| {
            let pending = record.pending.as_ref().filter(|pending| pending.is_of(home.as_deref()))?;
            Some((TriedWith::of(profile, record, &pending.id), PendingCode::of(pending, &Clocks::now())))
        });
        let is_lost = record.is_none() && service.store.lost(&profile.name).is_some();
        Ok(Look { is_lost, pending, ..Look::at(profile, record.as_deref(), &service.config, dice) })
    };
    let known = profiles.iter().filter_map(|name| service.config.profiles.get(name));
    known.map(|profile| (profile.name.clone(), look(profile))).collect()
}

/// How a refresh ended, and what its record says since.
pub(super) struct Landing {
    pub(super) profile: ProfileName,
    pub(super) result: Result<(), Error>,
    pub(super) look: Result<Look, Error>,
}

/// Mints a successor of the token that was minted then, unless somebody else has.
pub(super) async fn refresh(service: Arc<Service>, profile: Profile, minted_at: Timestamp, dice: Dice) -> Landing {
    let (config, result) = (&service.config, service.renew(&profile, minted_at).await);
    let (result, look) = match result {
        Ok(grant) => (Ok(()), Ok(Look::of(&profile, Some(&grant), config, dice, clock::wall()))),
        Err(error) => {
            let record = service.record(&profile.name).await;
            (Err(error), record.map(|record| Look::at(&profile, record.as_deref(), config, dice)))
        }
    };
    Landing { profile: profile.name, result, look }
}

/// Goes on with the sign-in of a profile that is pending, to its end; whoever asks for it already is gone along with. What may
/// pass is waited out.
pub(super) async fn sign_in(service: Arc<Service>, profile: Profile) -> Result<(), Error> {
    let options = SignIn { begin: Begin::Resume, for_agent: true, ..SignIn::default() };
    loop {
        match service.sign_in(&profile, options.clone(), drop, &Presence::default()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.code.is_retryable() && error.code != Code::CodeExpired => {
                clock::sleep_until(clock::now() + BETWEEN_TRIES).await;
            }
            Err(error) => return Err(error),
        }
    }
}
