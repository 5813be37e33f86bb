//! A field in which text is typed: one line, or several.
//!
//! The cursor moves by what a person sees as one character. What is drawn is made visible first, so pasted text cannot
//! steer the terminal.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use tui_input::{Input, InputRequest};

use crate::tui::keymap::Key;
use crate::tui::text::{cut, width};
use crate::tui::theme::Theme;
use crate::untrusted::visible;

/// What a field holds at most, in bytes. Longer bodies are for `device-login api --input`.
const LONGEST: usize = 256 * 1024;

/// Lines of text with a cursor in one of them.
#[derive(Clone, Debug)]
pub struct Field {
    /// Never empty.
    lines: Vec<Input>,
    at: usize,
    /// Shown as selected: what is typed or pasted takes its place, any other key leaves it to be edited at its end.
    is_proposed: bool,
}

impl Default for Field {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        let of = |line: &Input| (line.value().to_owned(), line.cursor());
        (self.at, self.is_proposed) == (other.at, other.is_proposed)
            && self.lines.iter().map(of).eq(other.lines.iter().map(of))
    }
}

impl Eq for Field {}

/// One line as it is drawn.
#[derive(Debug, PartialEq, Eq)]
pub struct ShownLine {
    pub text: String,
    /// The column of the cursor, if it is in this line.
    pub cursor: Option<usize>,
}

impl Field {
    pub fn new(text: &str) -> Self {
        let mut lines: Vec<Input> =
            text.split('\n').map(|line| Input::new(line.trim_end_matches('\r').to_owned())).collect();
        if lines.is_empty() {
            lines.push(Input::default());
        }
        Self { lines, at: 0, is_proposed: false }
    }

    /// A line that stands there until another one is typed, shown from its beginning.
    pub fn proposed(text: &str) -> Self {
        let mut field = Self::new(text);
        field.press(Key::Home);
        Self { is_proposed: !text.is_empty(), ..field }
    }

    pub fn is_proposed(&self) -> bool {
        self.is_proposed
    }

    /// Leaves what was proposed to be edited, or takes it away for what is typed in its place.
    fn end_proposal(&mut self, is_text: bool) {
        match std::mem::take(&mut self.is_proposed) {
            true if is_text => *self = Self::new(""),
            true => drop(self.press(Key::End)),
            false => {}
        }
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(Input::value).collect::<Vec<_>>().join("\n")
    }

    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty_line(&self) -> bool {
        self.line().value().is_empty()
    }

    /// Edits the text; tells whether the key meant anything.
    pub fn press(&mut self, key: Key) -> bool {
        self.end_proposal(matches!(key, Key::Char(_)));
        let request = match key {
            Key::Char(character) if self.has_room(character.len_utf8()) => InputRequest::InsertChar(character),
            Key::Char(_) => return true,
            Key::Backspace if self.line().cursor() == 0 => return self.join_with_previous(),
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
            Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('k') => InputRequest::DeleteTillEnd,
            Key::Ctrl('u') => return self.delete_to_start(),
            _ => return false,
        };
        self.line_mut().handle(request);
        true
    }

    /// Moves the cursor up or down; tells whether there was a line to move to.
    pub fn move_by(&mut self, lines: isize) -> bool {
        let target = self.at.checked_add_signed(lines).filter(|at| *at < self.lines.len());
        self.at = target.unwrap_or(self.at);
        target.is_some()
    }

    /// Breaks the line at the cursor.
    pub fn break_line(&mut self) {
        let text: Vec<char> = self.line().value().chars().collect();
        let (before, after) = text.split_at(self.line().cursor().min(text.len()));
        let (before, after) = (before.iter().collect(), after.iter().collect());
        *self.line_mut() = Input::new(before);
        self.at += 1;
        self.lines.insert(self.at, Input::new(after).with_cursor(0));
    }

