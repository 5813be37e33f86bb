//! What happened to a profile: a short list that lies in its record, sealed as the rest of it.
//!
//! It is for people who wonder why a profile is as it is. Nothing
//! decides by it but which of two copies of the record has the later sign-in, and no secret is ever in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// No record keeps more; the oldest go.
const MOST_EVENTS: usize = 20;
/// Bytes of a detail at most: a reason that a server sent may be long.
const LONGEST_DETAIL: usize = 160;

/// Something that happened, or the same thing several times in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When it happened last, in whole seconds.
    pub at: Timestamp,
    pub what: Happened,
    /// The reason of a refusal, the account of a sign-in, where it was relocated to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The command that did it; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// How often it happened in a row, beyond the first time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u32,
    /// When it happened first, if that was more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What can happen to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    SignedIn,
    /// The account lives in another data center than the client.
    Relocated,
    Refreshed,
    /// There was no new token, for a reason that may pass.
    RefreshFailed,
    /// The provider will never refresh the grant again.
    RefreshRefused,
    /// The provider named the account behind the token.
    Verified,
    SignedOut,
    Revoked,
    /// The provider was told to revoke and did not.
    NotRevoked,
    /// Its refresh token was handed to other programs.
    Exported,
}

/// Adds an event to a history. One that repeats the last one joins it, so that what happens every hour does not drive
/// out what happened once.
pub(super) fn note(events: &mut Vec<Event>, what: Happened, detail: &str, by: &str, now: Timestamp) {
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let detail = cut(detail);
    if let Some(last) = events.last_mut()
        && (last.what, last.detail.as_str(), last.by.as_str()) == (what, detail, by)
    {
        last.since = last.since.or(Some(last.at));
        last.at = at;
        last.repeated = last.repeated.saturating_add(1);
        return;
    }
    events.push(Event { at, what, detail: detail.to_owned(), by: by.to_owned(), repeated: 0, since: None });
    let excess = events.len().saturating_sub(MOST_EVENTS);
    events.drain(..excess);
}

/// Says whose the last sign-in was, unless that is said already.
pub(super) fn note_account(events: &mut [Event], account: &str) {
    let last = events.iter_mut().rev().find(|event| event.what == Happened::SignedIn);
    if let Some(sign_in) = last.filter(|event| event.detail.is_empty()) {
        cut(account).clone_into(&mut sign_in.detail);
    }
}

fn cut(detail: &str) -> &str {
    let end = (0..=detail.len().min(LONGEST_DETAIL)).rev().find(|end| detail.is_char_boundary(*end));
    &detail[..end.unwrap_or(0)]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde names the signature")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Event, Happened, LONGEST_DETAIL, MOST_EVENTS, note, note_account};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn what_repeats_joins_and_what_differs_does_not() {
        let mut events = Vec::new();
        note(&mut events, Happened::SignedIn, "", "login", at(0));
        for hour in 1..=3 {
            note(&mut events, Happened::Refreshed, "", "agent", at(hour * 3600));
        }
        note(&mut events, Happened::Refreshed, "", "token", at(4 * 3600));
        let told: Vec<_> = events.iter().map(|event| (event.at, event.repeated, event.since)).collect();
        assert_eq!(told, [(at(0), 0, None), (at(3 * 3600), 2, Some(at(3600))), (at(4 * 3600), 0, None)]);
    }

    #[test]
    fn a_sign_in_is_given_its_account_when_that_is_known() {
        let mut events = Vec::new();
        note(&mut events, Happened::SignedIn, "", "login", at(0));
        note(&mut events, Happened::Relocated, "US to EU", "login", at(0));
        note_account(&mut events, "dana@example.com");
        note_account(&mut events, "somebody else");
        assert_eq!(
            events.iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(),
            ["dana@example.com", "US to EU"]
        );
    }

    #[test]
    fn a_history_stays_short_whatever_happens() {
        let mut events = Vec::new();
        for number in 0..100 {
            let what = if number % 2 == 0 { Happened::Refreshed } else { Happened::RefreshFailed };
            note(&mut events, what, &"é".repeat(500), "agent", at(number));
        }
        assert_eq!((events.len(), events.last().map(|event| event.at)), (MOST_EVENTS, Some(at(99))));
        assert!(events.iter().all(|event| event.detail.len() <= LONGEST_DETAIL && !event.detail.is_empty()));
        assert!(serde_json::to_string(&events).expect("JSON").len() < 6000);
    }

    #[test]
    fn an_event_is_little_json_and_reads_back() {
        let mut events = Vec::new();
        note(&mut events, Happened::Refreshed, "", "token", at(0) + SignedDuration::from_millis(250));
        let text = serde_json::to_string(&events).expect("JSON");
        assert_eq!(text, r#"[{"at":"1970-01-01T00:00:00Z","what":"refreshed","by":"token"}]"#);
        assert_eq!(serde_json::from_str::<Vec<Event>>(&text).expect("events"), events);
    }
}
