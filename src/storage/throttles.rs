//! Which grants of a client a provider has throttled, noted beside the records, so that whoever refreshes another grant of
//! the same client knows of it. No secret is in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seal;
use crate::profile::ProfileName;

/// A client at the accounts server that issued its grants: what providers count requests by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAt {
    pub issuer: String,
    pub client_id: String,
}

impl ClientAt {
    /// A short name that any file can have.
    pub(super) fn id(&self) -> String {
        seal::id(format!("{}\n{}", self.issuer, self.client_id).as_bytes())
    }
}

/// A provider asked to be left alone until then, when the grant of a profile was refreshed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    pub profile: ProfileName,
    pub at: Timestamp,
    pub until: Timestamp,
}

impl Throttled {
    /// Adds this to what is noted of a client: of each profile the last one counts, and only as many as tell anything.
    pub(super) fn note_in(self, all: &mut Vec<Throttled>) {
        const MOST: usize = 16;
        all.retain(|other| other.profile != self.profile);
        all.push(self);
        let surplus = all.len().saturating_sub(MOST);
        all.drain(..surplus);
    }
}
