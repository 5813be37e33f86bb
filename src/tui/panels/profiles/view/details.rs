//! The fields of one profile: state, account, token, scopes, refreshes, and where all that is kept.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{data_center, gauge, provider};
use crate::providers::catalog;
use crate::service::{ProfileStatus, State};
use crate::storage::{Event, Happened};
use crate::tui::advice::hint;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{sentence, shown};
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::words::{left_in_words, standing, state_in_words, until, when};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{clip, width, wrap};
use crate::tui::theme::Mark;
use crate::tui::time_left;
use crate::tui::widgets::gauge::Gauge;
use crate::untrusted::visible;
use crate::words::{date_and_minute, is_same_day, time_of_day};

/// Columns of a field's name.
const NAME: usize = 16;
/// Columns left of a value that has lines of its own.
const INDENT: usize = 3;
/// From here on values stand beside their names, however many lines they take.
const BESIDE: usize = 56;
/// Columns of a bar where there is room for it beside its words.
const BAR: usize = 30;

/// The fields of one profile, line by line.
pub(super) struct Details {
    pub(super) lines: Vec<Line<'static>>,
    /// Columns beside a field's name.
    room: usize,
    /// Columns of lines without a name, for values that do not fit beside theirs on a narrow screen.
    below: Option<usize>,
    label: Style,
}

impl Details {
    pub(super) fn of(
        around: &Surroundings,
        panel: &ProfilesPanel,
        status: &ProfileStatus,
        now: Now,
        columns: u16,
    ) -> Self {
        let columns = usize::from(columns);
        let room = columns.saturating_sub(NAME + 2).max(8);
        let below = (columns < BESIDE).then(|| columns.saturating_sub(INDENT + 1).max(8));
        let mut details = Self { lines: Vec::new(), room, below, label: around.theme.label };
        details.state(around, panel, status, now);
        details.account(around, status);
        if status.is_signed_in() {
            details.token(around, status, now);
        }
        details.scopes(around, status);
        details.refreshing(around, status, now);
        details.warnings(status);
        details.place(status);
        details.history(status, now, &around.zone);
        details
    }

    fn state(&mut self, around: &Surroundings, panel: &ProfilesPanel, status: &ProfileStatus, now: Now) {
        let (mark, words) = standing(panel, status, now);
        let explained = match status.state_at(now.time) {
            _ if mark == Mark::Working => String::new(),
            State::Valid => String::new(),
            State::Expiring | State::Expired => ", the next use refreshes it".to_owned(),
            State::NeedsLogin => format!(": press {}", around.key(Scope::Profiles, Command::SignIn)),
            State::SignedOut if status.is_unrevoked => {
                format!(": press {} to revoke", around.key(Scope::Profiles, Command::SignOut))
            }
            State::SignedOut => format!(": press {} to sign in", around.key(Scope::Profiles, Command::SignIn)),
            State::Unknown if status.problem.is_some() => ": the store cannot be read".to_owned(),
            State::Unknown => ": the clock has been set back".to_owned(),
        };
        let text = format!("{words}{explained}");
        let (name, taken) =
            (Span::styled(format!(" {:<NAME$}", "State"), self.label), width(around.theme.symbol(mark)));
        if let Some(below) = self.below.filter(|_| taken + 1 + width(&text) > self.room) {
            let indent = " ".repeat(INDENT);
            let mut lines = wrap(&text, below.saturating_sub(taken + 1).max(1)).into_iter();
            let first = Span::raw(format!(" {}", lines.next().unwrap_or_default()));
            let first = Line::from(vec![Span::raw(indent.clone()), around.theme.mark(mark), first]);
            self.lines.extend([Line::from(name), first]);
            self.lines.extend(lines.map(|line| Line::raw(format!("{indent}{:taken$} {line}", ""))));
        } else {
            let words = clip(&format!(" {text}"), self.room.saturating_sub(taken));
            self.lines.push(Line::from(vec![name, around.theme.mark(mark), Span::raw(words)]));
        }
        if let Some(pending) = status.waiting_code(now.time) {
            let (code, until) = (shown(&pending.user_code), time_of_day(pending.expires_at, &around.zone));
            let goes_on = format!("press {} to go on", around.key(Scope::Profiles, Command::SignIn));
            self.field("Pending", &format!("the code {code} waits until {until}: {goes_on}"));
        }
        if let Some(problem) = &status.problem {
            self.field("Problem", &sentence(problem));
            if let Some(hint) = hint(around, panel, problem) {
                self.field("What helps", &format!("{hint}."));
            }
        }
    }

    fn warnings(&mut self, status: &ProfileStatus) {
        for warning in &status.warnings {
            self.field("Take care", warning);
        }
    }

