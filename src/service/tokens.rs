//! Access tokens: read while they last, minted under the lock when they end.
//!
//! One flight per profile over all processes: whoever holds the lock reads again, and only asks the provider if nobody
//! else did in the meantime. The outcome, good or bad, is written before the lock goes; no outcome deletes a token.

pub(super) mod ends;
mod reuse;
pub(super) mod stored;
pub(super) mod throttles;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::ends::{CLOCK_SLACK, Ends};
use self::stored::Stored;
use super::aside::aside;
use super::failure::Asked;
use super::{
    Chance, Service, driver, due, endpoints, issuing_data_center, left_out, login, not_signed_in, sign_in_hint,
};
use crate::clock::{self, later};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::http::TransportFailure;
use crate::oauth::Client;
use crate::oauth::token::{Outcome, TokenFlow};
use crate::oauth::wire::{Approval, LONGEST_RETRY_AFTER, TokenAnswer, Unreadable};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, MintLimit, Provider, Rotation};
use crate::secret::Secret;
use crate::storage::{Attempt, Doubt, Grant, Happened, Held, LOCK_PATIENCE, LastRefresh, Record};
use crate::words::utc_time_of_day;

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
    /// What is to be said of a token that may not do, or of the refresh that it came from: a sentence without its end.
    pub warning: Option<String>,
}

impl Service {
    /// A token that will do, minted if need be. Never starts a sign-in.
    pub async fn token(&self, profile: &Profile, freshness: Freshness) -> Result<FreshToken, Error> {
        let now = clock::wall();
        let named = profile.clone();
        let seen = match self.aside(move |service| service.look_for_token(&named, freshness, now)).await? {
            Stored::Lasting(grant) => return Ok(fresh_token(*grant, now, None)),
            Stored::Worn(record) => record,
        };
        let grant = grant_of(seen.as_deref(), profile)?;
        let is_all_there_is =
            grant.refresh_token.is_none() && grant.refused.is_none() && freshness != Freshness::Forced;
        if is_all_there_is && Ends::of(grant, now) == Ends::Unknown {
            let warning = "this machine's clock has been set back since the access token came, so its end is not known";
            return Ok(fresh_token(grant.clone(), now, Some(warning.to_owned())));
        }
        match self.refresh(profile, freshness, grant, now).await {
            Ok(Kept { grant, warning }) => Ok(fresh_token(grant, clock::wall(), warning)),
            Err(error) if freshness == Freshness::Default => self.still_good(profile, error, clock::wall()).await,
            Err(error) => Err(error),
        }
    }

    /// The grant with a successor of the token that was minted then, whoever minted it.
    pub(super) async fn renew(&self, profile: &Profile, minted_at: Timestamp) -> Result<Grant, Error> {
        let (freshness, now) = (Freshness::SuccessorOf(minted_at), clock::wall());
        let seen = self.record(&profile.name).await?;
        let grant = grant_of(seen.as_ref(), profile)?;
        if lasts(grant, freshness, now) {
            return Ok(grant.clone());
        }
        self.refresh(profile, freshness, grant, now).await.map(|kept| kept.grant)
    }

    /// The token that is left after `refusal`, though nobody can say that the provider still takes it.
    pub fn stale_token(&self, profile: &Profile, refusal: Error, now: Timestamp) -> Result<FreshToken, Error> {
        let record = self.load(profile)?;
        let Some(grant) = record.and_then(|record| record.grant) else { return Err(refusal) };
        if ends::left(&grant, now).is_some_and(|left| left.is_zero()) {
            return Err(refusal.adding("the access token that it left has ended"));
        }
        let warning = format!("{refusal}; the provider may not take this token any more");
        Ok(fresh_token(grant, now, Some(warning)))
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
        Ok(fresh_token(grant, now, Some(format!("{error}; {good}"))))
    }

