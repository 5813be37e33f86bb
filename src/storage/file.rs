//! Bytes as files: `NAME.record`, the one before it in `NAME.record.prev`, `NAME.calls`, and `NAME.lock`.
//!
//! A file is replaced as a whole, so a reader finds the old one or the new one and needs no lock. Damaged ones are set aside
//! as `NAME.record.corrupt-N`. The file `store.json` says which key the store uses. How a file is written is in
//! `reservation`, what its bytes mean in `envelope`.

mod held;
mod throttles;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use self::held::HeldFiles;
use super::backend::{Backend, Found, Hold, Listing, Part, StoreKind, Stray, StrayKind};
use super::envelope::{LIMIT, LONGEST_LINE, ROOM};
use super::private::read_bytes;
use super::reservation::Reservation;
use super::spare::Spare;
use super::{ClientAt, StoreError, Throttled, Version, lock, private, reservation};
use crate::files;
use crate::files::access::Judged;
use crate::profile::ProfileName;
use crate::sorted;

const CURRENT: &str = "record";
const ASIDE: &str = ".record.corrupt-";
/// So many damaged files are kept for each profile; the next one takes the place of the last.
const MOST_ASIDE: u32 = 9;
const PIN: &str = "store.json";
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// A directory of records.
pub(super) struct FileBackend {
    files: Arc<Files>,
}

impl FileBackend {
    pub(super) fn new(kind: StoreKind, directory: PathBuf, spare: Option<PathBuf>, judged: Judged) -> Self {
        let spare = spare.map(|spare| Spare::of_directory(spare, &directory));
        Self { files: Arc::new(Files { kind, directory, spare, judged, is_judged: OnceLock::new() }) }
    }
}

impl Backend for FileBackend {
    fn kind(&self) -> StoreKind {
        self.files.kind
    }

    fn place(&self) -> String {
        self.files.directory.display().to_string()
    }

    fn identity(&self) -> Result<String, StoreError> {
        let directory = &self.files.directory;
        // One that is not there yet has no links on its way.
        let path = directory.canonicalize().or_else(|_| std::path::absolute(directory));
        Ok(path.unwrap_or_else(|_| directory.clone()).display().to_string())
    }

    fn directory(&self) -> Option<PathBuf> {
        Some(self.files.directory.clone())
    }

