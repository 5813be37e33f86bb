//! Which store is meant: by a flag, by `DEVICE_LOGIN_STORE`, by the configuration, or by default.
//!
//! A password is taken from where only this user can read it, a variable or a file of its own; in arguments, which everybody
//! on the machine can read, and in the configuration, which others may read, it is refused without being repeated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{Fault, Faults, beside};
use super::{read_store_url, variables};
use crate::error::{Code, Error};
use crate::storage::{StoreAddress, StoreError};

/// How long a copy of an access token counts where nothing is said of it.
const DEFAULT_CACHE: Duration = Duration::from_secs(60);
/// Nobody waits longer for a sign-out elsewhere to be noticed.
pub(super) const LONGEST_CACHE: u32 = 3600;

/// What the configuration says of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// `store`: never with a password.
    pub address: Option<StoreAddress>,
    /// `store_url_file`: the file that has the address, and may have a password in it.
    pub url_file: Option<PathBuf>,
    /// `store_cache`: for so long a copy of an access token counts as much as a store that machines share.
    pub cache: Duration,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { address: None, url_file: None, cache: DEFAULT_CACHE }
    }
}

impl StoreSettings {
    /// Checks `store`, `store_url_file` and `store_cache` of the configuration in `file`. A fault repeats nothing of an address.
    pub(super) fn checked(
        (address, url_file, cache): (Option<&str>, Option<&Path>, Option<u32>),
        file: &Path,
        faults: &mut Faults<'_>,
    ) -> Self {
        if address.is_some() && url_file.is_some() {
            let both = "has both `store` and `store_url_file`; keep the one that is meant";
            faults.add(Fault::of_entry("store", both));
        }
        if cache.is_some_and(|seconds| seconds > LONGEST_CACHE) {
            let range = format!("is a number of seconds up to {LONGEST_CACHE}; 0 keeps no copies");
            faults.add(Fault::of_value("store_cache", range));
        }
        let address = address.and_then(|address| {
            let parsed = StoreAddress::parse(address);
            faults.sound(parsed.map_err(|error| Fault::of_entry("store", format!("`store`: {}", problem(error)))))
        });
        if address.as_ref().is_some_and(StoreAddress::has_password) {
            let what = "holds a password; put the address into a file that only you can read, and name that by \
                        `store_url_file`";
            faults.add(Fault::of_value("store", what));
        }
        let address = match address {
            Some(StoreAddress::File(directory)) => Some(StoreAddress::File(beside(file, &directory))),
            Some(StoreAddress::Plain(directory)) => Some(StoreAddress::Plain(beside(file, &directory))),
            address => address,
        };
        let cache = cache.map_or(DEFAULT_CACHE, |seconds| Duration::from_secs(seconds.into()));
        Self { address, url_file: url_file.map(|path| beside(file, path)), cache }
    }

    /// The store that the configuration names, if it names one.
    pub fn named(&self) -> Result<Option<StoreAddress>, Error> {
        self.url_file.as_deref().map_or_else(|| Ok(self.address.clone()), |path| store_in_file(path).map(Some))
    }

    /// Whether the store is a database, as far as that shows without reading a file.
    pub fn is_database(&self) -> bool {
        self.url_file.is_some() || self.address.as_ref().is_some_and(StoreAddress::is_database)
    }
}

/// The database whose address a file has, that only this user can read.
pub fn store_in_file(path: &Path) -> Result<StoreAddress, Error> {
    let unusable = |problem: String| {
        Error::new(Code::Config, format!("the address of the store in {} cannot be used", path.display()))
            .because(problem)
            .advise("put `postgres://USER:PASSWORD@HOST/DATABASE` into it, on one line, and nothing else")
    };
    let address = StoreAddress::parse(read_store_url(path)?.expose()).map_err(|error| unusable(problem(error)))?;
    if !address.is_database() {
        return Err(unusable("it is not the address of a database; `store` takes the others".to_owned()));
    }
    Ok(address)
}

