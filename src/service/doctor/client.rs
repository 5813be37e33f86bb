//! Whether providers know the clients of the profiles, and whether their data centers are known.
//!
//! A provider is asked to refresh with a token that is nobody's. It looks at the client first: who is told that the token is
//! bad has a client that is good. Where sign-ins are by codes, a poll for a code that is nobody's comes before, since there are servers
//! that look at such a token first. Before a first sign-in at one of several data centers a code is asked for with a scope that is
//! nobody's, since only the client's own one gives codes. No person sees anything of it, no code is made, no grant is touched and no
//! budget used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::join_all;

use super::super::failure::Asked;
use super::super::{Service, driver, endpoints, home_data_center, issuing_data_center, transport_error};
use super::{Check, Patient, Subject, Verdict, limited, overdue, within};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::config::{ClientType, Profile, SecretSource};
use crate::error::{Code, Error};
use crate::oauth::Step;
use crate::oauth::device::{self, DeviceFlow, Failure};
use crate::oauth::token::{NoToken, Outcome, TokenFlow};
use crate::oauth::wire::{self, Approval, PollReply, Unreadable};
use crate::profile::ProfileName;
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Provider};
use crate::secret::Secret;
use crate::storage::Record;
use crate::words::some_of;

const NOBODYS_TOKEN: &str = "device-login-doctor-asks-about-the-client-only";
const NOBODYS_SCOPE: &str = "DeviceLogin.nobody.NONE";

/// What is asked about a client: whose answer for one profile is the answer for all that ask the same.
#[derive(PartialEq)]
struct Question {
    provider: String,
    client_id: String,
    client_type: ClientType,
    /// Where the client is registered, and where the profile's grant came from.
    data_centers: (Option<String>, Option<(String, String)>),
    /// Where its secrets are, and the one that the record has.
    secrets: (SecretSource, BTreeMap<String, PathBuf>, Option<Secret>),
}

/// One question, or why it cannot be asked: the record cannot be opened.
#[derive(PartialEq)]
enum Asking {
    Question(Question),
    Unopened(String),
}

/// Profiles with the same question, the first of which is asked about.
struct Group<'a> {
    asking: Asking,
    profiles: Vec<&'a Profile>,
    /// That of the first one.
    record: Result<Option<Box<Record>>, Error>,
}

impl Group<'_> {
    /// The profiles for which its lines stand.
    fn about(&self) -> String {
        some_of(&self.profiles.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>())
    }
}

impl Patient {
    /// Asks about the clients of the profiles that are meant.
    pub(super) async fn check_clients(&self, end: Moment) -> Vec<Check> {
        let Some(mut groups) = clock::within(clock::now().until(end), Box::pin(self.client_groups())).await else {
            return vec![overdue(Subject::Client, "")];
        };
        let more = limited(&mut groups, Subject::Client, "client", "name a profile to ask about its client");
        let asked = groups.into_iter().map(|group| async move {
            let about = group.about();
            within(end, Subject::Client, &about, self.check_client(group, &about)).await
        });
        join_all(asked).await.into_iter().flatten().chain(more).collect()
    }

