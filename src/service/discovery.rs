//! Asks an issuer where its endpoints are (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! A sign-in asks anew; from then on the grant remembers where it was issued, so that refreshing needs no discovery and
//! no changed document leads a refresh token elsewhere.

use std::time::Duration;

use url::Url;

use super::failure::try_again_after;
use super::{Service, transport_error};
use crate::clock;
use crate::config::{Profile, ProviderSource};
use crate::error::{Code, Error};
use crate::http::pause::obeyed_pause;
use crate::http::trouble::Trouble;
use crate::http::{METADATA_BODY_LIMIT, Request, decode};
use crate::oauth::wire::{is_same_endpoint, is_throttled, moved_to};
use crate::providers::Provider;
use crate::providers::standard::{self, Metadata, StandardEndpoints, StandardServer};
use crate::storage::{Grant, IssuerEndpoints};

/// A document that a fault keeps back for a moment is asked for once more, since a sign-in would be for good without what is in it.
const ANEW_AFTER: Duration = Duration::from_secs(1);
/// What to do where no metadata are.
const CHECK_ISSUER: &str = "check `issuer`, or give `device_authorization_endpoint` and `token_endpoint` beside it";

impl Service {
    /// The provider of a profile as it is now; one that only its issuer knows is asked to describe itself.
    pub(super) async fn provider(&self, profile: &Profile) -> Result<Provider, Error> {
        let provider = match self.config.provider(profile)? {
            ProviderSource::Discovered(server) => self.discover(server).await?,
            source => source.known().ok_or_else(|| {
                Error::new(Code::Config, format!("the provider `{}` cannot be used", profile.provider))
                    .because("nothing says where its endpoints are")
            })?,
        };
        Ok(self.allowing(provider, profile))
    }

    /// The provider, whose access tokens may go to the further places that the configuration names for the profile.
    pub(super) fn allowing(&self, mut provider: Provider, profile: &Profile) -> Provider {
        for data_center in &mut provider.data_centers {
            data_center.allowed_origins = self.config.allowed_origins(profile).cloned().collect();
        }
        provider
    }

    /// The provider of a profile as it was when `grant` was approved.
    pub(super) async fn provider_of(&self, profile: &Profile, grant: &Grant) -> Result<Provider, Error> {
        self.provider_at(profile, grant.endpoints.as_deref()).await
    }

    /// The provider of a profile at the endpoints that were remembered, if any were.
    pub(super) async fn provider_at(
        &self,
        profile: &Profile,
        endpoints: Option<&IssuerEndpoints>,
    ) -> Result<Provider, Error> {
        let remembered = match (self.config.provider(profile)?, endpoints) {
            (ProviderSource::Discovered(server), Some(endpoints)) => server.provider(remembered(endpoints)),
            _ => None,
        };
        match remembered {
            Some(provider) => Ok(self.allowing(provider, profile)),
            None => self.provider(profile).await,
        }
    }

    async fn discover(&self, server: &StandardServer) -> Result<Provider, Error> {
        let what = format!("the provider `{}` could not be discovered", server.name);
        let (Some(issuer), Some(address)) = (&server.issuer, server.issuer_url()) else {
            return Err(Error::new(Code::Config, what).because("it has no issuer"));
        };
        let mut found = StandardEndpoints::default();
        let mut problem: Option<Error> = None;
        for url in standard::metadata_urls(&address) {
            match self.ask_metadata(server, issuer, url, &what).await {
                Ok(endpoints) => found = found.or(endpoints),
                Err(error) => {
                    let is_over = is_over(&error);
                    // A document of another issuer is not used, and tells more than places where there is none.
                    let tells_more =
                        |known: &Error| error.code == Code::UntrustedAnswer && known.code != Code::UntrustedAnswer;
                    if is_over || problem.as_ref().is_none_or(tells_more) {
                        problem = Some(error);
                    }
                    if is_over {
                        break;
                    }
                }
            }
            if server.endpoints.clone().or(found.clone()).are_whole() {
                break;
            }
        }
        let is_found = found != StandardEndpoints::default();
        let odd = standard::oddity(&found.odd, standard::TOKEN).cloned();
        match (server.provider(found), problem) {
            (Some(provider), problem) if is_found || server.endpoints.suffice() || problem.is_none() => Ok(provider),
            (_, Some(problem)) if !is_found || is_over(&problem) => Err(problem),
            _ => {
                let absent = || "its metadata names no token endpoint".to_owned();
                let cause = odd.map_or_else(absent, |odd| odd.to_string());
                Err(Error::new(Code::Config, what).because(cause).advise("give `token_endpoint` beside `issuer`"))
            }
        }
    }

