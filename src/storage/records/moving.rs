//! Copies records to another store, so that each is refreshed in one place only.
//!
//! A record that is to move is marked first: from then on only this program knows where it belongs, and whoever wants to
//! refresh it looks there. Then the other store gets it, and then the mark is settled. So whenever a process dies, the next
//! one that holds the profile, or the same command, finds out whether the other store has it: there it is refreshed if so, and
//! here if not.

use std::sync::Arc;
use std::time::Duration;

use super::{Held, Shared, Store};
use crate::clock;
use crate::error::Advice;
use crate::host;
use crate::profile::ProfileName;
use crate::storage::error::on_machine;
use crate::storage::{Grant, LOCK_PATIENCE, Moved, Record, StoreError};

/// How long another store is waited for, since whoever waits holds a record meanwhile.
const PATIENCE_THERE: Duration = Duration::from_secs(5);

const NOT_THERE: &str = "no store is there, as where a disk is not mounted";

/// Opens the store at an address that a mark names.
pub type Opener = Arc<dyn Fn(&str) -> Result<Store, StoreError> + Send + Sync>;

/// Where records are copied to, and what becomes of those that stay.
pub struct Destination<'a> {
    pub store: &'a Store,
    /// Of `store`, without a password.
    pub address: &'a str,
    /// Those that stay go on as well; only for records of which this says that it does no harm.
    pub keeps_both: Option<&'a dyn Fn(&Record) -> bool>,
}

/// What became of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyOutcome {
    /// It is there now.
    Done,
    /// It was there already.
    Already,
    /// It stays where it is, and why: a clause.
    Refused(String),
    /// The same, since the one there was newer when it moved here.
    Older(String),
    /// It has moved before, and is refreshed neither here nor there; why: a clause.
    Elsewhere(String),
}

impl Store {
    /// Lets records whose move was cut short be looked for where they may be.
    #[must_use]
    pub fn reaching(self, opener: Opener) -> Self {
        self.shared.opener.get_or_init(|| opener);
        self
    }

    /// Has the other store use the key of this one.
    ///
    /// # Errors
    ///
    /// The other one has a key of its own, or seals nothing.
    pub fn share_key(&self, to: &Store) -> Result<(), StoreError> {
        to.shared.keyring.share(&self.shared.keyring)
    }

    /// The store to which a profile's record has moved, where that can be opened from here.
    pub fn moved_to(&self, profile: &ProfileName) -> Option<Store> {
        let moved = self.load(profile).ok().flatten()?.moved?;
        let is_reached = !moved.is_under_way && moved.elsewhere().is_none();
        if is_reached { self.shared.reached(&moved.to)?.ok() } else { None }
    }

    /// Makes sure that no record was on its way to a store that is not there: what were made in its place now would tell nothing of
    /// what has arrived.
    pub fn check_awaited(&self, to: &Destination<'_>) -> Result<(), StoreError> {
        if matches!(to.store.shared.keyring.pin(), Ok(Some(_))) {
            return Ok(());
        }
        for profile in self.profiles()? {
            let moved = self.load(&profile).ok().flatten().and_then(|record| record.moved);
            if let Some(moved) = moved.filter(|moved| moved.is_under_way && self.shared.is_at(moved, to)) {
                return Err(self.shared.unseen(&profile, &moved, NOT_THERE));
            }
        }
        Ok(())
    }

    /// Whether it has got a record that was on its way to it from `here`, by whatever name; else why that cannot be seen.
    fn has_got(&self, marked: &Record, here: &Held) -> Result<bool, String> {
        match self.shared.keyring.pin() {
            // Whoever copies has the other store take a key first.
            Ok(None) => return Err(NOT_THERE.to_owned()),
            Err(error) => return Err(error.to_string()),
            Ok(Some(_)) => {}
        }
        let look = |there: &mut Held| there.has_got(marked, here);
        self.holding(&marked.profile, PATIENCE_THERE, look).map_err(|error: StoreError| error.to_string())
    }

    /// Copies a profile. What the other store has is replaced only where it is an earlier copy of the same.
    pub fn copy_profile(&self, profile: &ProfileName, to: &Destination<'_>) -> Result<CopyOutcome, StoreError> {
        self.holding(profile, LOCK_PATIENCE, |here| {
            to.store.holding(profile, LOCK_PATIENCE, |there| here.copy_to(there, to))
        })
    }

