//! When a grant wants its next access token: one answer for `token`, for whoever shows it, and for the agent. Time is an
//! argument, and so is chance.

use std::time::Duration;

use jiff::Timestamp;

use super::tokens::ends::{self, Ends};
use super::tokens::{pause, refills_at};
use crate::clock::{earlier, later};
use crate::providers::MintLimit;
use crate::storage::Grant;

/// How long before its end the agent replaces a token, less its jitter; where a token lives for less than the double of it,
/// half its life.
const AGENT_AHEAD: Duration = Duration::from_secs(10 * 60);
/// The agent's jitter at most, as a part of that.
const JITTER_PART: u32 = 5;

/// The longest wait after a first failure; it doubles from there.
const FIRST_BACK_OFF: Duration = Duration::from_secs(30);
/// Where the doubling ends: as long as a token still lasts when it is due, so that none is given up before its end.
const LONGEST_BACK_OFF: Duration = AGENT_AHEAD;
/// The same after a refusal that a person has to see to, and may have seen to meanwhile.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// The shortest time from one token to the next, whatever a provider says of them.
const LEAST_LIFE: Duration = Duration::from_secs(1);
/// The same where a token is said to end before it can be used.
const LEAST_REST: Duration = Duration::from_secs(60);
/// No wait is shorter.
const LEAST_BACK_OFF: Duration = Duration::from_secs(1);

/// A number between 0 and [`u32::MAX`], drawn by whoever owns chance.
pub type Chance = u32;

/// When a refresh of `grant` is due whose token is to last `ahead` at least; where tokens do not live so long, when half its
/// life is over. In the past where it is overdue, and not before the provider or its budget allows it. `None` where no
/// refresh can help: the grant is over, or has nothing to refresh with.
pub fn due(grant: &Grant, limit: Option<MintLimit>, ahead: Duration, now: Timestamp) -> Option<Timestamp> {
    if grant.refused.is_some() || grant.refresh_token.is_none() {
        return None;
    }
    let wanted = wears_out(grant, ahead, now).unwrap_or(now);
    Some(allowed(grant, limit, now).map_or(wanted, |allowed| allowed.max(wanted)))
}

/// How long before its end the agent replaces the grant's token: ten minutes less a jitter of up to two, or half its life
/// less a fifth of that.
pub(super) fn agent_ahead(grant: &Grant, chance: Chance) -> Duration {
    let ahead = AGENT_AHEAD.min(ends::whole_life(grant) / 2);
    ahead.saturating_sub(part(ahead / JITTER_PART, chance))
}

/// How long to leave a profile alone at least after a refresh that worked, where its new token is of use for so long.
pub(super) fn least_rest(of_use: Duration) -> Duration {
    if of_use < LEAST_LIFE { LEAST_REST } else { LEAST_LIFE }
}

/// How long to leave a profile alone after so many failures in a row, with full jitter: those that failed together do not come
/// back together.
pub(super) fn back_off(failures: u32, is_passing: bool, chance: Chance) -> Duration {
    let longest = if is_passing { LONGEST_BACK_OFF } else { LONGEST_REST };
    let doublings = failures.saturating_sub(1).min(16);
    part((FIRST_BACK_OFF * 2_u32.pow(doublings)).min(longest), chance).max(LEAST_BACK_OFF)
}

