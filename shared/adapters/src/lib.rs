//! Assay's adapters: every port on every technology. Technology first, then the port: `SqliteExecutionStore`.
//!
//! No type of a client library crosses a port, and nothing here knows what the use cases do with what it keeps.

mod blob_key;
mod claim;
mod feed_cursor;
mod lifetime;
mod list_cursor;

pub mod memory;
pub mod sqlite;
