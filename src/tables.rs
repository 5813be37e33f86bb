//! Tables that are written as text, and taken apart by whoever looks something up in them.
//!
//! An array of texts costs each start of the program, whatever it is for: the loader writes the address of every one.

use std::iter;
use std::str::SplitAsciiWhitespace;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

/// Words with blanks or line ends between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words(pub &'static str);

impl Words {
    pub fn iter(self) -> SplitAsciiWhitespace<'static> {
        self.0.split_ascii_whitespace()
    }

    pub fn contains(self, word: &str) -> bool {
        self.iter().any(|known| known == word)
    }
}

impl IntoIterator for Words {
    type Item = &'static str;
    type IntoIter = SplitAsciiWhitespace<'static>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Lines that begin with a word, of which the rest of the line tells something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs(pub &'static str);

impl Pairs {
    pub fn iter(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let lines = self.0.lines().map(str::trim_ascii).filter(|line| !line.is_empty());
        lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).map(|(word, rest)| (word, rest.trim_ascii()))
    }

    /// What is told of a word.
    pub fn of(self, word: &str) -> Option<&'static str> {
        let told = |line: &'static str| line.trim_ascii_start().strip_prefix(word);
        self.0.lines().filter_map(told).find(|rest| rest.is_empty() || rest.starts_with(' ')).map(str::trim_ascii)
    }
}

/// Entries of a text, with an empty line between them. Lines that begin with `#` are for whoever reads the file.
pub fn entries(text: &'static str) -> impl Iterator<Item = Entry> {
    text.split("\n\n").map(Entry::read).filter(|entry| !entry.0.is_empty())
}

/// Fields in their order, each a name and a value.
#[derive(Debug)]
pub struct Entry(Vec<(&'static str, &'static str)>);

impl Entry {
    /// A colon follows each name. A value that is long goes on in lines that begin with a blank.
    fn read(text: &'static str) -> Self {
        let mut left = text;
        let lines = iter::from_fn(|| {
            let mut ends = left.match_indices('\n').map(|(end, _)| end);
            let end = ends.find(|end| !left[end + 1..].starts_with(' '));
            let (line, rest) = end.map_or((left, ""), |end| (&left[..end], &left[end + 1..]));
            left = rest;
            (!line.is_empty() || !rest.is_empty()).then_some(line)
        });
        let fields = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        Self(fields.map(|(name, value)| (name, value.trim_ascii())).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub fn one(&self, name: &str) -> Option<&'static str> {
        self.all(name).next()
    }

    pub fn words(&self, name: &str) -> Words {
        Words(self.one(name).unwrap_or_default())
    }
}

/// The variant that serde knows by this name.
pub fn named<'a, T: Deserialize<'a>>(name: &'a str) -> Option<T> {
    let name: StrDeserializer<'a, Error> = name.into_deserializer();
    T::deserialize(name).ok()
}

#[cfg(test)]
mod tests {
    use super::{Pairs, Words, entries};

    #[test]
    fn fields_go_on_in_lines_that_begin_with_a_blank() {
        let text =
            "# About\n# this.\n\nkey: crm\nscopes:\n  A.b.READ\n  A.c.ALL\nnote: one: two\nnote: three\n\nkey: desk\n";
        let entries: Vec<_> = entries(text).collect();
        let [crm, desk] = &entries[..] else { panic!("two entries") };
        assert_eq!((crm.one("key"), desk.one("key"), desk.one("note")), (Some("crm"), Some("desk"), None));
        assert!(crm.words("scopes").iter().eq(["A.b.READ", "A.c.ALL"]) && crm.all("note").eq(["one: two", "three"]));
        assert_eq!(crm.names().count(), 4);
    }

    #[test]
    fn words_and_pairs_stand_between_blanks() {
        let words = Words("one two\n  three");
        assert!(words.contains("three") && !words.contains("thre") && words.iter().eq(["one", "two", "three"]));
        let pairs = Pairs("\n    one  the first\n    two the second\n");
        assert_eq!((pairs.of("one"), pairs.of("two"), pairs.of("t")), (Some("the first"), Some("the second"), None));
    }
}
