//! Records as files: `NAME.record`, the generation before it in `NAME.record.prev`, `NAME.calls`, and `NAME.lock`.
//!
//! A record is replaced as a whole, so a reader finds the old one or the new one and needs no lock. Whoever holds the lock
//! also mends: a damaged record is set aside as `NAME.record.corrupt-N` and the generation before it takes its place.
//! How a record is written is in `reservation`, how a sealed file looks in `seal`, where the key comes from in `key`.

mod calls;
mod lock;
mod locked;
mod reservation;
mod spare;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::locked::LockedFile;
use self::reservation::Reservation;
use self::spare::Spare;
use super::key::{Key, Keyring, Pin};
use super::{
    KeyOptions, KeySource, LockedRecord, PastCall, Protection, Record, Store, StoreError, Version, private, seal,
};
use crate::profile::ProfileName;

const FORMAT: u32 = 1;
const CURRENT: &str = "record";
const PREVIOUS: &str = "record.prev";
const ASIDE: &str = "record.corrupt-";
/// So many damaged files are kept for each profile; the next one takes the place of the last.
const MOST_ASIDE: u32 = 9;
/// Longer files are no records.
const LIMIT: u64 = 1024 * 1024;
/// The room that is set aside for a record before it is known; records have some kilobytes.
const ROOM: usize = 32 * 1024;
/// No first line is longer: the longest name of a profile, a number, and an id.
const LONGEST_LINE: usize = 256;
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Records in a directory, sealed or plain.
pub(super) struct FileStore {
    files: Arc<Files>,
}

impl FileStore {
    pub(super) fn sealed(directory: PathBuf, keys: KeyOptions, spare: Option<PathBuf>) -> Self {
        Self::new("file", directory, Some(keys), spare)
    }

    pub(super) fn plain(directory: PathBuf, spare: Option<PathBuf>) -> Self {
        Self::new("plain", directory, None, spare)
    }

    fn new(kind: &'static str, directory: PathBuf, keys: Option<KeyOptions>, spare: Option<PathBuf>) -> Self {
        let keyring = Keyring::new(directory.clone(), keys);
        let spare = spare.map(|spare| Spare::new(spare, &directory));
        Self { files: Arc::new(Files { kind, directory, keyring, spare, damaged: Mutex::default() }) }
    }
}

impl Store for FileStore {
    fn load(&self, profile: &ProfileName) -> Result<Option<Record>, StoreError> {
        private::check_directory(&self.files.directory)?;
        self.files.load(&Slot::of(profile))
    }

    fn lock(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(LockedFile::lock(&self.files, Slot::of(profile), patience)?))
    }

    fn calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        private::check_directory(&self.files.directory)?;
        self.files.calls(&Slot::of(profile))
    }

    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        private::check_directory(&self.files.directory)?;
        self.files.profiles()
    }

    fn probe(&self) -> Result<(), StoreError> {
        let slot = Slot::probe();
        let mut record = Record::empty(slot.profile.clone(), "", "");
        let path = self.files.path(&slot, CURRENT);
        let mut locked = LockedFile::lock(&self.files, slot, PROBE_PATIENCE)?;
        locked.forget()?;
        locked.commit(&mut record)?;
        let read_back = locked.load()?;
        locked.forget()?;
        let differs = StoreError::Corrupt { path, problem: "a probe was not read back as it was written" };
        if read_back.as_ref() == Some(&record) { Ok(()) } else { Err(differs) }
    }

    fn found_damaged(&self) -> Vec<String> {
        self.files.damaged().values().cloned().collect()
    }

    fn damage(&self, profile: &ProfileName) -> Option<String> {
        let found = self.files.damaged().get(profile).cloned();
        found.or_else(|| self.files.damage_before(&Slot::of(profile)))
    }

    fn all_damage(&self) -> BTreeMap<ProfileName, String> {
        let names = self.files.names().unwrap_or_default();
        let mut aside: Vec<(ProfileName, &String)> =
            names.iter().filter_map(|name| Some((aside_profile(name)?, name))).collect();
        // Of several, the last one counts.
        aside.sort();
        let before = aside.into_iter().map(|(profile, name)| (profile, self.files.set_aside_as(name)));
        let now = self.files.damaged().clone();
        before.chain(now).collect()
    }

    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        if self.files.spare.as_ref().is_some_and(Spare::is_in_use) {
            return None;
        }
        private::check_directory(&self.files.directory).ok()?;
        let entries = fs::read_dir(&self.files.directory).ok()?;
        let current = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let profile = entry.file_name().to_str()?.strip_suffix(".record")?.parse().ok()?;
            Some((profile, Version::of(&entry.metadata().ok()?)?))
        });
        Some(current.collect())
    }

    fn protection(&self) -> Result<Protection, StoreError> {
        let Files { kind, directory, keyring, .. } = &*self.files;
        let key = keyring.checked_source()?;
        Ok(Protection {
            kind,
            place: Some(directory.clone()),
            exposed: keyring.exposed(&key),
            key,
            has_key: keyring.has_key()?,
        })
    }
}

