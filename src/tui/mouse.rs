//! What the mouse does: it picks a row, turns a list, presses a key of the footer. Nothing can be done by mouse alone.
//!
//! The terminal gives the mouse away only where nobody wants to select text with it: never on a sign-in, never beside a
//! token that is shown, never when the person wants it so.

use ratatui::layout::Position;

use super::chrome;
use super::keymap::Command;
use super::message::{Effect, Pointing};
use super::model::Model;
use super::overlay::Overlay;
use super::surroundings::{Mouse, Now};
use super::update::{ask, scrolled};

/// Lines by which one step of the wheel moves.
const WHEEL: usize = 3;

/// Tells whether the app is to have the mouse.
pub fn is_wanted(model: &Model) -> bool {
    model.around.mouse == Mouse::App
        && model.top.wants_mouse()
        && !matches!(model.around.overlay, Some(Overlay::Confirm { .. } | Overlay::Sent(_) | Overlay::SaveAs(_)))
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
        match model.around.overlay.take() {
            Some(overlay) => model.around.overlay = Some(scrolled(model, overlay, command)),
            None => effects.extend(point(model, at, what, now)),
        }
    }
    effects
}

fn press(model: &mut Model, at: Position, now: Now) -> Vec<Effect> {
    if model.around.overlay.is_some() {
        return Vec::new();
    }
    match chrome::command_at(&model.around, &*model.top, at) {
        Some(command) => ask(model, command, now),
        None => point(model, at, Pointing::Press, now),
    }
}

fn point(model: &mut Model, at: Position, what: Pointing, now: Now) -> Vec<Effect> {
    let then = model.top.point(at, what, &mut model.around, now);
    model.go(then, now)
}