    /// The profiles that are meant, those together of which the same is asked.
    async fn client_groups(&self) -> Vec<Group<'_>> {
        let profiles: Vec<&Profile> = self.profiles().collect();
        let (store, names) =
            (self.service.store().clone(), profiles.iter().map(|profile| profile.name.clone()).collect::<Vec<_>>());
        let records = aside(move || {
            let mut away: Option<Error> = None;
            let mut load = |name: &ProfileName| match &away {
                Some(error) => Err(error.clone()),
                None => store.load(name).map_err(|error| {
                    let is_away = error.is_away();
                    let error = Error::from(error);
                    away = Some(error.clone()).filter(|_| is_away);
                    error
                }),
            };
            names.iter().map(&mut load).collect::<Vec<_>>()
        });
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (profile, record) in profiles.into_iter().zip(records.await) {
            let asking = match &record {
                Ok(record) => Asking::Question(Question::about(profile, record.as_deref())),
                Err(error) => Asking::Unopened(error.reason()),
            };
            match groups.iter_mut().find(|group| group.asking == asking) {
                Some(group) => group.profiles.push(profile),
                None => groups.push(Group { asking, profiles: vec![profile], record }),
            }
        }
        groups
    }

    async fn check_client(&self, group: Group<'_>, about: &str) -> Vec<Check> {
        let Some(profile) = group.profiles.first() else { return Vec::new() };
        let record = match &group.record {
            Ok(record) => record.as_deref(),
            Err(error) => {
                // Its secret and its data center may be in there.
                let is_one = group.profiles.iter().all(|other| other.client_id == profile.client_id);
                let whom = if is_one { format!("`{}`", profile.client_id) } else { "their clients".to_owned() };
                let seen = format!("nobody was asked about {whom}: {}", error.reason());
                return vec![Check { advice: error.what_helps(), ..Check::warning(Subject::Client, about, seen) }];
            }
        };
        match ask(&self.service, profile, record, about).await {
            Ok(checks) => checks,
            // Who did not answer has told nothing of the client, whatever was asked first.
            Err(error) if matches!(error.code, Code::Network | Code::Provider | Code::UntrustedAnswer) => {
                let seen = format!("the client could not be asked about: {error}");
                vec![Check { advice: error.what_helps(), ..Check::warning(Subject::Client, about, seen) }]
            }
            Err(error) => vec![Check::failed(Subject::Client, about, &error)],
        }
    }
}

impl Question {
    fn about(profile: &Profile, record: Option<&Record>) -> Self {
        let grant = record.and_then(|record| record.grant.as_ref());
        Self {
            provider: profile.provider.clone(),
            client_id: profile.client_id.clone(),
            client_type: profile.client_type,
            data_centers: (
                profile.data_center.clone(),
                grant.map(|grant| (grant.data_center.clone(), grant.issuer.clone())),
            ),
            secrets: (
                profile.client_secret.clone(),
                profile.client_secret_files.clone(),
                record.and_then(|record| record.client_secret.clone()),
            ),
        }
    }
}

async fn ask(service: &Service, profile: &Profile, record: Option<&Record>, about: &str) -> Result<Vec<Check>, Error> {
    let grant = record.and_then(|record| record.grant.as_ref());
    let provider = match grant {
        Some(grant) => service.provider_of(profile, grant).await?,
        None => service.provider(profile).await?,
    };
    let data_center = match grant {
        Some(grant) => issuing_data_center(profile, &provider, grant)?,
        None => home_data_center(profile, &provider)?,
    };
    let mut checks = Vec::new();
    let api_domain =
        grant.and_then(|grant| service.config.api_domain(profile, &grant.data_center, grant.api_domain.clone()));
    checks.extend(of_data_center(profile, &provider, data_center, api_domain, about)?);
    let (of_client, with_record, of_provider) = (profile.clone(), record.cloned(), provider.clone());
    let client = service
        .aside(move |service| service.client(&of_client, with_record.as_ref(), &of_provider, &[endpoints::TOKEN]))
        .await?;
    let asked = Asked {
        what: "the client could not be asked about",
        place: Place::Refresh,
        provider: &provider,
        data_center,
        profile,
        scopes: &profile.scopes,
        client: &client,
    };
    let is_of_codes = profile.client_type.way().is_none();
    let refused = match provider.data_centers.len() {
        1 if is_of_codes => poll(service, &asked, about).await,
        // Every data center may refresh for a client, but a code comes only from the one that has it registered.
        2.. if is_of_codes && grant.is_none() => ask_for_code(service, &asked, about).await,
        _ => None,
    };
    if let Some(refused) = refused {
        checks.push(refused);
        return Ok(checks);
    }
    let approval = Approval::RefreshToken(Secret::new(NOBODYS_TOKEN));
    let mut flow = TokenFlow::new(provider.dialect, data_center.clone(), client.clone(), approval);
    let outcome = driver::token(&service.http, &mut flow, None).await;
    checks.push(of_outcome(outcome, &asked, about));
    Ok(checks)
}

