//! Owns `config.toml`: where it is, what it means, how a profile is added to it or taken out.
//!
//! The file holds no secrets, only where they come from. It is strict: a key that is not known is an error that names the
//! key and its line. The environment is handed in, so that what is read from it can be seen here and tested.

pub mod check;
mod document;
mod edit;
mod excerpt;
mod file;
mod folded;
mod form;
mod git_host;
mod heads;
mod lines;
mod named_by;
pub mod schema;
mod screen;
mod secret_file;
mod store;
#[cfg(test)]
mod texts;
pub mod variables;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

use crate::error::{Advice, Code, Error, Way};
use crate::files::access::{Holds, Judged};
use crate::files::{self, Trouble};
use crate::near::did_you_mean;
use crate::profile::ProfileName;
use crate::providers::presets::{PRESETS, Preset};
use crate::providers::standard::StandardServer;
use crate::providers::{Dialect, Foreign, Provider, zoho};
use crate::registered::RedirectUri;
use crate::secret::{reads_as_name, reads_as_token, shown};
use crate::sorted;
use crate::storage::{self, KeyOptions};

use self::file::File;

pub use edit::{
    add_profile, add_scopes, change_profile, remove_profile, rename_profile, set_default_profile, set_scopes,
    take_back_scopes,
};
pub use file::{Fault, KeyPath};
pub use git_host::GitHost;
pub use named_by::NamedBy;
pub use screen::{KEY_TABLES, Motion, ScreenSettings, ThemeName, key_tables};
use secret_file::read_store_url;
pub use secret_file::{LONGEST_SECRET, exposure, read_given_secret, read_secret_file};
pub use store::{StoreSettings, store_in_argument, store_in_file, store_in_variable};
pub use variables::Environment;

/// Bytes; a longer configuration is none.
pub const LONGEST_FILE: u32 = 16 * 1024 * 1024;

/// Where the program keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    pub config_file: PathBuf,
    /// What says that it is there: `--config`, a variable, or `HOME`.
    pub config_named_by: NamedBy,
    pub state_dir: PathBuf,
    /// Takes a record whose own place fails in the middle of a commit. It has to outlive a restart.
    pub spare_dir: PathBuf,
    pub default_key_file: PathBuf,
}

impl Places {
    /// Below `DEVICE_LOGIN_HOME` if set, else the system's own places. `config_file` comes from a flag.
    pub fn from_environment(environment: Environment<'_>, config_file: Option<PathBuf>) -> Result<Self, Error> {
        let (config_dir, state_dir, spare_dir, named_by) = if let Some(home) = environment.path("DEVICE_LOGIN_HOME") {
            (home.clone(), home.join("state"), home.join("spare"), NamedBy::Variable("DEVICE_LOGIN_HOME"))
        } else {
            variables::check_home(environment)?;
            let directories = directories::ProjectDirs::from("", "", "device-login").ok_or_else(|| {
                Error::new(Code::Config, "the home directory is not known")
                    .advise("set HOME, or DEVICE_LOGIN_HOME to the directory to use")
            })?;
            let state_dir = directories.state_dir().unwrap_or(directories.data_local_dir()).to_owned();
            let xdg = environment.path("XDG_CONFIG_HOME").filter(|xdg| directories.config_dir().starts_with(xdg));
            let named_by = NamedBy::Variable(if xdg.is_some() { "XDG_CONFIG_HOME" } else { "HOME" });
            (directories.config_dir().to_owned(), state_dir, directories.cache_dir().to_owned(), named_by)
        };
        let named_by = match (&config_file, environment.path("DEVICE_LOGIN_CONFIG")) {
            (Some(_), _) => NamedBy::Flag("--config"),
            (None, Some(_)) => NamedBy::Variable("DEVICE_LOGIN_CONFIG"),
            (None, None) => named_by,
        };
        let config_file = config_file.map(|file| files::expanded(&file));
        let config_file = config_file.or_else(|| environment.path("DEVICE_LOGIN_CONFIG"));
        Ok(Self {
            config_file: config_file.unwrap_or_else(|| config_dir.join("config.toml")),
            state_dir,
            spare_dir,
            default_key_file: config_dir.join("key"),
            config_named_by: named_by,
        })
    }

