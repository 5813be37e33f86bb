//! How the sign-in looks at every size: address, code, QR, time left, who asks and for what.
//!
//! Where the QR code goes is in `place`, what is said beside it in `text`. What an honest request shows is never
//! dropped: address, code, time, who asks, for what, and the warning.

mod bare;
mod outcome;
mod place;
mod scene;
mod text;
mod ways;
mod words;

pub(super) use bare::lack_of_full_screen_qr;
use outcome::Outcome;
use place::{Place, narrowed};
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use scene::Scene;
use text::Text;
use url::Url;
pub(super) use words::urgency;

use super::{QrView, SignInPanel, Stage, Waiting};
use crate::config::Profile;
use crate::providers::catalog;
use crate::qr::QrMatrix;
use crate::tui::chrome::{between, footer, has_room};
use crate::tui::lines::draw_lines;
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, longest_that_fits, width};
use crate::tui::widgets::big_text::BigText;
use crate::tui::widgets::qr::{Fit, QrCode};

/// Draws the sign-in.
pub(super) fn view(around: &Surroundings, panel: &SignInPanel, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let lines = match &panel.stage {
        Stage::Waiting(waiting) => {
            let scene = Scene::new(around, panel, waiting, now, area.as_size());
            return match panel.qr {
                QrView { is_full_screen: true, .. } => bare::full_screen_qr(scene, area, frame),
                _ if panel.is_link_bare => bare::link(scene, area, frame),
                _ if has_room(area.as_size()) => code_screen(scene, area, frame),
                _ => bare::tiny(scene, area, frame),
            };
        }
        Stage::Asking { .. } => vec![Line::raw(asking(panel))],
        Stage::GivingBack => vec![Line::raw("Giving the approval back ...")],
        Stage::Approved => vec![Line::raw("Approved. Saving, and asking who approved ...")],
        Stage::SignedIn { .. } | Stage::Unsaved { .. } | Stage::Failed { .. } => {
            Outcome::of(around, panel, now, area.as_size()).lines(around, area.as_size(), panel.scroll)
        }
    };
    message_screen(around, panel, &lines, area, frame);
}

/// How the QR code is drawn now and where, if it is.
pub(super) fn shown_qr(around: &Surroundings, panel: &SignInPanel, now: Now) -> Option<(Fit, Rect)> {
    let Stage::Waiting(waiting) = &panel.stage else { return None };
    let scene = Scene::new(around, panel, waiting, now, around.window);
    if panel.qr.is_full_screen {
        return bare::full_screen_qr_fit(scene);
    }
    if !has_room(around.window) {
        return None;
    }
    place::choose(scene, around.window).ok().map(|Place { code: (_, fit, place), .. }| (fit, place))
}

/// How far the text of a sign-in that ended can be scrolled.
pub(super) fn last_scroll(around: &Surroundings, panel: &SignInPanel, now: Now) -> usize {
    Outcome::of(around, panel, now, around.window).last_scroll(around.window)
}

/// Text and code below the title and what is out of the ordinary.
fn code_screen(scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let Scene { around, panel, has_notice, .. } = scene;
    title(around, panel, frame);
    if let Some((words, style)) = words::notice(scene, usize::from(area.width.saturating_sub(2))).filter(|_| has_notice)
    {
        frame.buffer_mut().set_string(area.x + 1, area.y + 1, words, style);
    }
    match place::choose(scene, area.as_size()) {
        Ok(Place { text: (text, area), code: (matrix, fit, at) }) => {
            text.draw(scene, area, frame);
            draw_qr(scene, matrix, fit, at, frame);
        }
        Err(lack) => {
            let (scene, area) = (Scene { lack: Some(&lack), ..scene }, place::of_text_alone(area.as_size()));
            Text::in_room(scene, area.as_size()).draw(scene, area, frame);
        }
    }
    footer(around, panel, frame);
}

fn draw_qr(scene: Scene<'_>, matrix: &QrMatrix, fit: Fit, area: Rect, frame: &mut Frame<'_>) {
    let (palette, inverted) = (scene.around.abilities.qr.palette, scene.panel.qr.is_inverted);
    QrCode { matrix, fit, palette, inverted }.render(area, frame.buffer_mut());
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
    let large = BigText::fitting(SIGNED_IN, around.theme.good, body.width.min(outcome::WIDEST), free / 2)
        .filter(|_| matches!(panel.stage, Stage::SignedIn { .. }));
    let mut place = Rect { x: body.x + margin, width: body.width.saturating_sub(margin), ..body };
    if let Some(large) = large {
        let widest = lines.iter().filter_map(|line| u16::try_from(line.width()).ok()).max().unwrap_or(0);
        place = narrowed(body, widest.max(large.columns()));
        place.y += (free - large.rows()) / 2;
        (&large).render(place, frame.buffer_mut());
        place.y += large.rows();
    } else if has_room {
        // A little above the middle, where eyes go first.
        place.y += free / 4;
    }
    place.height = body.bottom() - place.y;
    draw_lines(lines, place, frame);
}

/// What stands in large letters at the end.
pub(super) const SIGNED_IN: &str = "SIGNED IN";

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
    // A last column stays free where it can.
    let subject = cut(longest_that_fits(&subjects, room + 1), room + 1, around.theme.cut());
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

pub(super) fn configured<'a>(around: &'a Surroundings, panel: &SignInPanel) -> Option<&'a Profile> {
    around.config.profiles.get(&panel.profile)
}

/// `work · US`, with the data center that is asked now, or that the account turned out to live in.
pub(super) fn subject(around: &Surroundings, panel: &SignInPanel) -> String {
    let signed_in_at = match &panel.stage {
        Stage::SignedIn { outcome, .. } => outcome.data_center.as_deref(),
        _ => None,
    };
    profile_and_place(around, panel, signed_in_at.or(panel.relocated_to.as_deref()))
}

pub(super) fn in_words(scopes: &[String]) -> Vec<String> {
    if scopes.is_empty() {
        return vec!["what the provider grants without scopes".to_owned()];
    }
    scopes.iter().map(|scope| catalog::scope_in_words(scope)).collect()
}

/// The scheme is left out where it has no room, if it is the one that everything takes to be meant.
fn in_columns(address: &Url, columns: usize) -> &str {
    let whole = address.as_str();
    if whole.len() > columns { whole.strip_prefix("https://").unwrap_or(whole) } else { whole }
}
