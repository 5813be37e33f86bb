//! The private place of a token file: a directory of its own, in memory where the system has such a place.
//!
//! The directory is locked while its process lives. One that nobody locks was left by a process that was killed, and the
//! next one clears it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::context::variable;
use super::super::limits::met_limit;
use crate::config::Environment;
use crate::error::{Code, Error};
use crate::files::{self, PRIVATE, Trouble, access};
use crate::secret::Secret;
use crate::service::TokenFile;

/// How many directories of one process are stepped over, such as one that is just being cleared.
const MOST_TRIES: u32 = 100;

/// A token file in a directory that goes with this.
#[derive(Debug)]
pub(super) struct Place {
    file: TokenFile,
    path: PathBuf,
    directory: PathBuf,
    /// Locked.
    _held: File,
}

impl Place {
    /// A new place with this token in it.
    pub(super) fn with(token: &Secret) -> Result<Self, Error> {
        let (mut refused, mut limit) = (Vec::new(), None);
        for base in bases() {
            match Self::below(&base, token) {
                Ok(place) => return Ok(place),
                Err(trouble) => {
                    refused.push(format!("{}: {}", base.display(), trouble.cause(&base)));
                    if let Trouble::Io(error) = trouble {
                        limit = limit.or(met_limit(&error));
                    }
                }
            }
        }
        let other = "let `TMPDIR` name a directory in which this user can write files that nobody else can replace";
        Err(Error::new(Code::Other, "there is no private place for the token file")
            .because(refused.join("; "))
            .advise(limit.unwrap_or_else(|| other.to_owned())))
    }

    fn below(base: &Path, token: &Secret) -> Result<Self, Trouble> {
        let base = access::check_directory(base)?;
        clear(&base);
        let (directory, held) = make_directory(&base)?;
        let path = directory.join("token");
        let place = Self { file: TokenFile::at(&path, PRIVATE)?, path, directory, _held: held };
        place.write(token)?;
        Ok(place)
    }

    pub(super) fn file(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, token: &Secret) -> Result<(), Trouble> {
        self.file.write(token)
    }

    pub(super) fn remove_file(&self) -> Result<(), Trouble> {
        self.file.remove()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// Where such a place may be, the best first.
fn bases() -> impl Iterator<Item = PathBuf> {
    let of_the_session = Environment(&variable).var("XDG_RUNTIME_DIR").map(PathBuf::from);
    let in_memory = of_the_session.filter(|base| base.is_absolute()).into_iter().chain([PathBuf::from("/dev/shm")]);
    in_memory.filter(|base| is_in_memory(base)).chain([std::env::temp_dir()])
}

#[cfg(target_os = "linux")]
fn is_in_memory(directory: &Path) -> bool {
    /// As `statfs(2)` has them: tmpfs and ramfs.
    const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    let Ok(found) = rustix::fs::statfs(directory) else { return false };
    #[expect(clippy::allow_attributes, reason = "the type differs between machines")]
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion)]
    i64::try_from(found.f_type).is_ok_and(|kind| IN_MEMORY.contains(&kind))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

/// What the names of such directories of this user begin with.
fn prefix() -> String {
    #[cfg(unix)]
    let user = rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let user = 0;
    format!("device-login-exec-{user}-")
}

fn make_directory(base: &Path) -> io::Result<(PathBuf, File)> {
    for number in 0..MOST_TRIES {
        let directory = base.join(format!("{}{}-{number}", prefix(), std::process::id()));
        match files::create_private_directory(&directory) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        // Whoever clears may have come between.
        if let Some(held) = hold(&directory)? {
            return Ok((directory, held));
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Locks a directory; `None` where it is somebody else's, or gone.
#[cfg(unix)]
fn hold(directory: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::MetadataExt;

    let held = match access::options().read(true).open(directory) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (own, before) = (rustix::process::geteuid().as_raw(), held.metadata()?);
    if !before.is_dir() || before.uid() != own || held.try_lock().is_err() {
        return Ok(None);
    }
    let is_same = |now: fs::Metadata| (now.dev(), now.ino()) == (before.dev(), before.ino());
    Ok(directory.symlink_metadata().is_ok_and(is_same).then_some(held))
}

/// Directories cannot be locked here; they are told by their processes, which nobody asks after.
#[cfg(not(unix))]
fn hold(directory: &Path) -> io::Result<Option<File>> {
    File::create(directory.join("lock")).map(Some)
}

/// Clears what killed processes of this user left, which holds tokens.
fn clear(base: &Path) {
    let prefix = prefix();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
            // What cannot be cleared is left to the next one.
            if let Ok(Some(_held)) = hold(&entry.path()) {
                remove(&entry.path());
            }
        }
    }
}

/// Removes what such a place has in it, and nothing else that somebody may have put there.
fn remove(directory: &Path) {
    let token = directory.join("token");
    files::remove_left_behind(&token);
    for file in [token, directory.join("lock")] {
        let _ = fs::remove_file(file);
    }
    let _ = fs::remove_dir(directory);
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::{Place, prefix};
    use crate::secret::Secret;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the directory is this test's own")]
    fn a_place_is_private_and_goes_with_its_owner_and_the_next_one_clears_what_was_left() {
        let base = tempfile::tempdir().expect("a directory");
        let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        let names = || fs::read_dir(base.path()).expect("it is there").count();
        // As a killed process leaves it, one of another user, and one that lives.
        let left = base.path().join(format!("{}77-0", prefix()));
        fs::create_dir(&left).expect("it can be made");
        for name in ["token", "token.77.0.tmp"] {
            fs::write(left.join(name), "secret").expect("it can be written");
        }
        let foreign = base.path().join("device-login-exec-4242424-77-0");
        fs::create_dir(&foreign).expect("it can be made");
        let alive = Place::below(base.path(), &Secret::new("first")).expect("a place");
        assert!(!left.exists() && foreign.exists());
        let place = Place::below(base.path(), &Secret::new("second")).expect("a place");
        assert_ne!(place.directory, alive.directory);
        assert_eq!((mode(&place.directory), mode(place.file())), (0o700, 0o600));
        for token in ["third", "fourth"] {
            place.write(&Secret::new(token)).expect("it can be written");
            assert_eq!(fs::read_to_string(place.file()).expect("it is there"), token);
        }
        assert_eq!(fs::read_to_string(alive.file()).expect("it is there"), "first");
        drop((place, alive));
        assert_eq!(names(), 1);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the directory is this test's own")]
    fn what_is_not_ours_in_such_a_directory_stays() {
        let base = tempfile::tempdir().expect("a directory");
        let place = Place::below(base.path(), &Secret::new("token")).expect("a place");
        let other = place.directory.join("notes");
        fs::write(&other, "mine").expect("it can be written");
        let file = place.file().to_owned();
        drop(place);
        assert!(other.exists() && !file.exists());
    }
}
