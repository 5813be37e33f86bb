//! `whoami`: the account behind a profile, asked from the provider.

use clap::Args;
use serde::Serialize;

use super::Positional;
use super::context::Context;
use crate::error::Error;
use crate::storage::Account;

/// Ask the provider which account is behind the profile
#[derive(Args)]
#[command(after_long_help = "Examples:
  device-login whoami
  device-login whoami work --json")]
pub(super) struct Whoami {
    #[command(flatten)]
    profile: Positional,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct WhoamiJson<'a> {
    schema_version: u32,
    profile: &'a str,
    account: &'a Account,
}

impl Whoami {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.json);
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let account = context.interrupts.block_on(service.whoami(profile))?;
        if self.json {
            let profile = profile.name.as_str();
            return context.output.json(&WhoamiJson { schema_version: 1, profile, account: &account });
        }
        context.output.text(&in_words(&account))
    }
}

fn in_words(account: &Account) -> String {
    match (&account.name, &account.email) {
        (Some(name), Some(email)) => format!("{name} <{email}>, id {}", account.id),
        (Some(one), None) | (None, Some(one)) => format!("{one}, id {}", account.id),
        (None, None) => format!("id {}", account.id),
    }
}
