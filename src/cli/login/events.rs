//! The sign-in as JSON lines, one for each event, each flushed at once.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;

use super::super::context::Context;
use super::super::status::StoreJson;
use super::super::words;
use super::{Mode, PENDING};
use crate::clock;
use crate::config::Profile;
use crate::error::Error;
use crate::service::{IssuedCode, Presence, Service, SignIn, SignInEvent, SignedIn, WebSignIn};
use crate::storage::Account;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    CodeIssued(CodeJson<'a>),
    CodeRenewed(CodeJson<'a>),
    /// `login --web` only.
    BrowserNeeded {
        profile: &'a str,
        authorization_uri: &'a str,
        /// How the address begins that is to come back on stdin.
        redirect_uri: &'a str,
        /// A browser on this machine needs nobody to carry the address.
        listening: bool,
    },
    Pending,
    SlowedDown {
        /// Seconds.
        interval: u64,
    },
    Relocated {
        data_center: &'a str,
    },
    Retrying {
        /// A steady word.
        reason: &'static str,
        /// The same as a sentence.
        message: String,
        /// Seconds.
        wait: u64,
    },
    SignedIn {
        profile: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<&'a Account>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data_center: Option<&'a str>,
        scopes: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        api_domain: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        access_token_expires_at: Option<String>,
        /// What was asked for and not granted.
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        missing_scopes: &'a [String],
        refreshable: bool,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        warnings: Vec<String>,
        store: StoreJson,
    },
}

#[derive(Serialize)]
struct CodeJson<'a> {
    profile: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<&'a str>,
    expires_at: String,
    expires_in: u64,
    interval: u64,
}

/// An event with the version of its shape.
#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    #[serde(flatten)]
    event: Event<'a>,
}

pub(super) async fn sign_in(
    context: &Context,
    service: &Service,
    profile: &Profile,
    options: SignIn,
    presence: &Presence,
) -> Result<u8, Error> {
    let (sender, mut unwritten) = mpsc::unbounded_channel();
    let report = |event: SignInEvent| {
        let printed = self::event(&event, profile).map_or(Ok(()), |event| print(context, event));
        if let Err(error) = printed {
            // The receiver lives as long as the sign-in, and ends it.
            let _ = sender.send(error);
        }
    };
    // Nobody would see the code: what is approved at the last moment is kept all the same.
    let signed_in = tokio::select! {
        signed_in = service.sign_in(profile, options, report, presence) => signed_in?,
        Some(error) = unwritten.recv() => return Err(error),
    };
    match signed_in {
        Some(signed_in) => {
            super::tell_signed_in(context, &signed_in, Mode::Events);
            Ok(0)
        }
        // A code that was asked for and told to nobody is no success of its kind.
        None => unwritten.try_recv().map_or(Ok(PENDING), Err),
    }
}

pub(super) fn tell_signed_in(context: &Context, signed_in: &SignedIn) -> Result<(), Error> {
    print(context, signed_in_event(signed_in))
}

/// Tells which address a person has to open in a browser.
pub(super) fn tell_authorization_uri(
    context: &Context,
    signing_in: &WebSignIn,
    profile: &Profile,
) -> Result<(), Error> {
    print(
        context,
        Event::BrowserNeeded {
            profile: profile.name.as_str(),
            authorization_uri: signing_in.uri().as_str(),
            redirect_uri: signing_in.redirect_uri().as_str(),
            listening: signing_in.is_listening(),
        },
    )
}

fn print(context: &Context, event: Event<'_>) -> Result<(), Error> {
    context.output.json_line(&Line { schema_version: 1, event })
}

fn event<'a>(event: &'a SignInEvent, profile: &'a Profile) -> Option<Event<'a>> {
    Some(match event {
        SignInEvent::Asking { .. }
        | SignInEvent::Following { .. }
        | SignInEvent::Resting { .. }
        | SignInEvent::Hastened { .. }
        | SignInEvent::Approved => return None,
        SignInEvent::CodeIssued { code, .. } | SignInEvent::CodeTakenUp { code, .. } => {
            Event::CodeIssued(code_json(code, profile))
        }
        SignInEvent::CodeRenewed { code, .. } | SignInEvent::CodeReplaced { code, .. } => {
            Event::CodeRenewed(code_json(code, profile))
        }
        SignInEvent::Pending { .. } => Event::Pending,
        SignInEvent::SlowedDown { interval, .. } => Event::SlowedDown { interval: interval.as_secs() },
        SignInEvent::Relocated { data_center, .. } => Event::Relocated { data_center },
        SignInEvent::HeldBack { error, next_poll_at } => {
            let wait = whole_seconds(*next_poll_at - clock::now());
            Event::Retrying { reason: error.code.word(), message: error.to_string(), wait }
        }
        SignInEvent::Retrying { trouble, reason, next_poll_at, .. } => {
            // Nobody is asked before then.
            let wait = whole_seconds(*next_poll_at - clock::now());
            Event::Retrying { reason: trouble.word(), message: reason.clone(), wait }
        }
    })
}

/// Rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn code_json<'a>(code: &'a IssuedCode, profile: &'a Profile) -> CodeJson<'a> {
    CodeJson {
        profile: profile.name.as_str(),
        user_code: &code.user_code,
        verification_uri: code.verification_uri.as_str(),
        verification_uri_complete: code.verification_uri_complete.as_ref().map(url::Url::as_str),
        expires_at: words::rfc3339(code.expires_at_time),
        expires_in: whole_seconds(code.expires_at - clock::now()),
        interval: code.interval.as_secs(),
    }
}

fn signed_in_event(signed_in: &SignedIn) -> Event<'_> {
    Event::SignedIn {
        profile: signed_in.profile.as_str(),
        account: signed_in.account.as_ref(),
        data_center: signed_in.data_center.as_deref(),
        scopes: &signed_in.scopes,
        api_domain: signed_in.api_domain.as_deref(),
        access_token_expires_at: signed_in.access_token_expires_at.map(words::rfc3339),
        missing_scopes: &signed_in.missing_scopes,
        refreshable: signed_in.refreshable,
        warnings: signed_in
            .warnings
            .iter()
            .chain(&signed_in.left_out)
            .cloned()
            .chain(signed_in.replaced.clone())
            .collect(),
        store: StoreJson::of(signed_in.protection.as_ref()),
    }
}
