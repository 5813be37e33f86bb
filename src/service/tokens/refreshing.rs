//! One refresh, from the note that its request goes out to the kept answer. Both are owned, since they may outlive whoever
//! asked for them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{DEFAULT_MIN_TTL, id, in_window, pause, refills_at, reuse};
use crate::clock::{self, later};
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::http::TransportFailure;
use crate::oauth::Client;
use crate::oauth::token::{Minted, NoToken, Outcome, TokenFlow};
use crate::oauth::wire::{Approval, TokenAnswer, Unreadable};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, MintLimit, Provider, Rotation};
use crate::secret::Secret;
use crate::service::failure::Asked;
use crate::service::{account, grants, left_out};
use crate::storage::{Attempt, Clocks, Doubt, Grant, Happened, Held, LastRefresh, Record};

/// A grant with a token that will do, and what is to be said of the refresh that it came from.
pub(super) struct Kept {
    pub(super) grant: Grant,
    pub(super) warning: Option<String>,
}

/// A refresh under way. Owned, since it may outlive whoever asked for it.
pub(super) struct Refreshing {
    pub(super) held: Held,
    pub(super) refresh: Refresh,
}

impl Refreshing {
    /// Notes that the refresh token is sent now.
    pub(super) fn claim(mut self: Box<Self>) -> Result<(Box<Self>, TokenFlow), Error> {
        match self.refresh.claim(&mut self.held) {
            Ok(flow) => Ok((self, flow)),
            Err(error) => {
                self.held.release();
                Err(error)
            }
        }
    }

    /// Writes what the provider said, and turns it into a token or an error.
    pub(super) fn note(self: Box<Self>, outcome: Outcome, answer_lost: bool) -> Result<Kept, Error> {
        let Self { mut held, refresh } = *self;
        let result = refresh.note(&mut held, outcome, answer_lost);
        held.release();
        result
    }
}

/// What is refreshed, and how.
pub(super) struct Refresh {
    pub(super) record: Box<Record>,
    pub(super) grant: Grant,
    /// Of a token that an API has refused.
    pub(super) is_replacement: bool,
    pub(super) profile: Profile,
    pub(super) provider: Provider,
    pub(super) data_center: DataCenter,
    pub(super) api_domain: Option<String>,
    pub(super) client: Client,
    pub(super) what: String,
    /// For the history.
    pub(super) actor: Arc<str>,
}

