//! The sign-in without a frame: the QR code over the whole screen, the link alone, and windows that hold no more.

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Modifier, Style};

use super::place::{drawable, too_small};
use super::scene::Scene;
use super::{Waiting, draw_qr, in_columns};
use crate::qr::QrMatrix;
use crate::tui::chrome::footer;
use crate::tui::keymap::{Command, Scope};
use crate::tui::surroundings::Surroundings;
use crate::tui::text::{width, wrap};
use crate::tui::theme::LINK;
use crate::tui::widgets::qr::{Fit, QrForms, TooSmall};

/// How much text stands below the code: its state, the address, the keys.
#[derive(Clone, Copy)]
struct Below {
    lines: u16,
    has_keys: bool,
}

impl Below {
    /// From the most to the least. Where rows are few, the code has them.
    const WAYS: [Below; 3] =
        [Below { lines: 2, has_keys: true }, Below { lines: 1, has_keys: true }, Below { lines: 1, has_keys: false }];

    fn rows(self) -> u16 {
        self.lines + u16::from(self.has_keys)
    }

    /// Where the code goes.
    fn place_above(self, fit: Fit, area: Rect) -> Option<Rect> {
        fit.centered_in(Rect { height: area.height.saturating_sub(self.rows()), ..area })
    }
}

/// The code as large as it gets with its text below: RFC 8628 §3.3.1 wants the user code beside it.
pub(super) fn full_screen_qr(scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let Scene { around, panel, waiting, .. } = scene;
    let code = &waiting.code;
    let left = around.time_left(scene.left());
    let state = format!("Code {}{}good for {left}", code.user_code, around.theme.separator());
    let address = in_columns(&code.verification_uri, usize::from(area.width)).to_owned();
    let link = address.clone();
    let (mut lines, has_keys) = match full_screen_fit(scene, area) {
        Ok((matrix, below, fit)) => {
            // Where the code leaves the keys no room, the way back stands beside it.
            let back = format!("{state}{}{} back", around.theme.separator(), around.key(Scope::SignIn, Command::Back));
            let has_room = !below.has_keys && width(&back) <= usize::from(area.width);
            let state = if has_room { back } else { state };
            if let Some(place) = below.place_above(fit, area) {
                draw_qr(scene, matrix, fit, place, frame);
            }
            let lines = [state, address].into_iter().take(usize::from(below.lines));
            (lines.collect(), below.has_keys)
        }
        Err(lack) => (vec![state, address, lack], true),
    };
    lines = lines.iter().flat_map(|line| wrap(line, usize::from(area.width))).collect();
    let bottom = area.bottom() - u16::from(has_keys && area.height > 0);
    let top = bottom.saturating_sub(u16::try_from(lines.len()).unwrap_or(area.height)).max(area.y);
    for (row, line) in (top..bottom).zip(&lines) {
        let margin = usize::from(area.width).saturating_sub(width(line)) / 2;
        let column = area.x + u16::try_from(margin).unwrap_or(0);
        let style = if *line == link { around.theme.link } else { around.theme.text };
        frame.buffer_mut().set_string(column, row, line, style);
        if let Some(at) = line.find(&code.user_code) {
            frame.set_cursor_position(Position::new(column + u16::try_from(at).unwrap_or(0), row));
        }
    }
    if has_keys {
        footer(around, panel, frame);
    }
}

/// The code over the whole of an area, and what stands below it; or why there is none.
fn full_screen_fit(scene: Scene<'_>, area: Rect) -> Result<(&QrMatrix, Below, Fit), String> {
    let Scene { around, panel, waiting, .. } = scene;
    let (matrix, forms) = drawable(around, waiting)?;
    let fitting = |below: Below| Some((below, largest(matrix, forms, panel.qr.step, area, below.rows()).ok()?));
    let fits: Vec<(Below, Fit)> = Below::WAYS.into_iter().filter_map(fitting).collect();
    let worth = |fit: &Fit| (fit.scale(), fit.quiet_zone().min(2));
    let best = fits.iter().map(|(_, fit)| worth(fit)).max();
    let chosen = fits.into_iter().find(|(_, fit)| Some(worth(fit)) == best);
    let lack =
        || largest(matrix, forms, 0, area, 1).err().map_or_else(String::new, |lack| too_small(around, matrix, lack));
    chosen.map(|(below, fit)| (matrix, below, fit)).ok_or_else(lack)
}

