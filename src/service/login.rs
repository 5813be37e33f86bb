//! The sign-in, from the proof that the store works to the record that holds the grant.

use std::time::Duration;

use jiff::Timestamp;
use url::{Origin, Url};

use super::driver::drive;
use super::{Service, account, home_data_center, sign_in_hint, store_error, transport_error};
use crate::clock::{self, Moment};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::oauth::Client;
use crate::oauth::device::{DeviceEvent, DeviceFlow, Failure, Outcome};
use crate::oauth::wire::{DeviceCode, ServerError, TokenAnswer};
use crate::profile::ProfileName;
use crate::providers::{DataCenter, Provider};
use crate::storage::{Account, Grant, Record};

/// How one sign-in is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// Instead of the profile's own.
    pub scopes: Option<Vec<String>>,
    /// How many new codes may follow one that ran out.
    pub renewals: u32,
    /// Email address or id of the only account that may approve.
    pub expect_account: Option<String>,
}

/// A code that waits for approval, as screens and scripts show it.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuedCode {
    pub user_code: String,
    pub verification_uri: Url,
    pub verification_uri_complete: Option<Url>,
    pub interval: Duration,
    pub lifetime: Duration,
    pub issued_at: Moment,
    pub expires_at: Moment,
    /// The same end on the wall clock.
    pub expires_at_time: Timestamp,
}

/// What happened during a sign-in.
#[derive(Clone, Debug, PartialEq)]
pub enum SignInEvent {
    /// The accounts server with this host is asked for a code.
    Asking {
        host: String,
    },
    CodeIssued {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    /// A new code took the place of one that ran out.
    CodeRenewed {
        code: IssuedCode,
        next_poll_at: Moment,
    },
    Pending {
        next_poll_at: Moment,
    },
    SlowedDown {
        interval: Duration,
        next_poll_at: Moment,
    },
    Relocated {
        data_center: String,
        accounts_host: String,
        next_poll_at: Moment,
    },
    Retrying {
        reason: String,
        attempt: u32,
        next_poll_at: Moment,
    },
    /// Approved and saved; the account is being asked for.
    Approved,
}

/// A sign-in that worked.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn {
    pub profile: ProfileName,
    pub account: Option<Account>,
    pub data_center: Option<String>,
    /// The account lives in another data center than the client.
    pub relocated: bool,
    pub scopes: Vec<String>,
    pub missing_scopes: Vec<String>,
    pub api_domain: Option<String>,
    pub access_token_expires_at: Timestamp,
    pub refreshable: bool,
}

impl Service {
    /// Signs `profile` in, reporting each step. Dropping the future cancels: nothing more is asked, and the code is
    /// forgotten. A grant that cannot be saved is given back.
    pub async fn sign_in(
        &self,
        profile: &Profile,
        options: SignIn,
        report: impl FnMut(SignInEvent) + Send,
    ) -> Result<SignedIn, Error> {
        self.sign_in_patiently(profile, options, report, |_| std::future::ready(false)).await
    }

