//! Where records are, what guards them, and who writes them.

use std::io::ErrorKind;
use std::path::Path;

use super::server::{self, of_chain, of_clock};
use super::{Check, Patient, Subject, Verdict, limited};
use crate::aside::aside;
use crate::clock;
use crate::error::{Advice, Error};
use crate::files::{self, own};
use crate::profile::ProfileName;
use crate::sorted;
use crate::storage::{
    Checked, DatabaseDetails, Finding, FindingKind, Grade, Health, KeySource, StoreError, StoreInfo, StoreKind,
};
use crate::words::counted;

impl Patient {
    pub(super) fn has_trouble(&self, with: Subject) -> bool {
        self.problems.iter().any(|(subject, _)| *subject == with)
    }

    pub(super) async fn check_store(&self) -> Vec<Check> {
        if self.has_trouble(Subject::Configuration) {
            let seen = "not looked at, since the configuration may name it and its key";
            return vec![Check::warning(Subject::Store, "", seen).advise("mend the configuration first")];
        }
        // That there is none is told already.
        if self.has_trouble(Subject::Store) {
            return Vec::new();
        }
        let mut info = match self.service.store_info().await {
            Ok(info) => info,
            Err(error) => return vec![Check::failed(Subject::Store, "", &error)],
        };
        let store = self.service.store().clone();
        // Said also, and above all, where the database cannot be reached.
        let without_proxy = store.is_shared().then(|| server::of_database(&self.service)).flatten();
        let is_there = info.trouble.is_none();
        let key = info.protection.as_ref().ok().filter(|protection| !protection.is_made).map(|made| made.key.clone());
        let (holders, health, is_made, unmade, unwritable) = aside(move || {
            let health = if is_there { store.health() } else { Ok(None) };
            let directory = store.directory();
            let unmade = key.and_then(|key| unmade(&key, directory.as_deref()));
            let is_made = directory.is_none_or(|directory| directory.exists());
            (store.holders(), health, is_made, unmade, store.check_room().err())
        })
        .await;
        let mut checks = Vec::new();
        let named_by = self.settings.iter().find(|setting| setting.what == Subject::Store);
        let named_by = named_by.map(|setting| format!(", {}", setting.by)).unwrap_or_default();
        let place = format!("{}: {}{named_by}", info.kind.word(), info.place);
        if let Some(trouble) = info.trouble.take() {
            checks.push(Check::failed(Subject::Store, place, &Error::from(trouble)));
        } else {
            let records = counted(info.profiles.len() as u64, "record");
            let records = if is_made { records } else { "not there yet: the first record makes it".to_owned() };
            checks.push(Check::ok(Subject::Store, "", format!("{place}, {records}")));
            // What is mounted for reading only is told with its file system.
            let is_told = |error: &StoreError| matches!(error, StoreError::Io { source, .. } if source.kind() == ErrorKind::ReadOnlyFilesystem);
            let unwritable = unwritable.filter(|error| !is_told(error));
            checks.extend(unwritable.map(|error| Check::failed(Subject::Store, "", &Error::from(error))));
            checks.extend(info.details.iter().flat_map(of_details));
            checks.extend(of_health(health));
        }
        checks.extend(without_proxy);
        checks.extend(info.in_spare.iter().map(|(profile, at)| {
            let seen = format!("the record of `{profile}` waits at {at} for its store");
            Check::warning(Subject::Store, "", seen).advise("mend the store: the next refresh brings it back")
        }));
        checks.extend(info.moved.iter().map(|(profile, to)| {
            Check::warning(Subject::Store, "", format!("the record of `{profile}` is kept in {to} now"))
                .advise("name that store in the configuration")
        }));
        if matches!(info.kind, StoreKind::File | StoreKind::Plain) {
            checks.push(of_locks(holders));
        }
        checks.push(match unmade {
            Some(error) => Check::failed(Subject::Key, "", &Error::from(error)),
            None => of_key(info),
        });
        checks
    }

    /// Whether the records can be opened, as `store check` tells it.
    pub(super) async fn check_records(&self) -> Vec<Check> {
        if self.has_trouble(Subject::Configuration) || self.has_trouble(Subject::Store) {
            return Vec::new();
        }
        let error = match self.service.check_store().await {
            Ok(checked) => return of_findings(checked),
            Err(error) => error,
        };
        let store = self.service.store().clone();
        // Where it cannot be used at all, and where nothing is in it, its own line says so.
        if !aside(move || store.profiles()).await.is_ok_and(|profiles| !profiles.is_empty()) {
            return Vec::new();
        }
        let seen = format!("the records cannot be opened: {}", error.reason());
        vec![Check { advice: error.what_helps(), ..Check::error(Subject::Store, "", seen) }]
    }
}