    /// Which configuration this is, and why that one.
    pub fn in_words(&self, environment: Environment<'_>) -> String {
        let (file, named_by) = (self.config_file.display(), self.config_named_by.word());
        let there = match self.config_file.try_exists() {
            Ok(true) => "was read".to_owned(),
            Ok(false) => match self.config_file.read_link() {
                Ok(target) => format!("is a link to {}, which is not there", target.display()),
                Err(_) => "is not there".to_owned(),
            },
            Err(_) => "cannot be looked at".to_owned(),
        };
        let why = match environment.var(named_by) {
            Some(value) => format!("`{named_by}` is {value}"),
            None if named_by == "HOME" => "that is below the home directory".to_owned(),
            None => format!("`{named_by}` says so"),
        };
        #[cfg(unix)]
        let who = format!(" for user id {}", rustix::process::geteuid().as_raw());
        #[cfg(not(unix))]
        let who = "";
        format!("{file} {there}{who}, since {why}")
    }

    /// The sources from which the store's key may come, as far as the environment says.
    pub fn key_options(&self, environment: Environment<'_>) -> KeyOptions {
        KeyOptions {
            key_file: environment.path(storage::KEY_FILE_VARIABLE),
            credentials_directory: environment.path("CREDENTIALS_DIRECTORY"),
            passphrase_file: environment.path(storage::PASSPHRASE_FILE_VARIABLE),
            default_key_file: self.default_key_file.clone(),
            command: None,
            judged: Judged::default(),
        }
    }
}

/// What `config.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub file: PathBuf,
    pub default_profile: Option<ProfileName>,
    pub profiles: BTreeMap<ProfileName, Profile>,
    pub providers: BTreeMap<String, ProviderSource>,
    /// By provider, the places beside its own to which its access tokens may go.
    pub allowed_origins: BTreeMap<String, Vec<Url>>,
    pub screen: ScreenSettings,
    pub store: StoreSettings,
    /// A program that prints the store's key, and its arguments.
    pub key_command: Option<Vec<String>>,
    /// Profiles are left out that nobody asked for.
    pub is_part: bool,
    /// The directories above it, where whoever wants a token has just judged them.
    pub judged: Judged,
}

/// A named sign-in, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: ProfileName,
    pub provider: String,
    /// Where the client is registered; `None` means the provider's first.
    pub data_center: Option<String>,
    pub client_id: String,
    pub client_type: ClientType,
    /// Where a browser is sent after an approval.
    pub redirect_uri: Option<RedirectUri>,
    pub scopes: Vec<String>,
    pub client_secret: SecretSource,
    /// Files by data center, where Zoho gave one secret each.
    pub client_secret_files: BTreeMap<String, PathBuf>,
    /// Places beside the provider's own to which its access token may go.
    pub allowed_origins: Vec<Url>,
    /// Git servers beside the provider's own that take its access token.
    pub git_hosts: Vec<GitHost>,
}

impl Profile {
    /// Whether it has the client of this id at this provider.
    pub fn has_client(&self, provider: &str, client_id: &str) -> bool {
        self.provider == provider && self.client_id == client_id
    }

