//! Text of the kiosk from top to bottom, which drops the least important of it where there is little room.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use crate::tui::text::wrap;
use crate::tui::theme::{Mark, Theme};
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::gauge::Gauge;

/// How far something is needed, the first to be dropped first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keep {
    Gap,
    Least,
    /// Of the moment. What comes and goes must not move what stays.
    Passing,
    /// Explains the rest, and goes before a QR code has to be made of half-blocks.
    Telling,
    Wanted,
    Always,
}

#[derive(Debug)]
enum Part {
    Line(Line<'static>),
    Big(BigText),
    Gauge { left: Duration, total: Duration, mark: Mark },
}

/// The parts, at most `width` wide.
#[derive(Debug)]
pub(super) struct Column {
    width: u16,
    parts: Vec<(Keep, Part)>,
}

impl Column {
    pub(super) fn new(width: u16) -> Self {
        Self { width, parts: Vec::new() }
    }

    pub(super) fn gap(&mut self) {
        self.parts.push((Keep::Gap, Part::Line(Line::default())));
    }

    pub(super) fn line(&mut self, keep: Keep, line: Line<'static>) {
        self.parts.push((keep, Part::Line(line)));
    }

    /// Wraps `text` to the width; nothing for an empty one.
    pub(super) fn wrapped(&mut self, keep: Keep, text: &str, style: Style) {
        if !text.is_empty() {
            let lines = self.wrap(text).into_iter();
            self.parts.extend(lines.map(|line| (keep, Part::Line(Line::styled(line, style)))));
        }
    }

    pub(super) fn wrap(&self, text: &str) -> Vec<String> {
        wrap(text, usize::from(self.width))
    }

    pub(super) fn big(&mut self, text: BigText) {
        self.parts.push((Keep::Always, Part::Big(text)));
    }

    pub(super) fn gauge(&mut self, left: Duration, total: Duration, mark: Mark) {
        self.parts.push((Keep::Least, Part::Gauge { left, total, mark }));
    }

    /// The rows of all that is to be kept at least so far.
    pub(super) fn rows(&self, keep: Keep) -> u16 {
        self.parts.iter().filter(|part| part.0 >= keep).map(|(_, part)| part.rows()).fold(0, u16::saturating_add)
    }

    /// The rows of all that stays while the code does.
    pub(super) fn lasting_rows(&self) -> u16 {
        let lasting = self.parts.iter().filter(|part| part.0 != Keep::Passing);
        lasting.map(|(_, part)| part.rows()).fold(0, u16::saturating_add)
    }

    /// Drops parts until the rest fits, the least needed first and of those the last.
    fn shrink_to(&mut self, height: u16) {
        while self.rows(Keep::Gap) > height {
            let least = self.parts.iter().map(|part| part.0).min();
            let Some(at) = self.parts.iter().rposition(|part| Some(part.0) == least && part.0 != Keep::Always) else {
                return;
            };
            self.parts.remove(at);
        }
    }

    /// Draws in the middle of `area` from top to bottom.
    pub(super) fn draw_centered(mut self, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
        self.shrink_to(area.height);
        let above = area.height.saturating_sub(self.rows(Keep::Gap)) / 2;
        let mut row = area.y + above;
        for (_, part) in &self.parts {
            let place = Rect { y: row, width: self.width.min(area.width), height: part.rows(), ..area };
            row = row.saturating_add(part.rows());
            if row > area.bottom() {
                return;
            }
            match part {
                Part::Line(line) => drop(frame.buffer_mut().set_line(place.x, place.y, line, place.width)),
                Part::Big(text) => text.render(place, frame.buffer_mut()),
                Part::Gauge { left, total, mark } => {
                    (&Gauge { remaining: *left, total: *total, mark: *mark, theme }).render(place, frame.buffer_mut());
                }
            }
        }
    }
}

impl Part {
    fn rows(&self) -> u16 {
        match self {
            Part::Line(_) | Part::Gauge { .. } => 1,
            Part::Big(text) => text.rows(),
        }
    }
}
