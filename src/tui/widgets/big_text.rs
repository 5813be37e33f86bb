//! A user code in large letters, to be read from across a room. Made of blanks in reverse video, so that no font has to
//! have any glyph.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

/// Text in large letters. Knows `A` to `Z`, `0` to `9`, `-` and blanks.
#[derive(Clone, Debug)]
pub struct BigText {
    glyphs: Vec<&'static str>,
    font: &'static Font,
    scale: u16,
    style: Style,
}

/// Letters of one size.
#[derive(Debug)]
struct Font {
    columns: u16,
    rows: u16,
    /// The rows of a letter from the top with a blank between two, `X` for ink.
    glyph: fn(char) -> Option<&'static str>,
}

/// The finest first.
static FONTS: [Font; 2] = [Font { columns: 7, rows: 8, glyph: wide }, Font { columns: 4, rows: 7, glyph: narrow }];

impl BigText {
    /// The rows of the largest letters at scale 1.
    pub const ROWS: u16 = 8;

    /// The text in the finest letters that fit, as large as they do. `None` if none fit, or if any of its characters has
    /// no letter here: a code is shown exactly as it was sent or not at all.
    pub fn fitting(text: &str, style: Style, width: u16, height: u16) -> Option<Self> {
        FONTS.iter().find_map(|font| {
            let glyphs = text.chars().map(font.glyph).collect::<Option<Vec<_>>>()?;
            let unit = Self { glyphs, font, scale: 1, style };
            let scale = (width / unit.columns().max(1)).min(height / unit.rows());
            (scale > 0 && !text.is_empty()).then_some(Self { scale, ..unit })
        })
    }

    /// The columns it takes: those of its letters and one between two, times the scale.
    pub fn columns(&self) -> u16 {
        let letters = u16::try_from(self.glyphs.len()).unwrap_or(u16::MAX);
        letters.saturating_mul(self.font.columns + 1).saturating_sub(1).saturating_mul(self.scale)
    }

    pub fn rows(&self) -> u16 {
        self.font.rows.saturating_mul(self.scale)
    }

