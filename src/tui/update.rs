//! The only writer of [`Model`]: takes what happened, returns what is to be done.
//!
//! Routes keys to the overlay first, then to the panel that has the screen; answers go to the panel whose work they end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatui::layout::{Position, Size};

use super::chrome::{self, body};
use super::keymap::{Command, Key, Scope};
use super::lines::{capitalized, sentence};
use super::message::Ended;
use super::message::{Effect, Message, Pointing};
use super::model::Model;
use super::mouse;
use super::overlay::palette::Pressed;
use super::overlay::{Overlay, Palette, SaveAs, Sent};
use super::surroundings::{Mouse, Now, Surroundings};
use super::text;
use super::theme::Mark;
use super::widgets::list::moved;
use crate::abilities::ColorChoice;
use crate::config::Config;
use crate::error::Error;
use crate::http::client::Exchange;
use crate::service::LOST_ANSWER;
use crate::untrusted::visible;

/// How far clocks may be apart without a word.
const LARGEST_CLOCK_ERROR: Duration = Duration::from_secs(120);

/// Lines by which one step of the wheel moves.
const WHEEL: usize = 3;

/// Takes in one message.
pub fn update(model: &mut Model, message: Message, now: Now) -> Vec<Effect> {
    let around = &mut model.around;
    around.notice.take_if(|notice| notice.until <= now.moment);
    around.log.note(&message, now.time);
    around.tour.note(&message);
    match message {
        Message::Exchanged(exchange) => {
            compare_clocks(model, &exchange, now);
            Vec::new()
        }
        Message::Key(key) => {
            if around.overlay.is_none() {
                // It was there to be read, and what comes next has a word of its own.
                around.notice = None;
            }
            let attends = model.top.attended();
            attends.into_iter().chain(press(model, key, now)).collect()
        }
        Message::EscapeThen(key) => {
            let is_typing = match &around.overlay {
                Some(overlay) => matches!(overlay, Overlay::Palette(_) | Overlay::SaveAs(_)),
                None => model.top.is_typing(),
            };
            // Alt and a letter are a habit from shells, and nobody wants to leave a text by that.
            let keys = [Key::Esc, key].into_iter().filter(|_| !is_typing);
            keys.flat_map(|key| update(model, Message::Key(key), now)).collect()
        }
        Message::Pointed { at, what } => pointed(model, at, what, now),
        Message::Pasted(text) => paste(model, &text, now),
        Message::Resized { columns, rows } => {
            around.window = Size::new(columns, rows);
            model.top.resized(around)
        }
        Message::Background(theme) => {
            around.set_theme(theme);
            Vec::new()
        }
        Message::Woken => model.wake(now),
        Message::ConfigurationChanged { ref result, .. } => {
            let changed = result.as_ref().as_ref().ok().cloned();
            changed_here(model, changed, message, now)
        }
        Message::Imported { ref result, .. } => {
            let changed = result.as_ref().as_ref().ok().map(|(config, _)| config.clone());
            changed_here(model, changed, message, now)
        }
        Message::ConfigurationReread { was, result } => configuration_reread(model, &was, *result, now),
        Message::Copied { what, result } => {
            around.told_copied(what, result, model.top.scope(), now);
            Vec::new()
        }
        Message::Saved(result) => {
            saved(around, result, now);
            Vec::new()
        }
        message => {
            let (mut effects, rest) = model.hear(message, now);
            model.welcome();
            match rest {
                // Nobody looks at that sign-in any more.
                Some(Message::Unsaved { task, .. }) => vec![Effect::TrySaving { task, again: false }],
                // No code of it waits any more.
                Some(Message::GivenUp { has_lost_answer }) => {
                    if has_lost_answer {
                        let short = "An answer got lost, perhaps with the tokens.".to_owned();
                        let told = [format!("Cancelled; {LOST_ANSWER}."), capitalized(LOST_ANSWER) + ".", short];
                        model.around.say_in_room(Mark::Attention, told, now);
                    }
                    effects.push(Effect::LoadStatuses);
                    effects
                }
                _ => effects,
            }
        }
    }
}

/// Goes by what this app has made of the configuration, whoever asked for it, and then on with what waits for it.
fn changed_here(model: &mut Model, changed: Option<Config>, message: Message, now: Now) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(config) = changed {
        model.around.config = config.clone();
        effects.push(Effect::UseConfiguration(Box::new(config)));
    }
    effects.extend(model.hear(message, now).0);
    effects
}

