//! Mail: the account, and the messages in its inbox.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::demo::accounts::Person;
use crate::demo::exchange::{Request, Response, Route, json};
use crate::demo::server::{Denial, Site};

pub(super) fn route(path: &str) -> Option<Route> {
    match path {
        "/api/accounts" => Some(Route::Get(accounts)),
        _ => account_of_messages(path).map(|_| Route::Get(messages)),
    }
}

fn answer(status: StatusCode, description: &str, data: &Value) -> Response {
    let body = json!({ "status": { "code": status.as_u16(), "description": description }, "data": data });
    json(status, &body)
}

fn error(status: StatusCode, code: &str) -> Response {
    answer(status, "Internal Error", &json!({ "errorCode": code }))
}

#[expect(clippy::result_large_err, reason = "the other case is the answer as it is sent")]
fn authorized(site: &Site, request: &Request, scope: &str) -> Result<Person, Response> {
    site.authorize(&request.headers, &[scope]).map_err(|denial| match denial {
        Denial::NoToken | Denial::InvalidToken => error(StatusCode::UNAUTHORIZED, "INVALID_OAUTHTOKEN"),
        Denial::MissingScope => error(StatusCode::UNAUTHORIZED, "INVALID_OAUTHSCOPE"),
    })
}

/// The number of the person's account.
fn account(person: Person) -> String {
    format!("{}008002", person.zuid())
}

fn accounts(site: &Site, request: &Request) -> Response {
    match authorized(site, request, "ZohoMail.accounts.READ") {
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

/// The account whose messages a path names.
fn account_of_messages(path: &str) -> Option<&str> {
    let account = path.strip_prefix("/api/accounts/")?.strip_suffix("/messages/view")?;
    (!account.contains('/')).then_some(account)
}

/// The first message is number 1.
fn messages(site: &Site, request: &Request) -> Response {
    let person = match authorized(site, request, "ZohoMail.messages.READ") {
        Ok(person) => person,
        Err(refusal) => return refusal,
    };
    if account_of_messages(request.path()) != Some(&account(person)) {
        return error(StatusCode::NOT_FOUND, "URL_RULE_NOT_CONFIGURED");
    }
    let (Some(start), Some(limit)) = (request.parameters.number("start", 1), request.parameters.number("limit", LIMIT))
    else {
        return error(StatusCode::BAD_REQUEST, "EXTRA_PARAM_FOUND");
    };
    let message = |(number, subject): (usize, &str)| json!({ "messageId": format!("17100000000000{number:02}"), "subject": subject, "folderId": "1", "hasAttachment": "0" });
    let messages: Vec<Value> =
        (1..).zip(SUBJECTS).skip(start.max(1) - 1).take(limit.clamp(1, MOST)).map(message).collect();
    answer(StatusCode::OK, "success", &json!(messages))
}
