//! The profiles: which are healthy, when their tokens end, what can be done about it.
//!
//! States are derived from the end of a token and the time at hand, so nothing is read to let one run out on the screen;
//! what other processes did is read again every half minute. How it looks is in `view`.

#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ProfileStatus, SignedOut, State};
use crate::storage::Account;
use crate::tui::Ended;
use crate::tui::keymap::Command;
use crate::tui::message::{Effect, TaskId};
use crate::tui::model::{Confirmed, Model, Now, Overlay, Screen};
use crate::tui::panels::lines::{moved, next_second};
use crate::tui::panels::{api, sign_in};
use crate::tui::theme::Mark;
use crate::untrusted::Untrusted;

pub use view::{title, view};

/// How often the store is read again while the panel is on the screen.
const RELOAD_EVERY: Duration = Duration::from_secs(30);
/// How long a token that somebody asked to see stays on the screen.
const REVEAL_TIME: Duration = Duration::from_secs(10);

/// The list and what is under way for its profiles.
#[derive(Debug, Default)]
pub struct ProfilesPanel {
    pub statuses: Vec<ProfileStatus>,
    is_loaded: bool,
    reload_at: Option<Moment>,
    selected: Option<ProfileName>,
    under_way: BTreeMap<ProfileName, (TaskId, Work)>,
    /// What went wrong last; stays until the next key.
    problem: Option<(ProfileName, Error)>,
    revealed: Option<Revealed>,
    /// The details have the whole body, scrolled down by so many rows.
    detail_scroll: Option<u16>,
}

/// What is being done for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Refresh,
    Verify,
    SignOut,
    RevealToken,
    CopyToken,
}

#[derive(Debug)]
struct Revealed {
    profile: ProfileName,
    token: Secret,
    until: Moment,
}

impl ProfilesPanel {
    /// Puts the cursor on a profile, by name.
    pub fn select(&mut self, profile: Option<ProfileName>) {
        self.selected = profile.or_else(|| self.selected.take());
    }

    /// The profile that has the cursor: the selected one, else the first.
    pub fn selected(&self) -> Option<&ProfileStatus> {
        self.statuses.get(self.selected_index())
    }

    fn selected_index(&self) -> usize {
        let named = |status: &ProfileStatus| Some(&status.name) == self.selected.as_ref();
        self.statuses.iter().position(named).unwrap_or_default()
    }

    fn move_to(&mut self, index: usize) {
        let index = index.min(self.statuses.len().saturating_sub(1));
        self.selected = self.statuses.get(index).map(|status| status.name.clone());
    }

    /// Takes the work that `task` names off the list; `None` for an answer that nobody waits for.
    fn end(&mut self, profile: &ProfileName, task: TaskId) -> Option<Work> {
        let (under_way, work) = *self.under_way.get(profile)?;
        (under_way == task).then(|| self.under_way.remove(profile))?;
        Some(work)
    }
}

impl Work {
    fn in_words(self) -> &'static str {
        match self {
            Work::Refresh => "refreshing",
            Work::Verify => "verifying",
            Work::SignOut => "signing out",
            Work::RevealToken | Work::CopyToken => "reading the token",
        }
    }
}

/// Opens the panel.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Profiles;
    reload(model)
}

/// What can be asked for now, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    let end = [Command::Help, Command::Quit];
    let Some(status) = model.profiles.selected() else { return end.to_vec() };
    let mut commands = match status.state {
        State::SignedOut => vec![Command::SignIn],
        State::NeedsLogin => vec![Command::SignIn, Command::Verify, Command::SignOut],
        State::Valid | State::Expiring | State::Expired | State::Unknown => {
            vec![Command::SignIn, Command::Refresh, Command::Verify, Command::OpenApi, Command::SignOut]
        }
    };
    if !matches!(status.state, State::SignedOut | State::NeedsLogin) {
        commands.extend([Command::RevealToken, Command::CopyToken]);
    }
    if model.profiles.detail_scroll.is_some() {
        commands.push(Command::Back);
    }
    commands.extend(end);
    commands
}

