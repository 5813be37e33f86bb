//! The help: the keys in force, those of this screen first, and what to do when a code does not scan or a copy does not
//! arrive. Two lists side by side have room for all of it at 80x24; in less it scrolls.

use std::ops::RangeInclusive;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::clipboard::Clipboard;
use crate::tui::keymap::{Bound, Command, Key, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text;

/// Columns that one of two lists side by side needs.
const COLUMN: u16 = 39;
/// Columns of a box with both, but for its air.
pub const COLUMNS: RangeInclusive<u16> = 2 * COLUMN..=2 * COLUMN;
/// Columns of the keys in a list, at least and at most.
const KEYS: RangeInclusive<usize> = 5..=13;
/// Columns around the keys and after what they do.
const GAPS: usize = 5;
/// Columns in which a text can still be read.
const NARROWEST: usize = 12;
/// Commands that go there and back share a row.
const PAIRS: [(Command, Command, &str); 12] = [
    (Command::Up, Command::Down, "move up, down"),
    (Command::PageUp, Command::PageDown, "move a page"),
    (Command::Home, Command::End, "move to first, last"),
    (Command::NextPane, Command::PreviousPane, "go to another pane"),
    (Command::Sort, Command::ReverseSort, "sort, turn around"),
    (Command::FoldAll, Command::UnfoldAll, "fold, unfold everything"),
    (Command::FoldMore, Command::FoldLess, "fold a level more, less"),
    (Command::FindNext, Command::FindPrevious, "find the next, the one before"),
    (Command::ScrollLeft, Command::ScrollRight, "scroll left, right"),
    (Command::BiggerQr, Command::SmallerQr, "make the QR bigger, smaller"),
    (Command::SaveQrPng, Command::SaveQrSvg, "save the QR as PNG, SVG"),
    (Command::DemoApprove, Command::DemoApproveElsewhere, "approve, in EU (demo)"),
];

/// Draws the help from the row to which it is scrolled.
pub fn view(around: &Surroundings, here: Scope, scroll: usize, area: Rect, frame: &mut Frame<'_>) {
    let lines = lines(around, here, area.width);
    let last = lines.len().saturating_sub(usize::from(area.height));
    draw_lines(&lines[scroll.min(last)..], area, frame);
}

/// How far down the help can be scrolled in `area`.
pub fn longest_scroll(around: &Surroundings, here: Scope, area: Rect) -> usize {
    lines(around, here, area.width).len().saturating_sub(usize::from(area.height))
}

/// The rows of a box with all of it.
pub fn height(around: &Surroundings, here: Scope) -> usize {
    lines(around, here, 2 * COLUMN + 2).len()
}

fn lines(around: &Surroundings, here: Scope, columns: u16) -> Vec<Line<'static>> {
    let in_a_row = if columns >= 2 * COLUMN { 2 } else { 1 };
    let column = usize::from(columns / in_a_row);
    let mut lists = vec![list(around, here, column)];
    let everywhere = list(around, Scope::Everywhere, column);
    if in_a_row == 2 {
        lists.push(everywhere);
    } else {
        below(&mut lists, everywhere);
    }
    below(&mut lists, list(around, Scope::Typing, column));
    below(&mut lists, advice(around, here, column));
    side_by_side(lists, column)
}

/// Adds what there is below the shorter list.
fn below(lists: &mut [Vec<Line<'static>>], part: Vec<Line<'static>>) {
    let shortest = lists.iter_mut().min_by_key(|list| list.len());
    if let Some(list) = shortest.filter(|_| !part.is_empty()) {
        list.push(Line::default());
        list.extend(part);
    }
}

/// What to do where a code or a copy does not get to where it should.
fn advice(around: &Surroundings, here: Scope, columns: usize) -> Vec<Line<'static>> {
    if here != Scope::SignIn {
        return Vec::new();
    }
    let key = |command| around.key(here, command);
    let (full, inverted) = (key(Command::FullScreenQr), key(Command::InvertQr));
    let scanning = format!("QR code does not scan? Press {full}, then {inverted}, or type the code.");
    let copying = match around.clipboard {
        Clipboard::Tmux => "In tmux, prefix ] pastes what was copied.".to_owned(),
        _ => format!("Nothing to paste? {} shows it to select.", key(Command::BareLink)),
    };
    let texts = [scanning, copying].into_iter().flat_map(|text| text::wrap(&text, columns.saturating_sub(2)));
    texts.map(|line| Line::styled(format!(" {line}"), around.theme.label)).collect()
}

