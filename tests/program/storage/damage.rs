//! Files that are damaged, swapped, older or newer than they should be.

use std::fs;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use device_login::storage::{Attempt, Held, KeyOptions, Record, StoreAddress, StoreError, open_with_spare};

use super::{
    Home, PATIENCE, client_id, commit, contents, create_private_directory, load, profile, record, try_commit,
    write_private,
};

/// Every way to damage one byte that the test tries, and every length at which the file may end.
fn damaged(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..file.len()).flat_map(move |position| {
        [0x01, 0x02, 0x80].map(|bit| {
            let mut file = file.to_vec();
            file[position] ^= bit;
            file
        })
    });
    flipped.chain((0..file.len()).map(move |length| file[..length].to_vec()))
}

#[test]
fn a_damaged_record_gives_way_to_the_one_before_at_every_byte() {
    let home = Home::new();
    let store = home.store();
    let before = commit(&store, "before");
    commit(&store, "now");
    let path = home.file("work.record");
    let (mut recovered, mut newer) = (0, 0);
    for file in damaged(&fs::read(&path).unwrap()) {
        write_private(&path, &file);
        match load(&store) {
            Ok(record) => {
                assert_eq!(record.as_ref(), Some(&before));
                recovered += 1;
            }
            Err(StoreError::Newer { place }) if std::path::Path::new(&place) == path => newer += 1,
            Err(error) => panic!("{error}"),
        }
    }
    println!("{recovered} recovered, {newer} named as newer");
    // The only digit that can become one of a newer format is that of the format, and in one way.
    assert_eq!(newer, 1);
    assert!(recovered > 2000, "{recovered}");
}

#[test]
fn a_damaged_record_without_one_before_is_named_and_stays() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "only");
    let path = home.file("work.record");
    for file in damaged(&fs::read(&path).unwrap()) {
        write_private(&path, &file);
        match load(&store) {
            Err(StoreError::Corrupt { place, .. } | StoreError::Newer { place }) => {
                assert_eq!(std::path::Path::new(&place), path);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), file);
    }
}

#[test]
fn the_lock_sets_a_damaged_record_aside() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "before");
    commit(&store, "now");
    for number in 1..=12 {
        write_private(&home.file("work.record"), b"damaged");
        let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
        let mut record = locked.load().unwrap().unwrap();
        assert_eq!(record.client_id, "before");
        assert_eq!(fs::read(home.file(&format!("work.record.corrupt-{}", number.min(9)))).unwrap(), b"damaged");
        let count = home.names().iter().filter(|name| name.contains("corrupt-")).count();
        assert_eq!(count, number.min(9));
        assert_eq!(client_id(&store).as_deref(), Some("before"), "readers find it without the damaged one");
        assert_eq!(store.profiles().unwrap(), [profile("work")]);
        locked.commit(&mut record).unwrap();
        assert_eq!(record.generation, 2);
    }
}

#[test]
fn where_nothing_opens_nothing_is_deleted_and_a_new_record_can_be_committed() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "before");
    commit(&store, "now");
    write_private(&home.file("work.record"), b"damaged");
    write_private(&home.file("work.record.prev"), b"damaged too");
    let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
    assert!(
        matches!(locked.load(), Err(StoreError::Corrupt { place, .. }) if std::path::Path::new(&place) == home.file("work.record"))
    );
    assert_eq!(fs::read(home.file("work.record")).unwrap(), b"damaged");
    drop(locked);
    assert_eq!(commit(&store, "new").generation, 1);
    assert_eq!(client_id(&store).as_deref(), Some("new"));
    assert_eq!(fs::read(home.file("work.record.corrupt-1")).unwrap(), b"damaged");
    assert_eq!(fs::read(home.file("work.record.corrupt-2")).unwrap(), b"damaged too");
}

