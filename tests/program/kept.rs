//! From the request for tokens to the kept answer: whatever can be survived loses no sign-in, and what cannot is told.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use device_login::clock;
use device_login::storage::LastRefresh;
use jiff::SignedDuration;
use serde_json::json;

use super::interrupts::{NEW_TOKEN, Strict, home_with_an_ended_token, send};
use crate::support::authority::{Asked, Authority};
use crate::support::faults::{Act, Extent, FEW_STOPS, Failures, Fault, Point, each, strike};
use crate::support::herd::Herd;
use crate::support::matrix::{self, Command};
use crate::support::program::{Home, REFRESH_TOKEN, Ran, configuration, ended, ran, set_mode};
use crate::support::rotating::{Rotating, Rotation};
use crate::support::small_disk::{self, Tally};

/// A provider whose refresh tokens work once, and that ends the grant when one comes twice.
fn rotating() -> Authority {
    let grants = Mutex::new((REFRESH_TOKEN.to_owned(), 0, false));
    Authority::start(move |asked: &Asked| {
        if asked.path != "/token" {
            return (200, json!({"sub": "77"}).to_string());
        }
        let (expected, count, is_over) = &mut *grants.lock().expect("no answer panics");
        *is_over |= !asked.body.contains(&format!("refresh_token={expected}"));
        if *is_over {
            return (400, json!({"error": "invalid_grant"}).to_string());
        }
        *count += 1;
        *expected = format!("sentinel-refresh-{count}-next");
        let body = json!({"access_token": format!("AT{count}"), "expires_in": 3600, "refresh_token": *expected});
        (200, body.to_string())
    })
}

/// A home whose token has ended, at a provider that is known to replace refresh tokens.
fn home_at(authority: &Authority) -> Home {
    let home = Home::at(authority);
    home.sign_in(authority, |grant| {
        ended(grant);
        let earlier = clock::wall() - SignedDuration::from_hours(1);
        grant.last_refresh = Some(LastRefresh { rotates: true, ..LastRefresh::new(earlier, None) });
    });
    home
}

#[test]
fn an_answer_that_was_lost_with_its_process_is_told_from_a_theft() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let mut child = home.spawn(&["token"]);
    strict.wait_until_asked();
    child.kill().expect("it runs");
    let _ = child.wait();
    strict.answer.send(()).expect("the provider still waits");
    // What others note meanwhile does not make it forgotten.
    let _ = home.run(&["profile", "edit", "work", "--scopes", "openid,email"]);
    let refused = home.run(&["token"]);
    refused.failed(4, &["the answer to a refresh got lost before"]);
    assert!(!refused.stderr.contains("stolen"), "{refused:?}");
    assert_eq!(strict.authority.count("/token"), 2, "the old token is tried once");
    home.run(&["token"]).failed(4, &[]);
    assert_eq!(strict.authority.count("/token"), 2, "and not again");
}

#[test]
fn a_store_that_vanishes_while_the_answer_is_out_is_helped_by_the_spare_place() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let child = home.spawn(&["token"]);
    strict.wait_until_asked();
    let (state, away) = (home.path("state"), home.path("away"));
    fs::rename(&state, &away).expect("it is there");
    strict.answer.send(()).expect("the provider still waits");
    let kept = ran(child);
    assert_eq!((kept.code, kept.stdout.as_str()), (0, format!("{NEW_TOKEN}\n").as_str()), "{kept:?}");
    assert!(kept.stderr.contains("kept in") && kept.stderr.contains("spare"), "{kept:?}");
    // While the store is away, the record is used where it is.
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    assert_eq!(home.run(&["status", "--json"]).json()["profiles"][0]["state"], "valid");
    let check = home.run(&["store", "check", "--json"]);
    assert!(!check.stdout.contains("damaged") && check.stdout.contains("in_spare"), "{check:?}");
    let _ = fs::remove_dir_all(&state);
    fs::rename(&away, &state).expect("it is there");
    // Whoever reads finds it where it is, and whoever writes brings it back.
    home.run(&["token"]).worked(&format!("{NEW_TOKEN}\n"));
    home.run(&["refresh"]).failed(4, &[]);
    let spare = names(&home.path("spare"));
    assert!(!spare.iter().any(|name| name.contains(".record")), "{spare:?}");
    assert_eq!(strict.authority.count("/token"), 2);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A home whose newest record is in the spare place, since its store was away when a refresh was answered.
