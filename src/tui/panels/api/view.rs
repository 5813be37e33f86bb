//! How the API panel looks: the requests on the left, the one with the cursor and the answer on the right; one pane at
//! a time where there is no room for two.
//!
//! `update` asks here for the rows of a pane, so that both agree on them.

mod form;

use form::draw_form;
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use super::answer::{Exchange, Reply, Side, bytes_in_words, reason};
use super::{ApiPanel, Catalogue, Focus};
use crate::error::Error;
use crate::tui::chrome::body;
use crate::tui::model::{Model, Now};
use crate::tui::panels::lines::{causes, draw_lines, numbered, sentence, shown};
use crate::tui::text::{ago, clip, width, wrap};
use crate::tui::theme::Mark;
use crate::tui::widgets::json_view::JsonPane;
use crate::untrusted::visible;

/// From here on both panes are side by side.
const WIDE: u16 = 72;
/// Rows of the request above the answer, its box included.
const REQUEST_ROWS: u16 = 4;
/// From here on there is room for the request above the answer.
const TALL: u16 = 14;
const LACKS_SCOPE: &str = "no scope";

/// The profile and its data center.
pub fn title(model: &Model) -> String {
    let Some(panel) = &model.api else { return String::new() };
    let code = panel.test_calls().map(|known| known.data_center.code.to_uppercase()).filter(|code| !code.is_empty());
    let parts: Vec<String> = std::iter::once(format!("profile {}", panel.profile)).chain(code).collect();
    parts.join(model.theme.separator())
}

/// Draws the panel.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(panel) = &model.api else { return };
    let places = Panes::of(panel, area);
    if let Some(list) = places.list {
        draw_list(model, panel, list, frame);
    }
    if let Some(request) = places.request {
        draw_request(model, panel, request, frame);
    }
    let Some(right) = places.right else { return };
    match panel.focus {
        Focus::Form => draw_form(model, &panel.form, right, frame),
        Focus::History => draw_history(model, panel, now, right, frame),
        Focus::Requests | Focus::Answer | Focus::Query => draw_answer(model, panel, right, frame),
    }
}

/// The room that the answer's text has, for moving by a page and for keeping its cursor in sight.
pub(super) fn text_size(model: &Model) -> Size {
    let Some(panel) = &model.api else { return Size::ZERO };
    let right = Panes::of(panel, body(model.window)).right;
    right.map_or(Size::ZERO, |right| {
        Pane::of(model, panel, block(model, "", right.width, true).inner(right)).text.as_size()
    })
}

/// The rows of the list.
pub(super) fn list_rows(model: &Model) -> usize {
    let list = model.api.as_ref().and_then(|panel| Panes::of(panel, body(model.window)).list);
    list.map_or(0, |list| usize::from(list.height.saturating_sub(2)))
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
        let has_request = area.height >= TALL && panel.focus != Focus::Form;
        if area.width < WIDE {
            let is_list = panel.focus == Focus::Requests;
            let rows = if is_list && area.height > REQUEST_ROWS + 4 { 3 } else { 0 };
            let list = Rect { height: area.height - rows, ..area };
            let request = Rect { y: list.bottom(), height: rows, ..area };
            return Self {
                list: is_list.then_some(list),
                request: (is_list && rows > 0).then_some(request),
                right: (!is_list).then_some(area),
            };
        }
        let columns = (area.width * 2 / 5).clamp(32, 38);
        let list = Rect { width: columns, ..area };
        let right = Rect { x: area.x + columns, width: area.width - columns, ..area };
        let rows = if has_request { REQUEST_ROWS } else { 0 };
        let request = Rect { height: rows, ..right };
        let right = Rect { y: right.y + rows, height: right.height - rows, ..right };
        Self { list: Some(list), request: has_request.then_some(request), right: Some(right) }
    }
}

/// Borders on all sides where there is room, else above only.
fn block<'a>(model: &Model, title: &'a str, columns: u16, has_focus: bool) -> Block<'a> {
    let style = if has_focus { model.theme.focus } else { model.theme.border };
    let borders = if columns >= 36 { Borders::ALL } else { Borders::TOP | Borders::BOTTOM };
    let title = if title.is_empty() { Line::default() } else { Line::styled(format!(" {title} "), model.theme.title) };
    Block::new().borders(borders).border_set(model.theme.border_set()).border_style(style).title(title)
}

