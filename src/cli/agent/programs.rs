//! `--on-event`: programs that hear of events, each event as JSON on stdin. No shell, no arguments, no secrets.
//!
//! What a program does is its own affair: whether it reads, hangs, forks or prints without an end, the agent goes on. No more
//! than one runs at a time for a profile, and no more than [`MOST_AT_ONCE`] for all. An event that comes meanwhile waits, and
//! goes when a newer one of its profile and kind comes: so few wait, and none that happened together with another is lost.

mod said;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use self::said::Said;
use super::log::{Entry, Level, Log};
use crate::aside::aside;
use crate::config::Config;
use crate::mutex::locked;
use crate::profile::ProfileName;
use crate::service::agent::Event;
use crate::{child, clock};

/// Programs, over all profiles.
const MOST_AT_ONCE: usize = 16;
/// How long a program may run until it is asked to end, and then until it is ended.
const TIME: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(5);
/// The same where the agent itself ends.
const LAST_GRACE: Duration = Duration::from_secs(1);
/// How often it is looked whether all that a program started has ended, once it was asked to.
const PACE: Duration = Duration::from_millis(20);
/// How long a program that has ended may leave its stderr open to others that it started.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What systemd says to this process and no other, beside what no child inherits.
const NOT_INHERITED: [&str; 4] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"];

/// The programs of `--on-event`.
#[derive(Clone)]
pub(super) struct Programs(Arc<Shared>);

struct Shared {
    programs: Vec<PathBuf>,
    log: Log,
    /// Says which variables hold secrets.
    config: Mutex<Arc<Config>>,
    /// The events that wait, the oldest first and one of a kind, of each profile for which programs run.
    waiting: Mutex<BTreeMap<ProfileName, VecDeque<Event>>>,
    permits: Semaphore,
    stopping: watch::Sender<bool>,
}

impl Programs {
    pub(super) fn new(programs: Vec<PathBuf>, config: Arc<Config>, log: Log) -> Self {
        let (config, waiting) = (Mutex::new(config), Mutex::default());
        let (permits, stopping) = (Semaphore::new(MOST_AT_ONCE), watch::Sender::new(false));
        Self(Arc::new(Shared { programs, log, config, waiting, permits, stopping }))
    }

    /// From here on, the configuration is this one.
    pub(super) fn configure(&self, config: Arc<Config>) {
        *locked(&self.0.config) = config;
    }

    /// Has each program hear of an event, as soon as none runs for its profile.
    pub(super) fn hear(&self, event: &Event) {
        let Some(profile) = event.profile.clone().filter(|_| !self.0.programs.is_empty()) else { return };
        if let Some(waits) = self.0.waiting().get_mut(&profile) {
            waits.retain(|older| older.happening != event.happening);
            waits.push_back(event.clone());
            return;
        }
        self.0.waiting().insert(profile.clone(), VecDeque::from([event.clone()]));
        tokio::spawn(self.0.clone().serve(profile));
    }

