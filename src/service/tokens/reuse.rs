//! What it probably means when a provider that rotates refresh tokens refuses the newest one that is known here.
//!
//! Where every refresh replaces the token, a refusal soon after a success says that somebody else has used the grant, or
//! that the replacement got lost on its way. Where tokens stay the same it says nothing of the kind, and nothing is said.
//! Answers that got lost with the process that waited for them are known from the journal (`Held::claim`).

use jiff::{SignedDuration, Timestamp};

use super::ends::is_ahead;
use crate::error::Error;
use crate::providers::Rotation;
use crate::storage::LastRefresh;

/// How long after a success a refusal is still one right after it: tokens also end because nobody uses them for weeks.
const RIGHT_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The refusal with what it means after `last`, the refresh before it. `answer_lost` tells of the same refresh.
pub(super) fn alarmed(
    refusal: Error,
    rotation: Rotation,
    last: Option<&LastRefresh>,
    answer_lost: bool,
    now: Timestamp,
) -> Error {
    let (may_rotate, rotates_strictly) = match rotation {
        Rotation::Strict => (true, true),
        Rotation::Unknown => (true, last.is_some_and(|last| last.rotates)),
        Rotation::None | Rotation::Grace => (false, false),
    };
    let is_answer_lost = answer_lost || last.is_some_and(|last| last.answer_lost);
    let (meaning, likely) = if may_rotate && is_answer_lost {
        (
            "the answer to a refresh got lost before",
            &["the lost answer held the refresh token that replaced this one"][..],
        )
    } else if rotates_strictly
        && last.is_some_and(|last| {
            last.error.is_none() && !is_ahead(last.at, now) && now.duration_since(last.at) <= RIGHT_AFTER
        })
    {
        (
            "the token is the newest one, so somebody else may have used it",
            &[
                "another machine or program uses a copy of these credentials, such as a copied store or a restored backup",
                "the refresh token was stolen: look through the account's sessions and end those that nobody knows",
            ][..],
        )
    } else {
        return refusal;
    };
    let causes = likely.iter().map(|&cause| cause.to_owned()).chain(refusal.causes.clone()).collect();
    refusal.adding(meaning).likely(causes)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::alarmed;
    use crate::error::{Code, Error};
    use crate::providers::Rotation;
    use crate::storage::LastRefresh;

    const LOST: &str = "lost";
    const SOMEBODY: &str = "somebody else";

    /// The part of the alarm, if there is one.
    fn alarm(rotation: Rotation, last: Option<&LastRefresh>, answer_lost: bool) -> Option<&'static str> {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000);
        let refusal = Error::new(Code::SignInNeeded, "refused").because("revoked").likely(vec!["revoked".to_owned()]);
        let error = alarmed(refusal.clone(), rotation, last, answer_lost, now);
        let text = error.to_string();
        let alarm = [LOST, SOMEBODY].into_iter().find(|part| text.contains(part));
        assert_eq!(alarm.is_none(), error == refusal, "{text}");
        assert_eq!(error.causes.last(), refusal.causes.last());
        alarm
    }

    fn last(hours_ago: i64, change: impl FnOnce(&mut LastRefresh)) -> LastRefresh {
        let mut last = LastRefresh::new(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000 - hours_ago), None);
        change(&mut last);
        last
    }

    #[test]
    fn only_where_tokens_are_replaced_a_refusal_means_reuse_or_a_lost_answer() {
        let worked = last(1, |_| {});
        let lost = last(1, |last| (last.answer_lost, last.error) = (true, Some("timeout".to_owned())));
        assert_eq!(alarm(Rotation::Strict, Some(&worked), false), Some(SOMEBODY));
        assert_eq!(alarm(Rotation::Strict, Some(&lost), false), Some(LOST));
        assert_eq!(alarm(Rotation::Strict, None, true), Some(LOST));
        for rotation in [Rotation::None, Rotation::Grace, Rotation::Unknown] {
            assert_eq!(alarm(rotation, Some(&worked), false), None);
        }
        for rotation in [Rotation::None, Rotation::Grace] {
            assert_eq!(alarm(rotation, Some(&lost), true), None);
        }
        // The lost answer may have been the first from which this would have been learnt.
        assert_eq!(alarm(Rotation::Unknown, Some(&lost), false), Some(LOST));
    }

    #[test]
    fn a_server_of_unknown_ways_that_has_replaced_a_token_counts_as_strict() {
        let replaced = last(1, |last| last.rotates = true);
        assert_eq!(alarm(Rotation::Unknown, Some(&replaced), false), Some(SOMEBODY));
        assert_eq!(alarm(Rotation::Unknown, Some(&replaced), true), Some(LOST));
        assert_eq!(alarm(Rotation::None, Some(&replaced), true), None);
    }

    #[test]
    fn a_refusal_long_after_or_without_a_success_is_an_ordinary_one() {
        assert_eq!(alarm(Rotation::Strict, None, false), None);
        assert_eq!(alarm(Rotation::Strict, Some(&last(25, |_| {})), false), None);
        // By a clock that was ahead.
        assert_eq!(alarm(Rotation::Strict, Some(&last(-1, |_| {})), false), None);
        let failed = last(1, |last| last.error = Some("no network".to_owned()));
        assert_eq!(alarm(Rotation::Strict, Some(&failed), false), None);
    }
}
