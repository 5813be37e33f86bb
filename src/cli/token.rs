//! `token`: a valid access token for a script. The stored one is printed without runtime, network or lock.

mod exec_credential;

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;

use self::exec_credential::ExecCredential;
use super::context::Context;
use super::{Positional, words};
use crate::clock;
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::secret::Secret;
use crate::service::{DEFAULT_MIN_TTL, FreshToken, Freshness, Service};
use crate::shell::Shell;

const EXAMPLES: &str = "\
Examples:
  device-login token
  device-login token work --min-ttl 30m
  header=$(device-login token work --format header)
  eval \"$(device-login token --format env)\"";

/// Print a valid access token, refreshing it first if it ends soon
///
/// Never starts a sign-in: without a grant it ends with 4.
#[derive(Args, Default)]
#[cfg_attr(test, derive(Debug))]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[expect(clippy::struct_field_names, reason = "fields are named as their flags are")]
pub(super) struct Token {
    #[command(flatten)]
    profile: Positional,
    /// How long the token must last at least [default: 5m]
    ///
    /// A provider whose tokens never last that long is asked again when half their life is over.
    #[arg(long, value_name = "TIME", value_parser = words::parse_duration, allow_hyphen_values = true)]
    min_ttl: Option<Duration>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "raw")]
    format: Format,
    /// Say on stderr when the token ends
    #[arg(long)]
    show_expiry: bool,
    /// Print the `id_token`, which says who approved, in place of the access token
    ///
    /// There is one where the scope `openid` was granted.
    #[arg(long)]
    id_token: bool,
    /// Refresh even if the stored token is still good
    #[arg(long, conflicts_with = "min_ttl")]
    force: bool,
    /// Print the old token even if the provider has refused to refresh it, though others may not take it any more
    #[arg(long)]
    stale: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The token alone
    #[default]
    Raw,
    /// As the header `Authorization`, with the scheme that the API wants
    Header,
    /// Variables for `eval` in a POSIX shell
    Env,
    /// Variables for `source` in fish
    Fish,
    /// Variables for `Invoke-Expression` in PowerShell
    Powershell,
    /// A JSON object with the token's end
    Json,
    /// For kubectl: the `id_token` if there is one, else the access token
    ExecCredential,
}

impl Format {
    /// Whether an `id_token` can stand in the place of the access token.
    fn takes_id_token(self) -> bool {
        matches!(self, Format::Raw | Format::Header | Format::ExecCredential)
    }
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
    /// As it is without any option.
    pub(super) fn plain(name: Option<ProfileName>) -> Self {
        Self { profile: Positional { name }, ..Self::default() }
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        context.output.use_json(self.format == Format::Json);
        if self.id_token && !self.format.takes_id_token() {
            return Err(Error::new(Code::Usage, "`--id-token` does not go with this `--format`")
                .advise("use `raw`, `header` or `exec-credential`"));
        }
        let name = context.profile_name(&self.profile)?;
        let service = context.service_for(name.as_ref())?;
        let profile = service.config.profile(name.as_ref())?;
        let freshness = match (self.force, self.min_ttl) {
            (true, _) => Freshness::Forced,
            (false, Some(min_ttl)) => Freshness::AtLeast(min_ttl),
            (false, None) => Freshness::Default,
        };
        let mut token = self.obtain(&service, profile, freshness, context)?;
        let wanted = self.min_ttl.unwrap_or(DEFAULT_MIN_TTL);
        if self.wants_id_token() && !token.has_lasting_id_token(wanted, clock::wall()) && !self.force {
            // It may end before the access token, and comes with a new one only.
            token = match self.obtain(&service, profile, Freshness::Forced, context) {
                Ok(renewed) => renewed,
                // Nothing is wrong with the one that is there while it lasts.
                Err(error)
                    if error.code.is_retryable() && token.has_lasting_id_token(Duration::ZERO, clock::wall()) =>
                {
                    FreshToken { warning: Some(format!("the `id_token` ends soon: {error}")), ..token }
                }
                Err(error) => return Err(error),
            };
        }
        if let Some(warning) = &token.warning {
            context.output.note(&format!("warning: {warning}"));
        } else if let Some((end, min_ttl)) = token.expires_at.zip(self.min_ttl)
            && end < clock::later(clock::wall(), min_ttl)
        {
            let shorter = format!("the provider's tokens never last {}", words::duration(min_ttl));
            context.output.note(&format!("{} Note that {shorter}.", expiry(Some(end), clock::wall())));
        }
        let dialect = service.config.provider(profile)?.dialect();
        self.print(&token, profile, dialect, context)
    }

