//! The list: a line for each profile in sight, in columns that fit the width.

use std::time::Duration;

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::layout::Layout;
use super::{data_center, provider};
use crate::config::Motion;
use crate::service::ProfileStatus;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::shown;
use crate::tui::panels::profiles::ProfilesPanel;
use crate::tui::panels::profiles::table::Widest;
use crate::tui::panels::profiles::words::{default_mark, left_in_words, standing, state_in_words, when};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, width};
use crate::tui::theme::Mark;
use crate::tui::time_left::told;
use crate::tui::widgets::gauge::Gauge;

/// What a row can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Marks the row that has the cursor.
    Cursor,
    Name,
    Account,
    /// The provider with its data center.
    Place,
    DataCenter,
    /// Mark and word, or the mark alone.
    State,
    /// The time that is left, and a bar where there is room for it.
    Left,
    Refreshed,
}

/// From here on there is air around the columns.
const AIRY: usize = 56;
/// From here on the place is told with its provider.
const WIDE: usize = 104;
/// Columns of a state's word.
const WORD: usize = 13;
/// Columns of a time that is left: `52:10`, `9:01:01` or `12 days`.
const TIME: usize = 6;
const LONG_TIME: usize = 8;
/// Times up to this one are short, rounded up to their second.
const SHORT: Duration = Duration::from_secs(3599);
/// Columns of a bar.
const SHORT_BAR: usize = 4;
const LONG_BAR: usize = 16;
/// Columns that a name keeps, as far as it needs them, before a time is told.
const NAME: usize = 16;
/// Columns in which an account can still be told from others.
const ACCOUNT: usize = 12;
/// Columns of a provider with its data center.
const PLACE: usize = 14;
/// Columns of the last refresh, or of how long to wait for one.
const REFRESHED: usize = 10;
const LONG_REFRESHED: usize = 17;

/// What a list of this width tells, with the columns of each and the gap after it. Names have what they need first; what
/// no profile has takes nothing.
fn columns(all: u16, widest: Widest, symbol: usize) -> Vec<(Cell, usize, usize)> {
    let all = usize::from(all);
    let (margin, gap) = if all >= AIRY { (3, 2) } else { (2, 1) };
    // Nothing says anything without the name.
    if all < 14 {
        return vec![(Cell::Cursor, margin.min(all), 0), (Cell::Name, all.saturating_sub(margin), 0)];
    }
    // The name has a gap after it as well.
    let mut room = all - margin - gap;
    let wanted = widest.name.max("PROFILE".len());
    let word = symbol + 1 + WORD;
    let state = if room >= word + gap + wanted.min(NAME / 2) { word } else { symbol };
    room -= state + gap;
    let time = time_columns(widest.left);
    let is_roomy = state == word && room >= time + gap + wanted.min(NAME);
    let time = if is_roomy { time } else { 0 };
    room -= if time > 0 { time + gap } else { 0 };
    let mut name = wanted.min(room);
    room -= name;
    let mut take = |columns: usize| {
        let fits = columns > 0 && is_roomy && room >= columns + gap;
        room -= if fits { columns + gap } else { 0 };
        fits
    };
    let place = if all >= WIDE { PLACE } else { widest.data_center };
    let place = if take(place) { place } else { 0 };
    let mut account = widest.account;
    if !take(account) {
        account = if take(account.min(ACCOUNT)) { account.min(ACCOUNT) } else { 0 };
    }
    // How much is left is told apart at a glance by bars, and when that was refreshed is among the details.
    let mut bar = if time > 0 && take(SHORT_BAR + 1 - gap) { SHORT_BAR } else { 0 };
    let mut refreshed = if widest.is_any_refreshed && take(REFRESHED) { REFRESHED } else { 0 };
    let mut grow = |columns: &mut usize, most: usize| {
        let more = most.saturating_sub(*columns).min(room);
        if *columns > 0 {
            *columns += more;
            room -= more;
        }
    };
    grow(&mut account, widest.account.max("ACCOUNT".len()));
    grow(&mut refreshed, LONG_REFRESHED);
    grow(&mut bar, LONG_BAR);
    grow(&mut name, wanted + 4);
    grow(&mut account, widest.account + 4);
    let place_cell = if all >= WIDE { Cell::Place } else { Cell::DataCenter };
    let left = if bar > 0 { time + 1 + bar } else { time };
    // The name may have all that nothing else needs.
    if !is_roomy {
        name += room;
    }
    let cells = [
        (Cell::Name, name),
        (Cell::Account, account),
        (place_cell, place),
        (Cell::State, state),
        (Cell::Left, left),
        (Cell::Refreshed, refreshed),
    ];
    let cells = cells.into_iter().filter(|(_, columns)| *columns > 0).map(|(cell, columns)| (cell, columns, gap));
    std::iter::once((Cell::Cursor, margin, 0)).chain(cells).collect()
}

fn cells(around: &Surroundings, panel: &ProfilesPanel, all: u16) -> Vec<(Cell, usize, usize)> {
    columns(all, panel.table.widest(), width(around.theme.symbol(Mark::NeedsSignIn)))
}

