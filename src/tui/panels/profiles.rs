//! The profiles: which are healthy, when their tokens end, what can be done about it.

use crate::error::Error;
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ProfileStatus, SignedOut};
use crate::storage::Account;
use crate::tui::keymap::Command;
use crate::tui::message::{Effect, Task};
use crate::tui::model::{Model, Now, Screen};

/// The list and what is under way for its profiles.
#[derive(Debug, Default)]
pub struct ProfilesPanel {
    pub statuses: Vec<ProfileStatus>,
    selected: Option<ProfileName>,
}

impl ProfilesPanel {
    /// Puts the cursor on a profile, by name.
    pub fn select(&mut self, profile: Option<ProfileName>) {
        self.selected = profile.or_else(|| self.selected.take());
    }
}
/// Opens the panel.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Profiles;
    vec![Effect::LoadStatuses]
}
pub fn commands(model: &Model) -> Vec<Command> {
    Vec::new()
}
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn loaded(model: &mut Model, statuses: Vec<ProfileStatus>, now: Now) -> Vec<Effect> {
    model.profiles.statuses = statuses;
    Vec::new()
}
pub fn refreshed(
    model: &mut Model,
    task: Task,
    profile: &ProfileName,
    result: Result<(), Error>,
    now: Now,
) -> Vec<Effect> {
    Vec::new()
}
pub fn verified(
    model: &mut Model,
    task: Task,
    profile: &ProfileName,
    result: Result<Account, Error>,
    now: Now,
) -> Vec<Effect> {
    Vec::new()
}
pub fn signed_out(
    model: &mut Model,
    task: Task,
    profile: &ProfileName,
    result: Result<SignedOut, Error>,
    now: Now,
) -> Vec<Effect> {
    Vec::new()
}
pub fn token_read(
    model: &mut Model,
    task: Task,
    profile: &ProfileName,
    result: Result<Secret, Error>,
    now: Now,
) -> Vec<Effect> {
    Vec::new()
}
pub fn sign_out(model: &mut Model, profile: ProfileName, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn next_wakeup(model: &Model, now: Now) -> Option<crate::clock::Moment> {
    None
}
pub fn view(model: &Model, now: Now, area: ratatui::layout::Rect, frame: &mut ratatui::Frame<'_>) {}
pub fn title(model: &Model, now: Now) -> String {
    String::new()
}
