//! The only writer of [`Model`]: takes what happened, returns what is to be done.
//!
//! Routes keys to the overlay first, then to the panel that has the screen; answers go to the panel whose work they end.

use std::time::Duration;

use super::Ended;
use super::chrome::body;
use super::keymap::{Command, Key, Scope};
use super::message::{Effect, Message, TaskId};
use super::model::{Confirmed, Model, Mouse, Now, Overlay, Screen};
use super::mouse;
use super::panels::lines::{moved, sentence};
use super::panels::palette::{Palette, Pressed};
use super::panels::sent::Sent;
use super::panels::sign_in::{SignInPanel, Stage};
use super::panels::{api, help, kiosk, log, profile_form, profiles, sign_in};
use super::text;
use super::theme::{ColorChoice, Mark};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::http::client::Exchange;
use crate::service::SignedIn;

/// How far clocks may be apart without a word.
const LARGEST_CLOCK_ERROR: Duration = Duration::from_secs(120);

/// Takes in one message.
pub fn update(model: &mut Model, message: Message, now: Now) -> Vec<Effect> {
    if model.screen == Screen::Kiosk {
        // Whoever stands before it reaches nothing else.
        return kiosk::update(model, message, now);
    }
    if model.notice.as_ref().is_some_and(|notice| notice.until <= now.moment) {
        model.notice = None;
    }
    model.log.note(&message, now.time);
    match message {
        Message::Exchanged(exchange) => {
            compare_clocks(model, &exchange, now);
            Vec::new()
        }
        // The log has it.
        Message::CallKept { .. } => Vec::new(),
        Message::Key(key) => {
            if model.overlay.is_none() {
                // It was there to be read, and what comes next has a word of its own.
                model.notice = None;
            }
            let attends = (model.screen == Screen::SignIn).then(|| sign_in::attended_by_key(model)).flatten();
            attends.into_iter().chain(press(model, key, now)).collect()
        }
        Message::Pointed { at, what } => mouse::pointed(model, at, what, now),
        Message::Pasted(text) => paste(model, &text, now),
        Message::Resized { columns, rows } => {
            model.window = ratatui::layout::Size::new(columns, rows);
            api::resized(model)
        }
        Message::Woken => wake(model, now),
        Message::SignIn { task, event } => sign_in::happened(model, task, event, now),
        Message::Unsaved { task, error } => sign_in::unsaved(model, task, error),
        Message::SignInEnded { task, result } => sign_in_ended(model, task, *result, now),
        Message::StatusesLoaded(statuses) => {
            let effects = api::statuses_loaded(model, &statuses);
            effects.into_iter().chain(profiles::loaded(model, statuses, now)).collect()
        }
        Message::Refreshed { task, result, .. } if api::waits_for_token(model, task) => api::refreshed(model, result),
        Message::Refreshed { task, profile, result } => profiles::refreshed(model, task, &profile, result, now),
        Message::Verified { task, profile, result } => profiles::verified(model, task, &profile, result, now),
        Message::SignedOut { task, profile, result } => profiles::signed_out(model, task, &profile, result, now),
        Message::TokenRead { task, profile, result } => profiles::token_read(model, task, &profile, result, now),
        Message::ConfigurationChanged { task, result } => configuration_changed(model, task, *result, now),
        Message::ConfigurationReread { was, result } => configuration_reread(model, &was, *result, now),
        Message::TestCallsLoaded { task, result } => api::loaded(model, task, *result),
        Message::Answered { task, result } => api::answered(model, task, *result, now),
        Message::Found { task, found } => api::found(model, task, found),
        Message::PastCallsLoaded { profile, result } => api::past_calls_loaded(model, &profile, result),
        Message::Wrapped { task, document } => api::wrapped(model, task, document),
        Message::Decided { decision, is_done } => {
            sign_in::decided(model, decision, is_done, now);
            Vec::new()
        }
        Message::Copied { what, result } => {
            model.told_copied(what, result, now);
            Vec::new()
        }
        Message::Saved(result) => api::saved(model, result, now),
    }
}

/// Says once that a server's clock and this machine's are far apart: stored ends of tokens are by this machine's.
fn compare_clocks(model: &mut Model, exchange: &Exchange, now: Now) {
    let Some(server_time) = exchange.server_time.filter(|_| model.clock_error.is_none()) else { return };
    let error = now.time.duration_since(server_time);
    let apart = error.unsigned_abs();
    if apart <= LARGEST_CLOCK_ERROR {
        return;
    }
    model.clock_error = Some(error);
    // To the nearest minute.
    let apart = text::rough(apart + Duration::from_secs(30));
    let place = if error.is_negative() { "behind" } else { "ahead of" };
    let sentence =
        format!("This machine's clock is {apart} {place} that of {}; times here may be wrong.", exchange.host);
    model.log.push(Mark::Attention, &sentence, now.time);
    match model.window.width {
        0..60 => model.say(Mark::Attention, format!("The clock is {apart} {}.", place.trim_end_matches(" of")), now),
        60..100 => model.say(Mark::Attention, format!("The clock here is {apart} {place} the server's."), now),
        _ => model.say(Mark::Attention, sentence, now),
    }
}

