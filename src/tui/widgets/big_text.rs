//! A user code in letters of five rows, to be read from across a room. Made of blanks in reverse video, so that no font
//! has to have any glyph.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

/// The rows and columns of a letter at scale 1.
const LETTER: u16 = 5;

/// Text in large letters. Knows `A` to `Z`, `0` to `9` and `-`.
#[derive(Clone, Debug)]
pub struct BigText {
    glyphs: Vec<Glyph>,
    scale: u16,
    style: Style,
}

/// The rows of a letter from the top, its left column in the highest of five bits.
type Glyph = [u8; LETTER as usize];

impl BigText {
    /// The rows at scale 1.
    pub const ROWS: u16 = LETTER;

    /// The text at scale 1, or `None` if any of its characters has no letter here: a code is shown exactly as it was sent
    /// or not at all.
    pub fn new(text: &str, style: Style) -> Option<Self> {
        let glyphs = text.chars().map(glyph).collect::<Option<Vec<_>>>()?;
        (!glyphs.is_empty()).then_some(Self { glyphs, scale: 1, style })
    }

    /// The same at the largest scale that fits, or `None` if scale 1 does not.
    #[must_use]
    pub fn scaled_to_fit(self, width: u16, height: u16) -> Option<Self> {
        let unit = Self { scale: 1, ..self };
        let scale = (width / unit.columns()).min(height / unit.rows());
        (scale > 0).then_some(Self { scale, ..unit })
    }

    /// The columns it takes: five a letter and one between two, times the scale.
    pub fn columns(&self) -> u16 {
        let letters = u16::try_from(self.glyphs.len()).unwrap_or(u16::MAX);
        letters.saturating_mul(LETTER + 1).saturating_sub(1).saturating_mul(self.scale)
    }

    pub fn rows(&self) -> u16 {
        LETTER.saturating_mul(self.scale)
    }

    fn is_ink(&self, column: u16, row: u16) -> bool {
        let (column, row) = (column / self.scale, row / self.scale);
        let (letter, column) = (column / (LETTER + 1), column % (LETTER + 1));
        let rows = self.glyphs.get(usize::from(letter));
        let bits = rows.and_then(|rows| rows.get(usize::from(row))).copied().unwrap_or_default();
        column < LETTER && bits >> (LETTER - 1 - column) & 1 == 1
    }
}

impl Widget for &BigText {
    /// Draws at the top left of the area, or nothing if the area is too small: part of a code is a wrong code.
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width < self.columns() || area.height < self.rows() {
            return;
        }
        for row in 0..self.rows() {
            for column in 0..self.columns() {
                let cell = &mut buffer[(area.x + column, area.y + row)];
                cell.reset();
                if self.is_ink(column, row) {
                    cell.set_style(self.style.add_modifier(Modifier::REVERSED));
                }
            }
        }
    }
}

