//! A code that waits for approval, as what draws it is handed it.

use std::time::Duration;

use ratatui::layout::Size;

use super::has_notice;
use crate::tui::panels::sign_in::{SignInPanel, Waiting};
use crate::tui::surroundings::{Now, Surroundings};

/// One code and all that belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) around: &'a Surroundings,
    pub(super) panel: &'a SignInPanel,
    pub(super) waiting: &'a Waiting,
    pub(super) now: Now,
    /// Why there is no code to scan beside the text.
    pub(super) lack: Option<&'a str>,
    /// A line above tells what is out of the ordinary.
    pub(super) has_notice: bool,
}

impl<'a> Scene<'a> {
    /// In a window of that size.
    pub(super) fn new(
        around: &'a Surroundings,
        panel: &'a SignInPanel,
        waiting: &'a Waiting,
        now: Now,
        window: Size,
    ) -> Self {
        Self { around, panel, waiting, now, lack: None, has_notice: has_notice(window) }
    }

    /// The time that the code is good for yet.
    pub(super) fn left(&self) -> Duration {
        self.now.moment.until(self.waiting.code.expires_at)
    }
}
