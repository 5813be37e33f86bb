//! What a sign-in hears, while it waits, from the person who looks at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, Notify, OwnedMutexGuard, oneshot};

use crate::error::Error;
use crate::storage::PendingId;

/// Carries word from a screen to the sign-in that it shows, and back which code that is. Copies are one and the same.
#[derive(Clone, Default)]
pub struct Presence {
    heard: Arc<Heard>,
    /// Asks whether an approved grant that could not be saved is to be saved again.
    ask: Option<Arc<AskToSave>>,
}

type AskToSave = dyn Fn(Error, oneshot::Sender<bool>) + Send + Sync;

#[derive(Debug, Default)]
struct Heard {
    asks: Notify,
    is_there: AtomicBool,
    has_address: AtomicBool,
    follows: AtomicBool,
    has_lost_answer: AtomicBool,
    /// The same about a code before this one.
    has_lost_answer_before: AtomicBool,
    /// Locked while a new one is being kept, so that who gives it up finds it in the record.
    code: Arc<Mutex<Option<ShownCode>>>,
}

/// The code that the person sees or is about to, which is what they mean who give the sign-in up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShownCode {
    pub(super) id: PendingId,
    /// This sign-in has asked for it; others were pending.
    pub(super) is_new: bool,
}

impl Presence {
    /// This presence, which is asked whether an approved grant that could not be saved is to be saved again. It is given back where that is
    /// denied, or nobody is asked.
    #[must_use]
    pub fn asked_to_save(&self, ask: impl Fn(Error, oneshot::Sender<bool>) + Send + Sync + 'static) -> Self {
        Self { ask: Some(Arc::new(ask)), ..self.clone() }
    }

    pub(super) async fn saves_again(&self, error: Error) -> bool {
        let Some(ask) = &self.ask else { return false };
        let (answer, answered) = oneshot::channel();
        ask(error, answer);
        answered.await.unwrap_or(false)
    }

    /// The person says that it is approved: the server is asked as soon as it allows.
    pub fn ask_now(&self) {
        self.heard.asks.notify_one();
    }

    /// The person is there, so codes that run out are replaced as often as from the beginning.
    pub fn attend(&self) {
        self.heard.is_there.store(true, Ordering::Relaxed);
    }

    /// Whether another process asks the server for the code, which whoever only goes along with it leaves to that one.
    pub fn follows(&self) -> bool {
        self.heard.follows.load(Ordering::Relaxed)
    }

    pub(super) fn set_follows(&self, follows: bool) {
        self.heard.follows.store(follows, Ordering::Relaxed);
    }

    /// Whether an answer about the code or one before it got lost, in which the tokens may have been.
    pub fn has_lost_answer(&self) -> bool {
        let Heard { has_lost_answer, has_lost_answer_before, .. } = &*self.heard;
        has_lost_answer.load(Ordering::Relaxed) || has_lost_answer_before.load(Ordering::Relaxed)
    }

    pub(super) fn set_lost_answer(&self, has_lost_answer: bool) {
        self.heard.has_lost_answer.store(has_lost_answer, Ordering::Relaxed);
    }

    pub(super) fn set_lost_answer_before(&self, has_lost_answer: bool) {
        self.heard.has_lost_answer_before.store(has_lost_answer, Ordering::Relaxed);
    }

    /// The person has an address at which to approve, without a code.
    pub fn show_address(&self) {
        self.heard.has_address.store(true, Ordering::Relaxed);
    }

    /// Whether the person has had anything that can be approved.
    pub fn can_approve(&self) -> bool {
        let has_code = || self.heard.code.try_lock().map_or(true, |code| code.is_some());
        self.heard.has_address.load(Ordering::Relaxed) || has_code()
    }

    /// The last code, once it is kept.
    pub(super) async fn shown(&self) -> Option<ShownCode> {
        self.heard.code.lock().await.clone()
    }

    /// Takes a code for the last one. It is being kept for as long as the guard is.
    pub(super) async fn show(&self, code: ShownCode) -> OwnedMutexGuard<Option<ShownCode>> {
        let mut shown = Arc::clone(&self.heard.code).lock_owned().await;
        *shown = Some(code);
        shown
    }

    /// Waits until the person asks.
    pub(super) async fn asked(&self) {
        self.heard.asks.notified().await;
    }

    /// Whether the person was there since this was called last.
    pub(super) fn take_attended(&self) -> bool {
        self.heard.is_there.swap(false, Ordering::Relaxed)
    }
}
