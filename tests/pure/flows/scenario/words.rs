//! Events and outcomes as one line each, as scenario files write them. Times are seconds from the beginning.

use std::time::Duration;

use device_login::clock::Moment;
use device_login::oauth::device::{self, DeviceEvent, Failure};
use device_login::oauth::token;
use device_login::oauth::wire::{TokenAnswer, Unreadable};

use super::START;

/// `pending; next poll at 10` and the like.
pub(crate) fn device_event(event: &DeviceEvent) -> String {
    match event {
        DeviceEvent::CodeIssued { code, expires_at, next_poll_at } => {
            let complete = code.verification_uri_complete.as_ref().map_or("none", |url| url.as_str());
            let (user_code, page) = (&code.user_code, &code.verification_uri);
            let (expires, next) = (at(*expires_at), at(*next_poll_at));
            format!("code {user_code} at {page}; complete {complete}; expires at {expires}; next poll at {next}")
        }
        DeviceEvent::Pending { next_poll_at } => format!("pending; next poll at {}", at(*next_poll_at)),
        DeviceEvent::SlowedDown { interval, next_poll_at } => {
            format!("slowed down to {}; next poll at {}", seconds(*interval), at(*next_poll_at))
        }
        DeviceEvent::Relocated { data_center, next_poll_at } => {
            format!("relocated to {data_center}; next poll at {}", at(*next_poll_at))
        }
        DeviceEvent::Resting { next_poll_at } => format!("resting; next poll at {}", at(*next_poll_at)),
        DeviceEvent::Hastened { next_poll_at } => format!("hastened; next poll at {}", at(*next_poll_at)),
        DeviceEvent::Retrying { trouble, reason, attempt, next_poll_at } => {
            format!("retrying {attempt}: {trouble}, {reason}; next poll at {}", at(*next_poll_at))
        }
    }
}

/// `authorized at us; …`, `denied`, `expired` or `failed: …`.
pub(crate) fn device_outcome(outcome: &device::Outcome) -> String {
    match outcome {
        device::Outcome::Authorized { token, data_center, .. } => {
            let place = if data_center.is_empty() { String::new() } else { format!(" at {data_center}") };
            format!("authorized{place}; {}", token_answer(token))
        }
        device::Outcome::Denied(error) => match &error.description {
            Some(description) => format!("denied: {description}"),
            None => "denied".to_owned(),
        },
        device::Outcome::Expired => "expired".to_owned(),
        device::Outcome::Failed(failure) => format!("failed: {}", device_failure(failure)),
    }
}

fn device_failure(failure: &Failure) -> String {
    match failure {
        Failure::Transport(failure) => failure.to_string(),
        Failure::Server { error, data_center } if data_center.is_empty() => error.to_string(),
        Failure::Server { error, data_center } => format!("{error} at {data_center}"),
        Failure::Unreadable(Unreadable::Rejected(rejected) | Unreadable::RefreshTokenAlone { rejected, .. }) => {
            rejected.to_string()
        }
        Failure::Unreadable(answer) => unreadable(answer),
        Failure::NoDeviceSignIn => "no device sign-in".to_owned(),
        Failure::UnknownDataCenter(location) => format!("unknown data center {location}"),
    }
}

/// `minted; …`, `refused: …`, `error: …`, `throttled`, `server_error 503`, `rejected: …` or `transport: …`.
pub(crate) fn refresh_outcome(outcome: &token::Outcome) -> String {
    match outcome {
        Ok(token::Minted { token, .. }) => format!("minted; {}", token_answer(token)),
        Err(token::NoToken::Refused(error)) => format!("refused: {error}"),
        Err(token::NoToken::Error(error)) => format!("error: {error}"),
        Err(token::NoToken::Unreadable(answer)) => unreadable(answer),
        Err(token::NoToken::Transport(failure)) => format!("transport: {failure}"),
    }
}

fn unreadable(answer: &Unreadable) -> String {
    match answer {
        Unreadable::Throttled(None) => "throttled".to_owned(),
        Unreadable::Throttled(Some(pause)) => format!("throttled for {}", seconds(*pause)),
        Unreadable::Garbled { status, trouble } => format!("{trouble} {status}"),
        Unreadable::Moved { status, to } => format!("moved {status} to {to}"),
        Unreadable::Rejected(rejected) => format!("rejected: {rejected}"),
        Unreadable::RefreshTokenAlone { rejected, .. } => format!("a refresh token alone: {rejected}"),
    }
}

fn token_answer(token: &TokenAnswer) -> String {
    let access = token.access_token.expose();
    let refresh = token.refresh_token.as_ref().map_or("none", |token| token.expose());
    let scopes = token.scopes.as_ref().map_or_else(|| "as asked".to_owned(), |scopes| scopes.join(" "));
    let api = token.api_domain.as_ref().map_or("none", |url| url.as_str());
    let life = token.expires_in.map_or_else(|| "an unsaid time".to_owned(), seconds);
    format!("access {access}; refresh {refresh}; for {life}; scopes {scopes}; api {api}")
}

fn at(moment: Moment) -> String {
    seconds(moment - START)
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}
