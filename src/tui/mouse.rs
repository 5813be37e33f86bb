//! What the mouse does: it picks a row, turns a list, presses a key of the footer. Nothing can be done by mouse alone.
//!
//! The terminal gives the mouse away only where nobody wants to select text with it: never on a sign-in, never beside a
//! token that is shown, never when the person wants it so.

use ratatui::layout::Position;

use super::chrome;
use super::keymap::Command;
use super::message::{Effect, Pointing};
use super::model::{Model, Mouse, Now, Overlay, Screen};
use super::panels::{self, api, profiles};
use super::update::{ask, scrolled};

/// Lines by which one step of the wheel moves.
const WHEEL: usize = 3;

/// Tells whether the app is to have the mouse.
pub fn is_wanted(model: &Model) -> bool {
    let has_lists = match model.screen {
        Screen::Profiles => !model.profiles.is_token_shown(),
        Screen::Api => true,
        Screen::SignIn | Screen::ProfileForm | Screen::Kiosk => false,
    };
    model.mouse == Mouse::App
        && has_lists
        && !matches!(model.overlay, Some(Overlay::Confirm { .. } | Overlay::Sent(_) | Overlay::SaveAs(_)))
}

/// Takes in what the mouse did.
pub(super) fn pointed(model: &mut Model, at: Position, what: Pointing, now: Now) -> Vec<Effect> {
    if !is_wanted(model) {
        return Vec::new();
    }
    let command = match what {
        Pointing::Press => return press(model, at, now),
        Pointing::WheelUp => Command::Up,
        Pointing::WheelDown => Command::Down,
    };
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        match model.overlay.take() {
            Some(overlay) => model.overlay = Some(scrolled(model, overlay, command)),
            None if model.screen == Screen::Api => effects.extend(api::turn(model, at, command)),
            None => effects.extend(ask(model, command, now)),
        }
    }
    effects
}

fn press(model: &mut Model, at: Position, now: Now) -> Vec<Effect> {
    if model.overlay.is_some() {
        return Vec::new();
    }
    if let Some(command) = chrome::command_at(model, &panels::commands(model), at) {
        return ask(model, command, now);
    }
    match model.screen {
        Screen::Profiles => profiles::point(model, at, now),
        Screen::Api => api::point(model, at, now),
        Screen::SignIn | Screen::ProfileForm | Screen::Kiosk => Vec::new(),
    }
}
