//! What one profile needs of a configuration that may have thousands: what is about all of them, its own table, and that of
//! its provider.
//!
//! A text that is not plain, or does not fit, is left to the whole reading. So a text that is valid means the same either way,
//! and a mistake in another profile stops no script.

use std::path::Path;

use super::file::File;
use super::heads::{About, Table, above, has, tables};
use super::{Config, document, form};
use crate::profile::ProfileName;

/// What `text`, which came from `file`, says for the profile with this name, or for the one that is meant where none is named;
/// `None` where that takes the whole text.
pub(super) fn parse(text: &str, name: Option<&ProfileName>, file: &Path) -> Option<Config> {
    let text = form::without_mark(text);
    let (above, keys) = above(text)?;
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
        for Table { text: table, about } in tables(text) {
            match about? {
                About::All => about_profile.push_str(table),
                About::Provider(name) => providers.push((name, table)),
                About::Profile(name) | About::WithinProfile(name) => {
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

#[cfg(test)]
mod tests;
