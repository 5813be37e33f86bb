//! Mail: the account, and the messages in its inbox.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::demo::accounts::Person;
use crate::demo::server::{Denial, Site};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/api/accounts", get(accounts)).route("/api/accounts/{account}/messages/view", get(messages))
}

fn answer(status: StatusCode, description: &str, data: &Value) -> Response {
    let body = json!({ "status": { "code": status.as_u16(), "description": description }, "data": data });
    (status, Json(body)).into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    answer(status, "Internal Error", &json!({ "errorCode": code }))
}

#[expect(clippy::result_large_err, reason = "the other case is the answer as it is sent")]
fn authorized(site: &Site, headers: &HeaderMap, scope: &str) -> Result<Person, Response> {
    site.authorize(headers, &[scope]).map_err(|denial| match denial {
        Denial::NoToken | Denial::InvalidToken => error(StatusCode::UNAUTHORIZED, "INVALID_OAUTHTOKEN"),
        Denial::MissingScope => error(StatusCode::UNAUTHORIZED, "INVALID_OAUTHSCOPE"),
    })
}

/// The number of the person's account.
fn account(person: Person) -> String {
    format!("{}008002", person.zuid())
}

async fn accounts(State(site): State<Site>, headers: HeaderMap) -> Response {
    match authorized(&site, &headers, "ZohoMail.accounts.READ") {
        Ok(person) => {
            let account = json!({
                "accountId": account(person),
                "primaryEmailAddress": person.email(),
                "displayName": person.full_name(),
            });
            answer(StatusCode::OK, "success", &json!([account]))
        }
        Err(refusal) => refusal,
    }
}

#[derive(Deserialize)]
struct ListQuery {
    /// From 1.
    start: Option<usize>,
    limit: Option<usize>,
}

/// Messages on a page by default, and at most.
const LIMIT: usize = 10;
const MOST: usize = 200;

const SUBJECTS: [&str; 5] = [
    "Your new kiosk has arrived",
    "Minutes of Monday",
    "Re: opening hours",
    "Receipt 2209",
    "Please approve the sign-in of `lobby`",
];

async fn messages(
    State(site): State<Site>,
    headers: HeaderMap,
    Path(named): Path<String>,
    Query(query): Query<ListQuery>,
) -> Response {
    let person = match authorized(&site, &headers, "ZohoMail.messages.READ") {
        Ok(person) => person,
        Err(refusal) => return refusal,
    };
    if named != account(person) {
        return error(StatusCode::NOT_FOUND, "URL_RULE_NOT_CONFIGURED");
    }
    let message = |(number, subject): (usize, &str)| json!({ "messageId": format!("17100000000000{number:02}"), "subject": subject, "folderId": "1", "hasAttachment": "0" });
    let (start, limit) = (query.start.unwrap_or(1).max(1), query.limit.unwrap_or(LIMIT).clamp(1, MOST));
    let messages: Vec<Value> = (1..).zip(SUBJECTS).skip(start - 1).take(limit).map(message).collect();
    answer(StatusCode::OK, "success", &json!(messages))
}
