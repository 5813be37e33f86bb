//! Makes API calls with a fresh token, and once more with a new one when an answer says that the first is dead.

use std::time::Duration;

use url::Url;

use super::tokens::no_replacement_before;
use super::{Freshness, Long, Service, home_data_center, issuing_data_center, transport_error};
use crate::api::{self, Call, Diagnosis, Finding, Refusal};
use crate::clock::{self, Moment};
use crate::config::{Profile, ProviderSource};
use crate::error::{Advice, Code, Error, Value};
use crate::http::client::Incoming;
use crate::http::pause::retry_after;
use crate::http::progress::Progress;
use crate::http::upload::Upload;
use crate::http::{API_BODY_LIMIT, JUDGED_BYTES, Method, Response, TransportFailure, reason};
use crate::providers::answers::paging::Paging;
use crate::providers::catalog::{self, Product};
use crate::providers::standard::StandardEndpoints;
use crate::providers::{DataCenter, Dialect};
use crate::secret::{Known, Secret, shown};
use crate::storage::Grant;
use crate::words;

const WITHOUT_PRODUCT: &str = "leave `--product` out to call the API domain";

/// What an API answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub response: Response,
    /// From sending the (last) request to the last byte of its answer.
    pub took: Duration,
    /// What the call failed of, if it did.
    pub explained: Option<Explained>,
    /// All of an answer of which the response has the beginning only.
    pub long: Option<Long>,
}

/// A failed call, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub diagnosis: Diagnosis,
    /// The diagnosis with what the API said.
    pub meaning: String,
    /// What to do.
    pub next: Advice,
    /// What may lie behind it, the likeliest first.
    pub causes: Vec<String>,
    /// Why no other token could be had in the place of a refused one.
    pub unreplaced: Option<Code>,
    /// The scopes that the call lacks, where the API names them.
    lacks: Vec<String>,
}

impl Explained {
    /// A finding in words, with how long the API wants to be left alone where it says so.
    pub fn of(finding: &Finding, dialect: &Dialect, pause: Option<Duration>, known: &Known) -> Self {
        let pause = pause.filter(|_| matches!(finding.diagnosis, Diagnosis::RateLimited | Diagnosis::ProviderFault));
        let next = pause.map(|pause| format!("wait {} before the next one", words::wait(pause)));
        let mut causes = finding.diagnosis.causes(dialect);
        let mut next = next.map_or_else(|| finding.next().into(), Advice::from);
        let missing = finding.missing(known);
        let lacks = missing.iter().flat_map(|scopes| scopes.split(' ')).map(str::to_owned).collect();
        if let Some(scopes) = missing {
            causes.insert(0, format!("the call needs `{scopes}`, which was not asked for or not granted"));
            next = format!("add `{scopes}` to the scopes of the profile and sign in again").into();
        }
        Self { diagnosis: finding.diagnosis, meaning: finding.meaning(known), next, causes, unreplaced: None, lacks }
    }

    /// Says what gives the profile the scopes that are missing.
    fn name_scopes(&mut self, profile: &Profile, scopes: &[String]) {
        let sign_in = Advice::SignIn(profile.name.clone());
        let lacking = scopes.iter().filter(|scope| !catalog::covers(&profile.scopes, scope)).cloned();
        let lacking: Vec<String> = lacking.collect();
        self.next = if lacking.is_empty() {
            sign_in.after(format!("`{}` is in the profile: ", scopes.join(" "))).and(" to have it granted")
        } else {
            Advice::of(vec![profile.adding_scopes(&lacking), ", then ".into(), sign_in])
        };
    }

    /// The same where only the product is known.
    fn name_product(&mut self, profile: &Profile, product: &Product) {
        let (edit, sign_in) = (Value::Scopes, Advice::SignIn(profile.name.clone()));
        let edit = Advice::EditValue(profile.name.clone(), edit);
        let with = " with all that the profile is to have, then ".into();
        self.next = Advice::of(vec![Advice::ListScopesOf(product.key.to_owned()), ": ".into(), edit, with, sign_in]);
    }

    /// Says it of a token that was made a short while ago in the place of a refused one.
    pub(super) fn blame_new_token(&mut self) {
        self.meaning = format!("{}, which was refreshed for such an answer a short while ago", self.meaning);
        self.next = "check the host, and whether it takes this provider's tokens for these scopes".into();
    }

