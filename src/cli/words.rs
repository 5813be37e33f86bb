//! Times, lengths and codes as people read and hear them, and as scripts do.

#[cfg(feature = "demo")]
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use jiff::Timestamp;

use crate::clock;
use crate::registered::{RedirectUri, is_client_id, is_scope, no_scope};
use crate::secret::reads_as_token_and_no_path;
use crate::service::PendingCode;
use crate::tables::Words;
use crate::words::minutes_and_seconds;
pub(super) use crate::words::{counted, duration};

/// How long something still lasts: "4:32", "1:02:03", from ten hours on "26 hours", "12 days".
pub(super) fn time_left(left: Duration) -> String {
    if left < Duration::from_secs(10 * 3600) { minutes_and_seconds(left) } else { duration(left) }
}

/// "14:08 CET", in the machine's zone, and with the date of another day.
pub(super) fn hour_and_minute(time: Timestamp) -> String {
    crate::words::hour_and_minute(time, clock::wall(), &clock::zone())
}

/// "14:08:05 CET", for what is not to be done before; with the date of another day.
pub(super) fn time_of_day(time: Timestamp) -> String {
    crate::words::time_of_day(time, clock::wall(), &clock::zone())
}

/// "2026-11-29 14:08:05 CET".
pub(super) fn date_and_time(time: Timestamp) -> String {
    crate::words::date_and_time(time, &clock::zone())
}

/// RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// "the code ABCD-1234 waits at https://… until 14:08 CET".
pub(super) fn waiting_code(pending: &PendingCode) -> String {
    let (code, until) = (&pending.user_code, hour_and_minute(pending.expires_at));
    format!("the code {code} waits at {} until {until}", pending.verification_uri)
}

/// Whole seconds from `now`, zero for what has passed.
pub(super) fn seconds_until(time: Timestamp, now: Timestamp) -> u64 {
    clock::until(now, time).as_secs()
}

/// A code as it is read out: "Alpha Bravo, dash, one two".
pub(super) fn spelled(code: &str) -> String {
    let mut groups: Vec<String> = Vec::new();
    let mut is_in_word = false;
    for character in code.chars() {
        let is_word = character.is_ascii_alphanumeric();
        let spelled = spelled_character(character);
        match groups.last_mut().filter(|_| is_word && is_in_word) {
            Some(word) => word.extend([" ", &spelled]),
            None => groups.push(spelled),
        }
        is_in_word = is_word;
    }
    groups.join(", ")
}

/// The spelling alphabet of the ICAO.
fn spelled_character(character: char) -> String {
    const LETTERS: Words = Words(
        "Alpha Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec \
         Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu",
    );
    const DIGITS: Words = Words("zero one two three four five six seven eight nine");
    let nth = |words: Words, first: char| {
        words.iter().nth((u32::from(character) - u32::from(first)) as usize).unwrap_or_default()
    };
    match character {
        'A'..='Z' => nth(LETTERS, 'A').to_owned(),
        'a'..='z' => format!("small {}", nth(LETTERS, 'a').to_lowercase()),
        '0'..='9' => nth(DIGITS, '0').to_owned(),
        '-' => "dash".to_owned(),
        ' ' => "space".to_owned(),
        '_' => "underscore".to_owned(),
        '.' => "dot".to_owned(),
        other => other.to_string(),
    }
}

/// Reads a duration such as `5m`, `90s`, `1h 30m`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || "give a time such as `90s`, `5m` or `1h30m`; hours are the largest unit".to_owned();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Duration::from_secs).map_err(|_| invalid());
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|_| invalid())?;
    Duration::try_from(duration).map_err(|_| invalid())
}

/// Reads how long something may take: whole seconds, since less would end it before it has begun.
pub(super) fn parse_limit(text: &str) -> Result<Duration, String> {
    let limit = parse_duration(text)?;
    if limit < Duration::from_secs(1) {
        return Err("that is over before anything is done; give a time such as `90s`, `5m` or `1h30m`".to_owned());
    }
    Ok(limit)
}

