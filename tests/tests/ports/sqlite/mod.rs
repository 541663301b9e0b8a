//! What only the store in a file promises: several processes, dead owners, and files that are not what they should be.

mod files;
mod groups;
mod processes;

use std::path::Path;
use std::sync::Arc;

use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::PortError;

use crate::samples::TestClock;

fn try_open(folder: &Path) -> Result<SqliteExecutionStore, PortError> {
    SqliteExecutionStore::open(folder, StoreOptions::default(), TestClock::new())
}

fn open(folder: &Path) -> Arc<SqliteExecutionStore> {
    Arc::new(try_open(folder).unwrap())
}
