//! The question under which name something is saved. Nothing is written before it is answered.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Overlay, SaveAs};
use crate::error::Error;
use crate::tui::keymap::{Command, Key, Scope};
use crate::tui::lines::{draw_lines, sentence};
use crate::tui::message::Effect;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{at_most, wrap};
use crate::untrusted::visible;

/// Before the name that is typed.
const PROMPT: &str = "> ";

impl SaveAs {
    /// Takes in one key: one saves, one does not, and others are text.
    pub fn press(mut self, around: &mut Surroundings, key: Key) -> Vec<Effect> {
        match around.keymap.command(Scope::Typing, key) {
            Some(Command::Back) => return Vec::new(),
            Some(Command::Choose) if !self.name().is_empty() => return vec![Effect::Save(self)],
            Some(_) => {}
            None => drop(self.name.press(key)),
        }
        around.overlay = Some(Overlay::SaveAs(self));
        Vec::new()
    }

    /// The name so far, without blanks around it.
    pub fn name(&self) -> String {
        self.name.text().trim().to_owned()
    }

    /// The question once more, with what was typed, after it could not be saved so.
    #[must_use]
    pub fn refused(self, error: &Error) -> Self {
        Self { refusal: Some(visible(&sentence(error))), ..self }
    }

    /// Puts pasted text into the name.
    pub fn paste(&mut self, text: &str) {
        self.name.paste(text, true);
    }

    /// The rows that it takes.
    pub fn rows(&self, columns: usize) -> usize {
        self.question(columns).len() + 3
    }

    /// Draws it with what keys do below, where that has room.
    pub fn view(&self, around: &Surroundings, area: Rect, frame: &mut Frame<'_>) {
        let theme = &around.theme;
        let question = at_most(
            self.question(usize::from(area.width)),
            usize::from(area.height).saturating_sub(1),
            usize::from(area.width),
            theme.cut(),
        );
        let style = if self.refusal.is_some() { theme.attention } else { theme.title };
        let lines: Vec<Line<'_>> = question.into_iter().map(|line| Line::styled(line, style)).collect();
        draw_lines(&lines, area, frame);
        let row = area.y.saturating_add(u16::try_from(lines.len()).unwrap_or(u16::MAX));
        let indent = u16::try_from(PROMPT.len()).unwrap_or(0).min(area.width);
        let typed = Rect { x: area.x + indent, y: row, width: area.width - indent, height: 1 }.intersection(area);
        if !typed.is_empty() {
            frame.buffer_mut().set_stringn(area.x, row, PROMPT, usize::from(indent), theme.shortcut);
            self.name.draw(theme, theme.text, true, typed, frame);
        }
        let key = |command| Span::styled(around.key(Scope::Typing, command), theme.shortcut);
        let words = |words| Span::styled(words, theme.text);
        let keys = [key(Command::Choose), words(" saves    "), key(Command::Back), words(" does not")];
        let below = Rect { y: row.saturating_add(2), height: 1, ..area }.intersection(area);
        draw_lines(&[keys.into_iter().collect()], below, frame);
    }

    fn question(&self, columns: usize) -> Vec<String> {
        let question = match &self.refusal {
            None => format!("Save {} as a file that only you can read, in the current directory, called:", self.what),
            Some(refusal) => format!("{refusal} Save {} as:", self.what),
        };
        wrap(&question, columns.max(1))
    }
}