fn home_with_a_record_in_the_spare_place(provider: &Rotating) -> Home {
    let home = Home::in_memory();
    home.configure(&configuration(provider.origin()));
    home.sign_in_at(provider.origin(), |grant| {
        ended(grant);
        provider.grant("work", grant);
        let earlier = clock::wall() - SignedDuration::from_hours(1);
        grant.last_refresh = Some(LastRefresh { rotates: true, ..LastRefresh::new(earlier, None) });
    });
    provider.hold(true);
    let child = home.spawn(&["token"]);
    provider.wait_for(1);
    let (state, away) = (home.path("state"), home.path("away"));
    fs::rename(&state, &away).expect("it is there");
    provider.hold(false);
    let kept = ran(child);
    assert!(kept.code == 0 && kept.stderr.contains("kept in"), "{kept:?}");
    let _ = fs::remove_dir_all(&state);
    fs::rename(&away, &state).expect("it is there");
    home
}

/// It has the only refresh token that works.
fn record_in_the_spare_place(home: &Home) -> String {
    let name = names(&home.path("spare")).into_iter().find(|name| name.ends_with(".record"));
    format!("spare/{}", name.expect("it was kept there"))
}

/// As after a rename while its own place took nothing.
#[test]
fn a_record_that_is_in_the_spare_place_alone_goes_along_to_another_store() {
    let provider = Rotating::start(Duration::ZERO);
    let home = home_with_a_record_in_the_spare_place(&provider);
    fs::remove_file(home.path("state/work.record")).expect("it is there");
    let _ = fs::remove_file(home.path("state/work.record.prev"));
    let other = format!("file:{}", home.path("other").display());
    let copied = home.run(&["store", "copy", &other]);
    assert!(copied.code == 0 && copied.stdout.contains("work: copied"), "{copied:?}");
    assert_eq!(home.run(&["--store", &other, "refresh"]).code, 0);
}

#[test]
fn a_record_in_the_spare_place_that_cannot_be_read_just_then_is_neither_passed_over_nor_deleted() {
    let acts: [&[&str]; 6] = [
        &["refresh"],
        &["token", "--force"],
        &["profile", "rename", "work", "job"],
        &["profile", "edit", "work", "--scopes", "openid"],
        &["store", "rekey"],
        &["store", "check", "--repair"],
    ];
    let (failures, struck) = (Failures::default(), AtomicUsize::new(0));
    let calls = [("openat", "EIO"), ("openat", "EMFILE"), ("statx", "EACCES"), ("statx", "EIO"), ("read", "EIO")];
    let of_act = |act| calls.into_iter().flat_map(move |call| (1..=3).map(move |number| (act, call, number)));
    let all: Vec<_> = acts.into_iter().flat_map(of_act).collect();
    each(&all, |_, &(act, (call, error), number)| {
        let provider = Rotating::start(Duration::ZERO);
        let home = home_with_a_record_in_the_spare_place(&provider);
        let point = Point::nth(number, call, &record_in_the_spare_place(&home));
        let (is_struck, first) = strike(&home, &Act::new(act), &Fault { point, effect: format!("error={error}") });
        struck.fetch_add(usize::from(is_struck), Ordering::Relaxed);
        let name = if home.run(&["profile", "show", "job"]).code == 0 { "job" } else { "work" };
        let after = home.run(&["token", name, "--force"]);
        let counts = provider.counts();
        if !matches!(first.code, 0 | 9) || after.code != 0 || counts.presented_twice > 0 {
            failures.add(format!("{act:?} {call} {error} {number}: {first:?}, then {after:?}, {counts:?}"));
        }
    });
    failures.none(all.len());
    assert!(struck.load(Ordering::Relaxed) > all.len() / 2, "{struck:?}");
}

