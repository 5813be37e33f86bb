//! Who may write, over processes and within one.

use std::time::Duration;

use device_login::storage::{StoreAddress, StoreError, open};

use super::child::{INCREMENTS, Running, command};
use super::{Home, PATIENCE, client_id, commit, load, profile};

const SHORT: Duration = Duration::from_millis(200);

#[test]
fn no_update_of_four_processes_is_lost() {
    let home = Home::new();
    commit(&home.store(), "0");
    let processes: Vec<_> = (0..4).map(|_| command(&[], "increment", &home).spawn().unwrap()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let record = load(&home.store()).unwrap().unwrap();
    assert_eq!(record.client_id, (4 * INCREMENTS).to_string());
    assert_eq!(record.generation, 4 * INCREMENTS as u64 + 1);
}

#[test]
fn a_waiter_gives_up_and_names_the_holder_until_the_holder_dies() {
    let home = Home::new();
    let store = home.store();
    let mut holder = Running::start("hold", &home);
    holder.wait_for("locked");
    match store.hold(&profile("work"), SHORT).map(|_| ()) {
        Err(StoreError::Locked { profile, holder: Some(pid), waited }) => {
            assert_eq!(profile.as_str(), "work");
            assert_eq!(pid, format!("pid {}", holder.process.id()));
            assert!(waited >= SHORT && waited < PATIENCE, "{waited:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(store.hold(&profile("other"), PATIENCE).is_ok(), "profiles do not wait for each other");
    holder.kill();
    assert!(store.hold(&profile("work"), PATIENCE).is_ok());
}

#[cfg(unix)]
#[test]
fn a_stopped_holder_keeps_its_lock() {
    use rustix::process::{Pid, Signal, kill_process};

    let home = Home::new();
    let mut holder = Running::start("hold", &home);
    holder.wait_for("locked");
    kill_process(Pid::from_child(&holder.process), Signal::STOP).unwrap();
    let refused = home.store().hold(&profile("work"), SHORT).map(|_| ());
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    holder.kill();
}

#[test]
fn readers_wait_for_nobody() {
    let home = Home::new();
    commit(&home.store(), "one");
    let mut holder = Running::start("hold", &home);
    holder.wait_for("locked");
    assert_eq!(client_id(&home.store()).as_deref(), Some("one"));
    holder.kill();
}

#[test]
fn one_process_cannot_hold_a_lock_twice() {
    let home = Home::new();
    for store in [home.store(), open(&StoreAddress::Memory, home.keys())] {
        let first = store.hold(&profile("work"), PATIENCE).unwrap();
        let second = store.hold(&profile("work"), SHORT).map(|_| ());
        let own_pid = format!("pid {}", std::process::id());
        assert!(matches!(second, Err(StoreError::Locked { holder: Some(pid), .. }) if pid == own_pid));
        drop(first);
        assert!(store.hold(&profile("work"), PATIENCE).is_ok());
    }
}
