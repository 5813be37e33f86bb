//! Files that take the place of others, whole or not at all: they are written beside the one that they replace, and get its
//! name at the end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Trouble, access, create_private, directory_of, names_directory, sync_directory, synced};

/// How many files that killed processes of the same id left behind are stepped over.
const MOST_LEFT_BEHIND: u32 = 100;

/// This user alone.
pub const PRIVATE: Readers = Readers { mode: 0o600, group: None };

/// Who may read a file beside its owner. Systems without Unix modes have their own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readers {
    /// As `chmod` takes it.
    pub mode: u32,
    /// The number of its group; `None` for the one that the system gives.
    pub group: Option<u32>,
}

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
    /// Makes room for what is to come. Links are followed, but for those that others have put where everybody can; a new file
    /// may be read by whom the umask lets. A pipe that nobody reads is waited for, and `tell` called before that.
    pub fn begin(path: &Path, tell: impl FnOnce()) -> io::Result<Self> {
        let place = not_planted(path)?;
        let before = before(path)?;
        if before.as_ref().is_some_and(|before| is_of_the_system(path) || !before.is_file()) {
            let file = open_as_it_stands(path, tell)?;
            return Ok(Self { target: path.to_owned(), temporary: None, file, has_predecessor: true });
        }
        before.as_ref().map_or(Ok(()), check_writable)?;
        let begun = Self::beside(place?, before.as_ref(), create_new)?;
        before.map_or(Ok(()), |before| keep_access(&begun.file, &before))?;
        Ok(begun)
    }

    /// The same for what these may read, and at no moment anybody else. Whoever could read the one before it does not count,
    /// and a link itself is replaced.
    pub fn for_readers(path: &Path, readers: Readers) -> io::Result<Self> {
        not_planted(path).map(drop)?;
        let before = before(path)?;
        if is_of_the_system(path) || before.as_ref().is_some_and(|before| !before.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let begun = Self::beside(path.to_owned(), before.as_ref(), create_private)?;
        begun.let_read(readers)?;
        Ok(begun)
    }

    /// The same for those who may read the one before it; a new one for this user alone.
    fn for_the_same(path: &Path) -> io::Result<Self> {
        let before = before(path)?;
        if is_of_the_system(path) || before.as_ref().is_some_and(|before| !before.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        before.as_ref().map_or(Ok(()), check_writable)?;
        let begun = Self::beside(path.to_owned(), before.as_ref(), create_private)?;
        before.map_or(Ok(()), |before| keep_access(&begun.file, &before))?;
        Ok(begun)
    }

    #[cfg(unix)]
    fn let_read(&self, readers: Readers) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

        let now = self.file.metadata()?;
        // The group comes first: until then none may read it.
        if let Some(group) = readers.group.filter(|group| *group != now.gid()) {
            fchown(&self.file, None, Some(group))?;
        }
        if now.mode() & 0o777 == readers.mode {
            return Ok(());
        }
        self.file.set_permissions(fs::Permissions::from_mode(readers.mode))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
    fn let_read(&self, _: Readers) -> io::Result<()> {
        Ok(())
    }

    fn beside(target: PathBuf, before: Option<&Metadata>, create: fn(&Path) -> io::Result<File>) -> io::Result<Self> {
        if names_directory(&target) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (temporary, file) = create_beside(&target, create)?;
        Ok(Self { target, temporary: Some(temporary), file, has_predecessor: before.is_some() })
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

    /// Puts it in its place with this content, so that no loss of power leaves anything else there.
    pub fn finish_with(self, bytes: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.write_all(bytes)?;
        synced(file.sync_all())?;
        let directory = directory_of(&self.target).to_owned();
        self.finish()?;
        // Nothing would be undone by an error here: the file has its new content, which is safe a little later.
        let _ = sync_directory(&directory);
        Ok(())
    }
}

/// Whether it names what is open already, or leads there, such as `/dev/stdout`: that has its name there and stays itself.
fn is_of_the_system(path: &Path) -> bool {
    let is_there = |path: &Path| path.starts_with("/proc") || path.starts_with("/dev") && !path.starts_with("/dev/shm");
    is_there(path) || fs::read_link(path).is_ok_and(|target| is_there(&target))
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing more can be done about it.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Replaces a file whole or not at all. It keeps who may read it and whose it is; a new one is readable by this user alone.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Replacement::for_the_same(path)?.finish_with(bytes)
}

/// Deletes what processes left behind that were killed while they replaced this file. The caller holds off all others that
/// replace it.
pub fn remove_left_behind(path: &Path) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(entries) = fs::read_dir(directory_of(path)) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|other| is_left_behind(other, name)) {
            // Whoever comes next tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file of this name was made to take the place of the one called `name`.
fn is_left_behind(other: &str, name: &str) -> bool {
    let unique = other.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    unique
        .and_then(|unique| unique.split_once('.'))
        .is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(unix)]
fn open_as_it_stands(path: &Path, tell: impl FnOnce()) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::Errno;

    let mut options = OpenOptions::new();
    options.append(true);
    if !super::is_pipe(path)? {
        return options.open(path);
    }
    match options.clone().custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
            tell();
            options.open(path)
        }
        opened => {
            let file = opened?;
            fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
            Ok(file)
        }
    }
}

