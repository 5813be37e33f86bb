//! What may be wrong with a database, told apart by what a person can do about it. What a server says passes the border for
//! untrusted text; neither a password nor anything that is kept gets into the words.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_postgres::error::{DbError, SqlState};

use super::guarded::Refusal;
use crate::error::Advice;
use crate::http::tls;
use crate::profile::ProfileName;
use crate::untrusted::Untrusted;

/// Why a database did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No server could be reached; which ones were tried, and why not.
    Unreachable(String),
    /// TLS failed, or could not be set up.
    Tls(String),
    /// The server does not let this user in.
    Refused(String),
    /// The server wants a password and none is known; with what is wrong with the file that may have it.
    NoPassword(Option<String>),
    NoDatabase(String),
    /// The tables are not there, and this user may not make them.
    NoSchema,
    /// The tables are there, and this user may not use them.
    NoRights,
    /// The tables are there, and row-level security hides rows of them.
    Hidden,
    /// The tables are not as this program has made them.
    Altered(String),
    /// A newer version of this program made the tables.
    Newer,
    /// A statement took too long; whether it was done is not known.
    Slow,
    /// The server takes no writes: it follows another one.
    Standby,
    /// The server takes no writes: it is set so.
    ReadOnly,
    DiskFull,
    TooManyConnections,
    /// It is being stopped or started.
    Shutdown,
    /// The connection broke, and what a pooler says of it; whether the last statement was done is not known.
    Broken(Option<String>),
    /// Another one holds the right to write, since this one's has run out.
    Ended,
    /// Nobody holds the right to write this profile, and it cannot be had.
    Untaken(ProfileName),
    /// It sends what is not taken.
    Hostile(String),
    /// Anything else.
    Other(String),
}

