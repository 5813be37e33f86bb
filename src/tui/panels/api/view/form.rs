//! The form in which a request is typed.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::request::{Part, RequestForm};
use super::{draw_lines, framed};
use crate::tui::model::Model;
use crate::tui::widgets::field::Field;

/// Columns of the names in the form.
const LABEL: u16 = 9;

/// Draws the parts below each other, the body with all the rows that are left.
pub(super) fn draw_form(model: &Model, form: &RequestForm, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Own request", true, area, frame);
    let hint_rows = 2.min(inner.height.saturating_sub(6));
    let mut row = inner.y;
    let bottom = inner.bottom() - hint_rows;
    for part in Part::ALL {
        // What comes after keeps a row each.
        let after = Part::ALL.iter().skip_while(|other| **other != part).count() - 1;
        let room = usize::from(bottom.saturating_sub(row)).saturating_sub(after);
        let wanted = form.field(part).map_or(1, Field::line_count);
        let most = if part == Part::Headers { room.min(usize::from(inner.height / 3).max(1)) } else { room };
        let rows = u16::try_from(wanted.min(most)).unwrap_or(0);
        let place = Rect { y: row, height: rows, ..inner };
        draw_part(model, form, part, place, frame);
        row += rows;
    }
    let hints = ["Headers: one `Name: value` a line.", "Enter on Body sends. Esc goes back."];
    let lines: Vec<Line<'_>> = hints.iter().map(|hint| Line::styled(*hint, model.theme.faint)).collect();
    draw_lines(&lines, Rect { y: bottom, height: hint_rows, ..inner }, frame);
}

fn draw_part(model: &Model, form: &RequestForm, part: Part, area: Rect, frame: &mut Frame<'_>) {
    if area.is_empty() {
        return;
    }
    let is_focused = form.focus == part;
    let label = format!("{}{}", if is_focused { ">" } else { " " }, part.name());
    let style = if is_focused { model.theme.title } else { model.theme.text };
    frame.buffer_mut().set_stringn(area.x, area.y, label, usize::from(area.width.min(LABEL)), style);
    let indent = LABEL.min(area.width);
    let place = Rect { x: area.x + indent, width: area.width - indent, ..area };
    let Some(field) = form.field(part) else {
        let words = format!("{}   Left and Right change it", form.method);
        let words = if is_focused { words } else { form.method.to_string() };
        frame.buffer_mut().set_stringn(place.x, place.y, words, usize::from(place.width), Style::new());
        if is_focused {
            frame.set_cursor_position(Position::new(place.x, place.y));
        }
        return;
    };
    let columns = usize::from(place.width);
    let lines = field.shown(columns, usize::from(place.height), is_focused);
    for (row, line) in (place.y..place.bottom()).zip(lines) {
        frame.buffer_mut().set_stringn(place.x, row, &line.text, columns, model.theme.text);
        if let Some(cursor) = line.cursor.filter(|cursor| *cursor < columns) {
            let x = place.x.saturating_add(u16::try_from(cursor).unwrap_or(0));
            frame.set_cursor_position(Position::new(x, row));
        }
    }
}
