//! How the sign-in looks at every size: address, code, QR, time left, who asks and for what.
//!
//! Where the QR code goes is in [`place`], what is said beside it in [`text`]. What an honest request shows is never
//! dropped: address, code, time, who asks, for what, and the warning.

mod bare;
mod outcome;
mod place;
mod text;
mod ways;
mod words;

use outcome::{failed, signed_in, unsaved};
use place::Place;
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use text::{Scene, Text};

use super::{QrView, SignInPanel, Stage, Waiting};
use crate::oauth::qr::QrMatrix;
use crate::providers::catalog;
use crate::tui::chrome::{footer, title_line, title_room};
use crate::tui::model::{ConfiguredProfile, Model, Now};
use crate::tui::text::{countdown, width};
use crate::tui::widgets::qr::{Fit, QrCode};

/// Below this there is a code and no frame.
const LEAST: Size = Size::new(40, 12);

/// Draws the sign-in.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(panel) = &model.sign_in else { return };
    match &panel.stage {
        Stage::Waiting(waiting) if panel.qr.is_full_screen => {
            bare::full_screen_qr(model, panel.qr, waiting, now, area, frame);
        }
        Stage::Waiting(waiting) if panel.is_link_bare => bare::link(waiting, area, frame),
        Stage::Waiting(waiting) => code_screen(model, panel, waiting, now, area, frame),
        Stage::Asking { host } => {
            let host = host.as_deref().unwrap_or("the accounts server");
            let lines = vec![Line::raw(format!("Asking {host} for a code ..."))];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::Unsaved { error } => {
            let lines = unsaved(model, error, area.width);
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::GivingBack => {
            let lines = vec![Line::raw("Giving the approval back ...")];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::Approved => {
            let lines = vec![Line::raw("Approved. Saving, and asking who approved ...")];
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
        Stage::SignedIn { outcome, leaves_at } => {
            let lines = signed_in(model, outcome, now.moment.until(*leaves_at), now, area.width);
            message_screen(model, panel, "signed in", &lines, area, frame);
        }
        Stage::Failed { error, user_code, at } => {
            let lines = failed(model, error, user_code.as_deref(), &time_of_day(*at), area.as_size());
            message_screen(model, panel, "sign in", &lines, area, frame);
        }
    }
}

/// Code and time left, for the title of whatever covers the code.
pub fn short_state(model: &Model, now: Now) -> String {
    match model.sign_in.as_ref().map(|panel| &panel.stage) {
        Some(Stage::Waiting(waiting)) => {
            format!("code {} good for {}", waiting.code.user_code, countdown(now.moment.until(waiting.code.expires_at)))
        }
        _ => String::new(),
    }
}

/// Text and code in the middle of the window, with the title line above where the text has no heading of its own.
fn code_screen(model: &Model, panel: &SignInPanel, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    if area.width < LEAST.width || area.height < LEAST.height {
        return bare::tiny(model, panel, waiting, now, area, frame);
    }
    let scene = Scene { model, panel, waiting, now, lack: None };
    let (place, lack) = match place::choose(scene, area) {
        Ok(place) => (place, None),
        Err(lack) => (Place::of_text_alone(area), Some(lack)),
    };
    let scene = Scene { lack: lack.as_deref(), ..scene };
    // Room for the heading or the title line, whichever it is.
    let room = Rect { y: place.text.y - 1, height: place.text.height + 1, ..place.text };
    let text = Text::in_room(scene, room.as_size());
    if text.is_numbered() {
        panel_title(model, panel, frame);
    }
    let room = if text.is_numbered() { place.text } else { room };
    text.draw(scene, room, frame);
    if let Some((matrix, fit, at)) = place.code {
        draw_qr(model, panel.qr, matrix, fit, at, frame);
    }
    footer(model, &super::commands(model), frame);
}

fn draw_qr(model: &Model, view: QrView, matrix: &QrMatrix, fit: Fit, area: Rect, frame: &mut Frame<'_>) {
    let code = QrCode { matrix, fit, palette: model.abilities.qr.palette, inverted: view.is_inverted };
    code.render(area, frame.buffer_mut());
}

fn message_screen(
    model: &Model,
    panel: &SignInPanel,
    title: &str,
    lines: &[Line<'_>],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let has_chrome = area.width >= LEAST.width && area.height >= LEAST.height;
    let (margin, top) = if has_chrome {
        (4, (area.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(0)) / 3).clamp(1, 3))
    } else {
        (0, 0)
    };
    let bottom = area.bottom().saturating_sub(u16::from(has_chrome));
    if has_chrome {
        title_line(model, title, &subject_line(model, panel), frame);
        footer(model, &super::commands(model), frame);
    }
    for (row, line) in (area.y + top.min(area.height)..bottom).zip(lines) {
        frame.buffer_mut().set_line(area.x + margin, row, line, area.width.saturating_sub(margin));
    }
}

const TITLE: &str = "sign in";

/// The title line with who asks, or without where that has a line of its own for want of room.
fn panel_title(model: &Model, panel: &SignInPanel, frame: &mut Frame<'_>) {
    let about =
        if fits_in_title(model, panel) { subject_line(model, panel) } else { format!("profile {}", panel.profile) };
    title_line(model, TITLE, &about, frame);
}

fn fits_in_title(model: &Model, panel: &SignInPanel) -> bool {
    width(&subject_line(model, panel)) <= title_room(model, TITLE, model.window.width)
}

fn subject<'a>(model: &'a Model, panel: &SignInPanel) -> Option<&'a ConfiguredProfile> {
    model.subjects.get(&panel.profile)
}

fn effective_scopes(panel: &SignInPanel, subject: &ConfiguredProfile) -> Vec<String> {
    panel.options.scopes.clone().unwrap_or_else(|| subject.scopes.clone())
}

/// `profile work · US · dana@web-01 over SSH from 10.0.0.7`
fn subject_line(model: &Model, panel: &SignInPanel) -> String {
    let machine = match &model.machine.over_ssh_from {
        Some(address) => format!("{} over SSH from {address}", model.machine),
        None => model.machine.to_string(),
    };
    [profile_and_place(model, panel), machine].join(model.theme.separator())
}

/// `profile work · US`, and where the account lives once the server has told that it lives elsewhere.
fn profile_and_place(model: &Model, panel: &SignInPanel) -> String {
    let home = subject(model, panel).and_then(|subject| subject.data_center.as_ref()).map(|code| code.to_uppercase());
    let moved = match &panel.stage {
        Stage::Waiting(Waiting { relocated_to: Some(code), .. }) => Some(format!("account in {}", code.to_uppercase())),
        _ => None,
    };
    let parts = [Some(format!("profile {}", panel.profile)), home, moved];
    parts.into_iter().flatten().collect::<Vec<_>>().join(model.theme.separator())
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

fn time_of_day(time: jiff::Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}