    /// As [`Service::sign_in`], but asks `try_again` when an approved grant cannot be saved. The grant is given back when
    /// that says no.
    pub async fn sign_in_patiently<F: Future<Output = bool>>(
        &self,
        profile: &Profile,
        options: SignIn,
        mut report: impl FnMut(SignInEvent) + Send,
        mut try_again: impl FnMut(Error) -> F + Send,
    ) -> Result<SignedIn, Error> {
        // An approval that could not be kept would be wasted on the person, so the store has to prove itself first.
        self.store.probe().map_err(store_error)?;
        let provider = self.provider(profile).await?;
        let home = home_data_center(profile, &provider)?.clone();
        let client = self.client(profile, self.load(profile)?.as_ref())?;
        let scopes = options.scopes.unwrap_or_else(|| profile.scopes.clone());
        report(SignInEvent::Asking { host: host(&home) });

        let mut renewals_left = options.renewals;
        let mut is_renewal = false;
        let (token, data_center) = loop {
            let mut flow = DeviceFlow::new(provider.clone(), home.clone(), client.clone(), scopes.clone());
            let outcome = drive(&self.http, &mut flow, |flow| {
                flow.events().for_each(|event| report(sign_in_event(event, is_renewal, &provider)));
            });
            match outcome.await {
                Outcome::Authorized { token, data_center } => break (token, data_center),
                Outcome::Expired if renewals_left > 0 => {
                    renewals_left -= 1;
                    is_renewal = true;
                }
                Outcome::Expired => {
                    return Err(Error::new(Code::CodeExpired, "the code ran out before anyone approved it")
                        .hint(format!("{} for a new code", sign_in_hint(&profile.name))));
                }
                Outcome::Denied => {
                    return Err(Error::new(Code::Denied, "the request was declined")
                        .because("someone answered No, or the account may not use this app; nothing was saved")
                        .hint(format!("if that was a slip, {}", sign_in_hint(&profile.name))));
                }
                Outcome::Failed(failure) => return Err(failure_error(failure, profile, &provider, &client, &home)),
            }
        };
        let data_center = provider.data_center(&data_center).unwrap_or(&home);
        let grant = new_grant(*token, data_center, &scopes, clock::wall());
        let grant = match &options.expect_account {
            Some(expected) => self.check_account(expected, grant, &provider, data_center, &client).await?,
            None => grant,
        };
        // Saved before anything else is awaited, so that no cancellation can lose it.
        while let Err(error) = self.save(profile, &provider, grant.clone()) {
            if !try_again(error.clone()).await {
                let outcome = self.give_back(&grant, &provider, data_center, &client).await;
                let cause = error.cause.clone().map_or(outcome.clone(), |cause| format!("{cause}; {outcome}"));
                return Err(error.because(cause));
            }
        }
        report(SignInEvent::Approved);
        let account = match grant.account.clone() {
            Some(account) => Some(account),
            None => self.learn_account(profile, &grant, &provider, data_center).await,
        };
        Ok(SignedIn {
            profile: profile.name.clone(),
            account,
            relocated: data_center.code != home.code,
            data_center: Some(grant.data_center.clone()).filter(|code| !code.is_empty()),
            missing_scopes: account::missing_scopes(&scopes, &grant.scopes),
            scopes: grant.scopes,
            api_domain: grant.api_domain,
            access_token_expires_at: grant.access_token_expires_at,
            refreshable: grant.refresh_token.is_some(),
        })
    }

