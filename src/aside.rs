//! The one door to what may let wait, for whatever is awaited: disks, locks and long texts are for a thread of their own, so that
//! they never make a key or another answer wait.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use tokio::task::{JoinError, JoinHandle};

use crate::mutex::locked;

/// Does `work`, which may wait for a disk or a lock, on a thread of its own. It begins now, and goes on when nobody waits for it any
/// more.
pub(crate) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    let given = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&given);
    let task = begun(Box::new(move || {
        let result = work();
        *locked(&given) = Some(result);
    }));
    async move {
        ended(task).await;
        let result = locked(&taken).take();
        match result {
            Some(result) => result,
            None => pending().await,
        }
    }
}

/// All that is done aside is one kind of task: each kind takes a kilobyte of the program and ten addresses that are set at its start.
fn begun(work: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
    tokio::task::spawn_blocking(work)
}

async fn ended(task: JoinHandle<()>) {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(()) => {}
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime shuts down, and nobody is left to hear.
        Err(Err(_)) => pending().await,
    }
}
