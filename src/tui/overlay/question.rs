//! A question and its answers, in a box over the panel; in the whole window where no box has room.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{at_most, wrap};

/// Draws it, the question from its beginning and the answers whole.
pub fn view(around: &Surroundings, question: &str, area: Rect, frame: &mut Frame<'_>) {
    draw_lines(&lines(around, question, usize::from(area.width), usize::from(area.height)), area, frame);
    if !area.is_empty() {
        // Screen readers follow the cursor.
        frame.set_cursor_position(area.as_position());
    }
}

/// The rows that it takes.
pub fn rows(around: &Surroundings, question: &str, columns: usize) -> usize {
    lines(around, question, columns, usize::from(u16::MAX)).len()
}

/// The question, cut before its answers, which stay whole in any window.
fn lines(around: &Surroundings, question: &str, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &around.theme;
    let columns = columns.max(1);
    let answers = answers(around, columns);
    let room = rows.saturating_sub(answers.len());
    let question = at_most(wrap(question, columns), room, columns, theme.cut());
    let gap = (question.len() < room).then(Line::default);
    let question = question.into_iter().map(|line| Line::styled(line, theme.title));
    question.chain(gap).chain(answers).collect()
}

/// The keys that answer: beside each other where they fit.
fn answers(around: &Surroundings, columns: usize) -> Vec<Line<'static>> {
    let theme = &around.theme;
    let key = |command| Span::styled(around.key(Scope::Question, command), theme.shortcut);
    let answer = |command, words: &'static str| vec![key(command), Span::styled(words, theme.text)];
    let both = Line::from([answer(Command::Yes, " yes    "), answer(Command::No, " no")].concat());
    if both.width() <= columns {
        return vec![both];
    }
    [answer(Command::Yes, " yes"), answer(Command::No, " no")].map(Line::from).into()
}
