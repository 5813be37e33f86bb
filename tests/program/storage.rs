//! The store, on real files and with real processes.
#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

#[cfg(unix)]
mod access;
mod child;
mod conformance;
#[cfg(target_os = "linux")]
mod crash;
mod damage;
mod document;
mod keys;
mod locks;
#[cfg(all(target_os = "linux", feature = "postgres"))]
mod postgres;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use device_login::api::Call;
use device_login::http::Method;
use device_login::profile::ProfileName;
use device_login::secret::Secret;
use device_login::service::remembered;
use device_login::storage::{
    Account, Grant, KeyOptions, KeySource, PastCall, Record, Store, StoreAddress, StoreError, open,
};
use tempfile::TempDir;

use crate::support::program::set_mode;

const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration directory and a state directory of its own.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }

    fn key_file(&self) -> PathBuf {
        self.directory.path().join("config/key")
    }

    fn keys(&self) -> KeyOptions {
        KeyOptions { default_key_file: self.key_file(), ..KeyOptions::default() }
    }

    /// Opens the store anew, as another process would.
    fn store(&self) -> Store {
        self.store_with(self.keys())
    }

    fn store_with(&self, keys: KeyOptions) -> Store {
        open(&StoreAddress::File(self.state()), keys)
    }

    fn plain(&self) -> Store {
        open(&StoreAddress::Plain(self.state()), self.keys())
    }

    /// The names in the state directory, in order.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = contents(&self.state()).into_keys().collect();
        names.sort();
        names
    }

    /// Writes a private file below the home.
    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        write_private(&path, content);
        path
    }
}

#[expect(clippy::disallowed_methods, reason = "tests write what a store has to cope with")]
fn write_private(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    set_mode(path, 0o600);
}

fn create_private_directory(path: &Path) {
    fs::create_dir(path).unwrap();
    set_mode(path, 0o700);
}

/// Every file of a directory with its content; nothing where there is no directory.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

fn profile(name: &str) -> ProfileName {
    name.parse().unwrap()
}

/// A record of profile `work` that is told apart by its client id.
fn record(client_id: &str) -> Record {
    let at = "2026-11-20T12:00:00Z".parse().unwrap();
    Record {
        client_secret: Some(Secret::new("canary-client-secret")),
        client_secret_for: None,
        grant: Some(Grant {
            data_center: "eu".to_owned(),
            api_domain: Some("https://www.zohoapis.eu".to_owned()),
            account: Some(Account { id: "7".to_owned(), email: Some("canary@example.com".to_owned()), name: None }),
            refresh_token: Some(Secret::new("1000.canary-refresh-token")),
            mints: vec![at],
            ..Grant::new(
                "https://accounts.zoho.eu",
                vec!["ZohoCRM.users.READ".to_owned()],
                Secret::new("1000.canary-access-token"),
                at,
                at,
            )
        }),
        ..Record::empty(profile("work"), "zoho", client_id)
    }
}

/// Commits `record(client_id)` and returns it as committed.
fn commit(store: &Store, client_id: &str) -> Record {
    try_commit(store, client_id).unwrap()
}

fn try_commit(store: &Store, client_id: &str) -> Result<Record, StoreError> {
    let mut record = record(client_id);
    store.hold(&record.profile, PATIENCE)?.commit(&mut record)?;
    Ok(record)
}

fn load(store: &Store) -> Result<Option<Record>, StoreError> {
    Ok(store.load(&profile("work"))?.map(|record| *record))
}

fn client_id(store: &Store) -> Option<String> {
    load(store).unwrap().map(|record| record.client_id)
}

#[test]
fn a_record_comes_back_as_it_was_committed() {
    let home = Home::new();
    for store in [home.store(), open(&StoreAddress::Memory, home.keys())] {
        assert_eq!(load(&store).unwrap(), None);
        let committed = commit(&store, "one");
        assert_eq!(committed.generation, 1);
        assert_eq!(load(&store).unwrap(), Some(committed));
        assert_eq!(store.profiles().unwrap(), [profile("work")]);
        assert_eq!(commit(&store, "two").generation, 2);
    }
    assert_eq!(client_id(&home.store()).as_deref(), Some("two"));
}

#[test]
fn opening_and_loading_create_nothing() {
    let home = Home::new();
    let store = home.store();
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(store.profiles().unwrap(), []);
    assert_eq!(store.protection().unwrap().key, KeySource::KeyFile(home.key_file()));
    assert_eq!(fs::read_dir(home.directory.path()).unwrap().count(), 0);
}

#[test]
fn a_commit_leaves_the_record_its_predecessor_its_lock_and_nothing_else() {
    let home = Home::new();
    for client_id in ["one", "two", "three"] {
        commit(&home.store(), client_id);
    }
    assert_eq!(home.names(), ["store.json", "work.lock", "work.record", "work.record.prev"]);
}

#[test]
fn an_unused_reservation_leaves_nothing() {
    let home = Home::new();
    let store = home.store();
    let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
    locked.reserve().unwrap();
    assert_eq!(home.names().len(), 3);
    drop(locked);
    assert_eq!(home.names(), ["store.json", "work.lock"]);
    assert_eq!(load(&store).unwrap(), None);
}

#[test]
fn a_record_longer_than_its_reservation_is_kept_whole() {
    let home = Home::new();
    let store = home.store();
    let mut long = record(&"x".repeat(100_000));
    let mut locked = store.hold(&long.profile, PATIENCE).unwrap();
    locked.reserve().unwrap();
    locked.commit(&mut long).unwrap();
    assert_eq!(load(&store).unwrap(), Some(long));
}

