//! Draws the lines of a [`JsonView`] that are in sight.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::JsonView;
use super::document::{Piece, Role, plain_letters, prefix};
use crate::tui::text::{self, drawn};
use crate::tui::theme::Theme;

/// Columns left of the text, for the mark of the cursor's line, which survives without colours.
pub const GUTTER: u16 = 2;
/// Stands in the last column of a line that goes on to the right.
const CUT: &str = ">";

/// The widget. Draws no border.
#[derive(Clone, Copy, Debug)]
pub struct JsonPane<'a> {
    pub view: &'a JsonView,
    pub theme: &'a Theme,
    /// The pane has the keys: the cursor's line is drawn in reverse.
    pub focused: bool,
}

impl Widget for &JsonPane<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        for (row, line) in area.rows().zip(self.view.visible_from(self.view.top)) {
            if line == self.view.cursor {
                buffer.set_stringn(row.x, row.y, self.theme.cursor(), 1, self.theme.accent);
            }
            self.draw_line(line, row, buffer);
            if line == self.view.cursor && self.focused {
                self.theme.select(row, buffer);
            }
        }
    }
}

impl JsonPane<'_> {
    fn draw_line(&self, line: usize, row: Rect, buffer: &mut Buffer) {
        let document = self.view.document();
        let indent = document.indent(line);
        let mut x = indent.saturating_sub(self.view.left).saturating_add(usize::from(row.x + GUTTER));
        let mut hidden = self.view.left.saturating_sub(indent);
        let right = usize::from(row.right());
        if x >= right {
            return;
        }
        // Four bytes a character, and some for marks that take no column.
        let limit = |hidden: usize| hidden.saturating_add(right - x).saturating_mul(4).saturating_add(64);
        let mut pieces = document.pieces(line, self.view.is_folded(line), limit(hidden));
        // Of a long line, what lies to the left is not looked at letter by letter; the last one may go on with a mark, or begin
        // what was found.
        let margin = 1 + self.view.search.as_ref().map_or(0, |search| search.pattern.length());
        let mut ahead = hidden;
        for piece in &mut pieces {
            let plain = plain_letters(&piece.text).min(ahead);
            let skipped = plain.saturating_sub(margin);
            ahead = if plain == piece.text.len() { ahead - plain } else { 0 };
            hidden -= skipped;
            piece.text = Cow::Owned(drawn(prefix(&piece.text[skipped..], limit(hidden))));
        }
        let hits = self.hits(&pieces);
        let mut at = 0;
        for piece in &pieces {
            for grapheme in Span::raw(piece.text.as_ref()).styled_graphemes(self.style(piece.role)) {
                let width = text::width(grapheme.symbol);
                let is_found = hits.get(at).copied().unwrap_or_default();
                at += grapheme.symbol.len();
                if hidden > 0 {
                    hidden = hidden.saturating_sub(width);
                    continue;
                }
                if x + width > right {
                    return self.mark_cut(row, buffer);
                }
                let style = if is_found { self.theme.found } else { grapheme.style };
                let column = u16::try_from(x).unwrap_or(u16::MAX);
                buffer.set_stringn(column, row.y, grapheme.symbol, width, style);
                x += width;
            }
        }
    }

    /// Tells in the last column that the line goes on to the right.
    fn mark_cut(&self, row: Rect, buffer: &mut Buffer) {
        let Some(last) = row.right().checked_sub(1).filter(|last| *last >= row.x + GUTTER) else { return };
        // Half of a wide character would stay.
        let before = last.saturating_sub(1).max(row.x);
        if text::width(buffer[(before, row.y)].symbol()) > 1 {
            buffer[(before, row.y)].set_symbol(" ");
        }
        buffer[(last, row.y)].reset();
        buffer.set_stringn(last, row.y, CUT, 1, self.theme.faint);
    }

    /// For each byte of the line, whether the search has found it.
    fn hits(&self, pieces: &[Piece<'_>]) -> Vec<bool> {
        let Some(search) = &self.view.search else { return Vec::new() };
        let line = pieces.iter().map(|piece| piece.text.as_ref()).collect::<String>();
        search.pattern.hits_in(&line)
    }

    fn style(&self, role: Role) -> Style {
        match role {
            Role::Name => self.theme.member,
            Role::Text => self.theme.string,
            Role::Literal => self.theme.literal,
            Role::Punctuation => self.theme.faint,
        }
    }
}
