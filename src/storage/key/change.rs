//! Another key for a store that has one: it is kept durably where it comes from, then the store says that both are in use,
//! then everything is sealed anew, and at the end the old one is taken out.
//!
//! A process may die between any two steps: both keys are at hand until nothing is sealed with the old one any more, and
//! whoever goes on finds out how far it came.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::sources::{read_key_file, write_key_file};
use super::{KEY_FILE_VARIABLE, Key, Keyring, PASSPHRASE_FILE_VARIABLE, Pin, Sources, passphrase, users};
use crate::error::Advice;
use crate::files::access::{Holds, Judged};
use crate::files::{self, Locked};
use crate::shell;
use crate::storage::seal::MasterKey;
use crate::storage::{KeyKind, KeySource, LOCK_PATIENCE, StoreError, private};

/// Where another key for a store comes from.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// Where the store has its key from after that; `None` where it stays the same.
    pub source: Option<KeyKind>,
    /// The key file, where it is not the one that is configured, or else the default one.
    pub key_file: Option<PathBuf>,
    /// The file with the passphrase that the store has from now on.
    pub passphrase_file: Option<PathBuf>,
}

impl NewKey {
    /// Where the new key is read and written.
    fn sources(&self, sources: &Sources) -> Sources {
        let mut target = sources.clone();
        if self.passphrase_file.is_some() {
            target.options.passphrase_file.clone_from(&self.passphrase_file);
            target.by_variables = false;
        }
        if self.key_file.is_some() {
            target.options.key_file.clone_from(&self.key_file);
            target.by_variables = false;
        }
        target
    }
}

/// A change that has begun: both keys are at hand, and the store says so.
pub(in crate::storage) struct Change {
    pub(in crate::storage) new: Arc<Key>,
    pub(in crate::storage) old: Pin,
    /// As the store says it.
    pin: Vec<u8>,
    /// Where the new one is read and written.
    target: Sources,
}

impl Keyring {
    /// Begins to change the key, or goes on with what was begun. `None` where the key only has another source now, or is
    /// the same behind another passphrase.
    pub(in crate::storage) fn begin_change(&self, to: &NewKey) -> Result<Option<Change>, StoreError> {
        let Some(sources) = self.sources() else {
            return Err(self.not_possible("its records are not sealed", "`file:DIR` is a store that seals them"));
        };
        let target = to.sources(sources);
        let names_file = !target.by_variables;
        // Whatever is sealed already says that the store has a key, and which one.
        let old = match self.stored_pin()? {
            Some(pin) => pin,
            None => self.for_writing()?.pin(),
        };
        if let Some(before) = old.old() {
            return self.go_on(&old, before, to, target).map(Some);
        }
        let current = self.current(&old)?;
        self.begin(old, &current, to, target).map_err(|error| match error {
            StoreError::KeyUnavailable(problem) if names_file => {
                self.not_possible(&problem, "name another file for the new key, or put right what is in this one")
            }
            other => other,
        })
    }

    fn begin(&self, old: Pin, current: &Key, to: &NewKey, target: Sources) -> Result<Option<Change>, StoreError> {
        let source = match to.source {
            Some(kind) => self.of_kind(&target, kind)?,
            None => current.source.clone(),
        };
        if to.source.is_none() && to.passphrase_file.is_some() {
            return self.rewrap(&source, &target).map(|()| None);
        }
        let _lock = self.lock(&target, &source)?;
        let mut had = self.keys_of(&target, &source)?;
        if had.first().is_some_and(|key| key.id() == old.key_id) && source.word() != old.key {
            let moved = Pin::new(source.word(), &old.key_id);
            self.enter(&source);
            return if self.swap(&old.to_line(), &moved)? { Ok(None) } else { Err(self.changed_meanwhile()) };
        }
        let is_given = had.first().is_some_and(|key| key.id() != old.key_id) && !self.has_left(&source, &old);
        let new = if is_given { had.swap_remove(0) } else { self.make(&target, &source, &had, current)? };
        let new = Arc::new(Key::new(source, Some(new)));
        self.add(Arc::clone(&new));
        self.enter(&new.source);
        let both = new.pin().taking_over_from(&old);
        if !self.swap(&old.to_line(), &both)? {
            return Err(self.changed_meanwhile());
        }
        Ok(Some(Change { new, old, pin: both.to_line(), target }))
    }

