//! Which key seals the records of one store, and that it stays the same one.
//!
//! A key is made only for a store that has none yet. The store keeps a [`Pin`] of the key that it uses; another source, or
//! another key from the same one, is refused and never put in its place. Two keys are in use while records are sealed anew:
//! each record names its own, and what is written gets the new one. In a store that several machines share, where each has
//! the key from is its own affair, and only the key itself is compared. Nothing here reads the environment, yet what people
//! named by a variable is told with its name.

mod change;
mod command;
mod passphrase;
mod pin;
mod sources;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub(super) use self::change::Change;
pub use self::change::NewKey;
pub use self::command::KeyCommand;
pub(super) use self::pin::Pin;
pub(super) use self::sources::Sources;
pub use self::sources::{KEY_FILE_VARIABLE, KeyOptions, PASSPHRASE_FILE_VARIABLE};
use super::backend::{Backend, Found, Part, StoreKind};
use super::envelope::FirstLine;
use super::seal::MasterKey;
use super::{KeySource, StoreError};
use crate::clock::{self, Moment};
use crate::files::Look;
use crate::mutex::locked;

/// Key files and pins are some hundred bytes long.
const LIMIT: u64 = 64 * 1024;
/// A command is not run again sooner, whatever it printed: it may ask a person.
const BETWEEN_RUNS: Duration = Duration::from_secs(60);

/// A key and where it came from. Records of a `plain:` store have a source but no key.
pub(super) struct Key {
    pub(super) source: KeySource,
    pub(super) master: Option<MasterKey>,
    id: String,
}

impl Key {
    pub(super) fn new(source: KeySource, master: Option<MasterKey>) -> Self {
        let id = master.as_ref().map(MasterKey::id).unwrap_or_default();
        Self { source, master, id }
    }

    /// Empty where there is no key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn pin(&self) -> Pin {
        Pin::new(self.source.word(), &self.id)
    }
}

/// The keys of a store, read when one is first needed.
pub(super) struct Keyring {
    store: Arc<dyn Backend>,
    /// Absent where nothing is sealed.
    sources: Option<Sources>,
    read: Mutex<Read>,
}

/// What was read so far.
#[derive(Default)]
struct Read {
    /// Those of the source that was read last come first.
    keys: Vec<Arc<Key>>,
    looks: Vec<(KeySource, Look)>,
    ran: Option<(Moment, Result<(), String>)>,
}

impl Keyring {
    pub(super) fn new(store: Arc<dyn Backend>, sources: Option<Sources>) -> Self {
        let keyring = Self { store, sources, read: Mutex::default() };
        if keyring.sources.is_none() {
            let source = if keyring.store.kind() == StoreKind::Memory { KeySource::Memory } else { KeySource::None };
            keyring.read().keys.push(Arc::new(Key::new(source, None)));
        }
        keyring
    }

    /// The store in words for people.
    pub(super) fn place(&self) -> String {
        self.store.place()
    }

    /// Where keys may come from; `None` where nothing is sealed.
    pub(super) fn sources(&self) -> Option<&Sources> {
        self.sources.as_ref()
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        locked(&self.read)
    }

    fn first(&self) -> Option<Arc<Key>> {
        self.read().keys.first().cloned()
    }

    /// The key of this id, if it was read already.
    pub(super) fn known(&self, id: &str) -> Option<Arc<Key>> {
        self.read().keys.iter().find(|key| key.id == id).cloned()
    }

    /// Has a key at hand that was made or read elsewhere.
    pub(super) fn add(&self, key: Arc<Key>) {
        let mut read = self.read();
        if read.keys.iter().all(|known| known.id != key.id || known.source != key.source) {
            read.keys.insert(0, key);
        }
    }

    /// The key to open a record with that names this one. Where there is another one only, and the store does not say that it
    /// has this one in use, it is the other: then the record, or what it says, is damaged.
    pub(super) fn for_reading(&self, named: &Pin) -> Result<Arc<Key>, StoreError> {
        if let Some(key) = self.known(&named.key_id) {
            return Ok(key);
        }
        let pin = match self.first() {
            None => None,
            Some(first) => match self.stored_pin() {
                Ok(Some(pin)) if !pin.names(&named.key_id) => return Ok(first),
                Ok(pin) => pin,
                Err(_) => return Ok(first),
            },
        };
        self.read_sources(named, pin)
    }

