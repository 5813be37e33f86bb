//! What is said of each event: a sentence without its end, and what to do where somebody has to.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clients::ClientNews;
use super::event::{Event, Happening, Health};
use super::look::Look;
use super::schedule::Now;
use crate::clock::later;
use crate::error::{Advice, Code, Error};
use crate::profile::ProfileName;
use crate::service::{PendingCode, State};
use crate::storage::Lost;
use crate::words::{counted, time_of_day};

/// Of a profile. `error` is what just happened to it, or what its record has.
pub(super) fn of_profile(
    happening: Happening,
    profile: &ProfileName,
    look: Option<&Look>,
    error: Option<&Error>,
    now: Timestamp,
) -> Event {
    let state = look.map_or(State::Unknown, |look| look.reading.state);
    let error = error.or(look.and_then(|look| look.trouble.as_ref()));
    let sign_in = || vec![Advice::SignIn(profile.clone())];
    let (message, advice) = match happening {
        Happening::Refreshed => {
            (format!("profile `{profile}` has a new access token{}", lasting(look, now)), Vec::new())
        }
        Happening::Recovered => (format!("profile `{profile}` is well again"), Vec::new()),
        Happening::SignedOut => (format!("profile `{profile}` was signed out"), sign_in()),
        Happening::Removed => (format!("profile `{profile}` is not configured any more"), Vec::new()),
        Happening::Expiring => {
            (format!("the access token of profile `{profile}` ends soon, and nothing can refresh it"), sign_in())
        }
        Happening::Watching => match state {
            State::SignedOut => (format!("profile `{profile}` is not signed in"), sign_in()),
            State::NeedsLogin => (format!("profile `{profile}` needs a sign-in"), sign_in()),
            _ if look.is_some_and(|look| look.reading.due.is_none()) => {
                (format!("profile `{profile}` has an access token that nothing can refresh"), Vec::new())
            }
            _ => (format!("profile `{profile}` is kept fresh"), Vec::new()),
        },
        Happening::NeedsLogin if error.is_none() => {
            (format!("the access token of profile `{profile}` has ended, and nothing can refresh it"), sign_in())
        }
        _ => match error {
            Some(error) => (error.to_string(), error.what_helps()),
            None => (format!("profile `{profile}` has to wait"), Vec::new()),
        },
    };
    Event { happening, profile: Some(profile.clone()), state: Some(state), at: now, message, advice }
}

/// Of a profile that had a grant and has no record now. A sign-out leaves a record.
pub(super) fn vanished(profile: &ProfileName, lost: Lost) -> Error {
    Error::new(Code::Store, format!("profile `{profile}` cannot be refreshed"))
        .because(lost)
        .advise(lost.advice(profile))
}

/// Of a sign-in that is pending. Its code is for whoever reads the log.
pub(super) fn of_sign_in(profile: &ProfileName, pending: &PendingCode, now: Timestamp, zone: &TimeZone) -> Event {
    let PendingCode { user_code, verification_uri, expires_at, .. } = pending;
    let until = time_of_day(*expires_at, now, zone);
    let message = format!(
        "goes along with the sign-in of profile `{profile}` that is pending until {until}: code {user_code} at {verification_uri}"
    );
    let happening = Happening::SigningIn;
    Event { happening, profile: Some(profile.clone()), state: None, at: now, message, advice: Vec::new() }
}

/// Of the agent itself.
pub(super) fn of_agent(happening: Happening, message: impl Into<String>, now: Timestamp) -> Event {
    Event { happening, profile: None, state: None, at: now, message: message.into(), advice: Vec::new() }
}

/// That something about the configuration or the store failed.
pub(super) fn of_failure(happening: Happening, error: &Error, now: Timestamp) -> Event {
    Event { advice: error.what_helps(), ..of_agent(happening, error.to_string(), now) }
}

/// Of a client.
pub(super) fn of_client(news: &ClientNews, now: Now, zone: &TimeZone) -> Event {
    match news {
        ClientNews::Crowded { client, due, allowed } => {
            let message = format!(
                "{due} tokens an hour are due for the client `{}` at {}, and {allowed} are taken to be good for one client: \
                 its refreshes are spread, and some come after the end of a token",
                client.client_id, client.issuer
            );
            let advice = vec!["register further clients and share the profiles out among them".into()];
            Event { advice, ..of_agent(Happening::Spread, message, now.wall) }
        }
        ClientNews::Paused { client, until } => {
            let message = format!(
                "two sign-ins of the client `{}` at {} were throttled, so all of its refreshes wait until {}",
                client.client_id,
                client.issuer,
                time_of_day(later(now.wall, now.moment.until(*until)), now.wall, zone)
            );
            of_agent(Happening::Spread, message, now.wall)
        }
    }
}

/// What is looked after, when all was read.
pub(super) fn summary(health: &Health) -> String {
    let Health { profiles, failing, needs_login, signed_out, .. } = *health;
    if profiles == 0 {
        return "there is no profile yet, and the agent waits for one".to_owned();
    }
    let parts = [(failing, "failing"), (needs_login, "in need of a sign-in"), (signed_out, "signed out")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    let noun = if profiles == 1 { "profile" } else { "profiles" };
    format!("{profiles} {noun}{}", parts.collect::<String>())
}

/// How long a token still lasts, as the end of a sentence.
fn lasting(look: Option<&Look>, now: Timestamp) -> String {
    let end = look.and_then(|look| look.reading.ends);
    let left = end.and_then(|end| Duration::try_from(now.duration_until(end)).ok());
    left.map_or(String::new(), |left| match left.as_secs() {
        seconds @ 0..120 => format!(", good for {}", counted(seconds, "second")),
        seconds => format!(", good for {}", counted(seconds / 60, "minute")),
    })
}
