//! `refresh`: a new access token, now.

use clap::Args;

use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::error::Error;
use crate::service::Freshness;

/// Get a new access token now
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login refresh
  device-login refresh work")]
pub(super) struct Refresh {
    #[command(flatten)]
    profile: Positional,
}

impl Refresh {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let token = context.interrupts.block_on(service.token(profile, Freshness::Forced))?;
        context.output.warn(token.warning.as_slice());
        let good = token.expires_at.map(|end| {
            let good_for = words::duration(clock::wall().duration_until(end).unsigned_abs());
            format!(", good for {good_for}, until {}", words::hour_and_minute(end))
        });
        let good = good.unwrap_or_else(|| "; the provider names no end".to_owned());
        context.output.text(&format!("Profile {} has a new access token{good}.", profile.name))
    }
}
