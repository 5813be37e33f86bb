//! Where grants are kept: one [`Record`] per profile, in a [`Store`] that was chosen once and is named to the person.
//!
//! `records` opens and judges what a `backend` keeps as bytes: in files, in memory.

pub mod backend;
mod calls;
mod copies;
mod envelope;
mod error;
mod file;
mod history;
mod key;
mod memory;
mod private;
mod protection;
pub mod record;
mod records;
mod reservation;
mod seal;
mod spare;
mod throttles;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use backend::{Backend, Clear, Found, Hold, Part};
pub use calls::{PastAnswer, PastCall};
pub use copies::Copied;
pub use error::StoreError;
pub use history::{Event, Happened};
pub use key::{KEY_FILE_VARIABLE, KeyCommand, KeyOptions, PASSPHRASE_FILE_VARIABLE};
pub use protection::{KeySource, Protection};
pub use record::{
    Account, Attempt, Doubt, Grant, IssuerEndpoints, LastRefresh, Record, RevocationNote, UnrevokedGrant,
};
pub use records::{Held, Store};
pub use throttles::{ClientAt, Throttled};

use self::file::FileBackend;
use self::key::Sources;
use self::memory::MemoryBackend;
use crate::files;

/// How long a writer waits for another one before it gives up.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Opens the store at `address`. Touches no file: that is left to the first reading or writing.
pub fn open(address: &StoreAddress, keys: KeyOptions) -> Store {
    open_with_spare(address, keys, None)
}

/// The same with a directory that takes a record whose own place fails in the middle of a commit.
pub fn open_with_spare(address: &StoreAddress, keys: KeyOptions, spare: Option<PathBuf>) -> Store {
    open_over(backend(address, spare), address, keys)
}

/// What keeps the bytes of the store at `address`.
pub fn backend(address: &StoreAddress, spare: Option<PathBuf>) -> Arc<dyn Backend> {
    match address {
        StoreAddress::File(directory) => Arc::new(FileBackend::new("file", directory.clone(), spare)),
        StoreAddress::Plain(directory) => Arc::new(FileBackend::new("plain", directory.clone(), spare)),
        StoreAddress::Memory => Arc::new(MemoryBackend::default()),
    }
}

/// The store at `address`, whose bytes `backend` keeps.
pub fn open_over(backend: Arc<dyn Backend>, address: &StoreAddress, options: KeyOptions) -> Store {
    let sources = match address {
        StoreAddress::File(directory) => Some(Sources { options, home: directory.clone() }),
        StoreAddress::Plain(_) | StoreAddress::Memory => None,
    };
    Store::new(backend, sources)
}

/// Stands for one committed state of a record: another commit has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub [u64; 4]);

/// Which store to open, as `--store` and `DEVICE_LOGIN_STORE` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// `file:DIR`: sealed records.
    File(PathBuf),
    /// `plain:DIR`: the same files without a seal.
    Plain(PathBuf),
    /// `memory:`: nothing outlives the process.
    Memory,
}

impl StoreAddress {
    /// Reads an address. The error repeats the scheme only, since what follows it may hold a password.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
        let problem = match scheme {
            "file" if !rest.is_empty() => return Ok(Self::File(files::expanded(rest.as_ref()))),
            "plain" if !rest.is_empty() => return Ok(Self::Plain(files::expanded(rest.as_ref()))),
            "memory" if rest.is_empty() => return Ok(Self::Memory),
            "file" | "plain" => "a directory has to follow the colon",
            "memory" => "nothing may follow the colon",
            "postgres" | "postgresql" => "this build has no PostgreSQL store",
            _ => "a store is `file:DIR`, `plain:DIR` or `memory:`",
        };
        let store = if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}:…") };
        Err(StoreError::Address { store, problem })
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreAddress::File(directory) => write!(f, "file:{}", directory.display()),
            StoreAddress::Plain(directory) => write!(f, "plain:{}", directory.display()),
            StoreAddress::Memory => f.write_str("memory:"),
        }
    }
}
