//! `profile list` and `show`: what is configured, for people and scripts, and where it comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::{List, Show};
use crate::cli::context::Context;
use crate::cli::status::PendingJson;
use crate::cli::table::{Cell, Step, Table};
use crate::cli::words;
use crate::clock;
use crate::config::{Config, Environment, NamedBy, Profile, SecretSource};
use crate::error::{Advice, Error};
use crate::providers::catalog;
use crate::service::{ProfileStatus, Service};

/// What a narrow terminal does without.
const STEPS: [Step; 6] = [
    Step::DropEmpty,
    Step::Shorten("PROFILE"),
    Step::Cut("PROVIDER", 10),
    Step::Drop("DATA CENTER"),
    Step::Cut("PROFILE", 24),
    Step::Drop("PROVIDER"),
];

/// A profile as it is configured.
#[derive(Serialize)]
struct ProfileJson<'a> {
    name: &'a str,
    /// It is used where none is named.
    default: bool,
    provider: &'a str,
    /// The provider's first one is meant where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_center: Option<&'a str>,
    client_id: &'a str,
    client_type: &'static str,
    client_secret: SecretJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<&'a str>,
    scopes: &'a [String],
    allowed_origins: Vec<String>,
    git_hosts: Vec<String>,
}

/// Where a client's secret comes from; never the secret.
#[derive(Serialize)]
struct SecretJson<'a> {
    /// `store`, `file`, `variable` or `none`; left out where the store does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'a str>,
    /// By data center.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    files: &'a BTreeMap<String, PathBuf>,
}

#[derive(Serialize)]
struct ListJson<'a> {
    schema_version: u32,
    profiles: Vec<ProfileJson<'a>>,
}

#[derive(Serialize)]
struct ShowJson<'a> {
    schema_version: u32,
    profile: ProfileJson<'a>,
    /// What names the profile: a flag, a variable, `default_profile`, or that there is no other.
    named_by: NamedBy,
    /// The store has a secret for it.
    secret_in_store: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_domain: Option<String>,
    configuration: PlaceJson,
    store: PlaceJson,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct PlaceJson {
    place: String,
    named_by: NamedBy,
}

fn profile_json<'a>(profile: &'a Profile, service: &Service) -> ProfileJson<'a> {
    let config = &service.config;
    let (source, file, variable) = match &profile.client_secret {
        SecretSource::Store => {
            let is_there = service.has_stored_secret(profile).ok();
            (is_there.map(|is_there| if is_there { "store" } else { "none" }), None, None)
        }
        SecretSource::File(path) => (Some("file"), Some(path), None),
        SecretSource::Variable(name) => (Some("variable"), None, Some(name.as_str())),
    };
    let client_secret = SecretJson { source, file, variable, files: &profile.client_secret_files };
    ProfileJson {
        name: profile.name.as_str(),
        default: is_default(profile, config),
        provider: &profile.provider,
        data_center: profile.data_center.as_deref(),
        client_id: &profile.client_id,
        client_type: profile.client_type.word(),
        client_secret,
        redirect_uri: profile.redirect_uri.as_ref().map(crate::registered::RedirectUri::as_str),
        scopes: &profile.scopes,
        allowed_origins: origins(profile).collect(),
        git_hosts: profile.git_hosts.iter().map(ToString::to_string).collect(),
    }
}

fn origins(profile: &Profile) -> impl Iterator<Item = String> {
    profile.allowed_origins.iter().map(|url| url.origin().ascii_serialization())
}

fn is_default(profile: &Profile, config: &Config) -> bool {
    config.profile_by_default() == Some(&profile.name)
}

impl List {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.json);
        let service = context.service()?;
        if self.json {
            let profiles = service.config.profiles.values().map(|profile| profile_json(profile, &service)).collect();
            return context.output.json(&ListJson { schema_version: 1, profiles });
        }
        let config = service.config;
        if config.profiles.is_empty() {
            let add = context.output.program.said(&Advice::AddProfile(None));
            context.output.note(&format!("There is no profile in {} yet; {add}.", config.file.display()));
            return Ok(());
        }
        if context.output.stdout_columns().is_none() {
            let lines: Vec<String> = config.profiles.values().map(|profile| line(profile, &config)).collect();
            return context.output.text(&lines.join("\n"));
        }
        let row = |profile: &Profile| {
            let has_others = config.profiles.len() > 1;
            let name = Cell::profile(&profile.name, has_others && is_default(profile, &config));
            let place = profile.data_center.as_deref().map(words::data_center);
            vec![name, Cell::new(&profile.provider), Cell::maybe(place)]
        };
        let rows = config.profiles.values().map(row).collect();
        let titles = vec!["PROFILE", "PROVIDER", "DATA CENTER"];
        context.output.table(Table { titles, rows, steps: &STEPS }, &[])
    }
}

