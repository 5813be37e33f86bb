//! Plain data for one HTTP exchange: the request, the answer, and how an exchange can fail without one.
//!
//! Nothing here opens a connection; [`client`] does. `oauth` builds [`Request`]s and reads [`Response`]s without knowing
//! who carries them.

pub mod charset;
pub mod client;
pub(crate) mod date;
pub mod decode;
pub mod multipart;
pub(crate) mod pause;
pub mod progress;
pub mod source;
pub(crate) mod tls;
pub mod trouble;
pub mod upload;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

pub use self::tls::{Cause as TlsCause, Chain, Failure as TlsFailure, Link};
use self::trouble::Trouble;
use crate::clock::Moment;
use crate::secret::{Secret, shown};

/// What an accounts server may send at most: its answers are a few hundred bytes.
pub const ACCOUNTS_BODY_LIMIT: usize = 256 * 1024;
/// What an issuer's metadata may have at most: some list thousands of scopes.
pub const METADATA_BODY_LIMIT: usize = 1024 * 1024;
/// What of an API's answer is kept in the memory at most, where it is kept whole.
pub const API_BODY_LIMIT: usize = 64_000_000;
/// By so many bytes, the first ones, the meaning of an API's answer is judged.
pub const JUDGED_BYTES: usize = 64 * 1024;
/// The whole exchange with an accounts server, connecting included.
pub const ACCOUNTS_DEADLINE: Duration = Duration::from_secs(20);
/// An exchange with an API may last for as long as it likes, but be silent no longer than this.
pub const API_SILENCE: Duration = Duration::from_secs(60);

/// An HTTP request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Delete,
    Get,
    Head,
    Patch,
    Post,
    Put,
}

impl Method {
    pub const ALL: [Method; 6] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Head];

    pub fn as_str(self) -> &'static str {
        match self {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let method = Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text));
        method.ok_or_else(|| format!("`{}` is none of GET, POST, PUT, PATCH, DELETE and HEAD", shown(text)))
    }
}

/// One request. Header values and the body count as secret: `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(String, Secret)>,
    pub body: Vec<u8>,
    /// Bytes; a longer answer is [`TransportFailure::TooLarge`].
    pub body_limit: usize,
    /// With these members an object is answer enough that breaks off behind them; with none it has to be whole.
    pub enough: &'static [&'static str],
    /// For the whole exchange; in one that is [opened](client::Client::open), for each silence.
    pub deadline: Duration,
    /// A later moment is too late to send it, as far as that can be prevented; [`TransportFailure::TooLate`].
    pub send_until: Option<Moment>,
}

impl Request {
    /// A GET within the bounds that hold for accounts servers.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::Get,
            url,
            headers: vec![header("accept", "application/json")],
            body: Vec::new(),
            body_limit: ACCOUNTS_BODY_LIMIT,
            enough: &[],
            deadline: ACCOUNTS_DEADLINE,
            send_until: None,
        }
    }

    /// A POST of form parameters: secrets travel in the body, never in the address (RFC 6749 §2.3.1).
    pub fn form(url: Url, parameters: &[(&str, &str)]) -> Self {
        let mut serializer = url::form_urlencoded::Serializer::new(String::new());
        serializer.extend_pairs(parameters);
        Self {
            method: Method::Post,
            headers: vec![
                header("accept", "application/json"),
                header("content-type", "application/x-www-form-urlencoded"),
            ],
            body: serializer.finish().into_bytes(),
            ..Self::get(url)
        }
    }

    /// The same parameters as a JSON object, for servers that take no forms.
    pub fn json(url: Url, parameters: &[(&str, &str)]) -> Self {
        let object: serde_json::Map<String, serde_json::Value> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        Self {
            method: Method::Post,
            headers: vec![header("accept", "application/json"), header("content-type", "application/json")],
            body: serde_json::Value::Object(object).to_string().into_bytes(),
            ..Self::get(url)
        }
    }

    /// Says who asks by HTTP Basic (RFC 7617).
    #[must_use]
    pub fn with_basic_authentication(self, id: &str, secret: &str) -> Self {
        let pair = Zeroizing::new(format!("{id}:{secret}"));
        self.with_header("authorization", Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes()))))
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

fn header(name: &str, value: &str) -> (String, Secret) {
    (name.to_owned(), Secret::new(value))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.url.origin().ascii_serialization(), self.url.path())
    }
}

