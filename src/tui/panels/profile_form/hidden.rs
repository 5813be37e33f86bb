//! A line that is typed and never shown: the client's secret.

use std::fmt;

use zeroize::Zeroizing;

use crate::registered::is_client_secret;
use crate::secret::Secret;
use crate::tui::keymap::Key;

/// Bytes; nothing that is typed or pasted by hand is longer. Room is made for all of it at once, since text that moves
/// while it grows leaves copies behind.
const LONGEST: usize = 4096;

/// What was typed, wiped from memory when dropped.
pub(super) struct Hidden(Zeroizing<String>);

impl Hidden {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(LONGEST)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One dot for each character.
    pub(super) fn length(&self) -> usize {
        self.0.chars().count()
    }

    /// Only printable ASCII is a secret.
    pub(super) fn is_plain(&self) -> bool {
        self.0.is_empty() || is_client_secret(&self.0)
    }

    pub(super) fn secret(&self) -> Option<Secret> {
        (!self.0.is_empty()).then(|| Secret::new(self.0.as_str()))
    }

    /// Edits at the end, the only place where one can be sure of what one does.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(character) => self.push(character),
            Key::Backspace => drop(self.0.pop()),
            Key::Ctrl('u' | 'w') => self.0.clear(),
            _ => return false,
        }
        true
    }

    /// Takes in pasted text without the blanks and line ends that came with it.
    pub(super) fn paste(&mut self, text: &str) {
        text.trim().chars().for_each(|character| self.push(character));
    }

    fn push(&mut self, character: char) {
        if self.0.len() + character.len_utf8() <= LONGEST {
            self.0.push(character);
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}