    /// Whether both are one store, by whatever address each is reached.
    ///
    /// # Errors
    ///
    /// One of them cannot be reached.
    pub fn is_same_as(&self, other: &Store) -> Result<bool, StoreError> {
        Ok(self.shared.backend.identity()? == other.shared.backend.identity()?)
    }
}

impl Shared {
    /// The store at an address that a mark names; `None` where nobody said how one is opened.
    pub(super) fn reached(&self, address: &str) -> Option<Result<Store, StoreError>> {
        self.opener.get().map(|open| open(address))
    }

    /// Whether a mark names this store, by whatever address.
    fn is_named(&self, moved: &Moved, store: &Store) -> bool {
        let is_same = || self.reached(&moved.to)?.ok()?.is_same_as(store).ok();
        moved.elsewhere().is_none() && is_same().unwrap_or(false)
    }

    /// Whether a mark names the store that records are copied to.
    fn is_at(&self, moved: &Moved, to: &Destination<'_>) -> bool {
        (moved.elsewhere().is_none() && moved.to == to.address) || self.is_named(moved, to.store)
    }

    /// Why nobody knows where a record is to be refreshed whose move was cut short.
    fn unseen(&self, profile: &ProfileName, moved: &Moved, why: &str) -> StoreError {
        let to = moved.in_words();
        let problem = format!("profile `{profile}` was being moved to {to}, and what is there cannot be seen: {why}");
        let reached = " where that can be reached, which ends the move; where it is lost for good, ".into();
        let (copy, forget) = (Advice::CopyStore(moved.to.clone()), Advice::Forget(profile.clone()));
        let advice = Advice::of(vec![copy, reached, forget, " and sign in anew".into()]);
        StoreError::not_possible(self.backend.place(), problem, advice)
    }

    /// Tells people of a record that is refreshed elsewhere.
    pub(super) fn tell_if_moved(&self, record: &Record) {
        if let Some(moved) = &record.moved {
            let profile = &record.profile;
            let there = moved.in_words();
            // A directory of another machine is no store to name here.
            let advice =
                if moved.elsewhere().is_some() { "" } else { ": let `store` or `DEVICE_LOGIN_STORE` name that" };
            let sentence = format!("Profile `{profile}` has moved to {there}{advice}.");
            self.damaged().insert(profile.clone(), sentence);
        }
    }
}

impl Moved {
    /// The machine on which the store is, where it is another one than this.
    pub(super) fn elsewhere(&self) -> Option<&str> {
        self.on.as_deref().filter(|name| *name != host::in_words())
    }

    pub(super) fn in_words(&self) -> String {
        format!("{}{}", self.to, on_machine(self.elsewhere()))
    }
}

impl Held {
    fn copy_to(&mut self, there: &mut Held, to: &Destination<'_>) -> Result<CopyOutcome, StoreError> {
        let Some(mut record) = self.mend()? else { return Ok(CopyOutcome::Already) };
        if let Some(attempt) = self.hold.attempt()? {
            attempt.show_in(&mut record);
        }
        let other = there.mend()?;
        let comes_to = |moved: &Moved| moved.is_under_way && self.shared.is_at(moved, to);
        if record.moved.as_ref().is_some_and(comes_to) && there.has_got(&record, self)? {
            self.mark(&record, to.address, false)?;
            return Ok(CopyOutcome::Done);
        }
        if let Some(done) = self.judge_move(&record, other.as_deref(), to)? {
            return Ok(done);
        }
        record.generation = record.generation.max(other.map_or(0, |other| other.generation));
        if let Some(may_keep) = to.keeps_both {
            if !may_keep(&record) {
                let why = "its provider may replace refresh tokens, and two places that refresh would end the sign-in";
                return Ok(CopyOutcome::Refused(why.to_owned()));
            }
            there.adopt(&Record { generation: record.generation.saturating_add(1), moved: None, ..*record })?;
            return Ok(CopyOutcome::Done);
        }
        let marked = self.mark(&record, to.address, true)?;
        if self.hold.may_send_until().is_some_and(|until| clock::now() >= until) {
            let problem = format!("copying profile `{}` took too long", self.profile);
            let advice = "run the command again, which goes on with it";
            return Err(StoreError::not_possible(self.shared.backend.place(), problem, advice));
        }
        there.adopt(&Record { generation: marked.generation, moved: None, ..*record })?;
        self.copy_calls(there)?;
        self.mark(&marked, to.address, false)?;
        Ok(CopyOutcome::Done)
    }

