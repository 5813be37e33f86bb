//! A client of which a second grant is throttled is left alone: providers count the requests of an app, too.
//!
//! What is noted in the store is shared by all who use it; it costs a look whenever a token is about to be minted, and none
//! otherwise. What cannot be noted or read changes nothing, since the provider says it again.

use std::time::Duration;

use jiff::Timestamp;

use super::pause;
use super::refreshing::Refresh;
use crate::error::Error;
use crate::providers::MintLimit;
use crate::storage::{ClientAt, Grant, Held, Record, Throttled};

/// How long a throttle answer counts where the provider names no window.
const DEFAULT_WINDOW: Duration = Duration::from_secs(10 * 60);

/// The client that counts for a grant.
pub(in crate::service) fn client_of(record: &Record, grant: &Grant) -> ClientAt {
    ClientAt { issuer: grant.issuer.clone(), client_id: record.client_id.clone() }
}

/// Until when no grant of the client is to be refreshed: when two were throttled within `window`, as the second one was told.
pub(in crate::service) fn client_pause(throttled: &[Throttled], window: Duration, now: Timestamp) -> Option<Timestamp> {
    let is_second = |second: &&Throttled| {
        throttled.iter().any(|first| {
            let apart = Duration::try_from(first.at.duration_until(second.at));
            first.profile != second.profile && apart.is_ok_and(|apart| apart < window)
        })
    };
    throttled.iter().filter(is_second).filter_map(|second| pause(Some(second.until), now)).max()
}

/// How far back throttle answers count.
pub(in crate::service) fn window(limit: Option<MintLimit>) -> Duration {
    limit.map_or(DEFAULT_WINDOW, |limit| limit.window)
}

impl Refresh {
    /// Fails while the client is to be left alone.
    pub(super) fn check_client(&self, held: &Held, now: Timestamp) -> Result<(), Error> {
        let client = client_of(&self.record, &self.grant);
        let throttled = held.throttled(&client).unwrap_or_default();
        let Some(until) = client_pause(&throttled, window(self.provider.dialect.mint_limit), now) else {
            return Ok(());
        };
        let profiles: Vec<String> = throttled.iter().map(|throttled| format!("`{}`", throttled.profile)).collect();
        let (id, profiles) = (&client.client_id, profiles.join(", "));
        Err(self.asked().throttled(Some(until)).adding(format!(
            "several sign-ins of the client `{id}` were throttled ({profiles}), so none of them is refreshed until then"
        )))
    }

    /// Tells whoever refreshes another grant of the client what the provider has answered to this one, if it was that.
    pub(super) fn note_throttle(&self, held: &mut Held, now: Timestamp) {
        let grant = self.record.grant.as_ref().unwrap_or(&self.grant);
        if let Some(until) = pause(grant.paused_until, now) {
            let noted = held.note_throttled(&client_of(&self.record, grant), now, until);
            drop(noted);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::client_pause;
    use crate::storage::Throttled;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    #[test]
    fn a_client_is_paused_by_the_second_grant_that_is_throttled_within_the_window() {
        let at = |minutes| NOW + SignedDuration::from_mins(minutes);
        for (notes, paused) in [
            (&[][..], None),
            (&[("a", -1, 9)], None),
            (&[("a", -1, 9), ("a", 0, 10)], None),
            (&[("a", -5, 5), ("b", -1, 9)], Some(9)),
            (&[("b", -1, 9), ("a", -5, 5)], Some(9)),
            (&[("a", -3, 20), ("b", -1, 9)], Some(9)),
            (&[("a", -1, 5), ("b", -1, 9)], Some(9)),
            (&[("a", -12, 9), ("b", -1, 9)], None),
            (&[("a", -12, 1), ("b", -11, 2), ("c", -1, 9)], Some(2)),
            (&[("a", -5, -2), ("b", -4, -1)], None),
            // By a clock that was ahead.
            (&[("a", 1000, 1010), ("b", 1001, 1011)], None),
        ] {
            let note = |(profile, minute, until): &(&str, i64, i64)| Throttled {
                profile: profile.parse().expect("a name"),
                at: at(*minute),
                until: at(*until),
            };
            let throttled: Vec<Throttled> = notes.iter().map(note).collect();
            let pause = client_pause(&throttled, Duration::from_secs(600), NOW);
            assert_eq!(pause, paused.map(at), "{notes:?}");
        }
    }
}
