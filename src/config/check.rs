//! What is wrong with a configuration, and what is odd about it: everything that can be told, with its place.
//!
//! A text that cannot be taken is read again without the part that is wrong, until the rest can be. So a mistake hides no other
//! one, unless it is in the same place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{self, Misfit, MisfitKind};
use super::file::{Fault, File, KeyPath, Problem};
use super::store::store_in_file;
use super::{Config, Profile, ProviderSource, SecretSource, form};
use crate::error::{Advice, Code, Error, Way};
use crate::files::access::{self, Holds};
use crate::files::{self, own, program};
use crate::near;
use crate::providers::{Dialect, catalog};
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
    /// What it says beside the mistakes, where it says anything.
    pub config: Option<Config>,
}

/// The byte at which something is to be said, the keys that lead there, and what.
type Finding = (usize, Vec<String>, String);

/// Checks the text in `file`; `None` where there is no such file. `path` is where programs are.
pub fn check_file(
    file: &Path,
    path: Option<&str>,
    odd_keys: impl Fn(&Config) -> Option<(Vec<String>, String)>,
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
    odd_keys: impl Fn(&Config) -> Option<(Vec<String>, String)>,
) -> Checked {
    let text = form::without_mark(text);
    let (document, unreadable) = DeTable::parse_recoverable(text);
    let document = document.get_ref();
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let config = shape_and_values((text, document), &unreadable, file, &mut mistakes);
    if let Some(config) = &config {
        let find = |problem: Problem| found(document, problem.path(), problem.to_string());
        let mut profiles: Vec<&Profile> = config.profiles.values().collect();
        profiles.sort_by_cached_key(|profile| place_of(document, &["profiles", profile.name.as_str()]));
        mistakes.extend(odd_keys(config).map(|(path, what)| found(document, path, what)));
        mistakes.extend(unusable(config, &profiles, document).take(MOST).map(find));
        let broken = broken_profiles(&mistakes);
        warnings.extend(odd(config, &profiles, &broken, document, path).take(MOST).map(find));
    }
    Checked { mistakes: remarks(text, mistakes), warnings: remarks(text, warnings), config }
}

/// A text that is no configuration, by the first thing that keeps it from being one.
pub(super) fn not_valid(text: &str, file: &Path) -> Error {
    let (document, unreadable) = DeTable::parse_recoverable(text);
    let mut mistakes = Vec::new();
    let config = shape_and_values((text, document.get_ref()), &unreadable, file, &mut mistakes);
    let error = Error::new(Code::Config, format!("{} is not valid", file.display()));
    let all = Advice::CheckConfig.and(" for all that is wrong with it");
    let Some(Remark { line, path, message, .. }) = remarks(text, mistakes).into_iter().next() else {
        return error.advise(all);
    };
    let names_another = |config: Config| config.default_profile.is_some() && !config.profiles.is_empty();
    let is_default = path == ["default_profile"] && config.is_some_and(names_another);
    error.because(format!("line {line}: {message}")).advise_all(is_default.then_some(Advice::UseProfile)).advise(all)
}

