//! What may stand between this machine and a token: looked at without changing anything, each look within a limit.
//!
//! A [`Check`] is data. It says what was looked at, what was seen, whether that is well, and what helps; the sentences about
//! commands are the front end's. What was learned elsewhere is asked there: files of `files::access`, certificates of
//! `http::tls`, variables of `config::variables`, records of the store.

mod client;
mod environment;
mod places;
mod server;
mod sign_ins;
mod store;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};

pub use self::environment::features;
use super::Service;
use crate::clock::{self, Moment};
use crate::config::{Places, Profile};
use crate::error::{Advice, Error};
use crate::profile::ProfileName;
use crate::words::{counted, duration};

/// So long all looks may take, which go on at the same time.
const LIMIT: Duration = Duration::from_secs(9);

/// So long a disk or a database may take for what has to be known before a server is asked.
const LOOK: Duration = Duration::from_secs(2);

/// So many of a kind are looked at or told of.
const MOST: usize = 16;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub subject: Subject,
    /// Which one of its kind; empty where there is one only.
    pub about: String,
    pub verdict: Verdict,
    /// A clause.
    pub seen: String,
    /// What helps where it is not well.
    pub advice: Vec<Advice>,
}

/// The kind of thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Version,
    Configuration,
    Store,
    Profile,
    Files,
    FileSystem,
    Key,
    Lock,
    Agent,
    PostgreSql,
    Proxy,
    Dns,
    Tls,
    Connection,
    Clock,
    DataCenter,
    Client,
    SignIn,
    Scopes,
    Variable,
    Terminal,
}

impl Subject {
    /// The word for people and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Subject::Version => "version",
            Subject::Configuration => "configuration",
            Subject::Store => "store",
            Subject::Profile => "profile",
            Subject::Files => "files",
            Subject::FileSystem => "file system",
            Subject::Key => "key",
            Subject::Lock => "lock",
            Subject::Agent => "agent",
            Subject::PostgreSql => "PostgreSQL",
            Subject::Proxy => "proxy",
            Subject::Dns => "DNS",
            Subject::Tls => "TLS",
            Subject::Connection => "connection",
            Subject::Clock => "clock",
            Subject::DataCenter => "data center",
            Subject::Client => "client",
            Subject::SignIn => "sign-in",
            Subject::Scopes => "scopes",
            Subject::Variable => "variable",
            Subject::Terminal => "terminal",
        }
    }
}

/// Whether something is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    /// It works, and may not for long or not everywhere.
    Warning,
    /// It keeps this program from working.
    Error,
}

impl Verdict {
    /// The word for people and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Error => "error",
        }
    }
}

impl Check {
    pub fn new(verdict: Verdict, subject: Subject, about: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { subject, about: about.into(), verdict, seen: seen.into(), advice: Vec::new() }
    }

    pub fn ok(subject: Subject, about: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, subject, about, seen)
    }

    pub fn warning(subject: Subject, about: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, subject, about, seen)
    }

    pub fn error(subject: Subject, about: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Error, subject, about, seen)
    }

    /// Adds something that helps.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<Advice>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// What keeps this program from working, as it is told elsewhere.
    fn failed(subject: Subject, about: impl Into<String>, error: &Error) -> Self {
        Self { advice: error.what_helps(), ..Self::error(subject, about, error.to_string()) }
    }
}

/// What is looked at: everything of which a part may be missing or broken.
pub struct Patient {
    /// With an empty configuration where none could be read.
    pub service: Service,
    pub places: Result<Places, Error>,
    /// Why the configuration or the address of the store could not be used.
    pub problems: Vec<(Subject, Error)>,
    /// The profile that is meant, where it is one only.
    pub profile: Option<ProfileName>,
    /// Settings, what they are, and what has decided on that.
    pub settings: Vec<Setting>,
    /// The file of `--ca-cert`.
    pub ca_certificate: Option<PathBuf>,
    /// Tells whether the arguments of a process of this program, its name first, make it an agent.
    pub is_agent: fn(&[OsString]) -> bool,
}

