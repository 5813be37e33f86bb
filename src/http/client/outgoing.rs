//! A request on its way out.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::clock::{self, Moment};
use crate::http::progress::Progress;
use crate::http::upload::Measured;
use crate::http::{Method, Request, TransportFailure};

/// Bytes that are read and sent at a time.
const PIECE: usize = 64 * 1024;
/// Pieces that are read before anybody wants them.
const PIECES_AHEAD: usize = 2;

/// How long a long body waits for an early refusal. A server that wants nothing of it says so at once and may close without
/// reading any; a write that meets the closed connection would lose that answer.
const REFUSAL_WAIT: Duration = Duration::from_millis(200);
/// Bytes; what is shorter is through before anybody could close.
const LONG: u64 = 1024 * 1024;

/// A body that is read while it is sent, and what is counted and noted of that.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) body: Measured,
    pub(super) progress: Progress,
    /// Why the body could not be read.
    pub(super) problem: Arc<OnceLock<String>>,
}

/// Makes what the layer below sends, with a body that is there or one that is read meanwhile. Whether a body was not sent
/// since it was too late for that, `missed` tells.
pub(super) fn outgoing(
    request: &Request,
    body: &Bytes,
    sent: Option<&Sent>,
    missed: &Arc<AtomicBool>,
) -> Result<reqwest::Request, TransportFailure> {
    let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
        .expect("`http::Method` has the names of real methods only");
    let mut outgoing = reqwest::Request::new(method, request.url.clone());
    *outgoing.body_mut() = Some(match sent {
        Some(sent) => reqwest::Body::wrap(Sending::new(sent.clone())),
        None => match request.send_until {
            Some(until) => reqwest::Body::wrap(InTime { body: Some(body.clone()), until, missed: missed.clone() }),
            None => body.clone().into(),
        },
    });
    for (name, value) in &request.headers {
        let unfit = |_| TransportFailure::Setup(format!("the value of header `{name}` cannot be sent"));
        let mut value = reqwest::header::HeaderValue::from_bytes(value.expose().as_bytes()).map_err(unfit)?;
        value.set_sensitive(true);
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| TransportFailure::Setup(format!("a header cannot be called `{name}`")))?;
        outgoing.headers_mut().append(name, value);
    }
    // What is packed all the same is unpacked.
    let identity = reqwest::header::HeaderValue::from_static("identity");
    outgoing.headers_mut().entry("accept-encoding").or_insert(identity);
    let is_empty = sent.map_or(Some(body.len() as u64), |sent| sent.body.length()) == Some(0);
    if is_empty && matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        // Some servers refuse these without a length (RFC 9110 §8.6), and the layer below adds none.
        outgoing.headers_mut().insert("content-length", reqwest::header::HeaderValue::from_static("0"));
    }
    Ok(outgoing)
}

/// A body that is there, and is not sent too late. It is asked for when there is a connection, just before it is written.
struct InTime {
    body: Option<Bytes>,
    until: Moment,
    missed: Arc<AtomicBool>,
}

impl Body for InTime {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.body.is_some() && clock::now() > self.until {
            self.missed.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}

/// Reads the body on a thread, since a pipe or a disk may keep anybody waiting. The thread starts when the first piece is
/// wanted: by then there is a connection.
struct Sending {
    sent: Sent,
    /// How many bytes are still to come, if that is known.
    left: Option<u64>,
    pieces: Option<mpsc::Receiver<io::Result<Vec<u8>>>>,
    refusal_wait: Option<Pin<Box<Sleep>>>,
}

impl Sending {
    fn new(sent: Sent) -> Self {
        Self { left: sent.body.length(), sent, pieces: None, refusal_wait: None }
    }

    /// The reader ends when this is dropped, or with the process where a pipe keeps it waiting.
    fn start(&self) -> io::Result<mpsc::Receiver<io::Result<Vec<u8>>>> {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let body = self.sent.body.clone();
        thread::Builder::new().name("body".to_owned()).spawn(move || {
            let read = body.read_into(PIECE, |piece| sender.blocking_send(Ok(piece)).is_ok());
            if let Err(error) = read {
                // Nobody listens any more where the call has ended.
                let _ = sender.blocking_send(Err(error));
            }
        })?;
        Ok(receiver)
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if this.pieces.is_none() && this.left.is_none_or(|left| left > LONG) {
            let wait = this.refusal_wait.get_or_insert_with(|| Box::pin(tokio::time::sleep(REFUSAL_WAIT)));
            ready!(wait.as_mut().poll(context));
        }
        let polled = match &mut this.pieces {
            Some(pieces) => pieces.poll_recv(context),
            None => match this.start() {
                Ok(pieces) => this.pieces.insert(pieces).poll_recv(context),
                Err(error) => Poll::Ready(Some(Err(error))),
            },
        };
        polled.map(|piece| {
            Some(match piece? {
                Ok(piece) => {
                    this.left = this.left.map(|left| left.saturating_sub(piece.len() as u64));
                    this.sent.progress.sent(piece.len());
                    Ok(Frame::data(piece.into()))
                }
                Err(error) => {
                    // The first problem is the one to tell.
                    let _ = this.sent.problem.set(error.to_string());
                    Err(error)
                }
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
