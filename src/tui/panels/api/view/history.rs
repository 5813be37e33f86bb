//! The earlier answers.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::super::ApiPanel;
use super::{bytes_in_words, first_in_sight, framed};
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::draw_lines;
use crate::tui::text::{ago, clip};
use crate::untrusted::visible;

/// Draws one row for each.
pub(super) fn draw_history(model: &Model, panel: &ApiPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Earlier answers", true, area, frame);
    if panel.history.len() == 0 {
        return draw_lines(&[Line::raw("No answer yet.")], inner, frame);
    }
    let room = usize::from(inner.width);
    let first = first_in_sight(panel.history_row, panel.history.len(), inner.height);
    let in_sight = panel.history.iter().enumerate().skip(first);
    for (row, (index, exchange)) in (inner.y..inner.bottom()).zip(in_sight) {
        let marker = if index == panel.history_row { ">" } else { " " };
        let outcome = match &exchange.outcome {
            Ok(reply) => format!("{}  {:>8}", reply.status, bytes_in_words(reply.content.bytes().len())),
            Err(_) => "---    failed".to_owned(),
        };
        let past = std::time::Duration::try_from(exchange.at.duration_until(now.time)).unwrap_or_default();
        let address = visible(&format!("{} {}", exchange.call.method, exchange.call.url));
        let line = format!("{marker} {outcome}  {:<10}  {address}", ago(past));
        frame.buffer_mut().set_stringn(inner.x, row, clip(&line, room), room, model.theme.text);
        if index == panel.history_row {
            frame.buffer_mut().set_style(Rect { y: row, height: 1, ..inner }, model.theme.selected);
            frame.set_cursor_position(Position::new(inner.x, row));
        }
    }
}
