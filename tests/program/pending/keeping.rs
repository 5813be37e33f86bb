//! Nothing that can be survived loses an approval: who asks has room for it before that, and who stands still lets others ask.

#![expect(clippy::print_stdout, reason = "tells what was not looked at")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};

use device_login::files;
use serde_json::json;

use super::{PATIENCE, Provider, TOKEN, begun, change_pending, pending, wait_until_told};
use crate::interrupts::{send, wait_until_stopped};
use crate::support::faults::{Act, Fault, Point, strike};
use crate::support::program::{Home, REFRESH_TOKEN, configuration, ran};
use crate::support::small_disk::{SmallDisk, fill, fill_but};

/// What a record takes while it is written, in bytes, with the page of a lock.
const ROOM: u64 = 36 * 1024;

/// When a disk gets full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    BeforeTheCode,
    /// The code has room, and no more.
    WithTheCode,
    WhileItIsAskedFor,
    WhileTheAnswerIsOut,
}

/// A disk with a profile at a provider; `None` where this user may not mount one.
fn on_a_small_disk() -> Option<(Provider, Arc<SmallDisk>)> {
    let provider = Provider::start();
    let Some(disk) = SmallDisk::mount() else {
        println!("not looked at: this user may not mount a disk of its own");
        return None;
    };
    disk.configure(&configuration(&provider.authority.origin()));
    Some((provider, Arc::new(disk)))
}

#[test]
fn no_disk_that_gets_full_loses_an_approval() {
    for full in [Full::BeforeTheCode, Full::WithTheCode, Full::WhileItIsAskedFor, Full::WhileTheAnswerIsOut] {
        let Some((provider, disk)) = on_a_small_disk() else { return };
        let place = disk.seen_from_outside();
        if full == Full::BeforeTheCode {
            fill(&place);
            disk.run(&["login", "--plain"], "").failed(9, &["No space left on device"]);
            assert_eq!(provider.codes(), 0, "nobody may approve what cannot be kept");
            disk.empty();
        }
        if full == Full::WithTheCode {
            let place = place.clone();
            provider.before_the_code(move || fill_but(&place, ROOM));
        }
        let mut child = disk.spawn(&["login", "--plain"]);
        let mut stderr = None;
        match full {
            Full::BeforeTheCode => provider.approve(),
            Full::WithTheCode => {
                provider.approve();
                stderr = Some(wait_until_told(&mut child, "Not asked, since an approval could not be kept"));
                assert_eq!(provider.polls(), 0);
                disk.empty();
            }
            Full::WhileItIsAskedFor => {
                provider.wait_for_polls(1);
                fill(&place);
                provider.approve();
            }
            Full::WhileTheAnswerIsOut => provider.approve_while(move || fill(&place)),
        }
        let signed_in = ran(child);
        drop(stderr);
        assert_eq!(signed_in.code, 0, "{full:?}: {signed_in:?}");
        disk.run(&["token"], "").worked(&format!("{TOKEN}\n"));
        let status = disk.run(&["status"], "");
        assert!(status.stdout.contains("valid") && !status.stdout.contains("pending"), "{full:?}: {status:?}");
        assert_eq!((provider.codes(), provider.authority.count("/revoke")), (1, 0), "{full:?}");
        provider.was_left_alone();
    }
}

#[test]
fn a_code_that_was_used_up_on_a_full_disk_does_not_wait_any_more() {
    for (error, code) in [("access_denied", 5), ("expired_token", 6)] {
        let Some((provider, disk)) = on_a_small_disk() else { return };
        assert_eq!(disk.run(&["login", "--no-wait"], "").code, 8);
        let child = disk.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(1);
        fill(&disk.seen_from_outside());
        provider.change(|state| state.error = Some(error));
        assert_eq!(ran(child).code, code, "{error}");
        let status = disk.run(&["status", "--json"], "").json();
        assert_eq!(status["profiles"][0]["pending"], json!(null), "{error}");
        assert_eq!(disk.run(&["login", "--resume"], "").code, 4, "{error}");
    }
}

