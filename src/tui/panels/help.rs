//! The help: the key table in words, and what to do when a code does not scan or a copy does not arrive.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{BINDINGS, Binding, Command, Scope};
use crate::tui::model::{Model, Screen};
use crate::tui::text;

const ADVICE: [&str; 2] = [
    "QR code does not scan? Press f, then i; make the font smaller; or type the address and the code: they do the same.",
    "Copy fails in tmux? It needs: set -g set-clipboard on",
];
const COLUMN: u16 = 38;

/// Draws the keys of the screen below and those that hold everywhere, side by side where there is room.
pub fn view(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let left = column(model, model.screen.scope());
    let right = column(model, Scope::Everywhere);
    let below = if area.width >= 2 * COLUMN {
        let left_end = draw(&left, Rect { x: area.x + 2, y: area.y + 1, ..area }, area, frame);
        let right_end = draw(&right, Rect { x: area.x + 2 + COLUMN, y: area.y + 1, ..area }, area, frame);
        left_end.max(right_end)
    } else {
        let end = draw(&left, Rect { x: area.x + 1, ..area }, area, frame);
        draw(&right, Rect { x: area.x + 1, y: end, ..area }, area, frame)
    };
    if model.screen == Screen::SignIn {
        let advice = ADVICE.iter().flat_map(|text| text::wrap(text, usize::from(area.width.saturating_sub(4))));
        let lines: Vec<Line<'_>> = advice.map(Line::from).collect();
        draw(&lines, Rect { x: area.x + 2.min(area.width), y: below.saturating_add(1), ..area }, area, frame);
    }
}

fn column(model: &Model, scope: Scope) -> Vec<Line<'static>> {
    let is_shown = |binding: &&Binding| {
        let is_demo =
            matches!(binding.command, Command::DemoApprove | Command::DemoApproveElsewhere | Command::DemoDecline);
        binding.scope == scope
            && (model.is_demo || !is_demo)
            && (model.has_browser || binding.command != Command::OpenBrowser)
    };
    let mut lines = vec![Line::styled(scope.title(), model.theme.title)];
    lines.extend(BINDINGS.iter().filter(is_shown).map(|binding| {
        let keys: Vec<String> = binding.keys.iter().map(|key| key.label()).collect();
        let keys = format!(" {:<10} ", keys.join(" "));
        Line::from(vec![Span::styled(keys, model.theme.shortcut), Span::raw(binding.help)])
    }));
    lines
}

/// Draws lines from `at` on as far as `area` goes, and tells the row below the last one.
fn draw(lines: &[Line<'_>], at: Rect, area: Rect, frame: &mut Frame<'_>) -> u16 {
    let mut row = at.y;
    for line in lines {
        if row >= area.bottom() || at.x >= area.right() {
            break;
        }
        frame.buffer_mut().set_line(at.x, row, line, area.right() - at.x);
        row += 1;
    }
    row
}
