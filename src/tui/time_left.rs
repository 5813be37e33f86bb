//! Times that are left: their words, and when these change, which is when a screen wakes.
//!
//! Nothing else decides either, so that no clock moves more often than the person wants and none stands still.

use std::time::Duration;

use crate::clock::Moment;
use crate::config::Motion;
use crate::words::minutes_and_seconds;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Up to here reduced motion tells minutes, and hours from there on.
const LONGEST_IN_MINUTES: Duration = Duration::from_secs(2 * 3600);
/// What reduced motion tells of the last minute.
const LAST: [Duration; 3] = [Duration::from_secs(10), Duration::from_secs(30), MINUTE];

/// A time that is left, in words: `4:32` where clocks tick, else `5 min`. Nothing is left only at the end, and not the
/// second before it.
pub fn in_words(left: Duration, motion: Motion) -> String {
    let told = told(left, motion);
    let seconds = told.as_secs();
    match motion {
        Motion::Full => minutes_and_seconds(told),
        Motion::Reduced if told < MINUTE => format!("{seconds} s"),
        Motion::Reduced if told <= LONGEST_IN_MINUTES => format!("{} min", seconds / 60),
        Motion::Reduced => format!("{} h", seconds / 3600),
    }
}

/// The time that is told instead of `left`: the next longer one that has words of its own. Gauges show it too.
pub fn told(left: Duration, motion: Motion) -> Duration {
    match motion {
        Motion::Full => up_to_next(left, SECOND),
        Motion::Reduced if left.is_zero() => left,
        Motion::Reduced => match LAST.into_iter().find(|last| left <= *last) {
            Some(last) => last,
            None if left <= LONGEST_IN_MINUTES => up_to_next(left, MINUTE),
            None => up_to_next(left, HOUR),
        },
    }
}

/// How long the words for `left` hold, `None` for those of the end.
pub fn holds_for(left: Duration, motion: Motion) -> Option<Duration> {
    let told = told(left, motion);
    let next = match motion {
        Motion::Full => told.checked_sub(SECOND)?,
        Motion::Reduced if told <= MINUTE => {
            let shorter = LAST.into_iter().rev().find(|last| *last < told);
            shorter.or_else(|| told.checked_sub(LAST[0]))?
        }
        Motion::Reduced if told <= LONGEST_IN_MINUTES => told.saturating_sub(MINUTE),
        Motion::Reduced => told.saturating_sub(HOUR),
    };
    Some(left.saturating_sub(next))
}

/// The next moment at which one of the clocks that count down to `ends` tells something else. Clocks that tick all do so
/// with the first of them that still runs, so that a second has one frame.
pub fn next_change(ends: impl IntoIterator<Item = Moment>, now: Moment, motion: Motion) -> Option<Moment> {
    let mut changes = ends.into_iter().filter_map(|end| Some(now + holds_for(now.until(end), motion)?));
    match motion {
        Motion::Full => changes.next(),
        Motion::Reduced => changes.min(),
    }
}

fn up_to_next(time: Duration, step: Duration) -> Duration {
    let steps = time.as_nanos().div_ceil(step.as_nanos());
    u32::try_from(steps).ok().and_then(|steps| step.checked_mul(steps)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{holds_for, in_words, next_change, told};
    use crate::clock::Moment;
    use crate::config::Motion::{self, Full, Reduced};

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn words(milliseconds: u64, motion: Motion) -> String {
        in_words(Duration::from_millis(milliseconds), motion)
    }

    #[test]
    fn a_ticking_clock_shows_zero_at_the_end_only() {
        assert_eq!([1, 299_001, 0].map(|left| words(left, Full)), ["0:01", "5:00", "0:00"]);
    }

    #[test]
    fn reduced_motion_tells_whole_minutes_and_then_the_last_60_and_30_and_10_seconds() {
        let at = |left| words(left, Reduced);
        assert_eq!([300_000, 240_001, 240_000, 60_001].map(at), ["5 min", "5 min", "4 min", "2 min"]);
        assert_eq!([60_000, 30_001, 30_000, 10_001].map(at), ["1 min", "1 min", "30 s", "30 s"]);
        assert_eq!([10_000, 1, 0].map(at), ["10 s", "10 s", "0 s"]);
        assert_eq!([7_200_000, 7_200_001, 36_000_000].map(at), ["120 min", "3 h", "10 h"]);
    }

    #[test]
    fn ticking_clocks_share_their_seconds_and_rounded_ones_change_each_at_its_own() {
        let at = |milliseconds| Moment::at(Duration::from_millis(milliseconds));
        let ends = [at(300_000), at(25_500)];
        assert_eq!(next_change(ends, at(250), Full), Some(at(1_000)));
        assert_eq!(next_change(ends, at(250), Reduced), Some(at(15_500)));
        assert_eq!(next_change(ends, at(26_000), Reduced), Some(at(60_000)));
        assert_eq!(next_change([at(5), at(1_005)], at(5), Full), Some(at(1_005)));
        assert_eq!(next_change(ends, at(300_000), Full).or(next_change(ends, at(300_000), Reduced)), None);
    }

    proptest! {
        #[test]
        fn words_hold_until_the_screen_wakes_and_are_others_then(
            left in prop_oneof![0..100_000_u64, 0..9_000_000_u64, 0..200_000_000_u64],
            part in 0.0..1.0_f64,
            reduced: bool,
        ) {
            let motion = if reduced { Reduced } else { Full };
            let left = Duration::from_millis(left);
            prop_assert!(told(left, motion) >= left);
            match holds_for(left, motion) {
                None => prop_assert!(left.is_zero()),
                Some(holds) => {
                    prop_assert!(!holds.is_zero() && holds <= left);
                    let passed = holds.mul_f64(part).min(holds.saturating_sub(MILLISECOND));
                    let (before, then) = (left.saturating_sub(passed), left.saturating_sub(holds));
                    prop_assert_eq!(in_words(before, motion), in_words(left, motion));
                    prop_assert_ne!(in_words(then, motion), in_words(left, motion));
                    prop_assert_eq!(told(then, motion), then);
                }
            }
        }
    }

    #[test]
    fn no_time_is_too_long() {
        for motion in [Full, Reduced] {
            assert!(!in_words(Duration::MAX, motion).is_empty());
            assert!(holds_for(Duration::MAX, motion).is_some_and(|holds| !holds.is_zero()));
        }
    }
}
