//! The shape of `config.toml`, and its checks. Every problem is one sentence that names the key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::{Config, Profile, ProviderSource, SecretSource, built_in_providers};
use crate::profile::ProfileName;
use crate::providers::standard::{self, StandardEndpoints};
use crate::providers::{Provider, zoho};
use crate::untrusted::check_address;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    default_profile: Option<ProfileName>,
    #[serde(default)]
    profiles: BTreeMap<ProfileName, ProfileEntry>,
    #[serde(default)]
    providers: BTreeMap<String, ProviderEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileEntry {
    provider: String,
    data_center: Option<String>,
    client_id: String,
    #[serde(default)]
    scopes: Vec<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_env: Option<String>,
    #[serde(default)]
    client_secret_files: BTreeMap<String, PathBuf>,
}

/// The keys of every kind of provider in one, since a key that is unknown then has its line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    kind: ProviderKind,
    data_centers: Option<BTreeMap<String, DataCenterEntry>>,
    issuer: Option<String>,
    device_authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    api_domain: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProviderKind {
    Standard,
    Zoho,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataCenterEntry {
    accounts_server: String,
    api_domain: String,
}

/// Reads the text; a problem names its line.
pub(super) fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim_end_matches('.').replace('\n', " ");
        match error.span() {
            Some(span) => {
                let before = text.get(..span.start).unwrap_or(text);
                format!("line {}: {message}", before.matches('\n').count() + 1)
            }
            None => message,
        }
    })
}

impl File {
    /// Checks what the shape alone does not tell.
    pub(super) fn check(self, file: &Path) -> Result<Config, String> {
        let mut providers = built_in_providers();
        for (name, entry) in self.providers {
            if providers.contains_key(&name) {
                return Err(format!("`providers.{name}`: `{name}` is built in; give yours another name"));
            }
            let source = entry.check(&name).map_err(|problem| format!("`providers.{name}`: {problem}"))?;
            providers.insert(name, source);
        }
        let mut profiles = BTreeMap::new();
        for (name, entry) in self.profiles {
            let profile = entry.check(&name, file).map_err(|problem| format!("`profiles.{name}`: {problem}"))?;
            profiles.insert(name, profile);
        }
        if let Some(name) = self.default_profile.as_ref().filter(|name| !profiles.contains_key(*name)) {
            return Err(format!("`default_profile` names `{name}`, which is not among the profiles"));
        }
        Ok(Config { file: file.to_owned(), default_profile: self.default_profile, profiles, providers })
    }
}

impl ProfileEntry {
    fn check(self, name: &ProfileName, file: &Path) -> Result<Profile, String> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain(&self.client_id) {
            return Err("`client_id` is empty or has characters that no client id has".to_owned());
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !is_plain(scope) || scope.contains([',', '"', '\\'])) {
            return Err(format!("`scopes` has {scope:?}, which is no scope"));
        }
        let client_secret = match (self.client_secret_file, self.client_secret_env) {
            (Some(_), Some(_)) => return Err("has both `client_secret_file` and `client_secret_env`".to_owned()),
            (Some(path), None) => SecretSource::File(beside(file, &path)),
            (None, Some(variable)) => SecretSource::Variable(variable),
            (None, None) => SecretSource::Store,
        };
        let files = self.client_secret_files.into_iter();
        Ok(Profile {
            name: name.clone(),
            provider: self.provider,
            data_center: self.data_center.map(|code| code.to_ascii_lowercase()),
            client_id: self.client_id,
            scopes: self.scopes,
            client_secret,
            client_secret_files: files.map(|(code, path)| (code.to_ascii_lowercase(), beside(file, &path))).collect(),
        })
    }
}

impl ProviderEntry {
    fn check(self, name: &str) -> Result<ProviderSource, String> {
        match self.kind {
            ProviderKind::Standard => self.standard(name),
            ProviderKind::Zoho => self.zoho(name),
        }
    }

    fn standard(self, name: &str) -> Result<ProviderSource, String> {
        if self.data_centers.is_some() {
            return Err("has `data_centers`, which only providers of the kind `zoho` have".to_owned());
        }
        let api_domain = optional_address("api_domain", self.api_domain)?;
        match (self.issuer, self.device_authorization_endpoint, self.token_endpoint) {
            (Some(issuer), None, None) => {
                if self.revocation_endpoint.is_some() || self.userinfo_endpoint.is_some() {
                    return Err("has endpoints beside an `issuer` that describes its own".to_owned());
                }
                let issuer = address("issuer", &issuer)?;
                Ok(ProviderSource::Issuer { name: name.to_owned(), issuer, api_domain })
            }
            (issuer, Some(device_authorization), Some(token)) => {
                let endpoints = StandardEndpoints {
                    device_authorization: address("device_authorization_endpoint", &device_authorization)?,
                    token: address("token_endpoint", &token)?,
                    revocation: optional_address("revocation_endpoint", self.revocation_endpoint)?,
                    userinfo: optional_address("userinfo_endpoint", self.userinfo_endpoint)?,
                };
                let issuer = optional_address("issuer", issuer)?.unwrap_or_else(|| endpoints.token.clone());
                Ok(ProviderSource::Configured(standard::provider(name, &issuer, endpoints, api_domain)))
            }
            _ => Err("needs `issuer`, or both `device_authorization_endpoint` and `token_endpoint`".to_owned()),
        }
    }

