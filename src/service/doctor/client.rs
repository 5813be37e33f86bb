//! Whether providers know the clients of the profiles, and whether their data centers are known.
//!
//! A provider is asked to refresh with a token that is nobody's. It looks at the client first: who is told that the token is
//! bad has a client that is good. No person sees anything of it, no code is made, no grant is touched and no budget used.

use futures_util::future::join_all;

use super::super::failure::Asked;
use super::super::{Service, driver, endpoints, home_data_center, issuing_data_center, transport_error};
use super::{Check, Patient, Subject, Verdict, limited, within};
use crate::clock::Moment;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::oauth::token::{NoToken, Outcome, TokenFlow};
use crate::oauth::wire::{Approval, Unreadable};
use crate::providers::explained::Place;
use crate::providers::{DataCenter, Provider};
use crate::secret::Secret;
use crate::storage::Grant;

const NOBODYS_TOKEN: &str = "device-login-doctor-asks-about-the-client-only";

impl Patient {
    /// Asks about the clients of the profiles that are meant.
    pub(super) async fn check_clients(&self, end: Moment) -> Vec<Check> {
        let mut clients = self.clients();
        let more = limited(&mut clients, Subject::Client, "client", "name a profile to ask about its client");
        let asked = clients.into_iter().map(|profile| {
            let check = self.check_client(profile);
            async move { within(end, Subject::Client, profile.name.as_str(), check).await }
        });
        join_all(asked).await.into_iter().flatten().chain(more).collect()
    }

    /// The profiles whose clients are asked about, each client once.
    fn clients(&self) -> Vec<&Profile> {
        let mut profiles: Vec<&Profile> = Vec::new();
        for profile in self.profiles() {
            let is_same = |other: &&Profile| {
                (&other.provider, &other.client_id, &other.data_center)
                    == (&profile.provider, &profile.client_id, &profile.data_center)
            };
            if !profiles.iter().any(is_same) {
                profiles.push(profile);
            }
        }
        profiles
    }

    async fn check_client(&self, profile: &Profile) -> Vec<Check> {
        match ask(&self.service, profile).await {
            Ok(checks) => checks,
            Err(error) => vec![Check::failed(Subject::Client, profile.name.to_string(), &error)],
        }
    }
}

async fn ask(service: &Service, profile: &Profile) -> Result<Vec<Check>, Error> {
    let record = match service.record(&profile.name).await {
        Ok(record) => record,
        Err(error) => {
            // Its secret and its data center may be in there.
            let seen = format!("nobody was asked about `{}`: {}", profile.client_id, error.reason());
            return Ok(vec![Check {
                advice: error.what_helps(),
                ..Check::warning(Subject::Client, profile.name.to_string(), seen)
            }]);
        }
    };
    let grant = record.as_ref().and_then(|record| record.grant.as_ref());
    let provider = match grant {
        Some(grant) => service.provider_of(profile, grant).await?,
        None => service.provider(profile).await?,
    };
    let data_center = match grant {
        Some(grant) => issuing_data_center(profile, &provider, grant)?,
        None => home_data_center(profile, &provider)?,
    };
    let mut checks = Vec::new();
    checks.extend(of_data_center(profile, &provider, data_center, grant)?);
    let (of_client, with_record, of_provider) = (profile.clone(), record.clone(), provider.clone());
    let client = service
        .aside(move |service| service.client(&of_client, with_record.as_deref(), &of_provider, &[endpoints::TOKEN]))
        .await?;
    let approval = Approval::RefreshToken(Secret::new(NOBODYS_TOKEN));
    let mut flow = TokenFlow::new(provider.dialect, data_center.clone(), client.clone(), approval);
    let outcome = driver::token(&service.http, &mut flow, None).await;
    let asked = Asked {
        what: "the client could not be asked about",
        place: Place::Refresh,
        provider: &provider,
        data_center,
        profile,
        scopes: &profile.scopes,
        client: &client,
    };
    checks.push(of_outcome(outcome, &asked));
    Ok(checks)
}

/// Which data center is asked, and where its accounts are; nothing where the provider has none.
fn of_data_center(
    profile: &Profile,
    provider: &Provider,
    data_center: &DataCenter,
    grant: Option<&Grant>,
) -> Result<Option<Check>, Error> {
    if data_center.code.is_empty() {
        return Ok(None);
    }
    let home = home_data_center(profile, provider)?;
    let code = data_center.code.to_uppercase();
    let api = grant.and_then(|grant| grant.api_domain.as_ref()).map(|domain| format!(", APIs at {domain}"));
    let moved = if home.code == data_center.code {
        String::new()
    } else {
        format!(" (the client's is {})", home.code.to_uppercase())
    };
    let seen = format!("{code}{moved}, accounts at {}{}", data_center.accounts_server, api.unwrap_or_default());
    Ok(Some(Check::ok(Subject::DataCenter, profile.name.to_string(), seen)))
}

/// What the answer to a token of nobody's tells of the client.
fn of_outcome(outcome: Outcome, asked: &Asked<'_>) -> Check {
    let (about, name) = (asked.profile.name.to_string(), asked.provider.dialect.display_name);
    let cannot_tell =
        |error: &Error| Check { verdict: Verdict::Warning, ..Check::failed(Subject::Client, &about, error) };
    match outcome {
        Err(NoToken::Refused(_)) => Check::ok(Subject::Client, about, format!("{name} knows `{}`", asked.client.id)),
        Err(NoToken::Error(answer)) => {
            let error = asked.refused(&answer);
            match error.code {
                Code::InvalidClient | Code::InvalidClientSecret | Code::WrongDataCenter => {
                    let seen = error.reason();
                    Check { seen, ..Check::failed(Subject::Client, about, &error) }
                }
                _ => Check::warning(Subject::Client, about, format!("{name} answered {answer}, which does not tell"))
                    .advise("sign in to see whether it works"),
            }
        }
        Err(NoToken::Unreadable(Unreadable::Throttled(_))) => {
            Check::warning(Subject::Client, about, format!("{name} asks for fewer requests"))
                .advise("try again in some minutes")
        }
        Err(NoToken::Transport(failure)) => cannot_tell(&transport_error(asked.what, &failure)),
        Err(NoToken::Unreadable(answer)) => {
            cannot_tell(&asked.unreadable(answer, vec!["check the addresses in the configuration".into()]))
        }
        Ok(_) => Check::warning(Subject::Client, about, format!("{name} gave a token for a token of nobody's"))
            .advise("tell whoever runs it"),
    }
}
