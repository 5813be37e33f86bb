//! What a store is and what guards it, for people who see to it.

use super::Store;
use crate::profile::ProfileName;
use crate::storage::backend::Part;
use crate::storage::key::Pin;
use crate::storage::{Protection, StoreError};

/// What is known of a store without changing anything.
#[derive(Debug)]
pub struct StoreInfo {
    /// `file`, `plain`, `memory` or `postgres`.
    pub kind: &'static str,
    /// A directory, or a database without its password.
    pub place: String,
    /// What guards the records, or why that cannot be had.
    pub protection: Result<Protection, StoreError>,
    /// The key that the store says it uses, and the one that it used, while records are sealed anew.
    pub key_id: Option<String>,
    pub old_key_id: Option<String>,
    /// The profiles that have a record.
    pub profiles: Vec<ProfileName>,
    /// Those of which a record is in the spare place, and where.
    pub in_spare: Vec<(ProfileName, String)>,
    /// Those that are kept in another store now, and which.
    pub moved: Vec<(ProfileName, String)>,
    /// What else its place tells: names as in JSON, and values.
    pub details: Vec<(&'static str, String)>,
}

impl Store {
    /// What is known of the store.
    ///
    /// # Errors
    ///
    /// It cannot be reached.
    pub fn info(&self) -> Result<StoreInfo, StoreError> {
        let shared = &*self.shared;
        let backend = &shared.backend;
        let profiles = self.profiles()?;
        let pin = shared.keyring.stored_pin()?;
        let protection = self.protection().and_then(|protection| shared.keyring.require().map(|()| protection));
        let in_spare = profiles.iter().filter_map(|profile| {
            let found = shared.spare_record(&mut shared.reader(profile), profile).ok()??;
            drop(found);
            Some((profile.clone(), backend.place_of(profile, Part::Spare)))
        });
        let moved = profiles.iter().filter_map(|profile| {
            let (record, _) = shared.load(&mut shared.reader(profile), profile).ok()?;
            Some((profile.clone(), record?.moved?.to))
        });
        Ok(StoreInfo {
            kind: backend.kind(),
            place: backend.place(),
            protection,
            old_key_id: pin.as_ref().and_then(Pin::old).map(|old| old.key_id),
            key_id: pin.map(|pin| pin.key_id).filter(|id| !id.is_empty()),
            in_spare: in_spare.collect(),
            moved: moved.collect(),
            details: backend.details()?,
            profiles,
        })
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
