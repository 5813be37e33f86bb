//! Tells the kinds of failure apart by what lies at the bottom of them.
//!
//! Addresses, whose path or query could be private, and the passwords of proxies never get into the words.

use std::error::Error;
use std::io;

use super::{Route, TransportFailure};
use crate::http::tls;

/// Why no answer began. `is_looking_up` says that the name has not been looked up yet.
pub(super) fn of_sending(route: &Route, error: &reqwest::Error, is_looking_up: bool) -> TransportFailure {
    let host = route.host.clone();
    if let Some(mut tls) = tls::failure(error) {
        if let Some((proxy, _)) = &route.proxy {
            tls.words = format!("{} (through the proxy {proxy})", tls.words);
        }
        return TransportFailure::Tls(host, tls);
    }
    if error.is_connect() {
        let failure = of_connecting(host, error, is_looking_up);
        return match &route.proxy {
            Some((proxy, variables)) => {
                TransportFailure::Proxy(proxy.clone(), what_the_proxy_did(&route.host, &failure, error), *variables)
            }
            None => failure,
        };
    }
    if error.is_timeout() {
        TransportFailure::Timeout(host)
    } else if is_closed(error) {
        TransportFailure::Closed(host)
    } else if says(error, "message head is too large") {
        TransportFailure::Headers(host)
    } else {
        TransportFailure::Garbled(host)
    }
}

/// Whether the connection ended after it was made and before an answer began.
pub(super) fn is_closed(error: &reqwest::Error) -> bool {
    let is_of_sending = !error.is_connect() && !error.is_timeout();
    is_of_sending && (find_io(error).is_some() || says(error, "connection closed before message completed"))
}

/// Why an answer that began did not come whole.
pub(super) fn of_reading(route: &Route, error: &reqwest::Error) -> TransportFailure {
    let host = route.host.clone();
    match find_io(error) {
        _ if error.is_timeout() => TransportFailure::Slow(host),
        // Sizes of pieces that are none.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => TransportFailure::Garbled(host),
        _ => TransportFailure::Truncated(host),
    }
}

fn of_connecting(host: String, error: &reqwest::Error, is_looking_up: bool) -> TransportFailure {
    match find_io(error) {
        _ if error.is_dns() || (error.is_timeout() && is_looking_up) => TransportFailure::Dns(host),
        // No name at all, by its length for one.
        _ if says(error, "invalid dns name") => TransportFailure::Dns(host),
        _ if error.is_timeout() => TransportFailure::ConnectTimeout(host),
        Some(io::ErrorKind::TimedOut) => TransportFailure::ConnectTimeout(host),
        Some(io::ErrorKind::ConnectionRefused) => TransportFailure::Refused(host),
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => TransportFailure::Closed(host),
        _ => TransportFailure::Connect(host),
    }
}

fn what_the_proxy_did(host: &str, failure: &TransportFailure, error: &reqwest::Error) -> String {
    if says(error, "tunnel error: proxy authorization required") {
        return "wants a name and a password that it knows, as `Basic` sends them, the one scheme that is spoken here; in \
                its variable, characters such as `@`, `:`, `/`, `?`, `#` and `%` of these are to be percent-encoded, `%40` \
                for `@`"
            .to_owned();
    }
    if says(error, "tunnel error: unsuccessful") {
        return format!("does not let us through to {host}, or cannot reach it");
    }
    match failure {
        TransportFailure::Dns(_) => "has a name that could not be resolved",
        TransportFailure::Refused(_) => "refused the connection",
        TransportFailure::ConnectTimeout(_) => "made no connection in time",
        TransportFailure::Closed(_) => "closed the connection",
        _ if says(error, "tunnel error: unexpected end of file") => "closed the connection",
        _ if says(error, "tunnel error: ") => "cannot be reached, or is no proxy",
        _ => "cannot be reached",
    }
    .to_owned()
}

fn says(error: &reqwest::Error, words: &str) -> bool {
    chain(error).any(|source| source.to_string().starts_with(words))
}

fn find_io(error: &reqwest::Error) -> Option<io::ErrorKind> {
    chain(error).find_map(|source| source.downcast_ref::<io::Error>().map(|error| tls::innermost(error).kind()))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}
