//! `status`: how profiles stand, for people, scripts and monitoring. Never calls the network.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::error::Error;
use crate::service::{ProfileStatus, State};
use crate::storage::{Account, Protection};
use crate::words::minutes_and_seconds;

/// Show how profiles stand, without asking anybody
#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    profile: Positional,
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
    /// End with 0 if all is well, 1 if something ends soon, 2 if it is bad, 3 if that cannot be told
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct StatusJson<'a> {
    schema_version: u32,
    profiles: Vec<ProfileJson<'a>>,
}

#[derive(Serialize)]
struct ProfileJson<'a> {
    name: &'a str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_center: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a Account>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    scopes: &'a [String],
    refreshable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_refresh_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    store: StoreJson,
}

#[derive(Serialize)]
struct BudgetJson {
    used: usize,
    limit: usize,
    window_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
}

#[derive(Serialize)]
struct StoreJson {
    kind: &'static str,
    protection: &'static str,
}

/// What monitoring makes of a profile; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Ok = 0,
    Soon = 1,
    Bad = 2,
    CannotTell = 3,
}

impl Status {
    /// For people, of every profile.
    pub(super) fn of_all() -> Self {
        Self { profile: Positional { name: None }, json: false, check: false }
    }

    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        if self.json {
            context.output.use_json();
        }
        let check = self.check;
        self.show(context).or_else(|error| {
            if !check {
                return Err(error);
            }
            context.output.error(&context.telling_place(error));
            Ok(Check::CannotTell as u8)
        })
    }

    fn show(self, context: &Context) -> Result<u8, Error> {
        let service = context.service()?;
        let now = clock::wall();
        let statuses = match context.profile_name(&self.profile)? {
            Some(name) => vec![service.status(service.config.profile(Some(&name))?, now)],
            None => service.statuses(now),
        };
        for status in &statuses {
            context.output.tells(&status.warnings);
        }
        if self.json {
            let profiles = statuses.iter().map(|status| profile_json(status, now)).collect();
            context.output.json(&StatusJson { schema_version: 1, profiles })?;
        } else if statuses.is_empty() {
            context.output.note("There is no profile yet. `device-login profile add` adds one.");
        } else {
            context.output.text(&table(&statuses, now))?;
            let problems = statuses.iter().filter_map(|status| Some((status.problem.clone()?, status.name.as_str())));
            for (problem, names) in by_what_is_said(problems) {
                let about =
                    if names.len() > 1 { format!("{}: {}", some_of(&names), problem.message) } else { problem.message };
                context.output.error(&Error { message: about, ..problem });
            }
        }
        let problem = statuses.iter().find_map(|status| status.problem.as_ref());
        Ok(match problem {
            _ if self.check => worst(&statuses) as u8,
            Some(problem) => problem.code.exit_code(),
            None => 0,
        })
    }
}

fn profile_json(status: &ProfileStatus, now: Timestamp) -> ProfileJson<'_> {
    let refresh_error = status.last_refresh.as_ref().and_then(|last| last.error.clone());
    ProfileJson {
        name: status.name.as_str(),
        provider: &status.provider,
        data_center: status.data_center.as_deref(),
        account: status.account.as_ref(),
        state: status.state.word(),
        api_domain: status.api_domain.as_deref(),
        access_token_expires_at: status.access_token_expires_at.map(words::rfc3339),
        expires_in: status.access_token_expires_at.map(|time| words::seconds_until(time, now)),
        scopes: &status.scopes,
        refreshable: status.refreshable,
        budget: status.budget.as_ref().map(|budget| BudgetJson {
            used: budget.used(now),
            limit: budget.limit,
            window_seconds: budget.window.as_secs(),
            resets_at: budget.resets_at(now).map(words::rfc3339),
        }),
        last_refresh_at: status.last_refresh.as_ref().map(|last| words::rfc3339(last.at)),
        last_error: status.problem.as_ref().map(ToString::to_string).or(refresh_error),
        warnings: status
            .warnings
            .iter()
            .cloned()
            .chain(status.protection.as_ref().and_then(Protection::warning))
            .collect(),
        store: status.protection.as_ref().map_or(StoreJson { kind: "unknown", protection: "unknown" }, |protection| {
            StoreJson { kind: protection.kind, protection: protection.key.word() }
        }),
    }
}

