//! The tables of a text that may have thousands, told apart by the lines that begin them, without reading what is in them.
//!
//! Only plain tables are told apart, each with its name on a line of its own. A text that has anything else is left to the whole
//! reading, which alone says what is wrong.

use std::iter;

use memchr::{memchr_iter, memmem};
use toml::de::DeTable;

/// Lines between quotation marks may look like anything, and with these a key may be written in another way than it is called.
const NOT_PLAIN: [&str; 3] = ["\"\"\"", "'''", "\\"];

/// Bytes from which on a text is looked through with the widest registers that the processor has. Which those are is asked once,
/// and in a virtual machine the answer takes longer than to look through what most people have.
const LONG: usize = 16 * 1024;

/// A table, from the line that begins it to the next one, and what it is about; `None` if that is not plain.
pub(super) struct Table<'a> {
    pub(super) text: &'a str,
    pub(super) about: Option<About<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About<'a> {
    All,
    Profile(&'a str),
    /// A table within that of a profile.
    WithinProfile(&'a str),
    Provider(&'a str),
}

/// What a text has above all tables, also as keys; `None` where that is not plain.
pub(super) fn above(text: &str) -> Option<(&str, DeTable<'_>)> {
    let above = begins(text).next().map_or(text, |(at, _)| &text[..at]);
    let keys = DeTable::parse(above).ok()?.into_inner();
    let is_plain = !["profiles", "providers"].iter().any(|key| keys.contains_key(*key));
    is_plain.then_some((above, keys))
}

/// Whether a text has this in it.
pub(super) fn has(text: &str, part: &str) -> bool {
    if text.len() < LONG { text.contains(part) } else { memmem::find(text.as_bytes(), part.as_bytes()).is_some() }
}

/// The tables of a text, if that is plain. Lines inside of a list may seem to begin some, and are not plain.
pub(super) fn tables(text: &str) -> Option<impl Iterator<Item = Table<'_>>> {
    if NOT_PLAIN.iter().any(|sign| has(text, sign)) {
        return None;
    }
    let mut begins = begins(text).peekable();
    Some(iter::from_fn(move || {
        let (at, about) = begins.next()?;
        let end = begins.peek().map_or(text.len(), |(next, _)| *next);
        Some(Table { text: &text[at..end], about })
    }))
}

/// Where each table begins, and what it is about.
fn begins(text: &str) -> impl Iterator<Item = (usize, Option<About<'_>>)> {
    let mut left = text.bytes().enumerate();
    let mut far = (text.len() >= LONG).then(|| memchr_iter(b'[', text.as_bytes()));
    let brackets = iter::from_fn(move || match &mut far {
        Some(far) => far.next(),
        None => left.find(|(_, byte)| *byte == b'[').map(|(at, _)| at),
    });
    brackets.filter_map(|at| {
        let ahead = text.as_bytes()[..at].iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        let begins = ahead.is_none_or(|last| text.as_bytes()[last] == b'\n');
        begins.then(|| (ahead.map_or(0, |last| last + 1), about(&text[at..])))
    })
}

/// What the table is about that the first line begins.
fn about(text: &str) -> Option<About<'_>> {
    // What there may be thousands of.
    if let Some((name, rest)) = text.strip_prefix("[profiles.").and_then(bare_key)
        && rest.starts_with("]\n")
    {
        return Some(About::Profile(name));
    }
    let line = text.lines().next()?;
    let (kind, rest) = key(line.strip_prefix('[')?)?;
    let (name, mut rest) = match rest.strip_prefix('.') {
        Some(rest) => key(rest).map(|(name, rest)| (Some(name), rest))?,
        None => (None, rest),
    };
    let is_within = rest.starts_with('.');
    while let Some(below) = rest.strip_prefix('.') {
        rest = key(below)?.1;
    }
    let behind = rest.strip_prefix(']')?.trim();
    match (kind, name) {
        _ if !behind.is_empty() && !behind.starts_with('#') => None,
        ("screen", _) => Some(About::All),
        ("profiles", Some(name)) if is_within => Some(About::WithinProfile(name)),
        ("profiles", Some(name)) => Some(About::Profile(name)),
        ("providers", Some(name)) => Some(About::Provider(name)),
        _ => None,
    }
}

/// A key, and what follows it.
fn key(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"').map_or_else(|| bare_key(text), |quoted| quoted.split_once('"'))
}

fn bare_key(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(|byte| is_bare(*byte)).count();
    (length > 0).then(|| text.split_at(length))
}

/// Whether a key may have this without quotation marks.
#[inline]
pub(super) fn is_bare(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::{About, about};

    #[test]
    fn what_no_plain_table_begins_with_is_none() {
        for (line, expected) in [
            ("[screen]", Some(About::All)),
            ("[screen.keys]", Some(About::All)),
            ("[profiles.work]", Some(About::Profile("work"))),
            ("[profiles.\"a.b\"] # [x]\r", Some(About::Profile("a.b"))),
            ("[profiles.work.client_secret_files]", Some(About::WithinProfile("work"))),
            ("[providers.lab.data_centers.\"a b\"]", Some(About::Provider("lab"))),
            ("[profiles]", None),
            ("[profiles.work", None),
            ("[profiles.]", None),
            ("[profiles.\"work]", None),
            ("[profiles..work]", None),
            ("[profiles.work] x", None),
            ("[profiles.work],", None),
            ("[profiles .work]", None),
            ("[[profiles.work]]", None),
            ("[true]", None),
            ("[1, 2]", None),
            ("[\"a\"]", None),
            ("[]", None),
            ("[", None),
        ] {
            assert_eq!(about(line), expected, "{line}");
        }
    }
}
