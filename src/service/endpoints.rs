//! Tokens and stored secrets go where they went when a person approved, and nowhere else until a person approves that too.
//!
//! A grant keeps the endpoints under which it was approved, a stored client secret those for which it was given. What the
//! configuration or an issuer's metadata say later is compared with them before anything is sent. The endpoints of Zoho and of
//! other built-in providers are this program's own and change with it only.

use std::collections::BTreeMap;

use url::Url;

use super::{Service, discovery};
use crate::config::{Profile, ProviderSource};
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::providers::Provider;
use crate::sorted;
use crate::storage::{Held, IssuerEndpoints, Record};

const ISSUER: &str = "issuer";
pub(super) const DEVICE_AUTHORIZATION: &str = "device_authorization_endpoint";
pub(super) const AUTHORIZATION: &str = "authorization_endpoint";
pub(super) const TOKEN: &str = "token_endpoint";
pub(super) const REVOCATION: &str = "revocation_endpoint";
pub(super) const USERINFO: &str = "userinfo_endpoint";

/// Where a provider takes requests with secrets, by the key in the configuration. Nothing stands for an endpoint that the
/// provider does not have; one of which nothing is known is not there.
pub(super) type Endpoints = BTreeMap<String, Option<Url>>;

/// An endpoint that is not the approved one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedEndpoint {
    /// As the configuration has it.
    pub key: String,
    pub approved: Option<Url>,
    pub now: Option<Url>,
}

impl ChangedEndpoint {
    /// What was and what is, in words.
    pub fn in_words(&self) -> String {
        let Self { key, approved, now } = self;
        let shown = |url: &Option<Url>| url.as_ref().map_or_else(|| "none".to_owned(), Url::to_string);
        format!("`{key}` was {} when it was approved, and is {} now", shown(approved), shown(now))
    }
}

impl Service {
    /// Fails where the configuration has come to name another endpoint than the one that was approved with a grant.
    pub(super) fn check_approved(
        &self,
        profile: &Profile,
        approved: Option<&IssuerEndpoints>,
        key: &str,
    ) -> Result<(), Error> {
        let source = self.config.provider(profile)?;
        let Some(approved) = approved.and_then(|approved| of_grant(approved).remove(key)) else { return Ok(()) };
        match configured(source).remove(key).flatten() {
            Some(now) if Some(&now) != approved.as_ref() => {
                let changed = ChangedEndpoint { key: key.to_owned(), approved, now: Some(now) };
                let what = format!("nothing was sent for profile `{}`", profile.name);
                Err(Error::new(Code::Config, what).because(changed.in_words()).advise_all(what_helps(&profile.name)))
            }
            _ => Ok(()),
        }
    }

    /// Fails where the client's secret, or a token to revoke, would go elsewhere than was approved: to another one of the
    /// endpoints with these keys, or to another server of a provider that has several. `what` then failed.
    pub(super) fn check_client_endpoints(
        &self,
        profile: &Profile,
        record: &Record,
        provider: &Provider,
        keys: &[&str],
        what: &str,
    ) -> Result<(), Error> {
        let source = self.config.provider(profile)?;
        let is_meant = |change: &ChangedEndpoint| keys.contains(&change.key.as_str()) || !is_of_issuer(&change.key);
        let changes = changes(&record.client_endpoints, &of_provider(provider), source);
        match changes.into_iter().find(|change| change.now.is_some() && is_meant(change)) {
            Some(change) => {
                let anew = record.client_secret.is_some().then(|| give_secret_again(&profile.name));
                let helps = what_helps(&profile.name).into_iter().chain(anew);
                Err(Error::new(Code::Config, what).because(change.in_words()).advise_all(helps))
            }
            None => Ok(()),
        }
    }

    /// Takes the provider's endpoints as they are now for those to which the profile's tokens and secret may go. Gives those
    /// that are not as they were.
    pub async fn accept_endpoints(&self, profile: &Profile) -> Result<Vec<ChangedEndpoint>, Error> {
        let source = self.config.provider(profile)?.clone();
        let provider = self.provider(profile).await?;
        self.holding(&profile.name, move |_, held| accept(&source, &provider, held)).await
    }
}

fn accept(source: &ProviderSource, provider: &Provider, held: &mut Held) -> Result<Vec<ChangedEndpoint>, Error> {
    let Some(mut record) = held.load()? else { return Ok(Vec::new()) };
    let now = with_issuer(of_provider(provider), provider);
    let endpoints = discovery::to_remember(provider, source);
    let server = |code: &str| provider.data_center(code).map(|data_center| data_center.accounts_server.clone());
    let approved = std::mem::replace(&mut record.client_endpoints, known(source, provider));
    let mut changed = changes(&approved, &now, source);
    for grant in record.grants_mut() {
        changed.extend(moved(&mut grant.endpoints, endpoints.as_deref(), &now, source));
        changed.extend(moved_server(&mut grant.issuer, &grant.data_center, server(&grant.data_center)));
    }
    for waiting in &mut record.to_revoke {
        changed.extend(moved(&mut waiting.endpoints, endpoints.as_deref(), &now, source));
        changed.extend(moved_server(&mut waiting.issuer, &waiting.data_center, server(&waiting.data_center)));
    }
    if let Some(given_for) = &mut record.client_secret_for {
        let identity = source.identity();
        let before = std::mem::replace(given_for, identity.clone());
        if before != identity {
            let [approved, now] = [before, identity].map(|server| Url::parse(&server).ok());
            changed.push(ChangedEndpoint { key: ISSUER.to_owned(), approved, now });
        }
    }
    sorted::by(&mut changed, Ord::cmp);
    changed.dedup();
    // A server that has no other name is called by the address that stands for it.
    let named: Vec<_> = changed.iter().filter(|change| change.key != ISSUER).map(|change| change.now.clone()).collect();
    changed.retain(|change| change.key != ISSUER || !named.contains(&change.now));
    if !changed.is_empty() {
        held.commit(&mut record)?;
    }
    Ok(changed)
}