    /// The files that hold the client's secret.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let named = match &self.client_secret {
            SecretSource::File(path) => Some(path),
            SecretSource::Store | SecretSource::Variable(_) => None,
        };
        named.into_iter().chain(self.client_secret_files.values()).map(PathBuf::as_path)
    }

    /// What to do for more scopes.
    pub fn adding_scopes(&self, more: &[String]) -> Advice {
        Advice::AddScopes(self.name.clone(), self.scopes.as_slice().into(), more.into())
    }

    /// With what it has to have alone; its client's secret is in the store, if there is one.
    pub fn new(name: ProfileName, provider: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            name,
            provider: provider.into(),
            data_center: None,
            client_id: client_id.into(),
            client_type: ClientType::default(),
            redirect_uri: None,
            scopes: Vec::new(),
            client_secret: SecretSource::Store,
            client_secret_files: BTreeMap::new(),
            allowed_origins: Vec::new(),
            git_hosts: Vec::new(),
        }
    }
}

/// The types of client that Zoho's API console offers, which decide on the way to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ClientType {
    /// By a device code.
    #[default]
    NonBrowser,
    /// By a code that is made by hand in the console.
    SelfClient,
    /// Through a browser.
    ServerBased,
    /// Through a browser, too.
    Mobile,
    /// In a web page only, so not here.
    ClientBased,
}

impl ClientType {
    pub const ALL: [ClientType; 5] = [
        ClientType::NonBrowser,
        ClientType::SelfClient,
        ClientType::ServerBased,
        ClientType::Mobile,
        ClientType::ClientBased,
    ];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            ClientType::NonBrowser => "non-browser",
            ClientType::SelfClient => "self-client",
            ClientType::ServerBased => "server-based",
            ClientType::Mobile => "mobile",
            ClientType::ClientBased => "client-based",
        }
    }

    /// How else than by a device code its clients sign in.
    pub fn way(self) -> Option<Way> {
        match self {
            ClientType::NonBrowser | ClientType::ClientBased => None,
            ClientType::SelfClient => Some(Way::GrantCode),
            ClientType::ServerBased | ClientType::Mobile => Some(Way::Web),
        }
    }

    /// Which client to register at a provider of this dialect, and where.
    pub fn registration(self, dialect: &Dialect) -> &'static str {
        if self.way().is_some() { dialect.web_registration } else { dialect.registration }
    }

    /// Tells, as a clause, why clients of this type are registered with another redirect URI.
    ///
    /// # Errors
    ///
    /// Only programs on the person's own device are sent to by a scheme of their own.
    pub fn check_redirect_uri(self, redirect_uri: &RedirectUri) -> Result<(), String> {
        if !redirect_uri.has_own_scheme() || self == ClientType::Mobile {
            return Ok(());
        }
        let scheme = redirect_uri.url().scheme();
        Err(match redirect_uri.meant_scheme() {
            Some(meant) => format!("begins with `{scheme}:`, where `{meant}:` seems to be meant"),
            None => "has a scheme of its own, which only clients of the type `mobile` have".to_owned(),
        })
    }
}

impl FromStr for ClientType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        // As Zoho's console has them: "Server-based Applications".
        let word =
            ["-applications", "-application"].into_iter().find_map(|end| word.strip_suffix(end)).unwrap_or(&word);
        // The console has one type for both.
        let word = if ["desktop", "mobile-based"].contains(&word) { ClientType::Mobile.word() } else { word };
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let usable = Self::ALL.into_iter().filter(|kind| *kind != ClientType::ClientBased).map(Self::word);
            let words: Vec<&str> = usable.collect();
            format!("`{}` is no type of client; there are {} (or `desktop`)", shown(text), words.join(", "))
        })
    }
}

impl TryFrom<String> for ClientType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Where a client secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The profile's record, where `profile add` put it.
    Store,
    File(PathBuf),
    Variable(String),
}

/// A provider that is not in the configuration yet: a preset with its blanks filled in, or a server by its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProvider {
    pub name: String,
    pub kind: &'static str,
    /// The other keys.
    pub values: Vec<(&'static str, String)>,
}

