//! A file that is written piece by piece and takes its place at the end, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{create_beside, keep_access};

/// What is written beside the file that it is to replace. Dropped before the end, it leaves nothing behind.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    /// `None` for what is no regular file, and is written as it stands.
    temporary: Option<PathBuf>,
    file: File,
    has_predecessor: bool,
}

impl Replacement {
    /// Makes room for what is to come. Links are followed; a new file may be read by whom the umask lets.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let before = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::beside(path.to_owned(), None),
            Err(error) => return Err(error),
        };
        if before.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // What is open already has its name there, and stays itself: a file of the shell's behind `/dev/stdout`.
        let is_open_already = path.starts_with("/dev") || path.starts_with("/proc");
        if is_open_already || !before.is_file() {
            let file = OpenOptions::new().append(true).open(path)?;
            return Ok(Self { target: path.to_owned(), temporary: None, file, has_predecessor: true });
        }
        if before.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        Self::beside(path.canonicalize()?, Some(&before))
    }

    fn beside(target: PathBuf, before: Option<&fs::Metadata>) -> io::Result<Self> {
        if target.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (temporary, file) = create_beside(&target, create_new)?;
        let begun = Self { target, temporary: Some(temporary), file, has_predecessor: before.is_some() };
        before.map_or(Ok(()), |before| keep_access(&begun.file, before))?;
        Ok(begun)
    }

    /// What is left where it was given up.
    pub fn what_stays(&self) -> String {
        let target = self.target.display();
        match (&self.temporary, self.has_predecessor) {
            (None, _) => format!("what had come by then was written to {target}"),
            (Some(_), true) => format!("{target} stays as it was"),
            (Some(_), false) => format!("{target} was not made"),
        }
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether it takes a file's place, in place of being written as it stands.
    pub fn is_regular(&self) -> bool {
        self.temporary.is_some()
    }

    /// To write into. What is written into a clone counts as well.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts it in its place.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(temporary) = self.temporary.take() else { return Ok(()) };
        fs::rename(&temporary, &self.target).inspect_err(|_| self.temporary = Some(temporary.clone()))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing more can be done about it.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
