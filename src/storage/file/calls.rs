//! The file `NAME.calls`: the calls of a profile, in the form of a record and under its key, without a generation before.

use serde::{Deserialize, Serialize};

use super::{Files, Found, Slot};
use crate::profile::ProfileName;
use crate::storage::{PastCall, StoreError};

pub(super) const CALLS: &str = "calls";
/// Each file replaces the one before, which nobody needs.
const GENERATION: u64 = 0;

/// What is under the seal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    profile: ProfileName,
    calls: Vec<PastCall>,
}

impl Files {
    pub(super) fn calls(&self, slot: &Slot) -> Result<Vec<PastCall>, StoreError> {
        let found = self.read(slot, CALLS, |text, first_line| match serde_json::from_slice::<Calls>(text) {
            Ok(kept) if kept.profile == slot.profile && first_line.generation == GENERATION => Found::Sound(kept.calls),
            _ => Found::Damaged("its content is no list of calls of this profile"),
        });
        match found? {
            Found::Sound(calls) => Ok(calls),
            Found::Missing => Ok(Vec::new()),
            Found::Damaged(problem) => Err(StoreError::Corrupt { path: self.path(slot, CALLS), problem }),
        }
    }

    /// The file for `calls`.
    pub(super) fn seal_calls(&self, slot: &Slot, calls: &[PastCall]) -> Result<Vec<u8>, StoreError> {
        self.seal(slot, GENERATION, &Calls { profile: slot.profile.clone(), calls: calls.to_vec() })
    }
}
