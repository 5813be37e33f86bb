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

use super::commands;
use super::words::count;
use crate::service::ProfileStatus;
use crate::tui::chrome::{body, command_of_more, more_keys};
use crate::tui::keymap::Command;
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::{draw_lines, shown};
use crate::tui::text::{width, wrap};
use crate::tui::widgets::gauge::Gauge;
use crate::untrusted::visible;

/// From here on the details have a whole box.
const WIDE: u16 = 72;

/// Columns of the title line that are taken already.
const TITLE: usize = 28;

/// Which profiles are in sight, how many there are, how many want a person, and in which order they are; as much of that as has room.
pub fn title(model: &Model, now: Now) -> String {
    let panel = &model.profiles;
    let all = panel.statuses.len();
    let (separator, room) = (model.theme.separator(), usize::from(model.window.width).saturating_sub(TITLE));
    let profiles = if all == 1 { "1 profile".to_owned() } else { format!("{} profiles", count(all)) };
    let shown = panel.table.order().len();
    let first = match panel.table.filter() {
        _ if all == 0 => return String::new(),
        _ if !panel.is_loaded => return format!("reading {profiles} ..."),
        Some(_) => in_sight(model, now, room).unwrap_or_else(|| format!("{} of {}", count(shown), count(all))),
        None => in_sight(model, now, room).unwrap_or(profiles),
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
fn in_sight(model: &Model, now: Now, room: usize) -> Option<String> {
    let (table, layout) = (&model.profiles.table, Layout::of(model, now));
    let (sight, all) = (layout.in_sight(model), table.order().len());
    if layout.list.is_none() || sight.len() >= all {
        return None;
    }
    let found = if table.filter().is_some() { " found" } else { "" };
    let range = format!("{}-{} of {}{found}", count(sight.start + 1), count(sight.end), count(all));
    [range, format!("{}/{}", count(table.cursor() + 1), count(all))].into_iter().find(|text| width(text) <= room)
}

/// Draws the panel.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    if model.profiles.statuses.is_empty() {
        return nothing(model, area, frame);
    }
    let layout = Layout::of(model, now);
    draw_filter(model, &layout, frame);
    list::draw(model, &layout, now, frame);
    if let (Some(area), Some(status)) = (layout.details, model.profiles.selected()) {
        detail(model, status, now, model.profiles.detail_scroll.unwrap_or_default(), area, frame);
    }
    if let Some(area) = layout.keys {
        more_keys(model, &commands(model), area, frame);
    }
    draw_lines(&layout.below_lines, layout.below, frame);
}

/// The row of the table at a place on the screen.
pub(super) fn row_at(model: &Model, at: Position, now: Now) -> Option<usize> {
    list::row_at(model, &Layout::of(model, now), at)
}

/// The command whose key stands at a place of the panel.
pub(super) fn command_at(model: &Model, at: Position, now: Now) -> Option<Command> {
    Layout::of(model, now).keys.filter(|keys| keys.contains(at))?;
    command_of_more(model, &commands(model), at.x)
}

/// All rows of the details, and those that are in sight when they have the whole body.
pub(super) fn detail_rows(model: &Model, now: Now) -> (usize, usize) {
    let (Some(status), Some(area)) = (model.profiles.selected(), Layout::of(model, now).details) else { return (0, 0) };
    let inner = block(model, status, area.width).inner(area);
    (Details::of(model, status, now, inner.width).lines.len(), usize::from(inner.height))
}

/// The line in which a filter is typed, or that says what is left out.
fn draw_filter(model: &Model, layout: &Layout, frame: &mut Frame<'_>) {
    let (Some(area), Some(field)) = (layout.filter, model.profiles.table.filter()) else { return };
    let is_typing = model.profiles.table.is_typing();
    let prompt = " / ";
    let hint = if is_typing {
        "Enter keep  Esc show all".to_owned()
    } else {
        format!("{} shows all", model.key(Command::Back))
    };
    let indent = u16::try_from(prompt.len()).unwrap_or(0).min(area.width);
    frame.buffer_mut().set_stringn(area.x, area.y, prompt, usize::from(indent), model.theme.shortcut);
    let typed = Rect { x: area.x + indent, width: area.width - indent, ..area };
    field.draw(model.theme.text, is_typing, typed, frame);
    if width(&visible(&field.text())) + hint.len() + 3 <= usize::from(typed.width) {
        let at = area.right().saturating_sub(u16::try_from(hint.len() + 1).unwrap_or(0));
        frame.buffer_mut().set_string(at, area.y, &hint, model.theme.faint);
    }
}

/// No profile to show, and what to do about it.
fn nothing(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.width.saturating_sub(2));
    let (add, enter) = (model.key(Command::AddProfile), model.key(Command::Choose));
    let add = format!("Press {add} or {enter} to add one: a few questions, then you sign in.");
    let leave = format!("Or leave with {} and try everything out without an account:", model.key(Command::Quit));
    let paragraphs = [
        ("No profile is configured yet.", model.theme.title),
        (&add, model.theme.text),
        (&leave, model.theme.text),
        ("device-login demo", model.theme.code),
    ];
    let lines: Vec<Line<'_>> = paragraphs
        .iter()
        .flat_map(|(text, style)| wrap(text, room).into_iter().map(|line| Line::styled(format!(" {line}"), *style)))
        .collect();
    let top = u16::from(area.height > 6);
    draw_lines(&lines, Rect { y: area.y + top, height: area.height - top, ..area }, frame);
}

fn block<'a>(model: &Model, status: &'a ProfileStatus, columns: u16) -> Block<'a> {
    // Beside the list the box is what keeps the two apart.
    let is_beside = columns < body(model.window).width;
    let borders = if columns >= WIDE || is_beside { Borders::ALL } else { Borders::TOP };
    Block::new()
        .borders(borders)
        .border_set(model.theme.border_set())
        .border_style(model.theme.border)
        .title(Span::styled(format!(" {} ", status.name), model.theme.title))
}

fn detail(model: &Model, status: &ProfileStatus, now: Now, scroll: u16, area: Rect, frame: &mut Frame<'_>) {
    if area.height < 3 {
        return;
    }
    let block = block(model, status, area.width);
    let details = Details::of(model, status, now, block.inner(area).width);
    let needed = u16::try_from(details.lines.len()).unwrap_or(u16::MAX);
    let is_whole = model.profiles.detail_scroll.is_some();
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
        true if is_whole => format!(" {}: more ", model.key(Command::Down)),
        true => format!(" {}: all of it ", model.key(Command::Choose)),
        false => return,
    };
    let hint_width = u16::try_from(hint.len()).unwrap_or(0);
    if hint_width + 2 + u16::try_from(status.name.as_str().len() + 2).unwrap_or(0) <= area.width {
        let x = area.right() - hint_width - 1;
        frame.buffer_mut().set_string(x, area.y, hint, model.theme.faint);
    }
}

/// A bar as text, of so many columns.
fn gauge(gauge: Gauge<'_>, columns: usize) -> String {
    let (full, empty) = gauge.theme.gauge_symbols();
    let filled = usize::from(gauge.filled(u16::try_from(columns).unwrap_or(0)));
    full.repeat(filled) + &empty.repeat(columns.saturating_sub(filled))
}

/// What people call the provider of a profile.
fn provider<'a>(model: &'a Model, status: &'a ProfileStatus) -> &'a str {
    model.config.profiles.get(&status.name).map_or(&status.provider, |profile| model.config.provider_label(profile))
}

fn data_center(status: &ProfileStatus) -> String {
    status.data_center.as_deref().map(shown).unwrap_or_default().to_uppercase()
}
