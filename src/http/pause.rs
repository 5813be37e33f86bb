//! For how long an answer asks to stay away.

use std::time::Duration;

use super::{Response, date};

/// The longest that a server is taken to mean.
const LONGEST_PAUSE: Duration = Duration::from_secs(366 * 24 * 3600);

/// The longest that any `Retry-After` is obeyed.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Whether the status asks for fewer requests. 503 may name a time as well (RFC 9110 §15.6.4), and GitHub does so with 403.
pub(crate) fn is_throttle_status(response: &Response) -> bool {
    response.status == 429 || (matches!(response.status, 403 | 503) && retry_after(response).is_some())
}

/// For how long to stay away, as far as that is obeyed.
pub(crate) fn obeyed_pause(response: &Response) -> Option<Duration> {
    retry_after(response).map(|pause| pause.min(LONGEST_RETRY_AFTER))
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); without one, when the limit begins anew that is used up, which
/// GitHub and others say in `x-ratelimit-reset`. A time counts from the answer's own `Date`, which no wrong clock on this machine
/// bends; where a server leaves that out, from when it came.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let until = |second: i64| {
        let now = response.date().or_else(|| response.received())?.as_second();
        Some(Duration::from_secs(u64::try_from(second.saturating_sub(now)).unwrap_or_default()))
    };
    let asked = response.header("retry-after").and_then(|value| {
        // Where a proxy adds its own, the first one is the server's.
        let first = value.split(',').next().unwrap_or_default();
        seconds(first).or_else(|| until(date::parse(value)?.as_second()))
    });
    let limit_begins = || {
        response.header("x-ratelimit-remaining").filter(|left| left.trim() == "0")?;
        let reset = seconds(response.header("x-ratelimit-reset")?)?;
        // Some servers give a length of time there; none is that long.
        if reset > LONGEST_PAUSE { until(i64::try_from(reset.as_secs()).ok()?) } else { Some(reset) }
    };
    asked.or_else(limit_begins).map(|pause| pause.min(LONGEST_PAUSE))
}

/// A count of seconds, also one with a fraction or of more digits than anything holds.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = text.starts_with(|first: char| first.is_ascii_digit());
    let seconds: f64 = text.parse().ok().filter(|_| is_number)?;
    Some(Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST_PAUSE, obeyed_pause, retry_after};
    use crate::http::{RECEIVED, Response};

    #[test]
    fn how_long_to_stay_away_is_read_in_every_form_and_told_whole() {
        let used_up = |reset| [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
        let left = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "784111897")];
        let mut cases = vec![
            (used_up("784111897").to_vec(), Some(120)),
            (used_up("45").to_vec(), Some(45)),
            (left.to_vec(), None),
            ([&[("retry-after", "9")][..], &used_up("784111897")].concat(), Some(9)),
        ];
        for (value, expected) in [
            ("120", Some(120)),
            ("86400", Some(86400)),
            ("3600.0", Some(3600)),
            ("0.5", Some(1)),
            ("120, 120", Some(120)),
            ("99999999999999999999999", Some(LONGEST_PAUSE.as_secs())),
            ("Sun, 06 Nov 1994 15:31:37 GMT", Some(24120)),
            ("Mon, 06 Nov 1994 15:31:37 GMT", Some(24120)),
            ("Sun, 06 Nov 1994 15:31:37 +0000", Some(24120)),
            ("Sun, 06 Nov 1994 17:31:37 +0200", Some(24120)),
            ("Sunday, 06-Nov-94 15:31:37 GMT", Some(24120)),
            ("Sun Nov  6 15:31:37 1994", Some(24120)),
            ("Sat, 05 Nov 1994 15:31:37 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("inf", None),
        ] {
            cases.push((vec![("retry-after", value)], expected));
        }
        let dated = |is_dated: bool| cases.iter().map(move |case| (case, is_dated));
        for ((headers, expected), is_dated) in dated(true).chain(dated(false)) {
            let date = if is_dated { "date" } else { RECEIVED };
            let date = [(date, "Sun, 06 Nov 1994 08:49:37 GMT")];
            let sent = headers.iter().chain(&date);
            let sent = sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let response = Response { status: 429, headers: sent, body: Vec::new() };
            assert_eq!(retry_after(&response).map(|pause| pause.as_secs()), *expected, "{headers:?}");
            let obeyed = expected.map(|seconds| Duration::from_secs(seconds.min(3600)));
            assert_eq!(obeyed_pause(&response), obeyed, "{headers:?}");
        }
    }
}
