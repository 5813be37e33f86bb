//! Access tokens: read while they last, minted under the lock when they end.
//!
//! One flight per profile over all processes: whoever holds the lock reads again, and only asks the provider if nobody
//! else did in the meantime. The outcome, good or bad, is written before the lock goes; no outcome deletes a token.

pub(super) mod ends;
mod id;
mod keeping;
mod refreshing;
mod reuse;
pub(super) mod stored;
pub(super) mod throttles;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::ends::{CLOCK_SLACK, Ends};
pub use self::keeping::{Keeping, Renewed};
use self::refreshing::{Kept, Refresh, Refreshing, may_refresh};
pub(super) use self::refreshing::{check_pace, with_mint};
use self::stored::Stored;
use super::{Chance, Service, driver, due, endpoints, issuing_data_center, login};
use crate::aside::aside;
use crate::clock::{self, later};
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::http::pause::LONGEST_RETRY_AFTER;
use crate::profile::ProfileName;
use crate::providers::{MintLimit, Provider};
use crate::secret::Secret;
use crate::storage::{Grant, Held, LOCK_PATIENCE, Record};

/// How long a token must last at least for `token` to hand it out without asking.
pub const DEFAULT_MIN_TTL: Duration = Duration::from_secs(5 * 60);
/// Below this, a token is not handed out even when no new one can be had.
const LEAST_TTL: Duration = Duration::from_secs(30);
/// How long after a try that failed for a passing reason nobody tries again.
const SHARED_FOR: Duration = Duration::from_secs(2);

/// How long after a token that took the place of a refused one no other does: what is refused for another reason is refused
/// again, and each new token takes the place of another machine's.
const BETWEEN_REPLACEMENTS: SignedDuration = SignedDuration::from_mins(5);

/// How long a token is taken to live that can be refreshed and of whose end nothing is said.
pub(super) const DEFAULT_TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// Which token will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// One that lasts the default time; a shorter one if no new one can be had.
    Default,
    /// One that lasts this long, or as long as the provider's tokens do.
    AtLeast(Duration),
    /// A new one, whatever is stored.
    Forced,
    /// Another one than that which was minted then, and one that lasts: what the agent wants at the time that it has reckoned,
    /// however the clock was set since.
    SuccessorOf(Timestamp),
    /// A new one in the place of one that an API refused; such refusals cause one new token in five minutes at most.
    Replaced,
}

/// An access token with what a script needs beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct FreshToken {
    pub access_token: Secret,
    /// `None` where no end is known.
    pub expires_at: Option<Timestamp>,
    pub api_domain: Option<String>,
    /// Who approved, as the provider signed it, where it did.
    pub id_token: Option<Secret>,
    /// A server that git spoke to has refused it.
    pub is_rejected: bool,
    /// What is to be said of a token that may not do, or of the refresh that it came from: a sentence without its end.
    pub warning: Option<String>,
}

impl Service {
    /// A token that will do, minted if need be. Never starts a sign-in.
    pub async fn token(&self, profile: &Profile, freshness: Freshness) -> Result<FreshToken, Error> {
        let now = clock::wall();
        let named = profile.clone();
        let look = move |service: &Self| match service.look_for_token(&named, freshness, now)? {
            Stored::Lasting(grant) => Ok::<_, Error>((true, *grant)),
            Stored::Worn(record) => Ok((false, service.grant_of(record.as_deref(), &named)?.clone())),
        };
        let (will_do, grant) = self.aside(look).await?;
        if will_do {
            return Ok(self.fresh_token(profile, grant, now, None));
        }
        let is_all_there_is =
            grant.refresh_token.is_none() && grant.refused.is_none() && freshness != Freshness::Forced;
        if is_all_there_is && Ends::of(&grant, now) == Ends::Unknown {
            let warning = "this machine's clock has been set back since the access token came, so its end is not known";
            return Ok(self.fresh_token(profile, grant, now, Some(warning.to_owned())));
        }
        match self.refresh(profile, freshness, &grant, now).await {
            Ok(Kept { grant, warning }) => Ok(self.fresh_token(profile, grant, clock::wall(), warning)),
            Err(error) if freshness == Freshness::Default => self.still_good(profile, error, clock::wall()).await,
            Err(error) => Err(error),
        }
    }