    /// Reads what may have the key, and again what may have changed since.
    fn read_sources(&self, named: &Pin, pin: Option<Pin>) -> Result<Arc<Key>, StoreError> {
        let offered = self.source()?;
        let is_there = self.read_source(&offered)?;
        if let Some(key) = self.known(&named.key_id) {
            return Ok(key);
        }
        let pin = match pin {
            Some(pin) => Some(pin),
            None => self.stored_pin()?,
        };
        // While records are sealed anew, the one key and the other may have various sources.
        for word in pin.iter().flat_map(|pin| [Some(pin.without_old()), pin.old()]).flatten().map(|pin| pin.key) {
            if let Some(source) = self.sources.as_ref().and_then(|sources| sources.of_word(&word))
                && source != offered
                && pin.as_ref().is_some_and(|pin| pin.old().is_some())
                && self.read_source(&source)?
                && let Some(key) = self.known(&named.key_id)
            {
                return Ok(key);
            }
        }
        match self.first() {
            Some(first) if is_there && pin.is_some_and(|pin| pin.names(&named.key_id)) => {
                Err(self.lacks(&offered, named, &first))
            }
            Some(first) if is_there => Ok(first),
            _ if self.store.is_shared() || offered.word() == named.key => Err(self.missing(&offered, named)),
            _ => {
                let is_missing = self.sources.as_ref().and_then(|sources| sources.file(&offered));
                let is_missing = is_missing.is_some_and(|(path, _)| matches!(path.try_exists(), Ok(false)));
                let missing = if is_missing { ", which is missing" } else { "" };
                Err(self.mismatch(named, &format!("only {} was offered{missing}", self.in_words(&offered))))
            }
        }
    }

    /// Takes the keys of a source, unless it looks as it did when they were taken last. Whether it is there.
    fn read_source(&self, source: &KeySource) -> Result<bool, StoreError> {
        let Some(sources) = &self.sources else { return Ok(true) };
        let look = sources.look(source);
        {
            let read = self.read();
            match &read.ran {
                Some((at, result)) if *source == KeySource::Command && at.until(clock::now()) < BETWEEN_RUNS => {
                    return result.clone().map(|()| true).map_err(StoreError::KeyUnavailable);
                }
                _ => {}
            }
            if look.is_some() && read.looks.contains(&(source.clone(), look)) {
                return Ok(true);
            }
        }
        let keys = sources.read(source);
        let mut read = self.read();
        if *source == KeySource::Command {
            let result = keys.as_ref().map(|_| ()).map_err(|error| match error {
                StoreError::KeyUnavailable(text) => text.clone(),
                error => error.to_string(),
            });
            read.ran = Some((clock::now(), result));
        }
        let Some(keys) = keys? else { return Ok(false) };
        read.looks.retain(|(known, _)| known != source);
        read.looks.push((source.clone(), look));
        let keys: Vec<_> = keys.into_iter().map(|master| Key::new(source.clone(), Some(master))).collect();
        read.keys.retain(|known| keys.iter().all(|key| key.id != known.id));
        read.keys.splice(0..0, keys.into_iter().map(Arc::new));
        Ok(true)
    }

    /// The key to seal a record with, as the store says it now: whoever holds a profile asks once. A key is made, and the
    /// store bound to it, only where neither the store nor its records name one.
    pub(super) fn for_writing(&self) -> Result<Arc<Key>, StoreError> {
        let stored = self.stored_pin()?;
        let pin = match &stored {
            Some(pin) => Some(pin.clone()),
            None => self.pin_of_records()?,
        };
        let key = match &pin {
            Some(pin) => self.for_reading(pin)?,
            None => self.read_or_make()?,
        };
        if stored.is_some() {
            self.check(&key, pin.as_ref())?;
            self.enter(&key.source);
            return Ok(key);
        }
        match &pin {
            None => self.bind_new(&key)?,
            Some(pin) if self.is_of(pin, &key) => self.bind(&key)?,
            Some(_) => {}
        }
        // Read again, since another process may have bound the store to its key just now.
        self.check(&key, self.stored_pin()?.or(pin).as_ref())?;
        Ok(key)
    }