fn framed(model: &Model, title: &str, has_focus: bool, area: Rect, frame: &mut Frame<'_>) -> Rect {
    // The mark survives without colours.
    let title = if has_focus { format!("> {title}") } else { title.to_owned() };
    let block = block(model, &title, area.width, has_focus);
    let inner = block.inner(area);
    (&block).render(area, frame.buffer_mut());
    inner
}

fn draw_list(model: &Model, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Requests", panel.focus == Focus::Requests, area, frame);
    let room = usize::from(inner.width);
    let known = match &panel.catalogue {
        Catalogue::Ready(known) => known,
        Catalogue::Loading(_) => return draw_lines(&[Line::raw("[..] Reading the grant ...")], inner, frame),
        Catalogue::Failed(error) => return draw_lines(&error_lines(model, error, room), inner, frame),
    };
    let rows = usize::from(inner.height);
    let first = panel.selected.saturating_sub(rows / 2).min(panel.rows().saturating_sub(rows));
    for (row, index) in (inner.y..inner.bottom()).zip(first..panel.rows()) {
        let (name, note) = match known.calls.get(index) {
            Some(entry) => {
                let note = if entry.is_granted { "" } else { LACKS_SCOPE };
                (format!("{}: {}", entry.product, entry.name), note)
            }
            None => ("Own request".to_owned(), ""),
        };
        let is_selected = index == panel.selected;
        let marker = if is_selected { "> " } else { "  " };
        let name = clip(&format!("{marker}{name}"), room.saturating_sub(width(note) + 1));
        let gap = " ".repeat(room.saturating_sub(width(&name) + width(note)));
        let line = Line::from(vec![Span::raw(name), Span::raw(gap), Span::styled(note, model.theme.faint)]);
        let place = Rect { y: row, height: 1, ..inner };
        frame.buffer_mut().set_line(inner.x, row, &line, inner.width);
        if is_selected {
            frame.buffer_mut().set_style(place, model.theme.selected);
            if panel.focus == Focus::Requests {
                frame.set_cursor_position(Position::new(inner.x, row));
            }
        }
    }
}

/// The request line of what has the cursor, and the scope that it needs.
fn draw_request(model: &Model, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Request", false, area, frame);
    let room = usize::from(inner.width);
    let call = panel.selected_call();
    let line = match &call {
        Some(Ok(call)) => format!("{} {}", call.method, visible(call.url.as_str())),
        Some(Err(_)) => visible(&format!("{} {}", panel.form.method, panel.form.address.text())),
        None if panel.test_calls().is_some() => "Press e to type a request.".to_owned(),
        None => String::new(),
    };
    let entry = panel.test_calls().and_then(|known| known.calls.get(panel.selected));
    let scope = entry.and_then(|entry| entry.scope.map(|scope| (scope, entry.is_granted)));
    let scope = match (scope, call) {
        (Some((scope, true)), _) => Line::styled(format!("needs {scope}: granted"), model.theme.faint),
        (Some((scope, false)), _) => {
            let words = clip(&format!(" needs {scope}: not granted"), room.saturating_sub(3));
            Line::from(vec![model.theme.mark(Mark::Attention), Span::raw(words)])
        }
        (None, Some(Ok(call))) => {
            let headers = if call.headers.len() == 1 { "1 header" } else { &format!("{} headers", call.headers.len()) };
            let body = bytes_in_words(call.body.len());
            Line::styled(format!("with {headers} and a body of {body}"), model.theme.faint)
        }
        (None, _) => Line::default(),
    };
    draw_lines(&[Line::raw(clip(&line, room)), scope], inner, frame);
}

/// The lines above the answer's text, the text, and the line below it.
struct Pane {
    head: Vec<Line<'static>>,
    text: Rect,
    foot: Option<Rect>,
}

