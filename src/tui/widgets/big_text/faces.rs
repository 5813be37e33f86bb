//! Letters drawn for this program, as rows of ink and blanks.

/// Letters of one size.
#[derive(Debug)]
pub(super) struct Face {
    /// Of most letters: some are narrower, and a few wider.
    pub(super) columns: u16,
    pub(super) rows: u16,
    pub(super) glyph: fn(char) -> Option<Glyph>,
}

/// One letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    pub(super) columns: u16,
    /// The rows from the top with a blank between two, `X` for ink.
    rows: &'static str,
}

/// The finest first.
pub(super) static FACES: [Face; 3] = [
    Face { columns: 8, rows: 8, glyph: |character| wide(character).map(Glyph::new) },
    Face { columns: 5, rows: 7, glyph: |character| medium(character).map(Glyph::new) },
    Face { columns: 4, rows: 7, glyph: |character| narrow(character).map(Glyph::new) },
];

impl Glyph {
    fn new(rows: &'static str) -> Self {
        let first = rows.split(' ').next().unwrap_or_default();
        Self { columns: u16::try_from(first.len()).unwrap_or(0), rows }
    }

    pub(super) fn is_ink(self, column: u16, row: u16) -> bool {
        let at = row * (self.columns + 1) + column;
        column < self.columns && self.rows.as_bytes().get(usize::from(at)) == Some(&b'X')
    }
}

/// Own letters of eight columns and eight rows, as heavy across as down. People compare codes letter by letter and from afar, so
/// `0` is a narrow oval with a slash and `O` is square, `Q` has a tail below the line, `8` a waist, `1` a flag and a foot, `2` is
/// round where `Z` is sharp, and `5` sharp where `S` is round.
fn wide(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' => "....",
        'A' => "..XXXX.. .XX..XX. XX....XX XX....XX XXXXXXXX XX....XX XX....XX XX....XX",
        'B' => "XXXXXXX. XX....XX XX....XX XXXXXXX. XX....XX XX....XX XX....XX XXXXXXX.",
        'C' => ".XXXXXX. XX....XX XX...... XX...... XX...... XX...... XX....XX .XXXXXX.",
        'D' => "XXXXXX.. XX...XX. XX....XX XX....XX XX....XX XX....XX XX...XX. XXXXXX..",
        'E' => "XXXXXXXX XX...... XX...... XXXXXX.. XX...... XX...... XX...... XXXXXXXX",
        'F' => "XXXXXXXX XX...... XX...... XXXXXX.. XX...... XX...... XX...... XX......",
        'G' => ".XXXXXX. XX....XX XX...... XX...... XX..XXXX XX....XX XX....XX .XXXXXX.",
        'H' => "XX....XX XX....XX XX....XX XXXXXXXX XX....XX XX....XX XX....XX XX....XX",
        'I' => "XXXXXX ..XX.. ..XX.. ..XX.. ..XX.. ..XX.. ..XX.. XXXXXX",
        'J' => "....XXXX ......XX ......XX ......XX ......XX XX....XX XX....XX .XXXXXX.",
        'K' => "XX....XX XX...XX. XX..XX.. XXXXX... XXXXX... XX..XX.. XX...XX. XX....XX",
        'L' => "XX...... XX...... XX...... XX...... XX...... XX...... XX...... XXXXXXXX",
        'M' => "XX....XX XXX..XXX XXXXXXXX XX.XX.XX XX.XX.XX XX....XX XX....XX XX....XX",
        'N' => "XX....XX XXX...XX XXXX..XX XX.XX.XX XX.XX.XX XX..XXXX XX...XXX XX....XX",
        'O' => ".XXXXXX. XX....XX XX....XX XX....XX XX....XX XX....XX XX....XX .XXXXXX.",
        'P' => "XXXXXXX. XX....XX XX....XX XX....XX XXXXXXX. XX...... XX...... XX......",
        'Q' => ".XXXXXX. XX....XX XX....XX XX....XX XX.XX.XX XX..XXXX .XXXXXX. .....XXX",
        'R' => "XXXXXXX. XX....XX XX....XX XX....XX XXXXXXX. XX..XX.. XX...XX. XX....XX",
        'S' => ".XXXXXX. XX....XX XX...... .XXXXXX. ......XX ......XX XX....XX .XXXXXX.",
        'T' => "XXXXXXXX ...XX... ...XX... ...XX... ...XX... ...XX... ...XX... ...XX...",
        'U' => "XX....XX XX....XX XX....XX XX....XX XX....XX XX....XX XX....XX .XXXXXX.",
        'V' => "XX....XX XX....XX XX....XX XX....XX .XX..XX. .XX..XX. ..XXXX.. ...XX...",
        'W' => "XX....XX XX....XX XX....XX XX.XX.XX XX.XX.XX XXXXXXXX XXX..XXX XX....XX",
        'X' => "XX....XX XX....XX .XX..XX. ..XXXX.. ..XXXX.. .XX..XX. XX....XX XX....XX",
        'Y' => "XX....XX XX....XX .XX..XX. ..XXXX.. ...XX... ...XX... ...XX... ...XX...",
        'Z' => "XXXXXXXX ......XX .....XX. ....XX.. ...XX... ..XX.... .XX..... XXXXXXXX",
        '0' => "..XXXX.. .XX..XX. XX..XXXX XX.XX.XX XX.XX.XX XXXX..XX .XX..XX. ..XXXX..",
        '1' => "...XX. .XXXX. XX.XX. ...XX. ...XX. ...XX. ...XX. .XXXXX",
        '2' => ".XXXXXX. XX....XX ......XX ......XX .XXXXXX. XX...... XX...... XXXXXXXX",
        '3' => "XXXXXXX. ......XX ......XX ..XXXXX. ......XX ......XX ......XX XXXXXXX.",
        '4' => ".....XX. ....XXX. ...XXXX. ..XX.XX. .XX..XX. XXXXXXXX .....XX. .....XX.",
        '5' => "XXXXXXXX XX...... XX...... XXXXXXX. ......XX ......XX ......XX XXXXXXX.",
        '6' => "..XXXXX. .XX..... XX...... XXXXXXX. XX....XX XX....XX XX....XX .XXXXXX.",
        '7' => "XXXXXXXX ......XX .....XX. .....XX. ....XX.. ....XX.. ...XX... ...XX...",
        '8' => "..XXXX.. .XX..XX. .XX..XX. ..XXXX.. .XX..XX. XX....XX XX....XX .XXXXXX.",
        '9' => ".XXXXXX. XX....XX XX....XX XX....XX .XXXXXXX ......XX .....XX. .XXXXX..",
        '-' => "..... ..... ..... XXXXX ..... ..... ..... .....",
        _ => return None,
    })
}

