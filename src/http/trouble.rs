//! The kinds of trouble that leave a question without a usable answer, each with its steady word and its own sentence.
//!
//! [`TransportFailure`](super::TransportFailure) has the sentences for exchanges without an answer; those for answers
//! that mean nothing are here. Scripts may compare the words, so they never change.

use std::fmt;

/// Why there is no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name has no address.
    Dns,
    /// Nobody listens at the address.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// No connection, TLS included, within its limit.
    ConnectTimeout,
    /// The proxy is dead or does not let the request through.
    Proxy,
    /// The server is not who it says it is, or speaks no TLS that can be had.
    Tls,
    /// The connection ended before the answer began.
    Closed,
    /// No answer began within the deadline.
    Timeout,
    /// An answer began and was not whole by the deadline.
    Slow,
    /// The answer broke off.
    Truncated,
    /// The answer is longer than any real one.
    TooLarge,
    /// The request could not be made on this machine.
    Setup,
    /// A web page or a redirect came instead of an answer, as from a network that wants a sign-in of its own.
    Portal,
    /// The server speaks of trouble of its own.
    ServerError,
    /// Requests come too often.
    Throttled,
    /// The answer has no body.
    Empty,
    /// The answer is none that the protocol knows.
    Garbled,
}

impl Trouble {
    pub const ALL: [Trouble; 17] = [
        Trouble::Dns,
        Trouble::Refused,
        Trouble::Unreachable,
        Trouble::ConnectTimeout,
        Trouble::Proxy,
        Trouble::Tls,
        Trouble::Closed,
        Trouble::Timeout,
        Trouble::Slow,
        Trouble::Truncated,
        Trouble::TooLarge,
        Trouble::Setup,
        Trouble::Portal,
        Trouble::ServerError,
        Trouble::Throttled,
        Trouble::Empty,
        Trouble::Garbled,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Dns => "dns",
            Trouble::Refused => "refused",
            Trouble::Unreachable => "unreachable",
            Trouble::ConnectTimeout => "connect_timeout",
            Trouble::Proxy => "proxy",
            Trouble::Tls => "tls",
            Trouble::Closed => "closed",
            Trouble::Timeout => "timeout",
            Trouble::Slow => "slow",
            Trouble::Truncated => "truncated",
            Trouble::TooLarge => "too_large",
            Trouble::Setup => "setup",
            Trouble::Portal => "portal",
            Trouble::ServerError => "server_error",
            Trouble::Throttled => "throttled",
            Trouble::Empty => "empty",
            Trouble::Garbled => "garbled",
        }
    }

    /// What is said of an answer with this status from `host`.
    pub fn of_answer(self, host: &str, status: u16) -> String {
        match self {
            Trouble::Portal => {
                format!("a network's sign-in page seems to answer for {host} (HTTP {status})")
            }
            Trouble::ServerError => format!("{host} is in trouble itself (HTTP {status})"),
            Trouble::Throttled => format!("{host} asks for fewer requests"),
            _ if matches!(status, 404 | 405 | 410) => {
                format!("{host} has no such endpoint at the address that was asked (HTTP {status})")
            }
            Trouble::Empty => format!("{host} sent an empty answer (HTTP {status})"),
            Trouble::Truncated => format!("{host} sent half an answer (HTTP {status})"),
            _ => format!("{host} sent no answer that can be read (HTTP {status})"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
