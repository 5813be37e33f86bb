//! How the sign-in looks at every size: address, code, QR, time left, who asks and for what.
//!
//! Text keeps to the left, the QR code to the right where it fits whole. What an honest request shows is never dropped:
//! address, code, time, who asks, for what, and the warning.

mod outcome;
mod text;

use outcome::{failed, signed_in, unsaved};
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use text::Text;

use super::{QrView, SignInPanel, Stage, Waiting, complete_address};
use crate::oauth::qr::QrMatrix;
use crate::providers::catalog;
use crate::tui::chrome::{footer, title_line};
use crate::tui::model::{ConfiguredProfile, Model, Now};
use crate::tui::text::{clip, countdown, wrap};
use crate::tui::widgets::qr::{Fit, QrCode, QrForms, TooSmall};

/// The columns that text beside a QR code needs: Zoho's longest usual address, and a margin.
const TEXT_COLUMNS: u16 = 43;
/// Less will do where the address can go without its scheme.
const NARROW_TEXT_COLUMNS: u16 = 38;
/// Rows from which on the steps are numbered and a QR code has its place.
const ROOMY_ROWS: u16 = 20;
/// Below this there is a code and no frame.
const LEAST: Size = Size::new(40, 12);

/// Draws the sign-in.
pub fn view(model: &Model, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let Some(panel) = &model.sign_in else { return };
    match &panel.stage {
        Stage::Waiting(waiting) if panel.qr.is_full_screen => {
            full_screen_qr(model, panel.qr, waiting, now, area, frame);
        }
        Stage::Waiting(waiting) if panel.is_link_bare => bare_link(waiting, area, frame),
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

fn code_screen(model: &Model, panel: &SignInPanel, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    if area.width < LEAST.width || area.height < LEAST.height {
        return tiny(model, panel, waiting, now, area, frame);
    }
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let step = panel.qr.step;
    let drawn = drawable(model, waiting, area.as_size(), |matrix, forms| fit_beside_text(matrix, forms, step, body));
    let (drawn, lack) = match drawn {
        Ok(drawn) => (Some(drawn), None),
        Err(lack) => (None, Some(lack)),
    };
    let text_width = drawn.map_or(area.width, |(_, fit)| area.width - fit.columns());
    let is_roomy = area.width >= TEXT_COLUMNS && body.height >= ROOMY_ROWS;
    if let Some((matrix, fit)) = drawn {
        let place = Rect {
            x: area.right() - fit.columns(),
            y: body.y + (body.height - fit.rows()) / 2,
            width: fit.columns(),
            height: fit.rows(),
        };
        draw_qr(model, panel.qr, matrix, fit, place, frame);
    }
    if is_roomy {
        title_line(model, "sign in", &subject_line(model, panel), frame);
        let room = Rect { width: text_width, ..body };
        Text::roomy(model, panel, waiting, now, room.as_size(), lack).draw(model, room, frame);
    } else {
        let room = Rect { width: text_width, height: area.height - 1, ..area };
        Text::tight(model, panel, waiting, now, room.as_size(), lack).draw(model, room, frame);
    }
    footer(model, &super::commands(model), frame);
}

/// The QR code and the way to draw it that `choose` finds, or why there is none to scan.
fn drawable<'a>(
    model: &Model,
    waiting: &'a Waiting,
    window: Size,
    choose: impl FnOnce(&QrMatrix, QrForms) -> Result<Fit, TooSmall>,
) -> Result<(&'a QrMatrix, Fit), String> {
    let Some(forms) = model.qr.forms(model.abilities.qr) else {
        return Err("QR code is off (--qr=none).".to_owned());
    };
    let Some(matrix) = &waiting.matrix else {
        return Err("The address is too long for a QR code.".to_owned());
    };
    let fit = choose(matrix, forms).map_err(|too_small| too_small.in_window(window).to_string())?;
    Ok((matrix, fit))
}

/// The way to draw the code that leaves the text its columns; the larger form only where it leaves them all.
fn fit_beside_text(matrix: &QrMatrix, forms: QrForms, step: i16, body: Rect) -> Result<Fit, TooSmall> {
    let beside = |columns: u16| {
        let width = body.width.saturating_sub(columns);
        Fit::choose_step(matrix.size(), width, body.height, forms, step)
    };
    beside(TEXT_COLUMNS).or_else(|_| beside(NARROW_TEXT_COLUMNS))
}

fn draw_qr(model: &Model, view: QrView, matrix: &QrMatrix, fit: Fit, area: Rect, frame: &mut Frame<'_>) {
    let code = QrCode { matrix, fit, palette: model.abilities.qr.palette, inverted: view.is_inverted };
    code.render(area, frame.buffer_mut());
}

fn full_screen_qr(model: &Model, view: QrView, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let code = &waiting.code;
    let below = [
        format!(
            "Code {}{}good for {}",
            code.user_code,
            model.theme.separator(),
            countdown(now.moment.until(code.expires_at))
        ),
        without_scheme(code.verification_uri.as_str()).to_owned(),
    ];
    let rows = u16::try_from(below.len()).unwrap_or(2);
    let for_code = Rect { height: area.height.saturating_sub(rows + 1), ..area };
    let drawn = drawable(model, waiting, area.as_size(), |matrix, forms| {
        Fit::choose_step(matrix.size(), for_code.width, for_code.height, forms, view.step)
    });
    let mut lines: Vec<String> = below.to_vec();
    match drawn {
        Ok((matrix, fit)) => {
            if let Some(place) = fit.centered_in(for_code) {
                draw_qr(model, view, matrix, fit, place, frame);
            }
        }
        Err(lack) => lines.insert(0, lack),
    }
    let lines: Vec<String> = lines.iter().flat_map(|line| wrap(line, usize::from(area.width))).collect();
    let height = u16::try_from(lines.len() + 1).unwrap_or(area.height);
    let top = area.bottom().saturating_sub(height).max(area.y);
    for (row, line) in (top..area.bottom()).zip(&lines) {
        let left = usize::from(area.width).saturating_sub(crate::tui::text::width(line)) / 2;
        frame.buffer_mut().set_string(
            area.x + u16::try_from(left).unwrap_or(0),
            row,
            clip(line, usize::from(area.width)),
            model.theme.text,
        );
    }
    footer(model, &super::commands(model), frame);
}

/// The link with nothing around it, broken only where the window ends, so that it can be selected and pasted.
fn bare_link(waiting: &Waiting, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width.max(1));
    let code = &waiting.code;
    let mut row = area.y;
    for text in [code.verification_uri.as_str(), complete_address(&waiting.code), code.user_code.as_str()] {
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(width) {
            if row < area.bottom() {
                frame.buffer_mut().set_string(area.x, row, part.iter().collect::<String>(), Style::reset());
            }
            row = row.saturating_add(1);
        }
        row = row.saturating_add(1);
    }
}

