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
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use text::{Scene, Text};
use url::{Host, Url};

use super::{QrView, SignInPanel, Stage, Waiting};
use crate::config::Profile;
use crate::oauth::qr::QrMatrix;
use crate::providers::catalog;
use crate::tui::chrome::{between, footer, has_room};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, width};
use crate::tui::widgets::qr::{Fit, QrCode};

/// Draws the sign-in.
pub(super) fn view(around: &Surroundings, panel: &SignInPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    match &panel.stage {
        Stage::Waiting(waiting) if panel.qr.is_full_screen => {
            bare::full_screen_qr(around, panel, waiting, now, area, frame);
        }
        Stage::Waiting(waiting) if panel.is_link_bare => bare::link(around, panel, waiting, area, frame),
        Stage::Waiting(waiting) => code_screen(around, panel, waiting, now, area, frame),
        Stage::Asking { .. } => message_screen(around, panel, &[Line::raw(asking(panel))], area, frame),
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
pub(super) fn has_full_screen_qr(around: &Surroundings, waiting: &Waiting) -> bool {
    lack_of_full_screen_qr(around, waiting).is_none()
}

/// Why it has none.
pub(super) fn lack_of_full_screen_qr(around: &Surroundings, waiting: &Waiting) -> Option<String> {
    bare::lack_of_full_screen_qr(around, waiting)
}

/// How the QR code is drawn now and where, if it is.
pub(super) fn shown_qr(around: &Surroundings, panel: &SignInPanel, now: Now) -> Option<(Fit, Rect)> {
    let Stage::Waiting(waiting) = &panel.stage else { return None };
    if panel.qr.is_full_screen {
        return bare::full_screen_qr_fit(around, panel.qr, waiting);
    }
    let has_notice = has_notice(around.window);
    let scene = Scene { around, panel, waiting, now, lack: None, has_notice };
    if !has_room(around.window) {
        return None;
    }
    place::choose(scene, around.window).ok()?.code.map(|(_, fit, place)| (fit, place))
}

/// How far the text of a sign-in that ended can be scrolled.
pub(super) fn last_scroll(around: &Surroundings, panel: &SignInPanel, now: Now) -> usize {
    Outcome::of(around, panel, now, around.window).map_or(0, |outcome| outcome.last_scroll(around.window))
}

/// Text and code below the title and what is out of the ordinary.
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
    let notice = has_notice(area.as_size());
    let scene = Scene { around, panel, waiting, now, lack: None, has_notice: notice };
    let (place, lack) = match place::choose(scene, area.as_size()) {
        Ok(place) => (place, None),
        Err(lack) => (Place::of_text_alone(area.as_size()), Some(lack)),
    };
    let scene = Scene { lack: lack.as_deref(), ..scene };
    title(around, panel, frame);
    if let Some((words, style)) = words::notice(scene, usize::from(area.width.saturating_sub(2))).filter(|_| notice) {
        frame.buffer_mut().set_string(area.x + 1, area.y + 1, words, style);
    }
    Text::in_room(scene, place.text.as_size()).draw(scene, place.text, frame);
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
        title(around, panel, frame);
        footer(around, panel, frame);
    }
    let body = between(area.as_size());
    let free = body.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(body.height));
    // A little above the middle, where eyes go first.
    let top = body.y + if has_room { free / 4 } else { 0 };
    for (row, line) in (top..body.bottom()).zip(lines) {
        frame.buffer_mut().set_line(body.x + margin, row, line, body.width.saturating_sub(margin));
    }
}

/// From here on there is a row between title and text, for what is out of the ordinary.
const WITH_NOTICE: u16 = 18;

fn has_notice(window: Size) -> bool {
    window.height >= WITH_NOTICE
}

/// What is left of a window below the notice and above the keys.
fn below_notice(window: Size) -> Rect {
    let body = between(window);
    let rows = u16::from(has_notice(window));
    Rect { y: body.y + rows, height: body.height - rows, ..body }
}

/// The rows above so many of them in an area: less than below, since eyes begin at the top.
fn lead(height: u16, rows: u16) -> u16 {
    height.saturating_sub(rows) / 3
}

/// What goes on while there is no code.
pub(super) fn asking(panel: &SignInPanel) -> String {
    format!("Asking {} for a code ...", panel.host.as_deref().unwrap_or("the accounts server"))
}

