//! The values of a plain table, taken line by line as they stand in the text: keys without quotation marks, texts, and lists
//! of them. Whatever else there is, right or wrong, is for those who read the text as a document.

use std::fmt::{self, Display};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::heads;

/// Reads a table with the line that begins it; `None` where it is not plain, or does not fit.
pub(super) fn read<'de, T: Deserialize<'de>>(table: &'de str) -> Option<T> {
    let mut lines = Lines { text: table, at: table.find(']')? + 1 };
    lines.end().ok()?;
    T::deserialize(&mut lines).ok()
}

/// Nothing is told of it, since the reading of the document tells it.
#[derive(Debug)]
struct NotPlain;

impl Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain")
    }
}

impl std::error::Error for NotPlain {}

impl de::Error for NotPlain {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// A table, and how far it is read: byte by byte, since a long text has a million bytes.
struct Lines<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Lines<'de> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, sign: u8) -> bool {
        let is_next = self.next() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.next() {
            self.at += 1;
        }
    }

    fn take_line_end(&mut self) -> bool {
        let before = self.at;
        self.take(b'\r');
        let is_end = self.take(b'\n');
        self.at = if is_end { self.at } else { before };
        is_end
    }

    /// Goes past the end of the line, and the remark that may be before it.
    fn end(&mut self) -> Result<(), NotPlain> {
        self.skip_blanks();
        if self.next() == Some(b'#') {
            self.printed(|byte| matches!(byte, b'\r' | b'\n'));
        }
        if self.take_line_end() || self.next().is_none() { Ok(()) } else { Err(NotPlain) }
    }

    fn text(&mut self) -> Result<&'de str, NotPlain> {
        let begins = self.take(b'"');
        let text = self.printed(|byte| byte == b'"');
        if begins && self.take(b'"') { text.ok_or(NotPlain) } else { Err(NotPlain) }
    }

    fn key(&mut self) -> Option<&'de str> {
        self.up_to(|byte| !heads::is_bare(byte)).filter(|key| !key.is_empty())
    }

    /// Everything before the byte, or before one that only documents tell of: a control character, or one that stands for
    /// others.
    fn printed(&mut self, is_behind: impl Fn(u8) -> bool) -> Option<&'de str> {
        self.up_to(|byte| is_behind(byte) || matches!(byte, 0..=8 | 10..=31 | b'\\' | 127))
    }

    fn up_to(&mut self, is_behind: impl Fn(u8) -> bool) -> Option<&'de str> {
        let left = self.text.get(self.at..)?;
        let end = left.bytes().position(is_behind).unwrap_or(left.len());
        self.at += end;
        left.get(..end)
    }
}

impl<'de> de::Deserializer<'de> for &mut Lines<'de> {
    type Error = NotPlain;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        if self.take(b'[') {
            return visitor.visit_seq(Entries { lines: self, is_first: true });
        }
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotPlain> {
        visitor.visit_map(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotPlain> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for &mut Lines<'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotPlain> {
        let key = loop {
            self.skip_blanks();
            if self.next().is_none() {
                return Ok(None);
            }
            if let Some(key) = self.key() {
                break key;
            }
            self.end()?;
        };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NotPlain> {
        self.skip_blanks();
        if !self.take(b'=') {
            return Err(NotPlain);
        }
        self.skip_blanks();
        let value = seed.deserialize(&mut **self)?;
        self.end()?;
        Ok(value)
    }
}

/// What is left of a list.
struct Entries<'l, 'de> {
    lines: &'l mut Lines<'de>,
    is_first: bool,
}

impl Entries<'_, '_> {
    fn skip_to_sign(&mut self) {
        self.lines.skip_blanks();
        while self.lines.take_line_end() {
            self.lines.skip_blanks();
        }
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, 'de> {
    type Error = NotPlain;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NotPlain> {
        self.skip_to_sign();
        let is_first = std::mem::take(&mut self.is_first);
        let has_more = is_first || self.lines.take(b',');
        self.skip_to_sign();
        if self.lines.take(b']') {
            return Ok(None);
        }
        if !has_more {
            return Err(NotPlain);
        }
        seed.deserialize(&mut *self.lines).map(Some)
    }
}
