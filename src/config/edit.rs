//! Adds profiles to `config.toml`, changes them and takes them out, leaving the rest of the file, comments included, as
//! it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{Array, DocumentMut, Item, Key, Table, TableLike, Value, value};
use zeroize::Zeroizing;

use super::folded::Folded;
use super::{ClientType, Config, LONGEST_FILE, NewProvider, Profile, SecretSource, form, unusable_file};
use crate::error::{Advice, Code, Error};
use crate::files::access::Holds;
use crate::files::{self, Locked};
use crate::profile::ProfileName;

/// How long a change waits for another process that changes the same file, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends a line that is to go, with the comments right above it. Taken out of the document, it would take along what the document
/// counts as its own: all comments since the value or table before, up to the first line of the file.
const TO_GO: &str = " # \u{fffc}";

/// Writes a new profile, and its provider if that is new as well. The result is checked before it replaces the file; a
/// name that is taken is an error.
pub fn add_profile(config: &Config, profile: &Profile, provider: Option<&NewProvider>) -> Result<Config, Error> {
    edit(config, &[&profile.name], |now, document| {
        // Looked for in the file as it is now: another process may have been faster.
        if let Some(known) = now.taken_by(&profile.name) {
            return Err(name_is_taken(known));
        }
        add_provider(document, now, provider)?;
        let mut table = Table::new();
        write_profile(&mut table, profile, None);
        if let Some(profiles) = table_of(document, "profiles") {
            profiles.insert(profile.name.as_str(), Item::Table(table));
        }
        Ok(())
    })
}

/// Writes what is different from the profile that `config` has, and its provider if that is new. What somebody else has
/// changed in the file since then stays.
pub fn change_profile(config: &Config, profile: &Profile, provider: Option<&NewProvider>) -> Result<Config, Error> {
    edit(config, &[&profile.name], |now, document| {
        now.profile(Some(&profile.name))?;
        let before = config.profile(Some(&profile.name))?;
        add_provider(document, now, provider)?;
        if let Some(table) = profile_table(document, &profile.name) {
            write_profile(table, profile, Some(before));
        }
        Ok(())
    })
}

/// Gives a profile another name, also where it is the default one.
pub fn rename_profile(config: &Config, old: &ProfileName, new: &ProfileName) -> Result<Config, Error> {
    edit(config, &[old, new], |now, document| {
        now.profile(Some(old))?;
        if let Some(known) = now.taken_by(new).filter(|known| *known != old) {
            return Err(name_is_taken(known));
        }
        let profiles = document.get_mut("profiles");
        match profiles {
            // These two keep the line of comments above the name.
            Some(Item::Table(profiles)) => {
                if let Some((key, item)) = profiles.remove_entry(old.as_str()) {
                    profiles.insert_formatted(&renamed(&key, new), item);
                }
            }
            Some(Item::Value(Value::InlineTable(profiles))) => {
                if let Some((key, item)) = profiles.remove_entry(old.as_str()) {
                    profiles.insert_formatted(&renamed(&key, new), item);
                }
            }
            _ => {}
        }
        if document.get("default_profile").and_then(Item::as_str) == Some(old.as_str()) {
            put(document.as_table_mut(), "default_profile", new.as_str().into());
        }
        Ok(())
    })
}

/// Names the profile that is meant where none is named.
pub fn set_default_profile(config: &Config, name: &ProfileName) -> Result<Config, Error> {
    edit(config, &[name], |now, document| {
        now.profile(Some(name))?;
        let mut default = Value::from(name.as_str());
        if !document.iter().any(|(_, item)| item.is_value()) {
            // An empty line parts it from the tables.
            default.decor_mut().set_suffix("\n");
        }
        put(document.as_table_mut(), "default_profile", default);
        Ok(())
    })
}

/// Takes a profile out, and its name out of `default_profile`.
pub fn remove_profile(config: &Config, name: &ProfileName) -> Result<Config, Error> {
    edit(config, &[name], |_, document| {
        if let Some(profiles) = document.get_mut("profiles").and_then(Item::as_table_like_mut) {
            match profiles.get_mut(name.as_str()) {
                Some(Item::Table(profile)) if !profile.is_dotted() => {
                    profile.clear();
                    profile.decor_mut().set_suffix(TO_GO);
                }
                _ => drop(profiles.remove(name.as_str())),
            }
        }
        if let Some(Item::Value(default)) = document.get_mut("default_profile")
            && default.as_str() == Some(name.as_str())
        {
            default.decor_mut().set_suffix(TO_GO);
        }
        Ok(())
    })
}

