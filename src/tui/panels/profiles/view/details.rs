//! The fields of one profile: what has to be done, account, token, refreshes, scopes, where all that is kept, and what
//! happened to it.

use std::ops::Range;

use jiff::tz::TimeZone;
use ratatui::text::{Line, Span};

use super::words::Words;
use super::{data_center, provider};
use crate::providers::catalog;
use crate::service::{Budget, ProfileStatus, State};
use crate::storage::{Event, Happened, LastRefresh};
use crate::tui::advice::hint;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{sentence, shown};
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::words::{left_in_words, signing_in, standing, state_in_words, when};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::width;
use crate::tui::theme::Mark;
use crate::tui::time_left;
use crate::tui::widgets::gauge::Gauge;
use crate::untrusted::visible;
use crate::words::time_of_day;

/// Columns of a field's name.
const NAME: usize = 12;
/// Columns left of a value that has lines of its own.
const INDENT: usize = 2;
/// From here on values stand beside their names, however many lines they take.
const BESIDE: usize = 52;
/// Columns of a bar where there is room for it beside its words.
const BAR: Range<u16> = 4..24;
/// A budget of more refreshes is told in numbers alone.
const MOST_DOTS: usize = 20;

/// The fields of one profile, line by line.
pub(super) struct Details<'a> {
    pub(super) lines: Vec<Line<'static>>,
    /// The first of those that tell what happened.
    history_at: usize,
    around: &'a Surroundings,
    /// Columns beside a field's name.
    room: usize,
    /// Columns of lines without a name, for values that do not fit beside theirs on a narrow screen.
    below: Option<usize>,
}

impl<'a> Details<'a> {
    pub(super) fn of(
        around: &'a Surroundings,
        panel: &ProfilesPanel,
        status: &ProfileStatus,
        now: Now,
        columns: u16,
    ) -> Self {
        let columns = usize::from(columns);
        let room = columns.saturating_sub(NAME).max(8);
        let below = (columns < BESIDE).then(|| columns.saturating_sub(INDENT).max(8));
        let mut details = Self { lines: Vec::new(), history_at: 0, around, room, below };
        details.state(panel, status, now);
        details.account(status);
        if status.is_signed_in() {
            details.token(status, now);
        }
        details.refreshing(status, now);
        details.scopes(status);
        for warning in &status.warnings {
            details.value("Take care", Words::of(warning, around.theme.attention));
        }
        details.place(status);
        details.history_at = details.lines.len();
        details.history(status, now, &around.zone);
        details
    }

    /// The same with air before what happened, where so many rows are enough for it.
    pub(super) fn spaced_in(mut self, rows: usize) -> Self {
        if self.history_at < self.lines.len() && self.lines.len() < rows {
            self.lines.insert(self.history_at, Line::default());
        }
        self
    }

    /// What is under way, or what has to be done. That all is well stands in the list.
    fn state(&mut self, panel: &ProfilesPanel, status: &ProfileStatus, now: Now) {
        let theme = &self.around.theme;
        let key = |command| self.around.key(Scope::Profiles, command);
        let (mark, word) = standing(panel, status, now);
        let explained = match status.state_at(now.time) {
            _ if mark == Mark::Working => String::new(),
            State::Valid => String::new(),
            State::Expiring | State::Expired => ", the next use refreshes it".to_owned(),
            State::NeedsLogin => format!(": {}", signing_in(self.around, panel, &status.name)),
            State::SignedOut if status.is_unrevoked => format!(": press {} to log out", key(Command::Logout)),
            State::SignedOut => format!(": {} to sign in", signing_in(self.around, panel, &status.name)),
            State::Unknown if status.problem.is_some() => ": the store cannot be read".to_owned(),
            State::Unknown => ": the clock has been set back".to_owned(),
        };
        if mark != Mark::Good || panel.detail_scroll.is_some() {
            let state = Words::default().whole([theme.mark(mark)]);
            self.value("State", state.and(&format!("{word}{explained}"), theme.text));
        }
        if let Some(pending) = status.waiting_code(now.time) {
            let (code, until) =
                (shown(&pending.user_code), time_of_day(pending.expires_at, now.time, &self.around.zone));
            let goes_on = format!("press {} to go on", key(Command::SignIn));
            self.field("Pending", &format!("the code {code} waits until {until}: {goes_on}"));
        }
        if let Some(problem) = &status.problem {
            self.field("Problem", &sentence(problem));
            if let Some(hint) = hint(self.around, panel, problem) {
                self.field("What helps", &format!("{hint}."));
            }
        }
    }

