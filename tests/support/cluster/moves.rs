//! `store rekey` and `store copy` over PostgreSQL while calls on files fail, connections end and the process dies: whatever
//! happens, each record is refreshed in one place, and the same command ends it.

use std::fs;
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use device_login::storage::{Store, StoreAddress, open};

use super::end_leases;
use super::holders::kill;
use crate::support::faults::{self, Act, Extent, Failures, each_on, points, strike};
use crate::support::fleet::NO_COPIES;
use crate::support::postgres::{Database, Postgres, url};
use crate::support::program::{Home, Ran, configuration, key_options, ran, sign_in_into};
use crate::support::rotating::Rotating;
use crate::support::wire::{At, Fault, Proxy};

const PROFILES: [&str; 2] = ["work", "other"];
/// Some of them wait for a database that is away.
const THREADS: usize = 8;

/// A command that goes through all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Rekey,
    ToDatabase,
    ToFiles,
}

pub(crate) const MOVES: [Move; 3] = [Move::Rekey, Move::ToDatabase, Move::ToFiles];

/// What happens between the command and the database.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// Its connections end.
    Ends(Fault),
    /// The process is killed, and what it said last arrives or gets lost.
    Dies { arrives: bool },
}

const BREAKS: [Break; 4] =
    [Break::Ends(Fault::Cut), Break::Ends(Fault::Gone), Break::Dies { arrives: false }, Break::Dies { arrives: true }];

#[derive(Clone, Debug)]
enum Harm {
    Call(faults::Fault),
    Message(usize, Break),
}

/// Plays every `step`th fault of a command, on files and on messages, and tells what it came to. At a message it is one of
/// [`BREAKS`] in turn; in the whole extent the connection ends at each, and one of the others happens in turn.
#[track_caller]
pub(crate) fn survive(one: Move, extent: Extent, step: usize) -> String {
    let provider = Rotating::start(Duration::ZERO);
    let databases = Databases::default();
    let clean = Case::new(one, &provider, databases.take(), "clean");
    let calls = faults::faults(&points(&clean.home, &clean.act), extent);
    let messages = clean.wire.passed().messages;
    let breaks = (1..=messages).step_by(step).enumerate().flat_map(|(number, message)| {
        let which = match extent {
            Extent::Part => vec![number % BREAKS.len()],
            _ => vec![0, 1 + number % (BREAKS.len() - 1)],
        };
        which.into_iter().map(move |which| Harm::Message(message, BREAKS[which]))
    });
    let all: Vec<Harm> = calls.into_iter().step_by(step).map(Harm::Call).chain(breaks).collect();
    let [calls, breaks] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let failures = Failures::default();
    each_on(THREADS, &all, |number, harm| {
        let case = Case::new(one, &provider, databases.take(), &number.to_string());
        let (struck, first) = case.suffers(harm);
        let count = if matches!(harm, Harm::Call(_)) { &calls } else { &breaks };
        count.fetch_add(usize::from(struck), Ordering::Relaxed);
        if let Err(problem) = case.is_well() {
            failures.add(format!("{one:?}, {harm:?}: {first:?}\n  {problem}"));
        }
        databases.give(case.database);
    });
    failures.none(all.len());
    assert_eq!(provider.counts().presented_twice, 0, "{one:?}");
    let [calls, breaks] = [calls.into_inner(), breaks.into_inner()];
    assert!(calls + breaks > all.len() * 3 / 4, "{calls} and {breaks} of {}", all.len());
    format!(
        "{one:?}: {calls} faults of files, {breaks} at {messages} messages: 0 lost, 0 presented twice, one place that \
         refreshes after each"
    )
}

/// Databases that are used one after the other, since making one takes longer than emptying it.
#[derive(Default)]
struct Databases(Mutex<Vec<Database<'static>>>);

impl Databases {
    fn take(&self) -> Database<'static> {
        let free = self.0.lock().expect("no thread panics with it").pop();
        free.unwrap_or_else(|| Postgres::shared().database())
    }

    fn give(&self, database: Database<'static>) {
        database.sql("SET client_min_messages = warning; DROP SCHEMA IF EXISTS device_login CASCADE");
        self.0.lock().expect("no thread panics with it").push(database);
    }
}

/// Records in one place, and the command.
struct Case<'a> {
    one: Move,
    name: String,
    provider: &'a Rotating,
    home: Home,
    database: Database<'static>,
    wire: Proxy,
    /// Of the database, through the wire.
    url: String,
    act: Act,
}

