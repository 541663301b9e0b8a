//! Ports: what the use cases and loops need of the world, named by capability.
//!
//! Each has one contract suite that runs on every adapter.

mod blob_store;
mod clock;
mod error;
mod execution_store;
mod job_runner;
mod notifier;
mod record_feed;
mod secret_box;
mod work_queue;

pub use blob_store::{Blob, BlobBytes, BlobStore, OpenBlob, Upload, UploadLink};
pub use clock::Clock;
pub use error::{PortError, PortErrorClass};
pub use execution_store::{
    AdmissionState, Claim, ClaimKey, Due, ExecutionFilter, ExecutionStore, ExecutionSummary, Failing, Loaded,
    NewExecution, Owner, Page, Renewal, Save, Saved,
};
pub use job_runner::{Carried, JobRunner, JobStop};
pub use notifier::{Notifier, Subscription};
pub use record_feed::{FeedBatch, FeedCursor, RecordFeed};
pub use secret_box::{SecretBox, SecretSource};
pub use work_queue::{Delivery, Message, QueueName, Receipt, WorkQueue};
