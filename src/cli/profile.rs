//! `profile`: adds, lists, shows, changes and removes profiles.

mod edit;
mod export;
mod shown;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::context::Context;
use super::{Positional, full_screen, prompt, terminal, words};
use crate::clock;
use crate::config::{self, ClientType, Config, Profile, ProviderSource};
use crate::error::{Advice, Code, Error, Value, Way};
use crate::profile::ProfileName;
use crate::registered::RedirectUri;
use crate::secret::Secret;
use crate::service::{LeftOver, Service};
use crate::words::date_and_time;

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
/// On a terminal, without any of these options, it opens the form of the screens. The client's secret goes into the store. It is
/// read from a file, from stdin, or asked for; never from the command line, where others could see it.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile add
  device-login profile add work --provider zoho --data-center eu \\
      --client-id 1000.ABC --scopes ZohoCRM.users.READ
  device-login profile add corp --provider corp --client-id app \\
      --client-secret-stdin < secret")]
#[command(override_usage = "device-login profile add [NAME --provider <PROVIDER> --client-id <ID>]\n       [OPTIONS]")]
struct Add {
    /// The new profile's name
    #[arg(value_hint = ValueHint::Other)]
    name: Option<ProfileName>,
    /// `zoho`, or a provider of the configuration
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    #[command(flatten)]
    values: Values,
}

/// What a profile is given when it is added, and gets others of later.
#[derive(Args)]
struct Values {
    /// Where the client is registered: `us`, `eu`, `in` and others
    #[arg(long, value_name = "CODE")]
    data_center: Option<String>,
    /// The client's id, as the provider's console shows it
    #[arg(long, value_name = "ID", value_parser = words::parse_client_id)]
    client_id: Option<String>,
    /// What the client is registered as, in the words of Zoho's API console: `non-browser` (if left out for a new profile),
    /// `self-client`, `server-based`, `mobile` (or `desktop`)
    #[arg(long, value_name = "TYPE")]
    client_type: Option<ClientType>,
    /// Where the client is registered to send browsers, for `login --web`
    #[arg(long, value_name = "ADDRESS", value_parser = words::parse_redirect_uri)]
    redirect_uri: Option<RedirectUri>,
    /// The file with the client's secret
    #[arg(long, value_name = "FILE", value_parser = words::file_to_read(), conflicts_with = "client_secret_stdin")]
    client_secret_file: Option<PathBuf>,
    /// Read the client's secret from stdin
    #[arg(long)]
    client_secret_stdin: bool,
    #[command(flatten)]
    argument: SecretInArgument,
    /// What to ask for, separated by commas
    #[arg(long, value_name = "A,B")]
    scopes: Option<words::Scopes>,
}

/// What people try who have not read how a secret is given.
#[derive(Args)]
struct SecretInArgument {
    /// The client's secret, which is refused
    #[arg(long, value_name = "SECRET", num_args = 0..=1, default_missing_value = "", hide = true)]
    client_secret: Option<String>,
}

impl SecretInArgument {
    fn check(&self) -> Result<(), Error> {
        if self.client_secret.is_none() {
            return Ok(());
        }
        Err(Error::new(Code::Usage, "the client's secret is never taken from the command line")
            .because("other users of this machine see the arguments of programs, and shells keep them")
            .advise("give it by `--client-secret-stdin` or `--client-secret-file FILE`")
            .advise("make a new one in the provider's console if this was the real one"))
    }
}

/// List the profiles of the configuration
///
/// On a terminal as a table; elsewhere with tabs between name, provider and `default`.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile list
  device-login profile list | cut -f 1
  device-login profile list --json")]
struct List {
    /// Print the profiles as one JSON object
    #[arg(long)]
    json: bool,
}

/// Show all that is configured for a profile, where each value comes from, and no secret
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile show
  device-login profile show work --json")]
struct Show {
    #[command(flatten)]
    profile: Positional,
    /// Print the profile as one JSON object
    #[arg(long)]
    json: bool,
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
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        let done = |()| 0;
        match self.action {
            Action::Add(add) => add.run(context),
            Action::List(list) => list.run(context).map(done),
            Action::Show(show) => show.run(context).map(done),
            Action::Use(name) => name.run(context).map(done),
            Action::Edit(edit) => edit.run(context),
            Action::Rename(rename) => rename.run(context).map(done),
            Action::Remove(remove) => remove.run(context).map(done),
            Action::Export(export) => export.run(context).map(done),
        }
    }
}

impl Add {
    fn run(self, context: &Context) -> Result<u8, Error> {
        self.values.argument.check()?;
        let (Some(name), Some(provider), Some(client_id)) =
            (self.name.clone(), self.provider.clone(), self.values.client_id.clone())
        else {
            return self.ask(context);
        };
        self.add(context, name, provider, client_id).map(|()| 0)
    }

