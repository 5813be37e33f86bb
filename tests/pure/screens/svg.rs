//! Draws a buffer as an SVG picture: what a terminal shows, cell by cell.
//!
//! Blocks and lines are shapes, so that no font can leave seams in a QR code; all else is text on the grid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Pixels of a cell. Half of one is a square, as the modules of a QR code are.
const WIDTH: u32 = 9;
const HEIGHT: u32 = 18;
const MARGIN: u32 = 12;

/// The colours of a terminal.
pub(crate) struct Palette {
    pub(crate) foreground: &'static str,
    pub(crate) background: &'static str,
    cyan: &'static str,
    yellow: &'static str,
    blue: &'static str,
    magenta: &'static str,
    green: &'static str,
    red: &'static str,
    black: &'static str,
    white: &'static str,
}

pub(crate) const DARK: Palette = Palette {
    foreground: "#d8dee9",
    background: "#1c2028",
    cyan: "#56c8d8",
    yellow: "#e5c07b",
    blue: "#82aaff",
    magenta: "#c792ea",
    green: "#8cc570",
    red: "#f07178",
    black: "#10131a",
    white: "#ffffff",
};

pub(crate) const LIGHT: Palette = Palette {
    foreground: "#24292f",
    background: "#ffffff",
    cyan: "#0a7c8c",
    yellow: "#8a6100",
    blue: "#0550ae",
    magenta: "#8250df",
    green: "#1a7f37",
    red: "#cf222e",
    black: "#24292f",
    white: "#ffffff",
};

impl Palette {
    fn color(&self, color: Color, default: &'static str) -> &'static str {
        match color {
            Color::Cyan => self.cyan,
            Color::Yellow => self.yellow,
            Color::Blue => self.blue,
            Color::Magenta => self.magenta,
            Color::Green => self.green,
            Color::Red => self.red,
            Color::Black => self.black,
            Color::White => self.white,
            Color::Indexed(231) => "#ffffff",
            Color::Indexed(16) => "#000000",
            // As the 256 colours of xterm have them.
            Color::Indexed(240) => "#585858",
            Color::Indexed(238) => "#444444",
            Color::Indexed(252) => "#d0d0d0",
            Color::Indexed(28) => "#008700",
            Color::Indexed(90) => "#870087",
            Color::Indexed(124) => "#af0000",
            Color::Reset => default,
            other => panic!("the pictures have no {other:?}"),
        }
    }

    /// Foreground and background of a cell as a terminal shows them.
    fn colors(&self, cell: &Cell) -> (String, String) {
        let colors = (self.color(cell.fg, self.foreground), self.color(cell.bg, self.background));
        let (on, below) = if cell.modifier.contains(Modifier::REVERSED) { (colors.1, colors.0) } else { colors };
        let on = if cell.modifier.contains(Modifier::DIM) { dimmed(on, below) } else { on.to_owned() };
        (on, below.to_owned())
    }
}

/// A color that is three parts of five on another one, as terminals draw what is dim: text and lines alike.
fn dimmed(color: &str, below: &str) -> String {
    let part = |color: &str, at: usize| u32::from_str_radix(&color[at..at + 2], 16).expect("a colour in hexadecimal");
    let mixed = |at| (3 * part(color, at) + 2 * part(below, at)) / 5;
    format!("#{:02x}{:02x}{:02x}", mixed(1), mixed(3), mixed(5))
}

/// The picture of a screen, titled for those who cannot see it.
pub(crate) fn svg(buffer: &Buffer, title: &str, palette: &Palette) -> String {
    let rows: String = rows(buffer, palette).concat();
    whole(buffer, title, palette, "", &rows)
}

/// One screen after another, each for so many tenths of a second, over and over. Whoever wants no motion sees the first one.
pub(crate) fn film(scenes: &[(Buffer, u32)], title: &str, palette: &Palette) -> String {
    let rows_of: Vec<Vec<String>> = scenes.iter().map(|(buffer, _)| rows(buffer, palette)).collect();
    let mut rows_by_scenes: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    for row in 0..rows_of[0].len() {
        let looks: BTreeSet<&String> = rows_of.iter().map(|rows| &rows[row]).collect();
        for look in looks {
            let shown_in = rows_of.iter().map(|rows| rows[row] == *look).collect();
            rows_by_scenes.entry(shown_in).or_default().push_str(look);
        }
    }
    let length: u32 = scenes.iter().map(|(_, tenths)| tenths).sum();
    let mut style = format!("g[class]{{animation:{}.{}s step-end infinite}}", length / 10, length % 10);
    let mut body = String::new();
    for (number, (shown_in, rows)) in rows_by_scenes.iter().enumerate() {
        if shown_in.iter().all(|is_shown| *is_shown) {
            body.push_str(rows);
            continue;
        }
        let visibility = |is_shown: bool| if is_shown { "visible" } else { "hidden" };
        let mut begins_at = 0;
        let mut steps = String::new();
        for (is_shown, (_, tenths)) in shown_in.iter().zip(scenes) {
            let share = f64::from(begins_at) * 100.0 / f64::from(length);
            write!(steps, "{share:.3}%{{visibility:{}}}", visibility(*is_shown)).expect("a text takes everything");
            begins_at += tenths;
        }
        write!(style, "\n@keyframes s{number}{{{steps}}}g.s{number}{{animation-name:s{number}}}")
            .expect("a text takes everything");
        write!(body, "<g class=\"s{number}\" visibility=\"{}\">\n{rows}</g>\n", visibility(shown_in[0]))
            .expect("a text takes everything");
    }
    style.push_str("\n@media (prefers-reduced-motion:reduce){g[class]{animation:none}}");
    whole(&scenes[0].0, title, palette, &format!("<style>\n{style}\n</style>\n"), &body)
}

fn whole(buffer: &Buffer, title: &str, palette: &Palette, style: &str, body: &str) -> String {
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let (width, height) = (columns * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\">\n\
         <title>{title}</title>\n{style}\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"15\" \
         shape-rendering=\"crispEdges\">\n{body}</g>\n</svg>\n",
        palette.background
    )
}

fn rows(buffer: &Buffer, palette: &Palette) -> Vec<String> {
    let drawn = |row| {
        let mut svg = String::new();
        row_of(buffer, row, palette, &mut svg);
        svg
    };
    (0..buffer.area.height).map(drawn).collect()
}

/// Backgrounds first, then what stands on them, in runs of one style.
fn row_of(buffer: &Buffer, row: u16, palette: &Palette, svg: &mut String) {
    let top = MARGIN + u32::from(row) * HEIGHT;
    let cells: Vec<&Cell> = (0..buffer.area.width).map(|column| &buffer[(column, row)]).collect();
    for (from, to) in runs(&cells, |cell| palette.colors(cell).1) {
        let background = palette.colors(cells[from]).1;
        if background != palette.background {
            rectangle(svg, left(from), top, columns(to - from) * WIDTH, HEIGHT, &background);
        }
    }
    for (column, cell) in cells.iter().enumerate() {
        shape(svg, cell, left(column), top, &palette.colors(cell).0);
    }
    let key = |cell: &Cell| (palette.colors(cell).0, cell.modifier, is_text(cell));
    for (from, to) in runs(&cells, key) {
        let text: String = cells[from..to].iter().map(|cell| cell.symbol()).collect();
        let (blank, text) = (text.len() - text.trim_start().len(), text.trim());
        if !is_text(cells[from]) || text.is_empty() {
            continue;
        }
        let modifier = cells[from].modifier;
        let mut attributes = String::new();
        if modifier.contains(Modifier::BOLD) {
            attributes += " font-weight=\"bold\"";
        }
        if modifier.contains(Modifier::UNDERLINED) {
            attributes += " text-decoration=\"underline\"";
        }
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" textLength=\"{}\" xml:space=\"preserve\" fill=\"{}\"{attributes}>{escaped}</text>",
            left(from + blank),
            top + 14,
            columns(text.chars().count()) * WIDTH,
            palette.colors(cells[from]).0,
        )
        .expect("a text takes everything");
    }
}