    /// Tells whether there is another access token than the one of `refused`, which an API called dead: one that somebody
    /// has minted since, or a new one, unless such a refusal has caused one a short while ago.
    pub(super) async fn replace_refused_token(&self, profile: &Profile, refused: &Grant) -> bool {
        self.refresh(profile, Freshness::Replaced, refused, clock::wall()).await.is_ok()
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
        let begin = move |service: &Self| service.begin_refresh(profile, freshness, &seen, asked_at, provider);
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

    /// Takes the sole right to the record and decides whether a refresh is due.
    fn begin_refresh(
        &self,
        profile: Profile,
        freshness: Freshness,
        seen: &Grant,
        asked_at: Timestamp,
        provider: Provider,
    ) -> Result<Begun, Error> {
        let mut held = self.store.hold(&profile.name, LOCK_PATIENCE)?;
        match self.decide(profile, freshness, seen, asked_at, provider, &mut held) {
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
    }

    fn decide(
        &self,
        profile: Profile,
        freshness: Freshness,
        seen: &Grant,
        asked_at: Timestamp,
        provider: Provider,
        held: &mut Held,
    ) -> Result<Decided, Error> {
        let record = held.load_for_change()?;
        let mut grant = grant_of(record.as_ref(), &profile)?.clone();
        let now = clock::wall();
        if lasts(&grant, freshness, now) || was_refreshed(&grant, seen, now) {
            return Ok(Decided::Unneeded(Box::new(grant)));
        }
        if let Some(failure) = shared_failure(&grant, freshness, asked_at) {
            return Err(failure);
        }
        let what = format!("the access token of profile `{}` could not be refreshed", profile.name);
        if freshness == Freshness::Replaced {
            if was_replaced_lately(&grant, now) {
                let why = "one was minted for a refused call a short while ago";
                return Err(Error::new(Code::RateLimited, what).because(why));
            }
            grant.replaced_after_401_at = Some(now);
        }
        self.check_approved(&profile, grant.endpoints.as_ref(), endpoints::TOKEN)?;
        let data_center = issuing_data_center(&profile, &provider, &grant)?.clone();
        let client = self.client(&profile, record.as_ref(), &provider, &[endpoints::TOKEN])?;
        let (record, actor) = (record.unwrap_or_else(|| login::empty_record(&profile)), self.actor.clone());
        let refresh = Refresh { record, grant, profile, provider, data_center, client, what, actor };
        may_refresh(&refresh.grant, &refresh.asked(), now)?;
        refresh.check_client(held, now)?;
        Ok(Decided::Needed(Box::new(refresh)))
    }
}

/// A grant with a token that will do, and what is to be said of the refresh that it came from.
struct Kept {
    grant: Grant,
    warning: Option<String>,
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

/// Tells whether the access token took the place of a refused one a short while ago. A clock that was set back a little
/// changes nothing about that.
pub(super) fn was_replaced_lately(grant: &Grant, now: Timestamp) -> bool {
    grant.replaced_after_401_at.is_some_and(|at| now.duration_since(at).abs() < BETWEEN_REPLACEMENTS)
}

/// A refresh under way. Owned, since it may outlive whoever asked for it.
struct Refreshing {
    held: Held,
    refresh: Refresh,
}

impl Refreshing {
    /// Notes that the refresh token is sent now.
    fn claim(mut self: Box<Self>) -> Result<(Box<Self>, TokenFlow), Error> {
        match self.refresh.claim(&mut self.held) {
            Ok(flow) => Ok((self, flow)),
            Err(error) => {
                self.held.release();
                Err(error)
            }
        }
    }

    /// Writes what the provider said, and turns it into a token or an error.
    fn note(self: Box<Self>, outcome: Outcome, answer_lost: bool) -> Result<Kept, Error> {
        let Self { mut held, refresh } = *self;
        let result = refresh.note(&mut held, outcome, answer_lost);
        held.release();
        result
    }
}

/// What is refreshed, and how.
struct Refresh {
    record: Record,
    grant: Grant,
    profile: Profile,
    provider: Provider,
    data_center: DataCenter,
    client: Client,
    what: String,
    /// For the history.
    actor: Arc<str>,
}

impl Refresh {
    fn asked(&self) -> Asked<'_> {
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
        held.claim(attempt).map_err(|error| {
            let error = Error::from(error);
            let hint = error.hint.clone().unwrap_or_default();
            error.hint(format!("{hint}; nothing was sent and nothing is lost"))
        })?;
        Ok(if is_second_try { flow.for_a_second_try() } else { flow })
    }

    fn note(mut self, held: &mut Held, outcome: Outcome, answer_lost: bool) -> Result<Kept, Error> {
        let asked = self.asked();
        let dialect = self.provider.dialect;
        let now = clock::wall();
        let mut grant = self.grant.clone();
        let last = grant.last_refresh.take();
        let mut left_out = Vec::new();
        let was_held_up = matches!(outcome, Outcome::Transport(TransportFailure::TooLate(_)));
        let (mut grant, result) = match outcome {
            Outcome::Minted { token, client_authentication } => {
                let grant = Grant { client_authentication: Some(client_authentication), ..grant };
                let known = self.client.known([]);
                let told = left_out::of_refresh(&token, grant.api_domain.as_deref());
                left_out = told.iter().map(|sentence| known.blot(sentence)).collect();
                (minted(grant, *token, dialect.mint_limit, now), Ok(()))
            }
            Outcome::Refused(error) => {
                let error = reuse::alarmed(asked.refused(&error), dialect.rotation, last.as_ref(), answer_lost, now);
                (Grant { refused: Some(error.to_string()), doubt: None, ..grant }, Err(error))
            }
            Outcome::Unreadable(Unreadable::Throttled(pause)) => {
                let until = later(now, pause.unwrap_or(dialect.throttle_pause));
                (Grant { paused_until: Some(until), ..grant }, Err(asked.throttled(Some(until))))
            }
            Outcome::Unreadable(Unreadable::RefreshTokenAlone { refresh_token, rejected }) => {
                let error = Error::new(Code::UntrustedAnswer, asked.what)
                    .because(rejected)
                    .adding("the refresh token that came with it was kept")
                    .hint(format!("try again; if that stays so, {}", sign_in_hint(&self.profile.name)));
                (Grant { refresh_token: Some(refresh_token), doubt: None, ..grant }, Err(error))
            }
            outcome => match asked.doubtful_answer(&outcome) {
                Some(answer) => {
                    let doubt = Doubt::after(grant.doubt.as_ref(), answer);
                    let error = asked.doubted(outcome, doubt.times);
                    (Grant { doubt: Some(doubt), ..grant }, Err(error))
                }
                None => (grant, Err(asked.without_token(outcome))),
            },
        };
        let is_replaced = grant.refresh_token != self.grant.refresh_token;
        let rotates = is_replaced || last.as_ref().is_some_and(|last| last.rotates);
        let happened = match &result {
            Ok(()) => Happened::Refreshed,
            Err(_) if grant.refused.is_some() => Happened::RefreshRefused,
            Err(_) => Happened::RefreshFailed,
        };
        let reason = result.as_ref().err().map(Error::reason).unwrap_or_default();
        self.record.note(happened, reason, &self.actor, now);
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

    /// There is a new token, and no place has taken it.
    fn unkept(&self, error: Error) -> Error {
        let what = "the provider has given a new token, which could not be kept anywhere";
        let hint = error.hint.clone().unwrap_or_default();
        let hint = match self.provider.dialect.rotation {
            Rotation::None => format!("{hint}, then try again: the refresh token is still good"),
            _ => format!("{hint}; if the next refresh is refused, {}", sign_in_hint(&self.profile.name)),
        };
        error.adding(what).hint(hint)
    }
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
    mints.iter().copied().filter(move |mint| {
        let age = mint.duration_until(now);
        age >= -CLOCK_SLACK && Duration::try_from(age).unwrap_or_default() < window
    })
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
        Freshness::SuccessorOf(minted_at) if ends::minted_at(grant) == minted_at => return false,
        Freshness::SuccessorOf(_) => due::agent_ahead(grant, Chance::MAX),
        Freshness::Default => DEFAULT_MIN_TTL,
        Freshness::AtLeast(wanted) => wanted,
    };
    let is_good = grant.refused.is_none() && ends::left(grant, now).is_some_and(|left| !left.is_zero());
    is_good && due::wears_out(grant, wanted, now).is_some_and(|worn_out| now <= worn_out)
}

/// A forced refresh wants a token that is newer than the one it knew, not one more than its neighbours' refreshes.
fn was_refreshed(grant: &Grant, seen: &Grant, now: Timestamp) -> bool {
    grant.access_token != seen.access_token && lasts(grant, Freshness::Default, now)
}

fn grant_of<'a>(record: Option<&'a Record>, profile: &Profile) -> Result<&'a Grant, Error> {
    record.and_then(|record| record.grant.as_ref()).ok_or_else(|| not_signed_in(profile))
}

