//! Values out of a TOML document, for the types that say what shape it has to have. What does not fit is told as data: the keys
//! that lead there, its place in the text, and what else would fit.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeTable, DeValue};

use super::screen;
use crate::near::did_you_mean;

/// The keys that are about all profiles, and so below no `[…]`.
const ABOVE_ALL: [&str; 5] = ["default_profile", "key_command", "store", "store_url_file", "store_cache"];

/// What does not fit into the shape, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The keys that lead to it from the top. One that is unknown is among them.
    pub(super) path: Vec<String>,
    /// Where it begins in the text; `None` for the whole of it.
    pub(super) at: Option<usize>,
    pub(super) kind: MisfitKind,
    /// A clause; what does not fit is its subject.
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MisfitKind {
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    UnknownValue {
        value: String,
        known: &'static [&'static str],
    },
    /// Another type of value is wanted, such as a list.
    Type,
    Value,
}

impl Misfit {
    fn new(kind: MisfitKind, message: impl Display) -> Self {
        Self { path: Vec::new(), at: None, kind, message: message.to_string() }
    }

    /// The same behind a key, and at that place unless a closer one is known.
    fn below(mut self, key: &str, at: usize) -> Self {
        self.at.get_or_insert(at);
        self.path.insert(0, key.to_owned());
        self
    }

    /// A clause without the place.
    pub(super) fn said(&self) -> String {
        let message = &self.message;
        let near = |word: &str, known: &[&'static str]| {
            did_you_mean(word, known.iter().copied()).map_or_else(String::new, |near| format!("; {near}"))
        };
        match &self.kind {
            MisfitKind::UnknownKey { key, .. } if self.path.len() > 1 && ABOVE_ALL.contains(&key.as_str()) => {
                format!("`{key}` belongs above the first `[`: it is not about one profile or provider")
            }
            MisfitKind::UnknownKey { key, known } => format!("{message}{}", near(key, known)),
            MisfitKind::Type => {
                let said = self.path.last().map_or_else(|| message.clone(), |key| format!("`{key}` {message}"));
                if self.path.starts_with(&["screen".to_owned(), "keys".to_owned()]) {
                    let tables = screen::key_tables();
                    format!("{said}; write `quit = [\"x\"]` below `[screen.keys.everywhere]`; the tables are {tables}")
                } else {
                    said
                }
            }
            MisfitKind::UnknownValue { .. } | MisfitKind::Value => {
                let near = match &self.kind {
                    MisfitKind::UnknownValue { value, known } => near(value, known),
                    _ => String::new(),
                };
                let key = self.path.last().map_or_else(String::new, |key| format!("`{key}`: "));
                format!("{key}{message}{near}")
            }
        }
    }
}

/// What a value has to be; `expected` is what `serde` calls it.
fn wanted(expected: &str) -> &str {
    match expected {
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list in `[` and `]`",
        "a map" => "a table of keys and values",
        "u32" => "a whole number from 0 to 4294967295",
        "a string" | "path string" | "variant identifier" => "a text in quotation marks",
        name if name.starts_with("struct ") => "a table of keys and values",
        name if name.starts_with("enum ") => "a text in quotation marks",
        name => name,
    }
}

/// What a value is.
fn given(value: Unexpected<'_>) -> String {
    match value {
        Unexpected::Bool(is_so) => format!("`{is_so}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number:?}"),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => format!("a {other}"),
    }
}

pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

impl de::Error for Misfit {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(MisfitKind::Value, message)
    }

    fn invalid_type(value: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(MisfitKind::Type, format!("has to be {}, and is {}", wanted(&expected), given(value)))
    }

    fn invalid_value(value: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(value, expected)
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{key}`; known here are {}", listed(known));
        Self::new(MisfitKind::UnknownKey { key: key.to_owned(), known }, message)
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        let message = format!("`{value}` is none of {}", listed(known));
        Self::new(MisfitKind::UnknownValue { value: value.to_owned(), known }, message)
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.said())
    }
}

impl std::error::Error for Misfit {}

/// Reads a text.
pub(super) fn parse<'de, T: Deserialize<'de>>(text: &str) -> Result<T, Misfit> {
    read(DeTable::parse(text).map_err(|error| Misfit::custom(no_toml(&error)))?.get_ref())
}

/// Why a text is no TOML, as a clause.
pub(super) fn no_toml(error: &toml::de::Error) -> String {
    error.message().trim_end_matches('.').replace('\n', " ")
}

/// Reads a whole document.
pub(super) fn read<'de, T: Deserialize<'de>>(document: &DeTable<'_>) -> Result<T, Misfit> {
    T::deserialize(Document(document))
}

struct Document<'a>(&'a DeTable<'a>);

impl<'de> de::Deserializer<'de> for Document<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Entries { left: self.0.iter(), value: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Value<'a>(&'a Spanned<DeValue<'a>>);

impl<'de> de::Deserializer<'de> for Value<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => visitor.visit_i64(whole(number)?),
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(Misfit::custom("that is no number")),
            },
            DeValue::Boolean(is_so) => visitor.visit_bool(*is_so),
            DeValue::Datetime(_) => Err(Misfit::invalid_type(Unexpected::Other("date or time"), &visitor)),
            DeValue::Array(values) => visitor.visit_seq(Elements(values.iter())),
            DeValue::Table(table) => Document(table).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// Only by keys: what `serde` makes takes a list as well, by the order in which the keys are declared.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0.get_ref() {
            DeValue::Array(_) => Err(Misfit::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0.get_ref() {
            DeValue::String(word) => visitor.visit_enum(word_of(word)),
            // Each other one is refused by its type.
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

fn word_of(word: &str) -> StrDeserializer<'_, Misfit> {
    word.into_deserializer()
}

fn whole(number: &DeInteger<'_>) -> Result<i64, Misfit> {
    i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| Misfit::custom("the number is too large"))
}

/// The keys of a table and what they have.
struct Entries<'a> {
    left: toml::map::Iter<'a, Spanned<DeString<'a>>, Spanned<DeValue<'a>>>,
    /// Of the key that was read last.
    value: Option<(&'a str, &'a Spanned<DeValue<'a>>)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.left.next() else { return Ok(None) };
        let name = key.get_ref().as_ref();
        self.value = Some((name, value));
        seed.deserialize(word_of(name)).map(Some).map_err(|misfit| misfit.below(name, key.span().start))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let Some((name, value)) = self.value.take() else {
            return Err(Misfit::custom("no key comes before the value"));
        };
        seed.deserialize(Value(value)).map_err(|misfit| misfit.below(name, value.span().start))
    }
}

struct Elements<'a>(std::slice::Iter<'a, Spanned<DeValue<'a>>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some(value) = self.0.next() else { return Ok(None) };
        let placed = |misfit: Misfit| {
            let at = misfit.at.or(Some(value.span().start));
            match misfit.kind {
                MisfitKind::Type if misfit.path.is_empty() => {
                    let message = format!("each entry {}", misfit.message);
                    Misfit { at, kind: MisfitKind::Value, message, ..misfit }
                }
                _ => Misfit { at, ..misfit },
            }
        };
        seed.deserialize(Value(value)).map(Some).map_err(placed)
    }
}
