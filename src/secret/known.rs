//! Blots secrets out of what a server says about a request that carried them.
//!
//! A server repeats what it was sent in any form: encoded for forms, addresses, HTML or JSON, once or time and again, cut off,
//! in lines, in other letters. So no list of forms is looked for: text and secret are brought to one normal form, and where
//! they agree for long enough what was written is blotted out. Base64 and hexadecimal digits alone are forms of their own.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::Secret;
use crate::sorted;

/// What stands where a secret was.
const BLOT: &str = "****";
/// Characters; a shorter secret is looked for as a word of its own, since it may be part of others.
const SHORTEST_PART: usize = 8;
/// Characters; so much of a secret is as good as the whole, of a short one two thirds.
const LONGEST_PART: usize = 16;
/// Characters; the end of a longer one is that of something else.
const LONGEST_ENTITY: usize = 10;
/// Bytes; no more of a text is ever shown.
const LONGEST_TEXT: usize = 4096;
/// How often an escape may be escaped.
const MOST_LAYERS: usize = 4;

/// The secrets of a request, each in its normal form, and so its Base64 and its hexadecimal digits.
#[derive(Default)]
pub struct Known(Vec<Zeroizing<Vec<char>>>);

impl Known {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut known = Self::default();
        secrets.into_iter().for_each(|secret| known.add(secret.expose()));
        known
    }

    /// Adds what travels in the header of HTTP Basic (RFC 7617), encoded first or not (RFC 6749 §2.3.1).
    pub fn add_pair(&mut self, id: &str, secret: &Secret) {
        let secret = secret.expose();
        let encoded = Zeroizing::new(format!("{}:{}", *in_form(id), *in_form(secret)));
        for pair in [encoded, Zeroizing::new(format!("{id}:{secret}"))] {
            for text in in_base64(&pair) {
                self.push(&text);
            }
        }
    }

    fn add(&mut self, secret: &str) {
        self.push(secret);
        for text in in_base64(secret) {
            self.push(&text);
        }
        // The digits of a short one may be any number.
        if secret.len() >= SHORTEST_PART {
            let digits = secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
            let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
            self.push(&Zeroizing::new(digits.collect::<String>()));
        }
    }

    fn push(&mut self, text: &str) {
        let form: Zeroizing<Vec<char>> = Zeroizing::new(normal(text).iter().map(|unit| unit.character).collect());
        if !form.is_empty() && !self.0.contains(&form) {
            self.0.push(form);
        }
    }

    /// The text without the secrets in it.
    pub fn blot(&self, text: &str) -> String {
        let text = beginning(text, LONGEST_TEXT);
        let units = normal(text);
        let characters: Vec<char> = units.iter().map(|unit| unit.character).collect();
        let mut hidden = vec![false; units.len()];
        for form in &self.0 {
            let length = (form.len() * 2 / 3).clamp(SHORTEST_PART, LONGEST_PART).min(form.len());
            let is_short = form.len() < SHORTEST_PART;
            for at in places(&characters, form, length) {
                if !is_short || is_word(text, &units[at..at + length]) {
                    hidden[at..at + length].fill(true);
                }
            }
        }
        let (mut blotted, mut written) = (String::new(), 0);
        let parts = units.iter().zip(hidden).collect::<Vec<_>>();
        for part in parts.chunk_by(|(_, one), (_, other)| one == other) {
            if let [(first, true), ..] = part {
                let end = part.last().map_or(first.end, |(last, _)| last.end);
                blotted.push_str(text.get(written..first.start).unwrap_or_default());
                blotted.push_str(BLOT);
                written = end.max(written);
            }
        }
        blotted.push_str(&text[written..]);
        blotted
    }

    /// Tells whether a secret is in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.blot(text) != beginning(text, LONGEST_TEXT)
    }
}