#[cfg(not(unix))]
fn open_as_it_stands(path: &Path, _: impl FnOnce()) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

/// The place behind all links, unless somebody else has put one of them, or the file, where everybody can. What is open already
/// may have a name under which nothing is found.
fn not_planted(path: &Path) -> io::Result<Result<PathBuf, Trouble>> {
    match access::follow_to_write(path) {
        Err(refused @ Trouble::Refused(_)) => Err(refused.into()),
        place => Ok(place),
    }
}

/// What is there now; a directory is nothing that can be replaced.
fn before(path: &Path) -> io::Result<Option<Metadata>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_writable(before: &Metadata) -> io::Result<()> {
    if before.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    Ok(())
}

/// A new file for the time being. Whoever was killed may have left some behind.
fn create_beside(path: &Path, create: fn(&Path) -> io::Result<File>) -> io::Result<(PathBuf, File)> {
    for number in 0..MOST_LEFT_BEHIND {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.{number}.tmp", std::process::id()));
        let temporary = PathBuf::from(temporary);
        match create(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn keep_access(file: &File, before: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};

        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            // Only root may give files away; whoever else may replace this one owns the new one.
            let _ = fchown(file, Some(before.uid()), Some(before.gid()));
        }
    }
    // Some file systems have one mode for all files, and let nobody set it.
    if file.metadata()?.permissions() == before.permissions() {
        return Ok(());
    }
    file.set_permissions(before.permissions())
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_keeps_who_may_read_it() {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;

        use crate::files::read_text;

        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml");
        let mode = || path.metadata().expect("it is there").permissions().mode() & 0o777;
        replace(&path, b"one").expect("it can be written");
        assert_eq!(mode(), 0o600);
        set_permissions(&path, Permissions::from_mode(0o640)).expect("it is ours");
        replace(&path, b"two").expect("it can be written");
        assert_eq!((mode(), read_text(&path, 9).expect("short").as_str()), (0o640, "two"));
        set_permissions(&path, Permissions::from_mode(0o444)).expect("it is ours");
        assert!(replace(&path, b"three").is_err());
        assert_eq!(read_text(&path, 9).expect("short").as_str(), "two");
        assert_eq!(directory.path().read_dir().expect("it is there").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_readers_that_were_named_whatever_it_had_before() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};

        use super::{Readers, Replacement};

        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let own_group = directory.path().metadata().expect("it is there").gid();
        for (mode, group) in [(0o600, None), (0o640, Some(own_group)), (0o644, None), (0o400, None), (0o600, None)] {
            let begun = Replacement::for_readers(&path, Readers { mode, group }).expect("it can be written");
            let temporary = begun.temporary.clone().expect("it is a file");
            assert_eq!(temporary.metadata().expect("it is there").permissions().mode() & 0o777, mode);
            begun.finish_with(b"token").expect("it can be written");
            let metadata = path.metadata().expect("it is there");
            assert_eq!(metadata.permissions().mode() & 0o777, mode);
            assert!(group.is_none_or(|group| metadata.gid() == group));
            assert!(!temporary.exists());
        }
        let refused = Replacement::for_readers("/dev/null".as_ref(), Readers { mode: 0o600, group: None });
        assert!(refused.is_err());
        // What is open already is no file to be replaced, whatever it is.
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/proc/self/fd/1", &link).expect("it can be made");
        assert!(Replacement::for_readers(&link, Readers { mode: 0o600, group: None }).is_err());
        assert!(replace(&link, b"token").is_err());
        assert!(link.is_symlink());
    }

    #[test]
    fn what_is_open_already_is_known_by_its_name() {
        use super::is_of_the_system;

        for (path, is_so) in [
            ("/dev/stdout", true),
            ("/dev/fd/3", true),
            ("/proc/self/fd/1", true),
            ("/dev/shm/token", false),
            ("/devices", false),
            ("token", false),
        ] {
            assert_eq!(is_of_the_system(path.as_ref()), is_so, "{path}");
        }
    }

    #[test]
    fn what_a_killed_process_left_behind_is_in_nobodys_way() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml");
        let left = directory.path().join(format!("config.toml.{}.0.tmp", std::process::id()));
        std::fs::File::create(&left).expect("it can be written");
        replace(&path, b"one").expect("it can be written");
        assert!(left.exists() && path.exists());
    }
}
