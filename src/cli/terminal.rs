//! What can be shown at the terminal, and how whoever sits there wants it.

use std::io::IsTerminal;

use super::ColorWhen;
use super::context::{Context, variable};
use crate::abilities::{Abilities, ColorChoice, Environment, QrPalette};

/// Why there is no terminal that can be drawn on and read from, as a cause; `None` where there is one.
pub(super) fn lack() -> Option<&'static str> {
    lack_of_drawing().or_else(|| (!std::io::stderr().is_terminal()).then_some("stderr is none"))
}

/// Tells whether whoever is at the terminal wants lines that are never rewritten: a screen reader, or a terminal that
/// cannot be drawn on.
pub(super) fn wants_lines() -> bool {
    let is_at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    is_at_terminal && (is_accessible() || is_dumb())
}

/// `ACCESSIBLE` is set, to anything but nothing and `0`.
pub(super) fn is_accessible() -> bool {
    variable("ACCESSIBLE").is_some_and(|value| !value.is_empty() && value != "0")
}

/// `TERM` says that nothing can be drawn on the terminal.
pub(super) fn is_dumb() -> bool {
    variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// The same as [`lack`] where what goes to stderr may go to a log.
pub(super) fn lack_of_drawing() -> Option<&'static str> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        Some("stdin or stdout is none")
    } else {
        is_dumb().then_some("`TERM` says that it cannot be drawn on")
    }
}

/// Tells whether half-blocks arrive as what they are.
pub(super) fn has_half_blocks(context: &Context) -> bool {
    abilities(context.color()).qr.half_blocks
}

/// Tells whether a picture on stderr may have colours of its own. A terminal that has any shows them whatever is wanted of
/// text, since a QR code is read on dark and light themes alike only in black on white.
pub(super) fn has_picture_colors(context: &Context) -> bool {
    let on_terminal =
        context.output.stderr_is_terminal() && abilities(context.color()).qr.palette != QrPalette::Reverse;
    on_terminal || context.output.stderr_has_color()
}

/// What the terminal can do, from the flag and the environment.
pub(super) fn abilities(color: ColorWhen) -> Abilities {
    abilities_of(color, variable("TERM").as_deref())
}

/// Tells whether lines have colours. What is no terminal has none by itself.
pub(super) fn has_color(color: ColorWhen, is_terminal: bool) -> bool {
    let term = if is_terminal { variable("TERM") } else { Some("dumb".to_owned()) };
    abilities_of(color, term.as_deref()).color == ColorChoice::Always
}

fn abilities_of(color: ColorWhen, term: Option<&str>) -> Abilities {
    let names = ["NO_COLOR", "CLICOLOR_FORCE", "COLORTERM", "LC_ALL", "LC_CTYPE", "LANG"];
    let [no_color, clicolor_force, colorterm, lc_all, lc_ctype, lang] = names.map(variable);
    let flag = match color {
        ColorWhen::Auto => None,
        ColorWhen::Always => Some(ColorChoice::Always),
        ColorWhen::Never => Some(ColorChoice::Never),
    };
    let environment = Environment {
        flag,
        no_color: no_color.as_deref(),
        clicolor_force: clicolor_force.as_deref(),
        term,
        colorterm: colorterm.as_deref(),
        lc_all: lc_all.as_deref(),
        lc_ctype: lc_ctype.as_deref(),
        lang: lang.as_deref(),
    };
    environment.abilities()
}