/// What to do where an endpoint is not the approved one. A sign-in may need a secret that goes there no more than a token does.
pub(super) fn what_helps(profile: &ProfileName) -> [Advice; 2] {
    ["put the old address back".into(), Advice::AcceptEndpoints(profile.clone()).after("or if the new one is right, ")]
}

/// What has a stored secret go to the server that is configured now.
pub(super) fn give_secret_again(profile: &ProfileName) -> Advice {
    Advice::GiveSecret(Some(profile.clone())).after("or give the secret again: ")
}

/// The endpoints for which a secret is given, as far as they are known before anybody is asked.
pub(super) fn given(source: &ProviderSource) -> Endpoints {
    match source {
        ProviderSource::Discovered(server) => {
            let mut endpoints = configured(source);
            endpoints.insert(ISSUER.to_owned(), server.issuer_url());
            endpoints
        }
        source => configured(source),
    }
}

/// The same once the issuer has been asked: what it did not name it does not have.
pub(super) fn known(source: &ProviderSource, provider: &Provider) -> Endpoints {
    if source.is_described() { with_issuer(of_provider(provider), provider) } else { Endpoints::new() }
}

/// What the configuration says; for an issuer that is asked, no more than that.
fn configured(source: &ProviderSource) -> Endpoints {
    match source {
        ProviderSource::Zoho | ProviderSource::Preset(_) => Endpoints::new(),
        ProviderSource::Configured(provider) => of_provider(provider),
        ProviderSource::Discovered(server) => {
            let endpoints = server.endpoints.clone();
            let named = [
                (DEVICE_AUTHORIZATION, endpoints.device_authorization),
                (TOKEN, endpoints.token),
                (REVOCATION, endpoints.revocation),
                (USERINFO, endpoints.userinfo),
            ];
            let given = named.into_iter().filter(|(_, url)| url.is_some());
            sorted::map(given.map(|(key, url)| (key.to_owned(), url)))
        }
    }
}

fn of_provider(provider: &Provider) -> Endpoints {
    let mut found = Endpoints::new();
    for data_center in &provider.data_centers {
        if !data_center.code.is_empty() {
            // All others follow from it.
            found.insert(server_key(&data_center.code), Some(data_center.accounts_server.clone()));
            continue;
        }
        let endpoints = &data_center.endpoints;
        found.insert(DEVICE_AUTHORIZATION.to_owned(), endpoints.device_authorization.clone());
        found.insert(TOKEN.to_owned(), Some(endpoints.token.clone()));
        found.insert(REVOCATION.to_owned(), endpoints.revocation.first().map(|revocation| revocation.url.clone()));
        found.insert(USERINFO.to_owned(), endpoints.userinfo.clone());
    }
    found
}

fn of_grant(endpoints: &IssuerEndpoints) -> Endpoints {
    let IssuerEndpoints { token, revocation, userinfo } = endpoints.clone();
    [(TOKEN, Some(token)), (REVOCATION, revocation), (USERINFO, userinfo)]
        .map(|(key, url)| (key.to_owned(), url))
        .into()
}

fn with_issuer(mut endpoints: Endpoints, provider: &Provider) -> Endpoints {
    let data_center = provider.default_data_center();
    if data_center.code.is_empty() {
        endpoints.insert(ISSUER.to_owned(), Some(data_center.accounts_server.clone()));
    }
    endpoints
}

fn server_key(code: &str) -> String {
    format!("data_centers.{code}.accounts_server")
}

/// The key is one of those that a provider without data centers has.
fn is_of_issuer(key: &str) -> bool {
    [ISSUER, DEVICE_AUTHORIZATION, TOKEN, REVOCATION, USERINFO].contains(&key)
}

/// What is not as it was approved. Nobody approved anything that differs in records of earlier versions, which tell
/// nothing of endpoints, and at providers that only a new version of this program can move.
fn changes(approved: &Endpoints, now: &Endpoints, source: &ProviderSource) -> Vec<ChangedEndpoint> {
    if approved.is_empty() || !source.is_described() {
        return Vec::new();
    }
    let configured = configured(source);
    let mut changes = Vec::new();
    for key in now.keys() {
        let before = match approved.get(key) {
            Some(before) => before.clone(),
            // So far it was the issuer's to say.
            None if configured.contains_key(key) => None,
            None => continue,
        };
        if before != now[key] {
            changes.push(ChangedEndpoint { key: key.clone(), approved: before, now: now[key].clone() });
        }
    }
    changes
}

/// Puts the endpoints of now in place of the approved ones, and tells the changes.
fn moved(
    approved: &mut Option<Box<IssuerEndpoints>>,
    endpoints: Option<&IssuerEndpoints>,
    now: &Endpoints,
    source: &ProviderSource,
) -> Vec<ChangedEndpoint> {
    let Some(before) = std::mem::replace(approved, endpoints.cloned().map(Box::new)).map(|before| of_grant(&before))
    else {
        return Vec::new();
    };
    let now = sorted::map(now.clone().into_iter().filter(|(key, _)| before.contains_key(key)));
    changes(&before, &now, source)
}

fn moved_server(server: &mut String, code: &str, now: Option<Url>) -> Option<ChangedEndpoint> {
    let now = now.filter(|now| now.as_str() != *server)?;
    let key = if code.is_empty() { ISSUER.to_owned() } else { server_key(code) };
    let approved = Url::parse(&std::mem::replace(server, now.to_string())).ok();
    Some(ChangedEndpoint { key, approved, now: Some(now) })
}