/// Tells where something was saved, or asks once more under which name it can be.
fn saved(around: &mut Surroundings, result: Result<PathBuf, Box<(SaveAs, Error)>>, now: Now) {
    match result.map_err(|refused| *refused) {
        Ok(path) => {
            // Where there is little room, the name is what is new.
            let name = path.file_name().map_or(path.as_path(), Path::new);
            let said = |path: &Path| format!("Saved as {}, for you alone.", visible(&path.to_string_lossy()));
            around.say_in_room(Mark::Good, [said(&path), said(name)], now);
        }
        Err((save_as, error)) if around.overlay.is_none() => {
            around.overlay = Some(Overlay::SaveAs(save_as.refused(&error)));
        }
        Err((_, error)) => around.say(Mark::Declined, visible(&error.to_string()), now),
    }
}

/// Says once that a server's clock and this machine's are far apart: stored ends of tokens are by this machine's.
fn compare_clocks(model: &mut Model, exchange: &Exchange, now: Now) {
    // A screen without a log is for people who could do nothing about it.
    let is_wanted = !model.around.has_told_clock_error && model.top.allows(Command::Log);
    let around = &mut model.around;
    let Some(server_time) = exchange.server_time.filter(|_| is_wanted) else { return };
    let error = now.time.duration_since(server_time);
    let apart = error.unsigned_abs();
    if apart <= LARGEST_CLOCK_ERROR {
        return;
    }
    around.has_told_clock_error = true;
    // To the nearest minute.
    let apart = text::rough(apart + Duration::from_secs(30));
    let (place, of) = if error.is_negative() { ("behind", "") } else { ("ahead", " of") };
    let sentence =
        format!("This machine's clock is {apart} {place}{of} that of {}; times here may be wrong.", exchange.host);
    around.log.push(Mark::Attention, &sentence, now.time);
    let middle = format!("The clock here is {apart} {place}{of} the server's.");
    let short = format!("The clock is {apart} {place}.");
    around.say_in_room(Mark::Attention, [sentence, middle, short], now);
}

/// Goes by what somebody else has put into the file, unless this app has changed it since it was read.
fn configuration_reread(model: &mut Model, was: &Config, result: Result<Config, Error>, now: Now) -> Vec<Effect> {
    let around = &mut model.around;
    match result {
        Ok(config) if *was == around.config => {
            around.config = config.clone();
            let then = model.top.reconfigured(around, now);
            let mut effects = vec![Effect::UseConfiguration(Box::new(config))];
            effects.extend(model.go(then, now));
            if !effects.contains(&Effect::LoadStatuses) {
                effects.push(Effect::LoadStatuses);
            }
            effects
        }
        Ok(_) => vec![Effect::LoadStatuses],
        Err(error) => {
            around.say(Mark::Attention, format!("{} What it said before still holds.", sentence(&error)), now);
            Vec::new()
        }
    }
}

/// Puts pasted text where the cursor is; where nothing is typed it means nothing.
fn paste(model: &mut Model, text: &str, now: Now) -> Vec<Effect> {
    let around = &mut model.around;
    match &mut around.overlay {
        Some(Overlay::Palette(palette)) => palette.paste(text),
        Some(Overlay::SaveAs(save_as)) => save_as.paste(text),
        Some(_) => {}
        None => {
            let then = model.top.paste(text, around, now);
            return model.go(then, now);
        }
    }
    Vec::new()
}

fn press(model: &mut Model, key: Key, now: Now) -> Vec<Effect> {
    if let Some(effects) = leave_or_redraw(model, key, now) {
        return effects;
    }
    if let Some(overlay) = model.around.overlay.take() {
        return press_in_overlay(model, overlay, key, now);
    }
    let scope = if model.top.is_typing() { Scope::Typing } else { model.scope() };
    if let Some(command) = model.around.keymap.command(scope, key) {
        return ask(model, command, now);
    }
    let then = model.top.typed(key, &mut model.around, now);
    model.go(then, now)
}

