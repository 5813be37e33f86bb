//! Which profiles the list shows and in which order: what is typed to find some, what they are sorted by, and the cursor.
//!
//! The order is made anew when something changes it. A frame, a tick and a step of the cursor only read it.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::words::{Standing, default_mark, state_in_words};
use crate::config::Config;
use crate::profile::ProfileName;
use crate::service::ProfileStatus;
use crate::sorted;
use crate::tui::lines::shown;
use crate::tui::text::width;
use crate::tui::widgets::field::Field;

/// What the profiles are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    /// The worst first.
    State,
    /// The soonest end first.
    TimeLeft,
    /// The last one first.
    Renewed,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Sort::Name => Sort::State,
            Sort::State => Sort::TimeLeft,
            Sort::TimeLeft => Sort::Renewed,
            Sort::Renewed => Sort::Name,
        }
    }
}

/// What the columns of the list have to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Widest {
    pub(super) name: usize,
    pub(super) account: usize,
    pub(super) data_center: usize,
    /// The longest time that is left; none where no token has one.
    pub(super) left: Duration,
    pub(super) is_any_refreshed: bool,
}

/// The list as the person has arranged it.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Positions in the statuses.
    order: Vec<usize>,
    widest: Widest,
    cursor: usize,
    /// As the person wants it. Until then the worst come first where a profile wants a person.
    chosen: Option<Sort>,
    is_anybody_wanted: bool,
    is_reversed: bool,
    filter: Option<Field>,
    /// Keys go to the filter.
    is_typing: bool,
}

