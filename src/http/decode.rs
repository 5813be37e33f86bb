//! The border between the bytes of an answer and what is read in them: bytes, text, JSON.
//!
//! Lenient throughout, since an answer that cannot be read may be the only one that a server gives: byte order marks,
//! UTF-16, an unasked-for gzip, bytes and escapes that are no text, control characters in strings, commas too many, numbers
//! that nothing holds, nesting without end and whatever follows the first value are no reason to give up. Where a key comes
//! twice the last value holds, as in most readers, unless that is `null` or empty. Whoever uses a field checks it strictly
//! (`untrusted`): U+FFFD, which stands for what was no text, passes no check of a token, a code or an address.

pub(crate) mod unpack;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Number, Value};

use self::unpack::Unpacking;
use super::ACCOUNTS_BODY_LIMIT;

/// What is nested deeper is passed over: no field that is used lies there.
const DEEPEST: usize = 64;

/// Why a body holds no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJson {
    /// There is nothing in it.
    Empty,
    /// It begins as JSON and ends too early.
    Truncated,
    /// It is something else.
    Other,
}

/// The first JSON value in a body.
pub fn json(body: &[u8]) -> Result<Value, NoJson> {
    read(body, false)
}

/// The same of a body that may be cut off: what it begins with, up to the last value that is whole.
pub fn beginning(body: &[u8]) -> Result<Value, NoJson> {
    read(body, true)
}

/// The object with which a body begins that is cut off, if all these members of it are whole.
pub(crate) fn object_cut_behind(body: &[u8], members: &[&str]) -> Option<Map<String, Value>> {
    let Ok(Value::Object(fields)) = beginning(body) else { return None };
    let is_whole = |name: &&str| fields.get(*name).is_some_and(|value| !says_nothing(value));
    (!members.is_empty() && members.iter().all(is_whole)).then_some(fields)
}

fn read(body: &[u8], may_be_cut: bool) -> Result<Value, NoJson> {
    let text = text(body);
    let mut reader = Reader { rest: &text, may_be_cut };
    reader.skip_blanks();
    if text.trim().is_empty() {
        return Err(NoJson::Empty);
    }
    if reader.rest.is_empty() { Err(NoJson::Other) } else { reader.value(0) }
}

/// The JSON object in a body; a list of one object is taken for it.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, NoJson> {
    match json(body)? {
        Value::Object(fields) => Ok(fields),
        Value::Array(mut list) if list.len() == 1 => match list.pop() {
            Some(Value::Object(fields)) => Ok(fields),
            _ => Err(NoJson::Other),
        },
        _ => Err(NoJson::Other),
    }
}

/// The first object that is as wanted, behind something that does not belong there: a guard against scripts, a warning of the
/// server's own language.
pub fn object_behind(body: &[u8], is_wanted: impl Fn(&Map<String, Value>) -> bool) -> Option<Map<String, Value>> {
    /// So often is tried; each time costs a reading of the whole.
    const TRIES: usize = 8;
    let text = text(body);
    let begins = text.match_indices('{').map(|(at, _)| at).take(TRIES);
    let mut objects = begins.filter_map(|at| Reader { rest: &text[at..], may_be_cut: false }.object(1).ok());
    objects.find(is_wanted)
}

/// Tells whether a value stands for the absence of one: servers that write every field of a structure fill in such.
pub fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// What something begins with that gzip has packed (RFC 1952 §2.3.1).
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A body as text, without byte order mark; bytes that are none become U+FFFD.
pub fn text(body: &[u8]) -> Cow<'_, str> {
    if body.starts_with(&GZIP) {
        return Cow::Owned(text(&unpacked(body)).into_owned());
    }
    let unmarked = MARKS.into_iter().find_map(|mark| body.strip_prefix(mark)).unwrap_or(body);
    // Where the first characters are ASCII, the places of the zeros tell (RFC 4627 §3), whatever a mark says.
    match (unmarked, body) {
        ([1..=127, 1..=127, ..], _) => String::from_utf8_lossy(unmarked),
        ([0, 1..=127, 0, 1..=127, ..], _) => Cow::Owned(utf16(unmarked, u16::from_be_bytes)),
        ([1..=127, 0, 1..=127, 0, ..], _) | (_, [0xff, 0xfe, ..]) => Cow::Owned(utf16(unmarked, u16::from_le_bytes)),
        (_, [0xfe, 0xff, ..]) => Cow::Owned(utf16(unmarked, u16::from_be_bytes)),
        _ => String::from_utf8_lossy(unmarked),
    }
}

/// The byte order marks of UTF-8 and UTF-16.
const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// What is packed in a body whose header says nothing of it, as far as that can be had.
fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut unpacking = Unpacking::new(["gzip"].into_iter(), ACCOUNTS_BODY_LIMIT);
    let mut unpacked = Vec::new();
    let mut packed = Bytes::copy_from_slice(body);
    while let Ok(made @ [_, ..]) = unpacking.next(&mut packed, true).as_deref() {
        unpacked.extend_from_slice(made);
    }
    // Nothing is packed over and over.
    if unpacked.starts_with(&GZIP) { Vec::new() } else { unpacked }
}

/// What is no character becomes U+FFFD.
pub(super) fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, odd) = bytes.as_chunks();
    let characters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let text = characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if odd.is_empty() { text } else { text + "\u{fffd}" }
}