    /// Whether this store had keys of a key file before, and has the one that it has now from elsewhere: what is in the file is of other
    /// stores, and may be what was to open nothing here any more.
    fn has_left(&self, source: &KeySource, current: &Pin) -> bool {
        let users = match source {
            KeySource::KeyFile(path) if source.word() != current.key => users::of(path).unwrap_or_default(),
            _ => Vec::new(),
        };
        self.sources().is_some_and(|sources| users.contains(&sources.address))
    }

    fn go_on(&self, pin: &Pin, old: Pin, to: &NewKey, target: Sources) -> Result<Change, StoreError> {
        let source = to.source.or_else(|| KeyKind::of_word(&pin.key)).and_then(|kind| target.of_kind(kind));
        let source = source.filter(|source| self.store.is_shared() || source.word() == pin.key).ok_or_else(|| {
            let problem = format!("its records are being sealed with {}, which has to end first", pin.describe());
            self.not_possible(&problem, Advice::RekeyStore.and(" as it was run before"))
        })?;
        let keys = self.keys_of(&target, &source)?;
        for key in keys {
            self.add(Arc::new(Key::new(source.clone(), Some(key))));
        }
        // What the others have to open is at hand, or is not needed any more.
        let _ = self.for_reading(&old);
        let new = self.for_reading(&pin.without_old())?;
        self.enter(&new.source);
        Ok(Change { new, old, pin: pin.to_line(), target })
    }

    /// Ends a change, now that nothing here is sealed with the old key: takes it out of where this program wrote it, unless another store
    /// may have it. `pin_at` gives what the one at an address says of its key, if it says anything. Tells what a person has to do.
    pub(in crate::storage) fn end_change(
        &self,
        change: &Change,
        pin_at: impl Fn(&str) -> Option<Pin>,
    ) -> Result<Vec<String>, StoreError> {
        if !self.is_under_way(change)? {
            return Ok(Vec::new());
        }
        let notes = self.take_out(change, pin_at)?;
        self.swap(&change.pin, &change.new.pin())?;
        Ok(notes)
    }

    /// Whether the store still says that it is being sealed anew by this change; not where others went on with the same one and have
    /// ended it. Fails where another change has begun since: its key must not be replaced by the one of this.
    pub(in crate::storage) fn is_under_way(&self, change: &Change) -> Result<bool, StoreError> {
        let stored = self.stored_pin()?.map(|pin| pin.to_line());
        let is = |line: &[u8]| stored.as_deref() == Some(line);
        if is(&change.pin) || is(&change.new.pin().to_line()) {
            return Ok(is(&change.pin));
        }
        Err(self.changed_meanwhile())
    }

    /// Takes the key of another store for this one, which has none yet or has the same.
    pub(in crate::storage) fn share(&self, from: &Keyring) -> Result<(), StoreError> {
        let Some(sources) = self.sources() else {
            return Err(
                self.not_possible("it seals nothing", "`file:DIR` and `postgres://…` are stores that seal records")
            );
        };
        // Whatever moves here finds by that whether this store is there.
        let Some(of_other) = from.sources() else { return self.for_writing().map(drop) };
        let pin = from.stored_pin()?.map_or_else(|| Ok(from.for_writing()?.pin()), Ok)?;
        let there = self.pin()?;
        if pin.old().is_some() || there.as_ref().is_some_and(|pin| pin.old().is_some()) {
            let advice = Advice::RekeyStore.and(" to its end first");
            return Err(self.not_possible("records are being sealed anew with another key", advice));
        }
        let key = from.current(&pin)?;
        if let Some(there) = there.as_ref().filter(|there| there.key_id != pin.key_id) {
            let problem = format!("it uses {}, and the records come with {}", there.describe(), pin.describe());
            let advice = "both have to have the same key; an empty store takes the key of the records that come";
            return Err(self.not_possible(&problem, advice));
        }
        if key.source == KeySource::Passphrase && sources.home != of_other.home {
            let [from, to] = [&of_other.home, &sources.home].map(|home| home.join(passphrase::FILE));
            if let Some(content) = private::read(&from, super::LIMIT)? {
                private::create_directory(&sources.home)?;
                private::create_once(&to, &content)?;
            }
        }
        from.enter(&key.source);
        self.add(Arc::clone(&key));
        if there.is_some() {
            self.enter(&key.source);
            return Ok(());
        }
        self.bind_new(&key)
    }