#[test]
fn a_spare_place_that_others_may_look_into_is_named_and_its_record_is_neither_used_nor_lost() {
    let provider = Rotating::start(Duration::ZERO);
    let home = home_with_a_record_in_the_spare_place(&provider);
    for mode in [0o755, 0o750, 0o711, 0o777] {
        set_mode(home.path("spare"), mode);
        for act in [&["token"][..], &["refresh"], &["whoami"], &["logout"], &["profile", "remove", "work", "--force"]] {
            home.run(act).failed(9, &["/spare"]);
        }
    }
    set_mode(home.path("spare"), 0o700);
    assert_eq!(home.run(&["token", "--force"]).code, 0);
    assert_eq!((provider.counts().presented_twice, provider.counts().revocations), (0, 0));
}

#[test]
fn where_no_place_is_left_nobody_says_that_nothing_was_lost() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    home.write("spare", "no directory");
    let child = home.spawn(&["token"]);
    strict.wait_until_asked();
    fs::rename(home.path("state"), home.path("away")).expect("it is there");
    strict.answer.send(()).expect("the provider still waits");
    let lost = ran(child);
    lost.failed(9, &["could not be kept anywhere", "device-login login work"]);
    assert!(!lost.stderr.contains("nothing was lost") && !lost.stderr.contains("nothing is lost"), "{lost:?}");
}

/// Every call on a file that changes something fails in one way, or is the last one. All ways: `cargo bench --bench faults`.
fn no_fault_loses_a_sign_in(command: Command) {
    let tally = matrix::survive(command, Extent::Part);
    assert!(tally.struck > 7 && tally.struck * 2 >= tally.faults, "{tally:?}");
}

#[test]
fn no_fault_loses_a_first_sign_in() {
    no_fault_loses_a_sign_in(Command::FirstSignIn);
}

#[test]
fn no_fault_in_a_later_sign_in_loses_both() {
    no_fault_loses_a_sign_in(Command::LaterSignIn);
}

#[test]
fn no_fault_in_a_refresh_loses_the_sign_in() {
    for rotation in [Rotation::Strict, Rotation::Grace, Rotation::Never] {
        no_fault_loses_a_sign_in(Command::Refresh(rotation));
    }
}

#[test]
fn no_fault_in_a_sign_out_drops_a_token_of_which_the_provider_was_not_told() {
    no_fault_loses_a_sign_in(Command::SignOut);
}

#[test]
fn no_fault_in_a_removal_leaves_a_profile_that_does_not_go() {
    no_fault_loses_a_sign_in(Command::Removal);
}

#[test]
fn no_fault_in_a_rekey_leaves_anything_that_cannot_be_opened() {
    no_fault_loses_a_sign_in(Command::Rekey);
}

#[test]
fn no_fault_in_a_copy_leaves_two_places_that_refresh_or_none() {
    for command in [Command::Copy, Command::CopyBack] {
        no_fault_loses_a_sign_in(command);
    }
}

#[test]
fn a_file_system_without_links_and_the_like_keeps_a_sign_in() {
    let rows = [
        "link,linkat:error=EACCES",
        "link,linkat:error=EPERM",
        "link,linkat:error=ENOSYS",
        "link,linkat:error=EOPNOTSUPP",
        "link,linkat:error=EMLINK",
        "fallocate:error=EOPNOTSUPP",
        "fallocate:error=EINVAL",
        "fallocate:error=ENOSYS",
        // Directories cannot be synced everywhere.
        "fsync:error=EINVAL",
    ];
    for row in rows {
        for renames in ["EINVAL", "ENOSYS"] {
            let authority = rotating();
            let home = Home::at(&authority);
            let mut command = process::Command::new("strace");
            let calls = row.split(':').next().unwrap_or_default();
            command.args(["-f", FEW_STOPS, "-o", "/dev/null", "-e", &format!("trace={calls},renameat2")]);
            command.args(["-e", &format!("inject={row}"), "-e", &format!("inject=renameat2:error={renames}")]);
            command.arg(env!("CARGO_BIN_EXE_device-login")).args(["login", "work", "--import"]);
            command.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).env("TZ", "UTC");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("this test needs strace (Debian: apt install strace)");
            let mut stdin = child.stdin.take().expect("a pipe");
            writeln!(stdin, "{REFRESH_TOKEN}").expect("it reads");
            drop(stdin);
            let signed_in = ran(child);
            assert_eq!(signed_in.code, 0, "{row}: {signed_in:?}");
            home.run(&["token"]).worked("AT1\n");
            let _ = home.run(&["refresh"]);
            home.run(&["token"]).worked("AT2\n");
        }
    }
}

