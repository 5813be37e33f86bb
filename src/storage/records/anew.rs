//! Seals everything anew with another key, profile by profile.
//!
//! Whoever writes meanwhile seals with the new key, since each looks for it once it holds a profile; so what a pass over all
//! profiles has left, the next one finds, and at last nothing is sealed with the old one.

use std::collections::BTreeSet;

use super::{Held, Shared, Store};
use crate::profile::ProfileName;
use crate::storage::backend::{Found, Part, StrayKind};
use crate::storage::envelope::{self, FirstLine, Opened};
use crate::storage::key::{Change, NewKey, Pin};
use crate::storage::{LOCK_PATIENCE, StoreError};

/// More passes than profiles can be made meanwhile.
const MOST_PASSES: usize = 20;
/// The order in which parts are sealed anew.
const PARTS: [Part; 4] = [Part::Previous, Part::Current, Part::Calls, Part::Spare];

/// How a change of the key went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    pub key_id: String,
    /// The key that opens nothing any more; `None` where the key is the same one as before.
    pub old_key_id: Option<String>,
    /// How many profiles were sealed anew.
    pub profiles: usize,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
}

impl Store {
    /// Changes the key of the store and seals everything anew, or goes on with that. `names` are profiles that may have a
    /// record before this ends.
    pub fn rekey(&self, to: &NewKey, names: &BTreeSet<ProfileName>) -> Result<Rekeyed, StoreError> {
        let shared = &*self.shared;
        // Nothing is begun that cannot be ended.
        for profile in self.all_names(names)? {
            shared.refuse_newer(&profile)?;
        }
        let Some(change) = shared.keyring.begin_change(to)? else {
            let pin = shared.keyring.stored_pin()?;
            let key_id = pin.map(|pin| pin.key_id).unwrap_or_default();
            let notes = shared.keyring.what_to_set(to).into_iter().collect();
            return Ok(Rekeyed { key_id, old_key_id: None, profiles: 0, notes });
        };
        let (mut done, mut notes, mut left) = (BTreeSet::new(), BTreeSet::new(), self.all_names(names)?);
        for _ in 0..MOST_PASSES {
            let set_aside = shared.set_aside_with(&change.old.key_id)?;
            for profile in std::mem::take(&mut left) {
                let has_set_aside = set_aside.contains(&profile);
                let told = self.holding(&profile, LOCK_PATIENCE, |held| held.seal_anew(&change, has_set_aside))?;
                notes.extend(told);
                done.insert(profile);
            }
            for profile in self.all_names(names)? {
                if !shared.is_anew(&profile, &change) {
                    left.insert(profile);
                }
            }
            left.extend(shared.set_aside_with(&change.old.key_id)?);
            if left.is_empty() {
                break;
            }
        }
        if let Some(profile) = left.first() {
            let problem = format!("profile `{profile}` was sealed with the old key time and again");
            let advice = "end what still runs with the old key, and run this again";
            return Err(StoreError::not_possible(shared.backend.place(), problem, advice));
        }
        self.drop_copies();
        notes.extend(shared.keyring.end_change(&change, |address| self.pin_at(address))?);
        notes.extend(shared.keyring.what_to_set(to));
        let (key_id, old_key_id) = (change.new.id().to_owned(), Some(change.old.key_id.clone()));
        Ok(Rekeyed { key_id, old_key_id, profiles: done.len(), notes: notes.into_iter().collect() })
    }

    /// What the store at an address says of its key; `None` where it cannot be asked, or nothing is there: its medium may not be
    /// mounted. What this one says of an old key, by whatever address, is over.
    fn pin_at(&self, address: &str) -> Option<Pin> {
        let other = self.shared.reached(address)?.ok()?;
        let pin = other.shared.keyring.pin().ok()??;
        Some(if self.is_same_as(&other).unwrap_or(false) { pin.without_old() } else { pin })
    }

