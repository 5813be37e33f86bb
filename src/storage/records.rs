//! The store as the rest of the program sees it: records, opened and judged, whatever keeps their bytes.
//!
//! Readers take no lock. Every write goes through [`Store::hold`], so that a refresh can read again, decide, ask the provider
//! and commit while nobody else does the same. Of several copies of a record the newest sound one counts; whoever holds a
//! profile also mends what is damaged. No failure here deletes or blanks a record.

mod anew;
mod check;
mod copied;
mod held;
mod info;
mod moving;
mod reading;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::backend::{Backend, Found, Health, Hold, Listing, Part, StoreKind};
use super::copies::Copies;
use super::envelope::{self, Opened};
use super::key::{Key, Keyring, Sources};
use super::lost::Lost;
use super::reservation::Reservation;
use super::seen::Seen;
use super::{ClientAt, KeySource, PastCall, Protection, Record, StoreError, Throttled, Version};
use crate::files::access::Holds;
use crate::profile::ProfileName;

pub use self::anew::Rekeyed;
pub use self::check::{Checked, Finding, FindingKind};
pub use self::info::StoreInfo;
pub use self::moving::{CopyOutcome, Destination, Opener};

/// Where the newest record of a profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Here,
    /// Here, with grants that only an outdated one in the spare place has.
    Both,
    /// It can come back, since the store can be read.
    SpareForNow,
    Spare,
}

/// A record that may not be there, or may be damaged.
type OpenedRecord = Opened<Box<Record>>;

/// A place that keeps records. Clones share it. Everything here may wait for a disk, a lock or a network.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    keyring: Keyring,
    /// What was found damaged since the store was opened, in words.
    damaged: Mutex<BTreeMap<ProfileName, String>>,
    /// Where this machine keeps copies of access tokens, if it does.
    copies: OnceLock<Copies>,
    /// What this machine has written last.
    seen: OnceLock<Seen>,
    /// Where records are looked for whose move was cut short.
    opener: OnceLock<Opener>,
    /// Whose copy served since the store was away, in words.
    served: Mutex<BTreeMap<ProfileName, String>>,
}

impl Store {
    /// The store in `backend`, sealed with a key from `sources`, or not sealed at all.
    pub(super) fn new(backend: Arc<dyn Backend>, sources: Option<Sources>) -> Self {
        let keyring = Keyring::new(Arc::clone(&backend), sources);
        Self {
            shared: Arc::new(Shared {
                backend,
                keyring,
                damaged: Mutex::default(),
                copies: OnceLock::new(),
                seen: OnceLock::new(),
                opener: OnceLock::new(),
                served: Mutex::default(),
            }),
        }
    }

    /// Has this machine note in a directory of its own what it writes into the store at this address.
    #[must_use]
    pub(super) fn noting(self, directory: PathBuf, address: String) -> Self {
        self.shared.seen.get_or_init(|| Seen::new(directory, address));
        self
    }

    pub fn kind(&self) -> StoreKind {
        self.shared.backend.kind()
    }

    /// Whether several machines keep their records in it.
    pub fn is_shared(&self) -> bool {
        self.shared.backend.is_shared()
    }

    /// The record as last committed; `None` where the profile has none.
    pub fn load(&self, profile: &ProfileName) -> Result<Option<Box<Record>>, StoreError> {
        let asked_at = self.shared.time_of_copy();
        let (mut record, place) = self.shared.load(&mut self.shared.reader(profile), profile)?;
        self.shared.copy(profile, record.as_deref(), asked_at);
        if let Some(record) = &mut record {
            self.shared.tell_if_moved(record);
            self.end_code_if_used_up(record);
        }
        if matches!(place, Place::Both | Place::SpareForNow) && self.shared.backend.is_shared() {
            self.bring_back(profile);
        }
        Ok(record)
    }

    /// The same of a profile of which a listing showed that there is one copy alone, which spares looking for others.
    pub fn load_alone(&self, profile: &ProfileName) -> Result<Option<Box<Record>>, StoreError> {
        let asked_at = self.shared.time_of_copy();
        match self.shared.read(&mut self.shared.reader(profile), profile, Part::Current) {
            Ok(Opened::Sound(mut record)) => {
                self.shared.copy(profile, Some(&record), asked_at);
                self.shared.tell_if_moved(&record);
                self.end_code_if_used_up(&mut record);
                Ok(Some(record))
            }
            // Somebody has written meanwhile, or there is more to be said.
            _ => self.load(profile),
        }
    }

