//! Text in the encodings in which APIs still answer beside UTF-8, by the labels and tables of the WHATWG's Encoding Standard.

use std::borrow::Cow;

use super::Response;
use super::decode::{GZIP, utf16};
use crate::tables::Words;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    #[default]
    Utf8,
    /// What Latin-1 and ASCII mean in practice, too.
    Windows1252,
    Utf16Le,
    Utf16Be,
}

const UTF_8: Words = Words("unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8");
const WINDOWS_1252: Words = Words(
    "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1
    iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
);
const UTF_16_LE: Words = Words("csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le");
const UTF_16_BE: Words = Words("unicodefffe utf-16be");

/// From 0x80 on, where Latin-1 has controls. Five of them are left.
const OF_WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

impl Charset {
    fn labelled(label: &str) -> Option<Self> {
        let label = label.to_ascii_lowercase();
        let known = [
            (UTF_8, Self::Utf8),
            (WINDOWS_1252, Self::Windows1252),
            (UTF_16_LE, Self::Utf16Le),
            (UTF_16_BE, Self::Utf16Be),
        ];
        known.into_iter().find(|(labels, _)| labels.contains(&label)).map(|(_, charset)| charset)
    }

    /// The encoding of an answer, by its first bytes or by what it declares. One that is not known here is given by its label.
    ///
    /// JSON is UTF-8 whatever it declares (RFC 8259 §8.1), unless its bytes cannot be that: its first character is ASCII, and no NUL is in it
    /// (RFC 4627 §3).
    pub fn of(response: &Response) -> Result<Self, &str> {
        let is_json = response.is_json();
        match response.body[..] {
            [0xef, 0xbb, 0xbf, ..] => Ok(Self::Utf8),
            // The mark lies: whoever reads JSON passes over it.
            [0xff, 0xfe, 1..=127, 1..=127, ..] | [0xfe, 0xff, 1..=127, 1..=127, ..] if is_json => Ok(Self::Utf8),
            [0xff, 0xfe, ..] => Ok(Self::Utf16Le),
            [0xfe, 0xff, ..] => Ok(Self::Utf16Be),
            [1..=127, 0, ..] if is_json => Ok(Self::Utf16Le),
            [0, 1..=127, ..] if is_json => Ok(Self::Utf16Be),
            _ => {
                let parameters = response.header("content-type").into_iter().flat_map(|value| value.split(';').skip(1));
                let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
                let declared = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
                let Some((_, label)) = declared else { return Ok(Self::Utf8) };
                let label = label.trim().trim_matches('"');
                match Self::labelled(label) {
                    _ if is_json && may_be_utf8(&response.body) => Ok(Self::Utf8),
                    Some(declared) if is_json && declared.unit().is_some() => Ok(Self::Utf8),
                    declared => declared.ok_or(label),
                }
            }
        }
    }

    /// Whether a body that begins so has in it what no text has.
    pub fn is_binary(self, beginning: &[u8]) -> bool {
        self.unit().is_none() && memchr::memchr(0, beginning).is_some()
    }

    /// A whole text.
    pub fn decode(self, bytes: &[u8]) -> String {
        let mut decoder = Decoder::new(self);
        let mut text = String::from_utf8_lossy(&decoder.push(bytes)).into_owned();
        text.push_str(&decoder.finish());
        text
    }

    /// Reads a unit of UTF-16.
    fn unit(self) -> Option<fn([u8; 2]) -> u16> {
        match self {
            Self::Utf8 | Self::Windows1252 => None,
            Self::Utf16Le => Some(u16::from_le_bytes),
            Self::Utf16Be => Some(u16::from_be_bytes),
        }
    }
}

impl Response {
    /// The body, as UTF-8 where it is a text in another encoding that is known here.
    pub fn in_utf8(&self) -> Cow<'_, [u8]> {
        let is_packed = self.body.starts_with(&GZIP);
        match Charset::of(self) {
            Ok(charset) if charset != Charset::Utf8 && !is_packed => charset.decode(&self.body).into_bytes().into(),
            _ => Cow::Borrowed(&self.body),
        }
    }
}

/// Whether a text that begins so may be UTF-8.
fn may_be_utf8(beginning: &[u8]) -> bool {
    std::str::from_utf8(beginning).err().is_none_or(|error| error.error_len().is_none())
}

/// Makes UTF-8 of a text that comes in pieces, which may end within a character.
#[derive(Debug, Default)]
pub struct Decoder {
    charset: Charset,
    /// The beginning of a character of UTF-16.
    begun: Vec<u8>,
    /// Behind the first character of UTF-16, which may be a mark of the order of bytes.
    is_amid: bool,
}

impl Decoder {
    pub fn new(charset: Charset) -> Self {
        Self { charset, ..Self::default() }
    }

    /// What is UTF-8 already is left as it is, text or not.
    pub fn push<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(unit) = self.charset.unit() else {
            return match self.charset {
                Charset::Windows1252 => {
                    piece.iter().copied().map(of_windows_1252).collect::<String>().into_bytes().into()
                }
                _ => piece.into(),
            };
        };
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(piece);
        let (pairs, _) = bytes.as_chunks();
        let is_surrogate = pairs.last().is_some_and(|pair| matches!(unit(*pair), 0xd800..=0xdbff));
        self.begun = bytes.split_off(2 * (pairs.len() - usize::from(is_surrogate)));
        let text = utf16(&bytes, unit);
        let marked = text.strip_prefix('\u{feff}').filter(|_| !self.is_amid);
        self.is_amid |= !text.is_empty();
        marked.map(str::to_owned).unwrap_or(text).into_bytes().into()
    }

    /// What is left when nothing follows.
    pub fn finish(self) -> String {
        self.charset.unit().map(|unit| utf16(&self.begun, unit)).unwrap_or_default()
    }
}