    /// Puts pasted text in at the cursor. Line ends stay where there may be several lines, and are spaces elsewhere.
    pub fn paste(&mut self, text: &str, is_single_line: bool) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = if is_single_line { text.trim().replace('\n', " ") } else { text };
        let is_kept = |character: &char| *character == '\t' || *character == '\n' || !character.is_control();
        let text: String = text.chars().filter(is_kept).collect();
        self.end_proposal(true);
        if !self.has_room(text.len()) {
            return;
        }
        let line: Vec<char> = self.line().value().chars().collect();
        let (before, after) = line.split_at(self.line().cursor().min(line.len()));
        let after: String = after.iter().collect();
        let whole = before.iter().collect::<String>() + &text;
        let mut lines: Vec<Input> = whole.split('\n').map(|line| Input::new(line.to_owned())).collect();
        let added = lines.len() - 1;
        if let Some(last) = lines.last_mut() {
            let cursor = last.cursor();
            *last = Input::new(last.value().to_owned() + &after).with_cursor(cursor);
        }
        self.lines.splice(self.at..=self.at, lines);
        self.at += added;
    }

    /// The lines around the cursor as they fit into `columns` and `rows`; every line begins where the cursor is in sight.
    /// A sign stands where a line is cut: before what is seen of the one with the cursor, at the end of others.
    pub fn shown(&self, columns: usize, rows: usize, is_focused: bool, sign: &str) -> Vec<ShownLine> {
        let first = self.at.saturating_sub(rows.saturating_sub(1));
        let lines = self.lines.iter().enumerate().skip(first).take(rows);
        lines.map(|(number, line)| shown_line(line, columns, is_focused && number == self.at, sign)).collect()
    }

    /// Draws what fits into `area`, with the terminal's cursor in it where the field has the keys.
    pub fn draw(&self, theme: &Theme, style: Style, is_focused: bool, area: Rect, frame: &mut Frame<'_>) {
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let is_selected = is_focused && self.is_proposed;
        let style = if is_selected { style.add_modifier(Modifier::REVERSED) } else { style };
        for (row, line) in (area.y..area.bottom()).zip(self.shown(columns, rows, is_focused, theme.cut())) {
            frame.buffer_mut().set_stringn(area.x, row, &line.text, columns, style);
            if let Some(cursor) = line.cursor.filter(|cursor| *cursor < columns) {
                frame.set_cursor_position(Position::new(area.x + u16::try_from(cursor).unwrap_or(0), row));
            }
        }
    }

    fn line(&self) -> &Input {
        &self.lines[self.at]
    }

    fn line_mut(&mut self) -> &mut Input {
        &mut self.lines[self.at]
    }

    fn has_room(&self, more: usize) -> bool {
        self.lines.iter().map(|line| line.value().len() + 1).sum::<usize>().saturating_add(more) <= LONGEST
    }

    fn delete_to_start(&mut self) -> bool {
        let rest: String = self.line().value().chars().skip(self.line().cursor()).collect();
        *self.line_mut() = Input::new(rest).with_cursor(0);
        true
    }

    fn join_with_previous(&mut self) -> bool {
        let Some(previous) = self.at.checked_sub(1) else { return true };
        let line = self.lines.remove(self.at);
        let joined = &self.lines[previous];
        let cursor = joined.value().chars().count();
        self.lines[previous] = Input::new(joined.value().to_owned() + line.value()).with_cursor(cursor);
        self.at = previous;
        true
    }
}