/// The store at an address that stands among the arguments, as `what` says it: "`--store`".
pub fn store_in_argument(what: &str, address: &str) -> Result<StoreAddress, Error> {
    let address = StoreAddress::parse(address)?;
    if !address.has_password() {
        return Ok(address);
    }
    Err(Error::new(Code::Usage, format!("{what} takes no address with a password in it"))
        .because("everybody on this machine can read the arguments of a program")
        .advise(
            "give the address without the password, which `~/.pgpass`, `PGPASSFILE` or `PGPASSWORD` may have; or put the \
             whole address into `DEVICE_LOGIN_STORE`, or into a file that `store_url_file` names in the configuration",
        ))
}

/// The store that `DEVICE_LOGIN_STORE` names.
pub fn store_in_variable(address: &str) -> Result<StoreAddress, Error> {
    StoreAddress::parse(address).map_err(|error| variables::unusable("DEVICE_LOGIN_STORE", &problem(error)))
}

/// What is wrong with an address, without the address.
fn problem(error: StoreError) -> String {
    match error {
        StoreError::Address { problem, .. } => problem,
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::StoreSettings;
    use crate::config::Config;

    fn parse(text: &str) -> Result<StoreSettings, String> {
        let config = Config::parse(text, Path::new("/etc/x/config.toml"));
        config.map(|config| config.store).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn the_configuration_names_a_store_from_its_own_directory() {
        for (text, address, file, cache) in [
            ("", None, None, 60),
            ("store = \"file:records\"", Some("file:/etc/x/records"), None, 60),
            ("store = \"plain:/srv/records\"", Some("plain:/srv/records"), None, 60),
            ("store = \"memory:\"\nstore_cache = 0", Some("memory:"), None, 0),
            ("store_url_file = \"url\"\nstore_cache = 3600", None, Some("/etc/x/url"), 3600),
        ] {
            let settings = parse(text).expect(text);
            assert_eq!(settings.address.map(|address| address.to_string()).as_deref(), address, "{text}");
            assert_eq!(settings.url_file.as_deref(), file.map(Path::new), "{text}");
            assert_eq!(settings.cache, Duration::from_secs(cache), "{text}");
        }
    }

    #[test]
    fn what_names_no_store_is_told_without_its_address() {
        for (text, part) in [
            ("store = \"redis:sesam\"", "`store`: a store is"),
            ("store = \"file:\"", "a directory has to follow"),
            ("store = \"file:x\"\nstore_url_file = \"sesam\"", "both `store` and `store_url_file`"),
            ("store_cache = 3601", "`store_cache` is a number of seconds"),
            ("store_cache = -1", "line 1: `store_cache` has to be"),
            ("store = 5", "line 1: `store` has to be"),
            ("store = \"postgres://u:sesam@h/x", "line 1"),
        ] {
            let problem = parse(text).expect_err(text);
            assert!(problem.contains(part) && !problem.contains("sesam"), "{problem}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_password_is_taken_from_a_variable_and_refused_in_arguments_and_in_the_configuration() {
        use super::{store_in_argument, store_in_variable};

        for address in
            ["postgres://u:sesam@h/x", "postgresql://u@h/x?password=sesam", "postgres://u:sesam@h/x?sslmode=x"]
        {
            let argument = format!("{:?}", store_in_argument("`--store`", address).expect_err("a password"));
            let configuration = parse(&format!("store = {address:?}")).expect_err("a password");
            assert!(!argument.contains("sesam") && !configuration.contains("sesam"), "{argument} {configuration}");
        }
        let refused = store_in_argument("`--store`", "postgres://u:sesam@h/x").expect_err("a password");
        assert_eq!(refused.code.exit_code(), 2);
        for named in ["DEVICE_LOGIN_STORE", "store_url_file", "PGPASSFILE"] {
            assert!(format!("{refused:?}").contains(named), "{refused:?}");
        }
        let taken = store_in_variable("postgres://u:sesam@h/x").expect("it is an address");
        assert!(taken.has_password() && !format!("{taken:?} {taken}").contains("sesam"));
        assert!(store_in_argument("`--store`", "postgres://u@h/x").is_ok_and(|address| !address.has_password()));
    }
}
