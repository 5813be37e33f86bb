//! An access token that is there already: as this machine saw it a short while ago, as the store has it, or, while that is
//! away, as it was seen last.

use jiff::Timestamp;

use super::ends::{self, Ends};
use super::{FreshToken, Freshness, LEAST_TTL, Service, lasts};
use crate::config::Profile;
use crate::error::Error;
use crate::storage::{Copied, Grant, Record, StoreError};

/// What a look for a token came to.
pub(super) enum Stored {
    Lasting(Box<Grant>),
    /// The record, whose token will not do.
    Worn(Option<Box<Record>>),
}

impl Service {
    /// The stored token if it will do, without lock, runtime or provider.
    pub fn stored_token(
        &self,
        profile: &Profile,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Option<FreshToken>, Error> {
        Ok(match self.look_for_token(profile, freshness, now)? {
            Stored::Lasting(grant) => Some(self.fresh_token(profile, *grant, now, None)),
            Stored::Worn(_) => None,
        })
    }

    pub(super) fn look_for_token(
        &self,
        profile: &Profile,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Stored, Error> {
        if let Some(grant) = self.recent_grant(profile, freshness, now) {
            return Ok(Stored::Lasting(Box::new(grant)));
        }
        let lasting = |record: &mut Box<Record>| record.grant.take_if(|grant| lasts(grant, freshness, now));
        match self.store.load(&profile.name) {
            Ok(mut record) => Ok(match record.as_mut().and_then(lasting) {
                Some(grant) => Stored::Lasting(Box::new(grant)),
                None => Stored::Worn(record),
            }),
            Err(away) if away.is_away() => self.seen_last(profile, freshness, now, away),
            Err(error) => Err(error.into()),
        }
    }

    /// The token as this machine has seen it last, while the store is away.
    #[cold]
    fn seen_last(
        &self,
        profile: &Profile,
        freshness: Freshness,
        now: Timestamp,
        away: StoreError,
    ) -> Result<Stored, Error> {
        let copied = self.store.last_copy(&profile.name, now).filter(|copied| is_of(copied, profile));
        let Some(copied) = copied.filter(|copied| serves(&copied.grant, freshness, now)) else {
            return Err(away.into());
        };
        self.store.tell_of_copy(&copied, &away, &(self.zone)());
        Ok(Stored::Lasting(Box::new(copied.grant)))
    }

    /// The grant to use the access token of, which was found to do.
    pub(in crate::service) async fn grant(&self, profile: &Profile) -> Result<Grant, Error> {
        let (named, now) = (profile.clone(), crate::clock::wall());
        self.aside(move |service| {
            if let Some(grant) = service.recent_grant(&named, Freshness::Default, now) {
                return Ok(grant);
            }
            match service.store.load(&named.name) {
                Ok(mut record) => {
                    let grant = record.as_mut().and_then(|record| record.grant.take());
                    grant.ok_or_else(|| service.not_signed_in(&named, record.as_deref()))
                }
                Err(away) if away.is_away() => Ok(service.copied_grant(&named, now).ok_or(away)?),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// The grant as the store has it, or as it was seen here last where the store cannot be asked.
    pub(super) fn last_known_grant(&self, profile: &Profile, now: Timestamp) -> Option<Grant> {
        match self.store.load(&profile.name) {
            Ok(record) => record?.grant,
            Err(error) if error.is_away() => self.copied_grant(profile, now),
            Err(_) => None,
        }
    }

    fn copied_grant(&self, profile: &Profile, now: Timestamp) -> Option<Grant> {
        let copied = self.store.last_copy(&profile.name, now)?;
        is_of(&copied, profile).then_some(copied.grant)
    }

    fn recent_grant(&self, profile: &Profile, freshness: Freshness, now: Timestamp) -> Option<Grant> {
        let copied = self.store.recent_copy(&profile.name, now)?;
        (is_of(&copied, profile) && lasts(&copied.grant, freshness, now)).then_some(copied.grant)
    }
}

/// Whether the copy is one of the client that the configuration names today.
pub(in crate::service) fn is_of(copied: &Copied, profile: &Profile) -> bool {
    profile.has_client(&copied.provider, &copied.client_id)
}

/// Whether the token of a copy does while the store is away, so that no new one can be had.
fn serves(grant: &Grant, freshness: Freshness, now: Timestamp) -> bool {
    match freshness {
        Freshness::Default => {
            let left = ends::left(grant, now);
            grant.refused.is_none()
                && Ends::of(grant, now) != Ends::Unknown
                && left.is_some_and(|left| left >= LEAST_TTL)
        }
        Freshness::AtLeast(_) => lasts(grant, freshness, now),
        Freshness::Forced | Freshness::Replaced | Freshness::SuccessorOf(_) => false,
    }
}
