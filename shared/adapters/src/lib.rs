//! Assay's adapters: every port on every technology. Technology first, then the port: `SqliteExecutionStore`.
//!
//! No type of a client library crosses a port, and nothing here knows what the use cases do with what it keeps.

mod blob_key;
mod claim;
mod durability;
mod feed_cursor;
mod lifetime;
mod list_cursor;
mod private_file;

#[cfg(feature = "aws")]
pub mod aws;
pub mod folder;
pub mod memory;
pub mod secret_box;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use durability::Durability;
