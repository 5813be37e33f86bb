//! Undoes `Content-Encoding` (RFC 9110 §8.4), piece by piece, so that long answers need no room.
//!
//! `identity` is asked for, and some servers and proxies pack all the same; others name an encoding and send plain text.
//! So the first bytes decide, and the name only where they leave it open.

use std::io;

use bytes::{Buf, Bytes};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::GZIP;

/// The encodings that IANA lists beside those that are undone here. Other words (`utf-8`, `none`) are none.
const OTHERS: [&str; 8] = ["br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"];

/// Nobody packs one thing more often; each time takes room.
const MOST_ENCODINGS: usize = 3;

/// Bytes that come out at a time, or some more: what is packed may hold a thousand times as many as it has.
const MADE_AT_ONCE: usize = 64 * 1024;

/// Why a body cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpackable {
    /// It is packed in a way that is not known here.
    Encoding(String),
    /// It holds more than it may.
    TooLarge,
    /// What is packed ends too early.
    Truncated,
    /// What is packed is damaged.
    Damaged,
}

/// A body on its way from packed to plain.
pub(crate) struct Unpacking {
    /// The one that was applied last, in lower case; empty for a plain body.
    encoding: String,
    /// Undoes those that were applied before, if there were any.
    inner: Option<Box<Unpacking>>,
    /// What was unpacked here, and the inner one has not taken yet.
    between: Bytes,
    /// How much may come out in all.
    limit: usize,
    given: usize,
    /// What is wrong behind what was given last.
    failed: Option<Unpackable>,
    state: State,
}