/// Writes the scopes of a profile, in place of those that it had.
pub fn set_scopes(config: &Config, name: &ProfileName, scopes: &[String]) -> Result<Config, Error> {
    change_scopes(config, name, |written| *written = scopes.to_vec())
}

/// Adds scopes to those that a profile has in the file by now.
pub fn add_scopes(config: &Config, name: &ProfileName, scopes: &[String]) -> Result<Config, Error> {
    change_scopes(config, name, |written| {
        for scope in scopes {
            if !written.iter().any(|known| known.eq_ignore_ascii_case(scope)) {
                written.push(scope.clone());
            }
        }
    })
}

/// Takes scopes away from those that a profile has in the file by now.
pub fn take_back_scopes(config: &Config, name: &ProfileName, scopes: &[String]) -> Result<Config, Error> {
    change_scopes(config, name, |written| {
        written.retain(|known| !scopes.iter().any(|scope| scope.eq_ignore_ascii_case(known)));
    })
}

fn change_scopes(config: &Config, name: &ProfileName, change: impl FnOnce(&mut Vec<String>)) -> Result<Config, Error> {
    edit(config, &[name], |now, document| {
        let mut scopes = now.profile(Some(name))?.scopes.clone();
        change(&mut scopes);
        if let Some(profile) = profile_table(document, name) {
            put(profile, "scopes", scopes.iter().collect::<Array>().into());
        }
        Ok(())
    })
}

/// The text of a new provider alone, as the file would have it.
pub(super) fn provider_text(provider: &NewProvider) -> String {
    let mut document = DocumentMut::new();
    if let Some(providers) = table_of(&mut document, "providers") {
        providers.insert(&provider.name, Item::Table(provider_table(provider)));
    }
    document.to_string()
}

fn name_is_taken(name: &ProfileName) -> Error {
    let message = format!("there is already a profile `{name}`");
    Error::new(Code::Config, message).advise_all(Advice::for_taken(name))
}

fn add_provider(document: &mut DocumentMut, now: &Config, provider: Option<&NewProvider>) -> Result<(), Error> {
    let Some(provider) = provider else { return Ok(()) };
    if now.providers.contains_key(&provider.name) {
        let message = format!("there is already a provider `{}`", provider.name);
        return Err(Error::new(Code::Config, message).advise("open the form again: that provider is in its list now"));
    }
    if let Some(providers) = table_of(document, "providers") {
        providers.insert(&provider.name, Item::Table(provider_table(provider)));
    }
    Ok(())
}

fn provider_table(provider: &NewProvider) -> Table {
    let mut table = Table::new();
    table.insert("kind", value(provider.kind));
    for (key, text) in &provider.values {
        table.insert(key, value(text));
    }
    table
}

/// Writes the keys of a profile; of one that is there already, only those that are to be different.
fn write_profile(table: &mut dyn TableLike, profile: &Profile, before: Option<&Profile>) {
    let is_changed = |differs: fn(&Profile, &Profile) -> bool| before.is_none_or(|before| differs(before, profile));
    let mut set = |key: &str, text: Option<String>| match text {
        Some(text) => put(table, key, text.into()),
        None => drop(table.remove(key)),
    };
    if is_changed(|before, after| before.provider != after.provider) {
        set("provider", Some(profile.provider.clone()));
    }
    if is_changed(|before, after| before.data_center != after.data_center) {
        set("data_center", profile.data_center.clone());
    }
    if is_changed(|before, after| before.client_id != after.client_id) {
        set("client_id", Some(profile.client_id.clone()));
    }
    if is_changed(|before, after| before.client_type != after.client_type) {
        let is_default = profile.client_type == ClientType::default();
        set("client_type", (!is_default).then(|| profile.client_type.word().to_owned()));
    }
    if is_changed(|before, after| before.redirect_uri != after.redirect_uri) {
        set("redirect_uri", profile.redirect_uri.as_ref().map(ToString::to_string));
    }
    if is_changed(|before, after| before.client_secret != after.client_secret) {
        let (file, variable) = match &profile.client_secret {
            SecretSource::Store => (None, None),
            SecretSource::File(path) => (Some(path.display().to_string()), None),
            SecretSource::Variable(name) => (None, Some(name.clone())),
        };
        set("client_secret_file", file);
        set("client_secret_env", variable);
    }
    for (key, is_empty) in [
        ("client_secret_files", profile.client_secret_files.is_empty()),
        ("allowed_origins", profile.allowed_origins.is_empty()),
        ("git_hosts", profile.git_hosts.is_empty()),
    ] {
        if is_empty {
            set(key, None);
        }
    }
    if is_changed(|before, after| before.scopes != after.scopes) {
        put(table, "scopes", profile.scopes.iter().collect::<Array>().into());
    }
}

