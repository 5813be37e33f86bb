//! Stops with the job that the process is part of, and hears when it was continued: the shell's Ctrl-Z, `fg` and `kill`.
//!
//! Owns the two signals and nothing of the terminal. Without a shell that could continue it, the process never stops.

/// What others want of the process, or did with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is asked to stop (`SIGTSTP`).
    Stop,
    /// It was stopped without being asked (`SIGSTOP`), and goes on.
    Continued,
    /// The terminal is gone, which nobody has told whoever ignores `SIGHUP`.
    HungUp,
}

#[cfg(unix)]
pub(super) use self::unix::JobControl;

#[cfg(not(unix))]
pub(super) use self::elsewhere::JobControl;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::process;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Change;
    use crate::process::Process;
    use crate::signals;

    /// The signals of job control, received instead of obeyed.
    pub(in crate::tui) struct JobControl {
        /// None where whoever started the process wants it never to stop.
        stop: Option<Signal>,
        continued: Signal,
        /// Where keys come from: crossterm reads on and on from a terminal that is gone. None where it cannot be watched.
        keys: Option<AsyncFd<OwnedFd>>,
    }

    impl JobControl {
        pub(in crate::tui) fn listen() -> io::Result<Self> {
            let number = process::Signal::TSTP.as_raw();
            let stop = if signals::is_ignored(number) { None } else { Some(signal(SignalKind::from_raw(number))?) };
            let keys = io::stdin().as_fd().try_clone_to_owned();
            #[expect(
                deprecated,
                reason = "sound for a descriptor that is owned; what takes its place is unsafe to call"
            )]
            let keys = keys.and_then(|keys| AsyncFd::with_interest(keys, Interest::READABLE)).ok();
            Ok(Self { stop, continued: continued()?, keys })
        }

        /// Waits for the next change.
        pub(in crate::tui) async fn next(&mut self) -> Change {
            let stop = async {
                match &mut self.stop {
                    Some(stop) => drop(stop.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop => Change::Stop,
                () = hung_up(self.keys.as_ref()) => Change::HungUp,
                _ = self.continued.recv() => Change::Continued,
            }
        }

        /// Asks the whole job to stop, as a terminal does at Ctrl-Z; this process hears of it by [`JobControl::next`].
        pub(in crate::tui) fn ask_to_stop() -> io::Result<()> {
            Ok(process::kill_current_process_group(process::Signal::TSTP)?)
        }

        /// Tells whether a shell is there that could continue the process.
        pub(in crate::tui) fn can_be_continued() -> bool {
            let is_wanted = !signals::is_ignored(process::Signal::TSTP.as_raw());
            is_wanted && Process::own().is_some_and(Process::can_be_continued)
        }

        /// Stops until somebody continues the process.
        pub(in crate::tui) async fn stop(&mut self) -> io::Result<()> {
            // Anew, so that it tells of what comes from here on. The stop may reach this thread late.
            self.continued = continued()?;
            process::kill_process(process::getpid(), process::Signal::STOP)?;
            self.continued.recv().await;
            Ok(())
        }
    }

    /// Waits for the end of the terminal.
    async fn hung_up(keys: Option<&AsyncFd<OwnedFd>>) {
        let Some(keys) = keys else { return std::future::pending().await };
        while let Ok(mut state) = keys.ready(Interest::READABLE).await {
            if state.ready().is_read_closed() {
                return;
            }
            // A key, which crossterm reads.
            state.clear_ready();
        }
        std::future::pending::<()>().await;
    }

    fn continued() -> io::Result<Signal> {
        signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;

    use super::Change;

    /// There are no jobs here.
    pub(in crate::tui) struct JobControl;

    impl JobControl {
        #[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
        pub(in crate::tui) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::tui) async fn next(&mut self) -> Change {
            std::future::pending().await
        }

        #[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
        pub(in crate::tui) fn ask_to_stop() -> io::Result<()> {
            Ok(())
        }

        pub(in crate::tui) fn can_be_continued() -> bool {
            false
        }

        #[expect(clippy::unnecessary_wraps, clippy::unused_async, reason = "has the shape of its counterpart")]
        pub(in crate::tui) async fn stop(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