    /// Makes sure that the right person approved, before anything is kept (reverse phishing). A grant of somebody else
    /// is given back.
    async fn check_account(
        &self,
        expected: &str,
        grant: Grant,
        provider: &Provider,
        data_center: &DataCenter,
        client: &Client,
    ) -> Result<Grant, Error> {
        let account = self.ask_account(&grant, provider, data_center).await;
        let matches = |account: &Account| {
            account.id == expected || account.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(expected))
        };
        let error = match account {
            Ok(account) if matches(&account) => return Ok(Grant { account: Some(account), ..grant }),
            Ok(account) => {
                Error::new(Code::WrongAccount, format!("`{}` approved instead of `{expected}`", account.label()))
                    .hint("sign in again and approve with the expected account")
            }
            Err(error) => Error::new(Code::WrongAccount, format!("whether `{expected}` approved could not be checked"))
                .because(error)
                .hint("add the scope that lets the account be read (`AaaServer.profile.READ` for Zoho)"),
        };
        let outcome = self.give_back(&grant, provider, data_center, client).await;
        let cause = error.cause.clone().map_or(outcome.clone(), |cause| format!("{cause}; {outcome}"));
        Err(error.because(cause))
    }

    /// Revokes a grant that is not to be kept, and says in words what became of it.
    async fn give_back(&self, grant: &Grant, provider: &Provider, data_center: &DataCenter, client: &Client) -> String {
        match self.revoke_grant(grant, provider, data_center, client).await {
            Ok(()) => "nothing was saved and the grant was revoked".to_owned(),
            Err(failure) => format!("nothing was saved, but the grant could not be revoked: {failure}"),
        }
    }

    /// Writes the grant of a fresh approval, keeping the client secret that the record has.
    fn save(&self, profile: &Profile, provider: &Provider, grant: Grant) -> Result<(), Error> {
        let mut locked = self.store.lock(&profile.name, crate::storage::LOCK_PATIENCE).map_err(store_error)?;
        let mut record = locked.load().map_err(store_error)?.unwrap_or_else(|| empty_record(profile));
        record.provider.clone_from(&provider.name);
        record.client_id.clone_from(&profile.client_id);
        record.grant = Some(grant);
        locked.commit(&mut record).map_err(store_error)
    }

    /// Asks who approved and notes it. An account that cannot be asked for is no reason to fail.
    async fn learn_account(
        &self,
        profile: &Profile,
        grant: &Grant,
        provider: &Provider,
        data_center: &DataCenter,
    ) -> Option<Account> {
        let account = self.ask_account(grant, provider, data_center).await.ok()?;
        let mut locked = self.lock(&profile.name).await.ok()?;
        let mut record = locked.load().ok()??;
        let saved = record.grant.as_mut().filter(|saved| saved.access_token == grant.access_token)?;
        saved.account = Some(account.clone());
        locked.commit(&mut record).ok()?;
        Some(account)
    }
}

/// A record that has nothing yet.
pub(super) fn empty_record(profile: &Profile) -> Record {
    Record {
        profile: profile.name.clone(),
        provider: profile.provider.clone(),
        client_id: profile.client_id.clone(),
        client_secret: None,
        generation: 0,
        grant: None,
    }
}

fn new_grant(token: TokenAnswer, data_center: &DataCenter, asked: &[String], now: Timestamp) -> Grant {
    Grant {
        issuer: data_center.accounts_server.to_string(),
        data_center: data_center.code.clone(),
        api_domain: token
            .api_domain
            .or_else(|| data_center.api_domain.clone())
            .map(|url| url.origin().ascii_serialization()),
        allowed_origins: data_center.origins().iter().map(Origin::ascii_serialization).collect(),
        account: None,
        scopes: token.scopes.unwrap_or_else(|| asked.to_vec()),
        access_token: token.access_token,
        access_token_expires_at: now + token.expires_in,
        refresh_token: token.refresh_token,
        approved_at: now,
        mints: Vec::new(),
        last_refresh: None,
        paused_until: None,
        refused: None,
    }
}

fn sign_in_event(event: DeviceEvent, is_renewal: bool, provider: &Provider) -> SignInEvent {
    match event {
        DeviceEvent::CodeIssued { code, expires_at, next_poll_at } => {
            let code = issued_code(*code, expires_at);
            if is_renewal {
                SignInEvent::CodeRenewed { code, next_poll_at }
            } else {
                SignInEvent::CodeIssued { code, next_poll_at }
            }
        }
        DeviceEvent::Pending { next_poll_at } => SignInEvent::Pending { next_poll_at },
        DeviceEvent::SlowedDown { interval, next_poll_at } => SignInEvent::SlowedDown { interval, next_poll_at },
        DeviceEvent::Relocated { data_center, next_poll_at } => {
            let accounts_host = provider.data_center(&data_center).map_or_else(String::new, host);
            SignInEvent::Relocated { data_center, accounts_host, next_poll_at }
        }
        DeviceEvent::Retrying { reason, attempt, next_poll_at } => {
            SignInEvent::Retrying { reason, attempt, next_poll_at }
        }
    }
}

