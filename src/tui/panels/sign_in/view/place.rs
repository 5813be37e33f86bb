//! Where the QR code and the text go: side by side, the code below, or the text alone where no code fits whole.

use ratatui::layout::{Rect, Size};

use super::scene::Scene;
use super::text::Text;
use super::{below_notice, lead};
use crate::abilities::Glyphs;
use crate::qr::QrMatrix;
use crate::tui::keymap::{Command, Scope};
use crate::tui::panels::sign_in::Waiting;
use crate::tui::surroundings::Surroundings;
use crate::tui::widgets::qr::{Fit, QrChoice, QrForms, TooSmall};

/// The columns that text beside a QR code needs: Zoho's longest usual address, and a margin.
const TEXT_COLUMNS: u16 = 43;
/// Less will do where the address can go without its scheme.
const NARROW_TEXT_COLUMNS: u16 = 38;
/// Wider than this, lines are hard to follow, and the room goes around the text.
const WIDEST_TEXT: u16 = 80;
/// In low windows, width has to stand in for height.
const WIDEST_LOW_TEXT: u16 = 100;
const LOW_ROWS: u16 = 24;
/// The quiet zone below which another place for the code is looked for.
const GOOD_QUIET_ZONE: u16 = 2;

/// The QR code, the text for it, and where both go.
pub(super) struct Place<'a> {
    pub(super) text: (Text<'a>, Rect),
    pub(super) code: (&'a QrMatrix, Fit, Rect),
}

/// Text in the middle of the window.
pub(super) fn of_text_alone(window: Size) -> Rect {
    let widest = if window.height < LOW_ROWS { WIDEST_LOW_TEXT } else { WIDEST_TEXT };
    narrowed(below_notice(window), widest)
}

/// The middle columns of an area.
pub(super) fn narrowed(area: Rect, width: u16) -> Rect {
    let width = width.min(area.width);
    Rect { x: area.x + (area.width - width) / 2, width, ..area }
}

/// The best place for the QR code, or the reason why there is none to scan.
pub(super) fn choose(scene: Scene<'_>, window: Size) -> Result<Place<'_>, String> {
    let (matrix, forms) = drawable(scene.around, scene.waiting)?;
    let body = below_notice(window);
    let step = scene.panel.qr.step;
    // Blanks need no glyph, and a text that begins at the top and a code beside it are found first.
    let beside_at = beside(matrix, forms, 0, body).map(|(fit, _)| fit.scale());
    let is_larger = |fit: Fit| beside_at.is_none_or(|scale| fit.scale() > scale);
    // Below, no text is written to measure where the code would be no larger without any.
    let is_below = Fit::choose_step(matrix.size(), body.width, body.height, forms, 0).is_ok_and(is_larger)
        && below(scene, matrix, forms, 0, body).is_some_and(|(fit, _)| is_larger(fit));
    let chosen = if is_below { below(scene, matrix, forms, step, body) } else { beside(matrix, forms, step, body) };
    let (fit, (area, code)) = chosen.ok_or_else(|| lack(scene.around, matrix, forms, window))?;
    let text = Text::in_room(scene, area.as_size());
    let code = if is_below { code } else { below_address(&text, area, code) };
    Ok(Place { text: (text, area), code: (matrix, fit, code) })
}

/// The QR code and the forms in which it can be drawn, or why it cannot.
pub(super) fn drawable<'a>(around: &Surroundings, waiting: &'a Waiting) -> Result<(&'a QrMatrix, QrForms), String> {
    let Some(forms) = around.qr.forms(around.abilities.qr) else {
        return Err("QR code is off (--qr=none).".to_owned());
    };
    let Some(matrix) = &waiting.matrix else {
        return Err("The address is too long for a QR code.".to_owned());
    };
    Ok((matrix, forms))
}

/// The way to draw the code that leaves the text its columns; narrower text before a quiet zone that is too.
fn beside(matrix: &QrMatrix, forms: QrForms, step: i16, body: Rect) -> Option<(Fit, (Rect, Rect))> {
    let leaving = |columns: u16| {
        let width = body.width.saturating_sub(columns);
        Fit::choose_step(matrix.size(), width, body.height, forms, step).ok()
    };
    let mut ways = (NARROW_TEXT_COLUMNS..=TEXT_COLUMNS).rev().filter_map(leaving);
    let good = ways.clone().find(|fit| fit.quiet_zone() >= GOOD_QUIET_ZONE || step != 0);
    let fit = good.or_else(|| ways.next())?;
    let free = body.width - fit.columns();
    let text = free.min(WIDEST_TEXT);
    let margin = (free - text) / 3;
    let text = Rect { x: body.x + margin, width: text, ..body };
    let code = Rect {
        x: body.right() - margin - fit.columns(),
        y: body.y + lead(body.height, fit.rows()),
        width: fit.columns(),
        height: fit.rows(),
    };
    Some((fit, (text, code)))
}

/// The same code below the row of the address, if that has room: alone on its row, a mouse takes the address whole.
fn below_address(text: &Text<'_>, area: Rect, code: Rect) -> Rect {
    let y = code.y.max(area.y + text.below_address(area.height));
    if y + code.height <= area.bottom() { Rect { y, ..code } } else { code }
}

/// The way to draw the code in what the text above leaves.
fn below(scene: Scene<'_>, matrix: &QrMatrix, forms: QrForms, step: i16, body: Rect) -> Option<(Fit, (Rect, Rect))> {
    let text = narrowed(body, WIDEST_TEXT);
    let height = body.height.checked_sub(Text::comfortable_rows(scene, text.width))?;
    let fit = Fit::choose_step(matrix.size(), body.width, height, forms, step).ok()?;
    let code = Rect {
        x: body.x + (body.width - fit.columns()) / 2,
        y: body.bottom() - fit.rows(),
        width: fit.columns(),
        height: fit.rows(),
    };
    Some((fit, (Rect { height: body.height - fit.rows(), ..text }, code)))
}

/// Why there is no code beside the text, and what to do for one.
fn lack(around: &Surroundings, matrix: &QrMatrix, forms: QrForms, window: Size) -> String {
    // On the whole screen one line stays with the code.
    let needs = Fit::smallest(matrix.size(), forms).dimensions();
    let needs = Size::new(needs.width, needs.height.saturating_add(1));
    if needs.width <= window.width && needs.height <= window.height {
        return format!(
            "Press {} for the QR code on the whole screen.",
            around.key(Scope::SignIn, Command::FullScreenQr)
        );
    }
    too_small(around, matrix, TooSmall { needs, has: window })
}

/// That a window has no room for a code, and what keeps it from being smaller.
pub(super) fn too_small(around: &Surroundings, matrix: &QrMatrix, small: TooSmall) -> String {
    let halved = Fit::smallest(matrix.size(), QrForms::HalfBlock);
    let fits = halved.columns() <= small.has.width && halved.rows() < small.has.height;
    let is_choice = around.qr != QrChoice::Auto || around.abilities.qr.half_blocks;
    let (lack, help) = match around.abilities.glyphs {
        Glyphs::Ascii => ("UTF-8", format!("{}=C.UTF-8 or --qr=half helps.", around.abilities.locale_variable)),
        _ => ("half-blocks", "--qr=half tries them.".to_owned()),
    };
    if is_choice || !fits {
        return small.to_string();
    }
    let [needs, has] = [small.needs, small.has].map(|size| format!("{}x{}", size.width, size.height));
    format!("QR code needs {needs} without {lack}, this window is {has}. {help}")
}