    fn account(&mut self, status: &ProfileStatus) {
        let theme = &self.around.theme;
        if self.around.config.default_profile.as_ref() == Some(&status.name) {
            self.field("Default", "used where no profile is named");
        }
        if let Some(account) = &status.account {
            let name = account.name.as_ref().filter(|_| account.email.is_some());
            let label = shown(account.label());
            let label = name.map_or(label.clone(), |name| format!("{} <{label}>", shown(name)));
            self.field("Account", &format!("{label}, id {}", shown(&account.id)));
        } else if status.is_signed_in() {
            let key = self.around.key(Scope::Profiles, Command::Whoami);
            self.field("Account", &format!("not asked yet: press {key}"));
        }
        let host = |address: &Option<String>| {
            Some(shown(address.as_ref()?.trim_start_matches("https://").trim_end_matches('/')))
        };
        let servers = match (host(&status.issuer), host(&status.api_domain)) {
            (Some(accounts), Some(api)) if accounts == api => vec![format!("{accounts} (accounts and API)")],
            (accounts, api) => {
                let accounts = accounts.map(|host| format!("{host} (accounts)"));
                accounts.into_iter().chain(api.map(|host| format!("{host} (API)"))).collect()
            }
        };
        let provider = [shown(provider(self.around, status)), data_center(status)].join(" ");
        let places = std::iter::once(provider.trim().to_owned()).chain(servers);
        let separator = theme.separator().trim();
        let words = places.enumerate().fold(Words::default(), |words, (number, place)| {
            let words = if number > 0 { words.and(separator, theme.faint) } else { words };
            words.and(&place, theme.text)
        });
        self.value("Provider", words);
    }

    /// Its last letters, how long it lasts, and what comes then.
    fn token(&mut self, status: &ProfileStatus, now: Now) {
        let theme = &self.around.theme;
        let hint = status.access_token_hint.as_deref().map(shown).unwrap_or_default();
        let left = status.remaining(now.time);
        let lasts = match status.access_token_expires_at {
            Some(end) if left.is_zero() => format!("ended at {}", time_of_day(end, now.time, &self.around.zone)),
            Some(end) => {
                let until = time_of_day(end, now.time, &self.around.zone);
                format!("{}, until {until}", left_in_words(left, self.around.motion))
            }
            None if status.state == State::Valid => "the provider names no end".to_owned(),
            None => String::new(),
        };
        let then = match status.refreshable {
            true if status.state == State::Unknown => "",
            true => "refreshes itself",
            false => "no refresh token that works",
        };
        let comma = if lasts.is_empty() && !then.is_empty() { "," } else { "" };
        let lasts = [lasts.as_str(), then].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        let (hint, lasts) = (Words::of(&format!("{hint}{comma}"), theme.text), Words::of(&lasts, theme.text));
        let room = u16::try_from(self.room.saturating_sub(hint.width() + lasts.width() + 4)).unwrap_or(BAR.end);
        let life = status.access_token_life.filter(|_| !left.is_zero() && room >= BAR.start);
        let bar = life.into_iter().flat_map(|total| {
            let (mark, _) = state_in_words(status, now.time);
            let gauge = Gauge { remaining: time_left::told(left, self.around.motion), total, mark, theme };
            spaced(gauge.spans(room.min(BAR.end)))
        });
        self.value("Token", hint.whole(bar).then(lasts));
    }

    fn refreshing(&mut self, status: &ProfileStatus, now: Now) {
        let (theme, zone) = (&self.around.theme, &self.around.zone);
        let waits_until = status.waits_until(now.time);
        if let Some(budget) = &status.budget {
            let resets_at = status.resets_at(now.time);
            let clock = resets_at.map(|at| self.around.time_left(now.until(at)));
            let next = match (waits_until, clock) {
                (Some(_), Some(clock)) => format!("; next one possible in {clock}"),
                (_, Some(clock)) => format!("; one comes back in {clock}"),
                (_, None) => String::new(),
            };
            let used = budget.used(now.time);
            let told = format!("{used} of {} used in {} min{next}", budget.limit, budget.window.as_secs() / 60);
            let dots = self.dots(budget, used, waits_until.is_some());
            let words = Words::default().whole(dots).and(&told, theme.text);
            let at = resets_at.map(|at| format!("({})", time_of_day(at, now.time, zone))).unwrap_or_default();
            let with_time = Some(words.clone().and(&at, theme.text)).filter(|words| words.width() <= self.room);
            self.value("Refreshes", with_time.unwrap_or(words));
        } else if let Some(at) = waits_until {
            let clock = self.around.time_left(now.until(at));
            self.field("Refreshes", &format!("next one possible in {clock}, since the provider asks to wait"));
        }
        if let Some(over) = status.over_by_other_means() {
            self.field("Over", &shown(over));
        }
        let Some(last) = told_refresh(status) else { return };
        let at = format!("{} ({})", when(last.at, now), time_of_day(last.at, now.time, zone));
        match &last.error {
            Some(error) => {
                let failed = Words::of("failed", theme.attention);
                self.value("", failed.and(&format!("{at}: {}", shown(error)), theme.text));
            }
            None => self.field("", &format!("last {at}")),
        }
    }

