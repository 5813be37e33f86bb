//! Where a body or a part of one comes from: a file, or `-` for stdin.

use std::io;
use std::path::{Path, PathBuf};

use super::upload::Piece;
use crate::files;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Stdin,
    File(PathBuf),
}

/// A source that cannot be read, and why.
#[derive(Debug)]
pub struct Unreadable {
    pub name: String,
    pub error: io::Error,
}

impl Source {
    /// No shell replaces a `~` behind an `@`.
    pub fn named(name: &str) -> Self {
        if name == "-" { Self::Stdin } else { Self::File(files::expanded(Path::new(name))) }
    }

    /// Opens it, so that what cannot be read is told before anything is sent.
    pub fn open(&self) -> Result<Piece, Unreadable> {
        let opened = match self {
            Self::Stdin => Piece::stdin(),
            Self::File(path) => Piece::at(path),
        };
        opened.map_err(|error| Unreadable { name: self.name(), error })
    }

    /// As a person reads it.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// As curl reads it.
    pub fn for_curl(&self) -> String {
        if let Self::Stdin = self { "-".to_owned() } else { self.name() }
    }

    /// The last part of the path.
    pub fn file_name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }
}