    fn of_kind(&self, target: &Sources, kind: KeyKind) -> Result<KeySource, StoreError> {
        target.of_kind(kind).ok_or_else(|| match kind {
            KeyKind::Passphrase => self.not_possible(
                "no file with a passphrase is named",
                format!("name one by `--passphrase-file` or `{PASSPHRASE_FILE_VARIABLE}`"),
            ),
            KeyKind::Command => {
                self.not_possible("the configuration has no `key_command`", "`docs/store.md` tells how to write one")
            }
            KeyKind::KeyFile | KeyKind::Credential => self.not_possible(
                "`$CREDENTIALS_DIRECTORY` is not set, so there is no credential",
                "run this in the service's own environment, as `systemd-run` gives it",
            ),
        })
    }

    /// What a person has to set for the source that the store has from now on, where something else is offered.
    pub(in crate::storage) fn what_to_set(&self, to: &NewKey) -> Option<String> {
        let sources = self.sources()?;
        let target = to.sources(sources);
        let kind = to.source.or_else(|| KeyKind::of_word(&self.stored_pin().ok()??.key))?;
        let source = target.of_kind(kind)?;
        let is_set = match &source {
            KeySource::Passphrase => target.options.passphrase_file == sources.options.passphrase_file,
            _ => true,
        };
        if is_set && sources.offered().ok().as_ref() == Some(&source) {
            return None;
        }
        let set_to = |variable, path: &Path| {
            format!("set `{variable}={}`, and no other source", shell::word(&path.to_string_lossy()))
        };
        let set = match &source {
            KeySource::KeyFile(path) if *path != sources.options.default_key_file => set_to(KEY_FILE_VARIABLE, path),
            KeySource::Passphrase => set_to(PASSPHRASE_FILE_VARIABLE, target.passphrase_file().path),
            _ => "leave every other source out of the environment and the configuration".to_owned(),
        };
        // Nothing names yet what is to be set.
        let place = match &source {
            KeySource::KeyFile(path) => format!("the key file {}", path.display()),
            KeySource::Passphrase => format!("the passphrase file {}", target.passphrase_file().path.display()),
            other => target.in_words(other),
        };
        Some(format!("From now on the key of this store comes from {place}: {set}."))
    }

    /// The key that the store has now, with its source here.
    fn current(&self, pin: &Pin) -> Result<Arc<Key>, StoreError> {
        if self.known(&pin.key_id).is_none()
            && let Some(source) = self.sources().and_then(|sources| sources.of_word(&pin.key))
        {
            self.read_source(&source)?;
        }
        let key = self.known(&pin.key_id).map_or_else(|| self.for_reading(pin), Ok)?;
        if key.id() == pin.key_id { Ok(key) } else { Err(self.lacks(&key.source, pin, &key)) }
    }

    /// The keys that the target has now.
    fn keys_of(&self, target: &Sources, source: &KeySource) -> Result<Vec<MasterKey>, StoreError> {
        let read = target.read(source);
        // Its passphrase may be the one that is to go.
        let read = match (read, self.sources()) {
            (Err(StoreError::KeyUnavailable(_)), Some(sources)) if *source == KeySource::Passphrase => {
                sources.read(source)
            }
            (read, _) => read,
        };
        Ok(read?.unwrap_or_default())
    }

