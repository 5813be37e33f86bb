//! The status for people: a line for each profile, and what has to be said of some below.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use jiff::Timestamp;

use super::Seen;
use crate::cli::colors::{BOLD_RED, CYAN, YELLOW};
use crate::cli::table::{Cell, Step, Table};
use crate::cli::words;
use crate::service::{Alarm, Budget, ProfileStatus, State, Verified, not_refreshed};
use crate::storage::{Account, Protection};
use crate::words::some_of;

/// Whose names are cut last: a name that is not whole may be that of another profile.
const STEPS: [Step; 14] = [
    Step::DropEmpty,
    Step::Shorten("STATE"),
    Step::Shorten("BUDGET"),
    Step::Shorten("PROFILE"),
    Step::Cut("ACCOUNT", 12),
    Step::Cut("PROVIDER", 10),
    Step::Drop("BUDGET"),
    Step::Cut("PROFILE", 24),
    Step::Drop("PROVIDER"),
    Step::Drop("ACCOUNT"),
    Step::Drop("ENDS"),
    Step::Drop("VERIFIED"),
    Step::Cut("PROFILE", 8),
    Step::Cut("STATE", 0),
];

pub(super) fn table(seen: &[Seen], now: Timestamp) -> Table<'static> {
    let is_verified = seen.iter().any(|seen| seen.verified.is_some());
    let verified = is_verified.then_some("VERIFIED");
    let titles = ["PROFILE", "STATE"].into_iter().chain(verified).chain(["ENDS", "PROVIDER", "BUDGET", "ACCOUNT"]);
    Table {
        titles: titles.collect(),
        rows: seen.iter().map(|seen| row(seen, is_verified, now)).collect(),
        steps: &STEPS,
    }
}

fn row(seen: &Seen, is_verified: bool, now: Timestamp) -> Vec<Cell> {
    let status = &seen.status;
    let name = Cell::profile(&status.name, seen.is_default);
    let (in_words, short) = (status.state.in_words(), status.state.in_few_words());
    let pending = if status.waiting_code(now).is_some() { ", pending" } else { "" };
    let state = Cell::new(format!("{in_words}{pending}")).short(short).colored(match seen.alarm {
        Alarm::Bad => BOLD_RED,
        Alarm::Soon | Alarm::CannotTell => YELLOW,
        Alarm::Ok if status.state == State::Valid => CYAN,
        Alarm::Ok => "",
    });
    let verified = seen.verified.as_ref().map(|verified| {
        Cell::new(verified.in_words()).colored(match verified {
            Verified::Valid => CYAN,
            Verified::Bad(_) => BOLD_RED,
            Verified::CannotTell(_) => YELLOW,
        })
    });
    let provider = match &status.data_center {
        Some(data_center) => format!("{} {}", status.provider, words::data_center(data_center)),
        None => status.provider.clone(),
    };
    let used = status.budget.as_ref().map(|budget| (budget.used(now), budget.limit));
    let budget = match (seen.waits_until, used) {
        (Some(until), _) => {
            let left = words::time_left(now.duration_until(until).unsigned_abs());
            // A time alone would be taken for that of a token.
            Cell::new(format!("wait {left}")).colored(YELLOW)
        }
        (None, Some((used, limit))) => Cell::new(format!("{used} of {limit} used")).short(format!("{used}/{limit}")),
        (None, None) => Cell::default(),
    };
    let account = status.account.as_ref().map(Account::label);
    let verified = is_verified.then(|| verified.unwrap_or_default());
    let rest = [Cell::maybe(ends(status, now)), Cell::new(provider), budget, Cell::maybe(account)];
    [name, state].into_iter().chain(verified).chain(rest).collect()
}

