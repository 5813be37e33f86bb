//! What a store is and what guards it, for people who see to it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Store;
use super::reading::InSpare;
use crate::clock;
use crate::profile::ProfileName;
use crate::storage::backend::{DatabaseDetails, Found, Part, StoreKind};
use crate::storage::key::Pin;
use crate::storage::{Protection, StoreError};

/// What is known of a store without changing anything.
#[derive(Debug)]
pub struct StoreInfo {
    pub kind: StoreKind,
    /// A directory, or a database without its password.
    pub place: String,
    /// What guards the records, or why that cannot be had.
    pub protection: Result<Protection, StoreError>,
    /// The key that the store says it uses, and the one that it used, while records are sealed anew.
    pub key_id: Option<String>,
    pub old_key_id: Option<String>,
    /// The profiles that have a record; where the store told nothing, those that may have one.
    pub profiles: Vec<ProfileName>,
    /// Those of which a record is in the spare place, and where.
    pub in_spare: Vec<(ProfileName, String)>,
    /// Those that are kept in another store now, and which.
    pub moved: Vec<(ProfileName, String)>,
    /// Of which of them this machine has a copy of the access token, as the store had it when.
    pub copies: Vec<(ProfileName, Timestamp)>,
    /// When this machine last wrote a record, as far as it knows.
    pub last_written: Option<Timestamp>,
    /// What it says of itself, where it is a database.
    pub details: Option<DatabaseDetails>,
    /// Why the store itself told nothing: all of the above is what is known without it.
    pub trouble: Option<StoreError>,
}

impl Store {
    /// What is known of the store, where it cannot be reached of these profiles only.
    pub fn info(&self, configured: &BTreeSet<ProfileName>) -> StoreInfo {
        self.told().unwrap_or_else(|trouble| self.known_here(configured, trouble))
    }

    fn told(&self) -> Result<StoreInfo, StoreError> {
        let shared = &*self.shared;
        let profiles = self.profiles()?;
        let pin = shared.keyring.stored_pin()?;
        let protection = self.protection().and_then(|protection| shared.keyring.require().map(|()| protection));
        let in_spare = profiles.iter().filter_map(|profile| {
            let found = shared.in_spare(&mut shared.reader(profile), profile);
            let counts = !matches!(found, Ok(InSpare::Nothing | InSpare::Outdated));
            counts.then(|| (profile.clone(), shared.backend.place_of(profile, Part::Spare)))
        });
        let moved = profiles.iter().filter_map(|profile| {
            let (record, _) = shared.load(&mut shared.reader(profile), profile).ok()?;
            Some((profile.clone(), record?.moved?.to))
        });
        Ok(StoreInfo {
            protection,
            old_key_id: pin.as_ref().and_then(Pin::old).map(|old| old.key_id),
            key_id: pin.map(|pin| pin.key_id).filter(|id| !id.is_empty()),
            in_spare: in_spare.collect(),
            moved: moved.collect(),
            details: shared.backend.details()?,
            ..self.of_this_machine(profiles)
        })
    }

    fn known_here(&self, configured: &BTreeSet<ProfileName>, trouble: StoreError) -> StoreInfo {
        let shared = &*self.shared;
        let in_spare = configured.iter().filter_map(|profile| {
            let is_there = matches!(shared.backend.read(profile, Part::Spare), Ok(Found::Bytes(_)));
            is_there.then(|| (profile.clone(), shared.backend.place_of(profile, Part::Spare)))
        });
        StoreInfo {
            key_id: shared.keyring.at_hand().map(|key| key.id().to_owned()).filter(|id| !id.is_empty()),
            in_spare: in_spare.collect(),
            trouble: Some(trouble),
            ..self.of_this_machine(configured.iter().cloned().collect())
        }
    }

    /// What needs no store.
    fn of_this_machine(&self, profiles: Vec<ProfileName>) -> StoreInfo {
        let backend = &self.shared.backend;
        let seen = self.shared.seen.get();
        let copy = |profile: &ProfileName| Some((profile.clone(), self.last_copy(profile, clock::wall())?.as_of));
        StoreInfo {
            kind: backend.kind(),
            place: backend.place(),
            protection: self.protection(),
            key_id: None,
            old_key_id: None,
            in_spare: Vec::new(),
            moved: Vec::new(),
            copies: profiles.iter().filter_map(copy).collect(),
            last_written: profiles.iter().filter_map(|profile| seen?.noted_at(profile)).max(),
            details: None,
            trouble: None,
            profiles,
        }
    }

    /// Makes what the store needs to be there, its key included, and proves that records can be kept.
    pub fn init(&self) -> Result<(), StoreError> {
        self.init_place()?;
        self.probe()
    }

    /// The same without its key, which may come from elsewhere.
    pub fn init_place(&self) -> Result<(), StoreError> {
        self.shared.backend.init()
    }

    /// How an admin makes it, as text for another program; `None` where that is nobody's task.
    pub fn script(&self, role: Option<&str>) -> Option<String> {
        self.shared.backend.script(role)
    }
}
