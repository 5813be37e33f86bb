//! The earlier answers, and the requests that are remembered without theirs.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use url::Url;

use super::super::ApiPanel;
use super::super::earlier::Earlier;
use super::{bytes_in_words, framed};
use crate::http::Method;
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::{draw_lines, first_in_sight};
use crate::tui::text::{ago, clip};
use crate::untrusted::visible;

/// What the brackets around a status mean.
const NOTE: &str = "( ) answer not kept: Enter opens it";
/// From this height on there is room to say so.
const WITH_NOTE: u16 = 4;

/// Draws one row for each.
pub(super) fn draw_history(model: &Model, panel: &ApiPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Earlier answers", true, area, frame);
    let earlier = panel.earlier();
    if earlier.is_empty() {
        return draw_lines(&[Line::raw("No answer yet.")], inner, frame);
    }
    let rows = rows_area(panel, inner);
    let room = usize::from(rows.width);
    let first = first_in_sight(panel.history_row, earlier.len(), usize::from(rows.height));
    for (y, (index, row)) in (rows.y..rows.bottom()).zip(earlier.iter().enumerate().skip(first)) {
        let marker = if index == panel.history_row { ">" } else { " " };
        let (outcome, address) = in_words(row);
        let past = Duration::try_from(row.at().duration_until(now.time)).unwrap_or_default();
        let line = format!("{marker}{outcome}  {:<10}  {}", ago(past), visible(&address));
        let style = if matches!(row, Earlier::Remembered(_)) { model.theme.faint } else { model.theme.text };
        frame.buffer_mut().set_stringn(rows.x, y, clip(&line, room), room, style);
        if index == panel.history_row {
            frame.buffer_mut().set_style(Rect { y, height: 1, ..rows }, model.theme.selected);
            frame.set_cursor_position(Position::new(rows.x, y));
        }
    }
    if rows.height < inner.height {
        frame.buffer_mut().set_stringn(inner.x, rows.bottom(), clip(NOTE, room), room, model.theme.faint);
    }
}

/// Where the rows are: what their brackets mean stands below them.
pub(super) fn rows_area(panel: &ApiPanel, inner: Rect) -> Rect {
    let has_brackets = panel.earlier().iter().any(|row| matches!(row, Earlier::Remembered(_)));
    let note_rows = u16::from(has_brackets && inner.height >= WITH_NOTE);
    Rect { height: inner.height - note_rows, ..inner }
}

/// Status and size, the status in brackets without the answer; and what was called.
fn in_words(row: &Earlier<'_>) -> (String, String) {
    match row {
        Earlier::Answered(exchange) => {
            let outcome = match &exchange.outcome {
                Ok(reply) => format!(" {}  {:>8}", reply.status, bytes_in_words(reply.content.bytes().len())),
                Err(_) => " ---    failed".to_owned(),
            };
            (outcome, called(exchange.call.method, &exchange.call.url))
        }
        Earlier::Remembered(past) => {
            let outcome = past.answer.map(|answer| {
                let bytes = bytes_in_words(usize::try_from(answer.bytes).unwrap_or(usize::MAX));
                format!("({}) {bytes:>8}", answer.status)
            });
            let outcome = outcome.unwrap_or_else(|| "(---)   failed".to_owned());
            (outcome, called(past.method, &past.url))
        }
    }
}

/// What was called, the part that tells calls apart before the host.
pub(super) fn called(method: Method, url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{method} {}{query}  {}", url.path(), url.host_str().unwrap_or_default())
}
