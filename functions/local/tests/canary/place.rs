//! A folder to run flows in, where everything that is printed or kept is searched.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::canary::{CANARY, URLSAFE, betrayed};

pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = place.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command, not started yet, with every log line on and the secret in a variable.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(words).current_dir(self.0.path()).env_clear().stdin(Stdio::null());
        command.env("ASSAY_LOG", "trace").env("PLANTED", CANARY).env("URLSAFE", URLSAFE).env("USER", "ann");
        command
    }

    /// Runs it; what it prints is searched.
    #[track_caller]
    pub(crate) fn assay(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        for (what, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(betrayed(bytes), None, "{what} of {words:?}:\n{text}");
        }
        output
    }

    /// Searches every file below a folder, also in what was compressed or split by the store.
    #[track_caller]
    pub(crate) fn search(&self, folder: &str) -> usize {
        let mut files = Vec::new();
        collect(&self.path(folder), &mut files);
        for path in &files {
            let found = betrayed(&std::fs::read(path).unwrap()).or(betrayed(path.to_string_lossy().as_bytes()));
            assert_eq!(found, None, "{}", path.display());
        }
        files.len()
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
