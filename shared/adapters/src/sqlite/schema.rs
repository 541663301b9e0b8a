//! The tables, and how an older file becomes a newer one.

use std::path::Path;

use assay_app::ports::PortError;
use rusqlite::{Connection, TransactionBehavior};

use super::error::port_error;

/// "ASSY": tells a store from any other SQLite file.
const APPLICATION: i32 = 0x4153_5359;

/// Each makes the file of one version of the one before it; they are never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Makes the file one that this code understands.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), PortError> {
    let failed = |error| port_error(&format!("open the store `{}`", path.display()), error);
    if version(connection).map_err(failed)?.is_none_or(|version| version >= MIGRATIONS.len()) {
        return known(connection, path);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // another process can have done it meanwhile
    let from = version(&transaction).map_err(failed)?.unwrap_or(MIGRATIONS.len());
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    if from < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    known(connection, path)
}

/// The version of a store or of an empty file; none: another program's file.
fn version(connection: &Connection) -> Result<Option<usize>, rusqlite::Error> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let ours = number("application_id")? == i64::from(APPLICATION) || tables == 0;
    Ok(ours.then_some(number("user_version")?).and_then(|version| usize::try_from(version).ok()))
}

/// Whether this code understands the file.
pub(super) fn known(connection: &Connection, path: &Path) -> Result<(), PortError> {
    let refused = |why: String| Err(PortError::permanent(format!("open the store `{}`: {why}", path.display())));
    match version(connection).map_err(|error| port_error("read the store's version", error))? {
        None => refused("it is another program's database".into()),
        Some(version) if version > MIGRATIONS.len() => {
            let known = MIGRATIONS.len();
            refused(format!("it has format {version}, this program knows up to {known}: use the newer program"))
        }
        Some(_) => Ok(()),
    }
}