#[test]
fn an_approval_takes_the_very_room_that_was_kept_for_it() {
    let (provider, home) = begun();
    let child = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    let number = |name| fs::metadata(home.path("state").join(name)).map(|file| file.ino()).ok();
    let room = number(".work.room").expect("it is kept");
    provider.approve();
    assert_eq!(ran(child).code, 0);
    // The account is noted after the approval.
    assert!([number("work.record"), number("work.record.prev")].contains(&Some(room)));
}

#[test]
fn an_approval_is_kept_once_there_are_descriptors_again() {
    // Until the approval is there, a resumed sign-in has no need of the record's lock.
    for (call, error) in [("openat", "EMFILE"), ("openat", "ENFILE"), ("flock", "EINTR")] {
        let (provider, home) = begun();
        provider.approve();
        let fault = Fault { point: Point::first(call, "state/work.lock"), effect: format!("error={error}:..2") };
        let (is_struck, ran) = strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault);
        assert_eq!((is_struck, ran.code), (true, 0), "{error}: {ran:?}");
        assert_eq!((provider.polls(), provider.authority.count("/revoke")), (1, 0), "{error}");
        home.run(&["token"]).worked(&format!("{TOKEN}\n"));
    }
}

#[test]
fn what_became_of_an_approval_that_could_not_be_kept_is_told_to_who_asks_for_the_code_again() {
    let (provider, home) = begun();
    let _ = fs::remove_dir_all(home.path("spare"));
    home.write("spare", "no directory");
    provider.approve();
    let fault = Fault { point: Point::first("openat", "state/work.lock"), effect: "error=EIO:+".to_owned() };
    let (_, given_back) = strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault);
    given_back.failed(9, &["nothing was saved and the grant was revoked", "device-login login work"]);
    assert!(pending(&home).is_some(), "that could not be noted either");
    // Nobody waits for it any more.
    let token = home.run(&["token"]);
    assert!(token.code == 4 && !token.stderr.contains("waits for approval"), "{token:?}");
    assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["pending"], json!(null));
    for _ in 0..2 {
        let (_, asked) = strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault);
        asked.failed(6, &["the approval had come before that, and could not be kept"]);
        assert!(!asked.stderr.contains("got lost"), "{asked:?}");
    }
    assert_eq!(home.run(&["login", "--plain"]).code, 0, "a plain login asks for a code of its own");
    assert_eq!(provider.codes(), 2);
}

