//! Books, version 3: organizations, and lists that need `organization_id`.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::demo::accounts::DataCenter;
use crate::demo::exchange::{Request, Response, Route, json};
use crate::demo::server::{Denial, Site};

pub(super) fn route(path: &str) -> Option<Route> {
    Some(match path {
        "/books/v3/organizations" => Route::Get(organizations),
        "/books/v3/contacts" => Route::Get(contacts),
        "/books/v3/invoices" => Route::Get(invoices),
        _ => return None,
    })
}

/// Books counts its errors; 0 is success.
fn error(status: StatusCode, code: u32, message: &str) -> Response {
    json(status, &json!({ "code": code, "message": message }))
}

fn refuse(denial: Denial) -> Response {
    match denial {
        Denial::NoToken | Denial::InvalidToken => {
            error(StatusCode::UNAUTHORIZED, 14, "Invalid value passed for token.")
        }
        Denial::MissingScope => error(StatusCode::UNAUTHORIZED, 57, "You are not authorized to perform this operation"),
    }
}

fn organizations(site: &Site, request: &Request) -> Response {
    let person = match site.authorize(&request.headers, &["ZohoBooks.settings.READ"]) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let (name, number) = person.organization();
    let (currency, country) = match person.home() {
        DataCenter::Us => ("USD", "U.S.A."),
        DataCenter::Eu => ("EUR", "Germany"),
    };
    let organization = json!({
        "organization_id": number.to_string(),
        "name": name,
        "is_default_org": true,
        "currency_code": currency,
        "country": country,
        "fiscal_year_start_month": "january",
    });
    json(StatusCode::OK, &json!({ "code": 0, "message": "success", "organizations": [organization] }))
}

/// Records on a page, by default and at most.
const PER_PAGE: usize = 200;

/// Answers one page of a list, under its name, to the person behind the token, once scope and organization are right too.
fn list(site: &Site, request: &Request, scope: &str, name: &str, records: &[Value]) -> Response {
    let person = match site.authorize(&request.headers, &[scope]) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let (_, number) = person.organization();
    let invalid = |name: &str| error(StatusCode::BAD_REQUEST, 4, &format!("Invalid value passed for {name}."));
    match request.parameters.value("organization_id") {
        "" => return invalid("organization_id"),
        organization if organization == number.to_string() => {}
        _ => return error(StatusCode::BAD_REQUEST, 6041, "This user is not associated with the organization."),
    }
    let Some(page) = request.parameters.number("page", 1) else { return invalid("page") };
    let Some(per_page) = request.parameters.number("per_page", PER_PAGE) else { return invalid("per_page") };
    let (page, per_page) = (page.max(1), per_page.clamp(1, PER_PAGE));
    let mut pages = records.chunks(per_page).skip(page - 1);
    let shown = pages.next().unwrap_or_default();
    let context = json!({ "page": page, "per_page": per_page, "has_more_page": pages.next().is_some() });
    json(StatusCode::OK, &json!({ "code": 0, "message": "success", name: shown, "page_context": context }))
}

fn contacts(site: &Site, request: &Request) -> Response {
    let contact = |(number, name): (u64, &str)| json!({ "contact_id": format!("4600000000260{number}"), "contact_name": name, "status": "active" });
    let names = ["Lumen Print", "Casa Verde", "Studio Conti", "Skye Ferries", "Haddad Ceramics"];
    let records: Vec<Value> = (49..).zip(names).map(contact).collect();
    list(site, request, "ZohoBooks.contacts.READ", "contacts", &records)
}

fn invoices(site: &Site, request: &Request) -> Response {
    list(site, request, "ZohoBooks.invoices.READ", "invoices", &[])
}
