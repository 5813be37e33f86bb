//! `token`: a valid access token for a script. The stored one is printed without runtime, network or lock.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::providers::Dialect;
use crate::service::{FreshToken, Freshness};

const EXAMPLES: &str = "\
Examples:
  device-login token
  device-login token work --min-ttl 30m
  header=$(device-login token work --format header)
  eval \"$(device-login token --format env)\"";

/// Print a valid access token, refreshing it first if it ends soon
///
/// Never starts a sign-in: without a grant it ends with 4.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Token {
    #[command(flatten)]
    profile: Positional,
    /// How long the token must last at least [default: 5m]
    ///
    /// A provider whose tokens never last that long is asked again when half their life is over.
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration)]
    min_ttl: Option<Duration>,
    /// How to print it: alone, as a header, as shell variables, or as JSON with its end
    #[arg(long, value_name = "FORMAT", default_value = "raw")]
    format: Format,
    /// Refresh even if the stored token is still good
    #[arg(long, conflicts_with = "min_ttl")]
    force: bool,
    /// Print the old token even if the provider has refused to refresh it, though others may not take it any more
    #[arg(long)]
    stale: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Raw,
    Header,
    Env,
    Json,
}

#[derive(Serialize)]
struct TokenJson<'a> {
    schema_version: u32,
    profile: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_domain: Option<&'a str>,
}

impl Token {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if self.format == Format::Json {
            context.output.use_json();
        }
        let service = context.service()?;
        let profile = service.config.profile(context.profile_name(&self.profile)?.as_ref())?;
        let freshness = match (self.force, self.min_ttl) {
            (true, _) => Freshness::Forced,
            (false, Some(min_ttl)) => Freshness::AtLeast(min_ttl),
            (false, None) => Freshness::Default,
        };
        let token = match service.stored_token(profile, freshness, clock::wall())? {
            Some(token) => token,
            None => match context.interrupts.block_on(service.token(profile, freshness)) {
                Err(refusal) if self.stale && refusal.code == Code::SignInNeeded => {
                    service.stale_token(profile, refusal, clock::wall())?
                }
                token => token?,
            },
        };
        if let Some(warning) = &token.warning {
            context.output.note(&format!("warning: {warning}"));
        }
        let dialect = service.config.provider(profile)?.dialect();
        self.print(&token, profile, dialect, context)
    }

    fn print(&self, token: &FreshToken, profile: &Profile, dialect: &Dialect, context: &Context) -> Result<(), Error> {
        let secret = token.access_token.expose();
        match self.format {
            Format::Raw => context.output.text(secret),
            Format::Header => context.output.text(&format!("Authorization: {} {secret}", dialect.api_scheme)),
            Format::Env => context.output.text(&variables(token, dialect)),
            Format::Json => context.output.json(&TokenJson {
                schema_version: 1,
                profile: profile.name.as_str(),
                access_token: secret,
                token_type: dialect.api_scheme,
                expires_at: token.expires_at.map(words::rfc3339),
                expires_in: token.expires_at.map(|end| words::seconds_until(end, clock::wall())),
                api_domain: token.api_domain.as_deref(),
            }),
        }
    }
}

/// Lines for `eval` in a shell.
fn variables(token: &FreshToken, dialect: &Dialect) -> String {
    let mut values = vec![("ACCESS_TOKEN", token.access_token.expose())];
    values.extend(token.api_domain.as_deref().map(|domain| ("API_DOMAIN", domain)));
    let mut lines = Vec::new();
    for prefix in ["DEVICE_LOGIN"].into_iter().chain(dialect.variable_prefix) {
        for (name, value) in &values {
            lines.push(format!("export {prefix}_{name}='{}'", value.replace('\'', r"'\''")));
        }
    }
    lines.join("\n")
}
