//! Makes API calls with a fresh token, and once more with a new one when the first is refused.

use std::time::Duration;

use super::{Freshness, Service, home_data_center, issuing_data_center, transport_error};
use crate::api::{self, Call, Diagnosis, Refusal};
use crate::clock;
use crate::config::{Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::http::Response;
use crate::providers::standard::StandardEndpoints;
use crate::providers::{DataCenter, Dialect};

/// What an API answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub response: Response,
    /// From sending the (last) request to the last byte of its answer.
    pub took: Duration,
    /// What the call failed of, if it did.
    pub explained: Option<Explained>,
}

/// A failed call, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub diagnosis: Diagnosis,
    /// The diagnosis in the light of what is known of the grant.
    pub text: String,
}

impl Service {
    /// The data center whose APIs the profile's token opens, and how to speak to them.
    pub async fn api_place(&self, profile: &Profile) -> Result<(DataCenter, &'static Dialect), Error> {
        let grant = self.grant(profile)?;
        let provider = self.provider_of(profile, &grant).await?;
        let data_center = issuing_data_center(&provider, &grant)?.clone();
        Ok((data_center, provider.dialect))
    }

    /// The same without asking anybody, signed in or not. A provider that only its issuer knows has its API domain from
    /// the configuration.
    pub fn known_api_place(&self, profile: &Profile) -> Result<(DataCenter, &'static Dialect), Error> {
        let grant = self.load(profile)?.and_then(|record| record.grant);
        let provider = match self.config.provider(profile)? {
            ProviderSource::Discovered(server) => {
                // The token endpoint is never asked on this way.
                let token = server.issuer_url();
                server.provider(StandardEndpoints { token, ..StandardEndpoints::default() })
            }
            source => source.known(),
        };
        let provider = provider.ok_or_else(|| {
            let message = format!("nothing is known of the provider of profile `{}`", profile.name);
            Error::new(Code::Config, message).hint("give it an `issuer` or a `token_endpoint`")
        })?;
        let data_center = match &grant {
            Some(grant) => issuing_data_center(&provider, grant)?,
            None => home_data_center(profile, &provider)?,
        };
        Ok((data_center.clone(), provider.dialect))
    }

    /// Makes a call. On 401 the token is refreshed once and the call repeated once, unless the answer blames something
    /// that a new token would not mend.
    pub async fn call(&self, profile: &Profile, call: &Call) -> Result<Answer, Error> {
        let dialect = self.config.provider(profile)?.dialect();
        self.token(profile, Freshness::Default).await?;
        let answer = self.send(profile, call, dialect).await?;
        let is_bad_token =
            answer.explained.as_ref().is_some_and(|explained| explained.diagnosis == Diagnosis::BadToken);
        if !is_bad_token || self.token(profile, Freshness::Forced).await.is_err() {
            return Ok(answer);
        }
        let mut answer = self.send(profile, call, dialect).await?;
        if let Some(explained) =
            answer.explained.as_mut().filter(|explained| explained.diagnosis == Diagnosis::BadToken)
        {
            explained.diagnosis = Diagnosis::WrongDataCenter;
            explained.text = explained.diagnosis.in_words();
        }
        Ok(answer)
    }

    async fn send(&self, profile: &Profile, call: &Call, dialect: &Dialect) -> Result<Answer, Error> {
        let what = format!("{} {} could not be called", call.method, call.url.path());
        let grant = self.grant(profile)?;
        let request = api::authorize(call, &grant, dialect).map_err(|refusal| refusal_error(&what, &refusal))?;
        let started = clock::now();
        let response = self.http.send(request).await.map_err(|failure| transport_error(&what, &failure))?;
        let took = clock::now() - started;
        let explained = api::diagnose(dialect, &response).map(|diagnosis| {
            let mut text = diagnosis.in_words();
            if let Some(pause) = response.header("retry-after").filter(|_| diagnosis == Diagnosis::RateLimited) {
                text = format!("{text} (Retry-After: {})", crate::untrusted::Untrusted::new(pause).line());
            }
            Explained { diagnosis, text }
        });
        Ok(Answer { response, took, explained })
    }
}

/// A call that was not made, as an error.
pub fn refusal_error(what: &str, refusal: &Refusal) -> Error {
    let hint = match refusal {
        Refusal::NoAddress(_) => "give a path such as `/crm/v8/org`",
        Refusal::NoScheme(_) => "write `https:` before it, or one `/` where a path is meant",
        Refusal::NotHttp(_) => "give a path, or an address that begins with `https://`",
        Refusal::UserInAddress => "leave out what stands before the `@`",
        Refusal::ForeignOrigin(_) => {
            "give a path, or the address of a product's own host: `device-login scopes` lists them"
        }
        Refusal::UnknownProduct(..) => "leave `--product` out to call the API domain",
        Refusal::NoHost(..) => "run `device-login scopes` for the products and their hosts",
        Refusal::NoApiDomain => "set `api_domain` for the provider in the configuration",
        Refusal::Authorization(_) | Refusal::NoHeader(_) => "leave that header out",
        Refusal::NoHeaderValue(_) => "write it in ASCII, on one line",
    };
    Error::new(Code::Usage, what).because(refusal).hint(hint)
}
