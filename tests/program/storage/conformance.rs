//! What every place for records has to do, whatever keeps the bytes: the same checks over each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::storage::backend::watched::Watched;
use device_login::storage::{
    Attempt, Backend, Clear, FindingKind, Found, Happened, Held, KeyOptions, Part, Record, Store, StoreAddress,
    StoreError, backend, open_over,
};
use jiff::Timestamp;

use crate::support::program::set_mode;

use super::{Home, PATIENCE, client_id, commit, load, profile, record, try_commit};

const SHORT: Duration = Duration::from_millis(50);

/// One place, which each opening finds as it was left.
pub(super) struct Place<'a> {
    pub(super) address: StoreAddress,
    pub(super) keys: KeyOptions,
    pub(super) backend: Box<dyn Fn() -> Arc<dyn Backend> + Send + Sync + 'a>,
}

impl Place<'_> {
    /// Opens the store anew, as another process would.
    fn store(&self) -> Store {
        open_over((self.backend)(), &self.address, self.keys.clone())
    }

    /// The same, where somebody hears of every call first, and may have it fail.
    fn watched(&self, watcher: impl Fn(&'static str) -> Result<(), StoreError> + Send + Sync + 'static) -> Store {
        let backend = Watched::new((self.backend)(), Arc::new(watcher));
        open_over(Arc::new(backend), &self.address, self.keys.clone())
    }

    fn bytes(&self, part: Part) -> Vec<u8> {
        match (self.backend)().read(&profile("work"), part).unwrap() {
            Found::Bytes(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// Puts bytes in the place of the record, as whoever writes to the place itself could. What was there becomes the
    /// previous record, unless `previous` goes there.
    fn put(&self, current: &[u8], previous: Option<&[u8]>) {
        let backend = (self.backend)();
        let mut hold = backend.hold(&profile("work"), PATIENCE).unwrap();
        let clear = clear();
        if let Some(previous) = previous {
            hold.replace(&clear, previous).unwrap();
        }
        hold.replace(&clear, current).unwrap();
        hold.release();
    }
}

fn clear() -> Clear {
    Clear {
        provider: "zoho".to_owned(),
        data_center: "eu".to_owned(),
        client_id: "one".to_owned(),
        state: "signed_in",
        generation: 1,
        key_id: String::new(),
        access_token_expires_at: None,
        last_refresh_at: None,
    }
}

type Check = fn(&Place<'_>);

/// Each with a place in which nothing is yet.
pub(super) const CHECKS: [(&str, Check); 18] = [
    ("an empty store has nothing", empty),
    ("what is committed is read by all", committed),
    ("the sole right is one at a time, for each profile", alone),
    ("no increment of a herd is lost", herd),
    ("an attempt without a commit shows as a lost answer", attempts),
    ("a damaged record gives way to the one before", damaged),
    ("an older record in the place of the newest is not used", older),
    ("what cannot be opened is set aside by a commit, never deleted", unreadable),
    ("what is forgotten is gone", forgotten),
    ("calls are kept beside the record", calls),
    ("a probe leaves nothing", probed),
    ("another key opens nothing and is never added", keys),
    ("a part gets other bytes and the others stay", resealed),
    ("a pin gives way only to who knows it", rebound),
    ("no failed call loses a record", faults),
    ("a spare record counts where it is newer, and goes where it is not", spares),
    ("what lacks only its name in the spare place is told, and keeps writers off while it cannot be read", left_over),
    ("names and lengths at their limits are kept", limits),
];

#[test]
fn files_and_memory_do_what_every_store_does() {
    for (name, check) in CHECKS {
        println!("{name}");
        let home = Home::new();
        for address in [StoreAddress::File(home.state()), StoreAddress::Plain(home.file("plain")), StoreAddress::Memory]
        {
            let memory = backend(&StoreAddress::Memory, None);
            let (opened, spare) = (address.clone(), home.directory.path().join("spare"));
            let backend = move || match &opened {
                StoreAddress::Memory => Arc::clone(&memory),
                files => backend(files, Some(&spare)),
            };
            check(&Place { keys: home.keys(), address, backend: Box::new(backend) });
        }
    }
}

fn empty(place: &Place<'_>) {
    let store = place.store();
    assert_eq!(load(&store).unwrap(), None);
    assert_eq!(store.profiles().unwrap(), []);
    assert_eq!(store.calls(&profile("work")).unwrap(), []);
    assert!(damage(&store).is_empty() && store.versions().unwrap_or_default().is_empty());
    store.holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    assert_eq!(store.holding(&profile("work"), PATIENCE, Held::load).unwrap(), None);
}

fn committed(place: &Place<'_>) {
    let (one, other) = (place.store(), place.store());
    let first = commit(&one, "one");
    assert_eq!((first.generation, load(&other).unwrap()), (1, Some(first)));
    let versions = other.versions();
    let second = commit(&other, "two");
    assert_eq!((second.generation, load(&one).unwrap()), (2, Some(second)));
    assert!(versions.is_none() || versions != one.versions(), "a commit has a version of its own");
    assert_eq!(one.profiles().unwrap(), [profile("work")]);
    // A record of another profile is not written here.
    let mut stray = Record::empty(profile("other"), "zoho", "x");
    let kept = one.holding(&profile("work"), PATIENCE, |held| held.commit(&mut stray));
    assert!(matches!(kept, Err(StoreError::Corrupt { .. })), "{kept:?}");
    assert_eq!(client_id(&other).as_deref(), Some("two"));
}

fn alone(place: &Place<'_>) {
    let (one, other) = (place.store(), place.store());
    let held = one.hold(&profile("work"), PATIENCE).unwrap();
    match other.hold(&profile("work"), SHORT).map(Held::release) {
        Err(StoreError::Locked { profile, holder, waited }) => {
            assert!(profile.as_str() == "work" && holder.is_some() && waited >= SHORT, "{holder:?} {waited:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(held.may_send_until().is_none_or(|until| clock::now().until(until) > Duration::from_secs(20)));
    other.hold(&profile("other"), PATIENCE).unwrap().release();
    held.release();
    // One that was dropped in the middle of something ends as well.
    drop(other.hold(&profile("work"), PATIENCE).unwrap());
    one.hold(&profile("work"), PATIENCE).unwrap().release();
}

fn herd(place: &Place<'_>) {
    const THREADS: usize = 8;
    const ROUNDS: usize = 5;
    commit(&place.store(), "0");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let store = place.store();
                for _ in 0..ROUNDS {
                    let increment = |held: &mut Held| {
                        let mut record = held.load()?.unwrap();
                        record.client_id = (record.client_id.parse::<usize>().unwrap() + 1).to_string();
                        held.claim(Attempt::new(record.generation, Timestamp::UNIX_EPOCH))?;
                        held.commit(&mut record)
                    };
                    store.holding(&profile("work"), PATIENCE, increment).unwrap();
                }
            });
        }
    });
    let record = load(&place.store()).unwrap().unwrap();
    assert_eq!(record.client_id, (THREADS * ROUNDS).to_string());
    assert_eq!(record.generation, (THREADS * ROUNDS) as u64 + 1);
}

fn attempts(place: &Place<'_>) {
    let store = place.store();
    let generation = commit(&store, "one").generation;
    let attempt = |held: &mut Held| held.claim(Attempt::new(generation, Timestamp::UNIX_EPOCH));
    store.holding(&profile("work"), PATIENCE, attempt).unwrap();
    let is_lost = |record: Option<Box<Record>>| {
        record.and_then(|record| record.grant?.last_refresh).is_some_and(|last| last.answer_lost)
    };
    // Whoever comes next sees it, and whoever comes after one that did nothing, too.
    for _ in 0..2 {
        assert!(is_lost(place.store().holding(&profile("work"), PATIENCE, Held::load).unwrap()));
    }
    commit(&store, "two");
    assert!(!is_lost(place.store().holding(&profile("work"), PATIENCE, Held::load).unwrap()));
}

fn damaged(place: &Place<'_>) {
    let before = commit(&place.store(), "one");
    commit(&place.store(), "two");
    let (sound, previous) = (place.bytes(Part::Current), place.bytes(Part::Previous));
    let sealed = sound.iter().position(|byte| *byte == b'\n').unwrap();
    for at in [0, 9, sealed / 2, sealed, sealed + 1, sound.len() - 1] {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x02;
        for bytes in [flipped, sound[..at].to_vec()] {
            place.put(&bytes, Some(&previous));
            match load(&place.store()) {
                Ok(found) => assert!(found == Some(before.clone()) || !is_sealed(place)),
                Err(StoreError::Newer { .. } | StoreError::Corrupt { .. }) if !is_sealed(place) => {}
                Err(error) => panic!("at {at}: {error}"),
            }
        }
    }
    place.put(b"no record", Some(&previous));
    let store = place.store();
    assert_eq!(load(&store).unwrap(), Some(before.clone()));
    assert_eq!((store.found_damaged().len(), damage(&store).len()), (1, 1));
    // The next writer goes on with it, and what was damaged is told from then on.
    assert_eq!(store.holding(&profile("work"), PATIENCE, Held::load).unwrap(), Some(Box::new(before)));
    assert_eq!(commit(&store, "three").generation, 2);
    assert_eq!(damage(&place.store()).len(), 1);
}

/// What is told of damage, of all records and of one alike.
fn damage(store: &Store) -> BTreeMap<ProfileName, String> {
    let damage = store.damage();
    assert_eq!(store.damage_of(&profile("work")).as_ref(), damage.get(&profile("work")));
    damage
}

/// Whether damage to any byte is noticed.
fn is_sealed(place: &Place<'_>) -> bool {
    !matches!(place.address, StoreAddress::Plain(_) | StoreAddress::Memory)
}

fn older(place: &Place<'_>) {
    commit(&place.store(), "one");
    let old = place.bytes(Part::Current);
    let newest = commit(&place.store(), "two");
    place.put(&old, None);
    assert_eq!(load(&place.store()).unwrap(), Some(newest));
    assert_eq!(commit(&place.store(), "three").generation, 3);
}

fn unreadable(place: &Place<'_>) {
    commit(&place.store(), "one");
    place.put(b"damaged", Some(b"damaged as well"));
    let store = place.store();
    assert!(matches!(load(&store), Err(StoreError::Corrupt { .. })));
    assert_eq!(commit(&store, "two").generation, 1);
    assert_eq!((client_id(&store).as_deref(), damage(&store).len()), (Some("two"), 1));
    store.holding(&profile("work"), PATIENCE, Held::forget_previous).unwrap();
    assert!(damage(&place.store()).is_empty());
}

fn forgotten(place: &Place<'_>) {
    commit(&place.store(), "one");
    commit(&place.store(), "two");
    let current = place.bytes(Part::Current);
    place.store().holding(&profile("work"), PATIENCE, Held::forget_previous).unwrap();
    assert_eq!((client_id(&place.store()).as_deref(), place.bytes(Part::Current)), (Some("two"), current));
    assert_eq!((place.backend)().read(&profile("work"), Part::Previous).unwrap(), Found::Missing);
    place.store().holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    assert_eq!((load(&place.store()).unwrap(), place.store().profiles().unwrap()), (None, Vec::new()));
    assert!(place.store().versions().unwrap_or_default().is_empty());
    assert_eq!(commit(&place.store(), "again").generation, 1);
}

fn calls(place: &Place<'_>) {
    let store = place.store();
    commit(&store, "one");
    let made = |count: usize| (0..count).map(|number| super::call(&number.to_string())).collect::<Vec<_>>();
    for count in [2, 1, 0, 3] {
        let (store, calls) = (place.store(), made(count));
        store.holding(&profile("work"), PATIENCE, |held| held.save_calls(&calls)).unwrap();
        assert_eq!(place.store().calls(&profile("work")).unwrap(), calls);
    }
    assert_eq!(client_id(&store).as_deref(), Some("one"));
    store.holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    assert_eq!(store.calls(&profile("work")).unwrap(), []);
}

fn probed(place: &Place<'_>) {
    commit(&place.store(), "one");
    let (before, versions) = (place.bytes(Part::Current), place.store().versions());
    place.store().probe().unwrap();
    assert_eq!((place.bytes(Part::Current), place.store().versions()), (before, versions));
    assert_eq!(place.store().profiles().unwrap(), [profile("work")]);
}

fn keys(place: &Place<'_>) {
    if !is_sealed(place) {
        return;
    }
    commit(&place.store(), "one");
    let elsewhere = tempfile::tempdir().unwrap();
    let keys = KeyOptions { default_key_file: elsewhere.path().join("key"), ..KeyOptions::default() };
    let stranger = || open_over((place.backend)(), &place.address, keys.clone());
    for outcome in [load(&stranger()).map(drop), try_commit(&stranger(), "two").map(drop)] {
        assert!(matches!(outcome, Err(StoreError::KeyUnavailable(_))), "{outcome:?}");
    }
    assert!(!keys.default_key_file.exists(), "a store with records never gets a second key by itself");
    assert_eq!(client_id(&place.store()).as_deref(), Some("one"));
}

fn resealed(place: &Place<'_>) {
    commit(&place.store(), "one");
    commit(&place.store(), "two");
    let parts = [Part::Current, Part::Previous, Part::Calls];
    place.store().holding(&profile("work"), PATIENCE, |held| held.save_calls(&[super::call("x")])).unwrap();
    let [mut current, mut previous, mut calls] = parts.map(|part| place.bytes(part));
    for (part, expected) in parts.into_iter().zip([&mut current, &mut previous, &mut calls]) {
        let versions = place.store().versions();
        *expected = format!("{part:?} sealed anew").into_bytes();
        let mut hold = (place.backend)().hold(&profile("work"), PATIENCE).unwrap();
        hold.reseal(part, "d5efb1544c895177", expected).unwrap();
        hold.release();
        let is_told = versions.is_none() || versions != place.store().versions();
        assert!(is_told || part != Part::Current, "who reads again notices");
    }
    assert_eq!([current, previous, calls], parts.map(|part| place.bytes(part)));
}

fn rebound(place: &Place<'_>) {
    let backend = (place.backend)();
    assert!(!backend.rebind(b"one", b"two").unwrap(), "there is none");
    backend.bind(b"one").unwrap();
    backend.bind(b"another").unwrap();
    assert!(!backend.rebind(b"another", b"two").unwrap());
    assert_eq!((place.backend)().pin().unwrap().as_deref(), Some(&b"one"[..]));
    assert!(backend.rebind(b"one", b"two").unwrap());
    for backend in [backend, (place.backend)()] {
        assert_eq!(backend.pin().unwrap().as_deref(), Some(&b"two"[..]));
    }
}

fn faults(place: &Place<'_>) {
    let mut generation = commit(&place.store(), "old").generation;
    for failing in 0.. {
        let (seen, was_reached) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let reached = Arc::clone(&was_reached);
        let store = place.watched(move |call| {
            if seen.fetch_add(1, Ordering::SeqCst) != failing || call == "release" {
                return Ok(());
            }
            reached.fetch_add(1, Ordering::SeqCst);
            let source = std::io::Error::other(call);
            Err(StoreError::io_on("failing in", call)(source))
        });
        let refresh = |held: &mut Held| {
            let mut record = held.load()?.unwrap();
            record.client_id = format!("new {failing}");
            held.claim(Attempt::new(record.generation, Timestamp::UNIX_EPOCH))?;
            held.commit(&mut record)
        };
        let outcome = store.holding(&profile("work"), PATIENCE, refresh);
        let now = load(&place.store()).unwrap().unwrap();
        let is_new = now.client_id == format!("new {failing}");
        assert_eq!(outcome.is_ok(), is_new, "call {failing}: {outcome:?}");
        assert_eq!(now.generation, generation + u64::from(is_new), "call {failing}");
        generation = now.generation;
        if was_reached.load(Ordering::SeqCst) == 0 && is_new && failing > 30 {
            return;
        }
    }
}

/// A record of this generation of a sign-in that was approved at this second, as it is sealed.
fn sealed(place: &Place<'_>, (generation, approved_at, is_over): (u64, i64, bool)) -> Vec<u8> {
    let store = place.store();
    store.holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    let mut record = record(&format!("{generation} of {approved_at}"));
    let approved_at = Timestamp::from_millisecond(approved_at * 1000 + 250).unwrap();
    record.note(Happened::SignedIn, "", "login", approved_at);
    record.grant.as_mut().unwrap().approved_at = approved_at;
    record.grant.take_if(|_| is_over);
    for _ in 0..generation {
        store.holding(&profile("work"), PATIENCE, |held| held.commit(&mut record)).unwrap();
    }
    place.bytes(Part::Current)
}

/// Whether there is a spare place.
fn keep_spare(place: &Place<'_>, bytes: &[u8]) -> bool {
    let mut hold = (place.backend)().hold(&profile("work"), PATIENCE).unwrap();
    let kept = hold.keep_spare(bytes).unwrap();
    hold.release();
    kept.is_some()
}

fn left_over(place: &Place<'_>) {
    let newer = sealed(place, (2, 500, false));
    sealed(place, (1, 500, false));
    if !keep_spare(place, &newer) {
        return;
    }
    let kept = PathBuf::from((place.backend)().place_of(&profile("work"), Part::Spare));
    let left = kept.with_file_name(format!(".{}.1-0.new", kept.file_name().unwrap().to_str().unwrap()));
    fs::rename(kept, &left).unwrap();
    let found = || {
        let found = place.store().check(&BTreeSet::from([profile("work")])).unwrap().findings;
        found.into_iter().map(|finding| (finding.kind, PathBuf::from(finding.place))).collect::<Vec<_>>()
    };
    let hold = || place.store().holding(&profile("work"), PATIENCE, Held::load);
    assert_eq!(found(), [(FindingKind::LeftOver, left.clone())]);
    set_mode(&left, 0o644);
    assert_eq!(found(), [(FindingKind::Damaged, left.clone())]);
    assert!(hold().is_err());
    set_mode(&left, 0o600);
    let (done, failed) = place.store().repair(&place.store().check(&BTreeSet::new()).unwrap());
    assert_eq!(done, ["Generation 2 of profile `work` is the record again."]);
    assert!(failed.is_none() && found().is_empty(), "{failed:?}");
    assert_eq!(hold().unwrap().unwrap().generation, 2);
}

fn spares(place: &Place<'_>) {
    let keep = |bytes: &[u8]| keep_spare(place, bytes);
    // Here is the second generation of a sign-in at 500, if anything.
    let (older, same, younger) = (100, 500, 900);
    for (spare, counts) in [
        ((1, older, false), false),
        ((1, same, false), false),
        ((1, younger, false), false),
        ((2, older, false), false),
        ((2, same, false), false),
        ((2, younger, false), false),
        ((3, older, false), false),
        ((3, same, false), true),
        ((3, younger, false), true),
        ((3, older, true), false),
        ((3, same, true), true),
    ] {
        for is_here in [true, false] {
            let bytes = sealed(place, spare);
            let spared = load(&place.store()).unwrap();
            sealed(place, (2, same, false));
            let here = load(&place.store()).unwrap();
            if !is_here {
                place.store().holding(&profile("work"), PATIENCE, Held::forget).unwrap();
            }
            if !keep(&bytes) {
                return;
            }
            assert_eq!((place.backend)().profiles().unwrap(), [profile("work")], "{spare:?}, {is_here}");
            let expected = if counts || !is_here { spared } else { here };
            assert_eq!(load(&place.store()).unwrap(), expected, "{spare:?}, {is_here}");
            assert_eq!(
                place.store().holding(&profile("work"), PATIENCE, Held::load).unwrap().as_deref(),
                expected.as_ref()
            );
            let left = (place.backend)().read(&profile("work"), Part::Spare).unwrap();
            assert_eq!(left, Found::Missing, "{spare:?}, {is_here}");
            assert_eq!(load(&place.store()).unwrap(), expected);
        }
    }
    // What a dead writer left is worth nothing to the sign-in that comes later, at whatever generation.
    let spent = sealed(place, (5, older, false));
    sealed(place, (1, younger, false));
    keep(&spent);
    assert_eq!(commit(&place.store(), "later").generation, 2);
    assert_eq!(client_id(&place.store()).as_deref(), Some("later"));
}

fn limits(place: &Place<'_>) {
    let store = place.store();
    let longest = "a".repeat(64);
    for name in ["0", "a.b-c_d", &longest] {
        let name: ProfileName = name.parse().unwrap();
        let mut record = Record { profile: name.clone(), ..record("one") };
        store.holding(&name, PATIENCE, |held| held.commit(&mut record)).unwrap();
        assert_eq!(place.store().load(&name).unwrap(), Some(Box::new(record)));
    }
    assert_eq!(store.profiles().unwrap().len(), 3);
    let mut kept = record(&"x".repeat(900 * 1024));
    store.holding(&profile("work"), PATIENCE, |held| held.commit(&mut kept)).unwrap();
    let too_long = try_commit(&store, &"x".repeat(1024 * 1024));
    assert!(matches!(too_long, Err(StoreError::Io { action: "writing", .. })), "{too_long:?}");
    assert_eq!(load(&place.store()).unwrap(), Some(kept));
}

#[cfg(all(target_os = "linux", feature = "postgres"))]
mod postgres {
    use super::{CHECKS, Home, Place, StoreAddress, backend};
    use crate::support::postgres::Postgres;
    use crate::support::postgres::pooler::Pooler;

    /// Over a database of its own for each check, as `url` makes an address of its name.
    fn conforms(server: &Postgres, url: impl Fn(&str) -> String) {
        for (_, check) in CHECKS {
            let (home, database) = (Home::new(), server.database());
            let address = StoreAddress::parse(&url(database.name())).unwrap().completed_by(&|_| None, &home.state());
            let opened = address.clone();
            let backend = move || backend(&opened, None);
            check(&Place { keys: home.keys(), address, backend: Box::new(backend) });
        }
    }

    #[test]
    fn postgresql_does_what_every_store_does() {
        let server = Postgres::shared();
        let directory = server.directory().display().to_string();
        conforms(server, |name| format!("postgres://postgres@/{name}?host={directory}&port={}", server.port()));
    }

    #[test]
    fn postgresql_behind_a_pooler_does_what_every_store_does() {
        let server = Postgres::start();
        let pooler = Pooler::start(&server, 5);
        conforms(&server, |name| pooler.url(name));
    }
}
