//! How much of an exchange has moved: for a person who waits, and for giving up on one that has fallen silent.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{self, Moment};
use crate::words;

/// The bytes of one exchange, counted as they move. Clones count together.
#[derive(Clone, Debug)]
pub struct Progress(watch::Sender<Moved>);

/// What has moved so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub sent: u64,
    /// How many there are to send, if any are and that is known.
    pub to_send: Option<u64>,
    pub received: u64,
    pub to_receive: Option<u64>,
    pub has_answer: bool,
    pub(crate) last: Moment,
}

impl Moved {
    /// What moves now, and how much of it there is where that is known.
    fn current(&self) -> (&'static str, u64, Option<u64>) {
        if self.has_answer { ("Received", self.received, self.to_receive) } else { ("Sent", self.sent, self.to_send) }
    }

    /// How many bytes have moved of how many, while some are to come.
    pub fn share(&self) -> Option<(u64, u64)> {
        let (_, bytes, whole) = self.current();
        whole.filter(|whole| *whole > 0 && (self.has_answer || bytes < *whole)).map(|whole| (bytes.min(whole), whole))
    }

    /// Whether a body moves, rather than that somebody waits for an answer.
    pub fn is_under_way(&self) -> bool {
        let (_, bytes, whole) = self.current();
        self.has_answer || whole.map_or(bytes > 0, |whole| bytes < whole)
    }

    /// How far it has come, without a full stop.
    pub fn in_words(&self) -> String {
        let (verb, bytes, _) = self.current();
        let done = words::bytes(bytes);
        match self.share() {
            Some((bytes, whole)) => {
                let percent = u128::from(bytes) * 100 / u128::from(whole);
                format!("{verb} {done} of {}, {percent} %", words::bytes(whole))
            }
            None if self.is_under_way() => format!("{verb} {done}"),
            None if bytes > 0 => format!("{verb} {done}, waiting for the answer"),
            None => "Waiting for the answer".to_owned(),
        }
    }

    /// The bytes that have moved.
    pub fn bytes(&self) -> u64 {
        self.current().1
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new(Moved::default()))
    }
}

impl Progress {
    /// Is woken when something moves, and at no other time.
    pub fn subscribe(&self) -> watch::Receiver<Moved> {
        self.0.subscribe()
    }

    /// Begins with an exchange: what an earlier one moved counts no more.
    pub(super) fn begin(&self, to_send: Option<u64>) {
        self.0.send_replace(Moved { to_send, last: clock::now(), ..Moved::default() });
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.moved(|moved| moved.sent += bytes as u64);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.moved(|moved| moved.received += bytes as u64);
    }

    /// The answer has begun.
    pub(super) fn answered(&self, to_receive: Option<u64>) {
        self.moved(|moved| (moved.has_answer, moved.to_receive) = (true, to_receive));
    }

    fn moved(&self, change: impl FnOnce(&mut Moved)) {
        self.0.send_modify(|moved| {
            change(moved);
            moved.last = clock::now();
        });
    }

    /// Waits for `future` while something moves; `None` after a silence of `limit`.
    pub(super) async fn unless_silent<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, begun) = (pin!(future), clock::now());
        loop {
            // Time that passed while nobody asked for more is nobody's silence.
            let last = self.0.borrow().last.max(begun);
            let left = limit.saturating_sub(clock::now() - last);
            if left.is_zero() {
                return None;
            }
            if let Some(result) = clock::within(left, &mut future).await {
                return Some(result);
            }
        }
    }
}
