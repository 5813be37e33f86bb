//! Reads everything that a store has and says what is wrong with it; brings back what can be brought back.
//!
//! Looking changes nothing and asks no provider. What is mended is mended by who holds the profile, as every writer would.

use std::collections::BTreeSet;

use super::reading::counting;
use super::{Held, Shared, Store};
use crate::profile::ProfileName;
use crate::sorted;
use crate::storage::backend::{Found, Part, Stray, StrayKind};
use crate::storage::envelope::{self, Opened};
use crate::storage::{LOCK_PATIENCE, PastCall, Record, StoreError};

/// What may be said of something in a store. All but the notes are damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// It cannot be opened, or is not there although it has to be.
    Damaged,
    /// A record is older than the one before it, or than what this machine has written.
    Older,
    /// There is no record, and this machine has written a sign-in and no end of it.
    Gone,
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
            FindingKind::Gone => "gone",
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
            shared.check_stray(stray, &mut checked)?;
        }
        Ok(checked)
    }

    /// Mends what `checked` found, as far as that is possible. Tells what was done, a sentence each, and the first error: it keeps no
    /// other profile from being mended, unless the store is away.
    pub fn repair(&self, checked: &Checked) -> (Vec<String>, Option<StoreError>) {
        let is_for_repair = |kind| {
            use FindingKind::{Gone, Moved, SetAside, Unconfigured};
            !matches!(kind, Gone | Unconfigured | SetAside | Moved)
        };
        let found = checked.findings.iter().filter(|finding| is_for_repair(finding.kind));
        let (mut done, mut failed) = (Vec::new(), None);
        for profile in sorted::set(found.map(|finding| &finding.profile)) {
            if let Err(error) = self.repair_profile(profile, &mut done) {
                let is_over = error.is_away();
                failed.get_or_insert(error);
                if is_over {
                    break;
                }
            }
        }
        (done, failed)
    }

    fn repair_profile(&self, profile: &ProfileName, done: &mut Vec<String>) -> Result<(), StoreError> {
        let mut held = self.hold_as_left(profile, LOCK_PATIENCE)?;
        let repaired = held.repair(done);
        held.release();
        repaired
    }
}

impl Checked {
    fn find(&mut self, profile: &ProfileName, kind: FindingKind, place: String, problem: impl Into<String>) {
        self.findings.push(Finding { profile: profile.clone(), kind, place, problem: problem.into() });
    }
}