#[test]
fn a_plain_login_goes_on_with_a_new_code_where_the_last_one_may_be_used_up() {
    const KEPT_NOWHERE: &str = "got lost before that, and may have had the tokens: if so, they are kept nowhere";
    const NOT_KEPT: &str = "got an approval that could not be kept";
    const MAY_BE_LOST: &str = "may have lost an approval with an answer that did not come";
    for (is_killed, can_note, used_is, says) in [
        (false, true, "invalid_grant", NOT_KEPT),
        (false, false, "invalid_grant", MAY_BE_LOST),
        (true, false, "invalid_grant", MAY_BE_LOST),
        (true, false, "expired_token", MAY_BE_LOST),
    ] {
        let case = format!("killed: {is_killed}, can note: {can_note}, {used_is}");
        let (provider, home) = begun();
        provider.change(|state| state.used_is = used_is);
        let _ = fs::remove_dir_all(home.path("spare"));
        home.write("spare", "no directory");
        let mut child = home.spawn(&["login", "--resume", "--plain"]);
        let (pid, lock, poller) = (child.id(), home.path("state/work.lock"), home.path("state/work.poller"));
        let is_there = lock.clone();
        provider.approve_while(move || {
            if is_killed {
                assert!(
                    Command::new("kill").args(["-KILL", &pid.to_string()]).status().is_ok_and(|ended| ended.success())
                );
                return;
            }
            let _ = fs::remove_file(&lock);
            fs::create_dir(lock).expect("nothing is there");
            if !can_note {
                // What is noted from now on goes to a file that nobody sees.
                let noted = fs::read(&poller).expect("it is there");
                files::replace(&poller, &noted).expect("there is room");
            }
        });
        if is_killed {
            let _ = child.wait();
        } else {
            ran(child).failed(9, &["nothing was saved and the grant was revoked"]);
            fs::remove_dir(is_there).expect("it is empty");
        }
        let told = home.run(&["token"]);
        assert!(told.code == 4 && told.stderr.contains(says), "{case}: {told:?}");
        assert!(!told.stderr.contains("waits for approval"), "{case}: {told:?}");
        let status = home.run(&["status"]);
        assert!(status.stdout.contains(says) && !status.stdout.contains("CODE-1"), "{case}: {status:?}");
        let signed_in = home.run(&["login", "--plain"]);
        assert_eq!((signed_in.code, provider.codes()), (0, 2), "{case}: {signed_in:?}");
        for part in ["Code CODE-1 was replaced. New code: CODE-2", KEPT_NOWHERE] {
            assert_eq!(signed_in.stderr.contains(part), !can_note, "{case}: {signed_in:?}");
        }
    }
}

#[test]
fn who_waits_for_no_approval_is_given_no_code_that_may_be_used_up() {
    for is_lost in [false, true] {
        let (provider, home) = begun();
        let mut child = home.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(1);
        if is_lost {
            let pid = child.id().to_string();
            provider.approve_while(move || {
                assert!(Command::new("kill").args(["-KILL", &pid]).status().is_ok_and(|ended| ended.success()));
            });
        } else {
            send("-TERM", &child);
        }
        let _ = child.wait();
        let again = home.run(&["login", "--no-wait"]);
        again.failed(8, &[if is_lost { "Enter this code: CODE-2" } else { "Enter this code: CODE-1" }]);
        assert_eq!(again.stderr.contains("may have lost an approval"), is_lost, "{again:?}");
        provider.approve();
        let signed_in = home.run(&["login", "--resume"]);
        assert_eq!((signed_in.code, provider.codes()), (0, if is_lost { 2 } else { 1 }), "{signed_in:?}");
    }
}

/// Everything in the directory of the state: each name with its content.
fn state_of(home: &Home) -> BTreeMap<OsString, Vec<u8>> {
    let entries = fs::read_dir(home.path("state")).expect("it is there").flatten();
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).expect("it can be read"))).collect()
}

#[test]
fn who_only_looks_writes_nothing_and_claims_no_loss_while_a_poll_is_out() {
    const MAY_BE_LOST: &str = "may have lost an approval";
    let looks = |home: &Home, is_lost: bool| {
        let before = state_of(home);
        for arguments in [&["status"][..], &["status", "--json"], &["token"], &["profile", "show"]] {
            let looked = home.run(arguments);
            let told = format!("{}{}", looked.stdout, looked.stderr).contains(MAY_BE_LOST);
            assert_eq!(told, is_lost, "{arguments:?}: {looked:?}");
            assert_eq!(state_of(home), before, "{arguments:?}, lost: {is_lost}");
        }
    };
    let (provider, home) = begun();
    looks(&home, false);
    let home = Arc::new(home);
    let mut child = home.spawn(&["login", "--resume", "--plain"]);
    let (there, pid, (looked, has_looked)) = (Arc::clone(&home), child.id(), mpsc::channel::<()>());
    provider.approve_while(move || {
        // With the rights of an owner who may only read, as far as this user is bound by them.
        let poller = there.path("state/work.poller");
        fs::set_permissions(&poller, Permissions::from_mode(0o400)).expect("it is this user's");
        looks(&there, false);
        fs::set_permissions(&poller, Permissions::from_mode(0o600)).expect("it is this user's");
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().is_ok_and(|ended| ended.success()));
        looked.send(()).expect("it is waited for");
    });
    let _ = child.wait();
    has_looked.recv_timeout(PATIENCE).expect("nothing was written or claimed while the poll was out");
    looks(&home, true);
    fs::remove_file(home.path("state/work.poller")).expect("it is there");
    looks(&home, false);
}