/// The same in five columns and seven rows.
fn medium(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' => "...",
        'A' => ".XXX. X...X X...X XXXXX X...X X...X X...X",
        'B' => "XXXX. X...X X...X XXXX. X...X X...X XXXX.",
        'C' => ".XXX. X...X X.... X.... X.... X...X .XXX.",
        'D' => "XXX.. X..X. X...X X...X X...X X..X. XXX..",
        'E' => "XXXXX X.... X.... XXXX. X.... X.... XXXXX",
        'F' => "XXXXX X.... X.... XXXX. X.... X.... X....",
        'G' => ".XXX. X...X X.... X.XXX X...X X...X .XXX.",
        'H' => "X...X X...X X...X XXXXX X...X X...X X...X",
        'I' => "XXXXX ..X.. ..X.. ..X.. ..X.. ..X.. XXXXX",
        'J' => "..XXX ....X ....X ....X ....X X...X .XXX.",
        'K' => "X...X X..X. X.X.. XX... X.X.. X..X. X...X",
        'L' => "X.... X.... X.... X.... X.... X.... XXXXX",
        'M' => "X...X XX.XX X.X.X X.X.X X...X X...X X...X",
        'N' => "X...X XX..X XX..X X.X.X X..XX X..XX X...X",
        'O' => ".XXX. X...X X...X X...X X...X X...X .XXX.",
        'P' => "XXXX. X...X X...X XXXX. X.... X.... X....",
        'Q' => ".XXX. X...X X...X X...X X.X.X .XXX. ...XX",
        'R' => "XXXX. X...X X...X XXXX. X.X.. X..X. X...X",
        'S' => ".XXX. X...X X.... .XXX. ....X X...X .XXX.",
        'T' => "XXXXX ..X.. ..X.. ..X.. ..X.. ..X.. ..X..",
        'U' => "X...X X...X X...X X...X X...X X...X .XXX.",
        'V' => "X...X X...X X...X X...X .X.X. .X.X. ..X..",
        'W' => "X...X X...X X...X X.X.X X.X.X XX.XX X...X",
        'X' => "X...X X...X .X.X. ..X.. .X.X. X...X X...X",
        'Y' => "X...X X...X .X.X. ..X.. ..X.. ..X.. ..X..",
        'Z' => "XXXXX ....X ...X. ..X.. .X... X.... XXXXX",
        '0' => ".XXX. X..XX X..XX X.X.X XX..X XX..X .XXX.",
        '1' => "..X. .XX. X.X. ..X. ..X. ..X. .XXX",
        '2' => ".XXX. X...X ....X .XXX. X.... X.... XXXXX",
        '3' => "XXXX. ....X ....X .XXX. ....X ....X XXXX.",
        '4' => "...X. ..XX. .X.X. X..X. XXXXX ...X. ...X.",
        '5' => "XXXXX X.... X.... XXXX. ....X ....X XXXX.",
        '6' => "..XX. .X... X.... XXXX. X...X X...X .XXX.",
        '7' => "XXXXX ....X ...X. ...X. ..X.. ..X.. ..X..",
        '8' => ".XXX. X...X .X.X. ..X.. .X.X. X...X .XXX.",
        '9' => ".XXX. X...X X...X .XXXX ....X ...X. .XX..",
        '-' => "... ... ... XXX ... ... ...",
        _ => return None,
    })
}

