//! Books, version 3: organizations, and lists that need `organization_id`.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::demo::accounts::DataCenter;
use crate::demo::server::{Denial, Site};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/books/v3/organizations", get(organizations))
        .route("/books/v3/contacts", get(contacts))
        .route("/books/v3/invoices", get(invoices))
}

/// Books counts its errors; 0 is success.
fn error(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({ "code": code, "message": message }))).into_response()
}

fn refuse(denial: Denial) -> Response {
    match denial {
        Denial::NoToken | Denial::InvalidToken => {
            error(StatusCode::UNAUTHORIZED, 14, "Invalid value passed for token.")
        }
        Denial::MissingScope => error(StatusCode::UNAUTHORIZED, 57, "You are not authorized to perform this operation"),
    }
}

async fn organizations(State(site): State<Site>, headers: HeaderMap) -> Response {
    let person = match site.authorize(&headers, &["ZohoBooks.settings.READ"]) {
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
    Json(json!({ "code": 0, "message": "success", "organizations": [organization] })).into_response()
}

#[derive(Deserialize)]
struct ListQuery {
    organization_id: Option<String>,
    page: Option<usize>,
    per_page: Option<usize>,
}

/// Records on a page, by default and at most.
const PER_PAGE: usize = 200;

impl ListQuery {
    /// One page of a list, under its name.
    fn page(&self, name: &str, records: &[Value]) -> Value {
        let (page, per_page) = (self.page.unwrap_or(1).max(1), self.per_page.unwrap_or(PER_PAGE).clamp(1, PER_PAGE));
        let mut pages = records.chunks(per_page).skip(page - 1);
        let shown = pages.next().unwrap_or_default();
        let context = json!({ "page": page, "per_page": per_page, "has_more_page": pages.next().is_some() });
        json!({ "code": 0, "message": "success", name: shown, "page_context": context })
    }
}

/// Answers for the person behind the token, once scope and organization are right too.
fn answer(site: &Site, headers: &HeaderMap, query: &ListQuery, scope: &str, list: Value) -> Response {
    let person = match site.authorize(headers, &[scope]) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let (_, number) = person.organization();
    match query.organization_id.as_deref() {
        Some(organization) if organization == number.to_string() => Json(list).into_response(),
        Some(_) => error(StatusCode::BAD_REQUEST, 6041, "This user is not associated with the organization."),
        None => error(StatusCode::BAD_REQUEST, 4, "Invalid value passed for organization_id."),
    }
}

async fn contacts(State(site): State<Site>, headers: HeaderMap, Query(query): Query<ListQuery>) -> Response {
    let contact = |(number, name): (u64, &str)| json!({ "contact_id": format!("4600000000260{number}"), "contact_name": name, "status": "active" });
    let names = ["Lumen Print", "Casa Verde", "Studio Conti", "Skye Ferries", "Haddad Ceramics"];
    let records: Vec<Value> = (49..).zip(names).map(contact).collect();
    answer(&site, &headers, &query, "ZohoBooks.contacts.READ", query.page("contacts", &records))
}

async fn invoices(State(site): State<Site>, headers: HeaderMap, Query(query): Query<ListQuery>) -> Response {
    answer(&site, &headers, &query, "ZohoBooks.invoices.READ", query.page("invoices", &[]))
}