impl Refresh {
    pub(super) fn asked(&self) -> Asked<'_> {
        let Self { profile, provider, data_center, client, what, .. } = self;
        let scopes = &profile.scopes;
        Asked { what, place: Place::Refresh, provider, data_center, profile, scopes, client }
    }

    fn claim(&self, held: &mut Held) -> Result<TokenFlow, Error> {
        let refresh_token = self.grant.refresh_token.clone().ok_or_else(|| self.asked().without_refresh_token())?;
        let flow = TokenFlow::new(
            self.provider.dialect,
            self.data_center.clone(),
            self.client.clone(),
            Approval::RefreshToken(refresh_token),
        );
        let may_rotate = matches!(self.provider.dialect.rotation, Rotation::Strict | Rotation::Unknown);
        let is_second_try = self.grant.last_refresh.as_ref().is_some_and(|last| last.answer_lost) && may_rotate;
        let attempt = Attempt::new(self.record.generation, clock::wall()).that_may_rotate(may_rotate);
        held.claim(attempt).map_err(|error| Error::from(error).advise("nothing was sent and nothing is lost"))?;
        Ok(if is_second_try { flow.for_a_second_try() } else { flow })
    }

    fn note(mut self, held: &mut Held, outcome: Outcome, answer_lost: bool) -> Result<Kept, Error> {
        let asked = self.asked();
        let dialect = self.provider.dialect;
        let now = clock::wall();
        let mut grant = self.grant.clone();
        let last = grant.last_refresh.take();
        let mut left_out = Vec::new();
        let was_held_up = matches!(outcome, Err(NoToken::Transport(TransportFailure::TooLate(_))));
        let (mut grant, result) = match outcome {
            Ok(Minted { token, client_authentication }) => {
                let grant = Grant { client_authentication: Some(client_authentication), ..grant };
                left_out = left_out::of_refresh(&token, self.api_domain.as_deref());
                (self.minted(grant, *token, now), Ok(()))
            }
            Err(NoToken::Refused(error)) => {
                let error = reuse::alarmed(asked.refused(&error), dialect.rotation, last.as_ref(), answer_lost, now);
                (Grant { refused: Some(error.to_string()), doubt: None, ..grant }, Err(error))
            }
            Err(NoToken::Unreadable(Unreadable::Throttled(pause))) => {
                let until = later(now, pause.unwrap_or(dialect.throttle_pause));
                (Grant { paused_until: Some(until), ..grant }, Err(asked.throttled(Some(until))))
            }
            Err(NoToken::Unreadable(Unreadable::RefreshTokenAlone { refresh_token, rejected })) => {
                let error = Error::new(Code::UntrustedAnswer, asked.what)
                    .because(rejected)
                    .adding("the refresh token that came with it was kept")
                    .advise("try again")
                    .advise(self.sign_in().after("if that stays so, "));
                (Grant { refresh_token: Some(refresh_token), doubt: None, ..grant }, Err(error))
            }
            Err(answer) => match asked.doubtful_answer(&answer) {
                Some(doubtful) => {
                    let doubt = Doubt::after(grant.doubt.as_ref(), doubtful);
                    let error = asked.doubted(answer, doubt.times);
                    (Grant { doubt: Some(doubt), ..grant }, Err(error))
                }
                None => (grant, Err(asked.without_token(answer))),
            },
        };
        let is_replaced = grant.refresh_token != self.grant.refresh_token;
        if let Some(before) = &self.grant.refresh_token {
            grant.note_replaced(before);
        }
        let rotates = is_replaced || last.as_ref().is_some_and(|last| last.rotates);
        let happened = match &result {
            Ok(()) => Happened::Refreshed,
            Err(_) if grant.refused.is_some() => Happened::RefreshRefused,
            Err(_) => Happened::RefreshFailed,
        };
        let reason = result.as_ref().err().map(Error::reason).unwrap_or_default();
        self.record.note(happened, &reason, &self.actor, now);
        let failure = result.as_ref().err().cloned();
        let error = failure.as_ref().map(ToString::to_string);
        // That this process was held up tells nothing to others.
        let failure = failure.filter(|_| !was_held_up);
        let warning = (!left_out.is_empty()).then(|| left_out.join("; "));
        grant.last_refresh = Some(LastRefresh { at: now, error, failure, answer_lost, rotates, left_out });
        self.record.grant = Some(grant.clone());
        match (held.commit(&mut self.record), result) {
            (Ok(()), result) => {
                self.note_throttle(held, now);
                result.map(|()| Kept { grant, warning })
            }
            (Err(unkept), Err(error)) => Err(Error::from(unkept).adding(error)),
            (Err(unkept), Ok(())) => Err(self.unkept(unkept.into())),
        }
    }

    /// The grant with what the provider gave.
    fn minted(&self, grant: Grant, token: TokenAnswer, now: Timestamp) -> Grant {
        let mints = with_mint(&grant.mints, self.provider.dialect.mint_limit, now);
        let scopes = token.scopes.unwrap_or(grant.scopes);
        let id_token = account::id_token_to_keep(token.id_token, &self.data_center, &self.client.id, &scopes, now);
        // An answer need not have one (OpenID Connect Core 12.2), and the one before serves to its end.
        let id_token = id_token.or_else(|| grant.id_token.filter(|token| id::lasts(token, DEFAULT_MIN_TTL, now)));
        Grant {
            access_token: token.access_token,
            access_token_expires_at: token.expires_in.map(|life| later(now, life)),
            // An answer without one means: keep the old one (RFC 6749 §6).
            refresh_token: token.refresh_token.or(grant.refresh_token),
            id_token,
            scopes,
            api_domain: token.api_domain.map(|url| url.origin().ascii_serialization()).or(grant.api_domain),
            mints,
            minted: Clocks::now().booted(),
            clock_set: SignedDuration::ZERO,
            replaced_after_401_at: if self.is_replacement { Some(now) } else { grant.replaced_after_401_at },
            is_rejected: false,
            paused_until: None,
            refused: None,
            doubt: None,
            ..grant
        }
    }

    /// There is a new token, and no place has taken it.
    fn unkept(&self, error: Error) -> Error {
        let what = "the provider has given a new token, which could not be kept anywhere";
        error.adding(what).advise(match self.provider.dialect.rotation {
            Rotation::None => "then try again: the refresh token is still good".into(),
            _ => self.sign_in().after("if the next refresh is refused, "),
        })
    }

    fn sign_in(&self) -> Advice {
        Advice::SignIn(self.profile.name.clone())
    }
}

/// The refresh token, unless asking now is pointless or harmful.
pub(super) fn may_refresh(grant: &Grant, asked: &Asked<'_>, now: Timestamp) -> Result<Secret, Error> {
    if let Some(why) = &grant.refused {
        return Err(if grants::is_revoked(grant) { asked.ended(why) } else { asked.refused_before() });
    }
    check_pace(grant, asked, now)?;
    grant.refresh_token.clone().ok_or_else(|| asked.without_refresh_token())
}

/// Fails while the provider wants to be left alone, or all refreshes of the grant are used that it allows.
pub(in crate::service) fn check_pace(grant: &Grant, asked: &Asked<'_>, now: Timestamp) -> Result<(), Error> {
    if let Some(until) = pause(grant.paused_until, now) {
        return Err(asked.throttled(Some(until)));
    }
    let dialect = asked.provider.dialect;
    if let Some(limit) = dialect.mint_limit
        && let Some(refill) = refills_at(&grant.mints, limit, now)
    {
        let cause = format!(
            "all {} refreshes that {} allows in {} minutes are used",
            limit.tokens,
            dialect.display_name,
            limit.window.as_secs() / 60
        );
        let end = Advice::WaitUntil(refill);
        return Err(Error::new(Code::RateLimited, asked.what).because(cause).advise(end));
    }
    Ok(())
}

/// The mints that count with the one of now. Where nobody counts them only the last one is of use, and a record would grow with
/// each.
pub(in crate::service) fn with_mint(mints: &[Timestamp], limit: Option<MintLimit>, now: Timestamp) -> Vec<Timestamp> {
    let counted = limit.into_iter().flat_map(|limit| in_window(mints, limit.window, now));
    counted.chain([now]).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{MintLimit, with_mint};

    #[test]
    fn a_record_remembers_no_more_mints_than_somebody_counts() {
        let limit = MintLimit { tokens: 10, window: Duration::from_secs(600) };
        for (limit, remembered) in [(None, 1), (Some(limit), 10)] {
            let mut mints = Vec::new();
            for minute in 0..300 {
                let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
                mints = with_mint(&mints, limit, now);
                assert_eq!(mints.last(), Some(&now));
            }
            assert_eq!(mints.len(), remembered, "{limit:?}");
        }
    }
}
