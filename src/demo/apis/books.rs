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
struct OrganizationQuery {
    organization_id: Option<String>,
}

/// Answers for the person behind the token, once scope and organization are right too.
fn answer(site: &Site, headers: &HeaderMap, query: &OrganizationQuery, scope: &str, list: Value) -> Response {
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

async fn contacts(State(site): State<Site>, headers: HeaderMap, Query(query): Query<OrganizationQuery>) -> Response {
    let contact = json!({ "contact_id": "460000000026049", "contact_name": "Lumen Print", "status": "active" });
    let list = json!({ "code": 0, "message": "success", "contacts": [contact] });
    answer(&site, &headers, &query, "ZohoBooks.contacts.READ", list)
}

async fn invoices(State(site): State<Site>, headers: HeaderMap, Query(query): Query<OrganizationQuery>) -> Response {
    let list = json!({ "code": 0, "message": "success", "invoices": [] });
    answer(&site, &headers, &query, "ZohoBooks.invoices.READ", list)
}
