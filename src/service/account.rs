//! Who is behind a profile, and how its grant is given back.

use serde_json::{Map, Value};

use super::failure::Asked;
use super::{Freshness, Service, issuing_data_center, sign_in_hint, store_error, transport_error};
use crate::api::{self, Call};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::http::{ACCOUNTS_BODY_LIMIT, ACCOUNTS_DEADLINE, Method, Request};
use crate::oauth::{Client, wire};
use crate::providers::explained::Place;
use crate::providers::{AccountFields, DataCenter, Provider, Revocation, catalog};
use crate::secret::Secret;
use crate::storage::{Account, Grant};
use crate::untrusted::Untrusted;

/// What signing out did.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedOut {
    /// `None` where there was nothing to revoke or revoking was not wanted.
    pub revoked: Option<Result<(), Error>>,
    /// Whether a grant was there to forget.
    pub forgotten: bool,
}

impl Service {
    /// Asks the provider who is behind the profile, and notes the answer.
    pub async fn whoami(&self, profile: &Profile) -> Result<Account, Error> {
        self.token(profile, Freshness::Default).await?;
        let grant = self.grant(profile)?;
        let provider = self.provider_of(profile, &grant).await?;
        let account = self.ask_account(&grant, &provider, issuing_data_center(&provider, &grant)?).await?;
        if grant.account.as_ref() != Some(&account) {
            let mut locked = self.lock(&profile.name).await?;
            let mut record = locked.load().map_err(store_error)?;
            let saved = record.as_mut().and_then(|record| record.grant.as_mut());
            if let Some(saved) = saved.filter(|saved| saved.approved_at == grant.approved_at) {
                saved.account = Some(account.clone());
            }
            if let Some(record) = &mut record {
                locked.commit(record).map_err(store_error)?;
            }
        }
        Ok(account)
    }

    /// Revokes the grant at the provider unless `local`, then forgets it here whether that worked or not. The client's
    /// secret stays, so that the profile can sign in again.
    pub async fn sign_out(&self, profile: &Profile, local: bool) -> Result<SignedOut, Error> {
        let record = self.load(profile)?;
        let grant = record.as_ref().and_then(|record| record.grant.as_ref());
        let revoked = match grant {
            Some(grant) if !local => Some(self.revoke(profile, grant).await),
            _ => None,
        };
        let mut locked = self.lock(&profile.name).await?;
        let Some(mut record) = locked.load().map_err(store_error)? else {
            return Ok(SignedOut { revoked, forgotten: false });
        };
        let forgotten = record.grant.take().is_some();
        if forgotten {
            locked.commit(&mut record).map_err(store_error)?;
            locked.forget_previous().map_err(store_error)?;
        }
        Ok(SignedOut { revoked, forgotten })
    }

    async fn revoke(&self, profile: &Profile, grant: &Grant) -> Result<(), Error> {
        let provider = self.provider_of(profile, grant).await?;
        let data_center = issuing_data_center(&provider, grant)?;
        let client = self.client(profile, self.load(profile)?.as_ref(), &provider)?;
        self.revoke_grant(grant, &provider, data_center, profile, &client).await
    }

