//! QR codes, read back from the screen by a decoder that knows nothing of how they were drawn.

use crate::support::camera::{DARK, LIGHT};
use device_login::abilities::QrPalette;
use device_login::qr::{QrMatrix, image};
use device_login::tui::widgets::qr::{Fit, QrCode, QrForms};
use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

const URI: &str = "https://accounts.zoho.com/oauth/v3/device?user_code=ABCD-1234";
const PALETTES: [QrPalette; 3] = [QrPalette::Indexed256, QrPalette::Ansi16, QrPalette::Reverse];

/// Pixels a column at which a module has four to a side or a few more: enough for a decoder, and quickly read.
fn pixels(fit: Fit) -> usize {
    4_usize.div_ceil(usize::from(fit.scale()))
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

/// The bytes that versions 1 to 10 hold at level L.
const CAPACITIES: [usize; 10] = [17, 32, 53, 78, 106, 134, 154, 192, 230, 271];

/// Every way to draw a code of which the modules are not larger than they need to be.
fn usual_fits(matrix: &QrMatrix) -> Vec<Fit> {
    let mut fits = Fit::ladder(matrix.size(), 200, 100, QrForms::Both);
    fits.retain(|fit| fit.scale() <= 2);
    assert_eq!([1, 2].map(|scale| fits.iter().filter(|fit| fit.scale() == scale).count()), [3, 3]);
    fits
}

#[test]
fn every_form_and_quiet_zone_is_read_in_versions_one_to_ten() {
    for (capacity, palette) in CAPACITIES.into_iter().zip(PALETTES.into_iter().cycle()) {
        let uri = format!("https://zoho.com/{:x<1$}", "", capacity - 17);
        let matrix = QrMatrix::encode(&uri).expect("fits");
        for fit in usual_fits(&matrix) {
            let screen = draw(&matrix, fit, palette, false);
            assert_eq!(DARK.decode(&screen, pixels(fit)).as_ref(), Some(&uri), "{capacity}, {fit:?}, {palette:?}");
        }
    }
}

#[test]
fn every_palette_and_form_is_read_on_a_dark_terminal() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    for palette in PALETTES {
        let large = Fit::choose_step(matrix.size(), 130, 65, QrForms::Both, i16::MAX).expect("fits");
        assert_eq!(large.scale(), 3);
        for fit in usual_fits(&matrix).into_iter().chain([large]) {
            let screen = draw(&matrix, fit, palette, false);
            assert_eq!(DARK.decode(&screen, pixels(fit)).as_deref(), Some(URI), "{fit:?}, {palette:?}");
        }
    }
}

#[test]
fn own_colors_are_read_on_a_light_terminal_and_reverse_video_once_inverted() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    for palette in PALETTES {
        for fit in usual_fits(&matrix) {
            let screen = draw(&matrix, fit, palette, palette == QrPalette::Reverse);
            assert_eq!(LIGHT.decode(&screen, pixels(fit)).as_deref(), Some(URI), "{fit:?}, {palette:?}");
        }
    }
}

#[test]
fn the_decoder_sees_what_is_drawn_and_not_what_was_encoded() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    let fit = Fit::choose_step(matrix.size(), 80, 60, QrForms::Both, 0).expect("fits");
    let inverted = draw(&matrix, fit, QrPalette::Ansi16, true);
    assert_ne!(DARK.decode(&inverted, pixels(fit)).as_deref(), Some(URI), "light on dark is no QR code");
    let mut cut = draw(&matrix, fit, QrPalette::Ansi16, false);
    cut.resize(Rect::new(0, 0, cut.area.width, cut.area.height / 2));
    assert_eq!(DARK.decode(&cut, pixels(fit)), None);
}

#[test]
fn text_is_encoded_byte_for_byte() {
    for text in ["https://example.com/gerät?x=日本", "123456789012345678901234567890", "HTTPS://EXAMPLE.COM/%20", " a "]
    {
        let matrix = QrMatrix::encode(text).expect("fits");
        let fit = Fit::choose_step(matrix.size(), 80, 60, QrForms::Both, 0).expect("fits");
        assert_eq!(DARK.decode(&draw(&matrix, fit, QrPalette::Indexed256, false), pixels(fit)).as_deref(), Some(text));
    }
}

#[test]
fn whatever_is_chosen_fits_its_box_and_nothing_else_would_have_fitted_if_none_is() {
    for forms in [QrForms::Both, QrForms::HalfBlock, QrForms::Background] {
        for size in [21, 25, 29, 33, 37, 41, 57, 177] {
            for (width, height) in (0..=120).flat_map(|width| (0..=60).map(move |height| (width, height))) {
                match Fit::choose_step(size, width, height, forms, 0) {
                    Ok(fit) => assert!(fit.columns() <= width && fit.rows() <= height && fit.quiet_zone() > 0),
                    Err(small) => assert!(small.needs.width > width || small.needs.height > height),
                }
            }
        }
    }
}

/// Reads a code from a picture in grey.
fn read(side: usize, grey: impl Fn(usize, usize) -> u8) -> Option<String> {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
    image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

#[test]
fn a_png_picture_is_read_back_by_a_decoder_of_others() {
    // The largest has more pixels than one stored block holds.
    for text in [URI.to_owned(), format!("https://example.com/{:x<600}", "")] {
        let matrix = QrMatrix::encode(&text).expect("fits");
        let picture = image::png(&matrix);
        let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("the header is whole");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it fits into memory")];
        let info = reader.next_frame(&mut pixels).expect("checksums and pixels are right");
        reader.finish().expect("nothing follows");
        let side = usize::from(matrix.size() + 8) * 8;
        assert_eq!((info.width as usize, info.height as usize), (side, side));
        assert_eq!(read(side, |x, y| pixels[y * side + x]).as_ref(), Some(&text));
    }
}

#[test]
fn an_svg_picture_has_a_square_for_each_dark_module() {
    let matrix = QrMatrix::encode(URI).expect("fits");
    let svg = image::svg(&matrix);
    let side = usize::from(matrix.size()) + 8;
    assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")) && svg.contains("fill=\"#fff\""), "{svg}");
    let path = svg.split_once("<path d=\"").and_then(|(_, rest)| rest.split_once('"')).expect("there is a path").0;
    let mut dark = vec![false; side * side];
    for square in path.split('M').skip(1) {
        let (x, y) = square.strip_suffix("h1v1h-1z").and_then(|at| at.split_once(' ')).expect("a square");
        dark[y.parse::<usize>().expect("a row") * side + x.parse::<usize>().expect("a column")] = true;
    }
    let grey = |x: usize, y: usize| if dark[y / 4 * side + x / 4] { 0 } else { 255 };
    assert_eq!(read(side * 4, grey).as_deref(), Some(URI));
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
        let Ok(fit) = Fit::choose_step(matrix.size(), chosen_width, chosen_height, QrForms::Both, step) else {
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
