//! The page on which a person lets a browser's request pass, and the way back to the client (RFC 6749 §4.1).

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use url::form_urlencoded;

use super::template::{Markup, fill};
use super::{Mark, consent_page, decision, foreign_form, is_same_origin, message_page};
use crate::clock;
use crate::demo::accounts::{AuthorizationRequest, Mistake};
use crate::demo::exchange::{Request, Response, redirect};
use crate::demo::server::Site;

pub(super) const AUTHORIZATION: &str = "/oauth/v2/auth";
pub(super) const DECISION: &str = "/oauth/v2/auth/decision";
/// Chromium holds the redirects that follow a form to the policy of the form's page too, and clients live anywhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self' http: https:; frame-ancestors 'none'; base-uri 'none'",
);

/// "Authorization request". The parameters go on in the form's own address, and are checked again when it comes back.
pub(super) fn authorize(site: &Site, Request { parameters, .. }: &Request) -> Response {
    let request = match site.shared.accounts().authorization(site.data_center, |name| parameters.value(name)) {
        Ok(request) => request,
        Err(mistake) => return mistake_page(mistake),
    };
    let query = AuthorizationRequest::PARAMETERS.map(|name| (name, parameters.value(name)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let client = fill(include_str!("client.html"), &[("origin", &Markup::text(&request.client_origin()))]);
    let action = format!("{DECISION}?{query}");
    let mut page = consent_page(&request.access, &client, &action, &Markup::default(), &site.shared.form_token);
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    page
}

pub(super) fn decide(site: &Site, Request { headers, parameters, .. }: &Request) -> Response {
    let is_ours = is_same_origin(headers) && parameters.value("form_token") == site.shared.form_token;
    let decision = decision(parameters.value("decision"), parameters.value("person"));
    let Some(decision) = decision.filter(|_| is_ours) else { return foreign_form() };
    let mut accounts = site.shared.accounts();
    let request = match accounts.authorization(site.data_center, |name| parameters.value(name)) {
        Ok(request) => request,
        Err(mistake) => return mistake_page(mistake),
    };
    let address = match decision.person() {
        Some(person) => {
            let code = accounts.approve_authorization(&request, person, clock::now());
            let accounts_server = &site.shared.addresses_of(person.home()).accounts_server;
            let location = person.home().code();
            request.answer(&[("code", &code), ("location", location), ("accounts-server", accounts_server)])
        }
        None => request.answer(&[("error", "access_denied")]),
    };
    redirect(address.as_str())
}

/// Says in Zoho's words what is wrong with a request, and in more of them why.
fn mistake_page(mistake: Mistake) -> Response {
    let (title, text) = match mistake {
        Mistake::Client => {
            ("Invalid Client", "The client_id is not the one of the demo, or belongs to its other data center.")
        }
        Mistake::ResponseType => ("Invalid response type", "The response_type has to be code."),
        Mistake::RedirectUri => (
            "Invalid Redirect Uri",
            "The redirect_uri has to begin with https://, or lead to this machine with http://, and must have no fragment.",
        ),
        Mistake::Scope => ("Invalid OAuth scope", "One of the scopes does not exist. They are separated by commas."),
        Mistake::Challenge => (
            "Invalid code challenge",
            "The code_challenge needs 43 to 128 letters, digits and -._~, and its method has to be S256 or plain.",
        ),
    };
    message_page(StatusCode::BAD_REQUEST, Mark::Stopped, title, text)
}
