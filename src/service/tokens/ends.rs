//! What is known of an access token's end, when the times that were noted are held against the present clock.
//!
//! A clock that was ahead when a token was minted noted an end that never was one. It is told by the minting, which then
//! lies in the future, and nothing that was noted with it is believed. While the machine runs on its boot clock tells how far the
//! other one was set since, and all that was noted moves by that.

use std::time::Duration;

use jiff::Timestamp;

use super::DEFAULT_TOKEN_LIFE;
pub(in crate::service) use crate::clock::SLACK as CLOCK_SLACK;
use crate::clock::{later, until};
use crate::oauth::wire::IdToken;
use crate::storage::Grant;

/// What a token that tells its begin has left at least by this clock where the clock is believed: one that is ahead by nearly
/// the token's life would have it refreshed again and again.
const LEAST_BELIEVED: Duration = Duration::from_secs(60);

/// What is known of an access token's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Ends {
    At(Timestamp),
    /// The clock was ahead when it was noted.
    Unknown,
    /// The provider named none.
    NotSaid,
}

impl Ends {
    /// What is known at `now` of the end of the grant's access token.
    pub(in crate::service) fn of(grant: &Grant, now: Timestamp) -> Self {
        match stated_end(grant) {
            None => Ends::NotSaid,
            Some(_) if is_ahead(minted_now(grant), now) => Ends::Unknown,
            Some(end) => Ends::At(end),
        }
    }

    /// The end, where one is known.
    pub(in crate::service) fn time(self) -> Option<Timestamp> {
        match self {
            Ends::At(end) => Some(end),
            Ends::Unknown | Ends::NotSaid => None,
        }
    }
}

/// When the grant's access token was minted, as the wall clock stands now.
pub(in crate::service) fn minted_now(grant: &Grant) -> Timestamp {
    moved(grant.minted_at(), grant)
}

/// A time that was noted at the minting, as the wall clock stands now.
fn moved(noted: Timestamp, grant: &Grant) -> Timestamp {
    noted.checked_add(grant.clock_set).unwrap_or(noted)
}

/// Tells whether a time that was noted when something happened cannot be right, since it has yet to come.
pub fn is_ahead(noted: Timestamp, now: Timestamp) -> bool {
    now.duration_until(noted) > CLOCK_SLACK
}

/// How long the token still lasts for all that is known; `None` where nobody knows.
pub(in crate::service) fn left(grant: &Grant, now: Timestamp) -> Option<Duration> {
    let end = match Ends::of(grant, now) {
        Ends::At(end) => end,
        Ends::NotSaid if grant.refresh_token.is_none() => return Some(Duration::MAX),
        // A new one can be had, so this one is taken to live as long as most do.
        Ends::NotSaid if !is_ahead(minted_now(grant), now) => moved(assumed_end(grant), grant),
        Ends::Unknown | Ends::NotSaid => return None,
    };
    Some(until(now, end))
}

/// How long the token lasts in all.
pub(in crate::service) fn whole_life(grant: &Grant) -> Duration {
    until(grant.minted_at(), grant.access_token_expires_at.unwrap_or_else(|| assumed_end(grant)))
}

/// The end that the provider named, as the wall clock stands now.
pub(in crate::service) fn stated_end(grant: &Grant) -> Option<Timestamp> {
    grant.access_token_expires_at.map(|end| moved(end, grant))
}

fn assumed_end(grant: &Grant) -> Timestamp {
    let claimed = claimed_life(grant).unwrap_or(DEFAULT_TOKEN_LIFE);
    later(grant.minted_at(), claimed.min(DEFAULT_TOKEN_LIFE))
}

