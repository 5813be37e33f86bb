//! Writes an answer on a thread of its own: a pipe or a disk may keep it waiting, and signals are heard meanwhile.

use std::fs::File;
use std::io::{self, Write as _};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::cli::output::{Body, Page};
use crate::files::Replacement;
use crate::json::MARK;

/// Pieces that wait to be written.
const PIECES_AHEAD: usize = 16;

/// Where an answer goes.
pub(super) enum Place {
    Stdout(Body),
    File {
        file: File,
        /// Whether it is to be safe on the disk at the end.
        is_regular: bool,
        /// Whether the last line has its end.
        is_line_done: bool,
    },
}

impl Place {
    /// The place of what takes a file's place, which stays with whoever may give it up.
    pub(super) fn beside(replacement: &Replacement) -> io::Result<Self> {
        let file = replacement.file().try_clone()?;
        Ok(Self::File { file, is_regular: replacement.is_regular(), is_line_done: true })
    }

    /// Begins an answer, on a line of its own.
    fn begin(&mut self, page: &Page) -> io::Result<()> {
        match self {
            Self::Stdout(body) => body.begin(page),
            Self::File { is_line_done, .. } => {
                let end: &[u8] = if *is_line_done { b"" } else { b"\n" };
                self.write(&[end, page.head.as_bytes()].concat())
            }
        }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(body) => body.write(piece),
            Self::File { file, is_line_done, .. } => {
                *is_line_done = piece.last().map_or(*is_line_done, |byte| *byte == b'\n');
                file.write_all(piece)
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(body) => body.finish(),
            Self::File { file, is_regular: true, .. } => file.sync_all(),
            Self::File { .. } => Ok(()),
        }
    }
}

/// How answers that follow one another are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Each begins on a line of its own, after its head.
    Lines,
    /// They are JSON values, and become one array.
    Array,
}

enum Piece {
    Page(Page),
    More(Vec<u8>),
    /// All has come.
    End,
    /// Nothing more comes.
    BreakOff,
}

/// The way to the thread.
pub(super) struct Writer {
    pieces: mpsc::Sender<Piece>,
    end: oneshot::Receiver<io::Result<()>>,
    /// Whether a person looks at what is written.
    pub(super) is_for_terminal: bool,
}

impl Writer {
    pub(super) fn start(place: Place, layout: Layout) -> io::Result<Self> {
        let (pieces, mut waiting) = mpsc::channel(PIECES_AHEAD);
        let (ended, end) = oneshot::channel();
        let is_for_terminal = matches!(&place, Place::Stdout(body) if body.is_for_terminal());
        let mut sheet = Sheet { place, layout, has_begun: false };
        thread::Builder::new().name("answer".to_owned()).spawn(move || {
            let write = || -> io::Result<()> {
                while let Some(piece) = waiting.blocking_recv() {
                    match piece {
                        Piece::Page(page) => sheet.begin(&page)?,
                        Piece::More(bytes) => sheet.place.write(&bytes)?,
                        Piece::End => return sheet.finish(),
                        Piece::BreakOff => return sheet.place.finish(),
                    }
                }
                Ok(())
            };
            // Nobody listens any more where the call was given up.
            let _ = ended.send(write());
        })?;
        Ok(Self { pieces, end, is_for_terminal })
    }

    /// Begins an answer. Tells whether more can be written; why not is told by [`Writer::finish`].
    pub(super) async fn begin(&mut self, page: Page) -> bool {
        self.pieces.send(Piece::Page(page)).await.is_ok()
    }

    /// Goes on with the answer that has begun; otherwise the same.
    pub(super) async fn write(&mut self, piece: Vec<u8>) -> bool {
        piece.is_empty() || self.pieces.send(Piece::More(piece)).await.is_ok()
    }

    /// Ends what is written, and waits until all is.
    pub(super) async fn finish(self) -> io::Result<()> {
        self.end_by(Piece::End).await
    }

    /// Waits until all that came is written, and leaves it as far as that is.
    pub(super) async fn break_off(self) -> io::Result<()> {
        self.end_by(Piece::BreakOff).await
    }

    async fn end_by(self, piece: Piece) -> io::Result<()> {
        // A thread that hears nothing has ended, and says why.
        let _ = self.pieces.send(piece).await;
        drop(self.pieces);
        self.end.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes has ended")))
    }
}

/// What is written, and how far that is.
struct Sheet {
    place: Place,
    layout: Layout,
    has_begun: bool,
}

impl Sheet {
    fn begin(&mut self, page: &Page) -> io::Result<()> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first || self.layout == Layout::Lines {
            self.place.begin(page)?;
        }
        let beginning = match self.layout {
            Layout::Lines => page.beginning.as_slice(),
            Layout::Array => {
                self.place.write(if is_first { b"[" } else { b"," })?;
                // Amid a text it would be no mark.
                page.beginning.strip_prefix(&MARK).unwrap_or(&page.beginning)
            }
        };
        self.place.write(beginning)
    }

    fn finish(mut self) -> io::Result<()> {
        match (self.layout, self.has_begun) {
            (Layout::Lines, _) => {}
            (Layout::Array, true) => self.place.write(b"]\n")?,
            (Layout::Array, false) => self.place.write(b"[]\n")?,
        }
        self.place.finish()
    }
}