fn of_windows_1252(byte: u8) -> char {
    let of_windows = || OF_WINDOWS.chars().nth(usize::from(byte - 0x80));
    if matches!(byte, 0x80..0xa0) { of_windows().unwrap_or_default() } else { char::from(byte) }
}

#[cfg(test)]
mod tests {
    use super::{Charset, Decoder};
    use crate::http::Response;

    fn of(content_type: &str, body: &[u8]) -> Result<Charset, String> {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        let response = Response { status: 200, headers, body: body.to_vec() };
        Charset::of(&response).map_err(str::to_owned)
    }

    #[test]
    fn an_answer_is_in_what_its_first_bytes_or_its_label_say() {
        for (content_type, body, expected) in [
            ("", &b"x"[..], Ok(Charset::Utf8)),
            ("text/plain", b"x", Ok(Charset::Utf8)),
            ("text/plain; charset=UTF-8", b"x", Ok(Charset::Utf8)),
            ("text/plain; charset=iso-8859-1", b"x", Ok(Charset::Windows1252)),
            ("text/csv;header=present;CharSet=\"Windows-1252\"", b"x", Ok(Charset::Windows1252)),
            ("text/html;charset = US-ASCII ", b"x", Ok(Charset::Windows1252)),
            ("text/plain; charset=utf-16", b"x\0", Ok(Charset::Utf16Le)),
            ("text/plain; charset=utf-16be", b"\0x", Ok(Charset::Utf16Be)),
            ("text/plain; charset=utf-16", b"\xfe\xff\0x", Ok(Charset::Utf16Be)),
            ("text/csv", b"\xff\xfex\0", Ok(Charset::Utf16Le)),
            ("text/plain; charset=latin1", b"\xef\xbb\xbfx", Ok(Charset::Utf8)),
            ("text/plain; charset=koi8-r", b"x", Err("koi8-r")),
            ("text/plain; charset=", b"x", Err("")),
            ("application/json; charset=iso-8859-1", b"{}", Ok(Charset::Utf8)),
            ("application/json; charset=iso-8859-1", "[\"\u{e9}\"]".as_bytes(), Ok(Charset::Utf8)),
            ("application/json; charset=iso-8859-1", b"[\"\xc3", Ok(Charset::Utf8)),
            ("application/json; charset=iso-8859-1", b"[\"\xe9\"]", Ok(Charset::Windows1252)),
            ("application/json; charset=koi8-r", b"[\"\xe9\"]", Err("koi8-r")),
            ("application/json; charset=utf-16", b"[\"\xe9\"]", Ok(Charset::Utf8)),
            ("application/json", b"[\"\xe9\"]", Ok(Charset::Utf8)),
            ("application/json", b"[\0\xe9\0", Ok(Charset::Utf16Le)),
            ("application/json; charset=utf-8", b"\0[\0\xe9", Ok(Charset::Utf16Be)),
            ("application/problem+json", b"\xff\xfe{\0", Ok(Charset::Utf16Le)),
            ("application/json", b"\xff\xfe{}", Ok(Charset::Utf8)),
            ("application/json; charset=utf-16", b"\xfe\xff{}", Ok(Charset::Utf8)),
            ("text/plain", b"\xff\xfe{}", Ok(Charset::Utf16Le)),
            ("text/plain", b"x\0", Ok(Charset::Utf8)),
        ] {
            assert_eq!(of(content_type, body), expected.map_err(str::to_owned), "{content_type}");
        }
    }

    #[test]
    fn a_text_is_the_same_in_pieces_of_any_size() {
        for (charset, bytes, expected) in [
            (Charset::Windows1252, &b"caf\xe9 \x80 \x93q\x94 \x81\x9f\xff"[..], "café € “q” \u{81}Ÿÿ"),
            (Charset::Utf16Le, b"\xff\xfea\0\xe9\0=\xd8\0\xde\xff\xfe", "aé😀\u{feff}"),
            (Charset::Utf16Be, b"\0a\xd8=\xde\0\0b", "a😀b"),
            (Charset::Utf16Be, b"\xfe\xff\xd8=\0a", "\u{fffd}a"),
            (Charset::Utf16Le, b"a\0=\xd8", "a\u{fffd}"),
            (Charset::Utf16Le, b"a\0b", "a\u{fffd}"),
            (Charset::Utf8, "\u{feff}é".as_bytes(), "\u{feff}é"),
            (Charset::Utf16Le, b"", ""),
        ] {
            for size in 1..=bytes.len().max(1) {
                let mut decoder = Decoder::new(charset);
                let mut text: Vec<u8> = Vec::new();
                bytes.chunks(size).for_each(|piece| text.extend_from_slice(&decoder.push(piece)));
                text.extend(decoder.finish().into_bytes());
                assert_eq!(String::from_utf8(text).as_deref(), Ok(expected), "{charset:?} in pieces of {size}");
            }
            assert_eq!(charset.decode(bytes), expected);
        }
    }

    #[test]
    fn a_nul_is_no_text_but_in_utf_16() {
        for (charset, body, expected) in [
            (Charset::Utf8, &b"a\0"[..], true),
            (Charset::Windows1252, b"a\0", true),
            (Charset::Utf16Le, b"a\0", false),
            (Charset::Utf8, b"\xff\x1b", false),
        ] {
            assert_eq!(charset.is_binary(body), expected, "{charset:?} {body:?}");
        }
    }
}