impl NewProvider {
    /// What the configuration makes of it.
    ///
    /// # Errors
    ///
    /// What the configuration would say of it, behind its name: "`host` is missing: …".
    pub fn source(&self) -> Result<ProviderSource, Fault> {
        let text = edit::provider_text(self);
        let refused = |what: String| Fault::of_entry([], what);
        let file: File = document::parse(&text).map_err(|misfit| refused(misfit.said()))?;
        let (mut config, problems) = file.checked(Path::new(""));
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem.fault);
        }
        config.providers.remove(&self.name).ok_or_else(|| refused("is not there".to_owned()))
    }
}

/// A provider that is known whole, or one that its issuer will describe.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderSource {
    /// Zoho itself. Made when it is needed, which handing out a stored token is not.
    Zoho,
    /// Needs no configuration either.
    Preset(&'static Preset),
    Configured(Provider),
    /// Its issuer describes it, at least in part.
    Discovered(Box<StandardServer>),
}

impl ProviderSource {
    pub fn dialect(&self) -> &'static Dialect {
        match self {
            ProviderSource::Zoho => &zoho::DIALECT,
            ProviderSource::Preset(preset) => preset.dialect,
            ProviderSource::Configured(provider) => provider.dialect,
            ProviderSource::Discovered(server) => server.dialect,
        }
    }

    /// Whether the configuration or its issuer says where the provider is, and not this program.
    pub fn is_described(&self) -> bool {
        matches!(self, ProviderSource::Configured(_) | ProviderSource::Discovered(_))
    }

    /// What a preset knows of another server than the one that the configuration describes.
    pub fn foreign(&self) -> &[Foreign] {
        match self {
            ProviderSource::Zoho | ProviderSource::Preset(_) => &[],
            ProviderSource::Configured(provider) => &provider.default_data_center().endpoints.foreign,
            ProviderSource::Discovered(server) => &server.foreign,
        }
    }

    /// The provider, unless only its issuer knows it.
    pub fn known(&self) -> Option<Provider> {
        match self {
            ProviderSource::Zoho => Some(zoho::provider()),
            ProviderSource::Preset(preset) => preset.provider(),
            ProviderSource::Configured(provider) => Some(provider.clone()),
            ProviderSource::Discovered(_) => None,
        }
    }

    /// The code of the data center that is meant where a profile names none; empty where the provider has no codes.
    pub fn home_code(&self) -> &str {
        match self {
            // Told without making the provider, since there may be thousands of profiles.
            ProviderSource::Zoho => zoho::HOME,
            ProviderSource::Configured(provider) => &provider.default_data_center().code,
            ProviderSource::Preset(_) | ProviderSource::Discovered(_) => "",
        }
    }

    /// Where clients are registered for a data center, the one that is meant by default where none is named.
    pub fn api_console(&self, data_center: Option<&str>) -> Option<String> {
        let provider = self.known()?;
        zoho::api_console(match data_center {
            Some(code) => provider.data_center_called(code)?,
            None => provider.default_data_center(),
        })
    }

    /// The code of the data center that is called so; what is none stays as it is, to be told.
    pub fn data_center_code(&self, called: &str) -> String {
        let called = called.to_ascii_lowercase();
        // Looking up aliases makes the whole provider, which is slow for thousands of profiles, and most of them have the code.
        let is_code = called.len() == 2 && called != "gb";
        let provider = if is_code { None } else { self.known() };
        let data_center = provider.as_ref().and_then(|provider| provider.data_center_called(&called));
        data_center.map_or(called, |data_center| data_center.code.clone())
    }

    /// What tells it from every other server: its issuer, or its first accounts server.
    pub fn identity(&self) -> String {
        let issuer = match self {
            ProviderSource::Discovered(server) => server.issuer.clone(),
            _ => None,
        };
        let known = || self.known().map(|provider| provider.default_data_center().accounts_server.to_string());
        issuer.or_else(known).unwrap_or_default()
    }

    /// What people call it: a provider itself goes by its own name, a stand-in for it by the one that it was given.
    pub fn label<'a>(&self, name: &'a str) -> &'a str {
        match self {
            ProviderSource::Zoho | ProviderSource::Preset(_) => self.dialect().display_name,
            ProviderSource::Configured(_) | ProviderSource::Discovered(_) => name,
        }
    }
}

