//! Whether a text that comes in pieces is JSON, and from where on it is none.

use super::Reader;
use crate::untrusted::Untrusted;
use crate::words;

/// Bytes up to which a text is read: more would take longer to read here than to come.
const LONGEST: u64 = 16_000_000;
/// The longest character, in bytes.
const LONGEST_CHARACTER: usize = 4;

/// Reads a text that is said to be JSON.
#[derive(Default)]
pub struct Check {
    reader: Reader,
    /// Bytes so far.
    length: u64,
    fault: Option<String>,
}

impl Check {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.reader.is_sound() && self.length <= LONGEST {
            self.reader.push(bytes, &mut |_| {});
            if !self.reader.is_sound() {
                let at = self.reader.sound().saturating_sub(self.length);
                let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let first = String::from_utf8_lossy(&rest[..rest.len().min(LONGEST_CHARACTER)]);
                let first: String = first.chars().take(1).collect();
                self.fault = Some(format!("`{}` is at byte {}", Untrusted::new(first).line(), self.length + at + 1));
            }
        }
        self.length += bytes.len() as u64;
    }

    /// What is wrong with the text, which has come whole. One without a value is none that is broken.
    pub fn fault(mut self) -> Option<String> {
        self.reader.finish(&mut |_| {});
        let is_cut = || format!("it breaks off after {}", words::counted(self.length, "byte"));
        self.fault.or_else(|| (self.length <= LONGEST && !self.reader.is_complete()).then(is_cut))
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, LONGEST};

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (text, expected) in [
            ("", None),
            (" \r\n", None),
            ("{\"a\":[1,-2.5e3,true,null,\"\\\"}\"]}\n", None),
            ("\u{feff}{}", None),
            ("7", None),
            ("{\"a\":1}\n{\"a\":2}\n", None),
            ("<html>", Some("`<` is at byte 1")),
            ("{'a':1}", Some("`'` is at byte 2")),
            ("{\"a\":1,}", Some("`}` is at byte 8")),
            ("{\"a\":1}}", Some("`}` is at byte 8")),
            ("[NaN]", Some("`N` is at byte 2")),
            ("[1 \u{e9}]", Some("`\u{e9}` is at byte 4")),
            ("[\u{1b}[2J", Some("`<U+001B>` is at byte 2")),
            ("{\"a\":1,\"b\":\"cut", Some("it breaks off after 15 bytes")),
            ("[[1,2],", Some("it breaks off after 7 bytes")),
            ("fals", Some("it breaks off after 4 bytes")),
        ] {
            for size in 1..=text.len().max(1) {
                let mut check = Check::default();
                text.as_bytes().chunks(size).for_each(|piece| check.push(piece));
                let told = check.fault();
                // A character may be cut in two.
                let is_cut = size < text.len() && told.as_ref().is_some_and(|told| told.contains('\u{fffd}'));
                assert!(told.as_deref() == expected || is_cut, "{text:?} in pieces of {size}: {told:?}");
            }
        }
    }

    #[test]
    fn the_end_of_a_long_text_is_not_read() {
        let piece = vec![b'1'; 1_000_000];
        for (pieces, is_told) in [(LONGEST / 1_000_000, true), (LONGEST / 1_000_000 + 1, false)] {
            let mut check = Check::default();
            check.push(b"[");
            (1..pieces).for_each(|_| check.push(&piece));
            check.push(&piece[1..]);
            assert_eq!(check.fault().is_some(), is_told, "{pieces} MB");
        }
    }
}
