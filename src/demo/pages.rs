//! The approval page: a person types or scans a code, sees what is asked for, and accepts or rejects.
//!
//! Plain HTML without scripts. Decisions are POSTs that carry the code's own form token and come from this very origin.

mod template;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use self::template::{Markup, fill};
use super::Decision;
use super::accounts::{DeviceCode, Lookup, Person};
use super::server::Site;
use crate::clock;
use crate::providers::catalog::{can_write, scope_in_words};

/// Where the approval page lives; Zoho's own path.
pub(super) const DEVICE: &str = "/oauth/v3/device";
const APPLICATION: &str = "Device Login";
/// So much of a wrong code is shown again.
const TYPED_LIMIT: usize = 40;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/", get(|| async { Redirect::to(DEVICE) }))
        .route("/oauth/v3/device", get(enter).post(submit_code))
        .route("/oauth/v3/device/setCode", get(consent))
        .route("/oauth/v3/device/decision", post(decide))
        .route("/oauth/v3/device/accepted", get(accepted))
        .route("/oauth/v3/device/rejected", get(rejected))
        .route("/oauth/v3/device/style.css", get(style))
}

async fn enter() -> Response {
    enter_page(StatusCode::OK, "", "")
}

#[derive(Deserialize)]
struct EnteredCode {
    #[serde(default)]
    user_code: String,
}

async fn submit_code(State(site): State<Site>, headers: HeaderMap, Form(entered): Form<EnteredCode>) -> Response {
    if !is_same_origin(&headers) {
        return foreign_form();
    }
    let typed = entered.user_code.trim();
    if typed.is_empty() {
        return enter_page(StatusCode::BAD_REQUEST, "", "Type the code that your device shows.");
    }
    match site.shared.accounts().by_user_code(typed, clock::now()) {
        Lookup::Found(code) => Redirect::to(&format!("{DEVICE}/setCode?devcode={}", code.link_code)).into_response(),
        Lookup::Expired => {
            enter_page(StatusCode::GONE, typed, "This code has expired. Ask your device for a new one and type that.")
        }
        Lookup::Answered => enter_page(
            StatusCode::GONE,
            typed,
            "This code has been answered already. If your device still waits, ask it for a new one.",
        ),
        Lookup::Unknown => enter_page(
            StatusCode::NOT_FOUND,
            typed,
            "No device waits with this code. Compare it with your device and try again.",
        ),
        Lookup::Locked => locked(typed),
    }
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    devcode: String,
}

async fn consent(State(site): State<Site>, Query(link): Query<Link>) -> Response {
    match site.shared.accounts().by_link_code(&link.devcode, clock::now()) {
        Lookup::Found(code) => consent_page(code),
        Lookup::Expired => enter_page(
            StatusCode::GONE,
            "",
            "The code in this link has expired. Ask your device for a new one and type it here.",
        ),
        Lookup::Answered => enter_page(
            StatusCode::GONE,
            "",
            "The code in this link has been answered already. If your device still waits, ask it for a new one.",
        ),
        Lookup::Unknown => enter_page(
            StatusCode::NOT_FOUND,
            "",
            "No device waits with the code in this link. Type the code that your device shows.",
        ),
        Lookup::Locked => locked(""),
    }
}

#[derive(Deserialize)]
struct DecisionForm {
    devcode: String,
    form_token: String,
    person: String,
    decision: String,
}

async fn decide(State(site): State<Site>, headers: HeaderMap, Form(form): Form<DecisionForm>) -> Response {
    let decision = match (form.decision.as_str(), form.person.as_str()) {
        ("accept", "us") => Decision::Approve,
        ("accept", "eu") => Decision::ApproveFromOtherDataCenter,
        ("reject", _) => Decision::Decline,
        _ => return foreign_form(),
    };
    let now = clock::now();
    let mut accounts = site.shared.accounts();
    let user_code = match accounts.by_link_code(&form.devcode, now) {
        Lookup::Found(code) if is_same_origin(&headers) && form.form_token == code.form_token => code.user_code.clone(),
        Lookup::Found(_) => return foreign_form(),
        Lookup::Locked => return locked(""),
        Lookup::Expired | Lookup::Answered | Lookup::Unknown => {
            let message = "This code has run out or has been answered already. Ask your device for a new one.";
            return enter_page(StatusCode::GONE, "", message);
        }
    };
    accounts.decide(&user_code, decision, now);
    let page = if decision == Decision::Decline { "rejected" } else { "accepted" };
    Redirect::to(&format!("{DEVICE}/{page}")).into_response()
}

async fn accepted() -> Response {
    message_page(
        StatusCode::OK,
        Mark::Done,
        "You’re signed in",
        &format!("{APPLICATION} goes on by itself on your device. You can close this page."),
    )
}

async fn rejected() -> Response {
    message_page(
        StatusCode::OK,
        Mark::Stopped,
        "Sign-in rejected",
        "Nothing was shared with your device. You can close this page.",
    )
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("pages/style.css")).into_response()
}

fn locked(typed: &str) -> Response {
    let message = "Too many wrong codes were tried. Wait a minute, then type yours again: nothing is lost.";
    enter_page(StatusCode::TOO_MANY_REQUESTS, typed, message)
}

fn foreign_form() -> Response {
    message_page(
        StatusCode::FORBIDDEN,
        Mark::Stopped,
        "This did not come from our page",
        "Nothing was changed. Open the address that your device shows and decide there.",
    )
}

/// Browsers send `Origin` with every POST; only a form of this very page names this server there.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn enter_page(status: StatusCode, typed: &str, problem: &str) -> Response {
    let typed: String = typed.chars().take(TYPED_LIMIT).collect();
    let problem = if problem.is_empty() {
        Markup::default()
    } else {
        fill(include_str!("pages/problem.html"), &[("problem", &Markup::text(problem))])
    };
    let content = fill(include_str!("pages/enter.html"), &[("typed", &Markup::text(&typed)), ("problem", &problem)]);
    page(status, "Connect a device", &content)
}

fn consent_page(code: &DeviceCode) -> Response {
    let content = fill(
        include_str!("pages/consent.html"),
        &[
            ("application", &Markup::text(APPLICATION)),
            ("user_code", &Markup::text(&code.user_code)),
            ("devcode", &Markup::text(&code.link_code)),
            ("form_token", &Markup::text(&code.form_token)),
            ("scopes", &scope_list(code)),
            ("us_name", &Markup::text(&Person::AMERICAN.full_name())),
            ("us_email", &Markup::text(Person::AMERICAN.email())),
            ("eu_name", &Markup::text(&Person::EUROPEAN.full_name())),
            ("eu_email", &Markup::text(Person::EUROPEAN.email())),
        ],
    );
    page(StatusCode::OK, &format!("{APPLICATION} wants to sign in"), &content)
}

fn scope_list(code: &DeviceCode) -> Markup {
    let mut items = Markup::default();
    for scope in &code.scopes {
        let template = if can_write(scope) {
            include_str!("pages/scope-that-writes.html")
        } else {
            include_str!("pages/scope.html")
        };
        items.push(&fill(template, &[("scope", &Markup::text(&scope_in_words(scope)))]));
    }
    if code.is_offline {
        let words = Markup::text("Stay signed in until you end it");
        items.push(&fill(include_str!("pages/scope.html"), &[("scope", &words)]));
    }
    items
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
    (status, Html(fill(include_str!("pages/layout.html"), &values).into_html())).into_response()
}