/// Does what the person asked for.
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    model.profiles.problem = None;
    let was_revealed = model.profiles.revealed.take().is_some();
    match command {
        Command::Quit => return vec![Effect::Quit(Ended::Quit)],
        Command::Back => model.profiles.detail_scroll = None,
        Command::RevealToken if was_revealed => {}
        Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Home | Command::End => {
            go(model, command, now);
        }
        Command::Choose if model.profiles.detail_scroll.take().is_none() => {
            model.profiles.detail_scroll = model.profiles.selected().map(|_| 0);
        }
        _ => return with_profile(model, command, now),
    }
    Vec::new()
}

/// Takes in what the store says.
pub fn loaded(model: &mut Model, statuses: Vec<ProfileStatus>, now: Now) -> Vec<Effect> {
    let panel = &mut model.profiles;
    let index = panel.selected_index();
    // Whoever chose a profile that is not known yet waits for exactly this list.
    let is_gone = |name: &ProfileName| statuses.iter().all(|status| status.name != *name);
    if panel.selected.as_ref().is_none_or(is_gone) {
        let nearest = statuses.get(index).or(statuses.last());
        panel.selected = nearest.map(|status| status.name.clone());
        panel.detail_scroll = None;
    }
    panel.statuses = statuses;
    panel.is_loaded = true;
    panel.reload_at = (!panel.statuses.is_empty()).then(|| now.moment + RELOAD_EVERY);
    Vec::new()
}

pub fn refreshed(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<(), Error>,
    now: Now,
) -> Vec<Effect> {
    if model.profiles.end(profile, task).is_none() {
        return Vec::new();
    }
    match result {
        Ok(()) => model.say(Mark::Good, format!("{profile}: refreshed."), now),
        Err(error) => model.profiles.problem = Some((profile.clone(), error)),
    }
    reload(model)
}

pub fn verified(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<Account, Error>,
    now: Now,
) -> Vec<Effect> {
    if model.profiles.end(profile, task).is_none() {
        return Vec::new();
    }
    match result {
        Ok(account) => {
            let label = Untrusted::new(account.label()).line();
            model.say(Mark::Good, format!("{profile}: the provider knows the token as {label}."), now);
        }
        Err(error) => model.profiles.problem = Some((profile.clone(), error)),
    }
    reload(model)
}

/// Says which of the two halves of signing out worked.
pub fn signed_out(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<SignedOut, Error>,
    now: Now,
) -> Vec<Effect> {
    if model.profiles.end(profile, task).is_none() {
        return Vec::new();
    }
    match result {
        Ok(SignedOut { revoked, forgotten, is_noted }) => {
            let here = if forgotten { "forgotten here" } else { "there was nothing to forget here" };
            let (mark, at_provider) = match &revoked {
                Some(Ok(())) => (Mark::Good, "revoked at the provider, "),
                Some(Err(_)) if is_noted => (Mark::Attention, "NOT revoked at the provider yet, to be tried again, "),
                Some(Err(_)) => (Mark::Attention, "NOT revoked at the provider, "),
                None if forgotten => (Mark::Good, "the provider was not asked, "),
                None => (Mark::Good, ""),
            };
            model.say(mark, format!("{profile}: {at_provider}{here}."), now);
            model.profiles.problem = revoked.and_then(Result::err).map(|error| (profile.clone(), error));
        }
        Err(error) => model.profiles.problem = Some((profile.clone(), error)),
    }
    reload(model)
}

/// Shows or copies the token, whichever was asked for. A person who has gone on in the meantime does not get to see it.
pub fn token_read(
    model: &mut Model,
    task: TaskId,
    profile: &ProfileName,
    result: Result<Secret, Error>,
    now: Now,
) -> Vec<Effect> {
    let Some(work) = model.profiles.end(profile, task) else { return Vec::new() };
    let mut effects = Vec::new();
    match result {
        Ok(token) if work == Work::CopyToken => {
            model.say_copied("the access token", now);
            effects.push(Effect::Copy(token));
        }
        Ok(token) => {
            let is_looked_at = model.screen == Screen::Profiles
                && model.profiles.selected().is_some_and(|status| status.name == *profile);
            let revealed = Revealed { profile: profile.clone(), token, until: now.moment + REVEAL_TIME };
            model.profiles.revealed = is_looked_at.then_some(revealed);
        }
        Err(error) => model.profiles.problem = Some((profile.clone(), error)),
    }
    // Reading may have minted a new one.
    effects.extend(reload(model));
    effects
}

