//! The command palette: everything that can be asked for now, found by a part of its name or by another word for it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Palette;
use crate::sorted;
use crate::tui::keymap::{Bound, Command, Key, Scope};
use crate::tui::panel::Panel;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{cut, width};
use crate::tui::widgets::list::{List, moved};

/// Rows by which a page moves.
const PAGE: usize = 10;
/// Bytes that are taken in: nothing is called by more.
const LONGEST_QUERY: usize = 200;
/// Before the line that is typed.
const PROMPT: &str = " > ";
/// Below it, with it.
const ABOVE_LIST: u16 = 2;
/// Columns beside the keys, the names, and what is said of them.
const GAPS: usize = 7;
/// Columns of a box, at least.
const NARROWEST: u16 = 38;
/// Rows of the window that are outside of the content of a box, at least.
const OUTSIDE: u16 = 4;
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

/// What a key did to the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    Stay(Palette),
    Close,
    Ask(Command),
}

/// A command that can be asked for.
struct Entry<'a> {
    bound: &'a Bound,
    name: &'static str,
    /// The other word by which it was found.
    found_by: Option<&'static str>,
    /// The least is the best.
    rank: usize,
}

impl Entry<'_> {
    fn key(&self) -> String {
        self.bound.keys.first().map(|key| key.label()).unwrap_or_default()
    }

    /// What it does in a few words, without its name, and by which other word it was found.
    fn says(&self) -> String {
        let help = self.bound.binding.help;
        let says = help.strip_prefix(self.name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(help);
        match self.found_by.filter(|word| !says.contains(word)) {
            Some(word) => format!("{says} ({word})"),
            None => says.to_owned(),
        }
    }
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
                    .map_or(Pressed::Stay(self), |entry| Pressed::Ask(entry.bound.binding.command));
            }
            (Some(Command::PreviousPane), _) => Command::Up,
            (Some(Command::NextPane), _) => Command::Down,
            (Some(command), _) if command.is_move() => command,
            (None, Key::Home) => Command::Home,
            (None, Key::End) => Command::End,
            (_, Key::Char(_)) if self.query.text().len() >= LONGEST_QUERY => return Pressed::Stay(self),
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
        let theme = &around.theme;
        let room = usize::from(area.width.saturating_sub(2));
        frame.buffer_mut().set_stringn(area.x, area.y, PROMPT, room, theme.title);
        let indent = u16::try_from(PROMPT.len()).unwrap_or(0).min(area.width);
        let typed = Rect { x: area.x + indent, width: area.width - indent, height: 1, ..area };
        // Screen readers follow the cursor.
        self.query.draw(theme, theme.title, true, typed, frame);
        let list =
            Rect { y: area.y.saturating_add(ABOVE_LIST), height: area.height.saturating_sub(ABOVE_LIST), ..area };
        let entries = entries(around, panel, &self.query.text());
        if entries.is_empty() && !list.is_empty() {
            frame.buffer_mut().set_stringn(area.x, list.y, " Nothing here is called so.", room, theme.text);
        }
        let list = List { area: list, cursor: self.selected, all: entries.len() };
        let (keys, names, _) = columns(&entries);
        for (index, place) in list.rows() {
            let entry = &entries[index];
            let marker = if index == self.selected { theme.cursor() } else { " " };
            let head = Line::from(vec![
                Span::styled(format!(" {marker} "), theme.accent),
                Span::styled(format!("{:<keys$}  ", entry.key()), theme.shortcut),
                Span::styled(format!("{:<names$}  ", entry.name), theme.text),
            ]);
            let says = cut(&entry.says(), room.saturating_sub(head.width()), theme.cut());
            frame.buffer_mut().set_line(place.x, place.y, &(head + Span::styled(says, theme.label)), place.width);
        }
        list.mark(theme, false, frame);
    }
}

