//! What SQLite says, as errors of a port.

use std::time::Duration;

use assay_app::ports::{Failing, PortError, PortErrorClass};
use rusqlite::{Error, ErrorCode};

/// How long to leave a full disk alone.
const FULL: Duration = Duration::from_secs(5);

/// What keeps the file from being written, and that it does not pass by itself.
const LASTING: [(&[ErrorCode], &str); 3] = [
    (&[ErrorCode::DiskFull], "no space left: the disk or the store is full"),
    (&[ErrorCode::SystemIoFailure], "the disk refuses to read or write"),
    (&[ErrorCode::ReadOnly, ErrorCode::PermissionDenied], "the store's file or its folder may not be written"),
];

/// Why nobody can write now, and whether that lasts until somebody does something about it. None: it is about this one
/// write, or it was taken back with another.
pub(super) fn obstacle(error: &Error) -> Option<(&'static str, bool)> {
    let code = error.sqlite_error_code()?;
    let lasting = LASTING.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, why)| (*why, true));
    let busy = matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked);
    lasting.or(busy.then_some(("another process holds the store's file", false)))
}

/// What a write that failed says about the store.
pub(super) fn failing(error: &Error) -> Option<Failing> {
    let (why, lasting) = obstacle(error)?;
    Some(Failing { lasting, why: format!("{why}: {error}") })
}

/// What it was doing when SQLite said no.
pub(super) fn port_error(doing: &str, error: Error) -> PortError {
    let (class, why) = match (obstacle(&error), error.sqlite_error_code()) {
        // somebody can make room, or give the right back
        (Some((why, true)), _) => (PortErrorClass::Retry { after: Some(FULL) }, why),
        (Some((why, false)), _) => (PortErrorClass::Retry { after: None }, why),
        (None, Some(ErrorCode::OperationAborted)) => {
            (PortErrorClass::Retry { after: None }, "it was taken back together with another write")
        }
        (None, Some(ErrorCode::CannotOpen)) => (PortErrorClass::Permanent, "the store's file cannot be opened"),
        (None, Some(ErrorCode::DatabaseCorrupt)) => (PortErrorClass::Bug, "the store's file is damaged"),
        (None, Some(ErrorCode::NotADatabase)) => (PortErrorClass::Bug, "the store's file is no database"),
        _ => return PortError::bug(doing).because(error),
    };
    PortError::new(class, format!("{doing}: {why}")).because(error)
}

/// The same error once more: one commit answers everybody who waited for it.
pub(super) fn again(error: &Error) -> Error {
    match error {
        Error::SqliteFailure(code, text) => Error::SqliteFailure(*code, text.clone()),
        other => Error::ToSqlConversionFailure(other.to_string().into()),
    }
}

/// Another write of the same transaction has made SQLite take all of it back.
pub(super) fn taken_back() -> Error {
    Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK), None)
}

/// What was stored cannot be read by this code.
pub(super) fn unreadable(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> PortError {
    PortError::bug(format!("read the stored {what}")).because(error)
}
