//! Writes an answer on a thread of its own: a pipe or a disk may keep it waiting, and signals are heard meanwhile.

use std::fs::File;
use std::io::{self, Write as _};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::cli::output::Body;
use crate::files::Replacement;

/// Pieces that wait to be written.
const PIECES_AHEAD: usize = 16;

/// Where an answer goes.
pub(super) enum Place {
    Stdout(Body),
    /// A file, and whether it is to be safe on the disk at the end.
    File(File, bool),
}

impl Place {
    /// The place of what takes a file's place, which stays with whoever may give it up.
    pub(super) fn beside(replacement: &Replacement) -> io::Result<Self> {
        Ok(Self::File(replacement.file().try_clone()?, replacement.is_regular()))
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(body) => body.write(piece),
            Self::File(file, _) => file.write_all(piece),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(body) => body.finish(),
            Self::File(file, true) => file.sync_all(),
            Self::File(..) => Ok(()),
        }
    }
}

/// The way to the thread.
pub(super) struct Writer {
    pieces: mpsc::Sender<Vec<u8>>,
    end: oneshot::Receiver<io::Result<()>>,
}

impl Writer {
    pub(super) fn start(mut place: Place) -> io::Result<Self> {
        let (pieces, mut waiting) = mpsc::channel::<Vec<u8>>(PIECES_AHEAD);
        let (ended, end) = oneshot::channel();
        thread::Builder::new().name("answer".to_owned()).spawn(move || {
            let mut write = || -> io::Result<()> {
                while let Some(piece) = waiting.blocking_recv() {
                    place.write(&piece)?;
                }
                Ok(())
            };
            let written = write();
            // Nobody listens any more where the call was given up.
            let _ = ended.send(written.and_then(|()| place.finish()));
        })?;
        Ok(Self { pieces, end })
    }

    /// Tells whether more can be written; why not is told by [`Writer::finish`].
    pub(super) async fn write(&mut self, piece: Vec<u8>) -> bool {
        piece.is_empty() || self.pieces.send(piece).await.is_ok()
    }

    /// Waits until all is written.
    pub(super) async fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        self.end.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes has ended")))
    }
}