/// What stands in the way at a name of the store is passed over, moved or replaced, and never waited for.
#[cfg(unix)]
#[test]
fn what_is_no_file_keeps_nobody_from_writing() {
    type Make = fn(&Path);
    let makes: [(&str, Make); 3] = [
        ("a directory", |path| create_private_directory(path)),
        ("a pipe", |path| assert!(Command::new("mkfifo").arg("-m600").arg(path).status().unwrap().success())),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (what, make) in makes {
        for name in [
            "state/work.record",
            "state/work.record.prev",
            "state/.work.record.1-0.new",
            "state/.work.record.1-0.old",
            "state/work.record.corrupt-9",
            "spare/work.ID.record",
            "spare/.work.ID.record.1-0.new",
            "state/work.calls",
        ] {
            let home = Home::new();
            let spare = home.directory.path().join("spare");
            let store = || open_with_spare(&StoreAddress::File(home.state()), home.keys(), Some(spare.clone()));
            commit(&store(), "one");
            commit(&store(), "two");
            (1..9).for_each(|number| drop(home.write(&format!("state/work.record.corrupt-{number}"), b"{")));
            let seen = contents(&spare).into_keys().next().unwrap();
            let id = seen.strip_prefix("work.").unwrap().strip_suffix(".seen").unwrap();
            let path = home.directory.path().join(name.replace("ID", id));
            let _ = fs::remove_file(&path);
            make(&path);
            let case = format!("{what} at {name}");
            if name.ends_with("-9") {
                // One more damaged record wants that name.
                home.write("state/work.record", b"{");
            }
            let expected = if name.ends_with("work.record") || name.ends_with("-9") { "one" } else { "two" };
            let expected = if name.starts_with("spare") { "two" } else { expected };
            assert_eq!(client_id(&store()).as_deref(), Some(expected), "{case}");
            let found = store().holding(&profile("work"), PATIENCE, Held::load);
            assert_eq!(found.unwrap_or_else(|error| panic!("{case}: {error}")).unwrap().client_id, expected, "{case}");
            commit(&store(), "three");
            assert_eq!(client_id(&store()).as_deref(), Some("three"), "{case}");
            let configured = std::iter::once(profile("work")).collect();
            let (_, failed) = store().repair(&store().check(&configured).unwrap());
            assert!(failed.is_none(), "{case}: {failed:?}");
            let mut record = record("four");
            let forget = |held: &mut Held| held.commit_for_good(&mut record);
            store().holding(&profile("work"), PATIENCE, forget).unwrap_or_else(|error| panic!("{case}: {error}"));
            store().holding(&profile("work"), PATIENCE, Held::forget).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(load(&store()).unwrap(), None, "{case}");
        }
    }
}

#[test]
fn damage_to_one_profile_leaves_the_others_alone() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    home.write("state/other.record", b"damaged");
    assert_eq!(client_id(&store).as_deref(), Some("one"));
    assert!(matches!(store.load(&profile("other")), Err(StoreError::Corrupt { .. })));
    assert_eq!(commit(&store, "two").generation, 2);
}

#[test]
fn a_record_of_another_profile_is_noticed() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    fs::copy(home.file("work.record"), home.file("other.record")).unwrap();
    let swapped = store.load(&profile("other"));
    assert!(matches!(swapped, Err(StoreError::Corrupt { problem: "its first line names another profile", .. })));
    // A file system that ignores case leads both names to one file, which must not be set aside.
    fs::copy(home.file("work.record"), home.file("WORK.record")).unwrap();
    assert!(matches!(store.load(&profile("WORK")), Err(StoreError::Unsafe { .. })));
}

#[test]
fn a_record_that_went_back_in_time_is_noticed_under_the_lock() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    let first = fs::read(home.file("work.record")).unwrap();
    commit(&store, "two");
    commit(&store, "three");
    write_private(&home.file("work.record"), &first);
    let record = store.hold(&profile("work"), PATIENCE).unwrap().load().unwrap().unwrap();
    assert_eq!(record.client_id, "two");
    assert_eq!(fs::read(home.file("work.record.corrupt-1")).unwrap(), first);
}

#[test]
fn a_generation_that_differs_from_its_first_line_is_noticed() {
    let home = Home::new();
    let store = home.plain();
    commit(&store, "one");
    let file = fs::read_to_string(home.file("work.record")).unwrap();
    write_private(&home.file("work.record"), file.replacen("\"generation\":1", "\"generation\":9", 1).as_bytes());
    let problem = load(&store).unwrap_err().to_string();
    assert!(problem.ends_with("it holds another generation"), "{problem}");
}

#[test]
fn a_record_of_a_newer_version_is_never_touched() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "before");
    let newer = b"{\"format\":3,\"sealed_with\":\"something new\"}\nwhatever";
    write_private(&home.file("work.record"), newer);
    let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
    let refusals = [load(&store).map(|_| ()), locked.load().map(|_| ()), locked.forget()];
    drop(locked);
    for refusal in refusals.into_iter().chain([try_commit(&store, "now").map(|_| ())]) {
        assert!(matches!(refusal, Err(StoreError::Newer { .. })), "{refusal:?}");
    }
    assert_eq!(fs::read(home.file("work.record")).unwrap(), newer);
}