impl Trouble {
    /// Why a statement, or signing in, failed.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return Self::of_server(said);
        }
        if let Some(refusal) = Refusal::behind(error) {
            return Self::refusing(refusal);
        }
        if let Some(tls) = tls::failure(error) {
            return Trouble::Tls(tls.words);
        }
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        match error.to_string().as_str() {
            _ if source == "password missing" => Trouble::NoPassword(None),
            _ if source == "server does not support TLS" => Trouble::Tls("it does not speak TLS".to_owned()),
            "authentication error" => Trouble::Refused(format!("it does not sign in as it should ({source})")),
            "error performing TLS handshake" => Trouble::Tls("TLS came to no agreement".to_owned()),
            _ if error.is_closed() || find_io(error).is_some() => Trouble::Broken(None),
            words => Trouble::Other(words.to_owned()),
        }
    }

    /// What this program does not take from a server.
    pub(super) fn refusing(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Password => Trouble::Refused(refusal.to_string()),
            Refusal::TooMuch | Refusal::Garbled => Trouble::Hostile(refusal.to_string()),
        }
    }

    fn of_server(said: &DbError) -> Self {
        let code = said.code();
        let words = || {
            let (said, code) = (Untrusted::new(said.message()), Untrusted::new(code.code()));
            format!("{} ({})", said.line(), code.line())
        };
        match code {
            &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Trouble::Refused(words()),
            &SqlState::INVALID_CATALOG_NAME => Trouble::NoDatabase(words()),
            &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME => Trouble::NoSchema,
            &SqlState::UNDEFINED_COLUMN | &SqlState::INVALID_COLUMN_REFERENCE => Trouble::Altered(words()),
            // The code is the same, and only servers that speak English are known by their words.
            &SqlState::INSUFFICIENT_PRIVILEGE if said.message().contains("row-level security") => Trouble::Hidden,
            &SqlState::INSUFFICIENT_PRIVILEGE => Trouble::NoRights,
            &SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE => Trouble::Slow,
            &SqlState::READ_ONLY_SQL_TRANSACTION => Trouble::ReadOnly,
            &SqlState::DISK_FULL => Trouble::DiskFull,
            &SqlState::TOO_MANY_CONNECTIONS => Trouble::TooManyConnections,
            &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => Trouble::Shutdown,
            // A pooler that has lost its server, or has waited for one too long.
            _ if code.code().starts_with("08") => Trouble::Broken(Some(words())),
            _ => Trouble::Other(words()),
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn ends_the_session(&self) -> bool {
        matches!(self, Trouble::Slow | Trouble::Hostile(_)) || self.is_worth_another_try()
    }

    /// Whether the statement may be done all the same, or may be done by another server.
    pub(super) fn is_worth_another_try(&self) -> bool {
        matches!(self, Trouble::Broken(_) | Trouble::Shutdown | Trouble::Standby | Trouble::ReadOnly)
    }

    /// Whether the database is away for now, so that what it was asked may be done later.
    pub(super) fn may_pass(&self) -> bool {
        self.ends_the_session() && !matches!(self, Trouble::Hostile(_))
            || matches!(self, Trouble::Unreachable(_) | Trouble::TooManyConnections)
    }

    /// What to do about it.
    pub(super) fn advice(&self) -> Advice {
        let words = match self {
            Trouble::Unreachable(_) => "check the address, and whether the server runs and lets this machine in",
            Trouble::Tls(_) => {
                "see to the server's certificate; `sslrootcert` or `PGSSLROOTCERT` names an authority of your own"
            }
            Trouble::Refused(_) => "check user and password, and what the server's `pg_hba.conf` says of this machine",
            Trouble::NoPassword(_) => {
                "put the password into `~/.pgpass` (mode 600), `PGPASSWORD` or the file that `store_url_file` names; \
                 `store copy` takes such a file by `--to-file`"
            }
            Trouble::NoDatabase(_) => "have it made by `createdb`, or name another one",
            Trouble::NoSchema | Trouble::NoRights => return Advice::InitStore,
            Trouble::Hidden => {
                "have an admin run `ALTER TABLE device_login.records DISABLE ROW LEVEL SECURITY`, and the same for the other tables \
                 of that schema, or make this user their owner, or give it `BYPASSRLS`"
            }
            Trouble::Altered(_) => "find out who has changed the tables; restore the database from a backup",
            Trouble::Newer => "update this program; the database stays as it is",
            Trouble::Slow => "try again; see how busy the server is",
            Trouble::Standby => "name all servers, `postgres://ONE,OTHER/…`: then the one that takes writes is found",
            Trouble::ReadOnly => {
                "see why that was set (a provider does so where a disk is full), and undo it: `ALTER ROLE NAME RESET \
                 default_transaction_read_only`, or the same of the database or of the server"
            }
            Trouble::DiskFull => "make room on the server's disk",
            Trouble::TooManyConnections => "try again; raise the server's `max_connections`, or put a pooler before it",
            Trouble::Shutdown | Trouble::Broken(_) => "try again when it is back",
            Trouble::Ended => "try again; this machine or the database was held up for longer than a minute",
            Trouble::Untaken(_) => {
                "see whether a trigger or a rule of `device_login.records` drops what is written there"
            }
            Trouble::Hostile(_) => "see whether the address is that of the database, and what is in its tables",
            Trouble::Other(_) => "see what the server's log says",
        };
        words.into()
    }
}

/// As a clause behind the name of the database.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Trouble::Tls(why) => write!(f, "cannot be trusted: {why}"),
            Trouble::Refused(why) => write!(f, "lets nobody in: {why}"),
            Trouble::NoPassword(None) => f.write_str("wants a password, and none is known"),
            Trouble::NoPassword(Some(file)) => write!(f, "wants a password, and none is known: {file}"),
            Trouble::NoDatabase(why) => write!(f, "is not there: {why}"),
            Trouble::NoSchema => f.write_str("has no tables of this program yet, and this user may not make them"),
            Trouble::NoRights => f.write_str("does not let this user at the tables of this program"),
            Trouble::Hidden => {
                f.write_str("hides rows of the tables of this program from this user (row-level security)")
            }
            Trouble::Altered(why) => write!(f, "has tables that are not as this program has made them: {why}"),
            Trouble::Newer => f.write_str("has tables of a newer version of this program"),
            Trouble::Slow => f.write_str("did not answer in time"),
            Trouble::Standby => f.write_str("takes no writes: it follows another server"),
            Trouble::ReadOnly => f.write_str("takes no writes: it is set read-only (`default_transaction_read_only`)"),
            Trouble::DiskFull => f.write_str("has no room left on its disk"),
            Trouble::TooManyConnections => f.write_str("has too many connections"),
            Trouble::Shutdown => f.write_str("is being stopped or started"),
            Trouble::Broken(None) => f.write_str("closed the connection"),
            Trouble::Broken(Some(why)) => write!(f, "closed the connection: {why}"),
            Trouble::Ended => f.write_str("gave the right to write to somebody else, since it had run out here"),
            Trouble::Untaken(profile) => write!(f, "does not give the right to write `{profile}`, which nobody has"),
            Trouble::Hostile(why) => write!(f, "is not trusted: {why}"),
            Trouble::Other(why) => write!(f, "refused: {why}"),
        }
    }
}

impl Error for Trouble {}

fn find_io(error: &tokio_postgres::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}
