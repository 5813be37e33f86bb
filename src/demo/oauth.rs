//! The endpoints of the accounts servers: device flow, exchange of codes, refresh, revocation, account, list of data centers.
//!
//! Thin: each handler reads parameters, asks the accounts and words the answer as Zoho does, mistakes with HTTP 200 included.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::accounts::{CodeExchange, Credentials, DeviceRequest, Refusal, TokenKind, Tokens};
use super::parameters::Parameters;
use super::server::{Denial, Site};
use crate::clock;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/oauth/v3/device/code", post(device_code))
        .route("/oauth/v3/device/token", post(device_token))
        .route("/oauth/v2/token", post(token))
        .route("/oauth/v2/token/revoke", post(revoke))
        .route("/oauth/v2/revoke/token", post(revoke_as_client))
        .route("/oauth/serverinfo", get(server_info))
        .route("/oauth/user/info", get(user_info))
}

/// "Initiation request". Times are in milliseconds here, and nowhere else.
async fn device_code(State(site): State<Site>, parameters: Parameters) -> Response {
    if parameters.value("grant_type") != "device_request" {
        return wrong_grant_type(&parameters);
    }
    let request = DeviceRequest {
        client_id: parameters.value("client_id"),
        scope: parameters.value("scope"),
        is_offline: parameters.value("access_type") == "offline",
        asks_again: parameters.value("prompt") == "consent",
    };
    let mut accounts = site.shared.accounts();
    let (interval, lifetime) = (accounts.interval.as_millis(), accounts.code_lifetime.as_millis());
    let code = match accounts.authorize_device(site.data_center, &request, clock::now()) {
        Ok(code) => code,
        Err(refusal) => return refusal.into_response(),
    };
    let page = &site.shared.addresses.approval_page;
    Json(json!({
        "user_code": code.user_code,
        "device_code": code.device_code,
        "interval": u64::try_from(interval).unwrap_or(u64::MAX),
        "expires_in": u64::try_from(lifetime).unwrap_or(u64::MAX),
        "verification_uri_complete": format!("{page}/setCode?devcode={}", code.link_code),
        "verification_url": page,
    }))
    .into_response()
}

/// "Polling request".
async fn device_token(State(site): State<Site>, parameters: Parameters) -> Response {
    if parameters.value("grant_type") != "device_token" {
        return wrong_grant_type(&parameters);
    }
    let code = parameters.value("code");
    let answer = site.shared.accounts().poll(site.data_center, credentials(&parameters), code, clock::now());
    answer.map_or_else(IntoResponse::into_response, |tokens| token_answer(&site, &tokens))
}

/// "Get access token" and "Refresh access token".
async fn token(State(site): State<Site>, parameters: Parameters) -> Response {
    let (client, now) = (credentials(&parameters), clock::now());
    let answer = match parameters.value("grant_type") {
        "authorization_code" => {
            let exchange = CodeExchange {
                code: parameters.value("code"),
                redirect_uri: parameters.value("redirect_uri"),
                verifier: parameters.value("code_verifier"),
            };
            site.shared.accounts().redeem(site.data_center, client, exchange, now)
        }
        "refresh_token" => {
            let refresh_token = parameters.value("refresh_token");
            site.shared.accounts().refresh(site.data_center, client, refresh_token, now)
        }
        "client_credentials" => {
            let description = "the demo server gives nothing to clients without a person";
            let answer = json!({ "error": "unsupported_grant_type", "error_description": description });
            return Json(answer).into_response();
        }
        _ => return wrong_grant_type(&parameters),
    };
    answer.map_or_else(IntoResponse::into_response, |tokens| token_answer(&site, &tokens))
}

/// The older form of revocation: whoever has the token may end it.
async fn revoke(State(site): State<Site>, parameters: Parameters) -> Response {
    let is_revoked = site.shared.accounts().revoke(site.data_center, parameters.value("token"), None, clock::now());
    revocation_answer(is_revoked)
}

