//! A bar that runs empty as time runs out. The time in words always stands beside it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::tui::theme::{Mark, Theme};

/// The share of `total` that `remaining` still is, over the whole width of one row.
#[derive(Clone, Copy, Debug)]
pub struct Gauge<'a> {
    pub remaining: Duration,
    pub total: Duration,
    /// What the words beside it say of the time that is left.
    pub mark: Mark,
    pub theme: &'a Theme,
}

impl Gauge<'_> {
    /// The filled cells out of `width`: rounded, but at least one while any time is left.
    pub fn filled(&self, width: u16) -> u16 {
        if self.remaining.is_zero() {
            return 0;
        }
        let total = self.total.as_millis().max(1);
        let remaining = self.remaining.as_millis().min(total);
        let filled = (remaining * u128::from(width) + total / 2) / total;
        u16::try_from(filled).unwrap_or(width).clamp(1.min(width), width)
    }

    /// The bar, of so many columns.
    pub fn spans(&self, width: u16) -> [Span<'static>; 2] {
        let (full, empty) = self.theme.gauge_symbols();
        let style = match self.mark {
            Mark::Good | Mark::Working | Mark::Off => self.theme.accent,
            // A bar in reverse video is a block.
            mark => self.theme.mark_style(mark).remove_modifier(Modifier::REVERSED),
        };
        let filled = self.filled(width);
        let cells = |symbol: &str, count: u16| symbol.repeat(usize::from(count));
        [Span::styled(cells(full, filled), style), Span::styled(cells(empty, width - filled), self.theme.faint)]
    }
}

impl Widget for &Gauge<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        buffer.set_line(area.x, area.y, &Line::from_iter(self.spans(area.width)), area.width);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::widgets::Widget;

    use super::Gauge;
    use crate::abilities::Environment;
    use crate::tui::theme::{Mark, Theme};

    fn bar(remaining: u64, width: u16, is_unicode: bool) -> String {
        let lang = is_unicode.then_some("C.UTF-8");
        let theme = Theme::new(Environment { term: Some("xterm"), lang, ..Environment::default() }.abilities());
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let (remaining, total) = (Duration::from_secs(remaining), Duration::from_secs(300));
        let gauge = Gauge { remaining, total, mark: Mark::Good, theme: &theme };
        gauge.render(buffer.area, &mut buffer);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn the_bar_is_as_full_as_time_is_left() {
        assert_eq!(bar(272, 41, true), "━".repeat(37) + &"─".repeat(4));
        assert_eq!(bar(272, 54, true), "━".repeat(49) + &"─".repeat(5));
        assert_eq!(bar(150, 10, false), "=====-----");
        assert_eq!(bar(300, 10, false), "==========");
        assert_eq!(bar(9999, 10, false), "==========");
    }

    #[test]
    fn a_bar_is_empty_only_when_no_time_is_left() {
        assert_eq!(bar(1, 10, false), "=---------");
        assert_eq!(bar(0, 10, false), "----------");
        assert_eq!(bar(0, 0, false), "");
    }
}
