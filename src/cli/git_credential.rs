//! `git-credential`: git's credential helper (git-credential(1), gitcredentials(7)). Hands out the access token of the profile
//! that a server belongs to, and never starts a sign-in.

mod request;

use std::collections::BTreeMap;
use std::io::Read;

use clap::Args;
use zeroize::Zeroizing;

use self::request::Request;
use super::context::Context;
use crate::clock;
use crate::config::{GitHost, Profile};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{FreshToken, Freshness, Service};

/// Bytes; git itself says a few hundred.
const LONGEST_INPUT: u64 = 1024 * 1024;
/// The user's name where a provider has none of its own: servers that take a token look at nothing else.
const USERNAME: &str = "oauth2";

const EXAMPLES: &str = "\
Examples:
  device-login git-credential get
  device-login -p work git-credential get

Git calls it once it is told to, for all servers or for one:
  git config --global credential.helper '!device-login git-credential'
  git config --global credential.https://git.example.com.helper \\
      '!device-login git-credential -p work'";

/// Give git the access token for its servers, as a credential helper
///
/// Git says on stdin what it wants. Answers for `github.com` with a GitHub profile, for its instance with a GitLab profile,
/// and for the `git_hosts` of any profile, over https only. Where several profiles fit, the user's name or the path in git's
/// request decides, else the default profile, else nothing is answered. Never starts a sign-in.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct GitCredential {
    /// `get` prints a credential, `store` does nothing, `erase` has the next `get` refresh the token that git could not use
    #[arg(value_name = "get|store|erase")]
    operation: String,
}

impl GitCredential {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        // Later versions of git may ask for more, and expect silence.
        if !matches!(self.operation.as_str(), "get" | "erase") {
            return Ok(());
        }
        let request = read()?;
        if request.protocol != "https" {
            return Ok(());
        }
        let service = context.service()?;
        let only = context.flagged_profile()?;
        let Some(profile) = choose(&service, only.as_ref(), &request, context)? else { return Ok(()) };
        match (self.operation.as_str(), request.password) {
            ("get", _) => get(&service, profile, context),
            // What another helper gave git is none of this one's, nor what nobody names.
            (_, Some(refused)) => context.interrupts.block_on(service.reject_token(profile, refused)),
            (_, None) => Ok(()),
        }
    }
}

fn get(service: &Service, profile: &Profile, context: &Context) -> Result<(), Error> {
    let stored = service.stored_token(profile, Freshness::Default, clock::wall())?;
    let token = match stored {
        Some(token) if !token.is_rejected => token,
        Some(_) => context.interrupts.block_on(service.token(profile, Freshness::Replaced))?,
        None => context.interrupts.block_on(service.token(profile, Freshness::Default))?,
    };
    context.output.warn(token.warning.as_slice());
    let username = service.config.provider(profile)?.dialect().git_username.unwrap_or(USERNAME);
    context.output.text(&answer(username, &token)?)
}

/// What git reads, without the last line's end.
fn answer(username: &str, token: &FreshToken) -> Result<String, Error> {
    let password = token.access_token.expose();
    if password.contains(['\n', '\r', '\0']) {
        return Err(
            Error::new(Code::Other, "the access token cannot be given to git").because("it is more than a line")
        );
    }
    let end = token.expires_at.map(|end| format!("\npassword_expiry_utc={}", end.as_second())).unwrap_or_default();
    Ok(format!("username={username}\npassword={password}{end}"))
}

fn read() -> Result<Request, Error> {
    let mut input = Zeroizing::new(Vec::new());
    let mut stdin = std::io::stdin().lock().take(LONGEST_INPUT + 1);
    let refused = |cause: &dyn std::fmt::Display| {
        Error::new(Code::Usage, "git's request was not taken").because(cause).advise("let git call this command")
    };
    stdin.read_to_end(&mut input).map_err(|error| refused(&error))?;
    if input.len() as u64 > LONGEST_INPUT {
        return Err(refused(&"it is longer than 1 MiB"));
    }
    Request::parse(&input).map_err(|problem| refused(&problem))
}

/// The profile whose token the server may be given; `None` where there is none, or nobody can tell which.
fn choose<'a>(
    service: &'a Service,
    only: Option<&ProfileName>,
    request: &Request,
    context: &Context,
) -> Result<Option<&'a Profile>, Error> {
    if let Some(name) = only {
        let profile = service.config.profile(Some(name))?;
        return Ok(fit(service, profile, request).map(|_| profile));
    }
    let mut fitting: BTreeMap<usize, Vec<&Profile>> = BTreeMap::new();
    for profile in service.config.profiles.values() {
        if let Some(fit) = fit(service, profile, request) {
            fitting.entry(fit).or_default().push(profile);
        }
    }
    let Some((_, mut fitting)) = fitting.pop_last() else { return Ok(None) };
    if fitting.len() > 1 && !request.username.is_empty() {
        let named: Vec<_> =
            fitting.iter().copied().filter(|profile| is_named(service, profile, &request.username)).collect();
        fitting = if named.is_empty() { fitting } else { named };
    }
    if let [profile] = fitting[..] {
        return Ok(Some(profile));
    }
    let default = service.config.default_profile.as_ref();
    let chosen = fitting.iter().find(|profile| Some(&profile.name) == default).copied();
    if chosen.is_none() {
        let names: Vec<String> = fitting.iter().map(|profile| format!("`{}`", profile.name)).collect();
        context.output.say(&format!(
            "device-login: several profiles are for {}: {}; name one by `-p` in git's setting `credential.helper`, or as the \
             user of the address, https://NAME@{}",
            request.host,
            names.join(", "),
            request.host,
        ));
    }
    Ok(chosen)
}

/// How closely the profile fits what git asks for.
fn fit(service: &Service, profile: &Profile, request: &Request) -> Option<usize> {
    let source = service.config.provider(profile).ok();
    let own = source
        .filter(|source| source.dialect().git_username.is_some())
        .and_then(super::super::config::ProviderSource::known);
    let own = own.and_then(|provider| {
        let token = &provider.default_data_center().endpoints.token;
        let port = token.port().map(|port| format!(":{port}")).unwrap_or_default();
        (token.scheme() == "https").then(|| GitHost::server(format!("{}{port}", token.host_str().unwrap_or_default())))
    });
    profile.git_hosts.iter().chain(own.as_ref()).filter_map(|known| known.fit(&request.host, &request.path)).max()
}

/// Whether a user's name in an address means this profile: by its own name, or as whom somebody signed in.
fn is_named(service: &Service, profile: &Profile, username: &str) -> bool {
    let account = || service.account(profile).ok().flatten();
    profile.name.as_str() == username
        || account().is_some_and(|account| {
            let names = [Some(&account.id), account.email.as_ref(), account.name.as_ref()];
            names.into_iter().flatten().any(|name| name == username)
        })
}
