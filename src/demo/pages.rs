//! The pages for people: the approval of a device or of a browser's request, and a stand-in for the API console.
//!
//! Plain HTML without scripts. What changes anything is a POST that carries a form token and comes from this very origin.

mod authorization;
mod device;
mod self_client;
mod template;

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};

use self::template::{Markup, fill};
use super::Decision;
use super::accounts::{AccessRequest, DataCenter, Person};
use super::exchange::{Request, Response, Route, of_type};
use super::server::Site;
use crate::providers::catalog::{can_write, scope_in_words};

/// Where a person types a device's code; Zoho's own path.
pub(super) const DEVICE: &str = "/oauth/v3/device";
/// The demo's stand-in for the API console.
pub(super) const SELF_CLIENT: &str = "/console/self-client";
const APPLICATION: &str = "Device Login";

/// The pages of one data center. Devices are approved where the client is registered.
pub(super) fn route(path: &str, data_center: DataCenter) -> Option<Route> {
    match path {
        authorization::AUTHORIZATION => Some(Route::Get(authorization::authorize)),
        authorization::DECISION => Some(Route::Post(authorization::decide)),
        SELF_CLIENT => Some(Route::GetAndPost(self_client::ask, self_client::issue)),
        "/oauth/v3/device/style.css" => Some(Route::Get(style)),
        _ if data_center == DataCenter::HOME => device::route(path),
        _ => None,
    }
}

fn style(_: &Site, _: &Request) -> Response {
    of_type("text/css; charset=utf-8", StatusCode::OK, include_str!("pages/style.css"))
}

/// What the buttons and the choice of a person on a consent page mean.
fn decision(button: &str, person: &str) -> Option<Decision> {
    match (button, person) {
        ("accept", "us") => Some(Decision::Approve),
        ("accept", "eu") => Some(Decision::ApproveFromOtherDataCenter),
        ("reject", _) => Some(Decision::Decline),
        _ => None,
    }
}

/// Browsers send `Origin` with every POST; only a form of this very server names it there.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn foreign_form() -> Response {
    message_page(
        StatusCode::FORBIDDEN,
        Mark::Stopped,
        "This did not come from our page",
        "Nothing was changed. Open the address that you were given again and decide there.",
    )
}

/// Asks for a decision. `subject` tells what it is about, `fields` go with it to `action`.
fn consent_page(access: &AccessRequest, subject: &Markup, action: &str, fields: &Markup, form_token: &str) -> Response {
    let content = fill(
        include_str!("pages/consent.html"),
        &[
            ("application", &Markup::text(APPLICATION)),
            ("subject", subject),
            ("action", &Markup::text(action)),
            ("fields", fields),
            ("form_token", &Markup::text(form_token)),
            ("scopes", &scope_list(access)),
            ("us_name", &Markup::text(&Person::AMERICAN.full_name())),
            ("us_email", &Markup::text(Person::AMERICAN.email())),
            ("eu_name", &Markup::text(&Person::EUROPEAN.full_name())),
            ("eu_email", &Markup::text(Person::EUROPEAN.email())),
        ],
    );
    page(StatusCode::OK, &format!("{APPLICATION} wants to sign in"), &content)
}

fn scope_list(access: &AccessRequest) -> Markup {
    let mut items = Markup::default();
    for scope in &access.scopes {
        let template = if can_write(scope) {
            include_str!("pages/scope-that-writes.html")
        } else {
            include_str!("pages/scope.html")
        };
        items.push(&fill(template, &[("scope", &Markup::text(&scope_in_words(scope)))]));
    }
    if access.is_offline {
        let words = Markup::text("stay signed in until you end it");
        items.push(&fill(include_str!("pages/scope.html"), &[("scope", &words)]));
    }
    items
}

/// What is wrong with a form, above it; nothing for an empty `message`.
fn problem(message: &str) -> Markup {
    if message.is_empty() {
        return Markup::default();
    }
    fill(include_str!("pages/problem.html"), &[("problem", &Markup::text(message))])
}

#[derive(Clone, Copy)]
enum Mark {
    Done,
    Stopped,
}

fn message_page(status: StatusCode, mark: Mark, title: &str, text: &str) -> Response {
    let mark = match mark {
        Mark::Done => include_str!("pages/done.svg"),
        Mark::Stopped => include_str!("pages/stopped.svg"),
    };
    let values = [("mark", &fill(mark, &[])), ("title", &Markup::text(title)), ("text", &Markup::text(text))];
    page(status, title, &fill(include_str!("pages/message.html"), &values))
}

fn page(status: StatusCode, title: &str, content: &Markup) -> Response {
    let values = [("title", &Markup::text(title)), ("content", content)];
    of_type("text/html; charset=utf-8", status, fill(include_str!("pages/layout.html"), &values).into_html())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_list_whose_rows_begin_alike() {
        let access = AccessRequest::new("AaaServer.profile.READ,ZohoCRM.users.ALL", true, false).expect("scopes");
        let html = scope_list(&access).into_html();
        let rows: Vec<&str> = html.split("<li>").skip(1).collect();
        assert_eq!(rows.len(), 3, "{html}");
        assert!(rows.iter().all(|row| row.starts_with(char::is_lowercase)), "{html}");
    }
}