    /// What there is to say without copying.
    fn judge_move(
        &self,
        record: &Record,
        other: Option<&Record>,
        to: &Destination<'_>,
    ) -> Result<Option<CopyOutcome>, StoreError> {
        let refused = |why: String| Ok(Some(CopyOutcome::Refused(why)));
        let elsewhere = |why: String| Ok(Some(CopyOutcome::Elsewhere(why)));
        match (&record.moved, other) {
            (Some(moved @ Moved { is_under_way: true, .. }), _) if !self.shared.is_at(moved, to) => refused(format!(
                "it was being moved to {}, and the same command to there has to end that",
                moved.in_words()
            )),
            (Some(moved), _) if !self.shared.is_at(moved, to) => {
                elsewhere(format!("it has moved to {} already", moved.in_words()))
            }
            (Some(Moved { is_under_way: false, .. }), Some(other)) if other.moved.is_none() => {
                Ok(Some(CopyOutcome::Already))
            }
            (Some(Moved { is_under_way: false, .. }), _) => {
                elsewhere("it has moved there before, and is not there".to_owned())
            }
            // What is not there yet, or came from there and goes back.
            (_, other) if other.is_none_or(|other| other.moved.is_some() && has_arrived(other, record)) => Ok(None),
            (_, Some(Record { moved: Some(moved), .. })) if !self.is_named_by(moved) => {
                refused(format!("the one there has moved to {}", moved.in_words()))
            }
            (_, Some(other @ Record { moved: Some(_), .. })) => {
                let why = "the one there is newer, although it has moved here: this store may have been restored, or a clock was set back";
                Ok(is_behind(record, other).then(|| CopyOutcome::Older(why.to_owned())))
            }
            (_, Some(other)) if is_same(record, other) => Ok(to.keeps_both.map(|_| CopyOutcome::Already)),
            (_, Some(other)) if other.tokens().next().is_none() => Ok(None),
            (_, Some(other)) if !record.is_same_sign_in(other) => {
                refused("there is another sign-in of it there".to_owned())
            }
            (_, Some(other)) if other.generation > record.generation => {
                refused(format!("the one there is newer (generation {}, here {})", other.generation, record.generation))
            }
            _ => Ok(None),
        }
    }

    /// Whether the record there went to the store in which this one is.
    fn is_named_by(&self, moved: &Moved) -> bool {
        self.shared.is_named(moved, &Store { shared: Arc::clone(&self.shared) })
    }