enum State {
    /// Bytes that are too few to tell anything.
    Begun(Vec<u8>),
    Plain,
    Gzip(GzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Deflate(DeflateDecoder<Room>),
    /// What is packed has ended; what follows it is padding.
    Over,
}

/// Where a decoder puts what it makes, until there is no more room.
struct Room {
    made: Vec<u8>,
    left: usize,
}

impl Unpacking {
    /// For a body with these values of `Content-Encoding`, of which at most `limit` bytes are wanted.
    pub(crate) fn new<'a>(encodings: impl Iterator<Item = &'a str>, limit: usize) -> Self {
        let names = encodings.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase());
        let is_encoding = |name: &String| is_undone(name) || OTHERS.contains(&name.as_str());
        let mut names: Vec<String> = names.filter(is_encoding).collect();
        if names.len() > MOST_ENCODINGS {
            names = vec![names.join(", ")];
        }
        Self::of(names, limit)
    }

    fn of(mut names: Vec<String>, limit: usize) -> Self {
        let encoding = names.pop().unwrap_or_default();
        let inner = (!names.is_empty()).then(|| Box::new(Self::of(names, limit)));
        Self { encoding, inner, between: Bytes::new(), limit, given: 0, failed: None, state: State::Begun(Vec::new()) }
    }

    /// Whether a name of an encoding came with the body.
    pub(crate) fn is_labelled(&self) -> bool {
        !self.encoding.is_empty()
    }

    /// Takes as much of `packed` as gives some bytes, and gives these: none once `packed` is used up and, where the body has
    /// ended with it, nothing is left.
    pub(crate) fn next(&mut self, packed: &mut Bytes, has_ended: bool) -> Result<Vec<u8>, Unpackable> {
        let made = self.feed(packed)?;
        if made.is_empty() && has_ended { self.finish() } else { Ok(made) }
    }

    fn feed(&mut self, packed: &mut Bytes) -> Result<Vec<u8>, Unpackable> {
        loop {
            let Some(inner) = &mut self.inner else { return self.feed_own(packed) };
            let made = inner.feed(&mut self.between)?;
            if !made.is_empty() || packed.is_empty() {
                return Ok(made);
            }
            self.between = self.feed_own(packed)?.into();
        }
    }

    fn feed_own(&mut self, packed: &mut Bytes) -> Result<Vec<u8>, Unpackable> {
        if let Some(problem) = &self.failed {
            return Err(problem.clone());
        }
        if let State::Begun(begun) = &mut self.state {
            begun.extend(std::mem::take(packed));
            if begun.len() < 2 && !self.encoding.is_empty() {
                return Ok(Vec::new());
            }
            *packed = std::mem::take(begun).into();
            self.state = self.told_by(packed)?;
        }
        let (mut result, mut made) = (Ok(()), Vec::new());
        while made.is_empty() && !packed.is_empty() && result.is_ok() {
            let has_ended;
            (has_ended, made) = match &mut self.state {
                State::Begun(_) | State::Plain => (Ok(false), packed.split_to(packed.len().min(MADE_AT_ONCE)).into()),
                State::Gzip(decoder) => (write(decoder, GzDecoder::get_ref, packed), taken(decoder.get_mut())),
                State::Zlib(decoder) => (write(decoder, ZlibDecoder::get_ref, packed), taken(decoder.get_mut())),
                State::Deflate(decoder) => (write(decoder, DeflateDecoder::get_ref, packed), taken(decoder.get_mut())),
                State::Over => {
                    packed.clear();
                    (Ok(false), Vec::new())
                }
            };
            result = has_ended.and_then(|has_ended| if has_ended { self.go_on_behind(packed) } else { Ok(()) });
        }
        self.failed = result.err().map(|error| unpackable(&error));
        match &self.failed {
            Some(problem) if made.is_empty() => Err(problem.clone()),
            // What came before the damage may be all that is wanted.
            _ => self.within_limit(made),
        }
    }

    /// Behind the end of what is packed, gzip may have more of the same (RFC 1952 §2.2). Anything else is passed over.
    fn go_on_behind(&mut self, packed: &[u8]) -> io::Result<()> {
        if let State::Gzip(decoder) = std::mem::replace(&mut self.state, State::Over) {
            let room = decoder.finish()?;
            if GZIP.starts_with(&packed[..packed.len().min(GZIP.len())]) {
                self.state = State::Gzip(GzDecoder::new(room));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>, Unpackable> {
        if let Some(problem) = &self.failed {
            return Err(problem.clone());
        }
        let made = match std::mem::replace(&mut self.state, State::Plain) {
            State::Begun(begun) => Ok(begun),
            State::Plain | State::Over => Ok(Vec::new()),
            State::Gzip(decoder) => decoder.finish().map(|room| room.made).map_err(without_trailer),
            State::Zlib(decoder) => decoder.finish().map(|room| room.made),
            State::Deflate(decoder) => decoder.finish().map(|room| room.made),
        };
        let made = self.within_limit(made.map_err(|error| unpackable(&error))?)?;
        let Some(inner) = &mut self.inner else { return Ok(made) };
        if !made.is_empty() {
            self.between = made.into();
        }
        inner.next(&mut self.between, true)
    }

    fn within_limit(&mut self, made: Vec<u8>) -> Result<Vec<u8>, Unpackable> {
        self.given += made.len();
        if self.given > self.limit { Err(Unpackable::TooLarge) } else { Ok(made) }
    }

    /// What the first bytes and the label say together.
    fn told_by(&self, begun: &[u8]) -> Result<State, Unpackable> {
        let room = || Room { made: Vec::new(), left: self.limit };
        if !self.is_labelled() || reads_as_text(begun) {
            return Ok(State::Plain);
        }
        Ok(match begun {
            _ if begun.starts_with(&GZIP) => State::Gzip(GzDecoder::new(room())),
            _ if !is_undone(&self.encoding) => return Err(Unpackable::Encoding(self.encoding.clone())),
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => State::Zlib(ZlibDecoder::new(room())),
            _ if self.encoding == "deflate" => State::Deflate(DeflateDecoder::new(room())),
            _ => State::Plain,
        })
    }
}

fn is_undone(encoding: &str) -> bool {
    ["gzip", "x-gzip", "deflate"].contains(&encoding)
}

/// The beginnings of JSON, XML and HTML, which nothing packed has.
fn reads_as_text(begun: &[u8]) -> bool {
    let begun = begun.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun).trim_ascii_start();
    matches!(begun, [b'{' | b'[' | b'<' | b'"', b' '..=b'~' | b'\r' | b'\n' | b'\t', ..])
}

/// Writes what is packed until enough is made of it, or has all given out that it holds. Tells whether it ends before `packed` does.
fn write<W: io::Write>(decoder: &mut W, room: impl Fn(&W) -> &Room, packed: &mut Bytes) -> io::Result<bool> {
    while !packed.is_empty() {
        match decoder.write(packed)? {
            0 => return decoder.flush().map(|()| true),
            taken => packed.advance(taken),
        }
        if room(decoder).made.len() >= MADE_AT_ONCE {
            return Ok(false);
        }
    }
    decoder.flush().map(|()| false)
}

fn taken(room: &mut Room) -> Vec<u8> {
    std::mem::take(&mut room.made)
}

/// At the end, the checksum of gzip lacks or is another one: either way the body did not come as it was sent.
fn without_trailer(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::InvalidInput { io::ErrorKind::UnexpectedEof.into() } else { error }
}

fn unpackable(error: &io::Error) -> Unpackable {
    match error.kind() {
        io::ErrorKind::StorageFull => Unpackable::TooLarge,
        io::ErrorKind::UnexpectedEof => Unpackable::Truncated,
        _ => Unpackable::Damaged,
    }
}

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        self.made.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
