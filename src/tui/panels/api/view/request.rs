//! The request that has the cursor: one line and its scope, or all of its parts where there is room for them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::list::Row;
use super::super::request::RequestForm;
use super::super::{ApiPanel, Focus};
use super::answer::marked;
use super::form::draw_form;
use super::history::called;
use super::{block, framed};
use crate::api::Call;
use crate::service::TypedBody;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{cut, width};
use crate::tui::theme::Mark;
use crate::untrusted::visible;
use crate::words;

/// From this height on all parts of the request are shown.
const ALL_PARTS: u16 = 12;

/// Draws the request in its pane, with all its parts if that is high enough.
pub(super) fn draw_request(around: &Surroundings, panel: &ApiPanel, area: Rect, frame: &mut Frame<'_>) {
    if panel.focus == Focus::Form {
        return draw_form(around, &panel.form, "Own request", true, &[], area, frame);
    }
    let room = usize::from(block(around, "", area.width, false).inner(area).width);
    if area.height >= ALL_PARTS {
        let form = match panel.selected_call() {
            Some(Ok(call)) => RequestForm::of(&call),
            _ => panel.form.clone(),
        };
        return draw_form(around, &form, "Request", false, &scope_lines(around, panel, room), area, frame);
    }
    let inner = framed(around, "Request", false, area, frame);
    let mut lines = vec![Line::raw(cut(&request_line(around, panel, room), room, around.theme.cut()))];
    lines.extend(scope_lines(around, panel, room).into_iter().take(1));
    let lacks_scope = panel.selected_entry().is_some_and(|entry| !entry.is_granted);
    // In a single row, which scope is lacking matters more.
    let first = usize::from(lacks_scope && inner.height == 1);
    draw_lines(&lines[first.min(lines.len() - 1)..], inner, frame);
}

fn request_line(around: &Surroundings, panel: &ApiPanel, room: usize) -> String {
    match (panel.selected_call(), panel.list.row()) {
        (Some(Ok(call)), _) => {
            let whole = format!("{} {}", call.method, visible(call.url.as_str()));
            // The host tells calls apart least.
            if width(&whole) <= room { whole } else { visible(&called(call.method, &call.url)) }
        }
        (Some(Err(_)), _) => visible(&format!("{} {}", panel.form.method, panel.form.address.text())),
        (None, Some(Row::OwnRequest)) => format!("Press {} to type a request.", around.key(Scope::Api, Command::Edit)),
        (None, Some(Row::Product(product))) => {
            let (fold, choose) = (around.key(Scope::Api, Command::Fold), around.key(Scope::Api, Command::Choose));
            let is_folded = panel.test_calls().is_some_and(|known| panel.list.is_folded(known, product));
            let does = if is_folded { "shows" } else { "folds" };
            format!("{product}: {fold} or {choose} {does} its calls.")
        }
        (None, _) => String::new(),
    }
}

/// Whether the grant has the scope that the request needs; of an own request, what it carries.
fn scope_lines(around: &Surroundings, panel: &ApiPanel, room: usize) -> Vec<Line<'static>> {
    match (panel.selected_entry().map(|entry| (entry.scope, entry.is_granted)), panel.selected_call()) {
        (Some((Some(scope), true)), _) => {
            let words = format!("needs {scope}: granted");
            vec![Line::styled(cut(&words, room, around.theme.cut()), around.theme.faint)]
        }
        (Some((Some(scope), false)), _) => {
            marked(around, Mark::Attention, &format!("needs {scope}: not granted"), room)
        }
        (_, Some(Ok(call))) => {
            let line = |words: String| Line::styled(cut(&words, room, around.theme.cut()), around.theme.faint);
            carried(&call).map(line).into_iter().collect()
        }
        (_, _) => Vec::new(),
    }
}

/// What a call brings beside its address, if anything.
fn carried(call: &Call) -> Option<String> {
    let headers = match call.headers.len() {
        0 => None,
        1 => Some("1 header".to_owned()),
        more => Some(format!("{more} headers")),
    };
    let body = TypedBody::of(call).ok().and_then(|typed| typed.in_words()).map(|words| visible(&words));
    let body = body.or((!call.body.is_empty()).then(|| format!("a body of {}", words::bytes(call.body.len() as u64))));
    let parts: Vec<String> = headers.into_iter().chain(body).collect();
    (!parts.is_empty()).then(|| format!("with {}", parts.join(" and ")))
}
