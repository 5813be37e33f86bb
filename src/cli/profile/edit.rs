//! `profile edit`: gives a profile other values, each by its flag.

use clap::Args;

use super::Values;
use crate::cli::context::Context;
use crate::cli::{full_screen, prompt, terminal};
use crate::clock;
use crate::config::{Config, Profile, SecretSource};
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{ChangedEndpoint, ProfileDraft, Service, State, consequences, is_other_client};

/// Change a profile: each flag gives one of its values, all others stay
///
/// On a terminal, without any flag, it opens the form of the screens. A profile that is signed in gets another client only after `logout`, since its grant belongs to the one that it has.
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login profile edit work --scopes ZohoCRM.users.READ,Desk.basic.READ
  device-login profile edit work --client-secret-stdin < secret
  device-login profile edit work --accept-endpoints")]
#[command(override_usage = "device-login profile edit <NAME> [OPTIONS]")]
pub(super) struct Edit {
    /// The profile to change
    name: ProfileName,
    #[command(flatten)]
    values: Values,
    /// The client that `--client-id` names has no secret
    #[arg(long, requires = "client_id", conflicts_with_all = ["client_secret_file", "client_secret_stdin"])]
    no_client_secret: bool,
    /// Let the profile's tokens and stored secret go to the provider's endpoints as they are now
    ///
    /// They go only where they went when they were approved. Where the configuration or the issuer's metadata have come to
    /// name another endpoint, commands end with 2 until it is accepted here. What was and what is are shown.
    #[arg(long)]
    accept_endpoints: bool,
}

impl Edit {
    pub(super) fn run(self, context: &Context) -> Result<u8, Error> {
        self.values.argument.check()?;
        let service = context.service_about(Some(&self.name))?;
        let before = service.config.profile(Some(&self.name))?;
        if !self.values.are_given() && !self.accept_endpoints {
            if !terminal::is_accessible() && terminal::lack().is_none() {
                return full_screen::edit_profile(context, self.name);
            }
            return Err(Error::new(Code::Usage, format!("profile `{}` was not changed", self.name))
                .because("no flag says what is to be changed")
                .advise(
                    "give one, such as `--scopes A,B`, `--client-id ID` or `--client-secret-stdin`; without any, a terminal \
                     gets the form",
                ));
        }
        if self.accept_endpoints {
            accept_endpoints(context, &service, before)?;
        }
        let profile = self.applied_to(before, &service.config);
        if profile == *before && !self.values.have_secret() {
            return if self.accept_endpoints {
                Ok(0)
            } else {
                context.output.text(&format!("Profile {} is so already.", self.name)).map(|()| 0)
            };
        }
        let secret = self.secret(context, &service, before, &profile)?;
        context.output.warn(&service.advice_on_scopes(&profile, &profile.scopes));
        let note = wants_sign_in(context, &service, before, &profile);
        // A secret that is handed over goes into the store, whatever named it before.
        let is_stored = secret.is_some() || self.no_client_secret;
        let client_secret = if is_stored { SecretSource::Store } else { profile.client_secret.clone() };
        let draft = ProfileDraft { profile: Profile { client_secret, ..profile }, provider: None, secret };
        context.interrupts.block_on(service.change_profile(&draft, false))?;
        if let Some(note) = note {
            context.output.note(&note);
        }
        context.output.text(&format!("Changed profile {}.", self.name)).map(|()| 0)
    }

    /// The new secret, from where the flags say; asked for where the stored one goes with the client that it belongs to.
    fn secret(
        &self,
        context: &Context,
        service: &Service,
        before: &Profile,
        after: &Profile,
    ) -> Result<Option<Secret>, Error> {
        let given = self.values.given_secret(context)?;
        if given.is_some() || self.no_client_secret || !is_other_client(before, after) {
            return Ok(given);
        }
        match &before.client_secret {
            SecretSource::Store if service.loses_secret(before, after)? => {}
            SecretSource::Store => return Ok(None),
            SecretSource::File(path) => {
                let path = path.display();
                context.output.note(&format!(
                    "The client's secret still comes from the file {path}: see that it is the new client's."
                ));
                return Ok(None);
            }
            SecretSource::Variable(name) => {
                context.output.note(&format!(
                    "The client's secret still comes from the variable {name}: see that it is the new client's."
                ));
                return Ok(None);
            }
        }
        let goes =
            format!("the secret that the store has belongs to the client {}, and goes with it", before.client_id);
        if !prompt::is_possible() {
            return Err(Error::new(Code::Usage, format!("profile `{}` was not changed", self.name))
                .because(goes)
                .advise(
                    "give the new client's secret by `--client-secret-stdin` or `--client-secret-file FILE`, or say \
                 `--no-client-secret`",
                ));
        }
        context.output.say(&format!("Note that {goes}."));
        prompt::client_secret_or_none(context, &format!("Client secret of {}", after.client_id))
    }

    fn applied_to(&self, before: &Profile, config: &Config) -> Profile {
        let (_, data_center) = config.canonical(before.provider.clone(), self.values.data_center.clone());
        Profile {
            data_center: data_center.or_else(|| before.data_center.clone()),
            client_id: self.values.client_id.clone().unwrap_or_else(|| before.client_id.clone()),
            client_type: self.values.client_type.unwrap_or(before.client_type),
            redirect_uri: self.values.redirect_uri.clone().or_else(|| before.redirect_uri.clone()),
            scopes: self.values.scopes.clone().map_or_else(|| before.scopes.clone(), |scopes| scopes.0),
            ..before.clone()
        }
    }
}

/// Shows what was and what is, and takes that for approved.
fn accept_endpoints(context: &Context, service: &Service, profile: &Profile) -> Result<(), Error> {
    let changed = context.interrupts.block_on(service.accept_endpoints(profile))?;
    let name = &profile.name;
    if changed.is_empty() {
        return context.output.text(&format!("The endpoints of profile {name} are those that were approved."));
    }
    let lines: Vec<String> = changed.iter().map(ChangedEndpoint::in_words).collect();
    context.output.text(&format!("{}\nAccepted: what profile {name} keeps may go there from now on.", lines.join("\n")))
}

/// What the next sign-in has to bring, where the profile is signed in without it.
fn wants_sign_in(context: &Context, service: &Service, before: &Profile, after: &Profile) -> Option<String> {
    let status = service.status(before, clock::wall());
    if status.state == State::SignedOut {
        return None;
    }
    // Another client is refused to a profile that is signed in, so what is left here leaves the grant alone.
    let consequences = consequences(&service.config, before, after, &status.scopes);
    (!consequences.is_empty()).then(|| {
        let again = context
            .output
            .program
            .said(&Advice::SignIn(after.name.clone()).and(" to sign in again with what was changed"));
        format!("The grant stays as it is; {again}.")
    })
}