/// Goes on with the new configuration, whoever asked for it, and then with what waits for it.
fn configuration_changed(model: &mut Model, task: TaskId, result: Result<Config, Error>, now: Now) -> Vec<Effect> {
    let mut effects = Vec::new();
    let result = result.map(|config| {
        model.config = config.clone();
        effects.push(Effect::UseConfiguration(Box::new(config)));
    });
    effects.extend(if api::waits_for_scopes(model, task) {
        api::scopes_added(model, result)
    } else {
        profile_form::saved(model, task, result, now)
    });
    effects
}

/// Goes by what somebody else has put into the file, unless this app has changed it since it was read.
fn configuration_reread(model: &mut Model, was: &Config, result: Result<Config, Error>, now: Now) -> Vec<Effect> {
    match result {
        Ok(config) if *was == model.config => {
            model.config = config.clone();
            profile_form::leave_if_gone(model, now);
            vec![Effect::UseConfiguration(Box::new(config)), Effect::LoadStatuses]
        }
        Ok(_) => vec![Effect::LoadStatuses],
        Err(error) => {
            model.say(Mark::Attention, format!("{} What it said before still holds.", sentence(&error)), now);
            Vec::new()
        }
    }
}

/// A profile that is gone has no sign-in to look at.
fn sign_in_ended(model: &mut Model, task: TaskId, result: Result<SignedIn, Error>, now: Now) -> Vec<Effect> {
    let effects = sign_in::ended(model, task, result, now);
    match &model.sign_in {
        Some(SignInPanel { profile, stage: Stage::Failed { error, .. }, .. })
            if error.code == Code::UnknownProfile && model.screen == Screen::SignIn && !model.is_single_sign_in =>
        {
            let (profile, error) = (profile.clone(), error.clone());
            profiles::is_gone(model, &profile, error, Command::SignIn);
            sign_in::leave(model)
        }
        _ => effects,
    }
}

/// Puts pasted text where the cursor is; where nothing is typed it means nothing.
fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    match (&mut model.overlay, model.screen) {
        (Some(Overlay::Palette(palette)), _) => {
            palette.paste(text);
            Vec::new()
        }
        (Some(Overlay::SaveAs(save_as)), _) => {
            save_as.paste(text);
            Vec::new()
        }
        (Some(_), _) | (None, Screen::SignIn | Screen::Kiosk) => Vec::new(),
        (None, Screen::Profiles) => profiles::paste(model, text, now),
        (None, Screen::ProfileForm) => profile_form::paste(model, text),
        (None, Screen::Api) => api::paste(model, text),
    }
}

fn wake(model: &mut Model, now: Now) -> Vec<Effect> {
    match model.screen {
        Screen::SignIn => sign_in::wake(model, now),
        Screen::Profiles => profiles::wake(model, now),
        Screen::Api => api::wake(model, now),
        // The kiosk takes its messages in itself.
        Screen::ProfileForm | Screen::Kiosk => Vec::new(),
    }
}

fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    if let Some(effects) = leave_or_redraw(model, key, now) {
        return effects;
    }
    if let Some(overlay) = model.overlay.take() {
        return press_in_overlay(model, overlay, key, now);
    }
    if model.screen == Screen::Api && api::captures_keys(model) {
        return api::press(model, key);
    }
    if model.screen == Screen::ProfileForm && profile_form::captures_keys(model) {
        return profile_form::press(model, key, now);
    }
    if model.screen == Screen::Profiles && profiles::captures_keys(model) {
        return profiles::press(model, key, now);
    }
    let Some(command) = model.keymap.command(model.screen.scope(), key) else {
        return Vec::new();
    };
    ask(model, command, now)
}

