//! Blots secrets out of what a server says about a request that carried them.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::Secret;

/// What stands where a secret was.
const BLOT: &str = "****";
/// Bytes; a shorter secret is looked for as a word of its own, since it may be part of others.
const SHORTEST_PART: usize = 8;
/// Bytes; a server may cut what it repeats, and so much of a secret's beginning is as good as the whole.
const LONGEST_BEGINNING: usize = 16;
/// Bytes; the end of a longer one is that of something else.
const LONGEST_ENTITY: usize = 10;
/// Bytes; no more of a text is ever shown.
const LONGEST_TEXT: usize = 4096;

/// The secrets of a request, in the forms in which a server may repeat them: as they are, encoded for forms and addresses,
/// in Base64, and escaped as HTML and JSON have it.
#[derive(Default)]
pub struct Known(Vec<Zeroizing<String>>);

impl Known {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut known = Self::default();
        secrets.into_iter().for_each(|secret| known.add(secret.expose()));
        known
    }

    /// Adds what travels in the header of HTTP Basic (RFC 7617), encoded first or not (RFC 6749 §2.3.1).
    pub fn add_pair(&mut self, id: &str, secret: &Secret) {
        for [id, secret] in [[id, secret.expose()].map(in_form), [id, secret.expose()].map(str::to_owned)] {
            let pair = Zeroizing::new(format!("{id}:{secret}"));
            for text in in_base64(&pair) {
                self.push(text);
            }
        }
    }

    fn add(&mut self, secret: &str) {
        let form = in_form(secret);
        let address = form.replace('+', "%20");
        for text in [secret.to_owned(), form, address].into_iter().chain(in_base64(secret)) {
            self.push(text);
        }
    }

    fn push(&mut self, text: String) {
        let text = Zeroizing::new(text);
        if !text.is_empty() && !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// The text without the secrets in it.
    pub fn blot(&self, text: &str) -> String {
        let (mut blotted, mut rest, mut before) = (String::new(), beginning(text, LONGEST_TEXT), None);
        while let Some(next) = rest.chars().next() {
            let lengths =
                self.0.iter().flat_map(|secret| [as_sent, unescaped].map(|read| length_in(rest, secret, before, read)));
            let found = lengths.max().unwrap_or_default();
            let step = if found == 0 { next.len_utf8() } else { found };
            blotted.push_str(if found == 0 { &rest[..step] } else { BLOT });
            before = rest[..step].chars().next_back();
            rest = &rest[step..];
        }
        blotted
    }

    /// Tells whether a secret is in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.blot(text) != beginning(text, LONGEST_TEXT)
    }
}

fn in_form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn in_base64(text: &str) -> [String; 2] {
    [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD].map(|engine| engine.encode(text))
}

/// The whole characters among the first bytes of `text`.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// The first character of a text, and how many bytes it takes.
fn as_sent(text: &str) -> Option<(char, usize)> {
    text.chars().next().map(|first| (first, first.len_utf8()))
}

/// The same where it may be escaped, as in `&amp;`, `&#38;`, `\"` and `\u0026`.
fn unescaped(text: &str) -> Option<(char, usize)> {
    let escaped = match text.as_bytes() {
        [b'&', ..] => text.find(';').filter(|end| *end <= LONGEST_ENTITY).and_then(|end| {
            let named = match &text[1..end] {
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                "lt" => '<',
                "gt" => '>',
                number => numbered(number)?,
            };
            Some((named, end + 1))
        }),
        [b'\\', b'u', ..] => text.get(2..6).and_then(|digits| Some((of_hexadecimal(digits)?, 6))),
        [b'\\', escaped @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((char::from(*escaped), 2)),
        _ => None,
    };
    escaped.or_else(|| as_sent(text))
}

/// The character of an entity such as `#38` or `#x26`.
fn numbered(entity: &str) -> Option<char> {
    let number = entity.strip_prefix('#')?;
    match number.strip_prefix(['x', 'X']) {
        Some(digits) => of_hexadecimal(digits),
        None => number.parse().ok().and_then(char::from_u32),
    }
}

fn of_hexadecimal(digits: &str) -> Option<char> {
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

/// How many bytes at the beginning of `text`, behind the character `before`, are `secret` or too much of it. Blanks and line
/// ends, which a server may put into what it repeats, do not hide it.
fn length_in(text: &str, secret: &str, before: Option<char>, read: fn(&str) -> Option<(char, usize)>) -> usize {
    let (mut rest, mut same, mut at, mut end) = (secret, 0, 0, 0);
    while let Some((character, bytes)) = read(&text[at..]) {
        at += bytes;
        let is_next = |text: &str| text.chars().next().is_some_and(|next| next.eq_ignore_ascii_case(&character));
        if !is_next(rest) && is_next(rest.trim_start()) {
            rest = rest.trim_start();
        }
        if is_next(rest) {
            same += character.len_utf8();
            (rest, end) = (&rest[character.len_utf8()..], at);
        } else if rest.is_empty() || same == 0 || !character.is_whitespace() {
            break;
        }
    }
    let is_open = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
    let is_unbroken = || text[..end].len() == secret.len() || !text[..end].contains(char::is_whitespace);
    let is_word = || is_open(before) && is_open(text[end..].chars().next()) && is_unbroken();
    let is_whole = rest.is_empty() && (same >= SHORTEST_PART || is_word());
    if is_whole || same >= LONGEST_BEGINNING { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::Known;
    use crate::secret::Secret;

    #[test]
    fn secrets_are_blotted_out_in_every_form_in_which_they_travel() {
        let secret = Secret::new("s3cret/with+odd ü&signs");
        let mut known = Known::new([&secret, &Secret::new("RT1"), &Secret::new(""), &Secret::new(r#"quoted"\end"#)]);
        known.add_pair("client id", &secret);
        for (text, expected) in [
            ("", ""),
            ("nothing to hide", "nothing to hide"),
            ("client_secret=s3cret/with+odd ü&signs!", "client_secret=****!"),
            ("S3CRET/WITH+ODD ü&SIGNS", "****"),
            ("s3cret%2Fwith%2Bodd+%C3%BC%26signs", "****"),
            ("s3cret%2fwith%2bodd%20%c3%bc%26signs", "****"),
            ("is czNjcmV0L3dpdGgrb2RkIMO8JnNpZ25z, is it", "is ****, is it"),
            ("Basic Y2xpZW50K2lkOnMzY3JldCUyRndpdGglMkJvZGQrJUMzJUJDJTI2c2lnbnM=", "Basic ****="),
            ("s3cret/with+odd ü&amp;signs, s3cret/with+odd &#xFC;&#38;signs", "****, ****"),
            (r"s3cret\/with+odd \u00fc\u0026signs!", "****!"),
            (r#"is quoted"\end: quoted\"\\end, quoted&quot;\end"#, "is ****: ****, ****"),
            ("s3cret/with+odd \u{2026}", "****\u{2026}"),
            ("s3cret/with", "s3cret/with"),
            ("the token RT1 is unknown", "the token **** is unknown"),
            ("s3cret/with+\r\n  odd\tü&signs", "****"),
            ("czNjcmV0 L3dp dGgr b2Rk IMO8 JnNp Z25z.", "****."),
            ("R T1", "R T1"),
            ("RT1", "****"),
            ("PART12 rt1", "PART12 ****"),
        ] {
            assert_eq!(known.blot(text), expected, "{text}");
            assert_eq!(known.is_in(text), text != expected, "{text}");
        }
        assert!(known.blot(&"x".repeat(100_000)).len() <= 4096);
    }
}
