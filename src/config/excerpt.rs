//! What one profile needs of a configuration that may have thousands: what is about all of them, its own table, and that of
//! its provider.
//!
//! Only plain tables are told apart here, each with its name on a line of its own. A text that has anything else, or that
//! does not fit, is left to the whole reading, which alone says what is wrong. So a text that is valid means the same either
//! way, and a mistake in another profile stops no script.

use std::iter;
use std::path::Path;

use memchr::{memchr, memmem};
use toml::de::DeTable;

use super::file::File;
use super::{Config, document, form};
use crate::profile::ProfileName;

/// Lines between quotation marks may look like anything, and with these a key may be written in another way than it is called.
const NOT_PLAIN: [&str; 3] = ["\"\"\"", "'''", "\\"];

/// Bytes from which on a text is looked through with the widest registers that the processor has. Which those are is asked once,
/// and in a virtual machine the answer takes longer than to look through what most people have.
const LONG: usize = 16 * 1024;

/// What `text`, which came from `file`, says for the profile with this name, or for the one that is meant where none is named;
/// `None` where that takes the whole text.
pub(super) fn parse(text: &str, name: Option<&ProfileName>, file: &Path) -> Option<Config> {
    let text = form::without_mark(text);
    if NOT_PLAIN.iter().any(|sign| has(text, sign)) {
        return None;
    }
    let above = tables(text).next().map_or(text, |table| &text[..table.at]);
    let keys = DeTable::parse(above).ok()?;
    let keys = keys.get_ref();
    if ["profiles", "providers"].iter().any(|key| keys.contains_key(*key)) {
        return None;
    }
    let default = keys.get("default_profile").and_then(|name| name.get_ref().as_str());
    let excerpt = Excerpt::of(text, above, name.map(ProfileName::as_str), default)?;
    let mut read: File = document::parse(&excerpt.about_profile).ok()?;
    let provider = read.provider_of(excerpt.profile)?;
    let providers = excerpt.providers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(provider));
    let providers: String = providers.map(|(_, table)| *table).collect();
    read.take_in(document::parse(&providers).ok()?);
    let config = read.checked_alone(file)?;
    // What else there is in place of a provider that is not known is told by the whole text.
    let is_known = config
        .profiles
        .values()
        .any(|profile| profile.name.as_str() == excerpt.profile && config.providers.contains_key(&profile.provider));
    is_known.then_some(config)
}

/// The parts of a text that one profile needs.
struct Excerpt<'a> {
    profile: &'a str,
    about_profile: String,
    /// The tables of all providers by their names, since which one is needed is not read yet.
    providers: Vec<(&'a str, &'a str)>,
}

impl<'a> Excerpt<'a> {
    /// `None` where that is not all there is to be read: a profile is not there, or which one is meant is not clear.
    fn of(text: &'a str, above: &str, named: Option<&str>, default: Option<&str>) -> Option<Self> {
        // Programs do not inherit the variables with the secrets of any profile.
        let has_variables = has(text, "client_secret_env");
        let wanted = named.or(default);
        let (mut about_profile, mut providers, mut profile) = (above.to_owned(), Vec::new(), None);
        let mut is_default_there = default.is_none();
        let mut tables = tables(text).peekable();
        while let Some(Table { at, about }) = tables.next() {
            let end = tables.peek().map_or(text.len(), |next| next.at);
            let table = &text[at..end];
            match about? {
                About::All => about_profile.push_str(table),
                About::Provider(name) => providers.push((name, table)),
                About::Profile(name) => {
                    is_default_there |= default == Some(name);
                    let is_meant = name == wanted.or(profile).unwrap_or(name);
                    if is_meant {
                        profile = Some(name);
                    } else if wanted.is_none() {
                        return None;
                    }
                    if is_meant || (has_variables && has(table, "client_secret_env")) {
                        about_profile.push_str(table);
                    }
                }
            }
        }
        profile.filter(|_| is_default_there).map(|profile| Self { profile, about_profile, providers })
    }
}

/// Where a table begins, and what it is about; `None` if that is not plain.
struct Table<'a> {
    at: usize,
    about: Option<About<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About<'a> {
    All,
    Profile(&'a str),
    Provider(&'a str),
}

/// Whether a text has this in it.
fn has(text: &str, part: &str) -> bool {
    if text.len() < LONG { text.contains(part) } else { memmem::find(text.as_bytes(), part.as_bytes()).is_some() }
}

/// Where a text has this for the first time.
fn find(text: &str, sign: u8) -> Option<usize> {
    if text.len() < LONG { text.find(char::from(sign)) } else { memchr(sign, text.as_bytes()) }
}

/// The tables of a text, by the lines that begin them. Lines inside of a list may be among them, and are not plain.
fn tables(text: &str) -> impl Iterator<Item = Table<'_>> {
    let mut end = 0;
    let lines = iter::from_fn(move || {
        let bracket = end + find(&text[end..], b'[')?;
        end = find(&text[bracket..], b'\n').map_or(text.len(), |length| bracket + length);
        Some((&text[..bracket], &text[bracket..end]))
    });
    lines.filter_map(|(ahead, line)| {
        let ahead = ahead.trim_end_matches([' ', '\t']);
        let begins = ahead.is_empty() || ahead.ends_with('\n');
        begins.then(|| Table { at: ahead.len(), about: about(line) })
    })
}

/// What the table is about that this line begins.
fn about(line: &str) -> Option<About<'_>> {
    // What there may be thousands of.
    let plainest = line.strip_prefix("[profiles.").and_then(|line| line.strip_suffix(']'));
    if let Some(name) = plainest.filter(|name| !name.is_empty() && name.bytes().all(is_bare)) {
        return Some(About::Profile(name));
    }
    let (kind, rest) = key(line.strip_prefix('[')?)?;
    let (name, mut rest) = match rest.strip_prefix('.') {
        Some(rest) => key(rest).map(|(name, rest)| (Some(name), rest))?,
        None => (None, rest),
    };
    while let Some(below) = rest.strip_prefix('.') {
        rest = key(below)?.1;
    }
    let behind = rest.strip_prefix(']')?.trim();
    match (kind, name) {
        _ if !behind.is_empty() && !behind.starts_with('#') => None,
        ("screen", _) => Some(About::All),
        ("profiles", Some(name)) => Some(About::Profile(name)),
        ("providers", Some(name)) => Some(About::Provider(name)),
        _ => None,
    }
}

/// A key, and what follows it.
fn key(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    let length = text.bytes().take_while(|byte| is_bare(*byte)).count();
    (length > 0).then(|| text.split_at(length))
}

/// Whether a key may have this without quotation marks.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests;
