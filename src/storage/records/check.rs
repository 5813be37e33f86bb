//! Reads everything that a store has and says what is wrong with it; brings back what can be brought back.
//!
//! Looking changes nothing and asks no provider. What is mended is mended by who holds the profile, as every writer would.

use std::collections::BTreeSet;

use super::{Held, Shared, Store};
use crate::profile::ProfileName;
use crate::sorted;
use crate::storage::backend::{Found, Part, Stray, StrayKind};
use crate::storage::envelope::{self, Opened};
use crate::storage::{LOCK_PATIENCE, Record, StoreError};

/// What may be said of something in a store. All but the notes are damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// It cannot be opened, or is not there although it has to be.
    Damaged,
    /// A record is older than the one before it, or than what this machine has written.
    Older,
    /// It is sealed with a key that is not the store's.
    OtherKey,
    /// A newer version of this program wrote it.
    Newer,
    /// Note: the configuration has no profile of this name.
    Unconfigured,
    /// Note: it was damaged once, and moved out of the way.
    SetAside,
    /// Note: its writer died, or is at work.
    LeftOver,
    /// Note: a record is in the spare place, since the store failed.
    InSpare,
    /// Note: the profile is kept in another store now.
    Moved,
}

impl FindingKind {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            FindingKind::Damaged => "damaged",
            FindingKind::Older => "older",
            FindingKind::OtherKey => "other_key",
            FindingKind::Newer => "newer",
            FindingKind::Unconfigured => "unconfigured",
            FindingKind::SetAside => "set_aside",
            FindingKind::LeftOver => "left_over",
            FindingKind::InSpare => "in_spare",
            FindingKind::Moved => "moved",
        }
    }

    pub fn is_damage(self) -> bool {
        self < FindingKind::Unconfigured
    }
}

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub profile: ProfileName,
    pub kind: FindingKind,
    /// Where it is.
    pub place: String,
    /// A clause about it.
    pub problem: String,
}

/// What a look at everything came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many profiles have a record.
    pub profiles: usize,
    /// How many records, lists of calls and other things were read.
    pub read: usize,
    pub findings: Vec<Finding>,
}

impl Store {
    /// Reads everything. `configured` are the profiles that the configuration has.
    ///
    /// # Errors
    ///
    /// The store cannot be used at all: it cannot be reached, or its key cannot be had.
    pub fn check(&self, configured: &BTreeSet<ProfileName>) -> Result<Checked, StoreError> {
        let shared = &*self.shared;
        shared.keyring.require()?;
        let (profiles, strays) = (self.profiles()?, shared.backend.strays()?);
        let named = sorted::set(profiles.iter().chain(configured));
        let mut checked = Checked { profiles: profiles.len(), ..Checked::default() };
        for profile in named {
            shared.check(profile, &mut checked)?;
            if !configured.contains(profile) {
                let (place, problem) =
                    (shared.backend.place_of(profile, Part::Current), "no such profile is configured");
                checked.find(profile, FindingKind::Unconfigured, place, problem);
            }
        }
        for stray in strays {
            checked.read += 1;
            shared.check_stray(stray, &mut checked);
        }
        Ok(checked)
    }

    /// Mends what `checked` found, as far as that is possible, and tells what was done: a sentence each.
    pub fn repair(&self, checked: &Checked) -> Result<Vec<String>, StoreError> {
        let is_for_repair =
            |kind| !matches!(kind, FindingKind::Unconfigured | FindingKind::SetAside | FindingKind::Moved);
        let found = checked.findings.iter().filter(|finding| is_for_repair(finding.kind));
        let profiles = sorted::set(found.map(|finding| &finding.profile));
        let mut done = Vec::new();
        for profile in profiles {
            let left_over =
                |store: &Store| store.shared.backend.strays().map(|strays| count_left_over(&strays, profile));
            let before = left_over(self)?;
            done.extend(self.holding(profile, LOCK_PATIENCE, Held::repair)?);
            if before > 0 && left_over(self)? == 0 {
                done.push(format!("What dead writers of profile `{profile}` had left over is gone."));
            }
        }
        Ok(done)
    }
}