    fn place_of(&self, profile: &ProfileName, part: Part) -> String {
        self.files.path(&Slot::of(profile), part).display().to_string()
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError> {
        if part != Part::Spare {
            private::check_directory(&self.files.directory)?;
        }
        let found = self.files.read(&Slot::of(profile), part)?;
        // The spare place is elsewhere, and has been judged there.
        if part != Part::Spare && found != Found::Missing {
            self.files.judge_ancestors()?;
        }
        Ok(found)
    }

    fn first_line(&self, profile: &ProfileName, part: Part) -> Option<Vec<u8>> {
        private::first_bytes::<LONGEST_LINE>(&self.files.path(&Slot::of(profile), part))
    }

    fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn Hold>, StoreError> {
        Ok(Box::new(HeldFiles::lock(&self.files, Slot::of(profile), patience)?))
    }

    fn poller_path(&self, profile: &ProfileName) -> Result<Option<PathBuf>, StoreError> {
        private::create_directory(&self.files.directory)?;
        self.files.judge()?;
        Ok(Some(self.files.directory.join(format!("{profile}.poller"))))
    }

    fn room(&self, profile: &ProfileName) -> Result<Option<Reservation>, StoreError> {
        Reservation::make_beside(self.files.room_path(&Slot::of(profile)), ROOM).map(Some)
    }

    fn keep_spare(&self, profile: &ProfileName, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        let Some(spare) = &self.files.spare else { return Ok(None) };
        spare.keep(profile.as_str(), None, bytes).map(|path| Some(path.display().to_string()))
    }

    fn listing(&self) -> Result<Listing, StoreError> {
        private::check_directory(&self.files.directory)?;
        let is_whole = !self.files.spare.as_ref().is_some_and(Spare::is_in_use);
        let mut profiles = self.files.names(|name| record_of(name, is_whole))?;
        profiles.extend(self.files.spare.iter().flat_map(Spare::profiles).map(|profile| (profile, false)));
        // Of two records of a profile the previous one comes first, with which none is alone.
        sorted::by(&mut profiles, Ord::cmp);
        profiles.dedup_by(|other, kept| other.0 == kept.0);
        Ok(Listing { profiles, is_whole })
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
            Some((profile, version(&entry.metadata().ok()?)?))
        });
        Some(current.collect())
    }

    fn set_aside(&self) -> BTreeMap<ProfileName, String> {
        let mut aside = self.files.names(|name| Some((aside_profile(name)?, name.to_owned()))).unwrap_or_default();
        // Of several, the last one counts.
        sorted::by(&mut aside, Ord::cmp);
        aside
            .iter()
            .map(|(profile, name)| (profile.clone(), self.files.directory.join(name).display().to_string()))
            .collect()
    }

    /// Without a look at the names of all files.
    fn set_aside_of(&self, profile: &ProfileName) -> Option<String> {
        let slot = Slot::of(profile);
        let mut places = (1..=MOST_ASIDE).rev().map(|number| self.files.place_aside(&slot, number));
        places.find(|place| place.symlink_metadata().is_ok()).map(|place| place.display().to_string())
    }

    fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        Ok(throttles::read(&self.files.throttles_path(client)))
    }

    fn note_throttled(&self, client: &ClientAt, throttled: Throttled) -> Result<(), StoreError> {
        throttles::note(&self.files.throttles_path(client), throttled)
    }

    fn probe(&self, bytes: &[u8]) -> Result<Found, StoreError> {
        let slot = Slot::probe();
        let mut held = HeldFiles::lock(&self.files, slot, PROBE_PATIENCE)?;
        held.remove(Part::Current)?;
        held.write(Part::Current, bytes)?;
        let found = held.read(Part::Current);
        held.remove(Part::Current)?;
        found
    }

    fn pin(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let content = private::read(&self.files.directory.join(PIN), LIMIT)?;
        Ok(content.map(|content| content.to_vec()))
    }

    fn bind(&self, pin: &[u8]) -> Result<(), StoreError> {
        private::create_directory(&self.files.directory)?;
        self.files.judge()?;
        private::create_once(&self.files.directory.join(PIN), pin).map(drop)
    }

    fn rebind(&self, before: &[u8], pin: &[u8]) -> Result<bool, StoreError> {
        let path = self.files.directory.join(PIN);
        let mut held = HeldFiles::lock(&self.files, Slot::probe(), PROBE_PATIENCE)?;
        held.sweep()?;
        let is_as_before = self.pin()?.as_deref() == Some(before);
        if is_as_before {
            held.write_at(&path, pin)?;
        }
        Ok(is_as_before)
    }

    fn init(&self) -> Result<(), StoreError> {
        private::create_directory(&self.files.directory)?;
        self.files.judge()
    }

    fn check_room(&self) -> Result<(), StoreError> {
        let there = files::nearest(&self.files.directory);
        files::check_room(there, ROOM).map_err(StoreError::io("writing to", there))
    }

    fn holders(&self) -> Result<Vec<(ProfileName, String)>, StoreError> {
        let mut held = Vec::new();
        let locks = self.files.names(|name| Some((name.strip_suffix(".lock")?.parse().ok()?, name.to_owned())))?;
        for (profile, name) in locks {
            held.extend(lock::held_by(&self.files.directory.join(name))?.map(|holder| (profile, holder)));
        }
        sorted::by(&mut held, Ord::cmp);
        Ok(held)
    }

    fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        private::check_directory(&self.files.directory)?;
        let stray = |name: &str| {
            let path = self.files.directory.join(name);
            let (profile, kind, found) = if let Some(profile) = aside_profile(name) {
                (profile, StrayKind::SetAside, read_bytes(&path))
            } else if let Some(stem) = reservation::stem_of_left_over(name) {
                (stem.parse().ok()?, StrayKind::LeftOver, read_bytes(&path))
            } else {
                let profile = name.strip_suffix(".lock")?.parse().ok()?;
                (profile, StrayKind::LeftOver, Err(private::check_lock(&path).err()?))
            };
            Some(Stray { profile, kind, place: path.display().to_string(), found })
        };
        let mut strays = self.files.names(stray)?;
        if let Some(spare) = &self.files.spare {
            strays.extend(spare.strays()?);
        }
        sorted::by(&mut strays, |one, other| one.place.cmp(&other.place));
        Ok(strays)
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
        Self { profile: ProfileName::of_probe(), stem: ".probe".to_owned() }
    }
}

