//! Who is behind a profile.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::api::explained;
use super::failure::try_again_after;
use super::{Explained, Freshness, Service, endpoints, issuing_data_center, transport_error};
use crate::api::{self, Call, Diagnosis};
use crate::aside::aside;
use crate::clock;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::http::pause::obeyed_pause;
use crate::http::trouble::Trouble;
use crate::http::{ACCOUNTS_BODY_LIMIT, ACCOUNTS_DEADLINE, Method, Request, Response, decode};
use crate::oauth::wire::{IdToken, is_same_endpoint, moved_to, trouble_in_place};
use crate::providers::granted::ScopeNames;
use crate::providers::{AccountFields, DataCenter, Provider, standard};
use crate::secret::{Known, Secret};
use crate::storage::{Account, Grant, Happened, StoreError};
use crate::untrusted::Untrusted;

impl Service {
    /// Asks the provider who is behind the profile, and notes the answer.
    pub async fn whoami(&self, profile: &Profile) -> Result<Account, Error> {
        let (grant, account) = self.ask_whose(profile, Freshness::Default).await?;
        match self.note_account(profile, &grant, &account).await {
            // Whose it is, is known all the same.
            Err(error) if error.code == Code::StoreUnavailable => {}
            noted => noted?,
        }
        self.note_verified(profile, &account).await;
        Ok(account)
    }

    /// Asks the provider whose token it is, with one that will do. One that is refused is replaced once.
    pub(super) async fn ask_whose(
        &self,
        profile: &Profile,
        freshness: Freshness,
    ) -> Result<(Grant, Account), Unanswered> {
        self.token(profile, freshness).await?;
        let mut grant = self.grant(profile).await?;
        let provider = self.provider_of(profile, &grant).await?;
        let data_center = issuing_data_center(profile, &provider, &grant)?;
        self.check_approved(profile, grant.endpoints.as_deref(), endpoints::USERINFO)?;
        let known = self.known_secrets(profile, grant.tokens()).await;
        let mut asked = self.ask_account(&grant, &provider, data_center, &known).await;
        // The refusal may be of this very token.
        if let Err(Unanswered::Refused(explained, _, code)) = &mut asked
            && explained.diagnosis == Diagnosis::BadToken
        {
            match self.replace_refused_token(profile, &grant).await {
                Ok(()) => {
                    grant = self.grant(profile).await?;
                    let known = self.known_secrets(profile, grant.tokens()).await;
                    asked = self.ask_account(&grant, &provider, data_center, &known).await;
                }
                Err(failure) => {
                    explained.note_unreplaced(&failure);
                    *code = Some(failure.code);
                }
            }
        }
        if let (Err(Unanswered::Refused(explained, ..)), Some(url)) = (&mut asked, &data_center.endpoints.userinfo) {
            self.name_missing_scope(profile, &userinfo(url), None, explained).await;
        }
        Ok((grant, asked?))
    }

    /// Who is signed in, as far as that is known here.
    pub fn account(&self, profile: &Profile) -> Result<Option<Account>, Error> {
        Ok(self.load(profile)?.and_then(|record| record.grant?.account))
    }

    /// Adds to the history that the provider knew the token. Nobody waits for that, and nothing fails by it.
    async fn note_verified(&self, profile: &Profile, account: &Account) {
        let (store, name, actor) = (self.store.clone(), profile.name.clone(), self.actor.clone());
        let label = account.label().to_owned();
        aside(move || {
            let noted: Result<(), StoreError> = store.holding(&name, Duration::ZERO, |held| {
                let Some(mut record) = held.load()? else { return Ok(()) };
                record.note(Happened::Verified, &label, &actor, clock::wall());
                held.commit(&mut record)
            });
            drop(noted);
        })
        .await;
    }

    /// Keeps who is behind a grant, unless that is known or another grant has taken its place.
    pub(super) async fn note_account(&self, profile: &Profile, grant: &Grant, account: &Account) -> Result<(), Error> {
        if grant.account.as_ref() == Some(account) {
            return Ok(());
        }
        let (account, approved_at) = (account.clone(), grant.approved_at);
        self.holding(&profile.name, move |_, held| {
            let Some(mut record) = held.load()? else { return Ok(()) };
            let saved = record.grant.as_mut().filter(|saved| saved.approved_at == approved_at);
            let Some(saved) = saved else { return Ok(()) };
            saved.account = Some(account.clone());
            record.note_account(account.label());
            Ok(held.commit(&mut record)?)
        })
        .await
    }

