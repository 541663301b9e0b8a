//! What each port promises, as rules that run on every adapter.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a rule that does not hold ends its test")]

mod aws;
mod blobs;
mod dynamodb;
mod golden;
mod kms;
mod memory_queue;
mod notifier;
mod queue;
mod s3;
mod samples;
mod secrets;
mod sqlite;
mod sqs;
mod stack;
mod store;
