//! `profile`: adds, lists, shows, changes and removes profiles.

mod edit;
mod export;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};

use super::context::Context;
use super::{Positional, prompt, words};
use crate::clock;
use crate::config::{self, ClientType, Config, Profile, ProviderSource, SecretSource};
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::providers::catalog;
use crate::registered::RedirectUri;
use crate::secret::Secret;
use crate::service::Service;

/// Add, list, show, change and remove profiles
#[derive(Args)]
#[command(subcommand_value_name = "ACTION", subcommand_help_heading = "Actions")]
#[command(after_long_help = "Examples:
  device-login profile list
  device-login profile show work
  device-login profile use work")]
pub(super) struct ProfileCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Add(Box<Add>),
    List(List),
    Show(Show),
    Use(Use),
    Edit(Box<edit::Edit>),
    Rename(Rename),
    Remove(Remove),
    Export(export::Export),
}

/// Add a profile
///
/// The client's secret goes into the store. It is read from a file, from stdin, or asked for; never from the command
/// line, where others could see it.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile add work --provider zoho --data-center eu \\
      --client-id 1000.ABC --scopes ZohoCRM.users.READ
  device-login profile add corp --provider corp --client-id app \\
      --client-secret-stdin < secret")]
#[command(override_usage = "device-login profile add <NAME> --provider <PROVIDER> --client-id <ID>\n       [OPTIONS]")]
struct Add {
    /// The new profile's name
    #[arg(value_hint = ValueHint::Other)]
    name: ProfileName,
    /// `zoho`, or a provider of the configuration
    #[arg(long, value_name = "PROVIDER")]
    provider: String,
    /// Where the client is registered: `us`, `eu`, `in`, …
    #[arg(long, value_name = "CODE")]
    data_center: Option<String>,
    /// The client's id, as the provider's console shows it
    #[arg(long, value_name = "ID", value_parser = words::parse_client_id)]
    client_id: String,
    /// What the client is registered as, in the words of Zoho's API console: `non-browser`, `self-client`, `server-based`,
    /// `mobile` (or `desktop`)
    #[arg(long, value_name = "TYPE", default_value = "non-browser")]
    client_type: ClientType,
    /// Where the client is registered to send browsers, for `login --web`
    #[arg(long, value_name = "ADDRESS", value_parser = words::parse_redirect_uri)]
    redirect_uri: Option<RedirectUri>,
    /// The file with the client's secret
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_stdin")]
    client_secret_file: Option<PathBuf>,
    /// Read the client's secret from stdin
    #[arg(long)]
    client_secret_stdin: bool,
    /// What to ask for, separated by commas
    #[arg(long, value_name = "A,B")]
    scopes: Option<words::Scopes>,
}

/// List the profiles of the configuration
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile list
  device-login profile list | cut -f 1")]
struct List {}

/// Show all that is configured for a profile, without secrets
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile show
  device-login profile show work")]
struct Show {
    #[command(flatten)]
    profile: Positional,
}

/// Make a profile the default one, used where none is named
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile use work
  device-login profile use lobby")]
struct Use {
    /// The profile to use
    name: ProfileName,
}

/// Give a profile another name; it stays signed in
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile rename work office
  device-login profile rename lobby entrance")]
struct Rename {
    /// The name that it has
    #[arg(value_name = "OLD")]
    old: ProfileName,
    /// The name that it gets
    #[arg(value_name = "NEW", value_hint = ValueHint::Other)]
    new: ProfileName,
}

/// Remove a profile and what the store keeps of it
///
/// Does not revoke the grant: `logout` does.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile remove work
  device-login profile remove work --force")]
struct Remove {
    /// The profile to remove
    name: ProfileName,
    /// Remove it although it is signed in; its grant stays valid at the provider
    #[arg(long)]
    force: bool,
}

impl ProfileCommand {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        match self.action {
            Action::Add(add) => add.run(context),
            Action::List(List {}) => list(context),
            Action::Show(show) => show.run(context),
            Action::Use(name) => name.run(context),
            Action::Edit(edit) => edit.run(context),
            Action::Rename(rename) => rename.run(context),
            Action::Remove(remove) => remove.run(context),
            Action::Export(export) => export.run(context),
        }
    }
}

impl Add {
    fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let (provider, data_center) = service.config.canonical(self.provider.clone(), self.data_center.clone());
        let dialect = service.config.providers.get(&provider).map(ProviderSource::dialect);
        if let Some(dialect) = dialect.filter(|dialect| dialect.needs_scope && self.scopes.is_none()) {
            return Err(Error::new(Code::Usage, format!("profile `{}` cannot be added", self.name))
                .because(format!("no scope is named, and {} approves nothing without one", dialect.display_name))
                .advise(format!("give some, such as `--scopes {}`", dialect.default_scope)));
        }
        let secret = self.secret(context)?;
        let profile = Profile {
            name: self.name,
            provider,
            data_center,
            client_id: self.client_id,
            scopes: self.scopes.map(|scopes| scopes.0).unwrap_or_default(),
            client_type: self.client_type,
            redirect_uri: self.redirect_uri,
            client_secret: SecretSource::Store,
            client_secret_files: std::collections::BTreeMap::new(),
            allowed_origins: Vec::new(),
            git_hosts: Vec::new(),
        };
        let has_secret = secret.is_some();
        for advice in service.advice_on_scopes(&profile) {
            context.output.say(&format!("warning: {advice}"));
        }
        let is_by_browser = matches!(profile.client_type, ClientType::ServerBased | ClientType::Mobile);
        if is_by_browser && profile.redirect_uri.is_none() {
            context.output.note(
                "Its clients sign in through a browser: put the `redirect_uri` that is registered into the profile.",
            );
        }
        let config = context.interrupts.block_on(service.add_profile(&profile, secret))?;
        let name = &profile.name;
        if !has_secret {
            let advice = format!("`device-login profile edit {name} --client-secret-stdin` takes it");
            context.output.note(&format!("No client secret was given; if the provider gave one, {advice}."));
        }
        let file = config.file.display();
        context.output.text(&format!("Added profile {name} to {file}. Next: device-login login {name}"))
    }

    /// From where the flags say; asked for on a terminal. A client may have none.
    fn secret(&self, context: &Context) -> Result<Option<Secret>, Error> {
        let given = given_secret(context, self.client_secret_file.as_deref(), self.client_secret_stdin)?;
        if given.is_some() || !prompt::is_possible() {
            return Ok(given);
        }
        prompt::client_secret_or_none(context, "Client secret")
    }
}

