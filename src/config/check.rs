//! What is wrong with a configuration, and what is odd about it: everything that can be told, with its place.
//!
//! A text that cannot be taken is read again without the part that is wrong, until the rest can be. So a mistake hides no other
//! one, unless it is in the same place.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::file::{self, File, Problem};
use super::{Config, ProviderSource, SecretSource, exposure, form};
use crate::files::access::{self, Holds};
use crate::providers::catalog;

/// Mistakes that are told at most.
const MOST: usize = 100;

/// Something that a person should know, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
}

/// What came of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Why it cannot be used.
    pub mistakes: Vec<Remark>,
    /// What may be meant otherwise.
    pub warnings: Vec<Remark>,
    /// What it says beside the mistakes, where it says anything.
    pub config: Option<Config>,
}

/// Reads `text`, which came from `file`, and looks at the files that it names.
pub fn check(text: &str, file: &Path) -> Checked {
    let text = form::without_mark(text);
    let (mut document, unreadable) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Remark> = unreadable
        .iter()
        .map(|error| remark(text, error.span().map_or(0, |span| span.start), file::said(text, error)))
        .collect();
    let parsed = if mistakes.is_empty() { without_mistakes(text, &mut document, &mut mistakes) } else { None };
    let mut checked = Checked { mistakes, ..Checked::default() };
    // A profile may name a provider that has mistakes of its own.
    let (named, _) = DeTable::parse_recoverable(text);
    let providers = named.get_ref().iter().find(|(key, _)| key.get_ref() == "providers");
    let providers = providers.and_then(|(_, providers)| providers.get_ref().as_table());
    let is_there = |name: &str| providers.is_some_and(|known| known.keys().any(|key| key.get_ref() == name));
    if let Some(parsed) = parsed {
        let place = |problem: &Problem| remark(text, place_of(document.get_ref(), problem), problem.to_string());
        let (config, problems) = parsed.checked(file);
        let has_whole = checked.mistakes.is_empty();
        // What names a profile that was left out is no mistake of its own.
        let is_own = |problem: &&Problem| has_whole || problem.table.is_some();
        checked.mistakes.extend(problems.iter().filter(is_own).map(place));
        checked.mistakes.extend(unusable(&config, is_there).iter().map(place));
        checked.warnings.extend(odd(&config).iter().map(place));
        checked.config = Some(config);
    }
    for remarks in [&mut checked.mistakes, &mut checked.warnings] {
        remarks.sort_by_key(|remark| (remark.line, remark.column));
        remarks.dedup();
        remarks.truncate(MOST);
    }
    checked
}

/// Takes out what is not of the shape that is wanted, one after another, and tells of each.
fn without_mistakes(text: &str, document: &mut Spanned<DeTable<'_>>, mistakes: &mut Vec<Remark>) -> Option<File> {
    let mut taken_out: Vec<Vec<String>> = Vec::new();
    for _ in 0..MOST {
        let error = match File::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let start = error.span().map_or(0, |span| span.start);
        let path = path_to(document.get_ref(), start);
        let missing = error.message().strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        // It is missing since it was taken out.
        let is_told = missing.is_some_and(|key| {
            taken_out.iter().any(|out| out.split_last().is_some_and(|(last, table)| last == key && table == path))
        });
        if !is_told {
            mistakes.push(remark(text, start, file::said(text, &error)));
        }
        if !take_out(document.get_mut(), &path) {
            return None;
        }
        taken_out.push(path);
    }
    None
}

/// The names that lead to the innermost value at this place of the text.
fn path_to(table: &DeTable<'_>, at: usize) -> Vec<String> {
    let is_at = |span: std::ops::Range<usize>| span.contains(&at);
    let mut best: Option<(usize, Vec<String>)> = None;
    for (key, value) in table {
        let inner = match value.get_ref() {
            DeValue::Table(inner) => path_to(inner, at),
            _ => Vec::new(),
        };
        if inner.is_empty() && !is_at(key.span()) && !is_at(value.span()) {
            continue;
        }
        let length = if is_at(key.span()) { key.span().len() } else { value.span().len() };
        let path: Vec<String> = std::iter::once(key.get_ref().to_string()).chain(inner).collect();
        if best.as_ref().is_none_or(|(shortest, known)| (path.len(), *shortest) > (known.len(), length)) {
            best = Some((length, path));
        }
    }
    best.map(|(_, path)| path).unwrap_or_default()
}

