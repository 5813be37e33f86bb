//! Draws the model: a title line, one panel or overlay, a line of keys.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};

use super::chrome::{body, has_room, long_notice, title_line, tour, with_chrome};
use super::keymap::{Command, Scope};
use super::lines::capitalized;
use super::model::Model;
use super::overlay::{Overlay, boxed, help, log, question};
use super::panel::Panel;
use super::surroundings::{Now, Surroundings};

/// The first frame, before anything is read: only that the program has begun.
pub fn opening(frame: &mut Frame<'_>) {
    let area = frame.area();
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.buffer_mut().set_stringn(0, 0, " device-login", usize::from(area.width), bold);
}

/// Draws everything. Any size will do.
pub fn view(model: &Model, now: Now, frame: &mut Frame<'_>) {
    let (around, panel) = (&model.around, &*model.top);
    let boxed = around.overlay.as_ref().and_then(|overlay| Some((overlay, overlay.place(around, panel, now)?)));
    if let (Some(overlay), None) = (&around.overlay, boxed) {
        return overlay_view(model, overlay, now, frame);
    }
    let behind = model.behind();
    let in_sight = behind.map_or(panel, |(behind, _)| behind);
    match in_sight.title(around, now) {
        Some(title) => {
            let body = with_chrome(around, title, panel, frame);
            in_sight.view(around, now, body, frame);
            if let Some((_, place)) = behind {
                let name = panel.title(around, now).map_or("", |title| title.name);
                panel.view(around, now, boxed::draw(around, name, "", place, frame), frame);
            }
            tour(around, panel, frame);
            long_notice(around, frame);
        }
        None => panel.view(around, now, frame.area(), frame),
    }
    if let Some((overlay, place)) = boxed {
        let title = match overlay {
            Overlay::Confirm { command, .. } => {
                let bound = panel.binding(around, *command).map_or("Really?", |bound| bound.binding.label);
                capitalized(panel.label(around, *command).unwrap_or(bound))
            }
            _ => title(overlay).to_owned(),
        };
        let inner = boxed::draw(around, &title, &keys(around, panel, overlay), place, frame);
        // Screen readers follow the cursor, which else would stay below the box.
        frame.set_cursor_position(inner.as_position());
        content(around, panel, overlay, inner, frame);
    }
}

/// An overlay that has the screen.
fn overlay_view(model: &Model, overlay: &Overlay, now: Now, frame: &mut Frame<'_>) {
    let (around, panel) = (&model.around, &*model.top);
    let area = frame.area();
    if has_room(area.as_size()) {
        title_line(around, title(overlay), panel.standing(around, now), frame);
        frame.buffer_mut().set_string(1, area.height - 1, keys(around, panel, overlay), around.theme.faint);
    }
    content(around, panel, overlay, body(area.as_size()), frame);
}

fn title(overlay: &Overlay) -> &'static str {
    match overlay {
        Overlay::Help { .. } => "Help",
        Overlay::Log { .. } => "Log",
        Overlay::Palette(_) => "Commands",
        Overlay::Sent(_) => "Copied",
        Overlay::SaveAs(_) => "Save",
        Overlay::Confirm { .. } => "Really?",
    }
}

/// What keys do in an overlay that does not say so itself.
fn keys(around: &Surroundings, panel: &dyn Panel, overlay: &Overlay) -> String {
    let key = |scope, command| around.key(scope, command);
    match overlay {
        Overlay::SaveAs(_) | Overlay::Confirm { .. } => String::new(),
        Overlay::Palette(_) => {
            let (enter, esc) = (key(Scope::Typing, Command::Choose), key(Scope::Typing, Command::Back));
            format!("Type to find, {enter} does it, {esc} closes")
        }
        _ if overlay.longest_scroll(around, panel.scope()) == 0 => "Any key closes this".to_owned(),
        _ => {
            let (up, down) = (key(panel.scope(), Command::Up), key(panel.scope(), Command::Down));
            format!("{up} and {down} scroll, other keys close")
        }
    }
}

fn content(around: &Surroundings, panel: &dyn Panel, overlay: &Overlay, area: Rect, frame: &mut Frame<'_>) {
    let airy = area.inner(Margin::new(1, 0));
    match overlay {
        Overlay::Help { scroll } => help::view(around, panel.scope(), *scroll, area, frame),
        Overlay::Log { scroll } => log::view(around, *scroll, area, frame),
        Overlay::Palette(palette) => palette.view(around, panel, area, frame),
        Overlay::Sent(sent) => sent.view(area, frame),
        Overlay::SaveAs(save_as) => save_as.view(around, airy, frame),
        Overlay::Confirm { question, .. } => question::view(around, question, airy, frame),
    }
}