/// The same that becomes of the answer to a refresh.
#[test]
fn an_approval_is_kept_in_the_spare_place_where_its_own_takes_nothing() {
    let errors = ["EIO", "EROFS", "EACCES", "ENOSPC"];
    for error in errors.into_iter().map(Some).chain([None]) {
        let (provider, home) = begun();
        let (state, away) = (home.path("state"), home.path("away"));
        let signed_in = if let Some(error) = error {
            provider.approve();
            let fault = Fault { point: Point::first("openat", "state/work.lock"), effect: format!("error={error}:+") };
            strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault).1
        } else {
            let (from, to) = (state.clone(), away.clone());
            provider.approve_while(move || fs::rename(from, to).expect("it is there"));
            ran(home.spawn(&["login", "--resume", "--plain"]))
        };
        assert_eq!(signed_in.code, 0, "{error:?}: {signed_in:?}");
        assert!(signed_in.stderr.contains("is kept in"), "{error:?}: {signed_in:?}");
        home.run(&["token"]).worked(&format!("{TOKEN}\n"));
        if error.is_none() {
            let _ = fs::remove_dir_all(&state);
            fs::rename(away, state).expect("it is there");
        }
        home.run(&["token"]).worked(&format!("{TOKEN}\n"));
        // Whoever writes brings it back.
        assert_eq!(home.run(&["profile", "edit", "work", "--scopes", "openid,email"]).code, 0);
        let is_record = |name: std::ffi::OsString| name.to_string_lossy().ends_with(".record");
        let mut spare = fs::read_dir(home.path("spare")).expect("it was made").flatten();
        assert!(!spare.any(|entry| is_record(entry.file_name())), "{error:?}");
        home.run(&["token"]).worked(&format!("{TOKEN}\n"));
        assert_eq!((provider.codes(), provider.polls(), provider.authority.count("/revoke")), (1, 1, 0), "{error:?}");
    }
}

#[test]
fn an_approval_in_the_spare_place_counts_whatever_others_write_meanwhile() {
    let (provider, home) = begun();
    provider.approve();
    let fault = Fault { point: Point::first("openat", "state/work.lock"), effect: "error=EIO:+".to_owned() };
    assert_eq!(strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault).1.code, 0);
    // Another machine has the record without what is in this one's spare place.
    fs::rename(home.path("spare"), home.path("away")).expect("it is there");
    for scopes in ["openid,email", "openid", "openid,email"] {
        change_pending(&home, |pending| pending.scopes = scopes.split(',').map(str::to_owned).collect());
    }
    let _ = fs::remove_dir_all(home.path("spare"));
    fs::rename(home.path("away"), home.path("spare")).expect("it is there");
    home.run(&["token"]).worked(&format!("{TOKEN}\n"));
    assert_eq!(home.run(&["profile", "edit", "work", "--scopes", "openid,email"]).code, 0);
    home.run(&["token"]).worked(&format!("{TOKEN}\n"));
    assert_eq!(home.run(&["store", "check"]).code, 0);
}