    /// Has a person give what no flag does: in the form of the screens, or line by line.
    fn ask(self, context: &Context) -> Result<u8, Error> {
        let is_nothing_given = self.provider.is_none() && !self.values.are_given();
        if is_nothing_given && !terminal::is_accessible() && terminal::lack().is_none() {
            return full_screen::add_profile(context, self.name);
        }
        if is_nothing_given && prompt::is_possible() {
            let service = context.service()?;
            self.name.as_ref().map_or(Ok(()), |name| service.check_is_free(name))?;
            context.output.say("A few questions make a profile; Ctrl-C ends them.");
            let (profile, secret) = prompt::new_profile(context, &service.config, self.name.as_ref())?;
            let config = context.interrupts.block_on(service.add_profile(&profile, secret))?;
            return added(context, &service, &profile, &config).map(|()| 0);
        }
        let needed = [
            ("NAME", self.name.is_some()),
            ("--provider", self.provider.is_some()),
            ("--client-id", self.values.client_id.is_some()),
        ];
        let missing: Vec<&str> = needed.iter().filter(|(_, is_given)| !is_given).map(|(name, _)| *name).collect();
        Err(Error::new(Code::Usage, "no profile was added")
            .because(format!("{} {} missing", missing.join(", "), if missing.len() == 1 { "is" } else { "are" }))
            .advise(
                "give `NAME --provider PROVIDER --client-id ID`, and `--scopes A,B` where the provider wants some; without any \
                 of them, a terminal gets the form",
            ))
    }

    fn add(self, context: &Context, name: ProfileName, provider: String, client_id: String) -> Result<(), Error> {
        let service = context.service_about(Some(&name))?;
        service.check_is_free(&name)?;
        let (provider, data_center) = service.config.canonical(provider, self.values.data_center.clone());
        let dialect = service.config.providers.get(&provider).map(ProviderSource::dialect);
        if let Some(dialect) = dialect.filter(|dialect| dialect.needs_scope && self.values.scopes.is_none()) {
            return Err(Error::new(Code::Usage, format!("profile `{name}` cannot be added"))
                .because(format!("no scope is named, and {} approves nothing without one", dialect.display_name))
                .advise(format!("give some, such as `--scopes {}`", dialect.default_scope)));
        }
        let secret = self.secret(context)?;
        let profile = Profile {
            data_center,
            scopes: self.values.scopes.map(|scopes| scopes.0).unwrap_or_default(),
            client_type: self.values.client_type.unwrap_or_default(),
            redirect_uri: self.values.redirect_uri,
            ..Profile::new(name, provider, client_id)
        };
        let has_secret = secret.is_some();
        context.output.warn(&service.advice_on_scopes(&profile, &profile.scopes));
        let config = context.interrupts.block_on(service.add_profile(&profile, secret))?;
        let name = &profile.name;
        if !has_secret {
            let give = context.output.program.said(&Advice::GiveSecret(Some(name.clone())));
            context.output.note(&format!("No client secret was given; if the provider gave one: {give}."));
        }
        added(context, &service, &profile, &config)
    }

    /// From where the flags say; asked for on a terminal. A client may have none.
    fn secret(&self, context: &Context) -> Result<Option<Secret>, Error> {
        let given = self.values.given_secret(context)?;
        if given.is_some() || !prompt::is_possible() {
            return Ok(given);
        }
        prompt::client_secret_or_none(context, "Client secret")
    }
}

impl Values {
    fn are_given(&self) -> bool {
        self.data_center.is_some()
            || self.client_id.is_some()
            || self.client_type.is_some()
            || self.redirect_uri.is_some()
            || self.scopes.is_some()
            || self.have_secret()
    }

    fn have_secret(&self) -> bool {
        self.client_secret_file.is_some() || self.client_secret_stdin
    }

    /// The client's secret from the file or the stdin that the flags name.
    fn given_secret(&self, context: &Context) -> Result<Option<Secret>, Error> {
        match &self.client_secret_file {
            Some(file) => {
                let (secret, warning) = config::read_given_secret(file)?;
                context.output.warn(warning.as_slice());
                Ok(Some(secret))
            }
            None if self.client_secret_stdin => prompt::client_secret(context).map(Some),
            None => Ok(None),
        }
    }
}

