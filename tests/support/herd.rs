//! Many processes that want one token at once, at a provider that takes each refresh token once.

use std::fs::{self, OpenOptions};
use std::process::{Child, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use device_login::clock;
use device_login::profile::ProfileName;
use device_login::storage::{LastRefresh, Store, StoreError};
use rustix::process::{Pid, Signal, kill_process};

use super::program::{Home, configuration, ended, ran};
use super::rotating::{Counts, Rotating};

const PATIENCE: Duration = Duration::from_secs(20);
/// So many are there before others come.
const EARLY: usize = 8;

/// What came of a herd's rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) processes: usize,
    pub(crate) refreshes: usize,
    pub(crate) answered: usize,
    /// Ended otherwise than by the test, though the sign-in was good.
    pub(crate) failed: usize,
    pub(crate) killed: usize,
    /// Sign-ins that ended since their holder was killed between the request and the kept answer.
    pub(crate) killed_between: usize,
    pub(crate) presented_twice: usize,
}

/// Homes of one kind, in rounds.
pub(crate) struct Herd {
    pub(crate) provider: Rotating,
    pub(crate) home: Home,
    grants: usize,
}

impl Herd {
    /// Signs in where the token has ended already.
    pub(crate) fn new(home: Home, delay: Duration) -> Self {
        let provider = Rotating::start(delay);
        home.configure(&configuration(provider.origin()));
        let mut herd = Self { provider, home, grants: 0 };
        herd.sign_in();
        herd
    }

    fn name(&self) -> String {
        format!("grant{}", self.grants)
    }

    fn sign_in(&mut self) {
        self.grants += 1;
        let name = self.name();
        self.home.sign_in_at(self.provider.origin(), |grant| {
            self.provider.grant(&name, grant);
            ended(grant);
            grant.last_refresh = Some(LastRefresh { rotates: true, ..LastRefresh::new(grant.approved_at, None) });
        });
    }

    fn store(&self) -> Store {
        self.home.store()
    }

    fn end_token(&self) {
        let name: ProfileName = "work".parse().expect("a name");
        let kept = self.store().holding(&name, Duration::from_secs(30), |held| {
            let mut record = held.load()?.expect("it is signed in");
            ended(record.grant.as_mut().expect("it is signed in"));
            held.commit(&mut record)
        });
        kept.unwrap_or_else(|error: StoreError| panic!("{error}"));
    }

    /// Starts so many. What they complain of goes into one file, since a process has few descriptors.
    fn start(&self, processes: usize) -> Vec<Child> {
        let complaints = OpenOptions::new().append(true).create(true).open(self.home.path("complaints"));
        let complaints = complaints.expect("the home can be written");
        let spawn = |_| {
            let mut command = self.home.command(&["token"]);
            command.stderr(Stdio::from(complaints.try_clone().expect("a descriptor")));
            command.spawn().expect("the program starts")
        };
        (0..processes).map(spawn).collect()
    }

    /// Lets the token end `rounds` times, each time with so many processes that want one. Of the processes that hold the
    /// profile in a round, the first `kills` are killed.
    pub(crate) fn run(&mut self, processes: usize, rounds: usize, kills: usize) -> Tally {
        let before = self.provider.counts();
        let mut tally = Tally { processes: processes * rounds, ..Tally::default() };
        for round in 0..rounds {
            self.end_token();
            self.home.write("complaints", "");
            // Whoever comes early holds the profile, while others come.
            let early = if kills > 0 { processes.min(EARLY) } else { 0 };
            let counts = self.provider.counts();
            let mut herd = self.start(early);
            // Not always at the same moment.
            let killed = self.kill_holders(&herd, &counts, kills, Duration::from_millis(round as u64 % 7));
            herd.extend(self.start(processes - early));
            tally.killed += killed.len();
            let own = |child: &Child| killed.contains(&child.id());
            let outcomes: Vec<_> = herd.into_iter().map(|child| (own(&child), ran(child))).collect();
            let counts = self.provider.counts_of(&self.name());
            if counts.ended > 0 {
                let told = fs::read_to_string(self.home.path("complaints")).expect("it was written");
                assert!(!killed.is_empty() && !told.contains("stolen"), "{told}");
                assert!(told.contains("the answer to a refresh got lost"), "{told}");
                tally.killed_between += 1;
                self.sign_in();
                continue;
            }
            let good = format!("sentinel-access-{}-{}\n", self.name(), counts.refreshes);
            for (was_killed, ran) in outcomes {
                if ran.code == 0 && ran.stdout == good {
                    tally.answered += 1;
                } else if !was_killed {
                    tally.failed += 1;
                }
            }
        }
        let after = self.provider.counts();
        tally.refreshes = after.refreshes - before.refreshes;
        tally.presented_twice = after.presented_twice - before.presented_twice;
        tally
    }

    /// The lock file names its holder. Once there is a new token, or none is to be had, nobody holds it for long.
    fn kill_holders(&self, herd: &[Child], before: &Counts, kills: usize, delay: Duration) -> Vec<u32> {
        let mut killed: Vec<u32> = Vec::new();
        let is_settled = || {
            let now = self.provider.counts();
            now.refreshes > before.refreshes || now.presented_twice > before.presented_twice
        };
        let started = clock::now();
        while killed.len() < kills && !is_settled() && started.until(clock::now()) < PATIENCE {
            let lock = fs::read_to_string(self.home.path("state/work.lock")).unwrap_or_default();
            let holder = lock.lines().next().and_then(|line| line.trim().parse::<u32>().ok());
            let child = herd.iter().find(|child| Some(child.id()) == holder && !killed.contains(&child.id()));
            pause(if child.is_some() { delay } else { Duration::from_millis(1) });
            if let Some(child) = child {
                // One that has ended meanwhile waits for its parent, so the number is nobody else's.
                kill_process(Pid::from_child(child), Signal::KILL).expect("it is our child");
                killed.push(child.id());
            }
        }
        killed
    }

    /// Stops the holder when its request is out, and tells how long each of `waiters` waited until it gave up. The holder
    /// then goes on, and keeps the answer.
    pub(crate) fn waits_behind_a_stopped_holder(&mut self, waiters: usize) -> Vec<Duration> {
        self.end_token();
        self.provider.count_anew();
        self.provider.hold(true);
        let holder = self.home.spawn(&["token"]);
        self.provider.wait_for(1);
        kill_process(Pid::from_child(&holder), Signal::STOP).expect("it is our child");
        let waited = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..waiters {
                scope.spawn(|| {
                    let started = clock::now();
                    let ran = self.home.run(&["token"]);
                    let took = started.until(clock::now());
                    assert!(ran.code != 0 && ran.stderr.contains(&format!("pid {}", holder.id())), "{ran:?}");
                    waited.lock().expect("no thread panics with it").push(took);
                });
            }
        });
        self.provider.hold(false);
        kill_process(Pid::from_child(&holder), Signal::CONT).expect("it is our child");
        let kept = ran(holder);
        assert_eq!((kept.code, self.provider.counts().asked), (0, 1), "{kept:?}");
        self.home.run(&["token"]).worked(&kept.stdout);
        waited.into_inner().expect("no thread panics with it")
    }
}

fn pause(time: Duration) {
    // Nobody notifies this one.
    let (alone, never) = (Mutex::new(()), Condvar::new());
    drop(never.wait_timeout_while(alone.lock().expect("it is ours alone"), time, |()| true));
}