    fn is_ink(&self, column: u16, row: u16) -> bool {
        let (column, row) = (column / self.scale, row / self.scale);
        // A letter has one blank beside it, as a row of its picture has.
        let pitch = self.font.columns + 1;
        let glyph = self.glyphs.get(usize::from(column / pitch));
        glyph.and_then(|glyph| glyph.as_bytes().get(usize::from(row * pitch + column % pitch))) == Some(&b'X')
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

/// Own letters of seven columns and eight rows, as heavy across as down. `0` has a slash, `8` a waist, `1` a foot and `Q`
/// a tail below the line, since people compare codes letter by letter.
fn wide(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' => "",
        'A' => "..XXX.. .XX.XX. XX...XX XX...XX XXXXXXX XX...XX XX...XX XX...XX",
        'B' => "XXXXXX. XX...XX XX...XX XXXXXX. XX...XX XX...XX XX...XX XXXXXX.",
        'C' => ".XXXXX. XX...XX XX..... XX..... XX..... XX..... XX...XX .XXXXX.",
        'D' => "XXXXX.. XX..XX. XX...XX XX...XX XX...XX XX...XX XX..XX. XXXXX..",
        'E' => "XXXXXXX XX..... XX..... XXXXX.. XX..... XX..... XX..... XXXXXXX",
        'F' => "XXXXXXX XX..... XX..... XXXXX.. XX..... XX..... XX..... XX.....",
        'G' => ".XXXXX. XX...XX XX..... XX..... XX.XXXX XX...XX XX...XX .XXXXX.",
        'H' => "XX...XX XX...XX XX...XX XXXXXXX XX...XX XX...XX XX...XX XX...XX",
        'I' => "XXXXXX. ..XX... ..XX... ..XX... ..XX... ..XX... ..XX... XXXXXX.",
        'J' => "....XXX .....XX .....XX .....XX .....XX XX...XX XX...XX .XXXXX.",
        'K' => "XX...XX XX..XX. XX.XX.. XXXX... XXXX... XX.XX.. XX..XX. XX...XX",
        'L' => "XX..... XX..... XX..... XX..... XX..... XX..... XX..... XXXXXXX",
        'M' => "XX...XX XXX.XXX XXXXXXX XX.X.XX XX.X.XX XX...XX XX...XX XX...XX",
        'N' => "XX...XX XXX..XX XXXX.XX XX.XXXX XX..XXX XX...XX XX...XX XX...XX",
        'O' => ".XXXXX. XX...XX XX...XX XX...XX XX...XX XX...XX XX...XX .XXXXX.",
        'P' => "XXXXXX. XX...XX XX...XX XX...XX XXXXXX. XX..... XX..... XX.....",
        'Q' => ".XXXXX. XX...XX XX...XX XX...XX XX.X.XX XX.XXXX .XXXXX. ....XXX",
        'R' => "XXXXXX. XX...XX XX...XX XX...XX XXXXXX. XX.XX.. XX..XX. XX...XX",
        'S' => ".XXXXXX XX..... XX..... .XXXXX. .....XX .....XX .....XX XXXXXX.",
        'T' => "XXXXXX. X.XX.X. ..XX... ..XX... ..XX... ..XX... ..XX... ..XX...",
        'U' => "XX...XX XX...XX XX...XX XX...XX XX...XX XX...XX XX...XX .XXXXX.",
        'V' => "XX...XX XX...XX XX...XX XX...XX XX...XX .XX.XX. ..XXX.. ...X...",
        'W' => "XX...XX XX...XX XX...XX XX.X.XX XX.X.XX XXXXXXX XXX.XXX XX...XX",
        'X' => "XX...XX XX...XX .XX.XX. ..XXX.. ..XXX.. .XX.XX. XX...XX XX...XX",
        'Y' => "XX..XX. XX..XX. XX..XX. .XXXX.. ..XX... ..XX... ..XX... ..XX...",
        'Z' => "XXXXXXX .....XX ....XX. ...XX.. ..XX... .XX.... XX..... XXXXXXX",
        '0' => ".XXXXX. XX..XXX XX..XXX XX.XXXX XXXX.XX XXX..XX XXX..XX .XXXXX.",
        '1' => "..XX... XXXX... ..XX... ..XX... ..XX... ..XX... ..XX... XXXXXX.",
        '2' => ".XXXXX. XX...XX .....XX ....XX. ...XX.. ..XX... .XX.... XXXXXXX",
        '3' => "XXXXXX. .....XX .....XX ..XXXX. .....XX .....XX .....XX XXXXXX.",
        '4' => "....XX. ...XXX. ..XXXX. .XX.XX. XX..XX. XXXXXXX ....XX. ....XX.",
        '5' => "XXXXXXX XX..... XXXXXX. .....XX .....XX .....XX XX...XX .XXXXX.",
        '6' => "..XXXX. .XX.... XX..... XXXXXX. XX...XX XX...XX XX...XX .XXXXX.",
        '7' => "XXXXXXX .....XX ....XX. ....XX. ...XX.. ...XX.. ..XX... ..XX...",
        '8' => "..XXX.. .XX.XX. .XX.XX. ..XXX.. .XX.XX. XX...XX XX...XX .XXXXX.",
        '9' => ".XXXXX. XX...XX XX...XX XX...XX .XXXXXX .....XX ....XX. .XXXX..",
        '-' => "....... ....... ....... .XXXXX. ....... ....... ....... .......",
        _ => return None,
    })
}