/// `Sign in to Zoho`
pub(super) fn heading(around: &Surroundings, panel: &SignInPanel) -> String {
    let provider = configured(around, panel).map_or("the provider", |profile| around.config.provider_label(profile));
    format!("Sign in to {provider}")
}

/// `work · US`, with the data center that is asked now, or that the account turned out to live in, if it is not its home.
pub(super) fn profile_and_place(around: &Surroundings, panel: &SignInPanel, elsewhere: Option<&str>) -> String {
    let home = configured(around, panel).and_then(|profile| around.config.data_center_code(profile));
    let data_center = elsewhere.or(home).map(str::to_uppercase);
    let parts: Vec<String> = std::iter::once(panel.profile.to_string()).chain(data_center).collect();
    parts.join(around.theme.separator())
}

/// `Sign in to Zoho` on the left, on the right as much as fits of who asks.
fn title(around: &Surroundings, panel: &SignInPanel, frame: &mut Frame<'_>) {
    let heading = heading(around, panel);
    let room = usize::from(frame.area().width).saturating_sub(width(&heading) + 3);
    let subjects = subjects(around, panel);
    let [.., shortest] = &subjects;
    let subject = subjects.iter().find(|words| width(words) <= room + 1).unwrap_or(shortest);
    // A last column stays free where it can.
    let subject = cut(subject, room + 1, around.theme.cut());
    let at = 1 + width(&heading) + 1 + room.saturating_sub(width(&subject));
    let buffer = frame.buffer_mut();
    buffer.set_string(1, 0, heading, around.theme.title);
    buffer.set_string(u16::try_from(at).unwrap_or(0), 0, subject, around.theme.label);
}

/// Who asks, from the most to the fewest words: the first three name the machine.
fn subjects(around: &Surroundings, panel: &SignInPanel) -> [String; 5] {
    let profile = subject(around, panel);
    let with = |machine: &str| [profile.as_str(), machine].join(around.theme.separator());
    let machine = around.machine.to_string();
    let over_ssh = if around.machine.over_ssh_from.is_some() { " over SSH" } else { "" };
    [with(&who(around)), with(&format!("{machine}{over_ssh}")), with(&machine), profile, panel.profile.to_string()]
}

/// Whether the title says on which machine.
fn title_names_machine(around: &Surroundings, panel: &SignInPanel) -> bool {
    let room = usize::from(around.window.width).saturating_sub(width(&heading(around, panel)) + 2);
    subjects(around, panel).iter().take(3).any(|words| width(words) <= room)
}

/// `dana@web-01 over SSH from 10.0.0.7`
fn who(around: &Surroundings) -> String {
    match &around.machine.over_ssh_from {
        Some(address) => format!("{} over SSH from {address}", around.machine),
        None => around.machine.to_string(),
    }
}

fn configured<'a>(around: &'a Surroundings, panel: &SignInPanel) -> Option<&'a Profile> {
    around.config.profiles.get(&panel.profile)
}

fn effective_scopes<'a>(panel: &'a SignInPanel, profile: &'a Profile) -> &'a [String] {
    panel.options.scopes.as_ref().unwrap_or(&profile.scopes)
}

/// `work · US`, with the data center that is asked now, or that the account turned out to live in.
pub(super) fn subject(around: &Surroundings, panel: &SignInPanel) -> String {
    let signed_in_at = match &panel.stage {
        Stage::SignedIn { outcome, .. } => outcome.data_center.as_deref(),
        _ => None,
    };
    profile_and_place(around, panel, signed_in_at.or(panel.relocated_to.as_deref()))
}

fn in_words(scopes: &[String]) -> Vec<String> {
    if scopes.is_empty() {
        return vec!["what the provider grants without scopes".to_owned()];
    }
    scopes.iter().map(|scope| catalog::scope_in_words(scope)).collect()
}

/// An address that only this machine can open.
fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// The scheme is left out where it has no room, if it is the one that everything takes to be meant.
fn in_columns(address: &Url, columns: usize) -> &str {
    let whole = address.as_str();
    if whole.len() > columns { whole.strip_prefix("https://").unwrap_or(whole) } else { whole }
}
