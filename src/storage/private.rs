//! The store's files and directories, which only this user can read or replace: the rule of `files::access`, with errors
//! that are the store's.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::backend::Found;
use super::envelope::LIMIT;
use super::{StoreError, seal};
use crate::files::access::{self, Holds, Judged, Opened, Refusal};
use crate::files::{self, Trouble};
use crate::random;

pub(super) use crate::files::{create_private, directory_of, synced};

/// Reads a file of the store of at most `limit` bytes; `None` where there is none. Its directory was judged already.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let opened = access::open_inside(path, Holds::Secrets).map_err(|trouble| match trouble {
        // The store gave the file its name, so advice to name another one would help nobody.
        Trouble::Refused(refusal) if refusal.path == path && !path.is_file() => {
            let advice = "move it away, and restore the file from a backup if there was one".to_owned();
            Trouble::Refused(Refusal { advice, ..refusal })
        }
        trouble => trouble,
    });
    read_opened(path, opened, limit)
}

/// The same for a file of sealed bytes.
pub(super) fn read_bytes(path: &Path) -> Result<Found, StoreError> {
    // No record was ever a directory, a pipe, a socket or a device. Where a link leads is for a person to judge.
    let is_no_file = || path.symlink_metadata().is_ok_and(|found| !found.is_file() && !found.is_symlink());
    let read = match read(path, LIMIT) {
        Err(StoreError::Unsafe { .. }) if is_no_file() => return Ok(Found::Damaged("it is not a regular file")),
        read => read?,
    };
    Ok(match read {
        None => Found::Missing,
        Some(bytes) if bytes.len() as u64 > LIMIT => Found::Damaged("it is too long"),
        Some(bytes) => Found::Bytes(bytes),
    })
}

/// The same of each, as far as there are bytes.
pub(super) fn read_each(paths: &[PathBuf]) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
    let bytes = |path: &PathBuf| match read_bytes(path) {
        Ok(Found::Bytes(bytes)) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    };
    paths.iter().filter_map(bytes).collect()
}

/// The same as [`read`] for a file elsewhere, which no directory was judged for.
pub(super) fn read_named(
    path: &Path,
    holds: Holds,
    limit: u64,
    judged: &Judged,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    read_opened(path, judged.open(path, holds).map(|(opened, _)| opened), limit)
}

fn read_opened(
    path: &Path,
    opened: Result<Opened, Trouble>,
    limit: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Opened { mut file, metadata, .. } = match opened {
        Ok(opened) => opened,
        Err(trouble) if trouble.is_absence() => return Ok(None),
        Err(trouble) => return Err(unusable("opening", path)(trouble)),
    };
    let length = usize::try_from(metadata.len().min(limit + 1)).unwrap_or(usize::MAX);
    let mut content = Zeroizing::new(vec![0; length]);
    file.read_exact(&mut content).map_err(StoreError::io("reading", path))?;
    Ok(Some(content))
}

/// What a file begins with; `None` where that cannot be read, or is nothing.
pub(super) fn first_bytes<const N: usize>(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = vec![0; N];
    let length = access::options().read(true).open(path).ok()?.read(&mut bytes).ok()?;
    bytes.truncate(length);
    (length > 0).then_some(bytes)
}

/// Opens the lock file for reading and writing, and creates it on first use.
pub(super) fn open_lock(path: &Path) -> Result<File, StoreError> {
    let opened = access::options().read(true).write(true).create(true).truncate(false).open(path);
    check_lock(path)?;
    opened.and_then(files::with_owners_rights).map_err(StoreError::io("opening", path))
}

/// Refuses what is no file and has the name of a lock file. One that does not exist is fine.
pub(super) fn check_lock(path: &Path) -> Result<(), StoreError> {
    let problem = match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => "it is a symbolic link",
        Ok(found) if !found.is_file() => "it is not a regular file",
        // What else is wrong shows where it is opened.
        _ => return Ok(()),
    };
    let advice = "move it away: a new one is made when it is needed".into();
    Err(StoreError::Unsafe { place: path.display().to_string(), problem: problem.to_owned(), advice })
}

