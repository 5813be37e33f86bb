//! The panels. Each file holds one panel's state and what changes it; how it looks is in the `view` below it, or in the same
//! file where that is short.

pub mod api;
pub mod help;
pub mod kiosk;
pub(super) mod lines;
pub mod log;
pub mod palette;
pub mod profile_form;
pub mod profiles;
pub mod save_as;
pub mod sent;
pub mod sign_in;

use super::keymap::Command;
use super::model::{Model, Screen};

/// What can be asked for now on the screen that is shown, in the order of the footer.
pub fn commands(model: &Model) -> Vec<Command> {
    match model.screen {
        Screen::SignIn => sign_in::commands(model),
        Screen::Profiles => profiles::commands(model),
        Screen::ProfileForm => profile_form::commands(model),
        Screen::Api => api::commands(model),
        // Nothing is on offer to whoever passes by.
        Screen::Kiosk => Vec::new(),
    }
}

/// What a key of the footer does now, where that is not what it does elsewhere.
pub fn label(model: &Model, command: Command) -> Option<&'static str> {
    match model.screen {
        Screen::Profiles => profiles::label(model, command),
        Screen::Api => api::label(model, command),
        Screen::ProfileForm => profile_form::label(model, command),
        Screen::SignIn => sign_in::label(model, command),
        Screen::Kiosk => None,
    }
}