    fn zoho(self, name: &str) -> Result<ProviderSource, String> {
        let of_the_other_kind = [
            ("issuer", &self.issuer),
            ("device_authorization_endpoint", &self.device_authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("revocation_endpoint", &self.revocation_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("api_domain", &self.api_domain),
        ];
        if let Some((key, _)) = of_the_other_kind.iter().find(|(_, value)| value.is_some()) {
            return Err(format!("has `{key}`, which goes below `data_centers` or belongs to the kind `standard`"));
        }
        zoho_provider(name, self.data_centers.unwrap_or_default())
    }
}

fn zoho_provider(name: &str, entries: BTreeMap<String, DataCenterEntry>) -> Result<ProviderSource, String> {
    let mut data_centers = Vec::new();
    for (code, entry) in entries {
        let key = |field: &str| format!("data_centers.{code}.{field}");
        let accounts_server = address(&key("accounts_server"), &entry.accounts_server)?;
        let api_domain = address(&key("api_domain"), &entry.api_domain)?;
        data_centers.push(zoho::data_center(&code, &accounts_server, &api_domain));
    }
    // Zoho's own first data center comes first wherever it is among them.
    data_centers.sort_by_key(|data_center| data_center.code != "us");
    if data_centers.is_empty() {
        return Err("has no `data_centers`".to_owned());
    }
    let provider = Provider { name: name.to_owned(), dialect: &zoho::DIALECT, data_centers };
    Ok(ProviderSource::Configured(provider))
}

fn optional_address(key: &str, text: Option<String>) -> Result<Option<Url>, String> {
    text.map(|text| address(key, &text)).transpose()
}

fn address(key: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("`{key}` is no address: {text:?}"))?;
    match check_address(&url) {
        Ok(()) if url.query().is_none() && url.fragment().is_none() => Ok(url),
        Ok(()) => Err(format!("`{key}` has a query or fragment, which addresses here do not have")),
        Err(problem) => Err(format!("`{key}` {problem}")),
    }
}

/// Relative paths are meant from the directory of the configuration file.
fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().map_or_else(|| path.to_owned(), |directory| directory.join(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, ProviderSource, SecretSource};

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/x/config.toml")).map_err(|error| error.cause.expect("a cause"))
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
    fn each_problem_names_its_key() {
        let profile = |more: &str| format!("[profiles.a]\nprovider = \"zoho\"\nclient_id = \"x\"\n{more}");
        for (text, part) in [
            ("colour = 1".to_owned(), "line 1: unknown field `colour`"),
            (profile("scope = []"), "line 4: unknown field `scope`"),
            (profile("scopes = [\"a,b\"]"), "`profiles.a`: `scopes` has \"a,b\""),
            (profile("client_secret_file = \"a\"\nclient_secret_env = \"b\""), "both `client_secret_file`"),
            ("[profiles.\"../x\"]\nprovider=\"zoho\"\nclient_id=\"x\"".to_owned(), "a profile's name has"),
            ("default_profile = \"x\"".to_owned(), "`default_profile` names `x`"),
            ("[providers.zoho]\nkind=\"standard\"\nissuer=\"https://x.example\"".to_owned(), "is built in"),
            ("[providers.p]\nkind=\"standard\"\nissuer=\"http://x.example\"".to_owned(), "plain http"),
            ("[providers.p]\nkind=\"standard\"".to_owned(), "needs `issuer`"),
            ("[providers.p]\nkind=\"zoho\"\n[providers.p.data_centers]".to_owned(), "has no `data_centers`"),
            ("[providers.p]\nkind=\"other\"".to_owned(), "line 2: unknown variant `other`"),
            ("[providers.p]\nkind=\"zoho\"\ncolour=1".to_owned(), "line 3: unknown field `colour`"),
            (
                "[providers.p]\nkind=\"zoho\"\n[providers.p.data_centers.us]\ncolour=1".to_owned(),
                "line 4: unknown field",
            ),
            ("[providers.p]\nkind=\"zoho\"\nissuer=\"https://x.example\"".to_owned(), "has `issuer`"),
        ] {
            let problem = parse(&text).expect_err(&text);
            assert!(problem.contains(part), "{problem:?} lacks {part:?}");
        }
    }
}
