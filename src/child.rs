//! The one place where programs are made that inherit this one's environment: browsers, the kiosk's command, those that hear
//! of the agent's events. Never through a shell, and without what is secret in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;

use crate::config::{Config, SecretSource, variables};
use crate::sorted;
use crate::storage::StoreAddress;

/// What the names of variables with secrets end in.
const SECRETS: [&str; 3] = ["CLIENT_SECRET", "REFRESH_TOKEN", "ACCESS_TOKEN"];

/// A program that inherits all but the secrets.
pub fn command(program: impl AsRef<OsStr>, config: &Config) -> Command {
    let mut command = Command::new(program);
    let store = variables::store().unwrap_or_default();
    for name in secret_variables(config).into_iter().chain(store_variables(&store, config)) {
        command.env_remove(name);
    }
    command
}

/// The same for a program that is given a token, and nothing by which it could get another one: what opens the store is
/// left out, and what a program around this one was given.
pub fn command_with_token(program: impl AsRef<OsStr>, config: &Config) -> Command {
    let mut command = command(program, config);
    for name in ["DEVICE_LOGIN_KEY_FILE", "DEVICE_LOGIN_PASSPHRASE_FILE", "DEVICE_LOGIN_TOKEN_FILE"] {
        command.env_remove(name);
    }
    for prefix in prefixes(config) {
        command.env_remove(format!("{prefix}_API_DOMAIN"));
    }
    command
}

/// The variables that may hold the password of the store. One that names a store without a password stays, so that this
/// program finds the same one when it is started by a child.
fn store_variables(store: &str, config: &Config) -> impl Iterator<Item = String> {
    let is_database = store.starts_with("postgres");
    let has_password = match StoreAddress::parse(store) {
        Ok(address) => address.has_password(),
        // Nobody knows what is in it.
        Err(_) => is_database,
    };
    let is_libpqs = is_database || (store.is_empty() && config.store.is_database());
    let names = [("DEVICE_LOGIN_STORE", has_password), ("PGPASSWORD", is_libpqs)];
    names.into_iter().filter(|(_, is_secret)| *is_secret).map(|(name, _)| name.to_owned())
}

/// The variables that may hold a secret: this program's own, those that other programs of a provider read, and those
/// that profiles name.
fn secret_variables(config: &Config) -> BTreeSet<String> {
    let known = prefixes(config).flat_map(|prefix| SECRETS.map(|secret| format!("{prefix}_{secret}")));
    let named = config.profiles.values().filter_map(|profile| match &profile.client_secret {
        SecretSource::Variable(name) => Some(name.clone()),
        SecretSource::Store | SecretSource::File(_) => None,
    });
    sorted::set(known.chain(named))
}

/// What the names of variables begin with in which programs are given tokens and domains.
fn prefixes(config: &Config) -> impl Iterator<Item = &'static str> {
    let of_providers = config.providers.values().filter_map(|source| source.dialect().variable_prefix);
    ["DEVICE_LOGIN"].into_iter().chain(of_providers)
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

    #[cfg(feature = "postgres")]
    #[test]
    fn the_password_of_a_store_is_not_inherited_and_the_stores_name_is() {
        use super::store_variables;

        let database = Config::parse("store = \"postgres://u@h/x\"", Path::new("config.toml")).expect("valid");
        for (store, config, removed) in [
            ("", &Config::default(), &[][..]),
            ("file:/srv/x", &Config::default(), &[]),
            ("file:/srv/x", &database, &[]),
            ("", &database, &["PGPASSWORD"]),
            ("postgres://u@h/x", &Config::default(), &["PGPASSWORD"]),
            ("postgres://u:sesam@h/x", &Config::default(), &["DEVICE_LOGIN_STORE", "PGPASSWORD"]),
            ("postgres://u@h/x?password=sesam", &Config::default(), &["DEVICE_LOGIN_STORE", "PGPASSWORD"]),
            ("postgresql://u:se@sam@h/x", &Config::default(), &["DEVICE_LOGIN_STORE", "PGPASSWORD"]),
        ] {
            assert_eq!(store_variables(store, config).collect::<Vec<_>>(), removed, "{store}");
        }
    }
}