/// A setting that may come from several places.
pub struct Setting {
    pub what: Subject,
    pub value: String,
    /// The flag, the variable, the configuration, or that nothing names it.
    pub by: String,
}

impl Patient {
    /// Looks at everything.
    pub async fn examine(&self) -> Vec<Check> {
        let mut checks = vec![environment::version()];
        checks.extend(self.problems.iter().map(|(subject, error)| Check::failed(*subject, "", error)));
        checks.extend(self.check_profile());
        checks.extend(self.check_settings());
        let end = clock::now() + LIMIT;
        let slow: Vec<BoxFuture<'_, Vec<Check>>> = vec![
            within(end, Subject::Files, "", self.check_files()).boxed(),
            within(end, Subject::FileSystem, "", self.check_file_systems()).boxed(),
            within(end, Subject::Store, "", self.check_store()).boxed(),
            within(end, Subject::Store, "", self.check_records()).boxed(),
            within(end, Subject::Agent, "", self.check_agent()).boxed(),
            within(end, Subject::SignIn, "", self.check_sign_ins()).boxed(),
            self.check_network(end).boxed(),
        ];
        checks.extend(join_all(slow).await.into_iter().flatten());
        checks.extend(self.check_scopes());
        checks.extend(self.check_variables());
        checks
    }

    /// Looks at what lies beyond this machine.
    async fn check_network(&self, end: Moment) -> Vec<Check> {
        // Whoever asks first would wait for it.
        if self.profiles().next().is_some() && clock::within(LOOK, self.service.http.prepare()).await.is_none() {
            let seen = format!("nobody was asked: the certificate authorities were not read within {}", duration(LOOK));
            return vec![Check::error(Subject::Tls, "", seen).advise(
                "see whether the file system hangs on which they, `SSL_CERT_FILE` or the file of `--ca-cert` are",
            )];
        }
        let (servers, mut clients) = join(self.check_servers(end), self.check_clients(end)).await;
        // That nobody could be asked is one trouble with the names of the servers.
        let is_unknown = |check: &Check| check.subject == Subject::Dns && check.verdict == Verdict::Error;
        let is_known = |check: &Check| check.subject == Subject::Dns && check.verdict < Verdict::Error;
        let was_asked = |check: &Check| is_known(check) || [Subject::Connection, Subject::Tls].contains(&check.subject);
        if servers.iter().any(is_unknown) && !servers.iter().any(was_asked) {
            clients.retain(|check| check.subject != Subject::Client || check.verdict != Verdict::Warning);
        }
        [servers, clients].concat()
    }

    /// The profiles that are meant.
    fn profiles(&self) -> impl Iterator<Item = &Profile> {
        let is_meant = |profile: &&Profile| self.profile.as_ref().is_none_or(|name| *name == profile.name);
        self.service.config.profiles.values().filter(is_meant)
    }

    /// The profile that was named is there.
    fn check_profile(&self) -> Option<Check> {
        let name = self.profile.as_ref().filter(|_| self.problems.is_empty())?;
        self.service.config.profile(Some(name)).err().map(|error| Check::failed(Subject::Profile, "", &error))
    }
}

/// Keeps the first ones of all, and tells how many more there are.
fn limited<T>(all: &mut Vec<T>, subject: Subject, what: &str, advice: impl Into<Advice>) -> Option<Check> {
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let check = || Check::warning(subject, "", format!("left out: {}", counted(more as u64, &format!("more {what}"))));
    (more > 0).then(|| check().advise(advice))
}

/// The checks, or that they were not done in time.
async fn within(end: Moment, subject: Subject, about: &str, checks: impl Future<Output = Vec<Check>>) -> Vec<Check> {
    clock::within(clock::now().until(end), Box::pin(checks)).await.unwrap_or_else(|| vec![overdue(subject, about)])
}

fn overdue(subject: Subject, about: &str) -> Check {
    let seen = format!("no result within {}", duration(LIMIT));
    Check::warning(subject, about, seen).advise("try again; if that stays so, something hangs there")
}
