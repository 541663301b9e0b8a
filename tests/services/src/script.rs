//! Calls `scripts/services`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/")).to_owned()
}

/// Runs `scripts/services` on the set in a folder; `Err` holds what it printed.
pub(crate) fn services(folder: &Path, words: &[&str]) -> Result<(), String> {
    let mut command = Command::new(checkout().join("scripts/services"));
    command.args(words).arg("--dir").arg(folder).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("scripts/services cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(format!("scripts/services {} failed:\n{}", words.join(" "), String::from_utf8_lossy(&printed)))
}
