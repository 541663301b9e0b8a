//! The database file: opening it, and its two connections.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_app::ports::{Failing, PortError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::port_error;
use super::group::Group;
use super::schema;
use crate::Durability;
use crate::private_file::{file_error, make_file, make_folder};

const FILE: &str = "assay.db";
/// How long a save waits for another process's.
const BUSY: Duration = Duration::from_secs(10);
/// Bytes of the write-ahead log before a thread writes it back, beside whoever saves.
const LONG_LOG: u64 = 48 << 20;
/// Writes between two looks at the log.
const LOOK_EVERY: u32 = 256;
/// Pages of the log before a save itself writes it back: the thread could not, or did not keep up.
const CHECKPOINT: u32 = 64_000;
/// What is kept of the log's file when it begins anew.
const JOURNAL_LIMIT: u32 = 4 << 20;
/// A log of up to so many bytes is left as it is: the next process reads it in a few milliseconds, while writing it back
/// waits for the disk three times. A longer one is written back by the next process, beside its own work.
const SHORT_LOG: u64 = 4 << 20;
const STATEMENTS: usize = 64;

/// How to open a store.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreOptions {
    /// What a save outlives.
    pub durability: Durability,
    /// What the opening is for.
    pub access: Access,
    /// The database file grows no further than this, in bytes; none: as far as the disk goes.
    pub max_size: Option<u64>,
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// To write; one that may not be written is refused.
    #[default]
    Write,
    /// To look, and to write if that is allowed: one that may not be written is read, and each write is refused.
    Look,
}

/// One file, one connection that loads and saves, one for whoever lists or follows: those never wait for each other.
pub(super) struct Database {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    group: Group,
    /// Writes so far.
    writes: AtomicU32,
    /// A thread writes the log back.
    written_back: Arc<AtomicBool>,
    path: PathBuf,
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
        let database = Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            group: Group::default(),
            writes: AtomicU32::new(0),
            written_back: Arc::default(),
            path,
            log,
        };
        database.write_back_beside(SHORT_LOG);
        Ok(database)
    }

    /// Opens the database in this folder without writing a byte.
    pub(super) fn open_to_read(folder: &Path) -> Result<Self, PortError> {
        let path = folder.join(FILE);
        let log = folder.join(format!("{FILE}-wal"));
        let open = || -> Result<Connection, PortError> {
            let opened =
                read_only(&path, false).and_then(|connection| schema::known(&connection, &path).map(|()| connection));
            match opened {
                // without the log's companion it is read as it lies there; what stands in a log would be missing
                Err(_) if log.metadata().map_or(true, |about| about.len() == 0) => {
                    let connection = read_only(&path, true)?;
                    schema::known(&connection, &path).map(|()| connection)
                }
                opened => opened,
            }
        };
        let (writer, reader) = (Mutex::new(open()?), Mutex::new(open()?));
        let (group, writes, written_back) = (Group::default(), AtomicU32::new(0), Arc::default());
        Ok(Self { writer, reader, group, writes, written_back, path, log })
    }

    /// Writes a log of more than so many bytes back on a thread of its own; one at a time. The end of the process may
    /// break it off: the next one begins again.
    fn write_back_beside(&self, longer_than: u64) {
        if self.log.metadata().is_ok_and(|about| about.len() <= longer_than)
            || self.written_back.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let (path, written_back) = (self.path.clone(), Arc::clone(&self.written_back));
        let write_back = move || {
            if let Err(error) = write_back(&path) {
                tracing::debug!(%error, "failed to write the log back");
            }
            written_back.store(false, Ordering::Release);
        };
        if let Err(error) = std::thread::Builder::new().name("write back".to_owned()).spawn(write_back) {
            self.written_back.store(false, Ordering::Release);
            tracing::debug!(%error, "failed to start a thread that writes the log back");
        }
    }

    /// What has kept the last writes from going through.
    pub(super) fn failing(&self) -> Option<Failing> {
        self.group.failing()
    }

    /// Writes the log back into the file and empties it. When somebody reads for long, or the disk is full, a later one
    /// does.
    pub(super) fn write_back(&self) {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!(%error, "failed to write the log back");
        }
    }

    /// Does all of it in one transaction or nothing, together with what others write at this moment.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let written = self.group.write(&self.writer, doing, act).await;
        if self.writes.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1 {
            self.write_back_beside(LONG_LOG);
        }
        written
    }

    /// Does all of it in a transaction of its own or nothing, on a thread that may wait.
    pub(super) fn write_apart<T>(
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

/// Writes the log back in two goes: the long one keeps nobody from saving, the short one empties the log.
fn write_back(path: &Path) -> Result<(), rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
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

/// A connection that writes nothing. `alone`: nobody can write the file at all, so that no lock is needed either.
fn read_only(path: &Path, alone: bool) -> Result<Connection, PortError> {
    let failed = |error| port_error(&format!("open the store `{}` to read", path.display()), error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if alone {
        let plain = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Connection::open_with_flags(format!("file:{plain}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(path, flags)
    };
    let connection = connection.map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
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
