//! Locks that end with the process that holds them.

use std::fs::{File, OpenOptions, TryLockError};

use super::place::Home;
use crate::error::CommandError;

/// The folder of the locks.
const FOLDER: &str = "locks";

/// Holds the lock of this name; none: another process does.
pub(crate) fn lock(home: &Home, name: &str) -> Result<Option<File>, CommandError> {
    let path = home.below(FOLDER)?.join(name);
    let fault = |error: std::io::Error| CommandError::fault(format!("lock {}", path.display()), error);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}