/// Three lines, or just the code.
fn tiny(model: &Model, panel: &SignInPanel, waiting: &Waiting, now: Now, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width);
    let code = &waiting.code;
    let address = without_scheme(code.verification_uri.as_str());
    let left = countdown(now.moment.until(code.expires_at));
    let subject = subject(model, panel);
    let scopes = subject.map(|subject| in_words(&effective_scopes(panel, subject)).join("; ")).unwrap_or_default();
    let all = [
        address.to_owned(),
        code.user_code.clone(),
        format!("good for {left}"),
        format!("asked by {}", model.machine),
        scopes,
        "Approve only if you started this.".to_owned(),
    ];
    let lines: Vec<String> = if area.width < 20 || area.height < 3 {
        vec![code.user_code.clone()]
    } else {
        all.iter().flat_map(|line| wrap(line, width)).collect()
    };
    for (row, line) in (area.y..area.bottom()).zip(&lines) {
        frame.buffer_mut().set_string(area.x, row, clip(line, width), model.theme.text);
        if *line == code.user_code {
            frame.set_cursor_position(Position::new(area.x, row));
        }
    }
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

fn subject<'a>(model: &'a Model, panel: &SignInPanel) -> Option<&'a ConfiguredProfile> {
    model.subjects.get(&panel.profile)
}

fn effective_scopes(panel: &SignInPanel, subject: &ConfiguredProfile) -> Vec<String> {
    panel.options.scopes.clone().unwrap_or_else(|| subject.scopes.clone())
}

/// `profile work · US · dana@web-01 over SSH from 10.0.0.7`
fn subject_line(model: &Model, panel: &SignInPanel) -> String {
    let mut parts = vec![format!("profile {}", panel.profile)];
    parts
        .extend(subject(model, panel).and_then(|subject| subject.data_center.as_ref()).map(|code| code.to_uppercase()));
    parts.push(match &model.machine.over_ssh_from {
        Some(address) => format!("{} over SSH from {address}", model.machine),
        None => model.machine.to_string(),
    });
    parts.join(model.theme.separator())
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