/// Checks each part by itself; gives what is sound.
fn shape_and_values(
    (text, document): (&str, &DeTable<'_>),
    unreadable: &[toml::de::Error],
    file: &Path,
    mistakes: &mut Vec<Finding>,
) -> Option<Config> {
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
    let parsed = without_mistakes(document, mistakes);
    let has_whole = mistakes.is_empty();
    let (config, problems) = parsed.checked(file);
    // What names a profile that was left out is no mistake of its own.
    let is_own = |problem: &Problem| has_whole || problem.table.is_some();
    let find = |problem: Problem| found(document, problem.path(), problem.to_string());
    mistakes.extend(problems.into_iter().filter(is_own).map(find));
    Some(config)
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
fn without_mistakes(document: &DeTable<'_>, mistakes: &mut Vec<Finding>) -> File {
    let (above, named) = parts(document);
    let mut whole = part_without_mistakes(above, mistakes).unwrap_or_default();
    for part in named {
        whole.take_in(part_without_mistakes(part, mistakes).unwrap_or_default());
    }
    whole
}

/// What is above all, and each profile and each provider.
fn parts<'a>(document: &DeTable<'a>) -> (DeTable<'a>, Vec<DeTable<'a>>) {
    let (mut above, mut named) = (DeTable::new(), Vec::new());
    for (key, value) in document {
        match value.get_ref() {
            DeValue::Table(entries) if ["profiles", "providers"].contains(&key.get_ref().as_ref()) => {
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

fn part_without_mistakes(mut part: DeTable<'_>, mistakes: &mut Vec<Finding>) -> Option<File> {
    let mut taken_out: Vec<Vec<String>> = Vec::new();
    for _ in 0..MOST {
        let misfit: Misfit = match document::read(&part) {
            Ok(file) => return Some(file),
            Err(misfit) => misfit,
        };
        // It is missing since it was taken out, as itself or misspelt.
        let is_out = |key: &str| {
            let beside = taken_out.iter().filter_map(|out| out.split_last()).filter(|(_, above)| *above == misfit.path);
            beside.map(|(name, _)| name).any(|name| name == key || near::did_you_mean(name, [key]).is_some())
        };
        let is_told = matches!(misfit.kind, MisfitKind::Missing(key) if is_out(key));
        if !is_told {
            mistakes.push((misfit.at.unwrap_or_default(), misfit.path.clone(), misfit.said()));
        }
        if !take_out(&mut part, &misfit.path) {
            return None;
        }
        taken_out.push(misfit.path);
    }
    None
}

fn take_out(table: &mut DeTable<'_>, path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return table.remove(name.as_str()).is_some();
    }
    match table.get_mut(name.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => take_out(inner, rest),
        _ => false,
    }
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
    document: &'a DeTable<'_>,
) -> impl Iterator<Item = Problem> + 'a {
    // A profile may name a provider that has mistakes of its own.
    let providers = document.get("providers").and_then(|providers| providers.get_ref().as_table());
    let is_there = move |name: &str| providers.is_some_and(|known| known.contains_key(name));
    let mut codes: BTreeMap<&str, Option<Vec<String>>> = BTreeMap::new();
    profiles.iter().flat_map(move |profile| {
        let problem = |fault| Problem::of("profiles", profile.name.as_str(), fault);
        let Some(source) = config.providers.get(&profile.provider) else {
            if is_there(&profile.provider) {
                return Vec::new();
            }
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
        let unknown = named.into_iter().filter(|(code, _)| !codes.contains(code));
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

/// The profiles that have mistakes, of which nobody can tell what they lack.
fn broken_profiles(mistakes: &[Finding]) -> BTreeSet<String> {
    let profile = |(_, path, _): &Finding| match &path[..] {
        [table, name, ..] if table == "profiles" => Some(name.clone()),
        _ => None,
    };
    sorted::set(mistakes.iter().filter_map(profile))
}

/// What may be meant otherwise.
fn odd<'a>(
    config: &'a Config,
    profiles: &'a [&Profile],
    broken: &'a BTreeSet<String>,
    document: &'a DeTable<'_>,
    path: Option<&'a str>,
) -> impl Iterator<Item = Problem> + 'a {
    let built_in = super::built_in_providers();
    // A profile that has mistakes uses its provider all the same.
    let entries = document.get("profiles").and_then(|profiles| profiles.get_ref().as_table());
    let provider_of = |entry: &'a Spanned<DeValue<'_>>| entry.get_ref().get("provider")?.get_ref().as_str();
    let used = entries.into_iter().flat_map(DeTable::values).filter_map(provider_of);
    let used = sorted::set(used.filter_map(|name| Some(config.provider_named(name)?.0)));
    let is_unused = move |name: &&String| !built_in.contains_key(*name) && !used.contains(name.as_str());
    let unused = config.providers.keys().filter(is_unused);
    let unused = unused.map(|name| Problem::of("providers", name, Fault::of_entry([], "no profile uses it")));
    let of_providers = config.providers.iter().filter(|(_, source)| !has_sign_in(source)).map(|(name, _)| {
        let what = "has neither `issuer` nor an endpoint at which a sign-in begins, so that it is good for refresh tokens from \
                    elsewhere only";
        Problem::of("providers", name, Fault::of_entry("token_endpoint", what))
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
        let scopes =
            scopes.iter().filter_map(|scope| Some(Fault::of_entry("scopes", format!("`scopes`: {}", advice(scope)?))));
        let is_whole = !broken.contains(profile.name.as_str());
        let needs_scope = |dialect: &&Dialect| is_whole && dialect.needs_scope && profile.scopes.is_empty();
        let unasked = source.map(ProviderSource::dialect).filter(needs_scope).map(|dialect| {
            let (provider, scope) = (dialect.display_name, dialect.default_scope);
            let what = format!(
                "asks for no scope, and {provider} approves nothing without one: give it `scopes`, such as `{scope}`"
            );
            Fault::of_entry("scopes", what)
        });
        let is_by_browser = profile.client_type.way() == Some(Way::Web);
        let has_no_way_back = is_whole && is_by_browser && profile.redirect_uri.is_none();
        let no_way_back = has_no_way_back.then(|| {
            let what = "signs in through a browser, and has no `redirect_uri`: give it the one that is registered";
            Fault::of_entry("client_type", what)
        });
        let faults: Vec<Fault> = scopes.chain(unasked).chain(no_way_back).chain(odd_secrets(profile)).collect();
        faults.into_iter().map(|fault| Problem::of("profiles", profile.name.as_str(), fault))
    });
    let programs = config.key_command.iter().filter_map(|command| command.first());
    let programs = programs.filter(move |program| !program::is_runnable(&files::expanded(program.as_ref()), path));
    let programs = programs.map(|program| {
        let what = format!("names {program}, which is no program that this user may run; {}", program::ADVICE);
        Problem { table: None, fault: Fault::of_value("key_command", what) }
    });
    url_file.chain(programs).chain(of_profiles).chain(of_providers).chain(unused)
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
    use std::path::Path;

    use super::{check, not_valid};

    /// The mistakes and the warnings, each with its line and column.
    fn remarks(text: &str) -> (Vec<String>, Vec<String>) {
        let checked = check(text, Path::new("/nowhere/config.toml"), None, |_| None);
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
                &["1:1 unknown key `colour`", "3:9 `theme`: `pink` is none of", "4:9 `mouse` has to be"],
            ),
            ("a = \n[profiles.x\nb = 'c'\n", &["1:5 ", "2:12 "]),
            (
                "[profiles.a]\nprovider = 5\nclient_id = \"x\"\nscope = []\n\n[profiles.b]\nprovider = \"zoho\"\n",
                &["2:12 `provider` has to be", "4:1 unknown key `scope`", "6:1 `client_id` is missing"],
            ),
            ("[providers.p]\ntoken_endpoint = \"\"\n", &["1:1 `kind` is missing: one of `standard`, `zoho`, "]),
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
            ("default_profile = \"x\"\n[profiles.x]\nprovider = \"zoho\"\n", &["2:1 `client_id` is missing"]),
            ("[profiles.a]\nprovider = \"zoho\"\nclint_id = \"x\"\n", &["3:1 unknown key `clint_id`"]),
            (
                "[profiles.a]\nprovider = \"zoho\"\nscope = []\n",
                &["1:1 `client_id` is missing", "3:1 unknown key `scope`"],
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
        ] {
            let (mistakes, _) = remarks(text);
            assert_eq!(mistakes.len(), expected.len(), "{text}: {mistakes:#?}");
            for (mistake, expected) in mistakes.iter().zip(expected) {
                assert!(mistake.starts_with(expected), "{mistake:?} is not {expected:?}");
            }
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
                    [profiles.c]\nprovider = \"r\"\nclient_id = \"x\"\n";
        let (mistakes, warnings) = remarks(text);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        for (warning, expected) in warnings.iter().zip([
            "1:1 `store_url_file` names /nowhere/url, which cannot be used: ",
            "5:1 `profiles.a`: `scopes`: ",
            "6:1 `profiles.a`: `client_secret_file` names /nowhere/secret, which cannot be used: ",
            "7:12 `providers.p`: no profile uses it",
            "18:1 `providers.r`: has neither `issuer` nor an endpoint",
        ]) {
            assert!(warning.starts_with(expected), "{warning:?} is not {expected:?}");
        }
        assert_eq!(warnings.len(), 5, "{warnings:#?}");
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
            let checked = check("store_url_file = \"url\"\n", &config, None, |_| None);
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
