//! `logout`: revokes the grant, then forgets it, and says which of the two worked.

use clap::Args;

use super::Positional;
use super::context::Context;
use crate::error::Error;

/// Revoke the grant at the provider and forget it here
#[derive(Args)]
pub(super) struct Logout {
    #[command(flatten)]
    profile: Positional,
    /// Only forget it here; the grant stays valid at the provider
    #[arg(long)]
    local: bool,
}

impl Logout {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let signed_out = context.interrupts.block_on(service.sign_out(profile, self.local))?;
        let name = &profile.name;
        let is_over = signed_out.revoked.is_some() || signed_out.forgotten;
        if matches!(signed_out.revoked, Some(Ok(()))) {
            let provider = service.config.provider(profile)?.dialect().display_name;
            context.output.text(&format!("Revoked: {provider} no longer accepts the tokens of profile {name}."))?;
        }
        if signed_out.is_noted {
            context.output.text(&format!(
                "Signed out: profile {name} cannot be used any more. Its token stays in the store only to be revoked; \
                 the next logout or login of the profile tries again."
            ))?;
        } else if signed_out.forgotten {
            context.output.text(&format!("Forgotten: the tokens of profile {name} are gone from this machine."))?;
            if self.local {
                context.output.note("The grant was not revoked: it stays valid at the provider.");
            }
        } else if !is_over {
            context.output.text(&format!("Profile {name} was not signed in."))?;
        }
        match signed_out.revoked {
            Some(Err(error)) => Err(match error.hint.clone().filter(|_| signed_out.is_noted) {
                Some(by_hand) => error.hint(format!("`device-login logout {name}` tries again; or {by_hand}")),
                None => error,
            }),
            _ => Ok(()),
        }
    }
}
