//! Records in a PostgreSQL database that several machines share.
//!
//! The database sees names, times and states; everything else is sealed before it leaves. Who may write a profile's row is
//! decided by an attempt in it, which is durable before anything is sent to a provider: a lock of the session would be gone
//! with the connection, while the request may already be out. `docs/many-machines.md` tells the rest.

mod address;
mod connection;
mod guarded;
mod hold;
mod local;
mod notices;
mod passwords;
mod schema;
mod session;
mod sql;
mod tls;
mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use zeroize::Zeroizing;

pub use self::address::Address;
use self::connection::{Connection, Statement};
use self::hold::{Claim, Lease};
use self::local::{Local, random_id};
use self::trouble::Trouble;
use super::backend::{Backend, DatabaseDetails, Found, Health, Hold, Listing, Part, StoreKind, Stray, StrayKind};
use super::envelope::LONGEST_LINE;
use super::spare::Spare;
use super::{ClientAt, StoreError, Throttled, Version};
use crate::clock;
use crate::files::access::Holds;
use crate::host;
use crate::http::{Chain, tls as trust};
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::random;
use crate::sorted;

/// Those who wait for a profile look by themselves this often, since a notice may never come.
const POLL: Duration = Duration::from_secs(1);

/// So much two clocks may count differently while a connection is looked at.
const CLOCKS_APART: Duration = Duration::from_millis(20);

/// How long a server is asked again that has no connection left.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// A database that keeps records.
pub struct PostgresBackend {
    database: Arc<Database>,
}

impl PostgresBackend {
    /// The database at `address`, which names the directory for what this machine keeps of it; or else that is `directory`.
    pub fn new(address: &Address, directory: Option<&Path>) -> Self {
        let directory = address.state_dir.as_deref().or(directory);
        let local = directory.map(|directory| Local::new(directory, &address.identity()));
        let holder = format!("pid {} on {}", std::process::id(), host::in_words());
        let connection = Connection::new(address.clone());
        Self {
            database: Arc::new(Database { connection, local, holder, pin: Mutex::default(), before: Mutex::default() }),
        }
    }

    fn place_aside(&self, number: i64) -> String {
        format!("number {number} of device_login.set_aside in {}", self.place())
    }
}

/// What all threads share.
struct Database {
    connection: Connection,
    local: Option<Local>,
    /// Who holds what this process holds, for people who wait.
    holder: String,
    /// As it was last seen.
    pin: Mutex<Option<Vec<u8>>>,
    /// What the record before begins with, which came with a record and is asked for next.
    before: Mutex<BTreeMap<ProfileName, Vec<u8>>>,
}

impl Database {
    fn place(&self) -> String {
        format!("the database {}", self.connection.address())
    }

    #[expect(clippy::needless_pass_by_value, reason = "is the end of it")]
    fn error(&self, trouble: Trouble) -> StoreError {
        let (place, problem) = (self.connection.address().to_string(), trouble.to_string());
        StoreError::Database { place, problem, advice: trouble.advice(), is_away: trouble.may_pass() }
    }

    fn init(&self) -> Result<(), Trouble> {
        match self.connection.run(schema::statements()) {
            // Even where everything is there, it may be an admin's alone to make.
            Err(Trouble::NoRights) => self.connection.ask(Statement::new(sql::PIN)).map(drop),
            done => done,
        }
    }

    /// Does a statement, after making the tables where they are missing. A server that has no connection left is asked
    /// again for a while, since connections of others are short.
    fn ask(&self, statement: &Statement) -> Result<Vec<Row>, StoreError> {
        let end = clock::now() + TURN_PATIENCE;
        loop {
            let asked = match self.connection.ask(statement.clone()) {
                Err(Trouble::NoSchema | Trouble::Altered(_)) => {
                    self.init().and_then(|()| self.connection.ask(statement.clone()))
                }
                asked => asked,
            };
            match asked {
                Err(Trouble::TooManyConnections) if clock::now() < end => wait_for_a_turn(),
                asked => return asked.map_err(|trouble| self.error(trouble)),
            }
        }
    }

