//! Calls the script as a person would.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// The script, on the set in a folder.
pub(crate) fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/services"));
    command.args(words).arg("--dir").arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it prints when it succeeds.
pub(crate) fn run(folder: &Path, words: &[&str]) -> String {
    printed(command(folder, words).output().unwrap())
}

/// What a run that succeeded printed.
pub(crate) fn printed(output: Output) -> String {
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// What `services.json` says.
pub(crate) fn described(folder: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(folder.join("services.json")).unwrap()).unwrap()
}

/// A folder whose set is removed when it is dropped.
pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = command(self.path(), &["stop", "--remove"]).output();
    }
}
