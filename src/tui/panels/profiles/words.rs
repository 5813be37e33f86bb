//! The words of the list and the details: states, times, numbers.

use std::time::Duration;

use jiff::Timestamp;

use super::ProfilesPanel;
use crate::config::{Config, Motion};
use crate::service::{ProfileStatus, State, is_ahead};
use crate::tui::surroundings::Now;
use crate::tui::text::ago;
use crate::tui::theme::Mark;
use crate::tui::time_left;

/// From here on a time that is left is told in hours or days, which no second changes.
pub(super) const LONG: Duration = Duration::from_secs(10 * 3600);

/// How a profile can stand, the worst first.
pub(super) const WORST_FIRST: [(Mark, &str); 7] = [
    (Mark::NeedsSignIn, State::NeedsLogin.in_few_words()),
    (Mark::NeedsSignIn, "not revoked"),
    (Mark::NeedsSignIn, State::Unknown.in_few_words()),
    (Mark::Attention, State::Expired.in_few_words()),
    (Mark::Attention, State::Expiring.in_few_words()),
    (Mark::Good, State::Valid.in_few_words()),
    (Mark::Off, State::SignedOut.in_few_words()),
];

/// Beside the name of the profile that is used where none is named, in a list with others: as `device-login status` has it.
pub(super) fn default_mark(status: &ProfileStatus, config: &Config) -> &'static str {
    let is_default = config.profiles.len() > 1 && config.default_profile.as_ref() == Some(&status.name);
    if is_default { " *" } else { "" }
}

/// So many of these want a person.
pub(super) const WANTING: usize = 3;

/// The place of a profile among these.
pub(super) fn rank(status: &ProfileStatus, now: Timestamp) -> usize {
    match status.state_at(now) {
        State::NeedsLogin => 0,
        State::SignedOut if status.is_unrevoked => 1,
        State::Unknown => 2,
        State::Expired => 3,
        State::Expiring => 4,
        State::Valid => 5,
        State::SignedOut => 6,
    }
}

/// The state of a profile with its mark.
pub(super) fn state_in_words(status: &ProfileStatus, now: Timestamp) -> (Mark, &'static str) {
    match WORST_FIRST[rank(status, now)] {
        (Mark::Off, _) if status.waiting_code(now).is_some() => (Mark::Working, "pending"),
        state => state,
    }
}

/// The state of a profile, or what is under way for it.
pub(super) fn standing(panel: &ProfilesPanel, status: &ProfileStatus, now: Now) -> (Mark, &'static str) {
    match panel.under_way.get(&status.name) {
        Some((_, work)) => (Mark::Working, work.in_words()),
        None if !panel.is_loaded => (Mark::Working, "reading"),
        None => state_in_words(status, now.time),
    }
}

/// A time that is left: `4:32`, `1:02:03`, `26 h`, `12 days`; `5 min` for `4:32` where nothing is to tick.
pub(super) fn left_in_words(left: Duration, motion: Motion) -> String {
    let hours = left.as_secs() / 3600;
    match hours {
        _ if left < LONG => time_left::in_words(left, motion),
        0..48 => format!("{hours} h"),
        _ => format!("{} days", hours / 24),
    }
}

/// How long ago that was. A clock that has been set back since makes a time to come of it.
pub(super) fn when(then: Timestamp, now: Now) -> String {
    if is_ahead(then, now.time) {
        return "clock was ahead".to_owned();
    }
    ago(now.since(then))
}

/// A number with its thousands apart: `10,000`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Now, count, left_in_words, when};
    use crate::clock::Moment;
    use crate::config::Motion;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            [0, 12, 999, 1000, 10_000, 1_234_567].map(count),
            ["0", "12", "999", "1,000", "10,000", "1,234,567"]
        );
    }

    #[test]
    fn a_time_that_has_yet_to_come_was_noted_by_another_clock() {
        let now = Now { moment: Moment::default(), time: Timestamp::UNIX_EPOCH };
        let at = |seconds| when(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds), now);
        assert_eq!([-120, 0, 300, 301].map(at), ["2 min ago", "just now", "just now", "clock was ahead"]);
    }

    #[test]
    fn only_times_that_are_short_tick() {
        let left = |hours: u64| left_in_words(Duration::from_secs(hours * 3600 + 61), Motion::Full);
        assert_eq!([0, 9, 10, 47, 48].map(left), ["1:01", "9:01:01", "10 h", "47 h", "2 days"]);
    }
}