/// The files of one profile.
struct Slot {
    profile: ProfileName,
    /// What their names begin with.
    stem: String,
}

impl Slot {
    fn of(profile: &ProfileName) -> Self {
        Self { profile: profile.clone(), stem: profile.as_str().to_owned() }
    }

    /// The files that prove that the store works. No profile's name begins with a dot.
    fn probe() -> Self {
        Self { profile: "probe".parse().expect("letters are a name"), stem: ".probe".to_owned() }
    }
}

/// The line in clear before a record, which is also the associated data of its seal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine<'a> {
    format: u32,
    profile: &'a str,
    generation: u64,
    key: &'a str,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    key_id: &'a str,
}

/// What one file turned out to hold.
enum Found<T> {
    Sound(T),
    Damaged(&'static str),
    Missing,
}

/// One of the two generations of a record.
type Generation = Found<Box<Record>>;

/// A directory of records and their key.
struct Files {
    kind: &'static str,
    directory: PathBuf,
    keyring: Keyring,
    spare: Option<Spare>,
    /// What was found damaged since the store was opened, in words.
    damaged: Mutex<BTreeMap<ProfileName, String>>,
}

impl Files {
    /// A panic elsewhere leaves whole sentences.
    fn damaged(&self) -> MutexGuard<'_, BTreeMap<ProfileName, String>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the files that were set aside tell.
    fn damage_before(&self, slot: &Slot) -> Option<String> {
        let aside = format!("{}.{ASIDE}", slot.stem);
        let name = self.names().ok()?.into_iter().filter(|name| name.starts_with(&aside)).max()?;
        Some(self.set_aside_as(&name))
    }

    fn set_aside_as(&self, name: &str) -> String {
        let path = self.directory.join(name);
        format!("A damaged record was set aside as {}; the one before it took its place.", path.display())
    }

    fn path(&self, slot: &Slot, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", slot.stem))
    }

    /// The newest record that there is, in whichever place.
    fn load(&self, slot: &Slot) -> Result<Option<Record>, StoreError> {
        let Some(in_spare) = self.spare_record(slot)? else { return self.load_here(slot) };
        let profile = &slot.profile;
        self.damaged().entry(profile.clone()).or_insert_with(|| {
            let path = self.directory.display();
            format!("The record of profile `{profile}` is in the spare place, since {path} failed when it was written.")
        });
        Ok(Some(in_spare))
    }

