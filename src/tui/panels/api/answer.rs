//! The answers of this session: each is taken apart once, when it arrives, and kept until newer ones need its room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Sent;
use crate::api::Call;
use crate::error::Error;
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::{Answer, Explained};
use crate::tui::message::TaskId;
use crate::tui::widgets::json_view::{JsonDocument, JsonView};

/// How many answers are kept at most.
const MOST_ANSWERS: usize = 20;
/// How many bytes of bodies are kept at most. The newest answer stays whatever its size.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Headers in which products tell how many calls are left, or how long to wait.
const RATE_HEADERS: [&str; 3] = ["x-ratelimit", "x-api-credits-remaining", "retry-after"];

/// A request and what became of it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) task: TaskId,
    pub(super) profile: ProfileName,
    pub(super) call: Call,
    pub(super) dialect: &'static Dialect,
    pub(super) at: Timestamp,
    pub(super) outcome: Result<Reply, Error>,
    /// The request as it was sent, the token hidden.
    pub(super) request: JsonView,
}

/// An answer, ready to be looked at.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) took: Duration,
    /// Bytes of the body.
    pub(super) size: usize,
    pub(super) content_type: Option<String>,
    /// Rate headers, as `name value`.
    pub(super) rates: Vec<String>,
    pub(super) explained: Option<Explained>,
    pub(super) body: JsonView,
    pub(super) headers: JsonView,
}

/// Which side of an exchange is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Body,
    Headers,
    Request,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Body => "body",
            Side::Headers => "headers",
            Side::Request => "request",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Side::Body => Side::Headers,
            Side::Headers => Side::Request,
            Side::Request => Side::Body,
        }
    }
}

impl Exchange {
    pub(super) fn new(sent: Sent, profile: ProfileName, result: Result<Answer, Error>, at: Timestamp) -> Self {
        let Sent { task, call, dialect } = sent;
        let request = text_view(as_sent(&call, dialect));
        Self { task, profile, call, dialect, at, outcome: result.map(Reply::new), request }
    }

    /// The text of one side; of an exchange without an answer, there is the request only.
    pub(super) fn side(&self, side: Side) -> Option<&JsonView> {
        match (side, &self.outcome) {
            (Side::Request, _) => Some(&self.request),
            (Side::Body, Ok(reply)) => Some(&reply.body),
            (Side::Headers, Ok(reply)) => Some(&reply.headers),
            (_, Err(_)) => None,
        }
    }

    pub(super) fn side_mut(&mut self, side: Side) -> Option<&mut JsonView> {
        match (side, &mut self.outcome) {
            (Side::Request, _) => Some(&mut self.request),
            (Side::Body, Ok(reply)) => Some(&mut reply.body),
            (Side::Headers, Ok(reply)) => Some(&mut reply.headers),
            (_, Err(_)) => None,
        }
    }

    fn size(&self) -> usize {
        self.outcome.as_ref().map_or(0, |reply| reply.size)
    }
}

impl Reply {
    fn new(answer: Answer) -> Self {
        let Answer { response, took, explained } = answer;
        let is_rate = |name: &str| {
            let name = name.to_ascii_lowercase();
            RATE_HEADERS.iter().any(|known| name.starts_with(known))
        };
        let rates = response.headers.iter().filter(|(name, _)| is_rate(name));
        let headers: Vec<String> = response.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            status: response.status,
            took,
            size: response.body.len(),
            content_type: response.header("content-type").map(str::to_owned),
            rates: rates.map(|(name, value)| format!("{name} {value}")).collect(),
            explained,
            body: JsonView::new(Arc::new(JsonDocument::parse(response.body))),
            headers: text_view(headers.join("\n")),
        }
    }
}

/// Answers, the newest first.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Exchange>);

impl History {
    /// Takes an exchange in and lets the oldest go that have no room any more, except the one that is looked at.
    pub(super) fn push(&mut self, exchange: Exchange, looked_at: Option<TaskId>) {
        self.0.push_front(exchange);
        let is_full = |kept: &VecDeque<Exchange>| {
            kept.len() > MOST_ANSWERS || kept.iter().map(Exchange::size).sum::<usize>() > MOST_BYTES
        };
        while is_full(&self.0) {
            let oldest = self.0.iter().skip(1).rposition(|kept| Some(kept.task) != looked_at);
            let Some(oldest) = oldest else { break };
            self.0.remove(oldest + 1);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
    }

    pub(super) fn at(&self, index: usize) -> Option<&Exchange> {
        self.0.get(index)
    }

    pub(super) fn find(&self, task: TaskId) -> Option<&Exchange> {
        self.0.iter().find(|exchange| exchange.task == task)
    }

    pub(super) fn find_mut(&mut self, task: TaskId) -> Option<&mut Exchange> {
        self.0.iter_mut().find(|exchange| exchange.task == task)
    }
}

/// The request line, the headers and the body, with stars for the token.
fn as_sent(call: &Call, dialect: &Dialect) -> String {
    let mut lines = vec![format!("{} {}", call.method, call.url)];
    lines.push(format!("authorization: {} ****", dialect.api_scheme));
    if !call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        lines.push("accept: */*".to_owned());
    }
    lines.extend(call.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if !call.body.is_empty() {
        lines.push(String::new());
        lines.push(String::from_utf8_lossy(&call.body).into_owned());
    }
    lines.join("\n")
}

fn text_view(text: String) -> JsonView {
    JsonView::new(Arc::new(JsonDocument::parse(text.into_bytes())))
}

/// What HTTP calls a status (RFC 9110 §15), for those that APIs answer with.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
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
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// A number of bytes in words: `312 B`, `1.8 kB`, `10.5 MB`.
pub(super) fn bytes_in_words(bytes: usize) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
