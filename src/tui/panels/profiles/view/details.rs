//! The fields of one profile: state, account, token, scopes, refreshes, and where all that is kept.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{BAR, NAME, data_center, since, state_in_words};
use crate::providers::catalog;
use crate::service::{ProfileStatus, State};
use crate::storage::{Event, Happened};
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::{sentence, shown};
use crate::tui::text::{ago, clip, countdown, wrap};
use crate::tui::theme::Mark;
use crate::untrusted::visible;

/// The fields of one profile, line by line.
pub(super) struct Details {
    pub(super) lines: Vec<Line<'static>>,
    /// The row of the bar.
    pub(super) bar: Option<u16>,
    room: usize,
    label: Style,
}

impl Details {
    pub(super) fn of(model: &Model, status: &ProfileStatus, now: Now, columns: u16) -> Self {
        let room = usize::from(columns).saturating_sub(NAME + 2).max(8);
        let mut details = Self { lines: Vec::new(), bar: None, room, label: model.theme.label };
        details.state(model, status, now);
        details.account(model, status);
        if status.access_token_expires_at.is_some() {
            details.token(model, status, now, columns);
        }
        details.scopes(model, status);
        details.refreshing(status, now);
        details.warnings(status);
        details.place(status);
        details.history(status, now);
        details
    }

    fn state(&mut self, model: &Model, status: &ProfileStatus, now: Now) {
        let (mark, words) = state_in_words(model, status, now);
        let explained = match status.state_at(now.time) {
            _ if model.profiles.under_way.contains_key(&status.name) => "",
            State::Valid => "",
            State::Expiring | State::Expired => ", the next use refreshes it",
            State::NeedsLogin => ": press n",
            State::SignedOut => ": press n to sign in",
            State::Unknown => ": the store cannot be read",
        };
        self.lines.push(Line::from(vec![
            Span::styled(format!(" {:<NAME$}", "State"), self.label),
            model.theme.mark(mark),
            Span::raw(clip(&format!(" {words}{explained}"), self.room.saturating_sub(mark.word().len()))),
        ]));
        if let Some(problem) = &status.problem {
            self.field("Problem", &sentence(problem));
            if let Some(hint) = &problem.hint {
                self.field("What helps", &format!("{hint}."));
            }
        }
    }

    fn warnings(&mut self, status: &ProfileStatus) {
        for warning in &status.warnings {
            self.field("Take care", warning);
        }
    }

    fn account(&mut self, model: &Model, status: &ProfileStatus) {
        if let Some(account) = &status.account {
            let name = account.name.as_ref().filter(|_| account.email.is_some());
            let label = shown(account.label());
            let label = name.map_or(label.clone(), |name| format!("{} <{label}>", shown(name)));
            self.field("Account", &format!("{label}, id {}", shown(&account.id)));
        } else if status.access_token_expires_at.is_some() {
            self.field("Account", "not asked yet: press v");
        }
        let provider = model.subjects.get(&status.name).map_or(&status.provider, |subject| &subject.provider);
        let separator = model.theme.separator();
        let place = match data_center(status) {
            code if code.is_empty() => shown(provider),
            code => format!("{}, data center {code}", shown(provider)),
        };
        self.field("Provider", &place);
        let servers: Vec<String> = [&status.issuer, &status.api_domain]
            .into_iter()
            .flatten()
            .map(|address| shown(address.trim_start_matches("https://")))
            .collect();
        if !servers.is_empty() {
            self.field("Servers", &servers.join(separator));
        }
    }

    fn token(&mut self, model: &Model, status: &ProfileStatus, now: Now, columns: u16) {
        let left = status.remaining(now.time);
        let ends = status.access_token_expires_at.map(time_of_day).unwrap_or_default();
        let words = if left.is_zero() {
            format!("0:00, ended at {ends}")
        } else {
            format!("{}, until {ends}", countdown(left))
        };
        let bar = usize::from(BAR.min(columns.saturating_sub(40)));
        if bar > 0 && status.access_token_life.is_some() {
            self.bar = u16::try_from(self.lines.len()).ok();
            self.lines.push(Line::from(vec![
                Span::styled(format!(" {:<NAME$}", "Time left"), self.label),
                Span::raw(" ".repeat(bar + 1)),
                Span::raw(words),
            ]));
        } else {
            self.field("Time left", &words);
        }
        let hint = status.access_token_hint.as_deref().map(shown).unwrap_or_default();
        let refresh = if status.refreshable { "stored" } else { "none that works" };
        self.field("Access token", &format!("{hint}{}refresh token: {refresh}", model.theme.separator()));
    }

