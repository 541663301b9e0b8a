//! The database file: opening it, and its two connections.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assay_app::ports::PortError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::port_error;
use super::schema;
use crate::Durability;
use crate::private_file::{file_error, make_file, make_folder};

const FILE: &str = "assay.db";
/// How long a save waits for another process's.
const BUSY: Duration = Duration::from_secs(10);
/// Pages of the write-ahead log before it is written back; larger: fewer pauses, more disk.
const CHECKPOINT: u32 = 8000;
const JOURNAL_LIMIT: u32 = 64 << 20;
/// A log of up to so many bytes is left as it is at the end: the next process reads it in a few milliseconds, while
/// writing it back waits for the disk three times.
const LEFT_LOG: u64 = 4 << 20;
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
    /// The write-ahead log.
    log: PathBuf,
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
        let failed = |error| port_error(&format!("open the store `{}`", path.display()), error);
        let empty = path.metadata().is_ok_and(|about| about.len() == 0);
        let made_unsynced = empty && options.durability == Durability::Normal;
        let mut writer = connect(&path, options, if made_unsynced { "OFF" } else { synchronous(options) })?;
        schema::prepare(&mut writer, &path)?;
        if made_unsynced {
            writer.pragma_update(None, "synchronous", synchronous(options)).map_err(failed)?;
        }
        if options.durability == Durability::Full {
            keep(folder, &path)?;
        }
        let reader = connect(&path, options, synchronous(options))?;
        let log = folder.join(format!("{FILE}-wal"));
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader), log })
    }

    /// Writes the log back into the file and empties it. When somebody reads for long, or the disk is full, a later one
    /// does.
    pub(super) fn write_back(&self) {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!(%error, "failed to write the log back");
        }
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

impl Drop for Database {
    fn drop(&mut self) {
        if self.log.metadata().is_ok_and(|about| about.len() <= LEFT_LOG) {
            return;
        }
        for connection in [&mut self.writer, &mut self.reader] {
            let connection = connection.get_mut().unwrap_or_else(PoisonError::into_inner);
            // one that cannot be told leaves the log to the next process
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
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

/// How a connection waits for the disk.
fn synchronous(options: StoreOptions) -> &'static str {
    match options.durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    }
}

/// Waits until the file and its name are on the disk: another process may have made it without waiting.
fn keep(folder: &Path, path: &Path) -> Result<(), PortError> {
    let kept = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    kept(path).map_err(|error| file_error("keep the store's file", path, error))?;
    // a folder can be opened on unix only; elsewhere its entries need no waiting
    if cfg!(unix) { kept(folder).map_err(|error| file_error("keep the folder", folder, error)) } else { Ok(()) }
}

/// `synchronous`: OFF while an empty file becomes a store, in which nothing can be lost. A power cut then leaves it empty,
/// or with its first page and a log of which SQLite takes what is whole; the next process goes on from either.
fn connect(path: &Path, options: StoreOptions, synchronous: &str) -> Result<Connection, PortError> {
    let failed = |error| port_error(&format!("open the store `{}`", path.display()), error);
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(failed)?;
    // the last to close would write the log back, and wait for the disk
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
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
