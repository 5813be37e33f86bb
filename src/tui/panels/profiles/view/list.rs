//! The list: a line for each profile in sight, in columns that fit the width.

use ratatui::Frame;
use ratatui::text::{Line, Span};

use super::layout::Layout;
use super::{data_center, gauge, provider};
use crate::config::Motion;
use crate::service::ProfileStatus;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::shown;
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::words::{left_in_words, standing, state_in_words, until, when};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{clip, width};
use crate::tui::time_left::told;
use crate::tui::widgets::gauge::Gauge;

/// What a row can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Name,
    Account,
    /// The provider with its data center.
    Place,
    DataCenter,
    /// Mark, word and time left.
    Token,
    Bar,
    Budget,
    Refreshed,
}

/// Columns of the mark, the word of a state and a short clock.
const TOKEN: usize = 19;
/// Columns of the mark alone.
const MARK: usize = 5;

/// What a list of this width tells, with the columns of each, the gap after it included.
fn columns(width: u16) -> Vec<(Cell, usize)> {
    let all = usize::from(width);
    let (fixed, name, rest): (&[(Cell, usize)], usize, Option<Cell>) = match width {
        // Nothing says anything without the name.
        0..14 => (&[], 0, None),
        14..30 => (&[(Cell::Token, MARK)], 0, None),
        30..56 => (&[(Cell::Token, TOKEN)], 0, None),
        56..76 => (&[(Cell::Token, TOKEN), (Cell::Bar, 7), (Cell::Place, 13)], 0, None),
        76..104 => (
            &[(Cell::Token, TOKEN), (Cell::Bar, 9), (Cell::DataCenter, 4), (Cell::Budget, 10)],
            17,
            Some(Cell::Account),
        ),
        _ => (
            &[(Cell::Token, TOKEN), (Cell::Bar, 13), (Cell::Place, 14), (Cell::Budget, 11), (Cell::Refreshed, 18)],
            20,
            Some(Cell::Account),
        ),
    };
    let left = all.saturating_sub(fixed.iter().map(|(_, columns)| columns).sum());
    let mut columns = match rest {
        // The name gets some of what is beyond the least, the account the rest.
        Some(cell) => {
            let name = (name + left.saturating_sub(2 * name) / 3).min(left);
            vec![(Cell::Name, name), (cell, left - name)]
        }
        None => vec![(Cell::Name, left)],
    };
    columns.extend(fixed);
    columns
}

/// Draws the names of the columns and every row in sight.
pub(super) fn draw(around: &Surroundings, panel: &ProfilesPanel, layout: &Layout, now: Now, frame: &mut Frame<'_>) {
    let Some(area) = layout.list.filter(|area| !area.is_empty()) else { return };
    let columns = columns(area.width);
    let names = columns.iter().map(|(cell, columns)| fitted(vec![Span::raw(title(*cell, *columns))], *columns, false));
    let names: Line<'_> = names.flatten().collect();
    frame.buffer_mut().set_line(area.x, area.y, &names.style(around.theme.label), area.width);
    let list = layout.table(panel);
    if list.in_sight().is_empty() && area.height > 1 && !panel.statuses.is_empty() {
        let text = format!("  No profile matches. {} shows all.", around.key(Scope::Profiles, Command::Back));
        let text = clip(&text, usize::from(area.width));
        frame.buffer_mut().set_string(area.x, area.y + 1, text, around.theme.text);
    }
    for (index, place) in list.rows() {
        let position = panel.table.order().get(index);
        let Some(status) = position.and_then(|position| panel.statuses.get(*position)) else { continue };
        let line = row_of(around, panel, status, index == list.cursor, &columns, now);
        frame.buffer_mut().set_line(place.x, place.y, &line, place.width);
    }
    // The terminal's cursor belongs to the filter while somebody types.
    list.mark(&around.theme, !panel.table.is_typing(), frame);
}

fn title(cell: Cell, columns: usize) -> &'static str {
    match cell {
        Cell::Name => "  Profile",
        Cell::Account => "Account",
        Cell::Place => "Provider",
        Cell::DataCenter => "DC",
        Cell::Token if columns < TOKEN => "",
        Cell::Token => "Token",
        Cell::Bar if columns < 10 => "Left",
        Cell::Bar => "Time left",
        Cell::Budget => "Refreshes",
        Cell::Refreshed => "Last refresh",
    }
}

