//! What each port promises, as rules that run on every adapter.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a rule that does not hold ends its test")]

mod blobs;
mod golden;
mod notifier;
mod queue;
mod samples;
mod secrets;
mod sqlite;
mod store;