/// Does what the person asked for, by a key or from the palette.
fn ask(model: &mut Model, command: Command, now: Now) -> Vec<Effect> {
    let around = &mut model.around;
    match command {
        _ if !model.top.allows(command) => {}
        Command::Help => around.overlay = Some(Overlay::Help { scroll: 0 }),
        Command::Log => around.overlay = Some(Overlay::Log { scroll: 0 }),
        Command::Palette => around.overlay = Some(Overlay::Palette(Palette::default())),
        Command::NextTheme => {
            let theme = around.theme.name().next();
            around.set_theme(theme);
            let text = format!("Theme: {theme}. To keep it, put `theme = \"{theme}\"` below `[screen]`.");
            match around.abilities.color {
                ColorChoice::Always => around.say(Mark::Good, text, now),
                ColorChoice::Never => around.say(Mark::Attention, format!("{text} Colors are off here."), now),
            }
        }
        Command::ToggleMouse => {
            let (mouse, state) = match around.mouse {
                Mouse::Terminal => (Mouse::App, "The app has the mouse: click, scroll; Shift selects text."),
                Mouse::App => (Mouse::Terminal, "The mouse selects text, as without this app."),
            };
            around.mouse = mouse;
            around.say(Mark::Good, state, now);
        }
        Command::LeaveNow => {
            let mut effects = model.give_up();
            effects.push(Effect::Quit(if effects.is_empty() {
                Ended::Interrupted
            } else {
                Ended::Cancelled { has_lost_answer: false }
            }));
            return effects;
        }
        Command::Redraw => return vec![Effect::ClearScreen],
        Command::Suspend => return vec![Effect::Suspend],
        command => {
            let then = model.top.run(command, around, now);
            return model.go(then, now);
        }
    }
    Vec::new()
}

/// What works whatever lies over the screen and whatever is being typed.
fn leave_or_redraw(model: &mut Model, key: Key, now: Now) -> Option<Vec<Effect>> {
    // Keys that are text stay text, whatever they are bound to.
    let command = model.around.keymap.command(Scope::Everywhere, key).filter(|_| !matches!(key, Key::Char(_)))?;
    matches!(command, Command::LeaveNow | Command::Redraw | Command::Suspend).then(|| ask(model, command, now))
}

fn press_in_overlay(model: &mut Model, overlay: Overlay, key: Key, now: Now) -> Vec<Effect> {
    match overlay {
        Overlay::Confirm { command, .. } => match model.around.keymap.command(Scope::Question, key) {
            Some(Command::Yes) => {
                let then = model.top.confirmed(command, &mut model.around, now);
                return model.go(then, now);
            }
            Some(Command::No | Command::Back | Command::Quit) => {}
            // A box may have come by itself, while somebody was about to press another key.
            _ => model.around.overlay = Some(overlay),
        },
        Overlay::Palette(palette) => match palette.press(&model.around, &*model.top, key) {
            Pressed::Stay(palette) => model.around.overlay = Some(Overlay::Palette(palette)),
            Pressed::Close => {}
            Pressed::Ask(command) => {
                model.around.remember(command);
                return ask(model, command, now);
            }
        },
        Overlay::SaveAs(save_as) => return save_as.press(&mut model.around, key),
        Overlay::Help { .. } | Overlay::Log { .. } | Overlay::Sent(_) => {
            // Where there is nothing to scroll, every key closes it.
            if overlay.longest_scroll(&model.around, model.scope()) == 0 {
                return Vec::new();
            }
            // Any other key closes it.
            let command = model.around.keymap.command(Scope::Everywhere, key).filter(|command| command.is_move());
            model.around.overlay = command.map(|command| scrolled(model, overlay, command));
        }
    }
    Vec::new()
}

/// The same after a move in it, by a key or by the mouse.
fn scrolled(model: &Model, overlay: Overlay, command: Command) -> Overlay {
    let page = usize::from(body(model.around.window).height.saturating_sub(1)).max(1);
    let last = overlay.longest_scroll(&model.around, model.scope());
    match overlay {
        Overlay::Help { scroll } => Overlay::Help { scroll: moved(scroll, command, page, last) },
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
            Overlay::Log { scroll: moved(scroll, upward, page, last) }
        }
        Overlay::Palette(palette) => Overlay::Palette(palette.moved_by(&model.around, &*model.top, command)),
        Overlay::Sent(sent) => {
            let scroll = moved(sent.scroll, command, page, last);
            Overlay::Sent(Sent { scroll, ..sent })
        }
        Overlay::Confirm { .. } | Overlay::SaveAs(_) => overlay,
    }
}

/// Takes in what the mouse did: it picks a row, turns a list, presses a key of the footer. Nothing can be done by mouse alone.
fn pointed(model: &mut Model, at: Position, what: Pointing, now: Now) -> Vec<Effect> {
    if !mouse::is_wanted(model) {
        return Vec::new();
    }
    let command = match what {
        Pointing::Press => return click(model, at, now),
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

fn click(model: &mut Model, at: Position, now: Now) -> Vec<Effect> {
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