impl Default for Config {
    /// No file, no profile, and the providers that need no configuration.
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            default_profile: None,
            profiles: BTreeMap::new(),
            providers: built_in_providers(),
            allowed_origins: BTreeMap::new(),
            screen: ScreenSettings::default(),
            store: StoreSettings::default(),
            key_command: None,
            is_part: false,
            judged: Judged::default(),
        }
    }
}

impl Config {
    /// Reads the file. One that is not there is an empty configuration.
    pub fn load(file: &Path) -> Result<Self, Error> {
        Self::parse(&read(file)?.unwrap_or_default(), file)
    }

    /// Reads the file for who names another default profile: the one that it names need not be there.
    pub fn load_without_default(file: &Path) -> Result<Self, Error> {
        Self::parse_without_default(&read(file)?.unwrap_or_default(), file, |_, _, _| true)
    }

    /// Reads what a script needs that wants a token of one profile, the default one where none is named. Mistakes in other
    /// profiles and providers do not stop it.
    pub fn load_for(file: &Path, name: Option<&ProfileName>) -> Result<Self, Error> {
        excerpt::read(file, name).map_or_else(|| Self::load(file), Ok)
    }

    /// Reads and checks the whole file for who wants one profile of it, which may be the only one that is kept.
    pub fn load_keeping(file: &Path, name: &ProfileName) -> Result<Self, Error> {
        // Where none is named, the only one is the default.
        let is_only = |config: &Self, kept| config.default_profile.is_none() && kept < 2;
        let keeps = |config: &Self, kept, other: &str| name.is_alike(other) || is_only(config, kept);
        Self::parse_keeping(&read(file)?.unwrap_or_default(), file, keeps)
    }

    /// Nothing is configured, as where the file is not there.
    fn is_empty(&self) -> bool {
        let Self { file, is_part, judged, .. } = self.clone();
        Self { file, is_part, judged, ..Self::default() } == *self
    }

