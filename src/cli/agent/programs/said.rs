//! What a program says on stderr, as lines for the log: cleaned, each as long as a line may be, and no more than some.

use crate::untrusted::Untrusted;

/// Lines of one run.
const MOST_LINES: usize = 20;
/// Bytes of a line that are kept; people see fewer characters.
const LONGEST_LINE: usize = 2000;

/// Takes bytes as they come.
#[derive(Default)]
pub(super) struct Said {
    line: Vec<u8>,
    lines: usize,
    left_out: u64,
}

impl Said {
    pub(super) fn push(&mut self, bytes: &[u8], tell: &impl Fn(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() < piece.len() {
                self.end_line(tell);
            }
        }
    }

    pub(super) fn finish(mut self, tell: &impl Fn(String)) {
        self.end_line(tell);
        if self.left_out > 0 {
            let lines = if self.left_out == 1 { "line" } else { "lines" };
            tell(format!("({} more {lines})", self.left_out));
        }
    }

    fn end_line(&mut self, tell: &impl Fn(String)) {
        let line = Untrusted::new(String::from_utf8_lossy(&self.line).trim_end());
        self.line.clear();
        if line.is_empty() {
            return;
        }
        if self.lines == MOST_LINES {
            self.left_out += 1;
            return;
        }
        self.lines += 1;
        tell(line.line());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::Said;

    fn told(pieces: &[&[u8]]) -> Vec<String> {
        let told = RefCell::new(Vec::new());
        let tell = |line| told.borrow_mut().push(line);
        let mut said = Said::default();
        for piece in pieces {
            said.push(piece, &tell);
        }
        said.finish(&tell);
        told.into_inner()
    }

    #[test]
    fn lines_are_whole_whatever_pieces_they_come_in() {
        assert_eq!(told(&[b"one\ntw", b"o\n\n  \nthr", b"ee"]), ["one", "two", "three"]);
        assert_eq!(told(&[b"a\r\nb\x1b[2J\n", b"\xff\n"]), ["a", "b<U+001B>[2J", "\u{fffd}"]);
        assert!(told(&[b"", b"\n"]).is_empty());
    }

    #[test]
    fn a_talker_without_an_end_fills_nothing() {
        let line = [b"x".repeat(5000), b"\n".to_vec()].concat();
        let told = told(&vec![line.as_slice(); 1000]);
        assert_eq!(told.len(), 21);
        assert!(told.iter().all(|line| line.chars().count() <= 301));
        assert_eq!(told.last().map(String::as_str), Some("(980 more lines)"));
    }
}
