//! The power fails while the real program keeps something: every state in which the disk may be then is opened again.

pub(crate) mod disk;
pub(crate) mod trace;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use device_login::profile::ProfileName;
use device_login::storage::{Record, StoreError};
use serde_json::json;

use self::disk::{Crash, Files, Operation, crashes};
use super::authority::Authority;
use super::faults::{Extent, Failures, each};
use super::program::{ACCESS_TOKEN, Home, configuration, ended};

const NEW: &str = "sentinel-access-2-0123456789";

/// In a part of all states, so many are looked at, and one of so many is opened by the program.
const LOOKS: usize = 120;
const OPENED: usize = 20;

/// What is done when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    FirstSignIn,
    LaterSignIn,
    Refresh,
    /// The first one after the store came from a backup without lock files.
    RefreshWithoutLockFile,
}

pub(crate) const ALL: [Keeping; 4] =
    [Keeping::FirstSignIn, Keeping::LaterSignIn, Keeping::Refresh, Keeping::RefreshWithoutLockFile];

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) operations: usize,
    pub(crate) states: usize,
    /// Opened by the program as well.
    pub(crate) opened: usize,
    /// Neither the old record nor the new one is there, or nothing can be kept any more.
    pub(crate) lost: usize,
    /// Acknowledged, and gone.
    pub(crate) gone: usize,
    /// A refresh whose request was out, and of which nothing is known.
    pub(crate) forgotten: usize,
}

/// What was done, and what the homes are made of in which it is looked at.
pub(crate) struct Recorded {
    keeping: Keeping,
    before: Files,
    pub(crate) operations: Vec<Operation>,
    /// After the first answer, everything is refused for a while.
    _provider: Authority,
}

/// Runs the program once.
pub(crate) fn record(keeping: Keeping) -> Recorded {
    let is_down = AtomicBool::new(false);
    let provider = Authority::start(move |asked| match asked.path.as_str() {
        "/token" if !is_down.swap(true, Ordering::SeqCst) => {
            let body = json!({"access_token": NEW, "refresh_token": "sentinel-refresh-2", "expires_in": 3600});
            (200, body.to_string())
        }
        "/token" => (503, String::new()),
        _ => (200, json!({"sub": "77"}).to_string()),
    });
    let home = Home::in_memory();
    home.configure(&configuration(&provider.origin()));
    let input = home.write("input", "sentinel-refresh-1\n");
    let is_refresh = matches!(keeping, Keeping::Refresh | Keeping::RefreshWithoutLockFile);
    if keeping != Keeping::FirstSignIn {
        for _ in 0..2 {
            home.sign_in(&provider, |grant| {
                if is_refresh {
                    ended(grant);
                }
            });
        }
    }
    if keeping == Keeping::RefreshWithoutLockFile {
        fs::remove_file(home.path("state/work.lock")).expect("it is there");
    }
    let arguments: &[&str] = if is_refresh { &["token"] } else { &["login", "work", "--import"] };
    let before = trace::files(&home.path(""));
    let (operations, done) = trace::record(&home, &before, arguments, Some(&input));
    assert_eq!(done.code, 0, "{done:?}");
    // All that the program did was understood.
    let found = trace::files(&home.path(""));
    let is_among = crashes(&before, &operations).iter().any(|crash| crash.acknowledged && crash.files == found);
    assert!(is_among, "{keeping:?}: {operations:#?}");
    Recorded { keeping, before, operations, _provider: provider }
}

impl Recorded {
    /// Opens the states that `operations` may leave, the last of each `every` by the program as well.
    pub(crate) fn survives(&self, operations: &[Operation], extent: Extent) -> Tally {
        let crashes: Vec<Crash> = crashes(&self.before, operations).into_iter().collect();
        let (look_at, every) = if extent == Extent::Part { (1 + crashes.len() / LOOKS, OPENED) } else { (1, 1) };
        let crashes: Vec<Crash> = crashes.into_iter().step_by(look_at).collect();
        let tally = Mutex::new(Tally { operations: operations.len(), states: crashes.len(), ..Tally::default() });
        let failures = Failures::default();
        each(&crashes, |number, crash| {
            let home = home_with(&crash.files);
            let found = look(&home);
            let has = |token: &str| matches!(&found, Found::Record { token: found, .. } if found == token);
            let before = if self.keeping == Keeping::FirstSignIn { found == Found::Nothing } else { has(ACCESS_TOKEN) };
            let mut tally = tally.lock().expect("no thread panics with it");
            if crash.acknowledged && before {
                tally.gone += 1;
            } else if !(before || has(NEW) && crash.sent) {
                tally.lost += 1;
            } else if before && crash.sent && matches!(found, Found::Record { answer_lost: false, .. }) {
                tally.forgotten += usize::from(self.keeping != Keeping::LaterSignIn);
            }
            if number % every == every - 1 {
                tally.opened += 1;
                drop(tally);
                if let Err(problem) = self.opens(crash, has(NEW)) {
                    failures.add(problem);
                }
            }
        });
        failures.none(crashes.len());
        tally.into_inner().expect("no thread panics with it")
    }

    /// The program finds the same. Whoever only reads leaves it to the next one who writes to end what lacks only its name.
    fn opens(&self, crash: &Crash, is_new: bool) -> Result<(), String> {
        let home = home_with(&crash.files);
        let ran = home.run(&["token", "--min-ttl", "1s"]);
        let old = match self.keeping {
            Keeping::FirstSignIn => (4, ""),
            Keeping::LaterSignIn => (0, ACCESS_TOKEN),
            Keeping::Refresh | Keeping::RefreshWithoutLockFile => (7, ""),
        };
        let found = (ran.code, ran.stdout.trim());
        if is_new && found == (0, NEW) || !(is_new && crash.acknowledged) && found == old {
            return Ok(());
        }
        Err(format!("{ran:?}, sent {}, acknowledged {}: {:?}", crash.sent, crash.acknowledged, crash.files.keys()))
    }
}

fn home_with(files: &Files) -> Home {
    let home = Home::in_memory();
    for (name, content) in files {
        match content {
            None => fs::DirBuilder::new().mode(0o700).create(home.path(name)).expect("it is new"),
            Some(content) => drop(home.write_bytes(name, content)),
        }
    }
    home
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Record {
        token: String,
        answer_lost: bool,
    },
    Nothing,
    /// Nothing that can be used.
    Lost(String),
}

/// What whoever writes next finds, and whether that can be replaced.
fn look(home: &Home) -> Found {
    let store = home.store();
    let name: ProfileName = "work".parse().expect("a name");
    let looked = store.holding(&name, Duration::from_secs(5), |held| {
        let found = held.load()?;
        let mut next = found.clone().unwrap_or_else(|| Box::new(Record::empty(name.clone(), "corp", "client-1")));
        held.commit(&mut next)?;
        Ok::<_, StoreError>(found)
    });
    match looked {
        Err(error) => Found::Lost(error.to_string()),
        Ok(record) => record.and_then(|record| record.grant).map_or(Found::Nothing, |grant| Found::Record {
            token: grant.access_token.expose().to_owned(),
            answer_lost: grant.last_refresh.is_some_and(|last| last.answer_lost),
        }),
    }
}
