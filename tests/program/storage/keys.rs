//! Where the key comes from, and that a store keeps to it.

use std::fs;
use std::path::Path;

#[cfg(unix)]
use device_login::storage::KeyCommand;
use device_login::storage::{Grade, KeyOptions, KeySource, Store, StoreError, StoreKind};

use super::{Home, client_id, commit, contents, create_private_directory, load, try_commit};

use crate::support::program::set_mode;

const CANARIES: [&str; 4] =
    ["canary-client-secret", "canary-access-token", "canary-refresh-token", "canary@example.com"];

fn key_unavailable<T>(result: Result<T, StoreError>) -> String {
    match result.map(|_| ()) {
        Err(StoreError::KeyUnavailable(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A key of 64 equal digits.
fn key_text(digit: char) -> String {
    digit.to_string().repeat(64) + "\n"
}

fn canaries_in(directory: &Path) -> usize {
    let files = contents(directory);
    let found = |canary: &&&str| files.values().any(|file| String::from_utf8_lossy(file).contains(**canary));
    CANARIES.iter().filter(found).count()
}

fn with_credential(home: &Home, digit: char) -> KeyOptions {
    let directory = home.directory.path().join("credentials");
    if !directory.exists() {
        create_private_directory(&directory);
    }
    home.write("credentials/device-login.key", key_text(digit).as_bytes());
    KeyOptions { credentials_directory: Some(directory), ..home.keys() }
}

fn with_passphrase(home: &Home, passphrase: &str) -> KeyOptions {
    KeyOptions { passphrase_file: Some(home.write("passphrase", passphrase.as_bytes())), ..home.keys() }
}

#[test]
fn no_secret_lies_in_the_state_directory_in_clear_but_in_a_plain_store() {
    let home = Home::new();
    commit(&home.store(), "one");
    commit(&home.store(), "two");
    assert_eq!(canaries_in(&home.state()), 0);
    let home = Home::new();
    commit(&home.plain(), "one");
    assert_eq!(canaries_in(&home.state()), CANARIES.len());
    let protection = home.plain().protection().unwrap();
    assert_eq!((protection.kind, protection.key.grade()), (StoreKind::Plain, Grade::L0));
}

#[test]
fn the_state_directory_alone_opens_nothing_elsewhere() {
    let home = Home::new();
    commit(&home.store(), "one");
    let elsewhere = Home::new();
    create_private_directory(&elsewhere.state());
    for (name, content) in contents(&home.state()) {
        elsewhere.write(&format!("state/{name}"), &content);
    }
    let expected =
        format!("the key file {} is missing, but records sealed with it exist", elsewhere.key_file().display());
    for text in [key_unavailable(load(&elsewhere.store())), key_unavailable(try_commit(&elsewhere.store(), "two"))] {
        assert!(text.starts_with(&expected), "{text}");
    }
    assert!(!elsewhere.key_file().exists(), "no new key was made");
    // Not even where the note of the key in use is gone as well.
    fs::remove_file(elsewhere.file("store.json")).unwrap();
    key_unavailable(try_commit(&elsewhere.store(), "two"));
    assert!(!elsewhere.key_file().exists());
    // With the key it all opens.
    create_private_directory(elsewhere.key_file().parent().unwrap());
    elsewhere.write("config/key", &fs::read(home.key_file()).unwrap());
    assert_eq!(client_id(&elsewhere.store()).as_deref(), Some("one"));
}

#[test]
fn another_key_is_named_and_replaces_nothing() {
    let home = Home::new();
    commit(&home.store(), "one");
    let before = contents(&home.state());
    let own = fs::read(home.key_file()).unwrap();
    home.write("config/key", key_text('a').as_bytes());
    for text in [key_unavailable(load(&home.store())), key_unavailable(try_commit(&home.store(), "two"))] {
        assert!(text.contains("uses the key-file ") && text.contains("config/key with key "), "{text}");
    }
    assert_eq!(contents(&home.state()).get("work.record"), before.get("work.record"));
    home.write("config/key", &own);
    assert_eq!(client_id(&home.store()).as_deref(), Some("one"));
}

#[test]
fn a_store_keeps_to_the_source_it_began_with() {
    let home = Home::new();
    commit(&home.store(), "one");
    let credential = with_credential(&home, 'b');
    let configured = KeyOptions { key_file: Some(home.write("own-key", key_text('c').as_bytes())), ..home.keys() };
    for (keys, named) in [(credential, "the credential device-login.key"), (configured, "own-key")] {
        let store = home.store_with(keys);
        for text in [key_unavailable(load(&store)), key_unavailable(try_commit(&store, "two"))] {
            assert!(text.contains("uses the key-file ") && text.contains(named), "{text}");
        }
    }
    key_unavailable(try_commit(&home.plain(), "two"));
    assert_eq!(client_id(&home.store()).as_deref(), Some("one"));
}

#[test]
fn a_credential_comes_before_the_key_file_and_may_be_readable_by_its_group() {
    let home = Home::new();
    let keys = with_credential(&home, 'd');
    set_mode(home.directory.path().join("credentials/device-login.key"), 0o440);
    let store = home.store_with(keys.clone());
    commit(&store, "one");
    assert_eq!(store.protection().unwrap().key, KeySource::Credential);
    assert!(!home.key_file().exists());
    assert_eq!(client_id(&home.store_with(keys)).as_deref(), Some("one"));
    let text = key_unavailable(load(&home.store()));
    assert!(text.contains("uses the credential ") && text.contains("config/key"), "{text}");
    key_unavailable(home.store().protection());
}

#[test]
fn a_credentials_directory_without_our_credential_is_passed_over() {
    let home = Home::new();
    let keys = KeyOptions { credentials_directory: Some(home.directory.path().to_owned()), ..home.keys() };
    commit(&home.store_with(keys), "one");
    assert!(home.key_file().exists());
}

#[cfg(unix)]
#[test]
fn a_credential_that_cannot_be_looked_at_is_no_reason_to_make_a_key() {
    let home = Home::new();
    let credential = home.directory.path().join("device-login.key");
    std::os::unix::fs::symlink(&credential, &credential).expect("a link can lead to itself");
    let keys = KeyOptions { credentials_directory: Some(home.directory.path().to_owned()), ..home.keys() };
    assert!(try_commit(&home.store_with(keys), "one").is_err());
    assert!(!home.key_file().exists());
}

#[test]
fn a_configured_key_file_is_used_but_never_made() {
    let home = Home::new();
    let path = home.directory.path().join("own-key");
    let keys = KeyOptions { key_file: Some(path.clone()), ..home.keys() };
    let text = key_unavailable(try_commit(&home.store_with(keys.clone()), "one"));
    assert!(
        text.contains("own-key (named by `DEVICE_LOGIN_KEY_FILE`) is missing") && text.contains("openssl rand -hex 32"),
        "{text}"
    );
    assert!(!path.exists());
    for wrong in ["", "short", &"g".repeat(64)] {
        home.write("own-key", wrong.as_bytes());
        let text = key_unavailable(try_commit(&home.store_with(keys.clone()), "one"));
        assert!(text.contains("64 hexadecimal digits"), "{text}");
    }
    home.write("own-key", key_text('e').as_bytes());
    commit(&home.store_with(keys), "one");
    assert!(!home.key_file().exists());
}

#[test]
fn a_damaged_note_of_the_key_locks_nobody_out() {
    let home = Home::new();
    commit(&home.store(), "one");
    let own = fs::read(home.key_file()).unwrap();
    home.write("state/store.json", b"{\"form");
    assert_eq!(commit(&home.store(), "two").generation, 2);
    home.write("config/key", key_text('a').as_bytes());
    key_unavailable(try_commit(&home.store(), "three"));
    home.write("config/key", &own);
    home.write("state/store.json", b"{\"format\":3,\"vault\":true}");
    assert!(matches!(try_commit(&home.store(), "three"), Err(StoreError::Newer { .. })));
}

#[test]
fn a_store_without_records_keeps_its_key_too() {
    let home = Home::new();
    home.store().probe().unwrap();
    fs::remove_file(home.key_file()).unwrap();
    key_unavailable(try_commit(&home.store(), "one"));
    assert!(!home.key_file().exists());
}

#[test]
fn processes_that_begin_a_store_at_once_agree_on_one_key() {
    let home = Home::new();
    let children: Vec<_> = (0..6).map(|_| super::child::command(&[], "commit-once", &home).spawn().unwrap()).collect();
    for child in children {
        let said = child.wait_with_output().unwrap().stdout;
        assert!(String::from_utf8_lossy(&said).contains("committed new"));
    }
    assert_eq!(load(&home.store()).unwrap().unwrap().generation, 6);
}

#[test]
fn a_passphrase_protects_the_master_key() {
    let home = Home::new();
    let right = with_passphrase(&home, "correct horse\n");
    let store = home.store_with(right.clone());
    commit(&store, "one");
    assert_eq!(store.protection().unwrap().key, KeySource::Passphrase);
    assert_eq!(canaries_in(&home.state()), 0);
    assert_eq!(client_id(&home.store_with(right)).as_deref(), Some("one"));

    let wrong = home.store_with(with_passphrase(&home, "wrong horse\n"));
    let text = key_unavailable(load(&wrong));
    assert!(text.contains("does not open") && !text.contains("horse"), "{text}");

    let text = key_unavailable(home.store_with(with_passphrase(&home, "\n")).load(&super::profile("work")));
    assert!(text.ends_with("is empty"), "{text}");
    fs::remove_file(home.file("master.key")).unwrap();
    let text = key_unavailable(try_commit(&home.store_with(with_passphrase(&home, "correct horse")), "two"));
    assert!(text.contains("master.key is missing, but records sealed with it exist"), "{text}");
    assert!(!home.file("master.key").exists());
}

#[test]
fn a_key_that_is_gone_is_missed_also_by_who_has_read_it() {
    type Keys = fn(&Home) -> KeyOptions;
    let looks = |store: &Store| {
        let protection = store.protection().unwrap();
        (protection.is_made, protection.has_key, protection.to_string().contains("cannot be had"))
    };
    let rows: [(Keys, &str); 2] =
        [(Home::keys, "config/key"), (|home| with_passphrase(home, "horse"), "state/master.key")];
    for (keys, file) in rows {
        let home = Home::new();
        let (file, elsewhere) = (home.directory.path().join(file), home.directory.path().join("elsewhere"));
        let store = home.store_with(keys(&home));
        commit(&store, "one");
        assert_eq!(looks(&store), (true, true, false));
        for (from, to, expected) in [(&file, &elsewhere, (true, false, true)), (&elsewhere, &file, (true, true, false))]
        {
            fs::rename(from, to).unwrap();
            assert_eq!(looks(&store), expected, "{from:?}");
            assert_eq!(looks(&home.store_with(keys(&home))), expected, "{from:?}");
        }
    }
    let fresh = Home::new();
    assert_eq!(looks(&fresh.store()), (false, true, false), "the first record makes it");
}

#[test]
fn a_key_file_and_a_passphrase_together_are_refused() {
    let home = Home::new();
    let keys = KeyOptions { key_file: Some(home.key_file()), ..with_passphrase(&home, "horse") };
    assert!(key_unavailable(home.store_with(keys).protection()).contains("both"));
}

/// A key command that runs this as a shell script, and notes that it ran.
#[cfg(unix)]
fn with_command(home: &Home, script: &str) -> KeyOptions {
    let ran = home.directory.path().join("ran");
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(format!("echo ran >> {}; {script}", ran.display()));
    KeyOptions { command: Some(KeyCommand::new(command)), ..home.keys() }
}

#[cfg(unix)]
fn times_ran(home: &Home) -> usize {
    fs::read_to_string(home.directory.path().join("ran")).unwrap_or_default().lines().count()
}

#[cfg(unix)]
#[test]
fn a_command_prints_the_key_and_runs_once_when_it_is_needed() {
    let home = Home::new();
    let key = key_text('a');
    let keys = with_command(&home, &format!("printf '{}'; echo a note >&2; sleep 0.01", key.trim()));
    let store = home.store_with(keys.clone());
    assert_eq!((load(&store).unwrap(), times_ran(&home)), (None, 0));
    commit(&store, "one");
    commit(&store, "two");
    assert_eq!((client_id(&store).as_deref(), times_ran(&home)), (Some("two"), 1));
    let protection = store.protection().unwrap();
    assert_eq!((protection.key.word(), protection.grade()), ("command", Grade::L2));
    assert!(!home.key_file().exists());
    assert_eq!(client_id(&home.store_with(keys)).as_deref(), Some("two"));
    // What has its key from elsewhere does not open it.
    let text = key_unavailable(load(&home.store()));
    assert!(text.contains("uses the command "), "{text}");
}

#[cfg(unix)]
#[test]
fn a_command_that_gives_no_key_is_told_with_what_it_says() {
    for (script, parts) in [
        (
            "echo 'the vault is\x1b[31m locked' >&2; exit 3",
            &["`sh` failed (exit status: 3): the vault is", "locked"][..],
        ),
        ("kill -9 $$", &["`sh` failed (signal: 9"]),
        ("echo secret-in-stdout", &["`sh` prints no key: it has to print 64 hexadecimal digits"]),
        ("true", &["prints no key"]),
        ("while echo 0123456789abcdef0123456789abcdef; do :; done", &["prints more than a key"]),
    ] {
        let home = Home::new();
        let store = home.store_with(with_command(&home, script));
        let text = key_unavailable(try_commit(&store, "one"));
        for part in parts {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains('\x1b') && !text.contains("secret-in-stdout"), "{text}");
        // It is not asked again at once, since it may ask a person.
        key_unavailable(try_commit(&store, "one"));
        assert_eq!(times_ran(&home), 1);
    }
    let home = Home::new();
    let nowhere = KeyCommand::new(std::process::Command::new("/nonexistent/program"));
    let text =
        key_unavailable(try_commit(&home.store_with(KeyOptions { command: Some(nowhere), ..home.keys() }), "one"));
    assert!(text.contains("`/nonexistent/program` cannot be started"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_a_command_leaves_running_is_not_waited_for() {
    let home = Home::new();
    let script = format!("echo {}; sleep 600 & true", key_text('a').trim());
    let start = device_login::clock::now();
    commit(&home.store_with(with_command(&home, &script)), "one");
    assert!(start.until(device_login::clock::now()) < std::time::Duration::from_secs(60));
}

#[cfg(unix)]
#[test]
fn a_command_that_talks_much_prints_a_key_all_the_same() {
    let home = Home::new();
    let script = format!("head -c 50000000 /dev/zero >&2; echo {}", key_text('a').trim());
    let store = home.store_with(with_command(&home, &script));
    commit(&store, "one");
    assert_eq!(client_id(&store).as_deref(), Some("one"));
}

#[cfg(unix)]
#[test]
fn of_two_sources_that_are_configured_neither_is_taken() {
    let home = Home::new();
    let with_both = KeyOptions { key_file: Some(home.key_file()), ..with_command(&home, "true") };
    let text = key_unavailable(home.store_with(with_both).protection());
    assert!(text.starts_with("both a key file and a key command are configured"), "{text}");
    assert_eq!(times_ran(&home), 0);
}

#[test]
fn a_key_file_with_two_keys_opens_what_either_has_sealed() {
    let home = Home::new();
    commit(&home.store(), "one");
    let own = fs::read_to_string(home.key_file()).unwrap();
    for text in [format!("{}{own}\n", key_text('a')), format!("{own}\n{}", key_text('a'))] {
        home.write("config/key", text.as_bytes());
        assert_eq!(client_id(&home.store()).as_deref(), Some("one"));
        // The store says which one is its own, and not the order of the lines.
        commit(&home.store(), "two");
        home.write("config/key", own.as_bytes());
        assert_eq!(client_id(&home.store()).as_deref(), Some("two"));
        commit(&home.store(), "one");
    }
    let elsewhere = Home::new();
    create_private_directory(elsewhere.key_file().parent().unwrap());
    elsewhere.write("config/key", format!("{}{own}", key_text('a')).as_bytes());
    commit(&elsewhere.store(), "one");
    elsewhere.write("config/key", key_text('a').as_bytes());
    assert_eq!(client_id(&elsewhere.store()).as_deref(), Some("one"), "the first one seals where none is in use yet");
}
