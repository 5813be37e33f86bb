//! What is wrong with a configuration, and what is odd about it: everything that can be told, with its place.
//!
//! A text that cannot be taken is read again without the value that is wrong, until the rest can be. So a mistake hides no other
//! one, unless it is in the same place, or the text is no TOML. What only follows from another mistake is not told.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{self, Misfit, MisfitKind};
use super::file::{Fault, File, KeyPath, LeftOut, Problem, is_left_out};
use super::store::store_in_file;
use super::{Config, Profile, ProviderSource, SecretSource, form};
use crate::error::{Advice, Code, Error, Way};
use crate::files::access::{self, Holds};
use crate::files::{self, own, program};
use crate::near;
use crate::providers::{Dialect, catalog};
use crate::registered::is_scope;
use crate::sorted;

/// What the parser says of a key that is there twice.
const DUPLICATE: &str = "duplicate key";
/// Mistakes that are told at most.
const MOST: usize = 100;

/// Something that a person should know, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The keys that lead to what it is about, as far as they are known.
    pub path: Vec<String>,
    pub message: String,
}

/// What came of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Why it cannot be used.
    pub mistakes: Vec<Remark>,
    /// What may be meant otherwise.
    pub warnings: Vec<Remark>,
    /// What it says, where it has no mistake.
    pub config: Option<Config>,
}

/// The byte at which something is to be said, the keys that lead there, and what.
type Finding = (usize, Vec<String>, String);

/// Checks the text in `file`; `None` where there is no such file. `path` is where programs are.
pub fn check_file(
    file: &Path,
    path: Option<&str>,
    odd_keys: impl Fn(&Config) -> Vec<(Vec<String>, String)>,
) -> Result<Option<Checked>, Error> {
    let text = super::read(file)?;
    Ok(text.map(|text| check(&text, file, path, odd_keys)))
}

/// Reads `text`, which came from `file`, and looks at the files that it names. `odd_keys` tells what is wrong with the keys of the
/// screens, which nothing here knows.
pub(super) fn check(
    text: &str,
    file: &Path,
    path: Option<&str>,
    odd_keys: impl Fn(&Config) -> Vec<(Vec<String>, String)>,
) -> Checked {
    let text = form::without_mark(text);
    let (document, unreadable) = DeTable::parse_recoverable(text);
    let document = document.get_ref();
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let read = shape_and_values((text, document), &unreadable, file, &mut mistakes);
    if let Some((config, left_out)) = &read {
        let find = |problem: Problem| found(document, problem.path(), problem.to_string());
        let mut profiles: Vec<&Profile> = config.profiles.values().collect();
        profiles.sort_by_cached_key(|profile| place_of(document, &["profiles", profile.name.as_str()]));
        // That a list is empty is no mistake of its own where something was left out of it.
        let keys = |path: &[String]| config.screen.keys.get(path.get(2)?)?.get(path.get(3)?);
        let is_clear = |path: &[String]| keys(path).is_none_or(|keys| !keys.is_empty() || !is_left_out(left_out, path));
        let odd_keys = odd_keys(config).into_iter().filter(|(path, _)| is_clear(path));
        mistakes.extend(odd_keys.map(|(path, what)| found(document, path, what)));
        mistakes.extend(unusable(config, &profiles, left_out, document).take(MOST).map(find));
        let told = mistakes.iter().map(|(_, path, _)| path).chain(left_out).cloned();
        warnings.extend(odd(config, &profiles, &sorted::set(told), document, path).take(MOST).map(find));
    }
    let config = read.map(|(config, _)| config).filter(|_| mistakes.is_empty());
    Checked { mistakes: remarks(text, mistakes), warnings: remarks(text, warnings), config }
}

/// A text that is no configuration, by the first thing that keeps it from being one.
pub(super) fn not_valid(text: &str, file: &Path) -> Error {
    let (document, unreadable) = DeTable::parse_recoverable(text);
    let mut mistakes = Vec::new();
    let read = shape_and_values((text, document.get_ref()), &unreadable, file, &mut mistakes);
    let error = Error::new(Code::Config, format!("{} is not valid", file.display()));
    let all = Advice::CheckConfig.and(" for all that is wrong with it");
    let Some(Remark { line, path, message, .. }) = remarks(text, mistakes).into_iter().next() else {
        return error.advise(all);
    };
    let names_another = |(config, _): (Config, _)| config.default_profile.is_some() && !config.profiles.is_empty();
    let is_default = path == ["default_profile"] && read.is_some_and(names_another);
    error.because(format!("line {line}: {message}")).advise_all(is_default.then_some(Advice::UseProfile)).advise(all)
}

