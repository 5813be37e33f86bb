//! QR codes, read back from the screen by a decoder that knows nothing of how they were drawn.

use device_login::oauth::qr::QrMatrix;
use device_login::tui::widgets::qr::{Fit, QrAbilities, QrCode, QrForm, QrPalette};
use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

const URI: &str = "https://accounts.zoho.com/oauth/v3/device?user_code=ABCD-1234";
const PALETTES: [QrPalette; 3] = [QrPalette::Indexed256, QrPalette::Ansi16, QrPalette::Reverse];

/// Pixels of a cell.
const WIDTH: usize = 4;
const HEIGHT: usize = 8;

/// A terminal's own two colours, as greys.
#[derive(Clone, Copy)]
struct Terminal {
    foreground: u8,
    background: u8,
}

const DARK: Terminal = Terminal { foreground: 200, background: 10 };
const LIGHT: Terminal = Terminal { foreground: 20, background: 250 };

impl Terminal {
    fn grey(self, color: Color, default: u8) -> u8 {
        match color {
            Color::Reset => default,
            Color::Black | Color::Indexed(16) => 0,
            Color::Gray => 170,
            Color::Indexed(231) => 255,
            other => panic!("no colour for a QR code: {other:?}"),
        }
    }

    /// The grey of one pixel of a cell.
    fn paint(self, cell: &Cell, y: usize) -> u8 {
        let mut foreground = self.grey(cell.fg, self.foreground);
        let mut background = self.grey(cell.bg, self.background);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut foreground, &mut background);
        }
        assert!((cell.modifier - Modifier::REVERSED).is_empty(), "bold and the like change colours");
        let is_top = y < HEIGHT / 2;
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
            other => panic!("no symbol of a QR code: {other:?}"),
        }
    }

    /// Decodes the one code on a screen.
    fn decode(self, screen: &Buffer) -> Option<String> {
        let (columns, rows) = (usize::from(screen.area.width), usize::from(screen.area.height));
        let pixel = |x, y| self.paint(&screen.content[y / HEIGHT * columns + x / WIDTH], y % HEIGHT);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(columns * WIDTH, rows * HEIGHT, pixel);
        image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
    }
}

/// Draws the code in the middle of a screen that is three cells larger on each side.
fn draw(matrix: &QrMatrix, fit: Fit, palette: QrPalette, inverted: bool) -> Buffer {
    let screen = Rect::new(0, 0, fit.columns() + 6, fit.rows() + 6);
    let mut buffer = Buffer::empty(screen);
    let area = fit.centered_in(screen).expect("the screen is larger");
    // Whatever was there before must not shine through.
    buffer.set_style(area, Style::new().fg(Color::Red).bg(Color::Green).add_modifier(Modifier::all()));
    QrCode { matrix, fit, palette, inverted }.render(area, &mut buffer);
    buffer
}

/// A URI whose code is of the given version.
fn uri_of_version(version: u16) -> String {
    (URI.len()..)
        .map(|length| format!("{URI:#<length$}"))
        .chain(["https://zoho.com/".to_owned()])
        .find_map(|uri| {
            let fitting = (1..=uri.len())
                .rev()
                .find(|&end| QrMatrix::encode(&uri[..end]).is_some_and(|matrix| matrix.size() == 17 + 4 * version))?;
            Some(uri[..fitting].to_owned())
        })
        .expect("some length is of that version")
}

#[test]
fn every_form_quiet_zone_and_palette_is_read_in_versions_one_to_ten() {
    for version in 1..=10 {
        let uri = uri_of_version(version);
        let matrix = QrMatrix::encode(&uri).expect("fits");
        assert_eq!(matrix.size(), 17 + 4 * version);
        for palette in PALETTES {
            let abilities = QrAbilities { half_blocks: true, palette };
            let ladder = Fit::ladder(matrix.size(), 200, 100, abilities);
            assert!(
                [QrForm::Background, QrForm::HalfBlock].map(|form| ladder.iter().any(|fit| fit.form() == form))
                    == [true; 2]
            );
            for fit in ladder {
                let screen = draw(&matrix, fit, palette, false);
                assert_eq!(DARK.decode(&screen).as_ref(), Some(&uri), "version {version}, {fit:?}, {palette:?}");
            }
        }
    }
}

