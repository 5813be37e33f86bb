//! A QR code as a picture for elsewhere: a chat, a ticket, a printer. PNG and SVG, dark on light, quiet zone included.
//!
//! Both are written by hand: SVG is text, and a PNG whose pixels are stored instead of compressed is a few headers and
//! two checksums (ISO/IEC 15948, RFC 1950, RFC 1951). An encoder would cost 76 kB and seven dependencies.

use std::fmt::Write;

use super::QrMatrix;

/// The light modules on each side that ISO/IEC 18004 asks for.
const QUIET_ZONE: u16 = 4;
/// The pixels along a side of a module: a code of 33 modules is 328 pixels wide.
const PIXELS: u16 = 8;
/// The bytes that a stored block of DEFLATE holds at most.
const STORED: usize = 0xffff;

/// The code as an SVG picture that scales to any size.
pub fn svg(matrix: &QrMatrix) -> String {
    let side = matrix.size() + 2 * QUIET_ZONE;
    let mut path = String::new();
    for y in 0..matrix.size() {
        for x in (0..matrix.size()).filter(|x| matrix.is_dark(*x, y)) {
            write!(path, "M{} {}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE).expect("a text takes everything");
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{0}\" height=\"{0}\" \
         shape-rendering=\"crispEdges\">\n<rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\n<path d=\"{path}\"/>\n</svg>\n",
        side * PIXELS
    )
}

/// The code as a PNG picture in black and white.
pub fn png(matrix: &QrMatrix) -> Vec<u8> {
    let side = (matrix.size() + 2 * QUIET_ZONE) * PIXELS;
    let mut rows = Vec::new();
    for y in 0..side {
        // Each row begins with its filter: none.
        rows.push(0);
        for x in (0..side).step_by(8) {
            let is_light = |x: u16| !is_dark(matrix, x, y);
            rows.push((x..x + 8).fold(0, |bits, x| bits << 1 | u8::from(is_light(x))));
        }
    }
    let mut header = [u32::from(side).to_be_bytes(), u32::from(side).to_be_bytes()].concat();
    // One bit of grey a pixel, and no choice of method, filter or interlacing.
    header.extend([1, 0, 0, 0, 0]);
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        let chunk = [&kind[..], &data].concat();
        picture.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        picture.extend(&chunk);
        picture.extend(crc32(&chunk).to_be_bytes());
    }
    picture
}

fn is_dark(matrix: &QrMatrix, x: u16, y: u16) -> bool {
    match ((x / PIXELS).checked_sub(QUIET_ZONE), (y / PIXELS).checked_sub(QUIET_ZONE)) {
        (Some(x), Some(y)) => matrix.is_dark(x, y),
        _ => false,
    }
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let last = bytes.len().div_ceil(STORED).saturating_sub(1);
    for (number, block) in bytes.chunks(STORED).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(number == last));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::{adler32, crc32};

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }
}
