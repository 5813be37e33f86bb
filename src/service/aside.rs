//! The one door to disks for whatever is awaited: the configuration and files of secrets, and by `records` the store, are read
//! and written on a thread of their own, so that a slow disk never makes a key wait.

use super::Service;

/// Does `work`, which may wait for a disk or a lock, on a thread of its own. It begins now, and goes on when nobody waits for it any
/// more.
pub(super) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    let task = tokio::task::spawn_blocking(work);
    async {
        match task.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down, and nobody is left to hear.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Service {
    /// Does `work` with this service, which it gets whole, since it may outlive whoever asked for it.
    pub(super) async fn aside<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let service = self.clone();
        aside(move || work(&service)).await
    }
}