/// Reads an email address or an id of an account.
pub(super) fn parse_account(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("it names no account; give an address such as `pat@example.com`, or an id".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Scopes as a flag or an answer names them: `A,B C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scopes(pub(super) Vec<String>);

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_between = |character: char| character == ',' || character.is_whitespace();
        let mut scopes: Vec<String> = Vec::new();
        for scope in text.split(is_between).filter(|scope| !scope.is_empty()) {
            if scopes.iter().all(|known| known != scope) {
                scopes.push(scope.to_owned());
            }
        }
        match scopes.iter().find(|scope| !is_scope(scope)) {
            Some(scope) => Err(format!("{}; one reads such as `ZohoCRM.org.READ`", no_scope(scope))),
            None if scopes.is_empty() => {
                Err("it names no scope; give some such as `ZohoCRM.org.READ,openid`".to_owned())
            }
            None => Ok(Self(scopes)),
        }
    }
}

/// Reads a client id, which goes out as it was registered.
pub(super) fn parse_client_id(text: &str) -> Result<String, &'static str> {
    if is_client_id(text) {
        Ok(text.to_owned())
    } else {
        Err("it is empty or has characters that no client id has; one reads such as `1000.ABC`")
    }
}

/// Reads which file is to be read. Where there is none, a token may have been given in its place.
pub(super) fn file_to_read() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_str() {
        Some(word) if reads_as_token_and_no_path(word) && !path.exists() => Err("there is no such file"),
        _ => Ok(path),
    })
}

/// Reads a redirect URI, which goes out as it was registered.
pub(super) fn parse_redirect_uri(text: &str) -> Result<RedirectUri, String> {
    text.parse().map_err(|problem| format!("it {problem}; give one such as `http://127.0.0.1:8123/callback`"))
}

/// Reads how often something may be done.
pub(super) fn parse_count(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "give a whole number such as `3`")
}

/// Reads a port to listen at; any for 0.
#[cfg(feature = "demo")]
pub(super) fn parse_port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "give a number up to 65535, such as `9101`")
}

/// Reads an address to listen at.
#[cfg(feature = "demo")]
pub(super) fn parse_listen(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| "give the address of a network of this machine, such as `127.0.0.1` or `192.168.1.20`")
}

/// Lines of columns as wide as their widest cell; the last one is open.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A data center's code as people write it.
pub(super) fn data_center(code: &str) -> String {
    code.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Scopes, parse_duration, parse_limit, spelled};

    #[test]
    fn each_scope_is_taken_once() {
        for (text, scopes) in [
            ("A.b.READ A.b.READ,,X", Some(&["A.b.READ", "X"][..])),
            (" X\n,X , a.b.READ,A.b.READ", Some(&["X", "a.b.READ", "A.b.READ"])),
            (" , ", None),
            ("A.b.READ,\u{e4}", None),
        ] {
            let read = text.parse::<Scopes>().ok().map(|scopes| scopes.0);
            assert_eq!(read, scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()), "{text:?}");
        }
    }

    #[test]
    fn codes_can_be_read_out() {
        assert_eq!(spelled("ABCD-1234"), "Alpha Bravo Charlie Delta, dash, one two three four");
        assert_eq!(spelled("a 0"), "small alpha, space, zero");
        assert_eq!(spelled("--"), "dash, dash");
        assert_eq!(spelled("é"), "é");
    }

    #[test]
    fn durations_are_read_or_refused() {
        for (text, seconds) in [("0", 0), ("90", 90), ("5m", 300), ("1h30m", 5400), ("1h 30m", 5400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-5m", "5 apples", "99999999999999999999"] {
            assert!(parse_duration(text).is_err() && parse_limit(text).is_err(), "{text}");
        }
        for (text, is_limit) in
            [("0", false), ("0s", false), ("1ns", false), ("999ms", false), ("1s", true), ("1", true)]
        {
            assert_eq!((parse_duration(text).is_ok(), parse_limit(text).is_ok()), (true, is_limit), "{text}");
        }
    }
}
