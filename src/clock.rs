//! The only place that reads a clock.
//!
//! Protocol, screens and whatever else decides by time take it as an argument. [`Moment`] counts the time that passes,
//! suspend included, and orders polls and deadlines; the wall clock ([`wall`]) is for what is stored or shown.

mod sleep;
mod zone;

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use self::sleep::{block_until, sleep_until, within};

/// So far two readings of a wall clock may be apart although it is right.
pub const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// A point on the machine's boot clock. Unlike [`std::time::Instant`] it goes on while the machine is suspended.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment that lies `since_boot` after the machine's start. Tests begin at any they like.
    pub const fn at(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// The time from `self` to `later`, zero when `later` has passed.
    pub fn until(self, later: Moment) -> Duration {
        later.0.saturating_sub(self.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(duration))
    }
}

impl Sub<Moment> for Moment {
    type Output = Duration;

    /// Zero rather than an overflow when `earlier` is the later one.
    fn sub(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads the boot clock.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn now() -> Moment {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Moment(Duration::new(seconds, nanoseconds))
}

/// Reads the monotonic clock, which is what other systems offer without calls of their own.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "this module owns the clocks")]
pub fn now() -> Moment {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    Moment(START.get_or_init(Instant::now).elapsed())
}

/// Reads the clock by which systemd orders what it hears, which stands still while the machine is suspended.
#[cfg(unix)]
pub fn monotonic() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(unix))]
pub fn monotonic() -> Duration {
    now() - Moment::at(Duration::ZERO)
}

/// Which start of the machine this is, where the system tells it: the boot clock of another one tells nothing.
pub fn boot() -> Option<&'static str> {
    use std::sync::OnceLock;

    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    // Elsewhere there is no such file, and the clock begins with the process.
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let id = BOOT.get_or_init(|| read().map(|id| id.trim().to_owned()));
    id.as_deref().filter(|id| !id.is_empty())
}

/// The time that much later, or the last one that there is.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The time that much earlier, or the first one that there is.
pub fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// The time from `from` to `to`, zero when that is over.
pub fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(from.duration_until(to)).unwrap_or_default()
}

/// Reads the wall clock, which may say anything. What it says is kept so far from the ends of what can be written as a time
/// that nobody who adds to it or takes from it has to look out for them.
#[expect(clippy::disallowed_methods, reason = "this module owns the clocks")]
pub fn wall() -> Timestamp {
    within_reason(SystemTime::now())
}

/// The zone in which this machine's people read times: that of `TZ`, else the system's. One that is not known is UTC, and
/// called so.
pub fn zone() -> TimeZone {
    use std::sync::OnceLock;

    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(zone::of_this_machine).clone()
}

/// The year 9990. No token lives for ten years, and no pause lasts so long.
const LATEST: Timestamp = Timestamp::constant(253_086_768_000, 0);

fn within_reason(time: SystemTime) -> Timestamp {
    let is_early = time < SystemTime::UNIX_EPOCH;
    let readable = Timestamp::try_from(time).unwrap_or(if is_early { Timestamp::MIN } else { Timestamp::MAX });
    readable.clamp(Timestamp::UNIX_EPOCH, LATEST)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use jiff::Timestamp;

    use super::{LATEST, within_reason};

    #[test]
    fn a_clock_that_says_anything_gives_a_time_with_which_one_can_reckon() {
        let seconds = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(LATEST.to_string(), "9990-01-01T00:00:00Z");
        for (said, taken) in [
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), Timestamp::UNIX_EPOCH),
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40), Timestamp::UNIX_EPOCH),
            (seconds(1_800_000_000), Timestamp::constant(1_800_000_000, 0)),
            (seconds(253_402_207_201), LATEST),
            (seconds(1 << 50), LATEST),
        ] {
            assert_eq!(within_reason(said), taken);
        }
    }
}
