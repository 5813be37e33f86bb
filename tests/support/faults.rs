//! The real program under strace: every call that it makes on the files of its home, and what comes of it when one of them
//! fails, or is the last thing that the process does.
//!
//! strace tells calls apart by name, path and number, and counts each thread on its own. So a point is the n-th call of a
//! name on a path within one thread, wherever that is; what was struck is read from the log.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;

use super::program::{Home, Ran, ran};

const CALLS: &str = "openat,read,write,pread64,pwrite64,statx,newfstatat,getdents64,flock,fallocate,ftruncate,fsync,fdatasync,\
                     link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,fchmod,close";
const LOG: &str = "strace";
/// The program stops at the calls alone that strace is asked for, and is sent no signal there.
pub(crate) const FEW_STOPS: &str = "--seccomp-bpf";
/// Stands for the process in the names of files.
const PROCESS: &str = "$$";

/// A command and what it reads.
pub(crate) struct Act {
    arguments: Vec<String>,
    pub(crate) input: String,
}

impl Act {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), input: String::new() }
    }

    pub(crate) fn reading(self, input: String) -> Self {
        Self { input, ..self }
    }

    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }
}

/// The n-th call of this name on a path, within one thread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) call: String,
    /// Below the home; `None` where a name is different each time, so that the calls of all paths are counted.
    path: Option<String>,
    number: usize,
    /// It only reads, so that whatever it meets changes nothing on the disk.
    reads: bool,
}

impl Point {
    /// It is about one path, so that nothing but files meets what happens there.
    pub(crate) fn is_of_one_path(&self) -> bool {
        self.path.is_some()
    }

    /// The first call of this name on a path.
    pub(crate) fn first(call: &str, path: &str) -> Self {
        Self::nth(1, call, path)
    }

    pub(crate) fn nth(number: usize, call: &str, path: &str) -> Self {
        Self { call: call.to_owned(), path: Some(path.to_owned()), number, reads: false }
    }

    /// The n-th call of this name, whatever it is about.
    pub(crate) fn anywhere(number: usize, call: &str) -> Self {
        Self { call: call.to_owned(), path: None, number, reads: true }
    }

    /// It changes something.
    pub(crate) fn changes(&self) -> bool {
        !self.reads
    }
}

/// A point, and what happens there.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) point: Point,
    /// In strace's words; behind a colon, until when: `+` for good, `..2` for the second call of each thread.
    pub(crate) effect: String,
}

impl Fault {
    pub(crate) fn kills(&self) -> bool {
        self.effect.starts_with("signal")
    }
}

/// How much of a matrix is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// At each call that changes something: a kill, or one of the errors in turn.
    Part,
    /// At each call: a kill.
    Kills,
    /// At each call: a kill and every error, once and from then on.
    Whole,
    /// Of all these every so many-th, from this one on: first, of how many.
    Share(usize, usize),
}

/// How a call fails. Reading takes no room; `close` gives the descriptor back even where it fails, and nobody looks.
fn errors_of(point: &Point) -> &'static [&'static str] {
    match point.call.as_str() {
        "close" => &[],
        "openat" if point.reads => &["EIO", "EMFILE"],
        "openat" => &["ENOSPC", "EIO", "EDQUOT", "EMFILE"],
        "write" | "pwrite64" | "fallocate" | "ftruncate" => &["ENOSPC", "EIO", "EDQUOT", "EFBIG"],
        _ if point.reads => &["EIO"],
        _ => &["ENOSPC", "EIO", "EDQUOT"],
    }
}

/// Every call that `act` makes on the files of `home`, each once.
pub(crate) fn points(home: &Home, act: &Act) -> Vec<Point> {
    let done = run(home, act, None);
    // 8: a sign-in is pending.
    assert!(matches!(done.code, 0 | 8), "{done:?}");
    let log = fs::read_to_string(home.path(LOG)).expect("this test needs strace (Debian: apt install strace)");
    let directory = home.path("").canonicalize().expect("the home is there").display().to_string();
    let mut counts: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    let mut all_counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut points = Vec::new();
    // The process of a log is the one that made the first call in it.
    let process = log.split(' ').next().unwrap_or_default();
    for line in log.lines() {
        let Some((thread, call, rest)) = parts(line) else { continue };
        let number = all_counts.entry((thread, call)).or_default();
        *number += 1;
        let paths = paths(rest, &directory, process);
        for path in &paths {
            *counts.entry((thread, call, path.clone())).or_default() += 1;
        }
        let Some(path) = paths.into_iter().next() else { continue };
        let reads = reads(call, rest);
        points.push(if is_random(&path) {
            Point { call: call.to_owned(), path: None, number: *number, reads }
        } else {
            let number = counts[&(thread, call, path.clone())];
            Point { call: call.to_owned(), path: Some(path), number, reads }
        });
    }
    points.sort();
    points.dedup();
    points
}