fn count_left_over(strays: &[Stray], profile: &ProfileName) -> usize {
    strays.iter().filter(|stray| stray.profile == *profile && stray.kind == StrayKind::LeftOver).count()
}

impl Checked {
    fn find(&mut self, profile: &ProfileName, kind: FindingKind, place: String, problem: impl Into<String>) {
        self.findings.push(Finding { profile: profile.clone(), kind, place, problem: problem.into() });
    }
}

impl Shared {
    fn check(&self, profile: &ProfileName, checked: &mut Checked) -> Result<(), StoreError> {
        let place = |part| self.backend.place_of(profile, part);
        let [current, previous, spare] =
            [Part::Current, Part::Previous, Part::Spare].map(|part| self.check_record(profile, part, checked));
        let (current, previous, spare) = (current?, previous?, spare?);
        self.check_calls(profile, checked)?;
        match (&current, &previous) {
            (Some(current), Some(previous)) if current.generation < previous.generation => {
                let problem =
                    format!("it has generation {}, the one before it {}", current.generation, previous.generation);
                checked.find(profile, FindingKind::Older, place(Part::Current), problem);
            }
            (None, Some(_)) if self.backend.read(profile, Part::Current)? == Found::Missing => {
                let problem = "it is missing, and the one before it is there";
                checked.find(profile, FindingKind::Damaged, place(Part::Current), problem);
            }
            _ => {}
        }
        let here = current.into_iter().chain(previous).max_by_key(|record| record.generation);
        if let Some(spare) = &spare
            && here.as_ref().is_none_or(|here| here.generation < spare.generation)
        {
            let problem = format!("generation {} is kept there until the store works", spare.generation);
            checked.find(profile, FindingKind::InSpare, place(Part::Spare), problem);
        }
        if let Some(newest) = here.into_iter().chain(spare).max_by_key(|record| record.generation) {
            self.check_newest(&newest, checked);
        }
        Ok(())
    }

    fn check_newest(&self, newest: &Record, checked: &mut Checked) {
        let (profile, place) = (&newest.profile, self.backend.place_of(&newest.profile, Part::Current));
        if let Some(moved) = &newest.moved {
            let how = if moved.is_under_way { "was on its way" } else { "has moved" };
            return checked.find(profile, FindingKind::Moved, place, format!("it {how} to {}", moved.in_words()));
        }
        if let Some(seen) = self.written_after(newest) {
            let problem = format!(
                "it has generation {}, and this machine has written {} already; its refresh token may be used up: \
                 a sign-in makes sure",
                newest.generation, seen.generation
            );
            checked.find(profile, FindingKind::Older, place, problem);
        }
    }

    fn check_record(
        &self,
        profile: &ProfileName,
        part: Part,
        checked: &mut Checked,
    ) -> Result<Option<Box<Record>>, StoreError> {
        let place = || self.backend.place_of(profile, part);
        let found = self.look(profile, part, checked)?;
        let opened = match found {
            None => return Ok(None),
            Some(mut bytes) => envelope::open_record(&self.keyring, profile, &mut bytes, &place),
        };
        Ok(checked.judge(profile, opened, place()))
    }

    fn check_calls(&self, profile: &ProfileName, checked: &mut Checked) -> Result<(), StoreError> {
        let place = || self.backend.place_of(profile, Part::Calls);
        if let Some(mut bytes) = self.look(profile, Part::Calls, checked)? {
            let opened = envelope::open_calls(&self.keyring, profile, &mut bytes, &place);
            drop(checked.judge(profile, opened, place()));
        }
        Ok(())
    }

