//! What an answer says besides its words: which trouble it stands for, and for how long to stay away.

use std::time::Duration;

use url::Url;

use crate::http::trouble::Trouble;
use crate::http::{Response, date, decode};
use crate::untrusted::check_address;

/// Bytes; longer ones are not shown.
const LONGEST_ADDRESS: usize = 2048;

/// The longest that any `Retry-After` is obeyed.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What the status alone says of an answer that means nothing.
pub(super) fn status_trouble(status: u16) -> Trouble {
    match status {
        // Network authentication required (RFC 6585 §6).
        300..=399 | 511 => Trouble::Portal,
        500..=599 => Trouble::ServerError,
        _ => Trouble::Garbled,
    }
}

/// The address to which a server sends whoever asks at `endpoint`, without query: on its own host, or elsewhere for good (RFC
/// 9110 §15.4). Redirects of other kinds are those of a network's sign-in page.
pub fn moved_to(endpoint: &Url, response: &Response) -> Option<Url> {
    let is_for_good = matches!(response.status, 301 | 308);
    if !is_for_good && !matches!(response.status, 302 | 303 | 307) {
        return None;
    }
    let mut to = endpoint.join(response.header("location")?.trim()).ok()?;
    to.set_query(None);
    to.set_fragment(None);
    let is_usable = check_address(&to).is_ok() && to.as_str().len() <= LONGEST_ADDRESS && to != *endpoint;
    (is_usable && (is_for_good || to.origin() == endpoint.origin())).then_some(to)
}

/// A page that is not there is no portal's: servers dress their own 404 up as well, where an address is misspelt.
pub(super) fn is_web_page(response: &Response) -> bool {
    if matches!(response.status, 404 | 405 | 410) {
        return false;
    }
    let is_labelled = response.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("text/html"));
    let body = decode::text(&response.body);
    !body.trim().is_empty() && (is_labelled || body.trim_start().starts_with('<'))
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3). A date counts from the answer's own `Date`, which no wrong
/// clock on this machine bends; the transport adds that header where a server leaves it out.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    let seconds = if let Ok(seconds) = value.parse() {
        seconds
    } else {
        let (until, now) = (date::parse(value)?, response.date()?);
        u64::try_from(until.as_second() - now.as_second()).unwrap_or_default()
    };
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}