/// Another machine writes the record without it, as where a database was away.
#[test]
fn an_approval_in_the_spare_place_that_comes_too_late_is_revoked_by_the_next_logout_or_by_a_login_that_ends_nothing() {
    let edit = &["profile", "edit", "work", "--scopes", "openid,email"][..];
    for (elsewhere, code, next, is_revoked) in [
        (&["login", "--new-code"][..], 0, &["logout"][..], true),
        (&["login", "--new-code"], 0, &["login", "--new-code"], false),
        (&["login", "--resume"], 6, &["logout"], true),
        (&["login", "--resume"], 6, &["login"], true),
        (&["logout"], 0, &["logout"], true),
        (&["logout"], 0, &["login"], true),
    ] {
        let (case, (provider, home)) = (format!("{elsewhere:?}, {next:?}"), begun());
        provider.approve();
        let fault = Fault { point: Point::first("openat", "state/work.lock"), effect: "error=EIO:+".to_owned() };
        assert_eq!(strike(&home, &Act::new(&["login", "--resume", "--plain"]), &fault).1.code, 0, "{case}");
        fs::rename(home.path("spare"), home.path("away")).expect("it is there");
        let run = |arguments: &[&str]| {
            let is_for_a_new_code = !arguments.contains(&"--resume");
            provider.change(|state| state.error.take_if(|_| is_for_a_new_code).map_or((), drop));
            home.run(arguments)
        };
        let written = run(elsewhere);
        assert_eq!(written.code, code, "{case}: {written:?}");
        let _ = fs::remove_dir_all(home.path("spare"));
        fs::rename(home.path("away"), home.path("spare")).expect("it is there");
        let before = home.run(&["token"]);
        for writes in [None, Some(edit)] {
            let written = writes.map_or(0, |writes| home.run(writes).code);
            let status = home.run(&["status"]);
            let is_told = status.stdout.contains("The grant of an earlier sign-in is yet to be revoked");
            assert_eq!((written, is_told), (0, true), "{case}: {status:?}");
        }
        let waiting = home.record("work").to_revoke;
        assert_eq!(waiting.iter().map(|note| note.token.expose()).collect::<Vec<_>>(), [REFRESH_TOKEN], "{case}");
        assert_eq!(home.run(&["token"]).stdout, before.stdout, "{case}");
        home.run(&["profile", "remove", "work"]).failed(2, &["logout"]);
        let ended = run(next);
        let log = provider.authority.log();
        let revoked = log.iter().filter(|asked| asked.path == "/revoke");
        let revoked = revoked.filter(|asked| asked.body.contains(&format!("token={REFRESH_TOKEN}&"))).count();
        assert_eq!((ended.code, revoked), (0, usize::from(is_revoked)), "{case}: {ended:?}");
        assert_eq!(home.record("work").to_revoke.is_empty(), is_revoked, "{case}");
    }
}

fn open_to(home: &Home, mode: u32) {
    fs::set_permissions(home.path("state"), Permissions::from_mode(mode)).expect("it is there");
}

#[test]
fn a_state_directory_that_cannot_be_used_is_waited_for_and_nobody_has_given_the_code_up() {
    type Change = fn(&Home);
    let changes: [(&str, Change, Change); 2] = [
        (
            "moved",
            |home| fs::rename(home.path("state"), home.path("away")).expect("it is there"),
            |home| {
                let _ = fs::remove_dir_all(home.path("state"));
                fs::rename(home.path("away"), home.path("state")).expect("it is there");
            },
        ),
        ("open to all", |home| open_to(home, 0o777), |home| open_to(home, 0o700)),
    ];
    for (what, change, mend) in changes {
        let (provider, home) = begun();
        let mut child = home.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(1);
        change(&home);
        let stderr = wait_until_told(&mut child, "Not asked, since an approval could not be kept");
        mend(&home);
        provider.approve();
        let signed_in = ran(child);
        drop(stderr);
        assert_eq!(signed_in.code, 0, "{what}: {signed_in:?}");
        home.run(&["token"]).worked(&format!("{TOKEN}\n"));
    }
}

