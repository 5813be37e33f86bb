//! The product APIs behind the gateway: a little of CRM, Books, Desk and Mail, each with error bodies and pages of its own.
//!
//! Read-only. A token of the other data center is a wrong token here, as at Zoho.

mod books;
mod crm;
mod desk;
mod mail;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::server::Site;

pub(super) use self::crm::CREDITS;

pub(super) fn router() -> Router<Site> {
    Router::new().merge(books::router()).merge(crm::router()).merge(desk::router()).merge(mail::router())
}

/// The gateway's answer to a path that no product knows.
pub(super) async fn unknown_path() -> Response {
    let message = "Please check if the URL trying to access is a correct one";
    crm::error(StatusCode::NOT_FOUND, "INVALID_URL_PATTERN", message)
}

/// The answer to a known path with another method. Accounts servers have no body of their own for it.
pub(super) async fn wrong_method(uri: Uri) -> Response {
    if uri.path().starts_with("/oauth/") {
        return (StatusCode::BAD_REQUEST, "400 Bad Request\n").into_response();
    }
    crm::error(StatusCode::BAD_REQUEST, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")
}
