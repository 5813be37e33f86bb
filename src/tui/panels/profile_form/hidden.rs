//! A line that is typed and never shown: the client's secret, a refresh token.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::tui::keymap::Key;

/// Bytes; no secret is longer. Room is made for all of it at once, since text that moves while it grows leaves copies
/// behind.
const LONGEST: usize = 64 * 1024;

/// What was typed, wiped from memory when dropped.
pub(super) struct Hidden {
    text: Zeroizing<String>,
    /// What did not fit is never left out without a word.
    is_too_long: bool,
}

impl Hidden {
    pub(super) fn new() -> Self {
        Self { text: Zeroizing::new(String::with_capacity(LONGEST)), is_too_long: false }
    }

    pub(super) fn of(secret: &Secret) -> Self {
        let mut hidden = Self::new();
        secret.expose().chars().for_each(|character| hidden.push(character));
        hidden
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// One dot for each character.
    pub(super) fn length(&self) -> usize {
        self.text.chars().count()
    }

    /// Why it is no secret of this kind, as a sentence.
    pub(super) fn problem(&self, is_one: fn(&str) -> bool) -> Option<&'static str> {
        if self.is_too_long {
            Some("It is longer than 64 KiB, so not all of it is here. Ctrl-U empties the line.")
        } else if self.text.is_empty() || is_one(&self.text) {
            None
        } else {
            Some("It has characters that no secret has. Ctrl-U empties the line.")
        }
    }

    pub(super) fn secret(&self) -> Option<Secret> {
        (!self.text.is_empty()).then(|| Secret::new(self.text.as_str()))
    }

    /// Edits at the end, the only place where one can be sure of what one does.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(character) => self.push(character),
            Key::Backspace => drop(self.text.pop()),
            Key::Ctrl('u' | 'w') => {
                self.text.clear();
                self.is_too_long = false;
            }
            _ => return false,
        }
        true
    }

    /// Takes in pasted text without the blanks and line ends that came with it.
    pub(super) fn paste(&mut self, text: &str) {
        text.trim().chars().for_each(|character| self.push(character));
    }

    fn push(&mut self, character: char) {
        if self.text.len() + character.len_utf8() <= LONGEST {
            self.text.push(character);
        } else {
            self.is_too_long = true;
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}
