//! Where a body or a part of one comes from: a file, or `-` for stdin.

use std::path::PathBuf;

use crate::error::{Code, Error};
use crate::files;
use crate::http::upload::Piece;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    pub(super) fn named(name: &str) -> Self {
        if name == "-" { Self::Stdin } else { Self::File(PathBuf::from(name)) }
    }

    /// Opens it, so that what cannot be read is told before anything is sent.
    pub(super) fn open(&self) -> Result<Piece, Error> {
        let opened = match self {
            Self::Stdin => Piece::stdin(),
            Self::File(path) => Piece::at(path),
        };
        opened.map_err(|error| {
            let name = match self {
                Self::Stdin => "stdin".to_owned(),
                Self::File(path) => path.display().to_string(),
            };
            let hint = files::advice(&error);
            Error::new(Code::Usage, format!("the body could not be read from {name}")).because(error).advise(hint)
        })
    }

    /// The last part of the path.
    pub(super) fn file_name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }
}
