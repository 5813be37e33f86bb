//! Runs what waits for the network or a person, until it is done or a signal ends it.
//!
//! A runtime is made when the first command needs one, so that the others start without. What a signal cuts short is
//! dropped: guards put terminals and temporary files back in order, and nothing more is asked of anybody. What must not be
//! cut short goes on first: an answer that a provider gives only once.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use std::{io, panic, process};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::output::Output;
use super::{ColorWhen, limits};
use crate::error::{Code, Error};
#[cfg(unix)]
use crate::process::Process;
use crate::service::{StandStill, Unbroken};
use crate::signals;

/// How long a thread that waits for a lock may keep the process from ending.
const LAST_CALL: Duration = Duration::from_millis(50);

/// How long a command that ends may wait for its last answer without a word.
const SILENT_WAIT: Duration = Duration::from_millis(500);
const WAITING: &str =
    "Waiting for an answer that is given only once. Ctrl-C again ends at once and may lose the sign-in.";

/// How long a thread waits for work.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// SIGHUP, which tells that the terminal is gone.
const HANG_UP: u8 = 1;
/// SIGINT, which Ctrl-C sends.
const INTERRUPT: u8 = 2;
/// SIGQUIT, which Ctrl-\ sends.
const QUIT: u8 = 3;

/// The signals that end a command.
#[derive(Default)]
pub(super) struct Interrupts {
    signal: OnceLock<u8>,
    is_held: AtomicBool,
    is_serving: AtomicBool,
    is_on_terminal: AtomicBool,
    asked_to_stop: Notify,
    asked_to_reload: Notify,
    unbroken: Unbroken,
}

impl Interrupts {
    /// The signal that ended the command.
    pub(super) fn signal(&self) -> Option<u8> {
        self.signal.get().copied()
    }

    /// Whether a person at the terminal ended the command, by Ctrl-C or Ctrl-\.
    pub(super) fn is_by_hand(&self) -> bool {
        matches!(self.signal(), Some(INTERRUPT | QUIT))
    }

    /// Takes in that the terminal is gone, of which its signal may tell only later.
    pub(super) fn hung_up(&self) -> Error {
        // Another signal may have ended the command first.
        let _ = self.signal.set(HANG_UP);
        Error::new(Code::Interrupted, "the terminal is gone")
    }

    /// What a command goes on with when it has been cut short.
    pub(super) fn unbroken(&self) -> &Unbroken {
        &self.unbroken
    }

    /// Runs `future` while the next signal is handed to [`Interrupts::asked_to_stop`] instead of cutting everything short.
    pub(super) async fn hold<T>(&self, future: impl Future<Output = T>) -> T {
        self.is_held.store(true, Ordering::Relaxed);
        let result = future.await;
        self.is_held.store(false, Ordering::Relaxed);
        result
    }

    /// The same for a service: SIGHUP is handed to [`Interrupts::asked_to_reload`] each time, and ends nothing, unless it
    /// tells that the terminal is gone on which the service was started.
    pub(super) async fn serve<T>(&self, future: impl Future<Output = T>) -> T {
        self.is_on_terminal.store(has_terminal(), Ordering::Relaxed);
        self.is_serving.store(true, Ordering::Relaxed);
        let result = future.await;
        self.is_serving.store(false, Ordering::Relaxed);
        result
    }

    /// Waits for the signal that was held back.
    pub(super) async fn asked_to_stop(&self) {
        self.asked_to_stop.notified().await;
    }

    /// Waits for a SIGHUP; several of them that nobody waited for count as one.
    pub(super) async fn asked_to_reload(&self) {
        self.asked_to_reload.notified().await;
    }