    fn account(&mut self, around: &Surroundings, status: &ProfileStatus) {
        if let Some(account) = &status.account {
            let name = account.name.as_ref().filter(|_| account.email.is_some());
            let label = shown(account.label());
            let label = name.map_or(label.clone(), |name| format!("{} <{label}>", shown(name)));
            self.parts("Account", &[label, format!("id {}", shown(&account.id))], ", ");
        } else if status.is_signed_in() {
            self.field("Account", &format!("not asked yet: press {}", around.key(Scope::Profiles, Command::Verify)));
        }
        let (provider, separator) = (provider(around, status), around.theme.separator());
        let place = match data_center(status) {
            code if code.is_empty() => shown(provider),
            code => format!("{}, data center {code}", shown(provider)),
        };
        self.field("Provider", &place);
        let host = |address: &Option<String>| {
            Some(shown(address.as_ref()?.trim_start_matches("https://").trim_end_matches('/')))
        };
        match (host(&status.issuer), host(&status.api_domain)) {
            (Some(accounts), Some(api)) if accounts == api => {
                self.field("Server", &format!("{accounts} (accounts and API)"));
            }
            (accounts, api) => {
                let accounts = accounts.map(|host| format!("{host} (accounts)"));
                let servers: Vec<String> =
                    accounts.into_iter().chain(api.map(|host| format!("{host} (API)"))).collect();
                if !servers.is_empty() {
                    self.parts("Servers", &servers, separator);
                }
            }
        }
    }

    fn token(&mut self, around: &Surroundings, status: &ProfileStatus, now: Now) {
        match status.access_token_expires_at {
            Some(end) => self.time_left(around, status, end, now),
            None if status.state == State::Valid => self.field("Time left", "the provider names no end"),
            None => {}
        }
        let hint = status.access_token_hint.as_deref().map(shown).unwrap_or_default();
        let refresh = if status.refreshable { "stored" } else { "none that works" };
        self.parts("Access token", &[hint, format!("refresh token: {refresh}")], around.theme.separator());
    }

    fn time_left(&mut self, around: &Surroundings, status: &ProfileStatus, end: Timestamp, now: Now) {
        let (left, ends) = (status.remaining(now.time), date_and_time(end, now, &around.zone));
        let words = if left.is_zero() {
            format!("{}, ended at {ends}", around.time_left(left))
        } else {
            left_in_words(left, around.motion)
        };
        let until = if left.is_zero() { String::new() } else { format!(", until {ends}") };
        match status.access_token_life {
            Some(total) => {
                self.meter(
                    "Time left",
                    Gauge {
                        remaining: time_left::told(left, around.motion),
                        total,
                        mark: state_in_words(status, now.time).0,
                        theme: &around.theme,
                    },
                    &words,
                    &until,
                );
            }
            None => self.field("Time left", &(words + &until)),
        }
    }

    fn scopes(&mut self, around: &Surroundings, status: &ProfileStatus) {
        let wanted = around.config.profiles.get(&status.name).map_or(&[][..], |profile| &profile.scopes);
        if !status.is_signed_in() {
            self.field("Wants", &listed(wanted));
            return;
        }
        let count = wanted.len().saturating_sub(status.missing_scopes.len());
        let granted = format!("{count} of {} wanted: {}", wanted.len(), listed(&status.scopes));
        self.field("Granted", &granted);
        if !status.missing_scopes.is_empty() {
            let from = self.lines.len();
            let mark = around.theme.symbol(Mark::Attention);
            self.field("Not granted", &format!("{mark} {}", listed(&status.missing_scopes)));
            let is_marked = |line: &&mut Line<'_>| line.to_string().contains(mark);
            if let Some(line) = self.lines.iter_mut().skip(from).find(is_marked) {
                *line = line.clone().style(around.theme.attention);
            }
        }
        match status.scopes.iter().filter(|scope| catalog::can_write(scope)).count() {
            0 => {}
            1 => self.field("", "1 scope allows more than reading"),
            writing => self.field("", &format!("{writing} scopes allow more than reading")),
        }
    }

    fn refreshing(&mut self, around: &Surroundings, status: &ProfileStatus, now: Now) {
        if let Some(budget) = &status.budget {
            let (used, limit) = (budget.used(now.time), budget.limit);
            let (next_at, resets_at) = (status.waits_until(now.time), status.resets_at(now.time));
            let clock = resets_at.map(|at| around.time_left(until(at, now))).unwrap_or_default();
            let next = match (next_at, resets_at) {
                (Some(_), _) => format!(", next one possible in {clock}"),
                (None, Some(_)) => format!(", one comes back in {clock}"),
                (None, None) => String::new(),
            };
            let at = resets_at.map(|at| format!(" ({})", time_of_day(at, &around.zone))).unwrap_or_default();
            let words = format!("{used} of {limit} refreshes used in {} min{next}", budget.window.as_secs() / 60);
            // The bar shows what is left, as that of the time does.
            let parts = |count: usize| Duration::from_secs(count as u64);
            let left = parts(limit.saturating_sub(used));
            self.meter(
                "Refresh budget",
                Gauge { remaining: left, total: parts(limit), mark: Mark::Good, theme: &around.theme },
                &words,
                &at,
            );
        }
        if let (None, Some(until_then)) = (&status.budget, status.waits_until(now.time)) {
            let clock = around.time_left(until(until_then, now));
            self.field("Next refresh", &format!("possible in {clock}, since the provider asks to wait"));
        }
        if let Some(last) = &status.last_refresh {
            let result = match &last.error {
                Some(error) => format!("failed: {}", shown(error)),
                None => "worked".to_owned(),
            };
            self.field(
                "Last refresh",
                &format!("{} ({}), {result}", when(last.at, now), date_and_time(last.at, now, &around.zone)),
            );
        }
    }