/// How the code is drawn over the whole window, if there is room for it.
pub(super) fn full_screen_qr_fit(scene: Scene<'_>) -> Option<(Fit, Rect)> {
    let window = window(scene.around);
    let (_, below, fit) = full_screen_fit(scene, window).ok()?;
    Some((fit, below.place_above(fit, window)?))
}

/// Why the window has no room for a code over the whole of it.
pub(in super::super) fn lack_of_full_screen_qr(around: &Surroundings, waiting: &Waiting) -> Option<String> {
    let fits = drawable(around, waiting).and_then(|(matrix, forms)| {
        largest(matrix, forms, 0, window(around), 1).map_err(|lack| too_small(around, matrix, lack))
    });
    fits.err()
}

fn window(around: &Surroundings) -> Rect {
    Rect::from((Position::ORIGIN, around.window))
}

/// The largest scale comes first here, for it is what the person asked for.
fn largest(matrix: &QrMatrix, forms: QrForms, step: i16, area: Rect, rows: u16) -> Result<Fit, TooSmall> {
    let room = Size::new(area.width, area.height.saturating_sub(rows));
    let ladder = Fit::ladder(matrix.size(), room.width, room.height, forms);
    let last = ladder.len().saturating_sub(1);
    let down = usize::try_from(-step.min(0)).unwrap_or(0).min(last);
    let needs = Fit::smallest(matrix.size(), forms).dimensions();
    ladder.get(down).copied().ok_or_else(|| TooSmall { needs, has: room }.in_window(area.as_size()))
}

/// The link with nothing around it, broken only where the window ends, so that it can be selected and pasted.
pub(super) fn link(scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let Scene { around, panel, waiting, .. } = scene;
    let code = &waiting.code;
    let mut texts = vec![code.verification_uri.as_str(), code.address().as_str(), code.user_code.as_str()];
    texts.dedup();
    let mut row = area.y;
    for text in texts {
        for part in pieces(text, area.width) {
            if row < area.bottom() {
                let is_link = text != code.user_code && around.theme.link.add_modifier.contains(LINK);
                let style = Style::reset().add_modifier(if is_link { LINK } else { Modifier::empty() });
                frame.buffer_mut().set_string(area.x, row, &part, style);
                if text == code.user_code && text.starts_with(&part) {
                    frame.set_cursor_position(Position::new(area.x, row));
                }
            }
            row = row.saturating_add(1);
        }
        row = row.saturating_add(1);
    }
    // The way back, where it is no neighbour of what is to be selected.
    if row < area.bottom() {
        footer(around, panel, frame);
    }
}

/// Address, code and time, and as much of the rest as there are rows for; just the code where even these have none.
pub(super) fn tiny(scene: Scene<'_>, area: Rect, frame: &mut Frame<'_>) {
    let Scene { around, waiting, .. } = scene;
    let columns = usize::from(area.width);
    let code = &waiting.code;
    let left = around.time_left(scene.left());
    let (address, code_lines) =
        (pieces(in_columns(&code.verification_uri, columns), area.width), pieces(&code.user_code, area.width));
    let rows = usize::from(area.height);
    let time = format!("good for {left}");
    let both = format!("{}  {left}", code.user_code);
    let mut lines: Vec<String> = if area.width < 20 || rows < 3 {
        Vec::new()
    } else if address.len() + code_lines.len() < rows {
        [address, code_lines.clone(), vec![time]].concat()
    } else if address.len() < rows && width(&both) <= columns {
        [address, vec![both]].concat()
    } else {
        Vec::new()
    };
    if lines.is_empty() {
        // Part of a code is a wrong code.
        lines = if code_lines.len() <= rows { code_lines } else { vec![around.theme.cut().to_owned()] };
    } else {
        let rest = [
            Some(format!("Did not start this? Press {}.", around.key(Scope::SignIn, Command::Back))),
            Some(format!("asked by {}", around.machine)),
            Some(waiting.permissions.join("; ")),
        ];
        for text in rest.into_iter().flatten() {
            let more = wrap(&text, columns);
            if lines.len() + more.len() <= rows {
                lines.extend(more);
            }
        }
    }
    for (row, line) in (area.y..area.bottom()).zip(&lines) {
        frame.buffer_mut().set_string(area.x, row, line, around.theme.text);
        if line.starts_with(&code.user_code) {
            frame.set_cursor_position(Position::new(area.x, row));
        }
    }
}

/// Text in pieces as wide as the window.
fn pieces(text: &str, width: u16) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(usize::from(width.max(1))).map(|part| part.iter().collect()).collect()
}
