//! Tables and prose that fit a terminal. To anything else goes every value whole, in every column.

use std::borrow::Cow;
use std::iter;

use unicode_width::UnicodeWidthStr;

use super::colors::RESET;
use crate::profile::ProfileName;

/// What stands between two columns.
const GAP: &str = "  ";

/// One value in a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    /// The same in fewer letters.
    short: Option<String>,
    /// The sequence that begins its colour.
    color: &'static str,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Nothing, which takes no more than a dash.
    pub(super) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(Self::default, Self::new)
    }

    /// The name of a profile, with a mark where it is taken if none is named.
    pub(super) fn profile(name: &ProfileName, is_default: bool) -> Self {
        if is_default {
            Self::new(format!("{name} (default)")).short(format!("{name} *"))
        } else {
            Self::new(name.as_str())
        }
    }

    #[must_use]
    pub(super) fn short(self, short: impl Into<String>) -> Self {
        Self { short: Some(short.into()), ..self }
    }

    #[must_use]
    pub(super) fn colored(self, color: &'static str) -> Self {
        Self { color, ..self }
    }

    fn shown(&self) -> &str {
        if self.text.is_empty() { "-" } else { &self.text }
    }
}

/// What is given up where the room is too narrow, in this order, until the table fits. Columns go by their titles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// Columns without a value in any row.
    DropEmpty,
    /// The long words of a column.
    Shorten(&'a str),
    /// What goes beyond so many letters.
    Cut(&'a str, usize),
    Drop(&'a str),
}

/// Rows below their titles.
pub(super) struct Table<'a> {
    pub(super) titles: Vec<&'a str>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) steps: &'a [Step<'a>],
}

/// Where lines are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// So many fit beside each other; `None` for what is no terminal.
    pub(super) columns: Option<usize>,
    /// Stands for what was cut off.
    pub(super) cut: &'static str,
    pub(super) has_color: bool,
}

impl Table<'_> {
    /// The lines of the table. What is in a cell passes `guarded` first.
    pub(super) fn lines(self, room: Room, guarded: impl Fn(&str) -> String) -> Vec<String> {
        let Self { titles, mut rows, steps } = self;
        for cell in rows.iter_mut().flatten() {
            cell.text = guarded(&cell.text);
        }
        let mut columns: Vec<Column> =
            titles.into_iter().enumerate().map(|(at, title)| Column::new(title, at, &rows)).collect();
        if let Some(most) = room.columns {
            for step in steps {
                let excess = width_of(&columns).saturating_sub(most);
                if excess == 0 {
                    break;
                }
                give_up(*step, excess, &mut columns, &mut rows);
            }
        }
        let head = line(&columns, room, |column| (column.title, ""));
        let body = rows.iter().map(|row| line(&columns, room, |column| (row[column.at].shown(), row[column.at].color)));
        iter::once(head).chain(body).collect()
    }
}

struct Column<'a> {
    title: &'a str,
    /// Its place in the rows.
    at: usize,
    width: usize,
    is_empty: bool,
}

impl<'a> Column<'a> {
    fn new(title: &'a str, at: usize, rows: &[Vec<Cell>]) -> Self {
        let is_empty = rows.iter().all(|row| row[at].text.is_empty());
        let mut column = Self { title, at, width: 0, is_empty };
        column.measure(rows);
        column
    }

    fn measure(&mut self, rows: &[Vec<Cell>]) {
        let widest = rows.iter().map(|row| width(row[self.at].shown())).max().unwrap_or_default();
        self.width = widest.max(width(self.title));
    }
}

/// In columns of a terminal.
fn width(text: &str) -> usize {
    // Nearly every cell is plain; looking each character up took a tenth of the time of a long `status`.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain { text.len() } else { text.width() }
}

