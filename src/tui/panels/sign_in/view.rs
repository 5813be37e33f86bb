//! How the sign-in looks at every size: address, code, QR, time left, who asks and for what.
//!
//! Where the QR code goes is in `place`, what is said beside it in `text`. What an honest request shows is never
//! dropped: address, code, time, who asks, for what, and the warning.

mod bare;
mod outcome;
mod place;
mod text;
mod ways;
mod words;

use outcome::Outcome;
use place::Place;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use text::{Scene, Text};

use super::{QrView, SignInPanel, Stage, Waiting};
use crate::config::Profile;
use crate::oauth::qr::QrMatrix;
use crate::providers::catalog;
use crate::tui::chrome::{body, footer, has_room, title_line, title_room};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::width;
use crate::tui::widgets::qr::{Fit, QrCode};

/// Draws the sign-in.
pub fn view(around: &Surroundings, panel: &SignInPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    match &panel.stage {
        Stage::Waiting(waiting) if panel.qr.is_full_screen => {
            bare::full_screen_qr(around, panel, waiting, now, area, frame);
        }
        Stage::Waiting(waiting) if panel.is_link_bare => bare::link(around, panel, waiting, area, frame),
        Stage::Waiting(waiting) => code_screen(around, panel, waiting, now, area, frame),
        Stage::Asking { host } => {
            let host = host.as_deref().unwrap_or("the accounts server");
            message_screen(around, panel, &[Line::raw(format!("Asking {host} for a code ..."))], area, frame);
        }
        Stage::GivingBack => {
            message_screen(around, panel, &[Line::raw("Giving the approval back ...")], area, frame);
        }
        Stage::Approved => {
            let line = Line::raw("Approved. Saving, and asking who approved ...");
            message_screen(around, panel, &[line], area, frame);
        }
        Stage::SignedIn { .. } | Stage::Unsaved { .. } | Stage::Failed { .. } => {
            let outcome = Outcome::of(around, panel, now, area.as_size()).unwrap_or_default();
            let lines = outcome.lines(around, area.as_size(), panel.scroll);
            message_screen(around, panel, &lines, area, frame);
        }
    }
}

/// Whether the window has room for a code over the whole of it.
pub fn has_full_screen_qr(around: &Surroundings, waiting: &Waiting) -> bool {
    lack_of_full_screen_qr(around, waiting).is_none()
}

/// Why it has none.
pub fn lack_of_full_screen_qr(around: &Surroundings, waiting: &Waiting) -> Option<String> {
    bare::lack_of_full_screen_qr(around, waiting)
}

/// How the QR code is drawn now, if it is.
pub fn shown_qr(around: &Surroundings, panel: &SignInPanel, now: Now) -> Option<Fit> {
    let Stage::Waiting(waiting) = &panel.stage else { return None };
    if panel.qr.is_full_screen {
        return bare::full_screen_qr_fit(around, panel.qr, waiting);
    }
    let scene = Scene { around, panel, waiting, now, lack: None };
    if !has_room(around.window) {
        return None;
    }
    place::choose(scene, around.window).ok()?.code.map(|(_, fit, _)| fit)
}

/// How far the text of a sign-in that ended can be scrolled.
pub fn last_scroll(around: &Surroundings, panel: &SignInPanel, now: Now) -> usize {
    Outcome::of(around, panel, now, around.window).map_or(0, |outcome| outcome.last_scroll(around.window))
}

/// Text and code in the middle of the window, with the title line above where the text has no heading of its own.
fn code_screen(
    around: &Surroundings,
    panel: &SignInPanel,
    waiting: &Waiting,
    now: Now,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    if !has_room(area.as_size()) {
        return bare::tiny(around, panel, waiting, now, area, frame);
    }
    let scene = Scene { around, panel, waiting, now, lack: None };
    let (place, lack) = match place::choose(scene, area.as_size()) {
        Ok(place) => (place, None),
        Err(lack) => (Place::of_text_alone(area.as_size()), Some(lack)),
    };
    let scene = Scene { lack: lack.as_deref(), ..scene };
    // Room for the heading or the title line, whichever it is.
    let room = Rect { y: place.text.y - 1, height: place.text.height + 1, ..place.text };
    let text = Text::in_room(scene, room.as_size());
    if text.is_numbered() {
        panel_title(around, panel, TITLE, frame);
    }
    let room = if text.is_numbered() { place.text } else { room };
    text.draw(scene, room, frame);
    if let Some((matrix, fit, at)) = place.code {
        draw_qr(around, panel.qr, matrix, fit, at, frame);
    }
    footer(around, panel, frame);
}