fn left(column: usize) -> u32 {
    MARGIN + columns(column) * WIDTH
}

fn columns(columns: usize) -> u32 {
    u32::try_from(columns).expect("screens are small")
}

fn is_text(cell: &Cell) -> bool {
    !"█▀▄░▌━─│┌┐└┘╭╮╰╯├┤┬┴┼".contains(cell.symbol()) || cell.symbol() == " "
}

/// First and last-but-one column of each stretch of cells that are alike.
fn runs<K: PartialEq>(cells: &[&Cell], key: impl Fn(&Cell) -> K) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for column in 0..cells.len() {
        match runs.last_mut() {
            Some((from, to)) if key(cells[*from]) == key(cells[column]) => *to = column + 1,
            _ => runs.push((column, column + 1)),
        }
    }
    runs
}

fn rectangle(svg: &mut String, x: u32, y: u32, width: u32, height: u32, fill: &str) {
    writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>")
        .expect("a text takes everything");
}

/// Blocks, and lines from the middle of a cell to those of its sides that they reach.
fn shape(svg: &mut String, cell: &Cell, x: u32, y: u32, fill: &str) {
    let (middle_x, middle_y) = (WIDTH / 2, HEIGHT / 2);
    let mut line = |reaches: [bool; 4]| {
        let [up, right, down, left] = reaches;
        let from_x = if left { 0 } else { middle_x };
        let to_x = if right { WIDTH } else { middle_x + 1 };
        if left || right {
            rectangle(svg, x + from_x, y + middle_y, to_x - from_x, 1, fill);
        }
        let from_y = if up { 0 } else { middle_y };
        let to_y = if down { HEIGHT } else { middle_y + 1 };
        if up || down {
            rectangle(svg, x + middle_x, y + from_y, 1, to_y - from_y, fill);
        }
    };
    match cell.symbol() {
        "━" => rectangle(svg, x, y + middle_y - 1, WIDTH, 3, fill),
        "▌" => rectangle(svg, x, y, WIDTH / 2, HEIGHT, fill),
        "─" => line([false, true, false, true]),
        "│" => line([true, false, true, false]),
        "┌" | "╭" => line([false, true, true, false]),
        "┐" | "╮" => line([false, false, true, true]),
        "└" | "╰" => line([true, true, false, false]),
        "┘" | "╯" => line([true, false, false, true]),
        "├" => line([true, true, true, false]),
        "┤" => line([true, false, true, true]),
        "┬" => line([false, true, true, true]),
        "┴" => line([true, true, false, true]),
        "┼" => line([true, true, true, true]),
        "█" => rectangle(svg, x, y + 2, WIDTH, HEIGHT - 4, fill),
        "▀" => rectangle(svg, x, y, WIDTH, HEIGHT / 2, fill),
        "▄" => rectangle(svg, x, y + HEIGHT / 2, WIDTH, HEIGHT / 2, fill),
        "░" => writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"{WIDTH}\" height=\"{}\" fill=\"{fill}\" opacity=\"0.25\"/>",
            y + 2,
            HEIGHT - 4
        )
        .expect("a text takes everything"),
        _ => {}
    }
}