impl Shared {
    fn check(&self, profile: &ProfileName, checked: &mut Checked) -> Result<(), StoreError> {
        let place = |part| self.backend.place_of(profile, part);
        let [current, previous, spare] = [Part::Current, Part::Previous, Part::Spare].map(|part| {
            let opened = self.read(&mut self.reader(profile), profile, part);
            checked.judge(profile, opened, place(part))
        });
        let (current, previous, spare) = (current?, previous?, spare?);
        let opened = self.backend.read(profile, Part::Calls).and_then(|calls| self.open_calls(profile, calls));
        checked.judge(profile, opened, place(Part::Calls))?;
        // What cannot be read may be the newest.
        let (Some(current), Some(previous), Some(spare)) = (current, previous, spare) else { return Ok(()) };
        match (&current, &previous) {
            (Opened::Sound(current), Opened::Sound(previous)) if current.generation < previous.generation => {
                let problem =
                    format!("it has generation {}, the one before it {}", current.generation, previous.generation);
                checked.find(profile, FindingKind::Older, place(Part::Current), problem);
            }
            (Opened::Missing, Opened::Sound(_)) => {
                let problem = "it is missing, and the one before it is there";
                checked.find(profile, FindingKind::Damaged, place(Part::Current), problem);
            }
            _ => {}
        }
        let is_gone = [&current, &previous, &spare].into_iter().all(|opened| matches!(opened, Opened::Missing));
        if let Some(lost) = self.lost(profile).filter(|_| is_gone) {
            let problem = format!("{lost}: {}", lost.look());
            checked.find(profile, FindingKind::Gone, place(Part::Current), problem);
        }
        let here = previous.sound().into_iter().chain(current.sound()).max_by_key(|record| record.generation);
        let spare = spare.sound().and_then(|spare| counting(spare, here.as_deref()));
        if let Some(spare) = &spare {
            let problem = format!("generation {} is kept there until the store works", spare.generation);
            checked.find(profile, FindingKind::InSpare, place(Part::Spare), problem);
        }
        if let Some(newest) = spare.or(here) {
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

    /// What is left over and cannot be judged is damage: nobody writes the profile while that is so.
    fn check_stray(&self, stray: Stray, checked: &mut Checked) -> Result<(), StoreError> {
        let Stray { profile, kind, place, found } = stray;
        let open = |bytes: &mut [u8]| envelope::open_record(&self.keyring, &profile, bytes, &|| place.clone());
        let (kind, what) = match kind {
            StrayKind::SetAside => (FindingKind::SetAside, "it was damaged or too old, and was set aside"),
            StrayKind::LeftOver => (FindingKind::LeftOver, "its writer has died, or is at work"),
        };
        let held = match found.and_then(|found| found.opened(open)) {
            // Its writer has given it its name, or removed it.
            Ok(Opened::Missing) => return Ok(()),
            Ok(Opened::Sound(record)) => format!("it holds generation {}", record.generation),
            Ok(Opened::Damaged(problem)) => format!("it cannot be opened: {problem}"),
            failed if kind == FindingKind::LeftOver => return checked.judge(&profile, failed, place).map(drop),
            Err(_) => "it cannot be opened".to_owned(),
        };
        checked.read += 1;
        checked.find(&profile, kind, place, format!("{what}; {held}"));
        Ok(())
    }

    pub(super) fn open_calls(&self, profile: &ProfileName, calls: Found) -> Result<Opened<Vec<PastCall>>, StoreError> {
        let place = || self.backend.place_of(profile, Part::Calls);
        calls.opened(|bytes| envelope::open_calls(&self.keyring, profile, bytes, &place))
    }
}

impl Checked {
    /// What was opened, unless it could not be: that is found, unless it is true of the whole store. So is what is damaged.
    fn judge<T>(
        &mut self,
        profile: &ProfileName,
        opened: Result<Opened<T>, StoreError>,
        place: String,
    ) -> Result<Option<Opened<T>>, StoreError> {
        let (kind, problem) = match &opened {
            Ok(Opened::Missing) => return Ok(opened.ok()),
            Ok(Opened::Sound(_)) => {
                self.read += 1;
                return Ok(opened.ok());
            }
            Ok(Opened::Damaged(problem)) => (FindingKind::Damaged, (*problem).to_owned()),
            Err(StoreError::Newer { .. }) => {
                (FindingKind::Newer, "a newer version of this program wrote it".to_owned())
            }
            Err(StoreError::KeyUnavailable(problem)) => (FindingKind::OtherKey, problem.clone()),
            Err(StoreError::Unsafe { problem, .. }) => (FindingKind::Damaged, problem.clone()),
            Err(StoreError::Io { source, .. }) => (FindingKind::Damaged, format!("it cannot be read: {source}")),
            Err(_) => return opened.map(Some),
        };
        self.read += 1;
        self.find(profile, kind, place, problem);
        Ok(opened.ok())
    }
}

impl Held {
    /// Ends what dead writers have left, sets aside what is damaged and brings back the newest record that can be opened. Adds to what was
    /// done.
    fn repair(&mut self, done: &mut Vec<String>) -> Result<(), StoreError> {
        let profile = self.profile.clone();
        let before = self.read(Part::Current).map(|current| current.sound().map(|record| record.generation));
        let had_left_over = self.has_left_over()?;
        self.finish()?;
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
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let is_another = newest.as_ref().is_some_and(|newest| before.is_ok_and(|old| old != Some(newest.generation)));
        if had_left_over && !is_another && !self.has_left_over()? {
            done.push(format!("What dead writers of profile `{profile}` had left over is gone."));
        }
        if let Some(record) = newest {
            let is_here =
                matches!(self.read(Part::Current)?, Opened::Sound(here) if here.generation == record.generation);
            if !is_here {
                self.bring_back(&record)?;
            }
            if is_another {
                done.push(format!("Generation {} of profile `{profile}` is the record again.", record.generation));
            }
            for part in [Part::Previous, Part::Spare] {
                let is_damaged = |held: &mut Self| matches!(held.read(part), Ok(Opened::Damaged(_)));
                if is_damaged(self) {
                    match part {
                        Part::Previous => self.hold.set_aside(part)?,
                        _ => self.hold.remove(part)?,
                    }
                    // A directory stays where it is.
                    if !is_damaged(self) {
                        done.push(format!("{} was damaged and is not in the way any more.", self.place_of(part)));
                    }
                }
            }
        }
        if self.has_damaged_calls()? {
            self.hold.remove(Part::Calls)?;
            if !self.has_damaged_calls()? {
                done.push(format!("The damaged list of calls of profile `{profile}` was deleted."));
            }
        }
        Ok(())
    }

    fn has_damaged_calls(&mut self) -> Result<bool, StoreError> {
        let calls = self.hold.read(Part::Calls)?;
        Ok(matches!(self.shared.open_calls(&self.profile, calls), Ok(Opened::Damaged(_))))
    }

    fn has_left_over(&mut self) -> Result<bool, StoreError> {
        Ok(!self.hold.left_over()?.is_empty())
    }
}