    /// Has the store use this key from now on.
    fn bind(&self, key: &Key) -> Result<(), StoreError> {
        self.enter(&key.source);
        self.store.bind(&key.pin().to_line())
    }

    /// The same of a store that has nothing yet.
    fn bind_new(&self, key: &Key) -> Result<(), StoreError> {
        self.enter_by(&key.source, users::enter_new);
        self.bind(key)
    }

    /// Enters the store as one that has a key of this source, beside the file that it is.
    fn enter(&self, source: &KeySource) {
        self.enter_by(source, users::enter);
    }

    fn enter_by(&self, source: &KeySource, enter: impl FnOnce(&Path, &str)) {
        if let Some(sources) = &self.sources
            && let Some(file) = sources.key_file(source)
        {
            enter(&file, &sources.address);
        }
    }

    /// The key that this machine has, without asking the store whether it is the store's; `None` where there is none.
    pub(super) fn at_hand(&self) -> Option<Arc<Key>> {
        self.first().or_else(|| {
            self.read_source(&self.source().ok()?).ok()?;
            self.first()
        })
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
        let same_source = self.store.is_shared() || pin.key == key.source.word();
        pin.key_id == key.id && same_source
    }

    /// The source that is offered. Reads no key.
    pub(super) fn source(&self) -> Result<KeySource, StoreError> {
        match &self.sources {
            Some(sources) => sources.offered(),
            None => Ok(self.first().map_or(KeySource::None, |key| key.source.clone())),
        }
    }

    /// Fails where the store is bound to another source than the one that is offered.
    pub(super) fn checked_source(&self) -> Result<KeySource, StoreError> {
        let source = self.source()?;
        if self.store.is_shared() {
            return Ok(source);
        }
        let Some(pin) = self.stored_pin()? else { return Ok(source) };
        if pin.key == source.word() || pin.old().is_some_and(|old| old.key == source.word()) {
            return Ok(source);
        }
        Err(self.mismatch(&pin, &format!("{} was offered", self.in_words(&source))))
    }

    /// Fails where the key that the store has in use cannot be had here.
    pub(super) fn require(&self) -> Result<(), StoreError> {
        let Some(pin) = self.stored_pin()? else { return self.require_to_begin() };
        let key = self.for_reading(&pin)?;
        self.check(&key, Some(&pin))
    }

    /// Fails where a store without a key could not have one from the source that is offered.
    fn require_to_begin(&self) -> Result<(), StoreError> {
        let source = self.source()?;
        match &self.sources {
            Some(sources) if !self.read_source(&source)? => sources.check_made(&source),
            _ => Ok(()),
        }
    }

    /// Whether the key of existing records can be had, or a first one.
    pub(super) fn has_key(&self) -> Result<bool, StoreError> {
        let pin = match self.stored_pin() {
            Err(error) if error.is_away() => return Ok(self.at_hand().is_some()),
            pin => pin?,
        };
        let Some(pin) = pin else { return Ok(self.require_to_begin().is_ok()) };
        // What this process remembers opens nothing for the next one.
        let is_lost = pin.old().is_none() && self.lacks_file(&self.source()?);
        Ok(!is_lost && self.for_reading(&pin).is_ok())
    }

    /// Whether a file is missing that a key of this source takes.
    fn lacks_file(&self, source: &KeySource) -> bool {
        let Some(sources) = &self.sources else { return false };
        let given = sources.file(source).map(|(path, _)| path);
        given.into_iter().chain(sources.key_file(source)).any(|path| matches!(path.try_exists(), Ok(false)))
    }

    /// The file that opens the store, if others can read it.
    pub(super) fn exposed(&self, source: &KeySource) -> Option<PathBuf> {
        self.sources.as_ref()?.exposed(source)
    }

    /// Whether the store says that this key is the store's.
    pub(super) fn is_confirmed(&self, key: &Key) -> bool {
        matches!(self.stored_pin(), Ok(Some(pin)) if self.is_of(&pin, key) || pin.old_is(key.id()))
    }

