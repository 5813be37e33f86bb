//! What a sign-in hears, while it waits, from the person who looks at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// Carries word from a screen to the sign-in that it shows, and back which code that is. Copies are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    asks: Notify,
    is_there: AtomicBool,
    /// Locked while a new one is being kept, so that who gives it up finds it in the record.
    code: Arc<Mutex<Option<ShownCode>>>,
}

/// The code that the person sees or is about to, which is what they mean who give the sign-in up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownCode {
    pub issued_at: Timestamp,
    /// This sign-in has asked for it; others were pending.
    pub is_new: bool,
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

    /// The last code, once it is kept.
    pub async fn shown(&self) -> Option<ShownCode> {
        *self.0.code.lock().await
    }

    /// Takes a code for the last one. It is being kept for as long as the guard is.
    pub(super) async fn show(&self, code: ShownCode) -> OwnedMutexGuard<Option<ShownCode>> {
        let mut shown = Arc::clone(&self.0.code).lock_owned().await;
        *shown = Some(code);
        shown
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