#[test]
fn forgetting_deletes_every_generation_but_not_the_lock() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    commit(&store, "two");
    home.write("state/work.record.corrupt-1", b"set aside");
    let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
    locked.forget_previous().unwrap();
    assert_eq!(home.names(), ["store.json", "work.lock", "work.record"]);
    locked.forget().unwrap();
    assert_eq!(home.names(), ["store.json", "work.lock"]);
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(store.profiles().unwrap(), []);
}

#[test]
fn a_record_is_not_committed_under_the_name_of_another_profile() {
    let home = Home::new();
    let store = home.store();
    let mut locked = store.hold(&profile("other"), PATIENCE).unwrap();
    assert!(locked.commit(&mut record("one")).is_err());
    assert_eq!(store.load(&profile("other")).unwrap(), None);
}

#[test]
fn profiles_whose_names_resemble_each_others_files_stay_apart() {
    let home = Home::new();
    let store = home.store();
    let names = ["a", "a.calls", "a.lock", "a.record", "a.record.corrupt-1", "a.record.prev", "store.json"];
    for name in names {
        for _ in 0..2 {
            let mut own = Record { profile: profile(name), ..record(name) };
            let mut locked = store.hold(&own.profile, PATIENCE).unwrap();
            locked.commit(&mut own).unwrap();
            locked.save_calls(&[call(name)]).unwrap();
        }
    }
    assert_eq!(store.profiles().unwrap(), names.map(profile));
    for name in names {
        assert_eq!(store.load(&profile(name)).unwrap().unwrap().client_id, name);
        assert_eq!(store.calls(&profile(name)).unwrap(), [call(name)]);
    }
    for (at, name) in names.iter().enumerate() {
        store.hold(&profile(name), PATIENCE).unwrap().forget().unwrap();
        let left: Vec<ProfileName> = names[at + 1..].iter().map(|name| profile(name)).collect();
        assert_eq!(store.profiles().unwrap(), left, "{name}");
        assert!(left.iter().all(|other| store.load(other).unwrap().is_some()), "{name}");
    }
}

fn call(path: &str) -> PastCall {
    let url = format!("https://api.example/{path}").parse().unwrap();
    let call = Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
    remembered(&call, jiff::Timestamp::UNIX_EPOCH, Some((200, Duration::from_millis(12), 34))).unwrap()
}

#[test]
fn calls_are_sealed_replaced_as_a_whole_and_go_with_the_record() {
    for (store, is_sealed) in [(Home::store as fn(&Home) -> Store, true), (Home::plain, false)] {
        let home = Home::new();
        let store = store(&home);
        commit(&store, "one");
        let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
        for number in 0..3 {
            let calls = vec![call(&format!("path-{number}")); number + 1];
            locked.save_calls(&calls).unwrap();
            assert_eq!(store.calls(&profile("work")).unwrap(), calls);
        }
        let all = contents(&home.state());
        let bytes = &all["work.calls"];
        assert_eq!(bytes.windows(6).any(|bytes| bytes == b"path-2"), !is_sealed);
        assert!(!all.keys().any(|name| name.contains(".new")), "{all:?}");
        locked.save_calls(&[]).unwrap();
        assert_eq!(store.calls(&profile("work")).unwrap(), []);
        locked.save_calls(&[call("x")]).unwrap();
        locked.forget().unwrap();
        assert!(!home.names().contains(&"work.calls".to_owned()));
    }
}

#[test]
fn damaged_calls_are_no_calls_and_leave_the_record_alone() {
    let home = Home::new();
    let store = home.store();
    let before = commit(&store, "one");
    let record_file = fs::read(home.file("work.record")).unwrap();
    let endless = vec![b'x'; 2_000_000];
    for damaged in [&b""[..], b"{}\n", &record_file, &endless] {
        home.write("state/work.calls", damaged);
        assert!(matches!(store.calls(&profile("work")), Err(StoreError::Corrupt { .. })));
        assert_eq!(load(&store).unwrap(), Some(before.clone()));
    }
    // Nor is a list of calls taken for a record.
    store.hold(&profile("work"), PATIENCE).unwrap().save_calls(&[call("x")]).unwrap();
    fs::copy(home.file("work.calls"), home.file("work.record")).unwrap();
    assert!(load(&store).is_err());
}

#[test]
fn a_probe_leaves_no_record() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    store.probe().unwrap();
    store.probe().unwrap();
    assert_eq!(home.names(), [".probe.lock", "store.json", "work.lock", "work.record"]);
    assert_eq!(store.profiles().unwrap(), [profile("work")]);
}

#[test]
fn addresses_name_a_store_or_say_what_is_wrong_without_repeating_a_password() {
    assert_eq!(StoreAddress::parse("file:/a/b").unwrap(), StoreAddress::File("/a/b".into()));
    assert_eq!(StoreAddress::parse("plain:b").unwrap(), StoreAddress::Plain("b".into()));
    assert_eq!(StoreAddress::parse("memory:").unwrap(), StoreAddress::Memory);
    for address in ["", "file:", "plain:", "memory:x", "/a/b", "redis:x"] {
        assert!(matches!(StoreAddress::parse(address), Err(StoreError::Address { .. })), "{address}");
    }
    let database = StoreAddress::parse("postgres://me:hunter2@db/tokens").unwrap();
    assert!(database.has_password() && !format!("{database:?}").contains("hunter2"));
    assert_eq!(database.to_string(), "postgres://me@db/tokens");
    let error = StoreAddress::parse("postgres://me:hunter2@db/tokens?sslmode=require").unwrap_err().to_string();
    assert!(error.contains("verify-full") && !error.contains("hunter2"), "{error}");
}