/// Signs out, which the person has confirmed here or on the screen of a sign-in that has just worked.
pub fn sign_out(model: &mut Model, profile: ProfileName, now: Now) -> Vec<Effect> {
    let mut effects = begin(model, profile.clone(), Work::SignOut, now);
    if model.screen != Screen::Profiles {
        model.sign_in = None;
        model.is_single_sign_in = false;
        model.profiles.select(Some(profile));
        effects.extend(open(model));
    }
    effects
}

/// Hides the token and reads the store again when it is time.
pub fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    let panel = &mut model.profiles;
    panel.revealed.take_if(|revealed| revealed.until <= now.moment);
    if panel.reload_at.is_some_and(|at| at <= now.moment) { reload(model) } else { Vec::new() }
}

/// The next second of the soonest clock, the end of a revealed token, or the next reading.
pub fn next_wakeup(model: &Model, now: Now) -> Option<Moment> {
    let panel = &model.profiles;
    let ticks =
        panel.statuses.iter().filter_map(|status| next_second(now.moment + status.remaining(now.time), now.moment));
    let hides_at = panel.revealed.as_ref().map(|revealed| revealed.until);
    ticks.chain(hides_at).chain(panel.reload_at).min()
}

fn reload(model: &mut Model) -> Vec<Effect> {
    // The answer sets the next time, so that a slow store is not asked twice.
    model.profiles.reload_at = None;
    vec![Effect::LoadStatuses]
}

fn go(model: &mut Model, command: Command, now: Now) {
    let (rows, detail_rows) = (view::list_rows(model), view::detail_rows(model, now));
    let panel = &mut model.profiles;
    match panel.detail_scroll {
        Some(scroll) => {
            let (all, page) = detail_rows;
            let last = all.saturating_sub(page);
            panel.detail_scroll = u16::try_from(moved(usize::from(scroll), command, page.max(2) - 1).min(last)).ok();
        }
        None => panel.move_to(moved(panel.selected_index(), command, rows.max(1))),
    }
}

/// Commands about the selected profile.
fn with_profile(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let Some(status) = model.profiles.selected() else { return Vec::new() };
    let profile = status.name.clone();
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
        model.say(Mark::Attention, format!("{profile}: press n to sign in first."), now);
        return Vec::new();
    }
    match command {
        Command::SignIn => sign_in::start(model, profile, sign_in::attended()),
        Command::OpenApi => api::open(model, profile),
        Command::Refresh => begin(model, profile, Work::Refresh, now),
        Command::Verify => begin(model, profile, Work::Verify, now),
        Command::RevealToken => begin(model, profile, Work::RevealToken, now),
        Command::CopyToken => begin(model, profile, Work::CopyToken, now),
        Command::SignOut => {
            let question =
                format!("Sign out of profile {profile}? Its access is revoked and its tokens are forgotten.");
            model.overlay = Some(Overlay::Confirm { question, action: Confirmed::SignOut(profile) });
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Starts one piece of work for a profile, unless another is under way for it.
fn begin(model: &mut Model, profile: ProfileName, work: Work, now: Now) -> Vec<Effect> {
    if let Some((_, under_way)) = model.profiles.under_way.get(&profile) {
        let text = format!("{profile}: still {}.", under_way.in_words());
        model.say(Mark::Working, text, now);
        return Vec::new();
    }
    let task = model.new_task();
    model.profiles.under_way.insert(profile.clone(), (task, work));
    vec![match work {
        Work::Refresh => Effect::Refresh { task, profile },
        Work::Verify => Effect::Verify { task, profile },
        Work::SignOut => Effect::SignOut { task, profile },
        Work::RevealToken | Work::CopyToken => Effect::ReadToken { task, profile },
    }]
}
