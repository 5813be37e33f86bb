//! Draws the model: a title line, one panel or overlay, a line of keys.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::keymap::{self, Command};
use super::model::{Model, Now, Overlay, Screen};
use super::panels::{api, help, profiles, sign_in};
use super::text;
use super::update::scope;

/// From here on there is room for the title and the keys.
const LEAST_COLUMNS: u16 = 40;
const LEAST_ROWS: u16 = 12;

/// Draws everything. Any size will do.
pub fn view(model: &Model, now: Now, frame: &mut Frame<'_>) {
    let area = frame.area();
    let has_chrome = area.width >= LEAST_COLUMNS && area.height >= LEAST_ROWS;
    if let Some(overlay) = &model.overlay {
        return overlay_view(model, overlay, now, has_chrome, frame);
    }
    match model.screen {
        Screen::SignIn => sign_in::view::view(model, now, area, frame),
        Screen::Profiles => {
            let body = with_chrome(model, "profiles", &profiles::title(model, now), &profiles::commands(model), frame);
            profiles::view(model, now, body, frame);
        }
        Screen::Api => {
            let body = with_chrome(model, "API", &api::title(model), &api::commands(model), frame);
            api::view(model, now, body, frame);
        }
    }
}

/// Draws the title, the notice and the keys around a panel, and tells what is left for it.
pub fn with_chrome(model: &Model, title: &str, right: &str, commands: &[Command], frame: &mut Frame<'_>) -> Rect {
    let area = frame.area();
    if area.width < LEAST_COLUMNS || area.height < LEAST_ROWS {
        return area;
    }
    title_line(model, title, right, frame);
    footer(model, commands, frame);
    body(area.as_size())
}

/// What is left of a window for a panel.
pub fn body(window: Size) -> Rect {
    let area = Rect::from((Position::ORIGIN, window));
    let has_chrome = window.width >= LEAST_COLUMNS && window.height >= LEAST_ROWS;
    if has_chrome { Rect { y: 1, height: window.height - 2, ..area } } else { area }
}

/// `device-login · profiles` on the left, what it is about on the right.
pub fn title_line(model: &Model, title: &str, right: &str, frame: &mut Frame<'_>) {
    let width = frame.area().width;
    let left = format!(" device-login{}{title}", model.theme.separator());
    let left_width = u16::try_from(text::width(&left)).unwrap_or(width);
    let room = usize::from(width.saturating_sub(left_width).saturating_sub(3));
    let right = text::clip(right, room);
    let right_width = u16::try_from(text::width(&right)).unwrap_or(0);
    let buffer = frame.buffer_mut();
    buffer.set_string(0, 0, left, model.theme.title);
    buffer.set_string(width.saturating_sub(right_width + 1), 0, right, model.theme.text);
}

/// The last line: a notice while there is one, else the keys, as many as fit.
pub fn footer(model: &Model, commands: &[Command], frame: &mut Frame<'_>) {
    let area = frame.area();
    let Some(row) = area.height.checked_sub(1) else { return };
    let line = match &model.notice {
        Some(notice) => {
            let mark = model.theme.mark(notice.mark);
            let room = usize::from(area.width).saturating_sub(mark.width() + 2);
            Line::from(vec![Span::raw(" "), mark, Span::raw(" "), Span::raw(text::clip(&notice.text, room))])
        }
        None => keys(model, commands, area.width),
    };
    frame.buffer_mut().set_line(0, row, &line, area.width);
}

/// Keys and what they do, in order, dropping from the end what does not fit; help and the way out always stay.
fn keys(model: &Model, commands: &[Command], columns: u16) -> Line<'static> {
    let scope = scope(model.screen);
    let item = |command: &Command| {
        let binding = keymap::binding(scope, *command)?;
        Some((*command, binding.keys.first()?.label(), binding.label))
    };
    let items: Vec<_> = commands.iter().filter_map(item).collect();
    let width = |(_, key, label): &(Command, String, &str)| key.len() + label.len() + 3;
    let stays = |command: Command| matches!(command, Command::Help | Command::Back | Command::Quit);
    let reserved: usize = items.iter().filter(|item| stays(item.0)).map(width).sum();
    let mut room = usize::from(columns).saturating_sub(reserved + 1);
    let mut spans = vec![Span::raw(" ")];
    for item in &items {
        if !stays(item.0) {
            let Some(left) = room.checked_sub(width(item)) else { continue };
            room = left;
        }
        let (_, key, label) = item;
        spans.push(Span::styled(key.clone(), model.theme.shortcut));
        spans.push(Span::styled(format!(" {label}  "), model.theme.text));
    }
    Line::from(spans)
}

fn overlay_view(model: &Model, overlay: &Overlay, now: Now, has_chrome: bool, frame: &mut Frame<'_>) {
    let area = frame.area();
    let body = if has_chrome { Rect { y: 1, height: area.height - 2, ..area } } else { area };
    match overlay {
        Overlay::Help => {
            if has_chrome {
                title_line(model, "help", &sign_in::view::short_state(model, now), frame);
                hint(model, " any key closes this", frame);
            }
            help::view(model, body, frame);
        }
        Overlay::Confirm { question, .. } => {
            if has_chrome {
                title_line(model, "really?", &sign_in::view::short_state(model, now), frame);
            }
            let width = usize::from(body.width.saturating_sub(4));
            let mut lines: Vec<(String, Style)> =
                text::wrap(question, width).into_iter().map(|line| (line, model.theme.title)).collect();
            lines.push((String::new(), Style::new()));
            lines.push(("y  yes        any other key  no".to_owned(), model.theme.text));
            let top = body.y + body.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(body.height)) / 3;
            for ((line, style), row) in lines.into_iter().zip(top..body.bottom()) {
                let clipped = text::clip(&line, width);
                frame.buffer_mut().set_string(body.x + 2.min(body.width), row, clipped, style);
            }
        }
    }
}

fn hint(model: &Model, text: &str, frame: &mut Frame<'_>) {
    let Some(row) = frame.area().height.checked_sub(1) else { return };
    frame.buffer_mut().set_string(0, row, text, model.theme.faint);
}