#[test]
fn a_record_that_nobody_would_read_back_is_not_written() {
    let home = Home::new();
    let store = home.store();
    let before = commit(&store, "before");
    let huge = "x".repeat(1024 * 1024);
    assert!(matches!(try_commit(&store, &huge), Err(StoreError::Io { action: "writing", .. })));
    assert_eq!(load(&store).unwrap(), Some(before));
}

#[test]
fn huge_and_empty_files_are_damaged_records() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "before");
    for content in [vec![], vec![b'x'; 2 << 20], vec![b'\n'], b"{}\n".to_vec(), b"[1]\nx".to_vec()] {
        write_private(&home.file("work.record"), &content);
        assert!(matches!(load(&store), Err(StoreError::Corrupt { .. })));
    }
}

/// Puts every damage into one file of a store with two profiles: their records open, or a sentence names the file; and with the
/// file as it was, all is as before. How often each.
fn damage_each(home: &Home, keys: &KeyOptions, path: &Path, step: usize) -> (usize, usize) {
    let before = load(&home.store_with(keys.clone())).unwrap();
    let (sound, others) = (fs::read(path).unwrap(), contents(&home.state()));
    let own = path.file_name().unwrap().to_str().unwrap();
    let (mut recovered, mut named) = (0, 0);
    for file in damaged(&sound).step_by(step) {
        write_private(path, &file);
        for name in ["work", "other"] {
            match home.store_with(keys.clone()).holding(&profile(name), PATIENCE, Held::load) {
                Ok(found) => {
                    // What else it has may say that an answer got lost, where the attempt in the lock file is another one.
                    let [found, before] =
                        [found.as_deref(), before.as_ref()].map(|record| record.map(|record| &record.client_id));
                    assert!(name != "work" || found == before, "{}", path.display());
                    recovered += 1;
                }
                Err(error) => {
                    let words = error.to_string();
                    assert!(words.contains(own) || words.contains("key"), "{words}");
                    named += 1;
                }
            }
        }
        write_private(path, &sound);
        let now = contents(&home.state());
        let is_untouched = |name: &&String| {
            Path::new(name).extension().is_some_and(|ending| ending == "lock")
                || name.as_str() == own
                || now.get(*name) == others.get(*name)
        };
        assert!(others.keys().all(|name| is_untouched(&name)) && now.len() == others.len(), "{}", path.display());
    }
    assert_eq!(load(&home.store_with(keys.clone())).unwrap(), before);
    (recovered, named)
}

#[test]
fn damage_to_any_other_file_of_a_store_is_survived_or_named_and_destroys_nothing() {
    let with_key_file = Home::new();
    let with_passphrase = Home::new();
    let passphrase = with_passphrase.write("passphrase", b"correct horse");
    let passphrase = KeyOptions { passphrase_file: Some(passphrase), ..with_passphrase.keys() };
    let keys = with_key_file.keys();
    for (home, keys) in [(&with_key_file, &keys), (&with_passphrase, &passphrase)] {
        let store = home.store_with(keys.clone());
        for name in ["work", "other", "work"] {
            let mut record = Record { profile: profile(name), ..record("one") };
            store.holding(&profile(name), PATIENCE, |held| held.commit(&mut record)).unwrap();
        }
        let claimed = |held: &mut Held| held.claim(Attempt::new(2, jiff::Timestamp::UNIX_EPOCH));
        store.holding(&profile("work"), PATIENCE, claimed).unwrap();
        store.holding(&profile("work"), PATIENCE, |held| held.save_calls(&[super::call("one")])).unwrap();
        // What an attempt leaves behind shows in the record until something is committed.
        store.holding(&profile("work"), PATIENCE, |held| held.commit(&mut record("two"))).unwrap();
    }
    let each = |path: &Path, step| damage_each(&with_key_file, &keys, path, step);
    // Who reads needs none of these.
    for (name, step) in [("work.lock", 1), ("store.json", 1), ("work.record.prev", 7), ("work.calls", 7)] {
        let (recovered, named) = each(&with_key_file.file(name), step);
        println!("{name}: {recovered} recovered, {named} named");
        assert!(recovered > 100 && named == 0, "{name}: {recovered} {named}");
    }
    let (recovered, named) = each(&with_key_file.key_file(), 1);
    println!("key: {recovered} recovered, {named} named");
    assert!(named > 400, "{recovered} {named}");
    // Each try takes its share of a second.
    let (recovered, named) = damage_each(&with_passphrase, &passphrase, &with_passphrase.file("master.key"), 61);
    println!("master.key: {recovered} recovered, {named} named");
    assert_eq!(recovered, 0);
}
