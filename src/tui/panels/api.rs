//! The API panel: harmless test calls, a request that can be edited, and its answer, explained when it failed.

use crate::error::Error;
use crate::profile::ProfileName;
use crate::service::Answer;
use crate::tui::keymap::{Command, Key};
use crate::tui::message::{Effect, Task};
use crate::tui::model::{Model, Now, Screen};

/// What the panel shows for one profile.
#[derive(Debug)]
pub struct ApiPanel {
    pub profile: ProfileName,
}
/// Opens the panel for a profile.
pub fn open(model: &mut Model, profile: ProfileName) -> Vec<Effect> {
    model.api = Some(ApiPanel { profile });
    model.screen = Screen::Api;
    Vec::new()
}
pub fn commands(model: &Model) -> Vec<Command> {
    Vec::new()
}
pub fn captures_keys(model: &Model) -> bool {
    false
}
pub fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    Vec::new()
}
pub fn command(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn answered(model: &mut Model, task: Task, result: Result<Answer, Error>, now: Now) -> Vec<Effect> {
    Vec::new()
}
pub fn next_wakeup(model: &Model, now: Now) -> Option<crate::clock::Moment> {
    None
}
pub fn view(model: &Model, now: Now, area: ratatui::layout::Rect, frame: &mut ratatui::Frame<'_>) {}
pub fn title(model: &Model, now: Now) -> String {
    String::new()
}
