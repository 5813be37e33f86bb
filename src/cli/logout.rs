//! `logout`: revokes the grant, then forgets it, and says which of the two worked.

use clap::Args;

use super::Positional;
use super::context::Context;
use super::profile::kept_without_profile;
use crate::error::Error;

/// Revoke the grant at the provider and forget it
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login logout work
  device-login logout work --local")]
pub(super) struct Logout {
    #[command(flatten)]
    profile: Positional,
    /// Only forget it; the grant stays valid at the provider
    #[arg(long)]
    local: bool,
}

impl Logout {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let named = context.profile_name(&self.profile)?;
        let profile = service.config.profile(named.as_ref()).map_err(|unknown| match &named {
            Some(name) => kept_without_profile(context, &service, unknown, name),
            None => unknown,
        })?;
        let signed_out = context.interrupts.block_on(service.sign_out(profile, self.local))?;
        let name = &profile.name;
        // What the provider refuses to revoke is kept no longer.
        let is_forgotten = signed_out.forgotten || matches!(signed_out.revoked, Some(Err(_)));
        if matches!(signed_out.revoked, Some(Ok(()))) {
            let provider = service.config.provider(profile)?.dialect().display_name;
            context.output.text(&format!("Revoked: {provider} no longer accepts the tokens of profile {name}."))?;
        }
        if signed_out.is_noted {
            context.output.text(&format!(
                "Signed out: profile {name} cannot be used any more. Its token stays in the store only to be revoked; \
                 the next logout or login of the profile tries again."
            ))?;
        } else if is_forgotten {
            let place =
                if service.store().is_shared() { "the store, for all machines that share it" } else { "this machine" };
            context.output.text(&format!("Forgotten: the tokens of profile {name} are gone from {place}."))?;
            match signed_out.ended {
                Some(why) if signed_out.revoked.is_none() => {
                    context.output.note(&format!("The grant had ended already: {why}."));
                }
                None if self.local => {
                    context.output.note("The grant was not revoked: it stays valid at the provider.");
                }
                _ => {}
            }
        } else if signed_out.revoked.is_none() && !signed_out.gave_up {
            context.output.text(&format!("Profile {name} was not signed in."))?;
        }
        for other in &signed_out.also_ended {
            context.output.text(&format!("Ended with it: the sign-in of profile {other}."))?;
        }
        if signed_out.gave_up {
            context.output.text(&format!("Given up: the sign-in of profile {name} that was pending."))?;
        }
        if signed_out.left_alive > 0 {
            let count = match signed_out.left_alive {
                1 => "1 grant of an earlier sign-in".to_owned(),
                count => format!("{count} grants of earlier sign-ins"),
            };
            context.output.say(&format!(
                "warning: {count} of profile {name} may still be valid at the provider: nobody has revoked what was \
                 replaced or forgotten here."
            ));
        }
        match signed_out.revoked {
            Some(Err(error)) if signed_out.is_noted => Err(error),
            // The provider has given its answer, and there is nothing to try again.
            Some(Err(error)) => {
                let hint = match error.advice.as_slice() {
                    [] => String::new(),
                    by_hand => format!(". To be sure, {}", context.output.program.in_line(by_hand)),
                };
                context.output.say(&format!("warning: {error}{hint}."));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
