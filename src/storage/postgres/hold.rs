//! The sole right to write one profile's row: a lease that the database judges, and that its holder gives up well before.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio_postgres::Row;
use zeroize::Zeroizing;

use super::connection::Statement;
use super::local::Queued;
use super::trouble::Trouble;
use super::{Database, found, sql, value};
use crate::clock::{self, Moment};
use crate::profile::ProfileName;
use crate::storage::reservation::Reservation;
use crate::storage::spare::LeftOver;
use crate::storage::{Attempt, Clear, Found, Hold, Part, StoreError};
use crate::untrusted::Untrusted;

/// A request that may not be sent twice goes out within this time of a lease of 60 s: it and its answer take 20 s.
const MAY_SEND: Duration = Duration::from_secs(40);
/// How long a database that is away is waited for with an answer that has to be kept.
const COMMIT_PATIENCE: Duration = Duration::from_secs(6);
const COMMIT_PAUSE: Duration = Duration::from_millis(200);
/// Nobody waits longer for others to be told that they need not wait.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);

/// What a claim found.
pub(super) enum Claim {
    Granted(Box<Lease>),
    /// Somebody else's; in words, whose. Who asked stays in the queue.
    Taken {
        queued: Queued,
        holder: Option<String>,
    },
}

/// The right to write one profile's row, with what was in it when it was given.
pub(super) struct Lease {
    database: Arc<Database>,
    profile: ProfileName,
    id: String,
    may_send_until: Moment,
    /// How often the row was written, which is told from what any record says of itself.
    commits: u64,
    current: Found,
    previous: Found,
    attempt: Option<Attempt>,
    reservation: Option<Reservation>,
    left_in_spare: LeftOver,
    is_released: bool,
    /// Dropped last, so that the next one of this home finds the lease given back.
    _queued: Queued,
}

impl Lease {
    /// Asks once for the right.
    pub(super) fn claim(
        database: &Arc<Database>,
        profile: &ProfileName,
        id: &str,
        queued: Queued,
    ) -> Result<Claim, StoreError> {
        let before = clock::now();
        let claim = Statement::new(sql::CLAIM).text(profile.as_str()).text(id).text(&queued.home);
        let rows = database.ask(&claim.text(&database.holder).number(super::schema::VERSION.unsigned_abs().into()))?;
        let row = database.checked(&rows)?;
        let Some(commits) = value::<Option<i64>>(row, 5)? else {
            let holder = value::<Option<String>>(row, 10)?.map(|holder| Untrusted::new(holder).line());
            return Ok(Claim::Taken { queued, holder });
        };
        Ok(Claim::Granted(Box::new(Self {
            database: Arc::clone(database),
            profile: profile.clone(),
            id: id.to_owned(),
            may_send_until: before + MAY_SEND,
            commits: commits.unsigned_abs(),
            current: found(row, 3)?,
            previous: found(row, 4)?,
            attempt: attempt(row)?,
            reservation: None,
            left_in_spare: LeftOver::default(),
            is_released: false,
            _queued: queued,
        })))
    }

    /// A statement about this row, of who has this lease.
    fn statement(&self, sql: &'static str) -> Statement {
        Statement::new(sql).text(self.profile.as_str()).text(&self.id)
    }

    /// Does a statement that gives a row where the lease is still this one's.
    fn change(&self, statement: &Statement) -> Result<(), StoreError> {
        if self.database.ask(statement)?.is_empty() { Err(self.database.error(Trouble::Ended)) } else { Ok(()) }
    }