    /// The record that the spare place has, where it is newer than the one here.
    fn spare_record(&self, slot: &Slot) -> Result<Option<Record>, StoreError> {
        let Some(path) = self.spare.as_ref().and_then(|spare| spare.occupied(slot)) else { return Ok(None) };
        let Ok(Generation::Sound(record)) = self.read_at(path, slot, |text, line| parse(text, slot, line)) else {
            return Ok(None);
        };
        let here = match self.load_here(slot) {
            Ok(here) => here,
            Err(StoreError::Corrupt { .. } | StoreError::Io { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(here.is_none_or(|here| here.generation < record.generation).then_some(*record))
    }

    /// The record, or the generation before it where the record is damaged or older.
    fn load_here(&self, slot: &Slot) -> Result<Option<Record>, StoreError> {
        let current = self.read_record(slot, CURRENT)?;
        if let Generation::Sound(record) = current {
            return Ok(Some(self.newer_previous(slot, &record).unwrap_or(*record)));
        }
        match (current, self.read_record(slot, PREVIOUS)?) {
            (Generation::Damaged(problem), Generation::Sound(record)) => {
                let path = self.path(slot, CURRENT);
                let found = format!("The record {} is damaged ({problem}); the one before it is used.", path.display());
                self.damaged().insert(slot.profile.clone(), found);
                Ok(Some(*record))
            }
            (_, Generation::Sound(record)) => Ok(Some(*record)),
            (Generation::Damaged(problem), _) => Err(StoreError::Corrupt { path: self.path(slot, CURRENT), problem }),
            (_, Generation::Damaged(problem)) => Err(StoreError::Corrupt { path: self.path(slot, PREVIOUS), problem }),
            _ => Ok(None),
        }
    }

    /// The generation before this one, where it is not: somebody has put an older record in the place of the newest.
    fn newer_previous(&self, slot: &Slot, current: &Record) -> Option<Record> {
        let line = private::first_bytes::<LONGEST_LINE>(&self.path(slot, PREVIOUS))?;
        let line = line.split(|byte| *byte == b'\n').next()?;
        // Whether it is true is seen when the whole is opened.
        serde_json::from_slice::<FirstLine>(line).ok().filter(|line| line.generation > current.generation)?;
        let Ok(Generation::Sound(previous)) = self.read_record(slot, PREVIOUS) else { return None };
        let (path, older, newer) = (self.path(slot, CURRENT), current.generation, previous.generation);
        let found = format!(
            "The record {} is older (generation {older}) than the one before it ({newer}), which is used.",
            path.display()
        );
        self.damaged().insert(slot.profile.clone(), found);
        Some(*previous)
    }

    /// The same under the lock. A damaged record is set aside, and so is one that is older than its predecessor. One that
    /// is in the spare place comes back.
    fn mend(&self, slot: &Slot) -> Result<Option<Record>, StoreError> {
        let current = self.read_record(slot, CURRENT)?;
        let previous = self.read_record(slot, PREVIOUS);
        let is_older = |previous: &Record| match &current {
            Generation::Sound(record) => previous.generation > record.generation,
            Generation::Damaged(_) => true,
            Generation::Missing => false,
        };
        if let Ok(Generation::Sound(record)) = &previous
            && is_older(record)
        {
            self.set_aside(slot, CURRENT)?;
            if let Some(found) = self.damage_before(slot) {
                self.damaged().insert(slot.profile.clone(), found);
            }
        }
        if is_directory(&self.path(slot, PREVIOUS)) {
            // No file could take its place.
            self.set_aside(slot, PREVIOUS)?;
        }
        let Some(record) = self.spare_record(slot)? else { return self.load_here(slot) };
        match self.bring_back(slot, &record) {
            Ok(()) => drop(self.damaged().remove(&slot.profile)),
            // It is good where it is.
            Err(_) => return self.load(slot),
        }
        Ok(Some(record))
    }

    /// Ends a commit whose writer died when all was written but the name: an answer that a provider gives only once may be in
    /// it. Since every writer looks for that first, nothing newer than what is left over is lost.
    fn finish(&self, slot: &Slot, left_over: &[PathBuf]) -> Result<(), StoreError> {
        let read = |path: &PathBuf| self.read_at(path.clone(), slot, |text, line| parse(text, slot, line));
        let whole = left_over.iter().filter_map(|path| match read(path) {
            Ok(Generation::Sound(record)) => Some(record),
            _ => None,
        });
        let Some(record) = whole.max_by_key(|record| record.generation) else { return Ok(()) };
        match self.load(slot) {
            Ok(here) if here.as_ref().is_none_or(|here| here.generation < record.generation) => {
                self.bring_back(slot, &record)
            }
            // What cannot be opened is somebody's to decide on.
            _ => Ok(()),
        }
    }

    /// Writes here what was written elsewhere, and empties the spare place.
    fn bring_back(&self, slot: &Slot, record: &Record) -> Result<(), StoreError> {
        let sealed = self.seal(slot, record.generation, record)?;
        let reservation = Reservation::make(&self.directory, &slot.stem, sealed.len())?;
        reservation.replace(&sealed, &self.path(slot, CURRENT), &self.path(slot, PREVIOUS))?;
        self.spare.as_ref().map_or(Ok(()), |spare| spare.remove(slot))
    }

    fn set_aside(&self, slot: &Slot, extension: &str) -> Result<(), StoreError> {
        let path = self.path(slot, extension);
        let numbered = |number| self.path(slot, &format!("{ASIDE}{number}"));
        let free = (1..MOST_ASIDE).map(numbered).find(|aside| aside.symlink_metadata().is_err());
        match fs::rename(&path, free.unwrap_or_else(|| numbered(MOST_ASIDE))) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("setting aside", &path)(error)),
            _ => private::sync_directory(&self.directory),
        }
    }

    fn read_record(&self, slot: &Slot, extension: &str) -> Result<Generation, StoreError> {
        self.read(slot, extension, |text, first_line| parse(text, slot, first_line))
    }

    /// Opens one of the profile's files and has `parse` read what is under the seal.
    fn read<T>(
        &self,
        slot: &Slot,
        extension: &str,
        parse: impl FnOnce(&[u8], &FirstLine) -> Found<T>,
    ) -> Result<Found<T>, StoreError> {
        self.read_at(self.path(slot, extension), slot, parse)
    }

    fn read_at<T>(
        &self,
        path: PathBuf,
        slot: &Slot,
        parse: impl FnOnce(&[u8], &FirstLine) -> Found<T>,
    ) -> Result<Found<T>, StoreError> {
        let read = match private::read(&path, LIMIT) {
            Err(StoreError::Unsafe { .. }) if is_directory(&path) => return Ok(Found::Damaged("it is a directory")),
            read => read?,
        };
        let Some(mut file) = read else { return Ok(Found::Missing) };
        if file.len() as u64 > LIMIT {
            return Ok(Found::Damaged("it is too long"));
        }
        let Some((line, sealed)) = seal::split_first_line(&mut file) else {
            return Ok(Found::Damaged("it does not begin with a line of JSON"));
        };
        let first_line = match serde_json::from_slice::<FirstLine>(line) {
            Ok(first_line) if first_line.format == FORMAT => first_line,
            _ if seal::is_newer(line, FORMAT) => return Err(StoreError::Newer { path }),
            _ => return Ok(Found::Damaged("its first line is not understood")),
        };
        if first_line.profile != slot.profile.as_str() {
            if first_line.profile.eq_ignore_ascii_case(slot.profile.as_str()) {
                let problem =
                    format!("it belongs to profile `{}`, whose name differs in case only", first_line.profile);
                let advice = "give the profile a name that differs in more".to_owned();
                return Err(StoreError::Unsafe { path, problem, advice });
            }
            return Ok(Found::Damaged("its first line names another profile"));
        }
        match self.unseal(line, &first_line, sealed)? {
            Some(text) => Ok(parse(text, &first_line)),
            None => Ok(Found::Damaged("its content does not fit its key and first line")),
        }
    }

    /// The text of a record; `None` where it is damaged. A record that belongs to another key is an error.
    fn unseal<'a>(
        &self,
        line: &[u8],
        first_line: &FirstLine,
        sealed: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, StoreError> {
        let pin = || Pin::new(first_line.key, first_line.key_id);
        let key = self.keyring.for_reading(pin)?;
        let opened = match &key.master {
            Some(master) => master.open(line, sealed).ok(),
            None if first_line.key == KeySource::None.word() => Some(&*sealed),
            None => None,
        };
        // Where the first line names another key, either it is damaged or the key is the wrong one.
        if opened.is_none() && !self.keyring.is_confirmed(key) {
            self.keyring.check(key, Some(&pin()))?;
        }
        Ok(opened)
    }

    fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        let mut profiles: Vec<ProfileName> = self.names()?.iter().filter_map(|name| profile_of(name)).collect();
        profiles.sort();
        profiles.dedup();
        Ok(profiles)
    }

