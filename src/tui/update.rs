//! The only writer of [`Model`]: takes what happened, returns what is to be done.
//!
//! Routes keys to the overlay first, then to the panel that has the screen; answers go to the panel whose work they end.

use super::Ended;
use super::keymap::{self, Command, Key, Scope};
use super::message::{Effect, Message};
use super::model::{Confirmed, Model, Now, Overlay, Screen};
use super::panels::{api, kiosk, profiles, sign_in};

/// Takes in one message.
pub fn update(model: &mut Model, message: Message, now: Now) -> Vec<Effect> {
    if model.screen == Screen::Kiosk {
        // Whoever stands before it reaches nothing else.
        return kiosk::update(model, message, now);
    }
    if model.notice.as_ref().is_some_and(|notice| notice.until <= now.moment) {
        model.notice = None;
    }
    match message {
        Message::Key(key) => press(model, key, now),
        Message::Pasted(text) if model.screen == Screen::Profiles => profiles::paste(model, &text, now),
        Message::Pasted(text) => api::paste(model, &text),
        Message::Resized { columns, rows } => {
            model.window = ratatui::layout::Size::new(columns, rows);
            api::resized(model);
            Vec::new()
        }
        Message::Woken => wake(model, now),
        Message::SignIn { task, event } => sign_in::happened(model, task, event, now),
        Message::Unsaved { task, error } => sign_in::unsaved(model, task, error),
        Message::SignInEnded { task, result } => sign_in::ended(model, task, *result, now),
        Message::StatusesLoaded(statuses) => profiles::loaded(model, statuses, now),
        Message::Refreshed { task, profile, result } => profiles::refreshed(model, task, &profile, result, now),
        Message::Verified { task, profile, result } => profiles::verified(model, task, &profile, result, now),
        Message::SignedOut { task, profile, result } => profiles::signed_out(model, task, &profile, result, now),
        Message::TokenRead { task, profile, result } => profiles::token_read(model, task, &profile, result, now),
        Message::TestCallsLoaded { task, result } => api::loaded(model, task, *result),
        Message::Answered { task, result } => api::answered(model, task, *result, now),
        Message::Found { task, found } => api::found(model, task, found),
        Message::Saved(result) => api::saved(model, result, now),
    }
}

fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.screen {
        Screen::SignIn => sign_in::wake(model, now),
        Screen::Profiles => profiles::wake(model, now),
        // The kiosk takes its messages in itself.
        Screen::Api | Screen::Kiosk => Vec::new(),
    }
}

fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    if let Some(effects) = leave_or_redraw(key) {
        return effects;
    }
    if let Some(overlay) = model.overlay.take() {
        return press_in_overlay(model, overlay, key, now);
    }
    if model.screen == Screen::Api && api::captures_keys(model) {
        return api::press(model, key);
    }
    if model.screen == Screen::Profiles && profiles::captures_keys(model) {
        return profiles::press(model, key, now);
    }
    let Some(command) = keymap::command(model.screen.scope(), key) else {
        return Vec::new();
    };
    match (command, model.screen) {
        (Command::Help, _) => {
            model.overlay = Some(Overlay::Help);
            Vec::new()
        }
        (_, Screen::SignIn) => sign_in::command(model, command, now),
        (_, Screen::Profiles) => profiles::command(model, command, now),
        (_, Screen::Api) => api::command(model, command, now),
        (_, Screen::Kiosk) => Vec::new(),
    }
}

/// What works whatever lies over the screen and whatever is being typed.
fn leave_or_redraw(key: Key) -> Option<Vec<Effect>> {
    match keymap::command(Scope::Everywhere, key)? {
        Command::LeaveNow => Some(vec![Effect::Quit(Ended::Interrupted)]),
        Command::Redraw => Some(vec![Effect::ClearScreen]),
        Command::Suspend => Some(vec![Effect::Suspend]),
        _ => None,
    }
}

fn press_in_overlay(model: &mut Model, overlay: Overlay, key: Key, now: Now) -> Vec<Effect> {
    match (overlay, key) {
        (Overlay::Confirm { action, .. }, Key::Char('y' | 'Y')) => confirmed(model, action, now),
        // Any other key closes the help and answers No.
        (Overlay::Help | Overlay::Confirm { .. }, _) => Vec::new(),
    }
}

fn confirmed(model: &mut Model, action: Confirmed, now: Now) -> Vec<Effect> {
    match action {
        Confirmed::CancelSignIn => sign_in::leave(model),
        Confirmed::SignOut(profile) => profiles::sign_out(model, profile, now),
        Confirmed::Refresh(profile) => profiles::refresh(model, profile, now),
    }
}