/// Checks each value by itself; gives what there is, and what was left out to read it.
fn shape_and_values(
    (text, document): (&str, &DeTable<'_>),
    unreadable: &[toml::de::Error],
    file: &Path,
    mistakes: &mut Vec<Finding>,
) -> Option<(Config, LeftOut)> {
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let told = unreadable.iter().take(MOST).filter_map(|error| match error.message() {
        DUPLICATE => Some((start(error), twice(text, start(error))?)),
        _ => Some((start(error), document::no_toml(error))),
    });
    mistakes.extend(told.map(|(at, what)| (at, Vec::new(), what)));
    if mistakes.is_empty() {
        mistakes.extend(unreadable.first().map(|error| (start(error), Vec::new(), document::no_toml(error))));
    }
    if !mistakes.is_empty() {
        return None;
    }
    let mut left_out = LeftOut::new();
    let (config, problems) = without_mistakes(document, mistakes, &mut left_out).judged(file, &left_out);
    mistakes.extend(problems.into_iter().map(|problem| found(document, problem.path(), problem.to_string())));
    Some((config, left_out))
}

/// What is said of the key at `at`, which is there already; nothing where its whole table is, which is said of that.
fn twice(text: &str, at: usize) -> Option<String> {
    let begin = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let is_inline = text[begin..at].contains('=');
    let key = head(text[if is_inline { at } else { begin }..].lines().next().unwrap_or_default());
    if is_inline {
        return Some(format!("{DUPLICATE} `{key}`"));
    }
    let before: Vec<&str> = text[..begin].lines().map(head).collect();
    let said = |first: Option<usize>| {
        let first = first.map_or_else(String::new, |index| format!(": line {} has it already", index + 1));
        format!("{DUPLICATE} `{}`{first}", key.trim_matches(['[', ']']))
    };
    if key.starts_with('[') {
        return Some(said(before.iter().position(|other| *other == key)));
    }
    let table = before.iter().rposition(|other| other.starts_with('['));
    let within = table.map_or(0, |table| table + 1);
    let first = before[within..].iter().position(|other| *other == key).map(|index| within + index);
    let is_of_second = table.is_some_and(|table| before[..table].contains(&before[table]));
    (first.is_some() || !is_of_second).then(|| said(first))
}

/// What a line is about: a table in its brackets, or the key before `=`.
fn head(line: &str) -> &str {
    let line = line.trim();
    let end = if line.starts_with('[') { line.find(']').map(|end| end + 1) } else { line.find('=') };
    line[..end.unwrap_or(line.len())].trim()
}

/// Takes out what is not of the shape that is wanted, and tells of each. Every profile and provider is looked at on its own, so
/// that a mistake in one costs no other reading of the rest.
fn without_mistakes(document: &DeTable<'_>, mistakes: &mut Vec<Finding>, left_out: &mut LeftOut) -> File {
    let (above, named) = parts(document);
    let mut whole = part_without_mistakes(above, mistakes, left_out).unwrap_or_default();
    // What a misspelt table is taken for is there as well, and looked at.
    let is_there = |name: &str| matches!(document.get(name).map(Spanned::get_ref), Some(DeValue::Table(_)));
    left_out.retain(|path| path.len() > 1 || !TABLES_OF_NAMES.contains(&&*path[0]) || !is_there(&path[0]));
    for part in named {
        whole.take_in(part_without_mistakes(part, mistakes, left_out).unwrap_or_default());
    }
    whole
}

/// What has a table for each name.
const TABLES_OF_NAMES: [&str; 2] = ["profiles", "providers"];

/// What is above all, and each profile and each provider.
fn parts<'a>(document: &DeTable<'a>) -> (DeTable<'a>, Vec<DeTable<'a>>) {
    let (mut above, mut named) = (DeTable::new(), Vec::new());
    for (key, value) in document {
        match value.get_ref() {
            DeValue::Table(entries) if TABLES_OF_NAMES.contains(&key.get_ref().as_ref()) => {
                named.extend(entries.iter().map(|(name, entry)| {
                    let alone = DeTable::from_iter([(name.clone(), entry.clone())]);
                    DeTable::from_iter([(key.clone(), Spanned::new(value.span(), DeValue::Table(alone)))])
                }));
            }
            _ => {
                above.insert(key.clone(), value.clone());
            }
        }
    }
    (above, named)
}

fn part_without_mistakes(mut part: DeTable<'_>, mistakes: &mut Vec<Finding>, left_out: &mut LeftOut) -> Option<File> {
    for _ in 0..MOST {
        let misfit: Misfit = match document::read(&part) {
            Ok(file) => return Some(file),
            Err(misfit) => misfit,
        };
        let (at, said, path) = (misfit.at.unwrap_or_default(), misfit.said(), misfit.path);
        let table = take_out(&mut part, &path, at)?;
        // A key that is misspelt stands for the one that is meant, unless that is there as well.
        if let (MisfitKind::UnknownKey { key, known }, Some((_, above))) = (&misfit.kind, path.split_last()) {
            let near = near::nearest(key, known.iter().map(|known| (*known, *known)));
            let meant = near.into_iter().filter(|known| !table.contains_key(*known));
            left_out.extend(meant.map(|known| [above, &[known.to_owned()]].concat()));
        }
        left_out.insert(path.clone());
        mistakes.push((at, path, said));
    }
    None
}

/// Takes out what `path` leads to, or the one entry of that list which is at `at`. Gives the table that it was in.
fn take_out<'t, 'a>(table: &'t mut DeTable<'a>, path: &[String], at: usize) -> Option<&'t mut DeTable<'a>> {
    let (name, above) = path.split_last()?;
    let within = |table: &'t mut DeTable<'a>, key: &String| match table.get_mut(key.as_str())?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    };
    let table = above.iter().try_fold(table, within)?;
    match table.get_mut(name.as_str())?.get_mut() {
        DeValue::Array(list) if list.iter().any(|entry| entry.span().start == at) => {
            *list = list.iter().filter(|entry| entry.span().start != at).cloned().collect();
        }
        _ => {
            table.remove(name.as_str());
        }
    }
    Some(table)
}

fn found(document: &DeTable<'_>, path: Vec<String>, what: String) -> Finding {
    (place_of(document, &path), path, what)
}