    /// One for each refresh that is allowed: those that are used, and those that are left.
    fn dots(&self, budget: &Budget, used: usize, is_spent: bool) -> Vec<Span<'static>> {
        if budget.limit > MOST_DOTS {
            return Vec::new();
        }
        let theme = &self.around.theme;
        let (full, empty) = theme.dots();
        let used = used.min(budget.limit);
        let style = if is_spent { theme.attention } else { theme.accent };
        let left = Span::styled(format!("{} ", empty.repeat(budget.limit - used)), theme.faint);
        vec![Span::styled(full.repeat(used), style), left]
    }

    fn scopes(&mut self, status: &ProfileStatus) {
        let theme = &self.around.theme;
        let wanted = self.around.config.profiles.get(&status.name).map_or(&[][..], |profile| &profile.scopes);
        if !status.is_signed_in() {
            self.field("Scopes", &format!("asks for {}", listed(wanted)));
            return;
        }
        let granted = status.scopes.iter().fold(Words::spaced(2), |words, scope| {
            words.whole([theme.mark(Mark::Good), Span::raw(format!(" {}", shown(scope)))])
        });
        let granted = if status.scopes.is_empty() { Words::of("none named", theme.text) } else { granted };
        self.value("Scopes", granted);
        let key = self.around.key(Scope::Profiles, Command::SignIn);
        for (number, scope) in status.missing_scopes.iter().enumerate() {
            let missing = format!("{} {} was not granted", theme.symbol(Mark::Attention), shown(scope));
            let words = Words::of(&missing, theme.attention);
            let is_last = number + 1 == status.missing_scopes.len() && self.around.other_way(&status.name).is_none();
            let key = [Span::raw(" "), Span::styled(key.clone(), theme.shortcut)];
            let asks = |words: Words| words.whole(key).and("asks again", theme.label);
            self.value("", if is_last { asks(words) } else { words });
        }
        match status.scopes.iter().filter(|scope| catalog::can_write(scope)).count() {
            0 => {}
            1 => self.field("", "1 scope allows more than reading"),
            writing => self.field("", &format!("{writing} scopes allow more than reading")),
        }
    }

    fn place(&mut self, status: &ProfileStatus) {
        let Some(protection) = &status.protection else { return };
        let theme = &self.around.theme;
        let place = protection.place.as_deref().map(visible).unwrap_or_default();
        let how = if place.is_empty() { Words::default() } else { Words::of(theme.separator(), theme.label) };
        let style = if protection.has_key { theme.label } else { theme.attention };
        let how = how.and(&protection.to_string(), style);
        self.value("Kept in", Words::of(&place, theme.text).then(how));
    }

    /// What happened, the newest first.
    fn history(&mut self, status: &ProfileStatus, now: Now, zone: &TimeZone) {
        let label = self.around.theme.label;
        let times: Vec<String> = status.events.iter().map(|event| time_of_day(event.at, now.time, zone)).collect();
        let longest = times.iter().map(|time| width(time)).max().unwrap_or_default() + 2;
        for (number, (event, time)) in status.events.iter().zip(&times).rev().enumerate() {
            let name = if number == 0 { "History" } else { "" };
            let told = self.told(event, is_of_earlier(status.events.iter().rev().skip(number + 1)), now, zone);
            if self.below.is_some() {
                self.value(name, Words::of(time, label).then(told));
                continue;
            }
            let lines = told.lines(self.room.saturating_sub(longest).max(8)).into_iter().enumerate();
            let at = |row| Span::styled(format!("{:<longest$}", if row == 0 { time } else { "" }), label);
            self.beside(name, lines.map(|(row, line)| std::iter::once(at(row)).chain(line).collect()).collect());
        }
    }

    /// What, why, how often, and by which command.
    fn told(&self, event: &Event, is_of_earlier: bool, now: Now, zone: &TimeZone) -> Words {
        let theme = &self.around.theme;
        let Event { what, detail, by, repeated, since: first, .. } = event;
        let (what, style) = match what {
            Happened::SignedIn => ("signed in", theme.text),
            Happened::Relocated => ("account found elsewhere", theme.text),
            Happened::Refreshed => ("refreshed", theme.text),
            Happened::RefreshFailed => ("refresh failed", theme.attention),
            Happened::RefreshRefused => ("refresh refused for good", theme.failed),
            Happened::Verified => ("whoami answered", theme.text),
            Happened::SignedOut => ("logged out", theme.text),
            Happened::Revoked if is_of_earlier => ("earlier sign-in revoked", theme.text),
            Happened::NotRevoked if is_of_earlier => ("earlier sign-in NOT revoked", theme.failed),
            Happened::Revoked => ("revoked at the provider", theme.text),
            Happened::NotRevoked => ("NOT revoked at the provider", theme.failed),
            Happened::Exported => ("refresh token handed out", theme.text),
        };
        let first = first.filter(|_| *repeated > 0).map(|first| time_of_day(first, now.time, zone));
        let times = first.map(|first| format!("{} times since {first}", repeated.saturating_add(1)));
        let more = [Some(shown(detail)).filter(|detail| !detail.is_empty()), times].into_iter().flatten();
        let words = Words::of(what, style);
        let words = more.fold(words, |words, more| words.glued(",", theme.text).and(&more, theme.text));
        if by.is_empty() { words } else { words.and(&format!("[{}]", shown(by)), theme.label) }
    }

    fn field(&mut self, name: &str, text: &str) {
        self.value(name, Words::of(text, self.around.theme.text));
    }

    /// A name and its value, wrapped beside it; below it where both are narrow.
    fn value(&mut self, name: &str, words: Words) {
        let label = self.around.theme.label;
        if let Some(below) = self.below.filter(|_| words.width() > self.room) {
            let name = Some(name).filter(|name| !name.is_empty());
            self.lines.extend(name.map(|name| Line::styled(name.to_owned(), label)));
            let indented = |line: Vec<Span<'static>>| std::iter::once(Span::raw(" ".repeat(INDENT))).chain(line);
            self.lines.extend(words.lines(below).into_iter().map(|line| indented(line).collect::<Line<'_>>()));
            return;
        }
        self.beside(name, words.lines(self.room));
    }

    /// A name and lines beside it.
    fn beside(&mut self, name: &str, lines: Vec<Vec<Span<'static>>>) {
        let label = self.around.theme.label;
        self.lines.extend(lines.into_iter().enumerate().map(|(number, line)| {
            let name = if number == 0 { name } else { "" };
            std::iter::once(Span::styled(format!("{name:<NAME$}"), label)).chain(line).collect()
        }));
    }
}

/// The last refresh, where the history does not tell it.
pub(super) fn told_refresh(status: &ProfileStatus) -> Option<&LastRefresh> {
    status.last_refresh.as_ref().filter(|last| last.error.is_some() || status.events.is_empty())
}

/// Whether what was revoked belonged to a sign-in before the one of that time, by what happened before, the newest first: a
/// sign-out is noted before its grant is revoked.
fn is_of_earlier<'a>(mut before: impl Iterator<Item = &'a Event>) -> bool {
    let last = before.find(|event| matches!(event.what, Happened::SignedIn | Happened::SignedOut));
    last.is_some_and(|event| event.what == Happened::SignedIn)
}

