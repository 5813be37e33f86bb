//! How the profiles look: a list, the selected one in detail, and under both what went wrong.
//!
//! Everything fits any size: the list keeps the selected row in sight, the details are cut and can have the whole body.
//! A frame costs what is in sight, however many profiles there are.

mod below;
mod details;
mod layout;
mod list;
mod words;

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use details::Details;
pub(super) use layout::Layout;

use super::ProfilesPanel;
use super::words::{Standing, count};
use crate::service::ProfileStatus;
use crate::tui::chrome::{beside_title, command_of_more, more_keys};
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{draw_lines, shown};
use crate::tui::panel::Title;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, width};
use crate::tui::theme::Mark;
use crate::untrusted::visible;

/// The name of the panel.
const TITLE: &str = "Profiles";

/// Between two counts.
const GAP: &str = "  ";
/// From here on there is a margin on both sides of the details.
const AIRY: u16 = 56;

/// How many profiles stand how, and on the right which are in sight and in which order: as much of that as has room.
pub(super) fn title(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> Title {
    let (counts, about) = head(around, panel, now);
    Title { name: TITLE, counts, about: Span::styled(about, around.theme.label) }
}

fn head(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> (Vec<Span<'static>>, String) {
    let all = panel.statuses.len();
    let profiles = if all == 1 { "1 profile".to_owned() } else { format!("{} profiles", count(all)) };
    if all == 0 {
        return (Vec::new(), String::new());
    }
    if !panel.is_loaded {
        return (Vec::new(), format!("reading {profiles} ..."));
    }
    let mut standings = Standings::new();
    for status in &panel.statuses {
        *standings.entry(Standing::of(status, now.time)).or_default() += 1;
    }
    let counts = [
        counts_in_words(around, &standings),
        counts_of_marks(around, &standings, " "),
        counts_of_marks(around, &standings, ""),
        Vec::new(),
    ];
    let order = if all > 1 { panel.table.sorted_in_words().to_owned() } else { String::new() };
    let rights = match in_sight(around, panel, now) {
        Some([range, short]) if order.is_empty() => [range.clone(), range, short],
        Some([range, short]) => [[range.as_str(), &order].join(around.theme.separator()), range, short],
        None => [order, String::new(), String::new()],
    };
    let room = beside_title(TITLE, around.window.width);
    let columns = |counts: &[Span<'_>]| counts.iter().map(Span::width).sum::<usize>();
    let ways = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (3, 2)];
    let fits = |(left, right): &(usize, usize)| {
        let (left, right) = (columns(&counts[*left]), width(&rights[*right]));
        // The gap at the end of the left one is for the right one.
        if right == 0 { left.saturating_sub(GAP.len()) <= room } else { left + right <= room }
    };
    let (left, right) = ways.into_iter().find(fits).unwrap_or((3, 2));
    (counts[left].clone(), rights[right].clone())
}

/// How many profiles stand how.
type Standings = BTreeMap<Standing, usize>;

/// `1 sign in again  2 valid`.
fn counts_in_words(around: &Surroundings, standings: &Standings) -> Vec<Span<'static>> {
    let told = standings.iter().map(|(standing, number)| (standing.in_words(), *number));
    told.flat_map(|((mark, word), number)| {
        [Span::styled(format!("{} {word}", count(number)), around.theme.mark_style(mark)), Span::raw(GAP)]
    })
    .collect()
}

/// The same where there is little room: `✗ 1  ✓ 2`, or `✗1 ✓2`.
fn counts_of_marks(around: &Surroundings, standings: &Standings, air: &str) -> Vec<Span<'static>> {
    let marks = [Mark::NeedsSignIn, Mark::Attention, Mark::Good, Mark::Off];
    let number =
        |mark| standings.iter().filter(|(standing, _)| standing.in_words().0 == mark).map(|(_, number)| number).sum();
    let told = marks.map(|mark| (mark, number(mark))).into_iter().filter(|(_, number)| *number > 0);
    let gap = if air.is_empty() { " " } else { GAP };
    told.flat_map(|(mark, number)| {
        let text = format!("{}{air}{}", around.theme.symbol(mark), count(number));
        [Span::styled(text, around.theme.mark_style(mark)), Span::raw(gap)]
    })
    .collect()
}

