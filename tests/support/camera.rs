//! A camera before a screen: turns the cells of a buffer into pixels as a terminal would and decodes the QR code on them.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// A terminal's own colours, as greys.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    foreground: u8,
    background: u8,
    /// What it shows for the ANSI colour that is called white or grey.
    white: u8,
}

/// The console of the Linux kernel, and a desktop's terminal in a light theme.
pub(crate) const DARK: Terminal = Terminal { foreground: 170, background: 0, white: 170 };
pub(crate) const LIGHT: Terminal = Terminal { foreground: 20, background: 250, white: 229 };

impl Terminal {
    fn grey(self, color: Color, default: u8) -> u8 {
        match color {
            Color::Black | Color::Indexed(16) => 0,
            Color::Gray => self.white,
            Color::Indexed(231) => 255,
            // The terminal's own; and text around the code, which may be in any colour.
            _ => default,
        }
    }

    /// The grey of one pixel of a cell.
    fn paint(self, cell: &Cell, is_top: bool) -> u8 {
        let mut foreground = self.grey(cell.fg, self.foreground);
        let mut background = self.grey(cell.bg, self.background);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut foreground, &mut background);
        }
        let has_its_colors = matches!(cell.bg, Color::Black | Color::Gray | Color::Indexed(16 | 231));
        let is_code = matches!(cell.symbol(), "▀" | "▄") || has_its_colors;
        assert!(!is_code || (cell.modifier - Modifier::REVERSED).is_empty(), "bold and the like change colours");
        match cell.symbol() {
            " " => background,
            "▀" => {
                if is_top {
                    foreground
                } else {
                    background
                }
            }
            "▄" => {
                if is_top {
                    background
                } else {
                    foreground
                }
            }
            // A letter is a blot to a camera that far away.
            _ => foreground,
        }
    }

    /// Decodes the one code on a screen, photographed with so many pixels a column and twice as many a row.
    pub(crate) fn decode(self, screen: &Buffer, pixels: usize) -> Option<String> {
        let (columns, rows) = (usize::from(screen.area.width), usize::from(screen.area.height));
        let pixel = |x: usize, y: usize| {
            let cell = &screen.content[y / (2 * pixels) * columns + x / pixels];
            self.paint(cell, (y / pixels).is_multiple_of(2))
        };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(columns * pixels, rows * 2 * pixels, pixel);
        image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
    }
}