/// The last of these keys that is there.
fn place_of(document: &DeTable<'_>, path: &[impl AsRef<str>]) -> usize {
    let mut place = 0;
    let mut table = Some(document);
    for name in path {
        let Some((key, value)) = table.and_then(|table| table.get_key_value(name.as_ref())) else { break };
        place = key.span().start;
        table = value.get_ref().as_table();
    }
    place
}

/// The first findings, with their lines and columns.
fn remarks(text: &str, mut findings: Vec<Finding>) -> Vec<Remark> {
    sorted::by(&mut findings, Ord::cmp);
    findings.dedup();
    findings.truncate(MOST);
    let (mut line, mut before) = (1, 0);
    let remark = |(at, path, message): Finding| {
        line += text.get(before..at).unwrap_or_default().matches('\n').count();
        before = at;
        let ahead = text.get(..at).and_then(|text| text.rsplit('\n').next()).unwrap_or_default();
        Remark { line, column: ahead.chars().count() + 1, path, message }
    };
    findings.into_iter().map(remark).collect()
}

/// What no command could use, although each part of it is sound.
fn unusable<'a>(
    config: &'a Config,
    profiles: &'a [&Profile],
    left_out: &'a LeftOut,
    document: &'a DeTable<'_>,
) -> impl Iterator<Item = Problem> + 'a {
    let built_in = super::built_in_providers();
    let table = |name: &str| document.get(name).and_then(|table| table.get_ref().as_table());
    let (providers, entries) = (table("providers"), table("profiles"));
    // Nobody can tell what is known of a provider that has no kind, or the name of another one.
    let is_unclear = move |name: &str| {
        let is_there =
            || providers.is_some_and(|known| known.keys().any(|key| key.get_ref().eq_ignore_ascii_case(name)));
        (built_in.contains_key(name) || !config.providers.contains_key(name)) && is_there()
    };
    let names_provider = move |profile: &Profile| provider_of(entries?.get(profile.name.as_str())?);
    let mut codes: BTreeMap<&str, Option<Vec<String>>> = BTreeMap::new();
    profiles.iter().flat_map(move |profile| {
        let problem = |fault| Problem::of("profiles", profile.name.as_str(), fault);
        if names_provider(profile).is_none() || is_unclear(&profile.provider) {
            return Vec::new();
        }
        let Some(source) = config.providers.get(&profile.provider) else {
            let known = config.provider_called(&profile.provider).err().unwrap_or_default();
            let what = format!("is \"{}\", which is not known: {known}", profile.provider);
            return vec![problem(Fault::of_value("provider", what))];
        };
        let of_files = profile.client_secret_files.keys().map(|code| (code, true));
        let named: Vec<_> = profile.data_center.iter().map(|code| (code, false)).chain(of_files).collect();
        if named.is_empty() {
            return Vec::new();
        }
        // Made once, since there may be thousands of profiles.
        let codes = codes.entry(&profile.provider).or_insert_with(|| {
            let centers = source.known()?.data_centers.into_iter();
            Some(centers.map(|known| known.code).filter(|code| !code.is_empty()).collect())
        });
        let Some(codes) = codes else { return Vec::new() };
        let known = if codes.is_empty() { "it has none".to_owned() } else { format!("it has {}", codes.join(", ")) };
        let is_known = |code: &String| {
            let own = || ["providers", &profile.provider, "data_centers", code].map(str::to_owned);
            codes.contains(code) || is_left_out(left_out, &own())
        };
        let unknown = named.into_iter().filter(|(code, _)| !is_known(code));
        let faults = unknown.map(|(code, is_of_file)| {
            let what = format!("\"{code}\", which {} does not have: {known}", profile.provider);
            if is_of_file {
                Fault::of_value(["client_secret_files", code.as_str()], format!("is for {what}"))
            } else {
                Fault::of_value("data_center", format!("is {what}"))
            }
        });
        faults.map(problem).collect()
    })
}

/// The provider that a profile names.
fn provider_of<'a>(profile: &'a Spanned<DeValue<'_>>) -> Option<&'a str> {
    profile.get_ref().get("provider")?.get_ref().as_str()
}