/// The newer form of revocation: the client authenticates and names the kind of token.
async fn revoke_as_client(State(site): State<Site>, headers: HeaderMap, parameters: Parameters) -> Response {
    let kind = match parameters.value("token_type") {
        "refresh_token" | "" => TokenKind::Refresh,
        "access_token" => TokenKind::Access,
        _ => return revocation_answer(false),
    };
    let mut accounts = site.shared.accounts();
    let is_client =
        headers.contains_key(header::AUTHORIZATION) && accounts.authenticate(credentials(&parameters)).is_ok();
    let is_revoked =
        is_client && accounts.revoke(site.data_center, parameters.value("token"), Some(kind), clock::now());
    revocation_answer(is_revoked)
}

fn revocation_answer(is_revoked: bool) -> Response {
    if is_revoked {
        Json(json!({ "status": "success" })).into_response()
    } else {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_code" }))).into_response()
    }
}

async fn server_info(State(site): State<Site>) -> Response {
    let data_centers = &site.shared.addresses.data_centers;
    Json(json!({
        "result": "success",
        "locations": { "us": data_centers.us.accounts_server, "eu": data_centers.eu.accounts_server },
    }))
    .into_response()
}

async fn user_info(State(site): State<Site>, headers: HeaderMap) -> Response {
    match site.authorize(&headers, &["AaaServer.profile.READ"]) {
        Ok(person) => Json(json!({
            "First_Name": person.first_name(),
            "Last_Name": person.last_name(),
            "Display_Name": person.full_name(),
            "Email": person.email(),
            "ZUID": person.zuid(),
        }))
        .into_response(),
        Err(denial) => {
            let cause = match denial {
                Denial::NoToken | Denial::InvalidToken => "INVALID_OAUTHTOKEN",
                Denial::MissingScope => "INVALID_OAUTHSCOPE",
            };
            (StatusCode::UNAUTHORIZED, Json(json!({ "response": "error", "cause": cause }))).into_response()
        }
    }
}

fn credentials(parameters: &Parameters) -> Credentials<'_> {
    Credentials { id: parameters.value("client_id"), secret: parameters.value("client_secret") }
}

/// A missing `grant_type` is a bad request; a wrong one Zoho takes for a wrong client.
fn wrong_grant_type(parameters: &Parameters) -> Response {
    if parameters.value("grant_type").is_empty() {
        return (StatusCode::BAD_REQUEST, "400 Bad Request\n").into_response();
    }
    Refusal::InvalidClient.into_response()
}

fn token_answer(site: &Site, tokens: &Tokens) -> Response {
    let mut answer = json!({
        "access_token": tokens.access_token,
        "api_domain": site.addresses().api_domain,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime.as_secs(),
        "scope": tokens.scopes.join(" "),
    });
    if let Some(refresh_token) = &tokens.refresh_token {
        answer["refresh_token"] = json!(refresh_token);
    }
    Json(answer).into_response()
}

/// The throttle's answer, to the letter.
const THROTTLED: &str = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let word = match self {
            Refusal::AuthorizationPending => "authorization_pending",
            Refusal::SlowDown => "slow_down",
            Refusal::OtherDataCenter(data_center) => {
                return Json(json!({ "user_location": data_center.code(), "error": "other_dc" })).into_response();
            }
            Refusal::AccessDenied => "access_denied",
            Refusal::Expired => "expired",
            Refusal::InvalidClient => "invalid_client",
            Refusal::InvalidClientSecret => "invalid_client_secret",
            Refusal::InvalidCode => "invalid_code",
            Refusal::InvalidRedirectUri => "invalid_redirect_uri",
            Refusal::InvalidScope => "invalid_scope",
            Refusal::TooManyRequests => {
                return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], THROTTLED)
                    .into_response();
            }
        };
        Json(json!({ "error": word })).into_response()
    }
}