#[test]
fn own_colors_are_read_on_a_light_terminal_and_reverse_video_once_inverted() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    for palette in PALETTES {
        for fit in Fit::ladder(matrix.size(), 100, 60, QrAbilities { half_blocks: true, palette }) {
            let screen = draw(&matrix, fit, palette, palette == QrPalette::Reverse);
            assert_eq!(LIGHT.decode(&screen).as_deref(), Some(URI), "{fit:?}, {palette:?}");
        }
    }
}

#[test]
fn the_decoder_sees_what_is_drawn_and_not_what_was_encoded() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    let fit = Fit::choose(matrix.size(), 80, 60, QrAbilities { half_blocks: true, palette: QrPalette::Ansi16 });
    let fit = fit.expect("fits");
    let inverted = draw(&matrix, fit, QrPalette::Ansi16, true);
    assert_ne!(DARK.decode(&inverted).as_deref(), Some(URI), "light on dark is no QR code");
    let mut cut = draw(&matrix, fit, QrPalette::Ansi16, false);
    cut.resize(Rect::new(0, 0, cut.area.width, cut.area.height / 2));
    assert_eq!(DARK.decode(&cut), None);
}

#[test]
fn text_is_encoded_byte_for_byte() {
    for text in ["https://example.com/gerät?x=日本", "123456789012345678901234567890", "HTTPS://EXAMPLE.COM/%20", " a "]
    {
        let matrix = QrMatrix::encode(text).expect("fits");
        let abilities = QrAbilities { half_blocks: true, palette: QrPalette::Indexed256 };
        let fit = Fit::choose(matrix.size(), 80, 60, abilities).expect("fits");
        assert_eq!(DARK.decode(&draw(&matrix, fit, QrPalette::Indexed256, false)).as_deref(), Some(text));
    }
}

#[test]
fn whatever_is_chosen_fits_its_box_and_nothing_else_would_have_fitted_if_none_is() {
    for half_blocks in [true, false] {
        let abilities = QrAbilities { half_blocks, palette: QrPalette::Indexed256 };
        for size in [21, 25, 29, 33, 37, 41, 57, 177] {
            for (width, height) in (0..=120).flat_map(|width| (0..=60).map(move |height| (width, height))) {
                match Fit::choose(size, width, height, abilities) {
                    Ok(fit) => assert!(fit.columns() <= width && fit.rows() <= height && fit.quiet_zone() > 0),
                    Err(small) => assert!(small.needs.width > width || small.needs.height > height),
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_code_is_drawn_whole_or_not_at_all(
        (x, y, width, height) in (0..20_u16, 0..20_u16, 0..=120_u16, 0..=60_u16),
        (screen_width, screen_height) in (0..=120_u16, 0..=60_u16),
        (chosen_width, chosen_height) in (30..=120_u16, 16..=60_u16),
        step in -6..6_i16,
    ) {
        let matrix = QrMatrix::encode(URI).expect("fits");
        let abilities = QrAbilities { half_blocks: true, palette: QrPalette::Indexed256 };
        let Ok(fit) = Fit::choose_step(matrix.size(), chosen_width, chosen_height, abilities, step) else {
            return Ok(());
        };
        let mut buffer = Buffer::filled(Rect::new(0, 0, screen_width, screen_height), Cell::new("~"));
        let area = Rect::new(x, y, width, height);
        QrCode { matrix: &matrix, fit, palette: QrPalette::Indexed256, inverted: false }.render(area, &mut buffer);
        let fits = area.intersection(buffer.area);
        let code = Rect::new(x, y, fit.columns(), fit.rows());
        let is_drawn = fits.width >= code.width && fits.height >= code.height;
        for position in buffer.area.positions() {
            prop_assert_eq!(buffer[position].symbol() != "~", is_drawn && code.contains(position));
        }
    }
}