/// What is damaged, and what once was.
fn of_findings(checked: Checked) -> Vec<Check> {
    let is_told = |finding: &Finding| finding.kind.is_damage() || finding.kind == FindingKind::SetAside;
    let mut findings: Vec<Finding> = checked.findings.into_iter().filter(is_told).collect();
    sorted::by_key(&mut findings, |finding| finding.kind);
    let advice = Advice::CheckStore { repair: false }.and(" to see them");
    let more = limited(&mut findings, Subject::Store, "finding", advice);
    findings.into_iter().map(of_finding).chain(more).collect()
}

fn of_finding(finding: Finding) -> Check {
    let Finding { profile, kind, place, problem } = finding;
    let verdict = if kind.is_damage() { Verdict::Error } else { Verdict::Warning };
    let check = Check::new(verdict, Subject::Store, profile.to_string(), format!("{place}: {problem}"));
    let known = match kind {
        FindingKind::OtherKey => StoreError::KeyUnavailable(problem),
        FindingKind::Newer => StoreError::Newer { place },
        FindingKind::Gone => return check.advise(Advice::SignIn(profile).after("if that does not help, ")),
        FindingKind::SetAside => {
            return check.advise(Advice::CheckStore { repair: false }.and(" to see what else there is"));
        }
        _ => return check.advise(Advice::CheckStore { repair: true }.and(" to mend what can be mended")),
    };
    Check { advice: Error::from(known).what_helps(), ..check }
}

/// What a database says of itself.
fn of_details(details: &DatabaseDetails) -> Vec<Check> {
    let DatabaseDetails { database, role, server_version, tables_version, .. } = details;
    let seen =
        format!("PostgreSQL {server_version}, database {database} as {role}, tables of version {tables_version}");
    let mut checks = vec![Check::ok(Subject::PostgreSql, "", seen)];
    checks.extend(details.refuses_writes.iter().map(|(why, advice)| {
        Check::error(Subject::PostgreSql, "", format!("the server {why}")).advise(advice.clone())
    }));
    checks
}

/// How a database's server is.
fn of_health(health: Result<Option<Health>, StoreError>) -> Vec<Check> {
    let health = match health {
        Ok(Some(health)) => health,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Check::failed(Subject::PostgreSql, "", &Error::from(error))],
    };
    let tls =
        health.tls.map_or_else(|| "no TLS at the server".to_owned(), |version| format!("{version} at the server"));
    let pooled = if health.is_pooled { "a pooler in between" } else { "no pooler that could be noticed" };
    let mut checks = vec![Check::ok(Subject::PostgreSql, "", format!("{tls}, {pooled}"))];
    checks.extend(health.chain.map(|(host, chain)| of_chain(&chain, &host, clock::wall())));
    if !health.may_write {
        let advice = Advice::PrintStoreSetup.and(" for the rights that an admin has to give");
        checks
            .push(Check::error(Subject::PostgreSql, "", "this role may not read and write all tables").advise(advice));
    }
    checks.push(of_clock("the database", health.ahead));
    checks
}

/// Why the key that is yet to be made could not be, where the store's directory does not tell that already.
fn unmade(key: &KeySource, store: Option<&Path>) -> Option<StoreError> {
    let KeySource::KeyFile(path) = key else { return None };
    let there = files::nearest(files::directory_of(path));
    if store.is_some_and(|store| files::nearest(store) == there) {
        return None;
    }
    let source = files::check_room(there, 1).err()?;
    Some(StoreError::KeyNotMade { place: path.display().to_string(), source })
}

fn of_key(info: StoreInfo) -> Check {
    let protection = match info.protection {
        Ok(protection) => protection,
        Err(error) => {
            let error = Error::from(error);
            return Check { seen: error.reason(), ..Check::failed(Subject::Key, "", &error) };
        }
    };
    let seen = format!("{}, {protection}", protection.key.word());
    match &protection.exposed {
        Some(path) => {
            let shown = path.display();
            let seen = format!("{seen}; others on this machine can read {shown}, which opens the records");
            Check::warning(Subject::Key, "", seen).advise(own::have_closed(path))
        }
        None if protection.grade() == Grade::L0 => Check::warning(Subject::Key, "", seen)
            .advise("use `--store file:DIR`, which encrypts without asking anybody"),
        None if info.old_key_id.is_some() => {
            Check::warning(Subject::Key, "", format!("{seen}; records are being sealed anew"))
                .advise(Advice::RekeyStore.and(" to go on with that"))
        }
        None => Check::ok(Subject::Key, "", seen),
    }
}

fn of_locks(holders: Result<Vec<(ProfileName, String)>, StoreError>) -> Check {
    match holders {
        Err(error) => Check::failed(Subject::Lock, "", &Error::from(error)),
        Ok(holders) if holders.is_empty() => Check::ok(Subject::Lock, "", "nobody holds one"),
        Ok(holders) => {
            let held: Vec<String> = holders.iter().map(|(profile, by)| format!("{by} holds `{profile}`")).collect();
            Check::warning(Subject::Lock, "", held.join(", "))
                .advise("a refresh holds one for some seconds; a process that hangs with it can be ended")
        }
    }
}
