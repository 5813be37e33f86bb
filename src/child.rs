//! The one place where programs are made that inherit this one's environment: browsers, the kiosk's command, those that hear
//! of the agent's events. Never through a shell, and without what is secret in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;

use crate::config::{Config, SecretSource};

/// What the names of variables with secrets end in.
const SECRETS: [&str; 3] = ["CLIENT_SECRET", "REFRESH_TOKEN", "ACCESS_TOKEN"];

/// A program that inherits all but the secrets.
pub fn command(program: impl AsRef<OsStr>, config: &Config) -> Command {
    let mut command = Command::new(program);
    for name in secret_variables(config) {
        command.env_remove(name);
    }
    command
}

/// The variables that may hold a secret: this program's own, those that other programs of a provider read, and those
/// that profiles name.
fn secret_variables(config: &Config) -> BTreeSet<String> {
    let of_providers = config.providers.values().filter_map(|source| source.dialect().variable_prefix);
    let prefixes = ["DEVICE_LOGIN"].into_iter().chain(of_providers);
    let known = prefixes.flat_map(|prefix| SECRETS.map(|secret| format!("{prefix}_{secret}")));
    let named = config.profiles.values().filter_map(|profile| match &profile.client_secret {
        SecretSource::Variable(name) => Some(name.clone()),
        SecretSource::Store | SecretSource::File(_) => None,
    });
    known.chain(named).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::command;
    use crate::config::Config;

    #[test]
    fn no_variable_that_may_hold_a_secret_is_inherited() {
        let profile = |name: &str, variable: &str| {
            format!("[profiles.{name}]\nprovider = \"zoho\"\nclient_id = \"x\"\nclient_secret_env = \"{variable}\"\n")
        };
        let text = profile("work", "WORK_SECRET") + &profile("home", "HOME_SECRET");
        let config = Config::parse(&text, Path::new("config.toml")).expect("valid");
        let child = command("true", &config);
        let removed: Vec<&str> =
            child.get_envs().filter(|(_, value)| value.is_none()).filter_map(|(name, _)| name.to_str()).collect();
        for name in [
            "WORK_SECRET",
            "HOME_SECRET",
            "DEVICE_LOGIN_CLIENT_SECRET",
            "DEVICE_LOGIN_ACCESS_TOKEN",
            "ZOHO_CLIENT_SECRET",
            "ZOHO_REFRESH_TOKEN",
            "ZOHO_ACCESS_TOKEN",
        ] {
            assert!(removed.contains(&name), "{name}: {removed:?}");
        }
        assert!(!removed.contains(&"PATH") && !removed.contains(&"DEVICE_LOGIN_HOME"));
    }
}
