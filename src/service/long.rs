//! An answer that is too long for the memory: all of it goes into a file without a name, which is gone when nobody wants it any
//! more, and its beginning stays to be shown.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Service;
use super::api::OpenAnswer;
use crate::aside::aside;
use crate::error::{Advice, Code, Error};
use crate::files;
use crate::mutex::locked;

/// Bytes of it that stay in the memory.
const SHOWN: usize = 10_000_000;
/// Bytes that are written at a time.
const PIECE: usize = 1 << 20;

/// The whole of a long answer. Clones share its file.
#[derive(Clone, Debug)]
pub struct Long {
    /// Bytes that came.
    pub length: u64,
    rest: Rest,
}

#[derive(Clone, Debug)]
enum Rest {
    Kept(Arc<Mutex<File>>),
    /// The call ended there, since nothing more could be kept.
    Lost(Error),
    Forgotten,
}

impl Long {
    pub fn kept(file: File, length: u64) -> Self {
        Self { length, rest: Rest::Kept(Arc::new(Mutex::new(file))) }
    }

    pub fn lost(length: u64, error: &io::Error) -> Self {
        let why = Error::new(Code::Other, "the rest of the answer could not be kept").because(error);
        let rest = Rest::Lost(why.advise(files::advice(error)).advise(Advice::SaveAnswer));
        Self { length, rest }
    }

    /// Why it did not come whole.
    pub fn loss(&self) -> Option<&Error> {
        if let Rest::Lost(why) = &self.rest { Some(why) } else { None }
    }

    pub fn is_kept(&self) -> bool {
        matches!(self.rest, Rest::Kept(_))
    }

    /// Lets the file go, once nobody writes from it any more.
    pub fn forget(&mut self) {
        if self.is_kept() {
            self.rest = Rest::Forgotten;
        }
    }

    /// Writes all of it. Blocks the thread.
    pub fn write_to(&self, target: &mut File) -> io::Result<()> {
        let Rest::Kept(file) = &self.rest else {
            return Err(io::Error::other("the answer is not kept any more"));
        };
        let mut file = locked(file);
        file.rewind()?;
        let copied = io::copy(&mut *file, target)?;
        if copied == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl PartialEq for Long {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.rest, &other.rest) {
            (Rest::Kept(file), Rest::Kept(same)) => Arc::ptr_eq(file, same),
            (Rest::Lost(why), Rest::Lost(same)) => why == same,
            (rest, same) => matches!((rest, same), (Rest::Forgotten, Rest::Forgotten)),
        };
        is_same && self.length == other.length
    }
}

impl Eq for Long {}

impl Service {
    /// Keeps all of an answer of which the beginning has come, and leaves as much of it in the memory as is shown. Where the
    /// disk takes no more, the call ends there.
    pub(super) async fn keep_long(&self, open: &mut OpenAnswer<'_>) -> Result<Long, Error> {
        let mut piece = std::mem::take(&mut open.response.body);
        open.response.body = piece[..piece.len().min(SHOWN)].to_vec();
        let mut length = piece.len() as u64;
        let directory = self.scratch.clone();
        let mut written = aside(move || made_in(&directory).and_then(|file| write(file, &piece))).await;
        loop {
            let file = match written {
                Ok(file) => file,
                Err(error) => return Ok(Long::lost(length, &error)),
            };
            piece = Vec::with_capacity(PIECE);
            while piece.len() < PIECE
                && let Some(more) = open.more().await?
            {
                piece.extend_from_slice(&more);
            }
            if piece.is_empty() {
                return Ok(Long::kept(file, length));
            }
            length += piece.len() as u64;
            written = aside(move || write(file, &piece)).await;
        }
    }
}

/// A file in the directory, which may have to be made, or else where the system has such files.
fn made_in(directory: &Path) -> io::Result<File> {
    let made = files::create_private_directories(directory);
    made.and_then(|()| files::nameless(directory)).or_else(|_| files::nameless(&std::env::temp_dir()))
}

fn write(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes).map(|()| file)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;

    use super::{Long, made_in, write};

    #[test]
    fn what_is_kept_is_written_whole_more_than_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = made_in(&directory.path().join("new")).expect("its directory is made");
        let file = write(file, b"the beginning ").and_then(|file| write(file, b"and the end")).expect("it is written");
        let mut long = Long::kept(file, 25);
        for name in ["a", "b"] {
            let path = directory.path().join(name);
            long.write_to(&mut File::create(&path).expect("a file")).expect("it is saved");
            assert_eq!(std::fs::read(path).expect("it is there"), b"the beginning and the end");
        }
        let shared = long.clone();
        long.forget();
        assert!(!long.is_kept() && shared.is_kept() && long != shared);
        assert!(long.write_to(&mut made_in(directory.path()).expect("a file")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_what_helps() {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let error = write(full, b"x").expect_err("it is full");
        let long = Long::lost(64_000_001, &error);
        let why = long.loss().expect("it is lost");
        assert!(why.to_string().contains("No space left"), "{why}");
        assert!(why.what_helps().len() > 1 && !long.is_kept());
    }
}
