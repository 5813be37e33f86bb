//! Adds profiles to `config.toml` and takes them out, leaving the rest of the file, comments included, as it is.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, value};
use zeroize::Zeroizing;

use super::{ClientType, Config, LONGEST_FILE, Profile, SecretSource};
use crate::error::{Code, Error};
use crate::files;
use crate::profile::ProfileName;

/// Writes a new profile. The result is checked before it replaces the file; a name that is taken is an error.
pub fn add_profile(config: &Config, profile: &Profile) -> Result<Config, Error> {
    edit(&config.file, |now, document| {
        // Looked for in the file as it is now: another process may have been faster.
        if now.profiles.contains_key(&profile.name) {
            let message = format!("there is already a profile `{}`", profile.name);
            let hint = format!("`device-login profile remove {}` makes room, or choose another name", profile.name);
            return Err(Error::new(Code::Config, message).hint(hint));
        }
        let profiles = document.entry("profiles").or_insert_with(implicit_table);
        if let Some(profiles) = profiles.as_table_like_mut() {
            profiles.insert(profile.name.as_str(), Item::Table(profile_table(profile)));
        }
        Ok(())
    })
}

/// Takes a profile out, and its name out of `default_profile`.
pub fn remove_profile(config: &Config, name: &ProfileName) -> Result<Config, Error> {
    edit(&config.file, |_, document| {
        if let Some(profiles) = document.get_mut("profiles").and_then(Item::as_table_like_mut) {
            profiles.remove(name.as_str());
        }
        if document.get("default_profile").and_then(Item::as_str) == Some(name.as_str()) {
            document.remove("default_profile");
        }
        Ok(())
    })
}

fn profile_table(profile: &Profile) -> Table {
    let mut table = Table::new();
    table.insert("provider", value(&profile.provider));
    if let Some(data_center) = &profile.data_center {
        table.insert("data_center", value(data_center));
    }
    table.insert("client_id", value(&profile.client_id));
    if profile.client_type != ClientType::default() {
        table.insert("client_type", value(profile.client_type.word()));
    }
    if let Some(redirect_uri) = &profile.redirect_uri {
        table.insert("redirect_uri", value(redirect_uri.as_str()));
    }
    match &profile.client_secret {
        SecretSource::Store => {}
        SecretSource::File(path) => drop(table.insert("client_secret_file", value(path.display().to_string()))),
        SecretSource::Variable(name) => drop(table.insert("client_secret_env", value(name))),
    }
    table.insert("scopes", value(profile.scopes.iter().collect::<Array>()));
    table
}

fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

fn edit(path: &Path, change: impl FnOnce(&Config, &mut DocumentMut) -> Result<(), Error>) -> Result<Config, Error> {
    let failed = |error: std::io::Error| {
        Error::new(Code::Config, format!("{} cannot be written", path.display())).because(error)
    };
    // A link is followed, so that a file kept elsewhere stays there.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_private_directory(directory).map_err(failed)?;
    let _only_writer = wait_for_other_writers(directory);
    let text = match files::read_text(&target, LONGEST_FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) => return Err(failed(error)),
    };
    let now = Config::parse(&text, path)?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Error::new(Code::Config, format!("{} is not valid", path.display())).because(error.message())
    })?;
    change(&now, &mut document)?;
    let text = document.to_string();
    let config = Config::parse(&text, path)?;
    replace(&target, text.as_bytes()).map_err(failed)?;
    Ok(config)
}

/// Holds off other processes that are about to change a file in `directory`, until the lock is dropped. Where a
/// file system has no locks it goes on without.
#[cfg(unix)]
fn wait_for_other_writers(directory: &Path) -> Option<File> {
    File::open(directory).and_then(|directory| directory.lock().map(|()| directory)).ok()
}

#[cfg(not(unix))]
fn wait_for_other_writers(_directory: &Path) -> Option<File> {
    None
}

/// Replaces a file whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn create_private_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
