//! The product APIs behind the gateway: a little of CRM, Books, Desk and Mail, each with error bodies and pages of its own.
//!
//! Read-only. A token of the other data center is a wrong token here, as at Zoho.

mod books;
mod crm;
mod desk;
mod mail;

use hyper::StatusCode;

use super::exchange::{Response, Route, text};

pub(super) use self::crm::CREDITS;

pub(super) fn route(path: &str) -> Option<Route> {
    books::route(path).or_else(|| crm::route(path)).or_else(|| desk::route(path)).or_else(|| mail::route(path))
}

/// The gateway's answer to a path that no product knows.
pub(super) fn unknown_path() -> Response {
    let message = "Please check if the URL trying to access is a correct one";
    crm::error(StatusCode::NOT_FOUND, "INVALID_URL_PATTERN", message)
}

/// The answer to a known path with another method. Accounts servers have no body of their own for it.
pub(super) fn wrong_method(path: &str) -> Response {
    if path.starts_with("/oauth/") {
        return text(StatusCode::BAD_REQUEST, "400 Bad Request\n");
    }
    crm::error(StatusCode::BAD_REQUEST, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")
}