    /// Whether this store has got a record that was on its way to it from `here`: it may have another name by now, or have moved on.
    /// What a writer that was killed has left of it was brought back when the profile was held.
    fn has_got(&mut self, marked: &Record, here: &Held) -> Result<bool, StoreError> {
        // A mark of the way back, from when this machine had another name, says nothing of what has come since.
        let is_from_before = |other: &Record, moved: &Moved| {
            other.generation < marked.generation && here.is_named_by(&Moved { on: None, ..moved.clone() })
        };
        let is_it = |other: &Record| match &other.moved {
            None => has_arrived(marked, other),
            Some(moved) => marked.is_same_sign_in(other) && !here.is_named_by(moved) && !is_from_before(other, moved),
        };
        if self.mend()?.as_deref().is_some_and(is_it) {
            return Ok(true);
        }
        let store = Store { shared: Arc::clone(&self.shared) };
        for name in store.profiles()?.iter().filter(|name| **name != self.profile && marked.grant.is_some()) {
            if store.load(name)?.is_some_and(|other| other.moved.is_none() && marked.is_same_sign_in(&other)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends a move that was cut short: it is refreshed here if the other store does not have it.
    pub(super) fn settle(&mut self, record: Box<Record>) -> Result<Box<Record>, StoreError> {
        let Some(moved @ Moved { is_under_way: true, .. }) = record.moved.clone() else { return Ok(record) };
        let got = match self.shared.reached(&moved.to) {
            Some(Ok(there)) => there.has_got(&record, self),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(self.moved(&moved).to_string()),
        };
        let why = match got {
            Ok(true) => return self.mark(&record, &moved.to, false).map(Box::new),
            // A directory of the same name on this machine tells nothing.
            Ok(false) => moved.elsewhere().map(|_| "it is on another machine".to_owned()),
            Err(why) => Some(why),
        };
        if let Some(why) = why {
            return Err(self.shared.unseen(&self.profile, &moved, &why));
        }
        let unmarked = Record { generation: record.generation.saturating_add(1), moved: None, ..*record };
        self.replace(&unmarked)?;
        Ok(Box::new(unmarked))
    }

    /// Has `forget` take the sign-in out of a record that has moved, or was on its way, and its mark: whatever the other store has, nothing
    /// stays here that could be refreshed. Tells whether there was such a record.
    pub fn forget_moved(&mut self, forget: impl FnOnce(&mut Record)) -> Result<bool, StoreError> {
        let Some(mut record) = self.mend()?.filter(|record| record.moved.is_some()) else { return Ok(false) };
        forget(&mut record);
        drop(record.take_sign_in());
        let left = Record { generation: record.generation.saturating_add(1), moved: None, ..*record };
        self.replace(&left)?;
        self.shared.copy(&self.profile, Some(&left), self.shared.time_of_copy());
        self.forget_previous()?;
        Ok(true)
    }

    /// Why a record that has moved is neither refreshed nor changed here.
    pub(super) fn moved(&self, moved: &Moved) -> StoreError {
        let on = moved.elsewhere().map(ToOwned::to_owned);
        StoreError::Moved { profile: self.profile.clone(), to: moved.to.clone(), on }
    }

    /// Replaces the record with one that says where it is refreshed.
    fn mark(&mut self, record: &Record, to: &str, is_under_way: bool) -> Result<Record, StoreError> {
        let is_directory = to.starts_with("file:") || to.starts_with("plain:");
        let moved = Some(Moved { to: to.to_owned(), on: is_directory.then(host::in_words), is_under_way });
        let marked = Record { generation: record.generation.saturating_add(1), moved, ..record.clone() };
        self.replace(&marked)?;
        Ok(marked)
    }

    /// Keeps a record that comes from elsewhere.
    fn adopt(&mut self, record: &Record) -> Result<(), StoreError> {
        self.replace(record)?;
        if let Some(seen) = self.shared.seen.get() {
            seen.note(record);
        }
        Ok(())
    }

    fn copy_calls(&mut self, there: &mut Held) -> Result<(), StoreError> {
        let store = Store { shared: Arc::clone(&self.shared) };
        // They are a comfort, and damaged ones are none.
        let calls = store.calls(&self.profile).unwrap_or_default();
        let other = Store { shared: Arc::clone(&there.shared) }.calls(&self.profile).unwrap_or_default();
        if calls.is_empty() || !other.is_empty() { Ok(()) } else { there.save_calls(&calls) }
    }
}

/// Whether a store got this record by the move that its mark tells of.
fn has_arrived(marked: &Record, other: &Record) -> bool {
    let approved_at = |record: &Record| record.grant.as_ref().map(|grant| grant.approved_at);
    let is_of_it = marked.is_same_sign_in(other) || approved_at(other) > approved_at(marked);
    // The other store had it before the mark was settled.
    let is_settled = marked.moved.as_ref().is_some_and(|moved| !moved.is_under_way);
    other.moved.is_none() && other.generation >= marked.generation.saturating_sub(is_settled.into()) && is_of_it
}

/// Whether a record is older than what its store once got. Generations do not tell that: a rename there and back begins anew.
fn is_behind(record: &Record, marked: &Record) -> bool {
    let progress = |grant: &Grant| (grant.approved_at, grant.last_refresh.as_ref().map(|last| last.at));
    let [here, there] = [record, marked].map(|record| record.grant.as_ref().map(progress));
    // What was signed out there is signed out.
    here.is_some_and(|here| there.is_some_and(|there| here < there))
}

/// Whether one is a copy of the other, and nothing has happened to either since.
fn is_same(record: &Record, other: &Record) -> bool {
    *record == Record { generation: record.generation, moved: record.moved.clone(), ..other.clone() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::secret::Secret;
    use crate::storage::{self, KeyOptions, StoreAddress, UsedUp};

    const NAME: &str = "work";

    fn address(home: &Path, name: &str) -> String {
        StoreAddress::File(home.join(name)).to_string()
    }

    fn store(home: &Path, name: &str) -> Store {
        let options = || KeyOptions { default_key_file: home.join("key"), ..KeyOptions::default() };
        let keys = options();
        let opener = move |address: &str| {
            let keys = KeyOptions { default_key_file: keys.default_key_file.clone(), ..KeyOptions::default() };
            Ok(storage::open(&StoreAddress::parse(address)?, keys))
        };
        storage::open(&StoreAddress::File(home.join(name)), options()).reaching(Arc::new(opener))
    }

    fn name() -> ProfileName {
        NAME.parse().expect("a name")
    }

    fn held<T>(store: &Store, work: impl FnOnce(&mut Held) -> Result<T, StoreError>) -> Result<T, StoreError> {
        store.holding(&name(), LOCK_PATIENCE, work)
    }

    fn copy(home: &Path, from: &str, to: &str) -> Result<CopyOutcome, StoreError> {
        let (here, there, address) = (store(home, from), store(home, to), address(home, to));
        let destination = Destination { store: &there, address: &address, keeps_both: None };
        here.check_awaited(&destination)?;
        there.init_place()?;
        here.share_key(&there)?;
        here.copy_profile(&name(), &destination)
    }

    /// A record in `here` whose move to `there` was cut short once it was written there, or before.
    fn cut_short(home: &Path, has_arrived: bool) {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let grant = Grant::new("https://id.example/token", Vec::new(), Secret::new("AT"), at, at);
        let used_up = Some(Box::new(UsedUp { token: Secret::new("RT1"), client_id: None, grant: grant.clone() }));
        let mut record = Record { grant: Some(grant), used_up, ..Record::empty(name(), "corp", "client") };
        let (here, there) = (store(home, "here"), store(home, "there"));
        held(&here, |here| here.commit(&mut record)).expect("it is kept");
        there.init_place().and_then(|()| here.share_key(&there)).expect("it takes the key");
        let to = address(home, "there");
        let marked = held(&here, |here| here.mark(&record, &to, true)).expect("it is marked");
        if has_arrived {
            held(&there, |there| there.adopt(&Record { moved: None, ..marked })).expect("it is kept");
        }
    }

    fn record_of(home: &Path, store: &str) -> PathBuf {
        home.join(store).join("work.record")
    }

    /// What happens to the other place before somebody wants to refresh here.
    type Happens = fn(&Path);

    #[test]
    fn after_a_move_that_was_cut_short_one_place_at_most_refreshes() {
        let away: Happens = |home| fs::rename(home.join("there"), home.join("away")).expect("it is there");
        let empty: Happens = |home| {
            fs::rename(home.join("there"), home.join("away")).expect("it is there");
            store(home, "there").init_place().expect("it is free");
        };
        let renamed: Happens = |home| {
            let there = store(home, "there");
            let office: ProfileName = "office".parse().expect("a name");
            let mut record =
                Record { profile: office.clone(), ..*there.load(&name()).expect("it opens").expect("it is there") };
            there.holding(&office, LOCK_PATIENCE, |held| held.commit(&mut record)).expect("it is kept");
            held(&there, Held::forget).expect("it goes");
        };
        let moved_on: Happens = |home| assert!(matches!(copy(home, "there", "third"), Ok(CopyOutcome::Done)));
        let without_name: Happens = |home| {
            fs::rename(record_of(home, "there"), home.join("there/.work.record.1-0.new")).expect("it is there");
        };
        let nothing: Happens = |_| {};
        let rows: [(&str, bool, Happens, &str); 8] = [
            ("not yet written", false, nothing, ""),
            ("written", true, nothing, "has moved to"),
            ("written, and away", true, away, "no store is there"),
            ("away, written or not", false, away, "no store is there"),
            ("written, and another disk is there", true, empty, "no store is there"),
            ("written, and renamed since", true, renamed, "has moved to"),
            ("written, and moved on", true, moved_on, "has moved to"),
            ("written, and its name is missing", true, without_name, "has moved to"),
        ];
        for (what, has_arrived, happens, refusal) in rows {
            let directory = tempfile::tempdir().expect("a directory");
            let home = directory.path();
            cut_short(home, has_arrived);
            happens(home);
            let loaded = held(&store(home, "here"), Held::load)
                .map(|record| record.is_some())
                .map_err(|error| error.to_string());
            match loaded {
                Ok(is_there) => assert!(is_there && refusal.is_empty(), "{what}"),
                Err(error) => assert!(!refusal.is_empty() && error.contains(refusal), "{what}: {error}"),
            }
        }
    }

    #[test]
    fn what_a_copy_that_was_killed_has_left_where_the_record_was_before_is_not_refreshed_beside_the_record() {
        for is_other_first in [false, true] {
            let directory = tempfile::tempdir().expect("a directory");
            let home = directory.path();
            cut_short(home, true);
            for (from, to) in [("here", "there"), ("there", "here")] {
                assert!(matches!(copy(home, from, to), Ok(CopyOutcome::Done)));
            }
            let before = fs::read(record_of(home, "there")).expect("it is there");
            assert!(matches!(copy(home, "here", "there"), Ok(CopyOutcome::Done)));
            // As if it had been killed before the record there had its name.
            fs::rename(record_of(home, "there"), home.join("there/.work.record.1-0.new")).expect("it is there");
            crate::files::replace(&record_of(home, "there"), &before).expect("it can be written");
            fs::rename(home.join("here/work.record.prev"), record_of(home, "here")).expect("it has its first mark");
            let loads = |store: &Store| held(store, Held::load).is_ok();
            let (here, there) = (store(home, "here"), store(home, "there"));
            let (here, there) = if is_other_first {
                let there = loads(&there);
                (loads(&here), there)
            } else {
                (loads(&here), loads(&there))
            };
            assert_eq!((here, there), (false, true), "{is_other_first}");
        }
    }

    #[test]
    fn a_mark_from_when_the_machine_had_another_name_does_not_tell_that_a_record_has_come_and_gone() {
        for (what, has_arrived, has_gone, expected) in [
            ("not yet written", false, false, (true, false)),
            ("written", true, false, (false, true)),
            ("written, and gone to a machine that had that name", true, true, (false, false)),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let home = directory.path();
            cut_short(home, true);
            for (from, to) in [("here", "there"), ("there", "here")] {
                assert!(matches!(copy(home, from, to), Ok(CopyOutcome::Done)), "{what}");
            }
            let rename = |more: u64| {
                held(&store(home, "there"), |there| {
                    let record = there.mend()?.expect("it is there");
                    let moved =
                        Some(Moved { to: address(home, "here"), on: Some("before".to_owned()), is_under_way: false });
                    there.replace(&Record { generation: record.generation + more, moved, ..*record })
                })
                .expect("it can be written");
            };
            rename(0);
            let before = fs::read(record_of(home, "there")).expect("it is there");
            assert!(matches!(copy(home, "here", "there"), Ok(CopyOutcome::Done)), "{what}");
            fs::rename(home.join("here/work.record.prev"), record_of(home, "here")).expect("it has its first mark");
            if has_gone {
                rename(1);
            } else if !has_arrived {
                crate::files::replace(&record_of(home, "there"), &before).expect("it can be written");
            }
            let loads = |name| held(&store(home, name), Held::load).is_ok();
            assert_eq!((loads("here"), loads("there")), expected, "{what}");
        }
    }

    #[test]
    fn what_stayed_of_a_record_whose_new_place_is_lost_is_forgotten_without_it() {
        for has_arrived in [false, true] {
            let directory = tempfile::tempdir().expect("a directory");
            let home = directory.path();
            cut_short(home, has_arrived);
            fs::remove_dir_all(home.join("there")).expect("it is there");
            assert!(copy(home, "here", "there").is_err() && !home.join("there").exists());
            let here = store(home, "here");
            assert!(held(&here, Held::load).is_err());
            assert!(held(&here, |here| here.forget_moved(|_| ())).expect("it can be written"));
            let left = held(&here, Held::load).expect("it is here again").expect("a record");
            assert_eq!(left.tokens().count(), 0);
            assert!(!held(&here, |here| here.forget_moved(|_| ())).expect("there is none now"));
        }
    }
}
