//! The status as JSON.

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::Seen;
use crate::cli::words;
use crate::service::ProfileStatus;
use crate::storage::{Account, Protection};

#[derive(Serialize)]
pub(super) struct StatusJson<'a> {
    schema_version: u32,
    profiles: Vec<ProfileJson<'a>>,
}

#[derive(Serialize)]
struct ProfileJson<'a> {
    name: &'a str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_center: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a Account>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    scopes: &'a [String],
    /// Those of the profile that were not granted.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing_scopes: &'a [String],
    refreshable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_refresh_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The sign-in that waits for an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<PendingJson<'a>>,
    /// What the provider said, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<VerifiedJson>,
    store: StoreJson,
}

#[derive(Serialize)]
struct BudgetJson {
    used: usize,
    limit: usize,
    window_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    resets_at: Option<String>,
}

/// A code that waits for an approval.
#[derive(Serialize)]
pub(in crate::cli) struct PendingJson<'a> {
    user_code: &'a str,
    verification_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<&'a str>,
    expires_at: String,
    expires_in: u64,
}

impl<'a> PendingJson<'a> {
    pub(in crate::cli) fn of(status: &'a ProfileStatus, now: Timestamp) -> Option<Self> {
        status.waiting_code(now).map(|pending| Self {
            user_code: &pending.user_code,
            verification_uri: pending.verification_uri.as_str(),
            verification_uri_complete: pending.verification_uri_complete.as_ref().map(Url::as_str),
            expires_at: words::rfc3339(pending.expires_at),
            expires_in: words::seconds_until(pending.expires_at, now),
        })
    }
}

#[derive(Serialize)]
struct VerifiedJson {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Where records are and what guards them.
#[derive(Serialize)]
pub(in crate::cli) struct StoreJson {
    kind: &'static str,
    protection: &'static str,
    /// L0 to L3; see `docs/security.md`.
    grade: &'static str,
}

impl StoreJson {
    pub(in crate::cli) fn of(protection: Option<&Protection>) -> Self {
        protection.map_or(Self { kind: "unknown", protection: "unknown", grade: "unknown" }, |protection| Self {
            kind: protection.kind.word(),
            protection: protection.key.word(),
            grade: protection.grade().word(),
        })
    }
}

pub(super) fn of(seen: &[Seen], now: Timestamp) -> StatusJson<'_> {
    StatusJson { schema_version: 1, profiles: seen.iter().map(|seen| profile(seen, now)).collect() }
}

fn profile(Seen { status, verified, waits_until, .. }: &Seen, now: Timestamp) -> ProfileJson<'_> {
    let refresh_error = || status.last_refresh.as_ref()?.error.clone();
    let problem = status.problem.as_ref().map(ToString::to_string);
    ProfileJson {
        name: status.name.as_str(),
        provider: &status.provider,
        data_center: status.data_center.as_deref(),
        account: status.account.as_ref(),
        state: status.state.word(),
        api_domain: status.api_domain.as_deref(),
        access_token_expires_at: status.access_token_expires_at.map(words::rfc3339),
        expires_in: status.access_token_expires_at.map(|time| words::seconds_until(time, now)),
        scopes: &status.scopes,
        missing_scopes: &status.missing_scopes,
        refreshable: status.refreshable,
        budget: status.budget.as_ref().map(|budget| BudgetJson {
            used: budget.used(now),
            limit: budget.limit,
            window_seconds: budget.window.as_secs(),
            resets_at: status.resets_at(now).map(words::rfc3339),
        }),
        refresh_not_before: waits_until.map(words::rfc3339),
        last_refresh_at: status.last_refresh.as_ref().map(|last| words::rfc3339(last.at)),
        last_error: problem.or_else(|| status.over.clone()).or_else(refresh_error),
        warnings: status
            .warnings
            .iter()
            .cloned()
            .chain(status.protection.as_deref().and_then(Protection::warning))
            .collect(),
        pending: PendingJson::of(status, now),
        verified: verified.as_ref().map(|verified| VerifiedJson {
            result: verified.word(),
            reason: verified.problem().map(ToString::to_string),
        }),
        store: StoreJson::of(status.protection.as_deref()),
    }
}
