//! A writer that dies, or whose system calls fail, at every point of a commit.
//!
//! A clean run under strace tells which calls a commit makes. Each of them is then made to fail, or to be the last thing
//! that the process does. Whatever happens, the record is the old one or the new one, and the next commit works.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use device_login::secret::Secret;
use device_login::storage::{Attempt, EndedSignIn, Held, PendingId, Record, StoreAddress, open, open_with_spare};
use jiff::Timestamp;
use serde_json::json;

use crate::support::faults::FEW_STOPS;

use super::child::{BEGIN, END, Running, command};
use super::{
    Home, PATIENCE, client_id, commit, contents, create_private_directory, load, profile, record, set_mode, try_commit,
    write_private,
};

const CALLS: &str = "openat,read,write,fallocate,ftruncate,fsync,linkat,link,rename,renameat,renameat2,unlink,\
                     unlinkat,flock,mkdir,statx,getdents64,close";

/// How a call fails. Reading takes no room; `close` gives the descriptor back even where it fails, and nobody looks.
fn errors_of(call: &str) -> &'static [&'static str] {
    match call {
        "close" => &[],
        "openat" => &["ENOSPC", "EIO", "EDQUOT", "EMFILE"],
        "read" | "statx" | "getdents64" | "flock" => &["EIO"],
        _ => &["ENOSPC", "EIO", "EDQUOT"],
    }
}

/// The n-th call of this name in one thread, and what to do to it.
#[derive(Debug)]
struct Fault {
    call: String,
    number: usize,
    effect: String,
}

fn strace(home: &Home, role: &str, log: &Path, fault: Option<&Fault>) -> Command {
    let log = log.to_str().unwrap();
    let trace = format!("trace={}", fault.map_or(CALLS, |fault| &fault.call));
    let inject = fault.map(|Fault { call, number, effect }| {
        let (effect, and_on) = effect.split_once(':').unwrap_or((effect, ""));
        format!("inject={call}:{effect}:when={number}{and_on}")
    });
    let mut launcher = vec!["strace", "-f", "-o", log, "-e", &trace];
    if fault.is_none_or(|fault| fault.effect.starts_with("error")) {
        launcher.push(FEW_STOPS);
    }
    if let Some(inject) = &inject {
        launcher.extend(["-e", inject]);
    }
    command(&launcher, role, home)
}

/// The names of the calls that the thread of a commit makes before and within it.
fn calls_of(role: &str, home: &Home) -> (Vec<String>, Vec<String>) {
    let log = home.directory.path().join("strace");
    let output = strace(home, role, &log, None).output().expect("this test needs strace (Debian: apt install strace)");
    assert!(output.status.success() && log.exists(), "strace does not work here: {output:?}");
    let log = fs::read_to_string(log).unwrap();
    let thread = log.lines().find(|line| line.contains(BEGIN)).unwrap().split(' ').next().unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with(&format!("{thread} "))).collect();
    let position = |marker| lines.iter().position(|line| line.contains(marker)).unwrap();
    let names = |lines: &[&str]| lines.iter().filter_map(|line| call_name(line)).collect();
    (names(&lines[..=position(BEGIN)]), names(&lines[position(BEGIN) + 1..position(END)]))
}

fn call_name(line: &str) -> Option<String> {
    let call = line.split_once(' ')?.1.trim_start().split_once('(')?.0;
    (!call.starts_with('<')).then(|| call.to_owned())
}

fn faults(role: &str, home: &Home) -> Vec<Fault> {
    let (before, within) = calls_of(role, home);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in before {
        *counts.entry(call).or_default() += 1;
    }
    let mut faults = Vec::new();
    for call in within {
        let number = counts.entry(call.clone()).or_default();
        *number += 1;
        let errors = errors_of(&call).iter().map(|error| format!("error={error}"));
        // A disk that fails once may fail for good.
        let for_good = (call == "fsync").then(|| "error=EIO:+".to_owned());
        let effects = errors.chain(["signal=KILL".to_owned()]).chain(for_good);
        faults.extend(effects.map(|effect| Fault { call: call.clone(), number: *number, effect }));
    }
    faults
}

