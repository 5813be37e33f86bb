//! A user code in large letters, to be read from across a room. Made of blanks in reverse video, so that no font has to
//! have any glyph.

mod faces;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use faces::{FACES, Face, Glyph};

/// Between two lines.
const LEADING: u16 = 1;

/// Text in large letters, on one line or two. Knows `A` to `Z`, `0` to `9`, `-` and blanks.
#[derive(Clone, Debug)]
pub struct BigText {
    lines: Vec<Vec<Glyph>>,
    face: &'static Face,
    scale: u16,
    style: Style,
}

impl BigText {
    /// The rows of one line of the largest letters at scale 1.
    pub const ROWS: u16 = 8;

    /// The text in the largest letters that fit. It goes on two lines, broken at its dash or blank, where that makes them half
    /// as large again. `None` if none fit, or if any of its characters has no letter here: a code is shown exactly as it was
    /// sent or not at all.
    pub fn fitting(text: &str, style: Style, width: u16, height: u16) -> Option<Self> {
        let ways = FACES.iter().flat_map(|face| [(face, vec![text]), (face, broken(text))]);
        let fitting = ways.filter_map(|(face, lines)| Self::in_room(&lines, face, style, width, height));
        // Of two that are as large, the first one is finer.
        fitting.rev().max_by_key(Self::weight)
    }

    fn in_room(lines: &[&str], face: &'static Face, style: Style, width: u16, height: u16) -> Option<Self> {
        if Self::rows_of(lines.len(), face) > height {
            return None;
        }
        let glyphs = |line: &&str| line.chars().map(face.glyph).collect::<Option<Vec<Glyph>>>();
        let lines = lines.iter().map(glyphs).collect::<Option<Vec<_>>>()?;
        let is_empty = lines.is_empty() || lines.iter().any(Vec::is_empty);
        let unit = Self { lines, face, scale: 1, style };
        let scale = (width / unit.columns().max(1)).min(height / unit.rows().max(1));
        (scale > 0 && !is_empty).then_some(Self { scale, ..unit })
    }

    /// How much the letters are worth: by their area, less on two lines.
    fn weight(&self) -> u32 {
        let area = u32::from(self.face.columns * self.face.rows) * u32::from(self.scale).pow(2);
        if self.lines.len() > 1 { 2 * area } else { 3 * area }
    }

    /// The columns that its longest line takes: those of its letters and one between two, times the scale.
    pub fn columns(&self) -> u16 {
        let columns = |line: &Vec<Glyph>| line.iter().map(|glyph| glyph.columns + 1).fold(0, u16::saturating_add);
        self.lines.iter().map(columns).max().unwrap_or(0).saturating_sub(1).saturating_mul(self.scale)
    }

    pub fn rows(&self) -> u16 {
        Self::rows_of(self.lines.len(), self.face).saturating_mul(self.scale)
    }

    /// The rows of so many lines at scale 1.
    fn rows_of(lines: usize, face: &Face) -> u16 {
        u16::try_from(lines).unwrap_or(u16::MAX).saturating_mul(face.rows + LEADING).saturating_sub(LEADING)
    }
}

/// The parts of a text that may go on lines of their own; all of it where it has no place to break it.
fn broken(text: &str) -> Vec<&str> {
    text.split_inclusive(['-', ' ']).map(str::trim_end).collect()
}

impl Widget for &BigText {
    /// Draws at the top left of the area, or nothing if the area is too small: part of a code is a wrong code.
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let (columns, rows) = (self.columns(), self.rows());
        if area.width < columns || area.height < rows {
            return;
        }
        for position in (Rect { width: columns, height: rows, ..area }).positions() {
            buffer[position].reset();
        }
        let mut top = area.y;
        for line in &self.lines {
            let mut left = area.x;
            for glyph in line {
                let letter = Rect::new(left, top, glyph.columns * self.scale, self.face.rows * self.scale);
                let ink = |x: u16, y: u16| glyph.is_ink((x - left) / self.scale, (y - top) / self.scale);
                for position in letter.positions().filter(|position| ink(position.x, position.y)) {
                    buffer[position].set_style(self.style.add_modifier(Modifier::REVERSED));
                }
                left += (glyph.columns + 1) * self.scale;
            }
            top += (self.face.rows + LEADING) * self.scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};
    use ratatui::widgets::Widget;

    use super::BigText;

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
    fn letters_are_blanks_in_reverse_video_and_as_wide_as_they_have_to_be() {
        let text = fitting("W-1", 14, 7).expect("it fits");
        let expected = [
            "#...#.......#.",
            "#...#......##.",
            "#...#.....#.#.",
            "#.#.#.###...#.",
            "#.#.#.......#.",
            "##.##.......#.",
            "#...#......###",
        ];
        assert_eq!(draw(&text, Rect::new(0, 0, 80, 24)), expected);
        assert_eq!((text.columns(), text.rows()), (14, 7));
    }

    #[test]
    fn a_code_with_any_other_character_is_not_drawable() {
        for text in ["", "ABCD_1234", "abcd", "ABCD–1", "Ä"] {
            assert!(fitting(text, 200, 50).is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_largest_letters_that_fit_are_taken_and_part_of_a_code_never_drawn() {
        let size = |width, height| fitting("ABCD-1234", width, height).map(|text| (text.columns(), text.rows()));
        for (room, expected) in [
            ((43, 7), Some((43, 7))),
            ((49, 8), Some((43, 7))),
            ((50, 8), Some((50, 7))),
            ((75, 8), Some((75, 8))),
            ((86, 13), Some((75, 8))),
            // Twice as large as they can be made is larger than finer ones.
            ((86, 14), Some((86, 14))),
            ((100, 14), Some((100, 14))),
            ((150, 16), Some((150, 16))),
            // On two lines they are half as large again, or there at all.
            ((41, 17), Some((41, 17))),
            ((50, 17), Some((41, 17))),
            ((40, 17), Some((27, 15))),
            ((43, 15), Some((43, 7))),
            ((23, 15), Some((23, 15))),
            ((42, 6), None),
            ((21, 33), None),
            ((240, 6), None),
        ] {
            assert_eq!(size(room.0, room.1), expected, "{room:?}");
        }
        let text = fitting("ABCD-1234", 43, 7).expect("it fits");
        assert!(draw(&text, Rect::new(0, 0, 42, 24)).is_empty());
        assert!(draw(&text, Rect::new(40, 0, 40, 24)).is_empty());
        assert_eq!(draw(&text, Rect::new(0, 0, 43, 7)).len(), 7);
        let two = fitting("A-B", 9, 15).expect("on two lines");
        assert_eq!(
            draw(&two, Rect::new(0, 0, 80, 24))[6..9],
            ["#...#....", ".........", "####....."].map(str::to_owned)
        );
    }
}