    fn place(&mut self, status: &ProfileStatus) {
        let Some(protection) = &status.protection else { return };
        if let Some(place) = &protection.place {
            self.field("Kept in", &visible(place));
        }
        self.field("Protection", &protection.to_string());
    }

    /// What happened, the newest first.
    fn history(&mut self, status: &ProfileStatus, now: Now, zone: &TimeZone) {
        for (number, event) in status.events.iter().rev().enumerate() {
            let name = if number == 0 { "History" } else { "" };
            self.field(name, &told(event, now, zone));
        }
    }

    /// A name, what a bar says in words, and as much of the bar and of `more` as fits on the same line.
    fn meter(&mut self, name: &str, bar: Gauge<'_>, words: &str, more: &str) {
        let bar = format!("{} ", gauge(bar, BAR.min(self.room / 3)));
        let lines =
            [(bar.as_str(), more), (bar.as_str(), ""), ("", more)].map(|(bar, more)| format!("{bar}{words}{more}"));
        let fitting = lines.into_iter().find(|line| width(line) <= self.room);
        self.field(name, fitting.as_deref().unwrap_or(words));
    }

    /// A name and values that share a line if they fit on one.
    fn parts(&mut self, name: &str, parts: &[String], separator: &str) {
        let line = parts.join(separator);
        let is_split = self.below.is_some() && width(&line) > self.room;
        self.field(name, &if is_split { parts.join("\n") } else { line });
    }

    /// A name and its text, wrapped beside it; below it where both are narrow.
    fn field(&mut self, name: &str, text: &str) {
        let label = self.label;
        if let Some(below) = self.below.filter(|_| width(text) > self.room) {
            let name = Some(name).filter(|name| !name.is_empty());
            self.lines.extend(name.map(|name| Line::styled(format!(" {name}"), label)));
            let indent = " ".repeat(INDENT);
            self.lines.extend(wrap(text, below).into_iter().map(|part| Line::raw(format!("{indent}{part}"))));
            return;
        }
        self.lines.extend(wrap(text, self.room).into_iter().enumerate().map(|(number, part)| {
            let name = if number == 0 { name } else { "" };
            Line::from(vec![Span::styled(format!(" {name:<NAME$}"), label), Span::raw(part)])
        }));
    }
}

/// When, what, why, by which command, and how often.
fn told(event: &Event, now: Now, zone: &TimeZone) -> String {
    let Event { at, what, detail, by, repeated, since: first } = event;
    let what = match what {
        Happened::SignedIn => "signed in",
        Happened::Relocated => "account found elsewhere",
        Happened::Refreshed => "refreshed",
        Happened::RefreshFailed => "refresh failed",
        Happened::RefreshRefused => "refresh refused for good",
        Happened::Verified => "verified",
        Happened::SignedOut => "signed out",
        Happened::Revoked => "revoked at the provider",
        Happened::NotRevoked => "NOT revoked at the provider",
        Happened::Exported => "refresh token handed out",
    };
    let when = format!("{} ({})", when(*at, now), date_and_time(*at, now, zone));
    let detail = if detail.is_empty() { String::new() } else { format!(", {}", shown(detail)) };
    let first = first.filter(|_| *repeated > 0).map(|first| date_and_time(first, now, zone));
    let times = first.map(|first| format!(", {} times since {first}", repeated.saturating_add(1))).unwrap_or_default();
    let by = if by.is_empty() { String::new() } else { format!(" [{}]", shown(by)) };
    format!("{when}: {what}{detail}{times}{by}")
}

/// The time of today, the date as well of another day.
fn date_and_time(time: Timestamp, now: Now, zone: &TimeZone) -> String {
    if is_same_day(time, now.time, zone) { time_of_day(time, zone) } else { date_and_minute(time, zone) }
}

fn listed(scopes: &[String]) -> String {
    if scopes.is_empty() { "none named".to_owned() } else { shown_all(scopes).join(", ") }
}

fn shown_all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| shown(text)).collect()
}
