//! Where the key comes from that seals the records of one store, and that it stays the same one.
//!
//! A key is made only for a store that has none yet. The store keeps a [`Pin`] of the key that it uses, written once; another
//! source, or another key from the same one, is refused and never replaced. In a store that several machines share, where
//! each has the key from is its own affair, and only the key itself is compared. Nothing here reads the environment, yet
//! what people named by a variable is told with its name.

mod passphrase;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::backend::{Backend, Found, Part};
use super::envelope::FirstLine;
use super::private;
use super::seal::{self, MasterKey};
use super::{KeySource, StoreError};
use crate::files::access::{self, Holds};

const PIN_FORMAT: u32 = 1;
const CREDENTIAL: &str = "device-login.key";
/// The variable that names [`KeyOptions::key_file`].
pub const KEY_FILE_VARIABLE: &str = "DEVICE_LOGIN_KEY_FILE";
/// The variable that names [`KeyOptions::passphrase_file`].
pub const PASSPHRASE_FILE_VARIABLE: &str = "DEVICE_LOGIN_PASSPHRASE_FILE";
/// Key files and pins are some hundred bytes long.
const LIMIT: u64 = 64 * 1024;

/// What may hold the key, as the caller found it in the environment and the configuration.
#[derive(Clone, Debug, Default)]
pub struct KeyOptions {
    /// A key file named by the person. It is never created here.
    pub key_file: Option<PathBuf>,
    /// A file with the passphrase that opens the store's `master.key`.
    pub passphrase_file: Option<PathBuf>,
    /// systemd's `$CREDENTIALS_DIRECTORY`, used where it holds a `device-login.key`.
    pub credentials_directory: Option<PathBuf>,
    /// The key file that is made on first write where nothing else is named.
    pub default_key_file: PathBuf,
}

/// A key and where it came from. Records of a `plain:` store have a source but no key.
pub(super) struct Key {
    pub(super) source: KeySource,
    pub(super) master: Option<MasterKey>,
}

impl Key {
    /// Empty where there is no key.
    pub(super) fn id(&self) -> String {
        self.master.as_ref().map(MasterKey::id).unwrap_or_default()
    }

    pub(super) fn pin(&self) -> Pin {
        Pin { format: PIN_FORMAT, key: self.source.word().to_owned(), key_id: self.id() }
    }
}

/// Which key a store uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    format: u32,
    key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key_id: String,
}

impl Pin {
    pub(super) fn new(key: &str, key_id: &str) -> Self {
        Self { format: PIN_FORMAT, key: key.to_owned(), key_id: key_id.to_owned() }
    }

    /// As a store keeps it.
    fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("strings and numbers become JSON");
        line.push(b'\n');
        line
    }

    fn describe(&self) -> String {
        if self.key_id.is_empty() { "no key".to_owned() } else { format!("the {} {}", self.key, self.key_id) }
    }
}

/// The one key of a store, read when it is first needed.
pub(super) struct Keyring {
    store: Arc<dyn Backend>,
    /// Absent where nothing is sealed.
    sources: Option<Sources>,
    key: OnceLock<Key>,
    /// Whether the store is known to use that key.
    is_pinned: OnceLock<()>,
}

/// Where a sealed store may have its key from.
pub(super) struct Sources {
    pub(super) options: KeyOptions,
    /// The directory of this machine where a key lies that a passphrase opens.
    pub(super) home: PathBuf,
}

impl Keyring {
    pub(super) fn new(store: Arc<dyn Backend>, sources: Option<Sources>) -> Self {
        Self { store, sources, key: OnceLock::new(), is_pinned: OnceLock::new() }
    }

    /// The store in words for people.
    pub(super) fn place(&self) -> String {
        self.store.place()
    }

