//! What stands around every panel: the title line above, the notice or the keys below.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::keymap::Command;
use super::panel::{Panel, Title};
use super::surroundings::{Notice, Surroundings};
use super::text;

/// From here on there is room for the title and the keys.
const LEAST_COLUMNS: u16 = 40;
const LEAST_ROWS: u16 = 12;

/// From here on an empty row is below the title.
const AIRY_ROWS: u16 = 20;
/// Columns between the title and what is counted beside it.
const GAP: &str = "   ";

/// Draws the title, the notice and the keys around a panel, and tells what is left for it.
pub fn with_chrome(around: &Surroundings, title: Title, panel: &dyn Panel, frame: &mut Frame<'_>) -> Rect {
    let area = frame.area();
    if !has_room(area.as_size()) {
        return area;
    }
    let Title { name, counts, about } = title;
    title_line(around, name, about, frame);
    let counts: Line<'_> = std::iter::once(Span::raw(GAP)).chain(counts).collect();
    let x = u16::try_from(text::width(name) + 1).unwrap_or(u16::MAX).min(area.width);
    let columns = u16::try_from(counts.width()).unwrap_or(u16::MAX).min(area.width - x);
    if columns > 3 {
        frame.buffer_mut().set_line(x, 0, &counts, columns);
    }
    footer(around, panel, frame);
    body(area.as_size())
}

/// What to press next in the demo: below the title where there is air, else in the lowest row that the panel has left free.
pub fn tour(around: &Surroundings, panel: &dyn Panel, frame: &mut Frame<'_>) {
    let window = frame.area().as_size();
    if !around.is_demo || !has_room(window) {
        return;
    }
    let room = usize::from(window.width.saturating_sub(2));
    let next = around.tour.next(around, panel.scope(), &panel.commands(around));
    let fitting = next.and_then(|ways| ways.into_iter().find(|words| text::width(words) <= room));
    if let (Some(words), Some(row)) = (fitting, free_row(window, frame)) {
        frame.buffer_mut().set_string(1, row, words, around.theme.accent);
    }
}

/// A row with nothing in it. Below the air, its neighbor above is free as well, so that it parts nothing that it stands between.
fn free_row(window: Size, frame: &mut Frame<'_>) -> Option<u16> {
    if body(window).y > 1 {
        return Some(1);
    }
    let buffer = frame.buffer_mut();
    let is_free = |row: u16| (0..window.width).all(|column| buffer[(column, row)].symbol() == " ");
    let between = between(window);
    (between.y + 1..between.bottom()).rev().find(|row| is_free(*row) && is_free(row - 1))
}

/// The columns that a title leaves for what is counted beside it, and for what it is about with a gap before it.
pub fn beside_title(title: &str, width: u16) -> usize {
    usize::from(width).saturating_sub(text::width(title) + GAP.len() + 2)
}

/// Tells whether a window has room for the title and the keys.
pub fn has_room(window: Size) -> bool {
    window.width >= LEAST_COLUMNS && window.height >= LEAST_ROWS
}

/// What is left of a window for a panel: air below the title where there is room for it.
pub fn body(window: Size) -> Rect {
    let between = between(window);
    let air = u16::from(has_room(window) && window.height >= AIRY_ROWS);
    Rect { y: between.y + air, height: between.height - air, ..between }
}

/// What is between the title and the keys.
pub fn between(window: Size) -> Rect {
    let area = Rect::from((Position::ORIGIN, window));
    if has_room(window) { Rect { y: 1, height: window.height - 2, ..area } } else { area }
}

/// The name of what is on the screen on the left, what it is about on the right.
pub fn title_line<'a>(around: &Surroundings, title: &str, right: impl Into<Span<'a>>, frame: &mut Frame<'_>) {
    let width = frame.area().width;
    let right = right.into();
    let room = usize::from(width).saturating_sub(text::width(title) + 4);
    let words = text::cut(&right.content, room, around.theme.cut());
    let right_width = u16::try_from(text::width(&words)).unwrap_or(0);
    let buffer = frame.buffer_mut();
    buffer.set_string(1, 0, title, around.theme.title);
    buffer.set_string(width.saturating_sub(right_width + 1), 0, words, right.style);
}

/// The last line: a notice while there is one, else the keys, as many as fit.
/// Keys that mean something else while a box has them are left out.
pub fn footer(around: &Surroundings, panel: &dyn Panel, frame: &mut Frame<'_>) {
    let area = frame.area();
    let Some(row) = area.height.checked_sub(1) else { return };
    let line = match &around.notice {
        Some(notice) => {
            let head = head(around, notice);
            let room = usize::from(area.width).saturating_sub(head.width());
            head + Span::raw(text::cut(notice.in_line(room), room, around.theme.cut()))
        }
        None if around.overlay.is_some() => return,
        None => line_of(around, shown(around, panel, area.width)),
    };
    frame.buffer_mut().set_line(0, row, &line, area.width);
}

/// What a notice begins with.
fn head(around: &Surroundings, notice: &Notice) -> Line<'static> {
    let mark = notice.mark.map(|mark| [around.theme.mark(mark), Span::raw(" ")]);
    std::iter::once(Span::raw(" ")).chain(mark.into_iter().flatten()).collect()
}