fn line(profile: &Profile, config: &Config) -> String {
    let data_center = profile.data_center.as_ref();
    let place = data_center.map_or_else(String::new, |code| format!(" {}", words::data_center(code)));
    let default = if is_default(profile, config) { "\tdefault" } else { "" };
    format!("{}\t{}{place}{default}", profile.name, profile.provider)
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.json);
        let named = context.profile_name(&self.profile)?;
        let service = context.service_about(named.as_ref())?;
        let profile = service.config.profile(named.as_ref())?;
        let now = clock::wall();
        let status = service.status(profile, now);
        let (store, store_named_by) = context.store_place(&service.config)?;
        let named_by = context.profile_named_by(&self.profile, &service.config);
        if !self.json {
            let named_by = (named_by, store_named_by);
            return context.output.text(&shown(context, profile, &status, &service, named_by)?);
        }
        let places = context.places()?;
        context.output.json(&ShowJson {
            schema_version: 1,
            profile: profile_json(profile, &service),
            named_by,
            secret_in_store: service.has_stored_secret(profile)?,
            state: status.state.word(),
            pending: PendingJson::of(&status, now),
            account: status.account.as_ref().map(|account| account.label().to_owned()),
            api_domain: status.api_domain.clone(),
            configuration: PlaceJson {
                place: places.config_file.display().to_string(),
                named_by: places.config_named_by,
            },
            store: PlaceJson { place: store, named_by: store_named_by },
            warnings: &status.warnings,
        })
    }
}

fn shown(
    context: &Context,
    profile: &Profile,
    status: &ProfileStatus,
    service: &Service,
    (named_by, store_named_by): (NamedBy, NamedBy),
) -> Result<String, Error> {
    let own_variable = Environment(&crate::cli::context::variable).var("DEVICE_LOGIN_CLIENT_SECRET").is_some();
    let client_secret = match &profile.client_secret {
        _ if own_variable => "in the variable DEVICE_LOGIN_CLIENT_SECRET, which beats the profile".to_owned(),
        SecretSource::File(path) => format!("in the file {}", path.display()),
        SecretSource::Variable(name) => format!("in the variable {name}"),
        SecretSource::Store if service.has_stored_secret(profile)? => "in the store".to_owned(),
        SecretSource::Store => "none".to_owned(),
    };
    let first = || Some(format!("the provider's first ({})", service.config.data_center_code(profile)?));
    let data_center = profile.data_center.clone().or_else(first);
    let mut lines = vec![
        ("profile", format!("{} ({named_by})", profile.name)),
        ("provider", format!("{} ({})", profile.provider, provider_source(service, profile))),
    ];
    lines.extend(data_center.map(|data_center| ("data center", data_center)));
    lines.extend([
        ("client id", profile.client_id.clone()),
        ("client type", profile.client_type.word().to_owned()),
        ("client secret", client_secret),
    ]);
    lines.extend(profile.redirect_uri.as_ref().map(|uri| ("redirect URI", uri.to_string())));
    for (data_center, path) in &profile.client_secret_files {
        let place = format!("for {}: in the file {}", words::data_center(data_center), path.display());
        lines.push(("", place));
    }
    let scopes = profile.scopes.iter().map(|scope| {
        let words = catalog::scope_in_words(scope);
        if words == *scope { words } else { format!("{scope} ({words})") }
    });
    let git_hosts = profile.git_hosts.iter().map(ToString::to_string);
    lines.extend(below_one_another("scopes", scopes));
    lines.extend(below_one_another("may also go to", origins(profile)));
    lines.extend(below_one_another("git hosts", git_hosts));
    lines.push(("state", status.state.in_words().to_owned()));
    lines.extend(status.waiting_code(clock::wall()).map(|pending| ("pending", words::waiting_code(pending))));
    lines.extend(status.account.as_ref().map(|account| ("account", account.label().to_owned())));
    lines.extend(status.api_domain.clone().map(|domain| ("API domain", domain)));
    lines.extend(status.warnings.iter().map(|warning| ("warning", warning.clone())));
    if let Some(protection) = &status.protection {
        let place = protection.place.as_ref().map_or_else(String::new, |place| format!("{place}, "));
        lines.push(("store", format!("{place}{protection} ({store_named_by})")));
    }
    let file = service.config.file.display();
    lines.push(("configuration", format!("{file} ({})", context.places()?.config_named_by)));
    let lines: Vec<String> = lines.iter().map(|(label, value)| format!("{label:15}{value}")).collect();
    Ok(lines.join("\n"))
}

/// Several values of which the first one has the label.
fn below_one_another(
    label: &'static str,
    values: impl Iterator<Item = String>,
) -> impl Iterator<Item = (&'static str, String)> {
    values.enumerate().map(move |(index, value)| (if index == 0 { label } else { "" }, value))
}

fn provider_source(service: &Service, profile: &Profile) -> &'static str {
    let built_in = Config::default().providers;
    match service.config.providers.get(&profile.provider) {
        None => "not known",
        Some(_) if built_in.contains_key(&profile.provider) => "built in",
        Some(_) => "of the configuration",
    }
}