/// The columns and rows of a box for all that can be asked for: it stays as it is while somebody types.
pub fn size(around: &Surroundings, panel: &dyn Panel) -> (u16, usize) {
    let entries = entries(around, panel, "");
    let (keys, names, says) = columns(&entries);
    let widest = u16::try_from(keys + names + says + GAPS).unwrap_or(u16::MAX).max(NARROWEST);
    let room = usize::from(around.window.height.saturating_sub(OUTSIDE));
    (widest, (entries.len() + usize::from(ABOVE_LIST)).min(room))
}

/// The columns of the longest keys, names, and what is said of them.
fn columns(entries: &[Entry<'_>]) -> (usize, usize, usize) {
    let longest = |of: &dyn Fn(&Entry<'_>) -> usize| entries.iter().map(of).max().unwrap_or_default();
    (longest(&|entry| width(&entry.key())), longest(&|entry| width(entry.name)), longest(&|entry| width(&entry.says())))
}

/// What can be asked for now and has every word of `query` in one of its names: the best match first, and of those that match
/// alike what was asked for last.
fn entries<'a>(around: &'a Surroundings, panel: &dyn Panel, query: &str) -> Vec<Entry<'a>> {
    let mut commands: Vec<Command> = Vec::new();
    for command in panel.commands(around).into_iter().chain(EVERYWHERE) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let query = query.to_lowercase();
    let bound = commands.into_iter().filter_map(|command| around.keymap.binding(panel.scope(), command));
    let mut entries: Vec<Entry<'_>> = bound.filter_map(|bound| found(around, panel, bound, query.trim())).collect();
    let recency = |entry: &Entry<'_>| {
        let at = around.recent.iter().position(|command| *command == entry.bound.binding.command);
        at.unwrap_or(around.recent.len())
    };
    sorted::by_key(&mut entries, |entry| (entry.rank, recency(entry)));
    entries
}

/// How well a command matches: by its name, by another word for it, by what is said about it; each at its beginning, at that
/// of a word, or within one.
fn found<'a>(around: &Surroundings, panel: &dyn Panel, bound: &'a Bound, query: &str) -> Option<Entry<'a>> {
    let command = bound.binding.command;
    let name = panel.label(around, command).unwrap_or(bound.binding.label);
    let help = bound.binding.help.to_lowercase();
    let by_synonym = command.synonyms().filter_map(|word| Some((rank(word, query)? + 1, Some(word))));
    let names = [(rank(name, query), 0), (rank(bound.binding.label, query), 0), (rank(&help, query), 2)];
    let by_name = names.into_iter().filter_map(|(rank, less)| Some((rank? + less, None)));
    let (rank, found_by) = by_name.chain(by_synonym).min_by_key(|(rank, _)| *rank)?;
    Some(Entry { bound, name, found_by, rank })
}

/// Steps between a match at the beginning, one at that of a word, and one within a word.
const STEP: usize = 3;

/// The worst place of the words of `query` in a name, which is better as a whole; `None` where one of them is not in it.
fn rank(name: &str, query: &str) -> Option<usize> {
    if name == query {
        return Some(0);
    }
    let place = |word: &str| {
        let at = name.match_indices(word).map(|(at, _)| match name[..at].chars().next_back() {
            None => 1,
            Some(before) if !before.is_alphanumeric() => 1 + STEP,
            Some(_) => 1 + 2 * STEP,
        });
        at.min()
    };
    query.split_whitespace().map(place).try_fold(1, |worst, place| Some(worst.max(place?)))
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_name_counts_more_than_its_beginning_that_more_than_a_word_of_it_and_that_more_than_the_rest() {
        let ranks = ["sign", "sign in", "copy the sign", "design", "sigh"].map(|name| rank(name, "sign"));
        assert_eq!(ranks, [Some(0), Some(1), Some(4), Some(7), None]);
        assert_eq!(rank("copy token", "tok co"), Some(4));
        assert_eq!(rank("anything", ""), Some(1));
    }
}
