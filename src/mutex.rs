//! Mutexes of whose other users nobody has to know whether they panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it, also after a panic elsewhere: whatever is kept behind a mutex here is put in or taken out in one step, so a
/// panic leaves it whole.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
