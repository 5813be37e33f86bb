//! The log: what has happened since the app was opened, the last at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{width, wrap};
use crate::tui::theme::Mark;

/// Columns of the time, with a gap on either side.
const TIME: usize = 10;

/// How far up the log can be scrolled in `area`.
pub fn longest_scroll(around: &Surroundings, area: Rect) -> usize {
    let room = room(around, area);
    let lines: usize = around.log.entries().map(|entry| wrap(&entry.text, room).len()).sum();
    lines.saturating_sub(usize::from(area.height))
}

/// Draws as many of the last entries as there are rows for, scrolled up by so many rows.
pub fn view(around: &Surroundings, scroll: usize, area: Rect, frame: &mut Frame<'_>) {
    if around.log.entries().len() == 0 {
        return draw_lines(&[Line::raw(" Nothing has happened yet.")], area, frame);
    }
    let rows = usize::from(area.height);
    // No more is wrapped than can be seen.
    let mut lines: Vec<Line<'static>> = Vec::new();
    for entry in around.log.entries().rev() {
        if lines.len() >= scroll.saturating_add(rows) {
            break;
        }
        let words = wrap(&entry.text, room(around, area));
        for (number, words) in words.iter().enumerate().rev() {
            let head = if number == 0 {
                let mark = around.theme.symbol(entry.mark);
                let padding = " ".repeat(head(around).saturating_sub(TIME + width(mark)));
                vec![
                    Span::raw(format!(" {} ", around.zone.to_datetime(entry.at).strftime("%H:%M:%S"))),
                    around.theme.mark(entry.mark),
                    Span::raw(padding),
                ]
            } else {
                vec![Span::raw(" ".repeat(head(around)))]
            };
            lines.push(head.into_iter().chain([Span::raw(words.clone())]).collect());
        }
    }
    let hidden = scroll.min(lines.len().saturating_sub(rows));
    let mut seen: Vec<Line<'static>> = lines.into_iter().skip(hidden).take(rows).collect();
    seen.reverse();
    draw_lines(&seen, area, frame);
}

/// The columns of the time and the mark.
fn head(around: &Surroundings) -> usize {
    TIME + width(around.theme.symbol(Mark::NeedsSignIn)) + 1
}

/// The columns of the words.
fn room(around: &Surroundings, area: Rect) -> usize {
    usize::from(area.width).saturating_sub(head(around) + 1).max(1)
}
