//! A place in a feed whose records one store numbers.

use assay_app::ports::{FeedCursor, PortError};

/// The number of the last record before the place; 0 at the beginning.
pub(crate) fn read(cursor: &FeedCursor) -> Result<u64, PortError> {
    if cursor.0.is_empty() {
        return Ok(0);
    }
    let fault = || PortError::permanent("go on in the feed behind that cursor: no feed has made it");
    cursor.0.parse().ok().filter(|number| i64::try_from(*number).is_ok()).ok_or_else(fault)
}

/// The place behind this record.
pub(crate) fn write(number: u64) -> FeedCursor {
    FeedCursor(number.to_string())
}
