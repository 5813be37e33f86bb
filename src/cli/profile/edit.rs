//! `profile edit`: gives a profile other values, each by its flag.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::given_secret;
use crate::cli::context::Context;
use crate::cli::words;
use crate::clock;
use crate::config::{ClientType, Profile, SecretSource};
use crate::error::Error;
use crate::profile::ProfileName;
use crate::registered::RedirectUri;
use crate::service::{ProfileDraft, Service, State, consequences};

/// Change a profile: each flag gives one of its values, all others stay
///
/// A profile that is signed in gets another client only after `logout`, since its grant belongs to the one that it has.
#[derive(Args)]
#[group(skip)]
#[command(group(ArgGroup::new("changes").required(true).multiple(true)))]
pub(super) struct Edit {
    /// The profile to change
    name: ProfileName,
    /// Where the client is registered: `us`, `eu`, `in`, …
    #[arg(long, value_name = "CODE", group = "changes")]
    data_center: Option<String>,
    /// The client's id, as the provider's console shows it
    #[arg(long, value_name = "ID", group = "changes", value_parser = words::parse_client_id)]
    client_id: Option<String>,
    /// What the client is registered as: `non-browser`, `self-client`, `server-based`, `mobile` (or `desktop`)
    #[arg(long, value_name = "TYPE", group = "changes")]
    client_type: Option<ClientType>,
    /// Where the client is registered to send browsers, for `login --web`
    #[arg(long, value_name = "ADDRESS", group = "changes", value_parser = words::parse_redirect_uri)]
    redirect_uri: Option<RedirectUri>,
    /// The file with the client's secret
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_stdin", group = "changes")]
    client_secret_file: Option<PathBuf>,
    /// Read the client's secret from stdin
    #[arg(long, group = "changes")]
    client_secret_stdin: bool,
    /// What to ask for, separated by commas
    #[arg(long, value_name = "A,B", group = "changes")]
    scopes: Option<words::Scopes>,
}

impl Edit {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let before = service.config.profile(Some(&self.name))?;
        let secret = given_secret(context, self.client_secret_file.as_deref(), self.client_secret_stdin)?;
        let profile = self.applied_to(before);
        for advice in service.advice_on_scopes(&profile) {
            context.output.say(&format!("warning: {advice}"));
        }
        let note = wants_sign_in(&service, before, &profile);
        // A secret that is handed over goes into the store, whatever named it before.
        let client_secret = if secret.is_some() { SecretSource::Store } else { profile.client_secret.clone() };
        let draft = ProfileDraft { profile: Profile { client_secret, ..profile }, provider: None, secret };
        context.interrupts.block_on(service.change_profile(&draft, false))?;
        if let Some(note) = note {
            context.output.note(&note);
        }
        context.output.text(&format!("Changed profile {}.", self.name))
    }

    fn applied_to(&self, before: &Profile) -> Profile {
        let data_center = self.data_center.as_ref().map(|code| code.to_ascii_lowercase());
        Profile {
            data_center: data_center.or_else(|| before.data_center.clone()),
            client_id: self.client_id.clone().unwrap_or_else(|| before.client_id.clone()),
            client_type: self.client_type.unwrap_or(before.client_type),
            redirect_uri: self.redirect_uri.clone().or_else(|| before.redirect_uri.clone()),
            scopes: self.scopes.clone().map_or_else(|| before.scopes.clone(), |scopes| scopes.0),
            ..before.clone()
        }
    }
}

/// What the next sign-in has to bring, where the profile is signed in without it.
fn wants_sign_in(service: &Service, before: &Profile, after: &Profile) -> Option<String> {
    let status = service.status(before, clock::wall());
    if status.state == State::SignedOut {
        return None;
    }
    // Another client is refused to a profile that is signed in, so what is left here leaves the grant alone.
    let consequences = consequences(&service.config, before, after, &status.scopes);
    (!consequences.is_empty()).then(|| {
        let name = &after.name;
        format!("The grant stays as it is; `device-login login {name}` signs in again with what was changed.")
    })
}
