//! Makes API calls with a fresh token, and once more with a new one when the first is refused.

use std::time::Duration;

use super::{Freshness, Service, home_data_center, issuing_data_center, transport_error};
use crate::api::{self, Call, Diagnosis, Refusal};
use crate::clock::{self, Moment};
use crate::config::{Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::http::client::Incoming;
use crate::http::progress::Progress;
use crate::http::upload::Upload;
use crate::http::{API_BODY_LIMIT, JUDGED_BYTES, Method, Response, TransportFailure};
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
        let grant = self.grant(profile).await?;
        let provider = self.provider_of(profile, &grant).await?;
        let data_center = issuing_data_center(profile, &provider, &grant)?.clone();
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
            Some(grant) => issuing_data_center(profile, &provider, grant)?,
            None => home_data_center(profile, &provider)?,
        };
        Ok((data_center.clone(), provider.dialect))
    }

    /// Makes a call and keeps its whole answer.
    pub async fn call(&self, profile: &Profile, call: &Call) -> Result<Answer, Error> {
        let mut open = self.open_call(profile, call, None, &Progress::default()).await?;
        while let Some(chunk) = open.more().await? {
            if open.response.body.len() + chunk.len() > API_BODY_LIMIT {
                let cause = format!("the answer is larger than {} MiB", API_BODY_LIMIT >> 20);
                let hint = "`device-login api -o FILE` takes answers of any length";
                return Err(Error::new(Code::Other, open.what).because(cause).hint(hint));
            }
            open.response.body.extend_from_slice(&chunk);
        }
        Ok(Answer { took: clock::now() - open.started, response: open.response, explained: open.explained })
    }

    /// Makes a call, with the body in `upload` where there is one, and hands out the answer once its meaning is known. Where
    /// the token is refused it is refreshed once and the call repeated once, unless the answer blames something that a new
    /// token would not mend.
    pub async fn open_call(
        &self,
        profile: &Profile,
        call: &Call,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<OpenAnswer<'_>, Error> {
        let dialect = self.config.provider(profile)?.dialect();
        self.token(profile, Freshness::Default).await?;
        let mut answer = self.send(profile, call, upload, progress, dialect).await?;
        let Some(explained) = answer.explained.as_mut().filter(|explained| explained.is(Diagnosis::BadToken)) else {
            return Ok(answer);
        };
        if upload.is_some_and(|upload| !upload.can_be_sent_again()) {
            let next = format!("run `device-login refresh {}`, then this again", profile.name);
            let text = &explained.text;
            explained.text = format!(
                "{text}; what comes from stdin or a pipe cannot be sent twice, so no new token was made: {next}"
            );
            return Ok(answer);
        }
        if self.token(profile, Freshness::Forced).await.is_err() {
            return Ok(answer);
        }
        let mut answer = self.send(profile, call, upload, progress, dialect).await?;
        if let Some(explained) = answer.explained.as_mut().filter(|explained| explained.is(Diagnosis::BadToken)) {
            explained.diagnosis = Diagnosis::WrongDataCenter;
            explained.text = explained.diagnosis.in_words();
        }
        Ok(answer)
    }

    async fn send(
        &self,
        profile: &Profile,
        call: &Call,
        upload: Option<&Upload>,
        progress: &Progress,
        dialect: &Dialect,
    ) -> Result<OpenAnswer<'_>, Error> {
        let what = format!("{} {} could not be called", call.method, call.url.path());
        let grant = self.grant(profile).await?;
        let request = api::authorize(call, &grant, dialect).map_err(|refusal| refusal_error(&what, &refusal))?;
        let started = clock::now();
        let incoming = self.http.open(request, upload, progress).await;
        let incoming = incoming.map_err(|failure| failed_call(&what, call.method, &failure))?;
        let what = format!("the answer to {} {} did not come whole", call.method, call.url.path());
        let response = Response { status: incoming.status(), headers: incoming.headers().to_vec(), body: Vec::new() };
        let mut answer = OpenAnswer { response, explained: None, what, method: call.method, started, incoming };
        while answer.response.body.len() <= JUDGED_BYTES
            && let Some(chunk) = answer.more().await?
        {
            answer.response.body.extend_from_slice(&chunk);
        }
        answer.explained = Explained::of(dialect, &answer.response);
        Ok(answer)
    }
}

/// An answer whose body is still on its way.
pub struct OpenAnswer<'a> {
    /// With the beginning of the body: up to [`JUDGED_BYTES`] it is whole.
    pub response: Response,
    /// What the call failed of, if it did.
    pub explained: Option<Explained>,
    what: String,
    method: Method,
    started: Moment,
    incoming: Incoming<'a>,
}

impl OpenAnswer<'_> {
    /// Whether the beginning of the body is all of it.
    pub fn is_whole(&self) -> bool {
        self.response.body.len() <= JUDGED_BYTES
    }

    /// What follows in the body; `None` at its end.
    pub async fn more(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.incoming.chunk().await.map_err(|failure| failed_call(&self.what, self.method, &failure))
    }
}

impl Explained {
    fn of(dialect: &Dialect, response: &Response) -> Option<Self> {
        let diagnosis = api::diagnose(dialect, response)?;
        let mut text = diagnosis.in_words();
        if let Some(pause) = response.header("retry-after").filter(|_| diagnosis == Diagnosis::RateLimited) {
            text = format!("{text} (Retry-After: {})", crate::untrusted::Untrusted::new(pause).line());
        }
        Some(Self { diagnosis, text })
    }

    fn is(&self, diagnosis: Diagnosis) -> bool {
        self.diagnosis == diagnosis
    }
}

/// A call that got no whole answer. The API may have acted on it all the same.
fn failed_call(what: &str, method: Method, failure: &TransportFailure) -> Error {
    let error = transport_error(what, failure);
    if !failure.is_answer_lost() {
        return error;
    }
    let changes_nothing = matches!(method, Method::Get | Method::Head);
    error.hint(if changes_nothing {
        "check the network and call again"
    } else {
        "the API may have acted on it: look before you call again"
    })
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
        Refusal::Authorization(_) | Refusal::Computed(_) | Refusal::NoHeader(_) => "leave that header out",
        Refusal::NoHeaderValue(_) => "write it in ASCII, on one line",
    };
    Error::new(Code::Usage, what).because(refusal).hint(hint)
}
