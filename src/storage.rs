//! Where grants are kept: one [`Record`] per profile, in a [`Store`] that was chosen once and is named to the person.
//!
//! Readers take no lock. Every write goes through [`Store::lock`], so that a refresh can read again, decide, ask the
//! provider and commit while no other process does the same. No failure path here deletes or blanks a record.

mod calls;
mod file;
mod history;
mod key;
mod memory;
mod private;
pub mod record;
mod seal;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use calls::{PastAnswer, PastCall};
pub use history::{Event, Happened};
pub use key::{KEY_FILE_VARIABLE, KeyOptions, PASSPHRASE_FILE_VARIABLE};
pub use record::{
    Account, Attempt, Doubt, Grant, IssuerEndpoints, LastRefresh, Record, RevocationNote, UnrevokedGrant,
};

use crate::files;
use crate::profile::ProfileName;

/// How long a writer waits for another one before it gives up.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Opens the store at `address`. Touches no file: that is left to the first load or lock.
pub fn open(address: &StoreAddress, keys: KeyOptions) -> Arc<dyn Store> {
    open_with_spare(address, keys, None)
}

/// The same with a directory that takes a record whose own place fails in the middle of a commit.
pub fn open_with_spare(address: &StoreAddress, keys: KeyOptions, spare: Option<PathBuf>) -> Arc<dyn Store> {
    match address {
        StoreAddress::File(directory) => Arc::new(file::FileStore::sealed(directory.clone(), keys, spare)),
        StoreAddress::Plain(directory) => Arc::new(file::FileStore::plain(directory.clone(), spare)),
        StoreAddress::Memory => Arc::new(memory::MemoryStore::default()),
    }
}

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

/// A place that keeps records.
pub trait Store: Send + Sync {
    /// The record as last committed; `None` where the profile has none.
    fn load(&self, profile: &ProfileName) -> Result<Option<Record>, StoreError>;

    /// Waits up to `patience` for the sole right to write this profile's record. Blocks the thread.
    fn lock(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn LockedRecord>, StoreError>;

    /// The calls that were made with a profile, as last saved, oldest first.
    fn calls(&self, _profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        Ok(Vec::new())
    }

    /// The profiles that have a record.
    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError>;

    /// Proves that records can be kept: writes a probe, reads it back and deletes it.
    fn probe(&self) -> Result<(), StoreError>;

    /// What this store found damaged since it was opened, and what it used instead: a sentence for people about each.
    fn found_damaged(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a person should know of damage to one profile's record, now or before.
    fn damage(&self, _profile: &ProfileName) -> Option<String> {
        None
    }

    /// The same of every profile of which there is any.
    fn all_damage(&self) -> BTreeMap<ProfileName, String> {
        BTreeMap::new()
    }

    /// Tells the committed records apart from earlier and later ones without opening any; `None` where only opening tells.
    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        None
    }

    /// Where the records are and what guards them, for people.
    fn protection(&self) -> Result<Protection, StoreError>;
}

/// Stands for one committed state of a record: another commit has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    changed: SystemTime,
    /// Where the system numbers its files, that of this one: each commit makes a new file.
    file: u64,
    length: u64,
}

/// The sole right to write one profile's record, given back when dropped.
pub trait LockedRecord: Send {
    /// Reads again, now that nobody else writes. A refresh that was [claimed](Self::claim) and of which nothing more was
    /// committed shows in the record as one whose answer got lost.
    fn load(&self) -> Result<Option<Record>, StoreError>;

    /// Makes sure that a commit will have room, before anything irreversible is asked of a provider.
    fn reserve(&mut self) -> Result<(), StoreError>;

    /// Reserves, and notes durably that a request goes out now whose answer may come only once. Nothing has to be opened
    /// any more to keep that answer. The next commit ends the attempt.
    fn claim(&mut self, attempt: Attempt) -> Result<(), StoreError>;

    /// Replaces the record durably; its `generation` becomes one more than that of the record it replaces.
    ///
    /// A failure that may pass is met by a second try, and then by the spare place, where the store has one. On an error
    /// the store holds either the old record or the new one, and `record` keeps its old generation.
    fn commit(&mut self, record: &mut Record) -> Result<(), StoreError>;