/// `11-20 of 30` where the list is longer than its rows, and `15/30` for less room.
fn in_sight(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> Option<[String; 2]> {
    let (table, layout) = (&panel.table, Layout::of(around, panel, now));
    let (sight, shown) = (layout.table(panel).in_sight(), table.order().len());
    let is_filtered = table.filter().is_some();
    let position = format!("{}/{}", count(table.cursor() + 1), count(shown));
    if layout.list.is_none() || sight.len() >= shown {
        let found = format!("{} of {}", count(shown), count(panel.statuses.len()));
        return is_filtered.then(|| [found.clone(), found]);
    }
    let found = if is_filtered { " found" } else { "" };
    Some([format!("{}-{} of {}{found}", count(sight.start + 1), count(sight.end), count(shown)), position])
}

/// Draws the panel.
pub(super) fn view(around: &Surroundings, panel: &ProfilesPanel, now: Now, frame: &mut Frame<'_>) {
    if panel.statuses.is_empty() {
        // The welcome is there, or about to be.
        return;
    }
    let layout = Layout::of(around, panel, now);
    draw_filter(around, panel, &layout, frame);
    list::draw(around, panel, &layout, now, frame);
    if let (Some(area), Some(status)) = (layout.details, panel.selected()) {
        detail(around, panel, status, now, panel.detail_scroll.unwrap_or_default(), area, frame);
    }
    if let Some(area) = layout.keys {
        more_keys(around, panel, area, frame);
    }
    draw_lines(&layout.below_lines, layout.below, frame);
}

/// The row of the table at a place on the screen.
pub(super) fn row_at(around: &Surroundings, panel: &ProfilesPanel, at: Position, now: Now) -> Option<usize> {
    Layout::of(around, panel, now).table(panel).at(at)
}

/// The command whose key stands at a place of the panel.
pub(super) fn command_at(around: &Surroundings, panel: &ProfilesPanel, at: Position, now: Now) -> Option<Command> {
    Layout::of(around, panel, now).keys.filter(|keys| keys.contains(at))?;
    command_of_more(around, panel, at.x)
}

/// The rows that the details need in an area of this width, the rule above them included.
fn rows_of_details(around: &Surroundings, panel: &ProfilesPanel, now: Now, columns: u16) -> u16 {
    let inner = below_rule(Rect { width: columns, height: 2, ..Rect::default() });
    let lines = panel.selected().map_or(0, |status| Details::of(around, panel, status, now, inner.width).lines.len());
    u16::try_from(lines + 1).unwrap_or(u16::MAX)
}

/// All rows of the details, and those that are in sight when they have the whole body.
pub(super) fn detail_rows(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> (usize, usize) {
    let (Some(status), Some(area)) = (panel.selected(), Layout::of(around, panel, now).details) else { return (0, 0) };
    let inner = below_rule(area);
    (Details::of(around, panel, status, now, inner.width).lines.len(), usize::from(inner.height))
}

/// The line in which a filter is typed, or that says what is left out.
fn draw_filter(around: &Surroundings, panel: &ProfilesPanel, layout: &Layout, frame: &mut Frame<'_>) {
    let (Some(area), Some(field)) = (layout.filter, panel.table.filter()) else { return };
    let is_typing = panel.table.is_typing();
    let prompt = " / ";
    let hint = if is_typing {
        let key = |command| around.key(Scope::Typing, command);
        format!("{} keep  {} show all", key(Command::Choose), key(Command::Back))
    } else {
        format!("{} shows all", around.key(Scope::Profiles, Command::Back))
    };
    let indent = u16::try_from(prompt.len()).unwrap_or(0).min(area.width);
    frame.buffer_mut().set_stringn(area.x, area.y, prompt, usize::from(indent), around.theme.shortcut);
    let typed = Rect { x: area.x + indent, width: area.width - indent, ..area };
    field.draw(&around.theme, around.theme.text, is_typing, typed, frame);
    if width(&visible(&field.text())) + hint.len() + 3 <= usize::from(typed.width) {
        let at = area.right().saturating_sub(u16::try_from(hint.len() + 1).unwrap_or(0));
        frame.buffer_mut().set_string(at, area.y, &hint, around.theme.faint);
    }
}

/// Where the lines of the details are: below a rule.
fn below_rule(area: Rect) -> Rect {
    let (left, right) = if area.width >= AIRY { (3, 1) } else { (1, 0) };
    Rect {
        x: area.x + left.min(area.width),
        y: area.y + area.height.min(1),
        width: area.width.saturating_sub(left + right),
        height: area.height.saturating_sub(1),
    }
}

fn detail(
    around: &Surroundings,
    panel: &ProfilesPanel,
    status: &ProfileStatus,
    now: Now,
    scroll: u16,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let inner = below_rule(area);
    if inner.is_empty() {
        return;
    }
    let details = Details::of(around, panel, status, now, inner.width).spaced_in(usize::from(inner.height));
    let lines = details.lines.get(usize::from(scroll)..).unwrap_or_default();
    let is_whole = panel.detail_scroll.is_some();
    let hint = match lines.len() > usize::from(inner.height) {
        true if is_whole => Some((Command::Down, "more")),
        true => Some((Command::Choose, "all of it")),
        false => None,
    };
    rule(around, status.name.as_str(), hint, area, frame);
    draw_lines(lines, inner, frame);
    if is_whole {
        // Screen readers and braille displays follow the cursor.
        frame.set_cursor_position(inner.as_position());
    }
}

/// A thin line with a name in it, and with a key at its end.
fn rule(around: &Surroundings, name: &str, key: Option<(Command, &str)>, area: Rect, frame: &mut Frame<'_>) {
    let theme = &around.theme;
    let line = theme.border_set().horizontal_top;
    let margin = u16::from(area.width >= AIRY);
    let columns = area.width.saturating_sub(2 * margin);
    let room = usize::from(columns);
    let dashes = |count: usize| Span::styled(line.repeat(count), theme.border);
    let name = cut(name, room.saturating_sub(6), theme.cut());
    let key = key.map(|(command, does)| (around.key(Scope::Profiles, command), does));
    let taken = key.as_ref().map_or(0, |(key, does)| width(key) + does.len() + 5);
    let middle = room.saturating_sub(width(&name) + 4);
    let (middle, key) = if middle > taken { (middle - taken, key) } else { (middle, None) };
    let mut spans = vec![dashes(2), Span::styled(format!(" {name} "), theme.focus), dashes(middle)];
    if let Some((key, does)) = key {
        let key = Span::styled(format!(" {key}"), theme.shortcut);
        spans.extend([key, Span::styled(format!(" {does} "), theme.label), dashes(2)]);
    }
    frame.buffer_mut().set_line(area.x + margin, area.y, &spans.into(), columns);
}

/// What people call the provider of a profile.
fn provider<'a>(around: &'a Surroundings, status: &'a ProfileStatus) -> &'a str {
    around.config.profiles.get(&status.name).map_or(&status.provider, |profile| around.config.provider_label(profile))
}

fn data_center(status: &ProfileStatus) -> String {
    status.data_center.as_deref().map(shown).unwrap_or_default().to_uppercase()
}
