//! The list of requests.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::list::Row;
use super::super::{ApiPanel, Catalogue, Focus};
use super::answer::error_lines;
use super::{draw_search, framed};
use crate::service::TestCalls;
use crate::tui::lines::{draw_lines, first_in_sight};
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{clip, width};
use crate::tui::theme::Mark;

const LACKS_SCOPE: &str = "no scope";

/// Draws the rows around the cursor, and below them what is looked for.
pub(super) fn draw_list(around: &Surroundings, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    let has_focus = matches!(panel.focus, Focus::Requests | Focus::Filter);
    let inner = framed(around, "Requests", has_focus, area, frame);
    let room = usize::from(inner.width);
    let known = match &panel.catalogue {
        Catalogue::Ready(known) => known,
        Catalogue::Loading(_) => {
            return draw_lines(
                &[Line::from(vec![around.theme.mark(Mark::Working), Span::raw(" Reading the grant ...")])],
                inner,
                frame,
            );
        }
        Catalogue::Failed(error) => return draw_lines(&error_lines(around, panel, error, room), inner, frame),
    };
    let list = rows_area(panel, inner);
    let foot_rows = inner.height - list.height;
    let (cursor, all) = (panel.list.cursor(), panel.list.rows());
    let first = first_in_sight(cursor, all.len(), usize::from(list.height));
    for (y, (index, row)) in (list.y..list.bottom()).zip(all.iter().enumerate().skip(first)) {
        let marker = if index == cursor { "> " } else { "  " };
        let (name, note) = words_of(panel, known, *row);
        let style = if matches!(row, Row::Product(_)) { around.theme.title } else { around.theme.text };
        let name = clip(&name, room.saturating_sub(width(&note) + 3));
        let gap = " ".repeat(room.saturating_sub(width(&name) + width(&note) + 2));
        let spans =
            [Span::raw(marker), Span::styled(name, style), Span::raw(gap), Span::styled(note, around.theme.faint)];
        frame.buffer_mut().set_line(list.x, y, &Line::from(spans.to_vec()), list.width);
        if index == cursor {
            around.theme.select(Rect { y, height: 1, ..list }, frame.buffer_mut());
            if panel.focus == Focus::Requests {
                frame.set_cursor_position(Position::new(list.x, y));
            }
        }
    }
    if all.len() > usize::from(list.height) {
        draw_position(around, &format!(" {} of {} ", cursor + 1, all.len()), area, frame);
    }
    if foot_rows > 0 {
        draw_filter(around, panel, known, Rect { y: list.bottom(), height: foot_rows, ..inner }, frame);
    }
}

/// Draws where the cursor is in a list that is longer than its pane, on the border below.
fn draw_position(around: &Surroundings, words: &str, area: Rect, frame: &mut Frame<'_>) {
    let columns = u16::try_from(width(words)).unwrap_or(area.width);
    if let (Some(row), Some(x)) = (area.bottom().checked_sub(1), area.right().checked_sub(columns + 1)) {
        frame.buffer_mut().set_stringn(x.max(area.x), row, words, usize::from(columns), around.theme.faint);
    }
}

/// Where the rows are: what is looked for stands below them.
fn rows_area(panel: &ApiPanel, inner: Rect) -> Rect {
    let foot_rows = u16::from(panel.list.filter.is_some() && inner.height > 1);
    Rect { height: inner.height - foot_rows, ..inner }
}

/// The row of the list at this row of the screen.
pub(super) fn row_at(panel: &ApiPanel, inner: Rect, y: u16) -> Option<usize> {
    let (area, all) = (rows_area(panel, inner), panel.list.rows().len());
    let below = y.checked_sub(area.y).filter(|below| *below < area.height)?;
    Some(first_in_sight(panel.list.cursor(), all, usize::from(area.height)) + usize::from(below))
        .filter(|row| *row < all)
}

fn words_of(panel: &ApiPanel, known: &TestCalls, row: Row) -> (String, String) {
    match row {
        Row::Product(product) => {
            let sign = if panel.list.is_folded(product) { "+" } else { "-" };
            let calls = known.calls.iter().filter(|entry| entry.product == product);
            let (all, granted) =
                calls.fold((0, 0), |(all, granted), entry| (all + 1, granted + u32::from(entry.is_granted)));
            (format!("{sign} {product}"), format!("{granted} of {all} granted"))
        }
        Row::Call(number) => {
            let entry = &known.calls[number];
            (format!("  {}", entry.name), if entry.is_granted { "" } else { LACKS_SCOPE }.to_owned())
        }
        Row::OwnRequest => ("Own request".to_owned(), String::new()),
    }
}

fn draw_filter(around: &Surroundings, panel: &ApiPanel, known: &TestCalls, area: Rect, frame: &mut Frame<'_>) {
    let Some(filter) = &panel.list.filter else { return };
    let note = format!("{} of {}", panel.list.found(), known.calls.len());
    draw_search(around, filter, &note, panel.focus == Focus::Filter, area, frame);
}