impl Pane {
    fn of(model: &Model, panel: &ApiPanel, inner: Rect) -> Self {
        let room = usize::from(inner.width);
        let mut head = Vec::new();
        if let Some(sent) = panel.under_way.last() {
            let words = format!(" {} {} ... Esc cancels", sent.call.method, visible(sent.call.url.path()));
            head.push(Line::from(vec![
                model.theme.mark(Mark::Working),
                Span::raw(clip(&words, room.saturating_sub(4))),
            ]));
        }
        match (&panel.refused, panel.exchange()) {
            (Some(error), _) => head.extend(error_lines(model, error, room)),
            (None, Some(exchange)) => {
                head.extend(head_of(model, panel, exchange, room));
                let note = exchange.outcome.as_ref().ok().filter(|_| panel.side == Side::Body).and_then(Reply::note);
                head.extend(note.iter().flat_map(|note| wrap(note, room)).map(Line::raw));
            }
            (None, None) if panel.under_way.is_empty() && panel.test_calls().is_some() => {
                head.extend(
                    wrap("No answer yet. Enter sends the request at the cursor.", room).into_iter().map(Line::raw),
                );
            }
            (None, None) => {}
        }
        let has_text = panel.refused.is_none() && panel.text().is_some();
        let foot_rows = u16::from(has_text && inner.height > 2);
        // Most of the pane is for the text.
        let most = if has_text { inner.height / 2 } else { inner.height };
        head.truncate(usize::from(most));
        let head_rows = u16::try_from(head.len()).unwrap_or(0);
        let height = if has_text { inner.height.saturating_sub(head_rows + foot_rows) } else { 0 };
        let text = Rect { y: inner.y + head_rows, height, ..inner };
        let foot = (foot_rows > 0).then_some(Rect { y: text.bottom(), height: foot_rows, ..inner });
        Self { head, text, foot }
    }
}

fn draw_answer(model: &Model, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    let has_focus = matches!(panel.focus, Focus::Answer | Focus::Query);
    let inner = framed(model, "Answer", has_focus, area, frame);
    let pane = Pane::of(model, panel, inner);
    draw_lines(&pane.head, Rect { height: pane.text.y - inner.y, ..inner }, frame);
    let Some(text) = panel.text().filter(|_| panel.refused.is_none()) else { return };
    (&JsonPane { view: text, theme: &model.theme, focused: has_focus }).render(pane.text, frame.buffer_mut());
    if panel.focus == Focus::Answer && !pane.text.is_empty() {
        let row = u16::try_from(text.cursor_row()).unwrap_or(0).min(pane.text.height - 1);
        frame.set_cursor_position(Position::new(pane.text.x, pane.text.y + row));
    }
    if let Some(foot) = pane.foot {
        draw_foot(model, panel, foot, frame);
    }
}

/// Status, time, size and type; why it failed; the address; rate headers.
fn head_of(model: &Model, panel: &ApiPanel, exchange: &Exchange, room: usize) -> Vec<Line<'static>> {
    let of_other = if exchange.profile == panel.profile { String::new() } else { format!(" ({})", exchange.profile) };
    let address = format!("{} {}{of_other}", exchange.call.method, visible(exchange.call.url.as_str()));
    let address = Line::raw(clip(&address, room));
    let reply = match &exchange.outcome {
        Ok(reply) => reply,
        Err(error) => {
            let mut lines = vec![address];
            lines.extend(error_lines(model, error, room));
            return lines;
        }
    };
    // What matters least comes last, since low panes cut it off.
    let mut lines = vec![status_line(model, reply, room)];
    if let Some(explained) = &reply.explained {
        let text = format!("It failed: {}.", visible(&explained.text));
        lines.extend(wrap(&text, room).into_iter().map(|line| Line::styled(line, model.theme.attention)));
    }
    lines.push(address);
    if !reply.rates.is_empty() {
        let rates: Vec<String> = reply.rates.iter().map(|rate| shown(rate)).collect();
        lines.push(Line::styled(clip(&rates.join(model.theme.separator()), room), model.theme.faint));
    }
    if let Some(explained) = &reply.explained {
        let causes = numbered(explained.diagnosis.causes().iter().copied(), room);
        lines.extend(causes.into_iter().map(|line| Line::styled(line, model.theme.faint)));
    }
    lines
}

fn status_line(model: &Model, reply: &Reply, room: usize) -> Line<'static> {
    let mark = if reply.explained.is_none() && reply.status < 400 { Mark::Good } else { Mark::Declined };
    let status = format!(" {} {}", reply.status, reason(reply.status));
    let (time, size) = (format!("{} ms", reply.took.as_millis()), bytes_in_words(reply.content.bytes().len()));
    let content_type = reply.content_type.as_deref().map(shown).unwrap_or_default();
    let words = [status.trim_end(), &time, &size, &content_type].join("  ");
    Line::from(vec![model.theme.mark(mark), Span::raw(clip(&words, room.saturating_sub(mark.word().len())))])
}

