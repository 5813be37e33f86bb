//! An answer whose body is still on its way.

use std::time::Duration;

use bytes::Bytes;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::{Observation, Route, failure};
use crate::clock;
use crate::http::decode;
use crate::http::decode::unpack::{Unpackable, Unpacking};
use crate::http::progress::Progress;
use crate::http::{RECEIVED, Response, TransportFailure};

/// The answer to an opened exchange: its head, and its body piece by piece.
pub struct Incoming<'a> {
    answer: Answering,
    /// How long nothing may move.
    silence: Duration,
    /// `None` once the exchange has ended.
    observation: Option<Observation<'a>>,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(answer: Answering, silence: Duration, observation: Observation<'a>) -> Self {
        Self { answer, silence, observation: Some(observation) }
    }

    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// As `HTTP/1.1`.
    pub fn version(&self) -> String {
        format!("{:?}", self.answer.incoming.version())
    }

    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// The next bytes of the body; `None` when it has come whole.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportFailure> {
        let (host, silence) = (self.answer.route.host.clone(), self.silence);
        let progress = self.answer.progress.clone();
        let chunk = progress.unless_silent(silence, self.answer.chunk()).await;
        let chunk = chunk.unwrap_or(Err(TransportFailure::Stalled(host, silence)));
        let outcome = match &chunk {
            Ok(Some(_)) => return chunk,
            Ok(None) => Ok(self.answer.status),
            Err(failure) => Err(failure),
        };
        if let Some(observation) = self.observation.take() {
            observation.end(outcome, &self.answer.headers);
        }
        chunk
    }
}

/// An answer that has begun.
pub(super) struct Answering {
    status: u16,
    headers: Vec<(String, String)>,
    incoming: reqwest::Response,
    route: Route,
    progress: Progress,
    /// What has come and waits to be unpacked.
    packed: Bytes,
    unpacking: Unpacking,
    /// All of the body has come.
    has_ended: bool,
    limit: usize,
}

impl Answering {
    /// Of the body, unpacked where it is packed, at most `limit` bytes are wanted.
    pub(super) fn new(incoming: reqwest::Response, route: Route, limit: usize, progress: Progress) -> Self {
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            incoming.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let now = DateTimePrinter::new().timestamp_to_rfc9110_string(&clock::wall());
        headers.extend(now.map(|date| (RECEIVED.to_owned(), date)));
        let encodings = headers.iter().filter(|(name, _)| name == "content-encoding").map(|(_, value)| value.as_str());
        let unpacking = Unpacking::new(encodings, limit);
        if unpacking.is_labelled() {
            // They are about what was packed (RFC 9110 §8.4 and §8.6).
            headers.retain(|(name, _)| !["content-encoding", "content-length"].contains(&name.as_str()));
        }
        progress.answered(incoming.content_length());
        let (status, packed, has_ended) = (incoming.status().as_u16(), Bytes::new(), false);
        Self { status, headers, incoming, route, progress, packed, unpacking, has_ended, limit }
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportFailure> {
        loop {
            let unpacked = self.unpacking.next(&mut self.packed, self.has_ended);
            let unpacked = unpacked.map_err(|problem| self.unpackable(problem))?;
            if !unpacked.is_empty() {
                return Ok(Some(unpacked));
            }
            if self.has_ended {
                return Ok(None);
            }
            match self.incoming.chunk().await.map_err(|error| failure::of_reading(&self.route, &error))? {
                Some(packed) => {
                    self.progress.received(packed.len());
                    self.packed = packed;
                }
                None => self.has_ended = true,
            }
        }
    }

    /// Reads the body to its end or limit for at most `time`. An object in it ends where it says so itself, or
    /// behind the members that are `enough`, whatever comes then.
    pub(super) async fn whole(mut self, time: Duration, enough: &[&str]) -> Result<Response, TransportFailure> {
        use TransportFailure::{Garbled, Slow, TooLarge, Truncated};
        let mut body = Vec::new();
        let read = clock::within(time, self.read_to_end(&mut body)).await;
        match read.unwrap_or_else(|| Err(Slow(self.route.host.clone()))) {
            Err(Truncated(_) | Garbled(_) | Slow(_) | TooLarge(..))
                if decode::object(&body).is_ok_and(|fields| !fields.is_empty())
                    || decode::object_cut_behind(&body, enough).is_some() => {}
            read => read?,
        }
        Ok(Response { status: self.status, headers: self.headers, body })
    }

    async fn read_to_end(&mut self, body: &mut Vec<u8>) -> Result<(), TransportFailure> {
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn unpackable(&self, problem: Unpackable) -> TransportFailure {
        let host = self.route.host.clone();
        match problem {
            Unpackable::Encoding(encoding) => TransportFailure::Encoded(host, encoding),
            Unpackable::TooLarge => TransportFailure::TooLarge(host, self.limit),
            Unpackable::Truncated => TransportFailure::Truncated(host),
            Unpackable::Damaged => TransportFailure::Garbled(host),
        }
    }
}