    /// Commits a record, once: where it is not known whether that was done it is looked up.
    fn try_replace(&self, replace: &Statement) -> Result<(), Trouble> {
        match self.database.connection.ask(replace.clone()) {
            Ok(rows) if !rows.is_empty() => Ok(()),
            Ok(_) if self.confirmed()? > self.commits => Ok(()),
            Ok(_) => Err(Trouble::Ended),
            Err(trouble) if trouble.ends_the_session() && self.confirmed()? > self.commits => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// How often the row was written up to now, which nobody else did under this lease.
    fn confirmed(&self) -> Result<u64, Trouble> {
        let rows = self.database.connection.ask(self.statement(sql::CONFIRM))?;
        let row = rows.first().ok_or(Trouble::Ended)?;
        row.try_get::<_, i64>(0).map(i64::unsigned_abs).map_err(|error| Trouble::of(&error))
    }
}

impl Hold for Lease {
    fn read(&mut self, part: Part) -> Result<Found, StoreError> {
        match part {
            Part::Current => {
                let before = if let Found::Bytes(bytes) = &self.previous { Some(bytes.to_vec()) } else { None };
                self.database.note_before(&self.profile, before);
                Ok(self.current.clone())
            }
            Part::Previous => Ok(self.previous.clone()),
            Part::Spare | Part::Calls => self.database.read(&self.profile, part),
        }
    }

    fn attempt(&mut self) -> Result<Option<Attempt>, StoreError> {
        Ok(self.attempt)
    }

    fn may_send_until(&self) -> Option<Moment> {
        Some(self.may_send_until)
    }

    fn left_over(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        if let Some(spare) = self.database.spare() {
            self.left_in_spare = spare.left_over(self.profile.as_str())?;
        }
        Ok(std::mem::take(&mut self.left_in_spare.content))
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        self.left_in_spare.sweep();
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        if self.reservation.is_none() {
            // Nobody needs it while the database works.
            self.reservation = self.database.spare().and_then(|spare| spare.reserve(self.profile.as_str()).ok());
        }
        Ok(())
    }

    fn note(&mut self, attempt: Attempt) -> Result<(), StoreError> {
        let note = self.statement(sql::NOTE).number(attempt.generation).number(attempt.holder.into());
        self.change(&note.time(Some(attempt.at)).flag(attempt.may_rotate))?;
        self.attempt = Some(attempt);
        Ok(())
    }

    fn replace(&mut self, clear: &Clear, bytes: &[u8]) -> Result<(), StoreError> {
        let replace = self.statement(sql::REPLACE).once().number(self.commits).number(clear.generation).bytes(bytes);
        let replace = replace.text(&clear.provider).text(&clear.data_center).text(&clear.client_id).text(clear.state);
        let replace = replace.text(&clear.key_id).time(clear.access_token_expires_at).time(clear.last_refresh_at);
        let end = clock::now() + COMMIT_PATIENCE;
        loop {
            match self.try_replace(&replace) {
                Ok(()) => break,
                Err(trouble) if trouble.may_pass() && clock::now() < end => pause(),
                Err(trouble) => return Err(self.database.error(trouble)),
            }
        }
        self.commits += 1;
        let before = std::mem::replace(&mut self.current, Found::Bytes(Zeroizing::new(bytes.to_vec())));
        if before != Found::Missing {
            self.previous = before;
        }
        Ok(())
    }

    fn keep_spare(&mut self, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        let Some(spare) = self.database.spare() else { return Ok(None) };
        // Where nothing can be kept here, the database is the one to mend.
        let kept = spare.keep(self.profile.as_str(), self.reservation.take(), bytes).ok();
        Ok(kept.map(|path| path.display().to_string()))
    }

    fn save_calls(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.change(&self.statement(sql::SAVE_CALLS).bytes(bytes))
    }

    fn reseal(&mut self, part: Part, key_id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let resealed = Found::Bytes(Zeroizing::new(bytes.to_vec()));
        match part {
            Part::Spare => {
                let Some(spare) = self.database.spare() else { return Ok(()) };
                return spare.keep(self.profile.as_str(), None, bytes).map(drop);
            }
            Part::Calls => return self.save_calls(bytes),
            Part::Current => {
                self.change(&self.statement(sql::RESEAL_CURRENT).bytes(bytes).text(key_id))?;
                self.current = resealed;
            }
            Part::Previous => {
                self.change(&self.statement(sql::RESEAL_PREVIOUS).bytes(bytes))?;
                self.previous = resealed;
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, part: Part) -> Result<(), StoreError> {
        let (statement, kept) = match part {
            Part::Current => (sql::SET_CURRENT_ASIDE, &mut self.current),
            Part::Previous => (sql::SET_PREVIOUS_ASIDE, &mut self.previous),
            Part::Spare | Part::Calls => return self.remove(part),
        };
        *kept = Found::Missing;
        self.change(&self.statement(statement))
    }

    fn remove(&mut self, part: Part) -> Result<(), StoreError> {
        match part {
            Part::Spare => {
                return self.database.spare().map_or(Ok(()), |spare| spare.remove(self.profile.as_str()));
            }
            Part::Calls => return self.change(&self.statement(sql::REMOVE_CALLS)),
            Part::Current => self.change(&self.statement(sql::REMOVE_CURRENT))?,
            Part::Previous => self.change(&self.statement(sql::REMOVE_PREVIOUS))?,
        }
        *(if part == Part::Current { &mut self.current } else { &mut self.previous }) = Found::Missing;
        Ok(())
    }

    fn remove_set_aside(&mut self) -> Result<(), StoreError> {
        self.database.ask(&self.statement(sql::REMOVE_SET_ASIDE)).map(drop)
    }

    fn release(mut self: Box<Self>) {
        self.is_released = true;
        self.database.connection.ask_briefly(self.statement(sql::RELEASE), RELEASE_PATIENCE);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_released {
            self.database.connection.leave(self.statement(sql::RELEASE));
        }
    }
}

/// The last attempt that was noted.
fn attempt(row: &Row) -> Result<Option<Attempt>, StoreError> {
    let (Some(generation), Some(holder)) = (value::<Option<i64>>(row, 6)?, value::<Option<i64>>(row, 7)?) else {
        return Ok(None);
    };
    let at = value::<Option<SystemTime>>(row, 8)?.and_then(|at| Timestamp::try_from(at).ok());
    Ok(at.map(|at| Attempt {
        generation: generation.unsigned_abs(),
        holder: u32::try_from(holder).unwrap_or_default(),
        at,
        may_rotate: value(row, 9).ok().flatten().unwrap_or_default(),
    }))
}

#[expect(clippy::disallowed_methods, reason = "a database that is away announces nothing to wait for")]
fn pause() {
    std::thread::sleep(COMMIT_PAUSE);
}
