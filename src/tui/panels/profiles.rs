//! The profiles: which are healthy, when their tokens end, what can be done about it.
//!
//! States are derived from the end of a token and the time at hand, so nothing is read to let one run out on the screen;
//! what other processes did is read when they did it. How it looks is in `view`.

mod table;
#[cfg(test)]
mod tests;
mod view;
mod words;
mod work;

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::clock::Moment;
use crate::config::Profile;
use crate::error::Advice;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ProfileStatus, SignIn, State};
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::message::Ended;
use crate::tui::message::{Effect, Message, Pointing, TaskId};
use crate::tui::overlay::Overlay;
use crate::tui::panel::{FormFor, Go, Heard, Outcome, Panel, Then, Title};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::theme::Mark;
use crate::tui::widgets::list::moved;

use table::Table;
use view::Layout;
use work::{Problem, Work};

/// The list and what is under way for its profiles.
#[derive(Debug, Default)]
pub struct ProfilesPanel {
    /// By name.
    pub statuses: Vec<ProfileStatus>,
    /// The store was read. Until then the statuses are no more than names.
    is_loaded: bool,
    /// It has been asked for since it was told last.
    is_being_read: bool,
    table: Table,
    /// Stays while the filter hides it.
    selected: Option<ProfileName>,
    under_way: BTreeMap<ProfileName, (TaskId, Work)>,
    /// What went wrong last; stays until the next key.
    problem: Option<Problem>,
    revealed: Option<Revealed>,
    /// The details have the whole body, scrolled down by so many rows.
    detail_scroll: Option<u16>,
    /// The profile that the question over it is about.
    asked_about: Option<ProfileName>,
}

#[derive(Debug)]
struct Revealed {
    profile: ProfileName,
    token: Secret,
    until: Moment,
}

impl ProfilesPanel {
    /// Puts the cursor on a profile, by name.
    pub fn select(&mut self, profile: ProfileName) {
        self.selected = Some(profile);
        self.table.follow(&self.statuses, self.selected.as_ref());
    }

    /// The profile that has the cursor: the selected one, else the first in the list.
    pub fn selected(&self) -> Option<&ProfileStatus> {
        self.statuses.get(*self.table.order().get(self.table.cursor())?)
    }

    fn move_to(&mut self, row: usize) {
        self.table.set_cursor(row);
        self.keep_selected();
    }

    /// What the cursor is on now stays selected.
    fn keep_selected(&mut self) {
        self.selected = self.selected().map(|status| status.name.clone()).or_else(|| self.selected.take());
    }
}

impl Panel for ProfilesPanel {
    fn scope(&self) -> Scope {
        Scope::Profiles
    }

    fn title(&self, around: &Surroundings, now: Now) -> Option<Title> {
        Some(view::title(around, self, now))
    }

    fn commands(&self, around: &Surroundings) -> Vec<Command> {
        let end = [Command::Help, Command::Quit];
        if self.table.is_typing() {
            return vec![Command::Choose, Command::Back];
        }
        let Some(status) = self.selected() else {
            let back = self.table.filter().map(|_| Command::Back);
            return [Command::AddProfile, Command::Import].into_iter().chain(back).chain(end).collect();
        };
        // Nobody has to wait for the store to be read: what cannot be done says so itself.
        let state = if self.is_loaded { status.state } else { State::Unknown };
        let mut commands = match state {
            State::SignedOut if is_only_unrevoked(status) => vec![Command::SignIn, Command::Logout],
            State::SignedOut => vec![Command::SignIn],
            // The provider is asked again where its refusals prove nothing.
            State::NeedsLogin if status.refreshable => {
                vec![Command::SignIn, Command::Refresh, Command::Whoami, Command::Logout]
            }
            State::NeedsLogin => vec![Command::SignIn, Command::Whoami, Command::Logout],
            State::Valid | State::Expiring | State::Expired | State::Unknown => {
                vec![Command::SignIn, Command::Refresh, Command::Whoami, Command::Api, Command::Logout]
            }
        };
        if self.detail_scroll.is_none() && Layout::is_list_only(around, self) {
            commands.insert(1, Command::Choose);
        }
        commands.extend([Command::AddProfile, Command::EditProfile]);
        if !matches!(state, State::SignedOut | State::NeedsLogin) {
            commands.extend([Command::RevealToken, Command::CopyToken]);
        }
        if self.statuses.len() > 1 && self.detail_scroll.is_none() {
            commands.extend([Command::Find, Command::Sort]);
        }
        commands.extend([Command::Import, Command::RenameProfile, Command::RemoveProfile]);
        if self.statuses.len() > 1 && around.config.default_profile.as_ref() != Some(&status.name) {
            commands.push(Command::UseProfile);
        }
        if self.detail_scroll.is_some() || self.table.filter().is_some() {
            commands.push(Command::Back);
        }
        commands.extend(end);
        commands
    }

