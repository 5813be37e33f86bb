//! `login --import`: a refresh token that exists already, from stdin or from a `.env` file.

mod env_file;

use std::path::Path;

use self::env_file::EnvFile;
use super::super::advice::run;
use super::super::context::Context;
use super::super::prompt;
use super::{Login, Mode, tell_in_lines, tell_signed_in};
use crate::config::{self, Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::service::{Service, SignIn, SignedIn};

pub(super) fn sign_in(context: &Context, login: &Login, mode: Mode) -> Result<(), Error> {
    let service = context.service()?;
    let name = context.profile_name(&login.profile)?;
    login.check_name(&service, name.as_ref(), false)?;
    let options = login.options(0);
    let signed_in = if let Some(path) = &login.env_file {
        let file = read_file(context, path)?;
        from_file(context, &service, name.as_ref(), (path, file), options)?
    } else {
        let profile = service.config.profile(name.as_ref())?;
        login.warn_of_scopes(context, &service, profile);
        let token = refresh_token(context)?;
        context.interrupts.block_on(service.import(profile, token, None, None, options))?
    };
    if mode != Mode::Events {
        context.output.warn(&signed_in.warnings);
    }
    tell_signed_in(context, &signed_in, mode)
}

/// Asks a person who has no profile yet for all that an import takes, again where it did not work.
pub(in crate::cli) fn by_questions(context: &Context) -> Result<(), Error> {
    context.output.say("Import a refresh token that you have already. Ctrl-C leaves.");
    loop {
        match ask_and_import(context) {
            Ok(signed_in) => {
                context.output.warn(&signed_in.warnings);
                return tell_in_lines(context, &signed_in);
            }
            Err(error) if error.code == Code::Interrupted => return Err(error),
            Err(error) => {
                context.output.error(&error);
                if !prompt::yes_or_no(context, "Try again? No goes back", true)? {
                    return Ok(());
                }
            }
        }
    }
}

fn ask_and_import(context: &Context) -> Result<SignedIn, Error> {
    let service = context.service()?;
    let question = ".env file with ZOHO_REFRESH_TOKEN (just Enter: type the token)";
    let path = prompt::line(context, question, "")?;
    if !path.is_empty() {
        let path = Path::new(&path);
        let file = read_file(context, path)?;
        let name = prompt::profile_name(context)?;
        return from_file(context, &service, Some(&name), (path, file), SignIn::default());
    }
    let (profile, secret) = prompt::new_profile(context, &service.config, None)?;
    let token = refresh_token(context)?;
    let importing = import_as_new(&service, profile, secret, token, None, SignIn::default());
    context.interrupts.block_on(Box::pin(importing))
}

fn refresh_token(context: &Context) -> Result<Secret, Error> {
    prompt::token(context, "the refresh token", "Refresh token (not shown): ")
}

fn read_file(context: &Context, path: &Path) -> Result<EnvFile, Error> {
    let (file, warning) = EnvFile::read(path)?;
    context.output.warn(warning.as_slice());
    Ok(file)
}

/// Imports what a file says, and asks for the data center where the file does not tell it for a new profile.
fn from_file(
    context: &Context,
    service: &Service,
    name: Option<&ProfileName>,
    (path, mut file): (&Path, EnvFile),
    options: SignIn,
) -> Result<SignedIn, Error> {
    let can_ask = file.api_domain.is_none() && prompt::is_possible() && wants_new_profile(service, name, &file);
    if let Some(zoho) = service.config.providers.get("zoho").filter(|_| can_ask) {
        file.api_domain = prompt::data_center(context, zoho)?;
    }
    context.interrupts.block_on(import_file(service, name, path, file, options))
}

/// Imports what a file says into the profile that has its client, or into a new one.
async fn import_file(
    service: &Service,
    name: Option<&ProfileName>,
    path: &Path,
    file: EnvFile,
    options: SignIn,
) -> Result<SignedIn, Error> {
    let what = format!("{} cannot be imported", path.display());
    let lacks = |name: &str| Error::new(Code::Config, &what).because(format!("it names no {name}"));
    let hint = "put it into the file, or add the profile and give the refresh token on stdin";
    let client_id = file.client_id.clone().ok_or_else(|| lacks("ZOHO_CLIENT_ID").advise(hint))?;
    let refresh_token = file.refresh_token.clone().ok_or_else(|| {
        let lacking = lacks("ZOHO_REFRESH_TOKEN");
        if file.has_access_token {
            lacking.advise(
                "an access token alone ends within the hour and cannot be refreshed, as with client-based applications; \
                 register a non-browser application and sign in",
            )
        } else {
            lacking.advise(format!("without one there is nothing to import; {}", run("login")))
        }
    })?;
    let api_domain = file.api_domain.clone();
    if let Some(profile) = profile_of(service, name, &client_id).map_err(|problem| problem_of(&what, problem))? {
        return service.import(profile, refresh_token, file.client_secret, api_domain.as_deref(), options).await;
    }
    let name = name.ok_or_else(|| {
        Error::new(Code::Usage, &what)
            .because("no profile has its client, and no name is given for a new one")
            .advise(format!("name the new profile: {}", run("login NAME --import --env-file PATH")))
    })?;
    let api_domain = api_domain
        .ok_or_else(|| lacks("ZOHO_API_DOMAIN").advise("it tells the data center, such as https://www.zohoapis.eu"))?;
    let profile = new_profile(service, name, client_id, &api_domain, &file, &options).ok_or_else(|| {
        Error::new(Code::Config, &what)
            .because(format!("no data center has the API domain {api_domain:?}"))
            .advise("check ZOHO_API_DOMAIN; it reads like https://www.zohoapis.eu")
    })?;
    Box::pin(import_as_new(service, profile, file.client_secret, refresh_token, Some(&api_domain), options)).await
}

/// Tells whether only the data center is missing for a profile that is to be made.
fn wants_new_profile(service: &Service, name: Option<&ProfileName>, file: &EnvFile) -> bool {
    let is_new = |client_id| matches!(profile_of(service, name, client_id), Ok(None));
    name.is_some() && file.refresh_token.is_some() && file.client_id.as_deref().is_some_and(is_new)
}

fn problem_of(what: &str, problem: String) -> Error {
    Error::new(Code::Config, what).because(problem).advise("choose another name for the profile")
}

/// The named profile, or any that has the client; `None` where a new one is to be made.
fn profile_of<'a>(
    service: &'a Service,
    name: Option<&ProfileName>,
    client_id: &str,
) -> Result<Option<&'a Profile>, String> {
    let profiles = &service.config.profiles;
    match name {
        None => {
            // The one that is meant where none is named, if it has the client.
            let default = service.config.profile(None).ok();
            let mut candidates = default.into_iter().chain(profiles.values());
            Ok(candidates.find(|profile| profile.client_id == client_id))
        }
        Some(name) => match profiles.get(name) {
            Some(profile) if profile.client_id != client_id => Err(format!("profile `{name}` has another client id")),
            profile => Ok(profile),
        },
    }
}