#[test]
fn the_room_of_who_was_killed_is_taken_over_and_given_back() {
    for gives_back in [&["login", "--resume"][..], &["profile", "remove", "work", "--force"]] {
        let (provider, home) = begun();
        let room = home.path("state").join(".work.room");
        let killed = home.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(1);
        send("-KILL", &killed);
        let _ = ran(killed);
        assert!(room.exists());
        provider.approve();
        assert_eq!(home.run(gives_back).code, 0);
        assert!(!room.exists(), "{gives_back:?}");
    }
}

/// Goes on with the sign-in, as a shell starts it that can stop and continue it.
fn as_a_job(home: &Home, arguments: &[&str]) -> Child {
    let program = home.command(arguments);
    let mut command = Command::new("env");
    // Whoever runs the tests may ignore Ctrl-Z.
    command.arg("--default-signal=TSTP").arg(program.get_program()).args(program.get_args()).env_clear();
    let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let piped = command.envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.process_group(0).spawn().expect("the program starts")
}

#[test]
fn who_is_suspended_lets_others_ask_and_goes_on_when_continued() {
    for arguments in [&["login", "--resume", "--plain"][..], &["login", "--resume", "--json"]] {
        let (provider, home) = begun();
        let suspended = as_a_job(&home, arguments);
        provider.wait_for_polls(1);
        send("-TSTP", &suspended);
        wait_until_stopped(&suspended);
        let polls = provider.polls();
        let other = home.spawn(&["login", "--resume", "--plain"]);
        provider.wait_for_polls(polls + 1);
        provider.approve();
        assert_eq!(ran(other).code, 0);
        send("-CONT", &suspended);
        let ended = ran(suspended);
        assert_eq!(ended.code, 0, "{ended:?}");
        provider.was_left_alone();

        let (provider, home) = begun();
        let suspended = as_a_job(&home, arguments);
        provider.wait_for_polls(1);
        send("-TSTP", &suspended);
        wait_until_stopped(&suspended);
        provider.approve();
        send("-CONT", &suspended);
        assert_eq!(ran(suspended).code, 0, "{arguments:?}");
        provider.was_left_alone();
    }
}

#[test]
fn who_is_suspended_between_two_codes_lets_others_ask() {
    let provider = Provider::start();
    provider.change(|state| state.lifetime = 2);
    let home = Home::at(&provider.authority);
    let mut suspended = as_a_job(&home, &["login", "--plain", "--renew", "1"]);
    provider.wait_for_polls(1);
    provider.change(|state| state.gives_no_code = true);
    let stderr = wait_until_told(&mut suspended, "No answer");
    send("-TSTP", &suspended);
    wait_until_stopped(&suspended);
    provider.change(|state| (state.gives_no_code, state.lifetime, state.is_approved) = (false, 300, true));
    assert_eq!(home.run(&["login", "--plain"]).code, 0);
    send("-KILL", &suspended);
    let _ = ran(suspended);
    drop(stderr);
}

#[test]
fn who_waits_for_a_process_that_was_stopped_hears_that_nobody_asked() {
    let provider = Provider::start();
    provider.change(|state| state.lifetime = 14);
    let home = Home::at(&provider.authority);
    assert_eq!(home.run(&["login", "--no-wait"]).code, 8);
    let first = home.spawn(&["login", "--resume", "--plain"]);
    provider.wait_for_polls(1);
    let mut second = home.spawn(&["login", "--resume", "--plain"]);
    let mut stderr = wait_until_told(&mut second, "Another process asks the server already");
    send("-STOP", &first);
    provider.approve();
    let mut told = String::new();
    stderr.read_to_string(&mut told).expect("stderr is read");
    assert_eq!(ran(second).code, 6, "{told}");
    let pid = first.id();
    for part in [
        &format!("Another process is to ask the server (pid {pid}, which is stopped and has asked nobody since "),
        &format!("whether it was approved is not known: pid {pid} is stopped and has not asked the server since "),
        "continue or end that process",
    ] {
        assert!(told.contains(part), "{part:?} is missing: {told}");
    }
    assert!(!told.contains("nobody approved"), "{told}");
    assert!(pending(&home).is_some(), "the one that is stopped may ask yet");
    send("-KILL", &first);
    let _ = ran(first);
}