    /// Has a record come back out of the spare place, unless somebody else is at it.
    fn bring_back(&self, profile: &ProfileName) {
        let brought: Result<(), StoreError> = self.holding(profile, Duration::ZERO, |held| held.look().map(drop));
        // It is good where it is, and the next one tries again.
        drop(brought);
    }

    /// Keeps a record in the spare place without the right to write it, since its own place failed so.
    pub(super) fn keep_aside(&self, record: &mut Record, failed: StoreError) -> Result<(), StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let Some(key) = keyring.at_hand() else { return Err(failed) };
        let asked_at = self.shared.time_of_copy();
        record.generation = record.generation.saturating_add(1);
        let sealed = envelope::seal_record(&key, record)?;
        let Ok(Some(place)) = backend.keep_spare(&record.profile, &sealed) else {
            // Its last step alone may have failed, or who holds the profile has brought it back already.
            let here = self.load(&record.profile).ok().flatten();
            return if here.is_some_and(|here| here.is_same_sign_in(record)) { Ok(()) } else { Err(failed) };
        };
        self.shared.copy(&record.profile, Some(record), asked_at);
        self.shared.damaged().insert(record.profile.clone(), kept_in_spare(&record.profile, &place, &failed));
        Ok(())
    }

    /// The store in words for people.
    pub(super) fn place(&self) -> String {
        self.shared.backend.place()
    }

    /// Waits up to `patience` for the sole right to write this profile's record.
    pub fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Held, StoreError> {
        let mut held = self.hold_as_left(profile, patience)?;
        match held.finish() {
            Ok(()) => Ok(held),
            Err(error) => {
                held.release();
                Err(error)
            }
        }
    }

    /// The same with all as the last writer has left it.
    fn hold_as_left(&self, profile: &ProfileName, patience: Duration) -> Result<Held, StoreError> {
        Ok(Held {
            shared: Arc::clone(&self.shared),
            profile: profile.clone(),
            hold: self.shared.backend.hold(profile, patience)?,
            before: None,
            spent: None,
            key: None,
        })
    }

    pub(super) fn poller_path(&self, profile: &ProfileName) -> Result<Option<PathBuf>, StoreError> {
        self.shared.backend.poller_path(profile)
    }

    pub(super) fn room(&self, profile: &ProfileName) -> Result<Option<Reservation>, StoreError> {
        self.shared.backend.room(profile)
    }

    /// The home that is named in a pending sign-in for which this process may ask.
    pub fn poller_home(&self) -> Option<String> {
        self.shared.backend.poller_home()
    }

    /// Does `work` with the sole right to write this profile's record, and gives that back whatever comes of it.
    pub fn holding<T, E: From<StoreError>>(
        &self,
        profile: &ProfileName,
        patience: Duration,
        work: impl FnOnce(&mut Held) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = self.hold(profile, patience)?;
        let result = work(&mut held);
        held.release();
        result
    }

    /// Waits up to `patience` for others to change records, and tells which; `None` where nobody says when they do. It may miss
    /// some.
    pub fn changed(&self, patience: Duration) -> Option<Vec<ProfileName>> {
        self.shared.backend.changed(patience)
    }

    /// The calls that were made with a profile, as last saved, oldest first.
    pub fn calls(&self, profile: &ProfileName) -> Result<Vec<PastCall>, StoreError> {
        let shared = &*self.shared;
        match shared.open_calls(profile, shared.backend.read(profile, Part::Calls)?)? {
            Opened::Sound(calls) => Ok(calls),
            Opened::Missing => Ok(Vec::new()),
            Opened::Damaged(problem) => {
                let place = shared.backend.place_of(profile, Part::Calls);
                Err(StoreError::Corrupt { place, problem, profile: Some(profile.clone()) })
            }
        }
    }

    /// The profiles that have a record, and what a look at the place tells of their records without opening any.
    pub fn listing(&self) -> Result<Listing, StoreError> {
        self.shared.backend.listing()
    }

    /// The profiles that have a record.
    pub fn profiles(&self) -> Result<Vec<ProfileName>, StoreError> {
        self.shared.backend.profiles()
    }

    /// Of a profile that has no record: whether this machine has written a sign-in of it, and knows of no end of that.
    pub fn lost(&self, profile: &ProfileName) -> Option<Lost> {
        self.shared.lost(profile)
    }

    /// What may have become of a record of which somebody knows that it was there.
    pub fn loss(&self) -> Lost {
        Lost { is_shared: self.is_shared() }
    }

    /// Proves that records can be kept: writes a probe, reads it back and deletes it.
    pub fn probe(&self) -> Result<(), StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let profile = ProfileName::of_probe();
        let record = Record::empty(profile.clone(), "", "");
        let key = keyring.for_writing()?;
        let found = backend.probe(&envelope::seal_record(&key, &record)?)?;
        let place = || backend.place();
        if let Found::Bytes(mut bytes) = found
            && let Opened::Sound(read_back) = envelope::open_record(keyring, &profile, &mut bytes, &place)?
            && *read_back == record
        {
            return Ok(());
        }
        let problem = "a probe was not read back as it was written";
        Err(StoreError::Corrupt { place: place(), problem, profile: None })
    }

    /// What this store found damaged since it was opened, and what it used instead: a sentence for people about each.
    pub fn found_damaged(&self) -> Vec<String> {
        let (damaged, served) = (self.shared.damaged(), self.shared.served());
        damaged.values().chain(served.values()).cloned().collect()
    }

    /// What a person should know of damage to records, now or before.
    pub fn damage(&self) -> BTreeMap<ProfileName, String> {
        let before =
            self.shared.backend.set_aside().into_iter().map(|(profile, place)| (profile, set_aside_as(&place)));
        before.chain(self.shared.damaged().clone()).chain(self.shared.served().clone()).collect()
    }

    /// The same of one profile.
    pub fn damage_of(&self, profile: &ProfileName) -> Option<String> {
        let served = self.shared.served().get(profile).cloned();
        let lately = served.or_else(|| self.shared.damaged().get(profile).cloned());
        lately.or_else(|| self.shared.backend.set_aside_of(profile).map(|place| set_aside_as(&place)))
    }

    /// The directory in which a change of a record shows as one of its file, where there is one.
    pub fn directory(&self) -> Option<PathBuf> {
        self.shared.backend.directory()
    }

    /// Tells the committed records apart from earlier and later ones without opening any; `None` where only opening tells.
    pub fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        self.shared.backend.versions()
    }

    /// The profiles that somebody writes now, and who that is, where it shows without asking for the right.
    pub fn holders(&self) -> Result<Vec<(ProfileName, String)>, StoreError> {
        self.shared.backend.holders()
    }

    /// Fails where no record could be written on this machine. Nothing is changed for that, and no server asked.
    pub fn check_room(&self) -> Result<(), StoreError> {
        self.shared.backend.check_room()
    }

    /// How the server of a database is; `None` for other stores.
    pub fn health(&self) -> Result<Option<Health>, StoreError> {
        self.shared.backend.health()
    }

    /// The files of this machine by which the place of the records is reached, and what they hold.
    pub fn files(&self) -> Vec<(PathBuf, Holds)> {
        self.shared.backend.files()
    }

    /// Which grants of a client were throttled lately.
    pub fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        self.shared.backend.throttled(client)
    }

    /// Where the records are and what guards them, for people.
    pub fn protection(&self) -> Result<Protection, StoreError> {
        let Shared { backend, keyring, .. } = &*self.shared;
        let key = keyring.checked_source()?;
        let kind = backend.kind();
        let place = (kind != StoreKind::Memory).then(|| backend.place());
        let is_there = !matches!(&key, KeySource::KeyFile(path) if matches!(path.try_exists(), Ok(false)));
        // No second one is made for a store that has one.
        let is_made = is_there || matches!(keyring.stored_pin(), Ok(Some(_)));
        Ok(Protection { kind, place, exposed: keyring.exposed(&key), key, is_made, has_key: keyring.has_key()? })
    }
}

fn set_aside_as(place: &str) -> String {
    format!("A damaged record was set aside as {place}; the one before it took its place.")
}

fn kept_in_spare(profile: &ProfileName, place: &str, failed: &StoreError) -> String {
    format!("The record of profile `{profile}` is kept in {place} for now: {failed}.")
}

fn kept_for_now(profile: &ProfileName, failed: &StoreError) -> String {
    format!("The record of profile `{profile}` is written, and may be gone after a loss of power: {failed}.")
}

/// The sole right to write one profile's record. It is given back by [`release`](Self::release).
pub struct Held {
    shared: Arc<Shared>,
    profile: ProfileName,
    hold: Box<dyn Hold>,
    /// The generation that a commit replaces, once that was looked up for it.
    before: Option<u64>,
    /// The generation that this machine has written already, where the record is an older one with a refresh token that was
    /// replaced since.
    spent: Option<u64>,
    /// What is written is sealed with it. It stays while the profile is held: whoever seals everything anew waits for that.
    key: Option<Arc<Key>>,
}