/// As a form has it, and the header of HTTP Basic (RFC 6749 §2.3.1).
pub(crate) fn in_form(text: &str) -> Zeroizing<String> {
    Zeroizing::new(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

fn in_base64(text: &str) -> [Zeroizing<String>; 2] {
    [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD].map(|engine| Zeroizing::new(engine.encode(text)))
}

/// The whole characters among the first bytes of `text`.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Where in a text, which is short, `length` characters stand that stand in `form` as well, however long that is.
fn places(text: &[char], form: &[char], length: usize) -> Vec<usize> {
    let mut parts: Vec<(&[char], usize)> = text.windows(length).enumerate().map(|(at, part)| (part, at)).collect();
    sorted::by(&mut parts, Ord::cmp);
    let mut found = Vec::new();
    for wanted in form.windows(length) {
        let first = parts.partition_point(|(part, _)| *part < wanted);
        found.extend(parts[first..].iter().take_while(|(part, _)| *part == wanted).map(|(_, at)| *at));
    }
    found
}

/// Whether the units stand for themselves in the text: nothing between them, and no letter or digit around.
fn is_word(text: &str, units: &[Unit]) -> bool {
    let is_open = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
    let [Some(first), Some(last)] = [units.first(), units.last()] else { return false };
    let is_unbroken = units.windows(2).all(|pair| pair[0].end == pair[1].start);
    is_unbroken && is_open(text[..first.start].chars().next_back()) && is_open(text[last.end..].chars().next())
}

/// A character of a normal form, and which bytes of the text stand for it.
#[derive(Clone, Copy)]
struct Unit {
    character: char,
    start: usize,
    end: usize,
}

/// The normal form: without escapes, however many of them lie upon each other; without what nobody sees, and without blanks, `+`
/// and `\`, which encodings put in or take away; in small letters of the usual width.
fn normal(text: &str) -> Vec<Unit> {
    let unit = |(start, character): (usize, char)| Unit {
        character: narrow(character),
        start,
        end: start + character.len_utf8(),
    };
    let mut units: Vec<Unit> = text.char_indices().map(unit).collect();
    for _ in 0..MOST_LAYERS {
        let before = units.len();
        units = unescaped(&units);
        if units.len() == before {
            break;
        }
    }
    for unit in &mut units {
        unit.character = small(narrow(unit.character));
    }
    units.retain(|unit| !is_passed_over(unit.character));
    units
}

/// The same with one layer of escapes less.
fn unescaped(units: &[Unit]) -> Vec<Unit> {
    let (mut plain, mut at) = (Vec::with_capacity(units.len()), 0);
    while let Some(unit) = units.get(at) {
        let rest = &units[at..];
        let bytes = percent_encoded(rest);
        if bytes.is_empty() {
            let (character, length) = escaped(rest).unwrap_or((unit.character, 1));
            plain.push(Unit { character, start: unit.start, end: rest[length - 1].end });
            at += length;
        } else {
            let mut begins = at;
            let mut push = |character, length: usize| {
                let spread = &units[begins..begins + 3 * length];
                plain.push(Unit { character, start: spread[0].start, end: spread[spread.len() - 1].end });
                begins += spread.len();
            };
            for chunk in bytes.utf8_chunks() {
                chunk.valid().chars().for_each(|character| push(character, character.len_utf8()));
                chunk.invalid().iter().for_each(|byte| push(char::from(*byte), 1));
            }
            at += 3 * bytes.len();
        }
    }
    plain
}

/// The bytes of `%2F%C3%BC` and the like, with which the units begin.
fn percent_encoded(units: &[Unit]) -> Vec<u8> {
    let byte = |triple: &[Unit]| match triple {
        [percent, digits @ ..] if percent.character == '%' => {
            of_hexadecimal(digits).and_then(|byte| u8::try_from(u32::from(byte)).ok())
        }
        _ => None,
    };
    units.chunks_exact(3).map_while(byte).collect()
}

/// The character for which an escape stands with which the units begin, and its length: `&amp;`, `&#38;`, `\u0026`, `\x26`, a
/// control character as [`Untrusted`](crate::untrusted::Untrusted) shows it.
fn escaped(units: &[Unit]) -> Option<(char, usize)> {
    let nth = |at: usize| units.get(at).map(|unit| unit.character);
    let until = |mark| units.iter().take(LONGEST_ENTITY).position(|unit| unit.character == mark);
    match (nth(0)?, nth(1)?) {
        ('&', _) => until(';').and_then(|end| Some((entity(&units[1..end])?, end + 1))),
        ('\\', 'u') => Some((of_hexadecimal(units.get(2..6)?)?, 6)),
        ('\\', 'x') => Some((of_hexadecimal(units.get(2..4)?)?, 4)),
        ('\\', 'n' | 'r' | 't') => Some((' ', 2)),
        ('<', 'U') if nth(2)? == '+' => until('>').and_then(|end| Some((of_hexadecimal(&units[3..end])?, end + 1))),
        _ => None,
    }
}

fn entity(units: &[Unit]) -> Option<char> {
    let name: String = units.iter().map(|unit| unit.character).collect();
    match name.as_str() {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        number => match number.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(_) => of_hexadecimal(&units[2..]),
            None => number[1..].parse().ok().and_then(char::from_u32),
        },
    }
}

fn of_hexadecimal(digits: &[Unit]) -> Option<char> {
    let number = digits
        .iter()
        .try_fold(0_u32, |number, digit| number.checked_mul(16)?.checked_add(digit.character.to_digit(16)?));
    number.filter(|_| !digits.is_empty()).and_then(char::from_u32)
}

/// What nobody sees, and what encodings put between the characters of a secret or take from there.
fn is_passed_over(character: char) -> bool {
    let is_unseen = matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    is_unseen || character.is_control() || character.is_whitespace() || matches!(character, '+' | '\\')
}

/// In the usual width.
fn narrow(character: char) -> char {
    let usual = match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0),
        _ => None,
    };
    usual.unwrap_or(character)
}

fn small(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
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
            ("s3cret/with+odd \u{2026}", "**** \u{2026}"),
            ("cret/with+odd ü&signs", "****"),
            ("odd ü&signs", "odd ü&signs"),
            ("s3cret/with%2Bodd%20%C3%BC%26signs", "****"),
            ("s3cret%252Fwith%252Bodd+%25C3%25BC%2526signs!", "****!"),
            ("%73%33%63ret/with+odd ü&amp;amp;signs", "****"),
            ("7333637265742F776974682B6F646420c3bc267369676e73", "****"),
            (r"s3cret\\/with+odd ü&signs, \x733cret\/with+odd\n\u00FC&signs", "****, ****"),
            ("s3cr\u{200b}et/w\u{ad}ith+o\u{1}dd ü&sig\u{feff}ns.", "****."),
            ("s3cr<U+200B>et/w<U+00AD>ith+odd ü&signs.", "****."),
            ("ｓ３ｃｒｅｔ／ｗｉｔｈ＋ｏｄｄ ü＆ｓｉｇｎｓ", "****"),
            ("100% of s3cret %zz &nothing; &#; <U+> \\u12", "100% of s3cret %zz &nothing; &#; <U+> \\u12"),
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
