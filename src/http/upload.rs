//! A body that is read while it is sent: bytes, files and pipes, piece after piece.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::mutex::locked;

/// Bytes of a pipe that are read ahead: a shorter body is sent with its length, on which some servers insist.
const READ_AHEAD: u64 = 8 * 1024 * 1024;

/// What is sent, in this order. Clones share the pipes in it.
#[derive(Clone, Debug, Default)]
pub struct Upload(Vec<Piece>);

#[derive(Clone, Debug)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// A regular file, which can be read again.
    File(PathBuf),
    Pipe(Pipe),
}

/// What can be read once only.
#[derive(Clone)]
pub struct Pipe {
    name: String,
    /// Empty once somebody has begun to read.
    reader: Arc<Mutex<Option<Reader>>>,
    length: Option<u64>,
}

type Reader = Box<dyn Read + Send>;

impl Upload {
    pub fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// Tells whether a second request could carry the same.
    pub fn can_be_sent_again(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::Pipe(_)))
    }

    pub(super) fn measured(self) -> io::Result<Measured> {
        let measured = |piece: Piece| piece.length().map(|length| (piece, length));
        self.0.into_iter().map(measured).collect::<io::Result<_>>().map(Measured)
    }
}

/// Pieces and their lengths, where those are known. A length that was announced holds, whatever becomes of the file.
#[derive(Clone)]
pub(super) struct Measured(Vec<(Piece, Option<u64>)>);

impl Measured {
    /// The length of all together.
    pub(super) fn length(&self) -> Option<u64> {
        self.0.iter().try_fold(0_u64, |sum, (_, length)| sum.checked_add((*length)?))
    }

    /// Reads all of it, so many bytes at a time, until `take` wants no more.
    pub(super) fn read_into(self, size: usize, mut take: impl FnMut(Vec<u8>) -> bool) -> io::Result<()> {
        for (piece, length) in self.0 {
            let (mut reader, name) = (piece.open()?, piece.name());
            let mut left = length.unwrap_or(u64::MAX);
            while left > 0 {
                let mut bytes = vec![0; size.min(usize::try_from(left).unwrap_or(size))];
                let read = match reader.read(&mut bytes) {
                    Ok(0) if length.is_none() => break,
                    Ok(0) => return Err(io::Error::other(format!("{name} became shorter while it was sent"))),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    read => read.map_err(|error| named(&name, &error))?,
                };
                left -= read as u64;
                bytes.truncate(read);
                if !take(bytes) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Piece {
    /// The file or pipe at `path`. Waits for whoever writes into a pipe, and reads the beginning of it.
    pub fn at(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if metadata.is_file() && metadata.len() > 0 {
            return Ok(Self::File(path.to_owned()));
        }
        let pipe = Pipe::new(path.display().to_string(), file)?;
        // What the kernel makes while it is read, as below /proc, says to have no length, and is as a pipe.
        Ok(if metadata.is_file() && pipe.length == Some(0) { Self::File(path.to_owned()) } else { Self::Pipe(pipe) })
    }

    pub fn stdin() -> io::Result<Self> {
        Pipe::new("stdin".to_owned(), io::stdin()).map(Self::Pipe)
    }

    fn name(&self) -> String {
        match self {
            Self::Bytes(_) => "the body".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Pipe(pipe) => pipe.name.clone(),
        }
    }

    fn length(&self) -> io::Result<Option<u64>> {
        match self {
            Self::Bytes(bytes) => Ok(Some(bytes.len() as u64)),
            Self::File(path) => {
                let metadata = path.metadata().map_err(|error| named(&self.name(), &error))?;
                Ok(Some(metadata.len()))
            }
            Self::Pipe(pipe) => Ok(pipe.length),
        }
    }

    fn open(&self) -> io::Result<Reader> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Self::File(path) => Ok(Box::new(File::open(path).map_err(|error| named(&self.name(), &error))?)),
            Self::Pipe(pipe) => {
                let reader = locked(&pipe.reader).take();
                reader.ok_or_else(|| io::Error::other(format!("{} can be read once only", pipe.name)))
            }
        }
    }
}

impl Pipe {
    /// Reads ahead, so that the length of what is short is known.
    fn new(name: String, mut reader: impl Read + Send + 'static) -> io::Result<Self> {
        let mut ahead = Vec::new();
        reader.by_ref().take(READ_AHEAD).read_to_end(&mut ahead)?;
        let bytes = ahead.len() as u64;
        let whole: Reader = Box::new(Cursor::new(ahead).chain(reader));
        let length = (bytes < READ_AHEAD).then_some(bytes);
        Ok(Self { name, reader: Arc::new(Mutex::new(Some(whole))), length })
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipe({})", self.name)
    }
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}