    /// Asks the accounts server who approved; what is `known` as a secret is not repeated.
    pub(super) async fn ask_account(
        &self,
        grant: &Grant,
        provider: &Provider,
        data_center: &DataCenter,
        known: &Known,
    ) -> Result<Account, Unanswered> {
        let what = WHAT;
        let Some(url) = data_center.endpoints.userinfo.as_ref() else {
            let error = Error::new(Code::Config, what).because("the provider is not known to have a userinfo endpoint");
            return Err(error.advise("give `userinfo_endpoint` for the provider, if it has one").into());
        };
        let call = userinfo(url);
        let request = api::authorize(&call, &grant.access_token, &data_center.origins(), provider.dialect)
            .map_err(|refusal| Error::new(Code::UntrustedAnswer, what).because(refusal))?;
        let request = Request { body_limit: ACCOUNTS_BODY_LIMIT, deadline: ACCOUNTS_DEADLINE, ..request };
        let response = self.http.send(request).await.map_err(|failure| transport_error(what, &failure))?;
        if let Some(to) = moved_to(&call.url, &response) {
            let code = if to.origin() == call.url.origin() { Code::Config } else { Code::Provider };
            let cause =
                format!("{} leads to {to} (HTTP {}), and redirects are never followed", call.url, response.status);
            let hint = if is_same_endpoint(&call.url, &to) {
                format!("if that address is the provider's own, write `userinfo_endpoint = \"{to}\"` for it")
            } else {
                "compare `userinfo_endpoint` of the provider with its documentation".to_owned()
            };
            return Err(Error::new(code, what).because(cause).advise(hint).without(known).into());
        }
        if let Some(trouble) = trouble_in_place(provider.dialect, &call.url, &response) {
            let cause = trouble.of_answer(host(&call.url), response.status);
            if trouble == Trouble::Throttled {
                let pause = obeyed_pause(&response);
                let hint = try_again_after(pause, provider.dialect);
                let error = Error::new(Code::RateLimited, what).because(cause).advise(hint);
                return Err(Unanswered::Throttled(pause, error));
            }
            return Err(Error::new(Code::Provider, what).because(cause).advise(PORTAL_HINT).into());
        }
        if let Some(explained) = explained(data_center, provider.dialect, &call.url, &response, known) {
            return Err(Unanswered::Refused(explained, response.status, None));
        }
        let info = decode::object(&response.in_utf8()).ok();
        let account = info.and_then(|info| read_account(&info, &provider.dialect.account_fields));
        account.map(|account| without(account, known)).ok_or_else(|| unreadable(&call.url, &response).into())
    }
}

fn userinfo(url: &Url) -> Call {
    Call { method: Method::Get, url: url.clone(), headers: Vec::new(), body: Vec::new() }
}

const WHAT: &str = "the account could not be asked for";
const PORTAL_HINT: &str = "open a web page to see whether the network wants a sign-in, and check `userinfo_endpoint`";

/// Why a success says nothing of an account.
fn unreadable(url: &Url, response: &Response) -> Error {
    let status = response.status;
    let is_labelled =
        response.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("application/jwt"));
    let body = decode::text(&response.body);
    // Every header of a signed token begins with `{"` in Base64.
    if is_labelled || (body.starts_with("eyJ") && body.matches('.').count() == 2) {
        return Error::new(Code::Config, WHAT)
            .because("the userinfo endpoint sends a signed token (`application/jwt`), which is not read here")
            .advise("have the provider send this client plain JSON there");
    }
    let cause = format!("{} sent no account that can be read (HTTP {status})", host(url));
    Error::new(Code::Provider, WHAT).because(cause)
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the userinfo endpoint")
}

/// Why nobody said whose token it is.
pub(super) enum Unanswered {
    /// The provider refused the call, with this HTTP status; and how that ended which was tried for it.
    Refused(Explained, u16, Option<Code>),
    /// It wants to be left alone, for so long where it says so.
    Throttled(Option<Duration>, Error),
    Failed(Error),
}

impl Unanswered {
    /// For how long the server is to be left alone.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Unanswered::Throttled(pause, _) => *pause,
            _ => None,
        }
    }
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Unanswered::Failed(error)
    }
}

impl From<Unanswered> for Error {
    fn from(unanswered: Unanswered) -> Self {
        let (explained, status, code) = match unanswered {
            Unanswered::Refused(explained, status, code) => (explained, status, code),
            Unanswered::Throttled(_, error) | Unanswered::Failed(error) => return error,
        };
        let code = code.unwrap_or(match explained.diagnosis {
            Diagnosis::BadToken | Diagnosis::MissingScope => Code::SignInNeeded,
            Diagnosis::RateLimited => Code::RateLimited,
            Diagnosis::ProviderFault => Code::Provider,
            Diagnosis::WrongDataCenter => Code::WrongDataCenter,
            _ => Code::Other,
        });
        Error::new(code, WHAT)
            .because(format!("{} (HTTP {status})", explained.meaning))
            .likely(explained.causes)
            .advise(explained.next)
    }
}

