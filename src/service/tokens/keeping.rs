//! A token that is kept fresh for as long as a program runs, by somebody who meanwhile knows only when to come back: no
//! record, no token and no configuration stays with them.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use jiff::Timestamp;

use super::stored::Stored;
use super::{FreshToken, Freshness, ends};
use crate::clock::{self, Moment};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::secret::Secret;
use crate::service::Service;
use crate::service::due::{self, Chance, agent_ahead, back_off, least_rest};
use crate::storage::Grant;

/// When to come back for the next token, and which one it takes the place of.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    minted_at: Timestamp,
    next: Option<Moment>,
    /// In a row.
    failures: u32,
}

/// What a renewal came to.
#[derive(Debug)]
pub struct Renewed {
    /// The token that is to be used from now on; none where the one before stays.
    pub token: Option<Secret>,
    /// Nobody is signed in any more, so that no token is to be used.
    pub is_signed_out: bool,
    /// Why there is no new one.
    pub failure: Option<Error>,
}

impl Keeping {
    /// When the next token is due; `None` where no refresh can bring one.
    pub fn next(&self) -> Option<Moment> {
        self.next
    }

    /// The renewal could not even begin.
    pub fn put_off(&mut self, error: &Error) {
        self.failures = self.failures.saturating_add(1);
        self.next = Some(clock::now() + back_off(self.failures, error.code.is_retryable(), chance()));
    }
}

impl Service {
    /// As [`Service::stored_token`], for somebody who keeps it fresh.
    pub fn stored_token_to_keep(
        &self,
        profile: &Profile,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Option<(FreshToken, Keeping)>, Error> {
        Ok(match self.look_for_token(profile, freshness, now)? {
            Stored::Lasting(grant) => {
                let keeping = self.keeping(profile, &grant, now);
                Some((self.fresh_token(profile, *grant, now, None), keeping))
            }
            Stored::Worn(_) => None,
        })
    }

    /// As [`Service::token`], for somebody who keeps it fresh.
    pub async fn token_to_keep(&self, profile: &Profile, freshness: Freshness) -> Result<(FreshToken, Keeping), Error> {
        let token = self.token(profile, freshness).await?;
        let (named, now) = (profile.clone(), clock::wall());
        let grant = self.aside(move |service| service.last_known_grant(&named, now)).await;
        let keeping = match grant {
            Some(grant) => self.keeping(profile, &grant, now),
            // Another process has just changed it.
            None => Keeping { minted_at: now, next: Some(clock::now() + least_rest(Duration::ZERO)), failures: 0 },
        };
        Ok((token, keeping))
    }

    /// Brings the next token, minted here or by somebody else since.
    pub async fn renew_kept(&self, profile: &Profile, keeping: &mut Keeping) -> Renewed {
        let error = match self.renew(profile, keeping.minted_at).await {
            Ok(grant) => {
                *keeping = self.keeping(profile, &grant, clock::wall());
                return Renewed { token: Some(grant.access_token), is_signed_out: false, failure: None };
            }
            Err(error) => error,
        };
        keeping.put_off(&error);
        let (is_signed_out, grant) = match self.record(&profile.name).await {
            Ok(record) => record.and_then(|record| record.grant).map_or((true, None), |grant| (false, Some(grant))),
            Err(_) => (false, None),
        };
        if let Some(allowed) = grant.and_then(|grant| self.keeping(profile, &grant, clock::wall()).next) {
            // A pause or a spent budget may last longer.
            keeping.next = keeping.next.max(Some(allowed));
        }
        Renewed { token: None, is_signed_out: is_signed_out && error.code == Code::SignInNeeded, failure: Some(error) }
    }

    fn keeping(&self, profile: &Profile, grant: &Grant, now: Timestamp) -> Keeping {
        let limit = self.config.provider(profile).ok().and_then(|provider| provider.dialect().mint_limit);
        let due = due::due(grant, limit, agent_ahead(grant, chance()), now);
        let least_rest = least_rest(ends::whole_life(grant));
        Keeping {
            minted_at: grant.minted_at(),
            next: due.map(|due| clock::now() + clock::until(now, due).max(least_rest)),
            failures: 0,
        }
    }
}

fn chance() -> Chance {
    Chance::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default()
}