struct Files {
    kind: StoreKind,
    directory: PathBuf,
    spare: Option<Spare>,
    /// Some of the directories above, as they were found elsewhere.
    judged: Judged,
    /// The directories above were found safe.
    is_judged: OnceLock<()>,
}

impl Files {
    /// Refuses a directory that others can look into, or could replace.
    fn judge(&self) -> Result<(), StoreError> {
        private::check_directory(&self.directory)?;
        self.judge_ancestors()
    }

    fn judge_ancestors(&self) -> Result<(), StoreError> {
        if self.is_judged.get().is_none() {
            private::check_ancestors_beyond(&self.judged, &self.directory)?;
            self.is_judged.get_or_init(|| ());
        }
        Ok(())
    }

    fn path(&self, slot: &Slot, part: Part) -> PathBuf {
        let extension = match part {
            Part::Current => CURRENT,
            Part::Previous => "record.prev",
            Part::Calls => "calls",
            Part::Spare => {
                let spare = self.spare.as_ref().map(|spare| spare.path(&slot.stem));
                return spare.unwrap_or_else(|| self.directory.join(format!("{}.{CURRENT}", slot.stem)));
            }
        };
        self.directory.join(format!("{}.{extension}", slot.stem))
    }

    fn throttles_path(&self, client: &ClientAt) -> PathBuf {
        self.directory.join(format!("{}.throttled", client.id()))
    }

    fn room_path(&self, slot: &Slot) -> PathBuf {
        self.directory.join(format!(".{}.room", slot.stem))
    }

    fn lock_path(&self, slot: &Slot) -> PathBuf {
        self.directory.join(format!("{}.lock", slot.stem))
    }

    fn read(&self, slot: &Slot, part: Part) -> Result<Found, StoreError> {
        if part == Part::Spare {
            return self.spare.as_ref().map_or(Ok(Found::Missing), |spare| spare.read(&slot.stem));
        }
        read_bytes(&self.path(slot, part))
    }

    /// Where a damaged record is moved to.
    fn place_aside(&self, slot: &Slot, number: u32) -> PathBuf {
        self.directory.join(format!("{}{ASIDE}{number}", slot.stem))
    }

    /// What is wanted of the names of its files.
    fn names<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, StoreError> {
        let failed = StoreError::io("listing", &self.directory);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_str().and_then(&wanted)));
        names.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(failed)
    }
}

/// The profile of which this file is a damaged record.
fn aside_profile(name: &str) -> Option<ProfileName> {
    stem_set_aside(name)?.parse().ok()
}

/// Of what a file of this name was the record, where it is one that was set aside. A profile may be called so.
fn stem_set_aside(name: &str) -> Option<&str> {
    name.trim_end_matches(|character: char| character.is_ascii_digit()).strip_suffix(ASIDE)
}

/// Each commit makes a new file; `None` where the system does not tell when a file changed.
fn version(metadata: &Metadata) -> Option<Version> {
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let file = 0;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Version([changed.as_secs(), changed.subsec_nanos().into(), file, metadata.len()]))
}

/// The profile whose record has this file name, and whether it may be alone: there is none elsewhere, and it is no previous one.
fn record_of(name: &str, is_none_elsewhere: bool) -> Option<(ProfileName, bool)> {
    let current = name.strip_suffix(".record");
    let stem = current.or_else(|| name.strip_suffix(".record.prev"))?;
    Some((stem.parse().ok()?, is_none_elsewhere && current.is_some()))
}
