//! Desk, version 1: organizations, and calls that need the header `orgId`.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::demo::accounts::Person;
use crate::demo::exchange::{Request, Response, Route, empty, json};
use crate::demo::server::{Denial, Site};

pub(super) fn route(path: &str) -> Option<Route> {
    Some(match path {
        "/api/v1/organizations" => Route::Get(organizations),
        "/api/v1/myinfo" => Route::Get(my_info),
        "/api/v1/tickets" => Route::Get(tickets),
        _ => return None,
    })
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    json(status, &json!({ "errorCode": code, "message": message }))
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

fn organizations(site: &Site, request: &Request) -> Response {
    match site.authorize(&request.headers, &["Desk.basic.READ"]) {
        Ok(person) => {
            let (name, number) = person.organization();
            let organization = json!({ "id": number, "companyName": name, "portalName": "help", "isDefault": true });
            json(StatusCode::OK, &json!({ "data": [organization] }))
        }
        Err(denial) => refuse(denial),
    }
}

/// Answers for the person behind the token, once scope and organization are right too.
fn answer(site: &Site, request: &Request, scope: &str, body: impl FnOnce(Person) -> Response) -> Response {
    let person = match site.authorize(&request.headers, &[scope]) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let (_, number) = person.organization();
    match request.headers.get("orgid").and_then(|value| value.to_str().ok()) {
        Some(organization) if organization == number.to_string() => body(person),
        _ => {
            let message = "The header `orgId` does not name an organization of this user.";
            error(StatusCode::FORBIDDEN, "OAUTH_ORG_MISMATCH", message)
        }
    }
}

fn my_info(site: &Site, request: &Request) -> Response {
    answer(site, request, "Desk.basic.READ", |person| {
        json(
            StatusCode::OK,
            &json!({
                "id": "1892000000056007",
                "firstName": person.first_name(),
                "lastName": person.last_name(),
                "emailId": person.email(),
                "status": "ACTIVE",
                "isConfirmed": true,
            }),
        )
    })
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
fn tickets(site: &Site, request: &Request) -> Response {
    answer(site, request, "Desk.tickets.READ", |_| {
        let unprocessable = |message| error(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", message);
        let Some(from) = request.parameters.number("from", 0) else {
            return unprocessable("The value passed for field 'from' is no number.");
        };
        let Some(limit) = request.parameters.number("limit", LIMIT).filter(|limit| (1..=MOST).contains(limit)) else {
            return unprocessable("The value passed for field 'limit' exceeds the range of '1-100'.");
        };
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
            return empty(StatusCode::NO_CONTENT);
        }
        json(StatusCode::OK, &json!({ "data": tickets }))
    })
}
