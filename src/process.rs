//! What the system tells of a process: whether it is stopped, and by whom it could be continued.

/// A process, as the system knows it now. A group or session that began outside of the container is 0 in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// By Ctrl-Z for one: it holds what it holds until somebody continues or ends it.
    pub(crate) is_stopped: bool,
    /// 0 where nobody in the container has started it.
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
}

impl Process {
    /// This process.
    pub(crate) fn own() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    /// `None` where it has ended, or the system does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Self::shown(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    pub(crate) fn of(pid: i32) -> Option<Self> {
        use rustix::process::{Pid, getpgid, getpid, getppid, getsid};

        let pid = Pid::from_raw(pid)?;
        let parent = getppid().filter(|_| pid == getpid());
        let (group, session) = (getpgid(Some(pid)).ok()?, getsid(Some(pid)).ok()?);
        let raw = Pid::as_raw;
        Some(Self { is_stopped: false, parent: raw(parent), group: raw(Some(group)), session: raw(Some(session)) })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: i32) -> Option<Self> {
        None
    }

    /// Whether it is one of those to which a terminal sends its keys. `None` where the terminal does not tell.
    #[cfg(unix)]
    pub(crate) fn is_in_front(self, terminal: impl std::os::fd::AsFd) -> Option<bool> {
        let front = rustix::termios::tcgetpgrp(terminal).ok()?;
        Some(front.as_raw_pid() == self.group)
    }

    /// From a line of `/proc/PID/stat`, as the manual page `proc_pid_stat` has it: `PID (NAME) STATE PARENT GROUP SESSION …`.
    #[cfg(target_os = "linux")]
    fn shown(line: &str) -> Option<Self> {
        // The name may have anything in it.
        let (_, fields) = line.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let is_stopped = matches!(fields.next()?, "T" | "t");
        let mut number = || fields.next()?.parse().ok();
        Some(Self { is_stopped, parent: number()?, group: number()?, session: number()? })
    }

    /// Whether a shell is there that could continue it: the kernel, too, ignores a stop of the group in which a session
    /// began. Of one that began outside of the container nothing is known, and whoever stops that can continue it.
    #[cfg(unix)]
    pub(crate) fn can_be_continued(self) -> bool {
        self.session != self.group || self.session == 0
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::Process;

    #[test]
    fn a_line_tells_of_a_process_whatever_its_name_is() {
        let of = |is_stopped, parent, group, session| Some(Process { is_stopped, parent, group, session });
        for (line, process, can_be_continued) in [
            ("12 (device-login) S 7 12 7 34816 12 4194304 97", of(false, 7, 12, 7), true),
            ("12 (a) T 1 (b) t 7 12 7 34816", of(true, 7, 12, 7), true),
            ("12 () R 0 0 0 0 -1", of(false, 0, 0, 0), true),
            ("12 (\u{fffd}\n) T 7 12 0 0 -1 0", of(true, 7, 12, 0), true),
            ("12 (sshd's own) S 7 12 12 34816", of(false, 7, 12, 12), false),
            ("12 (x) S 7 12", None, false),
            ("12 (x) S x 12 12", None, false),
            ("12 x S 7 12 12", None, false),
            ("", None, false),
        ] {
            assert_eq!(Process::shown(line), process, "{line}");
            assert_eq!(process.is_some_and(Process::can_be_continued), can_be_continued, "{line}");
        }
    }
}