    /// Runs a future to its end on this thread.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut result = None;
        self.block_on_boxed(Box::pin(async { result = Some(future.await) }), false)?;
        result.unwrap_or_else(|| Err(interrupted()))
    }

    /// The same for a future that tells of what must not be cut short: it goes on with that after a signal, and what it comes to
    /// counts.
    pub(super) fn block_on_telling<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut result = None;
        self.block_on_boxed(Box::pin(async { result = Some(future.await) }), true)?;
        result.unwrap_or_else(|| Err(interrupted()))
    }

    /// The same for whatever it does, which is a part of the program once, and not with each command.
    fn block_on_boxed(&self, mut future: Boxed<'_>, tells: bool) -> Result<(), Error> {
        limits::check()?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_keep_alive(FOR_EVER)
            .build()
            .map_err(|error| limits::not_started(&error))?;
        begin_thread(&runtime);
        let result = runtime.block_on(async {
            let mut signals = Signals::new()?;
            let result = self.race(&mut signals, &mut future).await;
            let goes_on = (tells && result.is_err()).then_some(future);
            if self.settle(&mut signals, goes_on).await { Ok(()) } else { result }
        });
        runtime.shutdown_timeout(LAST_CALL);
        result
    }

    async fn race(&self, signals: &mut Signals, future: &mut Boxed<'_>) -> Result<(), Error> {
        let mut still: Option<StandStill> = None;
        loop {
            tokio::select! {
                biased;
                () = &mut *future => return Ok(()),
                wanted = signals.next() => {
                    let Wanted::End(signal) = wanted else {
                        // The screens hear of it by themselves.
                        if !self.is_held.load(Ordering::Relaxed) {
                            still.get_or_insert_with(|| self.unbroken.stand_still());
                        }
                        continue;
                    };
                    let is_serving = self.is_serving.load(Ordering::Relaxed);
                    let has_lost_terminal = || self.is_on_terminal.load(Ordering::Relaxed) && !has_terminal();
                    if is_serving && signal == HANG_UP && !has_lost_terminal() {
                        self.asked_to_reload.notify_one();
                        continue;
                    }
                    let is_first = self.signal.set(signal).is_ok();
                    if !(is_first && (is_serving || self.is_held.load(Ordering::Relaxed))) {
                        return Err(interrupted());
                    }
                    self.asked_to_stop.notify_one();
                }
                // Others would wait for the lock of a process that stands still, and the answer would get old.
                () = reached(still.as_ref()) => {
                    // Where it cannot be stopped, it goes on.
                    pause();
                    still = None;
                }
            }
        }
    }

    /// Waits for what must not be cut short, and tells whether what `goes_on` with it has come to its end. Only who has read what may be lost
    /// cuts even that: whatever else sends signals sends them more than once.
    async fn settle(&self, signals: &mut Signals, goes_on: Option<Boxed<'_>>) -> bool {
        let mut settled = pin!(async {
            let ended = match goes_on {
                Some(future) => self.unbroken.finish(pin!(future)).await.is_some(),
                None => false,
            };
            self.unbroken.settled().await;
            ended
        });
        let mut warned = pin!(async {
            tokio::time::sleep(SILENT_WAIT).await;
            // A stderr that takes nothing keeps nobody else waiting.
            let _ = tokio::task::spawn_blocking(|| Output::new(ColorWhen::Never, false, false).say(WAITING)).await;
        });
        let mut is_warned = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut settled => return ended,
                wanted = signals.next() => {
                    let Wanted::End(signal) = wanted else { continue };
                    // The first one is known already, unless the command ended by itself.
                    let _ = self.signal.set(signal);
                    if is_warned && signal == INTERRUPT {
                        return false;
                    }
                }
                () = &mut warned, if !is_warned => is_warned = true,
            }
        }
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn interrupted() -> Error {
    Error::new(Code::Interrupted, "interrupted")
}

/// Waits until the process may be stopped, where it is to be.
async fn reached(still: Option<&StandStill>) {
    match still {
        Some(still) => still.reached().await,
        None => std::future::pending().await,
    }
}

