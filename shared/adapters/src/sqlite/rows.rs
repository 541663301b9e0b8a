//! What stands in the columns: instants as nanoseconds, everything else as text or JSON.

use assay_app::ports::PortError;
use jiff::Timestamp;
use rusqlite::{CachedStatement, OptionalExtension as _, Params, Row, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{port_error, unreadable};

/// An instant as it is stored; what lies outside the years 1677 to 2262 is the first or last of them.
pub(super) fn nanos(at: Timestamp) -> i64 {
    let at = at.as_nanosecond();
    i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
}

/// The stored instant.
pub(super) fn instant(nanos: i64) -> Timestamp {
    match nanos {
        i64::MIN => Timestamp::MIN,
        i64::MAX => Timestamp::MAX,
        nanos => Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::MAX),
    }
}

/// As JSON text.
pub(super) fn text(value: &impl Serialize) -> Result<String, PortError> {
    serde_json::to_string(value).map_err(|error| PortError::bug("write as JSON").because(error))
}

/// The JSON of a column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize, what: &str) -> Result<T, PortError> {
    let text = row.get_ref(column).map_err(|error| port_error("read a row", error))?;
    let text = text.as_str().map_err(|error| unreadable(what, error))?;
    serde_json::from_str(text).map_err(|error| unreadable(what, error))
}

/// The JSON of a column that may be empty.
pub(super) fn json_or_none<T: DeserializeOwned>(row: &Row<'_>, at: usize, what: &str) -> Result<Option<T>, PortError> {
    let value = row.get_ref(at).map_err(|error| port_error("read a row", error))?;
    if value == rusqlite::types::ValueRef::Null { Ok(None) } else { json(row, at, what).map(Some) }
}

/// An id or another parsed word of a column.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, what: &str) -> Result<T, PortError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column).map_err(|error| port_error("read a row", error))?;
    let text = text.as_str().map_err(|error| unreadable(what, error))?;
    text.parse().map_err(|error| unreadable(what, error))
}

/// A plain column.
pub(super) fn plain<T: rusqlite::types::FromSql>(row: &Row<'_>, column: usize) -> Result<T, PortError> {
    row.get(column).map_err(|error| port_error("read a row", error))
}

/// Statements of a transaction, kept ready between transactions.
pub(super) trait Statements {
    /// The statement, ready.
    fn ready(&self, sql: &str) -> Result<CachedStatement<'_>, PortError>;
    /// Changes rows; answers how many.
    fn change(&self, sql: &str, values: impl Params) -> Result<usize, PortError>;
    /// The one row, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, PortError>,
    ) -> Result<Option<T>, PortError>;
    /// Each row, until `read` has enough.
    fn each(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<bool, PortError>,
    ) -> Result<(), PortError>;
}

impl Statements for Transaction<'_> {
    fn ready(&self, sql: &str) -> Result<CachedStatement<'_>, PortError> {
        self.prepare_cached(sql).map_err(|error| port_error("ask the store", error))
    }

    fn change(&self, sql: &str, values: impl Params) -> Result<usize, PortError> {
        self.ready(sql)?.execute(values).map_err(|error| port_error("write to the store", error))
    }

    fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, PortError>,
    ) -> Result<Option<T>, PortError> {
        let mut statement = self.ready(sql)?;
        let row = statement.query_row(values, |row| Ok(read(row))).optional();
        row.map_err(|error| port_error("read from the store", error))?.transpose()
    }

    fn each(
        &self,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<bool, PortError>,
    ) -> Result<(), PortError> {
        let failed = |error| port_error("read from the store", error);
        let mut statement = self.ready(sql)?;
        let mut rows = statement.query(values).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !read(row)? {
                break;
            }
        }
        Ok(())
    }
}
