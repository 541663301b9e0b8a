//! A folder to type commands in, and what comes back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use regex::Regex;
use tempfile::TempDir;

use crate::server::Server;

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) server: Server,
}

pub(crate) struct Came {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// An empty folder beside a server; `URL` in the texts is the server's address.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), server: Server::start() };
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.replace("URL", &self.server.url)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, not started yet, in an environment without anything that steers colours or state.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(words).current_dir(self.folder.path()).env_clear().env("USER", "ann").stdin(Stdio::null());
        command
    }

    pub(crate) fn assay(&self, words: &[&str]) -> Came {
        Came::of(self.command(words).output().unwrap())
    }

    /// Starts it and lets it run.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What differs from run to run replaced by its name.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.server.url, "[server]");
        let text = text.replace(self.server.url.trim_start_matches("http://"), "[server]");
        let text = text.replace(&self.folder.path().display().to_string(), "[folder]");
        let all = [(r"exe_[0-9a-f]{20}", "[exe]"), (r"\b[0-9]+(\.[0-9])? (ms|s)\b", "[time]")];
        all.iter()
            .fold(text, |text, (pattern, name)| Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned())
    }

    /// Every byte below a folder.
    pub(crate) fn contents(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        read_all(&self.path(name), &mut found);
        found
    }
}

fn read_all(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, found);
        } else {
            found.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
}

impl Came {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Ends a started command and takes what it printed.
    pub(crate) fn wait(child: Child) -> Self {
        Self::of(child.wait_with_output().unwrap())
    }

    /// The records of `--json`.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// Sends a signal to a process that was started here.
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap().success());
}
