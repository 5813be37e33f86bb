//! What this machine keeps of a store that it shares: a lock for each profile, by which the processes of one home queue and
//! a dead one is known at once; a spare place; and what tells this home from every other one.
//!
//! Where none of it can be written the store works all the same: then each hold is a home of its own, and all wait for leases.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::clock;
use crate::files::Locked;
use crate::profile::ProfileName;
use crate::random;
use crate::storage::spare::Spare;
use crate::storage::{StoreError, lock, private, seal};

/// Bytes of an id.
const ID_LENGTH: usize = 16;
const HOME: &str = "home";
/// Bytes of the number in it at most; it has twice as many as an id.
const HOME_LIMIT: u64 = 256;

impl Queued {
    /// Of a home of its own.
    pub(super) fn alone() -> Result<Self, StoreError> {
        Ok(Self { home: random_id()?, _lock: None })
    }
}

/// This machine's part of one store.
pub(super) struct Local {
    directory: PathBuf,
    /// Of the store.
    id: String,
    pub(super) spare: Spare,
    home: OnceLock<Option<Home>>,
}

/// What tells this home from every other one.
struct Home {
    /// Until its machine starts anew, as its locks last: two machines that run a copy of one disk have each their own.
    id: String,
    /// Over all starts, for what has to survive them.
    lasting_id: String,
}

/// That no other process of this home holds a profile, and which home that is.
pub(super) struct Queued {
    pub(super) home: String,
    _lock: Option<Locked>,
}

impl Local {
    /// In a directory below `state`, for the store that `identity` tells from others.
    pub(super) fn new(state: &Path, identity: &str) -> Self {
        let directory = state.join("postgres");
        let id = seal::id(identity.as_bytes());
        let spare = Spare::new(directory.clone(), identity.as_bytes());
        Self { directory, id, spare, home: OnceLock::new() }
    }

    /// Waits until no other process of this home holds the profile.
    pub(super) fn queue(&self, profile: &ProfileName, patience: Duration) -> Result<Queued, StoreError> {
        if let Some(home) = self.home.get_or_init(|| self.home().ok()) {
            match lock::acquire(&self.directory.join(format!("{profile}.{}.lock", self.id)), profile, patience) {
                Ok(lock) => return Ok(Queued { home: home.id.clone(), _lock: Some(lock) }),
                Err(error @ StoreError::Locked { .. }) => return Err(error),
                // What cannot be locked here is kept apart by the database.
                Err(_) => {}
            }
        }
        Queued::alone()
    }

    /// A copy of the directory, on whichever machine, is another home, since its locks are others.
    fn home(&self) -> Result<Home, StoreError> {
        private::create_directory(&self.directory)?;
        private::check_directory(&self.directory)?;
        private::check_ancestors(&self.directory)?;
        let path = self.directory.join(HOME);
        let failed = StoreError::io("reading", &path);
        if path.symlink_metadata().is_err() {
            private::create_once(&path, random_id()?.as_bytes())?;
        }
        let metadata = path.symlink_metadata().map_err(&failed)?;
        // Two homes could have a link to one and the same file, and locks of their own.
        let content = if metadata.is_file() { private::read(&path, HOME_LIMIT)? } else { None };
        let number = content.as_deref().and_then(|content| std::str::from_utf8(content).ok());
        let number = number.filter(|number| !number.is_empty() && number.len() as u64 <= HOME_LIMIT);
        let number = number.ok_or_else(|| failed(ErrorKind::InvalidData.into()))?;
        let boot = clock::boot().unwrap_or_default();
        let place = place_on_disk(&metadata);
        let id = |whole: String| seal::hex(&seal::digest::<ID_LENGTH>(whole.as_bytes()));
        // The number of a disk may be another one after each start, that of a file on it stays.
        let (_, file) = place;
        Ok(Home { id: id(format!("{number} {boot} {place:?}")), lasting_id: id(format!("{number} {file}")) })
    }

    /// The id of this home that stays; `None` where nothing can be kept.
    pub(super) fn lasting_home(&self) -> Option<String> {
        let home = self.home.get_or_init(|| self.home().ok()).as_ref()?;
        Some(home.lasting_id.clone())
    }

    /// Where the processes of this home settle who asks for a profile's pending sign-in; `None` where nothing can be kept.
    pub(super) fn poller_path(&self, profile: &ProfileName) -> Option<PathBuf> {
        self.home.get_or_init(|| self.home().ok()).as_ref()?;
        Some(self.directory.join(format!("{profile}.{}.poller", self.id)))
    }
}

#[cfg(unix)]
fn place_on_disk(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn place_on_disk(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// A number that nobody else has.
pub(super) fn random_id() -> Result<String, StoreError> {
    let failed = StoreError::io_on("asking for a random number from", "the system");
    random::bytes::<ID_LENGTH>().map(|bytes| seal::hex(&bytes)).map_err(failed)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use super::Local;
    use crate::storage::private;

    /// Whether two processes would take themselves for parts of one home.
    fn is_one_home(state: &Path) -> bool {
        let profile = "work".parse().expect("a name");
        let home = || Local::new(state, "store").queue(&profile, Duration::ZERO).expect("nobody holds it").home;
        home() == home()
    }

    #[test]
    fn a_home_stays_and_its_copy_is_another_one() {
        let [state, copy] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let lasting = |state: &Path| Local::new(state, "store").lasting_home().expect("it can be kept");
        let home = lasting(state.path());
        assert_eq!(lasting(state.path()), home);
        private::create_directory(&copy.path().join("postgres")).expect("a directory");
        fs::copy(state.path().join("postgres/home"), copy.path().join("postgres/home")).expect("a copy");
        assert_ne!(lasting(copy.path()), home);
    }

    #[test]
    fn a_home_that_is_no_sound_file_is_none() {
        let state = tempfile::tempdir().expect("a directory");
        let home = state.path().join("postgres/home");
        assert!(is_one_home(state.path()));
        let sound = state.path().join("sound");
        fs::rename(&home, &sound).expect("it was made");
        let write = |content: &[u8]| assert!(private::create_once(&home, content).expect("written"));
        let damages: [(&str, &dyn Fn()); 7] = [
            ("empty", &|| write(b"")),
            ("no text", &|| write(&[0xff; 32])),
            ("too long", &|| write("a".repeat(1000).as_bytes())),
            ("a link", &|| symlink(&sound, &home).expect("a link")),
            ("a link to what never ends", &|| symlink("/dev/zero", &home).expect("a link")),
            ("a link to nothing", &|| symlink("/nowhere", &home).expect("a link")),
            ("a pipe", &|| {
                let made = Command::new("mkfifo").arg("-m600").arg(&home).status();
                assert!(made.is_ok_and(|status| status.success()));
            }),
        ];
        for (name, damage) in damages {
            damage();
            assert!(!is_one_home(state.path()), "{name}");
            fs::remove_file(&home).expect("it stays");
        }
        fs::rename(&sound, &home).expect("it comes back");
        assert!(is_one_home(state.path()));
    }
}
