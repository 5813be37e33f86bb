//! Times and counts as words, the same for the command line and the screens.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time that has passed: `0:12`, `4:32`, `1:02:03`. Parts of a second are left out.
pub fn minutes_and_seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// "5 minutes", "90 seconds", "2 hours", to the nearest of its unit.
pub fn duration(duration: Duration) -> String {
    let unit = match duration.as_secs() {
        0..120 => 1,
        120..7140 => 60,
        7140..171_000 => 3600,
        _ => 86_400,
    };
    let seconds = duration.as_secs().saturating_add(unit / 2) / unit * unit;
    let (count, unit) = match seconds {
        0..120 if seconds != 60 => (seconds, "second"),
        60..7200 if seconds != 3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    counted(count, unit)
}

/// A time to wait, which is not told too short: `45 s`, `12 min`, `1 h 27 min`.
pub fn wait(time: Duration) -> String {
    let (seconds, minutes) = (time.as_secs(), time.as_secs().div_ceil(60));
    match (minutes / 60, minutes % 60) {
        _ if seconds < 120 => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// "1 page", "12 pages", "30,000 pages".
pub fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{} {unit}s", grouped(count)) }
}

/// A number with a comma before each three digits: `30,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |at: usize| (at > 0 && (digits.len() - at).is_multiple_of(3)).then_some(',');
    digits.char_indices().flat_map(|(at, digit)| comma(at).into_iter().chain([digit])).collect()
}

/// A number of bytes: `312 B`, `1.8 kB`, `10.5 MB`, `2.1 GB`.
pub fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1000 => return format!("{bytes} B"),
        1000..1_000_000 => (1000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

/// A place in a row: `1st`, `2nd`, `11th`.
pub fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// "14:08 CET"; of another day than it is now, "2026-11-29 14:08 CET".
pub fn hour_and_minute(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    local(time, zone, if is_same_day(time, now, zone) { "%H:%M" } else { DATE_AND_MINUTE })
}

/// "14:08:05 CET"; of another day than it is now, "2026-11-29 14:08 CET".
pub fn time_of_day(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    local(time, zone, if is_same_day(time, now, zone) { "%H:%M:%S" } else { DATE_AND_MINUTE })
}

const DATE_AND_MINUTE: &str = "%Y-%m-%d %H:%M";

/// "2026-11-29 14:08:05 CET".
pub fn date_and_time(time: Timestamp, zone: &TimeZone) -> String {
    local(time, zone, "%Y-%m-%d %H:%M:%S")
}

/// Whether both are on one day there.
fn is_same_day(one: Timestamp, other: Timestamp, zone: &TimeZone) -> bool {
    let day = |time: Timestamp| zone.to_datetime(time).date();
    day(one) == day(other)
}

/// A time with the name of the zone then; a zone that has none goes by its distance from UTC: "UTC+03:30".
fn local(time: Timestamp, zone: &TimeZone, form: &str) -> String {
    let local = time.to_zoned(zone.clone());
    let is_named = zone.to_offset_info(time).abbreviation().starts_with(|first: char| first.is_ascii_alphabetic());
    let name = if is_named { local.strftime("%Z") } else { local.strftime("UTC%:z") };
    format!("{} {name}", local.strftime(form))
}

/// Names of profiles: `a`, `a, b`, or `200 profiles (a, b, c, ...)`.
pub fn some_of(names: &[&str]) -> String {
    match names {
        [] | [_] | [_, _] => names.join(", "),
        [first, second, third, rest @ ..] => {
            let more = if rest.is_empty() { "" } else { ", ..." };
            format!("{} profiles ({first}, {second}, {third}{more})", names.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, Timestamp};

    use super::{date_and_time, duration, hour_and_minute, minutes_and_seconds, ordinal, time_of_day, wait};

    #[test]
    fn times_are_minutes_and_seconds_and_hours_from_one_hour_on() {
        let at = |seconds| minutes_and_seconds(Duration::from_secs(seconds));
        assert_eq!([at(0), at(12), at(272), at(3599)], ["0:00", "0:12", "4:32", "59:59"]);
        assert_eq!([at(3600), at(3723), at(360_000)], ["1:00:00", "1:02:03", "100:00:00"]);
        assert!(!minutes_and_seconds(Duration::MAX).is_empty());
    }

    #[test]
    fn times_read_as_words() {
        let words = |seconds| duration(Duration::from_secs(seconds));
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (300, "5 minutes"),
            (3600, "1 hour"),
            (7200, "2 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(words(seconds), expected);
        }
        assert!(duration(Duration::MAX).ends_with(" days"));
    }

    #[test]
    fn a_wait_is_told_in_two_units_and_never_too_short() {
        for (seconds, told) in [
            (0, "0 s"),
            (30, "30 s"),
            (119, "119 s"),
            (120, "2 min"),
            (121, "3 min"),
            (3541, "1 h"),
            (5179, "1 h 27 min"),
            (7200, "2 h"),
            (90_061, "25 h 2 min"),
        ] {
            assert_eq!(wait(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn times_are_those_of_a_zone_and_have_its_name_then() {
        let zone = |rule: &str| TimeZone::posix(rule).expect(rule);
        let berlin = zone("CET-1CEST,M3.5.0,M10.5.0/3");
        for (time, zone, said) in [
            ("2026-11-29T13:08:05Z", &TimeZone::UTC, "2026-11-29 13:08:05 UTC"),
            ("2026-11-29T13:08:05Z", &berlin, "2026-11-29 14:08:05 CET"),
            ("2026-07-01T13:08:05Z", &berlin, "2026-07-01 15:08:05 CEST"),
            // The hour that comes twice, and the one that never comes.
            ("2026-10-25T00:30:00Z", &berlin, "2026-10-25 02:30:00 CEST"),
            ("2026-10-25T01:30:00Z", &berlin, "2026-10-25 02:30:00 CET"),
            ("2026-03-29T00:59:59Z", &berlin, "2026-03-29 01:59:59 CET"),
            ("2026-03-29T01:00:00Z", &berlin, "2026-03-29 03:00:00 CEST"),
            ("2026-11-29T23:08:05Z", &zone("IST-5:30"), "2026-11-30 04:38:05 IST"),
            ("2026-11-29T13:08:05Z", &zone("<+0330>-3:30"), "2026-11-29 16:38:05 UTC+03:30"),
            ("2026-11-29T13:08:05Z", &zone("<-03>3"), "2026-11-29 10:08:05 UTC-03:00"),
            ("2026-11-29T13:08:05Z", &TimeZone::fixed(jiff::tz::offset(2)), "2026-11-29 15:08:05 UTC+02:00"),
        ] {
            let time: Timestamp = time.parse().expect(time);
            assert_eq!(date_and_time(time, zone), said);
            assert_eq!(time_of_day(time, time, zone), said[11..]);
            let without_seconds = format!("{}{}", &said[..16], &said[19..]);
            assert_eq!(hour_and_minute(time, time, zone), without_seconds[11..]);
            let (day_before, year_after) =
                (time - SignedDuration::from_hours(24), time + SignedDuration::from_hours(365 * 24));
            for now in [day_before, year_after] {
                assert_eq!(
                    (time_of_day(time, now, zone), hour_and_minute(time, now, zone)),
                    (without_seconds.clone(), without_seconds.clone())
                );
            }
        }
        let [evening, night] = ["2026-11-29T22:59:00Z", "2026-11-29T23:01:00Z"].map(|time| time.parse().expect(time));
        assert_eq!(hour_and_minute(night, evening, &TimeZone::UTC), "23:01 UTC");
        assert_eq!(hour_and_minute(night, evening, &berlin), "2026-11-30 00:01 CET");
    }

    #[test]
    fn places_have_their_endings() {
        assert_eq!([1, 2, 3, 4, 11, 22].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
    }
}