fn added(context: &Context, service: &Service, profile: &Profile, config: &Config) -> Result<(), Error> {
    let (name, file) = (&profile.name, config.file.display());
    let (left, grant) = service.found_left_over(profile);
    let next = if left == LeftOver::SignedIn {
        Advice::SignOut(name.clone()).after("to end the sign-in that it has, ")
    } else if left == LeftOver::Unrevoked {
        Advice::SignOut(name.clone()).after("to revoke the grant that it had, ")
    } else if profile.client_type.way() == Some(Way::Web) && profile.redirect_uri.is_none() {
        Advice::EditValue(name.clone(), Value::RedirectUri)
            .after("next, give the one that the client is registered with: ")
    } else {
        Advice::SignIn(name.clone()).after("next, ")
    };
    context.output.text(&format!("Added profile {name} to {file}; {}.", context.output.program.said(&next)))?;
    if let Some(grant) = grant.filter(|_| left == LeftOver::SignedIn) {
        let account = grant.account.map_or_else(String::new, |account| format!(" as {}", account.label()));
        let since = date_and_time(grant.approved_at, &clock::zone());
        context.output.note(&format!(
            "The store had a sign-in{account} of a profile {name} of the same client, since {since}: it goes on."
        ));
    }
    tell_of_default(context, name, config);
    Ok(())
}

/// Tells of a profile that another command has added on its way.
pub(super) fn tell_of_added(context: &Context, added: &ProfileName, config: &Config) {
    context.output.note(&format!("Added profile {added} to {}.", config.file.display()));
    tell_of_default(context, added, config);
}

/// Says what a second profile does to commands that name none.
fn tell_of_default(context: &Context, added: &ProfileName, config: &Config) {
    if let Some(other) = config.meant_before(added) {
        let keep = context.output.program.run(&format!("profile use {other}"));
        context.output.note(&format!("`{other}` was used where no profile is named: {keep} to keep that."));
    }
}

impl Use {
    fn run(self, context: &Context) -> Result<(), Error> {
        context.service_without_default()?.use_profile(&self.name)?;
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
        let left = match service.config.profile(Some(name)) {
            Ok(profile) => context.interrupts.block_on(service.remove_profile(profile, self.force))?.1,
            Err(unknown) => match service.left_over(name).filter(|_| self.force) {
                Some(left) => {
                    context.interrupts.block_on(service.remove_left_over(name))?;
                    left
                }
                None => return Err(kept_without_profile(context, &service, unknown, name)),
            },
        };
        let unrevoked = match left {
            LeftOver::SignedOut => None,
            LeftOver::Copied => {
                Some("It was a copy that a rename left: its sign-in is another profile's, and goes on there.")
            }
            LeftOver::SignedIn => {
                Some("It was signed in, and its grant was not revoked: it stays valid at the provider.")
            }
            LeftOver::Over => Some("Its sign-in was over already, and nothing was revoked."),
            LeftOver::Unrevoked => {
                Some("The grant of an earlier sign-in was not revoked: it stays valid at the provider.")
            }
            LeftOver::Unreadable => {
                Some("A grant that it may have had was not revoked: it stays valid at the provider.")
            }
        };
        if let Some(unrevoked) = unrevoked {
            context.output.note(unrevoked);
        }
        context.output.text(&format!("Removed profile {}.", self.name))
    }
}

/// The same error of a profile that the configuration does not have, unless a record of it stays: removing it was cut short, or the file
/// is away.
pub(super) fn kept_without_profile(context: &Context, service: &Service, unknown: Error, name: &ProfileName) -> Error {
    let Some(left) = service.left_over(name) else { return unknown };
    let has = match left {
        LeftOver::SignedOut => "",
        LeftOver::SignedIn => ", and the profile is signed in",
        LeftOver::Over => ", whose sign-in is over",
        LeftOver::Unrevoked => ", with a grant that is not revoked yet",
        LeftOver::Unreadable => ", which cannot be read",
        LeftOver::Copied => ", a copy of another profile's sign-in that a rename left which was cut short",
    };
    let error = context.telling_place(unknown).adding(format!("the store still has its record{has}"));
    Error { advice: advice_on_left_over(service, name, left), ..error }
}

/// What helps where a record is of no profile that the configuration has.
pub(super) fn advice_on_left_over(service: &Service, name: &ProfileName, left: LeftOver) -> Vec<Advice> {
    let also = match left {
        LeftOver::SignedOut => "",
        LeftOver::Copied => ": another profile has its sign-in",
        _ => ", which revokes nothing",
    };
    let delete = Advice::RemoveAnyway(name.clone()).and(format!(" to delete it{also}"));
    if !service.config.file.exists() {
        return vec!["bring the configuration back where it is only away".into(), delete.after("or ")];
    }
    let lives = matches!(left, LeftOver::SignedIn | LeftOver::Unrevoked);
    let anew = "or add the profile again with the same client: a logout then revokes the grant";
    [delete].into_iter().chain(lives.then(|| anew.into())).collect()
}