    fn label(&self, _around: &Surroundings, command: Command) -> Option<&'static str> {
        match command {
            Command::Choose if self.table.is_typing() => Some("keep"),
            Command::Back if self.table.filter().is_some() && self.detail_scroll.is_none() => Some("show all"),
            _ => None,
        }
    }

    fn helps(&self, _around: &Surroundings, advice: &Advice) -> Option<Command> {
        let (command, profile) = match advice {
            Advice::SignIn(profile) => (Command::SignIn, profile),
            Advice::SignOut(profile) => (Command::Logout, profile),
            Advice::Refresh(profile) => (Command::Refresh, profile),
            Advice::GiveSecret(Some(profile))
            | Advice::EditProfile(profile)
            | Advice::EditValue(profile, _)
            | Advice::AddScopes(profile, ..) => (Command::EditProfile, profile),
            Advice::RemoveProfile(profile) => (Command::RemoveProfile, profile),
            Advice::AddProfile(_) => return Some(Command::AddProfile),
            _ => return None,
        };
        self.selected().is_some_and(|status| status.name == *profile).then_some(command)
    }

    fn run(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        if self.table.is_typing() {
            self.run_in_filter(command, around, now);
            return Then::default();
        }
        self.problem = None;
        let was_revealed = self.revealed.take().is_some();
        if let Some(purpose) = self.form_for(command) {
            // Somebody else may have removed it meanwhile.
            let reread = (!matches!(purpose, FormFor::Add(_))).then_some(Effect::LoadStatuses);
            return Then { effects: reread.into_iter().collect(), go: Go::Form(purpose) };
        }
        match command {
            Command::Quit => return Effect::Quit(Ended::Quit).into(),
            Command::Back if self.detail_scroll.take().is_some() => {}
            Command::Back => self.show_all(around, now),
            Command::Find => {
                self.detail_scroll = None;
                self.table.type_filter();
            }
            Command::Sort | Command::ReverseSort => self.sort(command, around, now),
            Command::RevealToken if was_revealed => {}
            _ if command.is_move() => self.step(command, around, now),
            Command::Choose if self.detail_scroll.take().is_none() => {
                self.detail_scroll = self.selected().map(|_| 0);
            }
            _ => return self.with_profile(command, around, now),
        }
        Then::default()
    }

    fn confirmed(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let work = if command == Command::Logout { Work::Logout } else { Work::Refresh };
        let profile = self.asked_about.take();
        profile.map(|profile| self.begin(profile, work, around, now)).unwrap_or_default().into()
    }

    fn is_typing(&self) -> bool {
        self.table.is_typing()
    }

    /// The list narrows with each key that is typed into the filter.
    fn typed(&mut self, key: Key, around: &mut Surroundings, now: Now) -> Then {
        if self.table.is_typing() && self.table.type_filter().press(key) {
            self.arrange(around, now.time);
        }
        Then::default()
    }

    fn paste(&mut self, text: &str, around: &mut Surroundings, now: Now) -> Then {
        if self.table.is_typing() {
            self.table.type_filter().paste(text, true);
            self.arrange(around, now.time);
        }
        Then::default()
    }

    /// Beside a token that is shown the mouse selects text.
    fn wants_mouse(&self) -> bool {
        self.revealed.is_none()
    }

    /// Puts the cursor on the row at a place; on the row that has it already, does what Enter does.
    fn point(&mut self, at: Position, what: Pointing, around: &mut Surroundings, now: Now) -> Then {
        match what {
            Pointing::WheelUp => return self.run(Command::Up, around, now),
            Pointing::WheelDown => return self.run(Command::Down, around, now),
            Pointing::Press => {}
        }
        if let Some(asked) = view::command_at(around, self, at, now) {
            return self.run(asked, around, now);
        }
        match view::row_at(around, self, at, now) {
            Some(row) if row == self.table.cursor() => return self.run(Command::Choose, around, now),
            Some(row) => self.move_to(row),
            None => {}
        }
        Then::default()
    }

    fn hear(&mut self, message: Message, is_covered: bool, around: &mut Surroundings, now: Now) -> Heard {
        let changed = match &message {
            Message::ConfigurationChanged { task, .. } => self.changed_for(*task),
            _ => None,
        };
        if let Some(profile) = changed {
            self.under_way.remove(&profile);
            return (self.done(&profile, Work::Use, message, is_covered, around, now).into(), None);
        }
        let effects = match message {
            Message::StatusesLoaded(statuses) => {
                self.loaded(statuses, around, now);
                Vec::new()
            }
            Message::Refreshed { task, ref profile, .. }
            | Message::Verified { task, ref profile, .. }
            | Message::SignedOut { task, ref profile, .. }
            | Message::TokenRead { task, ref profile, .. } => {
                let profile = profile.clone();
                match self.end(&profile, task) {
                    Some(work) => self.done(&profile, work, message, is_covered, around, now),
                    None => return (Then::default(), Some(message)),
                }
            }
            other => return (Then::default(), Some(other)),
        };
        (effects.into(), None)
    }

    /// Until the store is read, it shows the names.
    fn resume(&mut self, outcome: Outcome, around: &mut Surroundings, now: Now) -> Then {
        let mut effects = Vec::new();
        match outcome {
            Outcome::Nothing => {}
            Outcome::About(profile) | Outcome::SignedIn(profile) => self.select(profile),
            Outcome::SignOut(profile) => {
                effects = self.begin(profile.clone(), Work::Logout, around, now);
                self.select(profile);
            }
            Outcome::SignIn(profile) => {
                self.select(profile.clone());
                return Go::SignIn { profile, options: SignIn::attended() }.into();
            }
            Outcome::Gone { profile, error, wanted } => {
                self.problem = Some(Problem { profile, outcome: None, error, again: wanted });
            }
        }
        if !self.is_loaded {
            let config = &around.config;
            let named = |profile: &Profile| {
                let (provider, data_center) = (config.provider_label(profile), config.data_center_code(profile));
                ProfileStatus::unread(profile.name.clone(), provider.to_owned(), data_center.map(str::to_owned))
            };
            self.statuses = config.profiles.values().map(named).collect();
            self.arrange(around, Timestamp::MIN);
        }
        effects.push(self.reload());
        effects.into()
    }

    /// Hides the token when it is time.
    fn wake(&mut self, _around: &mut Surroundings, now: Now) -> Then {
        self.revealed.take_if(|revealed| revealed.until <= now.moment);
        Then::default()
    }

    /// The next change of what is in sight, or the end of a revealed token.
    fn next_wakeup(&self, around: &Surroundings, now: Now) -> Option<Moment> {
        let is_in_sight = around.shows(self, now);
        let change = is_in_sight.then(|| Layout::of(around, self, now).next_change(around, self, now)).flatten();
        let change = change.map(|change| now.moment + now.until(change));
        let hides_at = self.revealed.as_ref().map(|revealed| revealed.until);
        change.into_iter().chain(hides_at).min()
    }

    fn view(&self, around: &Surroundings, now: Now, _area: Rect, frame: &mut Frame<'_>) {
        view::view(around, self, now, frame);
    }
}

