//! The answers of this session: each is taken apart once, when it arrives, and kept until newer ones need its room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Sent;
use crate::api::Call;
use crate::clock::Moment;
use crate::error::Error;
use crate::http::header_in;
use crate::profile::ProfileName;
use crate::providers::Dialect;
use crate::service::Explained;
use crate::tui::message::TaskId;
use crate::tui::received::{Content, Received, in_hexadecimal};
use crate::tui::surroundings::Now;
use crate::tui::widgets::json_view::{JsonDocument, JsonView};

/// How many answers are kept at most.
const MOST_ANSWERS: usize = 20;
/// How many bytes of bodies are kept at most. The newest answer stays whatever its size.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a raw text that are broken into lines between two keys, more than the largest screen shows.
const SHORT_TEXT: usize = 64 * 1024;
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
    pub(super) content_type: Option<String>,
    /// Rate headers, as `name value`.
    pub(super) rates: Vec<String>,
    /// When the API takes calls again, if it said so.
    pub(super) retry_at: Option<Moment>,
    /// The scopes that the answer says are needed.
    named_scopes: Vec<String>,
    pub(super) explained: Option<Explained>,
    pub(super) content: Content,
    /// What is wrong with a body that calls itself JSON.
    pub(super) fault: Option<String>,
    pub(super) body: JsonView,
    /// The body as it was sent, broken after so many columns, or the beginning of it after 0. Made when it is first looked
    /// at.
    raw: Option<(usize, JsonView)>,
    headers: JsonView,
}

/// Which side of an exchange is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Body,
    Raw,
    Headers,
    Request,
}

impl Side {
    pub(super) const ALL: [Self; 4] = [Side::Body, Side::Raw, Side::Headers, Side::Request];

    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Body => "body",
            Side::Raw => "raw",
            Side::Headers => "headers",
            Side::Request => "request",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Side::Body => Side::Raw,
            Side::Raw => Side::Headers,
            Side::Headers => Side::Request,
            Side::Request => Side::Body,
        }
    }
}

impl Exchange {
    pub(super) fn new(sent: Sent, profile: ProfileName, result: Result<Received, Error>, now: Now) -> Self {
        let Sent { task, call, dialect, .. } = sent;
        let request = text_view(&as_sent(&call, dialect));
        let outcome = result.map(|received| Reply::new(received, now));
        Self { task, profile, call, dialect, at: now.time, outcome, request }
    }

    /// The text of one side; of an exchange without an answer, there is the request only.
    pub(super) fn side(&self, side: Side) -> Option<&JsonView> {
        match (side, &self.outcome) {
            (Side::Request, _) => Some(&self.request),
            (Side::Body, Ok(reply)) => Some(&reply.body),
            (Side::Raw, Ok(reply)) => reply.raw.as_ref().map(|(_, view)| view),
            (Side::Headers, Ok(reply)) => Some(&reply.headers),
            (_, Err(_)) => None,
        }
    }

    pub(super) fn side_mut(&mut self, side: Side) -> Option<&mut JsonView> {
        match (side, &mut self.outcome) {
            (Side::Request, _) => Some(&mut self.request),
            (Side::Body, Ok(reply)) => Some(&mut reply.body),
            (Side::Raw, Ok(reply)) => reply.raw.as_mut().map(|(_, view)| view),
            (Side::Headers, Ok(reply)) => Some(&mut reply.headers),
            (_, Err(_)) => None,
        }
    }

    /// Breaks the raw text to the width of its pane. Of a long one that is done at once for its beginning only: gives the
    /// text that is to be broken elsewhere.
    pub(super) fn wrap_raw(&mut self, columns: usize) -> Option<Arc<str>> {
        let Ok(reply) = &mut self.outcome else { return None };
        if reply.raw.as_ref().is_some_and(|(known, _)| *known == columns) {
            return None;
        }
        let document = match reply.content.beginning() {
            Content::Text(text) | Content::Encoded(text, _) if text.len() > SHORT_TEXT => {
                if reply.raw.is_none() {
                    let beginning = JsonDocument::beginning(text, SHORT_TEXT, columns);
                    reply.raw = Some((0, JsonView::new(Arc::new(beginning))));
                }
                return Some(text.clone());
            }
            Content::Text(text) | Content::Encoded(text, _) => JsonDocument::wrapped(text.clone(), columns),
            Content::Binary(bytes) => JsonDocument::plain(in_hexadecimal(bytes)),
            Content::Long(..) => return None,
        };
        self.show_raw(Arc::new(document), columns);
        None
    }

    /// Shows the raw text broken after so many columns, at the place where it was.
    pub(super) fn show_raw(&mut self, document: Arc<JsonDocument>, columns: usize) {
        let Ok(reply) = &mut self.outcome else { return };
        let mut view = match reply.raw.take() {
            Some((_, view)) => view,
            None => JsonView::new(document.clone()),
        };
        view.rebroken(document);
        reply.raw = Some((columns, view));
    }

    fn size(&self) -> usize {
        self.outcome.as_ref().map_or(0, |reply| reply.content.bytes().len() + reply.body.document().memory())
    }
}

impl Reply {
    fn new(received: Received, now: Now) -> Self {
        let Received { status, headers, took, explained, content, document, fault, pause, named_scopes } = received;
        let is_rate = |name: &str| {
            let name = name.to_ascii_lowercase();
            RATE_HEADERS.iter().any(|known| name.starts_with(known))
        };
        let rates = headers.iter().filter(|(name, _)| is_rate(name));
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let content_type = header_in(&headers, "content-type");
        Self {
            status,
            took,
            content_type: content_type.map(str::to_owned),
            rates: rates.map(|(name, value)| format!("{name} {value}")).collect(),
            retry_at: pause.map(|pause| now.moment + pause),
            named_scopes,
            explained,
            content,
            fault,
            body: JsonView::new(document),
            raw: None,
            headers: text_view(&lines.join("\n")),
        }
    }

    /// The scopes that the answer says are needed, as far as it says so.
    pub(super) fn named_scopes(&self) -> &[String] {
        &self.named_scopes
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

    /// Lets the files go of all long answers but the one that is shown.
    pub(super) fn forget_files(&mut self, shown: Option<TaskId>) {
        for exchange in self.0.iter_mut().filter(|exchange| Some(exchange.task) != shown) {
            if let Ok(Reply { content: Content::Long(_, long), .. }) = &mut exchange.outcome {
                long.forget();
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
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
    if header_in(&call.headers, "accept").is_none() {
        lines.push("accept: */*".to_owned());
    }
    lines.extend(call.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if !call.body.is_empty() {
        lines.push(String::new());
        lines.push(String::from_utf8_lossy(&call.body).into_owned());
    }
    lines.join("\n")
}

fn text_view(text: &str) -> JsonView {
    JsonView::new(Arc::new(JsonDocument::plain(text)))
}
