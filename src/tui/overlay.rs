//! What lies over the panel that has the screen. One thing at a time, and what it does to the panel is a command.

pub mod boxed;
pub mod help;
pub mod log;
pub mod palette;
pub mod question;
pub mod save_as;
pub mod sent;

use ratatui::layout::Rect;

use super::chrome::body;
use super::keymap::{Command, Scope};
use super::panel::Panel;
use super::received::Content;
use super::surroundings::{Now, Surroundings};
use super::widgets::field::Field;
use crate::profile::ProfileName;

/// What lies over the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Scrolled down by so many rows.
    Help {
        scroll: usize,
    },
    /// Scrolled up by so many rows from the last entry.
    Log {
        scroll: usize,
    },
    Palette(Palette),
    Sent(Sent),
    SaveAs(SaveAs),
    /// Asks before the panel does something. Its own keys answer, and ways out are no.
    Confirm {
        question: String,
        command: Command,
    },
}

impl Overlay {
    /// Asks before a profile is logged out.
    pub fn logout(profile: &ProfileName) -> Self {
        let question = format!("Log profile {profile} out? Its access is revoked and its tokens are forgotten.");
        Overlay::Confirm { question, command: Command::Logout }
    }

    /// How far it can be scrolled on this window; where it cannot, any key closes it.
    pub fn longest_scroll(&self, around: &Surroundings, here: Scope) -> usize {
        let area = body(around.window);
        match self {
            Overlay::Help { .. } => help::longest_scroll(around, here, area),
            Overlay::Log { .. } => log::longest_scroll(around, area),
            Overlay::Sent(sent) => sent.longest_scroll(area),
            Overlay::Palette(_) | Overlay::SaveAs(_) | Overlay::Confirm { .. } => 0,
        }
    }

    /// Where it is a box, with the panel in sight around it; `None` where it has the screen.
    pub fn place(&self, around: &Surroundings, panel: &dyn Panel, now: Now) -> Option<Rect> {
        let place = |columns, rows: &dyn Fn(usize) -> usize| {
            boxed::place(around.window, panel.keeps_clear(around, now), &columns, rows)
        };
        match self {
            Overlay::Confirm { question, .. } => {
                place(boxed::QUESTION, &|columns| question::rows(around, question, columns))
            }
            Overlay::SaveAs(save_as) => place(boxed::QUESTION, &|columns| save_as.rows(columns)),
            Overlay::Help { .. } => place(help::COLUMNS, &|_| help::height(around, panel.scope())),
            Overlay::Palette(_) => {
                let (columns, rows) = palette::size(around, panel);
                // Where a box would cut that, all of the window is for it.
                boxed::place(around.window, panel.keeps_clear(around, now), &(columns..=columns), |_| rows)
            }
            // There may be any number of lines; and a mouse selects no border with a text that has none.
            Overlay::Log { .. } | Overlay::Sent(_) => None,
        }
    }

    /// Whether it asks about this command.
    pub fn asks_about(&self, asked: Command) -> bool {
        matches!(self, Overlay::Confirm { command, .. } if *command == asked)
    }
}

/// What is typed to find a command, and the row that has the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    query: Field,
    selected: usize,
}

/// A text that was sent to the clipboard, scrolled down by so many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub text: String,
    /// The text in a word or two.
    pub what: &'static str,
    pub scroll: usize,
}

/// What is to be saved, and its name so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveAs {
    name: Field,
    what: &'static str,
    pub content: Content,
    /// Why it could not be saved under this name.
    refusal: Option<String>,
}

impl SaveAs {
    pub fn new(name: &str, what: &'static str, content: Content) -> Self {
        Self { name: Field::proposed(name), what, content, refusal: None }
    }
}