impl ProfilesPanel {
    /// What a command opens the form for; `None` for the other commands.
    fn form_for(&self, command: Command) -> Option<FormFor> {
        match command {
            Command::AddProfile => return Some(FormFor::Add(None)),
            Command::Import => return Some(FormFor::Import(self.selected().map(|status| status.name.clone()))),
            _ => {}
        }
        let status = self.selected()?;
        let profile = status.name.clone();
        let state = match status.state {
            // So far it is no more than a name.
            _ if !self.is_loaded => State::Unknown,
            // When its token ends is all that is not known.
            State::Unknown if status.is_signed_in() => State::Valid,
            state => state,
        };
        match command {
            Command::EditProfile => Some(FormFor::Edit(profile)),
            Command::RenameProfile => Some(FormFor::Rename(profile, state)),
            Command::RemoveProfile => Some(FormFor::Remove { profile, state, is_unrevoked: status.is_unrevoked }),
            _ => None,
        }
    }

    /// Takes in what the store says.
    fn loaded(&mut self, statuses: Vec<ProfileStatus>, around: &Surroundings, now: Now) {
        let row = self.table.cursor();
        let position = |name: &ProfileName| statuses.binary_search_by(|status| status.name.cmp(name));
        let is_gone = self.selected.as_ref().is_none_or(|name| position(name).is_err());
        self.statuses = statuses;
        self.is_loaded = true;
        self.is_being_read = false;
        self.arrange(around, now.time);
        if is_gone {
            self.selected = None;
            self.detail_scroll = None;
        }
        if !self.table.is_at(&self.statuses, self.selected.as_ref()) {
            // Its place in the list is where its neighbor is now.
            self.table.set_cursor(row);
        }
        if self.selected.is_none() {
            self.keep_selected();
        }
    }

