//! A text that was sent to the terminal's clipboard, whole and without a frame: terminals may drop it without a word, and
//! then a mouse has to select it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Sent;
use crate::tui::lines::draw_lines;
use crate::tui::text::wrap;
use crate::tui::widgets::json_view::JsonDocument;

impl Sent {
    /// How far it can be scrolled in `area`.
    pub fn longest_scroll(&self, area: Rect) -> usize {
        self.lines(area.width).len().saturating_sub(usize::from(area.height))
    }

    pub fn view(&self, area: Rect, frame: &mut Frame<'_>) {
        let lines: Vec<Line<'_>> = self.lines(area.width).into_iter().skip(self.scroll).map(Line::raw).collect();
        draw_lines(&lines, area, frame);
    }

    /// The sentence, and below it the text, each of its rows as wide as the screen.
    fn lines(&self, columns: u16) -> Vec<String> {
        let columns = usize::from(columns).max(1);
        let sentence = format!(
            "Sent {} to your terminal, which does not tell whether it took it. Else select it here.",
            self.what
        );
        let mut lines = wrap(&sentence, columns);
        lines.push(String::new());
        let text = JsonDocument::wrapped(self.text.as_str(), columns);
        lines.extend((0..text.line_count()).map(|line| text.line_text(line)));
        lines
    }
}
