//! How the API panel looks: the requests on the left, the one with the cursor and the answer on the right; one pane at
//! a time where there is no room for two.
//!
//! `update` asks here for the rows of a pane, so that both agree on them.

mod answer;
mod form;
mod history;
mod list;
mod request;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Padding, Widget};

use self::answer::{Pane, draw_answer};
use self::history::draw_history;
use self::list::draw_list;
use self::request::draw_request;
use super::{ApiPanel, Focus};
use crate::clock::Moment;
use crate::tui::chrome::body;
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, width};
use crate::tui::widgets::field::Field;

/// From here on both panes are side by side.
const WIDE: u16 = 72;
/// Rows of the request above the answer, its box included.
const REQUEST_ROWS: u16 = 4;
/// From here on there is room for the request above the answer.
const TALL: u16 = 14;
/// From here on the request has a column of its own.
const VERY_WIDE: u16 = 150;

/// From here on a pane has borders on all sides.
const BOXED: u16 = 30;

/// Draws the panel.
pub(super) fn view(around: &Surroundings, panel: &ApiPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let places = Panes::of(panel, area);
    if let Some(list) = places.list {
        draw_list(around, panel, list, frame);
    }
    if let Some(request) = places.request {
        draw_request(around, panel, request, frame);
    }
    let Some(right) = places.right else { return };
    match panel.focus {
        Focus::History => draw_history(around, panel, now, right, frame),
        _ => draw_answer(around, panel, now.moment, right, frame),
    }
}

/// The room that the answer's text has, for moving by a page and for keeping its cursor in sight.
pub(super) fn text_size(around: &Surroundings, panel: &ApiPanel) -> Size {
    let right = Panes::of(panel, body(around.window)).right;
    right.map_or(Size::ZERO, |right| {
        // Which time a countdown shows matters little for the rows that it takes.
        Pane::of(around, panel, Moment::default(), block(around, "", right.width, true).inner(right)).text.as_size()
    })
}

/// Whether one pane at a time has the screen.
pub(super) fn has_one_pane(around: &Surroundings) -> bool {
    body(around.window).width < WIDE
}

/// The rows of the list.
pub(super) fn list_rows(around: &Surroundings, panel: &ApiPanel) -> usize {
    Panes::of(panel, body(around.window)).list.map_or(0, |list| usize::from(list.height.saturating_sub(2)))
}

/// What is at a place of the screen, for the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The list, and the row of it that is there.
    List(Option<usize>),
    /// The earlier answers, and the one that is there.
    History(Option<usize>),
    /// The answer, and the row of its text that is there.
    Answer(Option<usize>),
}

/// Finds out what is at a place; the request above the answer takes no mouse.
pub(super) fn place_at(around: &Surroundings, panel: &ApiPanel, at: Position) -> Option<Place> {
    let places = Panes::of(panel, body(around.window));
    let inner = |area: Rect| block(around, "", area.width, true).inner(area);
    let at_row = |area: Rect| area.contains(at).then(|| usize::from(at.y - area.y));
    if let Some(list) = places.list.filter(|list| list.contains(at)) {
        let inner = inner(list);
        return Some(Place::List(list::list(panel, inner).at(at)));
    }
    let right = places.right.filter(|right| right.contains(at))?;
    let inner = inner(right);
    if panel.focus == Focus::History {
        return Some(Place::History(history::list(panel, inner).at(at)));
    }
    Some(Place::Answer(at_row(Pane::of(around, panel, Moment::default(), inner).text)))
}

/// Where the panes are; those without room are none.
struct Panes {
    list: Option<Rect>,
    request: Option<Rect>,
    right: Option<Rect>,
}