/// The same in four columns and seven rows, for windows that hold no more.
fn narrow(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' => "..",
        'A' => ".XX. X..X X..X XXXX X..X X..X X..X",
        'B' => "XXX. X..X X..X XXX. X..X X..X XXX.",
        'C' => ".XXX X... X... X... X... X... .XXX",
        'D' => "XX.. X.X. X..X X..X X..X X.X. XX..",
        'E' => "XXXX X... X... XXX. X... X... XXXX",
        'F' => "XXXX X... X... XXX. X... X... X...",
        'G' => ".XXX X... X... X.XX X..X X..X .XXX",
        'H' => "X..X X..X X..X XXXX X..X X..X X..X",
        'I' => "XXX .X. .X. .X. .X. .X. XXX",
        'J' => "..XX ...X ...X ...X ...X X..X .XX.",
        'K' => "X..X X..X X.X. XX.. X.X. X..X X..X",
        'L' => "X... X... X... X... X... X... XXXX",
        'M' => "X...X XX.XX X.X.X X.X.X X...X X...X X...X",
        'N' => "X..X XX.X XX.X X.XX X.XX X..X X..X",
        'O' => ".XX. X..X X..X X..X X..X X..X .XX.",
        'P' => "XXX. X..X X..X XXX. X... X... X...",
        'Q' => ".XX. X..X X..X X..X X..X .XX. ..XX",
        'R' => "XXX. X..X X..X XXX. XX.. X.X. X..X",
        'S' => ".XXX X... X... .XX. ...X ...X XXX.",
        'T' => "XXXXX ..X.. ..X.. ..X.. ..X.. ..X.. ..X..",
        'U' => "X..X X..X X..X X..X X..X X..X XXXX",
        'V' => "X...X X...X X...X X...X .X.X. .X.X. ..X..",
        'W' => "X...X X...X X...X X.X.X X.X.X XX.XX X...X",
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
        '-' => "... ... ... XXX ... ... ...",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{FACES, Face, Glyph};

    const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    /// Those that people take for each other.
    const MISTAKEN: [&str; 8] = ["0OQD", "8B", "1IL", "5S", "2Z", "6G", "UV", "WM"];

    fn of(face: &Face, character: char) -> Glyph {
        (face.glyph)(character).expect("a letter")
    }

    /// In how many cells two letters differ, wherever the narrower one stands.
    fn differing(face: &Face, one: Glyph, other: Glyph) -> usize {
        let (narrow, wide) = if one.columns < other.columns { (one, other) } else { (other, one) };
        let cells = || (0..face.rows).flat_map(|row| (0..wide.columns).map(move |column| (column, row)));
        let shifted = |by: u16, column: u16, row| column >= by && narrow.is_ink(column - by, row);
        let at = |by| cells().filter(|(column, row)| wide.is_ink(*column, *row) != shifted(by, *column, *row)).count();
        (0..=wide.columns - narrow.columns).map(at).min().expect("at least where it stands")
    }

    #[test]
    fn every_letter_is_whole() {
        for (face, letter) in FACES.iter().flat_map(|face| ALL.chars().map(move |letter| (face, letter))) {
            let glyph = of(face, letter);
            let rows: Vec<&str> = glyph.rows.split(' ').collect();
            assert_eq!(rows.len(), usize::from(face.rows), "{letter}");
            assert!(rows.iter().all(|row| row.len() == usize::from(glyph.columns)), "{letter}: {rows:?}");
            assert!(rows.iter().all(|row| row.chars().all(|cell| ".X".contains(cell))), "{letter}: {rows:?}");
            let touches = |column| (0..face.rows).any(|row| glyph.is_ink(column, row));
            assert!(touches(0) && touches(glyph.columns - 1), "{letter} has blanks of its own beside it");
        }
    }

    #[test]
    fn no_two_letters_look_alike_and_those_that_are_mistaken_least_of_all() {
        for (face, least, of_the_mistaken) in [(&FACES[0], 6, 8), (&FACES[1], 3, 5), (&FACES[2], 3, 4)] {
            for (index, one) in ALL.chars().enumerate() {
                for other in ALL.chars().take(index) {
                    let is_mistaken = MISTAKEN.iter().any(|alike| alike.contains(one) && alike.contains(other));
                    let least = if is_mistaken { of_the_mistaken } else { least };
                    let cells = differing(face, of(face, one), of(face, other));
                    assert!(cells >= least, "{one} and {other} differ in {cells} cells of {} columns", face.columns);
                }
            }
        }
    }
}
