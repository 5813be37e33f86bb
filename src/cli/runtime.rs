//! Runs what waits for the network or a person, until it is done or a signal ends it.
//!
//! A runtime is made when the first command needs one, so that the others start without. What a signal cuts short is
//! dropped: guards put terminals and temporary files back in order, and nothing more is asked of anybody. What must not be
//! cut short goes on first: an answer that a provider gives only once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use super::ColorWhen;
use super::output::Output;
use crate::error::{Code, Error};
use crate::service::Unbroken;
#[cfg(unix)]
use crate::signals;

/// How long a thread that waits for a lock may keep the process from ending.
const LAST_CALL: Duration = Duration::from_millis(50);

/// How long a command that ends may wait for its last answer without a word.
const SILENT_WAIT: Duration = Duration::from_millis(500);

/// SIGHUP, which tells that the terminal is gone.
const HANG_UP: u8 = 1;

/// The signals that end a command.
#[derive(Default)]
pub(super) struct Interrupts {
    signal: OnceLock<u8>,
    is_held: AtomicBool,
    asked_to_stop: Notify,
    unbroken: Unbroken,
}

impl Interrupts {
    /// The signal that ended the command.
    pub(super) fn signal(&self) -> Option<u8> {
        self.signal.get().copied()
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

    /// Waits for the signal that was held back.
    pub(super) async fn asked_to_stop(&self) {
        self.asked_to_stop.notified().await;
    }

    /// Runs a future to its end on this thread.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Code::Other, "the program could not start").because(error))?;
        let result = runtime.block_on(async {
            let mut signals = Signals::new()?;
            let result = self.race(&mut signals, future).await;
            self.settle(&mut signals).await;
            result
        });
        runtime.shutdown_timeout(LAST_CALL);
        result
    }

    async fn race<T>(&self, signals: &mut Signals, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                result = &mut future => return result,
                signal = signals.next() => {
                    let is_first = self.signal.set(signal).is_ok();
                    if !(is_first && self.is_held.load(Ordering::Relaxed)) {
                        return Err(Error::new(Code::Interrupted, "interrupted"));
                    }
                    self.asked_to_stop.notify_one();
                }
            }
        }
    }

    /// Waits for what must not be cut short, unless a signal says that even this takes too long.
    async fn settle(&self, signals: &mut Signals) {
        let settled = async {
            if tokio::time::timeout(SILENT_WAIT, self.unbroken.settled()).await.is_err() {
                let text = "Waiting for an answer that is given only once. Ctrl-C again ends at once and may lose the sign-in.";
                Output::new(ColorWhen::Never, false, false).say(text);
                self.unbroken.settled().await;
            }
        };
        let hurried = async {
            loop {
                let signal = signals.next().await;
                // The first one is known already, unless the command ended by itself.
                let _ = self.signal.set(signal);
                // Nobody is in a hurry whose window was closed.
                if signal != HANG_UP {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = settled => {}
            () = hurried => {}
        }
    }
}

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT, by number, but for those that are to be ignored.
#[cfg(unix)]
struct Signals(Vec<(u8, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};

        let failed = |error| Error::new(Code::Other, "signals cannot be received").because(error);
        let heard = [2, 15, HANG_UP, 3].into_iter().filter(|number| !signals::is_ignored(i32::from(*number)));
        let receive = |number| Ok((number, signal(SignalKind::from_raw(i32::from(number))).map_err(failed)?));
        heard.map(receive).collect::<Result<_, Error>>().map(Self)
    }

    async fn next(&mut self) -> u8 {
        std::future::poll_fn(|context| {
            let mut each = self.0.iter_mut();
            let came = each.find_map(|(number, signal)| signal.poll_recv(context).is_ready().then_some(*number));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "has the shape of its counterpart")]
    fn new() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> u8 {
        // Where Ctrl-C cannot be received, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
