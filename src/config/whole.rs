//! The whole of a text that may have thousands of profiles: each is read, checked and let go by itself, most of them line by line,
//! in a fraction of the time and of the memory that a document of them all takes.
//!
//! What is wrong is told by that document. So a text that is valid means the same either way.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::{File, ProfileEntry};
use super::heads::{About, above, tables};
use super::{Config, Profile, SecretSource, document, lines};
use crate::profile::ProfileName;

/// What `text`, which came from `file`, says, without the profiles that are not to be kept; `None` where it is not plain, or
/// anything in it is wrong.
pub(super) fn parse(text: &str, file: &Path, keeps: impl Fn(&Config, usize, &str) -> bool) -> Option<Config> {
    let mut rest = above(text)?.0.to_owned();
    let (mut profiles, mut scattered) = (Vec::new(), BTreeSet::new());
    for table in tables(text)? {
        match table.about? {
            About::Profile(name) => profiles.push((name, table.text)),
            about => {
                if let About::WithinProfile(name) = about {
                    scattered.insert(name);
                }
                take_over(&mut rest, table.text);
            }
        }
    }
    profiles.retain(|(name, table)| {
        let is_whole = !scattered.contains(name);
        if !is_whole {
            take_over(&mut rest, table);
        }
        is_whole
    });
    let mut config = document::parse::<File>(&rest).ok()?.checked_alone(file)?;
    let count = profiles.len() + config.profiles.len();
    let read = config.profiles.keys().map(ProfileName::as_str);
    let names: BTreeSet<&str> = profiles.iter().map(|(name, _)| *name).chain(read).collect();
    let is_there = |name: &ProfileName| names.contains(name.as_str());
    if names.len() < count || !config.default_profile.as_ref().is_none_or(is_there) {
        return None;
    }
    // Programs do not inherit the variables with the secrets of any profile.
    let has_variable = |profile: &Profile| matches!(profile.client_secret, SecretSource::Variable(_));
    let is_kept = |config: &Config, kept: &[Profile], profile: &Profile| {
        keeps(config, kept.len(), profile.name.as_str()) || has_variable(profile)
    };
    let mut kept = Vec::new();
    for profile in std::mem::take(&mut config.profiles).into_values() {
        if is_kept(&config, &kept, &profile) {
            kept.push(profile);
        }
    }
    for (name, table) in profiles {
        let profile = entry(name, table)?.checked(&name.parse().ok()?, &config)?;
        if is_kept(&config, &kept, &profile) {
            kept.push(profile);
        }
    }
    config.is_part = kept.len() < count;
    config.profiles = kept.into_iter().map(|profile| (profile.name.clone(), profile)).collect();
    Some(config)
}

/// The profile that a table alone is.
fn entry(name: &str, table: &str) -> Option<ProfileEntry> {
    lines::read(table).or_else(|| document::parse::<File>(table).ok()?.into_profile(name))
}

/// The last table of a text may have no end of line, and need not be the last one any more.
fn take_over(rest: &mut String, table: &str) {
    rest.push_str(table);
    rest.push('\n');
}

#[cfg(test)]
mod tests;