/// The client's secret from the file or the stdin that the flags name.
fn given_secret(context: &Context, file: Option<&Path>, from_stdin: bool) -> Result<Option<Secret>, Error> {
    match file {
        Some(file) => {
            let (secret, warning) = config::read_given_secret(file)?;
            context.output.warn(warning.as_slice());
            Ok(Some(secret))
        }
        None if from_stdin => prompt::client_secret(context).map(Some),
        None => Ok(None),
    }
}

fn list(context: &Context) -> Result<(), Error> {
    let config = context.service()?.config;
    if config.profiles.is_empty() {
        context.output.note("There is no profile yet. `device-login profile add` adds one.");
        return Ok(());
    }
    let lines: Vec<String> = config.profiles.values().map(|profile| list_line(profile, &config)).collect();
    context.output.text(&lines.join("\n"))
}

fn list_line(profile: &Profile, config: &Config) -> String {
    let data_center = profile.data_center.as_ref();
    let place = data_center.map_or_else(String::new, |code| format!(" {}", words::data_center(code)));
    let is_default = config.profile(None).is_ok_and(|default| default.name == profile.name);
    let default = if is_default { "\tdefault" } else { "" };
    format!("{}\t{}{place}{default}", profile.name, profile.provider)
}

impl Show {
    fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        context.output.text(&shown(profile, &service)?)
    }
}

fn shown(profile: &Profile, service: &Service) -> Result<String, Error> {
    let status = service.status(profile, clock::wall());
    let client_secret = match &profile.client_secret {
        SecretSource::File(path) => format!("in the file {}", path.display()),
        SecretSource::Variable(name) => format!("in the variable {name}"),
        SecretSource::Store if service.has_stored_secret(profile)? => "in the store".to_owned(),
        SecretSource::Store => "none".to_owned(),
    };
    let first = || Some(format!("the provider's first ({})", service.config.data_center_code(profile)?));
    let data_center = profile.data_center.clone().or_else(first);
    let mut lines = vec![("profile", profile.name.to_string()), ("provider", profile.provider.clone())];
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
    for (index, scope) in profile.scopes.iter().enumerate() {
        let words = catalog::scope_in_words(scope);
        let scope = if words == *scope { words } else { format!("{scope} ({words})") };
        lines.push((if index == 0 { "scopes" } else { "" }, scope));
    }
    lines.push(("state", status.state.word().replace('_', " ")));
    lines.extend(status.account.as_ref().map(|account| ("account", account.label().to_owned())));
    lines.extend(status.api_domain.clone().map(|domain| ("API domain", domain)));
    lines.extend(status.warnings.iter().map(|warning| ("warning", warning.clone())));
    if let Some(protection) = &status.protection {
        let place = protection.place.as_ref().map_or_else(String::new, |place| format!("{place}, "));
        lines.push(("store", format!("{place}{protection}")));
    }
    lines.push(("configuration", service.config.file.display().to_string()));
    let lines: Vec<String> = lines.iter().map(|(label, value)| format!("{label:15}{value}")).collect();
    Ok(lines.join("\n"))
}

impl Use {
    fn run(self, context: &Context) -> Result<(), Error> {
        context.service()?.use_profile(&self.name)?;
        context.output.text(&format!("Profile {} is used where none is named.", self.name))
    }
}

impl Rename {
    fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(Some(&self.old))?;
        context.interrupts.block_on(service.rename_profile(profile, &self.new))?;
        context.output.text(&format!("Renamed profile {} to {}.", self.old, self.new))
    }
}

impl Remove {
    fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let name = &self.name;
        match service.config.profile(Some(name)) {
            Ok(profile) => drop(context.interrupts.block_on(service.remove_profile(profile, self.force))?),
            Err(_) if self.force && service.has_left_over(name) => {
                context.interrupts.block_on(service.remove_left_over(name))?;
            }
            Err(unknown) if service.has_left_over(name) => {
                let delete = Advice::RemoveAnyway(name.clone()).and(" to delete it");
                return Err(unknown.adding("the store still has its record").advise_only(delete));
            }
            Err(unknown) => return Err(unknown),
        }
        if self.force {
            context.output.note("A grant that it may have had was not revoked: it stays valid at the provider.");
        }
        context.output.text(&format!("Removed profile {}.", self.name))
    }
}
