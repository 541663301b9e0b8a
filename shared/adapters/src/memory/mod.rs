//! Everything in memory: for `assay run --no-store`, for one process without files, and for tests.
//!
//! Nothing here outlives its process.

mod blob_store;
mod execution;
mod execution_store;
mod notifier;
mod record_feed;
mod work_queue;

pub use blob_store::MemoryBlobStore;
pub use execution_store::MemoryExecutionStore;
pub use notifier::MemoryNotifier;
pub use work_queue::MemoryWorkQueue;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: every change under these locks is complete or was not begun.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
