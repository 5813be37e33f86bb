//! The list of requests.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::list::Row;
use super::super::{ApiPanel, Catalogue, Focus};
use super::answer::error_lines;
use super::{draw_position, draw_search, framed};
use crate::service::TestCalls;
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{cut, width};
use crate::tui::theme::Mark;
use crate::tui::widgets::list::List;

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
        Catalogue::Failed(error) => {
            let lines = error_lines(around, panel, error, room, usize::from(inner.height));
            return draw_lines(&lines, inner, frame);
        }
    };
    let list = list(panel, inner);
    let foot_rows = inner.height - list.area.height;
    for (index, place) in list.rows() {
        let row = panel.list.rows()[index];
        let marker = if index == list.cursor { around.theme.cursor() } else { " " };
        let (name, note) = words_of(around, panel, known, row);
        // What can be called stands out.
        let style = match row {
            _ if note == LACKS_SCOPE => around.theme.faint,
            Row::Product(_) => around.theme.title,
            Row::Call(_) | Row::OwnRequest => around.theme.text,
        };
        let name = cut(&name, room.saturating_sub(width(&note) + 3), around.theme.cut());
        let gap = " ".repeat(room.saturating_sub(width(&name) + width(&note) + 2));
        let marker = Span::styled(format!("{marker} "), around.theme.accent);
        let spans = [marker, Span::styled(name, style), Span::raw(gap), Span::styled(note, around.theme.faint)];
        frame.buffer_mut().set_line(place.x, place.y, &Line::from(spans.to_vec()), place.width);
    }
    list.mark(&around.theme, panel.focus == Focus::Requests, frame);
    if list.all > usize::from(list.area.height) {
        draw_position(around, &format!("{} of {}", list.cursor + 1, list.all), area, frame);
    }
    if foot_rows > 0 {
        draw_filter(around, panel, known, Rect { y: list.area.bottom(), height: foot_rows, ..inner }, frame);
    }
}

/// Where the rows are: what is looked for stands below them.
pub(super) fn list(panel: &ApiPanel, inner: Rect) -> List {
    let foot_rows = u16::from(panel.list.filter.is_some() && inner.height > 1);
    let area = Rect { height: inner.height - foot_rows, ..inner };
    List { area, cursor: panel.list.cursor(), all: panel.list.rows().len() }
}

fn words_of(around: &Surroundings, panel: &ApiPanel, known: &TestCalls, row: Row) -> (String, String) {
    match row {
        Row::Product(product) => {
            let sign = around.theme.fold(panel.list.is_folded(known, product));
            let calls = known.calls.iter().filter(|entry| entry.product == product);
            let (all, granted) =
                calls.fold((0, 0), |(all, granted), entry| (all + 1, granted + u32::from(entry.is_granted)));
            let note = if granted == 0 { LACKS_SCOPE.to_owned() } else { format!("{granted} of {all} granted") };
            (format!("{sign} {product}"), note)
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
