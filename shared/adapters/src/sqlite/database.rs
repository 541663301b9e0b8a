//! The database file: opening it, and its two connections.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assay_app::ports::PortError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::port_error;
use super::schema;
use crate::Durability;
use crate::private_file::{file_error, make_file, make_folder};

const FILE: &str = "assay.db";
/// How long a save waits for another process's.
const BUSY: Duration = Duration::from_secs(10);
/// Pages of the write-ahead log before it is written back; larger: fewer pauses, more disk.
const CHECKPOINT: u32 = 4000;
const JOURNAL_LIMIT: u32 = 64 << 20;
const STATEMENTS: usize = 64;

/// How to open a store.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreOptions {
    /// What a save outlives.
    pub durability: Durability,
    /// The database file grows no further than this, in bytes; none: as far as the disk goes.
    pub max_size: Option<u64>,
}

/// One file, one connection that loads and saves, one for whoever lists or follows: those never wait for each other.
pub(super) struct Database {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl Database {
    /// Opens the database in this folder; makes what is missing, for this user alone.
    pub(super) fn open(folder: &Path, options: StoreOptions) -> Result<Self, PortError> {
        make_folder(folder).map_err(|error| file_error("make the folder", folder, error))?;
        let path = folder.join(FILE);
        // SQLite gives its companions the same mode
        match make_file(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(file_error("make the store's file", &path, error));
            }
            _ => {}
        }
        let mut writer = connect(&path, options)?;
        schema::prepare(&mut writer, &path)?;
        let reader = connect(&path, options)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    /// Does all of it in one transaction or nothing.
    pub(super) fn write<T>(
        &self,
        doing: &str,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| port_error(doing, error);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let answer = act(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(answer)
    }

    /// Reads from one moment, where the writer's cache is warm.
    pub(super) fn load<T>(
        &self,
        doing: &str,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        read(&self.writer, doing, act)
    }

    /// Reads from one moment, without keeping anybody from saving.
    pub(super) fn scan<T>(
        &self,
        doing: &str,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        read(&self.reader, doing, act)
    }
}

fn read<T>(
    connection: &Mutex<Connection>,
    doing: &str,
    act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError>,
) -> Result<T, PortError> {
    let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    let transaction = connection.transaction().map_err(|error| port_error(doing, error))?;
    let answer = act(&transaction)?;
    transaction.commit().map_err(|error| port_error(doing, error))?;
    Ok(answer)
}

fn connect(path: &Path, options: StoreOptions) -> Result<Connection, PortError> {
    let failed = |error| port_error(&format!("open the store `{}`", path.display()), error);
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let durability = match options.durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    };
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(failed)?;
    connection.pragma_update(None, "synchronous", durability).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -16_000).map_err(failed)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT, |_| Ok(())).map_err(failed)?;
    connection.pragma_update_and_check(None, "journal_size_limit", JOURNAL_LIMIT, |_| Ok(())).map_err(failed)?;
    if let Some(bytes) = options.max_size {
        let page: u64 = connection
            .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
            .map_err(failed)?
            .unsigned_abs();
        let pages = (bytes / page.max(1)).clamp(1, u64::from(u32::MAX - 1)) as u32;
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(failed)?;
    }
    Ok(connection)
}
