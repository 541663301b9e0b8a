//! Everything in memory: for `assay run --no-store`, for one process without files, and for tests.
//!
//! Nothing here outlives its process.

mod blob_store;
mod execution;
mod execution_store;
mod lock;
mod notifier;
mod record_feed;
mod work_queue;

pub use blob_store::MemoryBlobStore;
pub use execution_store::MemoryExecutionStore;
pub use notifier::MemoryNotifier;
pub use work_queue::MemoryWorkQueue;

use lock::lock;
