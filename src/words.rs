//! Times and counts as words, the same for the command line and the screens.

use std::time::Duration;

use jiff::Timestamp;

/// A time that has passed: `0:12`, `4:32`, `1:02:03`. Parts of a second are left out.
pub fn minutes_and_seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
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

/// How many letters have to be added, left out or changed to make one word of the other; one if it is part of the other.
pub fn distance(wanted: &str, known: &str) -> usize {
    if wanted.len() >= 3 && (known.starts_with(wanted) || known.ends_with(wanted)) {
        return 1;
    }
    // Beyond the longest name, the answer is no anyway.
    if wanted.len() > 40 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (line, letter) in wanted.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in known.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[known.len()]
}

/// The words that are nearest to one that nobody has, if any is near.
fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    // Most of a short word is not its neighbour.
    let most = if wanted.len() < 4 { 1 } else { 2 };
    let far = |word: &&'a str| (distance(&wanted, &word.to_lowercase()), *word);
    let mut near: Vec<_> = known.into_iter().map(|word| far(&word)).filter(|(far, _)| *far <= most).collect();
    near.sort_unstable();
    let least = near.first().map(|(far, _)| *far);
    near.into_iter().filter(|(far, _)| Some(*far) == least).map(|(_, word)| word).take(3).collect()
}

/// "did you mean `a` or `b`?"; `None` where nothing is near.
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<String> = near(wanted, known).into_iter().map(|word| format!("`{word}`")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// A time of today, in UTC.
pub(crate) fn utc_time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{did_you_mean, minutes_and_seconds, ordinal};

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let known = ["github", "gitlab", "google", "zoho", "us", "uk"];
        for (wanted, expected) in [
            ("GitHub", Some("did you mean `github`?")),
            ("githbu", Some("did you mean `github`?")),
            ("zhoo", Some("did you mean `zoho`?")),
            ("uss", Some("did you mean `us`?")),
            ("nothing", None),
        ] {
            assert_eq!(did_you_mean(wanted, known).as_deref(), expected, "{wanted}");
        }
    }

    #[test]
    fn times_are_minutes_and_seconds_and_hours_from_one_hour_on() {
        let at = |seconds| minutes_and_seconds(Duration::from_secs(seconds));
        assert_eq!([at(0), at(12), at(272), at(3599)], ["0:00", "0:12", "4:32", "59:59"]);
        assert_eq!([at(3600), at(3723), at(360_000)], ["1:00:00", "1:02:03", "100:00:00"]);
        assert!(!minutes_and_seconds(Duration::MAX).is_empty());
    }

    #[test]
    fn places_have_their_endings() {
        assert_eq!([1, 2, 3, 4, 11, 22].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
    }
}