fn take_out(table: &mut DeTable<'_>, path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return table.remove(name.as_str()).is_some();
    }
    let inner = table.iter_mut().find(|(key, _)| key.get_ref() == name.as_str());
    match inner.map(|(_, value)| value.get_mut()) {
        Some(DeValue::Table(inner)) => take_out(inner, rest),
        _ => false,
    }
}

/// Where a problem is: at the key that it names first, or else at its table.
fn place_of(document: &DeTable<'_>, problem: &Problem) -> usize {
    let table = problem.table.iter().flat_map(|(kind, name)| [*kind, name.as_str()]);
    let key = problem.what.split('`').nth(1).unwrap_or_default();
    let mut place = 0;
    let mut table_now = Some(document);
    for name in table.chain(key.split('.')) {
        let Some((key, value)) = table_now.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == name)) else {
            break;
        };
        place = key.span().start;
        table_now = match value.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => None,
        };
    }
    place
}

/// Something that is wrong with what stands below this key at the top.
pub fn remark_on(text: &str, key: &str, message: String) -> Remark {
    let problem = Problem { table: None, what: format!("`{key}`") };
    let (document, _) = DeTable::parse_recoverable(text);
    remark(text, place_of(document.get_ref(), &problem), message)
}

fn remark(text: &str, at: usize, message: String) -> Remark {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Remark { line, column, message }
}

/// What no command could use, although each part of it is sound.
fn unusable(config: &Config, is_there: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, profile) in &config.profiles {
        let mut problem = |what: String| problems.push(Problem::of("profiles", name.as_str(), what));
        let Ok(source) = config.provider(profile) else {
            if is_there(&profile.provider) {
                continue;
            }
            let known = config.provider_called(&profile.provider).err().unwrap_or_default();
            problem(format!("`provider` is \"{}\", which is not known: {known}", profile.provider));
            continue;
        };
        let Some((code, provider)) = profile.data_center.as_deref().zip(source.known()) else { continue };
        if provider.data_center(code).is_none() {
            let codes: Vec<&str> = provider.data_centers.iter().map(|known| known.code.as_str()).collect();
            let known = match codes.join(", ") {
                none if none.is_empty() => "it has none".to_owned(),
                known => format!("it has {known}"),
            };
            problem(format!("`data_center` is \"{code}\", which {} does not have: {known}", provider.name));
        }
    }
    problems
}

/// What may be meant otherwise.
fn odd(config: &Config) -> Vec<Problem> {
    let built_in = super::built_in_providers();
    let own = config.providers.keys().filter(|name| !built_in.contains_key(*name));
    let unused = own.filter(|name| config.profiles.values().all(|profile| profile.provider != **name));
    let mut odd: Vec<Problem> =
        unused.map(|name| Problem::of("providers", name, "no profile uses it".to_owned())).collect();
    for (name, profile) in &config.profiles {
        let mut warn = |what: String| odd.push(Problem::of("profiles", name.as_str(), what));
        let has_products = |source: &ProviderSource| !source.dialect().products.is_empty();
        if config.provider(profile).is_ok_and(has_products) {
            let advice = profile.scopes.iter().filter_map(|scope| catalog::advice(scope));
            advice.for_each(|advice| warn(format!("`scopes`: {advice}")));
        }
        let own = match &profile.client_secret {
            SecretSource::File(path) => Some(("client_secret_file".to_owned(), path)),
            SecretSource::Store | SecretSource::Variable(_) => None,
        };
        let others = profile.client_secret_files.iter();
        let others = others.map(|(code, path)| (format!("client_secret_files.{code}"), path));
        own.into_iter().chain(others).filter_map(|(key, path)| secret_file(&key, path)).for_each(&mut warn);
    }
    odd.extend(
        config
            .store
            .url_file
            .iter()
            .filter_map(|path| Some(Problem { table: None, what: secret_file("store_url_file", path)? })),
    );
    odd
}