    /// The first row, which tells the version of the tables, the pin, and whether this role sees all of them.
    fn checked<'a>(&self, rows: &'a [Row]) -> Result<&'a Row, StoreError> {
        let Some(row) = rows.first() else {
            let hidden = self.ask(&Statement::new(sql::IS_HIDDEN))?;
            let is_hidden = hidden.first().is_some_and(|row| value(row, 0).unwrap_or(false));
            let altered = || Trouble::Altered("device_login.store has no row".to_owned());
            return Err(self.error(if is_hidden { Trouble::Hidden } else { altered() }));
        };
        self.check_whole(value(row, 2)?)?;
        match value::<i32>(row, 0)? {
            schema::VERSION => {}
            newer if newer > schema::VERSION => return Err(self.error(Trouble::Newer)),
            never => return Err(self.error(Trouble::Altered(format!("device_login.store says version {never}")))),
        }
        *locked(&self.pin) = value(row, 1)?;
        Ok(row)
    }

    /// Rows that are hidden look like records that are not there.
    fn check_whole(&self, is_hidden: bool) -> Result<(), StoreError> {
        if is_hidden { Err(self.error(Trouble::Hidden)) } else { Ok(()) }
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError> {
        let statement = match part {
            Part::Current => sql::READ_CURRENT,
            Part::Previous => sql::READ_PREVIOUS,
            Part::Calls => sql::READ_CALLS,
            Part::Spare => return self.spare().map_or(Ok(Found::Missing), |spare| spare.read(profile.as_str())),
        };
        let rows = self.ask(&Statement::new(statement).text(profile.as_str()))?;
        let row = self.checked(&rows)?;
        if part == Part::Current {
            self.note_before(profile, value(row, 4)?);
        }
        found(row, 3)
    }

    /// Keeps the line in clear of the record before, for who asks for it next.
    fn note_before(&self, profile: &ProfileName, previous: Option<Vec<u8>>) {
        let mut before = locked(&self.before);
        match previous {
            Some(mut line) => {
                line.truncate(line.iter().position(|byte| *byte == b'\n').unwrap_or(LONGEST_LINE).min(LONGEST_LINE));
                before.insert(profile.clone(), line);
            }
            None => drop(before.remove(profile)),
        }
    }

    fn spare(&self) -> Option<&Spare> {
        self.local.as_ref().map(|local| &local.spare)
    }
}

impl Backend for PostgresBackend {
    fn kind(&self) -> StoreKind {
        StoreKind::Postgres
    }

    fn place(&self) -> String {
        self.database.place()
    }

    fn identity(&self) -> Result<String, StoreError> {
        match self.database.ask(&Statement::new(sql::IDENTITY)) {
            Ok(rows) => rows.first().map_or_else(|| Ok(self.place()), |row| value(row, 0)),
            // Some services let nobody ask.
            Err(error) if !error.is_away() => Ok(self.place()),
            Err(error) => Err(error),
        }
    }

    fn place_of(&self, profile: &ProfileName, part: Part) -> String {
        let column = match part {
            Part::Current => "current",
            Part::Previous => "previous",
            Part::Calls => "calls",
            Part::Spare => {
                let path = self.database.spare().map(|spare| spare.path(profile.as_str()).display().to_string());
                return path.unwrap_or_else(|| "nowhere".to_owned());
            }
        };
        format!("{column} of `{profile}` in {}", self.database.place())
    }

    fn read(&self, profile: &ProfileName, part: Part) -> Result<Found, StoreError> {
        self.database.read(profile, part)
    }

    fn keep_spare(&self, profile: &ProfileName, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        let Some(spare) = self.database.spare() else { return Ok(None) };
        spare.keep(profile.as_str(), None, bytes).map(|path| Some(path.display().to_string()))
    }

    fn first_line(&self, profile: &ProfileName, part: Part) -> Option<Vec<u8>> {
        let mut before = locked(&self.database.before);
        before.remove(profile).filter(|_| part == Part::Previous)
    }

    fn hold(&self, profile: &ProfileName, patience: Duration) -> Result<Box<dyn Hold>, StoreError> {
        let (database, start) = (&self.database, clock::now());
        let queued = database.local.as_ref().map(|local| match local.queue(profile, Duration::ZERO) {
            // Who queues here needs no connection for that.
            Err(StoreError::Locked { .. }) if !patience.is_zero() => {
                database.connection.part();
                local.queue(profile, patience)
            }
            queued => queued,
        });
        let queued = queued.transpose()?;
        let mut queued = queued.map_or_else(local::Queued::alone, Ok)?;
        let id = random_id()?;
        let notices = &database.connection.notices;
        let (mut listens, mut holder) = (false, None);
        loop {
            let seen = notices.begin(profile.as_str());
            match Lease::claim(database, profile, &id, queued) {
                Ok(Claim::Granted(lease)) => return Ok(lease),
                Ok(Claim::Taken { queued: still, holder: now }) => {
                    queued = still;
                    holder = now.or(holder);
                }
                Err(error) => {
                    // It may have been granted all the same.
                    database.connection.leave(Statement::new(sql::RELEASE).text(profile.as_str()).text(&id));
                    return Err(error);
                }
            }
            let waited = start.until(clock::now());
            // A claim that loses to one of the same moment does not see whose that is, so the first one alone is no proof.
            let is_judged = holder.is_some() || listens;
            if waited >= patience && (is_judged || patience.is_zero()) {
                return Err(match holder {
                    None if is_judged => database.error(Trouble::Untaken(profile.clone())),
                    holder => StoreError::Locked { profile: profile.clone(), holder, waited },
                });
            }
            if listens {
                notices.wait(profile.as_str(), seen, POLL.min(patience.saturating_sub(waited)));
            } else {
                // Looked at once more, since it may have been given back just before.
                database.ask(&Statement::new(sql::LISTEN))?;
                listens = true;
            }
        }
    }