    /// Makes a key and keeps it durably beside those that the target has.
    fn make(
        &self,
        target: &Sources,
        source: &KeySource,
        had: &[MasterKey],
        current: &Key,
    ) -> Result<MasterKey, StoreError> {
        let new = MasterKey::random().map_err(StoreError::io_on("making a key for", self.place()))?;
        let keys: Vec<&MasterKey> = [&new].into_iter().chain(had).collect();
        match source {
            KeySource::KeyFile(path) => write_key_file(path, &keys)?,
            // The passphrase stays until the end, so that whoever has it goes on.
            KeySource::Passphrase if current.source == KeySource::Passphrase => {
                if let Some(kept) = had.iter().find(|key| Some(key.id()) != current.master.as_ref().map(MasterKey::id))
                {
                    let problem = format!("another store has key {} behind the same passphrase", kept.id());
                    return Err(self.not_possible(&problem, Advice::RekeyStore.and(" with that store first")));
                }
                let keys: Vec<&MasterKey> = [&new].into_iter().chain(&current.master).collect();
                write_master_key(self.sources().unwrap_or(target), &keys)?;
            }
            KeySource::Passphrase => write_master_key(target, &[&new])?,
            other => {
                let (problem, advice) = lacks_new(&target.in_words(other), other);
                return Err(self.not_possible(&problem, advice));
            }
        }
        Ok(new)
    }

    /// Puts the keys behind another passphrase. No record changes.
    fn rewrap(&self, source: &KeySource, target: &Sources) -> Result<(), StoreError> {
        if *source != KeySource::Passphrase {
            let problem = format!("its key comes from {}, and not from behind a passphrase", self.in_words(source));
            return Err(self.not_possible(&problem, "`store rekey --to passphrase` puts a new key behind one"));
        }
        let _lock = self.lock(target, source)?;
        let keys = self.keys_of(target, source)?;
        write_master_key(target, &keys.iter().collect::<Vec<_>>())
    }

    fn take_out(&self, change: &Change, pin_at: impl Fn(&str) -> Option<Pin>) -> Result<Vec<String>, StoreError> {
        let (target, new, old) = (&change.target, &*change.new, &change.old);
        let source = self.known(&old.key_id).map(|key| key.source.clone());
        let Some(source) = source.or_else(|| target.of_word(&old.key)) else { return Ok(Vec::new()) };
        let stays =
            |why: String| format!("The old key {} stays in {}, since {why}.", old.key_id, self.in_words(&source));
        let (mut notes, mut gone) = (Vec::new(), vec![old.key_id.clone()]);
        if let Some(file) = target.key_file(&source) {
            let listed = users::of(&file).and_then(|users| Ok((users, users::made_anew(&file)?)));
            let (users, made_anew) = match listed {
                Ok(listed) => listed,
                Err(error) => {
                    users::leave(&file, &old.key_id);
                    let list = "the list of the stores that have it cannot be read beside it";
                    return Ok(vec![stays(format!("{list} ({error})"))]);
                }
            };
            let others = users.iter().filter(|user| **user != target.address);
            let others: Vec<_> = others.map(|user| (format!("`{user}`"), pin_at(user))).collect();
            let of = |is_meant: &dyn Fn(&Option<Pin>) -> bool| {
                let meant: Vec<_> = others.iter().filter(|(_, pin)| is_meant(pin)).map(|(user, _)| &**user).collect();
                (!meant.is_empty()).then(|| meant.join(" or "))
            };
            let names = |pin: &Option<Pin>, id: &str| pin.as_ref().is_some_and(|pin| pin.names(id));
            notes.extend(of(&|pin| names(pin, &old.key_id)).map(|having| {
                stays(format!("{having} has it: the same command with that as its `--store` seals that anew as well"))
            }));
            notes.extend(of(&Option::is_none).map(|silent| {
                let list = users::list(&file);
                stays(format!(
                    "{silent} had a key of that file, and is not there or cannot be asked: where it is gone for good, take its line out \
                     of {}, and the key goes with the next change",
                    list.display()
                ))
            }));
            notes.extend((!made_anew.is_empty()).then(|| {
                let (places, list) = (made_anew.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>(), users::list(&file));
                stays(format!(
                    "{} was made anew, and the store that was there before may have it: where that is there again or gone for good, take \
                     the line with `made_anew` out of {}, and the key goes with the next change",
                    places.join(" or "),
                    list.display()
                ))
            }));
            if !notes.is_empty() {
                users::leave(&file, &old.key_id);
            }
            // Those that stayed earlier go as well, once no store may have them.
            gone.extend(users::left(&file));
            let may_go = made_anew.is_empty();
            gone.retain(|id| {
                may_go && id != new.id() && others.iter().all(|(_, pin)| pin.is_some() && !names(pin, id))
            });
            if gone.is_empty() {
                return Ok(notes);
            }
        }
        let _lock = self.lock(target, &source)?;
        let is_left = |key: &&MasterKey| !gone.contains(&key.id());
        match &source {
            KeySource::KeyFile(path) if source == new.source || *path == target.options.default_key_file => {
                let Some(had) = read_key_file(path, Holds::Secrets, &Judged::default())? else { return Ok(notes) };
                let left: Vec<&MasterKey> = had.iter().filter(is_left).collect();
                if left.len() < had.len() {
                    if left.is_empty() { remove(path)? } else { write_key_file(path, &left)? }
                }
            }
            KeySource::Passphrase => {
                // Those that other stores have stay.
                let had = self.keys_of(target, &source)?;
                let left: Vec<&MasterKey> = had.iter().filter(is_left).collect();
                let path = target.home.join(passphrase::FILE);
                if left.is_empty() { remove(&path)? } else { write_master_key(target, &left)? }
            }
            // It is told already that it stays.
            _ if !gone.contains(&old.key_id) => {}
            other => {
                let (what, id) = (self.in_words(other), &old.key_id);
                notes.push(format!(
                    "The old key {id} is still in {what}: take it out there. It opens nothing here any more."
                ));
            }
        }
        Ok(notes)
    }

