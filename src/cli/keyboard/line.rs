//! A line that is edited at its end, byte by byte as it is typed.

use zeroize::Zeroizing;

use super::{Asked, Entry, LONGEST};
use crate::secret::Secret;
use crate::untrusted::visible;

/// What a byte asks for beside its place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    /// The line is whole, unless more comes at once.
    Enter,
    /// The end of the input, on an empty line.
    End,
    Interrupt,
    Quit,
    Stop,
}

/// How far an escape sequence has come: arrow keys and the like mean nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Parameters,
}

pub(super) struct Line {
    asked: Asked,
    /// Whether the bytes are keys, rather than what another program writes.
    is_typed: bool,
    text: Zeroizing<Vec<u8>>,
    is_too_long: bool,
    escape: Escape,
    /// Not shown yet: characters come in parts.
    unshown: usize,
}

impl Line {
    pub(super) fn new(asked: Asked, is_typed: bool) -> Self {
        let text = Zeroizing::new(Vec::with_capacity(4096));
        Self { asked, is_typed, text, is_too_long: false, escape: Escape::None, unshown: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.is_too_long
    }

    /// Whether it is just Enter.
    pub(super) fn is_blank(&self) -> bool {
        self.text.as_slice() == b"\n" && !self.is_too_long
    }

    /// Takes a byte in, and what is to be shown of it into `echo`.
    pub(super) fn take(&mut self, byte: u8, echo: &mut String) -> Wish {
        if !self.is_typed {
            self.push(byte);
            return if byte == b'\n' { Wish::Enter } else { Wish::Nothing };
        }
        if self.escape != Escape::None {
            self.escape = match (self.escape, byte) {
                (Escape::Begun, b'[' | b'O') | (Escape::Parameters, 0x20..=0x3f) => Escape::Parameters,
                _ => Escape::None,
            };
            return Wish::Nothing;
        }
        match byte {
            b'\r' | b'\n' => {
                self.push(b'\n');
                self.unshown = 0;
                return ended(Wish::Enter, echo);
            }
            0x03 => return ended(Wish::Interrupt, echo),
            0x1c => return ended(Wish::Quit, echo),
            0x1a => return Wish::Stop,
            0x04 if self.is_empty() => return ended(Wish::End, echo),
            0x08 | 0x7f => self.erase(1, echo),
            0x15 => self.erase(usize::MAX, echo),
            0x17 => self.erase(self.last_word(), echo),
            0x1b => self.escape = Escape::Begun,
            0x20..=0xff => {
                self.push(byte);
                self.show(echo);
            }
            _ => {}
        }
        Wish::Nothing
    }

    /// The line as it is, and an empty one in its place.
    pub(super) fn finish(&mut self) -> Entry {
        let entry = if self.is_too_long {
            Entry::TooLong
        } else {
            // Bytes that are not UTF-8 become U+FFFD, which no check of an entry lets pass.
            let text = Zeroizing::new(String::from_utf8_lossy(&self.text).into_owned());
            Entry::Text(Secret::new(text.trim_matches(['\r', '\n'])))
        };
        *self = Self::new(self.asked, self.is_typed);
        entry
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < LONGEST {
            self.text.push(byte);
            self.unshown += 1;
        } else {
            self.is_too_long = true;
        }
    }

    fn show(&mut self, echo: &mut String) {
        let start = self.text.len() - self.unshown.min(self.text.len());
        if let Ok(text) = std::str::from_utf8(&self.text[start..]) {
            if self.asked != Asked::Hidden {
                *echo += &visible(text);
            }
            self.unshown = 0;
        }
    }

    fn erase(&mut self, characters: usize, echo: &mut String) {
        for _ in 0..characters {
            let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte & 0xc0 == 0x80);
            while is_part(self.text.last()) {
                self.text.pop();
            }
            if self.text.last().is_none_or(|byte| *byte == b'\n') {
                break;
            }
            self.text.pop();
            if self.asked != Asked::Hidden {
                *echo += "\u{8} \u{8}";
            }
        }
        (self.unshown, self.is_too_long) = (0, false);
    }