    /// Says it of a refused token in whose place no other could be had.
    pub(super) fn note_unreplaced(&mut self, failure: &Error) {
        self.meaning = format!("{}; {failure}", self.meaning);
        self.unreplaced = Some(failure.code);
        if let Some(helps) = failure.what_helps().into_iter().next() {
            self.next = helps;
        }
    }
}

impl Service {
    /// The data center whose APIs the profile's token opens, and how to speak to them.
    pub async fn api_place(&self, profile: &Profile) -> Result<(DataCenter, &'static Dialect), Error> {
        self.place_of(profile, &self.grant(profile).await?).await
    }

    async fn place_of(&self, profile: &Profile, grant: &Grant) -> Result<(DataCenter, &'static Dialect), Error> {
        let provider = self.provider_of(profile, grant).await?;
        let data_center = issuing_data_center(profile, &provider, grant)?.clone();
        Ok((data_center.in_environment(grant.api_domain.as_deref()), provider.dialect))
    }

    /// The same without asking anybody, signed in or not. A provider that only its issuer knows has its API domain from
    /// the configuration. Blocks the thread.
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
            Error::new(Code::Config, message).advise("give it an `issuer` or a `token_endpoint`")
        })?;
        let provider = self.allowing(provider, profile);
        let (data_center, named) = match &grant {
            Some(grant) => (issuing_data_center(profile, &provider, grant)?, grant.api_domain.as_deref()),
            None => (home_data_center(profile, &provider)?, None),
        };
        Ok((data_center.clone().in_environment(named), provider.dialect))
    }

    /// Says which scope a call lacks and what gives the profile that, where the catalogue knows the call.
    pub async fn name_missing_scope(&self, profile: &Profile, call: &Call, product: Option<&str>, why: &mut Explained) {
        if why.diagnosis != Diagnosis::MissingScope {
            return;
        }
        let asking = profile.clone();
        let place = self.aside(move |service| service.known_api_place(&asking)).await;
        let Ok((place, dialect)) = place else { return };
        let product = product_behind(&place, dialect, &call.url, product);
        let of_call = |product: &Product| product.scope_of(call.method, &call.url, &place).map(str::to_owned);
        let named = std::mem::take(&mut why.lacks);
        let known = product.and_then(of_call);
        let likely = || product.and_then(|product| product.likely_scope(call.method, &call.url));
        match (known, product) {
            _ if !named.is_empty() => why.name_scopes(profile, &named),
            (Some(scope), _) => why.name_scopes(profile, &[scope]),
            (None, Some(product)) => match likely() {
                Some(scope) => {
                    why.name_scopes(profile, std::slice::from_ref(&scope));
                    why.causes.insert(0, format!("by its path the call probably needs `{scope}`"));
                }
                None => why.name_product(profile, product),
            },
            (None, None) => {}
        }
    }

    /// Makes a call, with the body in `upload` where there is one, and keeps its whole answer: a
    /// long one in a file, its beginning in the memory.
    pub async fn call(
        &self,
        profile: &Profile,
        call: &Call,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<Answer, Error> {
        let mut open = self.open_call(profile, call, None, upload, progress).await?;
        let mut long = None;
        while let Some(chunk) = open.more().await? {
            open.response.body.extend_from_slice(&chunk);
            if open.response.body.len() > API_BODY_LIMIT {
                long = Some(self.keep_long(&mut open).await?);
                break;
            }
        }
        Ok(Answer { took: clock::now() - open.started, response: open.response, explained: open.explained, long })
    }

    /// Makes a call, with the body in `upload` where there is one, and hands out the answer once its meaning is known;
    /// `product` is the one whose answer is expected, where it was named. Where the answer says that the token is dead, it
    /// is refreshed and the call repeated once, unless that happened a short while ago.
    pub async fn open_call(
        &self,
        profile: &Profile,
        call: &Call,
        product: Option<&str>,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<OpenAnswer<'_>, Error> {
        // A call that is refused needs no token.
        let (place, dialect) = self.api_place(profile).await?;
        api::check(call, &place.origins()).map_err(|refusal| refusal_error(&what_failed(call), &refusal))?;
        self.token(profile, Freshness::Default).await?;
        let mut used = self.grant(profile).await?;
        let mut answer = self.send(profile, call, &used, product, upload, progress).await?;
        let Some(explained) = answer.blamed_on_token() else { return Ok(answer) };
        if upload.is_some_and(|upload| !upload.can_be_sent_again()) {
            explained.meaning += "; what comes from stdin or a pipe cannot be sent twice, so no new token was made";
            explained.next = Advice::Refresh(profile.name.clone()).and(", then this again");
            return Ok(answer);
        }
        let replaced = self.replace_refused_token(profile, &used).await;
        if replaced.is_ok() {
            used = self.grant(profile).await?;
            answer = self.send(profile, call, &used, product, upload, progress).await?;
        }
        let is_new = no_replacement_before(&used, clock::wall()).is_some();
        match (answer.blamed_on_token(), replaced) {
            (Some(explained), _) if is_new && dialect.api.has_data_centers => {
                let finding = Finding::new(Diagnosis::WrongDataCenter, None);
                *explained = Explained::of(&finding, dialect, None, &Known::default());
            }
            (Some(explained), _) if is_new => explained.blame_new_token(),
            (Some(explained), Err(failure)) => explained.note_unreplaced(&failure),
            _ => {}
        }
        Ok(answer)
    }

    /// What no server may have repeated where something is said of the profile's calls: the client's secrets, the tokens of
    /// the grant, and the one that was `sent` before it was replaced.
    pub async fn secrets_of_calls(&self, profile: &Profile, sent: Option<&Secret>) -> Known {
        let grant = self.grant(profile).await.ok();
        self.known_secrets(profile, grant.iter().flat_map(Grant::tokens).chain(sent)).await
    }

    async fn send(
        &self,
        profile: &Profile,
        call: &Call,
        grant: &Grant,
        product: Option<&str>,
        upload: Option<&Upload>,
        progress: &Progress,
    ) -> Result<OpenAnswer<'_>, Error> {
        let what = what_failed(call);
        let (place, dialect) = self.place_of(profile, grant).await?;
        let request = api::authorize(call, &grant.access_token, &place.origins(), dialect)
            .map_err(|refusal| refusal_error(&what, &refusal))?;
        let started = clock::now();
        let incoming = self.http.open(request, upload, progress).await;
        let incoming = incoming.map_err(|failure| failed_call(&what, call.method, &failure))?;
        let what = format!("the answer to {} {} did not come whole", call.method, call.url.path());
        let response = Response { status: incoming.status(), headers: incoming.headers().to_vec(), body: Vec::new() };
        let (token, method) = (grant.access_token.clone(), call.method);
        let mut answer = OpenAnswer { response, explained: None, token, what, method, started, incoming };
        while answer.response.body.len() <= JUDGED_BYTES
            && let Some(chunk) = answer.more().await?
        {
            answer.response.body.extend_from_slice(&chunk);
        }
        if let Some(finding) = finding(&place, dialect, &call.url, product, &answer.response) {
            // Secrets are read only where words of the server will be shown.
            let known = self.known_secrets(profile, grant.tokens()).await;
            answer.explained = Some(Explained::of(&finding, dialect, retry_after(&answer.response), &known));
        }
        Ok(answer)
    }
}