/// Which text this is, where the cursor is in it, and what is looked for.
fn draw_foot(model: &Model, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    let Some(text) = panel.text() else { return };
    let room = usize::from(area.width);
    let matches = text.matches().map(|(at, all)| match (at, all) {
        (_, 0) => "not found".to_owned(),
        (Some(at), all) => format!("match {at} of {all}"),
        (None, all) => format!("{all} matches"),
    });
    if let Some(query) = &panel.query {
        let matches = matches.unwrap_or_default();
        let columns = room.saturating_sub(width(&matches) + 2);
        let shown = query.shown(columns.saturating_sub(1), 1, panel.focus == Focus::Query);
        let (typed, cursor) = shown.into_iter().next().map(|line| (line.text, line.cursor)).unwrap_or_default();
        let line = format!("/{}", clip(&typed, columns.saturating_sub(1)));
        frame.buffer_mut().set_stringn(area.x, area.y, &line, room, model.theme.text);
        let at = area.right().saturating_sub(u16::try_from(width(&matches)).unwrap_or(0)).max(area.x);
        frame.buffer_mut().set_stringn(at, area.y, &matches, room, model.theme.faint);
        if let Some(cursor) = cursor {
            let x = area.x.saturating_add(1).saturating_add(u16::try_from(cursor).unwrap_or(0));
            frame.set_cursor_position(Position::new(x.min(area.right().saturating_sub(1)), area.y));
        }
        return;
    }
    let lines = text.document().line_count();
    let mut parts = vec![panel.side.name().to_owned(), format!("line {} of {lines}", (text.line() + 1).min(lines))];
    if text.document().is_json() {
        parts.push(visible(&text.path_at_cursor()));
    }
    let words = parts.join(model.theme.separator());
    frame.buffer_mut().set_stringn(area.x, area.y, clip(&words, room), room, model.theme.faint);
}

fn draw_history(model: &Model, panel: &ApiPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let inner = framed(model, "Earlier answers", true, area, frame);
    if panel.history.len() == 0 {
        return draw_lines(&[Line::raw("No answer yet.")], inner, frame);
    }
    let rows = usize::from(inner.height);
    let room = usize::from(inner.width);
    let first = panel.history_row.saturating_sub(rows / 2).min(panel.history.len().saturating_sub(rows));
    let in_sight = panel.history.iter().enumerate().skip(first);
    for (row, (index, exchange)) in (inner.y..inner.bottom()).zip(in_sight) {
        let marker = if index == panel.history_row { ">" } else { " " };
        let outcome = match &exchange.outcome {
            Ok(reply) => format!("{}  {:>8}", reply.status, bytes_in_words(reply.content.bytes().len())),
            Err(_) => "---    failed".to_owned(),
        };
        let past = std::time::Duration::try_from(exchange.at.duration_until(now.time)).unwrap_or_default();
        let address = visible(&format!("{} {}", exchange.call.method, exchange.call.url));
        let line = format!("{marker} {outcome}  {:<10}  {address}", ago(past));
        frame.buffer_mut().set_stringn(inner.x, row, clip(&line, room), room, model.theme.text);
        if index == panel.history_row {
            frame.buffer_mut().set_style(Rect { y: row, height: 1, ..inner }, model.theme.selected);
            frame.set_cursor_position(Position::new(inner.x, row));
        }
    }
}

/// What failed, why, and what helps.
fn error_lines(model: &Model, error: &Error, room: usize) -> Vec<Line<'static>> {
    let text = visible(&sentence(error));
    let first = wrap(&format!("{} {text}", Mark::Declined.word()), room);
    let mut lines: Vec<Line<'static>> = first.into_iter().map(Line::raw).collect();
    if let Some(rest) =
        lines.first().and_then(|line| line.to_string().strip_prefix(Mark::Declined.word()).map(str::to_owned))
    {
        lines[0] = Line::from(vec![model.theme.mark(Mark::Declined), Span::raw(rest)]);
    }
    if let Some(hint) = &error.hint {
        lines.extend(wrap(&visible(&format!("What helps: {hint}.")), room).into_iter().map(Line::raw));
    }
    lines.extend(causes(error, room).into_iter().map(|line| Line::styled(line, model.theme.faint)));
    lines
}
