//! Who else could read or replace the files.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::net::UnixListener;

use device_login::cli::advice::said;
use device_login::storage::{FindingKind, StoreError};

use super::child::command;
use super::{Home, PATIENCE, commit, load, profile, try_commit};

use crate::support::program::set_mode;

/// The path of a refusal, and what it says of it.
fn refusal<T>(result: Result<T, StoreError>) -> (std::path::PathBuf, String) {
    match result.map(|_| ()) {
        Err(StoreError::Unsafe { place, problem, advice }) => {
            (std::path::PathBuf::from(place), format!("{problem}; {}", said(&advice)))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_readable_by_others_whatever_the_umask() {
    let home = Home::new();
    for _ in 0..2 {
        let open = "umask 000; exec \"$0\" \"$@\"";
        let output = command(&["sh", "-c", open], "commit-once", &home).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("committed new"));
    }
    let directories = [home.state(), home.key_file().parent().unwrap().to_owned()];
    let mut files = 0;
    for directory in directories {
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o7777, 0o700);
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600, "{}", path.display());
            files += 1;
        }
    }
    assert_eq!(files, 6);
}

#[test]
fn a_state_directory_open_to_others_is_refused_with_the_command_that_closes_it() {
    let home = Home::new();
    let store = home.store();
    commit(&store, "one");
    for mode in [0o755, 0o710, 0o770, 0o707, 0o2750] {
        set_mode(home.state(), mode);
        let advice = format!("run `chmod 700 {}`", home.state().display());
        for (path, problem) in [refusal(load(&store)), refusal(try_commit(&store, "two")), refusal(store.profiles())] {
            assert_eq!(path, home.state());
            assert!(problem.ends_with(&advice), "{problem}");
        }
        assert_eq!(fs::metadata(home.state()).unwrap().mode() & 0o7777, mode, "its mode is not changed");
    }
    set_mode(home.state(), 0o700);
    assert!(load(&store).is_ok());
}

#[test]
fn a_key_file_or_a_record_open_to_others_is_refused() {
    let home = Home::new();
    commit(&home.store(), "one");
    for path in [home.key_file(), home.file("work.record"), home.file("store.json")] {
        set_mode(&path, 0o640);
        let (named, problem) = refusal(try_commit(&home.store(), "two"));
        assert_eq!(named, path);
        assert!(problem.contains(&format!("600 {}", path.display())), "{problem}");
        set_mode(&path, 0o600);
    }
    assert_eq!(commit(&home.store(), "two").generation, 2);
}

#[test]
fn a_place_that_others_can_replace_is_refused() {
    let home = Home::new();
    for mode in [0o777, 0o775, 0o772] {
        set_mode(home.directory.path(), mode);
        let (path, problem) = refusal(try_commit(&home.store(), "one"));
        assert_eq!(path, home.directory.path().canonicalize().unwrap());
        assert!(problem.contains("others can replace what is in it"), "{problem}");
    }
    // As /tmp is: only the owner of a name can replace it.
    set_mode(home.directory.path(), 0o1777);
    commit(&home.store(), "one");
}

#[test]
fn own_symbolic_links_are_followed_and_never_written_through() {
    for name in ["work.record", "store.json", "key"] {
        let home = Home::new();
        commit(&home.store(), "one");
        let path = if name == "key" { home.key_file() } else { home.file(name) };
        let elsewhere = home.directory.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        let before = fs::read(&elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(load(&home.store()).unwrap().unwrap().client_id, "one", "{name}");
        assert_eq!(commit(&home.store(), "two").generation, 2);
        assert_eq!(load(&home.store()).unwrap().unwrap().client_id, "two", "{name}");
        assert_eq!(fs::read(&elsewhere).unwrap(), before);
    }
}

#[test]
fn a_lock_is_a_file_of_the_store_and_nothing_else() {
    let home = Home::new();
    commit(&home.store(), "one");
    let (path, elsewhere) = (home.file("work.lock"), home.directory.path().join("elsewhere"));
    fs::rename(&path, &elsewhere).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let (named, problem) = refusal(try_commit(&home.store(), "two"));
    assert_eq!((named, problem.contains("symbolic link")), (path.clone(), true));
    let makes: [&dyn Fn(); 3] = [
        &|| assert!(std::process::Command::new("mkfifo").arg("-m600").arg(&path).status().unwrap().success()),
        &|| drop(UnixListener::bind(&path).unwrap()),
        &|| fs::create_dir(&path).unwrap(),
    ];
    for make in makes {
        fs::remove_file(&path).unwrap();
        make();
        let (named, problem) = refusal(try_commit(&home.store(), "two"));
        assert_eq!((named, problem.contains("not a regular file; move it away")), (path.clone(), true), "{problem}");
        let found = home.store().check(&[profile("work")].into()).unwrap().findings;
        let found: Vec<_> = found.iter().map(|one| (one.kind, std::path::Path::new(&one.place))).collect();
        assert_eq!(found, [(FindingKind::Damaged, path.as_path())]);
    }
}

#[test]
fn a_pipe_in_the_place_of_a_record_is_damage_and_not_waited_for() {
    let home = Home::new();
    commit(&home.store(), "one");
    fs::remove_file(home.file("work.record")).unwrap();
    let made = std::process::Command::new("mkfifo").arg("-m600").arg(home.file("work.record")).status();
    assert!(made.unwrap().success());
    let opened = load(&home.store());
    assert!(matches!(opened, Err(StoreError::Corrupt { problem: "it is not a regular file", .. })), "{opened:?}");
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("not tried: only root can give a file away");
        return;
    }
    let home = Home::new();
    commit(&home.store(), "one");
    for path in [home.state(), home.key_file(), home.file("work.record")] {
        chown(&path, Some(65_534), None).unwrap();
        let (named, problem) = refusal(load(&home.store()));
        assert_eq!(named, path);
        assert!(problem.starts_with("it belongs to user id 65534, not to user id 0 who runs this;"), "{problem}");
        chown(&path, Some(0), None).unwrap();
    }
}

#[test]
fn a_lock_file_is_reused_and_never_replaced() {
    let home = Home::new();
    drop(home.store().hold(&profile("work"), PATIENCE).unwrap());
    let inode = fs::metadata(home.file("work.lock")).unwrap().ino();
    commit(&home.store(), "one");
    home.store().hold(&profile("work"), PATIENCE).unwrap().forget().unwrap();
    assert_eq!(fs::metadata(home.file("work.lock")).unwrap().ino(), inode);
}
