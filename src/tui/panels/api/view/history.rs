//! The earlier answers, and the requests that are remembered without theirs.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use url::{Position, Url};

use super::super::ApiPanel;
use super::super::earlier::Earlier;
use super::framed;
use crate::http::Method;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, rough};
use crate::tui::widgets::list::List;
use crate::untrusted::visible;
use crate::words;

/// From here on there is room for the size of each answer.
const WITH_SIZE: usize = 60;
/// From this height on there is room to say so.
const WITH_NOTE: u16 = 4;

/// Draws one row for each.
pub(super) fn draw_history(around: &Surroundings, panel: &ApiPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(around, "Earlier answers", true, area, frame);
    let earlier = panel.earlier();
    if earlier.is_empty() {
        return draw_lines(&[Line::raw("No answer yet.")], inner, frame);
    }
    let list = list(panel, inner);
    let (rows, room) = (list.area, usize::from(list.area.width));
    for (index, place) in list.rows() {
        let row = &earlier[index];
        let marker = if index == list.cursor { around.theme.cursor() } else { " " };
        let (status, size, address) = in_words(row);
        let past = now.since(row.at());
        // What was called tells rows apart, so it has the room.
        let size = if room < WITH_SIZE { String::new() } else { format!("{size:>8}  ") };
        let line = format!("{marker}{status} {size}{:<7}  {}", when(past), visible(&address));
        let style = if matches!(row, Earlier::Remembered(_)) { around.theme.faint } else { around.theme.text };
        frame.buffer_mut().set_stringn(place.x, place.y, cut(&line, room, around.theme.cut()), room, style);
    }
    list.mark(&around.theme, true, frame);
    if rows.height < inner.height {
        let note = format!("( ) answer not kept: {} opens it", around.key(Scope::Api, Command::Choose));
        frame.buffer_mut().set_stringn(
            inner.x,
            rows.bottom(),
            cut(&note, room, around.theme.cut()),
            room,
            around.theme.faint,
        );
    }
}

/// Where the rows are: what their brackets mean stands below them.
pub(super) fn list(panel: &ApiPanel, inner: Rect) -> List {
    let earlier = panel.earlier();
    let has_brackets = earlier.iter().any(|row| matches!(row, Earlier::Remembered(_)));
    let note_rows = u16::from(has_brackets && inner.height >= WITH_NOTE);
    let area = Rect { height: inner.height - note_rows, ..inner };
    List { area, cursor: panel.history_row, all: earlier.len() }
}

/// How long ago it was, in as few columns as the list has for it.
fn when(past: Duration) -> String {
    if past.as_secs() < 60 { "now".to_owned() } else { rough(past) }
}

/// The status, in brackets without the answer; the size; and what was called.
fn in_words(row: &Earlier<'_>) -> (String, String, String) {
    match row {
        Earlier::Answered(exchange) => {
            let (status, size) = match &exchange.outcome {
                Ok(reply) => (format!(" {} ", reply.status), words::bytes(reply.content.length())),
                Err(_) => (" --- ".to_owned(), "failed".to_owned()),
            };
            (status, size, called(exchange.call.method, &exchange.call.url))
        }
        Earlier::Remembered(past) => {
            let answer = past.answer.map(|answer| (format!("({})", answer.status), words::bytes(answer.bytes)));
            let (status, size) = answer.unwrap_or_else(|| ("(---)".to_owned(), "failed".to_owned()));
            (status, size, called(past.method, &past.url))
        }
    }
}

/// What was called, the part that tells calls apart before the host.
pub(super) fn called(method: Method, url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{method} {}{query}  {}", url.path(), &url[Position::BeforeHost..Position::AfterPort])
}