/// A line whose cursor is in sight. Text left of it is cut off at a character.
fn shown_line(line: &Input, columns: usize, has_cursor: bool, sign: &str) -> ShownLine {
    let characters: Vec<char> = line.value().chars().collect();
    if !has_cursor {
        let text = visible(&characters.iter().take(columns + 1).collect::<String>());
        return ShownLine { text: cut(&text, columns, sign), cursor: None };
    }
    let cursor = line.cursor().min(characters.len());
    let from = |room: usize| {
        let (mut first, mut before) = (cursor, 0);
        while let Some(previous) = first.checked_sub(1) {
            let wider = before + shown_width(characters[previous]);
            if wider >= room {
                break;
            }
            (first, before) = (previous, wider);
        }
        (first, before)
    };
    let (sign, (first, before)) = match from(columns) {
        whole @ (0, _) => ("", whole),
        // Where there is hardly room for what is typed, that has it.
        _ if columns > 2 * width(sign) => (sign, from(columns - width(sign))),
        cut => ("", cut),
    };
    let text = visible(&characters[first..].iter().take(columns + cursor - first).collect::<String>());
    ShownLine { text: format!("{sign}{text}"), cursor: Some(width(sign) + before) }
}

fn shown_width(character: char) -> usize {
    width(&visible(character.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use super::{Field, ShownLine};
    use crate::tui::keymap::Key;

    #[test]
    fn pasted_lines_stay_lines_where_there_may_be_several() {
        let mut field = Field::new("ad");
        field.press(Key::Right);
        field.press(Key::Home);
        field.press(Key::Right);
        field.paste("b\r\nc\u{1b}", false);
        assert_eq!(field.text(), "ab\ncd");
        let mut field = Field::new("");
        field.paste(" https://example.com/\n", true);
        assert_eq!(field.text(), "https://example.com/");
    }

    #[test]
    fn what_is_typed_takes_the_place_of_what_was_proposed_and_other_keys_edit_it() {
        for (key, text) in [
            (Key::Char('x'), "x"),
            (Key::Right, "work"),
            (Key::Home, "work"),
            (Key::Backspace, "wor"),
            (Key::Ctrl('u'), ""),
        ] {
            let mut field = Field::proposed("work");
            field.press(key);
            assert_eq!((field.text().as_str(), field.is_proposed()), (text, false), "{key:?}");
        }
        let mut field = Field::proposed("work");
        field.press(Key::Right);
        field.press(Key::Char('2'));
        assert_eq!(field.text(), "work2");
        let mut field = Field::proposed("work");
        field.paste("shop", true);
        assert_eq!(field.text(), "shop");
        assert!(!Field::proposed("").is_proposed());
    }

    #[test]
    fn a_line_that_is_broken_can_be_joined_again() {
        let mut field = Field::new("ab");
        field.press(Key::Left);
        field.break_line();
        assert_eq!((field.text().as_str(), field.at), ("a\nb", 1));
        field.press(Key::Backspace);
        assert_eq!((field.text().as_str(), field.at), ("ab", 0));
    }

    #[test]
    fn lines_are_edited_as_in_a_shell() {
        let mut field = Field::new("one two three");
        field.press(Key::Ctrl('w'));
        assert_eq!(field.text(), "one two ");
        field.press(Key::Ctrl('a'));
        for _ in 0..4 {
            field.press(Key::Right);
        }
        field.press(Key::Ctrl('k'));
        assert_eq!(field.text(), "one ");
        field.press(Key::Ctrl('e'));
        field.press(Key::Left);
        field.press(Key::Ctrl('u'));
        assert_eq!(field.text(), " ");
    }

    #[test]
    fn the_cursor_stays_in_sight_and_controls_become_visible() {
        let field = Field::new("0123456789");
        for (columns, is_focused, text, cursor) in [
            (5, true, "…789", Some(4)),
            (11, true, "0123456789", Some(10)),
            (10, true, "…23456789", Some(9)),
            (2, true, "9", Some(1)),
            (5, false, "0123…", None),
            (10, false, "0123456789", None),
        ] {
            let shown = [ShownLine { text: text.to_owned(), cursor }];
            assert_eq!(field.shown(columns, 1, is_focused, "…"), shown, "{columns}");
        }
        let field = Field::new("\u{202e}");
        assert_eq!(field.shown(20, 1, true, "…"), [ShownLine { text: "<U+202E>".to_owned(), cursor: Some(8) }]);
    }
}
