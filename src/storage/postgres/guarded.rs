//! What a server may send: no message that is longer than anybody needs, no answer without end, and over a connection that
//! others may have taken the place of, no question for a password that gives it away.
//!
//! The layer below reads whole messages into memory and answers whatever way of signing in a server names, so both are looked
//! at before it (PostgreSQL's documentation, "Message Formats").

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a message: two records of the longest there are, and room.
const LONGEST_MESSAGE: usize = 4 * 1024 * 1024;
/// Bytes of one answer: what is said of a hundred thousand profiles.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;
/// Kind and length.
const HEADER: usize = 5;

/// A server sent what is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it asks for the password in a way that gives it away where there is no TLS; `scram-sha-256` does not")]
    Password,
    #[error("it sends more than anybody needs")]
    TooMuch,
    #[error("it sends what is no message of PostgreSQL")]
    Garbled,
}

impl Refusal {
    /// The one behind an error of the layer that reads.
    pub(super) fn behind(error: &tokio_postgres::Error) -> Option<Refusal> {
        error.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref().copied()
    }
}

/// A stream of a server's messages that is looked at while it is read.
pub(super) struct Guarded<S> {
    inner: S,
    messages: Messages,
}

impl<S> Guarded<S> {
    /// A stream under verified TLS, over which a password may go.
    pub(super) fn trusted(inner: S) -> Self {
        Self { inner, messages: Messages::new(true) }
    }

    /// One whose other end may be anybody.
    pub(super) fn untrusted(inner: S) -> Self {
        Self { inner, messages: Messages::new(false) }
    }
}

/// Where in its messages a stream is.
struct Messages {
    may_have_password: bool,
    is_signed_in: bool,
    header: Vec<u8>,
    /// Bytes of the message that are still to come.
    left: usize,
    /// The way of signing in that is asked for, as far as it has come.
    way: Vec<u8>,
    /// Bytes since the server was ready for the next statement.
    answer: usize,
}

impl Messages {
    fn new(may_have_password: bool) -> Self {
        let (header, way) = (Vec::with_capacity(HEADER), Vec::with_capacity(4));
        Self { may_have_password, is_signed_in: false, header, left: 0, way, answer: 0 }
    }

    /// Looks at what came next.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            if self.header.len() < HEADER {
                let (part, rest) = bytes.split_at(bytes.len().min(HEADER - self.header.len()));
                self.header.extend_from_slice(part);
                bytes = rest;
                if let [kind, length @ ..] = &*self.header
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.begin(*kind, length)?;
                }
            } else {
                let (part, rest) = bytes.split_at(bytes.len().min(self.left));
                self.left -= part.len();
                bytes = rest;
                self.sign_in(part)?;
            }
            if self.header.len() == HEADER && self.left == 0 {
                self.header.clear();
                self.way.clear();
            }
        }
        Ok(())
    }

    fn begin(&mut self, kind: u8, length: [u8; 4]) -> Result<(), Refusal> {
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.left = length.checked_sub(4).ok_or(Refusal::Garbled)?;
        self.answer = if kind == b'Z' { 0 } else { self.answer.saturating_add(length) };
        if length > LONGEST_MESSAGE || self.answer > LONGEST_ANSWER { Err(Refusal::TooMuch) } else { Ok(()) }
    }

    /// Looks for the way of signing in, until the server is content.
    fn sign_in(&mut self, part: &[u8]) -> Result<(), Refusal> {
        if self.is_signed_in || self.header.first() != Some(&b'R') {
            return Ok(());
        }
        self.way.extend(part.iter().take(4 - self.way.len()));
        match *self.way {
            [0, 0, 0, 0] => self.is_signed_in = true,
            // SASL, its next steps and its end.
            [0, 0, 0, 10..=12] => {}
            [_, _, _, _] if !self.may_have_password => return Err(Refusal::Password),
            _ => {}
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled {
            let looked_at = self.messages.take(buf.filled().get(before..).unwrap_or_default());
            return Poll::Ready(looked_at.map_err(|refusal| io::Error::new(io::ErrorKind::InvalidData, refusal)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_ANSWER, LONGEST_MESSAGE, Messages, Refusal};

    /// A message of this kind that says to be so much longer than it is.
    fn message(kind: u8, content: &[u8], more: usize) -> Vec<u8> {
        let length = u32::try_from(content.len() + 4 + more).expect("a length");
        [&[kind][..], &length.to_be_bytes(), content].concat()
    }

    /// What comes of a stream, whichever pieces it comes in.
    fn looked_at(may_have_password: bool, stream: &[u8]) -> Result<(), Refusal> {
        let each = [1, 3, 7, stream.len()].map(|size| {
            let mut messages = Messages::new(may_have_password);
            stream.chunks(size).try_for_each(|piece| messages.take(piece))
        });
        assert!(each.iter().all(|one| *one == each[0]), "{each:?}");
        each[0]
    }

    #[test]
    fn only_ways_that_give_no_password_away_are_answered_without_tls() {
        let asks = |way: u32| [message(b'R', &way.to_be_bytes(), 0), message(b'S', b"a\0b\0", 0)].concat();
        // Ok, then Kerberos, the password itself, its hash, a socket's credential, GSSAPI, SSPI, SASL.
        for (way, is_taken) in [
            (0, true),
            (2, false),
            (3, false),
            (5, false),
            (6, false),
            (7, false),
            (9, false),
            (10, true),
            (11, true),
            (12, true),
            (99, false),
            (u32::MAX, false),
        ] {
            let expected = if is_taken { Ok(()) } else { Err(Refusal::Password) };
            assert_eq!(looked_at(false, &asks(way)), expected, "{way}");
            assert_eq!(looked_at(true, &asks(way)), Ok(()), "{way}");
            // Behind a notice as well, and behind another way.
            let later = [message(b'N', b"hello\0", 0), asks(10), asks(way)].concat();
            assert_eq!(looked_at(false, &later), expected, "{way}");
        }
        // Somebody who is signed in may be told what begins so.
        assert_eq!(looked_at(false, &[asks(0), asks(3)].concat()), Ok(()));
    }

    #[test]
    fn what_has_no_end_is_not_taken() {
        assert_eq!(looked_at(true, &message(b'D', b"", LONGEST_MESSAGE)), Err(Refusal::TooMuch));
        assert_eq!(looked_at(true, b"D\xff\xff\xff\xff"), Err(Refusal::TooMuch));
        assert_eq!(looked_at(true, b"D\0\0\0\x03"), Err(Refusal::Garbled));
        let row = message(b'D', &vec![0; LONGEST_MESSAGE / 2], 0);
        let fit = LONGEST_ANSWER / row.len();
        let many = |count: usize| {
            let mut messages = Messages::new(true);
            (0..count).try_for_each(|_| messages.take(&row))
        };
        assert_eq!((many(fit), many(fit + 2)), (Ok(()), Err(Refusal::TooMuch)));
        let mut messages = Messages::new(true);
        for _ in 0..fit + 2 {
            assert_eq!(messages.take(&row).and_then(|()| messages.take(&message(b'Z', b"I", 0))), Ok(()));
        }
    }
}