impl Panes {
    fn of(panel: &ApiPanel, area: Rect) -> Self {
        if area.is_empty() {
            return Self { list: None, request: None, right: None };
        }
        if area.width < WIDE {
            return Self::one_at_a_time(panel, area);
        }
        let is_typed = panel.focus == Focus::Form;
        let columns = (area.width * 2 / 5).clamp(32, 38);
        let list = Rect { width: columns, ..area };
        let right = Rect { x: area.x + columns, width: area.width - columns, ..area };
        if area.width >= VERY_WIDE {
            let request = Rect { width: right.width * 2 / 5, ..right };
            let answer = Rect { x: request.right(), width: right.width - request.width, ..right };
            return Self { list: Some(list), request: Some(request), right: Some(answer) };
        }
        if is_typed {
            return Self { list: Some(list), request: Some(right), right: None };
        }
        let rows = if area.height >= TALL { REQUEST_ROWS } else { 0 };
        let request = Rect { height: rows, ..right };
        let right = Rect { y: right.y + rows, height: right.height - rows, ..right };
        Self { list: Some(list), request: (rows > 0).then_some(request), right: Some(right) }
    }

    fn one_at_a_time(panel: &ApiPanel, area: Rect) -> Self {
        match panel.focus {
            Focus::Requests | Focus::Filter => {
                let rows = match area.height {
                    TALL.. => REQUEST_ROWS,
                    9.. => REQUEST_ROWS - 1,
                    _ => 0,
                };
                let list = Rect { height: area.height - rows, ..area };
                let request = Rect { y: list.bottom(), height: rows, ..area };
                Self { list: Some(list), request: (rows > 0).then_some(request), right: None }
            }
            Focus::Form => Self { list: None, request: Some(area), right: None },
            Focus::Answer | Focus::Query | Focus::History => Self { list: None, request: None, right: Some(area) },
        }
    }
}

/// Borders on all sides where there is room, with air inside of them beside other panes; else above and below only.
fn block<'a>(around: &Surroundings, title: &'a str, columns: u16, has_focus: bool) -> Block<'a> {
    let style = if has_focus { around.theme.focus } else { around.theme.border };
    let borders = if columns >= BOXED { Borders::ALL } else { Borders::TOP | Borders::BOTTOM };
    let title = if title.is_empty() { Line::default() } else { Line::styled(format!(" {title} "), around.theme.title) };
    let air = Padding::horizontal(u16::from(!has_one_pane(around)));
    Block::new().borders(borders).border_set(around.theme.border_set()).border_style(style).padding(air).title(title)
}

fn framed(around: &Surroundings, title: &str, has_focus: bool, area: Rect, frame: &mut Frame<'_>) -> Rect {
    // The mark survives without colours.
    let title = if has_focus { format!("{}{title}", around.theme.cursor()) } else { title.to_owned() };
    let block = block(around, &title, area.width, has_focus);
    let inner = block.inner(area);
    (&block).render(area, frame.buffer_mut());
    inner
}

/// Draws into the border below a pane where in its text or list the cursor is.
fn draw_position(around: &Surroundings, words: &str, area: Rect, frame: &mut Frame<'_>) {
    let words = format!(" {} ", cut(words, usize::from(area.width).saturating_sub(6), around.theme.cut()));
    let columns = u16::try_from(width(&words)).unwrap_or(area.width);
    if let (Some(row), Some(x)) = (area.bottom().checked_sub(1), area.right().checked_sub(columns + 2)) {
        frame.buffer_mut().set_stringn(x.max(area.x), row, words, usize::from(columns), around.theme.label);
    }
}

/// The line in which something is looked for, with what was found at its end.
fn draw_search(around: &Surroundings, typed: &Field, found: &str, is_typed: bool, area: Rect, frame: &mut Frame<'_>) {
    let taken = u16::try_from(width(found)).unwrap_or(area.width).min(area.width);
    frame.buffer_mut().set_stringn(area.x, area.y, "/", usize::from(area.width), around.theme.text);
    let place = Rect { x: area.x + 1, width: area.width.saturating_sub(taken + 2), height: 1, ..area };
    typed.draw(&around.theme, around.theme.text, is_typed, place, frame);
    frame.buffer_mut().set_stringn(area.right() - taken, area.y, found, usize::from(taken), around.theme.faint);
}