    /// Deletes the generation before this one and damaged files that were set aside, so that a grant which the last
    /// commit took out of the record is gone from the store as well.
    fn forget_previous(&mut self) -> Result<(), StoreError>;

    /// Replaces the calls that were made with the profile. None at all leave nothing behind.
    fn save_calls(&mut self, calls: &[PastCall]) -> Result<(), StoreError>;

    /// Deletes the record, the calls and everything that [`forget_previous`](Self::forget_previous) deletes.
    fn forget(&mut self) -> Result<(), StoreError>;
}

/// Where records are and what guards them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// `file`, `plain` or `memory`.
    pub kind: &'static str,
    pub place: Option<PathBuf>,
    pub key: KeySource,
    /// Whether the key can be had; else no record can be read.
    pub has_key: bool,
    /// The file that others on this machine can read, although it opens the key.
    pub exposed: Option<PathBuf>,
}

impl Protection {
    /// L0 (nothing) to L3 (also a stolen disk); see `docs/security.md`.
    pub fn grade(&self) -> &'static str {
        if self.exposed.is_some() { "L0" } else { self.key.grade() }
    }

    /// What this guards against, in words.
    pub fn in_words(&self) -> &'static str {
        if self.exposed.is_some() { "encrypted, but others can read the key" } else { self.key.in_words() }
    }

    /// What whoever sees to this machine should mend.
    pub fn warning(&self) -> Option<String> {
        let path = self.exposed.as_ref()?.display();
        Some(format!(
            "Others on this machine can read {path}, which opens the records: have root run `chmod o-r {path}`."
        ))
    }
}

/// Where the key comes from that seals the records, and so what the seal is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Records are not sealed: `--store plain:` was asked for by name.
    None,
    /// A random key in a file that only this user can read.
    KeyFile(PathBuf),
    /// A systemd credential.
    Credential,
    /// A key that a passphrase opens.
    Passphrase,
    /// Records never leave memory.
    Memory,
}

impl KeySource {
    /// The word that goes into JSON and into the store itself.
    pub fn word(&self) -> &'static str {
        match self {
            KeySource::None => "none",
            KeySource::KeyFile(_) => "key-file",
            KeySource::Credential => "credential",
            KeySource::Passphrase => "passphrase",
            KeySource::Memory => "memory",
        }
    }

    pub fn grade(&self) -> &'static str {
        match self {
            KeySource::None => "L0",
            KeySource::KeyFile(_) => "L1",
            KeySource::Credential => "L2",
            KeySource::Passphrase | KeySource::Memory => "L3",
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            KeySource::None => "not encrypted",
            KeySource::KeyFile(_) => "encrypted, key file readable by this user only",
            KeySource::Credential => "encrypted, key from a systemd credential",
            KeySource::Passphrase => "encrypted, key behind a passphrase",
            KeySource::Memory => "kept in memory only",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_key {
            return write!(f, "encrypted, but the key cannot be had ({})", self.key.word());
        }
        write!(f, "{} ({})", self.in_words(), self.grade())
    }
}

/// Why the store could not be used. Every one ends a command with exit code 9.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("`{store}` is no store: {problem}")]
    Address { store: String, problem: &'static str },
    #[error("{action} {} failed: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("another process (pid {}) has held the lock on profile `{profile}` for {} s", holder.as_deref().unwrap_or("unknown"), waited.as_secs())]
    Locked { profile: ProfileName, holder: Option<String>, waited: Duration },
    #[error("the key source is unavailable: {0}")]
    KeyUnavailable(String),
    #[error("no key can be made at {}: {source}", path.display())]
    KeyNotMade { path: PathBuf, source: std::io::Error },
    #[error("the record {} cannot be opened: {problem}", path.display())]
    Corrupt { path: PathBuf, problem: &'static str },
    #[error("the record {} was written by a newer version of this program", path.display())]
    Newer { path: PathBuf },
    #[error("{} is not safe: {problem}", path.display())]
    Unsafe { path: PathBuf, problem: String, advice: String },
}