/// One profile as a line.
fn row_of(
    around: &Surroundings,
    panel: &ProfilesPanel,
    status: &ProfileStatus,
    is_selected: bool,
    columns: &[(Cell, usize)],
    now: Now,
) -> Line<'static> {
    let cells = columns.iter().map(|(cell, columns)| {
        let room = columns.saturating_sub(1);
        let spans = match cell {
            Cell::Name => vec![Span::raw(format!("{} {}", if is_selected { ">" } else { " " }, status.name))],
            Cell::Account => {
                vec![Span::raw(status.account.as_ref().map_or_else(String::new, |account| shown(account.label())))]
            }
            Cell::Place => vec![Span::raw(place(around, status, room))],
            Cell::DataCenter => vec![Span::raw(data_center(status))],
            Cell::Token => token(around, panel, status, room, now),
            Cell::Bar => vec![Span::raw(bar(around, status, room, now))],
            Cell::Budget => vec![Span::raw(budget(around, status, now))],
            Cell::Refreshed => vec![Span::raw(refreshed(status, now))],
        };
        fitted(spans, *columns, true)
    });
    cells.flatten().collect()
}

/// Cut and padded to its columns, of which the last one stays free.
fn fitted(spans: Vec<Span<'static>>, columns: usize, has_gap: bool) -> Vec<Span<'static>> {
    let mut room = columns.saturating_sub(usize::from(has_gap || columns > 1));
    let mut fitted = Vec::with_capacity(spans.len() + 1);
    let mut used = 0;
    for span in spans {
        let text = clip(&span.content, room);
        let taken = width(&text);
        (room, used) = (room - taken.min(room), used + taken);
        fitted.push(Span::styled(text, span.style));
    }
    fitted.push(Span::raw(" ".repeat(columns.saturating_sub(used))));
    fitted
}

/// `✓ valid   52:10`: the time is at the right end of the column.
fn token(
    around: &Surroundings,
    panel: &ProfilesPanel,
    status: &ProfileStatus,
    room: usize,
    now: Now,
) -> Vec<Span<'static>> {
    let (mark, word) = standing(panel, status, now);
    if room < MARK {
        return vec![around.theme.mark(mark)];
    }
    let mut spans = vec![Span::styled(format!("{} {word}", around.theme.symbol(mark)), around.theme.mark_style(mark))];
    let left = status.remaining(now.time);
    if !left.is_zero() && !panel.under_way.contains_key(&status.name) {
        let clock = left_in_words(left, around.motion);
        let taken = width(around.theme.symbol(mark)) + 1 + word.len() + clock.len();
        spans.push(Span::raw(format!("{}{clock}", " ".repeat(room.saturating_sub(taken).max(1)))));
    }
    spans
}

fn bar(around: &Surroundings, status: &ProfileStatus, room: usize, now: Now) -> String {
    let Some(total) = status.access_token_life else { return String::new() };
    let mark = state_in_words(status, now.time).0;
    gauge(Gauge { remaining: told(status.remaining(now.time), around.motion), total, mark, theme: &around.theme }, room)
}

/// The provider, cut for the sake of its data center.
fn place(around: &Surroundings, status: &ProfileStatus, room: usize) -> String {
    let code = data_center(status);
    let name = shown(provider(around, status));
    if code.is_empty() {
        return name;
    }
    format!("{} {code}", clip(&name, room.saturating_sub(width(&code) + 1)))
}

/// `3/10`, or the time until there can be a new token.
fn budget(around: &Surroundings, status: &ProfileStatus, now: Now) -> String {
    match status.waits_until(now.time) {
        Some(at) => {
            let left = around.time_left(until(at, now));
            match around.motion {
                Motion::Full => format!("wait {left}"),
                // As wide as the column.
                Motion::Reduced => format!("in {left}"),
            }
        }
        None => status
            .budget
            .as_ref()
            .map_or_else(String::new, |budget| format!("{}/{}", budget.used(now.time), budget.limit)),
    }
}

fn refreshed(status: &ProfileStatus, now: Now) -> String {
    let Some(last) = &status.last_refresh else { return String::new() };
    let when = when(last.at, now);
    if last.error.is_some() { format!("failed {when}") } else { when }
}

#[cfg(test)]
mod tests {
    use super::{Cell, columns};

    #[test]
    fn at_every_width_the_columns_fill_it_and_the_name_goes_last() {
        for width in 1..=300 {
            let columns = columns(width);
            assert_eq!(columns.iter().map(|(_, columns)| columns).sum::<usize>(), usize::from(width));
            assert!(width < 14 || columns.iter().any(|(cell, _)| *cell == Cell::Token), "{width}");
            let name = columns.iter().find(|(cell, _)| *cell == Cell::Name).map(|(_, columns)| *columns);
            let least = usize::from(width).min(if width < 40 { 9 } else { 17 });
            assert!(name >= Some(least), "{width}: {name:?}");
        }
    }
}
