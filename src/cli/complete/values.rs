//! The values that an argument may have, by its type and by the name that the help gives its value.

use std::any::TypeId;
use std::path::{Path, PathBuf};

use clap::{Arg, ValueHint};

use super::{Candidate, Line, about};
use crate::cli::commands;
use crate::cli::context::variable;
use crate::config::{ClientType, Config, Environment, LONGEST_FILE, Places, Profile};
use crate::files;
use crate::files::access::Holds;
use crate::profile::ProfileName;
use crate::providers::catalog::{PRODUCTS, scope_in_words};
use crate::providers::zoho;
use crate::storage::KeyKind;

/// What may stand behind `before`, which is the beginning of the same word; `typed` is there already.
pub(super) fn values(line: &Line, argument: &Arg, before: &str, typed: &str) -> Vec<Candidate> {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return shown.map(|value| word(before, value.get_name(), &about(value.get_help()))).collect();
    }
    match argument.get_value_hint() {
        ValueHint::Other => return Vec::new(),
        ValueHint::DirPath => return vec![Candidate::Directories(before.to_owned())],
        ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => {
            return vec![Candidate::Files(before.to_owned())];
        }
        ValueHint::CommandName | ValueHint::CommandWithArguments if line.placed.is_empty() => {
            return vec![Candidate::Commands(before.to_owned())];
        }
        ValueHint::CommandName | ValueHint::CommandWithArguments => return vec![Candidate::Files(before.to_owned())],
        _ => {}
    }
    if argument.get_value_parser().type_id() == TypeId::of::<ProfileName>() {
        return profiles(line).iter().map(|(name, about)| word(before, name, about)).collect();
    }
    let name = argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    by_name(line, name, before, typed).unwrap_or_default()
}

/// The values that go by a name in the help; `None` where that is any text.
pub(super) fn by_name(line: &Line, name: &str, before: &str, typed: &str) -> Option<Vec<Candidate>> {
    let words = |words: &[&str]| words.iter().map(|known| word(before, known, "")).collect();
    Some(match name {
        "PRODUCT" => PRODUCTS.iter().map(|product| word(before, product.key, product.name)).collect(),
        "CODE" => data_centers(line).iter().map(|(code, place)| word(before, code, place)).collect(),
        "PROVIDER" => providers(line).iter().map(|(name, label)| word(before, name, label)).collect(),
        "A,B" => scopes(before, typed),
        "TYPE" => words(&ClientType::ALL.map(ClientType::word)),
        "SOURCE" => words(&KeyKind::ALL.map(KeyKind::word)),
        "STORE" | "TO" => words(&["file:", "plain:", "memory:", "postgres://"]),
        // By git; nobody types them but to try.
        "get|store|erase" => words(&["get", "store", "erase"]),
        "[METHOD] PATH" if line.placed.is_empty() => words(&["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        "PROFILE=PATH[,mode=MODE][,group=GROUP]" => token_files(line, before, typed),
        "COMMAND" => named_commands(line, before),
        "FILE" | "PATH" | "OUT.png|OUT.svg" => vec![Candidate::Files(before.to_owned())],
        "DIR" => vec![Candidate::Directories(before.to_owned())],
        _ => return None,
    })
}

fn word(before: &str, word: &str, about: &str) -> Candidate {
    Candidate::word(format!("{before}{word}"), about)
}

/// The configuration that the line names, where it can be used.
fn config(line: &Line) -> Result<Config, PathBuf> {
    let places = Places::from_environment(Environment(&variable), line.value("config").map(Into::into));
    let file = places.map(|places| places.config_file).unwrap_or_default();
    Config::load(&file).map_err(|_| file)
}

/// The configured profiles and what is behind each. Of a configuration that is not valid, the names are read all the same.
fn profiles(line: &Line) -> Vec<(String, String)> {
    let config = match config(line) {
        Ok(config) => config,
        Err(file) => return headings(&file),
    };
    let about = |profile: &Profile| {
        let place = profile.data_center.as_ref().map_or_else(String::new, |code| format!(" {}", code.to_uppercase()));
        format!("{}{place}", profile.provider)
    };
    config.profiles.values().map(|profile| (profile.name.to_string(), about(profile))).collect()
}

/// The names in headings such as `[profiles.work]`.
fn headings(file: &Path) -> Vec<(String, String)> {
    let Ok((text, _)) = files::read_own_text(file, Holds::Settings, LONGEST_FILE) else { return Vec::new() };
    let names = text.lines().filter_map(|line| {
        let heading = line.trim().strip_prefix("[profiles.")?;
        let name = heading.split([']', '.']).next()?.trim_matches(['"', '\'']);
        name.parse::<ProfileName>().ok().map(|name| (name.to_string(), String::new()))
    });
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names
}

fn providers(line: &Line) -> Vec<(String, String)> {
    let providers = config(line).unwrap_or_default().providers;
    providers.iter().map(|(name, source)| (name.clone(), source.label(name).to_owned())).collect()
}

/// Those of the provider that the line names, or its profile has; else Zoho's.
fn data_centers(line: &Line) -> Vec<(String, &'static str)> {
    let config = config(line).unwrap_or_default();
    let profile = || {
        let name = line.placed_as(TypeId::of::<ProfileName>()).or_else(|| line.value("profile"))?.parse().ok()?;
        config.profiles.get::<ProfileName>(&name).map(|profile| profile.provider.as_str())
    };
    let named = line.value("provider").or_else(profile).unwrap_or("zoho");
    let provider = config.provider_called(named).ok().and_then(|(_, source)| source.known());
    let data_centers = provider.into_iter().flat_map(|provider| provider.data_centers);
    let data_centers = data_centers.filter(|known| !known.code.is_empty());
    data_centers.map(|known| (known.code.clone(), zoho::place(&known.code).unwrap_or_default())).collect()
}

/// The scopes of the catalogue behind those that stand in the list already.
fn scopes(before: &str, typed: &str) -> Vec<Candidate> {
    let listed = typed.rfind(',').map_or("", |comma| &typed[..=comma]);
    let is_listed = |scope: &str| listed.split(',').any(|listed| listed == scope);
    let scopes = PRODUCTS.iter().flat_map(|product| product.scopes).filter(|scope| !is_listed(scope));
    scopes.map(|scope| word(before, &format!("{listed}{scope}"), &scope_in_words(scope))).collect()
}

/// A profile and `=`; behind that, files.
fn token_files(line: &Line, before: &str, typed: &str) -> Vec<Candidate> {
    match typed.split_once('=') {
        Some((profile, _)) => vec![Candidate::Files(format!("{before}{profile}="))],
        None => profiles(line).iter().map(|(name, about)| word(before, &format!("{name}="), about)).collect(),
    }
}

/// What `help` and `man` take: a command, or one below it.
fn named_commands(line: &Line, before: &str) -> Vec<Candidate> {
    let definition = commands::definition();
    let named = line.placed.iter().try_fold(&definition, |command, name| command.find_subcommand(name));
    let below = named.into_iter().flat_map(clap::Command::get_subcommands).filter(|command| !command.is_hide_set());
    below.map(|command| word(before, command.get_name(), &about(command.get_about()))).collect()
}
