//! The profiles: which are healthy, when their tokens end, what can be done about it.
//!
//! States are derived from the end of a token and the time at hand, so nothing is read to let one run out on the screen;
//! what other processes did is read again every half minute. How it looks is in `view`.

mod table;
#[cfg(test)]
mod tests;
mod view;
mod words;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use ratatui::layout::Position;

use crate::clock::Moment;
use crate::config::Profile;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ProfileStatus, State};
use crate::tui::Ended;
use crate::tui::keymap::{Command, Key};
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::panels::lines::moved;
use crate::tui::panels::{api, profile_form, sign_in};
use crate::tui::theme::Mark;
use words::until;

use table::Table;
use view::Layout;
pub use view::{title, view};
use work::{Problem, Work, ask_or_refresh, begin};
pub use work::{is_gone, refresh, refreshed, sign_out, signed_out, token_read, verified};

/// How often the store is read again while the panel is on the screen.
const RELOAD_EVERY: Duration = Duration::from_secs(30);

/// The list and what is under way for its profiles.
#[derive(Debug, Default)]
pub struct ProfilesPanel {
    /// By name.
    pub statuses: Vec<ProfileStatus>,
    /// The store was read. Until then the statuses are no more than names.
    is_loaded: bool,
    table: Table,
    /// When each profile wants a person or began to, as far as that is known, in order.
    ends_for_good: Vec<Timestamp>,
    reload_at: Option<Moment>,
    /// Stays while the filter hides it.
    selected: Option<ProfileName>,
    under_way: BTreeMap<ProfileName, (TaskId, Work)>,
    /// What went wrong last; stays until the next key.
    problem: Option<Problem>,
    revealed: Option<Revealed>,
    /// The details have the whole body, scrolled down by so many rows.
    detail_scroll: Option<u16>,
}

#[derive(Debug)]
struct Revealed {
    profile: ProfileName,
    token: Secret,
    until: Moment,
}

impl ProfilesPanel {
    /// The store was read, so that the states are more than guesses.
    pub fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// Puts the cursor on a profile, by name.
    pub fn select(&mut self, profile: Option<ProfileName>) {
        self.selected = profile.or_else(|| self.selected.take());
        self.table.follow(&self.statuses, self.selected.as_ref());
    }

    /// A token is on the screen.
    pub fn is_token_shown(&self) -> bool {
        self.revealed.is_some()
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

    /// How many profiles want a person.
    fn wanting(&self, now: Timestamp) -> usize {
        self.ends_for_good.partition_point(|end| *end <= now)
    }
}

/// Opens the panel. Until the store is read, it shows the names.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Profiles;
    if !model.profiles.is_loaded {
        let config = &model.config;
        let named = |profile: &Profile| {
            let (provider, data_center) = (config.provider_label(profile), config.data_center_code(profile));
            ProfileStatus::unread(profile.name.clone(), provider.to_owned(), data_center.map(str::to_owned))
        };
        model.profiles.statuses = config.profiles.values().map(named).collect();
        arrange(model, Timestamp::MIN);
    }
    reload(model)
}

/// What can be asked for now, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    let end = [Command::Help, Command::Quit];
    let panel = &model.profiles;
    if panel.table.is_typing() {
        return vec![Command::Choose, Command::Back];
    }
    let Some(status) = panel.selected() else {
        let back = panel.table.filter().map(|_| Command::Back);
        return [Command::AddProfile].into_iter().chain(back).chain(end).collect();
    };
    // Nobody has to wait for the store to be read: what cannot be done says so itself.
    let state = if panel.is_loaded { status.state } else { State::Unknown };
    let mut commands = match state {
        State::SignedOut if is_only_unrevoked(status) => vec![Command::SignIn, Command::SignOut],
        State::SignedOut => vec![Command::SignIn],
        // The provider is asked again where its refusals prove nothing.
        State::NeedsLogin if status.refreshable => {
            vec![Command::SignIn, Command::Refresh, Command::Verify, Command::SignOut]
        }
        State::NeedsLogin => vec![Command::SignIn, Command::Verify, Command::SignOut],
        State::Valid | State::Expiring | State::Expired | State::Unknown => {
            vec![Command::SignIn, Command::Refresh, Command::Verify, Command::OpenApi, Command::SignOut]
        }
    };
    if panel.detail_scroll.is_none() && Layout::is_list_only(model) {
        commands.insert(1, Command::Choose);
    }
    commands.extend([Command::AddProfile, Command::EditProfile]);
    if !matches!(state, State::SignedOut | State::NeedsLogin) {
        commands.extend([Command::RevealToken, Command::CopyToken]);
    }
    if panel.statuses.len() > 1 && panel.detail_scroll.is_none() {
        commands.extend([Command::Find, Command::Sort]);
    }
    commands.extend([Command::RenameProfile, Command::RemoveProfile]);
    if panel.detail_scroll.is_some() || panel.table.filter().is_some() {
        commands.push(Command::Back);
    }
    commands.extend(end);
    commands
}