/// With a column of air on both sides.
fn spaced(spans: [Span<'static>; 2]) -> impl Iterator<Item = Span<'static>> {
    let air = || std::iter::once(Span::raw(" "));
    air().chain(spans).chain(air())
}

fn listed(scopes: &[String]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|scope| shown(scope)).collect();
    if scopes.is_empty() { "none named".to_owned() } else { scopes.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Details, Happened, is_of_earlier};
    use crate::config::Config;
    use crate::error::{Advice, Way};
    use crate::service::{ProfileStatus, State};
    use crate::storage::Event;
    use crate::tui::message::Message;
    use crate::tui::panels::profiles::tests::{at, empty, name, notice, press, profiles, status};
    use crate::tui::update::update;

    /// What stands beside `Token`, below that too.
    fn token(status: &ProfileStatus) -> String {
        let model = empty();
        let details = Details::of(&model.around, profiles(&model), status, at(0), 76);
        let lines = details.lines.iter().map(ToString::to_string).skip_while(|line| !line.starts_with("Token"));
        let lines = lines.enumerate().take_while(|(number, line)| *number == 0 || line.starts_with(' '));
        lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_token_is_told_in_parts_with_something_between_each_two() {
        for state in [State::Valid, State::Expiring, State::Expired, State::NeedsLogin, State::Unknown] {
            for (left, refreshable) in [(0, false), (0, true), (3000, false), (3000, true)] {
                let access_token_hint = Some("****bc91".to_owned());
                let told = token(&ProfileStatus { access_token_hint, refreshable, ..status("work", state, left) });
                let ends = told.trim_start_matches("Token").trim();
                assert!(!ends.starts_with(';') && !ends.ends_with(';') && !told.contains(" ;"), "{state:?}: {told}");
                assert!(!told.contains("bc91 no") && !told.contains("bc91 refreshes"), "{state:?}: {told}");
                assert_eq!(told.contains("no refresh token that works"), !refreshable, "{state:?}: {told}");
            }
        }
    }

    #[test]
    fn no_key_is_named_for_a_sign_in_that_no_screen_does() {
        for (kind, way) in [
            ("non-browser", None),
            ("self-client", Some(Way::GrantCode)),
            ("server-based", Some(Way::Web)),
            ("mobile", Some(Way::Web)),
        ] {
            let mut model = empty();
            let text = format!("[profiles.a]\nprovider = \"zoho\"\nclient_id = \"1\"\nclient_type = \"{kind}\"\n");
            model.around.config = Config::parse(&text, Path::new("config.toml")).expect("valid");
            let command = way.map(|way| model.around.command_line.said(&Advice::SignInBy(name("a"), way)));
            let helps = command.unwrap_or_else(|| "press n".to_owned());
            for (state, told) in [(State::SignedOut, " to sign in"), (State::NeedsLogin, "")] {
                let is_signed_in = state != State::SignedOut;
                let missing_scopes = vec!["B".to_owned()];
                let status = ProfileStatus { missing_scopes, ..status("a", state, u64::from(is_signed_in) * 3000) };
                update(&mut model, Message::StatusesLoaded(vec![status.clone()]), at(0));
                let details = Details::of(&model.around, profiles(&model), &status, at(0), 200);
                let lines: Vec<String> = details.lines.iter().map(ToString::to_string).collect();
                assert!(lines[0].ends_with(&format!(": {helps}{told}")), "{kind}: {lines:?}");
                let asks_again = lines.iter().any(|line| line.contains("n asks again"));
                assert_eq!(asks_again, is_signed_in && way.is_none(), "{kind}: {lines:?}");
                press(&mut model, 'a');
                assert_eq!(notice(&model).1, format!("a: {helps} to sign in first."), "{kind}");
            }
        }
    }

    #[test]
    fn a_token_has_a_bar_at_80_columns() {
        for left in [30, 600, 3599, 3600, 7200] {
            let access_token_life = Some(Duration::from_secs(7200));
            let told = token(&ProfileStatus { access_token_life, ..status("work", State::Valid, left) });
            assert!(told.lines().count() == 1 && (told.contains("==") || told.contains("--")), "{left}: {told}");
        }
    }

    #[test]
    fn what_is_revoked_after_a_sign_in_belonged_to_an_earlier_one() {
        use Happened::{NotRevoked, Refreshed, Revoked, SignedIn, SignedOut};
        for (before, expected) in [
            (&[][..], false),
            (&[SignedIn], true),
            (&[SignedIn, Refreshed], true),
            (&[SignedIn, SignedOut], false),
            (&[SignedIn, SignedOut, NotRevoked], false),
            (&[SignedIn, SignedOut, NotRevoked, SignedIn, Revoked], true),
        ] {
            let event = |what: &Happened| Event {
                at: at(0).time,
                what: *what,
                detail: String::new(),
                by: String::new(),
                repeated: 0,
                since: None,
            };
            let events: Vec<Event> = before.iter().map(event).collect();
            assert_eq!(is_of_earlier(events.iter().rev()), expected, "{before:?}");
        }
    }
}
