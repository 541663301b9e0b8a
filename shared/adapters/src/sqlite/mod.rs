//! One database file in a folder: for a laptop, and for one machine.
//!
//! Several processes may open the same folder: SQLite's own locks keep their saves apart, and a lock of the operating
//! system on a file of each process tells who still lives.

mod claims;
mod database;
mod error;
mod execution_store;
mod executions;
mod feed;
mod flow_versions;
mod group;
mod listing;
mod owners;
mod removal;
mod rows;
mod schema;

pub use database::{Access, StoreOptions};
pub use execution_store::SqliteExecutionStore;
