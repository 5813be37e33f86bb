//! The help: the keys in force in words, those of this screen first, and what to do when a code does not scan or a copy
//! does not arrive. Longer than most screens, so it scrolls.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::clipboard::Clipboard;
use crate::tui::keymap::{Bound, Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text;

/// Columns that one of two lists side by side needs.
const COLUMN: usize = 39;
/// Columns of the keys in a list.
const KEYS: usize = 9;
/// Columns in which a text can still be read.
const NARROWEST: usize = 12;

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

fn lines(around: &Surroundings, here: Scope, columns: u16) -> Vec<Line<'static>> {
    let others = Scope::ALL.into_iter().filter(|scope| ![here, Scope::Everywhere, Scope::Typing].contains(scope));
    let scopes: Vec<Scope> = [here, Scope::Everywhere].into_iter().chain(others).collect();
    let columns = usize::from(columns);
    let in_a_row = if columns >= 2 * COLUMN { 2 } else { 1 };
    let mut lines = Vec::new();
    for (row, scopes) in scopes.chunks(in_a_row).enumerate() {
        let column = columns / in_a_row;
        lines.extend(side_by_side(scopes.iter().map(|scope| list(around, *scope, column)).collect(), column));
        lines.push(Line::default());
        if row == 0 {
            lines.extend(advice(around, here, columns));
        }
    }
    lines
}

/// What to do where a code or a copy does not get to where it should.
fn advice(around: &Surroundings, here: Scope, columns: usize) -> Vec<Line<'static>> {
    if here != Scope::SignIn {
        return Vec::new();
    }
    let (full, inverted) = (around.key(here, Command::FullScreenQr), around.key(here, Command::InvertQr));
    let scanning = format!(
        "QR code does not scan? Press {full}, then {inverted}; make the font smaller; or type the address and the \
         code: they do the same."
    );
    let copying = match around.clipboard {
        Clipboard::Tmux => "Copying puts code and link into tmux's buffer as well: prefix ] pastes them.".to_owned(),
        _ => "Nothing to paste after copying? Many terminals take no text by OSC 52, or want a setting for it."
            .to_owned(),
    };
    let texts = [scanning, copying].into_iter().flat_map(|text| text::wrap(&text, columns.saturating_sub(4)));
    texts.map(|line| Line::raw(format!(" {line}"))).chain([Line::default()]).collect()
}

/// The keys of one scope, with its name above them.
fn list(around: &Surroundings, scope: Scope, columns: usize) -> Vec<Line<'static>> {
    let is_shown = |bound: &&Bound| {
        let command = bound.binding.command;
        let is_demo = matches!(command, Command::DemoApprove | Command::DemoApproveElsewhere | Command::DemoDecline);
        !bound.keys.is_empty()
            && (around.is_demo || !is_demo)
            && (around.has_browser || command != Command::OpenBrowser)
    };
    let title = Line::styled(format!(" {}", scope.title()), around.theme.title);
    let keys = around.keymap.within(scope).filter(is_shown).flat_map(|bound| entry(around, bound, columns));
    std::iter::once(title).chain(keys).collect()
}

/// The keys of a command and what they do, which goes on below where it does not fit beside them.
fn entry(around: &Surroundings, bound: &Bound, columns: usize) -> Vec<Line<'static>> {
    let keys: Vec<String> = bound.keys.iter().map(|key| key.label()).collect();
    let keys = format!("  {:<KEYS$} ", keys.join(" "));
    let indent = " ".repeat(KEYS + 3);
    let is_long = columns < keys.len() + 1 + NARROWEST;
    let taken = if is_long { indent.len() } else { keys.len() };
    let mut texts = text::wrap(bound.binding.help, columns.saturating_sub(taken + 1));
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