    /// The key to open a record with, which `pin` says was sealed with another one where that differs.
    pub(super) fn for_reading(&self, pin: impl Fn() -> Pin) -> Result<&Key, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let source = self.source()?;
        match self.read(&source)? {
            Some(master) => Ok(self.key.get_or_init(|| Key { source, master })),
            None if self.store.is_shared() || source.word() == pin().key => Err(self.missing(&source, &pin())),
            None => {
                let is_missing = self.file(&source).is_some_and(|(path, _)| !path.exists());
                let missing = if is_missing { ", which is missing" } else { "" };
                Err(self.mismatch(&pin(), &format!("only {} was offered{missing}", self.in_words(&source))))
            }
        }
    }

    /// The key that this machine has, without asking the store whether it is the store's; `None` where there is none.
    pub(super) fn at_hand(&self) -> Option<&Key> {
        if let Some(key) = self.key.get() {
            return Some(key);
        }
        let source = self.source().ok()?;
        let master = self.read(&source).ok().flatten()?;
        Some(self.key.get_or_init(|| Key { source, master }))
    }

    /// The key to seal a record with. A key is made, and the store bound to it, only where neither the store nor its
    /// records name one.
    pub(super) fn for_writing(&self) -> Result<&Key, StoreError> {
        if let (Some(key), Some(())) = (self.key.get(), self.is_pinned.get()) {
            return Ok(key);
        }
        let stored = self.stored_pin()?;
        let pin = match &stored {
            Some(pin) => Some(pin.clone()),
            None => self.pin_of_records()?,
        };
        let key = match &pin {
            Some(pin) => self.for_reading(|| pin.clone())?,
            None => self.read_or_make()?,
        };
        if stored.is_none() && pin.as_ref().is_none_or(|pin| self.is_of(pin, key)) {
            self.store.bind(&key.pin().to_line())?;
        }
        // Read again, since another process may have bound the store to its key just now.
        let pin = self.stored_pin()?.or(pin);
        self.check(key, pin.as_ref())?;
        self.is_pinned.get_or_init(|| ());
        Ok(key)
    }

    /// The key that existing records use, as far as they say so.
    fn pin_of_records(&self) -> Result<Option<Pin>, StoreError> {
        for profile in self.store.profiles()? {
            for part in [Part::Current, Part::Previous] {
                let Found::Bytes(bytes) = self.store.read(&profile, part)? else { continue };
                if let Some(line) = FirstLine::of(&bytes) {
                    return Ok(Some(line.pin()));
                }
            }
        }
        Ok(None)
    }

    /// Whether `pin` names this key. Machines that share a store have it from various sources.
    fn is_of(&self, pin: &Pin, key: &Key) -> bool {
        if self.store.is_shared() { pin.key_id == key.id() } else { *pin == key.pin() }
    }

    /// The source that is offered, checked against the one that the store is bound to. Reads no key.
    pub(super) fn source(&self) -> Result<KeySource, StoreError> {
        let Some(Sources { options, .. }) = &self.sources else {
            return Ok(if self.store.kind() == "memory" { KeySource::Memory } else { KeySource::None });
        };
        if options.key_file.is_some() && options.passphrase_file.is_some() {
            let both = "both a key file and a passphrase file are configured; keep the one that the store uses";
            return Err(StoreError::KeyUnavailable(both.to_owned()));
        }
        if let Some(path) = &options.key_file {
            return Ok(KeySource::KeyFile(path.clone()));
        }
        if options.passphrase_file.is_some() {
            return Ok(KeySource::Passphrase);
        }
        match self.credential() {
            Some(path) if path.exists() => Ok(KeySource::Credential),
            _ => Ok(KeySource::KeyFile(options.default_key_file.clone())),
        }
    }

    /// Fails where the store is bound to another source than the one that is offered.
    pub(super) fn checked_source(&self) -> Result<KeySource, StoreError> {
        let source = self.source()?;
        match self.stored_pin()? {
            Some(pin) if !self.store.is_shared() && pin.key != source.word() => {
                Err(self.mismatch(&pin, &format!("{} was offered", self.in_words(&source))))
            }
            _ => Ok(source),
        }
    }

    /// Whether the key of existing records can be had. A store that has none yet makes one when it needs it.
    pub(super) fn has_key(&self) -> Result<bool, StoreError> {
        let pin = self.stored_pin()?;
        Ok(pin.is_none_or(|pin| self.for_reading(|| pin.clone()).is_ok()))
    }

    /// The file that opens the store, if others can read it.
    pub(super) fn exposed(&self, source: &KeySource) -> Option<PathBuf> {
        let (path, holds) = self.file(source)?;
        access::is_exposed(&path, holds).then_some(path)
    }

    /// Where `source` is.
    fn file(&self, source: &KeySource) -> Option<(PathBuf, Holds)> {
        match source {
            KeySource::KeyFile(path) => Some((path.clone(), Holds::Secrets)),
            KeySource::Passphrase => Some((self.passphrase_file().to_owned(), Holds::Secrets)),
            KeySource::Credential => Some((self.credential()?, Holds::Credential)),
            KeySource::None | KeySource::Memory => None,
        }
    }

    fn in_words(&self, source: &KeySource) -> String {
        let is_named = |path: &Path| self.options().is_some_and(|keys| keys.key_file.as_deref() == Some(path));
        match source {
            KeySource::None | KeySource::Memory => "no key".to_owned(),
            KeySource::KeyFile(path) if is_named(path) => named("key", path, KEY_FILE_VARIABLE),
            KeySource::KeyFile(path) => format!("the key file {}", path.display()),
            KeySource::Credential => format!("the credential {CREDENTIAL}"),
            KeySource::Passphrase => named("passphrase", self.passphrase_file(), PASSPHRASE_FILE_VARIABLE),
        }
    }

    /// Whether the store says that this key is the store's.
    pub(super) fn is_confirmed(&self, key: &Key) -> bool {
        matches!(self.stored_pin(), Ok(Some(pin)) if self.is_of(&pin, key))
    }

    /// Fails where `pin` names another key than `key`.
    pub(super) fn check(&self, key: &Key, pin: Option<&Pin>) -> Result<(), StoreError> {
        match pin {
            Some(pin) if !self.is_of(pin, key) => {
                let (source, id) = (self.in_words(&key.source), key.id());
                let offered = if id.is_empty() { source } else { format!("{source} with key {id}") };
                Err(self.mismatch(pin, &format!("{offered} was offered")))
            }
            _ => Ok(()),
        }
    }

    fn read_or_make(&self) -> Result<&Key, StoreError> {
        let source = self.source()?;
        let master = match self.read(&source)? {
            Some(master) => master,
            None => self.make(&source)?,
        };
        Ok(self.key.get_or_init(|| Key { source, master }))
    }

    /// The key from `source`, and `None` for the source that has no key; nothing where it is missing.
    #[expect(clippy::option_option, reason = "a source without a key is not a key that is missing")]
    fn read(&self, source: &KeySource) -> Result<Option<Option<MasterKey>>, StoreError> {
        let master = match source {
            KeySource::None | KeySource::Memory => return Ok(Some(None)),
            KeySource::KeyFile(path) => read_key_file(path, Holds::Secrets)?,
            KeySource::Credential => match self.credential() {
                Some(path) => read_key_file(&path, Holds::Credential)?,
                None => None,
            },
            KeySource::Passphrase => passphrase::read(self.home(), self.passphrase_file())?,
        };
        Ok(master.map(Some))
    }

    fn make(&self, source: &KeySource) -> Result<Option<MasterKey>, StoreError> {
        let made = match (source, self.options()) {
            (KeySource::Passphrase, _) => passphrase::make(self.home(), self.passphrase_file())?,
            (KeySource::KeyFile(path), Some(options)) if *path == options.default_key_file => make_key_file(path)?,
            (KeySource::KeyFile(path), _) => {
                let (file, path) = (self.in_words(source), path.display());
                return Err(StoreError::KeyUnavailable(format!(
                    "{file} is missing; `(umask 077; openssl rand -hex 32 > {path})` makes one"
                )));
            }
            _ => None,
        };
        match made {
            Some(master) => Ok(Some(master)),
            None => self.read(source)?.ok_or_else(|| self.missing(source, &Pin::new(source.word(), ""))),
        }
    }

    fn stored_pin(&self) -> Result<Option<Pin>, StoreError> {
        let Some(content) = self.store.pin()? else { return Ok(None) };
        if seal::is_newer(&content, PIN_FORMAT) {
            return Err(StoreError::Newer { place: self.place() });
        }
        // A damaged pin locks nobody out: the records name their key too.
        Ok(serde_json::from_slice(&content).ok())
    }

    fn credential(&self) -> Option<PathBuf> {
        self.options()?.credentials_directory.as_ref().map(|directory| directory.join(CREDENTIAL))
    }

    fn options(&self) -> Option<&KeyOptions> {
        self.sources.as_ref().map(|sources| &sources.options)
    }

    fn home(&self) -> &Path {
        self.sources.as_ref().map_or(Path::new(""), |sources| &sources.home)
    }

    fn passphrase_file(&self) -> &Path {
        self.options().and_then(|options| options.passphrase_file.as_deref()).unwrap_or(Path::new(""))
    }

    fn missing(&self, source: &KeySource, pin: &Pin) -> StoreError {
        let what = match source {
            KeySource::Passphrase => format!("the file {}", self.home().join(passphrase::FILE).display()),
            _ => self.in_words(source),
        };
        let store = self.place();
        StoreError::KeyUnavailable(if self.store.is_shared() {
            let key = &pin.key_id;
            format!(
                "{what} is missing, and the records in {store} are sealed with key {key}; copy that file from a machine \
                 that has it, readable by this user only"
            )
        } else {
            format!(
                "{what} is missing, but records sealed with it exist in {store}; bring it back, or move that directory \
                 away and sign in again"
            )
        })
    }

    fn mismatch(&self, pin: &Pin, offered: &str) -> StoreError {
        let (records, used) = (self.place(), pin.describe());
        StoreError::KeyUnavailable(format!("the store in {records} uses {used}, but {offered}"))
    }
}