/// What a key of the footer does now, where that is not what it does elsewhere.
pub fn label(model: &Model, command: Command) -> Option<&'static str> {
    match command {
        Command::Choose if model.profiles.table.is_typing() => Some("keep"),
        Command::SignOut if model.profiles.selected().is_some_and(is_only_unrevoked) => Some("revoke"),
        Command::Back if model.profiles.table.filter().is_some() && model.profiles.detail_scroll.is_none() => {
            Some("show all")
        }
        _ => None,
    }
}

/// Nothing is left of the sign-in but the access at the provider.
fn is_only_unrevoked(status: &ProfileStatus) -> bool {
    status.state == State::SignedOut && status.is_unrevoked
}

/// Keys are typed into the filter.
pub fn captures_keys(model: &Model) -> bool {
    model.profiles.table.is_typing()
}

/// Takes a key while the filter is typed. The list narrows with each one.
pub fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    match key {
        Key::Esc => show_all(model, now),
        Key::Enter | Key::Tab => {
            model.profiles.table.end_typing();
            model.profiles.keep_selected();
        }
        Key::Up => go(model, Command::Up, now),
        Key::Down => go(model, Command::Down, now),
        Key::PageUp => go(model, Command::PageUp, now),
        Key::PageDown => go(model, Command::PageDown, now),
        key => {
            if model.profiles.table.type_filter().press(key) {
                arrange(model, now.time);
            }
        }
    }
    Vec::new()
}

/// Takes pasted text into the filter.
pub fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    if captures_keys(model) {
        model.profiles.table.type_filter().paste(text, true);
        arrange(model, now.time);
    }
    Vec::new()
}

/// Does what the person asked for.
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    model.profiles.problem = None;
    if let Some(effects) = profile_form::open_by(model, command) {
        return effects;
    }
    let was_revealed = model.profiles.revealed.take().is_some();
    match command {
        Command::Quit => return vec![Effect::Quit(Ended::Quit)],
        Command::Back if model.profiles.detail_scroll.take().is_some() => {}
        Command::Back => show_all(model, now),
        Command::Find => {
            model.profiles.detail_scroll = None;
            model.profiles.table.type_filter();
        }
        Command::Sort | Command::ReverseSort => sort(model, command, now),
        Command::RevealToken if was_revealed => {}
        _ if command.is_move() => go(model, command, now),
        Command::Choose if model.profiles.detail_scroll.take().is_none() => {
            model.profiles.detail_scroll = model.profiles.selected().map(|_| 0);
        }
        _ => return with_profile(model, command, now),
    }
    // Nothing wakes a list without profiles, so a key has it look whether there are some by now.
    if model.profiles.statuses.is_empty() { vec![Effect::LoadStatuses] } else { Vec::new() }
}

/// Puts the cursor on the row at a place; on the row that has it already, does what Enter does.
pub fn point(model: &mut Model, at: Position, now: Now) -> Vec<Effect> {
    if let Some(asked) = view::command_at(model, at, now) {
        return command(model, asked, now);
    }
    let Some(row) = view::row_at(model, at, now) else { return Vec::new() };
    if row == model.profiles.table.cursor() {
        return command(model, Command::Choose, now);
    }
    model.profiles.move_to(row);
    Vec::new()
}

/// Takes in what the store says.
pub fn loaded(model: &mut Model, statuses: Vec<ProfileStatus>, now: Now) -> Vec<Effect> {
    let panel = &mut model.profiles;
    let row = panel.table.cursor();
    let position = |name: &ProfileName| statuses.binary_search_by(|status| status.name.cmp(name));
    let is_gone = panel.selected.as_ref().is_none_or(|name| position(name).is_err());
    panel.ends_for_good = statuses.iter().filter_map(end_for_good).collect();
    panel.ends_for_good.sort_unstable();
    panel.statuses = statuses;
    panel.is_loaded = true;
    panel.reload_at = (!panel.statuses.is_empty()).then(|| now.moment + RELOAD_EVERY);
    arrange(model, now.time);
    let panel = &mut model.profiles;
    if is_gone {
        panel.selected = None;
        panel.detail_scroll = None;
    }
    if !panel.table.is_at(&panel.statuses, panel.selected.as_ref()) {
        // Its place in the list is where its neighbor is now.
        panel.table.set_cursor(row);
    }
    if panel.selected.is_none() {
        panel.keep_selected();
    }
    Vec::new()
}