/// An answer whose body is still on its way.
pub struct OpenAnswer<'a> {
    /// With the beginning of the body: up to [`JUDGED_BYTES`] it is whole.
    pub response: Response,
    /// What the call failed of, if it did.
    pub explained: Option<Explained>,
    /// The access token that the call went out with.
    pub token: Secret,
    what: String,
    method: Method,
    started: Moment,
    incoming: Incoming<'a>,
}

impl OpenAnswer<'_> {
    /// What the answer begins with on the wire. Its last word is that of the RFCs, whatever the server says.
    pub fn status_line(&self) -> String {
        let status = self.response.status;
        format!("{} {status} {}", self.incoming.version(), reason(status)).trim_end().to_owned()
    }

    /// Whether the beginning of the body is all of it.
    pub fn is_whole(&self) -> bool {
        self.response.body.len() <= JUDGED_BYTES
    }

    /// What follows in the body; `None` at its end.
    pub async fn more(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.incoming.chunk().await.map_err(|failure| failed_call(&self.what, self.method, &failure))
    }

    /// The failure, if the API says that the token is dead. A status alone says no such thing.
    fn blamed_on_token(&mut self) -> Option<&mut Explained> {
        self.explained.as_mut().filter(|explained| explained.diagnosis == Diagnosis::BadToken)
    }
}

