//! The command palette: everything that can be asked for now, found by typing a part of its name.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::lines::moved;
use crate::tui::keymap::{Bound, Command, Key};
use crate::tui::model::Model;
use crate::tui::text::clip;

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

/// What is typed, and the row that has the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    query: String,
    selected: usize,
}

/// What a key did to the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    Stay(Palette),
    Close,
    Ask(Command),
}

impl Palette {
    /// Takes in one key.
    pub fn press(mut self, model: &Model, key: Key) -> Pressed {
        let move_by = |command| moved(self.selected, command, 10);
        match key {
            Key::Esc => return Pressed::Close,
            Key::Enter => {
                return entries(model, &self.query)
                    .get(self.selected)
                    .map_or(Pressed::Stay(self), |bound| Pressed::Ask(bound.binding.command));
            }
            Key::Up | Key::BackTab | Key::Ctrl('p') => self.selected = move_by(Command::Up),
            Key::Down | Key::Tab | Key::Ctrl('n') => self.selected = move_by(Command::Down),
            Key::PageUp => self.selected = move_by(Command::PageUp),
            Key::PageDown => self.selected = move_by(Command::PageDown),
            Key::Home => self.selected = 0,
            Key::End => self.selected = usize::MAX,
            Key::Char(character) if !character.is_control() && self.query.len() < 100 => self.search(|query| {
                query.push(character);
            }),
            Key::Backspace if self.query.is_empty() => return Pressed::Close,
            Key::Backspace => self.search(|query| {
                query.pop();
            }),
            Key::Ctrl('u') => self.search(String::clear),
            _ => {}
        }
        self.selected = self.selected.min(entries(model, &self.query).len().saturating_sub(1));
        Pressed::Stay(self)
    }

    fn search(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.query);
        self.selected = 0;
    }

    /// Draws the line that is typed and the commands that it leaves.
    pub fn view(&self, model: &Model, area: Rect, frame: &mut Frame<'_>) {
        if area.is_empty() {
            return;
        }
        let room = usize::from(area.width.saturating_sub(2));
        let prompt = clip(&format!(" > {}", self.query), room);
        let cursor = u16::try_from(Line::raw(prompt.as_str()).width()).unwrap_or(area.width);
        frame.buffer_mut().set_stringn(area.x, area.y, prompt, room, model.theme.title);
        let list = Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(2), ..area };
        let entries = entries(model, &self.query);
        if entries.is_empty() && !list.is_empty() {
            frame.buffer_mut().set_stringn(area.x, list.y, " Nothing here is called so.", room, model.theme.text);
        }
        let rows = usize::from(list.height);
        let first = (self.selected + 1).saturating_sub(rows);
        for (row, (index, bound)) in (list.y..list.bottom()).zip(entries.iter().enumerate().skip(first)) {
            let marker = if index == self.selected { ">" } else { " " };
            let keys = bound.keys.first().map(|key| key.label()).unwrap_or_default();
            let help = clip(bound.binding.help, room.saturating_sub(KEYS + 2));
            let line = Line::from(vec![
                Span::raw(format!(" {marker} ")),
                Span::styled(format!("{keys:<KEYS$} "), model.theme.shortcut),
                Span::raw(help),
            ]);
            frame.buffer_mut().set_line(area.x, row, &line, area.width);
            if index == self.selected {
                let place = Rect { y: row, height: 1, ..area };
                frame.buffer_mut().set_style(place, model.theme.selected);
            }
        }
        // Typing goes here, and screen readers follow.
        frame.set_cursor_position(Position::new(area.x.saturating_add(cursor), area.y));
    }
}

/// What can be asked for now and has every word of `query` in its name.
fn entries<'a>(model: &'a Model, query: &str) -> Vec<&'a Bound> {
    let scope = model.screen.scope();
    let mut commands: Vec<Command> = Vec::new();
    for command in super::commands(model).into_iter().chain(EVERYWHERE) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |bound: &&Bound| {
        let name = format!("{} {}", bound.binding.label, bound.binding.help).to_lowercase();
        words.iter().all(|word| name.contains(word.as_str()))
    };
    commands.into_iter().filter_map(|command| model.keymap.binding(scope, command)).filter(has_all).collect()
}
