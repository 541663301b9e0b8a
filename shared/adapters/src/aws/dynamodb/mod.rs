//! Executions in DynamoDB: one table for them, their history, flow versions and admission, and one for claims.
//!
//! An execution is a root item that every save replaces by one conditional write, and items around it that hold what the
//! root has no room for. What lies around is either immutable or older than the root says: no transaction is needed.
//! `docs/state-on-aws.md` has every key and every access pattern.

mod blobs;
mod claims;
mod error;
mod flow_versions;
mod image;
mod item;
mod keys;
mod listing;
mod pack;
mod reading;
mod record_feed;
mod removal;
mod root;
mod roots;
mod saving;
mod store;
mod stream;
mod table;
mod tables;

pub use record_feed::DynamoRecordFeed;
pub use store::DynamoExecutionStore;
pub use stream::Told;
pub use tables::{CLAIMS, IndexSchema, KeySchema, TABLE, TableSchema};