    fn all_names(&self, names: &BTreeSet<ProfileName>) -> Result<BTreeSet<ProfileName>, StoreError> {
        let strays = self.shared.backend.strays()?.into_iter().map(|stray| stray.profile);
        Ok(self.profiles()?.into_iter().chain(strays).chain(names.iter().cloned()).collect())
    }
}

impl Shared {
    /// Fails where a part was written by a newer version.
    fn refuse_newer(&self, profile: &ProfileName) -> Result<(), StoreError> {
        for part in PARTS {
            if let Ok(Found::Bytes(mut bytes)) = self.backend.read(profile, part)
                && let Err(error @ StoreError::Newer { .. }) = self.open(profile, &mut bytes, part)
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// The profiles of which something was set aside that names this key.
    fn set_aside_with(&self, key_id: &str) -> Result<BTreeSet<ProfileName>, StoreError> {
        let strays = self.backend.strays()?.into_iter().filter(|stray| stray.kind == StrayKind::SetAside);
        let with_key =
            strays.filter(|stray| matches!(&stray.found, Ok(Found::Bytes(bytes)) if names_key(bytes, key_id)));
        Ok(with_key.map(|stray| stray.profile).collect())
    }

    /// Whether nothing of the profile that can be opened is sealed with the old key.
    fn is_anew(&self, profile: &ProfileName, change: &Change) -> bool {
        let is_old = |part| match self.backend.read(profile, part) {
            Ok(Found::Bytes(mut bytes)) if names_key(&bytes, &change.old.key_id) => {
                let place = || self.backend.place_of(profile, part);
                let opened = envelope::reseal(&self.keyring, &change.new, profile, &mut bytes, &place);
                !matches!(opened, Ok(Opened::Damaged(_)))
            }
            Ok(_) => false,
            Err(_) => true,
        };
        !PARTS.into_iter().any(is_old)
    }
}

fn names_key(bytes: &[u8], key_id: &str) -> bool {
    FirstLine::of(bytes).is_some_and(|line| line.pin().key_id == key_id)
}

impl Held {
    /// Seals the parts of the profile with the new key. Damaged ones that only the old one could open go. Gives what a
    /// person should know.
    fn seal_anew(&mut self, change: &Change, has_set_aside: bool) -> Result<Vec<String>, StoreError> {
        // Others may have ended it, and begun the next one, while this process waited for the profile.
        self.shared.keyring.is_under_way(change)?;
        let mut notes = Vec::new();
        match self.mend() {
            Ok(_) | Err(StoreError::Corrupt { .. } | StoreError::KeyUnavailable(_)) => {}
            Err(error) => return Err(error),
        }
        for part in PARTS {
            notes.extend(self.seal_part_anew(part, change)?);
        }
        if has_set_aside {
            self.hold.remove_set_aside()?;
            notes.push(format!(
                "What had been set aside of profile `{}` was deleted, since only the old key could have opened it.",
                self.profile
            ));
        }
        Ok(notes)
    }

    fn seal_part_anew(&mut self, part: Part, change: &Change) -> Result<Option<String>, StoreError> {
        let Found::Bytes(mut bytes) = self.hold.read(part)? else { return Ok(None) };
        let (place, keyring) = (self.place_of(part), &self.shared.keyring);
        let is_old = names_key(&bytes, &change.old.key_id);
        let problem = match envelope::reseal(keyring, &change.new, &self.profile, &mut bytes, &|| place.clone()) {
            Ok(Opened::Sound(Some(sealed))) => {
                self.hold.reseal(part, change.new.id(), &sealed)?;
                return Ok(None);
            }
            Ok(Opened::Sound(None) | Opened::Missing) => return Ok(None),
            Ok(Opened::Damaged(problem)) => problem.to_owned(),
            Err(StoreError::KeyUnavailable(problem)) if !is_old => problem,
            Err(error) => return Err(error),
        };
        if part == Part::Calls {
            // They count as none, and nobody needs them.
            return self.hold.remove(part).map(|()| None);
        }
        Ok(Some(format!("{place} was not sealed anew, since it cannot be opened ({problem}).")))
    }
}
