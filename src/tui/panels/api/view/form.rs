//! The parts of a request below each other, to be read or to be typed.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::request::{Part, RequestForm};
use super::answer::marked_at_most;
use super::{draw_lines, framed};
use crate::tui::keymap::{Command, Scope};
use crate::tui::surroundings::Surroundings;
use crate::tui::text::wrap;
use crate::tui::theme::Mark;
use crate::tui::widgets::field::Field;
use crate::untrusted::visible;

/// Columns of the names of the parts.
const LABEL: u16 = 9;
/// Rows below the parts at most.
const MOST_HINTS: usize = 4;
/// Rows of a longer body that stay whatever there is to know.
const BODY_ROWS: usize = 3;

/// Draws the parts, the body with all the rows that are left, and below them what there is to know: `notes`, or hints
/// where the form is being typed.
pub(super) fn draw_form(
    around: &Surroundings,
    form: &RequestForm,
    title: &str,
    is_typed: bool,
    notes: &[Line<'static>],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let inner = framed(around, title, is_typed, area, frame);
    let room = usize::from(inner.width);
    let problem = form.problem.as_deref().filter(|_| is_typed).map(visible);
    // Each part keeps a row, and the body some more unless there is a problem to read.
    let body_rows = if problem.is_some() { 1 } else { form.body.line_count().min(BODY_ROWS) };
    let rows = usize::from(inner.height).saturating_sub(Part::ALL.len() + body_rows - 1).min(MOST_HINTS);
    let faint = |text: &str| {
        let lines = wrap(&visible(text), room).into_iter();
        lines.map(|line| Line::styled(line, around.theme.faint)).collect::<Vec<_>>()
    };
    let warnings = form.warning().map(|warning| wrap(&warning, room)).unwrap_or_default();
    let warnings = warnings.into_iter().map(|line| Line::styled(line, around.theme.attention)).collect();
    let marked = |problem: String| marked_at_most(around, Mark::Attention, &problem, room, rows);
    let mut below = problem.map(marked).unwrap_or_default();
    let texts = [notes.to_vec(), warnings].into_iter();
    let typed = form.notes().into_iter().filter(|_| is_typed).map(|note| faint(&note));
    // Half a sentence would be worse than none.
    for text in texts.chain(typed) {
        if below.len() + text.len() <= rows {
            below.extend(text);
        }
    }
    if is_typed {
        let key = |command| around.key(Scope::Typing, command);
        let hint = form.hint();
        let (send, back) = (key(form.sent_by()), key(Command::Back));
        let ways = [format!(", {back} goes back and keeps it."), format!(", {back} goes back."), ".".to_owned()];
        let hints = ways.map(|way| format!("{hint} {send} sends{way}")).into_iter().chain([hint]);
        let fits = |hint: &Vec<Line<'_>>| below.len() + hint.len() <= rows;
        let hint = hints.map(|hint| faint(&hint)).find(fits);
        below.extend(hint.unwrap_or_default());
    }
    let below_rows = u16::try_from(below.len()).unwrap_or(0);
    let mut bottom = inner.bottom() - below_rows;
    let mut row = inner.y;
    for part in Part::ALL {
        let after = Part::ALL.iter().skip_while(|other| **other != part).count() - 1;
        let room = usize::from(bottom.saturating_sub(row)).saturating_sub(after);
        let wanted = form.field(part).map_or(1, Field::line_count);
        let is_short = matches!(part, Part::Query | Part::Headers);
        let most = if is_short { room.min(usize::from(inner.height / 4).max(1)) } else { room };
        let rows = u16::try_from(wanted.min(most)).unwrap_or(0);
        let place = Rect { y: row, height: rows, ..inner };
        draw_part(around, form, part, is_typed, place, frame);
        row += rows;
    }
    if !is_typed {
        bottom = bottom.min(row + 1);
    }
    draw_lines(&below, Rect { y: bottom, height: below_rows, ..inner }, frame);
}

fn draw_part(around: &Surroundings, form: &RequestForm, part: Part, is_typed: bool, area: Rect, frame: &mut Frame<'_>) {
    if area.is_empty() {
        return;
    }
    let is_focused = is_typed && form.focus == part;
    let label = format!("{}{}", if is_focused { around.theme.cursor() } else { " " }, part.name());
    let style = if is_focused { around.theme.title } else { around.theme.label };
    frame.buffer_mut().set_stringn(area.x, area.y, label, usize::from(area.width.min(LABEL)), style);
    let indent = LABEL.min(area.width);
    let place = Rect { x: area.x + indent, width: area.width - indent, ..area };
    let Some(field) = form.field(part) else {
        let (shown, cursor) = form.method_shown();
        frame.buffer_mut().set_stringn(place.x, place.y, shown, usize::from(place.width), Style::new());
        if is_focused {
            let cursor = u16::try_from(cursor).unwrap_or(u16::MAX).min(place.width.saturating_sub(1));
            frame.set_cursor_position(Position::new(place.x + cursor, place.y));
        }
        return;
    };
    field.draw(&around.theme, around.theme.text, is_focused, place, frame);
}