    fn obtain(
        &self,
        service: &Service,
        profile: &Profile,
        freshness: Freshness,
        context: &Context,
    ) -> Result<FreshToken, Error> {
        if let Some(token) = service.stored_token(profile, freshness, clock::wall())? {
            return Ok(token);
        }
        match minted(service, profile, freshness, context) {
            Err(refusal) if self.stale && refusal.code == Code::SignInNeeded => {
                service.stale_token(profile, refusal, clock::wall())
            }
            token => token,
        }
    }

    fn wants_id_token(&self) -> bool {
        self.id_token || self.format == Format::ExecCredential
    }

    fn print(&self, token: &FreshToken, profile: &Profile, dialect: &Dialect, context: &Context) -> Result<(), Error> {
        let id_token = token.id_token.as_ref().filter(|_| self.wants_id_token());
        if self.id_token && id_token.is_none() {
            return Err(no_id_token(profile));
        }
        let secret = id_token.unwrap_or(&token.access_token).expose();
        let expires_at = if id_token.is_some() { token.id_token_expires_at() } else { token.expires_at };
        if self.show_expiry {
            context.output.say(&expiry(expires_at, clock::wall()));
        }
        let print_for = |shell: Shell| {
            let lines: Vec<String> =
                variables(token, dialect).iter().map(|(name, value)| shell.set(name, value.expose())).collect();
            context.output.text(&lines.join("\n"))
        };
        match self.format {
            Format::Raw => context.output.text(secret),
            Format::Env => print_for(Shell::Posix),
            Format::Fish => print_for(Shell::Fish),
            Format::Powershell => print_for(Shell::PowerShell),
            Format::Header => {
                let scheme = if id_token.is_some() { "Bearer" } else { dialect.api_scheme };
                context.output.text(&format!("Authorization: {scheme} {secret}"))
            }
            Format::ExecCredential => {
                context.output.json(&ExecCredential::new(exec_credential::version()?, secret, expires_at))
            }
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

/// Not a part of its caller, whose frame every token needs.
#[cold]
fn minted(service: &Service, profile: &Profile, freshness: Freshness, context: &Context) -> Result<FreshToken, Error> {
    context.interrupts.block_on(service.token(profile, freshness))
}

/// The variables that programs are given a token in.
pub(super) fn variables(token: &FreshToken, dialect: &Dialect) -> Vec<(String, Secret)> {
    let mut values = vec![("ACCESS_TOKEN", token.access_token.clone())];
    values.extend(token.api_domain.as_ref().map(|domain| ("API_DOMAIN", Secret::new(domain))));
    let prefixes = ["DEVICE_LOGIN"].into_iter().chain(dialect.variable_prefix);
    prefixes
        .flat_map(|prefix| values.iter().map(move |(name, value)| (format!("{prefix}_{name}"), value.clone())))
        .collect()
}

/// When a token ends, in a sentence.
fn expiry(end: Option<Timestamp>, now: Timestamp) -> String {
    match end {
        None => "The token has no end that is known.".to_owned(),
        Some(end) if end <= now => format!("The token ended at {}.", words::date_and_time(end)),
        Some(end) => {
            let left = words::duration(now.duration_until(end).unsigned_abs());
            format!("The token is good for {left}, until {}.", words::date_and_time(end))
        }
    }
}

fn no_id_token(profile: &Profile) -> Error {
    let is_asked_for = profile.scopes.iter().any(|scope| scope == "openid");
    let error = Error::new(Code::SignInNeeded, format!("there is no `id_token` of profile `{}`", profile.name));
    let sign_in = Advice::SignIn(profile.name.clone());
    if is_asked_for {
        error.because("the provider gave none, or none with the last refresh").advise(sign_in)
    } else {
        let error = error.because("the scope `openid` is not among its scopes");
        error.advise(profile.adding_scopes(&["openid".to_owned()])).advise(sign_in.after("then "))
    }
}