    fn poller_path(&self, profile: &ProfileName) -> Result<Option<PathBuf>, StoreError> {
        Ok(self.database.local.as_ref().and_then(|local| local.poller_path(profile)))
    }

    fn poller_home(&self) -> Option<String> {
        // Where nothing can be kept, a machine has nothing but its name.
        self.database.local.as_ref().and_then(Local::lasting_home).or_else(host::name)
    }

    fn listing(&self) -> Result<Listing, StoreError> {
        let rows = self.database.ask(&Statement::new(sql::PROFILES))?;
        rows.first().map_or(Ok(()), |row| self.database.check_whole(value(row, 1)?))?;
        let own = rows.iter().filter_map(|row| profile(row).transpose());
        let mut profiles = own.map(|own| Ok((own?, false))).collect::<Result<Vec<_>, _>>()?;
        let spare = self.database.spare();
        profiles.extend(spare.into_iter().flat_map(Spare::profiles).map(|profile| (profile, false)));
        sorted::by(&mut profiles, Ord::cmp);
        profiles.dedup();
        Ok(Listing { profiles, is_whole: !spare.is_some_and(Spare::is_in_use) })
    }

    fn versions(&self) -> Option<BTreeMap<ProfileName, Version>> {
        if self.database.spare().is_some_and(Spare::is_in_use) {
            return None;
        }
        let rows = self.database.ask(&Statement::new(sql::VERSIONS)).ok()?;
        let version = |row: &Row| {
            let changed = value::<SystemTime>(row, 2).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            let generation = value::<i64>(row, 1).ok()?.unsigned_abs();
            Some((profile(row).ok()??, Version([generation, changed.as_secs(), changed.subsec_nanos().into(), 0])))
        };
        Some(rows.iter().filter_map(version).collect())
    }