    /// Revokes the refresh token, and with it all access tokens; the access token where there is no refresh token.
    pub(super) async fn revoke_grant(
        &self,
        grant: &Grant,
        provider: &Provider,
        data_center: &DataCenter,
        profile: &Profile,
        client: &Client,
    ) -> Result<(), Error> {
        let what = "the grant could not be revoked";
        let (place, scopes) = (Place::Revocation, &profile.scopes[..]);
        let asked = Asked { what, place, provider, data_center, profile, scopes, client };
        let (token, kind) = match &grant.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&grant.access_token, "access_token"),
        };
        let mut error = Error::new(Code::Provider, what).because(format!("{} offers no revocation", provider.name));
        for form in &data_center.endpoints.revocation {
            let request = revocation_request(form, token, kind, client, data_center);
            let response = match self.http.send(request).await {
                Ok(response) if response.status == 200 && !says_error(&response.body) => return Ok(()),
                Ok(response) => response,
                Err(failure) => return Err(transport_error(what, &failure).hint(asked.removal_by_hand())),
            };
            error = match wire::read_error(&response) {
                _ if response.status == 429 => asked.throttled(None),
                Some(answer) => asked.refused(&answer),
                None => {
                    let cause = format!("{} answered HTTP {}", provider.dialect.display_name, response.status);
                    Error::new(Code::Provider, what).because(cause)
                }
            };
        }
        // Whatever the reason, the access still stands, which matters more than mending the reason.
        Err(error.hint(asked.removal_by_hand()))
    }

    /// Asks the accounts server who approved.
    pub(super) async fn ask_account(
        &self,
        grant: &Grant,
        provider: &Provider,
        data_center: &DataCenter,
    ) -> Result<Account, Error> {
        let what = "the account could not be asked for";
        let Some(url) = data_center.endpoints.userinfo.clone() else {
            return Err(Error::new(Code::Other, what).because("the provider names no userinfo endpoint"));
        };
        let call = Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
        let request = api::authorize(&call, grant, provider.dialect)
            .map_err(|refusal| Error::new(Code::UntrustedAnswer, what).because(refusal))?;
        let request = Request { body_limit: ACCOUNTS_BODY_LIMIT, deadline: ACCOUNTS_DEADLINE, ..request };
        let response = self.http.send(request).await.map_err(|failure| transport_error(what, &failure))?;
        if let Some(diagnosis) = api::diagnose(&response) {
            return Err(diagnosis_error(what, diagnosis, response.status));
        }
        read_account(&response.body, &provider.dialect.account_fields).ok_or_else(|| {
            Error::new(Code::Provider, what).because(format!("the answer cannot be read (HTTP {})", response.status))
        })
    }

    pub(super) fn grant(&self, profile: &Profile) -> Result<Grant, Error> {
        self.load(profile)?.and_then(|record| record.grant).ok_or_else(|| {
            Error::new(Code::SignInNeeded, format!("profile `{}` is not signed in", profile.name))
                .hint(sign_in_hint(&profile.name))
        })
    }
}

/// A call that the provider refused, as an error.
pub(super) fn diagnosis_error(what: &str, diagnosis: api::Diagnosis, status: u16) -> Error {
    let code = match diagnosis {
        api::Diagnosis::BadToken | api::Diagnosis::MissingScope => Code::SignInNeeded,
        api::Diagnosis::RateLimited => Code::RateLimited,
        api::Diagnosis::ProviderFault => Code::Provider,
        api::Diagnosis::WrongDataCenter => Code::WrongDataCenter,
        _ => Code::Other,
    };
    Error::new(code, what)
        .because(format!("{} (HTTP {status})", diagnosis.meaning()))
        .likely(diagnosis.causes_in_words())
        .hint(diagnosis.next())
}

/// The scopes that were wanted and not granted.
pub(super) fn missing_scopes(wanted: &[String], granted: &[String]) -> Vec<String> {
    wanted.iter().filter(|scope| !catalog::covers(granted, scope)).cloned().collect()
}

fn revocation_request(
    form: &Revocation,
    token: &Secret,
    kind: &str,
    client: &Client,
    data_center: &DataCenter,
) -> Request {
    let mut parameters = vec![("token", token.expose())];
    parameters.extend(form.type_parameter.map(|name| (name, kind)));
    let own = client.authentication_at(&data_center.code);
    let authentication = form.client_authentication.unwrap_or(own);
    wire::client_form(form.url.clone(), data_center, client, authentication, &parameters)
}

fn says_error(body: &[u8]) -> bool {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body.get("error").is_some() || body.get("status").is_some_and(|status| status == "failure" || status == "error")
}

/// Reads who approved out of a user info answer.
fn read_account(body: &[u8], fields: &AccountFields) -> Option<Account> {
    let info: Map<String, Value> = serde_json::from_slice(body).ok()?;
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
    use super::{missing_scopes, read_account, says_error};
    use crate::providers::{standard, zoho};

    #[test]
    fn accounts_are_read_from_zoho_and_from_openid_connect() {
        let zoho = br#"{"Display_Name":"Dana","Email":"d@example.com","ZUID":10293847561029384756}"#;
        let zoho = read_account(zoho, &zoho::DIALECT.account_fields);
        assert_eq!(zoho.map(|account| account.id), Some("10293847561029384756".to_owned()));
        let standard = |body: &[u8]| read_account(body, &standard::DIALECT.account_fields);
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

    #[test]
    fn revocations_that_failed_with_200_are_noticed() {
        assert!(says_error(br#"{"error":"invalid_token"}"#));
        assert!(says_error(br#"{"status":"failure"}"#));
        assert!(!says_error(br#"{"status":"success"}"#));
        assert!(!says_error(b""));
    }

    #[test]
    fn only_scopes_that_nothing_covers_are_missing() {
        let list = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let missing = missing_scopes(&list(&["ZohoCRM.users.READ", "Desk.basic.READ"]), &list(&["ZohoCRM.users.ALL"]));
        assert_eq!(missing, list(&["Desk.basic.READ"]));
    }
}
