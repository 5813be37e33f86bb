//! What may be wrong with a file, and what a person can do about it.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::access::Refusal;
use super::file_system::mount_of;
use super::{directory_of, made, own};
use crate::random::NoRandomNumbers;
use crate::shell;

/// Why a file could not be used.
#[derive(Debug)]
pub enum Trouble {
    Io(io::Error),
    /// Others could have written it, or can read what nobody else should; or it is no file at all.
    Refused(Refusal),
}

impl Trouble {
    /// The file is not there.
    pub fn is_absence(&self) -> bool {
        matches!(self, Trouble::Io(error) if error.kind() == ErrorKind::NotFound)
    }

    /// Why the file that was named as `path` could not be used.
    pub fn cause(&self, path: &Path) -> String {
        match self {
            Trouble::Io(error) if self.is_absence() && path.iter().any(is_tilde) => {
                format!("{error}; `~` stands for this user's home only where nothing but a `/` follows")
            }
            Trouble::Io(error) => error.to_string(),
            Trouble::Refused(Refusal { path: refused, problem, .. }) if refused == path => problem.clone(),
            Trouble::Refused(Refusal { path, problem, .. }) => format!("{}: {problem}", path.display()),
        }
    }

    /// What to do about it with the file that was named as `path`.
    pub fn advice_on(&self, path: &Path) -> String {
        match self {
            Trouble::Io(error) => advice_on(path, error),
            Trouble::Refused(_) => self.advice(),
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Trouble::Io(error) => advice(error),
            Trouble::Refused(refusal) => refusal.advice.clone(),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Io(error) => error,
            Trouble::Refused(refusal) => io::Error::new(ErrorKind::PermissionDenied, refusal.problem),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

/// Whether a step of a path may have been meant as somebody's home.
fn is_tilde(step: &OsStr) -> bool {
    step.as_encoded_bytes().starts_with(b"~")
}

/// Whether this process or the system has no descriptor left for now, which tells nothing of the file.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(rustix::io::Errno::raw_os_error);
    #[cfg(not(unix))]
    let codes: [i32; 0] = [];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// What to do about an error of the system with the file at `path`.
pub fn advice_on(path: &Path, error: &io::Error) -> String {
    let closed = if error.kind() == ErrorKind::PermissionDenied { closed_step(path) } else { None };
    closed.map_or_else(|| advice(error), |step| format!("run `{}`", shell::on("chmod u+rwX", step)))
}

/// What on the way to a file, or the file itself, its owner, who runs this, has no right to use. Directories further up are only gone
/// through.
fn closed_step(path: &Path) -> Option<&Path> {
    path.ancestors().find(|step| {
        let Ok(metadata) = step.metadata() else { return false };
        let rights = match metadata.is_dir() {
            false => made::FILE,
            true if *step == path || *step == directory_of(path) => made::DIRECTORY,
            true => 0o100,
        };
        made::with_rights(&metadata, rights).is_some() && own::is_users(step)
    })
}

/// What to do about an error of the system with a file.
pub fn advice(error: &io::Error) -> String {
    if is_out_of_descriptors(error) {
        return "see what `ulimit -n` allows, and end what has many files open".to_owned();
    }
    if let Some(why) = error.get_ref()
        && why.is::<NoRandomNumbers>()
    {
        return "let the sandbox or the container in which this runs call `getrandom`".to_owned();
    }
    match error.kind() {
        ErrorKind::NotFound => "check the path",
        ErrorKind::PermissionDenied => return permission_advice(),
        ErrorKind::ReadOnlyFilesystem => "nothing can be written there: name another place, or mount it for writing",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk and try again",
        // The system says so of what is written.
        ErrorKind::FileTooLarge if error.raw_os_error().is_some() => "see what `ulimit -f` allows",
        // The system says so of threads and processes.
        ErrorKind::WouldBlock if error.raw_os_error().is_some() => "see what `ulimit -u` and `pids.max` allow",
        ErrorKind::FileTooLarge => "see whether it is the right file",
        ErrorKind::Unsupported => "keep it on a file system of this machine: `--store file:DIR`",
        ErrorKind::InvalidData => "write it as UTF-8 text",
        // Said of files that are none that can be replaced, and of names that are none.
        ErrorKind::InvalidInput if error.raw_os_error().is_none() => "name another file",
        ErrorKind::NotADirectory => "name a file, in a directory that is one",
        ErrorKind::IsADirectory => "name a file, not a directory",
        _ => "check the disk and the permissions",
    }
    .to_owned()
}

/// The error of a lock, naming the file system where that is the reason.
pub fn without_lock(path: &Path, error: io::Error) -> io::Error {
    #[cfg(unix)]
    let has_none = {
        use rustix::io::Errno;
        let none = [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP].map(Errno::raw_os_error);
        error.raw_os_error().is_some_and(|code| none.contains(&code))
    };
    #[cfg(not(unix))]
    let has_none = error.kind() == ErrorKind::Unsupported;
    if !has_none {
        return error;
    }
    let mount = path.parent().and_then(mount_of);
    let name = mount.map(|(kind, place)| format!(", {kind} mounted at {place},")).unwrap_or_default();
    io::Error::new(ErrorKind::Unsupported, format!("the file system there{name} gives no locks ({error})"))
}

fn permission_advice() -> String {
    #[cfg(unix)]
    let who = format!("user id {}", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let who = "this user";
    format!("this runs as {who}: run it as the user whose file it is, or name a file that this user may use")
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Error, ErrorKind};

    use rustix::io::Errno;

    use super::advice;

    #[test]
    fn advice_is_about_what_was_met_and_names_no_other_limit() {
        for (error, limit) in [
            (Error::from(Errno::MFILE), Some("`ulimit -n`")),
            (Error::from(Errno::NFILE), Some("`ulimit -n`")),
            (Error::from(Errno::FBIG), Some("`ulimit -f`")),
            (Error::from(Errno::AGAIN), Some("`ulimit -u`")),
            // As a lock says that somebody else has it.
            (ErrorKind::WouldBlock.into(), None),
            (Error::new(ErrorKind::FileTooLarge, "it is larger than 9 bytes"), None),
            (Error::new(ErrorKind::InvalidInput, "it is not a regular file"), Some("name another file")),
            (Error::from(Errno::NOENT), None),
        ] {
            let advice = advice(&error);
            let named = limit.map_or(!advice.contains("ulimit"), |limit| advice.contains(limit));
            assert!(named, "{error}: {advice}");
        }
    }
}
