//! The other process: this test program, started again in a role that an environment variable names.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use device_login::storage::{Attempt, Held, KeyOptions, Store, StoreAddress, StoreError, open, open_with_spare};

use super::{Home, PATIENCE, commit, load, profile, record, try_commit};

const ROLE: &str = "STORE_TEST_ROLE";
const HOME: &str = "STORE_TEST_HOME";

/// Files that do not exist. A role asks for them to mark its part in the system calls of the whole program.
pub(crate) const BEGIN: &str = "/store-test-begin";
pub(crate) const END: &str = "/store-test-end";

/// How often a process of the role `increment` does so.
pub(crate) const INCREMENTS: usize = 16;

/// The arguments that make this test program play a role.
pub(crate) const ARGUMENTS: [&str; 4] = ["--exact", "storage::child::entry", "--nocapture", "--test-threads=1"];

/// `role` on `home`, to be started by `launcher`, which gets this program and its arguments last.
pub(crate) fn command(launcher: &[&str], role: &str, home: &Home) -> Command {
    let program = env::current_exe().unwrap();
    let mut command = match launcher {
        [] => Command::new(program),
        [launcher, arguments @ ..] => {
            let mut command = Command::new(launcher);
            command.args(arguments).arg(program);
            command
        }
    };
    command.args(ARGUMENTS).env(ROLE, role).env(HOME, home.directory.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// A running role, and what it says.
pub(crate) struct Running {
    pub(crate) process: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(role: &str, home: &Home) -> Self {
        let mut process = command(&[], role, home).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// Waits for the next line that begins with `word` and returns the rest of it.
    pub(crate) fn wait_for(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the process ended without `{word}`");
            // The test harness begins a line of its own before the role speaks.
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Kills it and returns the rest of what it said.
    pub(crate) fn kill(&mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// Plays the role that the environment names; an ordinary run of the tests names none.
#[test]
fn entry() {
    let Some(role) = env::var_os(ROLE) else { return };
    let home = PathBuf::from(env::var_os(HOME).unwrap());
    let store = open(
        &StoreAddress::File(home.join("state")),
        KeyOptions { default_key_file: home.join("config/key"), ..KeyOptions::default() },
    );
    match role.to_str().unwrap() {
        "increment" => (0..INCREMENTS).for_each(|_| increment(&store)),
        "hold" => hold(&store),
        "load" => {
            mark(BEGIN);
            let loaded = load(&store);
            mark(END);
            say(&format!("loaded {}", loaded.unwrap().unwrap().client_id));
        }
        "commit" => {
            get_ahead_of_other_threads();
            mark(BEGIN);
            let committed = reserve_and_commit(&store);
            mark(END);
            say(&committed.map_or_else(|error| format!("failed {error}"), |()| "committed new".to_owned()));
        }
        "keep" => {
            get_ahead_of_other_threads();
            let spare = Some(home.join("spare"));
            let keys = KeyOptions { default_key_file: home.join("config/key"), ..KeyOptions::default() };
            let store = open_with_spare(&StoreAddress::File(home.join("state")), keys, spare);
            let kept = claim(&store).and_then(|mut locked| {
                mark(BEGIN);
                locked.commit(&mut record("new"))
            });
            mark(END);
            say(&kept.map_or_else(|error| format!("failed {error}"), |()| "committed new".to_owned()));
        }
        "commit-forever" => loop {
            say(&format!("committed {}", commit(&store, "new").generation));
        },
        "commit-once" => {
            let committed = try_commit(&store, "new");
            say(&committed.map_or_else(|error| format!("failed {error}"), |_| "committed new".to_owned()));
        }
        other => panic!("no such role: {other}"),
    }
}

fn increment(store: &Store) {
    let mut locked = store.hold(&profile("work"), PATIENCE).unwrap();
    let mut record = locked.load().unwrap().unwrap();
    record.client_id = (record.client_id.parse::<usize>().unwrap() + 1).to_string();
    locked.reserve().unwrap();
    locked.commit(&mut record).unwrap();
}

fn reserve_and_commit(store: &Store) -> Result<(), device_login::storage::StoreError> {
    let mut locked = store.hold(&profile("work"), PATIENCE)?;
    locked.load()?;
    locked.reserve()?;
    locked.commit(&mut record("new"))
}

/// Gets as far as a refresh is when its request goes out.
fn claim(store: &Store) -> Result<Held, StoreError> {
    let mut locked = store.hold(&profile("work"), PATIENCE)?;
    let generation = locked.load()?.map_or(0, |record| record.generation);
    locked.claim(Attempt::new(generation, jiff::Timestamp::UNIX_EPOCH))?;
    Ok(locked)
}

fn hold(store: &Store) {
    let _locked = store.hold(&profile("work"), PATIENCE).unwrap();
    say("locked");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// strace counts the calls of each thread on its own. After this, no other thread of the test harness has made as many of
/// any kind as this one, so that a fault meets the commit and nothing else.
fn get_ahead_of_other_threads() {
    for _ in 0..40 {
        let mut nothing = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
        nothing.metadata().unwrap();
        nothing.write_all(b"-").unwrap();
        nothing.read_to_end(&mut Vec::new()).unwrap();
    }
}

fn mark(place: &str) {
    assert!(std::fs::File::open(Path::new(place)).is_err());
}

fn say(line: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "{line}").unwrap();
    output.flush().unwrap();
}