/// Whether a list of this width tells when each profile was refreshed.
pub(super) fn tells_refreshes(around: &Surroundings, panel: &ProfilesPanel, all: u16) -> bool {
    cells(around, panel, all).iter().any(|(cell, ..)| *cell == Cell::Refreshed)
}

/// The columns that a time needs which is as long as this one at most.
fn time_columns(longest: Duration) -> usize {
    match longest {
        Duration::ZERO => 0,
        longest if longest <= SHORT => TIME,
        longest => LONG_TIME.max(width(&left_in_words(longest, Motion::Full))),
    }
}

/// Draws the names of the columns and every row in sight.
pub(super) fn draw(around: &Surroundings, panel: &ProfilesPanel, layout: &Layout, now: Now, frame: &mut Frame<'_>) {
    let Some(area) = layout.list.filter(|area| !area.is_empty()) else { return };
    let columns = cells(around, panel, area.width);
    let time = time_columns(panel.table.widest().left);
    let names = columns.iter().map(|(cell, columns, gap)| {
        let name = vec![Span::styled(title(*cell, *columns, time), around.theme.label)];
        fitted(name, *columns, *gap, around.theme.cut())
    });
    frame.buffer_mut().set_line(area.x, area.y, &names.flatten().collect(), area.width);
    let list = layout.table(panel);
    if list.in_sight().is_empty() && area.height > 1 && !panel.statuses.is_empty() {
        let text = format!("  No profile matches. {} shows all.", around.key(Scope::Profiles, Command::Back));
        let text = cut(&text, usize::from(area.width), around.theme.cut());
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

fn title(cell: Cell, columns: usize, time: usize) -> String {
    match cell {
        Cell::Cursor => String::new(),
        Cell::Name => "PROFILE".to_owned(),
        Cell::Account => "ACCOUNT".to_owned(),
        Cell::Place => "PROVIDER".to_owned(),
        Cell::DataCenter => "DC".to_owned(),
        Cell::State if columns < WORD => String::new(),
        Cell::State => "STATE".to_owned(),
        Cell::Left => format!("{:>time$}", "LEFT"),
        Cell::Refreshed => "REFRESHED".to_owned(),
    }
}

/// One profile as a line.
fn row_of(
    around: &Surroundings,
    panel: &ProfilesPanel,
    status: &ProfileStatus,
    is_selected: bool,
    columns: &[(Cell, usize, usize)],
    now: Now,
) -> Line<'static> {
    let theme = &around.theme;
    let (mark, word) = standing(panel, status, now);
    let style = if mark == Mark::Off { theme.faint } else { theme.text };
    let cells = columns.iter().map(|(cell, columns, gap)| {
        let spans = match cell {
            Cell::Cursor => {
                let margin = " ".repeat(columns.saturating_sub(2));
                vec![Span::styled(margin + if is_selected { theme.cursor() } else { " " }, theme.accent)]
            }
            Cell::Name => {
                let mark = default_mark(status, &around.config);
                let name = cut(status.name.as_str(), columns.saturating_sub(mark.len()), theme.cut());
                vec![Span::styled(name + mark, style)]
            }
            Cell::Account => {
                let label = status.account.as_ref().map(|account| shown(account.label())).unwrap_or_default();
                vec![Span::styled(label, style)]
            }
            Cell::Place => vec![Span::styled(place(around, status, *columns), style)],
            Cell::DataCenter => vec![Span::styled(data_center(status), style)],
            Cell::State if *columns < WORD => vec![theme.mark(mark)],
            Cell::State => vec![Span::styled(format!("{} {word}", theme.symbol(mark)), theme.mark_style(mark))],
            Cell::Left => left(around, panel, status, *columns, now),
            Cell::Refreshed => vec![refreshed(around, status, *columns, style, now)],
        };
        fitted(spans, *columns, *gap, theme.cut())
    });
    cells.flatten().collect()
}

/// Cut and padded to its columns, with the gap after it.
fn fitted(spans: Vec<Span<'static>>, columns: usize, gap: usize, sign: &str) -> Vec<Span<'static>> {
    let mut room = columns;
    let mut fitted = Vec::with_capacity(spans.len() + 1);
    for span in spans {
        let text = cut(&span.content, room, sign);
        room -= width(&text).min(room);
        fitted.push(Span::styled(text, span.style));
    }
    fitted.push(Span::raw(" ".repeat(room + gap)));
    fitted
}

/// `52:10 ━━━━━━──`, the time at the right end of its columns.
fn left(
    around: &Surroundings,
    panel: &ProfilesPanel,
    status: &ProfileStatus,
    columns: usize,
    now: Now,
) -> Vec<Span<'static>> {
    let left = status.remaining(now.time);
    if left.is_zero() || panel.under_way.contains_key(&status.name) {
        return Vec::new();
    }
    let time = time_columns(panel.table.widest().left);
    let clock = Span::raw(format!("{:>time$}", left_in_words(left, around.motion)));
    let bar = status.access_token_life.filter(|_| columns > time).map(|total| {
        let (mark, _) = state_in_words(status, now.time);
        let gauge = Gauge { remaining: told(left, around.motion), total, mark, theme: &around.theme };
        gauge.spans(u16::try_from(columns - time - 1).unwrap_or(0))
    });
    let bar = bar.into_iter().flat_map(|bar| std::iter::once(Span::raw(" ")).chain(bar));
    std::iter::once(clock).chain(bar).collect()
}

/// The provider, cut for the sake of its data center.
fn place(around: &Surroundings, status: &ProfileStatus, room: usize) -> String {
    let code = data_center(status);
    let name = shown(provider(around, status));
    if code.is_empty() {
        return name;
    }
    format!("{} {code}", cut(&name, room.saturating_sub(width(&code) + 1), around.theme.cut()))
}

/// When the last refresh was, or how long to wait for one.
fn refreshed(around: &Surroundings, status: &ProfileStatus, room: usize, style: Style, now: Now) -> Span<'static> {
    let theme = &around.theme;
    if let Some(at) = status.waits_until(now.time) {
        return Span::styled(format!("wait {}", around.time_left(now.until(at))), theme.attention);
    }
    let Some(last) = &status.last_refresh else { return Span::raw("") };
    let when = when(last.at, now);
    if last.error.is_none() {
        return Span::styled(when, theme.faint);
    }
    let failed = format!("failed {when}");
    Span::styled(if width(&failed) <= room { failed } else { "failed".to_owned() }, style)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cell, Widest, columns, left_in_words, time_columns, width};
    use crate::config::Motion;

    const TOLD: Widest =
        Widest { name: 10, account: 24, data_center: 2, left: Duration::from_secs(3000), is_any_refreshed: true };

    fn columns_of(told: &[(Cell, usize, usize)], cell: Cell) -> usize {
        told.iter().find(|(told, ..)| *told == cell).map_or(0, |(_, columns, _)| *columns)
    }

    #[test]
    fn at_every_width_the_columns_fit_and_the_name_goes_last() {
        for width in 1..=300 {
            for name in [3, 7, 12, 20, 64] {
                let told = columns(width, Widest { name, ..TOLD }, 1);
                let all: usize = told.iter().map(|(_, columns, gap)| columns + gap).sum();
                assert!(all <= usize::from(width), "{width}: {told:?}");
                assert!(width < 14 || columns_of(&told, Cell::State) > 0, "{width}");
                let others = [Cell::Account, Cell::Left, Cell::Refreshed].map(|cell| columns_of(&told, cell));
                let is_cut = columns_of(&told, Cell::Name) < name;
                assert!(!is_cut || others[0] == 0 && others[2] == 0, "{width} {name}: {told:?}");
                assert!(!is_cut || others[1] == 0 || columns_of(&told, Cell::Name) >= 16, "{width} {name}: {told:?}");
            }
        }
    }

    #[test]
    fn bars_come_before_the_time_of_the_last_refresh() {
        for width in 56..=160 {
            for account in [0, 12, 16, 20, 24, 40] {
                let told = columns(width, Widest { account, ..TOLD }, 1);
                let has_bar = columns_of(&told, Cell::Left) > time_columns(TOLD.left);
                assert!(has_bar || columns_of(&told, Cell::Refreshed) == 0, "{width} {account}: {told:?}");
            }
        }
    }

    #[test]
    fn what_no_profile_has_takes_no_columns() {
        for (nothing, empty) in [
            (Widest { account: 0, ..TOLD }, Cell::Account),
            (Widest { data_center: 0, ..TOLD }, Cell::DataCenter),
            (Widest { left: Duration::ZERO, ..TOLD }, Cell::Left),
            (Widest { is_any_refreshed: false, ..TOLD }, Cell::Refreshed),
        ] {
            for cell in [Cell::Account, Cell::DataCenter, Cell::Left, Cell::Refreshed] {
                assert_eq!(columns_of(&columns(90, nothing, 1), cell) == 0, cell == empty, "{empty:?}: {cell:?}");
            }
            // What it leaves is the name's.
            let name = |widest: Widest| columns_of(&columns(50, Widest { name: 40, ..widest }, 1), Cell::Name);
            assert!(name(nothing) >= name(TOLD), "{empty:?}");
        }
    }

    #[test]
    fn a_time_has_room_from_when_it_is_read_to_its_end() {
        const HOUR: u64 = 3_600_000;
        for longest in
            [1, 59_500, HOUR - 1_001, HOUR - 1_000, HOUR - 500, HOUR, 9 * HOUR, 10 * HOUR, 30 * HOUR, 90_000 * HOUR]
        {
            let room = time_columns(Duration::from_millis(longest));
            for passed in [0, 1, 500, longest / 2, longest - longest / 3, longest - longest / 50] {
                let left = Duration::from_millis(longest.saturating_sub(passed));
                for motion in [Motion::Full, Motion::Reduced] {
                    let told = left_in_words(left, motion);
                    assert!(width(&told) <= room, "{longest}: {told:?} in {room} columns");
                }
            }
        }
    }
}