    /// The key that existing records use, as far as they say so.
    fn pin_of_records(&self) -> Result<Option<Pin>, StoreError> {
        for name in self.names()? {
            if profile_of(&name).is_none() {
                continue;
            }
            let Some(mut file) = private::read(&self.directory.join(&name), LIMIT)? else { continue };
            let line = seal::split_first_line(&mut file).map(|(line, _)| line);
            if let Some(Ok(line)) = line.map(serde_json::from_slice::<FirstLine>) {
                return Ok(Some(Pin::new(line.key, line.key_id)));
            }
        }
        Ok(None)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = StoreError::io("listing", &self.directory);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().unwrap_or_default()));
        names.collect::<Result<_, _>>().map_err(failed)
    }

    fn key_for_writing(&self) -> Result<&Key, StoreError> {
        self.keyring.for_writing(|| self.pin_of_records())
    }

    /// The file that has `content` under its seal.
    fn seal(&self, slot: &Slot, generation: u64, content: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let key = self.key_for_writing()?;
        let first_line = FirstLine {
            format: FORMAT,
            profile: slot.profile.as_str(),
            generation,
            key: key.source.word(),
            key_id: &key.id(),
        };
        let first_line = serde_json::to_string(&first_line).expect("strings and numbers become JSON");
        // Roomy enough not to move while it grows, which would leave copies of secrets behind.
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer(&mut *text, content).expect("records and calls become JSON");
        match &key.master {
            Some(master) => master.seal(&first_line, &text).map_err(StoreError::io("sealing", &self.directory)),
            None => Ok([first_line.as_bytes(), b"\n", &text, b"\n"].concat()),
        }
    }
}

/// Whether a directory has the name, in which no record can be.
fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

fn parse(text: &[u8], slot: &Slot, first_line: &FirstLine) -> Generation {
    match serde_json::from_slice::<Record>(text) {
        Ok(record) if record.profile != slot.profile => Generation::Damaged("it holds another profile"),
        Ok(record) if record.generation != first_line.generation => Generation::Damaged("it holds another generation"),
        Ok(record) => Generation::Sound(Box::new(record)),
        Err(_) => Generation::Damaged("its content is not a record"),
    }
}

/// The profile of which this file is a damaged record.
fn aside_profile(name: &str) -> Option<ProfileName> {
    name.rsplit_once(&format!(".{ASIDE}")).and_then(|(stem, _)| stem.parse().ok())
}

impl Version {
    /// `None` where the system does not tell when a file changed.
    fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Some(Self { changed: metadata.modified().ok()?, file, length: metadata.len() })
    }
}

/// The profile whose record has this file name.
fn profile_of(name: &str) -> Option<ProfileName> {
    let stem = name.strip_suffix(".record").or_else(|| name.strip_suffix(".record.prev"));
    stem.and_then(|stem| stem.parse().ok())
}
