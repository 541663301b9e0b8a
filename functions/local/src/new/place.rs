//! Puts files where they belong, and never over what is there unless that was said.

use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// A file to write.
#[derive(Debug)]
pub(super) struct NewFile {
    /// Where to, below the folder that was asked for.
    pub(super) path: PathBuf,
    /// What stands in it.
    pub(super) bytes: Vec<u8>,
}

impl NewFile {
    /// A file of this text.
    pub(super) fn text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), bytes: text.into().into_bytes() }
    }
}

/// Those of the files that are there already.
pub(super) fn present(files: &[NewFile]) -> Vec<&Path> {
    files.iter().map(|file| file.path.as_path()).filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// Refuses to overwrite.
///
/// # Errors
/// When a file is there already.
pub(super) fn refuse_present(files: &[NewFile]) -> Result<(), CommandError> {
    let present = present(files);
    let Some(first) = present.first() else { return Ok(()) };
    let others = match present.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Err(CommandError::wrong(format!(
        "{}{others} is there already: --force writes over it, --to names another place",
        first.display()
    )))
}

/// Writes all of them.
///
/// # Errors
/// What cannot be written.
pub(super) fn write(files: &[NewFile]) -> Result<(), CommandError> {
    for NewFile { path, bytes } in files {
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, bytes)
        };
        write().map_err(|error| CommandError::fault(format!("write {}", path.display()), error))?;
    }
    Ok(())
}
