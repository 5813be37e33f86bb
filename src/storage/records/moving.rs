//! Copies records to another store, so that each is refreshed in one place only.
//!
//! A record that is to move is marked first: from then on only this program knows where it belongs, and whoever wants to
//! refresh it looks there. Then the other store gets it, and then the mark is settled. So whenever a process dies, the next
//! one that holds the profile, or the same command, finds out whether the other store has it: there it is refreshed if so, and
//! here if not.

use std::sync::Arc;

use super::{Held, Shared, Store};
use crate::clock;
use crate::error::Advice;
use crate::host;
use crate::profile::ProfileName;
use crate::storage::error::on_machine;
use crate::storage::{Grant, LOCK_PATIENCE, Moved, Record, StoreError};

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
        if let Some(done) = self.judge_move(&record, other.as_deref(), to)? {
            return Ok(done);
        }
        let generation = record.generation.max(other.map_or(0, |other| other.generation)).saturating_add(1);
        if let Some(may_keep) = to.keeps_both {
            if !may_keep(&record) {
                let why = "its provider may replace refresh tokens, and two places that refresh would end the sign-in";
                return Ok(CopyOutcome::Refused(why.to_owned()));
            }
            there.adopt(&Record { generation, moved: None, ..*record })?;
            return Ok(CopyOutcome::Done);
        }
        let marked = self.mark(&record, to.address, true)?;
        if self.hold.may_send_until().is_some_and(|until| clock::now() >= until) {
            let problem = format!("copying profile `{}` took too long", self.profile);
            let advice = "run the command again, which goes on with it";
            return Err(StoreError::not_possible(self.shared.backend.place(), problem, advice));
        }
        there.adopt(&Record { generation: generation.max(marked.generation), moved: None, ..*record })?;
        self.copy_calls(there)?;
        self.mark(&marked, to.address, false)?;
        Ok(CopyOutcome::Done)
    }

    /// What there is to say without copying.
    fn judge_move(
        &mut self,
        record: &Record,
        other: Option<&Record>,
        to: &Destination<'_>,
    ) -> Result<Option<CopyOutcome>, StoreError> {
        let refused = |why: String| Ok(Some(CopyOutcome::Refused(why)));
        match (&record.moved, other) {
            (Some(moved), _) if !self.shared.is_at(moved, to) => {
                refused(format!("it has moved to {} already", moved.in_words()))
            }
            (Some(Moved { is_under_way: true, .. }), Some(other)) if has_arrived(record, other) => {
                self.mark(record, to.address, false)?;
                Ok(Some(CopyOutcome::Done))
            }
            (Some(Moved { is_under_way: false, .. }), Some(other)) if other.moved.is_none() => {
                Ok(Some(CopyOutcome::Already))
            }
            (Some(Moved { is_under_way: false, .. }), _) => {
                refused("it has moved there before, and is not there".to_owned())
            }
            // What is not there yet, or came from there and goes back.
            (_, other) if other.is_none_or(|other| other.moved.is_some() && has_arrived(other, record)) => Ok(None),
            (_, Some(Record { moved: Some(moved), .. })) if !self.is_named_by(moved) => {
                refused(format!("the one there has moved to {}", moved.in_words()))
            }
            (_, Some(other @ Record { moved: Some(_), .. })) => {
                let is_older = "the one there is newer, although it has moved here: this store may have been restored";
                if is_behind(record, other) { refused(is_older.to_owned()) } else { Ok(None) }
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
        !moved.is_under_way && self.shared.is_named(moved, &Store { shared: Arc::clone(&self.shared) })
    }

    /// Ends a move that was cut short: it is refreshed here if the other store does not have it.
    pub(super) fn settle(&mut self, record: Box<Record>) -> Result<Box<Record>, StoreError> {
        let Some(moved @ Moved { is_under_way: true, .. }) = record.moved.clone() else { return Ok(record) };
        let elsewhere = match self.shared.reached(&moved.to) {
            Some(store) => store.and_then(|store| store.load(&self.profile)),
            None => Err(self.moved(&moved)),
        };
        let has_arrived = match &elsewhere {
            Ok(other) => other.as_ref().is_some_and(|other| has_arrived(&record, other)),
            Err(_) => false,
        };
        if has_arrived {
            return self.mark(&record, &moved.to, false).map(Box::new);
        }
        // A directory of the same name on this machine tells nothing.
        let unseen = elsewhere.err().map(|error| error.to_string());
        if let Some(why) = unseen.or_else(|| moved.elsewhere().map(|_| "it is on another machine".to_owned())) {
            let problem = format!(
                "profile `{}` was being moved to {}, and what is there cannot be seen: {why}",
                self.profile,
                moved.in_words()
            );
            let advice = Advice::CopyStore(moved.to.clone()).and(" where that can be reached, which ends the move");
            return Err(StoreError::not_possible(self.shared.backend.place(), problem, advice));
        }
        let unmarked = Record { generation: record.generation.saturating_add(1), moved: None, ..*record };
        self.replace(&unmarked)?;
        Ok(Box::new(unmarked))
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
