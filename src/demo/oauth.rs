//! The endpoints of the accounts servers: device flow, exchange of codes, refresh, revocation, account, list of data centers.
//!
//! Thin: each handler reads parameters, asks the accounts and words the answer as Zoho does, mistakes with HTTP 200 included.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::StatusCode;
use hyper::header;
use serde_json::{Value, json};

use super::accounts::{CodeExchange, Credentials, DeviceRequest, Refusal, TokenKind, Tokens};
use super::exchange::{Request, Response, Route, json, of_type, text};
use super::parameters::Parameters;
use super::server::{Denial, Site};
use crate::clock;

pub(super) fn route(path: &str) -> Option<Route> {
    Some(match path {
        "/oauth/v3/device/code" => Route::Post(device_code),
        "/oauth/v3/device/token" => Route::Post(device_token),
        "/oauth/v2/token" => Route::Post(token),
        "/oauth/v2/token/revoke" => Route::Post(revoke),
        "/oauth/v2/revoke/token" => Route::Post(revoke_as_client),
        "/oauth/serverinfo" => Route::Get(server_info),
        "/oauth/user/info" => Route::Get(user_info),
        _ => return None,
    })
}

/// "Initiation request". Times are in milliseconds here, and nowhere else.
fn device_code(site: &Site, Request { parameters, .. }: &Request) -> Response {
    if parameters.value("grant_type") != "device_request" {
        return wrong_grant_type(parameters);
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
        Err(refusal) => return refusal_answer(refusal),
    };
    let page = &site.shared.addresses.approval_page;
    json(
        StatusCode::OK,
        &json!({
            "user_code": code.user_code,
            "device_code": code.device_code,
            "interval": u64::try_from(interval).unwrap_or(u64::MAX),
            "expires_in": u64::try_from(lifetime).unwrap_or(u64::MAX),
            "verification_uri_complete": format!("{page}/setCode?devcode={}", code.link_code),
            "verification_url": page,
        }),
    )
}

/// "Polling request".
fn device_token(site: &Site, Request { parameters, .. }: &Request) -> Response {
    if parameters.value("grant_type") != "device_token" {
        return wrong_grant_type(parameters);
    }
    let code = parameters.value("code");
    let answer = site.shared.accounts().poll(site.data_center, credentials(parameters), code, clock::now());
    answer.map_or_else(refusal_answer, |tokens| token_answer(site, &tokens, parameters.value("client_id")))
}

/// "Get access token" and "Refresh access token".
fn token(site: &Site, Request { parameters, .. }: &Request) -> Response {
    let (client, now) = (credentials(parameters), clock::now());
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
            return json(StatusCode::OK, &answer);
        }
        _ => return wrong_grant_type(parameters),
    };
    answer.map_or_else(refusal_answer, |tokens| token_answer(site, &tokens, parameters.value("client_id")))
}

/// The older form of revocation: whoever has the token may end it.
fn revoke(site: &Site, Request { parameters, .. }: &Request) -> Response {
    let is_revoked = site.shared.accounts().revoke(site.data_center, parameters.value("token"), None, clock::now());
    revocation_answer(is_revoked)
}

/// The newer form of revocation: the client authenticates and names the kind of token.
fn revoke_as_client(site: &Site, Request { headers, parameters, .. }: &Request) -> Response {
    let kind = match parameters.value("token_type") {
        "refresh_token" | "" => TokenKind::Refresh,
        "access_token" => TokenKind::Access,
        _ => return revocation_answer(false),
    };
    let mut accounts = site.shared.accounts();
    let is_client =
        headers.contains_key(header::AUTHORIZATION) && accounts.authenticate(credentials(parameters)).is_ok();
    let is_revoked =
        is_client && accounts.revoke(site.data_center, parameters.value("token"), Some(kind), clock::now());
    revocation_answer(is_revoked)
}

fn revocation_answer(is_revoked: bool) -> Response {
    if is_revoked {
        json(StatusCode::OK, &json!({ "status": "success" }))
    } else {
        json(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_code" }))
    }
}

fn server_info(site: &Site, _: &Request) -> Response {
    let data_centers = &site.shared.addresses.data_centers;
    json(
        StatusCode::OK,
        &json!({
            "result": "success",
            "locations": { "us": data_centers.us.accounts_server, "eu": data_centers.eu.accounts_server },
        }),
    )
}

fn user_info(site: &Site, request: &Request) -> Response {
    match site.authorize(&request.headers, &["AaaServer.profile.READ"]) {
        Ok(person) => json(
            StatusCode::OK,
            &json!({
                "First_Name": person.first_name(),
                "Last_Name": person.last_name(),
                "Display_Name": person.full_name(),
                "Email": person.email(),
                "ZUID": person.zuid(),
            }),
        ),
        Err(denial) => {
            let cause = match denial {
                Denial::NoToken | Denial::InvalidToken => "INVALID_OAUTHTOKEN",
                Denial::MissingScope => "INVALID_OAUTHSCOPE",
            };
            json(StatusCode::UNAUTHORIZED, &json!({ "response": "error", "cause": cause }))
        }
    }
}

fn credentials(parameters: &Parameters) -> Credentials<'_> {
    Credentials { id: parameters.value("client_id"), secret: parameters.value("client_secret") }
}

/// A missing `grant_type` is a bad request; a wrong one Zoho takes for a wrong client.
fn wrong_grant_type(parameters: &Parameters) -> Response {
    if parameters.value("grant_type").is_empty() {
        return text(StatusCode::BAD_REQUEST, "400 Bad Request\n");
    }
    refusal_answer(Refusal::InvalidClient)
}

fn token_answer(site: &Site, tokens: &Tokens, client_id: &str) -> Response {
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
    if tokens.scopes.iter().any(|scope| scope == "openid") {
        answer["id_token"] = json!(id_token(site, tokens, client_id));
    }
    json(StatusCode::OK, &answer)
}

/// Who approved (OpenID Connect Core 1.0 §2), unsigned (RFC 7519 §6): whoever takes it has it from this server itself.
fn id_token(site: &Site, tokens: &Tokens, client_id: &str) -> String {
    let (person, now) = (tokens.person, clock::wall());
    let claims = json!({
        "iss": site.addresses().accounts_server,
        "aud": client_id,
        "sub": person.zuid(),
        "iat": now.as_second(),
        "exp": clock::later(now, tokens.lifetime).as_second(),
        "name": person.full_name(),
        "email": person.email(),
        "email_verified": true,
    });
    let part = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims))
}

/// The throttle's answer, to the letter.
const THROTTLED: &str = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;

fn refusal_answer(refusal: Refusal) -> Response {
    let word = match refusal {
        Refusal::AuthorizationPending => "authorization_pending",
        Refusal::SlowDown => "slow_down",
        Refusal::OtherDataCenter(data_center) => {
            return json(StatusCode::OK, &json!({ "user_location": data_center.code(), "error": "other_dc" }));
        }
        Refusal::AccessDenied => "access_denied",
        Refusal::Expired => "expired",
        Refusal::InvalidClient => "invalid_client",
        Refusal::InvalidClientSecret => "invalid_client_secret",
        Refusal::InvalidCode => "invalid_code",
        Refusal::InvalidRedirectUri => "invalid_redirect_uri",
        Refusal::InvalidScope => "invalid_scope",
        Refusal::TooManyRequests => {
            return of_type("application/json", StatusCode::BAD_REQUEST, THROTTLED);
        }
    };
    json(StatusCode::OK, &json!({ "error": word }))
}
