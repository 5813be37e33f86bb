//! Undoes `Content-Encoding` (RFC 9110 §8.4), piece by piece, so that long answers need no room.
//!
//! `identity` is asked for, and some servers and proxies pack all the same; others name an encoding and send plain text.
//! So the first bytes decide, and the name only where they leave it open.

use std::io;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The encodings that IANA lists beside those that are undone here. Other words (`utf-8`, `none`) are none.
const OTHERS: [&str; 8] = ["br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"];

/// Nobody packs one thing more often; each time takes room.
const MOST_ENCODINGS: usize = 3;

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
    Gzip(MultiGzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Deflate(DeflateDecoder<Room>),
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
        Self { encoding, inner, limit, given: 0, failed: None, state: State::Begun(Vec::new()) }
    }

    /// Whether a name of an encoding came with the body.
    pub(crate) fn is_labelled(&self) -> bool {
        !self.encoding.is_empty()
    }

    /// Takes a piece of the body, and gives what it holds.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<Vec<u8>, Unpackable> {
        let made = self.feed_own(piece)?;
        match &mut self.inner {
            Some(inner) => inner.feed(&made),
            None => Ok(made),
        }
    }

    fn feed_own(&mut self, piece: &[u8]) -> Result<Vec<u8>, Unpackable> {
        if let Some(problem) = &self.failed {
            return Err(problem.clone());
        }
        let is_labelled = self.is_labelled();
        let (result, made) = match &mut self.state {
            State::Begun(begun) => {
                begun.extend_from_slice(piece);
                if begun.len() < 2 && is_labelled {
                    return Ok(Vec::new());
                }
                let begun = std::mem::take(begun);
                self.state = self.told_by(&begun)?;
                return self.feed_own(&begun);
            }
            State::Plain => (Ok(()), piece.to_vec()),
            State::Gzip(decoder) => (write(decoder, piece), std::mem::take(&mut decoder.get_mut().made)),
            State::Zlib(decoder) => (write(decoder, piece), std::mem::take(&mut decoder.get_mut().made)),
            State::Deflate(decoder) => (write(decoder, piece), std::mem::take(&mut decoder.get_mut().made)),
        };
        self.failed = result.err().map(|error| unpackable(&error));
        match &self.failed {
            Some(problem) if made.is_empty() => Err(problem.clone()),
            // What came before the damage may be all that is wanted.
            _ => self.within_limit(made),
        }
    }

    /// Gives what is left at the body's end.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Unpackable> {
        if let Some(problem) = self.failed {
            return Err(problem);
        }
        let made = match std::mem::replace(&mut self.state, State::Plain) {
            State::Begun(begun) => Ok(begun),
            State::Plain => Ok(Vec::new()),
            State::Gzip(decoder) => decoder.finish().map(|room| room.made).map_err(without_trailer),
            State::Zlib(decoder) => decoder.finish().map(|room| room.made),
            State::Deflate(decoder) => decoder.finish().map(|room| room.made),
        };
        let made = self.within_limit(made.map_err(|error| unpackable(&error))?)?;
        let Some(mut inner) = self.inner.take() else { return Ok(made) };
        let mut whole = inner.feed(&made)?;
        whole.extend(inner.finish()?);
        Ok(whole)
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
            [0x1f, 0x8b, ..] => State::Gzip(MultiGzDecoder::new(room())),
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

/// Writes `piece` and has all given out that it holds.
fn write(decoder: &mut impl io::Write, piece: &[u8]) -> io::Result<()> {
    decoder.write_all(piece)?;
    decoder.flush()
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
