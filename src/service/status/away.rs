//! Statuses while the store is away: what this machine knew last, and no profile waits for what another one has waited for.

use std::sync::OnceLock;

use jiff::Timestamp;

use super::Service;
use super::tokens::stored::is_of;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::storage::{Copied, StoreError};
use crate::words::time_of_day;

/// Whether the store has turned out to be away while statuses were read, and why.
#[derive(Default)]
pub(super) struct Away(OnceLock<Error>);

impl Away {
    /// Asks the store, unless it is known to be away.
    pub(super) fn unless_away<T>(&self, ask: impl FnOnce() -> Result<T, StoreError>) -> Result<T, Error> {
        match self.0.get() {
            Some(error) => Err(error.clone()),
            None => self.noting(ask()),
        }
    }

    /// Notes if this is a sign of that.
    pub(super) fn noting<T>(&self, asked: Result<T, StoreError>) -> Result<T, Error> {
        asked.map_err(|error| {
            let is_away = error.is_away();
            let error = Error::from(error);
            if is_away { self.0.get_or_init(|| error).clone() } else { error }
        })
    }
}

impl Service {
    /// What was known here of the profile last, with words for that, where `error` says that the store is away.
    pub(super) fn copied(&self, profile: &Profile, error: &Error, now: Timestamp) -> Option<(Copied, String)> {
        if error.code != Code::StoreUnavailable {
            return None;
        }
        let copied = self.store.last_copy(&profile.name, now)?;
        let as_of = time_of_day(copied.as_of, now, &(self.zone)());
        let words = format!("This is as it was known here at {as_of}: {}.", error.reason());
        is_of(&copied, profile).then_some((copied, words))
    }
}