/// Own letters. `0` has a slash and `1` a foot, since people compare codes letter by letter.
#[rustfmt::skip]
fn glyph(character: char) -> Option<Glyph> {
    Some(match character {
        'A' => [0b01110, 0b10001, 0b11111, 0b10001, 0b10001],
        'B' => [0b11110, 0b10001, 0b11110, 0b10001, 0b11110],
        'C' => [0b01111, 0b10000, 0b10000, 0b10000, 0b01111],
        'D' => [0b11110, 0b10001, 0b10001, 0b10001, 0b11110],
        'E' => [0b11111, 0b10000, 0b11110, 0b10000, 0b11111],
        'F' => [0b11111, 0b10000, 0b11110, 0b10000, 0b10000],
        'G' => [0b01111, 0b10000, 0b10011, 0b10001, 0b01111],
        'H' => [0b10001, 0b10001, 0b11111, 0b10001, 0b10001],
        'I' => [0b11111, 0b00100, 0b00100, 0b00100, 0b11111],
        'J' => [0b00111, 0b00010, 0b00010, 0b10010, 0b01100],
        'K' => [0b10001, 0b10010, 0b11100, 0b10010, 0b10001],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'M' => [0b10001, 0b11011, 0b10101, 0b10001, 0b10001],
        'N' => [0b10001, 0b11001, 0b10101, 0b10011, 0b10001],
        'O' => [0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
        'P' => [0b11110, 0b10001, 0b11110, 0b10000, 0b10000],
        'Q' => [0b01110, 0b10001, 0b10101, 0b10010, 0b01101],
        'R' => [0b11110, 0b10001, 0b11110, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'V' => [0b10001, 0b10001, 0b10001, 0b01010, 0b00100],
        'W' => [0b10001, 0b10001, 0b10101, 0b11011, 0b10001],
        'X' => [0b10001, 0b01010, 0b00100, 0b01010, 0b10001],
        'Y' => [0b10001, 0b01010, 0b00100, 0b00100, 0b00100],
        'Z' => [0b11111, 0b00010, 0b00100, 0b01000, 0b11111],
        '0' => [0b01110, 0b10011, 0b10101, 0b11001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b01110],
        '2' => [0b11110, 0b00001, 0b01110, 0b10000, 0b11111],
        '3' => [0b11110, 0b00001, 0b00110, 0b00001, 0b11110],
        '4' => [0b10010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b11110],
        '6' => [0b00110, 0b01000, 0b11110, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b00100],
        '8' => [0b01110, 0b10001, 0b01110, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b01111, 0b00010, 0b01100],
        '-' => [0b00000, 0b00000, 0b01110, 0b00000, 0b00000],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};
    use ratatui::widgets::Widget;

    use super::{BigText, glyph};

    const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    fn draw(text: &BigText, area: Rect) -> Vec<String> {
        let mut buffer = Buffer::filled(Rect::new(0, 0, 80, 24), ratatui::buffer::Cell::new("x"));
        text.render(area, &mut buffer);
        let ink = |cell: &ratatui::buffer::Cell| match (cell.symbol(), cell.modifier) {
            (" ", Modifier::REVERSED) => '#',
            (" ", _) => '.',
            _ => 'x',
        };
        let rows = buffer.content.chunks(80).map(|row| row.iter().map(ink).collect::<String>());
        rows.map(|row| row.trim_end_matches('x').to_owned()).take_while(|row| !row.is_empty()).collect()
    }

    #[test]
    fn letters_are_blanks_in_reverse_video() {
        let text = BigText::new("A-1", Style::new()).expect("all have letters");
        let expected =
            [".###..........#..", "#...#........##..", "#####..###....#..", "#...#.........#..", "#...#........###."];
        let drawn = draw(&text, Rect::new(0, 0, 80, 24));
        assert_eq!(drawn, expected);
        assert_eq!((text.columns(), text.rows()), (17, 5));
    }

    #[test]
    fn no_two_letters_look_alike() {
        let glyphs = ALL.chars().map(|character| glyph(character).expect("has a letter")).collect::<Vec<_>>();
        for (index, one) in glyphs.iter().enumerate() {
            for other in &glyphs[..index] {
                let differing: u32 = one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).sum();
                assert!(differing >= 2, "{one:?} and {other:?}");
            }
            assert!(one.iter().all(|row| row >> 5 == 0));
        }
    }

    #[test]
    fn a_code_with_any_other_character_is_not_drawable() {
        for text in ["", "ABCD 1234", "abcd", "ABCD–1", "Ä"] {
            assert!(BigText::new(text, Style::new()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_largest_scale_that_fits_is_taken_and_part_of_a_code_never_drawn() {
        let text = BigText::new("ABCD-1234", Style::new()).expect("all have letters");
        let scaled =
            |width, height| text.clone().scaled_to_fit(width, height).map(|text| (text.columns(), text.rows()));
        assert_eq!(scaled(53, 5), Some((53, 5)));
        assert_eq!(scaled(120, 33), Some((106, 10)));
        assert_eq!(scaled(240, 9), Some((53, 5)));
        assert_eq!(scaled(52, 33), None);
        assert!(draw(&text, Rect::new(0, 0, 52, 24)).is_empty());
        assert!(draw(&text, Rect::new(30, 0, 80, 24)).is_empty());
        assert_eq!(draw(&text, Rect::new(0, 0, 53, 5)).len(), 5);
    }
}