/// When the access token ends.
pub(super) fn ends(status: &ProfileStatus, now: Timestamp) -> Option<String> {
    match status.access_token_expires_at {
        Some(time) if time > now => Some(format!("in {}", words::time_left(now.duration_until(time).unsigned_abs()))),
        Some(time) => Some(format!("{} ago", words::duration(time.duration_until(now).unsigned_abs()))),
        None if status.state == State::Valid => Some("no end known".to_owned()),
        None => None,
    }
}

/// What has to be said below the table.
pub(super) fn below(seen: &[Seen], store: Option<&Path>, now: Timestamp) -> Vec<String> {
    let said =
        seen.iter().flat_map(|seen| remarks(seen, now).into_iter().map(|remark| (remark, seen.status.name.as_str())));
    let mut lines: Vec<String> =
        by_what_is_said(said).into_iter().map(|(remark, names)| format!("{}: {remark}", some_of(&names))).collect();
    // Every profile is in the same store.
    if let Some(protection) = seen.iter().find_map(|seen| seen.status.protection.as_ref()) {
        let place = protection.place.as_ref().map_or_else(String::new, |place| format!(" in {place}"));
        lines.push(match store.filter(|store| matches!(store.try_exists(), Ok(false))) {
            Some(store) => format!("There is no store at {} yet.", store.display()),
            None => format!("Records{place}: {protection}"),
        });
        lines.extend(Protection::warning(protection).map(|warning| format!("warning: {warning}")));
    }
    lines
}

/// What has to be said of a profile beside its row.
pub(super) fn remarks(seen: &Seen, now: Timestamp) -> Vec<String> {
    let Seen { status, verified, .. } = seen;
    let wait = seen.wait().map(|wait| match &status.budget {
        Some(Budget { limit, window, .. }) if status.pause(now).is_none() => {
            format!("{wait}: {limit} in {} are used, which is all", words::duration(*window))
        }
        _ => format!("{wait}: the provider asks to wait"),
    });
    let pending = status.waiting_code(now).map(words::waiting_code);
    let missing =
        (!status.missing_scopes.is_empty()).then(|| format!("not granted: {}", status.missing_scopes.join(", ")));
    let refresh = status.last_refresh.as_ref().and_then(|last| last.error.as_ref());
    // Which profile it was stands before it.
    let failed = format!("{}: ", not_refreshed(&status.name));
    let refresh = refresh.map(|error| match error.strip_prefix(&failed) {
        // What ended the sign-in was no refresh.
        None if status.over.as_ref() == Some(error) => error.clone(),
        cause => format!("last refresh: {}", cause.unwrap_or(error)),
    });
    let over = status.over_by_other_means().map(str::to_owned);
    let verified = verified.as_ref().and_then(Verified::problem).map(ToString::to_string);
    // Those that begin with the profile stand behind its name, so that what is said of several is said once.
    let subject = format!("Profile `{}` ", status.name);
    let warnings = status.warnings.iter().map(|warning| match warning.strip_prefix(&subject) {
        Some(predicate) => predicate.to_owned(),
        None => format!("warning: {warning}"),
    });
    let environment = status.api_domain.as_ref().filter(|_| status.is_other_environment);
    let environment = environment.map(|domain| format!("calls go to {domain}"));
    pending
        .into_iter()
        .chain(missing)
        .chain(environment)
        .chain(wait)
        .chain(refresh)
        .chain(over)
        .chain(verified)
        .chain(warnings)
        .collect()
}

/// What is said of several profiles alike, once, with all of them, in the order in which it is said first.
pub(super) fn by_what_is_said<'a, T: ToString>(said: impl Iterator<Item = (T, &'a str)>) -> Vec<(T, Vec<&'a str>)> {
    let mut groups: Vec<(T, Vec<&str>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (what, name) in said {
        match places.entry(what.to_string()) {
            Entry::Occupied(place) => groups[*place.get()].1.push(name),
            Entry::Vacant(place) => {
                place.insert(groups.len());
                groups.push((what, vec![name]));
            }
        }
    }
    groups
}
