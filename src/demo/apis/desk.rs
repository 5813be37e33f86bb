//! Desk, version 1: organizations, and calls that need the header `orgId`.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::demo::accounts::Person;
use crate::demo::server::{Denial, Site};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/api/v1/organizations", get(organizations))
        .route("/api/v1/myinfo", get(my_info))
        .route("/api/v1/tickets", get(tickets))
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "errorCode": code, "message": message }))).into_response()
}

fn refuse(denial: Denial) -> Response {
    match denial {
        Denial::NoToken | Denial::InvalidToken => {
            error(StatusCode::UNAUTHORIZED, "INVALID_OAUTH", "The OAuth Token you provided is invalid.")
        }
        Denial::MissingScope => {
            error(StatusCode::FORBIDDEN, "SCOPE_MISMATCH", "The OAuth Token does not have the scope for this call.")
        }
    }
}

async fn organizations(State(site): State<Site>, headers: HeaderMap) -> Response {
    match site.authorize(&headers, &["Desk.basic.READ"]) {
        Ok(person) => {
            let (name, number) = person.organization();
            let organization = json!({ "id": number, "companyName": name, "portalName": "help", "isDefault": true });
            Json(json!({ "data": [organization] })).into_response()
        }
        Err(denial) => refuse(denial),
    }
}

/// Answers for the person behind the token, once scope and organization are right too.
fn answer(site: &Site, headers: &HeaderMap, scope: &str, body: impl FnOnce(Person) -> Response) -> Response {
    let person = match site.authorize(headers, &[scope]) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let (_, number) = person.organization();
    match headers.get("orgid").and_then(|value| value.to_str().ok()) {
        Some(organization) if organization == number.to_string() => body(person),
        _ => {
            let message = "The header `orgId` does not name an organization of this user.";
            error(StatusCode::FORBIDDEN, "OAUTH_ORG_MISMATCH", message)
        }
    }
}

async fn my_info(State(site): State<Site>, headers: HeaderMap) -> Response {
    answer(&site, &headers, "Desk.basic.READ", |person| {
        Json(json!({
            "id": "1892000000056007",
            "firstName": person.first_name(),
            "lastName": person.last_name(),
            "emailId": person.email(),
            "status": "ACTIVE",
            "isConfirmed": true,
        }))
        .into_response()
    })
}

#[derive(Deserialize)]
struct ListQuery {
    from: Option<usize>,
    limit: Option<usize>,
}

/// Tickets on a page by default, and at most.
const LIMIT: usize = 10;
const MOST: usize = 100;

const SUBJECTS: [&str; 6] = [
    "The kiosk shows yesterday's prices",
    "Please add a second printer",
    "How do I sign in without a keyboard?",
    "The QR code is too small for my phone",
    "Invoice sent twice",
    "Wrong time zone in the report",
];

/// Beyond the last ticket comes no list but 204.
async fn tickets(State(site): State<Site>, headers: HeaderMap, Query(query): Query<ListQuery>) -> Response {
    answer(&site, &headers, "Desk.tickets.READ", |_| {
        let (from, limit) = (query.from.unwrap_or(0), query.limit.unwrap_or(LIMIT));
        if !(1..=MOST).contains(&limit) {
            let message = "The value passed for field 'limit' exceeds the range of '1-100'.";
            return error(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", message);
        }
        let ticket = |(number, subject): (usize, &str)| {
            json!({
                "id": format!("1892000000{number:06}"),
                "ticketNumber": number.to_string(),
                "subject": subject,
                "status": if number.is_multiple_of(3) { "On Hold" } else { "Open" },
                "channel": "Email",
            })
        };
        let tickets: Vec<Value> = (101..).zip(SUBJECTS).skip(from).take(limit).map(ticket).collect();
        if tickets.is_empty() {
            return StatusCode::NO_CONTENT.into_response();
        }
        Json(json!({ "data": tickets })).into_response()
    })
}
