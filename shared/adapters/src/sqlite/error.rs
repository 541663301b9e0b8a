//! What SQLite says, as errors of a port.

use std::time::Duration;

use assay_app::ports::{PortError, PortErrorClass};
use rusqlite::{Error, ErrorCode};

/// How long to leave a full disk alone.
const FULL: Duration = Duration::from_secs(5);

/// What it was doing when SQLite said no.
pub(super) fn port_error(doing: &str, error: Error) -> PortError {
    let (class, why) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (PortErrorClass::Retry { after: None }, ": another process holds the store's file")
        }
        Some(ErrorCode::DiskFull) => (PortErrorClass::Retry { after: Some(FULL) }, ": the disk or the store is full"),
        Some(ErrorCode::SystemIoFailure) => (PortErrorClass::Retry { after: Some(FULL) }, ": the disk does not answer"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (PortErrorClass::Permanent, ": the store's file or its folder may not be written")
        }
        Some(ErrorCode::CannotOpen) => (PortErrorClass::Permanent, ": the store's file cannot be opened"),
        Some(ErrorCode::DatabaseCorrupt) => (PortErrorClass::Bug, ": the store's file is damaged"),
        Some(ErrorCode::NotADatabase) => (PortErrorClass::Bug, ": the store's file is no database"),
        _ => (PortErrorClass::Bug, ""),
    };
    PortError::new(class, format!("{doing}{why}")).because(error)
}

/// What was stored cannot be read by this code.
pub(super) fn unreadable(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> PortError {
    PortError::bug(format!("read the stored {what}")).because(error)
}