    fn last_word(&self) -> usize {
        let text = String::from_utf8_lossy(&self.text);
        let rest = text.trim_end().rsplit_once(' ').map_or(0, |(rest, _)| rest.chars().count() + 1);
        text.chars().count() - rest
    }
}

/// Whatever is said next begins on a line of its own.
fn ended(wish: Wish, echo: &mut String) -> Wish {
    echo.push('\n');
    wish
}

#[cfg(test)]
mod tests {
    use super::{Asked, Entry, LONGEST, Line, Wish};
    use crate::secret::Secret;

    fn typed(asked: Asked, keys: &[u8]) -> (Entry, String) {
        let (mut line, mut echo) = (Line::new(asked, true), String::new());
        for key in keys {
            line.take(*key, &mut echo);
        }
        (line.finish(), echo)
    }

    #[test]
    fn keys_edit_the_end_of_the_line() {
        for (keys, expected) in [
            (&b"abc\r"[..], "abc"),
            (b"abc\n", "abc"),
            (b"abx\x7fc\r", "abc"),
            (b"abx\x08c\r", "abc"),
            ("ab\u{e9}\u{7f}c\r".as_bytes(), "abc"),
            (b"xyz\x15abc\r", "abc"),
            (b"a b c\x17d\r", "a b d"),
            (b"\x7f\x7fabc\r", "abc"),
            (b"a\x1b[Db\x1b[1;5Cc\x1bOA\r", "abc"),
            (b"a\x00\x07\tbc\r", "abc"),
            ("caf\u{e9}\r".as_bytes(), "caf\u{e9}"),
        ] {
            assert_eq!(typed(Asked::Line, keys).0, Entry::Text(Secret::new(expected)), "{keys:?}");
        }
        assert_eq!(typed(Asked::Pasted, b"ab\rcd\r").0, Entry::Text(Secret::new("ab\ncd")));
    }

    #[test]
    fn what_is_hidden_is_not_shown_and_nothing_steers_the_terminal() {
        assert_eq!(typed(Asked::Hidden, b"secret\x7f\r").1, "\n");
        assert_eq!(typed(Asked::Line, "a\u{e9}\u{9b}\u{202e}\r".as_bytes()).1, "a\u{e9}<U+009B><U+202E>\n");
        assert_eq!(typed(Asked::Pasted, b"ab\rcd\r").1, "ab\ncd\n");
    }

    #[test]
    fn long_lines_are_whole_or_refused() {
        for length in [4_093, 4_096, 4_505, 70_000, LONGEST] {
            let Entry::Text(text) = typed(Asked::Hidden, &vec![b'x'; length]).0 else { panic!("{length}") };
            assert_eq!(text.expose().len(), length);
        }
        assert_eq!(typed(Asked::Hidden, &vec![b'x'; LONGEST + 1]).0, Entry::TooLong);
    }

    #[test]
    fn keys_that_steer_are_told_apart() {
        let wish = |before: &[u8], key: u8| {
            let (mut line, mut echo) = (Line::new(Asked::Line, true), String::new());
            for key in before {
                line.take(*key, &mut echo);
            }
            line.take(key, &mut echo)
        };
        for (before, key, expected) in [
            (&b""[..], 0x03, Wish::Interrupt),
            (b"a", 0x03, Wish::Interrupt),
            (b"", 0x1c, Wish::Quit),
            (b"", 0x1a, Wish::Stop),
            (b"", 0x04, Wish::End),
            (b"a", 0x04, Wish::Nothing),
            (b"a", b'\r', Wish::Enter),
            (b"\x1b", 0x5b, Wish::Nothing),
        ] {
            assert_eq!(wish(before, key), expected, "{before:?} {key}");
        }
    }
}