/// Sets a key; the comment behind the value that it had stays.
fn put(table: &mut dyn TableLike, key: &str, mut new: Value) {
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        _ => drop(table.insert(key, Item::Value(new))),
    }
}

fn renamed(key: &Key, new: &ProfileName) -> Key {
    Key::new(new.as_str()).with_leaf_decor(key.leaf_decor().clone()).with_dotted_decor(key.dotted_decor().clone())
}

fn profile_table<'a>(document: &'a mut DocumentMut, name: &ProfileName) -> Option<&'a mut dyn TableLike> {
    let profiles = document.get_mut("profiles").and_then(Item::as_table_like_mut);
    profiles.and_then(|profiles| profiles.get_mut(name.as_str())).and_then(Item::as_table_like_mut)
}

/// The table with this name, made where there is none.
fn table_of<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut dyn TableLike> {
    document.entry(name).or_insert_with(implicit_table).as_table_like_mut()
}

fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// Changes what the file has of the profiles that are `named`, and what is about all. Gives the configuration that comes of it;
/// a part, as the one before, has the named ones alone.
fn edit(
    before: &Config,
    named: &[&ProfileName],
    change: impl FnOnce(&Config, &mut DocumentMut) -> Result<(), Error>,
) -> Result<Config, Error> {
    let path = &before.file;
    let is_named = |_: &Config, _, name: &str| named.iter().any(|named| named.is_alike(name));
    let failed = |error: std::io::Error| not_written(path, &error);
    let target = followed(path);
    let directory = files::directory_of(&target);
    if path.is_symlink() && directory.try_exists().is_ok_and(|is_there| !is_there) {
        // Where it is to be mounted or brought back, a new one would stand in the way.
        return Err(Error::new(Code::Config, format!("{} cannot be written", path.display()))
            .because(format!("it is a link to {}, and that directory is not there", target.display()))
            .advise("bring the directory back, or remove the link"));
    }
    if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::new(Code::Config, format!("{} cannot be written", path.display()))
            .because("it is not a regular file")
            .advise("name another file"));
    }
    files::create_private_directories(directory).map_err(failed)?;
    let only_writer = wait_for_other_writers(&target)?;
    let text = match files::read_own_text(&target, Holds::Settings, LONGEST_FILE) {
        Ok((text, _)) => text,
        // One that was there a moment ago is away for now: a new one would have nothing of it.
        Err(trouble) if trouble.is_absence() && before.is_empty() => Zeroizing::default(),
        Err(trouble) => return Err(unusable_file(format!("{} cannot be changed", path.display()), &target, &trouble)),
    };
    // What comes of it is checked whole.
    let now = Config::parse_without_default(&text, path, is_named)?;
    let bare = form::without_mark(&text);
    let (head, rest) = bare.split_at(length_of_head(bare));
    let folded = Folded::of(rest, named);
    let mut document: DocumentMut = folded.text.parse().map_err(|error: toml_edit::TomlError| {
        Error::new(Code::Config, format!("{} is not valid", path.display()))
            .because(error.message())
            .advise("mend the file; `docs/configuration.md` lists every key")
    })?;
    let changed = changed(&mut document, |document| change(&now, document))?;
    // An empty line parts a head that is all of the file from what comes below it.
    let end_of_head = match head.lines().last() {
        Some(line) if rest.is_empty() && is_comment(line) => {
            if head.ends_with('\n') {
                "\n"
            } else {
                "\n\n"
            }
        }
        _ => "",
    };
    let text = form::kept(&text, &[head, end_of_head, &folded.unfolded(&changed)].concat());
    let keeps = |config: &Config, kept, name: &str| !before.is_part || is_named(config, kept, name);
    let config = Config::parse_keeping(&text, path, keeps).map_err(|error| {
        // The file is whole: what was to be written into it is not.
        let message = format!("the change cannot be written to {}", path.display());
        Error { message, ..error }.advise_only("the file stays as it was; mend what was given")
    })?;
    if only_writer.is_some() {
        files::remove_left_behind(&target);
    }
    files::replace(&target, text.as_bytes()).map_err(failed)?;
    Ok(config)
}