/// The faults of each point.
pub(crate) fn faults(points: &[Point], extent: Extent) -> Vec<Fault> {
    let fault = |point: &Point, effect: String| Fault { point: point.clone(), effect };
    let error = |name: &&str| format!("error={name}");
    if extent == Extent::Part {
        let points = points.iter().filter(|point| !point.reads).enumerate();
        return points
            .map(|(number, point)| match errors_of(point) {
                errors if !errors.is_empty() && number % 3 != 0 => {
                    fault(point, error(&errors[number / 3 % errors.len()]))
                }
                _ => fault(point, "signal=KILL".to_owned()),
            })
            .collect();
    }
    if extent == Extent::Kills {
        return points.iter().map(|point| fault(point, "signal=KILL".to_owned())).collect();
    }
    let mut faults = Vec::new();
    for point in points {
        let errors = errors_of(point).iter().map(error);
        faults.extend(errors.chain(["signal=KILL".to_owned()]).map(|effect| fault(point, effect)));
        // Of all paths at once it would meet more than files.
        if !errors_of(point).is_empty() && point.path.is_some() {
            faults.push(fault(point, "error=EIO:+".to_owned()));
        }
    }
    let (first, of) = if let Extent::Share(first, of) = extent { (first, of) } else { (0, 1) };
    faults.into_iter().skip(first).step_by(of).collect()
}

/// Runs `act` with a fault. Whether that happened, and how the program ended.
pub(crate) fn strike(home: &Home, act: &Act, fault: &Fault) -> (bool, Ran) {
    let ran = run(home, act, Some(fault));
    let log = fs::read_to_string(home.path(LOG)).unwrap_or_default();
    // A call that is the last one of its process is not always written down.
    (log.contains("INJECTED") || fault.kills() && ran.code == -Signal::KILL.as_raw(), ran)
}

/// Whether a fault that counts the calls on all paths has met something else than a file of the home, as other threads make them.
pub(crate) fn has_missed(home: &Home, fault: &Fault) -> bool {
    let directory = home.path("").canonicalize().expect("the home is there").display().to_string();
    let log = fs::read_to_string(home.path(LOG)).unwrap_or_default();
    let elsewhere = |line: &str| line.contains("INJECTED") && !line.contains(&directory);
    fault.point.path.is_none() && log.lines().any(elsewhere)
}

/// Runs each on two threads.
pub(crate) fn each<T: Sync>(all: &[T], run: impl Fn(usize, &T) + Sync) {
    each_on(2, all, run);
}

/// Runs each on so many threads.
pub(crate) fn each_on<T: Sync>(threads: usize, all: &[T], run: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(one) = all.get(number)
                {
                    run(number, one);
                }
            });
        }
    });
}

/// What went wrong, gathered over threads.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Vec<String>>);

impl Failures {
    pub(crate) fn add(&self, failure: String) {
        self.0.lock().expect("no thread panics with it").push(failure);
    }

    #[track_caller]
    pub(crate) fn none(self, of: usize) {
        let failures = self.0.into_inner().expect("no thread panics with it");
        assert!(failures.is_empty(), "{} of {of}:\n{}", failures.len(), failures.join("\n"));
    }
}

/// The tracer stands beside, so that the program has the process that names its files. It hears of as few calls as it has to.
fn run(home: &Home, act: &Act, fault: Option<&Fault>) -> Ran {
    let directory = home.path("").canonicalize().expect("the home is there");
    let what = fault.map_or_else(
        || format!("{FEW_STOPS} -e trace={CALLS}"),
        |fault @ Fault { point: Point { call, path, number, .. }, effect }| {
            let few_stops = if fault.kills() { "" } else { FEW_STOPS };
            let (effect, and_on) = effect.split_once(':').unwrap_or((effect, ""));
            let only = path.as_ref().map_or_else(String::new, |path| {
                // Without a slash at its end, as strace sees it.
                format!("-P \"{}\"", directory.join(path).components().collect::<PathBuf>().display())
            });
            format!("{few_stops} {only} -e trace={call} -e inject={call}:{effect}:when={number}{and_on}")
        },
    );
    let log = directory.join(LOG);
    let line = format!("exec strace -D -f -y -o '{}' {what} \"$0\" \"$@\"", log.display());
    let program = home.command(&act.arguments());
    let mut command = Command::new("sh");
    command.args(["-c", &line]).arg(program.get_program()).args(program.get_args());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("DEVICE_LOGIN_HOME", &directory).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A process that was killed early reads nothing.
    let _ = writeln!(stdin, "{}", act.input);
    drop(stdin);
    ran(child)
}

/// Thread, call, and what follows.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, call) = line.split_once(' ')?;
    let (call, rest) = call.trim_start().split_once('(')?;
    call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((thread, call, rest))
}

/// What of the home a call is about, in order.
fn paths(rest: &str, directory: &str, process: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for part in rest.split(['"', '<', '>']) {
        let Some(path) = Path::new(part).strip_prefix(directory).ok().and_then(Path::to_str) else { continue };
        let path = ["-", "."].iter().fold(path.to_owned(), |path, after| {
            path.replace(&format!(".{process}{after}"), &format!(".{PROCESS}{after}"))
        });
        // What has no name any more cannot be told by one.
        if path != LOG && !rest.contains("(deleted)") && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Sixteen hexadecimal digits before the ending.
fn is_random(path: &str) -> bool {
    let unique = path.strip_suffix(".new").and_then(|path| path.rsplit('.').next());
    unique.is_some_and(|unique| unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn reads(call: &str, rest: &str) -> bool {
    match call {
        "openat" => !rest.contains("O_CREAT"),
        "read" | "pread64" | "statx" | "newfstatat" | "getdents64" | "flock" | "close" => true,
        _ => false,
    }
}