/// Polls for a code of nobody's. A check where the client is refused in every way.
async fn poll(service: &Service, asked: &Asked<'_>, about: &str) -> Option<Check> {
    let Asked { provider, data_center, .. } = *asked;
    let mut client = asked.client.clone();
    loop {
        let request = wire::device_token_request(provider.dialect, data_center, &client, &Secret::new(NOBODYS_TOKEN));
        let reply = service.http.send(request).await.ok()?;
        let Ok(PollReply::Error(answer)) = wire::read_poll(provider.dialect, data_center, &reply) else { return None };
        if !(wire::is_authentication_refusal(&answer) && client.try_next_authentication(&data_center.code)) {
            // A server may repeat what it was sent.
            let answer = answer.without(&client.known([]));
            let asked = Asked { place: Place::Poll, ..*asked };
            return of_refusal(&asked.refused(&answer), about);
        }
    }
}

/// Asks for a code with a scope of nobody's, where the profile's sign-in would ask for one. A check where the client is refused.
async fn ask_for_code(service: &Service, asked: &Asked<'_>, about: &str) -> Option<Check> {
    let (provider, client) = (asked.provider.clone(), asked.client.clone());
    let mut flow = DeviceFlow::new(provider, asked.data_center.clone(), client, vec![NOBODYS_SCOPE.to_owned()]);
    let Step::Send(request) = flow.poll(clock::now()) else { return None };
    let reply = service.http.send(request).await;
    flow.handle(clock::now(), reply);
    let Some(device::Outcome::Failed(Failure::Server { error, .. })) = flow.outcome() else { return None };
    let asked = Asked { place: Place::DeviceAuthorization, ..*asked };
    of_refusal(&asked.refused(error), about)
}

/// A check where it is the client that was refused.
fn of_refusal(error: &Error, about: &str) -> Option<Check> {
    matches!(error.code, Code::InvalidClient | Code::InvalidClientSecret | Code::WrongDataCenter)
        .then(|| Check { seen: error.reason(), ..Check::failed(Subject::Client, about, error) })
}

/// Which data center is asked, and where its accounts are; nothing where the provider has none.
fn of_data_center(
    profile: &Profile,
    provider: &Provider,
    data_center: &DataCenter,
    api_domain: Option<String>,
    about: &str,
) -> Result<Option<Check>, Error> {
    if data_center.code.is_empty() {
        return Ok(None);
    }
    let home = home_data_center(profile, provider)?;
    let code = data_center.code.to_uppercase();
    let api = api_domain.map(|domain| format!(", APIs at {domain}"));
    let moved = if home.code == data_center.code {
        String::new()
    } else {
        format!(" (the client's is {})", home.code.to_uppercase())
    };
    let seen = format!("{code}{moved}, accounts at {}{}", data_center.accounts_server, api.unwrap_or_default());
    Ok(Some(Check::ok(Subject::DataCenter, about, seen)))
}

/// What the answer to a token of nobody's tells of the client.
fn of_outcome(outcome: Outcome, asked: &Asked<'_>, about: &str) -> Check {
    let name = asked.provider.dialect.display_name;
    let cannot_tell =
        |error: &Error| Check { verdict: Verdict::Warning, ..Check::failed(Subject::Client, about, error) };
    match outcome {
        Err(NoToken::Refused(_)) => Check::ok(Subject::Client, about, format!("{name} knows `{}`", asked.client.id)),
        Err(NoToken::Error(answer)) => {
            let cannot_tell =
                || Check::warning(Subject::Client, about, format!("{name} answered {answer}, which does not tell"));
            of_refusal(&asked.refused(&answer), about)
                .unwrap_or_else(|| cannot_tell().advise("sign in to see whether it works"))
        }
        Err(NoToken::Unreadable(Unreadable::Throttled(_))) => {
            Check::warning(Subject::Client, about, format!("{name} asks for fewer requests"))
                .advise("try again in some minutes")
        }
        Err(NoToken::Transport(failure)) => cannot_tell(&transport_error(asked.what, &failure)),
        Err(NoToken::Unreadable(answer)) => {
            // Of a refresh it would be said that what is stored stays as it is.
            let asked = Asked { place: Place::CodeExchange, ..*asked };
            cannot_tell(&asked.unreadable(answer, vec!["check the addresses in the configuration".into()]))
        }
        Ok(_) => Check::warning(Subject::Client, about, format!("{name} gave a token for a token of nobody's"))
            .advise("tell whoever runs it"),
    }
}