#[cfg(feature = "postgres")]
#[test]
fn a_database_that_is_away_loses_no_approval() {
    use crate::support::postgres::{Postgres, url};

    for (is_away_at_the_answer, comes_back) in [(false, true), (true, true), (true, false)] {
        let (provider, server) = (Provider::start(), Arc::new(Postgres::start()));
        let home = Home::at(&provider.authority);
        let address = url("postgres", &[server.directory()], server.port());
        let command = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            command.env("DEVICE_LOGIN_STORE", &address);
            command
        };
        let mut child = command(&["login", "--plain"]).spawn().expect("the program starts");
        provider.wait_for_polls(1);
        let mut stderr = None;
        if is_away_at_the_answer {
            let stopped = Arc::clone(&server);
            let (sender, away) = std::sync::mpsc::channel();
            provider.approve_while(move || {
                stopped.stop();
                sender.send(()).expect("the test waits for it");
            });
            away.recv().expect("it is stopped");
        } else {
            server.stop();
            stderr = Some(wait_until_told(&mut child, "Not asked, since an approval could not be kept"));
            provider.approve();
        }
        if comes_back {
            server.proceed();
        }
        let signed_in = ran(child);
        drop(stderr);
        assert_eq!(signed_in.code, 0, "{signed_in:?}");
        if !comes_back {
            assert!(signed_in.stderr.contains("is kept in"), "{signed_in:?}");
            ran(command(&["token"]).spawn().expect("the program starts")).worked(&format!("{TOKEN}\n"));
            server.proceed();
        }
        ran(command(&["token"]).spawn().expect("the program starts")).worked(&format!("{TOKEN}\n"));
        assert_eq!((provider.codes(), provider.authority.count("/revoke")), (1, 0));
    }
}

/// The other one signs in before the first one has brought its approval back.
#[cfg(feature = "postgres")]
#[test]
fn an_approval_that_another_machine_never_saw_is_told_and_revoked() {
    use crate::support::postgres::{Postgres, url};

    let (provider, server) = (Provider::start(), Arc::new(Postgres::start()));
    let [one, two] = [(); 2].map(|()| Home::at(&provider.authority));
    for home in [&one, &two] {
        home.configure(&format!("store_cache = 0\n{}", home.configuration()));
    }
    let address = url("postgres", &[server.directory()], server.port());
    let spawn = |home: &Home, arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("DEVICE_LOGIN_STORE", &address).spawn().expect("the program starts")
    };
    let run = |home: &Home, arguments: &[&str]| ran(spawn(home, arguments));
    let first = spawn(&one, &["login", "--plain"]);
    provider.wait_for_polls(1);
    two.write_bytes("key", &fs::read(one.path("key")).expect("the first record made it"));
    let stopped = Arc::clone(&server);
    provider.approve_while(move || stopped.stop());
    let first = ran(first);
    assert!(first.code == 0 && first.stderr.contains("is kept in"), "{first:?}");
    server.proceed();
    provider.change(|state| state.used = None);
    assert_eq!(run(&two, &["login", "--plain", "--new-code"]).code, 0);
    let tokens = [&two, &one].map(|home| run(home, &["token"]).stdout);
    assert_eq!(tokens, [(); 2].map(|()| format!("{TOKEN}2\n")));
    let told = "The grant of an earlier sign-in is yet to be revoked";
    for home in [&one, &two] {
        let status = run(home, &["status"]);
        assert!(status.stdout.contains(told), "{status:?}");
    }
    assert_eq!((run(&two, &["logout"]).code, provider.authority.count("/revoke")), (0, 2));
    for home in [&one, &two] {
        assert!(!run(home, &["status"]).stdout.contains(told));
    }
}
