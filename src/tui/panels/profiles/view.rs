//! How the profiles look: a list, the selected one in detail, and under both what went wrong.
//!
//! Everything fits any size: the list keeps the selected row in sight, the details are cut and can have the whole body.
//! A frame costs what is in sight, however many profiles there are.

mod below;
mod details;
mod layout;
mod list;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use details::Details;
pub(super) use layout::Layout;

use super::ProfilesPanel;
use super::words::count;
use crate::service::ProfileStatus;
use crate::tui::chrome::{body, command_of_more, more_keys};
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::{draw_lines, shown};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{width, wrap};
use crate::tui::widgets::gauge::Gauge;
use crate::untrusted::visible;

/// From here on the details have a whole box.
const WIDE: u16 = 72;

/// Columns of the title line that are taken already.
const TITLE: usize = 28;

/// Which profiles are in sight, how many there are, how many want a person, and in which order they are; as much of that as has room.
pub(super) fn title(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> String {
    let all = panel.statuses.len();
    let (separator, room) = (around.theme.separator(), usize::from(around.window.width).saturating_sub(TITLE));
    let profiles = if all == 1 { "1 profile".to_owned() } else { format!("{} profiles", count(all)) };
    let shown = panel.table.order().len();
    let first = match panel.table.filter() {
        _ if all == 0 => return String::new(),
        _ if !panel.is_loaded => return format!("reading {profiles} ..."),
        Some(_) => in_sight(around, panel, now, room).unwrap_or_else(|| format!("{} of {}", count(shown), count(all))),
        None => in_sight(around, panel, now, room).unwrap_or(profiles),
    };
    let wanting = match panel.wanting(now.time) {
        0 => None,
        1 => Some("1 needs sign-in".to_owned()),
        wanting => Some(format!("{} need sign-in", count(wanting))),
    };
    let order = (all > 1).then(|| panel.table.sorted_in_words().to_owned());
    wanting.into_iter().chain(order).fold(first, |title, part| {
        let longer = format!("{title}{separator}{part}");
        if width(&longer) <= room { longer } else { title }
    })
}

/// `11-20 of 30` where the list is longer than its rows, or `15/30` in less room.
fn in_sight(around: &Surroundings, panel: &ProfilesPanel, now: Now, room: usize) -> Option<String> {
    let (table, layout) = (&panel.table, Layout::of(around, panel, now));
    let (sight, all) = (layout.table(panel).in_sight(), table.order().len());
    if layout.list.is_none() || sight.len() >= all {
        return None;
    }
    let found = if table.filter().is_some() { " found" } else { "" };
    let range = format!("{}-{} of {}{found}", count(sight.start + 1), count(sight.end), count(all));
    [range, format!("{}/{}", count(table.cursor() + 1), count(all))].into_iter().find(|text| width(text) <= room)
}

/// Draws the panel.
pub(super) fn view(around: &Surroundings, panel: &ProfilesPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    if panel.statuses.is_empty() {
        return nothing(around, area, frame);
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

/// All rows of the details, and those that are in sight when they have the whole body.
pub(super) fn detail_rows(around: &Surroundings, panel: &ProfilesPanel, now: Now) -> (usize, usize) {
    let (Some(status), Some(area)) = (panel.selected(), Layout::of(around, panel, now).details) else { return (0, 0) };
    let inner = block(around, status, area.width).inner(area);
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
    field.draw(around.theme.text, is_typing, typed, frame);
    if width(&visible(&field.text())) + hint.len() + 3 <= usize::from(typed.width) {
        let at = area.right().saturating_sub(u16::try_from(hint.len() + 1).unwrap_or(0));
        frame.buffer_mut().set_string(at, area.y, &hint, around.theme.faint);
    }
}

/// No profile to show, and what to do about it.
fn nothing(around: &Surroundings, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.width.saturating_sub(2));
    let (add, enter) = (around.key(Scope::Profiles, Command::AddProfile), around.key(Scope::Profiles, Command::Choose));
    let add = format!("Press {add} or {enter} to add one: a few questions, then you sign in.");
    let leave = format!(
        "Or leave with {} and try everything out without an account:",
        around.key(Scope::Profiles, Command::Quit)
    );
    let paragraphs = [
        ("No profile is configured yet.", around.theme.title),
        (&add, around.theme.text),
        (&leave, around.theme.text),
        ("device-login demo", around.theme.code),
    ];
    let lines: Vec<Line<'_>> = paragraphs
        .iter()
        .flat_map(|(text, style)| wrap(text, room).into_iter().map(|line| Line::styled(format!(" {line}"), *style)))
        .collect();
    let top = u16::from(area.height > 6);
    draw_lines(&lines, Rect { y: area.y + top, height: area.height - top, ..area }, frame);
}

fn block<'a>(around: &Surroundings, status: &'a ProfileStatus, columns: u16) -> Block<'a> {
    // Beside the list the box is what keeps the two apart.
    let is_beside = columns < body(around.window).width;
    let borders = if columns >= WIDE || is_beside { Borders::ALL } else { Borders::TOP };
    Block::new()
        .borders(borders)
        .border_set(around.theme.border_set())
        .border_style(around.theme.border)
        .title(Span::styled(format!(" {} ", status.name), around.theme.title))
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
    if area.height < 3 {
        return;
    }
    let block = block(around, status, area.width);
    let details = Details::of(around, panel, status, now, block.inner(area).width);
    let needed = u16::try_from(details.lines.len()).unwrap_or(u16::MAX);
    let is_whole = panel.detail_scroll.is_some();
    let area = if is_whole { area } else { Rect { height: area.height.min(needed.saturating_add(2)), ..area } };
    let inner = block.inner(area);
    block.render(area, frame.buffer_mut());
    let lines = details.lines.get(usize::from(scroll)..).unwrap_or_default();
    draw_lines(lines, inner, frame);
    if is_whole && area.width > 0 && area.height > 0 {
        // Screen readers and braille displays follow the cursor.
        frame.set_cursor_position(Position::new(inner.x, inner.y));
    }
    let hint = match lines.len() > usize::from(inner.height) {
        true if is_whole => format!(" {}: more ", around.key(Scope::Profiles, Command::Down)),
        true => format!(" {}: all of it ", around.key(Scope::Profiles, Command::Choose)),
        false => return,
    };
    let hint_width = u16::try_from(hint.len()).unwrap_or(0);
    if hint_width + 2 + u16::try_from(status.name.as_str().len() + 2).unwrap_or(0) <= area.width {
        let x = area.right() - hint_width - 1;
        frame.buffer_mut().set_string(x, area.y, hint, around.theme.faint);
    }
}

/// A bar as text, of so many columns.
fn gauge(gauge: Gauge<'_>, columns: usize) -> String {
    let (full, empty) = gauge.theme.gauge_symbols();
    let filled = usize::from(gauge.filled(u16::try_from(columns).unwrap_or(0)));
    full.repeat(filled) + &empty.repeat(columns.saturating_sub(filled))
}

/// What people call the provider of a profile.
fn provider<'a>(around: &'a Surroundings, status: &'a ProfileStatus) -> &'a str {
    around.config.profiles.get(&status.name).map_or(&status.provider, |profile| around.config.provider_label(profile))
}

fn data_center(status: &ProfileStatus) -> String {
    status.data_center.as_deref().map(shown).unwrap_or_default().to_uppercase()
}
