//! When a screen that nobody attends asks for its next code. Owns no time and asks nobody.
//!
//! A code that ran out is followed by a new one, up to a bound; trouble is waited out for ever, slower and slower. A fleet
//! that lost its network together does not come back together: each waits a little longer than it has to.

use std::time::Duration;

use crate::clock::Moment;
use crate::error::Code;
use crate::oauth::device::backoff;

/// How many new codes follow the first one before a screen asks whether anybody is there: with 5 minutes each, an hour.
pub const UNATTENDED_RENEWALS: u32 = 11;
/// The same where somebody sits before it: with 5 minutes each, half an hour.
pub const ATTENDED_RENEWALS: u32 = 6;
/// How long nothing is asked for when nobody used any code.
pub const IDLE_TIME: Duration = Duration::from_secs(30 * 60);
/// The wait after a refusal that only a person can mend, and where the provider asks for fewer requests.
const REFUSED_TIME: Duration = Duration::from_secs(10 * 60);
/// How long it is said that somebody decided against a code, before the next one.
const DECLINED_TIME: Duration = Duration::from_secs(10);

/// The count of codes and failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    allowed: u32,
    left: u32,
    /// Since the last code.
    failures: u32,
}

/// Why there is no code, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    pub reason: RestReason,
    /// The next code is asked for then.
    pub until: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestReason {
    /// The code ran out.
    RanOut,
    /// Somebody declined, or approved who may not.
    Declined,
    /// As many codes as are allowed ran out one after the other.
    Idle,
    /// No code could be had, which may pass by itself. `failures` counts since the last code.
    Trouble { failures: u32 },
    /// No code could be had, and somebody has to mend that.
    Refused,
}

impl Renewal {
    /// Allows `renewals` new codes after the first one.
    pub fn new(renewals: u32) -> Self {
        Self { allowed: renewals, left: renewals, failures: 0 }
    }

    /// A code came.
    pub fn issued(&mut self) {
        self.failures = 0;
    }

    /// Somebody is there, so all codes are allowed again.
    pub fn attended(&mut self) {
        self.left = self.allowed;
    }

    /// A sign-in ended without a grant at `now`.
    pub fn rest(&mut self, code: Code, now: Moment) -> Rest {
        match code {
            Code::CodeExpired => self.used(RestReason::RanOut, Duration::ZERO, now),
            Code::Denied | Code::WrongAccount => self.used(RestReason::Declined, DECLINED_TIME, now),
            Code::RateLimited => Rest { until: later(now, REFUSED_TIME), ..self.trouble(now) },
            code if code.is_retryable() => self.trouble(now),
            _ => Rest { reason: RestReason::Refused, until: later(now, REFUSED_TIME) },
        }
    }

    /// One code more ended without an approval.
    fn used(&mut self, reason: RestReason, pause: Duration, now: Moment) -> Rest {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Rest { reason, until: now + pause }
            }
            // One more after the time; whoever stands there may get more.
            None => Rest { reason: RestReason::Idle, until: now + IDLE_TIME },
        }
    }

    fn trouble(&mut self, now: Moment) -> Rest {
        let wait = backoff(self.failures);
        self.failures = self.failures.saturating_add(1);
        Rest { reason: RestReason::Trouble { failures: self.failures }, until: later(now, wait) }
    }
}

/// `wait` from `now`, and up to a quarter more. The nanoseconds at which a failure came are as good as dice.
fn later(now: Moment, wait: Duration) -> Moment {
    let dice = (now - Moment::default()).subsec_nanos();
    now + wait + wait / 4 * (dice / 1_000_000) / 1_000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{IDLE_TIME, Renewal, Rest, RestReason};
    use crate::clock::Moment;
    use crate::error::Code;

    const NOW: Moment = Moment::at(Duration::from_secs(1000));

    fn seconds(rest: Rest) -> u64 {
        (rest.until - NOW).as_secs()
    }

    #[test]
    fn as_many_codes_as_allowed_run_out_before_it_rests() {
        let mut renewal = Renewal::new(2);
        let reasons = [(); 4].map(|()| renewal.rest(Code::CodeExpired, NOW).reason);
        assert_eq!(reasons, [RestReason::RanOut, RestReason::RanOut, RestReason::Idle, RestReason::Idle]);
        assert_eq!(renewal.rest(Code::CodeExpired, NOW).until, NOW + IDLE_TIME);
        renewal.attended();
        let reasons = [(); 3].map(|()| renewal.rest(Code::CodeExpired, NOW).reason);
        assert_eq!(reasons, [RestReason::RanOut, RestReason::RanOut, RestReason::Idle]);
    }

    #[test]
    fn a_code_that_ran_out_is_followed_at_once_and_a_declined_one_after_a_moment() {
        let mut renewal = Renewal::new(9);
        assert_eq!(seconds(renewal.rest(Code::CodeExpired, NOW)), 0);
        for code in [Code::Denied, Code::WrongAccount] {
            let rest = renewal.rest(code, NOW);
            assert_eq!((rest.reason, seconds(rest)), (RestReason::Declined, 10), "{code:?}");
        }
    }

    #[test]
    fn trouble_is_waited_out_for_ever_and_slower_until_a_code_comes() {
        let mut renewal = Renewal::new(0);
        let mut waits = |code| [(); 6].map(|()| seconds(renewal.rest(code, NOW)));
        assert_eq!(waits(Code::Network), [5, 10, 20, 40, 60, 60]);
        assert_eq!(waits(Code::Provider), [60; 6]);
        assert_eq!(waits(Code::StoreLocked), [60; 6]);
        renewal.failures = u32::MAX;
        assert_eq!(renewal.rest(Code::Network, NOW).reason, RestReason::Trouble { failures: u32::MAX });
        renewal.issued();
        assert_eq!(seconds(renewal.rest(Code::Network, NOW)), 5);
    }

    #[test]
    fn what_a_person_has_to_mend_is_tried_seldom() {
        for code in [Code::InvalidClient, Code::Config, Code::Store, Code::UntrustedAnswer, Code::InvalidScope] {
            let rest = Renewal::new(0).rest(code, NOW);
            assert_eq!((rest.reason, seconds(rest)), (RestReason::Refused, 600), "{code:?}");
        }
        let rest = Renewal::new(0).rest(Code::RateLimited, NOW);
        assert_eq!((rest.reason, seconds(rest)), (RestReason::Trouble { failures: 1 }, 600));
    }

    #[test]
    fn each_waits_up_to_a_quarter_longer_by_the_moment_of_its_failure() {
        let wait = |nanoseconds| {
            let now = Moment::at(Duration::new(1000, nanoseconds));
            Renewal::new(0).rest(Code::Network, now).until - now
        };
        assert_eq!(wait(0), Duration::from_secs(5));
        assert_eq!(wait(500_000_000), Duration::from_millis(5625));
        assert!(wait(999_999_999) < Duration::from_millis(6250));
    }
}