/// Takes JSON apart.
struct Reader<'a> {
    rest: &'a str,
    /// What is not whole at the end is left out.
    may_be_cut: bool,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, NoJson> {
        self.skip_blanks();
        match self.rest.bytes().next().ok_or(NoJson::Truncated)? {
            b'{' | b'[' if depth == DEEPEST => self.pass_over(),
            b'{' => self.object(depth + 1).map(Value::Object),
            b'[' => self.list(depth + 1).map(Value::Array),
            b'"' => self.string().map(Value::String),
            b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'A'..=b'Z' => self.word(),
            _ => Err(NoJson::Other),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Map<String, Value>, NoJson> {
        let mut fields = Map::new();
        self.skip(1);
        loop {
            match self.field(depth) {
                Ok(Some((name, value))) => {
                    let says_nothing = value.is_null() || value == "";
                    if !says_nothing || !fields.contains_key(&name) {
                        fields.insert(name, value);
                    }
                }
                Err(NoJson::Truncated) if self.may_be_cut => {
                    self.rest = "";
                    return Ok(fields);
                }
                end => return end.map(|_| fields),
            }
        }
    }

    /// The next field of an object, if there is one.
    fn field(&mut self, depth: usize) -> Result<Option<(String, Value)>, NoJson> {
        self.skip_separators();
        if self.takes('}')? {
            return Ok(None);
        }
        if !self.rest.starts_with('"') {
            return Err(NoJson::Other);
        }
        let name = self.string()?;
        self.skip_blanks();
        if self.takes(':')? { Ok(Some((name, self.value(depth)?))) } else { Err(NoJson::Other) }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, NoJson> {
        let mut values = Vec::new();
        self.skip(1);
        loop {
            match self.entry(depth) {
                Ok(Some(value)) => values.push(value),
                Err(NoJson::Truncated) if self.may_be_cut => {
                    self.rest = "";
                    return Ok(values);
                }
                end => return end.map(|_| values),
            }
        }
    }

    /// The next value of a list, if there is one.
    fn entry(&mut self, depth: usize) -> Result<Option<Value>, NoJson> {
        self.skip_separators();
        if self.takes(']')? { Ok(None) } else { self.value(depth).map(Some) }
    }

    fn string(&mut self) -> Result<String, NoJson> {
        let mut text = String::new();
        self.skip(1);
        loop {
            let end = self.rest.find(['"', '\\']).ok_or(NoJson::Truncated)?;
            text.push_str(&self.rest[..end]);
            let is_end = self.rest[end..].starts_with('"');
            self.skip(end + 1);
            if is_end {
                return Ok(text);
            }
            let escaped = self.rest.chars().next().ok_or(NoJson::Truncated)?;
            self.skip(escaped.len_utf8());
            text.push(match escaped {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.escape(),
                other => other,
            });
        }
    }

    /// The character behind `\u`; half a pair, or what is no number, is none.
    fn escape(&mut self) -> char {
        let Some(unit) = self.unit() else { return char::REPLACEMENT_CHARACTER };
        let before = self.rest;
        let second = if (0xd800..0xdc00).contains(&unit) && self.rest.starts_with("\\u") {
            self.skip(2);
            self.unit()
        } else {
            None
        };
        let units = [Some(unit), second].into_iter().flatten();
        let mut characters = char::decode_utf16(units).map(Result::ok);
        let character = characters.next().flatten();
        if character.is_none() || characters.next().is_some() {
            // What followed stands for itself.
            self.rest = before;
        }
        character.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.skip(4);
        u16::from_str_radix(digits, 16).ok()
    }

    /// A number, or one of the words that stand without quotes.
    fn word(&mut self) -> Result<Value, NoJson> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" | "NaN" | "Infinity" | "-Infinity" | "undefined" => Ok(Value::Null),
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let is_cut = rest.is_empty() && ["true", "false", "null"].iter().any(|whole| whole.starts_with(word));
                Err(if is_cut { NoJson::Truncated } else { NoJson::Other })
            }
            // More digits may have followed.
            _ if rest.is_empty() && self.may_be_cut => Err(NoJson::Truncated),
            _ => Ok(number(word)),
        }
    }

    /// Skips what is nested too deep.
    fn pass_over(&mut self) -> Result<Value, NoJson> {
        let mut depth = 0_usize;
        loop {
            let next = self.rest.find(['{', '[', '}', ']', '"']).ok_or(NoJson::Truncated)?;
            self.skip(next);
            match self.rest.as_bytes()[0] {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.skip(1);
            if depth == 0 {
                return Ok(Value::Null);
            }
        }
    }

    /// Takes `mark` if it comes next.
    fn takes(&mut self, mark: char) -> Result<bool, NoJson> {
        let is_next = self.rest.chars().next().ok_or(NoJson::Truncated)? == mark;
        if is_next {
            self.skip(1);
        }
        Ok(is_next)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    fn skip_separators(&mut self) {
        self.rest = self.rest.trim_start_matches(|c| is_blank(c) || c == ',');
    }
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\0' | '\u{feff}')
}

/// A number, the nearest that can be held. Digits behind a zero count nothing and stay the text that they are, and so do those
/// of a whole number that nothing holds: it is an id.
fn number(text: &str) -> Value {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Value::String(text.to_owned());
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Value::String(text.to_owned());
    }
    let number = text.parse().ok().map(|number: f64| number.clamp(f64::MIN, f64::MAX));
    number.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests;