/// What is to be said of a file with a secret.
fn secret_file(key: &str, path: &Path) -> Option<String> {
    match access::open(path, Holds::Secrets) {
        Ok(opened) => opened.is_exposed.then(|| format!("`{key}`: {}", exposure(path))),
        Err(trouble) => {
            let (path, cause) = (path.display(), trouble.cause(path));
            Some(format!("`{key}` names {path}, which cannot be used: {cause}; {}", trouble.advice()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;

    /// The mistakes and the warnings, each with its line and column.
    fn remarks(text: &str) -> (Vec<String>, Vec<String>) {
        let checked = check(text, Path::new("/nowhere/config.toml"));
        let lines = |remarks: &[super::Remark]| {
            let line = |remark: &super::Remark| format!("{}:{} {}", remark.line, remark.column, remark.message);
            remarks.iter().map(line).collect()
        };
        (lines(&checked.mistakes), lines(&checked.warnings))
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "colour = 1\n[screen]\ntheme = \"pink\"\nmouse = \"no\"\n",
                &["1:1 unknown field `colour`", "3:9 `theme`: unknown variant `pink`", "4:9 `mouse`: invalid type"],
            ),
            ("a = \n[profiles.x\nb = 'c'\n", &["1:5 ", "2:12 "]),
            (
                "[profiles.a]\nprovider = 5\nclient_id = \"x\"\nscope = []\n\n[profiles.b]\nprovider = \"zoho\"\n",
                &["2:12 `provider`: invalid type", "4:1 unknown field `scope`", "6:1 missing field `client_id`"],
            ),
            (
                "[profiles.a]\nprovider=\"zoho\"\nclient_id=\"x\"\nscopes=[\"a,b\"]\n[profiles.b]\nprovider=\"zoho\"\n\
              client_id=\"\"\n[providers.p]\nkind=\"standard\"\n[providers.q]\nkind=\"standard\"\nissuer=\"http://x.example\"\n",
                &[
                    "4:1 `profiles.a`: `scopes` has \"a,b\"",
                    "7:1 `profiles.b`: `client_id` is empty",
                    "8:12 `providers.p`: needs `issuer`",
                    "12:1 `providers.q`: `issuer` is plain http",
                ],
            ),
            (
                "default_profile = \"x\"\nkey_command = []\n",
                &["1:1 `default_profile` names `x`", "2:1 `key_command` has"],
            ),
            ("default_profile = \"x\"\n[profiles.x]\nprovider = \"zoho\"\n", &["2:1 missing field `client_id`"]),
            (
                "[profiles.a]\nprovider=\"zohoo\"\nclient_id=\"x\"\n[profiles.b]\nprovider=\"zoho\"\nclient_id=\"x\"\n\
              data_center=\"mars\"\n",
                &[
                    "2:1 `profiles.a`: `provider` is \"zohoo\", which is not known: did you mean `zoho`?",
                    "7:1 `profiles.b`: `data_center` is \"mars\", which zoho does not have: it has us, ",
                ],
            ),
        ] {
            let (mistakes, _) = remarks(text);
            assert_eq!(mistakes.len(), expected.len(), "{text}: {mistakes:#?}");
            for (mistake, expected) in mistakes.iter().zip(expected) {
                assert!(mistake.starts_with(expected), "{mistake:?} is not {expected:?}");
            }
        }
    }

    #[test]
    fn what_is_odd_is_told_and_no_mistake() {
        let text = "store_url_file = \"url\"\n[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\n\
                    scopes = [\"ZohoDesk.tickets.READ\"]\nclient_secret_file = \"secret\"\n\
                    [providers.p]\nkind = \"standard\"\nissuer = \"https://x.example\"\n";
        let (mistakes, warnings) = remarks(text);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        for (warning, expected) in warnings.iter().zip([
            "1:1 `store_url_file` names /nowhere/url, which cannot be used: ",
            "5:1 `profiles.a`: `scopes`: ",
            "6:1 `profiles.a`: `client_secret_file` names /nowhere/secret, which cannot be used: ",
            "7:12 `providers.p`: no profile uses it",
        ]) {
            assert!(warning.starts_with(expected), "{warning:?} is not {expected:?}");
        }
        assert_eq!(warnings.len(), 4, "{warnings:#?}");
    }

    #[test]
    fn what_is_refused_has_a_mistake_and_what_has_none_is_taken() {
        for text in
            ["", "x", "[profiles]\n", "[profiles.a]", "profiles = 1", "[[profiles]]", "a.b.c = {}", "\u{feff}a=1"]
        {
            let is_taken = crate::config::Config::parse(text, Path::new("/nowhere/config.toml")).is_ok();
            assert_eq!(remarks(text).0.is_empty(), is_taken, "{text:?}: {:?}", remarks(text));
        }
    }
}
