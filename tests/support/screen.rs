//! Draws a model into a buffer and prints what is on it: text, then runs of style beside the QR
//! code, then where the cursor is.

use std::fmt::Write as _;
use std::ops::Range;

use device_login::tui::model::Model;
use device_login::tui::next_wakeup;
use device_login::tui::surroundings::Now;
use device_login::tui::view::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The screen of a model at a size, as text for a snapshot.
pub(crate) fn screen(model: &Model, now: Now) -> String {
    let (buffer, cursor) = draw(model, now);
    let mut printed = text(&buffer);
    printed.push_str("--- styles\n");
    for row in 0..buffer.area.height {
        for (from, to, style) in style_runs(&buffer, row) {
            writeln!(printed, "{row}: {from}-{to} {style}").expect("a text takes everything");
        }
    }
    if let Some((column, row)) = cursor {
        writeln!(printed, "--- cursor {column},{row}").expect("a text takes everything");
    }
    printed
}

/// The text of the screen, line by line.
pub(crate) fn screen_text(model: &Model, now: Now) -> String {
    text(&draw(model, now).0)
}

/// The cells of the screen, and where the cursor is if it shows.
pub(crate) fn draw(model: &Model, now: Now) -> (Buffer, Option<(u16, u16)>) {
    let backend = TestBackend::new(model.around.window.width, model.around.window.height);
    let mut terminal = Terminal::new(backend).expect("a buffer can be drawn to");
    let mut cursor = None;
    terminal.draw(|frame| view(model, now, frame)).expect("a buffer can be drawn to");
    let backend = terminal.backend_mut();
    if backend.cursor_visible() {
        let position = backend.cursor_position();
        cursor = Some((position.x, position.y));
    }
    (backend.buffer().clone(), cursor)
}

/// The seconds within a stretch of time at which the screen looks other than the second before, each of which must be one
/// for which it wakes.
pub(crate) fn changes(model: &Model, at: impl Fn(u64) -> Now, within: Range<u64>) -> Vec<u64> {
    let looks_other = |second: &u64| screen_text(model, at(*second)) != screen_text(model, at(second - 1));
    let changes: Vec<u64> = (within.start + 1..within.end).filter(looks_other).collect();
    for second in &changes {
        let wakeup = next_wakeup(model, at(second - 1));
        assert!(wakeup.is_some_and(|wakeup| wakeup <= at(*second).moment), "nothing wakes the screen at {second} s");
    }
    changes
}

pub(crate) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in 0..buffer.area.height {
        let line: String = (0..buffer.area.width).map(|column| buffer[(column, row)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// First and last column of each stretch of cells with one style that is not the plain one.
fn style_runs(buffer: &Buffer, row: u16) -> Vec<(u16, u16, String)> {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for column in 0..buffer.area.width {
        let style = style(&buffer[(column, row)]);
        match runs.last_mut() {
            Some((_, to, last)) if *last == style => *to = column,
            _ => runs.push((column, column, style)),
        }
    }
    // A QR code is read by the decoder instead; as styles it would only be long.
    runs.retain(|(from, _, style)| !style.is_empty() && !is_of_qr_code(&buffer[(*from, row)]));
    runs
}

/// Nothing but QR codes has colours beyond the ANSI ones.
fn is_of_qr_code(cell: &Cell) -> bool {
    matches!(cell.bg, Color::Indexed(_))
}

fn style(cell: &Cell) -> String {
    let names = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ];
    let mut parts: Vec<String> = names
        .iter()
        .filter(|(modifier, _)| cell.modifier.contains(*modifier))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    if cell.fg != Color::Reset {
        parts.push(format!("{:?}", cell.fg).to_lowercase());
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {:?}", cell.bg).to_lowercase());
    }
    parts.join(" ")
}