impl<'a> Case<'a> {
    fn new(one: Move, provider: &'a Rotating, database: Database<'static>, name: &str) -> Self {
        let server = Postgres::shared();
        let (home, wire) = (Home::in_memory(), Proxy::to_socket(&server.socket()));
        let work = configuration(provider.origin());
        let other = work.replace("[profiles.work]", "[profiles.other]");
        let other = &other[..other.find("[providers").expect("the profile comes first")];
        home.configure(&format!("{NO_COPIES}{other}\n{work}"));
        let files = StoreAddress::File(home.path("state"));
        let store = |address: &StoreAddress| -> Store { open(address, key_options(&home)) };
        let direct = StoreAddress::parse(&database.url()).expect("an address");
        let from = store(if one == Move::ToDatabase { &files } else { &direct });
        for profile in PROFILES {
            let sign_in = || {
                sign_in_into(&from, profile, provider.origin(), |grant| {
                    provider.grant(&format!("{name}-{profile}"), grant);
                });
            };
            // With a record before it.
            sign_in();
            sign_in();
        }
        let url = url(database.name(), &[wire.directory()], server.port());
        let state = format!("file:{}", home.path("state").display());
        let act = match one {
            Move::Rekey => Act::new(&["--store", &url, "store", "rekey"]),
            Move::ToDatabase => Act::new(&["store", "copy", &url]),
            Move::ToFiles => Act::new(&["--store", &url, "store", "copy", &state]),
        };
        Self { one, name: name.to_owned(), provider, home, database, wire, url, act }
    }

    /// Runs the command with this happening to it; whether it happened.
    fn suffers(&self, harm: &Harm) -> (bool, Ran) {
        let (message, what) = match harm {
            Harm::Call(fault) => return strike(&self.home, &self.act, fault),
            Harm::Message(message, what) => (At::Message(*message), *what),
        };
        let start = || self.home.spawn(&self.act.arguments());
        let suffered = match what {
            Break::Ends(fault) => {
                self.wire.set(message, fault);
                let ran = ran(start());
                (self.wire.has_happened(), ran)
            }
            Break::Dies { arrives } => {
                self.wire.set(message, Fault::Silent);
                let mut process = start();
                let is_there = self.wire.wait(|| process.try_wait().expect("it is a child").is_some());
                (is_there, self.killed(process, arrives))
            }
        };
        self.wire.open();
        suffered
    }

    fn killed(&self, process: Child, arrives: bool) -> Ran {
        kill(process);
        if !arrives {
            self.wire.now(Fault::Cut);
        }
        Ran { code: -1, stdout: String::new(), stderr: "killed".to_owned() }
    }

    fn in_database(&self, arguments: &[&str]) -> Ran {
        self.home.run(&[&["--store", &self.url], arguments].concat())
    }

    /// Everything opens, one place refreshes, and the same command ends it.
    fn is_well(&self) -> Result<(), String> {
        // As it is after three minutes; whoever is of the same home need not wait.
        end_leases(&self.database);
        if self.one == Move::Rekey { self.is_sealed_anew() } else { self.is_in_one_place() }
    }

    fn is_sealed_anew(&self) -> Result<(), String> {
        let has_token = |number: usize| {
            PROFILES.into_iter().try_for_each(|profile| {
                let token = format!("sentinel-access-{}-{profile}-{number}\n", self.name);
                let said = self.in_database(&["token", profile]);
                expect(said.code == 0 && said.stdout == token, "does not open", &said)
            })
        };
        has_token(0)?;
        let checked = self.in_database(&["store", "check"]);
        expect(checked.code == 0, "is damaged", &checked)?;
        for profile in PROFILES {
            let refreshed = self.in_database(&["refresh", profile]);
            expect(refreshed.code == 0, "cannot be written", &refreshed)?;
        }
        let again = self.home.run(&self.act.arguments());
        let keys = fs::read_to_string(self.home.path("key")).unwrap_or_default().lines().count();
        let in_use = self.database.sql("SELECT count(DISTINCT key_id) FROM device_login.records");
        expect(again.code == 0 && keys == 1 && in_use == "1", "does not end", &(keys, in_use, again))?;
        has_token(1)
    }

    fn is_in_one_place(&self) -> Result<(), String> {
        let refreshed = |profile: &str| {
            // The one that is asked first must not change what the other one says.
            let [database, files] = [&["--store", &*self.url, "refresh", profile][..], &["refresh", profile]];
            let is_to_files = self.one == Move::ToFiles;
            let order = if is_to_files { [database, files] } else { [files, database] };
            order.map(|arguments| self.home.run(arguments))
        };
        for profile in PROFILES {
            let both = refreshed(profile);
            let refreshing = both.iter().filter(|ran| ran.code == 0).count();
            expect(refreshing == 1, "is not refreshed in one place", &both)?;
        }
        let again = self.home.run(&self.act.arguments());
        expect(again.code == 0, "does not end", &again)?;
        for profile in PROFILES {
            let both = refreshed(profile);
            expect((both[0].code, both[1].code) == (9, 0), "is not there in the end", &both)?;
        }
        let twice =
            PROFILES.map(|profile| self.provider.counts_of(&format!("{}-{profile}", self.name)).presented_twice);
        expect(twice == [0, 0], "was presented twice", &twice)
    }
}

fn expect(holds: bool, what: &str, context: &impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what}: {context:?}")) }
}