/// What may be meant otherwise, unless it follows from a mistake that is `told`.
fn odd<'a>(
    config: &'a Config,
    profiles: &'a [&Profile],
    told: &'a LeftOut,
    document: &'a DeTable<'_>,
    path: Option<&'a str>,
) -> impl Iterator<Item = Problem> + 'a {
    let is_told = |path: &[&str]| told.contains(&path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    let built_in = super::built_in_providers();
    // A profile that has mistakes uses its provider all the same.
    let names = |table: &str| document.get(table).and_then(|table| table.get_ref().as_table()).into_iter().flatten();
    let used = names("profiles").filter_map(|(_, profile)| provider_of(profile));
    let used = sorted::set(used.map(str::to_ascii_lowercase));
    let is_unused = move |name: &&str| !built_in.contains_key(*name) && !used.contains(&name.to_ascii_lowercase());
    let unused = names("providers").map(|(name, _)| name.get_ref().as_ref()).filter(is_unused);
    let unused = unused.map(|name| Problem::of("providers", name, Fault::of_entry([], "no profile uses it")));
    let begins = ["issuer", "device_authorization_endpoint", "authorization_endpoint"];
    let is_unclear = move |name: &str| begins.iter().any(|key| is_told(&["providers", name, key]));
    let of_providers = config.providers.iter().filter(|(_, source)| !has_sign_in(source));
    let of_providers = of_providers.filter(move |(name, _)| !is_unclear(name)).map(|(name, _)| {
        let what = "has neither `issuer` nor an endpoint at which a sign-in begins, so that it is good for refresh tokens from \
                    elsewhere only";
        Problem::of("providers", name, Fault::of_entry("token_endpoint", what))
    });
    let of_other_servers = config.providers.iter().filter_map(|(name, source)| {
        // Metadata tell all but the domain.
        let is_open = |key: &str| matches!(source, ProviderSource::Configured(_)) || key == "api_domain";
        let open = source.foreign().iter().map(|foreign| foreign.key).filter(|key| is_open(key));
        let open: Vec<String> = open.map(|key| format!("`{key}`")).collect();
        let what = format!(
            "is at another server than the preset, whose {} is left out, so that no token goes there: give this server's, \
             where it has one",
            open.join(", ")
        );
        (!open.is_empty()).then(|| Problem::of("providers", name, Fault::of_entry("kind", what)))
    });
    let url_file = config.store.url_file.iter();
    let url_file = url_file.filter_map(|path| {
        let no_address = || {
            let problem = store_in_file(path).err()?.reason();
            Some(Fault::of_value(
                "store_url_file",
                format!("names {}, which has no address: {problem}", path.display()),
            ))
        };
        let fault = secret_file("store_url_file".into(), path).or_else(no_address)?;
        Some(Problem { table: None, fault })
    });
    // Thousands of profiles have few scopes that are different.
    let mut known: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let of_profiles = profiles.iter().flat_map(move |profile| {
        let source = config.providers.get(&profile.provider);
        let has_products = source.is_some_and(|source| source.dialect().has_products);
        let scopes = if has_products { &profile.scopes[..] } else { &[] };
        let mut advice = |scope: &'a String| known.entry(scope).or_insert_with(|| catalog::advice(scope)).clone();
        let scopes = scopes
            .iter()
            .filter(|scope| is_scope(scope))
            .filter_map(|scope| Some(Fault::of_entry("scopes", format!("`scopes`: {}", advice(scope)?))));
        let is_clear = |key| !is_told(&["profiles", profile.name.as_str(), key]);
        let needs_scope = |dialect: &&Dialect| is_clear("scopes") && dialect.needs_scope && profile.scopes.is_empty();
        let unasked = source.map(ProviderSource::dialect).filter(needs_scope).map(|dialect| {
            let (provider, scope) = (dialect.display_name, dialect.default_scope);
            let what = format!(
                "asks for no scope, and {provider} approves nothing without one: give it `scopes`, such as `{scope}`"
            );
            Fault::of_entry("scopes", what)
        });
        let is_by_browser = profile.client_type.way() == Some(Way::Web);
        let has_no_way_back = is_by_browser && profile.redirect_uri.is_none() && is_clear("redirect_uri");
        let no_way_back = has_no_way_back.then(|| {
            let what = "signs in through a browser, and has no `redirect_uri`: give it the one that is registered";
            Fault::of_entry("client_type", what)
        });
        let faults: Vec<Fault> = scopes.chain(unasked).chain(no_way_back).chain(odd_secrets(profile)).collect();
        faults.into_iter().map(|fault| Problem::of("profiles", profile.name.as_str(), fault))
    });
    let commands = config.key_command.iter().filter(move |_| !is_told(&["key_command"]));
    let programs = commands.filter_map(|command| command.first());
    let programs = programs.filter(move |program| !program::is_runnable(&files::expanded(program.as_ref()), path));
    let programs = programs.map(|program| {
        let what = format!("names {program}, which is no program that this user may run; {}", program::ADVICE);
        Problem { table: None, fault: Fault::of_value("key_command", what) }
    });
    url_file.chain(programs).chain(of_profiles).chain(of_providers).chain(of_other_servers).chain(unused)
}

/// Whether a sign-in could begin with the provider, as far as that is known without asking it.
fn has_sign_in(source: &ProviderSource) -> bool {
    source.known().is_none_or(|provider| {
        let mut endpoints = provider.data_centers.iter().map(|known| &known.endpoints);
        endpoints.any(|known| known.device_authorization.is_some() || known.authorization.is_some())
    })
}

fn odd_secrets(profile: &Profile) -> impl Iterator<Item = Fault> {
    let own = match &profile.client_secret {
        SecretSource::File(path) => Some((KeyPath::from("client_secret_file"), path)),
        SecretSource::Store | SecretSource::Variable(_) => None,
    };
    let others = profile.client_secret_files.iter();
    let others = others.map(|(code, path)| (["client_secret_files", code.as_str()].into(), path));
    own.into_iter().chain(others).filter_map(|(key, path)| secret_file(key, path))
}