    fn swap(&self, before: &[u8], pin: &Pin) -> Result<bool, StoreError> {
        // One that was damaged, or written by hand, is kept as it was.
        let stored = self.store.pin()?;
        let stored =
            stored.filter(|stored| matches!(Pin::read(stored, String::new), Ok(Some(pin)) if pin.to_line() == before));
        self.store.rebind(stored.as_deref().unwrap_or(before), &pin.to_line())
    }

    /// The sole right to change the file that a source is.
    fn lock(&self, sources: &Sources, source: &KeySource) -> Result<Option<Locked>, StoreError> {
        let Some(path) = sources.key_file(source) else { return Ok(None) };
        let directory = private::directory_of(&path);
        // What somebody named may be on a medium that is not mounted, below whose place nothing is to be made.
        let is_named = matches!(source, KeySource::KeyFile(path) if *path != sources.options.default_key_file);
        if is_named && matches!(directory.try_exists(), Ok(false)) {
            let problem = format!("{} is not there, where the key file is to be", directory.display());
            return Err(self.not_possible(&problem, "mount what it is on, or make the directory first"));
        }
        private::create_directory(directory)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.lock"));
        match Locked::after(LOCK_PATIENCE, private::open_lock(&beside)?) {
            Ok(locked) => Ok(Some(locked)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let (path, time) = (path.display(), LOCK_PATIENCE.as_secs());
                let problem = format!("another process has been about to change {path} for {time} s");
                Err(self.not_possible(&problem, "run the command again when that is done"))
            }
            Err(error) => Err(StoreError::io("locking", &beside)(files::without_lock(&beside, error))),
        }
    }

    fn changed_meanwhile(&self) -> StoreError {
        self.not_possible("its key was changed by somebody else just now", "run the command again")
    }

    fn not_possible(&self, problem: &str, advice: impl Into<Advice>) -> StoreError {
        StoreError::not_possible(self.place(), problem, advice)
    }
}

/// What a source lacks that this program does not write.
fn lacks_new(what: &str, source: &KeySource) -> (String, &'static str) {
    let advice = match source {
        KeySource::Command => {
            "have it print the new key (64 hexadecimal digits, as from `openssl rand -hex 32`) in a line before the old one, \
             and run this again"
        }
        _ => {
            "put the new key (64 hexadecimal digits, as from `openssl rand -hex 32`) in a line before the old one, have the \
             service started anew, and run this again"
        }
    };
    (format!("{what} has no new key"), advice)
}

fn write_master_key(target: &Sources, keys: &[&MasterKey]) -> Result<(), StoreError> {
    let path = target.home.join(passphrase::FILE);
    let sealed = passphrase::sealed(keys, &path, &target.passphrase_file())?;
    private::replace(&path, &sealed)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(StoreError::io("removing", path))?;
    private::sync_directory(private::directory_of(path))
}