    /// The grant with a successor of the token that was minted then, whoever minted it.
    pub(super) async fn renew(&self, profile: &Profile, minted_at: Timestamp) -> Result<Grant, Error> {
        let (freshness, now) = (Freshness::SuccessorOf(minted_at), clock::wall());
        let named = profile.clone();
        let look =
            move |service: &Self| Ok::<_, Error>(service.grant_of(service.load(&named)?.as_deref(), &named)?.clone());
        let grant = self.aside(look).await?;
        if lasts(&grant, freshness, now) {
            return Ok(grant);
        }
        self.refresh(profile, freshness, &grant, now).await.map(|kept| kept.grant)
    }

    /// The token that is left after `refusal`, though nobody can say that the provider still takes it.
    pub fn stale_token(&self, profile: &Profile, refusal: Error, now: Timestamp) -> Result<FreshToken, Error> {
        let record = self.load(profile)?;
        let Some(grant) = record.and_then(|record| record.grant) else { return Err(refusal) };
        if ends::left(&grant, now).is_some_and(|left| left.is_zero()) {
            return Err(refusal.adding("the access token that it left has ended"));
        }
        let warning = format!("{refusal}; the provider may not take this token any more");
        Ok(self.fresh_token(profile, grant, now, Some(warning)))
    }

    /// The stored token where it may still do although `error` kept it from being refreshed. One of a grant that is over
    /// does not: many providers end both together.
    async fn still_good(&self, profile: &Profile, error: Error, now: Timestamp) -> Result<FreshToken, Error> {
        let named = profile.clone();
        let grant = self.aside(move |service| service.last_known_grant(&named, now)).await;
        let Some(grant) = grant.filter(|grant| grant.refused.is_none()) else { return Err(error) };
        let good = match (Ends::of(&grant, now), ends::left(&grant, now)) {
            (Ends::At(_), Some(left)) if left < LEAST_TTL => return Err(error),
            (Ends::At(_), _) => "the token is still good for a short while",
            (Ends::Unknown | Ends::NotSaid, _) => "whether the token is still good is not known",
        };
        Ok(self.fresh_token(profile, grant, now, Some(format!("{error}; {good}"))))
    }

    /// Sees to another access token than the one of `refused`, which an API called dead: one that somebody has minted
    /// since, or a new one, unless such a refusal has caused one a short while ago.
    pub(super) async fn replace_refused_token(&self, profile: &Profile, refused: &Grant) -> Result<(), Error> {
        self.refresh(profile, Freshness::Replaced, refused, clock::wall()).await.map(drop)
    }