/// The same in four columns and seven rows, for windows that hold no more.
fn narrow(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' => "",
        'A' => ".XX. X..X X..X XXXX X..X X..X X..X",
        'B' => "XXX. X..X X..X XXX. X..X X..X XXX.",
        'C' => ".XXX X... X... X... X... X... .XXX",
        'D' => "XX.. X.X. X..X X..X X..X X.X. XX..",
        'E' => "XXXX X... X... XXX. X... X... XXXX",
        'F' => "XXXX X... X... XXX. X... X... X...",
        'G' => ".XXX X... X... X.XX X..X X..X .XXX",
        'H' => "X..X X..X X..X XXXX X..X X..X X..X",
        'I' => "XXX. .X.. .X.. .X.. .X.. .X.. XXX.",
        'J' => "..XX ...X ...X ...X ...X X..X .XX.",
        'K' => "X..X X..X X.X. XX.. X.X. X..X X..X",
        'L' => "X... X... X... X... X... X... XXXX",
        'M' => "X..X XXXX XXXX X..X X..X X..X X..X",
        'N' => "X..X XX.X XX.X X.XX X.XX X..X X..X",
        'O' => ".XX. X..X X..X X..X X..X X..X .XX.",
        'P' => "XXX. X..X X..X XXX. X... X... X...",
        'Q' => ".XX. X..X X..X X..X X..X .XX. ..XX",
        'R' => "XXX. X..X X..X XXX. XX.. X.X. X..X",
        'S' => ".XXX X... X... .XX. ...X ...X XXX.",
        'T' => "XXXX .XX. .XX. .XX. .XX. .XX. .XX.",
        'U' => "X..X X..X X..X X..X X..X X..X XXXX",
        'V' => "X..X X..X X..X X..X X.X. X.X. .X..",
        'W' => "X..X X..X X..X X..X XXXX XXXX X..X",
        'X' => "X..X X..X .XX. .XX. .XX. X..X X..X",
        'Y' => "X..X X..X X..X .XXX ...X ...X XXX.",
        'Z' => "XXXX ...X ..X. ..X. .X.. X... XXXX",
        '0' => ".XX. X.XX X.XX X.XX XX.X XX.X .XX.",
        '1' => "..X. .XX. X.X. ..X. ..X. ..X. .XXX",
        '2' => ".XX. X..X ...X ..X. .X.. X... XXXX",
        '3' => "XXX. ...X ...X .XX. ...X ...X XXX.",
        '4' => "X.X. X.X. X.X. XXXX ..X. ..X. ..X.",
        '5' => "XXXX X... XXX. ...X ...X ...X XXX.",
        '6' => ".XX. X... X... XXX. X..X X..X .XX.",
        '7' => "XXXX ...X ...X ..X. ..X. .X.. .X..",
        '8' => ".XX. X..X .XX. .XX. X..X X..X .XX.",
        '9' => ".XX. X..X X..X .XXX ...X ...X .XX.",
        '-' => ".... .... .... XXX. .... .... ....",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};
    use ratatui::widgets::Widget;

    use super::{BigText, FONTS};

    const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    fn fitting(text: &str, width: u16, height: u16) -> Option<BigText> {
        BigText::fitting(text, Style::new(), width, height)
    }

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
        let text = fitting("A-1", 20, 7).expect("it fits");
        let expected = [
            ".##.........#.",
            "#..#.......##.",
            "#..#......#.#.",
            "####.###....#.",
            "#..#........#.",
            "#..#........#.",
            "#..#.......###",
        ];
        assert_eq!(draw(&text, Rect::new(0, 0, 80, 24)), expected);
        assert_eq!((text.columns(), text.rows()), (14, 7));
    }

    #[test]
    fn every_letter_is_whole_and_no_two_look_alike() {
        for (font, least, of_those_that_are_mistaken) in [(&FONTS[0], 5, 6), (&FONTS[1], 3, 4)] {
            let glyphs: Vec<_> = ALL.chars().map(|letter| (letter, (font.glyph)(letter).expect("a letter"))).collect();
            for (index, (one, rows)) in glyphs.iter().enumerate() {
                let is_whole = rows.split(' ').all(|row| row.len() == usize::from(font.columns));
                assert!(is_whole && rows.split(' ').count() == usize::from(font.rows), "{one}");
                for (other, others) in &glyphs[..index] {
                    let differing = rows.bytes().zip(others.bytes()).filter(|(one, other)| one != other).count();
                    let is_mistaken = ["0OQD", "8B", "1I", "5S", "2Z", "6G", "UV"]
                        .iter()
                        .any(|alike| alike.contains(*one) && alike.contains(*other));
                    let least = if is_mistaken { of_those_that_are_mistaken } else { least };
                    assert!(differing >= least, "{one} and {other} differ in {differing} of {}", font.columns);
                }
            }
        }
    }

    #[test]
    fn a_code_with_any_other_character_is_not_drawable() {
        for text in ["", "ABCD_1234", "abcd", "ABCD–1", "Ä"] {
            assert!(fitting(text, 200, 50).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_finest_letters_that_fit_are_taken_and_part_of_a_code_never_drawn() {
        let size = |width, height| fitting("ABCD-1234", width, height).map(|text| (text.columns(), text.rows()));
        assert_eq!(size(44, 7), Some((44, 7)));
        assert_eq!(size(70, 33), Some((44, 7)));
        assert_eq!(size(71, 8), Some((71, 8)));
        assert_eq!(size(160, 40), Some((142, 16)));
        assert_eq!(size(43, 33), None);
        assert_eq!(size(240, 6), None);
        let text = fitting("ABCD-1234", 44, 7).expect("it fits");
        assert!(draw(&text, Rect::new(0, 0, 43, 24)).is_empty());
        assert!(draw(&text, Rect::new(40, 0, 40, 24)).is_empty());
        assert_eq!(draw(&text, Rect::new(0, 0, 44, 7)).len(), 7);
    }
}
