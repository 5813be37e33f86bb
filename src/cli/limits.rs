//! The limits that the system sets: what a command needs below them, and how one is raised that it has met.

use std::io;
use std::sync::Mutex;
use std::thread;

use crate::error::{Code, Error};
use crate::files;

/// So many threads a command needs at once, beside its own: one for what waits for disks, and those that read a terminal.
const THREADS: usize = 3;
/// So much memory a command needs, in bytes: the stacks of those threads, and what becomes of the largest answer.
#[cfg(target_os = "linux")]
const MEMORY: u64 = THREADS as u64 * (2 << 20) + (16 << 20);
/// So large a stack it needs, in bytes.
#[cfg(target_os = "linux")]
const STACK: u64 = 512 << 10;
/// So many descriptors a command needs at once, beside those that it has.
#[cfg(unix)]
const DESCRIPTORS: usize = 24;

const NOT_STARTED: &str = "the program could not start";

/// What the system did not give at the start.
pub(super) fn not_started(error: &io::Error) -> Error {
    refused(NOT_STARTED, error)
}

/// The same of a thread.
pub(super) fn no_thread(error: &io::Error) -> Error {
    missing("no thread can be made", error)
}

fn missing(what: &str, error: &io::Error) -> Error {
    not_started(error).because(format!("{what}: {error}"))
}

/// What the system did not give, with the limit to raise where it has met one.
pub(super) fn refused(what: impl Into<String>, why: &io::Error) -> Error {
    let error = Error::new(Code::Other, what).because(why);
    match met_limit(why) {
        Some(limit) => error.advise(limit),
        None => error,
    }
}

/// How a limit is raised that made the system say so.
pub(super) fn met_limit(error: &io::Error) -> Option<String> {
    let limit = match error.kind() {
        _ if files::is_out_of_descriptors(error) => "`ulimit -n`, `LimitNOFILE`",
        // Of a thread or a process.
        io::ErrorKind::WouldBlock => "`ulimit -u`, `TasksMax`, `pids.max`",
        io::ErrorKind::FileTooLarge => "`ulimit -f`, `LimitFSIZE`",
        _ => return None,
    };
    Some(format!("raise the limit of this user, service or container ({limit})"))
}

/// Sees that the system gives the memory, threads and descriptors that a command needs: what is made of them does not expect to be
/// refused, and an answer that comes once would be lost with it.
pub(super) fn check() -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    check_memory()?;
    let idle = Mutex::new(());
    thread::scope(|scope| {
        let held = idle.lock();
        let thread = |_| thread::Builder::new().spawn_scoped(scope, || drop(idle.lock()));
        let threads: io::Result<Vec<_>> = (0..THREADS).map(thread).collect();
        drop(held);
        threads.map(drop)
    })
    .map_err(|error| no_thread(&error))?;
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;

        let descriptors: io::Result<Vec<_>> = {
            let stderr = io::stderr();
            (0..DESCRIPTORS).map(|_| stderr.as_fd().try_clone_to_owned()).collect()
        };
        descriptors.map_err(|error| missing("no more files can be opened", &error))?;
    }
    Ok(())
}

/// Sees that there is memory, where it is limited: what cannot have any aborts. What is in use already is told by proc(5).
#[cfg(target_os = "linux")]
fn check_memory() -> Result<(), Error> {
    use rustix::process::{Resource, getrlimit};

    let status = std::cell::LazyCell::new(|| std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    let used = |name: &str| {
        let kib = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map_or(0, |kib: u64| kib << 10)
    };
    for (resource, what, in_use, needed, raised_by) in [
        (Resource::As, "address space", Some("VmSize:"), MEMORY, "`ulimit -v`, `LimitAS`"),
        (Resource::Data, "memory", Some("VmData:"), MEMORY, "`ulimit -d`, `LimitDATA`"),
        (Resource::Stack, "stack", None, STACK, "`ulimit -s`, `LimitSTACK`"),
    ] {
        // None is said to be 0 where the system does not tell: what has such a limit never started.
        let Some(limit) = getrlimit(resource).current.filter(|limit| *limit > 0) else { continue };
        let needed = needed + in_use.map_or(0, used);
        if limit < needed {
            let cause = format!("its {what} is limited to {} KiB, and {} KiB are needed", limit >> 10, needed >> 10);
            let helps = format!("raise the limit of this user, service or container ({raised_by})");
            return Err(Error::new(Code::Other, NOT_STARTED).because(cause).advise(helps));
        }
    }
    Ok(())
}
