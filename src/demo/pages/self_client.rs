//! The demo's stand-in for the self client of Zoho's API console: a person gets a code there by hand.
//!
//! Programs may do the same: the form is plain, and the code is the text of `#grant-code`.

use hyper::StatusCode;
use hyper::header;

use super::template::{Markup, fill};
use super::{foreign_form, is_same_origin, page, problem, scope_list};
use crate::clock;
use crate::demo::accounts::{AccessRequest, Person};
use crate::demo::exchange::{Request, Response};
use crate::demo::server::Site;

/// What stands in the form at first.
const SUGGESTION: &str = "AaaServer.profile.READ, ZohoCRM.users.READ";

pub(super) fn ask(site: &Site, _: &Request) -> Response {
    form_page(site, StatusCode::OK, SUGGESTION, "")
}

pub(super) fn issue(site: &Site, Request { headers, parameters, .. }: &Request) -> Response {
    // Programs send no `Origin`; their form token shows that they have read the page.
    let is_from_elsewhere = headers.contains_key(header::ORIGIN) && !is_same_origin(headers);
    if is_from_elsewhere || parameters.value("form_token") != site.shared.form_token {
        return foreign_form();
    }
    let scope = parameters.value("scope");
    let Ok(access) = AccessRequest::new(scope, true, true) else {
        let message = "One of these scopes does not exist. They read like ZohoCRM.users.READ.";
        return form_page(site, StatusCode::BAD_REQUEST, scope, message);
    };
    let scopes = scope_list(&access);
    let code = site.shared.accounts().issue_by_hand(site.data_center, access, clock::now());
    let values = [
        ("code", &Markup::text(&code)),
        ("place", &place(site)),
        ("accounts_server", &Markup::text(&site.addresses().accounts_server)),
        ("scopes", &scopes),
    ];
    page(StatusCode::OK, "Your code", &fill(include_str!("grant-code.html"), &values))
}

fn form_page(site: &Site, status: StatusCode, scope: &str, message: &str) -> Response {
    let values = [
        ("person", &Markup::text(&Person::living_in(site.data_center).full_name())),
        ("place", &place(site)),
        ("problem", &problem(message)),
        ("form_token", &Markup::text(&site.shared.form_token)),
        ("scope", &Markup::text(scope)),
    ];
    page(status, "Self client", &fill(include_str!("self-client.html"), &values))
}

fn place(site: &Site) -> Markup {
    Markup::text(&site.data_center.code().to_ascii_uppercase())
}