    /// Notes that a server has refused the access token, if it was this one.
    pub async fn reject_token(&self, profile: &Profile, refused: Secret) -> Result<(), Error> {
        let is_meant = |grant: &Grant, refused: &Secret| !grant.is_rejected && *refused == grant.access_token;
        let seen = self.record(&profile.name).await?;
        if !seen.and_then(|record| record.grant).is_some_and(|grant| is_meant(&grant, &refused)) {
            return Ok(());
        }
        let note = move |_: &Self, held: &mut Held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            match record.grant.as_mut().filter(|grant| is_meant(grant, &refused)) {
                Some(grant) => grant.is_rejected = true,
                None => return Ok(()),
            }
            Ok(held.commit(&mut record)?)
        };
        self.holding(&profile.name, note).await
    }

    /// Mints under the lock, unless another process did so since `seen` was read, or tried to.
    async fn refresh(
        &self,
        profile: &Profile,
        freshness: Freshness,
        seen: &Grant,
        asked_at: Timestamp,
    ) -> Result<Kept, Error> {
        if let Some(failure) = shared_failure(seen, freshness, asked_at) {
            return Err(failure);
        }
        let provider = self.provider_of(profile, seen).await?;
        let (profile, seen) = (profile.clone(), seen.clone());
        let begin = move |service: &Self| {
            let mut held = service.store.hold(&profile.name, LOCK_PATIENCE)?;
            match service.decide(profile, freshness, &seen, asked_at, provider, &mut held) {
                Ok(Decided::Needed(refresh)) => Ok(Begun::Needed(Box::new(Refreshing { held, refresh: *refresh }))),
                Ok(Decided::Unneeded(grant)) => {
                    held.release();
                    Ok(Begun::Unneeded(grant))
                }
                Err(error) => {
                    held.release();
                    Err(error)
                }
            }
        };
        let refreshing = match self.aside(begin).await? {
            Begun::Unneeded(grant) => return Ok(Kept { grant: *grant, warning: None }),
            Begun::Needed(refreshing) => refreshing,
        };
        let http = self.http.clone();
        // From here on the provider may have replaced the refresh token, so its answer has to be kept.
        let exchange = async move {
            let (refreshing, mut flow) = aside(move || refreshing.claim()).await?;
            let outcome = driver::token(&http, &mut flow, refreshing.held.may_send_until()).await;
            let answer_lost = flow.has_lost_answer();
            aside(move || refreshing.note(outcome, answer_lost)).await
        };
        self.unbroken.run(exchange).await
    }

    /// Whether a refresh is due, now that nobody else writes the record.
    fn decide(
        &self,
        profile: Profile,
        freshness: Freshness,
        seen: &Grant,
        asked_at: Timestamp,
        provider: Provider,
        held: &mut Held,
    ) -> Result<Decided, Error> {
        let record = held.load()?;
        let grant = self.grant_of(record.as_deref(), &profile)?.clone();
        let now = clock::wall();
        if lasts(&grant, freshness, now) || was_refreshed(&grant, seen, asked_at, now) {
            return Ok(Decided::Unneeded(Box::new(grant)));
        }
        if let Some(failure) = shared_failure(&grant, freshness, asked_at) {
            return Err(failure);
        }
        let what = not_refreshed(&profile.name);
        let is_replacement = freshness == Freshness::Replaced;
        if let Some(until) = no_replacement_before(&grant, now).filter(|_| is_replacement) {
            let refresh = Advice::Refresh(profile.name.clone());
            return Err(Error::new(Code::RateLimited, what)
                .because("one was refreshed for a refused call a short while ago")
                .advise(Advice::WaitUntil(until))
                .advise(refresh.after("or ").and(", where who refused it takes the token by now")));
        }
        self.check_approved(&profile, grant.endpoints.as_deref(), endpoints::TOKEN)?;
        let data_center = issuing_data_center(&profile, &provider, &grant)?.clone();
        let client = self.client(&profile, record.as_deref(), &provider, &[endpoints::TOKEN])?;
        let api_domain = self.config.api_domain(&profile, &grant.data_center, grant.api_domain.clone());
        let (record, actor) = (record.unwrap_or_else(|| Box::new(login::empty_record(&profile))), self.actor.clone());
        let refresh =
            Refresh { record, grant, is_replacement, profile, provider, data_center, api_domain, client, what, actor };
        may_refresh(&refresh.grant, &refresh.asked(), now)?;
        refresh.check_client(held, now)?;
        Ok(Decided::Needed(Box::new(refresh)))
    }
}

/// What failed, as the record has it of the last refresh.
pub fn not_refreshed(profile: &ProfileName) -> String {
    format!("the access token of profile `{profile}` could not be refreshed")
}

/// What a look under the sole right came to.
enum Decided {
    /// Another process has refreshed meanwhile.
    Unneeded(Box<Grant>),
    Needed(Box<Refresh>),
}

/// The same, with the right where it is needed further.
enum Begun {
    Unneeded(Box<Grant>),
    Needed(Box<Refreshing>),
}

/// Until when no other access token takes the place of a refused one, since this one did so a short while ago. A clock that was set
/// back a little changes nothing about that.
pub(super) fn no_replacement_before(grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    let at = grant.replaced_after_401_at.filter(|at| now.duration_since(*at).abs() < BETWEEN_REPLACEMENTS)?;
    at.checked_add(BETWEEN_REPLACEMENTS).ok()
}

/// How a try failed that ended while this one waited for it, or so shortly before it that asking anew would tell nothing new.
/// Whoever wants a new token at any price goes by those only that it has waited for.
fn shared_failure(grant: &Grant, freshness: Freshness, asked_at: Timestamp) -> Option<Error> {
    let last = grant.last_refresh.as_ref()?;
    let failure = last.failure.clone()?;
    // A refusal that proves nothing is worth another try.
    let is_passing = failure.code.is_retryable() && grant.doubt.is_none() && freshness != Freshness::Forced;
    let since = if is_passing { asked_at - SHARED_FOR } else { asked_at };
    // A time to come was written under another clock.
    (last.at >= since && last.at <= clock::wall()).then_some(failure)
}