/// What is to be said of a file with a secret.
fn secret_file(key: KeyPath, path: &Path) -> Option<Fault> {
    match access::open(path, Holds::Secrets) {
        Ok(opened) => opened.is_exposed.then(|| {
            let (shown, advice) = (path.display(), own::have_closed(path));
            let what = format!("`{key}`: others on this machine can read {shown}: {advice}");
            Fault::of_entry(key, what)
        }),
        Err(trouble) => {
            let (path, cause) = (path.display(), trouble.cause(path));
            let problem = format!("names {path}, which cannot be used: {cause}; {}", trouble.advice());
            Some(Fault::of_value(key, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{check, not_valid};
    use crate::config::Config;

    /// As if no screen had any of the commands: which there are is for the screens to say.
    fn odd_keys(config: &Config) -> Vec<(Vec<String>, String)> {
        let commands =
            config.screen.keys.iter().flat_map(|(scope, commands)| commands.keys().map(move |name| (scope, name)));
        let odd = |(scope, name): (&String, &String)| {
            (["screen", "keys", scope, name].map(str::to_owned).to_vec(), format!("`{scope}.{name}` is odd"))
        };
        commands.map(odd).collect()
    }

    /// The mistakes and the warnings, each with its line and column.
    fn remarks(text: &str) -> (Vec<String>, Vec<String>) {
        let checked = check(text, Path::new("/nowhere/config.toml"), None, odd_keys);
        let lines = |remarks: &[super::Remark]| {
            let line = |remark: &super::Remark| format!("{}:{} {}", remark.line, remark.column, remark.message);
            remarks.iter().map(line).collect()
        };
        (lines(&checked.mistakes), lines(&checked.warnings))
    }

    /// What is told of a table with these lines, without the places.
    fn told(table: &str, lines: &[&str]) -> BTreeSet<String> {
        let (mistakes, warnings) = remarks(&format!("{table}\n{}\n", lines.join("\n")));
        let all = mistakes.into_iter().chain(warnings);
        all.map(|remark| remark.split_once(' ').expect("a place").1.to_owned()).collect()
    }

    /// What it is about, and the line.
    type Line = (&'static str, &'static str);

    struct Table {
        heads: &'static [&'static str],
        /// What is sound without the mistakes.
        base: &'static [Line],
        /// A mistake in each.
        mistakes: &'static [Line],
        /// Pairs that are not compared: whether the one is a mistake goes by the other.
        related: &'static [&'static str],
    }

    const TABLES: [Table; 6] = [
        Table {
            heads: &["[profiles.a]", "[profiles.\"a b\"]"],
            base: &[
                ("provider", "provider = \"zoho\""),
                ("client_id", "client_id = \"x\""),
                ("scopes", "scopes = [\"ZohoCRM.users.READ\"]"),
            ],
            mistakes: &[
                ("provider", "# no provider"),
                ("provider", "provider = 5"),
                ("provider", "provider = \"zohoo\""),
                ("client_id", "# no client_id"),
                ("client_id", "client_id = \"\""),
                ("client_id", "client_id = 5"),
                ("client_id", "clint_id = \"x\""),
                ("data_center", "data_center = \"xx\""),
                ("data_center", "data_center = 5"),
                ("client_type", "client_type = \"webb\""),
                ("client_type", "client_type = 5"),
                ("no way back", "client_type = \"server-based\""),
                ("redirect_uri", "redirect_uri = \"x\""),
                ("redirect_uri", "redirect_uri = \"htp://x\""),
                ("redirect_uri", "redirect_uri = 5"),
                ("own scheme", "redirect_uri = \"myapp://x\""),
                ("scopes", "scopes = \"A.b.READ\""),
                ("scopes", "scopes = [5, \"a,b\", 6, \"ZohoDesk.tickets.READ\"]"),
                ("scopes", "scopes = []"),
                ("client_secret_file", "client_secret_file = \"nothing\""),
                ("client_secret_file", "client_secret_file = 5"),
                ("client_secret_env", "client_secret_env = \"=\""),
                ("client_secret_files", "client_secret_files.zz = \"nothing\""),
                ("client_secret_files", "client_secret_files.us = 5"),
                ("allowed_origins", "allowed_origins = [5, \"x\"]"),
                ("git_hosts", "git_hosts = [5, \"/\"]"),
                ("colour", "colour = 1"),
            ],
            related: &[
                "client_type no way back",
                "client_type own scheme",
                "no way back redirect_uri",
                "no way back own scheme",
                "redirect_uri own scheme",
                "provider data_center",
                "provider client_secret_files",
                "provider scopes",
            ],
        },
        Table {
            heads: &["[providers.p]", "[providers.google]"],
            base: &[("kind", "kind = \"standard\""), ("issuer", "issuer = \"https://x.example\"")],
            mistakes: &[
                ("kind", "# no kind"),
                ("kind", "kind = 5"),
                ("kind", "kind = \"other\""),
                ("issuer", "issuer = \"x\""),
                ("issuer", "issuer = 5"),
                ("issuer", "isuer = \"https://x.example\""),
                ("none", "# no issuer"),
                ("host", "host = \"x\""),
                ("token_endpoint", "token_endpoint = \"x\""),
                ("device_authorization_endpoint", "device_authorization_endpoint = 5"),
                ("userinfo_endpoint", "userinfo_endpoint = \"http://x.example\""),
                ("api_domain", "api_domain = \"x\""),
                ("client_authentication", "client_authentication = \"jwt\""),
                ("parameters", "parameters.a = 5"),
                ("allowed_origins", "allowed_origins = [\"x\", 5]"),
                ("data_centers", "data_centers.us.colour = 1"),
            ],
            related: &["kind none", "kind host", "kind data_centers", "issuer none", "none token_endpoint"],
        },
        Table {
            heads: &["[providers.p]"],
            base: &[
                ("kind", "kind = \"zoho\""),
                (
                    "us",
                    "data_centers.us = {accounts_server = \"https://x.example\", api_domain = \"https://x.example\"}",
                ),
            ],
            mistakes: &[
                ("kind", "kind = \"other\""),
                ("us", "data_centers.us = 5"),
                ("us", "data_centers.us.api_domain = \"https://x.example\""),
                ("us", "data_centers.us = {accounts_server = \"x\", api_domain = 5, colour = 1}"),
                ("eu", "data_centers.eu = {accounts_server = 5, api_domain = \"x\"}"),
                ("host", "host = \"x\""),
                ("allowed_origins", "allowed_origins = [\"x\", 5]"),
            ],
            related: &["kind host"],
        },
        Table {
            heads: &["[providers.p]"],
            base: &[("kind", "kind = \"keycloak\""), ("host", "host = \"x.example\""), ("realm", "realm = \"main\"")],
            mistakes: &[
                ("host", "host = \"a b\""),
                ("host", "# no host"),
                ("host", "host = 5"),
                ("realm", "realm = \"a/b\""),
                ("realm", "# no realm"),
                ("realm", "relm = \"main\""),
                ("tenant", "tenant = \"x\""),
                ("issuer", "issuer = \"x\""),
            ],
            related: &[],
        },
        Table {
            heads: &["[screen]"],
            base: &[],
            mistakes: &[
                ("theme", "theme = \"blue\""),
                ("motion", "motion = 5"),
                ("mouse", "mouse = \"no\""),
                ("colour", "colour = 1"),
                ("screen", "keys.profile.refresh = [\"Ctrl-1\"]"),
                ("foo", "keys.profiles.foo = [\"F5\"]"),
                ("refresh", "keys.profiles.refresh = [5, \"Ctrl-1\", \"Ctrl-C\"]"),
                ("whoami", "keys.profiles.whoami = \"w\""),
                ("leave-now", "keys.everywhere.leave-now = [5]"),
                ("leave-now", "keys.everywhere.leave-now = [\"F5\"]"),
                ("leave-now", "keys.everywhere.leave-now = []"),
            ],
            related: &["refresh leave-now"],
        },
        Table {
            heads: &[""],
            base: &[],
            mistakes: &[
                ("default_profile", "default_profile = \"x\""),
                ("default_profile", "default_profile = 5"),
                ("key_command", "key_command = \"pass\""),
                ("key_command", "key_command = [5]"),
                ("key_command", "key_command = [\"\", 5]"),
                ("store", "store = \"sqlite:foo\""),
                ("store", "store = 5"),
                ("store_url_file", "store_url_file = \"nothing\""),
                ("store_cache", "store_cache = 3601"),
                ("profiles", "profile.x.provider = \"zoho\""),
                ("screen", "screen = 5"),
                ("profile", "profiles.yonder = {provider = \"zoho\", client_id = \"\", data_center = \"xx\"}"),
                ("provider", "providers.z = {kind = \"standard\", issuer = \"x\"}"),
                ("built in", "providers.zoho = {kind = \"standard\", issuer = \"x\"}"),
            ],
            related: &["default_profile profiles", "profile built in"],
        },
    ];

    #[test]
    fn no_mistake_keeps_another_from_being_told() {
        for (table, head) in TABLES.iter().flat_map(|table| table.heads.iter().map(move |head| (table, head))) {
            let told = |mistakes: &[&Line]| {
                let is_kept =
                    |key: &str| mistakes.iter().all(|(other, _)| *other != key && (*other, key) != ("none", "issuer"));
                let kept = table.base.iter().filter(|(key, _)| is_kept(key));
                told(head, &kept.chain(mistakes.iter().copied()).map(|(_, line)| *line).collect::<Vec<_>>())
            };
            let without = told(&[]);
            let single: Vec<_> = table.mistakes.iter().map(|mistake| (mistake, told(&[mistake]))).collect();
            for (index, (first, alone)) in single.iter().enumerate() {
                assert!(alone.difference(&without).count() > 0, "{head} {first:?}: {alone:?}");
                for (second, other) in &single[index + 1..] {
                    if first.0 == second.0 || table.related.contains(&format!("{} {}", first.0, second.0).as_str()) {
                        continue;
                    }
                    let both = told(&[first, second]);
                    let all: BTreeSet<String> = alone | other;
                    let lost: Vec<_> = all.difference(&both).filter(|told| !without.contains(*told)).collect();
                    let more: Vec<_> = both.difference(&all).filter(|told| !told.contains("has both")).collect();
                    assert!(lost.is_empty() && more.is_empty(), "{head} {first:?} {second:?}: {lost:#?} {more:#?}");
                }
            }
        }
    }

    #[track_caller]
    fn assert_mistakes(text: &str, expected: &[&str]) {
        let (mistakes, _) = remarks(text);
        assert_eq!(mistakes.len(), expected.len(), "{text}: {mistakes:#?}");
        for (mistake, expected) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(expected), "{mistake:?} is not {expected:?}");
        }
    }

    #[test]
    fn a_misspelt_table_hides_nothing_of_the_one_that_is_meant_and_there() {
        for (text, expected) in [
            (
                "[profile.x]\nprovider=\"zoho\"\n[profiles.y]\nprovider=\"zoho\"\n",
                ["1:2 unknown key `profile`", "3:11 `profiles.y`: `client_id` is missing"],
            ),
            (
                "[provider.x]\nkind=\"standard\"\n[providers.p]\nissuer=\"https://x.example\"\n",
                ["1:2 unknown key `provider`", "3:12 `providers.p`: `kind` is missing"],
            ),
            (
                "default_profile=\"nope\"\n[profile.x]\nprovider=\"zoho\"\n[profiles.y]\nprovider=\"zoho\"\nclient_id=\"c\"\n",
                ["1:1 `default_profile` names `nope`", "2:2 unknown key `profile`"],
            ),
        ] {
            assert_mistakes(text, &expected);
        }
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "colour = 1\n[screen]\ntheme = \"pink\"\nmouse = \"no\"\n",
                &["1:1 unknown key `colour`", "3:9 `theme`: `pink` is none of", "4:9 `mouse` has to be"],
            ),
            ("a = \n[profiles.x\nb = 'c'\n", &["1:5 ", "2:12 "]),
            (
                "[profiles.a]\nprovider = 5\nclient_id = \"x\"\nscope = []\n\n[profiles.b]\nprovider = \"zoho\"\n",
                &["2:12 `provider` has to be", "4:1 unknown key `scope`", "6:11 `profiles.b`: `client_id` is missing"],
            ),
            (
                "[providers.p]\ntoken_endpoint = \"\"\n",
                &[
                    "1:12 `providers.p`: `kind` is missing: one of `standard`, `zoho`, ",
                    "2:1 `providers.p`: `token_endpoint` is no",
                ],
            ),
            (
                "[profiles.a]\nprovider=\"zoho\"\nclient_id=\"x\"\nscopes=[\"a,b\"]\n[profiles.b]\nprovider=\"zoho\"\n\
              client_id=\"\"\n[providers.p]\nkind=\"standard\"\n[providers.q]\nkind=\"standard\"\nissuer=\"http://x.example\"\n",
                &[
                    "4:1 `profiles.a`: `scopes`: `a,b` is no scope",
                    "7:1 `profiles.b`: `client_id` is empty",
                    "8:12 `providers.p`: needs the address of its `issuer`",
                    "12:1 `providers.q`: `issuer` is plain http",
                ],
            ),
            (
                "[profiles.a]\nprovider=\"zoho\"\nclient_id=\"\"\nscopes=[\"a,b\", \"c,d\"]\nredirect_uri=\"x\"\n\
              client_secret_env=\"=\"\nallowed_origins=[\"x\"]\ngit_hosts=[\"/\"]\n[providers.p]\nkind=\"standard\"\n\
              issuer=\"x\"\nhost=\"h\"\ntoken_endpoint=\"http://x.example\"\napi_domain=\"y\"\ndata_centers={}\n\
              [providers.z]\nkind=\"zoho\"\nhost=\"h\"\nissuer=\"i\"\n[providers.z.data_centers.us]\n\
              accounts_server=\"x\"\napi_domain=\"y\"\n",
                &[
                    "3:1 `profiles.a`: `client_id` is empty",
                    "4:1 `profiles.a`: `scopes`: `a,b` is no scope",
                    "4:1 `profiles.a`: `scopes`: `c,d` is no scope",
                    "5:1 `profiles.a`: `redirect_uri`",
                    "6:1 `profiles.a`: `client_secret_env` is",
                    "7:1 `profiles.a`: `allowed_origins` is no address",
                    "8:1 `profiles.a`: `git_hosts` has",
                    "11:1 `providers.p`: `issuer` is no address",
                    "12:1 `providers.p`: has `host`",
                    "13:1 `providers.p`: `token_endpoint` is plain http",
                    "14:1 `providers.p`: `api_domain` is no address",
                    "15:1 `providers.p`: has `data_centers`",
                    "18:1 `providers.z`: has `host`",
                    "19:1 `providers.z`: has `issuer`",
                    "21:1 `providers.z`: `data_centers.us.accounts_server` is no address",
                    "22:1 `providers.z`: `data_centers.us.api_domain` is no address",
                ],
            ),
            (
                "default_profile = \"x\"\nkey_command = []\n",
                &["1:1 `default_profile` names `x`", "2:1 `key_command` has"],
            ),
            (
                "[providers.z]\nkind=\"zoho\"\n[providers.z.data_centers.\"a.b\"]\naccounts_server=\"x\"\n\
              api_domain=\"https://x.example\"\n",
                &["4:1 `providers.z`: `data_centers.a.b.accounts_server` is no address"],
            ),
            (
                "default_profile = \"x\"\n[profiles.x]\nprovider = \"zoho\"\n",
                &["2:11 `profiles.x`: `client_id` is missing"],
            ),
            ("[profiles.a]\nprovider = \"zoho\"\nclint_id = \"x\"\n", &["3:1 unknown key `clint_id`"]),
            (
                "[profiles.a]\nprovider = \"zoho\"\nscope = []\n",
                &["1:11 `profiles.a`: `client_id` is missing", "3:1 unknown key `scope`"],
            ),
            (
                "[profiles.a]\nprovider=\"zohoo\"\nclient_id=\"x\"\n[profiles.b]\nprovider=\"zoho\"\nclient_id=\"x\"\n\
              data_center=\"mars\"\n",
                &[
                    "2:1 `profiles.a`: `provider` is \"zohoo\", which is not known: did you mean `zoho`?",
                    "7:1 `profiles.b`: `data_center` is \"mars\", which zoho does not have: it has us, ",
                ],
            ),
            (
                "[profiles.a]\nprovider=\"zoho\"\nclient_id=\"x\"\n[profiles.a.client_secret_files]\nus=\"/s\"\nxx=\"/s\"\n\
              [profiles.b]\nprovider=\"q\"\nclient_id=\"x\"\ndata_center=\"us\"\n\
              [providers.q]\nkind=\"standard\"\ntoken_endpoint=\"https://x.example\"\n\
              device_authorization_endpoint=\"https://x.example\"\n",
                &[
                    "6:1 `profiles.a`: `client_secret_files.xx` is for \"xx\", which zoho does not have: it has us, ",
                    "10:1 `profiles.b`: `data_center` is \"us\", which q does not have: it has none",
                ],
            ),
            (
                "[providers.p]\nkind=\"github\"\nauthorization_endpoint=\"https://x.example\"\n\
              [providers.q]\nkind=\"google\"\ndevice_authorization_endpoint=\"https://x.example\"\n",
                &[
                    "3:1 `providers.p`: has its sign-in at another server than the preset: it needs that server's `token_",
                    "6:1 `providers.q`: has its sign-in at another server than the preset: it needs that server's `token_",
                ],
            ),
        ] {
            assert_mistakes(text, expected);
        }
    }

    #[test]
    fn the_first_mistake_in_the_text_says_why_it_cannot_be_used() {
        for (text, line) in [
            ("[profiles.b]\nprovider = \"zoho\"\nclient_id = 1\n[profiles.a]\nprovider = 5\nclient_id = \"x\"\n", 3),
            (
                "[providers.p]\nkind = \"standard\"\n[profiles.a]\nclient_id = 5\nprovider = \"zoho\"\n[screen]\nmouse = 7\n",
                1,
            ),
            ("\n\na =\nb =\n", 3),
        ] {
            let error = not_valid(text, Path::new("/nowhere/config.toml"));
            assert!(error.reason().starts_with(&format!("line {line}: ")), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_odd_is_told_and_no_mistake() {
        let text = "store_url_file = \"url\"\n[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\n\
                    scopes = [\"ZohoDesk.tickets.READ\"]\nclient_secret_file = \"secret\"\n\
                    [providers.p]\nkind = \"standard\"\nissuer = \"https://x.example\"\n\
                    [providers.q]\nkind = \"standard\"\nissuer = \"https://x.example\"\n\
                    [profiles.b]\nprovider = \"Q\"\nclient_id = \"\"\n\
                    [providers.r]\nkind = \"standard\"\ntoken_endpoint = \"https://x.example\"\n\
                    [profiles.c]\nprovider = \"r\"\nclient_id = \"x\"\n\
                    [providers.ghe]\nkind = \"github\"\ntoken_endpoint = \"https://x.example\"\n\
                    device_authorization_endpoint = \"https://x.example\"\napi_domain = \"https://x.example\"\n\
                    [profiles.d]\nprovider = \"ghe\"\nclient_id = \"x\"\n\
                    [providers.gov]\nkind = \"microsoft\"\nissuer = \"https://x.example\"\n\
                    [profiles.e]\nprovider = \"gov\"\nclient_id = \"x\"\n";
        let (mistakes, warnings) = remarks(text);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        for (warning, expected) in warnings.iter().zip([
            "1:1 `store_url_file` names /nowhere/url, which cannot be used: ",
            "5:1 `profiles.a`: `scopes`: ",
            "6:1 `profiles.a`: `client_secret_file` names /nowhere/secret, which cannot be used: ",
            "7:12 `providers.p`: no profile uses it",
            "18:1 `providers.r`: has neither `issuer` nor an endpoint",
            "23:1 `providers.ghe`: is at another server than the preset, whose `authorization_endpoint`, \
             `userinfo_endpoint` is left out",
            "31:1 `providers.gov`: is at another server than the preset, whose `api_domain` is left out",
        ]) {
            assert!(warning.starts_with(expected), "{warning:?} is not {expected:?}");
        }
        assert_eq!(warnings.len(), 7, "{warnings:#?}");
    }

    #[test]
    fn a_file_with_the_address_of_the_store_has_one() {
        let home = tempfile::tempdir().expect("a directory");
        let config = home.path().join("config.toml");
        for (content, expected) in [
            ("postgres://me@db.example/tokens\n", None),
            ("sesam\n", Some("which has no address: ")),
            ("file:/var/lib/tokens\n", Some("it is not the address of a database")),
            ("", Some("which has no address: ")),
        ] {
            crate::files::replace(&home.path().join("url"), content.as_bytes()).expect("it is written");
            let checked = check("store_url_file = \"url\"\n", &config, None, |_| Vec::new());
            let told: Vec<&str> = checked.warnings.iter().map(|remark| &*remark.message).collect();
            match expected {
                None => assert_eq!(told, [""; 0]),
                Some(part) => assert!(matches!(told[..], [told] if told.contains(part)), "{content:?}: {told:?}"),
            }
            assert!(!told.concat().contains("sesam"), "{told:?}");
        }
    }

    #[test]
    fn of_many_mistakes_the_first_ones_in_the_text_are_told() {
        for text in [
            "[profiles.pN]\nprovider = \"zoho\"\nclient_id = \"x\"\nscope = 1\n",
            "[profiles.pN]\nprovider = \"zohoo\"\nclient_id = \"x\"\n\n",
            "aN =\n\n\n\n",
        ] {
            // Names in another order than the text has them.
            let numbered = |number: usize| text.replace('N', &format!("{number:03}"));
            let (mistakes, _) = remarks(&(0..300).rev().map(numbered).collect::<String>());
            let lines: Vec<usize> =
                mistakes.iter().filter_map(|mistake| mistake.split(':').next()?.parse().ok()).collect();
            assert_eq!(lines.len(), super::MOST);
            assert!(lines[0] <= 4 && lines.windows(2).all(|pair| pair[1] == pair[0] + 4), "{lines:?}");
        }
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