/// A file of this kind that the variable names.
fn named(kind: &str, path: &Path, variable: &str) -> String {
    format!("the {kind} file {} (named by `{variable}`)", path.display())
}

fn read_key_file(path: &Path, holds: Holds) -> Result<Option<MasterKey>, StoreError> {
    let Some(content) = private::read_named(path, holds, LIMIT)? else { return Ok(None) };
    let key = MasterKey::from_hex(&content).ok_or_else(|| {
        let path = path.display();
        StoreError::KeyUnavailable(format!(
            "{path} holds no key: it needs 64 hexadecimal digits, as `openssl rand -hex 32` prints"
        ))
    });
    key.map(Some)
}

/// The new key; `None` where another process was faster and its key counts.
fn make_key_file(path: &Path) -> Result<Option<MasterKey>, StoreError> {
    let directory = private::directory_of(path);
    let made = || {
        private::create_directory(directory)?;
        private::check_ancestors(directory)?;
        let master = MasterKey::random().map_err(StoreError::io("making", path))?;
        Ok(private::create_once(path, master.to_hex().as_bytes())?.then_some(master))
    };
    made().map_err(|error| match error {
        StoreError::Io { source, .. } if is_about_place(&source) => {
            StoreError::KeyNotMade { place: path.display().to_string(), source }
        }
        error => error,
    })
}

/// Another place for the file would do.
fn is_about_place(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::Unsupported
    )
}