/// Runs a future to its end on a thread that hears no signals, beside the one that does.
pub(super) fn block_on_apart<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    limits::check()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| limits::not_started(&error))?;
    begin_thread(&runtime);
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(LAST_CALL);
    Ok(result)
}

/// Makes the one thread of a runtime that is always there: it takes what no other can be made for.
///
/// The runtime panics where somebody else has been given the last one since [`limits::check`]; that is told as what it is.
#[expect(clippy::exit, reason = "nothing has begun, and what panics aborts otherwise")]
fn begin_thread(runtime: &Runtime) {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {
        let error = limits::no_thread(&io::ErrorKind::WouldBlock.into());
        Output::new(ColorWhen::Never, false, false).error(&error);
        process::exit(error.code.exit_code().into());
    }));
    runtime.spawn_blocking(|| ());
    panic::set_hook(hook);
}

/// What a signal wants of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// That it ends, by the signal of this number.
    End(u8),
    /// That it stops until it is continued: `SIGTSTP`, the terminal's Ctrl-Z.
    Pause,
}

/// The signals that end or stop a command, but for those that are to be ignored.
///
/// Those that nobody sends to a command by hand are among them, since each would end the process while an answer is out that
/// comes only once.
#[cfg(unix)]
struct Signals {
    ending: Vec<(u8, tokio::signal::unix::Signal)>,
    stop: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Error> {
        use rustix::process::Signal;
        use tokio::signal::unix::{SignalKind, signal};

        const ENDING: &[Signal] = &[
            Signal::INT,
            Signal::TERM,
            Signal::HUP,
            Signal::QUIT,
            Signal::USR1,
            Signal::USR2,
            Signal::ALARM,
            Signal::VTALARM,
            Signal::PROF,
            Signal::XCPU,
            // Elsewhere they end nothing, or are not there.
            #[cfg(target_os = "linux")]
            Signal::IO,
            #[cfg(target_os = "linux")]
            Signal::POWER,
            #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
            Signal::STKFLT,
        ];
        let receive = |wanted: i32| {
            let failed = |error: io::Error| limits::refused("signals cannot be received", &error);
            signal(SignalKind::from_raw(wanted)).map_err(failed)
        };
        let stop = Signal::TSTP.as_raw();
        let wanted: Vec<i32> = ENDING.iter().map(|signal| signal.as_raw()).chain([stop]).collect();
        let (stop, ending): (Vec<i32>, Vec<i32>) =
            signals::heard(&wanted).into_iter().partition(|signal| *signal == stop);
        let number = |signal: i32| u8::try_from(signal).unwrap_or_default();
        let ending = ending.into_iter().map(|signal| Ok((number(signal), receive(signal)?)));
        let stop = stop.first().copied().map(receive).transpose()?;
        Ok(Self { ending: ending.collect::<Result<_, Error>>()?, stop })
    }

    async fn next(&mut self) -> Wanted {
        poll_fn(|context| {
            // All are asked, so that any of them wakes whoever waits.
            for (number, signal) in &mut self.ending {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(Wanted::End(*number));
                }
            }
            let stop = self.stop.as_mut().map_or(Poll::Pending, |stop| stop.poll_recv(context));
            stop.map(|_| Wanted::Pause)
        })
        .await
    }
}

/// Whether this process belongs to a terminal.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

#[cfg(not(unix))]
fn has_terminal() -> bool {
    false
}

/// Stops until somebody continues the process, where a shell is there that can. Tells whether it did.
#[cfg(unix)]
pub(super) fn pause() -> bool {
    use rustix::process::{Signal, getpid, kill_process};

    Process::own().is_some_and(Process::can_be_continued) && kill_process(getpid(), Signal::STOP).is_ok()
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
    fn new() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> Wanted {
        // Where Ctrl-C cannot be received, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Wanted::End(INTERRUPT)
    }
}

#[cfg(not(unix))]
fn pause() -> bool {
    false
}
