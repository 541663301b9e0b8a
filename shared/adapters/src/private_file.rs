//! Files and folders that only their user enters.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Result, Write as _};
use std::path::Path;

use assay_app::ports::PortError;

use crate::Durability;

/// Makes a folder, and those above it; one that is there stays as it is.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file that is not there yet.
pub(crate) fn make_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a file with these bytes.
pub(crate) fn write_file(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    let mut file = make_file(path)?;
    file.write_all(bytes)?;
    if durability == Durability::Full { file.sync_all() } else { Ok(()) }
}

/// What it was doing with a file or folder when the system said no.
pub(crate) fn file_error(doing: &str, path: &Path, error: std::io::Error) -> PortError {
    let message = format!("{doing} `{}`", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            PortError::retry(format!("{message}: the disk is full")).because(error)
        }
        _ => PortError::permanent(message).because(error),
    }
}