    fn scopes(&mut self, model: &Model, status: &ProfileStatus) {
        let wanted = model.subjects.get(&status.name).map_or(&[][..], |subject| &subject.scopes);
        if status.access_token_expires_at.is_none() {
            self.field("Wants", &listed(wanted));
            return;
        }
        let count = wanted.len().saturating_sub(status.missing_scopes.len());
        let granted = format!("{count} of {} wanted: {}", wanted.len(), listed(&status.scopes));
        self.field("Granted", &granted);
        if !status.missing_scopes.is_empty() {
            let from = self.lines.len();
            self.field("Not granted", &format!("{} {}", Mark::Attention.word(), listed(&status.missing_scopes)));
            if let Some(line) = self.lines.get_mut(from) {
                *line = line.clone().style(model.theme.attention);
            }
        }
        match status.scopes.iter().filter(|scope| catalog::can_write(scope)).count() {
            0 => {}
            1 => self.field("", "1 scope allows more than reading"),
            writing => self.field("", &format!("{writing} scopes allow more than reading")),
        }
    }

    fn refreshing(&mut self, status: &ProfileStatus, now: Now) {
        if let Some(budget) = &status.budget {
            let minutes = budget.window.as_secs() / 60;
            let used = format!("{} of {} refreshes used in {minutes} min", budget.used(now.time), budget.limit);
            let resets = budget.resets_at(now.time).map(|at| format!(", resets at {}", time_of_day(at)));
            self.field("Refresh budget", &(used + &resets.unwrap_or_default()));
        }
        if let Some(last) = &status.last_refresh {
            let result = match &last.error {
                Some(error) => format!("failed: {}", shown(error)),
                None => "worked".to_owned(),
            };
            self.field("Last refresh", &format!("{} ({}), {result}", ago(since(last.at, now)), time_of_day(last.at)));
        }
    }

    fn place(&mut self, status: &ProfileStatus) {
        let Some(protection) = &status.protection else { return };
        if let Some(place) = &protection.place {
            self.field("Kept in", &visible(&place.display().to_string()));
        }
        self.field("Protection", &protection.to_string());
    }

    /// What happened, the newest first.
    fn history(&mut self, status: &ProfileStatus, now: Now) {
        for (number, event) in status.events.iter().rev().enumerate() {
            let name = if number == 0 { "History" } else { "" };
            self.field(name, &told(event, now));
        }
    }

    /// A name and its text, wrapped beside it.
    fn field(&mut self, name: &str, text: &str) {
        let label = self.label;
        self.lines.extend(wrap(text, self.room).into_iter().enumerate().map(|(number, part)| {
            let name = if number == 0 { name } else { "" };
            Line::from(vec![Span::styled(format!(" {name:<NAME$}"), label), Span::raw(part)])
        }));
    }
}

/// When, what, why, by which command, and how often.
fn told(event: &Event, now: Now) -> String {
    let Event { at, what, detail, by, repeated, since } = event;
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
    };
    let when = format!("{} ({})", ago(super::since(*at, now)), date_and_time(*at, now));
    let detail = if detail.is_empty() { String::new() } else { format!(", {}", shown(detail)) };
    let first = since.filter(|_| *repeated > 0).map(|first| date_and_time(first, now));
    let times = first.map(|first| format!(", {} times since {first}", repeated.saturating_add(1))).unwrap_or_default();
    let by = if by.is_empty() { String::new() } else { format!(" [{}]", shown(by)) };
    format!("{when}: {what}{detail}{times}{by}")
}

/// The time of today, the date as well of another day.
fn date_and_time(time: Timestamp, now: Now) -> String {
    let is_today = time.strftime("%F").to_string() == now.time.strftime("%F").to_string();
    if is_today { time_of_day(time) } else { time.strftime("%F %H:%M UTC").to_string() }
}

fn listed(scopes: &[String]) -> String {
    if scopes.is_empty() { "none named".to_owned() } else { shown_all(scopes).join(", ") }
}

fn shown_all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| shown(text)).collect()
}

fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}
