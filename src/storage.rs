//! Where grants are kept: one [`Record`] per profile, in a [`Store`] that was chosen once and is named to the person.
//!
//! `records` opens and judges what a `backend` keeps as bytes: in files, in a database, in memory.

pub mod backend;
mod calls;
mod copies;
mod envelope;
mod error;
mod file;
mod history;
mod key;
mod lock;
mod lost;
mod memory;
mod pending;
mod poller;
#[cfg(feature = "postgres")]
pub mod postgres;
mod private;
mod protection;
mod record;
mod records;
mod reservation;
mod seal;
mod seen;
mod spare;
mod throttles;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use backend::{Backend, Clear, DatabaseDetails, Found, Health, Hold, Part, StoreKind};
pub use calls::{PastAnswer, PastCall};
pub use copies::Copied;
pub use error::StoreError;
pub use history::{Event, Happened};
pub use key::{KEY_FILE_VARIABLE, KeyCommand, KeyOptions, NewKey, PASSPHRASE_FILE_VARIABLE};
pub use lost::Lost;
pub use pending::{Booted, Clocks, EndedSignIn, PendingId, PendingSignIn};
pub use poller::{Asker, LastPoll, Poller, Rest};
pub use protection::{Grade, KeyKind, KeySource, Protection};
pub use record::{
    Account, Attempt, Doubt, Grant, IssuerEndpoints, LastRefresh, Moved, Record, RevocationNote, UnrevokedGrant, UsedUp,
};
pub use records::{Checked, CopyOutcome, Destination, Finding, FindingKind, Held, Opener, Rekeyed, Store, StoreInfo};
pub(crate) use seal::digest_of;
pub use throttles::{ClientAt, Throttled};

use self::file::FileBackend;
use self::key::Sources;
use self::memory::MemoryBackend;
#[cfg(feature = "postgres")]
use self::postgres::PostgresBackend;
use crate::files;
use crate::files::access::Judged;

/// How long a writer waits for another one before it gives up.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Opens the store at `address`. Touches no file: that is left to the first reading or writing.
pub fn open(address: &StoreAddress, keys: KeyOptions) -> Store {
    open_with_spare(address, keys, None)
}

/// The same with a directory that takes a record whose own place fails in the middle of a commit.
pub fn open_with_spare(address: &StoreAddress, keys: KeyOptions, spare: Option<PathBuf>) -> Store {
    let backend = backend_beyond(&keys.judged, address, spare.as_deref());
    // One that is named by a relative path from somewhere else is another one.
    let name = address.directory().map(|directory| files::absolute(directory).display().to_string());
    let name = name.unwrap_or_else(|| backend.place());
    let store = open_over(backend, address, keys);
    match spare {
        Some(spare) if *address != StoreAddress::Memory => store.noting(spare, name),
        _ => store,
    }
}

/// What keeps the bytes of the store at `address`.
pub fn backend(address: &StoreAddress, spare: Option<&Path>) -> Arc<dyn Backend> {
    backend_beyond(&Judged::default(), address, spare)
}

/// The same where some directories were judged already.
fn backend_beyond(judged: &Judged, address: &StoreAddress, spare: Option<&Path>) -> Arc<dyn Backend> {
    let files = |kind, directory: &Path| {
        FileBackend::new(kind, directory.to_owned(), spare.map(Path::to_owned), judged.clone())
    };
    match address {
        StoreAddress::File(directory) => Arc::new(files(StoreKind::File, directory)),
        StoreAddress::Plain(directory) => Arc::new(files(StoreKind::Plain, directory)),
        StoreAddress::Memory => Arc::new(MemoryBackend::default()),
        #[cfg(feature = "postgres")]
        StoreAddress::Postgres(address) => Arc::new(PostgresBackend::new(address, spare)),
    }
}

/// The store at `address`, whose bytes `backend` keeps.
pub fn open_over(backend: Arc<dyn Backend>, address: &StoreAddress, options: KeyOptions) -> Store {
    let sources = match address {
        StoreAddress::File(directory) => {
            Some(Sources { options, home: directory.clone(), address: address.in_full(), by_variables: true })
        }
        StoreAddress::Plain(_) | StoreAddress::Memory => None,
        #[cfg(feature = "postgres")]
        StoreAddress::Postgres(database) => {
            Some(Sources { home: database.home(&options), options, address: address.in_full(), by_variables: true })
        }
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
    /// `postgres://…`: a database that several machines share.
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Address>),
}

impl StoreAddress {
    /// Where its records are files.
    pub fn directory(&self) -> Option<&Path> {
        if let Self::File(directory) | Self::Plain(directory) = self { Some(directory) } else { None }
    }

    /// Reads an address. The error repeats the scheme only, since what follows it may hold a password.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
        let problem = match scheme {
            "file" if !rest.is_empty() => return Ok(Self::File(files::expanded(rest.as_ref()))),
            "plain" if !rest.is_empty() => return Ok(Self::Plain(files::expanded(rest.as_ref()))),
            "memory" if rest.is_empty() => return Ok(Self::Memory),
            "file" | "plain" => "a directory has to follow the colon",
            "memory" => "nothing may follow the colon",
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => match postgres::Address::parse(address) {
                Ok(address) => return Ok(Self::Postgres(Box::new(address))),
                Err(problem) => return Err(StoreError::Address { store: format!("{scheme}://…"), problem }),
            },
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => "this build has no PostgreSQL store",
            _ => "a store is `file:DIR`, `plain:DIR`, `postgres://…` or `memory:`",
        };
        let store = if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}:…") };
        Err(StoreError::Address { store, problem: problem.to_owned() })
    }

    /// Whether the variables of libpq count for it.
    pub fn is_database(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
            _ => false,
        }
    }

    /// Whether a password stands in it, which everybody can read where it is an argument of a command.
    pub fn has_password(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(address) => address.has_password(),
            _ => false,
        }
    }

    /// As it was given, without its password only.
    pub fn in_full(&self) -> String {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(address) => address.in_full(),
            other => other.to_string(),
        }
    }

    /// The same address with what the variables of libpq say of a database, and with the directory in which this machine keeps
    /// what goes with it.
    #[must_use]
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "no other store asks for them"))]
    pub fn completed_by(self, variable: &dyn Fn(&str) -> Option<String>, state_dir: &Path) -> Self {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(address) => Self::Postgres(Box::new(address.completed_by(variable).kept_in(state_dir))),
            other => other,
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreAddress::File(directory) => write!(f, "file:{}", directory.display()),
            StoreAddress::Plain(directory) => write!(f, "plain:{}", directory.display()),
            StoreAddress::Memory => f.write_str("memory:"),
            #[cfg(feature = "postgres")]
            StoreAddress::Postgres(address) => address.fmt(f),
        }
    }
}