/// Does what the person asked for, by a key or from the palette.
pub(super) fn ask(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let overlay = match command {
        Command::Help => Some(Overlay::Help { scroll: 0 }),
        Command::Log => Some(Overlay::Log { scroll: 0 }),
        Command::Palette => Some(Overlay::Palette(Palette::default())),
        _ => None,
    };
    if overlay.is_some() {
        model.overlay = overlay;
        return Vec::new();
    }
    match (command, model.screen) {
        (Command::NextTheme, _) => {
            let theme = model.theme.name().next();
            model.set_theme(theme);
            let text = format!("Theme: {theme}. To keep it, put `theme = \"{theme}\"` below `[screen]`.");
            match model.abilities.color {
                ColorChoice::Always => model.say(Mark::Good, text, now),
                ColorChoice::Never => model.say(Mark::Attention, format!("{text} Colors are off here."), now),
            }
            Vec::new()
        }
        (Command::ToggleMouse, _) => {
            let (mouse, state) = match model.mouse {
                Mouse::Terminal => (Mouse::App, "The app has the mouse: click, scroll; Shift selects text."),
                Mouse::App => (Mouse::Terminal, "The mouse selects text, as without this app."),
            };
            model.mouse = mouse;
            model.say(Mark::Good, state, now);
            Vec::new()
        }
        (Command::LeaveNow, _) => {
            let mut effects = sign_in::give_up(model);
            effects.push(Effect::Quit(Ended::Interrupted));
            effects
        }
        (Command::Redraw, _) => vec![Effect::ClearScreen],
        (Command::Suspend, _) => vec![Effect::Suspend],
        (_, Screen::SignIn) => sign_in::command(model, command, now),
        (_, Screen::Profiles) => profiles::command(model, command, now),
        (_, Screen::ProfileForm) => profile_form::command(model, command, now),
        (_, Screen::Api) => api::command(model, command, now),
        (_, Screen::Kiosk) => Vec::new(),
    }
}

/// What works whatever lies over the screen and whatever is being typed.
fn leave_or_redraw(model: &mut Model, key: Key, now: Now) -> Option<Vec<Effect>> {
    // Keys that are text stay text, whatever they are bound to.
    let command = model.keymap.command(Scope::Everywhere, key).filter(|_| !matches!(key, Key::Char(_)))?;
    matches!(command, Command::LeaveNow | Command::Redraw | Command::Suspend).then(|| ask(model, command, now))
}

fn press_in_overlay(model: &mut Model, overlay: Overlay, key: Key, now: Now) -> Vec<Effect> {
    match overlay {
        Overlay::Confirm { action, .. } if matches!(key, Key::Char('y' | 'Y')) => return confirmed(model, action, now),
        // Any other key answers No.
        Overlay::Confirm { .. } => {}
        Overlay::Palette(palette) => match palette.press(model, key) {
            Pressed::Stay(palette) => model.overlay = Some(Overlay::Palette(palette)),
            Pressed::Close => {}
            Pressed::Ask(command) => return ask(model, command, now),
        },
        Overlay::SaveAs(save_as) => return save_as.press(model, key),
        // Where there is nothing to scroll, every key closes it.
        Overlay::Sent(sent) if sent.longest_scroll(body(model.window)) == 0 => {}
        Overlay::Help { .. } | Overlay::Log { .. } | Overlay::Sent(_) => {
            // Any other key closes it.
            let command = model.keymap.command(Scope::Everywhere, key).filter(|command| command.is_move());
            model.overlay = command.map(|command| scrolled(model, overlay, command));
        }
    }
    Vec::new()
}

/// The same after a move in it, by a key or by the mouse.
pub(super) fn scrolled(model: &Model, overlay: Overlay, command: Command) -> Overlay {
    let body = body(model.window);
    let page = usize::from(body.height.saturating_sub(1)).max(1);
    match overlay {
        Overlay::Help { scroll } => {
            Overlay::Help { scroll: moved(scroll, command, page).min(help::longest_scroll(model, body)) }
        }
        Overlay::Log { scroll } => {
            // It begins at its end, so that up is further.
            let upward = match command {
                Command::Up => Command::Down,
                Command::Down => Command::Up,
                Command::PageUp => Command::PageDown,
                Command::PageDown => Command::PageUp,
                Command::Home => Command::End,
                _ => Command::Home,
            };
            Overlay::Log { scroll: moved(scroll, upward, page).min(log::longest_scroll(model, body)) }
        }
        Overlay::Palette(palette) => Overlay::Palette(palette.moved_by(model, command)),
        Overlay::Sent(sent) => {
            let scroll = moved(sent.scroll, command, page).min(sent.longest_scroll(body));
            Overlay::Sent(Sent { scroll, ..sent })
        }
        Overlay::Confirm { .. } | Overlay::SaveAs(_) => overlay,
    }
}

fn confirmed(model: &mut Model, action: Confirmed, now: Now) -> Vec<Effect> {
    match action {
        Confirmed::CancelSignIn => sign_in::leave(model),
        Confirmed::NewCode => sign_in::new_code(model, now),
        Confirmed::SendRequest => api::send_confirmed(model),
        Confirmed::SignOut(profile) => profiles::sign_out(model, profile, now),
        Confirmed::Refresh(profile) => profiles::refresh(model, profile, now),
        Confirmed::LeaveForm => profile_form::leave(model),
    }
}
