//! What a person types or pastes at the terminal, or a program writes, on stdin: an entry at a time, whole however long.
//!
//! A terminal cuts a line at 4,095 bytes unless it hands on each key, so that is how it is asked for here. It is given
//! back with the entry, with a signal, and while the process is stopped. In the background nothing is read: the keys
//! belong to whoever is in front.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod line;
#[cfg(unix)]
mod terminal;

#[cfg(not(unix))]
pub(super) use self::elsewhere::Keyboard;
#[cfg(unix)]
pub(super) use self::terminal::{Keyboard, is_in_front, wait_for_turn};

use crate::secret::Secret;

/// Bytes; a longer entry is refused.
const LONGEST: usize = 256 * 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// One line, shown while it is typed.
    Line,
    /// Not shown; lines that come at once are one entry, which no check lets pass: they are not for whoever reads next, a shell
    /// among them.
    Hidden,
    /// The same, shown, and any number of times.
    Pasted,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Text(Secret),
    TooLong,
}

#[cfg(not(unix))]
/// Systems without job control have no background.
pub(super) fn wait_for_turn() {}

#[cfg(not(unix))]
/// The same.
pub(super) fn is_in_front() -> bool {
    true
}