/// One answer, whatever its status. The body is not yet trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// In the order in which they came; values that are no UTF-8 are made so, with loss.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        header_in(&self.headers, name)
    }

    /// Whether the answer says that it is JSON (RFC 8259; RFC 6839 §3.1).
    pub fn is_json(&self) -> bool {
        let media_type = self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        ["application/json", "text/json"].contains(&media_type.as_str()) || media_type.ends_with("+json")
    }

    /// Whether the body claims to be one whole JSON value: a part of one is none (RFC 9110 §15.3.7).
    pub fn is_whole_json(&self) -> bool {
        self.is_json() && self.status != 206
    }

    /// When the answer was made, by the server's clock (`Date`, RFC 9110 §6.6.1).
    pub fn date(&self) -> Option<Timestamp> {
        date::parse(self.header("date")?)
    }

    /// When the answer came, by this machine's clock, as the transport notes it.
    pub fn received(&self) -> Option<Timestamp> {
        date::parse(self.header(RECEIVED)?)
    }

    /// The headers that the server sent.
    pub fn sent_headers(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().filter(|(name, _)| name != RECEIVED)
    }
}

/// No server can send a header of this name.
pub(crate) const RECEIVED: &str = ":received";

/// The value of the first header with this name.
pub(crate) fn header_in<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// What HTTP calls a status (RFC 9110 §15), for those that APIs answer with.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        205 => "Reset Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// The variables by which a request goes through a proxy or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyVariables {
    pub named_by: &'static str,
    /// The one that counts, or that would.
    pub exempted_by: &'static str,
}

/// Why there is no answer. Each is worth another try later, except [`TransportFailure::Setup`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportFailure {
    #[error("the name {0} could not be resolved")]
    Dns(String),
    #[error("{0} refused the connection")]
    Refused(String),
    #[error("no connection to {0}")]
    Connect(String),
    #[error("{0} could not be reached in time")]
    ConnectTimeout(String),
    /// The proxy, without its password, what it did, and which variables say that it is asked.
    #[error("the proxy {0} {1}")]
    Proxy(String, String, ProxyVariables),
    #[error("the TLS connection to {0} was refused: {words}", words = .1.words)]
    Tls(String, tls::Failure),
    #[error("{0} closed the connection before it answered")]
    Closed(String),
    #[error("{0} did not answer in time")]
    Timeout(String),
    #[error("the answer from {0} came too slowly")]
    Slow(String),
    /// For how long no byte went either way.
    #[error("{0} fell silent: no byte went either way for {secs} seconds", secs = .1.as_secs())]
    Stalled(String, Duration),
    #[error("the answer from {0} broke off")]
    Truncated(String),
    #[error("the answer from {0} is larger than {1} bytes")]
    TooLarge(String, usize),
    /// What was sent, and in which encoding.
    #[error("{0} packed its answer as `{1}`, which was not asked for and cannot be read here")]
    Encoded(String, String),
    #[error("{0} sent more header lines than anybody needs")]
    Headers(String),
    /// What was to be sent.
    #[error("the body could not be read: {0}")]
    Body(String),
    #[error("{0} sent something that is no HTTP answer")]
    Garbled(String),
    #[error("{0}")]
    Setup(String),
    /// Nothing was sent.
    #[error("it took too long until {0} could be asked, so that somebody else may be asking by now")]
    TooLate(String),
}

impl TransportFailure {
    /// Tells whether the request was sent and no answer came that can be used: the server may have acted on it.
    pub fn is_answer_lost(&self) -> bool {
        match self {
            Self::Closed(_)
            | Self::Timeout(_)
            | Self::Slow(_)
            | Self::Stalled(..)
            | Self::Truncated(_)
            | Self::TooLarge(..)
            | Self::Encoded(..)
            | Self::Headers(_)
            | Self::Garbled(_)
            | Self::Body(_) => true,
            Self::Dns(_)
            | Self::Refused(_)
            | Self::Connect(_)
            | Self::ConnectTimeout(_)
            | Self::Proxy(..)
            | Self::Tls(..)
            | Self::Setup(_)
            | Self::TooLate(_) => false,
        }
    }

    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Dns(_) => Trouble::Dns,
            Self::Refused(_) => Trouble::Refused,
            Self::Connect(_) => Trouble::Unreachable,
            Self::ConnectTimeout(_) | Self::TooLate(_) => Trouble::ConnectTimeout,
            Self::Proxy(..) => Trouble::Proxy,
            Self::Tls(..) => Trouble::Tls,
            Self::Closed(_) => Trouble::Closed,
            Self::Timeout(_) => Trouble::Timeout,
            Self::Slow(_) | Self::Stalled(..) => Trouble::Slow,
            Self::Truncated(_) => Trouble::Truncated,
            Self::TooLarge(..) => Trouble::TooLarge,
            Self::Encoded(..) | Self::Headers(_) | Self::Garbled(_) => Trouble::Garbled,
            Self::Setup(_) | Self::Body(_) => Trouble::Setup,
        }
    }
}