/// The refresh token, unless asking now is pointless or harmful.
fn may_refresh(grant: &Grant, asked: &Asked<'_>, now: Timestamp) -> Result<Secret, Error> {
    if grant.refused.is_some() {
        return Err(asked.refused_before());
    }
    if let Some(until) = pause(grant.paused_until, now) {
        return Err(asked.throttled(Some(until)));
    }
    let dialect = asked.provider.dialect;
    if let Some(limit) = dialect.mint_limit {
        let mut mints = in_window(&grant.mints, limit.window, now);
        if let (Some(first), true) = (mints.next(), mints.count() + 1 >= limit.tokens) {
            let cause = format!(
                "all {} refreshes that {} allows in {} minutes are used",
                limit.tokens,
                dialect.display_name,
                limit.window.as_secs() / 60
            );
            let hint = format!("try again after {}", utc_time_of_day(later(first, limit.window)));
            return Err(Error::new(Code::RateLimited, asked.what).because(cause).hint(hint));
        }
    }
    grant.refresh_token.clone().ok_or_else(|| asked.without_refresh_token())
}

fn minted(grant: Grant, token: TokenAnswer, limit: Option<MintLimit>, now: Timestamp) -> Grant {
    let window = limit.map_or(DEFAULT_TOKEN_LIFE, |limit| limit.window);
    let mut mints: Vec<Timestamp> = in_window(&grant.mints, window, now).collect();
    mints.push(now);
    Grant {
        access_token: token.access_token,
        access_token_expires_at: token.expires_in.map(|life| later(now, life)),
        // An answer without one means: keep the old one (RFC 6749 §6).
        refresh_token: token.refresh_token.or(grant.refresh_token),
        scopes: token.scopes.unwrap_or(grant.scopes),
        api_domain: token.api_domain.map(|url| url.origin().ascii_serialization()).or(grant.api_domain),
        mints,
        paused_until: None,
        refused: None,
        doubt: None,
        ..grant
    }
}

fn fresh_token(grant: Grant, now: Timestamp, warning: Option<String>) -> FreshToken {
    FreshToken {
        expires_at: Ends::of(&grant, now).time(),
        access_token: grant.access_token,
        api_domain: grant.api_domain,
        warning,
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
        for life in [6, 60, 3600] {
            assert!(was_refreshed(&grant("new", life), &seen, at(1)), "{life}");
            assert!(!was_refreshed(&grant("new", life), &seen, at(life)), "{life}");
            assert!(!was_refreshed(&grant("old", life), &seen, at(1)), "{life}");
        }
    }
}
