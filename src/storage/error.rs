//! Why the store could not be used.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::error::Advice;
use crate::files;
use crate::profile::ProfileName;
use crate::secret::shown;

/// Why the store could not be used. All but `Address`, which is 2, end a command with exit code 9.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("`{}` is no store: {problem}", shown(.store))]
    Address { store: String, problem: String },
    #[error("{action} {place} failed: {source}")]
    Io {
        action: &'static str,
        place: String,
        source: io::Error,
        /// Found where the error was, since that may take another look at the disk.
        advice: Advice,
    },
    #[error("another process ({}) has held the lock on profile `{profile}` for {} s", holder.as_deref().unwrap_or("which one is not known"), waited.as_secs())]
    Locked { profile: ProfileName, holder: Option<String>, waited: Duration },
    #[error("the key source is unavailable: {0}")]
    KeyUnavailable(String),
    #[error("no key can be made at {place}: {source}")]
    KeyNotMade { place: String, source: io::Error },
    #[error("the record {place} cannot be opened: {problem}")]
    Corrupt {
        place: String,
        problem: &'static str,
        /// Whose record it is, where it is one.
        profile: Option<ProfileName>,
    },
    #[error("the record {place} was written by a newer version of this program")]
    Newer { place: String },
    #[error("{place} is not safe: {problem}")]
    Unsafe { place: String, problem: String, advice: Advice },
    /// `on` is another machine than this one.
    #[error("profile `{profile}` has moved to {to}{}, and is refreshed and changed there only", on_machine(on.as_deref()))]
    Moved { profile: ProfileName, to: String, on: Option<String> },
    /// The store was brought back from a backup, or lost what was newest in it.
    #[error(
        "the record of profile `{profile}` is an older one (generation {generation}, and {written} was written here), whose \
         refresh token was replaced since: sending it again would end the sign-in"
    )]
    Spent { profile: ProfileName, generation: u64, written: u64 },
    /// Something that only a person asks for; `problem` is a sentence without its end.
    #[error("the store in {place} stays as it is: {problem}")]
    NotPossible { place: String, problem: String, advice: Advice },
    /// `problem` is a clause behind the name of the database; `is_away` where the same may work later with nothing changed.
    #[error("the database {place} {problem}")]
    Database { place: String, problem: String, advice: Advice, is_away: bool },
}

/// Behind an address, of another machine than this one.
pub(super) fn on_machine(name: Option<&str>) -> String {
    name.map(|name| format!(" on {name}")).unwrap_or_default()
}

impl StoreError {
    /// Says which `action` on `path` failed.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + use<'a> {
        move |source| {
            let advice = files::advice_on(path, &source).into();
            StoreError::Io { action, place: path.display().to_string(), source, advice }
        }
    }

    /// The same of what is no file.
    pub fn io_on(action: &'static str, place: impl Into<String>) -> impl FnOnce(io::Error) -> StoreError {
        move |source| {
            let advice = files::advice(&source).into();
            StoreError::Io { action, place: place.into(), source, advice }
        }
    }

    /// Says why a command cannot be done with the store at this place.
    pub(super) fn not_possible(place: String, problem: impl Into<String>, advice: impl Into<Advice>) -> StoreError {
        StoreError::NotPossible { place, problem: problem.into(), advice: advice.into() }
    }

    /// Whether it tells of the place where the records are, and nothing of who may read them.
    pub(super) fn is_of_place(&self) -> bool {
        self.is_away() || matches!(self, StoreError::Corrupt { .. } | StoreError::Io { .. })
    }

    /// Whether the disk or a quota leaves no room.
    pub fn is_lack_of_room(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};

        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// What failed and why, the nearest first.
    pub fn sources(&self) -> Vec<String> {
        match self {
            StoreError::Io { action, place, source, .. } => {
                vec![format!("{action} {place} failed"), source.to_string()]
            }
            StoreError::KeyNotMade { place, source } => {
                vec![format!("no key can be made at {place}"), source.to_string()]
            }
            _ => vec![self.to_string()],
        }
    }

    /// Whether the store cannot be reached for now, and nothing is known of what it holds.
    pub fn is_away(&self) -> bool {
        matches!(self, StoreError::Database { is_away: true, .. })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;

    use super::StoreError;
    use crate::error::{Advice, Error};

    #[test]
    fn what_helps_is_found_where_the_disk_was_and_not_by_whoever_tells_it() {
        let directory = tempfile::Builder::new().prefix("device-login").tempdir().expect("a directory");
        let set_mode = |mode| set_permissions(directory.path(), Permissions::from_mode(mode)).expect("it is ours");
        set_mode(0);
        let error =
            StoreError::io("opening", &directory.path().join("work.record"))(ErrorKind::PermissionDenied.into());
        set_mode(0o700);
        let command = format!("run `chmod u+rwX {}`", directory.path().display());
        assert_eq!(Error::from(error).advice, [Advice::from(command)]);
    }
}
