//! Watches what reaches a terminal: a list of the sequences that this program draws with, written apart from it, and an
//! emulator that reports every change of state.

use std::num::NonZeroU16;

use vt100::{Callbacks, Screen};

use super::hostile::is_hidden;

/// The text among the bytes that reach a terminal.
///
/// # Errors
///
/// A control that this program does not draw with, and what follows it.
pub(crate) fn text(bytes: &[u8]) -> Result<String, String> {
    let all = String::from_utf8_lossy(bytes);
    let (mut text, mut rest) = (String::new(), all.as_ref());
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        if character == '\u{1b}' {
            let end = drawing(rest).ok_or_else(|| format!("ESC {:?}", rest.chars().take(20).collect::<String>()))?;
            rest = &rest[end..];
        } else if character.is_control() && !"\r\n".contains(character) {
            return Err(format!("{character:?} before {:?}", rest.chars().take(20).collect::<String>()));
        } else {
            text.push(character);
        }
    }
    Ok(text)
}

/// Where a sequence ends that styles text, moves or shows the cursor, or clears; `None` for every other one.
fn drawing(rest: &str) -> Option<usize> {
    let parameters = rest.strip_prefix('[')?;
    let length = parameters.find(|character: char| !(character.is_ascii_digit() || ";?".contains(character)))?;
    let (parameters, last) = (&parameters[..length], parameters[length..].chars().next()?);
    let is_ours = match last {
        'm' | 'H' | 'J' | 'K' => !parameters.contains('?'),
        'h' | 'l' => parameters == "?25",
        _ => false,
    };
    is_ours.then_some(1 + length + 1)
}

/// As [`text`], and nothing in the text hides or reverses.
pub(crate) fn plain_text(bytes: &[u8]) -> Result<String, String> {
    let text = text(bytes)?;
    match text.chars().find(|&character| !"\r\n".contains(character) && is_hidden(character)) {
        Some(hidden) => Err(format!("{hidden:?} in {text:?}")),
        None => Ok(text),
    }
}

/// Everything that an emulator is asked to do beyond drawing.
#[derive(Default)]
struct Changes(Vec<String>);

impl Callbacks for Changes {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.0.push("bell".to_owned());
    }

    fn visual_bell(&mut self, _: &mut Screen) {
        self.0.push("visual bell".to_owned());
    }

    fn resize(&mut self, _: &mut Screen, size: (u16, u16)) {
        self.0.push(format!("resize to {size:?}"));
    }

    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.0.push(format!("icon name {name:?}"));
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.0.push(format!("title {title:?}"));
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.0.push(format!("clipboard {data:?}"));
    }

    fn paste_from_clipboard(&mut self, _: &mut Screen, _: &[u8]) {
        self.0.push("reads the clipboard".to_owned());
    }

    fn unhandled_control(&mut self, _: &mut Screen, control: u8) {
        self.0.push(format!("control {control}"));
    }

    fn unhandled_escape(&mut self, _: &mut Screen, _: Option<u8>, _: Option<u8>, last: u8) {
        self.0.push(format!("escape {last}"));
    }

    fn unhandled_csi(&mut self, _: &mut Screen, _: Option<u8>, _: Option<u8>, parameters: &[&[u16]], last: char) {
        // Styles that the emulator does not know are styles still, such as the color of underlines.
        if last != 'm' {
            self.0.push(format!("CSI {parameters:?} {last}"));
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, parameters: &[&[u8]]) {
        self.0.push(format!("OSC {parameters:?}"));
    }
}

/// What these bytes do to a terminal beyond drawing on it: nothing, if all is well.
pub(crate) fn changes(bytes: &[u8], columns: u16, rows: u16) -> Vec<String> {
    let cells = |count| NonZeroU16::new(count).expect("a terminal has cells");
    let mut terminal = vt100::Parser::new_with_callbacks(cells(rows), cells(columns), 0, Changes::default());
    terminal.process(bytes);
    let screen = terminal.screen();
    let modes = [
        ("alternate screen", screen.alternate_screen()),
        ("application keypad", screen.application_keypad()),
        ("application cursor", screen.application_cursor()),
        ("bracketed paste", screen.bracketed_paste()),
        ("mouse", screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None),
    ];
    let modes = modes.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    terminal.callbacks_mut().0.drain(..).chain(modes).collect()
}