/// How long the access token lives by its own words, where it is a JWT (RFC 7519 §4.1.4): what RFC 6749 §5.1 calls other means.
/// It is the API's to read, so that it only has a new token be made earlier.
fn claimed_life(grant: &Grant) -> Option<Duration> {
    // WorkOS ("AuthKit", sessions) says it nowhere else; Keycloak's `expires_in` may be negative (keycloak#8965).
    let (end, whole_life) = IdToken::parse(grant.access_token.expose())?.end()?;
    let here = until(grant.minted_at(), end);
    match whole_life {
        // A clock here that is ahead leaves little of it or nothing; then its own begin tells how long it lives.
        Some(whole_life) if here < LEAST_BELIEVED => Some(whole_life),
        Some(whole_life) => Some(here.min(whole_life)),
        None => Some(here).filter(|life| !life.is_zero()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use super::{Ends, left};
    use crate::clock::Moment;
    use crate::oauth::wire::LONGEST_TOKEN_LIFE;
    use crate::secret::Secret;
    use crate::storage::{Booted, Clocks, Grant};

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    /// A grant that was approved and minted that many minutes from now, and whose token lives for an hour.
    fn grant(minutes: i64, mints: &[i64]) -> Grant {
        let at = |minutes| NOW + SignedDuration::from_mins(minutes);
        let minted_at = at(*mints.last().unwrap_or(&minutes));
        Grant {
            refresh_token: Some(Secret::new("refresh")),
            mints: mints.iter().copied().map(at).collect(),
            ..Grant::new("", Vec::new(), Secret::new("access"), at(minutes), minted_at + SignedDuration::from_hours(1))
        }
    }

    #[test]
    fn an_end_is_known_unless_its_minting_has_yet_to_come() {
        const YEARS: i64 = 4 * 366 * 24 * 60;
        for (approved, mints, known) in [
            (-30, &[][..], true),
            (5, &[], true),
            (6, &[], false),
            (YEARS, &[], false),
            (-YEARS, &[], true),
            (-YEARS, &[-30], true),
            (-30, &[-20, 30 * 24 * 60], false),
            // Whatever the clock was at the sign-in, the last minting decides.
            (YEARS, &[-1], true),
        ] {
            let grant = grant(approved, mints);
            let expected = if known { Ends::At(grant.access_token_expires_at.expect("an end")) } else { Ends::Unknown };
            assert_eq!(Ends::of(&grant, NOW), expected, "{approved} {mints:?}");
            assert_eq!(left(&grant, NOW).is_some(), known, "{approved} {mints:?}");
        }
    }

    #[test]
    fn the_boot_clock_tells_how_far_the_wall_clock_was_set() {
        const HOUR: i64 = 60;
        const YEARS: i64 = 4 * 366 * 24 * HOUR;
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        for (case, noted, boot, since, expected) in [
            ("right, half an hour ago", -30, "a", 30, Some(30)),
            ("right, and ended", -61, "a", 61, Some(0)),
            ("behind by an hour", -HOUR, "a", 0, Some(60)),
            ("behind by two hours, half an hour ago", -HOUR * 5 / 2, "a", 30, Some(30)),
            ("behind by years", -YEARS, "a", 1, Some(59)),
            ("ahead by years", YEARS, "a", 30, Some(30)),
            ("ahead, and ended since", HOUR, "a", 61, Some(0)),
            ("a little behind", -4, "a", 0, Some(56)),
            ("another start, and right", -30, "b", 1, Some(30)),
            ("another start, and behind", -HOUR, "b", 0, Some(0)),
            ("another start, and ahead", YEARS, "b", 0, None),
        ] {
            for refresh_token in [None, Some(Secret::new("refresh"))] {
                let minted = Booted { id: "a".to_owned(), at: minutes(1000) };
                let mut grant = Grant { refresh_token, minted: Some(minted), ..grant(noted, &[]) };
                let clocks = || Clocks { moment: Moment::at(minutes(1000 + since)), boot: Some(boot), wall: NOW };
                grant.notice_set_clock(NOW, clocks);
                assert_eq!(left(&grant, NOW), expected.map(minutes), "{case}");
                let end = expected.map(|left| NOW + SignedDuration::from_mins(left.into()));
                if expected != Some(0) {
                    assert_eq!(Ends::of(&grant, NOW).time(), end, "{case}");
                }
            }
        }
    }

    #[test]
    fn an_end_that_nobody_named_is_none() {
        let unsaid = Grant { access_token_expires_at: None, ..grant(-30, &[]) };
        assert_eq!((Ends::of(&unsaid, NOW), left(&unsaid, NOW)), (Ends::NotSaid, Some(Duration::from_secs(30 * 60))));
        let for_good = Grant { refresh_token: None, ..unsaid.clone() };
        assert_eq!((Ends::of(&for_good, NOW), left(&for_good, NOW)), (Ends::NotSaid, Some(Duration::MAX)));
    }

    #[test]
    fn a_token_that_says_its_own_end_is_taken_for_no_longer() {
        let minted = NOW.as_second() - 30 * 60;
        for (claims, left_of_it) in [
            (json!({"iat": minted, "exp": minted + 35 * 60}), 5),
            (json!({"iat": minted, "exp": minted + 300}), 0),
            (json!({"exp": minted + 35 * 60}), 5),
            (json!({"iat": minted + 86_400, "exp": minted + 86_400 + 35 * 60}), 5),
            // This clock was ahead by an hour, or the token was there before.
            (json!({"iat": minted - 3600, "exp": minted - 3600 + 35 * 60}), 5),
            (json!({"iat": minted - 300, "exp": minted + 35 * 60}), 5),
            // By nearly all that it lives, and by a little less.
            (json!({"iat": minted - 35 * 60 + 59, "exp": minted + 59}), 5),
            (json!({"iat": minted - 35 * 60 + 60, "exp": minted + 60}), 0),
            // As Keycloak gives them where `expires_in` is negative.
            (json!({"iat": minted, "exp": minted - 1}), 0),
            (json!({"exp": minted - 1}), 30),
            // Never longer than without it.
            (json!({"iat": minted, "exp": minted + 86_400}), 30),
            (json!({"iat": minted, "exp": 1e300}), 30),
            (json!({"exp": "soon"}), 30),
            (json!({}), 30),
        ] {
            let token = format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
            let access_token = Secret::new(&token);
            let unsaid = Grant { access_token_expires_at: None, access_token, ..grant(-30, &[]) };
            assert_eq!(left(&unsaid, NOW), Some(Duration::from_secs(left_of_it * 60)), "{claims}");
            assert_eq!(Ends::of(&unsaid, NOW), Ends::NotSaid, "nobody promised it");
            // What the provider promises counts, and what cannot be refreshed has no other end.
            assert_eq!(left(&Grant { refresh_token: None, ..unsaid.clone() }, NOW), Some(Duration::MAX));
            let said = Grant { access_token: unsaid.access_token, ..grant(-30, &[]) };
            assert_eq!(left(&said, NOW), Some(Duration::from_secs(30 * 60)));
        }
    }

    #[test]
    fn the_longest_life_that_a_token_can_have_has_an_end() {
        let end = NOW + LONGEST_TOKEN_LIFE;
        for refresh_token in [None, Some(Secret::new("refresh"))] {
            let grant = Grant { refresh_token, access_token_expires_at: Some(end), ..grant(0, &[]) };
            assert_eq!((Ends::of(&grant, NOW), left(&grant, NOW)), (Ends::At(end), Some(LONGEST_TOKEN_LIFE)));
        }
    }

    #[test]
    fn no_clock_is_too_odd() {
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, NOW, Timestamp::MAX] {
            for noted in [Timestamp::MIN, NOW, Timestamp::MAX] {
                for end in [None, Some(Timestamp::MIN), Some(Timestamp::MAX)] {
                    let grant = Grant { approved_at: noted, access_token_expires_at: end, ..grant(0, &[]) };
                    let _ = (Ends::of(&grant, now), left(&grant, now), super::whole_life(&grant));
                }
            }
        }
    }
}