/// Gives a file its name unless something has that name already ([`ErrorKind::AlreadyExists`]). Its old name may stay.
///
/// A file system need offer neither hard links nor renaming that replaces nothing. Where it has neither, the name is taken
/// by an empty file first, so that still only one process gets it.
fn name_once(file: &Path, name: &Path) -> io::Result<()> {
    let is_answer = |error: &io::Error| matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound);
    match std::fs::hard_link(file, name) {
        Err(error) if !is_answer(&error) => {}
        linked => return linked,
    }
    match rename_new(file, name) {
        Err(error) if !is_answer(&error) => {}
        renamed => return renamed,
    }
    create_private(name)?;
    std::fs::rename(file, name).inspect_err(|_| drop(std::fs::remove_file(name)))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_new(file: &Path, name: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    Ok(renameat_with(CWD, file, CWD, name, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_new(_file: &Path, _name: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Creates a file with its whole content at once and durably. Whether it did: one that exists
/// already stays.
pub(super) fn create_once(path: &Path, content: &[u8]) -> Result<bool, StoreError> {
    let failed = StoreError::io("creating", path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unique = seal::hex(&random::bytes::<8>().map_err(&failed)?);
    let temporary = path.with_file_name(format!(".{name}.{unique}.new"));
    let created = create_private(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        synced(file.sync_all())?;
        name_once(&temporary, path)
    });
    // Where even this fails, a name without a meaning is left over.
    let _ = std::fs::remove_file(&temporary);
    match created {
        Ok(()) => sync_directory(directory_of(path)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Replaces a file as a whole and durably, or not at all; the caller holds off all others that replace it. Links are
/// followed.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = directory_of(&place);
    create_directory(directory)?;
    check_ancestors(directory)?;
    files::remove_left_behind(&place);
    files::replace(&place, content).map_err(StoreError::io("writing", path))?;
    sync_directory(directory)
}

/// Whether there was something to delete.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        // A directory that somebody made is not for this program to delete.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => Ok(false),
        Err(error) => Err(StoreError::io("removing", path)(error)),
    }
}

/// Makes what happened to names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    Directory::open(directory)?.sync()
}

/// A directory that is open already when what happens to its names has to be made durable.
pub(super) struct Directory {
    path: PathBuf,
    /// Other systems have no such thing.
    #[cfg(unix)]
    file: File,
}

impl Directory {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            file: File::open(path).map_err(StoreError::io("opening", path))?,
        })
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        #[cfg(unix)]
        synced(self.file.sync_all()).map_err(StoreError::io("syncing", &self.path))?;
        Ok(())
    }
}

/// Creates a directory and its missing parents for this user alone.
pub(super) fn create_directory(directory: &Path) -> Result<(), StoreError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory_of(directory);
    // The working directory, which has no other one above it by name, may be closed.
    if parent != directory {
        create_directory(parent)?;
    }
    match files::create_private_directory(directory) {
        Ok(()) => sync_directory(parent),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::io("creating", directory)(error)),
    }
}

/// Refuses a directory that others can look into. One that does not exist is fine.
pub(super) fn check_directory(directory: &Path) -> Result<(), StoreError> {
    access::check_private_directory(directory).map_err(unusable("looking at", directory))
}

/// Refuses a directory that others could write to or replace.
pub(super) fn check_ancestors(directory: &Path) -> Result<(), StoreError> {
    check_ancestors_beyond(&Judged::default(), directory)
}

/// The same where some were judged already.
pub(super) fn check_ancestors_beyond(judged: &Judged, directory: &Path) -> Result<(), StoreError> {
    judged.check_directory(directory).map(drop).map_err(unusable("looking at", directory))
}

fn unusable<'a>(action: &'static str, path: &'a Path) -> impl Fn(Trouble) -> StoreError + use<'a> {
    move |trouble| match trouble {
        Trouble::Io(error) => StoreError::io(action, path)(error),
        Trouble::Refused(Refusal { path, problem, advice }) => {
            StoreError::Unsafe { place: path.display().to_string(), problem, advice: advice.into() }
        }
    }
}