/// The files of a store, to begin every run with the same ones.
struct Snapshot {
    config: BTreeMap<String, Vec<u8>>,
    state: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    fn of(home: &Home) -> Self {
        Self { config: contents(home.key_file().parent().unwrap()), state: contents(&home.state()) }
    }

    fn copy(&self) -> Home {
        let home = Home::new();
        for (directory, files) in [(home.key_file().parent().unwrap(), &self.config), (&home.state(), &self.state)] {
            if !files.is_empty() {
                create_private_directory(directory);
            }
            for (name, content) in files {
                write_private(&directory.join(name), content);
            }
        }
        home
    }
}

/// Runs a commit with every fault, and returns how many there were.
fn survive_every_fault(snapshot: &Snapshot, old: Option<&str>) -> usize {
    survive_each(snapshot, &faults("commit", &snapshot.copy()), |home, fault| survive(home, fault, old))
}

fn survive_each(
    snapshot: &Snapshot,
    faults: &[Fault],
    survive: impl Fn(&Home, &Fault) -> Result<(), String> + Sync,
) -> usize {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = survive(&snapshot.copy(), fault) {
                        failures.lock().unwrap().push(format!("{fault:?}: {problem}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), faults.len(), failures.join("\n"));
    faults.len()
}

fn survive(home: &Home, fault: &Fault, old: Option<&str>) -> Result<(), String> {
    let log = home.directory.path().join("strace");
    let output = strace(home, "commit", &log, Some(fault)).output().unwrap();
    let log = fs::read_to_string(log).unwrap();
    if !log.contains("INJECTED") && !log.contains("killed by SIGKILL") {
        return Err("the fault did not happen".to_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let found = load(&home.store()).map_err(|error| format!("load: {error}"))?.map(|record| record.client_id);
    let is_new = found.as_deref() == Some("new");
    if said.contains("committed new") && !is_new {
        return Err(format!("acknowledged, but the store has {found:?}"));
    }
    // Of the test program there is "0 failed;".
    let has_failed = said.contains("... failed ");
    if has_failed && is_new {
        return Err(format!("it is there: {said}"));
    }
    if !is_new && found.as_deref() != old {
        return Err(format!("the store has {found:?}"));
    }
    if !said.contains("committed") && !has_failed && fault.effect != "signal=KILL" {
        return Err(format!("no answer: {said}"));
    }
    recover(home)
}

/// The next writer ends what the last one had written, works, and removes what else it left.
fn recover(home: &Home) -> Result<(), String> {
    let mut next = home.store().hold(&profile("work"), PATIENCE).map_err(|error| format!("next lock: {error}"))?;
    let had_record = next.load().map_err(|error| format!("next load: {error}"))?.is_some();
    drop(next);
    super::try_commit(&home.store(), "after").map_err(|error| format!("next commit: {error}"))?;
    if client_id(&home.store()).as_deref() != Some("after") {
        return Err("the next commit is not there".to_owned());
    }
    let mut expected = vec!["store.json", "work.lock", "work.record"];
    expected.extend(had_record.then_some("work.record.prev"));
    // A process that dies while it makes the store leaves the unfinished `store.json`, once.
    let names: Vec<String> = home.names().into_iter().filter(|name| !name.starts_with(".store.json.")).collect();
    if names == expected { Ok(()) } else { Err(format!("left over: {names:?}")) }
}

#[test]
fn no_fault_in_a_later_commit_loses_the_record() {
    let home = Home::new();
    commit(&home.store(), "older");
    commit(&home.store(), "old");
    let count = survive_every_fault(&Snapshot::of(&home), Some("old"));
    println!("{count} faults in a later commit, 0 records lost");
    assert!(count > 80, "{count}");
}

#[test]
fn no_call_that_fails_after_a_claim_loses_the_answer() {
    let home = Home::new();
    commit(&home.store(), "older");
    commit(&home.store(), "old");
    let snapshot = Snapshot::of(&home);
    let mut faults = faults("keep", &snapshot.copy());
    faults.retain(|fault| fault.effect.starts_with("error") && !fault.effect.ends_with('+'));
    let count = survive_each(&snapshot, &faults, |home, fault| {
        let log = home.directory.path().join("strace");
        let output = strace(home, "keep", &log, Some(fault)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !said.contains("committed new") {
            return Err(format!("not kept: {said}"));
        }
        let store =
            open_with_spare(&StoreAddress::File(home.state()), home.keys(), Some(home.directory.path().join("spare")));
        if client_id(&store).as_deref() != Some("new") {
            return Err("kept where nobody finds it".to_owned());
        }
        try_commit(&store, "after").map_err(|error| format!("next commit: {error}"))?;
        if client_id(&home.store()).as_deref() == Some("after") { Ok(()) } else { Err("not brought back".to_owned()) }
    });
    println!("{count} faults after a claim, 0 answers lost");
    assert!(count > 20, "{count}");
}

#[test]
fn a_claim_of_which_nothing_more_was_heard_shows_as_a_lost_answer_until_something_is_committed() {
    let home = Home::new();
    for store in [home.store(), open(&StoreAddress::Memory, home.keys())] {
        let before = commit(&store, "one");
        let claim = |generation| {
            let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
            locked.claim(Attempt::new(generation, jiff::Timestamp::UNIX_EPOCH)).unwrap();
        };
        let is_lost = || {
            let record = store.hold(&profile("work"), PATIENCE).unwrap().load().unwrap().unwrap();
            record.grant.unwrap().last_refresh.is_some_and(|last| last.answer_lost)
        };
        assert!(!is_lost());
        claim(before.generation);
        assert!(is_lost());
        commit(&store, "two");
        assert!(!is_lost());
    }
}

#[test]
fn no_fault_in_the_first_commit_leaves_a_store_that_does_not_work() {
    let count = survive_every_fault(&Snapshot::of(&Home::new()), None);
    println!("{count} faults in a first commit, 0 stores broken");
    assert!(count > 120, "{count}");
}

#[test]
fn a_writer_killed_at_any_time_leaves_what_it_acknowledged() {
    let home = Home::new();
    // A fixed sequence of counts (a linear congruential generator), so that every run waits for the same commits.
    let mut seed = 12_345_u32;
    for _ in 0..25 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut writer = Running::start("commit-forever", &home);
        let mut acknowledged: u64 = 0;
        for _ in 0..=(seed >> 24) % 8 {
            acknowledged = writer.wait_for("committed").parse().unwrap();
        }
        let rest = writer.kill();
        let last = rest.lines().rev().find_map(|line| line.strip_prefix("committed ")?.parse().ok());
        let acknowledged = last.unwrap_or(acknowledged);
        let found = load(&home.store()).unwrap().unwrap().generation;
        assert!(found == acknowledged || found == acknowledged + 1, "{acknowledged} acknowledged, {found} found");
    }
}

#[test]
fn without_room_for_a_file_a_reservation_fails_and_the_record_stays() {
    let home = Home::new();
    commit(&home.store(), "old");
    // The shell counts in blocks of 512 bytes: none at all, and fewer than a reservation takes.
    for blocks in ["0", "8"] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = command(&["sh", "-c", &limited], "commit", &home).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("failed reserving room in"), "{said}");
        assert_eq!(client_id(&home.store()).as_deref(), Some("old"));
        assert_eq!(home.names(), ["store.json", "work.lock", "work.record"]);
    }
}

#[test]
fn a_commit_that_lacks_only_its_name_is_ended_by_the_next_writer() {
    let home = Home::new();
    commit(&home.store(), "one");
    let [one, two] = ["one", "two"].map(|id| {
        commit(&home.store(), id);
        fs::read(home.directory.path().join("state/work.record")).unwrap()
    });
    let torn = &two[..two.len() - 1];
    let set_aside = "work.record.corrupt-1";
    for (here, left_over, expected, beside) in [
        (&*one, &*two, "two", "work.record.prev"),
        (&one, torn, "one", "work.record.prev"),
        (&one, &[], "one", "work.record.prev"),
        (&two, &one, "two", "work.record.prev"),
        (&two, &two, "two", "work.record.prev"),
        (torn, &two, "two", set_aside),
        (b"{", &one, "one", set_aside),
    ] {
        for name in home.names().iter().filter(|name| name.starts_with("work.")) {
            fs::remove_file(home.file(name)).unwrap();
        }
        home.write("state/work.record", here);
        if beside != set_aside {
            home.write("state/work.record.prev", &one);
        }
        home.write("state/.work.record.1-0.new", left_over);
        let mut locked = home.store().hold(&profile("work"), PATIENCE).unwrap();
        assert_eq!(locked.load().unwrap().unwrap().client_id, expected);
        let mut names = ["store.json", "work.lock", "work.record", beside];
        names.sort_unstable();
        assert_eq!(home.names(), names);
    }
}

/// Others may write meanwhile, as where the approval is kept without the right to write.
#[test]
fn an_approval_that_lacks_only_its_name_ends_the_code_that_waits_still() {
    let home = Home::new();
    let [id, other] = [(); 2].map(|()| PendingId::generate().expect("the system has random numbers"));
    let keep = |client_id: &str, pending: Option<&PendingId>, ended: Option<&PendingId>| {
        let pending = pending.map(|id| {
            serde_json::from_value(json!({
                "id": id, "issued_at": "2026-11-20T12:00:00Z", "lifetime_ms": 600_000, "interval_ms": 5000,
                "device_code": "DC", "user_code": "UC", "verification_uri": "https://id.example/go",
                "provider": "zoho", "client_id": client_id, "issuer": "https://id.example",
            }))
        });
        let ended = ended.map(|id| EndedSignIn { id: id.clone(), error: None, is_told: false });
        let mut kept = Record { pending: pending.transpose().unwrap(), ended, ..record(client_id) };
        home.store().hold(&profile("work"), PATIENCE).unwrap().commit(&mut kept).unwrap();
        fs::read(home.file("work.record")).unwrap()
    };
    for (waits, expected) in [(Some(&id), "approved"), (Some(&other), "others"), (None, "others")] {
        let approved = keep("approved", None, Some(&id));
        keep("others", waits, None);
        home.write("state/.work.record.1-0.new", &approved);
        let found = home.store().hold(&profile("work"), PATIENCE).unwrap().load().unwrap().unwrap();
        assert_eq!(found.client_id, expected);
        assert_eq!(client_id(&home.store()).as_deref(), Some(expected));
    }
}

/// A record that the one here came after, wherever it was kept: what is approved is never dropped.
#[test]
fn a_grant_that_only_an_outdated_record_has_is_to_be_revoked() {
    let home = Home::new();
    let spare = home.directory.path().join("spare");
    let store = || open_with_spare(&StoreAddress::File(home.state()), home.keys(), Some(spare.clone()));
    let names: [fn(&str) -> String; 3] = [
        |_| "state/.work.record.1-0.new".to_owned(),
        |id| format!("spare/.work.{id}.record.1-0.new"),
        |id| format!("spare/work.{id}.record"),
    ];
    for name in names {
        commit(&store(), "before");
        let id = contents(&spare)
            .into_keys()
            .find_map(|seen| Some(seen.strip_prefix("work.")?.strip_suffix(".seen")?.to_owned()));
        let path = name(&id.expect("a commit is noted"));
        let mut other = record("other");
        let grant = other.grant.as_mut().unwrap();
        (grant.approved_at, grant.is_own) = (Timestamp::UNIX_EPOCH, true);
        (grant.access_token, grant.refresh_token) = (Secret::new("AT"), Some(Secret::new("RT")));
        store().hold(&profile("work"), PATIENCE).unwrap().commit(&mut other).unwrap();
        let outdated = fs::read(home.file("work.record")).unwrap();
        store().holding(&profile("work"), PATIENCE, Held::forget).unwrap();
        for _ in 0..3 {
            commit(&store(), "here");
        }
        home.write(&path, &outdated);
        let here = |record: Record| (record.client_id, record.to_revoke.len(), record.generation);
        let noted = ("here".to_owned(), 1, 3);
        // Only who holds it is sure that the writer of what is left over is dead.
        if path.contains("/work.") {
            assert_eq!(load(&store()).unwrap().map(here), Some(noted.clone()), "{path}");
        }
        let held = store().holding(&profile("work"), PATIENCE, Held::load).unwrap();
        assert_eq!(held.map(|record| here(*record)), Some(noted.clone()), "{path}");
        assert_eq!(load(&store()).unwrap().map(here), Some(noted), "{path}");
        assert!(!home.directory.path().join(&path).exists(), "{path}");
        store().holding(&profile("work"), PATIENCE, Held::forget).unwrap();
    }
}

/// Nobody can tell whether it is newer.
#[test]
fn what_a_killed_writer_left_stays_while_there_is_no_key_to_open_it() {
    let home = Home::new();
    commit(&home.store(), "one");
    let one = fs::read(home.file("work.record")).unwrap();
    commit(&home.store(), "two");
    home.write("state/.work.record.1-0.new", &fs::read(home.file("work.record")).unwrap());
    home.write("state/work.record", &one);
    fs::remove_file(home.file("work.record.prev")).unwrap();
    let away = home.directory.path().join("away");
    fs::rename(home.key_file(), &away).unwrap();
    assert!(home.store().hold(&profile("work"), PATIENCE).is_err());
    fs::rename(away, home.key_file()).unwrap();
    drop(home.store().hold(&profile("work"), PATIENCE).unwrap());
    assert_eq!(client_id(&home.store()).as_deref(), Some("two"));
}

/// Where its own place took nothing, the name was that of the spare place. Who lives gives the name itself.
#[test]
fn a_record_in_the_spare_place_that_lacks_only_its_name_is_brought_back() {
    let home = Home::new();
    let spare = home.directory.path().join("spare");
    let store = || open_with_spare(&StoreAddress::File(home.state()), home.keys(), Some(spare.clone()));
    commit(&store(), "one");
    let one = fs::read(home.file("work.record")).unwrap();
    commit(&store(), "two");
    let two = fs::read(home.file("work.record")).unwrap();
    let id = fs::read_dir(&spare).unwrap().flatten().find_map(|seen| {
        let name = seen.file_name().into_string().unwrap();
        Some(name.strip_prefix("work.")?.strip_suffix(".seen")?.to_owned())
    });
    let id = id.expect("a commit is noted");
    let torn = &two[..two.len() - 1];
    for (left_over, is_at_work, expected) in
        [(&*two, false, "two"), (torn, false, "one"), (&one, false, "one"), (&two, true, "one"), (torn, true, "one")]
    {
        home.write("state/work.record", &one);
        let _ = fs::remove_file(home.file("work.record.prev"));
        let name = format!(".work.{id}.record.1-0.new");
        home.write(&format!("spare/{name}"), left_over);
        let writer = is_at_work.then(|| File::open(spare.join(&name)).unwrap());
        if let Some(writer) = &writer {
            // A program that another test starts has the descriptors of this one until it runs.
            writer.lock().unwrap();
        } else {
            // Others may look into it for now: it is neither used nor deleted.
            set_mode(&spare, 0o755);
            assert!(store().hold(&profile("work"), PATIENCE).is_err(), "{expected}");
            set_mode(&spare, 0o700);
        }
        assert_eq!(store().hold(&profile("work"), PATIENCE).unwrap().load().unwrap().unwrap().client_id, expected);
        let names: Vec<String> = contents(&spare).into_keys().collect();
        let left = writer.map(|_| name);
        assert_eq!(names, left.into_iter().chain([format!("work.{id}.seen")]).collect::<Vec<_>>());
    }
}

#[test]
fn left_over_files_of_a_killed_writer_go_with_the_next_lock() {
    let home = Home::new();
    commit(&home.store(), "one");
    home.write("state/.work.record.1-0.new", b"");
    home.write("state/.work.record.1-0.old", b"");
    home.write("state/.other.record.1-0.new", b"");
    drop(home.store().hold(&profile("work"), super::PATIENCE).unwrap());
    assert_eq!(home.names(), [".other.record.1-0.new", "store.json", "work.lock", "work.record"]);
}
