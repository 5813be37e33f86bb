//! Turns a verification URI into the modules of a QR code. Draws nothing and knows no terminal.
//!
//! Why so small a code: every version more costs four modules each way, and a module that is one cell larger is worth
//! more to a camera than any error correction on a screen that is neither torn nor dirty.

pub mod image;

use std::fmt;

use qrcode::bits::Bits;
use qrcode::{EcLevel, QrCode, Version};

/// The levels of error correction, highest first.
const LEVELS: [EcLevel; 4] = [EcLevel::H, EcLevel::Q, EcLevel::M, EcLevel::L];

/// The modules of a QR code, without a quiet zone.
#[derive(Clone, PartialEq, Eq)]
pub struct QrMatrix {
    size: u16,
    dark: Vec<bool>,
}

impl QrMatrix {
    /// Encodes `text` byte for byte in the lowest version that holds it, at the highest level that this version still
    /// holds. `None` for an empty text and for one of more than 2953 bytes, which no QR code holds.
    pub fn encode(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let lowest = (1..=40).find(|&version| bits(text, version, EcLevel::L).is_some())?;
        let (bits, level) = LEVELS.iter().find_map(|&level| Some((bits(text, lowest, level)?, level)))?;
        let code = QrCode::with_bits(bits, level).ok()?;
        let size = u16::try_from(code.width()).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect();
        Some(Self { size, dark })
    }

    /// The modules along one side: 21 for version 1, four more for each version after it.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Which modules of a row are dark. There are none outside the matrix.
    pub fn row(&self, y: usize) -> &[bool] {
        self.dark.chunks_exact(usize::from(self.size)).nth(y).unwrap_or_default()
    }

    /// Tells whether the module in column `x` and row `y` is dark. All outside the matrix is light.
    pub fn is_dark(&self, x: u16, y: u16) -> bool {
        self.row(usize::from(y)).get(usize::from(x)).is_some_and(|dark| *dark)
    }
}

impl fmt::Debug for QrMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The modules are the URI with its user code, so none is shown.
        write!(f, "QrMatrix({0}x{0})", self.size)
    }
}

/// The text in byte mode only: decoders take a pair of bytes in kanji mode for Shift JIS, whatever it was.
fn bits(text: &str, version: i16, level: EcLevel) -> Option<Bits> {
    let mut bits = Bits::new(Version::Normal(version));
    bits.push_byte_data(text.as_bytes()).ok()?;
    bits.push_terminator(level).ok()?;
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::QrMatrix;

    fn size_of(bytes: usize) -> Option<u16> {
        QrMatrix::encode(&"a".repeat(bytes)).map(|matrix| matrix.size())
    }

    #[test]
    fn the_lowest_version_that_holds_the_text_is_taken() {
        for (bytes, size) in [(1, 21), (17, 21), (18, 25), (32, 25), (33, 29), (53, 29), (54, 33), (78, 33)] {
            assert_eq!(size_of(bytes), Some(size), "{bytes} bytes");
        }
        for (bytes, size) in [(79, 37), (106, 37), (107, 41), (134, 41), (135, 45), (154, 45), (2953, 177)] {
            assert_eq!(size_of(bytes), Some(size), "{bytes} bytes");
        }
    }

    #[test]
    fn no_code_for_nothing_and_none_for_more_than_the_largest_version_holds() {
        assert_eq!(size_of(0), None);
        assert_eq!(size_of(2954), None);
        assert_eq!(size_of(1_000_000), None);
    }

    #[test]
    fn all_outside_the_matrix_is_light() {
        let matrix = QrMatrix::encode("https://example.com/device").expect("26 bytes fit");
        assert!(matrix.is_dark(0, 0), "a corner of a finder pattern is dark");
        assert!(!matrix.is_dark(matrix.size(), 0) && !matrix.is_dark(0, u16::MAX));
    }

    #[test]
    fn debug_shows_no_module() {
        assert_eq!(format!("{:?}", QrMatrix::encode("secret")), "Some(QrMatrix(21x21))");
    }
}
