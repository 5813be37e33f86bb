//! What a sign-in hears, while it waits, from the person who looks at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

/// Carries word from a screen to the sign-in that it shows, and back which code that is. Copies are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    asks: Notify,
    is_there: AtomicBool,
    /// When the code was issued that was shown last.
    shown: Mutex<Option<Timestamp>>,
}

impl Presence {
    /// The person says that it is approved: the server is asked as soon as it allows.
    pub fn ask_now(&self) {
        self.0.asks.notify_one();
    }

    /// The person is there, so codes that run out are replaced as often as from the beginning.
    pub fn attend(&self) {
        self.0.is_there.store(true, Ordering::Relaxed);
    }

    /// When the code was issued that the person sees, which is what they mean who give the sign-in up.
    pub fn shown(&self) -> Option<Timestamp> {
        *self.0.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show(&self, issued_at: Timestamp) {
        *self.0.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued_at);
    }

    /// Waits until the person asks.
    pub(super) async fn asked(&self) {
        self.0.asks.notified().await;
    }

    /// Whether the person was there since this was called last.
    pub(super) fn take_attended(&self) -> bool {
        self.0.is_there.swap(false, Ordering::Relaxed)
    }
}
