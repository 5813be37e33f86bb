//! How the profiles look: a list, below it the selected one in detail, and under both what went wrong.
//!
//! Everything fits any size: the list keeps the selected row in sight, the details are cut and can have the whole body.

mod details;

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use details::Details;

use super::Revealed;
use crate::service::{ProfileStatus, State};
use crate::tui::chrome::body;
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::{causes, draw_lines, sentence, shown};
use crate::tui::text::{ago, clip, countdown, width, wrap};
use crate::tui::theme::Mark;
use crate::tui::widgets::gauge::Gauge;
use crate::untrusted::visible;

/// Columns of a field's name.
const NAME: usize = 16;
/// From here on the details have a whole box and the list all its columns.
const WIDE: u16 = 72;
/// Rows that the details want.
const DETAIL_ROWS: u16 = 14;
/// Columns of the bar.
const BAR: u16 = 30;

/// How many profiles there are, and how many want a person.
pub fn title(model: &Model, now: Now) -> String {
    let statuses = &model.profiles.statuses;
    let wanting = statuses.iter().filter(|status| status.state_at(now.time) == State::NeedsLogin).count();
    let all = match statuses.len() {
        0 => return String::new(),
        1 => "1 profile".to_owned(),
        all => format!("{all} profiles"),
    };
    match wanting {
        0 => all,
        1 => format!("{all}{}1 needs sign-in", model.theme.separator()),
        wanting => format!("{all}{}{wanting} need sign-in", model.theme.separator()),
    }
}

/// Draws the panel.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(status) = model.profiles.selected() else { return nothing(model, area, frame) };
    let (area, below) = split_bottom(area, below(model, now, usize::from(area.width.saturating_sub(2))));
    if let Some(scroll) = model.profiles.detail_scroll {
        detail(model, status, now, scroll, area, frame);
    } else {
        let (list, details) = split(model, area);
        draw_list(model, now, list, frame);
        detail(model, status, now, 0, details, frame);
    }
    let at = Rect { y: area.bottom(), height: u16::try_from(below.len()).unwrap_or(0), ..area };
    draw_lines(&below, at, frame);
}

/// The rows of the list, for moving by a page.
pub(super) fn list_rows(model: &Model) -> usize {
    let (list, _) = split(model, body(model.window));
    usize::from(list.height.saturating_sub(1))
}

/// All rows of the details, and those that are in sight when they have the whole body.
pub(super) fn detail_rows(model: &Model, now: Now) -> (usize, usize) {
    let Some(status) = model.profiles.selected() else { return (0, 0) };
    let inner = block(model, status, body(model.window).width).inner(body(model.window));
    (Details::of(model, status, now, inner.width).lines.len(), usize::from(inner.height))
}

/// The list above, the details below.
fn split(model: &Model, area: Rect) -> (Rect, Rect) {
    let profiles = u16::try_from(model.profiles.statuses.len()).unwrap_or(u16::MAX);
    let room = area.height.saturating_sub(DETAIL_ROWS + 2).max(3);
    // The names of the columns come first.
    let height = profiles.min(room).saturating_add(1).min(area.height);
    let list = Rect { height, ..area };
    let gap = u16::from(area.height >= height + DETAIL_ROWS + 2);
    let top = area.y + height + gap.min(area.height - height);
    (list, Rect { y: top, height: area.bottom().saturating_sub(top).min(DETAIL_ROWS + 8), ..area })
}

/// Gives the lines at the bottom their rows, at most half of all.
fn split_bottom(area: Rect, mut lines: Vec<Line<'_>>) -> (Rect, Vec<Line<'_>>) {
    lines.truncate(usize::from(area.height / 2));
    let height = u16::try_from(lines.len()).unwrap_or(0);
    (Rect { height: area.height - height, ..area }, lines)
}