fn draw_qr(around: &Surroundings, view: QrView, matrix: &QrMatrix, fit: Fit, area: Rect, frame: &mut Frame<'_>) {
    let code = QrCode { matrix, fit, palette: around.abilities.qr.palette, inverted: view.is_inverted };
    code.render(area, frame.buffer_mut());
}

fn message_screen(around: &Surroundings, panel: &SignInPanel, lines: &[Line<'_>], area: Rect, frame: &mut Frame<'_>) {
    let has_room = has_room(area.as_size());
    let margin = if has_room { outcome::margin(area.as_size()) } else { 0 };
    if has_room {
        let title = if matches!(panel.stage, Stage::SignedIn { .. }) { "signed in" } else { TITLE };
        panel_title(around, panel, title, frame);
        footer(around, panel, frame);
    }
    let body = body(area.as_size());
    let free = body.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(body.height));
    // A little above the middle, where eyes go first.
    let top = body.y + if has_room { free / 4 } else { 0 };
    for (row, line) in (top..body.bottom()).zip(lines) {
        frame.buffer_mut().set_line(body.x + margin, row, line, body.width.saturating_sub(margin));
    }
}

const TITLE: &str = "sign in";

/// The title line with who asks, or without where that has a line of its own for want of room.
fn panel_title(around: &Surroundings, panel: &SignInPanel, title: &str, frame: &mut Frame<'_>) {
    let room = title_room(around, title, around.window.width);
    let wordings =
        [subject_line(around, panel), profile_and_place(around, panel), format!("profile {}", panel.profile)];
    let [.., shortest] = &wordings;
    title_line(around, title, wordings.iter().find(|words| width(words) <= room).unwrap_or(shortest), frame);
}

fn fits_in_title(around: &Surroundings, panel: &SignInPanel) -> bool {
    width(&subject_line(around, panel)) <= title_room(around, TITLE, around.window.width)
}

fn configured<'a>(around: &'a Surroundings, panel: &SignInPanel) -> Option<&'a Profile> {
    around.config.profiles.get(&panel.profile)
}

fn effective_scopes<'a>(panel: &'a SignInPanel, profile: &'a Profile) -> &'a [String] {
    panel.options.scopes.as_ref().unwrap_or(&profile.scopes)
}

/// `profile work · US · dana@web-01 over SSH from 10.0.0.7`
fn subject_line(around: &Surroundings, panel: &SignInPanel) -> String {
    let machine = match &around.machine.over_ssh_from {
        Some(address) => format!("{} over SSH from {address}", around.machine),
        None => around.machine.to_string(),
    };
    [profile_and_place(around, panel), machine].join(around.theme.separator())
}

/// `profile work · US`, and where the account lives once the server has told that it lives elsewhere.
fn profile_and_place(around: &Surroundings, panel: &SignInPanel) -> String {
    let home =
        configured(around, panel).and_then(|profile| around.config.data_center_code(profile)).map(str::to_uppercase);
    let moved = match &panel.stage {
        Stage::Waiting(Waiting { relocated_to: Some(code), .. }) => Some(format!("account in {}", code.to_uppercase())),
        _ => None,
    };
    let parts = [Some(format!("profile {}", panel.profile)), home, moved];
    parts.into_iter().flatten().collect::<Vec<_>>().join(around.theme.separator())
}

fn in_words(scopes: &[String]) -> Vec<String> {
    if scopes.is_empty() {
        return vec!["what the provider grants without scopes".to_owned()];
    }
    scopes.iter().map(|scope| catalog::scope_in_words(scope)).collect()
}

fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}
