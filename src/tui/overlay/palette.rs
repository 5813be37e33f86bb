//! The command palette: everything that can be asked for now, found by typing a part of its name.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{Bound, Command, Key, Scope};
use crate::tui::panel::Panel;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::clip;
use crate::tui::widgets::list::{List, moved};

/// Rows by which a page moves.
const PAGE: usize = 10;
/// Before the line that is typed.
const PROMPT: &str = " > ";
/// Columns of the keys.
const KEYS: usize = 10;
/// What the palette offers on every screen.
const EVERYWHERE: [Command; 8] = [
    Command::Log,
    Command::NextTheme,
    Command::ToggleMouse,
    Command::Help,
    Command::Redraw,
    Command::Suspend,
    Command::Quit,
    Command::LeaveNow,
];

use super::Palette;
/// What a key did to the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    Stay(Palette),
    Close,
    Ask(Command),
}

impl Palette {
    /// Takes in one key.
    pub fn press(mut self, around: &Surroundings, panel: &dyn Panel, key: Key) -> Pressed {
        let command = match (around.keymap.command(Scope::Typing, key), key) {
            (Some(Command::Back), _) => return Pressed::Close,
            (None, Key::Backspace) if self.query.is_empty_line() => return Pressed::Close,
            (Some(Command::Choose), _) => {
                return entries(around, panel, &self.query.text())
                    .get(self.selected)
                    .map_or(Pressed::Stay(self), |bound| Pressed::Ask(bound.binding.command));
            }
            (Some(Command::PreviousPane), _) => Command::Up,
            (Some(Command::NextPane), _) => Command::Down,
            (Some(command), _) if command.is_move() => command,
            (None, Key::Home) => Command::Home,
            (None, Key::End) => Command::End,
            (_, key) => {
                let before = self.query.text();
                if self.query.press(key) && self.query.text() != before {
                    self.selected = 0;
                }
                return Pressed::Stay(self);
            }
        };
        Pressed::Stay(self.moved_by(around, panel, command))
    }

    /// The same with the cursor on another row.
    #[must_use]
    pub fn moved_by(self, around: &Surroundings, panel: &dyn Panel, command: Command) -> Self {
        let last = entries(around, panel, &self.query.text()).len().saturating_sub(1);
        Self { selected: moved(self.selected, command, PAGE, last), ..self }
    }

    /// Puts pasted text into the line that is typed.
    pub fn paste(&mut self, text: &str) {
        self.query.paste(text, true);
        self.selected = 0;
    }

    /// Draws the line that is typed and the commands that it leaves.
    pub fn view(&self, around: &Surroundings, panel: &dyn Panel, area: Rect, frame: &mut Frame<'_>) {
        if area.is_empty() {
            return;
        }
        let room = usize::from(area.width.saturating_sub(2));
        frame.buffer_mut().set_stringn(area.x, area.y, PROMPT, room, around.theme.title);
        let indent = u16::try_from(PROMPT.len()).unwrap_or(0).min(area.width);
        let typed = Rect { x: area.x + indent, width: area.width - indent, height: 1, ..area };
        // Screen readers follow the cursor.
        self.query.draw(around.theme.title, true, typed, frame);
        let list = Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(2), ..area };
        let entries = entries(around, panel, &self.query.text());
        if entries.is_empty() && !list.is_empty() {
            frame.buffer_mut().set_stringn(area.x, list.y, " Nothing here is called so.", room, around.theme.text);
        }
        let list = List { area: list, cursor: self.selected, all: entries.len() };
        for (index, place) in list.rows() {
            let bound = entries[index];
            let marker = if index == self.selected { ">" } else { " " };
            let keys = bound.keys.first().map(|key| key.label()).unwrap_or_default();
            let help = clip(bound.binding.help, room.saturating_sub(KEYS + 2));
            let line = Line::from(vec![
                Span::raw(format!(" {marker} ")),
                Span::styled(format!("{keys:<KEYS$} "), around.theme.shortcut),
                Span::raw(help),
            ]);
            frame.buffer_mut().set_line(place.x, place.y, &line, place.width);
        }
        list.mark(&around.theme, false, frame);
    }
}

/// What can be asked for now and has every word of `query` in its name.
fn entries<'a>(around: &'a Surroundings, panel: &dyn Panel, query: &str) -> Vec<&'a Bound> {
    let mut commands: Vec<Command> = Vec::new();
    for command in panel.commands(around).into_iter().chain(EVERYWHERE) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |bound: &&Bound| {
        let name = format!("{} {}", bound.binding.label, bound.binding.help).to_lowercase();
        words.iter().all(|word| name.contains(word.as_str()))
    };
    commands.into_iter().filter_map(|command| around.keymap.binding(panel.scope(), command)).filter(has_all).collect()
}