/// A line for each profile, and what has to be said of some below.
fn table(statuses: &[ProfileStatus], now: Timestamp) -> String {
    let mut rows = vec![["PROFILE", "STATE", "ENDS", "PROVIDER", "BUDGET", "ACCOUNT"].map(str::to_owned)];
    rows.extend(statuses.iter().map(|status| row(status, now)));
    let mut lines = words::columns(&rows);
    let said = by_what_is_said(
        statuses.iter().flat_map(|status| remarks(status).into_iter().map(|remark| (remark, status.name.as_str()))),
    );
    lines.extend(said.into_iter().map(|(remark, names)| format!("{}: {remark}", some_of(&names))));
    // Every profile is in the same store.
    if let Some(protection) = statuses.iter().find_map(|status| status.protection.as_ref()) {
        let place = protection.place.as_ref().map_or_else(String::new, |place| format!(" in {place}"));
        lines.push(format!("Records{place}: {protection}"));
        lines.extend(protection.warning().map(|warning| format!("warning: {warning}")));
    }
    lines.join("\n")
}

/// What has to be said of a profile beside its row.
fn remarks(status: &ProfileStatus) -> Vec<String> {
    let missing =
        (!status.missing_scopes.is_empty()).then(|| format!("not granted: {}", status.missing_scopes.join(", ")));
    let refresh = status.last_refresh.as_ref().and_then(|last| last.error.as_ref());
    let refresh = refresh.map(|error| format!("last refresh: {error}"));
    let warnings = status.warnings.iter().map(|warning| format!("warning: {warning}"));
    let environment = status.api_domain.as_ref().filter(|_| status.is_other_environment);
    let environment = environment.map(|domain| format!("calls go to {domain}"));
    missing.into_iter().chain(environment).chain(refresh).chain(warnings).collect()
}

/// What is said of several profiles alike, once, with all of them, in the order in which it is said first.
fn by_what_is_said<'a, T: ToString>(said: impl Iterator<Item = (T, &'a str)>) -> Vec<(T, Vec<&'a str>)> {
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

/// `a`, `a, b`, or `200 profiles (a, b, c, ...)`.
fn some_of(names: &[&str]) -> String {
    match names {
        [] | [_] | [_, _] => names.join(", "),
        [first, second, third, rest @ ..] => {
            let more = if rest.is_empty() { "" } else { ", ..." };
            format!("{} profiles ({first}, {second}, {third}{more})", names.len())
        }
    }
}

fn row(status: &ProfileStatus, now: Timestamp) -> [String; 6] {
    let none = || "-".to_owned();
    let state = match status.state {
        State::SignedOut => "signed out",
        State::Valid => "valid",
        State::Expiring => "ends soon",
        State::Expired => "ended (refreshes itself)",
        State::NeedsLogin => "sign in again",
        State::Unknown => "cannot tell",
    };
    let ends = match status.access_token_expires_at {
        Some(time) if time > now => format!("in {}", minutes_and_seconds(now.duration_until(time).unsigned_abs())),
        Some(time) => format!("{} ago", words::duration(time.duration_until(now).unsigned_abs())),
        None if status.state == State::Valid => "no end known".to_owned(),
        None => none(),
    };
    let provider = match &status.data_center {
        Some(data_center) => format!("{} {}", status.provider, words::data_center(data_center)),
        None => status.provider.clone(),
    };
    let budget = status.budget.as_ref().map(|budget| format!("{} of {} used", budget.used(now), budget.limit));
    let account = status.account.as_ref().map(|account| account.label().to_owned());
    [
        status.name.to_string(),
        state.to_owned(),
        ends,
        provider,
        budget.unwrap_or_else(none),
        account.unwrap_or_else(none),
    ]
}

/// One word for all profiles, as monitoring orders them: bad, cannot tell, soon, ok. None at all cannot be told.
fn worst(statuses: &[ProfileStatus]) -> Check {
    let checks: Vec<Check> = statuses.iter().map(check).collect();
    let order = [Check::Bad, Check::CannotTell, Check::Soon, Check::Ok];
    order.into_iter().find(|check| checks.contains(check)).unwrap_or(Check::CannotTell)
}

/// A token that ends is well as long as the next use refreshes it, and the last try did.
fn check(status: &ProfileStatus) -> Check {
    let last_refresh_failed = status.last_refresh.as_ref().is_some_and(|last| last.error.is_some());
    match status.state {
        State::Valid if !last_refresh_failed => Check::Ok,
        State::Expiring | State::Expired if status.refreshable && !last_refresh_failed => Check::Ok,
        State::Valid | State::Expiring | State::Expired => Check::Soon,
        State::SignedOut | State::NeedsLogin => Check::Bad,
        State::Unknown => Check::CannotTell,
    }
}
