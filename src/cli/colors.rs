//! The colours of lines, of which every terminal with colours has eight.

pub(super) const RESET: &str = "\u{1b}[0m";
pub(super) const BOLD: &str = "\u{1b}[1m";
pub(super) const BOLD_RED: &str = "\u{1b}[1;31m";
pub(super) const GREEN: &str = "\u{1b}[32m";
pub(super) const YELLOW: &str = "\u{1b}[33m";
pub(super) const MAGENTA: &str = "\u{1b}[35m";
pub(super) const CYAN: &str = "\u{1b}[36m";
