//! The device page: a person types or scans a code, sees what is asked for, and accepts or rejects.
//!
//! Decisions carry the code's own form token.

use hyper::StatusCode;

use super::template::{Markup, fill};
use super::{
    APPLICATION, DEVICE, Mark, consent_page, decision, foreign_form, is_same_origin, message_page, page, problem,
};
use crate::clock;
use crate::demo::Decision;
use crate::demo::accounts::{DeviceCode, Lookup};
use crate::demo::exchange::{Request, Response, Route, redirect};
use crate::demo::server::Site;

/// So much of a wrong code is shown again.
const TYPED_LIMIT: usize = 40;

pub(super) fn route(path: &str) -> Option<Route> {
    Some(match path {
        "/" => Route::Get(|_, _| redirect(DEVICE)),
        DEVICE => Route::GetAndPost(enter, submit_code),
        "/oauth/v3/device/setCode" => Route::Get(consent),
        "/oauth/v3/device/decision" => Route::Post(decide),
        "/oauth/v3/device/accepted" => Route::Get(accepted),
        "/oauth/v3/device/rejected" => Route::Get(rejected),
        _ => return None,
    })
}

fn enter(_: &Site, _: &Request) -> Response {
    enter_page(StatusCode::OK, "", "")
}

fn submit_code(site: &Site, Request { headers, parameters, .. }: &Request) -> Response {
    if !is_same_origin(headers) {
        return foreign_form();
    }
    let typed = parameters.value("user_code").trim();
    if typed.is_empty() {
        return enter_page(StatusCode::BAD_REQUEST, "", "Type the code that your device shows.");
    }
    match site.shared.accounts().by_user_code(typed, clock::now()) {
        Lookup::Found(code) => redirect(&format!("{DEVICE}/setCode?devcode={}", code.link_code)),
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

fn consent(site: &Site, Request { parameters, .. }: &Request) -> Response {
    match site.shared.accounts().by_link_code(parameters.value("devcode"), clock::now()) {
        Lookup::Found(code) => device_consent_page(code),
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

fn decide(site: &Site, Request { headers, parameters, .. }: &Request) -> Response {
    let decision = decision(parameters.value("decision"), parameters.value("person"));
    let Some(decision) = decision else { return foreign_form() };
    let now = clock::now();
    let mut accounts = site.shared.accounts();
    let user_code = match accounts.by_link_code(parameters.value("devcode"), now) {
        Lookup::Found(code) if is_same_origin(headers) && parameters.value("form_token") == code.form_token => {
            code.user_code.clone()
        }
        Lookup::Found(_) => return foreign_form(),
        Lookup::Locked => return locked(""),
        Lookup::Expired | Lookup::Answered | Lookup::Unknown => {
            let message = "This code has run out or has been answered already. Ask your device for a new one.";
            return enter_page(StatusCode::GONE, "", message);
        }
    };
    accounts.decide(&user_code, decision, now);
    let page = if decision == Decision::Decline { "rejected" } else { "accepted" };
    redirect(&format!("{DEVICE}/{page}"))
}

fn accepted(_: &Site, _: &Request) -> Response {
    message_page(
        StatusCode::OK,
        Mark::Done,
        "You’re signed in",
        &format!("{APPLICATION} goes on by itself on your device. You can close this page."),
    )
}

fn rejected(_: &Site, _: &Request) -> Response {
    message_page(
        StatusCode::OK,
        Mark::Stopped,
        "Sign-in rejected",
        "Nothing was shared with your device. You can close this page.",
    )
}

fn locked(typed: &str) -> Response {
    let message = "Too many wrong codes were tried. Wait a minute, then type yours again: nothing is lost.";
    enter_page(StatusCode::TOO_MANY_REQUESTS, typed, message)
}

fn enter_page(status: StatusCode, typed: &str, message: &str) -> Response {
    let typed: String = typed.chars().take(TYPED_LIMIT).collect();
    let values = [("typed", &Markup::text(&typed)), ("problem", &problem(message))];
    let content = fill(include_str!("enter.html"), &values);
    page(status, "Connect a device", &content)
}

fn device_consent_page(code: &DeviceCode) -> Response {
    let compare = fill(include_str!("compare.html"), &[("user_code", &Markup::text(&code.user_code))]);
    let devcode = fill(include_str!("devcode.html"), &[("devcode", &Markup::text(&code.link_code))]);
    let action = format!("{DEVICE}/decision");
    consent_page(&code.access, &compare, &action, &devcode, &code.form_token)
}