/// The scopes that were wanted and not granted.
pub(super) fn missing_scopes(names: &ScopeNames, wanted: &[String], grant: &Grant) -> Vec<String> {
    let is_granted = |scope: &&String| names.grant(&grant.scopes, grant.refresh_token.is_some(), scope);
    wanted.iter().filter(|scope| !is_granted(scope)).cloned().collect()
}

/// Who approved, as the token endpoint said beside the tokens.
pub(super) fn claimed_account(
    id_token: &IdToken,
    data_center: &DataCenter,
    client_id: &str,
    now: Timestamp,
) -> Option<Account> {
    let claims = id_token.claims(data_center, client_id, now)?;
    let account = read_account(claims, &standard::DIALECT.account_fields)?;
    // Servers of many tenants pass on what any tenant's administrator claims.
    let is_verified = claims.get("email_verified").is_some_and(|verified| *verified == true || *verified == "true");
    Some(Account { email: account.email.filter(|_| is_verified), ..account })
}

/// The `id_token` that is kept with a grant of these scopes: one that is meant for this client.
pub(super) fn id_token_to_keep(
    id_token: Option<IdToken>,
    data_center: &DataCenter,
    client_id: &str,
    scopes: &[String],
    now: Timestamp,
) -> Option<Secret> {
    let is_granted = scopes.iter().any(|scope| scope == "openid");
    let id_token = id_token.filter(|token| is_granted && token.claims(data_center, client_id, now).is_some())?;
    Some(id_token.into_text())
}

/// The same without the secrets that the server repeats.
fn without(account: Account, known: &Known) -> Account {
    let blot = |text: Option<String>| text.map(|text| known.blot(&text));
    Account { id: known.blot(&account.id), email: blot(account.email), name: blot(account.name) }
}

/// Reads who approved out of a user info answer or the claims of an `id_token`.
fn read_account(info: &Map<String, Value>, fields: &AccountFields) -> Option<Account> {
    let line = |names: &[&str]| {
        let values = names.iter().filter_map(|name| info.get(*name));
        let mut lines = values.filter_map(|value| match value {
            // Ids have more digits than a float holds, so numbers are kept as they were written.
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(Untrusted::new(text).line()),
            _ => None,
        });
        lines.find(|line| !line.is_empty())
    };
    // Anybody may claim an address that nobody verified (OpenID Connect Core 1.0 §5.7).
    let is_claimed_only =
        matches!(info.get("email_verified"), Some(verified) if *verified == false || *verified == "false");
    let email = line(fields.email).filter(|_| !is_claimed_only);
    Some(Account { id: line(fields.id)?, email, name: line(fields.name) })
}

#[cfg(test)]
mod tests {
    use super::{AccountFields, read_account};
    use crate::http::decode;
    use crate::providers::{standard, zoho};

    #[test]
    fn accounts_are_read_from_zoho_and_from_openid_connect() {
        let zoho = br#"{"Display_Name":"Dana","Email":"d@example.com","ZUID":10293847561029384756}"#;
        let read = |body: &[u8], fields: &AccountFields| read_account(&decode::object(body).ok()?, fields);
        let zoho = read(zoho, &zoho::DIALECT.account_fields);
        assert_eq!(zoho.map(|account| account.id), Some("10293847561029384756".to_owned()));
        let standard = |body: &[u8]| read(body, &standard::DIALECT.account_fields);
        let long = standard(br#"{"sub":12345678901234567890123}"#).expect("readable");
        assert_eq!(long.id, "12345678901234567890123");
        let openid = standard(br#"{"sub":"abc","email":"d@example.com","name":"D\u001b[31m"}"#).expect("readable");
        assert_eq!(openid.name.as_deref(), Some("D<U+001B>[31m"));
        let github = standard(br#"{"id":583231,"email":null,"name":null,"login":"octo"}"#).expect("readable");
        assert_eq!((github.id.as_str(), github.label()), ("583231", "octo"));
        for (verified, is_told) in [("true", true), ("false", false), (r#""false""#, false), ("null", true)] {
            let body = format!(r#"{{"sub":"abc","email":"d@example.com","email_verified":{verified}}}"#);
            let account = standard(body.as_bytes()).expect("readable");
            assert_eq!(account.email.is_some(), is_told, "{verified}");
        }
        assert_eq!(standard(br#"{"name":"nobody"}"#), None);
        assert_eq!(standard(b"<html>"), None);
    }
}
