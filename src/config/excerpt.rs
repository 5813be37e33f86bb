//! What one profile needs of a configuration that may have thousands: what is about all of them, its own table, and that of
//! its provider.
//!
//! A text that is not plain, or does not fit, is left to the whole reading. So a text that is valid means the same either way,
//! and a mistake in another profile stops no script.

use std::io::Read;
use std::path::Path;
use std::str;

use super::file::File;
use super::heads::{About, Table, above, has, tables};
use super::{Config, LONGEST_FILE, document, form};
use crate::files::access::{Holds, Judged};
use crate::profile::ProfileName;

/// Bytes of a long text that are in memory at a time, which is no place for all of it. No plain table is longer.
const WINDOW: usize = 64 * 1024;

/// What a file says for the profile with this name, or for the one that is meant where none is named; `None` where that takes
/// the whole text.
pub(super) fn read(file: &Path, name: Option<&ProfileName>) -> Option<Config> {
    let (opened, judged) = Judged::default().open(file, Holds::Settings).ok()?;
    let length = u32::try_from(opened.metadata.len()).ok().filter(|length| *length <= LONGEST_FILE)?;
    let config = parse(&opened.file, length as usize, WINDOW, name, file)?;
    Some(Config { judged, ..config })
}

/// The same of a text of so many bytes, seen through a window that goes from table to table.
fn parse(mut text: impl Read, length: usize, window: usize, name: Option<&ProfileName>, file: &Path) -> Option<Config> {
    let mut seen = vec![0; length.min(window)];
    let (mut left, mut kept, mut excerpt) = (length, 0, Excerpt::new(name.map(ProfileName::as_str)));
    while left > 0 {
        let end = kept + left.min(seen.len() - kept);
        text.read_exact(&mut seen[kept..end]).ok()?;
        let is_first = left == length;
        left -= end - kept;
        // The last table may go on behind the window.
        let whole = if left == 0 { end } else { seen[..end].windows(2).rposition(|signs| signs == b"\n[")? + 1 };
        let tables = str::from_utf8(&seen[..whole]).ok()?;
        if is_first { excerpt.begin(tables) } else { excerpt.take_in(tables) }?;
        seen.copy_within(whole..end, 0);
        kept = end - whole;
    }
    excerpt.read(file)
}

/// The parts of a text that one profile needs.
#[derive(Default)]
struct Excerpt<'a> {
    named: Option<&'a str>,
    default: Option<String>,
    is_default_there: bool,
    /// The one that is meant, once it was seen.
    profile: Option<String>,
    about_profile: String,
    /// The tables of all providers by their names, since which one is needed is not read yet.
    providers: Vec<(String, String)>,
}

impl<'a> Excerpt<'a> {
    fn new(named: Option<&'a str>) -> Self {
        Self { named, ..Self::default() }
    }

    /// Takes what is above all tables, and the first ones. `None`, here as below, where the parts are not all there is to be
    /// read: a profile is not there, or which one is meant is not clear.
    fn begin(&mut self, text: &str) -> Option<()> {
        let text = form::without_mark(text);
        let (above, keys) = above(text)?;
        let default = keys.get("default_profile").and_then(|name| name.get_ref().as_str());
        (self.is_default_there, self.default) = (default.is_none(), default.map(str::to_owned));
        self.about_profile.push_str(above);
        self.take_in(text)
    }

    /// Takes of some tables what is needed.
    fn take_in(&mut self, text: &str) -> Option<()> {
        // Programs do not inherit the variables with the secrets of any profile.
        let has_variables = has(text, "client_secret_env");
        for Table { text: table, about } in tables(text)? {
            match about? {
                About::All => self.about_profile.push_str(table),
                About::Provider(name) => self.providers.push((name.to_owned(), table.to_owned())),
                About::Profile(name) | About::WithinProfile(name) => {
                    let default = self.default.as_deref();
                    self.is_default_there |= default == Some(name);
                    let wanted = self.named.or(default);
                    let is_meant = name == wanted.or(self.profile.as_deref()).unwrap_or(name);
                    if !is_meant && wanted.is_none() {
                        return None;
                    }
                    if is_meant || (has_variables && has(table, "client_secret_env")) {
                        self.about_profile.push_str(table);
                    }
                    if is_meant {
                        self.profile = Some(name.to_owned());
                    }
                }
            }
        }
        Some(())
    }

    fn read(self, file: &Path) -> Option<Config> {
        let profile = &self.profile.filter(|_| self.named.is_some() || self.is_default_there)?;
        let mut read: File = document::parse(&self.about_profile).ok()?;
        let provider = read.provider_of(profile)?;
        let providers = self.providers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(provider));
        let providers: String = providers.map(|(_, table)| table.as_str()).collect();
        read.take_in(document::parse(&providers).ok()?);
        let config = read.checked_alone(file)?;
        // What else there is in place of a provider that is not known is told by the whole text.
        let is_known = config
            .profiles
            .values()
            .any(|known| known.name.as_str() == profile && config.providers.contains_key(&known.provider));
        is_known.then_some(Config { is_part: true, ..config })
    }
}

#[cfg(test)]
mod tests;
