//! Draws the model: a title line, one panel or overlay, a line of keys.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};

use super::chrome::{body, has_room, long_notice, title_line, tour, with_chrome};
use super::keymap::{Command, Scope};
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
    let asked = around.overlay.as_ref().filter(|overlay| overlay.is_box());
    let asked = asked.and_then(|overlay| Some((overlay, place_of(around, panel, overlay, now)?)));
    if let (Some(overlay), None) = (&around.overlay, asked) {
        return overlay_view(model, overlay, now, frame);
    }
    match panel.title(around, now) {
        Some(title) => {
            let body = with_chrome(around, title, panel, frame);
            panel.view(around, now, body, frame);
            tour(around, panel, frame);
            long_notice(around, frame);
        }
        None => panel.view(around, now, frame.area(), frame),
    }
    if let Some((overlay, place)) = asked {
        box_view(around, panel, overlay, place, frame);
    }
}

/// Where a box over the panel goes; `None` where it has no room.
fn place_of(around: &Surroundings, panel: &dyn Panel, overlay: &Overlay, now: Now) -> Option<Rect> {
    let rows = |columns| match overlay {
        Overlay::SaveAs(save_as) => save_as.rows(columns),
        Overlay::Confirm { question, .. } => question::rows(around, question, columns),
        _ => usize::MAX,
    };
    boxed::place(around.window, panel.keeps_clear(around, now), rows)
}

fn box_view(around: &Surroundings, panel: &dyn Panel, overlay: &Overlay, place: Rect, frame: &mut Frame<'_>) {
    match overlay {
        Overlay::SaveAs(save_as) => save_as.view(around, boxed::draw(around, "save", place, frame), frame),
        Overlay::Confirm { question, command } => {
            let bound = panel.binding(around, *command).map_or("really?", |bound| bound.binding.label);
            let title = panel.label(around, *command).unwrap_or(bound);
            question::view(around, question, boxed::draw(around, title, place, frame), frame);
        }
        _ => {}
    }
}

fn overlay_view(model: &Model, overlay: &Overlay, now: Now, frame: &mut Frame<'_>) {
    let (around, panel) = (&model.around, &*model.top);
    let area = frame.area();
    let body = body(area.as_size());
    let key = |scope, command| around.key(scope, command);
    let (enter, esc) = (key(Scope::Typing, Command::Choose), key(Scope::Typing, Command::Back));
    let keys = match overlay {
        Overlay::Palette(_) => format!(" Type to find, {enter} does it, {esc} closes"),
        Overlay::SaveAs(_) | Overlay::Confirm { .. } => String::new(),
        _ if overlay.longest_scroll(around, panel.scope()) == 0 => " Any key closes this".to_owned(),
        _ => {
            let (up, down) = (key(panel.scope(), Command::Up), key(panel.scope(), Command::Down));
            format!(" {up} and {down} scroll, other keys close")
        }
    };
    let title = match overlay {
        Overlay::Help { .. } => "Help",
        Overlay::Log { .. } => "Log",
        Overlay::Palette(_) => "Commands",
        Overlay::Sent(_) => "Copied",
        Overlay::SaveAs(_) => "Save",
        Overlay::Confirm { .. } => "Really?",
    };
    if has_room(area.as_size()) {
        title_line(around, title, panel.standing(around, now), frame);
        frame.buffer_mut().set_string(0, area.height - 1, keys, around.theme.faint);
    }
    match overlay {
        Overlay::Help { scroll } => help::view(around, panel.scope(), *scroll, body, frame),
        Overlay::Log { scroll } => log::view(around, *scroll, body, frame),
        Overlay::Palette(palette) => palette.view(around, panel, body, frame),
        Overlay::Sent(sent) => sent.view(body, frame),
        Overlay::SaveAs(save_as) => save_as.view(around, body.inner(Margin::new(1, 0)), frame),
        Overlay::Confirm { question, .. } => question::view(around, question, body.inner(Margin::new(1, 0)), frame),
    }
}