    async fn ask_metadata(
        &self,
        server: &StandardServer,
        issuer: &str,
        url: Url,
        what: &str,
    ) -> Result<StandardEndpoints, Error> {
        let request = Request { body_limit: METADATA_BODY_LIMIT, ..Request::get(url.clone()) };
        let ask = async || self.http.send(request.clone()).await.map_err(|failure| transport_error(what, &failure));
        let mut response = ask().await?;
        if is_fault(response.status) && !is_throttled(server.dialect, &response) {
            clock::sleep_until(clock::now() + ANEW_AFTER).await;
            response = ask().await?;
        }
        let place = url.as_str();
        if let Some(to) = moved_to(&url, &response) {
            let is_same = is_same_endpoint(&url, &to);
            let to = standard::without_well_known(to.as_str());
            let code =
                if Url::parse(&to).is_ok_and(|to| to.origin() == url.origin()) { Code::Config } else { Code::Provider };
            return Err(Error::new(code, what)
                .because(format!("{place} leads to {to} (HTTP {}), and redirects are never followed", response.status))
                .advise(if is_same {
                    format!("if that address is the provider's own, write `issuer = \"{to}\"`")
                } else {
                    CHECK_ISSUER.to_owned()
                }));
        }
        if is_throttled(server.dialect, &response) {
            let host = url.host_str().unwrap_or("the issuer");
            return Err(Error::new(Code::RateLimited, what)
                .because(Trouble::Throttled.of_answer(host, response.status))
                .advise(try_again_after(obeyed_pause(&response), server.dialect)));
        }
        if response.status != 200 {
            let helps = if is_fault(response.status) { "try again later" } else { CHECK_ISSUER };
            return Err(Error::new(Code::Provider, what)
                .because(format!("the issuer answered HTTP {} at {place}", response.status))
                .advise(helps));
        }
        let metadata = Metadata::parse(&response.body).ok_or_else(|| {
            let error = Error::new(Code::Provider, what);
            if decode::object(&response.body).is_ok() {
                return error
                    .because(format!("what the issuer sent at {place} names no `issuer`, as metadata has to"))
                    .advise("check `issuer`, or give the endpoints instead");
            }
            error
                .because(format!("the issuer sent no metadata at {place}"))
                .advise("a proxy or captive portal may be in between; else give the endpoints instead of `issuer`")
        })?;
        metadata.endpoints(issuer).map_err(|rejected| {
            let hint =
                "write `issuer` exactly as the server does (a slash at the end counts), or give the endpoints instead";
            let named = metadata.named_issuer();
            let cause = if named == issuer || named.is_empty() {
                rejected.to_string()
            } else {
                format!("its metadata calls it `{named}`, and the configuration `{issuer}`")
            };
            Error::new(Code::UntrustedAnswer, what).because(cause).advise(hint)
        })
    }
}

/// Whether an answer tells of a fault of the server's own.
fn is_fault(status: u16) -> bool {
    status >= 500
}

/// Who is not there is at no other place either, and who is asked too often is not asked on.
fn is_over(problem: &Error) -> bool {
    matches!(problem.code, Code::Network | Code::RateLimited)
}

/// What the grant keeps of a provider that the configuration or its issuer describes.
pub(super) fn to_remember(provider: &Provider, source: &ProviderSource) -> Option<Box<IssuerEndpoints>> {
    let data_center = provider.default_data_center();
    let endpoints = &data_center.endpoints;
    (source.is_described() && data_center.code.is_empty()).then(|| {
        Box::new(IssuerEndpoints {
            token: endpoints.token.clone(),
            revocation: endpoints.revocation.first().map(|revocation| revocation.url.clone()),
            userinfo: endpoints.userinfo.clone(),
        })
    })
}

fn remembered(endpoints: &IssuerEndpoints) -> StandardEndpoints {
    let IssuerEndpoints { token, revocation, userinfo } = endpoints.clone();
    StandardEndpoints { token: Some(token), revocation, userinfo, ..StandardEndpoints::default() }
}
