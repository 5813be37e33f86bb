//! Files and directories that only this user can read or replace.
//!
//! Everything is opened without following a symbolic link and judged by its open handle. What others could read or
//! replace is refused with the command that repairs it; nothing that exists has its mode changed here. Systems without
//! Unix modes check nothing.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::StoreError;

/// Who may read a file beside its owner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Nobody,
    /// The group bits are the mask of the access list by which systemd lets the service's user read a credential.
    Group,
}

impl StoreError {
    /// Says which `action` on `path` failed.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + use<'a> {
        move |source| StoreError::Io { action, path: path.to_owned(), source }
    }
}

/// Reads a file of at most `limit` bytes; `None` where there is none.
pub(super) fn read(path: &Path, readers: Readers, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut file = match open_options().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(open_failed(path, error)),
    };
    let metadata = file.metadata().map_err(StoreError::io("looking at", path))?;
    check_file(path, &metadata, readers)?;
    let length = usize::try_from(metadata.len().min(limit + 1)).unwrap_or(usize::MAX);
    let mut content = Zeroizing::new(vec![0; length]);
    file.read_exact(&mut content).map_err(StoreError::io("reading", path))?;
    Ok(Some(content))
}

/// What a file begins with; `None` where that cannot be read, or is nothing.
pub(super) fn first_bytes<const N: usize>(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = vec![0; N];
    let length = open_options().read(true).open(path).ok()?.read(&mut bytes).ok()?;
    bytes.truncate(length);
    (length > 0).then_some(bytes)
}

/// Creates a file that must not exist yet, readable by this user alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    open_options().write(true).create_new(true).open(path)
}

/// Opens the lock file for reading and writing, and creates it on first use.
pub(super) fn open_lock(path: &Path) -> Result<File, StoreError> {
    let file = open_options().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|error| open_failed(path, error))
}

/// Gives a file its name unless something has that name already ([`ErrorKind::AlreadyExists`]). Its old name may stay.
///
/// A file system need offer neither hard links nor renaming that replaces nothing. Where it has neither, the name is taken
/// by an empty file first, so that still only one process gets it.
pub(super) fn name_once(file: &Path, name: &Path) -> io::Result<()> {
    let is_answer = |error: &io::Error| matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound);
    match std::fs::hard_link(file, name) {
        Err(error) if !is_answer(&error) => {}
        linked => return linked,
    }
    match rename_new(file, name) {
        Err(error) if !is_answer(&error) => {}
        renamed => return renamed,
    }
    create_new(name)?;
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

/// The directory that holds `path`.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

/// Takes a file system that cannot sync for one on which nothing more can be done.
pub(super) fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// Creates a directory and its missing parents for this user alone.
pub(super) fn create_directory(directory: &Path) -> Result<(), StoreError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory_of(directory);
    create_directory(parent)?;
    #[cfg_attr(not(unix), expect(unused_mut, reason = "Unix systems set a mode"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Ok(()) => sync_directory(parent),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::io("creating", directory)(error)),
    }
}

/// Refuses a directory that others can look into. One that does not exist is fine.
pub(super) fn check_directory(directory: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Err(refusal(directory, "it is no directory".to_owned())),
        Ok(metadata) => check_access(directory, &metadata, 0o077, "700"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io("looking at", directory)(error)),
    }
}

/// Refuses a directory that others could write to or replace.
///
/// A group with the number of its directory's owner is that user's private group, which many systems give everybody and
/// which their umask then lets write.
#[cfg(unix)]
pub(super) fn check_ancestors(directory: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;

    const STICKY: u32 = 0o1000;
    let directory = directory.canonicalize().map_err(StoreError::io("looking at", directory))?;
    for parent in directory.ancestors() {
        let metadata = std::fs::metadata(parent).map_err(StoreError::io("looking at", parent))?;
        let is_private_group = metadata.gid() == metadata.uid() && metadata.uid() != 0;
        let others = if is_private_group { 0o002 } else { 0o022 };
        if metadata.mode() & others != 0 && metadata.mode() & STICKY == 0 {
            let parent_shown = parent.display();
            return Err(refusal(
                parent,
                format!("others can replace what is in it; if nobody else needs to, run `chmod go-w {parent_shown}`"),
            ));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "Unix systems check")]
pub(super) fn check_ancestors(_directory: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn check_file(path: &Path, metadata: &Metadata, readers: Readers) -> Result<(), StoreError> {
    if !metadata.is_file() {
        return Err(refusal(path, "it is not a regular file".to_owned()));
    }
    let refused = if readers == Readers::Group { 0o037 } else { 0o077 };
    check_access(path, metadata, refused, "600")
}

#[cfg(unix)]
fn check_access(path: &Path, metadata: &Metadata, refused: u32, wanted: &str) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;

    // Root can read and replace everything anyway, so what belongs to root is no worse for it.
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        let owner = metadata.uid();
        return Err(refusal(path, format!("it belongs to user id {owner}, not to user id {user} who runs this")));
    }
    if metadata.mode() & refused != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(refusal(
            path,
            format!("others can get at it (mode {mode:03o}); run `chmod {wanted} {}`", path.display()),
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "Unix systems check")]
fn check_access(_path: &Path, _metadata: &Metadata, _refused: u32, _wanted: &str) -> Result<(), StoreError> {
    Ok(())
}

/// Options that follow no symbolic link, do not wait for the other end of a pipe, and create for this user alone.
fn open_options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "Unix systems set a mode"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;

        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

fn open_failed(path: &Path, error: io::Error) -> StoreError {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            refusal(path, "it is a symbolic link; name the file itself".to_owned())
        }
        _ => StoreError::io("opening", path)(error),
    }
}

fn refusal(path: &Path, problem: String) -> StoreError {
    StoreError::Unsafe { path: path.to_owned(), problem }
}
