//! The shape of `config.toml`, and its checks. Every problem is one sentence that names the key.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::document::listed;
use super::{
    ClientType, Config, GitHost, Profile, ProviderSource, ScreenSettings, SecretSource, StoreSettings,
    built_in_providers,
};
use crate::files;
use crate::files::access::Judged;
use crate::near::did_you_mean;
use crate::profile::{InvalidProfileName, ProfileName};
use crate::providers::presets::{PRESETS, Preset, Unfilled};
use crate::providers::standard::{self, StandardEndpoints, StandardServer};
use crate::providers::{ClientAuthentication, DataCenter, zoho};
use crate::registered::{RedirectUri, is_client_id, is_scope, no_scope};
use crate::sorted;
use crate::untrusted::check_address;

/// The configuration of `device-login`: its profiles and providers, without secrets.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "config.toml of device-login"))]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys are called so")]
pub(super) struct File {
    /// The profile that is used where none is named.
    default_profile: Option<ProfileName>,
    /// Named sign-ins.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<ProfileName, ProfileEntry>"))]
    profiles: BTreeMap<String, ProfileEntry>,
    /// Authorization servers beside the built-in ones.
    #[serde(default)]
    providers: BTreeMap<String, ProviderEntry>,
    #[serde(default)]
    screen: ScreenSettings,
    /// A program that prints the store's key, and its arguments.
    #[cfg_attr(test, schemars(length(min = 1)))]
    key_command: Option<Vec<String>>,
    /// Where tokens are kept: `file:DIR`, `plain:DIR`, `postgres://USER@HOST/DATABASE` or `memory:`, without a password.
    #[cfg_attr(test, schemars(regex(pattern = "^(file|plain|memory|postgres|postgresql):")))]
    store: Option<String>,
    /// The file that has the address of the store, with its password; instead of `store`.
    store_url_file: Option<PathBuf>,
    /// For so many seconds a copy of an access token counts beside a database; 0 keeps no copies.
    #[cfg_attr(test, schemars(range(max = super::store::LONGEST_CACHE)))]
    store_cache: Option<u32>,
}

/// A named sign-in.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileEntry {
    /// `zoho`, another built-in provider, or one of `[providers.NAME]`.
    // What has to be there is missed by the checks: all that is there is read without it.
    #[cfg_attr(test, schemars(required))]
    provider: Option<String>,
    /// Where the client is registered; the provider's first one if left out.
    data_center: Option<String>,
    /// The client's id, as the provider's console shows it.
    #[cfg_attr(test, schemars(required, length(min = 1)))]
    client_id: Option<String>,
    /// What the client is registered as.
    #[serde(default)]
    client_type: ClientType,
    /// Where browsers are sent after an approval, as it is registered; for `login --web`.
    redirect_uri: Option<String>,
    /// What to ask for.
    #[serde(default)]
    scopes: Vec<String>,
    /// The file with the client's secret, seen from the directory of the configuration. The store has it if left out.
    client_secret_file: Option<PathBuf>,
    /// The variable with the client's secret; instead of a file.
    client_secret_env: Option<String>,
    /// Files with secrets by data center, where Zoho gave one for each.
    #[serde(default)]
    client_secret_files: BTreeMap<String, PathBuf>,
    /// Places beside the provider's own to which the access token may go: scheme, host and port of each.
    #[serde(default)]
    allowed_origins: Vec<String>,
    /// Servers to which `git-credential` gives the access token: `HOST[:PORT][/PATH]`.
    #[serde(default)]
    git_hosts: Vec<String>,
}

/// An authorization server. Which of the keys it takes goes by its `kind`.
// The keys of every kind in one, since a key that is unknown then has its line.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    /// What it speaks.
    #[cfg_attr(test, schemars(with = "ProviderKind"))]
    kind: Option<ProviderKind>,
    /// Zoho's dialect at other addresses, by the code of each data center; for `zoho`.
    data_centers: Option<BTreeMap<String, DataCenterEntry>>,
    /// Its host; for `gitlab`, `okta`, `auth0` and `keycloak`.
    host: Option<String>,
    /// The directory; for `microsoft`.
    tenant: Option<String>,
    /// For `keycloak`.
    realm: Option<String>,
    /// Describes the server by its metadata.
    issuer: Option<String>,
    /// RFC 8628.
    device_authorization_endpoint: Option<String>,
    /// For `login --web`.
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    /// Tells which account approved.
    userinfo_endpoint: Option<String>,
    /// Where `api PATH` goes.
    api_domain: Option<String>,
    /// How a client with a secret says who it is; found out if left out.
    client_authentication: Option<ClientAuthentication>,
    /// Sent with the request for an approval.
    parameters: Option<BTreeMap<String, String>>,
    /// Places beside its own to which access tokens may go: scheme, host and port of each.
    #[serde(default)]
    allowed_origins: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ProviderKind {
    Standard,
    Zoho,
    Preset(&'static Preset),
}

impl ProviderKind {
    /// The words for all that there are.
    pub(super) fn words() -> &'static [&'static str] {
        static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            ["standard", "zoho"].into_iter().chain(PRESETS.iter().map(|preset| preset.kind)).collect()
        });
        &WORDS
    }
}

impl<'de> Deserialize<'de> for ProviderKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = String::deserialize(deserializer)?;
        match kind.as_str() {
            "standard" => Ok(Self::Standard),
            "zoho" => Ok(Self::Zoho),
            _ => {
                Preset::of_kind(&kind).map(Self::Preset).ok_or_else(|| de::Error::unknown_variant(&kind, Self::words()))
            }
        }
    }
}