#[test]
fn a_file_system_without_modes_and_syncs_keeps_the_configuration() {
    let authority = rotating();
    let home = home_at(&authority);
    set_mode(home.path("config.toml"), 0o600);
    let mut command = process::Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "inject=fsync:error=EINVAL"]);
    command.args(["-e", "inject=fchmod,chmod,fchmodat,fchown:error=EPERM", env!("CARGO_BIN_EXE_device-login")]);
    command.args(["profile", "edit", "work", "--scopes", "openid,email"]);
    command.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let edited = ran(command.spawn().expect("this test needs strace (Debian: apt install strace)"));
    assert_eq!(edited.code, 0, "{edited:?}");
    assert!(home.configuration().contains("email"));
}

#[test]
fn a_provider_that_is_down_is_asked_once_by_many() {
    for (status, body, code) in [
        (503, "busy".to_owned(), 7),
        (429, "slow down".to_owned(), 10),
        (400, json!({"error": "invalid_grant"}).to_string(), 4),
    ] {
        let authority = Authority::start(move |_| (status, body.clone()));
        let home = home_at(&authority);
        let children: Vec<_> = (0..64).map(|_| home.spawn(&["token"])).collect();
        let all: Vec<Ran> = children.into_iter().map(ran).collect();
        assert!(all.iter().all(|one| one.code == code && one.stdout.is_empty()), "{status}: {all:?}");
        assert_eq!(authority.count("/token"), 1, "{status}: {:?}", all[0]);
    }
}

#[test]
fn who_wants_a_new_token_at_any_price_is_not_put_off_with_an_earlier_failure() {
    let tries = AtomicUsize::new(0);
    let authority = Authority::start(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => (503, String::new()),
        _ => (200, json!({"access_token": "AT", "expires_in": 3600}).to_string()),
    });
    let home = home_at(&authority);
    home.run(&["token"]).failed(7, &[]);
    assert_eq!(home.run(&["refresh"]).code, 0);
}

/// Stands for a directory in the place of a file.
const DIRECTORY: &[u8] = b"directory";

/// Both generations of a record, made unreadable in one way.
fn damage(home: &Home, content: &[u8]) -> [PathBuf; 2] {
    let paths = ["state/work.record", "state/work.record.prev"].map(|name| home.path(name));
    for path in &paths {
        if content == DIRECTORY {
            fs::remove_file(path).and_then(|()| fs::create_dir(path)).expect("it was there");
            continue;
        }
        let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path).expect("it is there");
        file.write_all(content).expect("the disk has room");
    }
    paths
}

#[test]
fn a_record_that_nobody_can_open_gives_way_to_a_sign_in_and_to_its_removal() {
    let other_profile =
        br#"{"format":1,"profile":"other","generation":1,"key":"key-file","key_id":"0123456789abcdef"}"#;
    let cut = br#"{"format":1,"profile":"work","generation":3,"key":"key-fi"#;
    for content in [&b""[..], b"garbage\n", &other_profile[..], &cut[..], DIRECTORY] {
        for removes in [false, true] {
            let authority = rotating();
            let home = home_at(&authority);
            assert_eq!(home.run(&["refresh"]).code, 0);
            let damaged = damage(&home, content);
            let status = home.run(&["status", "--json"]);
            assert_eq!(
                (status.code, status.json()["profiles"][0]["state"].clone()),
                (9, json!("unknown")),
                "{status:?}"
            );
            for command in [&["token"][..], &["whoami"], &["logout"], &["profile", "remove", "work"]] {
                home.run(command)
                    .failed(9, &["sign in again, which sets it aside", "`device-login profile remove work --force`"]);
            }
            if removes {
                assert_eq!(home.run(&["profile", "remove", "work", "--force"]).code, 0);
                assert!(damaged.iter().all(|path| !path.exists()));
            } else {
                let signed_in = home.run_with(&["login", "work", "--import"], "sentinel-refresh-1-next\n");
                assert_eq!(signed_in.code, 0, "{signed_in:?}");
                home.run(&["token"]).worked("AT2\n");
            }
            let aside = names(&home.path("state")).into_iter().filter(|name| name.contains(".corrupt-")).count();
            assert_eq!(aside, 2, "{content:?}");
        }
    }
}

