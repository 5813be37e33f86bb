//! Times and counts as words, the same for the command line and the screens.

use std::time::Duration;

use jiff::Timestamp;

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

/// "1 page", "12 pages".
pub fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
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

/// A time of today, in UTC.
pub(crate) fn utc_time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration, minutes_and_seconds, ordinal};

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
    fn places_have_their_endings() {
        assert_eq!([1, 2, 3, 4, 11, 22].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
    }
}