/// A data center of a stand-in for Zoho.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct DataCenterEntry {
    #[cfg_attr(test, schemars(required))]
    accounts_server: Option<String>,
    #[cfg_attr(test, schemars(required))]
    api_domain: Option<String>,
}

/// What was left out of a document to read the rest of it, by the keys that lead there: what does not fit, and what a key that
/// nobody knows was meant to be.
pub(super) type LeftOut = BTreeSet<Vec<String>>;

/// Whether something is left out, as itself or with all that it is in, or a part of it.
pub(super) fn is_left_out(left_out: &LeftOut, path: &[String]) -> bool {
    let behind = left_out.range::<[String], _>((Bound::Included(path), Bound::Unbounded)).next();
    behind.is_some_and(|out| out.starts_with(path)) || (1..path.len()).any(|end| left_out.contains(&path[..end]))
}

/// The keys that lead from an entry to one of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath(Vec<Cow<'static, str>>);

impl From<&'static str> for KeyPath {
    fn from(key: &'static str) -> Self {
        Self(vec![key.into()])
    }
}

impl<const N: usize> From<[&str; N]> for KeyPath {
    fn from(keys: [&str; N]) -> Self {
        Self(keys.into_iter().map(|key| key.to_owned().into()).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// What is wrong with an entry. The key is the one to look at; one that the entry lacks, or none, stands for the whole entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `problem` is a clause behind the key.
    Value { key: KeyPath, problem: String },
    /// With which keys it has, or how they go together: a clause behind the name of the entry.
    Entry { key: KeyPath, problem: String },
}

impl Fault {
    pub(super) fn of_value(key: impl Into<KeyPath>, problem: impl fmt::Display) -> Self {
        Self::Value { key: key.into(), problem: problem.to_string() }
    }

    pub(super) fn of_entry(key: impl Into<KeyPath>, problem: impl Into<String>) -> Self {
        Self::Entry { key: key.into(), problem: problem.into() }
    }

    pub(crate) fn key(&self) -> &KeyPath {
        match self {
            Self::Value { key, .. } | Self::Entry { key, .. } => key,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { key, problem } => write!(f, "`{key}` {problem}"),
            Self::Entry { problem, .. } => f.write_str(problem),
        }
    }
}

impl From<Unfilled> for Fault {
    fn from(unfilled: Unfilled) -> Self {
        match unfilled.parameter {
            Some(parameter) => Self::of_value(parameter, unfilled.problem),
            None => Self::of_entry([], unfilled.problem),
        }
    }
}

/// What is wrong with the values, the shape being right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// `profiles` or `providers`, and the name of one of them.
    pub(super) table: Option<(&'static str, String)>,
    pub(super) fault: Fault,
}

impl Problem {
    pub(super) fn of(kind: &'static str, name: &str, fault: Fault) -> Self {
        Self { table: Some((kind, name.to_owned())), fault }
    }

    /// The keys that lead to it.
    pub(super) fn path(&self) -> Vec<String> {
        let table = self.table.iter().flat_map(|(kind, name)| [*kind, name.as_str()]);
        table.chain(self.fault.key().0.iter().map(Cow::as_ref)).map(str::to_owned).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table {
            Some((kind, name)) => write!(f, "`{kind}.{name}`: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl File {
    /// Adds the profiles and the providers of another part.
    pub(super) fn take_in(&mut self, part: Self) {
        let Self { profiles, providers, .. } = part;
        self.profiles.extend(profiles);
        self.providers.extend(providers);
    }

    /// The profile with this name.
    pub(super) fn into_profile(mut self, name: &str) -> Option<ProfileEntry> {
        self.profiles.remove(name)
    }

    /// The provider that a profile names.
    pub(super) fn provider_of(&self, profile: &str) -> Option<&str> {
        self.profiles.get(profile)?.provider.as_deref()
    }

    /// What is left of it where the default profile need not be among the profiles; `None` where it has problems.
    pub(super) fn checked_alone(mut self, file: &Path) -> Option<Config> {
        let default_profile = self.default_profile.take();
        let (config, problems) = self.checked(file);
        problems.is_empty().then_some(Config { default_profile, ..config })
    }

    /// Checks what the shape alone does not tell.
    pub(super) fn checked(self, file: &Path) -> (Config, Vec<Problem>) {
        self.judged(file, &LeftOut::new())
    }

    /// All problems, each value being judged by itself, and what there is: with problems, it is good for further judgements alone.
    /// What only follows from `left_out` is none.
    pub(super) fn judged(self, file: &Path, left_out: &LeftOut) -> (Config, Vec<Problem>) {
        let mut problems = Vec::new();
        let (mut providers, mut allowed_origins) = (built_in_providers(), BTreeMap::new());
        for (name, entry) in self.providers {
            let at = ["providers", &name];
            let mut faults = Faults::of(&at, left_out);
            let origins = faults.each(&entry.allowed_origins, origin);
            let source = entry.check(&name, &mut faults);
            if providers.contains_key(&name) {
                faults.add(Fault::of_entry([], format!("`{name}` is built in; give yours another name")));
            } else if let Some(source) = source {
                allowed_origins.insert(name.clone(), origins);
                providers.insert(name.clone(), source);
            }
            problems.extend(faults.found.into_iter().map(|fault| Problem::of("providers", &name, fault)));
        }
        let mut faults = Faults::of(&[], left_out);
        let store = (self.store.as_deref(), self.store_url_file.as_deref(), self.store_cache);
        let mut config = Config {
            file: file.to_owned(),
            default_profile: self.default_profile,
            profiles: BTreeMap::new(),
            providers,
            allowed_origins,
            screen: self.screen,
            store: StoreSettings::checked(store, file, &mut faults),
            key_command: self.key_command,
            is_part: false,
            judged: Judged::default(),
        };
        if let Some(command) = &config.key_command
            && !is_command(command)
            && !(command.is_empty() && faults.is_left_out(&["key_command"]))
        {
            let wanted = "has to be a program and its arguments: `[\"PROGRAM\", \"ARGUMENT\"]`";
            faults.add(Fault::of_value("key_command", wanted));
        }
        if let Some(name) = &config.default_profile
            && !self.profiles.contains_key(name.as_str())
            && !faults.is_left_out(&["profiles", name.as_str()])
        {
            let near = did_you_mean(name.as_str(), self.profiles.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            let what = format!("names `{name}`, which is not among the profiles{near}");
            faults.add(Fault::of_value("default_profile", what));
        }
        problems.extend(faults.found.into_iter().map(|fault| Problem { table: None, fault }));
        for (name, entry) in self.profiles {
            let at = ["profiles", &name];
            let mut faults = Faults::of(&at, left_out);
            let named = name.parse().unwrap_or_else(|invalid: InvalidProfileName| {
                faults.add(Fault::of_entry([], invalid.to_string()));
                ProfileName::of_refused(name.clone())
            });
            let profile = entry.check(&named, &config, &mut faults);
            problems.extend(faults.found.into_iter().map(|fault| Problem::of("profiles", &name, fault)));
            config.profiles.insert(named, profile);
        }
        (config, problems)
    }
}

/// Whether a program can be started so.
fn is_command(command: &[String]) -> bool {
    command.first().is_some_and(|program| !program.is_empty()) && !command.iter().any(|part| part.contains('\0'))
}

/// What is wrong with an entry. One fault hides no other one.
pub(super) struct Faults<'a> {
    found: Vec<Fault>,
    /// The keys that lead to the entry.
    entry: &'a [&'a str],
    left_out: &'a LeftOut,
}

impl<'a> Faults<'a> {
    fn of(entry: &'a [&'a str], left_out: &'a LeftOut) -> Self {
        Self { found: Vec::new(), entry, left_out }
    }

    /// Whether the entry has something there that was left out, so that nobody can tell what it means.
    fn is_left_out(&self, keys: &[&str]) -> bool {
        let path: Vec<String> = self.entry.iter().chain(keys).map(|key| (*key).to_owned()).collect();
        is_left_out(self.left_out, &path)
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.found.push(fault);
    }

    /// Something has to be there, and is not; `such_as` goes on with what.
    fn miss<const N: usize>(&mut self, keys: [&str; N], such_as: &str) {
        if !self.is_left_out(&keys) {
            self.add(Fault::of_value(keys, format!("is missing{such_as}")));
        }
    }

    /// What was checked, where it is sound.
    pub(super) fn sound<T>(&mut self, checked: Result<T, Fault>) -> Option<T> {
        checked.map_err(|fault| self.add(fault)).ok()
    }

    /// Those of some texts that are sound.
    fn each<T>(&mut self, texts: &[String], check: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
        texts.iter().filter_map(|text| self.sound(check(text))).collect()
    }
}

impl ProfileEntry {
    /// The profile; `None` where it has faults.
    pub(super) fn checked(self, name: &ProfileName, config: &Config) -> Option<Profile> {
        let left_out = LeftOut::new();
        let mut faults = Faults::of(&[], &left_out);
        let profile = self.check(name, config, &mut faults);
        faults.found.is_empty().then_some(profile)
    }

    /// The profile, as far as it is sound. `config` has the providers.
    fn check(self, name: &ProfileName, config: &Config, faults: &mut Faults<'_>) -> Profile {
        let file = &config.file;
        if self.provider.is_none() {
            faults.miss(["provider"], "");
        }
        match &self.client_id {
            None => faults.miss(["client_id"], ""),
            Some(id) if is_client_id(id) => {}
            Some(_) => {
                let what = "is empty or has characters that no client id has: copy it from the provider's console";
                faults.add(Fault::of_value("client_id", what));
            }
        }
        for scope in self.scopes.iter().filter(|scope| !is_scope(scope)) {
            faults.add(Fault::of_entry("scopes", format!("`scopes`: {}", no_scope(scope))));
        }
        let redirect_uri = self.redirect_uri.and_then(|text| {
            let checked = text.parse::<RedirectUri>().and_then(|uri| match self.client_type.check_redirect_uri(&uri) {
                // Which scheme there may be goes by the type.
                Err(_) if uri.meant_scheme().is_none() && faults.is_left_out(&["client_type"]) => Ok(uri),
                checked => checked.map(|()| uri),
            });
            faults.sound(checked.map_err(|problem| Fault::of_value("redirect_uri", problem)))
        });
        if self.client_secret_file.is_some() && self.client_secret_env.is_some() {
            let both = "has both `client_secret_file` and `client_secret_env`; keep the one that is meant";
            faults.add(Fault::of_entry("client_secret_file", both));
        }
        if let Some(variable) = &self.client_secret_env
            && (variable.is_empty() || variable.contains(['=', '\0']))
        {
            let what = format!("is {variable:?}, which is no name of a variable; it reads like \"APP_SECRET\"");
            faults.add(Fault::of_value("client_secret_env", what));
        }
        let client_secret = match (self.client_secret_file, self.client_secret_env) {
            (Some(path), _) => SecretSource::File(beside(file, &path)),
            (None, Some(variable)) => SecretSource::Variable(variable),
            (None, None) => SecretSource::Store,
        };
        let allowed_origins = faults.each(&self.allowed_origins, origin);
        let git_hosts = faults.each(&self.git_hosts, git_host);
        let files = self.client_secret_files.into_iter();
        let (provider, data_center) = config.canonical(self.provider.unwrap_or_default(), self.data_center);
        Profile {
            name: name.clone(),
            provider,
            data_center,
            client_id: self.client_id.unwrap_or_default(),
            client_type: self.client_type,
            redirect_uri,
            scopes: self.scopes,
            client_secret,
            client_secret_files: files.map(|(code, path)| (code.to_ascii_lowercase(), beside(file, &path))).collect(),
            allowed_origins,
            git_hosts,
        }
    }
}

impl ProviderEntry {
    /// The provider, as far as it is sound; `None` where nothing can be told of it.
    fn check(self, name: &str, faults: &mut Faults<'_>) -> Option<ProviderSource> {
        let preset = match self.kind {
            Some(ProviderKind::Zoho) => return self.zoho(name, faults),
            Some(ProviderKind::Standard) => None,
            Some(ProviderKind::Preset(preset)) => Some(preset),
            None => {
                faults.miss(["kind"], &format!(": one of {}", listed(ProviderKind::words())));
                // What an address is does not go by the kind.
                self.addresses(faults);
                data_centers(self.data_centers.unwrap_or_default(), faults);
                return None;
            }
        };
        Some(self.server(name, preset, faults))
    }

    /// The endpoints and the API's domain that are given here.
    fn addresses(&self, faults: &mut Faults<'_>) -> (StandardEndpoints, Option<Url>) {
        let mut address = |key, text: &Option<String>| faults.sound(address(key, text.as_ref()?));
        address("issuer", &self.issuer);
        let endpoints = StandardEndpoints {
            device_authorization: address("device_authorization_endpoint", &self.device_authorization_endpoint),
            authorization: address("authorization_endpoint", &self.authorization_endpoint),
            token: address("token_endpoint", &self.token_endpoint),
            revocation: address("revocation_endpoint", &self.revocation_endpoint),
            userinfo: address("userinfo_endpoint", &self.userinfo_endpoint),
            client_authentication: self.client_authentication.into_iter().collect(),
            ..StandardEndpoints::default()
        };
        (endpoints, address("api_domain", &self.api_domain))
    }

    /// A server by what is given here; what a preset knows comes second.
    fn server(self, name: &str, preset: Option<&Preset>, faults: &mut Faults<'_>) -> ProviderSource {
        if self.data_centers.is_some() {
            let what = "has `data_centers`, which only providers of the kind `zoho` have";
            faults.add(Fault::of_entry("data_centers", what));
        }
        let (endpoints, api_domain) = self.addresses(faults);
        let blanks = [("host", self.host), ("tenant", self.tenant), ("realm", self.realm)];
        let given = sorted::map(blanks.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let known = preset.map_or(&[][..], |preset| preset.parameters);
        for key in given.keys().filter(|key| known.iter().all(|parameter| parameter.name != **key)) {
            faults.add(Fault::of_entry(*key, format!("has `{key}`, which this kind of provider does not take")));
        }
        let dialect = preset.map_or(&standard::DIALECT, |preset| preset.dialect);
        let known = preset.map_or_else(|| Ok(StandardServer::new(name, dialect)), |preset| preset.server(name, &given));
        let known = known.unwrap_or_else(|unfilled| {
            let is_empty = |blank: &Unfilled| blank.parameter.is_some_and(|name| !given.contains_key(name));
            for blank in unfilled {
                if !(is_empty(&blank) && faults.is_left_out(blank.parameter.as_slice())) {
                    faults.add(blank.into());
                }
            }
            StandardServer::new(name, dialect)
        });
        let needs = |key, given: &Option<String>| given.is_none() && !faults.is_left_out(&[key]);
        let needs_token = needs("token_endpoint", &self.token_endpoint);
        if preset.is_none() && needs("issuer", &self.issuer) && needs_token {
            let needed = "needs the address of its `issuer`, such as \"https://id.example.com\", or its addresses as \
                          `device_authorization_endpoint` and `token_endpoint`";
            faults.add(Fault::of_entry("issuer", needed));
        }
        let server = StandardServer {
            issuer: self.issuer,
            endpoints,
            api_domain,
            parameters: self.parameters.unwrap_or_default().into_iter().collect(),
            ..StandardServer::new(name, dialect)
        };
        // What is at a host that is given is given.
        let moved_by = known.moved_by(&server).filter(|_| !given.contains_key("host"));
        let known = if moved_by.is_some() { known.beside(&server) } else { known };
        let server = server.or(known);
        let is_foreign = server.foreign.iter().any(|known| known.key == "token_endpoint");
        if let Some(key) = moved_by.filter(|_| is_foreign && server.issuer.is_none() && needs_token) {
            let needed = "has its sign-in at another server than the preset: it needs that server's `token_endpoint`";
            faults.add(Fault::of_entry(key, needed));
        }
        match server.provider(StandardEndpoints::default()) {
            Some(provider) if server.issuer.is_none() => ProviderSource::Configured(provider),
            _ => ProviderSource::Discovered(Box::new(server)),
        }
    }

    fn zoho(self, name: &str, faults: &mut Faults<'_>) -> Option<ProviderSource> {
        let of_other_kinds = [
            ("host", self.host.is_some()),
            ("tenant", self.tenant.is_some()),
            ("realm", self.realm.is_some()),
            ("issuer", self.issuer.is_some()),
            ("device_authorization_endpoint", self.device_authorization_endpoint.is_some()),
            ("authorization_endpoint", self.authorization_endpoint.is_some()),
            ("token_endpoint", self.token_endpoint.is_some()),
            ("revocation_endpoint", self.revocation_endpoint.is_some()),
            ("userinfo_endpoint", self.userinfo_endpoint.is_some()),
            ("api_domain", self.api_domain.is_some()),
            ("client_authentication", self.client_authentication.is_some()),
            ("parameters", self.parameters.is_some()),
        ];
        for (key, _) in of_other_kinds.iter().filter(|(_, is_given)| *is_given) {
            let instead = match *key {
                "api_domain" => "belongs below `[providers.NAME.data_centers.CODE]` in this kind of provider",
                _ => "this kind of provider does not take",
            };
            faults.add(Fault::of_entry(*key, format!("has `{key}`, which {instead}")));
        }
        let entries = self.data_centers.unwrap_or_default();
        if entries.is_empty() && !faults.is_left_out(&["data_centers"]) {
            let needed = "has no `data_centers`: it needs one at least, such as `[providers.NAME.data_centers.us]` with \
                          `accounts_server` and `api_domain`";
            faults.add(Fault::of_entry("data_centers", needed));
        }
        let mut data_centers = data_centers(entries, faults);
        // Zoho's own first data center comes first wherever it is among them.
        sorted::by_key(&mut data_centers, |data_center| data_center.code != "us");
        (!data_centers.is_empty()).then(|| ProviderSource::Configured(zoho::provider_at(name, data_centers)))
    }
}

/// One for each entry.
fn data_centers(entries: BTreeMap<String, DataCenterEntry>, faults: &mut Faults<'_>) -> Vec<DataCenter> {
    let data_center = |(code, entry): (String, DataCenterEntry)| {
        let mut at = |field, text: Option<String>| {
            if text.is_none() {
                faults.miss(["data_centers", &code, field], "");
            }
            faults.sound(address(["data_centers", &code, field], &text?))
        };
        let addresses = (at("accounts_server", entry.accounts_server), at("api_domain", entry.api_domain));
        match addresses {
            (Some(accounts_server), Some(api_domain)) => zoho::data_center(&code, &accounts_server, &api_domain),
            // Profiles name it by its code, whatever is wrong with its addresses.
            _ => DataCenter { code: code.to_ascii_lowercase(), ..zoho::provider().default_data_center().clone() },
        }
    };
    entries.into_iter().map(data_center).collect()
}

fn address(key: impl Into<KeyPath>, text: &str) -> Result<Url, Fault> {
    let problem = match Url::parse(text).map(|url| (check_address(&url), url)) {
        Ok((Ok(()), url)) if url.query().is_none() && url.fragment().is_none() => return Ok(url),
        Ok((Ok(()), _)) => "has a query (`?`) or fragment (`#`), which an address here cannot have".to_owned(),
        Ok((Err(problem), _)) => format!("{problem}; it reads like \"https://id.example.com\""),
        Err(_) => format!("is no address: {text:?}; one reads like \"https://id.example.com\""),
    };
    Err(Fault::of_value(key, problem))
}

/// Scheme, host and port, and nothing else: a path would look as if it counted.
fn origin(text: &str) -> Result<Url, Fault> {
    let url = address("allowed_origins", text)?;
    if url.path() != "/" || text.contains(['*', '@']) {
        let problem =
            format!("has {text:?}, and takes scheme, host and port alone, such as \"https://api.example.com\"");
        return Err(Fault::of_value("allowed_origins", problem));
    }
    Ok(url)
}

fn git_host(text: &str) -> Result<GitHost, Fault> {
    text.parse().map_err(|problem| Fault::of_value("git_hosts", format!("has {text:?}, {problem}")))
}

/// Relative paths are meant from the directory of the configuration file, and `~` is this user's home.
pub(super) fn beside(file: &Path, path: &Path) -> PathBuf {
    let path = files::expanded(path);
    match file.parent() {
        Some(directory) => directory.join(path),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{ClientType, Config, ProviderSource, SecretSource};
    use crate::providers::ClientAuthentication;
    use crate::providers::standard::StandardEndpoints;
    use crate::registered::RedirectUri;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/x/config.toml")).map_err(|error| error.cause().expect("a cause"))
    }

    fn all_problems(text: &str) -> String {
        parse(text).expect_err(text);
        let told = super::super::check::check(text, Path::new("/etc/x/config.toml"), None, |_| Vec::new()).mistakes;
        told.iter().map(|told| format!("line {}: {}", told.line, told.message)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_a_provider_calls_home_is_told_without_making_it() {
        for (name, source) in Config::default().providers {
            let made = source.known().map(|provider| provider.default_data_center().code.clone());
            assert_eq!(source.home_code(), made.unwrap_or_default(), "{name}");
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_valid() {
        let document = include_str!("../../docs/configuration.md");
        let (_, example) = document.split_once("```toml\n").expect("an example");
        let (example, _) = example.split_once("```").expect("its end");
        let config = parse(example).expect("valid");
        let work = config.profile(None).expect("the default profile");
        assert_eq!(work.data_center.as_deref(), Some("us"));
        assert_eq!(work.client_secret, SecretSource::File("/etc/x/secret".into()));
        let ProviderSource::Configured(lab) = &config.providers["lab"] else { panic!("lab is known") };
        assert_eq!(lab.default_data_center().code, "us");
    }

    #[test]
    fn endpoints_win_over_presets_and_what_an_issuer_says() {
        let config = parse(
            "[providers.sso]\nkind=\"keycloak\"\nhost=\"id.example.com\"\nrealm=\"main\"\nclient_authentication=\"body\"\n\
             revocation_endpoint=\"https://other.example.com/revoke/\"\nparameters={resource=\"x\"}\n\
             [providers.corp]\nkind=\"standard\"\nissuer=\"https://id.example.com\"\n\
             token_endpoint=\"https://id.example.com/token/\"\n",
        );
        let config = config.expect("valid");
        let ProviderSource::Configured(sso) = &config.providers["sso"] else { panic!("a preset needs no discovery") };
        assert_eq!(sso.client_authentication, [ClientAuthentication::Body]);
        assert_eq!(sso.parameters, [("resource".to_owned(), "x".to_owned())]);
        let endpoints = &sso.default_data_center().endpoints;
        assert_eq!(endpoints.revocation[0].url.as_str(), "https://other.example.com/revoke/");
        assert_eq!(endpoints.token.as_str(), "https://id.example.com/realms/main/protocol/openid-connect/token");

        let ProviderSource::Discovered(corp) = &config.providers["corp"] else { panic!("the issuer is asked") };
        assert_eq!(corp.issuer.as_deref(), Some("https://id.example.com"));
        let url = |address| Some(url::Url::parse(address).expect("an address"));
        let says = StandardEndpoints {
            device_authorization: url("https://id.example.com/device"),
            token: url("https://id.example.com/elsewhere"),
            ..StandardEndpoints::default()
        };
        let endpoints = corp.provider(says).expect("whole").default_data_center().endpoints.clone();
        assert_eq!(endpoints.token.as_str(), "https://id.example.com/token/");
        assert_eq!(endpoints.device_authorization, url("https://id.example.com/device"));
    }

    #[test]
    fn a_preset_at_another_server_is_without_its_own() {
        let both =
            "token_endpoint=\"https://id.example.com/t\"\ndevice_authorization_endpoint=\"https://id.example.com/d\"";
        for kind in ["github", "google", "microsoft", "gitlab"] {
            let issuer = "issuer=\"https://id.example.com\"";
            let token = "token_endpoint=\"https://id.example.com/t\"";
            for given in [both, token, issuer, &format!("{issuer}\n{token}")] {
                let config = parse(&format!("[providers.p]\nkind=\"{kind}\"\n{given}")).expect("valid");
                let source = &config.providers["p"];
                assert!(!source.foreign().is_empty(), "{kind}");
                // Nor does what a grant of earlier, or the metadata of another, tell make it this server's.
                let told = || {
                    let foreign = source.foreign().iter().map(|foreign| (foreign.key, foreign.url.clone()));
                    let foreign: std::collections::BTreeMap<_, _> = foreign.collect();
                    StandardEndpoints {
                        token: url::Url::parse("https://id.example.com/t").ok(),
                        revocation: foreign.get("revocation_endpoint").cloned(),
                        userinfo: foreign.get("userinfo_endpoint").cloned(),
                        ..StandardEndpoints::default()
                    }
                };
                let provider = match source {
                    // An issuer may name them: those of some tenants do.
                    ProviderSource::Discovered(server) if server.endpoints.token.is_none() => {
                        assert!(
                            server.provider(told()).expect("whole").default_data_center().endpoints.userinfo.is_some()
                        );
                        continue;
                    }
                    ProviderSource::Discovered(server) => server.provider(told()).expect("it has a token endpoint"),
                    source => source.known().expect("it has a token endpoint"),
                };
                let place = provider.default_data_center();
                let origins = place.origins().into_iter().chain(place.accounts_origins());
                let mut origins = origins.chain(place.endpoints.revocation.iter().map(|form| form.url.origin()));
                let own = url::Url::parse("https://id.example.com").expect("an address").origin();
                assert!(origins.all(|origin| origin == own), "{kind} {given}: {place:?}");
            }
        }
        // Another place of the preset's, one for calls, and a host that is given are its own.
        for (kind, given) in [
            ("google", "token_endpoint=\"https://accounts.google.com/o/oauth2/token\""),
            ("google", "issuer=\"https://accounts.google.com\""),
            ("microsoft", "tenant=\"contoso\"\napi_domain=\"https://management.azure.com\""),
            ("microsoft", "userinfo_endpoint=\"https://id.example.com/me\""),
            ("gitlab", "host=\"git.example.com\"\ntoken_endpoint=\"https://id.example.com/t\""),
            ("auth0", "host=\"x.auth0.com\"\ntoken_endpoint=\"https://id.example.com/t\""),
        ] {
            let config = parse(&format!("[providers.p]\nkind=\"{kind}\"\n{given}")).expect("valid");
            assert_eq!(config.providers["p"].foreign(), [], "{kind} {given}");
        }
        let alone = "[providers.p]\nkind=\"github\"\ndevice_authorization_endpoint=\"https://id.example.com/d\"";
        assert!(all_problems(alone).contains("needs that server's `token_endpoint`"));
    }

    #[test]
    fn a_profile_may_send_its_token_where_it_or_its_provider_says() {
        let text = "[profiles.a]\nprovider=\"corp\"\nclient_id=\"x\"\nallowed_origins=[\"https://A.example.com:443\"]\n\
             [providers.corp]\nkind=\"standard\"\nissuer=\"https://id.example.com\"\n\
             allowed_origins=[\"https://b.example.com:8443/\",\"http://127.0.0.1:9000\"]\n";
        let config = parse(text).expect("valid");
        let allowed = config.allowed_origins(config.profile(None).expect("the only one"));
        let allowed: Vec<String> = allowed.map(|url| url.origin().ascii_serialization()).collect();
        assert_eq!(allowed, ["https://a.example.com", "https://b.example.com:8443", "http://127.0.0.1:9000"]);
    }

    #[test]
    fn words_of_other_clients_and_consoles_are_taken_and_called_by_their_own_names() {
        let config = parse(
            "[profiles.a]\nprovider = \"Zoho\"\nclient_id = \"x\"\ndata_center = \"accounts.zoho.eu\"\n\
             client_type = \"Server-based Applications\"\n\
             [profiles.b]\nprovider = \"GitHub\"\nclient_id = \"my app\"\nclient_type = \"Desktop\"\n\
             redirect_uri = \"myapp://cb\"\n",
        );
        let config = config.expect("valid");
        let profile = |name: &str| &config.profiles[&name.parse().expect("a name")];
        assert_eq!((profile("a").provider.as_str(), profile("a").data_center.as_deref()), ("zoho", Some("eu")));
        assert_eq!(profile("a").client_type, ClientType::ServerBased);
        assert_eq!((profile("b").provider.as_str(), profile("b").client_type), ("github", ClientType::Mobile));
        assert_eq!(profile("b").redirect_uri.as_ref().map(RedirectUri::as_str), Some("myapp://cb"));
    }

    #[test]
    fn each_kind_of_value_is_told_in_peoples_words() {
        let keys = [
            ("store_cache", "a whole number from 0 to 4294967295"),
            ("store", "a text in quotation marks"),
            ("store_url_file", "a text in quotation marks"),
            ("default_profile", "a text in quotation marks"),
            ("key_command", "a list in `[` and `]`"),
            ("profiles", "a table of keys and values"),
            ("screen", "a table of keys and values"),
            ("profiles.work", "a table of keys and values"),
            ("providers.corp", "a table of keys and values"),
            ("screen.mouse", "`true` or `false`"),
            ("screen.theme", "a text in quotation marks"),
        ];
        let values = [
            ("true", "`true`"),
            ("5", "the number 5"),
            ("-1", "the number -1"),
            ("1.5", "the number 1.5"),
            ("\"x\"", "the text \"x\""),
            ("[]", "a list"),
            ("{}", "a table"),
            ("2026-03-14", "a date or time"),
        ];
        let mut told = 0;
        for ((key, wanted), (value, given)) in keys.iter().flat_map(|key| values.map(|value| (*key, value))) {
            let Err(problem) = parse(&format!("{key} = {value}")) else { continue };
            if problem.contains(", and is ") {
                let key = key.rsplit('.').next().expect("a key");
                assert_eq!(problem, format!("line 1: `{key}` has to be {wanted}, and is {given}"));
                told += 1;
            }
            let of_rust = ["invalid", "expected", "string", "boolean", "integer", "sequence", "map", "u32", "struct"];
            assert!(of_rust.iter().all(|word| !problem.contains(word)), "{problem}");
        }
        // All but the one value of the type that is wanted.
        assert_eq!(told, keys.len() * values.len() - keys.len());
        assert_eq!(
            parse("key_command = [\"x\", 5]").expect_err("no text"),
            "line 1: `key_command`: each entry has to be a text in quotation marks, and is the number 5"
        );
    }

    #[test]
    fn each_problem_names_its_key() {
        let profile = |more: &str| format!("[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\n{more}");
        for (text, part) in [
            ("colour = 1".to_owned(), "line 1: unknown key `colour`"),
            (profile("scope = []"), "line 4: unknown key `scope`"),
            (profile("scope = []"), "; did you mean `scopes`?"),
            ("[screen]\nteme = \"dark\"".to_owned(), "; did you mean `theme`?"),
            ("[screen]\ntheme = \"drak\"".to_owned(), "; did you mean `dark`?"),
            ("[profile.a]\nprovider = \"zoho\"".to_owned(), "or `profiles`?"),
            ("[providers.p]\nkind = \"githbu\"".to_owned(), "; did you mean `github`?"),
            (profile("store = \"x\""), "line 4: `store` belongs above the first `[`"),
            (profile("store_url_file = \"x\""), "line 4: `store_url_file` belongs above the first `[`"),
            ("[screen]\nstore_cache = 1".to_owned(), "line 2: `store_cache` belongs above the first `[`"),
            (
                "[providers.p]\nkind=\"google\"\nkey_command=[]".to_owned(),
                "line 3: `key_command` belongs above the first `[`",
            ),
            (profile("scopes = [\"a,b\"]"), "`profiles.a`: `scopes`: `a,b` is no scope"),
            (profile("client_secret_file = \"a\"\nclient_secret_env = \"b\""), "both `client_secret_file`"),
            (profile("client_secret_env = \"\""), "`client_secret_env` is \"\", which is no name of a variable"),
            (profile("client_secret_env = \"A=B\""), "`client_secret_env` is \"A=B\", which is no name"),
            ("[profiles.\"../x\"]\nprovider=\"zoho\"\nclient_id=\"x\"".to_owned(), "a profile's name has"),
            ("default_profile = \"x\"".to_owned(), "`default_profile` names `x`"),
            ("[providers.zoho]\nkind=\"standard\"\nissuer=\"https://x.example\"".to_owned(), "is built in"),
            ("[providers.p]\nkind=\"standard\"\nissuer=\"http://x.example\"".to_owned(), "plain http"),
            ("[providers.p]\nkind=\"standard\"".to_owned(), "`providers.p`: needs the address of its `issuer`, such as"),
            ("[providers.p]\nkind=\"zoho\"\n[providers.p.data_centers]".to_owned(), "has no `data_centers`"),
            ("[providers.p]\nkind=\"other\"".to_owned(), "line 2: `kind`: `other` is none of"),
            ("[screen]\ntheme=\"pink\"".to_owned(), "line 2: `theme`: `pink` is none of"),
            ("[screen]\nmouse=\"no\"".to_owned(), "line 2: `mouse` has to be"),
            ("[screen.keys]\nquit=\"x\"".to_owned(), "below `[screen.keys.everywhere]`; the tables are `sign-in`, "),
            ("[screen.keys.api]\nsend=\"x\"".to_owned(), "`send` has to be a list in `[` and `]`, and is the text \"x\"; write"),
            ("[screen]\nkeys=true".to_owned(), "write `quit = [\"x\"]` below"),
            ("key_command = []".to_owned(), "`key_command` has to be a program"),
            ("key_command = [\"\", \"x\"]".to_owned(), "`key_command` has to be a program"),
            ("key_command = \"pass key\"".to_owned(), "line 1: `key_command` has to be"),
            ("[providers.p]\nkind=\"google\"\ncolour=1".to_owned(), "line 3: unknown key `colour`"),
            ("[providers.p]\nkind=\"zoho\"\n[providers.p.data_centers.us]\naccounts_server=\"https://x.example\"\napi_domain=\"https://x.example\"\ncolour=1".to_owned(), "line 6: unknown key"),
            ("[providers.p]\nkind=\"zoho\"\nissuer=\"https://x.example\"".to_owned(), "has `issuer`"),
            ("[providers.p]\nkind=\"zoho\"\nparameters={a=\"b\"}".to_owned(), "has `parameters`"),
            ("[providers.p]\nkind=\"zoho\"\nhost=\"x\"".to_owned(), "has `host`, which this kind of provider does not take"),
            (
                "[providers.p]\nkind=\"zoho\"\napi_domain=\"x\"".to_owned(),
                "has `api_domain`, which belongs below `[providers.NAME.data_centers.CODE]`",
            ),
            ("[providers.p]\nkind=\"okta\"".to_owned(), "`providers.p`: `host` is needed, such as example.okta.com"),
            ("[providers.p]\nkind=\"okta\"\nhost=\"\"".to_owned(), "`host` is needed, such as example.okta.com"),
            (
                "[providers.p]\nkind=\"okta\"\nhost=\"a b\"".to_owned(),
                "`host` is \"a b\", which is no name of a host; it reads like \"example.okta.com\"",
            ),
            ("[providers.p]\nkind=\"okta\"\nhost=\"x.example?a\"".to_owned(), "`host` is \"x.example?a\": no `?` or `#`"),
            (
                "[providers.p]\nkind=\"okta\"\nhost=\"http://x.example\"".to_owned(),
                "`host` is plain http outside this machine; it reads like \"example.okta.com\"",
            ),
            ("[providers.p]\nkind=\"github\"\ntenant=\"x\"".to_owned(), "has `tenant`, which this kind"),
            ("[providers.p]\nkind=\"keycloak\"\nhost=\"x.example\"".to_owned(), "`realm` is needed, such as main"),
            (
                "[providers.p]\nkind=\"keycloak\"\nhost=\"x.example\"\nrealm=\"a/b\"".to_owned(),
                "`realm` is \"a/b\": only letters, digits, `-`, `_` and `.` may be in it; it reads like \"main\"",
            ),
            (
                "[providers.p]\nkind=\"standard\"\nclient_authentication=\"jwt\"".to_owned(),
                "line 3: `client_authentication`: `jwt` is none of",
            ),
            ("[providers.github]\nkind=\"github\"".to_owned(), "`github` is built in"),
            (profile("allowed_origins = [\"http://api.example.com\"]"), "`allowed_origins` is plain http"),
            (profile("allowed_origins = [\"https://u@api.example.com\"]"), "`allowed_origins` carries a user"),
            (profile("allowed_origins = [\"https://api.example.com/v1\"]"), "`allowed_origins` has \"https://api"),
            (profile("allowed_origins = [\"https://*.example.com\"]"), "`allowed_origins` has \"https://*"),
            (profile("allowed_origins = [\"https://api.example.com?x\"]"), "`allowed_origins` has a query"),
            (profile("allowed_origins = [\"api.example.com\"]"), "`allowed_origins` is no address"),
            (profile("allowed_origins = [\"ftp://api.example.com\"]"), "`allowed_origins` is neither https nor http"),
            (profile("allowed_origins = \"https://api.example.com\""), "line 4: `allowed_origins` has to be"),
            (profile("git_hosts = [\"https://git.example.com\"]"), "`git_hosts` has \"https://git.example.com\""),
            (profile("git_hosts = [\"\"]"), "`git_hosts` has \"\""),
            (
                "[providers.p]\nkind=\"standard\"\nissuer=\"https://x.example\"\nallowed_origins=[\"x\"]".to_owned(),
                "`providers.p`: `allowed_origins` is no address",
            ),
        ] {
            let problem = all_problems(&text);
            assert!(problem.contains(part), "{problem:?} lacks {part:?}");
        }
    }
}
