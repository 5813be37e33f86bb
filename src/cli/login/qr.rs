//! A QR code as rows of text for line mode: dark on light in colours of its own where the stream is a terminal.

use crate::qr::QrMatrix;

/// The light modules on each side that cameras need.
const QUIET_ZONE: u16 = 4;

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Two blanks for each module.
    Full,
    /// One half-block for two modules.
    Half,
}

/// The rows, each with its line's end. Without colours, light modules are drawn and dark ones left out, which is right
/// where text is light on dark.
pub(super) fn rows(matrix: &QrMatrix, form: Form, with_color: bool) -> String {
    let side = matrix.size() + 2 * QUIET_ZONE;
    let is_dark = |x: u16, y: u16| match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
        (Some(x), Some(y)) => matrix.is_dark(x, y),
        _ => false,
    };
    let mut rows = String::new();
    let step = if form == Form::Full { 1 } else { 2 };
    for y in (0..side).step_by(step) {
        for x in 0..side {
            rows += match form {
                Form::Full => full(is_dark(x, y), with_color),
                Form::Half => half(is_dark(x, y), is_dark(x, y + 1), with_color),
            };
        }
        rows += if with_color { "\u{1b}[0m\n" } else { "\n" };
    }
    rows
}

fn full(is_dark: bool, with_color: bool) -> &'static str {
    match (is_dark, with_color) {
        (false, true) => "\u{1b}[0;48;5;231m  ",
        (true, true) => "\u{1b}[0;48;5;16m  ",
        (false, false) => "██",
        (true, false) => "  ",
    }
}

/// Where two modules differ, the light one is drawn: glyphs that fall short of their line then only narrow it.
fn half(top_is_dark: bool, bottom_is_dark: bool, with_color: bool) -> &'static str {
    match (top_is_dark, bottom_is_dark, with_color) {
        (false, false, true) => "\u{1b}[0;48;5;231m ",
        (true, true, true) => "\u{1b}[0;48;5;16m ",
        (false, true, true) => "\u{1b}[0;38;5;231;48;5;16m▀",
        (true, false, true) => "\u{1b}[0;38;5;231;48;5;16m▄",
        (false, false, false) => "█",
        (true, true, false) => " ",
        (false, true, false) => "▀",
        (true, false, false) => "▄",
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, QUIET_ZONE, rows};
    use crate::qr::QrMatrix;

    /// Reads the modules back from what is drawn.
    fn read(text: &str, form: Form) -> Vec<Vec<bool>> {
        let mut modules = Vec::new();
        for line in text.lines() {
            let cells: Vec<char> = line.chars().collect();
            match form {
                Form::Full => modules.push(cells.chunks(2).map(|pair| pair[0] == ' ').collect()),
                Form::Half => {
                    modules.push(cells.iter().map(|cell| [' ', '▄'].contains(cell)).collect());
                    modules.push(cells.iter().map(|cell| [' ', '▀'].contains(cell)).collect());
                }
            }
        }
        modules
    }

    #[test]
    fn every_module_is_where_it_belongs() {
        let matrix = QrMatrix::encode("https://accounts.example.com/device?code=ABCD").expect("it fits");
        for form in [Form::Full, Form::Half] {
            let drawn = read(&rows(&matrix, form, false), form);
            for y in 0..matrix.size() {
                for x in 0..matrix.size() {
                    let (column, row) = (usize::from(x + QUIET_ZONE), usize::from(y + QUIET_ZONE));
                    assert_eq!(drawn[row][column], matrix.is_dark(x, y), "{form:?} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn each_row_ends_its_colours() {
        let matrix = QrMatrix::encode("x").expect("it fits");
        for form in [Form::Full, Form::Half] {
            assert!(rows(&matrix, form, true).lines().all(|line| line.ends_with("\u{1b}[0m")), "{form:?}");
        }
    }
}