/// How much of the mint budget is used at `now`: the mints inside the window. A mint that has yet to come was noted by a
/// clock that was ahead.
pub(super) fn in_window(mints: &[Timestamp], window: Duration, now: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
    mints
        .iter()
        .copied()
        .filter(move |mint| mint.duration_until(now) >= -CLOCK_SLACK && clock::until(*mint, now) < window)
}

/// When there is room for one more mint: the oldest ones have to leave the window first. `None` if that is now.
pub(super) fn refills_at(mints: &[Timestamp], limit: MintLimit, now: Timestamp) -> Option<Timestamp> {
    let in_window = || in_window(mints, limit.window, now);
    let surplus = in_window().count().checked_sub(limit.tokens)?;
    in_window().nth(surplus).map(|mint| later(mint, limit.window))
}

/// Until when the provider asked to be left alone, unless that was noted by a clock that was ahead.
pub(super) fn pause(paused_until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    paused_until.filter(|until| {
        let left = now.duration_until(*until);
        left.is_positive() && left.unsigned_abs() <= LONGEST_RETRY_AFTER + CLOCK_SLACK.unsigned_abs()
    })
}

fn lasts(grant: &Grant, freshness: Freshness, now: Timestamp) -> bool {
    let wanted = match freshness {
        Freshness::Forced | Freshness::Replaced => return false,
        Freshness::SuccessorOf(minted_at) if grant.minted_at() == minted_at => return false,
        Freshness::SuccessorOf(_) => due::agent_ahead(grant, Chance::MAX),
        Freshness::Default => DEFAULT_MIN_TTL,
        Freshness::AtLeast(wanted) => wanted,
    };
    let is_good = grant.refused.is_none() && ends::left(grant, now).is_some_and(|left| !left.is_zero());
    is_good && due::wears_out(grant, wanted, now).is_some_and(|worn_out| now <= worn_out)
}

/// A forced refresh wants a token that is newer than the one it knew, not one more than its neighbours' refreshes. One that was
/// minted since it asked is what a refresh gives, whatever is left of it.
fn was_refreshed(grant: &Grant, seen: &Grant, asked_at: Timestamp, now: Timestamp) -> bool {
    let is_another = grant.access_token != seen.access_token && grant.refused.is_none();
    is_another && (asked_at <= ends::minted_now(grant) || lasts(grant, Freshness::Default, now))
}

impl Service {
    fn grant_of<'a>(&self, record: Option<&'a Record>, profile: &Profile) -> Result<&'a Grant, Error> {
        record.and_then(|record| record.grant.as_ref()).ok_or_else(|| self.not_signed_in(profile, record))
    }

    fn fresh_token(&self, profile: &Profile, grant: Grant, now: Timestamp, warning: Option<String>) -> FreshToken {
        FreshToken {
            expires_at: Ends::of(&grant, now).time(),
            access_token: grant.access_token,
            api_domain: self.config.api_domain(profile, &grant.data_center, grant.api_domain),
            id_token: grant.id_token,
            is_rejected: grant.is_rejected,
            warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::was_refreshed;
    use crate::secret::Secret;
    use crate::storage::Grant;

    /// A grant whose token was minted at zero and lives for `life` seconds.
    fn grant(access_token: &str, life: i64) -> Grant {
        Grant {
            refresh_token: Some(Secret::new("refresh")),
            ..Grant::new(
                "",
                Vec::new(),
                Secret::new(access_token),
                Timestamp::UNIX_EPOCH,
                Timestamp::UNIX_EPOCH + SignedDuration::from_secs(life),
            )
        }
    }

    #[test]
    fn the_token_of_a_neighbor_will_do_however_short_it_lives() {
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let seen = grant("old", 1);
        for life in [0, 6, 60, 3600] {
            for asked in [-1, 0] {
                assert!(was_refreshed(&grant("new", life), &seen, at(asked), at(life)), "{life} {asked}");
            }
            assert_eq!(was_refreshed(&grant("new", life), &seen, at(1), at(1)), life > 0, "{life}");
            assert!(!was_refreshed(&grant("new", life), &seen, at(1), at(life)), "{life}");
            assert!(!was_refreshed(&grant("old", life), &seen, at(0), at(0)), "{life}");
            let refused = Grant { refused: Some("revoked".to_owned()), ..grant("new", life) };
            assert!(!was_refreshed(&refused, &seen, at(0), at(0)), "{life}");
        }
    }
}