    /// Checks `text`, which came from `file`.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Error> {
        Self::parse_keeping(text, file, |_, _, _| true)
    }

    /// Checks the whole of `text`, and keeps some of its profiles at least. Which ones is asked with all the rest at hand, and how
    /// many are kept by then.
    fn parse_keeping(text: &str, file: &Path, keeps: impl Fn(&Self, usize, &str) -> bool) -> Result<Self, Error> {
        let text = form::without_mark(text);
        if let Some(config) = whole::parse(text, file, keeps) {
            return Ok(config);
        }
        match document::parse::<File>(text).map(|parsed| parsed.checked(file)) {
            Ok((config, problems)) if problems.is_empty() => Ok(config),
            _ => Err(check::not_valid(text, file)),
        }
    }

    /// The same where the default profile need not be among the profiles.
    fn parse_without_default(
        text: &str,
        file: &Path,
        keeps: impl Fn(&Self, usize, &str) -> bool,
    ) -> Result<Self, Error> {
        Self::parse_keeping(text, file, keeps).or_else(|error| {
            let parsed = document::parse::<File>(form::without_mark(text)).ok();
            parsed.and_then(|parsed| parsed.checked_alone(file)).ok_or(error)
        })
    }

    /// The profile that is meant where none is named.
    pub fn profile_by_default(&self) -> Option<&ProfileName> {
        let only = || if self.profiles.len() == 1 { self.profiles.keys().next() } else { None };
        self.default_profile.as_ref().or_else(only)
    }

    /// The profile with this name, or the default one: named by the configuration, or the only one there is.
    pub fn profile(&self, name: Option<&ProfileName>) -> Result<&Profile, Error> {
        match name.or_else(|| self.profile_by_default()) {
            Some(name) => self.profiles.get(name).ok_or_else(|| self.unknown_profile(name)),
            None if self.profiles.is_empty() => Err(Error::new(Code::UnknownProfile, "there is no profile yet")
                .advise(Advice::AddProfile(None))
                .advise(Advice::Demo.after("or "))),
            None => Err(unclear(&self.profiles.keys().collect::<Vec<_>>())),
        }
    }

    /// The profile with this client that is meant where none is named: the default one, or the only one.
    pub fn profile_of_client(&self, client_id: &str) -> Result<Option<&Profile>, Error> {
        let of_client = |profile: &&Profile| profile.client_id == client_id;
        if let Some(default) = self.profile(None).ok().filter(of_client) {
            return Ok(Some(default));
        }
        let all: Vec<&Profile> = self.profiles.values().filter(of_client).collect();
        match all[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(unclear(&all.into_iter().map(|profile| &profile.name).collect::<Vec<_>>())),
        }
    }

    /// The profile that has this name, or one that is alike.
    pub fn taken_by(&self, name: &ProfileName) -> Option<&ProfileName> {
        self.profiles
            .get_key_value(name)
            .map(|(known, _)| known)
            .or_else(|| self.profiles.keys().find(|known| name.is_alike(known.as_str())))
    }

    /// The profile that was used where none is named, until this one came beside it.
    pub fn meant_before(&self, added: &ProfileName) -> Option<&ProfileName> {
        let mut others = self.profiles.keys().filter(|name| *name != added);
        let other = others.next()?;
        (self.default_profile.is_none() && others.next().is_none()).then_some(other)
    }

    /// The provider that goes by this name, in whatever letter case, with the name that it has; else a hint.
    pub fn provider_called(&self, name: &str) -> Result<(&str, &ProviderSource), String> {
        self.provider_named(name).ok_or_else(|| self.unknown_provider_hint(name))
    }

    fn provider_named(&self, name: &str) -> Option<(&str, &ProviderSource)> {
        let called = |known: &str| known.eq_ignore_ascii_case(name);
        let exactly = self.providers.get_key_value(name);
        let found = exactly.or_else(|| self.providers.iter().find(|(known, _)| called(known)));
        found.map(|(name, source)| (name.as_str(), source))
    }

    /// What is written in a file or a flag, as everything here calls it: the provider, and its data center.
    pub fn canonical(&self, provider: String, data_center: Option<String>) -> (String, Option<String>) {
        let Some((name, source)) = self.provider_named(&provider) else { return (provider, data_center) };
        (name.to_owned(), data_center.map(|code| source.data_center_code(&code)))
    }

    /// The provider that `profile` names.
    pub fn provider(&self, profile: &Profile) -> Result<&ProviderSource, Error> {
        self.providers.get(&profile.provider).ok_or_else(|| {
            Error::new(
                Code::Config,
                format!(
                    "profile `{}` names the provider `{}`, which is not known",
                    profile.name,
                    shown(&profile.provider)
                ),
            )
            .advise(self.unknown_provider_hint(&profile.provider))
        })
    }

    /// The places beside its provider's own to which the access token of `profile` may go.
    pub fn allowed_origins<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = &'a Url> {
        profile.allowed_origins.iter().chain(self.allowed_origins.get(&profile.provider).into_iter().flatten())
    }

    /// The domain of the APIs for a profile's grant at the data center with this `code`: the one that was `kept` with it, where that is
    /// another environment or an allowed origin of today, and else that of today, with its path.
    pub fn api_domain(&self, profile: &Profile, code: &str, kept: Option<String>) -> Option<String> {
        let (own, environments) = match self.providers.get(&profile.provider)? {
            // These are the program's own.
            ProviderSource::Zoho | ProviderSource::Preset(_) => return kept,
            ProviderSource::Configured(provider) => {
                let home = || Some(provider.default_data_center()).filter(|_| code.is_empty());
                let data_center = provider.data_center(code).or_else(home)?;
                (data_center.api_domain.as_ref(), &data_center.environments[..])
            }
            ProviderSource::Discovered(server) => (server.api_domain.as_ref(), &[][..]),
        };
        let todays = own.map(|own| own.as_str().trim_end_matches('/'));
        // Most are, and parsing addresses takes its time.
        let kept = kept.filter(|kept| todays != Some(kept));
        let named = kept.as_deref().and_then(|kept| Url::parse(kept).ok()).map(|kept| kept.origin());
        let is_one_of_today = named.is_some_and(|named| {
            let mut others = environments.iter().chain(self.allowed_origins(profile));
            others.any(|other| other.origin() == named) && own.is_none_or(|own| own.origin() != named)
        });
        kept.filter(|_| is_one_of_today).or_else(|| todays.map(str::to_owned))
    }

    /// What people call the provider of `profile`.
    pub fn provider_label<'a>(&self, profile: &'a Profile) -> &'a str {
        let name = profile.provider.as_str();
        self.providers.get(name).map_or(name, |source| source.label(name))
    }

    /// The code of the data center at which `profile` is registered, if its provider has any.
    pub fn data_center_code<'a>(&'a self, profile: &'a Profile) -> Option<&'a str> {
        let home = || self.providers.get(&profile.provider).map(ProviderSource::home_code);
        profile.data_center.as_deref().or_else(home).filter(|code| !code.is_empty())
    }

    /// There is no such profile. Its name may be a token that somebody gave in its place, and is not repeated then. Where there
    /// is none yet, it is the name of the first, unless it reads as a token.
    pub fn unknown_profile_or_token(&self, name: &ProfileName) -> Error {
        match self.unknown_profile(name) {
            near if near.advice.iter().any(|advice| matches!(advice, Advice::Meant(_))) => near,
            first if self.profiles.is_empty() || reads_as_name(name.as_str()) => first,
            _ => no_such_profile(),
        }
    }

    fn unknown_profile(&self, name: &ProfileName) -> Error {
        // Whoever hears that there is no such profile hears which there are.
        if self.is_part
            && let Ok(whole) = Self::load(&self.file)
        {
            return whole.unknown_profile(name);
        }
        let error = Error::new(Code::UnknownProfile, format!("there is no profile `{name}`"));
        let add = Advice::AddProfile(Some(name.clone()));
        match Advice::near(name.as_str(), self.profiles.keys().map(ProfileName::as_str)) {
            Some(meant) => error.advise(meant),
            None if reads_as_token(name.as_str()) => no_such_profile(),
            None if self.profiles.is_empty() => error.advise(add),
            None => {
                let are = if self.profiles.len() == 1 { "is" } else { "are" };
                error
                    .advise(format!("there {are} {}", listed(&self.profiles.keys().collect::<Vec<_>>())))
                    .advise(add.and(" to add it"))
            }
        }
    }

    /// A preset that has blanks to fill in is not known by its own name.
    fn unknown_provider_hint(&self, name: &str) -> String {
        let known = || self.providers.keys().map(String::as_str);
        match Preset::of_kind(name) {
            Some(preset) => {
                let blanks: Vec<String> =
                    preset.parameters.iter().map(|blank| format!("`{} = {:?}`", blank.name, blank.example)).collect();
                let blanks = blanks.join(" and ");
                format!(
                    "put `[providers.my-{name}]` with `kind = \"{name}\"` and {blanks} into the configuration, and name `my-{name}`"
                )
            }
            None => did_you_mean(name, known()).unwrap_or_else(|| {
                format!("known are: {}; others go into `[providers.NAME]`", known().collect::<Vec<_>>().join(", "))
            }),
        }
    }
}