    fn set_aside(&self) -> BTreeMap<ProfileName, String> {
        let rows = self.database.ask(&Statement::new(sql::ASIDE)).unwrap_or_default();
        let aside = |row: &Row| {
            let number = value::<i64>(row, 1).ok()?;
            Some((profile(row).ok()??, self.place_aside(number)))
        };
        rows.iter().filter_map(aside).collect()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn probe(&self, bytes: &[u8]) -> Result<Found, StoreError> {
        let probe = Statement::new(sql::PROBE).bytes(bytes).number(schema::VERSION.unsigned_abs().into());
        let rows = self.database.ask(&probe)?;
        if rows.is_empty() {
            // Another version's; which one is told by this.
            return self.pin().map(|_| Found::Missing);
        }
        found(self.database.checked(&rows)?, 3)
    }

    fn throttled(&self, client: &ClientAt) -> Result<Vec<Throttled>, StoreError> {
        let rows = self.database.ask(&Statement::new(sql::THROTTLED).text(&client.issuer).text(&client.client_id))?;
        let throttled = |row: &Row| {
            let time = |column| Timestamp::try_from(value::<SystemTime>(row, column).ok()?).ok();
            Some(Throttled { profile: profile(row).ok()??, at: time(1)?, until: time(2)? })
        };
        Ok(rows.iter().filter_map(throttled).collect())
    }

    fn note_throttled(&self, client: &ClientAt, throttled: Throttled) -> Result<(), StoreError> {
        let note = Statement::new(sql::NOTE_THROTTLED).text(&client.issuer).text(&client.client_id);
        let note = note.text(throttled.profile.as_str()).time(Some(throttled.at)).time(Some(throttled.until));
        self.database.ask(&note).map(drop)
    }

    fn pin(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let seen = || locked(&self.database.pin).clone();
        if let Some(pin) = seen() {
            return Ok(Some(pin));
        }
        let rows = self.database.ask(&Statement::new(sql::PIN))?;
        self.database.checked(&rows)?;
        Ok(seen())
    }

    fn bind(&self, pin: &[u8]) -> Result<(), StoreError> {
        let bind = Statement::new(sql::BIND).bytes(pin).number(schema::VERSION.unsigned_abs().into());
        self.database.ask(&bind).map(drop)
    }

    fn rebind(&self, before: &[u8], pin: &[u8]) -> Result<bool, StoreError> {
        let rows = self.database.ask(&Statement::new(sql::REBIND).bytes(before).bytes(pin))?;
        // Seen anew by whoever asks next.
        *locked(&self.database.pin) = None;
        Ok(!rows.is_empty())
    }

    fn changed(&self, patience: Duration) -> Option<Vec<ProfileName>> {
        let Connection { notices, .. } = &self.database.connection;
        // The connection may be a new one, on which nobody listens yet. Where there is none the time is waited out.
        notices.watch();
        let _ = self.database.connection.ask(Statement::new(sql::LISTEN));
        Some(notices.changed(patience))
    }

    fn script(&self, role: Option<&str>) -> Option<String> {
        Some(schema::script(role))
    }

    fn details(&self) -> Result<Option<DatabaseDetails>, StoreError> {
        let rows = self.database.ask(&Statement::new(sql::DETAILS))?;
        let row = self.database.checked(&rows)?;
        let (standby, read_only): (bool, bool) = (value(row, 6)?, value(row, 8)?);
        let refuses = if standby { Some(Trouble::Standby) } else { read_only.then_some(Trouble::ReadOnly) };
        Ok(Some(DatabaseDetails {
            database: value(row, 3)?,
            role: value(row, 4)?,
            server_version: value(row, 5)?,
            tables_version: value(row, 0)?,
            standby,
            synchronous_commit: value(row, 7)?,
            read_only,
            refuses_writes: refuses.map(|trouble| (trouble.to_string(), trouble.advice())),
        }))
    }

    fn health(&self) -> Result<Option<Health>, StoreError> {
        let asked = clock::now();
        let rows = self.database.ask(&Statement::new(sql::HEALTH))?;
        let (now, took) = (clock::wall(), clock::now() - asked);
        let Some(row) = rows.first() else { return Ok(None) };
        let theirs = Timestamp::try_from(value::<SystemTime>(row, 2)?).unwrap_or(now);
        let age: Option<f64> = value(row, 3)?;
        let connection = &self.database.connection;
        let peer = connection.peer();
        // What the server has for longer than this process was another one's before.
        let own_age = peer.as_ref().map(|peer| clock::now() - peer.since + CLOCKS_APART);
        let chain = peer.and_then(|peer| peer.shown).map(|(host, shown)| {
            let only = connection.address().root_certificate();
            let trusted = only.map_or_else(|| trust::trusted(None), |file| trust::trusted_only(file));
            (host, Chain::of(&shown, &trusted))
        });
        Ok(Some(Health {
            chain,
            may_write: value::<Option<bool>>(row, 0)?.unwrap_or(false),
            tls: value(row, 1)?,
            // The server looked at it about half-way between.
            ahead: clock::earlier(now, took / 2).duration_until(theirs),
            is_pooled: age.zip(own_age).is_some_and(|(age, own_age)| age > own_age.as_secs_f64()),
        }))
    }

    fn files(&self) -> Vec<(PathBuf, Holds)> {
        self.database.connection.address().files()
    }

    fn strays(&self) -> Result<Vec<Stray>, StoreError> {
        let rows = self.database.ask(&Statement::new(sql::STRAYS))?;
        let stray = |row: &Row| {
            let Some(profile) = profile(row)? else { return Ok(None) };
            let place = self.place_aside(value(row, 1)?);
            Ok(Some(Stray { profile, kind: StrayKind::SetAside, place, found: found(row, 2) }))
        };
        let mut strays: Vec<_> = rows.iter().filter_map(|row| stray(row).transpose()).collect::<Result<_, _>>()?;
        if let Some(spare) = self.database.spare() {
            strays.extend(spare.strays()?);
        }
        Ok(strays)
    }

    fn init(&self) -> Result<(), StoreError> {
        self.database.init().map_err(|trouble| self.database.error(trouble))?;
        let rows = self.database.ask(&Statement::new(sql::PIN))?;
        self.database.checked(&rows).map(drop)
    }
}

/// Those who wait for a connection do not all come back at once.
#[expect(clippy::disallowed_methods, reason = "a server does not say when it has a connection again")]
fn wait_for_a_turn() {
    let [jitter] = random::bytes().unwrap_or_default();
    std::thread::sleep(Duration::from_millis(50 + u64::from(jitter)));
}

/// One column of a row. The statements are this program's own, so whatever does not fit was changed by others.
fn value<T: FromSqlOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| StoreError::Corrupt {
        place: "of a table of the database".to_owned(),
        problem: "one of its columns is not of the type that it was made with",
        profile: None,
    })
}

fn found(row: &Row, column: usize) -> Result<Found, StoreError> {
    let bytes: Option<Vec<u8>> = value(row, column)?;
    Ok(bytes.map_or(Found::Missing, |bytes| Found::Bytes(Zeroizing::new(bytes))))
}

/// The profile that a row is of, if it is of one. What is no name is not this program's.
fn profile(row: &Row) -> Result<Option<ProfileName>, StoreError> {
    Ok(value::<Option<String>>(row, 0)?.and_then(|name| name.parse().ok()))
}