    /// Fails where `pin` names another key than `key`.
    pub(super) fn check(&self, key: &Key, pin: Option<&Pin>) -> Result<(), StoreError> {
        match pin {
            Some(pin) if !self.is_of(pin, key) => Err(self.mismatch(pin, &format!("{} was offered", self.offer(key)))),
            _ => Ok(()),
        }
    }

    fn read_or_make(&self) -> Result<Arc<Key>, StoreError> {
        let source = self.source()?;
        if !self.read_source(&source)?
            && let Some(sources) = &self.sources
        {
            match sources.make(&source)? {
                Some(master) => self.add(Arc::new(Key::new(source.clone(), Some(master)))),
                None => drop(self.read_source(&source)?),
            }
        }
        self.first().ok_or_else(|| self.missing(&source, &Pin::new(source.word(), "")))
    }

    /// The key that the store says it has, or else the one that its records use.
    pub(super) fn pin(&self) -> Result<Option<Pin>, StoreError> {
        self.stored_pin()?.map_or_else(|| self.pin_of_records(), |pin| Ok(Some(pin)))
    }

    /// What the store says of its key.
    pub(super) fn stored_pin(&self) -> Result<Option<Pin>, StoreError> {
        let Some(content) = self.store.pin()? else { return Ok(None) };
        Pin::read(&content, || self.place())
    }

    pub(super) fn in_words(&self, source: &KeySource) -> String {
        self.sources.as_ref().map_or_else(|| "no key".to_owned(), |sources| sources.in_words(source))
    }

    fn home(&self) -> &Path {
        self.sources.as_ref().map_or(Path::new(""), |sources| &sources.home)
    }

    /// What a person copies to have a key of this source, and where to.
    fn what_to_copy(&self, source: &KeySource) -> String {
        match source {
            KeySource::Passphrase => format!("the file {}", self.home().join(passphrase::FILE).display()),
            _ => self.in_words(source),
        }
    }

    fn missing(&self, source: &KeySource, pin: &Pin) -> StoreError {
        let (what, store) = (self.what_to_copy(source), self.place());
        StoreError::KeyUnavailable(if self.store.is_shared() {
            let key = &pin.key_id;
            format!(
                "{what} is missing, and the records in {store} are sealed with key {key}; copy that file from a machine \
                 that has it, readable by this user only"
            )
        } else {
            let key = if pin.key_id.is_empty() { String::new() } else { format!(", by its id {}", pin.key_id) };
            let elsewhere = match source {
                KeySource::KeyFile(_) => format!(", or name the file that has that key by `{KEY_FILE_VARIABLE}`"),
                _ => String::new(),
            };
            format!(
                "{what} is missing, but records sealed with it exist in {store}{key}; bring it back{elsewhere}; only where \
                 the key is lost, move that directory away and sign in again"
            )
        })
    }

    /// The source is there, and does not have the key that is needed.
    fn lacks(&self, source: &KeySource, pin: &Pin, first: &Key) -> StoreError {
        // A pin that somebody has changed may name no key; there is none to copy then.
        if !self.store.is_shared() || pin.key_id.is_empty() {
            return self.mismatch(pin, &format!("{} was offered", self.offer(first)));
        }
        let (what, store, has, key) = (self.what_to_copy(source), self.place(), first.id(), &pin.key_id);
        let how = match source {
            KeySource::Command => "have it print that key in a line of its own".to_owned(),
            KeySource::KeyFile(path) => {
                let path = path.display();
                format!("copy the key from a machine that has it, as a line of {path} or in its place")
            }
            _ => "copy it from a machine that has it, readable by this user only".to_owned(),
        };
        StoreError::KeyUnavailable(format!(
            "{what} has key {has}, and the records in {store} are sealed with key {key}, as after `store rekey`; {how}"
        ))
    }

    fn offer(&self, key: &Key) -> String {
        let (source, id) = (self.in_words(&key.source), key.id());
        if id.is_empty() { source } else { format!("{source} with key {id}") }
    }

    fn mismatch(&self, pin: &Pin, offered: &str) -> StoreError {
        let (records, used) = (self.place(), pin.describe());
        StoreError::KeyUnavailable(format!("the store in {records} uses {used}, but {offered}"))
    }
}
