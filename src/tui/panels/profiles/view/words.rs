//! A text of several styles, wrapped at its spaces.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Words, each of which stays on one line where that has room for it.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Vec<Vec<Span<'static>>>,
    /// Columns between two of them.
    gap: usize,
}

impl Default for Words {
    fn default() -> Self {
        Self::spaced(1)
    }
}

impl Words {
    pub(super) fn spaced(gap: usize) -> Self {
        Self { words: Vec::new(), gap }
    }

    pub(super) fn of(text: &str, style: Style) -> Self {
        Self::default().and(text, style)
    }

    /// The same with the words of a text after its own.
    pub(super) fn and(mut self, text: &str, style: Style) -> Self {
        self.words.extend(text.split_whitespace().map(|word| vec![Span::styled(word.to_owned(), style)]));
        self
    }

    /// The same with one word of several styles after its own; spaces in it stay.
    pub(super) fn whole(mut self, spans: impl IntoIterator<Item = Span<'static>>) -> Self {
        let word: Vec<Span<'static>> = spans.into_iter().collect();
        self.words.extend((!word.is_empty()).then_some(word));
        self
    }

    /// The same with a mark at its end.
    pub(super) fn glued(mut self, mark: &'static str, style: Style) -> Self {
        if let Some(word) = self.words.last_mut() {
            word.push(Span::styled(mark, style));
        }
        self
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self
    }

    /// The columns of all of it on one line.
    pub(super) fn width(&self) -> usize {
        let words: usize = self.words.iter().map(|word| columns_of(word)).sum();
        words + self.gap * self.words.len().saturating_sub(1)
    }

    /// At least one line, each of at most so many columns.
    pub(super) fn lines(self, columns: usize) -> Vec<Vec<Span<'static>>> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (Vec::new(), 0);
        for word in self.words {
            let taken = columns_of(&word);
            let gap = if used == 0 { 0 } else { self.gap };
            if used > 0 && used + gap + taken > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else {
                line.extend((gap > 0).then(|| Span::raw(" ".repeat(gap))));
                used += gap;
            }
            if taken <= columns {
                line.extend(word);
                used += taken;
                continue;
            }
            for grapheme in word.iter().flat_map(|span| span.styled_graphemes(Style::new())) {
                if used > 0 && used + grapheme.symbol.width() > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                used += grapheme.symbol.width();
                line.push(Span::styled(grapheme.symbol.to_owned(), grapheme.style));
            }
        }
        lines.push(line);
        lines
    }
}

fn columns_of(word: &[Span<'_>]) -> usize {
    word.iter().map(Span::width).sum()
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;
    use ratatui::text::Span;

    use super::Words;

    fn wrapped(words: Words, columns: usize) -> Vec<String> {
        let text = |line: Vec<Span<'_>>| line.iter().map(|span| span.content.clone()).collect();
        words.lines(columns).into_iter().map(text).collect()
    }

    #[test]
    fn words_stay_whole_where_they_have_room_and_keep_their_styles() {
        let words = || Words::of("a bc", Style::new()).whole(["##".into(), "--".into()]).and("d", Style::new().bold());
        assert_eq!(wrapped(words(), 20), ["a bc ##-- d"]);
        assert_eq!(wrapped(words(), 6), ["a bc", "##-- d"]);
        assert_eq!(wrapped(words(), 3), ["a", "bc", "##-", "- d"]);
        assert_eq!(words().width(), 11);
        assert!(words().lines(20)[0].iter().any(|span| span.style == Style::new().bold()));
        assert_eq!(wrapped(Words::default(), 5), [""]);
    }
}