    /// Makes the order of the list anew.
    fn arrange(&mut self, around: &Surroundings, now: Timestamp) {
        self.table.arrange(&self.statuses, &around.config, self.selected.as_ref(), now);
    }

    fn run_in_filter(&mut self, command: Command, around: &Surroundings, now: Now) {
        match command {
            Command::Back => self.show_all(around, now),
            Command::Choose | Command::NextPane => {
                self.table.end_typing();
                self.keep_selected();
            }
            _ if command.is_move() => self.step(command, around, now),
            _ => {}
        }
    }

    /// Takes the filter away. Whoever moved nowhere meanwhile is back at the profile that was selected before.
    fn show_all(&mut self, around: &Surroundings, now: Now) {
        if self.table.clear_filter() {
            self.arrange(around, now.time);
        }
    }

    fn sort(&mut self, command: Command, around: &mut Surroundings, now: Now) {
        self.keep_selected();
        match command {
            Command::Sort => self.table.sort_by_next(),
            _ => self.table.reverse(),
        }
        self.arrange(around, now.time);
        let order = self.table.sorted_in_words();
        let key = |command| around.key(Scope::Profiles, command);
        let (next, turned) = (key(Command::Sort), key(Command::ReverseSort));
        let text = format!("Sorted {order}. {next} sorts by another column, {turned} turns it around.");
        around.say(Mark::Good, text, now);
    }

    fn reload(&mut self) -> Effect {
        self.is_being_read = true;
        Effect::LoadStatuses
    }

    fn step(&mut self, command: Command, around: &Surroundings, now: Now) {
        let rows = usize::from(Layout::of(around, self, now).table(self).area.height);
        if let Some(scroll) = self.detail_scroll {
            let (all, page) = view::detail_rows(around, self, now);
            let last = all.saturating_sub(page);
            let scroll = moved(usize::from(scroll), command, page.max(2) - 1, last);
            self.detail_scroll = u16::try_from(scroll).ok();
        } else {
            let last = self.table.order().len().saturating_sub(1);
            self.move_to(moved(self.table.cursor(), command, rows.max(1), last));
        }
    }

    /// Commands about the selected profile.
    fn with_profile(&mut self, command: Command, around: &mut Surroundings, now: Now) -> Then {
        let Some(profile) = self.selected().map(|status| status.name.clone()) else { return Then::default() };
        self.keep_selected();
        let work = match command {
            Command::SignIn => return Go::SignIn { profile, options: SignIn::attended() }.into(),
            Command::Api | Command::Refresh | Command::Logout => None,
            Command::Whoami => Some(Work::Whoami),
            Command::UseProfile => Some(Work::Use),
            Command::RevealToken => Some(Work::RevealToken),
            Command::CopyToken => Some(Work::CopyToken),
            _ => return Then::default(),
        };
        if !self.commands(around).contains(&command) {
            let why_not = match command {
                Command::UseProfile => format!("{profile} is the default profile already."),
                Command::Logout => format!("{profile} is not signed in: there is nothing to log out."),
                _ => format!("{profile}: {} to sign in first.", words::signing_in(around, self, &profile)),
            };
            around.say(Mark::Attention, why_not, now);
            // Another process may have changed that since it was read.
            return if self.is_being_read { Then::default() } else { self.reload().into() };
        }
        match (command, work) {
            (_, Some(work)) => self.begin(profile, work, around, now).into(),
            (Command::Api, _) => Go::Api(profile).into(),
            (Command::Refresh, _) => self.ask_or_refresh(profile, around, now).into(),
            // Giving up was decided on when it was signed out.
            _ if self.selected().is_some_and(is_only_unrevoked) => {
                self.begin(profile, Work::Logout, around, now).into()
            }
            _ => {
                around.overlay = Some(Overlay::logout(&profile));
                self.asked_about = Some(profile);
                Then::default()
            }
        }
    }
}

/// Nothing is left of the sign-in but the access at the provider.
fn is_only_unrevoked(status: &ProfileStatus) -> bool {
    status.state == State::SignedOut && status.is_unrevoked
}