/// A notice that is longer than the last line, over the rows above it as well. Not for screens with a QR code, which a
/// notice may not cover in part.
pub fn long_notice(around: &Surroundings, frame: &mut Frame<'_>) {
    let area = frame.area();
    let Some(notice) = around.notice.as_ref().filter(|_| has_room(area.as_size())) else { return };
    let head = head(around, notice);
    let indent = head.width();
    let room = usize::from(area.width).saturating_sub(indent);
    let lines = text::wrap(&notice.in_room(room).replace(char::is_control, " "), room);
    if lines.len() < 2 {
        return;
    }
    let lines = text::at_most(lines, usize::from(area.height / 2), room, around.theme.cut());
    let rows = u16::try_from(lines.len()).unwrap_or(1);
    let top = area.bottom().saturating_sub(rows);
    let place = Rect { y: top, height: rows, ..area };
    frame.render_widget(Clear, place);
    for (number, (row, words)) in (top..area.bottom()).zip(lines).enumerate() {
        let head = if number == 0 { head.clone() } else { Line::raw(" ".repeat(indent)) };
        let line = head.spans.into_iter().chain([Span::raw(words)]).collect::<Line<'_>>();
        frame.buffer_mut().set_line(area.x, row, &line, area.width);
    }
}

/// The command whose key stands in the footer at a place.
pub fn command_at(around: &Surroundings, panel: &dyn Panel, at: Position) -> Option<Command> {
    let is_footer = has_room(around.window) && at.y + 1 == around.window.height && around.notice.is_none();
    command_in(&shown(around, panel, around.window.width), at.x).filter(|_| is_footer)
}

/// Draws those keys that the last line had no room for, for a panel with a row to spare.
pub fn more_keys(around: &Surroundings, panel: &dyn Panel, area: Rect, frame: &mut Frame<'_>) {
    if around.overlay.is_some() {
        return;
    }
    let line = line_of(around, left_over(around, panel, area.width));
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

/// The command whose key stands there at a column.
pub fn command_of_more(around: &Surroundings, panel: &dyn Panel, column: u16) -> Option<Command> {
    command_in(&left_over(around, panel, around.window.width), column)
}

fn command_in(items: &[Item], at: u16) -> Option<Command> {
    let mut column = 1;
    items.iter().find_map(|item| {
        let here = column..column + item.columns().saturating_sub(2);
        column += item.columns();
        here.contains(&usize::from(at)).then_some(item.command)
    })
}

/// One key in the footer.
struct Item {
    command: Command,
    key: String,
    label: &'static str,
}

impl Item {
    /// With the gap after it.
    fn columns(&self) -> usize {
        text::width(&self.key) + self.label.len() + 3
    }
}

/// The keys that the footer has room for, in order; what mends a failure, help and the way out always stay.
fn shown(around: &Surroundings, panel: &dyn Panel, columns: u16) -> Vec<Item> {
    let commands = panel.commands(around);
    let stays = |command: Command| matches!(command, Command::Fix | Command::Help | Command::Back | Command::Quit);
    // Where keys are commands, the palette has all those that have no room here.
    let palette = commands.contains(&Command::Help).then(|| item(around, panel, Command::Palette)).flatten();
    let items: Vec<Item> = commands.into_iter().filter_map(|command| item(around, panel, command)).collect();
    let reserved: usize = items.iter().filter(|item| stays(item.command)).map(Item::columns).sum();
    let mut fits = fits_into(usize::from(columns).saturating_sub(reserved + 1));
    let palette = palette.filter(&mut fits);
    let items = items.into_iter().filter(|item| stays(item.command) || fits(item));
    let (at_the_end, others): (Vec<Item>, Vec<Item>) = items.partition(|item| is_at_the_end(item.command));
    others.into_iter().chain(palette).chain(at_the_end).collect()
}

/// Help and the way out stand at the end.
fn is_at_the_end(command: Command) -> bool {
    matches!(command, Command::Help | Command::Back | Command::Quit)
}

/// The first of the others that fit into a line of their own.
fn left_over(around: &Surroundings, panel: &dyn Panel, columns: u16) -> Vec<Item> {
    let shown: Vec<Command> = shown(around, panel, columns).iter().map(|item| item.command).collect();
    let others = panel.commands(around).into_iter().filter(|command| !shown.contains(command));
    // The last one needs no gap after it.
    let mut fits = fits_into(usize::from(columns) + 1);
    others.filter_map(|command| item(around, panel, command)).take_while(|item| fits(item)).collect()
}

/// Whether one more item fits, each into what those before it have left.
fn fits_into(mut room: usize) -> impl FnMut(&Item) -> bool {
    move |item| {
        let left = room.checked_sub(item.columns());
        room = left.unwrap_or(room);
        left.is_some()
    }
}

fn item(around: &Surroundings, panel: &dyn Panel, command: Command) -> Option<Item> {
    let bound = panel.binding(around, command)?;
    let label = panel.label(around, command).unwrap_or(bound.binding.label);
    Some(Item { command, key: bound.keys.first()?.label(), label })
}

fn line_of(around: &Surroundings, items: Vec<Item>) -> Line<'static> {
    let spans = items.into_iter().flat_map(|item| {
        let words = format!(" {}  ", item.label);
        [Span::styled(item.key, around.theme.shortcut), Span::styled(words, around.theme.label)]
    });
    std::iter::once(Span::raw(" ")).chain(spans).collect()
}
