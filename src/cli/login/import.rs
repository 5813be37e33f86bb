//! `login --import`: a refresh token that exists already, from stdin or from a `.env` file.

use std::path::Path;

use super::super::context::Context;
use super::super::profile::tell_of_added;
use super::super::prompt;
use super::{Login, Mode, tell_signed_in};
use crate::config::Config;
use crate::error::{Code, Error};
use crate::profile::ProfileName;
use crate::service::{EnvFile, Import};

pub(super) fn sign_in(context: &Context, login: &Login, mode: Mode) -> Result<(), Error> {
    let service = context.service()?;
    let name = context.profile_name(&login.profile)?;
    login.check_name(&service, name.as_ref(), false)?;
    let options = login.options(0);
    let import = if let Some(path) = &login.env_file {
        let mut import = from_file(context, &service.config, name.as_ref(), path)?;
        if let Some(scopes) = options.scopes.as_ref().filter(|_| import.is_new) {
            import.profile.scopes.clone_from(scopes);
        }
        import
    } else {
        let profile = service.config.profile(name.as_ref())?;
        login.warn_of_scopes(context, &service, profile);
        let refresh_token = prompt::token(context, "the refresh token", "Refresh token (not shown): ")?;
        Import::into_profile(profile, refresh_token)
    };
    let is_new = import.is_new;
    let (config, signed_in) = context.interrupts.block_on_telling(Box::pin(service.import(import, options)))?;
    if is_new {
        tell_of_added(context, &signed_in.profile, &config);
    }
    if mode != Mode::Events {
        context.output.warn(&signed_in.warnings);
    }
    tell_signed_in(context, &signed_in, mode);
    Ok(())
}

/// What a file brings, with the data center of a new profile asked for where the file does not tell it.
fn from_file(context: &Context, config: &Config, name: Option<&ProfileName>, path: &Path) -> Result<Import, Error> {
    let (file, warning) = EnvFile::read(path)?;
    context.output.warn(warning.as_slice());
    let mut import = file.clone().import(config, name).map_err(|error| match error.code {
        Code::Usage => error.advise(format!(
            "name the new profile: {}",
            context.output.program.run("login NAME --import --env-file PATH")
        )),
        _ => error,
    })?;
    if import.is_new && import.profile.data_center.is_none() {
        let provider = config.provider(&import.profile).ok().filter(|_| prompt::is_possible());
        let provider = provider.ok_or_else(|| file.lacks_data_center())?;
        import.profile.data_center = prompt::data_center(context, provider)?;
    }
    Ok(import)
}