fn width_of(columns: &[Column<'_>]) -> usize {
    columns.iter().map(|column| column.width + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
}

fn give_up(step: Step<'_>, excess: usize, columns: &mut Vec<Column<'_>>, rows: &mut [Vec<Cell>]) {
    match step {
        Step::DropEmpty => columns.retain(|column| !column.is_empty),
        Step::Drop(name) => columns.retain(|column| column.title != name),
        Step::Shorten(name) => {
            for column in columns.iter_mut().filter(|column| column.title == name) {
                for cell in rows.iter_mut().map(|row| &mut row[column.at]) {
                    cell.text = cell.short.take().unwrap_or_else(|| std::mem::take(&mut cell.text));
                }
                column.measure(rows);
            }
        }
        Step::Cut(name, least) => {
            for column in columns.iter_mut().filter(|column| column.title == name) {
                column.width = column.width.saturating_sub(excess).max(least.min(column.width));
            }
        }
    }
}

/// A line of what each column has, and its colour.
fn line<'a>(columns: &[Column<'a>], room: Room, cell: impl Fn(&Column<'a>) -> (&'a str, &'static str)) -> String {
    let mut line = String::new();
    for (at, column) in columns.iter().enumerate() {
        let (text, color) = cell(column);
        let text = clipped(text, column.width, room.cut);
        let is_last = at + 1 == columns.len();
        let blanks = if is_last { 0 } else { column.width.saturating_sub(width(&text)) + GAP.len() };
        let is_colored = room.has_color && !color.is_empty();
        let (begin, end) = if is_colored { (color, RESET) } else { ("", "") };
        line.extend([begin, &text, end]);
        line.extend(iter::repeat_n(' ', blanks));
    }
    line.truncate(line.trim_end_matches(' ').len());
    line
}

/// As much of `text` as there is room for, with `cut` at its end if that is not all.
pub(super) fn clipped<'a>(text: &'a str, columns: usize, cut: &str) -> Cow<'a, str> {
    if width(text) <= columns {
        return text.into();
    }
    let cut = if columns > cut.width() { cut } else { "" };
    let room = columns - cut.width();
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = ends.take_while(|&end| text[..end].width() <= room).last().unwrap_or_default();
    (text[..end].to_owned() + cut).into()
}

/// `text` in lines of at most `columns`, broken at blanks only: the first one behind `head`, the others behind `indent`.
pub(super) fn folded(head: &str, text: &str, columns: usize, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    let mut is_begun = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if is_begun && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::{Cell, Room, Step, Table, clipped, folded};

    const STEPS: [Step; 6] = [
        Step::DropEmpty,
        Step::Shorten("STATE"),
        Step::Cut("NOTE", 4),
        Step::Drop("NOTE"),
        Step::Drop("STATE"),
        Step::Cut("NAME", 0),
    ];

    fn lines(columns: Option<usize>) -> Vec<String> {
        let row = |name: &str, state: &str, note: &str| {
            vec![Cell::new(name), Cell::default(), Cell::new(state).short(&state[..2]).colored("<"), Cell::new(note)]
        };
        let rows = vec![row("office", "valid", "日本語のメモ"), row("x", "ended", "")];
        let table = Table { titles: vec!["NAME", "NOTHING", "STATE", "NOTE"], rows, steps: &STEPS };
        table.lines(Room { columns, cut: "…", has_color: false }, str::to_owned)
    }

    #[test]
    fn a_table_gives_up_as_little_as_it_can_in_its_own_order() {
        let whole =
            ["NAME    NOTHING  STATE  NOTE", "office  -        valid  日本語のメモ", "x       -        ended  -"];
        assert_eq!(lines(None), whole);
        assert_eq!(lines(Some(36)), whole);
        assert_eq!(lines(Some(27)), ["NAME    STATE  NOTE", "office  valid  日本語のメモ", "x       ended  -"]);
        assert_eq!(lines(Some(22)), ["NAME    STATE  NOTE", "office  va     日本語…", "x       en     -"]);
        assert_eq!(lines(Some(15)), ["NAME    STATE", "office  va", "x       en"]);
        assert_eq!(lines(Some(7)), ["NAME", "office", "x"]);
        assert_eq!(lines(Some(4)), ["NAME", "off…", "x"]);
        for columns in 0..40 {
            assert!(lines(Some(columns)).iter().all(|line| line.width() <= columns), "{columns}");
        }
    }

    #[test]
    fn text_is_cut_between_characters_and_folded_at_blanks() {
        for (text, columns, expected) in
            [("office", 6, "office"), ("office", 5, "offi…"), ("日本語", 4, "日…"), ("office", 1, "o"), ("x", 0, "")]
        {
            assert_eq!(clipped(text, columns, "…"), expected, "{text} {columns}");
        }
        assert_eq!(folded("", "one two  three", 8, "  "), ["one two", "  three"]);
        assert_eq!(folded("ok  ", "one two  three", 9, "    "), ["ok  one", "    two", "    three"]);
        assert_eq!(folded("", "/a/very/long/path is kept", 8, "  "), ["/a/very/long/path", "  is", "  kept"]);
        assert_eq!(folded("", "", 8, "  "), [""]);
    }
}