    /// Begins nothing more, and ends what runs.
    pub(super) async fn stop(&self) {
        self.0.stopping.send_replace(true);
        // Whoever runs a program holds a permit. One that not even a kill ends is left behind.
        let all = u32::try_from(MOST_AT_ONCE).unwrap_or(u32::MAX);
        let _ = timeout(2 * LAST_GRACE, self.0.permits.acquire_many(all)).await;
        self.0.permits.close();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<ProfileName, VecDeque<Event>>> {
        locked(&self.waiting)
    }

    /// Runs the programs for one profile, until no event of it waits.
    async fn serve(self: Arc<Self>, profile: ProfileName) {
        while let Ok(_permit) = self.permits.acquire().await {
            let Some(event) = self.next(&profile) else { return };
            for program in &self.programs {
                if *self.stopping.borrow() {
                    return;
                }
                self.run(program, &profile, &event).await;
            }
        }
    }

    fn next(&self, profile: &ProfileName) -> Option<Event> {
        let mut waiting = self.waiting();
        let next = waiting.get_mut(profile).and_then(VecDeque::pop_front);
        if next.is_none() {
            waiting.remove(profile);
        }
        next
    }

    async fn run(&self, program: &Path, profile: &ProfileName, event: &Event) {
        let child = match self.start(program).await {
            Ok(child) => child,
            Err(error) => {
                let message = format!("`{}` cannot be run: {error}", program.display());
                return self.tell(Level::Warning, "program_failed", message, profile);
            }
        };
        let event = Entry::for_programs(event, &self.log.program);
        match self.attend(child, event, program, profile).await {
            Ok(status) if status.success() => {}
            Ok(status) => {
                let message = format!("`{}` ended with {}", program.display(), in_words(status));
                self.tell(Level::Warning, "program_failed", message, profile);
            }
            Err(error) => {
                let message = format!("how `{}` ended is not known: {error}", program.display());
                self.tell(Level::Warning, "program_failed", message, profile);
            }
        }
    }

    /// Starts a program on a thread of its own, since it may lie on a disk that does not answer.
    async fn start(&self, program: &Path) -> io::Result<Child> {
        let mut command = child::command(program, &locked(&self.config));
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        // What it starts belongs to it, and ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut command = Command::from(command);
        // An agent that a second signal ends at once leaves nobody who counts the seconds.
        command.kill_on_drop(true);
        aside(move || command.spawn()).await
    }

    /// Hands the event to a program, hears what it says, and sees that it ends.
    async fn attend(
        &self,
        mut child: Child,
        event: Vec<u8>,
        program: &Path,
        profile: &ProfileName,
    ) -> io::Result<ExitStatus> {
        let group = child.id();
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let speaker = |line: String| {
            let message = format!("`{}` says: {line}", program.display());
            self.tell(Level::Info, "program_said", message, profile);
        };
        let mut conversation = Box::pin(async {
            tokio::join!(feed(stdin, &event), listen(stderr, &speaker));
        });
        let ending = async {
            let grace = tokio::select! {
                ended = child.wait() => return ended,
                () = sleep(TIME) => GRACE,
                () = self.stopped() => LAST_GRACE,
            };
            let message = match grace {
                GRACE => format!("`{}` is ended, since it has run for {} s", program.display(), TIME.as_secs()),
                _ => format!("`{}` is ended, since the agent ends", program.display()),
            };
            self.tell(Level::Warning, "program_ended", message, profile);
            signal_group(group, &mut child, Ending::Asked);
            // What it started has as long, though it may have ended at once itself.
            let all_ended = async {
                let _ = child.wait().await;
                while is_group_there(group) {
                    sleep(PACE).await;
                }
            };
            let _ = timeout(grace, all_ended).await;
            signal_group(group, &mut child, Ending::Forced);
            child.wait().await
        };
        let mut ending = std::pin::pin!(ending);
        let ended = tokio::select! {
            ended = &mut ending => ended,
            () = &mut conversation => return ending.await,
        };
        // Something that it started may keep the pipe for ever.
        let _ = timeout(LAST_WORDS, conversation).await;
        ended
    }

    async fn stopped(&self) {
        // The sender is a part of this.
        let _ = self.stopping.subscribe().wait_for(|is_stopping| *is_stopping).await;
    }

    fn tell(&self, level: Level, event: &'static str, message: String, profile: &ProfileName) {
        self.log.write(&Entry::new(level, event, message, clock::wall()).of(profile));
    }
}

/// Writes the event; whoever does not read it does not need it.
async fn feed(stdin: Option<ChildStdin>, event: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(event).await;
        let _ = stdin.write_all(b"\n").await;
    }
}

/// Reads to the end, however much it is, so that no program stands still for want of a reader.
async fn listen(stderr: Option<ChildStderr>, speaker: &impl Fn(String)) {
    let Some(mut stderr) = stderr else { return };
    let mut said = Said::default();
    let mut piece = vec![0; 8 * 1024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        said.push(&piece[..length], speaker);
    }
    said.finish(speaker);
}

fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| "an unknown code".to_owned(), |code| format!("exit code {code}"))
}

#[derive(Clone, Copy)]
enum Ending {
    Asked,
    Forced,
}

#[cfg(unix)]
fn process_group(group: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(group).ok()?)
}

#[cfg(unix)]
fn is_group_there(group: Option<u32>) -> bool {
    group.and_then(process_group).is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
}

/// Nobody can tell here.
#[cfg(not(unix))]
fn is_group_there(_: Option<u32>) -> bool {
    false
}

/// Ends a program with all that it started.
#[cfg(unix)]
fn signal_group(group: Option<u32>, _: &mut Child, ending: Ending) {
    use rustix::process::{Signal, kill_process_group};

    let signal = match ending {
        Ending::Asked => Signal::TERM,
        Ending::Forced => Signal::KILL,
    };
    // Nobody may be left to hear it.
    let _ = group.and_then(process_group).map(|group| kill_process_group(group, signal));
}

/// There is no way to ask here.
#[cfg(not(unix))]
fn signal_group(_: Option<u32>, child: &mut Child, _: Ending) {
    let _ = child.start_kill();
}

#[cfg(all(test, unix))]
mod tests;