/// A profile at the data center that has these APIs.
fn new_profile(
    service: &Service,
    name: &ProfileName,
    client_id: String,
    api_domain: &str,
    file: &EnvFile,
    options: &SignIn,
) -> Option<Profile> {
    let mut sources: Vec<_> = service.config.providers.values().collect();
    sources.retain(|source| source.dialect().variable_prefix == Some(EnvFile::PREFIX));
    // What is built in comes before stand-ins for it, should both have the address.
    sources.sort_by_key(|source| matches!(source, ProviderSource::Configured(_)));
    let (provider, data_center) = sources.into_iter().find_map(|source| {
        let provider = source.known()?;
        let data_center = provider.data_center_of_api(api_domain)?.clone();
        Some((provider, data_center))
    })?;
    Some(Profile {
        data_center: Some(data_center.code),
        scopes: options.scopes.clone().unwrap_or_else(|| file.scopes.clone()),
        ..Profile::new(name.clone(), provider.name, client_id)
    })
}

/// The profile stays only if the refresh token proves good.
async fn import_as_new(
    service: &Service,
    profile: Profile,
    client_secret: Option<Secret>,
    refresh_token: Secret,
    api_domain: Option<&str>,
    options: SignIn,
) -> Result<SignedIn, Error> {
    let config = service.add_profile(&profile, client_secret).await?;
    let service = service.clone().with_config(config);
    match service.import(&profile, refresh_token, None, api_domain, options).await {
        Ok(signed_in) => {
            if profile.scopes.is_empty() {
                // What was granted is what a later sign-in should ask for.
                config::set_scopes(&service.config, &profile.name, &signed_in.scopes)?;
            }
            Ok(signed_in)
        }
        Err(error) => {
            // The reason for the failure is the one to report.
            let _ = service.remove_profile(&profile, true).await;
            Err(error)
        }
    }
}