impl Table {
    /// Positions in the statuses, in the order of the list.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(super) fn widest(&self) -> Widest {
        self.widest
    }

    /// The row of the cursor.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn set_cursor(&mut self, row: usize) {
        self.cursor = row.min(self.order.len().saturating_sub(1));
    }

    pub(super) fn filter(&self) -> Option<&Field> {
        self.filter.as_ref()
    }

    pub(super) fn is_typing(&self) -> bool {
        self.is_typing
    }

    /// Opens the filter, or goes on typing in it.
    pub(super) fn type_filter(&mut self) -> &mut Field {
        self.is_typing = true;
        self.filter.get_or_insert_with(|| Field::new(""))
    }

    /// Leaves what was typed in force; without any there is no filter.
    pub(super) fn end_typing(&mut self) {
        self.is_typing = false;
        self.filter.take_if(|filter| filter.text().trim().is_empty());
    }

    /// Shows all profiles again; tells whether some were left out.
    pub(super) fn clear_filter(&mut self) -> bool {
        self.is_typing = false;
        self.filter.take().is_some()
    }

    pub(super) fn sort_by_next(&mut self) {
        (self.chosen, self.is_reversed) = (Some(self.sorted_by().next()), false);
    }

    fn sorted_by(&self) -> Sort {
        self.chosen.unwrap_or(if self.is_anybody_wanted { Sort::State } else { Sort::Name })
    }

    pub(super) fn reverse(&mut self) {
        (self.chosen, self.is_reversed) = (Some(self.sorted_by()), !self.is_reversed);
    }

    /// What comes first, in words.
    pub(super) fn sorted_in_words(&self) -> &'static str {
        match (self.sorted_by(), self.is_reversed) {
            (Sort::Name, false) => "by name",
            (Sort::Name, true) => "by name, Z first",
            (Sort::State, false) => "worst first",
            (Sort::State, true) => "best first",
            (Sort::TimeLeft, false) => "soonest end first",
            (Sort::TimeLeft, true) => "latest end first",
            (Sort::Renewed, false) => "last refreshed first",
            (Sort::Renewed, true) => "longest not refreshed first",
        }
    }

    /// Makes the order anew, with the cursor on `selected` if that is in it, else on the first.
    pub(super) fn arrange(
        &mut self,
        statuses: &[ProfileStatus],
        config: &Config,
        selected: Option<&ProfileName>,
        now: Timestamp,
    ) {
        let text = self.filter.as_ref().map(|filter| filter.text().to_lowercase()).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let matches = |status: &ProfileStatus| {
            words.is_empty() || {
                let text = searched(status, config, now);
                words.iter().all(|word| text.contains(word))
            }
        };
        self.order = (0..statuses.len()).filter(|position| matches(&statuses[*position])).collect();
        self.is_anybody_wanted = statuses.iter().any(|status| Standing::of(status, now).wants_a_person());
        self.sort(statuses, now);
        let listed = self.order.iter().filter_map(|position| statuses.get(*position));
        self.widest = listed.fold(Widest::default(), |widest, status| wider(widest, status, config, now));
        self.follow(statuses, selected);
    }

    /// Puts the cursor on a profile, or on the first row.
    pub(super) fn follow(&mut self, statuses: &[ProfileStatus], selected: Option<&ProfileName>) {
        let named = |position: &usize| statuses.get(*position).map(|status| &status.name) == selected;
        self.cursor = selected.and_then(|_| self.order.iter().position(named)).unwrap_or_default();
    }

    /// Tells whether the cursor is on this profile.
    pub(super) fn is_at(&self, statuses: &[ProfileStatus], name: Option<&ProfileName>) -> bool {
        let at = self.order.get(self.cursor).and_then(|position| statuses.get(*position));
        at.map(|status| &status.name) == name
    }

    /// The statuses come by name, and sorting keeps that order among equals.
    fn sort(&mut self, statuses: &[ProfileStatus], now: Timestamp) {
        let is_reversed = self.is_reversed;
        let turned = |order: Ordering| if is_reversed { order.reverse() } else { order };
        // What has no time comes last in either direction.
        let by_time = |one: Option<Timestamp>, other: Option<Timestamp>| match (one, other) {
            (Some(one), Some(other)) => turned(one.cmp(&other)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        match self.sorted_by() {
            Sort::Name if is_reversed => self.order.reverse(),
            Sort::Name => {}
            Sort::State => {
                let badness = |position: &usize| statuses[*position].badness(None, now);
                sorted::by(&mut self.order, |one, other| turned(badness(one).cmp(&badness(other))));
            }
            Sort::TimeLeft => {
                let end = |position: &usize| statuses[*position].access_token_expires_at;
                sorted::by(&mut self.order, |one, other| by_time(end(one), end(other)));
            }
            Sort::Renewed => {
                let last = |position: &usize| statuses[*position].last_refresh.as_ref().map(|last| last.at);
                sorted::by(&mut self.order, |one, other| match (last(one), last(other)) {
                    (Some(one), Some(other)) => by_time(Some(other), Some(one)),
                    (one, other) => by_time(one, other),
                });
            }
        }
    }
}

fn wider(widest: Widest, status: &ProfileStatus, config: &Config, now: Timestamp) -> Widest {
    let account = status.account.as_ref().map_or(0, |account| width(&shown(account.label())));
    Widest {
        name: widest.name.max(status.name.as_str().len() + default_mark(status, config).len()),
        account: widest.account.max(account),
        data_center: widest.data_center.max(status.data_center.as_deref().map_or(0, width)),
        left: widest.left.max(status.remaining(now)),
        is_any_refreshed: widest.is_any_refreshed || status.last_refresh.is_some() || status.waits_until(now).is_some(),
    }
}

/// All that a person may type to find a profile, in lower case: its names, and its state as it stands in the list.
fn searched(status: &ProfileStatus, config: &Config, now: Timestamp) -> String {
    let (_, state) = state_in_words(status, now);
    let account = status.account.as_ref();
    let names = [
        Some(status.name.as_str()),
        Some(status.provider.as_str()),
        config.profiles.get(&status.name).map(|profile| config.provider_label(profile)),
        status.data_center.as_deref(),
        account.and_then(|account| account.email.as_deref()),
        account.and_then(|account| account.name.as_deref()),
        account.map(|account| account.id.as_str()),
        Some(state),
        Some(status.state_at(now).word()),
    ];
    let mut text = String::with_capacity(128);
    for name in names.into_iter().flatten() {
        text.push_str(name);
        text.push('\n');
    }
    text.to_lowercase()
}
