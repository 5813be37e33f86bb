//! `refresh`: a new access token, now.

use clap::Args;

use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::error::Error;
use crate::service::Freshness;

/// Mint a new access token now
#[derive(Args)]
pub(super) struct Refresh {
    #[command(flatten)]
    profile: Positional,
}

impl Refresh {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let token = context.interrupts.block_on(service.token(profile, Freshness::Forced))?;
        let remaining = clock::wall().duration_until(token.expires_at).unsigned_abs();
        let (name, until) = (&profile.name, words::time_of_day(token.expires_at));
        let good_for = words::duration(remaining);
        context.output.text(&format!("Profile {name} has a new access token, good for {good_for}, until {until}."))
    }
}