/// What went wrong, or a token for a moment.
fn below(model: &Model, now: Now, room: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    let mut say = |text: &str, style: Style| {
        lines.extend(wrap(&visible(text), room).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
    };
    if let Some((profile, error)) = &model.profiles.problem {
        let sentence = sentence(error);
        let about = if sentence.contains(profile.as_str()) { String::new() } else { format!("{profile}: ") };
        say(&format!("{} {about}{sentence}", Mark::NeedsSignIn.word()), theme.text);
        if let Some(hint) = &error.hint {
            say(&format!("What helps: {hint}."), theme.text);
        }
        // Below what helps, so that they go first where there is little room.
        if !error.causes.is_empty() {
            say("Likely causes:", theme.label);
            lines.extend(causes(error, room).into_iter().map(|line| Line::styled(format!(" {line}"), theme.text)));
        }
        if let Some(line) = lines.first_mut() {
            *line = marked(model, Mark::NeedsSignIn, line);
        }
        return lines;
    }
    match &model.profiles.revealed {
        Some(Revealed { profile, token, until }) if *until > now.moment => {
            say(&format!("Access token of {profile}, hidden again in a few seconds:"), theme.label);
            say(token.expose(), theme.code);
        }
        _ => {}
    }
    lines
}

/// The same line with the word at its beginning in its style.
fn marked(model: &Model, mark: Mark, line: &Line<'_>) -> Line<'static> {
    let text = line.to_string();
    let rest = text.trim_start().strip_prefix(mark.word()).unwrap_or_default().to_owned();
    Line::from(vec![Span::raw(" "), model.theme.mark(mark), Span::raw(rest)])
}

/// No profile to show: none is read yet, or there is none.
fn nothing(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.width.saturating_sub(2));
    let paragraphs = if model.profiles.is_loaded || model.subjects.is_empty() {
        vec![
            ("No profile is configured yet.", model.theme.title),
            ("Leave with q, then add one:", model.theme.text),
            ("device-login profile add NAME --provider zoho --client-id ID --scopes A,B", model.theme.code),
            ("Or try everything out without an account:", model.theme.text),
            ("device-login demo", model.theme.code),
        ]
    } else {
        vec![("[..] Reading the profiles ...", model.theme.text)]
    };
    let lines: Vec<Line<'_>> = paragraphs
        .iter()
        .flat_map(|(text, style)| wrap(text, room).into_iter().map(|line| Line::styled(format!(" {line}"), *style)))
        .collect();
    let top = u16::from(area.height > 6);
    draw_lines(&lines, Rect { y: area.y + top, height: area.height - top, ..area }, frame);
}

fn draw_list(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(rows) = area.height.checked_sub(1) else { return };
    let columns = Columns::of(area.width);
    let names = columns.line(["  Profile", "Account", "DC", "Token", "Last refresh"].map(Span::raw));
    frame.buffer_mut().set_line(area.x, area.y, &names.style(model.theme.label), area.width);
    let selected = model.profiles.selected_index();
    let first = first_in_sight(selected, usize::from(rows), model.profiles.statuses.len());
    let in_sight = model.profiles.statuses.iter().enumerate().skip(first);
    for (row, (index, status)) in (area.y + 1..area.bottom()).zip(in_sight) {
        let line = columns.line(cells(model, status, index == selected, now));
        frame.buffer_mut().set_line(area.x, row, &line, area.width);
        if index == selected {
            frame.buffer_mut().set_style(Rect { y: row, height: 1, ..area }, model.theme.selected);
            // Screen readers and braille displays follow the cursor.
            frame.set_cursor_position(Position::new(area.x, row));
        }
    }
}

/// The first row to draw, so that the selected one is in the middle where there is more than fits.
fn first_in_sight(selected: usize, rows: usize, all: usize) -> usize {
    selected.saturating_sub(rows / 2).min(all.saturating_sub(rows))
}

/// One profile as a row: marker and name, account, data center, token, last refresh.
fn cells(model: &Model, status: &ProfileStatus, is_selected: bool, now: Now) -> [Span<'static>; 5] {
    let marker = if is_selected { ">" } else { " " };
    let account = status.account.as_ref().map_or_else(String::new, |account| shown(account.label()));
    let (mark, words) = state_in_words(model, status, now);
    let mark_style = model.theme.mark_style(mark);
    let refreshed = status.last_refresh.as_ref().map_or_else(String::new, |last| {
        let when = ago(since(last.at, now));
        if last.error.is_some() { format!("failed {when}") } else { when }
    });
    [
        Span::raw(format!("{marker} {}", status.name)),
        Span::raw(account),
        Span::raw(data_center(status)),
        Span::styled(format!("{} {words}", mark.word()), mark_style),
        Span::raw(refreshed),
    ]
}

/// The widths of the list's columns; 0 hides one.
struct Columns([usize; 5]);

impl Columns {
    fn of(window: u16) -> Self {
        let all = usize::from(window);
        let token = 22;
        match window {
            0..46 => Self([all.saturating_sub(token), 0, 0, token, 0]),
            46..WIDE => Self([all - token - 4, 0, 4, token, 0]),
            _ => {
                let rest = all - token - 4 - 20;
                let name = (rest * 2 / 5).min(24);
                Self([name, rest - name, 4, token, 20])
            }
        }
    }

    fn line(&self, cells: [Span<'static>; 5]) -> Line<'static> {
        let fitted = cells.into_iter().zip(self.0).filter(|(_, columns)| *columns > 0).map(|(cell, columns)| {
            let text = clip(&cell.content, columns.saturating_sub(1));
            let padding = " ".repeat(columns.saturating_sub(width(&text)));
            [Span::styled(text, cell.style), Span::raw(padding)]
        });
        fitted.flatten().collect()
    }
}

/// The word of the state, and the words of what is under way or of the time left.
fn state_in_words(model: &Model, status: &ProfileStatus, now: Now) -> (Mark, String) {
    if let Some((_, work)) = model.profiles.under_way.get(&status.name) {
        return (Mark::Working, work.in_words().to_owned());
    }
    let left = countdown(status.remaining(now.time));
    match status.state_at(now.time) {
        State::Valid => (Mark::Good, format!("valid {left}")),
        State::Expiring => (Mark::Attention, format!("expiring {left}")),
        State::Expired => (Mark::Attention, "expired".to_owned()),
        State::NeedsLogin => (Mark::NeedsSignIn, "sign in again".to_owned()),
        State::SignedOut => (Mark::Attention, "signed out".to_owned()),
        State::Unknown => (Mark::NeedsSignIn, "cannot tell".to_owned()),
    }
}

fn block<'a>(model: &Model, status: &'a ProfileStatus, columns: u16) -> Block<'a> {
    let borders = if columns >= WIDE { Borders::ALL } else { Borders::TOP };
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
    let inner = block.inner(area);
    let details = Details::of(model, status, now, inner.width);
    let needed = u16::try_from(details.lines.len()).unwrap_or(u16::MAX);
    let is_whole = model.profiles.detail_scroll.is_some();
    let area = if is_whole { area } else { Rect { height: area.height.min(needed.saturating_add(2)), ..area } };
    let is_cut = !is_whole && needed > block.inner(area).height;
    let block = if is_cut && area.width >= WIDE {
        block.title_bottom(Span::styled(" Enter: all of it ", model.theme.faint))
    } else {
        block
    };
    let inner = block.inner(area);
    (&block).render(area, frame.buffer_mut());
    // Without a lower border the hint stands on the upper one.
    if is_cut && area.width < WIDE {
        let hint = " Enter: all of it ";
        let x = area.right().saturating_sub(u16::try_from(hint.len()).unwrap_or(0)).max(area.x);
        frame.buffer_mut().set_stringn(x, area.y, hint, usize::from(area.width), model.theme.faint);
    }
    let lines = details.lines.get(usize::from(scroll)..).unwrap_or_default();
    draw_lines(lines, inner, frame);
    let bar_row = details.bar.and_then(|row| row.checked_sub(scroll)).filter(|row| *row < inner.height);
    if let (Some(row), Some(total)) = (bar_row, status.access_token_life) {
        let place = Rect {
            x: inner.x.saturating_add(u16::try_from(NAME + 1).unwrap_or(0)),
            y: inner.y + row,
            width: BAR.min(inner.width.saturating_sub(40)),
            height: 1,
        };
        let gauge = Gauge { remaining: status.remaining(now.time), total, theme: &model.theme };
        gauge.render(place.intersection(inner), frame.buffer_mut());
    }
}

fn data_center(status: &ProfileStatus) -> String {
    status.data_center.as_deref().map(shown).unwrap_or_default().to_uppercase()
}

fn since(then: Timestamp, now: Now) -> Duration {
    Duration::try_from(then.duration_until(now.time)).unwrap_or_default()
}
