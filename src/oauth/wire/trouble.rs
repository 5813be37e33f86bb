//! What an answer says besides its words: which trouble it stands for.

use url::Url;

use super::ServerError;
use crate::http::trouble::Trouble;
use crate::http::{Response, decode};
use crate::untrusted::check_address;

/// Bytes; longer ones are not shown.
const LONGEST_ADDRESS: usize = 2048;

/// What the status alone says of an answer that means nothing.
pub(super) fn status_trouble(status: u16) -> Trouble {
    match status {
        // Network authentication required (RFC 6585 §6).
        300..=399 | 511 => Trouble::Portal,
        500..=599 => Trouble::ServerError,
        _ => Trouble::Garbled,
    }
}

/// Whether a text is nothing but a client's error in words (RFC 9110 §15.5, and as RFCs before it had them), however it is written.
pub(super) fn is_phrase(status: u16, text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let said = letters(text);
    PHRASES.lines().filter_map(|line| line.trim_start().split_once(' ')).any(|(number, phrases)| {
        number.parse() == Ok(status) && phrases.split(", ").any(|phrase| letters(phrase) == said)
    })
}

const PHRASES: &str = "\
    400 Bad Request
    401 Unauthorized
    402 Payment Required
    403 Forbidden
    404 Not Found
    405 Method Not Allowed
    406 Not Acceptable
    407 Proxy Authentication Required
    408 Request Timeout, Request Time-out
    409 Conflict
    410 Gone
    411 Length Required
    412 Precondition Failed
    413 Content Too Large, Payload Too Large, Request Entity Too Large
    414 URI Too Long, Request-URI Too Long, Request-URI Too Large
    415 Unsupported Media Type
    416 Range Not Satisfiable, Requested Range Not Satisfiable
    417 Expectation Failed
    418 I'm a teapot
    421 Misdirected Request
    422 Unprocessable Content, Unprocessable Entity
    423 Locked
    424 Failed Dependency
    425 Too Early
    426 Upgrade Required
    428 Precondition Required
    429 Too Many Requests
    431 Request Header Fields Too Large
    451 Unavailable For Legal Reasons";

/// Whether a server that fails itself (RFC 9110 §15.6) has put the word for a malformed request into its answer, as some do for any
/// fault of theirs.
pub(super) fn is_of_failure(status: u16, error: &ServerError) -> bool {
    matches!(status, 500..=599) && error.word.eq_ignore_ascii_case("invalid_request")
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

/// Whether an address to which `asked` leads may be the same endpoint at another place: another host, scheme, folder, or a slash
/// more. Whatever else is at the end of a path is another page, such as that for signing in.
pub(crate) fn is_same_endpoint(asked: &Url, to: &Url) -> bool {
    let last = |url: &Url| url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    last(asked) == last(to)
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