/// From when on only a person can bring a profile back.
fn end_for_good(status: &ProfileStatus) -> Option<Timestamp> {
    match status.state {
        State::NeedsLogin => Some(Timestamp::MIN),
        State::Valid | State::Expiring if !status.refreshable => status.access_token_expires_at,
        _ => None,
    }
}

/// Hides the token and reads the store again when it is time.
pub fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    let panel = &mut model.profiles;
    panel.revealed.take_if(|revealed| revealed.until <= now.moment);
    if panel.reload_at.is_some_and(|at| at <= now.moment) { reload(model) } else { Vec::new() }
}

/// The next change of what is in sight, the end of a revealed token, or the next reading.
pub fn next_wakeup(model: &Model, now: Now) -> Option<Moment> {
    let panel = &model.profiles;
    let change = model.overlay.is_none().then(|| Layout::of(model, now).next_change(model, now)).flatten();
    let change = change.map(|change| now.moment + until(change, now));
    let hides_at = panel.revealed.as_ref().map(|revealed| revealed.until);
    change.into_iter().chain(hides_at).chain(panel.reload_at).min()
}

/// Makes the order of the list anew.
fn arrange(model: &mut Model, now: Timestamp) {
    let ProfilesPanel { table, statuses, selected, .. } = &mut model.profiles;
    table.arrange(statuses, &model.config, selected.as_ref(), now);
}

/// Takes the filter away. Whoever moved nowhere meanwhile is back at the profile that was selected before.
fn show_all(model: &mut Model, now: Now) {
    if model.profiles.table.clear_filter() {
        arrange(model, now.time);
    }
}

fn sort(model: &mut Model, command: Command, now: Now) {
    model.profiles.keep_selected();
    match command {
        Command::Sort => model.profiles.table.sort_by_next(),
        _ => model.profiles.table.reverse(),
    }
    arrange(model, now.time);
    let order = model.profiles.table.sorted_in_words();
    let (next, turned) = (model.key(Command::Sort), model.key(Command::ReverseSort));
    model.say(Mark::Good, format!("Sorted {order}. {next} sorts by another column, {turned} turns it around."), now);
}

fn reload(model: &mut Model) -> Vec<Effect> {
    // The answer sets the next time, so that a slow store is not asked twice.
    model.profiles.reload_at = None;
    vec![Effect::LoadStatuses]
}

fn go(model: &mut Model, command: Command, now: Now) {
    let (rows, detail_rows) = (Layout::of(model, now).rows(), view::detail_rows(model, now));
    let panel = &mut model.profiles;
    match panel.detail_scroll {
        Some(scroll) => {
            let (all, page) = detail_rows;
            let last = all.saturating_sub(page);
            panel.detail_scroll = u16::try_from(moved(usize::from(scroll), command, page.max(2) - 1).min(last)).ok();
        }
        None => panel.move_to(moved(panel.table.cursor(), command, rows.max(1))),
    }
}

/// Commands about the selected profile.
fn with_profile(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let Some(profile) = model.profiles.selected().map(|status| status.name.clone()) else { return Vec::new() };
    model.profiles.keep_selected();
    let is_about_profile = matches!(
        command,
        Command::Refresh
            | Command::Verify
            | Command::OpenApi
            | Command::SignOut
            | Command::RevealToken
            | Command::CopyToken
    );
    if is_about_profile && !commands(model).contains(&command) {
        let key = model.key(Command::SignIn);
        model.say(Mark::Attention, format!("{profile}: press {key} to sign in first."), now);
        return Vec::new();
    }
    match command {
        Command::SignIn => sign_in::start(model, profile, sign_in::attended()),
        Command::OpenApi => api::open(model, profile),
        Command::Refresh => ask_or_refresh(model, profile, now),
        Command::Verify => begin(model, profile, Work::Verify, now),
        Command::RevealToken => begin(model, profile, Work::RevealToken, now),
        Command::CopyToken => begin(model, profile, Work::CopyToken, now),
        // Giving up was decided on when it was signed out.
        Command::SignOut if model.profiles.selected().is_some_and(is_only_unrevoked) => {
            begin(model, profile, Work::Revoke, now)
        }
        Command::SignOut => {
            let question =
                format!("Sign out of profile {profile}? Its access is revoked and its tokens are forgotten.");
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::SignOut(profile) });
            Vec::new()
        }
        _ => Vec::new(),
    }
}