/// The text of the document with the change. What is added at its end stands below the comments there, which are about what is there.
fn changed(
    document: &mut DocumentMut,
    change: impl FnOnce(&mut DocumentMut) -> Result<(), Error>,
) -> Result<String, Error> {
    let tail = document.trailing().as_str().unwrap_or_default().to_owned();
    document.set_trailing("");
    let before = document.to_string();
    change(document)?;
    let after = document.to_string();
    Ok(match after.strip_prefix(&before) {
        Some(added) if tail.contains('#') && added.trim_start().starts_with('[') => {
            [&before, tail.trim_end(), "\n", added].concat()
        }
        _ => without_lines_to_go(after + &tail),
    })
}

/// How long the comments are at the beginning of a text that are about all of it: those up to an empty line, and a line for editors
/// that is the first one. What stands right above something is about that.
fn length_of_head(text: &str) -> usize {
    let mut at = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if !is_empty(line) && !is_comment(line) {
            return end;
        }
        let is_for_editors = at == 0 && line.starts_with("#:");
        at += line.len();
        if is_for_editors || is_empty(line) {
            end = at;
        }
    }
    at
}

/// Takes out the lines that are to go, the comments right above them, and one of two empty lines that come together so.
fn without_lines_to_go(text: String) -> String {
    if !text.contains(TO_GO) {
        return text;
    }
    let mut lines: Vec<&str> = Vec::new();
    let mut is_below = false;
    for line in text.split_inclusive('\n') {
        if line.trim_end().ends_with(TO_GO) {
            while lines.pop_if(|above| is_comment(above)).is_some() {}
            is_below = true;
        } else if !(is_below && is_empty(line) && lines.last().is_none_or(|above| is_empty(above))) {
            is_below = false;
            lines.push(line);
        }
    }
    while is_below && lines.pop_if(|above| is_empty(above)).is_some() {}
    lines.concat()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn is_empty(line: &str) -> bool {
    line.trim().is_empty()
}

/// A disk that is full is no fault of the configuration, and passes.
fn not_written(path: &Path, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;

    let is_refused = matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
    );
    let code = if is_refused { Code::Config } else { Code::Store };
    Error::new(code, format!("{} cannot be written", path.display()))
        .because(error)
        .advise(files::advice_on(path, error))
}

/// Where a link leads, so that a file kept elsewhere stays there, also one that is not there yet.
fn followed(path: &Path) -> PathBuf {
    if let Ok(target) = fs::canonicalize(path) {
        return target;
    }
    match (fs::read_link(path), path.parent()) {
        (Ok(target), Some(directory)) => directory.join(target),
        _ => path.to_owned(),
    }
}

/// Holds off other processes that are about to change this file, until the lock is dropped. Where a file system has no
/// locks, or no lock can be made, it goes on without.
fn wait_for_other_writers(target: &Path) -> Result<Option<Locked>, Error> {
    let mut lock = target.as_os_str().to_owned();
    lock.push(".lock");
    let file = match files::open_lock(Path::new(&lock)) {
        Ok(file) => file,
        // That there is none for now tells nothing of the file system.
        Err(error) if files::is_out_of_descriptors(&error) => return Err(not_written(target, &error)),
        Err(_) => return Ok(None),
    };
    match Locked::after(PATIENCE, file) {
        Ok(locked) => Ok(Some(locked)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err(Error::new(Code::StoreLocked, format!("{} cannot be changed", target.display()))
                .because(format!("another process has been about to change it for {} s", PATIENCE.as_secs()))
                .advise("try again when that is done"))
        }
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
