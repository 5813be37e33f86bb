//! The ways to the clipboard of whoever looks at the terminal.
//!
//! A terminal takes a text by OSC 52 and never answers, so nobody knows whether it did. Between it and this program there
//! may be a multiplexer: tmux keeps OSC 52 to itself unless it is told otherwise, and takes a text by a command, whose end
//! tells what became of it; GNU screen passes on what is wrapped for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret::Secret;

/// The bytes of one wrapped piece: GNU screen drops longer strings.
const LONGEST_PIECE: usize = 500;

/// What stands between this program and the clipboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clipboard {
    /// The terminal alone, as far as anybody can tell.
    #[default]
    Terminal,
    Tmux,
    Screen,
}

impl Clipboard {
    /// Takes `TMUX`, `STY` and `TERM`. A multiplexer inside another one is told by the name that it gives to itself.
    pub fn behind(tmux: Option<&str>, sty: Option<&str>, term: Option<&str>) -> Self {
        let is_set = |value: Option<&str>| value.is_some_and(|value| !value.is_empty());
        let is_screen = term.is_some_and(|term| term == "screen" || term.starts_with("screen."));
        match (is_set(tmux), is_set(sty)) {
            (true, true) if is_screen => Self::Screen,
            (true, _) => Self::Tmux,
            (false, true) => Self::Screen,
            (false, false) => Self::Terminal,
        }
    }

    /// What to write so that the terminal gets `text`.
    pub(super) fn sequence(self, text: &str) -> String {
        let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        if self != Self::Screen {
            // Also inside tmux: its own wrapping would break `set-clipboard on`.
            return sequence;
        }
        // All of it is ASCII, and so every piece ends between two characters.
        let pieces = sequence.as_bytes().chunks(LONGEST_PIECE).map(String::from_utf8_lossy);
        pieces.flat_map(|piece| ["\x1bP".into(), piece, "\x1b\\".into()]).collect()
    }
}

/// A text on its way to the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCopy {
    pub text: Secret,
    /// The text in a word or two.
    pub what: &'static str,
    /// No multiplexer may keep it.
    pub is_secret: bool,
}

impl ToCopy {
    pub fn text(text: impl Into<String>, what: &'static str) -> Self {
        Self { text: Secret::new(text), what, is_secret: false }
    }

    pub fn secret(text: Secret, what: &'static str) -> Self {
        Self { text, what, is_secret: true }
    }
}

/// How far tmux brought a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Its buffer, and it sent the text to the terminal.
    BufferAndTerminal,
    /// Its buffer, since it is too old to send anything on.
    Buffer,
    /// It sent the text to the terminal and kept nothing.
    Terminal,
}

#[cfg(test)]
mod tests {
    use super::{Clipboard, LONGEST_PIECE};

    #[test]
    fn the_innermost_multiplexer_is_the_one_to_speak_to() {
        let rows = [
            (None, None, "xterm-256color", Clipboard::Terminal),
            (Some(""), Some(""), "xterm", Clipboard::Terminal),
            (Some("/tmp/tmux-0/default,1,0"), None, "screen", Clipboard::Tmux),
            (Some("/tmp/tmux-0/default,1,0"), None, "tmux-256color", Clipboard::Tmux),
            (None, Some("1.pts-0"), "screen.xterm-256color", Clipboard::Screen),
            (None, Some("1.pts-0"), "vt100", Clipboard::Screen),
            (Some("/tmp/tmux-0/default,1,0"), Some("1.pts-0"), "screen.xterm-256color", Clipboard::Screen),
            (Some("/tmp/tmux-0/default,1,0"), Some("1.pts-0"), "tmux-256color", Clipboard::Tmux),
            (Some("/tmp/tmux-0/default,1,0"), Some("1.pts-0"), "screen-256color", Clipboard::Tmux),
            // Over SSH their variables stay behind, and their names do not tell one from the other.
            (None, None, "tmux-256color", Clipboard::Terminal),
            (None, None, "screen", Clipboard::Terminal),
        ];
        for (tmux, sty, term, clipboard) in rows {
            assert_eq!(Clipboard::behind(tmux, sty, Some(term)), clipboard, "{tmux:?} {sty:?} {term}");
        }
    }

    #[test]
    fn screen_gets_the_same_bytes_in_pieces_that_it_passes_on() {
        for length in [0, 1, 300, 400, 1000, 40_000] {
            let text = "x".repeat(length);
            let bare = Clipboard::Terminal.sequence(&text);
            assert!(bare.starts_with("\x1b]52;c;") && bare.ends_with('\x07'), "{length}");
            let wrapped = Clipboard::Screen.sequence(&text);
            let pieces: Vec<&str> = wrapped.split("\x1bP").skip(1).collect();
            assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_PIECE + 2 && piece.ends_with("\x1b\\")));
            let unwrapped: String = pieces.iter().map(|piece| &piece[..piece.len() - 2]).collect();
            assert_eq!(unwrapped, bare, "{length}");
        }
    }
}