    /// The bytes of a part. What cannot be read is found to be so, unless that is true of the whole store.
    fn look(
        &self,
        profile: &ProfileName,
        part: Part,
        checked: &mut Checked,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError> {
        let problem = match self.backend.read(profile, part) {
            Ok(Found::Missing) => return Ok(None),
            Ok(Found::Bytes(bytes)) => {
                checked.read += 1;
                return Ok(Some(bytes));
            }
            Ok(Found::Damaged(problem)) => problem.to_owned(),
            Err(StoreError::Io { source, .. }) => format!("it cannot be read: {source}"),
            Err(StoreError::Unsafe { problem, .. }) => problem,
            Err(error) => return Err(error),
        };
        checked.read += 1;
        checked.find(profile, FindingKind::Damaged, self.backend.place_of(profile, part), problem);
        Ok(None)
    }

    fn check_stray(&self, stray: Stray, checked: &mut Checked) {
        let Stray { profile, kind, place, found } = stray;
        let held = match found {
            Found::Bytes(mut bytes) => {
                match envelope::open_record(&self.keyring, &profile, &mut bytes, &|| place.clone()) {
                    Ok(Opened::Sound(record)) => format!("it holds generation {}", record.generation),
                    _ => "it cannot be opened".to_owned(),
                }
            }
            _ => "it cannot be read".to_owned(),
        };
        let (kind, what) = match kind {
            StrayKind::SetAside => (FindingKind::SetAside, "it was damaged or too old, and was set aside"),
            StrayKind::LeftOver => (FindingKind::LeftOver, "its writer has died, or is at work"),
        };
        checked.find(&profile, kind, place, format!("{what}; {held}"));
    }
}

impl Checked {
    /// What was opened, if it is sound.
    fn judge<T>(&mut self, profile: &ProfileName, opened: Result<Opened<T>, StoreError>, place: String) -> Option<T> {
        let (kind, problem) = match opened {
            Ok(Opened::Sound(content)) => return Some(content),
            Ok(Opened::Missing) => return None,
            Ok(Opened::Damaged(problem)) => (FindingKind::Damaged, problem.to_owned()),
            Err(StoreError::Newer { .. }) => {
                (FindingKind::Newer, "a newer version of this program wrote it".to_owned())
            }
            Err(StoreError::KeyUnavailable(problem)) => (FindingKind::OtherKey, problem),
            Err(StoreError::Unsafe { problem, .. }) => (FindingKind::Damaged, problem),
            Err(error) => (FindingKind::Damaged, error.to_string()),
        };
        self.find(profile, kind, place, problem);
        None
    }
}

impl Held {
    /// Sets aside what is damaged and brings back the newest record that can be opened. Tells what was done.
    fn repair(&mut self) -> Result<Vec<String>, StoreError> {
        let mut done = Vec::new();
        let profile = self.profile.clone();
        let newest = match self.mend() {
            Ok(newest) => newest,
            Err(StoreError::Corrupt { .. }) => {
                self.set_all_aside()?;
                done.push(format!(
                    "No record of profile `{profile}` can be opened. They were set aside: sign in again."
                ));
                None
            }
            // Somebody has the key, or the version.
            Err(StoreError::KeyUnavailable(_) | StoreError::Newer { .. } | StoreError::Unsafe { .. }) => {
                return Ok(done);
            }
            Err(error) => return Err(error),
        };
        if let Some(record) = newest {
            let is_here =
                matches!(self.read(Part::Current)?, Opened::Sound(here) if here.generation == record.generation);
            if !is_here {
                self.bring_back(&record)?;
                done.push(format!("Generation {} of profile `{profile}` is the record again.", record.generation));
            }
            for part in [Part::Previous, Part::Spare] {
                if matches!(self.read(part), Ok(Opened::Damaged(_))) {
                    match part {
                        Part::Previous => self.hold.set_aside(part)?,
                        _ => self.hold.remove(part)?,
                    }
                    done.push(format!("{} was damaged and is not in the way any more.", self.place_of(part)));
                }
            }
        }
        if let Found::Bytes(mut bytes) = self.hold.read(Part::Calls)?
            && let Ok(Opened::Damaged(_)) =
                envelope::open_calls(&self.shared.keyring, &profile, &mut bytes, &String::new)
        {
            self.hold.remove(Part::Calls)?;
            done.push(format!("The damaged list of calls of profile `{profile}` was deleted."));
        }
        Ok(done)
    }
}
