//! The words of the list and the details: states, times, numbers.

use std::time::Duration;

use jiff::Timestamp;

use super::ProfilesPanel;
use crate::config::{Config, Motion};
use crate::error::Advice;
use crate::profile::ProfileName;
use crate::service::{ProfileStatus, State, is_ahead};
use crate::tui::advice;
use crate::tui::keymap::{Command, Scope};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::ago;
use crate::tui::theme::Mark;
use crate::tui::time_left;

/// From here on a time that is left is told in hours or days, which no second changes.
pub(super) const LONG: Duration = Duration::from_secs(10 * 3600);

/// How a profile stands, in the order of the states: who is signed out and has nothing left to revoke wants nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    state: State,
    is_at_rest: bool,
}

impl Standing {
    pub(super) fn of(status: &ProfileStatus, now: Timestamp) -> Self {
        let state = status.state_at(now);
        Self { is_at_rest: state == State::SignedOut && !status.is_unrevoked, state }
    }

    pub(super) fn wants_a_person(self) -> bool {
        self.in_words().0 == Mark::NeedsSignIn
    }

    pub(super) fn in_words(self) -> (Mark, &'static str) {
        let mark = match self.state {
            State::SignedOut if self.is_at_rest => Mark::Off,
            State::SignedOut => return (Mark::NeedsSignIn, "not revoked"),
            State::NeedsLogin | State::Unknown => Mark::NeedsSignIn,
            State::Expiring | State::Expired => Mark::Attention,
            State::Valid => Mark::Good,
        };
        (mark, self.state.in_few_words())
    }
}

/// Beside the name of the profile that is used where none is named, in a list with others: as `device-login status` has it.
pub(super) fn default_mark(status: &ProfileStatus, config: &Config) -> &'static str {
    let is_default = config.profiles.len() > 1 && config.default_profile.as_ref() == Some(&status.name);
    if is_default { " *" } else { "" }
}

/// The state of a profile with its mark.
pub(super) fn state_in_words(status: &ProfileStatus, now: Timestamp) -> (Mark, &'static str) {
    match Standing::of(status, now).in_words() {
        (Mark::Off, _) if status.waiting_code(now).is_some() => (Mark::Working, "pending"),
        state => state,
    }
}

/// What signs the profile in, as a clause: a key of the list, or a command.
pub(super) fn signing_in(around: &Surroundings, panel: &ProfilesPanel, profile: &ProfileName) -> String {
    match around.other_way(profile) {
        None => advice::press(&around.key(Scope::Profiles, Command::SignIn)),
        Some(_) => advice::said(around, panel, &Advice::SignIn(profile.clone())),
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

    use super::{Now, ProfileStatus, Standing, State, count, left_in_words, when};
    use crate::clock::Moment;
    use crate::config::Motion;
    use crate::tui::panels::profiles::tests::{at, status};

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            [0, 12, 999, 1000, 10_000, 1_234_567].map(count),
            ["0", "12", "999", "1,000", "10,000", "1,234,567"]
        );
    }

    #[test]
    fn profiles_stand_in_the_order_of_their_states_and_those_at_rest_want_nobody() {
        let standing = |state, left, is_unrevoked| {
            Standing::of(&ProfileStatus { is_unrevoked, ..status("work", state, left) }, at(10_000).time)
        };
        let worst_first = [
            (standing(State::NeedsLogin, 0, false), "sign in again", true),
            (standing(State::SignedOut, 0, true), "not revoked", true),
            (standing(State::SignedOut, 0, false), "signed out", false),
            (standing(State::Unknown, 0, false), "cannot tell", true),
            (standing(State::Expiring, 100, false), "ends soon", false),
            (standing(State::Expired, 1, false), "ended", false),
            (standing(State::Valid, 4000, false), "valid", false),
        ];
        assert!(worst_first.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (standing, word, wants_a_person) in worst_first {
            assert_eq!((standing.in_words().1, standing.wants_a_person()), (word, wants_a_person));
        }
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