fn unclear(names: &[&ProfileName]) -> Error {
    Error::new(Code::UnknownProfile, "which profile is meant is not clear")
        .because(format!("there are {}", listed(names)))
        .advise(Advice::NameProfile)
}

/// The first few of what may be thousands.
fn listed(names: &[&ProfileName]) -> String {
    const MOST: usize = 10;
    let first: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn no_such_profile() -> Error {
    not_repeated(Code::UnknownProfile, "there is no profile of the name that was given")
        .advise(Advice::ListProfiles.after("if it was meant as a name, "))
}

/// What is wrong with a name that reads as a token.
fn not_repeated(code: Code, what: &str) -> Error {
    Error::new(code, what)
        .because("it may be a token or a code, and is not repeated")
        .advise("put tokens and codes on stdin: others can see the arguments of programs")
        .advise("make a new one if this was a real one")
}

/// Refuses a new name that reads as a token: it would be kept and shown wherever the profile is.
pub fn check_new_name(name: &ProfileName) -> Result<(), Error> {
    if reads_as_token(name.as_str()) {
        let refused = not_repeated(Code::Usage, "no profile gets the name that was given");
        return Err(refused.advise("if it was meant as a name, choose a shorter one"));
    }
    Ok(())
}

/// The text of a configuration; `None` where there is no such file.
fn read(file: &Path) -> Result<Option<String>, Error> {
    match files::read_own_text(file, Holds::Settings, LONGEST_FILE) {
        // It holds no secrets, and may be long, so it need not be wiped.
        Ok((mut text, _)) => Ok(Some(std::mem::take(&mut *text))),
        Err(trouble) if trouble.is_absence() => Ok(None),
        Err(trouble) => Err(unusable_file(format!("{} cannot be read", file.display()), file, &trouble)),
    }
}

/// A file cannot be used that the configuration or a person names.
pub fn unusable_file(what: impl Into<String>, path: &Path, trouble: &Trouble) -> Error {
    Error::new(Code::Config, what).because(trouble.cause(path)).advise(trouble.advice_on(path))
}

/// The providers that need no configuration.
fn built_in_providers() -> BTreeMap<String, ProviderSource> {
    let is_whole = |preset: &&Preset| preset.parameters.iter().all(|parameter| parameter.default.is_some());
    let presets = PRESETS.iter().filter(is_whole);
    let presets = presets.map(|preset| (preset.kind.to_owned(), ProviderSource::Preset(preset)));
    sorted::map(presets.chain([("zoho".to_owned(), ProviderSource::Zoho)]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ClientType, Config};
    use crate::error::Way;
    use crate::profile::ProfileName;
    use crate::providers::zoho;

    #[test]
    fn a_second_profile_leaves_none_that_is_meant_where_none_is_named() {
        let profile =
            |name: &str| format!("[profiles.{name}]\nprovider = \"zoho\"\nclient_id = \"1\"\nscopes = [\"A.b\"]\n");
        for (default, names, before) in [
            ("", &["b"][..], None),
            ("", &["a", "b"], Some("a")),
            ("", &["b", "c"], Some("c")),
            ("default_profile = \"a\"\n", &["a", "b"], None),
            ("default_profile = \"b\"\n", &["a", "b"], None),
            ("", &["a", "b", "c"], None),
        ] {
            let text = default.to_owned() + &names.iter().map(|name| profile(name)).collect::<String>();
            let config = Config::parse(&text, Path::new("config.toml")).expect("valid");
            let added = "b".parse().expect("a name");
            assert_eq!(config.meant_before(&added).map(ProfileName::as_str), before, "{text}");
        }
    }

    #[test]
    fn a_client_of_each_type_is_registered_as_that() {
        for kind in ClientType::ALL {
            let is_non_browser = kind.registration(&zoho::DIALECT).contains("Non-browser");
            assert_eq!(is_non_browser, !matches!(kind.way(), Some(Way::Web | Way::GrantCode)), "{kind:?}");
        }
    }
}
