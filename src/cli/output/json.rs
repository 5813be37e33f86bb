//! JSON for people, in the order and spelling in which it came: white space and colours are all that is added, and white space
//! all that is taken away.

use crate::cli::colors::{BOLD, CYAN, GREEN, MAGENTA, RESET};
use crate::json::{Event, MARK, Reader, Token};
use crate::untrusted::VisibleStream;

/// Puts each value on a line of its own. From where on it is no JSON, it is shown as it came.
pub(in crate::cli) struct Indenter {
    reader: Reader,
    lines: Lines,
}

struct Lines {
    has_color: bool,
    depth: usize,
    /// Nothing stands yet in what was opened last.
    is_fresh: bool,
    text: VisibleStream,
}

impl Indenter {
    pub(super) fn new(has_color: bool) -> Self {
        let lines = Lines { has_color, depth: 0, is_fresh: false, text: VisibleStream::default() };
        Self { reader: Reader::default(), lines }
    }

    /// Whether a body that begins so is JSON as far as that can be seen. Scalars have nothing to be put on lines.
    pub(super) fn fits(beginning: &[u8], is_whole: bool) -> bool {
        let mut trial = Reader::default();
        trial.push(beginning, &mut |_| {});
        let first = beginning.iter().find(|byte| !MARK.contains(byte) && !byte.is_ascii_whitespace());
        matches!(first, Some(b'{' | b'[')) && trial.is_sound() && (!is_whole || trial.is_complete())
    }

    pub(super) fn push(&mut self, bytes: &[u8], shown: &mut String) {
        let lines = &mut self.lines;
        self.reader.push(bytes, &mut |event| lines.show(event, shown));
    }

    pub(super) fn finish(mut self, shown: &mut String) {
        let lines = &mut self.lines;
        self.reader.finish(&mut |event| lines.show(event, shown));
        self.lines.text.finish(shown);
    }
}

impl Lines {
    fn show(&mut self, event: Event<'_>, shown: &mut String) {
        match event {
            Event::Open(bracket) => {
                self.begin_inside(shown);
                shown.push(char::from(bracket));
                self.depth += 1;
                self.is_fresh = true;
            }
            Event::Close(bracket) => {
                self.depth -= 1;
                if !std::mem::take(&mut self.is_fresh) {
                    self.new_line(shown);
                }
                shown.push(char::from(bracket));
            }
            Event::Comma => {
                shown.push(',');
                self.new_line(shown);
            }
            Event::Colon => shown.push_str(": "),
            Event::Begin(token) => {
                self.begin_inside(shown);
                if self.has_color {
                    shown.push_str(match token {
                        Token::Key => BOLD,
                        Token::String => GREEN,
                        Token::Number => CYAN,
                        Token::Literal => MAGENTA,
                    });
                }
            }
            Event::Part(bytes) | Event::Rest(bytes) => self.text.push(bytes, shown),
            Event::End(_) => self.end_text(shown),
            Event::Document => shown.push('\n'),
        }
    }

    /// The first thing in brackets stands on a line of its own.
    fn begin_inside(&mut self, shown: &mut String) {
        if std::mem::take(&mut self.is_fresh) {
            self.new_line(shown);
        }
    }

    fn end_text(&mut self, shown: &mut String) {
        // What was cut off within a character must not be completed by what comes after the colour.
        std::mem::take(&mut self.text).finish(shown);
        if self.has_color {
            shown.push_str(RESET);
        }
    }

    fn new_line(&self, shown: &mut String) {
        shown.push('\n');
        shown.extend(std::iter::repeat_n("  ", self.depth));
    }
}
