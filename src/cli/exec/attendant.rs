//! Stands beside a program until it ends: passes on signals, stops and goes on with it, and tells how it ended.

use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, wait, waitpid};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::emulate_default_handler;
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::super::runtime;
use crate::process::Process;
use crate::signals;

/// Signals that people and services send to programs. Their program hears of them, whatever they would do to this process.
const PASSED_ON: &[Signal] = &[
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::TERM,
    Signal::CONT,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::URG,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALARM,
    Signal::PROF,
    Signal::WINCH,
    Signal::IO,
    #[cfg(target_os = "linux")]
    Signal::POWER,
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    Signal::STKFLT,
];

/// Signals by which a program stops its whole job, such as an editor at Ctrl-Z.
const STOPPING: [Signal; 3] = [Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// Signals that have numbers and no names. The C library keeps the first ones of the kernel's for itself.
#[cfg(target_os = "linux")]
const REAL_TIME: std::ops::RangeInclusive<i32> = if cfg!(target_env = "gnu") { 34..=64 } else { 35..=64 };
#[cfg(not(target_os = "linux"))]
const REAL_TIME: std::ops::RangeInclusive<i32> = 1..=0;

/// Between two looks at a program of whose end no signal tells.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Receives signals from before the program starts.
pub(super) struct Attendant {
    signals: SignalsInfo<WithOrigin>,
    /// Whoever started this process left blocked what tells of the program's end.
    hears_no_end: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(u8),
    /// By a signal.
    Killed(u8),
    /// By the terminal's Ctrl-C, which this process got as well.
    Interrupted,
}

impl Ended {
    /// As a shell tells it. A shell that runs a script ends that where a program was interrupted by Ctrl-C, and only a
    /// program that dies of the signal tells it so.
    pub(super) fn code(self) -> u8 {
        match self {
            Ended::Exited(code) => code,
            Ended::Killed(signal) => 128_u8.saturating_add(signal),
            Ended::Interrupted => {
                // Does not come back, or else the exit code has to do. The first process of a container dies of no signal.
                if !is_init() {
                    let _ = emulate_default_handler(Signal::INT.as_raw());
                }
                130
            }
        }
    }
}

impl Attendant {
    /// What is ignored stays ignored, for the program as well.
    pub(super) fn begin() -> io::Result<Self> {
        let wanted: Vec<i32> = PASSED_ON.iter().map(|signal| signal.as_raw()).chain(REAL_TIME).collect();
        let mut heard = signals::heard(&wanted);
        // Told last, so that whatever came before the program's end is known by then.
        heard.push(Signal::CHILD.as_raw());
        Ok(Self { signals: SignalsInfo::new(heard)?, hears_no_end: signals::is_blocked(Signal::CHILD.as_raw()) })
    }

    /// Waits for the program's end. `rest` is called before this process stops with it. While there is what `alone` gives, this
    /// process starts no other program.
    pub(super) fn attend<A>(
        mut self,
        child: &mut Child,
        rest: impl Fn(),
        alone: impl Fn() -> Option<A>,
    ) -> io::Result<Ended> {
        let pid = Pid::from_child(child);
        close_streams();
        let mut is_interrupted = false;
        loop {
            let arrived = if self.hears_no_end {
                wait_a_little();
                self.signals.pending()
            } else {
                self.signals.wait()
            };
            let mut may_have_ended = self.hears_no_end;
            for origin in arrived {
                if origin.signal == Signal::CHILD.as_raw() {
                    may_have_ended = true;
                } else {
                    is_interrupted |= pass_on(&origin, pid);
                }
            }
            let seen = || {
                let alone = is_init().then(&alone).flatten();
                look_after(pid, alone.is_some())
            };
            while may_have_ended && let Some(status) = seen()? {
                match ended(status, is_interrupted) {
                    Some(ended) => return Ok(ended),
                    None => stop_with(pid, status, &rest),
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing tells of the end where its signal is blocked")]
fn wait_a_little() {
    thread::sleep(BETWEEN_LOOKS);
}

/// Whoever writes to the program's stdin or reads its stdout has to hear when the program closes them.
fn close_streams() {
    if let Ok(nothing) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nothing);
        let _ = rustix::stdio::dup2_stdout(&nothing);
    }
}

/// Sends the signal to the program, unless it has got it. Tells whether it was the terminal's Ctrl-C.
fn pass_on(origin: &Origin, child: Pid) -> bool {
    // A terminal sends its signals to the whole job.
    let group = |process: Option<Process>| process.map(|process| process.group);
    let has_got_it = || group(Process::of(child.as_raw_pid())) == group(Process::own());
    if is_from_kernel(origin) && has_got_it() {
        return origin.signal == Signal::INT.as_raw();
    }
    // So does a program that stops its job. Whatever else it sends to this process is for the program.
    let sender = || origin.process.as_ref().and_then(|process| Pid::from_raw(process.pid));
    let stops = STOPPING.iter().any(|signal| signal.as_raw() == origin.signal);
    if stops && sender().is_some_and(|sender| descends(sender, child)) {
        return false;
    }
    // It may have ended meanwhile, and is not gone before it was looked after.
    let _ = match Signal::from_named_raw(origin.signal) {
        Some(signal) => kill_process(child, signal).map_err(io::Error::from),
        None => send_by_shell(origin.signal, child),
    };
    false
}

/// Sends a signal that has no name, which the system's interface here does not take.
fn send_by_shell(signal: i32, process: Pid) -> io::Result<()> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -$0 $1", &signal.to_string(), &process.to_string()]).env_clear();
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().map(drop)
}

/// Whether this is the first process of a system or container, to which processes come that have lost theirs.
fn is_init() -> bool {
    getpid().is_init()
}

/// Whether a process is the program, or was started by it.
fn descends(process: Pid, program: Pid) -> bool {
    /// Generations that are looked at.
    const MOST: usize = 100;
    let ancestors = std::iter::successors(Some(process), |process| parent(*process));
    ancestors.take(MOST).any(|ancestor| ancestor == program)
}

fn parent(process: Pid) -> Option<Pid> {
    Pid::from_raw(Process::of(process.as_raw_pid())?.parent)
}

fn is_from_kernel(origin: &Origin) -> bool {
    // There the cause is not told, and whoever sends a signal is.
    let is_untold = cfg!(target_os = "macos") && origin.cause == Cause::Unknown && origin.process.is_none();
    origin.cause == Cause::Kernel || is_untold
}

/// What became of the program. With `orphans`, those that have ended are let go on the way.
fn look_after(child: Pid, orphans: bool) -> io::Result<Option<WaitStatus>> {
    let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
    loop {
        let seen = rustix::io::retry_on_intr(|| if orphans { wait(options) } else { waitpid(Some(child), options) })?;
        match seen {
            Some((process, _)) if process != child => {}
            seen => return Ok(seen.map(|(_, status)| status)),
        }
    }
}

fn ended(status: WaitStatus, is_interrupted: bool) -> Option<Ended> {
    let byte = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Ended::Exited(byte(code))),
        (None, Some(signal)) if is_interrupted && signal == Signal::INT.as_raw() => Some(Ended::Interrupted),
        (None, Some(signal)) => Some(Ended::Killed(byte(signal))),
        (None, None) => None,
    }
}

/// Stops as the program has, so that the shell takes the terminal back, and has it go on when this process does.
fn stop_with(child: Pid, status: WaitStatus, rest: &impl Fn()) {
    // One that is stopped by hand in the background is continued by hand.
    if status.stopping_signal() == Some(Signal::STOP.as_raw()) && !is_in_front(child) {
        return;
    }
    rest();
    if runtime::pause() {
        let _ = kill_process(child, Signal::CONT);
    }
}

/// Whether this process or the program has the terminal.
fn is_in_front(child: Pid) -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    let processes = [Process::own(), Process::of(child.as_raw_pid())];
    processes.into_iter().flatten().any(|process| process.is_in_front(&terminal) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::{Ended, descends};

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_program_starts_descends_from_it() {
        use rustix::process::{Pid, getpid, getppid};

        let own = getpid();
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("it starts");
        let pid = Pid::from_child(&child);
        assert!(descends(own, own) && descends(pid, own) && !descends(own, pid));
        assert!(getppid().is_none_or(|parent| descends(pid, parent) && !descends(parent, own)));
        drop(child.stdin.take());
        child.wait().expect("it ends");
        assert!(!descends(pid, own));
    }

    #[test]
    fn an_end_is_told_as_a_shell_tells_it() {
        for (ended, code) in [
            (Ended::Exited(0), 0),
            (Ended::Exited(7), 7),
            (Ended::Killed(15), 143),
            (Ended::Killed(2), 130),
            (Ended::Killed(200), 255),
        ] {
            assert_eq!(ended.code(), code, "{ended:?}");
        }
    }
}
