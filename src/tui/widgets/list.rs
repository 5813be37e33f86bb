//! The rows of a list around its cursor: which are in sight and where, and which one is at a place.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::tui::keymap::Command;
use crate::tui::theme::Theme;

/// A list in its area, one row of the screen for each of its own.
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub area: Rect,
    pub cursor: usize,
    pub all: usize,
}

impl List {
    /// Those for which there is room. The cursor is in their middle, but near either end.
    pub fn in_sight(&self) -> Range<usize> {
        let rows = usize::from(self.area.height);
        let first = self.cursor.saturating_sub(rows / 2).min(self.all.saturating_sub(rows));
        first..(first + rows).min(self.all)
    }

    /// The same, each with its place.
    pub fn rows(&self) -> impl Iterator<Item = (usize, Rect)> + use<> {
        let area = self.area;
        self.in_sight().zip(area.y..).map(move |(index, y)| (index, Rect { y, height: 1, ..area }))
    }

    /// The row at a place.
    pub fn at(&self, at: Position) -> Option<usize> {
        self.rows().find_map(|(index, place)| place.contains(at).then_some(index))
    }

    /// Marks the row that has the cursor. Screen readers and braille displays follow the terminal's cursor, which is there
    /// where the list has the keys: on the mark before the row, which is one with it.
    pub fn mark(&self, theme: &Theme, has_keys: bool, frame: &mut Frame<'_>) {
        for (_, place) in self.rows().filter(|(index, place)| *index == self.cursor && !place.is_empty()) {
            theme.select(place, frame.buffer_mut());
            if has_keys {
                let buffer = frame.buffer_mut();
                let mark = place.positions().find(|at| buffer.cell(*at).is_some_and(|cell| cell.symbol() != " "));
                frame.set_cursor_position(mark.unwrap_or(place.as_position()));
            }
        }
    }
}

/// Where a cursor at `at`, or the first row in sight, goes: no further than to the last.
pub fn moved(at: usize, command: Command, page: usize, last: usize) -> usize {
    let to = match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => at.saturating_add(1),
        Command::PageUp => at.saturating_sub(page),
        Command::PageDown => at.saturating_add(page),
        Command::Home => 0,
        _ => last,
    };
    to.min(last)
}