#[test]
fn readers_notice_a_record_that_went_back_in_time() {
    let authority = rotating();
    let home = home_at(&authority);
    home.run(&["token"]).worked("AT1\n");
    let old = fs::read(home.path("state/work.record")).expect("it is there");
    for _ in 0..2 {
        assert_eq!(home.run(&["refresh"]).code, 0);
    }
    let mut file =
        fs::OpenOptions::new().write(true).truncate(true).open(home.path("state/work.record")).expect("there");
    file.write_all(&old).expect("the disk has room");
    let read = home.run(&["token"]);
    assert_eq!((read.code, read.stdout.as_str()), (0, "AT2\n"));
    assert!(read.stderr.contains("is older"), "{read:?}");
    let status = home.run(&["status", "--json"]);
    assert!(status.json()["profiles"][0]["warnings"].to_string().contains("is older"), "{status:?}");
}

#[test]
fn a_limit_on_the_length_of_files_is_an_error_before_anything_is_sent() {
    let authority = rotating();
    let home = home_at(&authority);
    for blocks in ["0", "1", "8"] {
        let limited = format!("ulimit -f {blocks}; exec \"$0\" token");
        let mut command = process::Command::new("sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_device-login")]);
        command.env_clear().env("DEVICE_LOGIN_HOME", home.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(command.spawn().expect("a shell")).failed(9, &["nothing was sent"]);
    }
    assert_eq!(authority.count("/token"), 0);
    home.run(&["token"]).worked("AT1\n");
}

#[test]
fn a_stopped_process_takes_the_answer_that_came_meanwhile() {
    let strict = Strict::start();
    let home = home_with_an_ended_token(&strict);
    let child = home.spawn(&["token"]);
    strict.wait_until_asked();
    send("-STOP", &child);
    strict.answer.send(()).expect("the provider still waits");
    // Until the answer lies in the socket, and no longer: what is slower is no failure.
    let _ = strict.asked(Duration::from_millis(50));
    send("-CONT", &child);
    ran(child).worked(&format!("{NEW_TOKEN}\n"));
}

#[test]
fn a_disk_that_gets_full_while_the_answer_is_out_keeps_it_and_then_nobody_asks() {
    const RUNS: usize = 11;
    match small_disk::refresh_in_vain(RUNS) {
        Some(tally) => assert_eq!(tally, Tally { runs: RUNS, kept: RUNS, refused: 2, asked_without_room: 0 }),
        None => println!("not looked at: this user may not mount a disk of its own"),
    }
}

#[test]
fn a_herd_asks_once_for_each_token_that_ended() {
    let mut herd = Herd::new(Home::in_memory(), Duration::ZERO);
    let tally = herd.run(16, 5, 0);
    assert_eq!((tally.refreshes, tally.answered, tally.failed, tally.presented_twice), (5, 16 * 5, 0, 0), "{tally:?}");
}

#[test]
fn a_herd_whose_holders_are_killed_shows_a_token_twice_only_where_its_answer_got_lost() {
    let mut herd = Herd::new(Home::in_memory(), Duration::from_millis(20));
    let tally = herd.run(8, 6, 2);
    // Who tries a lost answer's token again may be killed as well.
    let is_explained = (tally.killed_between..=tally.killed).contains(&tally.presented_twice);
    assert!(tally.failed == 0 && tally.killed > 0 && is_explained, "{tally:?}");
}