fn what_failed(call: &Call) -> String {
    format!("{} {} could not be called", call.method, call.url.path())
}

/// Explains an answer from `url`, if it is one of a failed call; what is `known` as a secret is not repeated.
pub(super) fn explained(
    place: &DataCenter,
    dialect: &Dialect,
    url: &Url,
    response: &Response,
    known: &Known,
) -> Option<Explained> {
    let finding = finding(place, dialect, url, None, response)?;
    Some(Explained::of(&finding, dialect, retry_after(response), known))
}

/// What a call failed of, if it did, by the words of the product that was named or that answers at `url`.
fn finding(
    place: &DataCenter,
    dialect: &Dialect,
    url: &Url,
    product: Option<&str>,
    response: &Response,
) -> Option<Finding> {
    api::diagnose(dialect, product_behind(place, dialect, url, product), response)
}

/// How the API at `url` gives lists in pages, or that of the product that was named; `None` where that is not known.
pub fn paging(place: &DataCenter, dialect: &Dialect, url: &Url, product: Option<&str>) -> Option<&'static Paging> {
    product_behind(place, dialect, url, product).map_or(&dialect.api.answers, |product| product.answers).paging
}

/// The product that was named, or that answers at `url`.
fn product_behind(place: &DataCenter, dialect: &Dialect, url: &Url, product: Option<&str>) -> Option<&'static Product> {
    let named = product.and_then(|name| dialect.products().iter().find(|product| product.is_called(name)));
    named.or_else(|| Product::answering(url, place, dialect.products()))
}

/// A call that got no whole answer. The API may have acted on it all the same.
fn failed_call(what: &str, method: Method, failure: &TransportFailure) -> Error {
    let error = transport_error(what, failure);
    if !failure.is_answer_lost() {
        return error;
    }
    let changes_nothing = matches!(method, Method::Get | Method::Head);
    error.advise_only(if changes_nothing {
        "check the network and call again"
    } else {
        "the API may have acted on it: look before you call again"
    })
}

/// A call that was not made, as an error.
pub fn refusal_error(what: &str, refusal: &Refusal) -> Error {
    let advice: Advice = match refusal {
        Refusal::NoAddress(path) => match path.parse::<Method>() {
            Ok(method) => format!("give the path behind the method, such as `{method} /crm/v8/org`").into(),
            Err(_) if path.is_empty() || Url::parse(path).is_ok() => "give a path such as `/crm/v8/org`".into(),
            Err(_) => format!("write a `/` before it: `/{}`", shown(path)).into(),
        },
        Refusal::ControlCharacter => "write it without, or as `%0A`".into(),
        Refusal::NoScheme(_) => "write `https:` before it, or one `/` where a path is meant".into(),
        Refusal::NotHttp(_) => "give a path, or an address that begins with `https://`".into(),
        Refusal::UserInAddress => "leave out what stands before the `@`".into(),
        Refusal::ForeignOrigin(_) => {
            return Error::new(Code::Usage, what)
                .because(refusal)
                .advise("give a path, or the address of a product's own host")
                .advise(Advice::ListProducts)
                .advise("`allowed_origins` in the configuration adds others");
        }
        Refusal::UnknownProduct(name, _) => Advice::meant(Product::near(name)).unwrap_or(WITHOUT_PRODUCT.into()),
        Refusal::NoProducts(_) => WITHOUT_PRODUCT.into(),
        Refusal::NoHost(..) => Advice::ListProducts,
        Refusal::NoApiDomain => "set `api_domain` for the provider in the configuration".into(),
        Refusal::Authorization(_) | Refusal::Computed(_) | Refusal::NoHeader(_) => "leave that header out".into(),
        Refusal::NoHeaderValue(_) => "write it on one line, without control characters".into(),
    };
    Error::new(Code::Usage, what).because(refusal).advise(advice)
}