/// A part of `whole` that is as great as chance wants it.
pub(super) fn part(whole: Duration, chance: Chance) -> Duration {
    let nanoseconds = whole.as_nanos() * u128::from(chance) / u128::from(Chance::MAX);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// From when on less than `wanted` is left of the grant's token, or less than half where tokens do not live so long.
/// `None` where its end is not known.
pub(super) fn wears_out(grant: &Grant, wanted: Duration, now: Timestamp) -> Option<Timestamp> {
    let whole_life = ends::whole_life(grant);
    let wanted = if wanted >= whole_life { whole_life / 2 } else { wanted };
    let end = match Ends::of(grant, now) {
        Ends::At(end) => end,
        Ends::NotSaid | Ends::Unknown => later(now, ends::left(grant, now)?),
    };
    Some(earlier(end, wanted))
}

/// Until when the provider asked to be left alone, or its budget is spent.
fn allowed(grant: &Grant, limit: Option<MintLimit>, now: Timestamp) -> Option<Timestamp> {
    let refills = limit.and_then(|limit| refills_at(&grant.mints, limit, now));
    pause(grant.paused_until, now).max(refills)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Chance, agent_ahead, back_off, due};
    use crate::providers::MintLimit;
    use crate::secret::Secret;
    use crate::storage::Grant;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
    const LIMIT: MintLimit = MintLimit { tokens: 10, window: Duration::from_secs(600) };

    fn at(seconds: i64) -> Timestamp {
        NOW + SignedDuration::from_secs(seconds)
    }

    /// A grant whose token was minted so many seconds from now and lives for so many.
    fn grant(minted: i64, life: i64) -> Grant {
        Grant {
            refresh_token: Some(Secret::new("refresh")),
            mints: vec![at(minted)],
            ..Grant::new("", Vec::new(), Secret::new("access"), at(minted), at(minted + life))
        }
    }

    /// Seconds from now.
    fn due_for_agent(grant: &Grant, chance: Chance) -> Option<i64> {
        due(grant, Some(LIMIT), agent_ahead(grant, chance), NOW).map(|due| due.duration_since(NOW).as_secs())
    }

    #[test]
    fn the_agent_is_ahead_by_ten_minutes_less_up_to_two_or_by_half_a_short_life() {
        for (minted, life, earliest, latest) in [
            (0, 3600, 3000, 3120),
            (-3000, 3600, 0, 120),
            (-3600, 3600, -600, -480),
            (-100_000, 3600, -97_000, -96_880),
            (0, 1200, 600, 720),
            (0, 600, 300, 360),
            (0, 60, 30, 36),
            (0, 0, 0, 0),
            (0, 10 * 365 * 86_400, 10 * 365 * 86_400 - 600, 10 * 365 * 86_400 - 480),
        ] {
            let grant = grant(minted, life);
            assert_eq!(due_for_agent(&grant, 0), Some(earliest), "{minted} {life}");
            assert_eq!(due_for_agent(&grant, Chance::MAX), Some(latest), "{minted} {life}");
            let between = due_for_agent(&grant, Chance::MAX / 3).expect("due");
            assert!((earliest..=latest).contains(&between), "{minted} {life}");
        }
    }

    #[test]
    fn no_refresh_is_due_where_none_can_help() {
        let ended = grant(-4000, 3600);
        for (over, grant) in [
            (false, ended.clone()),
            (true, Grant { refused: Some("revoked".to_owned()), ..ended.clone() }),
            (true, Grant { refresh_token: None, ..ended.clone() }),
            (true, Grant { refresh_token: None, access_token_expires_at: None, ..ended.clone() }),
        ] {
            assert_eq!(due(&grant, Some(LIMIT), Duration::from_secs(300), NOW).is_none(), over);
        }
    }

    #[test]
    fn a_pause_or_a_spent_budget_puts_it_off() {
        let ended = grant(-4000, 3600);
        let paused = Grant { paused_until: Some(at(90)), ..ended.clone() };
        assert_eq!(due_for_agent(&paused, 0), Some(90));
        assert_eq!(due_for_agent(&Grant { paused_until: Some(at(-1)), ..ended.clone() }, 0), Some(-1000));
        // By a clock that was far ahead.
        assert_eq!(due_for_agent(&Grant { paused_until: Some(at(86_400)), ..ended.clone() }, 0), Some(-1000));
        let mints = |count: i64| (0..count).map(|number| at(-590 + number)).collect();
        let short = |count| Grant { mints: mints(count), ..grant(-10_000, 9_000) };
        let lead = Duration::from_secs(300);
        let due = |grant: &Grant, limit| due(grant, limit, lead, NOW).expect("due").duration_since(NOW).as_secs();
        assert!(due(&short(9), Some(LIMIT)) < 0);
        assert_eq!(due(&short(10), Some(LIMIT)), 10);
        assert_eq!(due(&short(12), Some(LIMIT)), 12);
        assert!(due(&short(10), None) < 0);
        // The later one of both counts.
        assert_eq!(due(&Grant { paused_until: Some(at(90)), ..short(10) }, Some(LIMIT)), 90);
    }

    #[test]
    fn a_token_of_which_no_end_is_known_is_due_now_or_after_the_life_that_most_have() {
        assert_eq!(due_for_agent(&grant(86_400, 3600), 0), Some(0), "minted by a clock that was ahead");
        let unsaid = Grant { access_token_expires_at: None, ..grant(-60, 3600) };
        assert_eq!(due_for_agent(&unsaid, 0), Some(3600 - 60 - 600));
    }

    #[test]
    fn after_failures_the_wait_doubles_up_to_an_end_and_chance_takes_a_part_of_it() {
        let longest = |failures, is_passing| back_off(failures, is_passing, Chance::MAX).as_secs();
        let doubling: Vec<u64> = (0..8).map(|failures| longest(failures, true)).collect();
        assert_eq!(doubling, [30, 30, 60, 120, 240, 480, 600, 600]);
        assert_eq!((longest(9, false), longest(u32::MAX, false)), (3600, 3600));
        for failures in [1, 5, u32::MAX] {
            assert_eq!(back_off(failures, true, 0), Duration::from_secs(1));
            let half = back_off(failures, true, Chance::MAX / 2).as_secs_f64();
            let whole = back_off(failures, true, Chance::MAX).as_secs_f64();
            assert!((half * 2.0 - whole).abs() < 0.1, "{failures}");
        }
    }

    #[test]
    fn no_time_is_too_odd() {
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, NOW, Timestamp::MAX] {
            for noted in [Timestamp::MIN, NOW, Timestamp::MAX] {
                for end in [None, Some(Timestamp::MIN), Some(Timestamp::MAX)] {
                    let grant = Grant { mints: vec![noted], access_token_expires_at: end, ..grant(0, 0) };
                    for ahead in [Duration::ZERO, Duration::from_secs(300), Duration::MAX] {
                        let _ = (due(&grant, Some(LIMIT), ahead, now), agent_ahead(&grant, 7));
                    }
                }
            }
        }
    }
}