fn issued_code(code: DeviceCode, expires_at: Moment) -> IssuedCode {
    let now = clock::now();
    IssuedCode {
        user_code: code.user_code,
        verification_uri: code.verification_uri,
        verification_uri_complete: code.verification_uri_complete,
        interval: code.interval,
        lifetime: code.lifetime,
        issued_at: now,
        expires_at,
        expires_at_time: clock::wall() + (expires_at - now),
    }
}

fn host(data_center: &DataCenter) -> String {
    data_center.accounts_server.host_str().unwrap_or("the accounts server").to_owned()
}

fn failure_error(
    failure: Failure,
    profile: &Profile,
    provider: &Provider,
    client: &Client,
    home: &DataCenter,
) -> Error {
    let what = format!("profile `{}` could not be signed in", profile.name);
    let name = provider.dialect.display_name;
    match failure {
        Failure::Transport(failure) => transport_error(&what, &failure),
        Failure::Server { error, data_center } => match error.word.as_str() {
            _ if is_client_refusal(&error) => {
                let refused = RefusedClient { what, provider, profile, client, data_center: &data_center };
                let error = refused.error(&error);
                // Zoho gives one secret per data center unless told otherwise, so a refusal after a move means the secret.
                if data_center == home.code { error } else { error.hint(secret_per_data_center(profile, &data_center)) }
            }
            "invalid_scope" => Error::new(Code::InvalidScope, what)
                .because(format!("{name} does not know one of the scopes ({error})"))
                .hint(format!("check `scopes`: {}", profile.scopes.join(", "))),
            _ => Error::new(Code::Other, what).because(format!("{name} answered {error}")),
        },
        Failure::Garbled { status } => Error::new(Code::Provider, what)
            .because(format!("{} sent no answer that can be read (HTTP {status})", host(home)))
            .hint("a proxy or captive portal may be in between; try again later"),
        Failure::Throttled(_) => Error::new(Code::RateLimited, what)
            .because(format!("{} asks for fewer requests", host(home)))
            .hint("wait ten minutes before the next try"),
        Failure::Rejected(rejected) => Error::new(Code::UntrustedAnswer, what)
            .because(rejected)
            .hint("nothing was saved; check that the accounts server of this profile is the real one"),
        Failure::UnknownDataCenter(code) => Error::new(Code::UntrustedAnswer, what)
            .because(format!("the account lives in data center `{code}`, which is not known here"))
            .hint("nothing was saved; update this program, or add the data center to the provider"),
    }
}

fn secret_per_data_center(profile: &Profile, data_center: &str) -> String {
    format!(
        "the client has another secret there: put it in a file and name that in `[profiles.{}.client_secret_files]` as `{data_center}`",
        profile.name
    )
}

/// A client that the provider does not take for one of its own.
pub(super) struct RefusedClient<'a> {
    pub(super) what: String,
    pub(super) provider: &'a Provider,
    pub(super) profile: &'a Profile,
    pub(super) client: &'a Client,
    pub(super) data_center: &'a str,
}

impl RefusedClient<'_> {
    pub(super) fn error(self, answer: &ServerError) -> Error {
        let Self { what, provider, profile, client, data_center } = self;
        let dialect = provider.dialect;
        let place = if data_center.is_empty() {
            String::new()
        } else {
            format!(" in data center {}", data_center.to_uppercase())
        };
        let hint = if client.secret_at(data_center).is_none() {
            format!(
                "no client secret is known: `device-login profile remove {0}`, then add it again with `--client-secret-stdin`",
                profile.name
            )
        } else {
            let registration = dialect.registration;
            format!("check `client_id`, its secret and `data_center` of profile `{}`; {registration}", profile.name)
        };
        let cause = format!("{} does not know this client{place} ({answer})", dialect.display_name);
        Error::new(Code::InvalidClient, what).because(cause).hint(hint)
    }
}

/// Words by which providers refuse a client rather than its request.
pub(super) fn is_client_refusal(error: &ServerError) -> bool {
    ["invalid_client", "invalid_client_secret", "unauthorized_client"].contains(&error.word.as_str())
}