/// A row of a list: its keys and what they do.
type Row = (String, &'static str);

/// The keys of one scope, with its name above them; nothing where it has none.
fn list(around: &Surroundings, scope: Scope, columns: usize) -> Vec<Line<'static>> {
    let rows = rows(around, scope);
    if rows.is_empty() {
        return Vec::new();
    }
    // Keys that would take the room of a text beside others are out of line.
    let longest = rows.iter().map(|(_, help)| help.len()).max().unwrap_or_default();
    let most = columns.saturating_sub(longest + GAPS).min(*KEYS.end());
    let widest = rows.iter().map(|(keys, _)| text::width(keys)).filter(|width| *width <= most).max();
    let widest = widest.unwrap_or_default().max(*KEYS.start());
    let title = Line::styled(format!(" {}", scope.title()), around.theme.title);
    let keys = rows.into_iter().flat_map(|row| entry(around, row, widest, columns));
    std::iter::once(title).chain(keys).collect()
}

fn rows(around: &Surroundings, scope: Scope) -> Vec<Row> {
    let is_shown = |bound: &&Bound| {
        let command = bound.binding.command;
        let is_demo = matches!(command, Command::DemoApprove | Command::DemoApproveElsewhere | Command::DemoDecline);
        !bound.keys.is_empty()
            && (around.is_demo || !is_demo)
            && (around.has_browser || command != Command::OpenBrowser)
            && (scope != Scope::Typing || !is_as_everywhere(around, bound))
    };
    let bound: Vec<&Bound> = around.keymap.within(scope).filter(is_shown).collect();
    let other = |command| bound.iter().find(|bound| bound.binding.command == command);
    let row = |bound: &&Bound| {
        let command = bound.binding.command;
        if PAIRS.iter().any(|(first, second, _)| *second == command && other(*first).is_some()) {
            return None;
        }
        let pair = PAIRS.iter().find(|(first, ..)| *first == command);
        match pair.and_then(|(_, second, help)| Some((other(*second)?, *help))) {
            Some((second, help)) => Some((labels(bound.keys.iter().chain(&second.keys)), help)),
            None => Some((labels(bound.keys.iter()), bound.binding.help)),
        }
    };
    bound.iter().filter_map(row).collect()
}

/// Tells whether the keys of a command ask for it also where no text is typed.
fn is_as_everywhere(around: &Surroundings, bound: &Bound) -> bool {
    let asked = |key: &Key| around.keymap.command(Scope::Everywhere, *key) == Some(bound.binding.command);
    bound.keys.iter().all(asked)
}

fn labels<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    keys.map(|key| key.label()).collect::<Vec<_>>().join(" ")
}

/// The keys of a command and what they do, which goes on below where it does not fit beside them.
fn entry(around: &Surroundings, (keys, help): Row, widest: usize, columns: usize) -> Vec<Line<'static>> {
    let keys = format!("  {keys:<widest$}  ");
    let indent = " ".repeat(widest + 4);
    let is_long = columns < keys.len() + 1 + NARROWEST;
    let taken = if is_long { indent.len() } else { keys.len() };
    let mut texts = text::wrap(help, columns.saturating_sub(taken + 1));
    if is_long {
        texts.insert(0, String::new());
    }
    let heads = std::iter::once(keys).chain(std::iter::repeat(indent));
    let styled = |(head, text)| Line::from(vec![Span::styled(head, around.theme.shortcut), Span::raw(text)]);
    heads.zip(texts).map(styled).collect()
}

fn side_by_side(lists: Vec<Vec<Line<'static>>>, column: usize) -> Vec<Line<'static>> {
    let rows = lists.iter().map(Vec::len).max().unwrap_or_default();
    let mut joined = vec![Line::default(); rows];
    for (index, list) in lists.into_iter().enumerate() {
        for (line, part) in joined.iter_mut().zip(list) {
            let missing = (index * column).saturating_sub(line.width());
            line.push_span(" ".repeat(missing));
            part.spans.into_iter().for_each(|span| line.push_span(span.patch_style(part.style)));
        }
    }
    joined
}
