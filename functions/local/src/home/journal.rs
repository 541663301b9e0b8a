//! What a process has promised to run. The promise is written before anything starts, locked while its process lives,
//! and removed when the outcome was told; what a kill leaves behind is what `assay resume` goes on with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use assay_app::usecases::RerunOf;
use assay_engine::id::{ExecutionId, FlowVersionId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::place::{Home, make_file};
use crate::error::CommandError;
use crate::load::SecretPlace;

/// The folder of the journals.
const FOLDER: &str = "runs";

/// One flow that a process has promised to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// The execution, whether it was created yet or not.
    pub(crate) execution: ExecutionId,
    /// From which the id is derived.
    pub(crate) start_key: String,
    /// What to run.
    pub(crate) version: FlowVersionId,
    /// The flow's path within the version.
    pub(crate) main: String,
    /// The inputs.
    pub(crate) inputs: BTreeMap<String, Json>,
    /// The labels of the command.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where values of secrets are, for who goes on with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) secrets: BTreeMap<String, SecretPlace>,
    /// The execution that it repeats or goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rerun: Option<RerunOf>,
    /// Only these steps and what they need; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<BTreeSet<String>>,
    /// How long `finally` is held back, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep_ms: Option<u64>,
    /// The flow's file, as seen from the project or from where the command was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// What stands in a journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// The process that promised.
    pub(crate) process: u32,
    /// What it promised.
    pub(crate) entries: Vec<Entry>,
}

/// A journal that this process holds.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// Holds the lock; the operating system lets go of it when the process is gone, however it went.
    _lock: File,
}

impl Journal {
    /// Writes down what this process is about to run. `key` is unique for each call.
    pub(crate) fn write(home: &Home, key: &str, entries: Vec<Entry>) -> Result<Self, CommandError> {
        let folder = home.below(FOLDER)?;
        let path = folder.join(format!("{key}.json"));
        let draft = folder.join(format!("{key}.draft"));
        let kept = Kept { process: std::process::id(), entries };
        let write = || -> std::io::Result<File> {
            let mut file = make_file(&draft)?;
            // Locked before it has its name, so that nobody sees it unlocked.
            file.lock()?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            std::fs::rename(&draft, &path)?;
            Ok(file)
        };
        let lock = write().map_err(|error| CommandError::fault(format!("write {}", path.display()), error))?;
        Ok(Self { path, _lock: lock })
    }

    /// The outcome was told: there is nothing to resume. Who has removed the state meanwhile has done the same.
    pub(crate) fn close(self) -> Result<(), CommandError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CommandError::fault(format!("remove {}", self.path.display()), error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The journals of processes that live.
pub(crate) fn living(home: &Home) -> Result<Vec<Kept>, CommandError> {
    let held = |path: PathBuf| {
        let mut file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Ok(()) => None,
            Err(_) => read(&mut file),
        }
    };
    Ok(paths(home)?.into_iter().filter_map(held).collect())
}

/// The journals of processes that are gone. They are ours from now on: nobody else resumes them while we live.
pub(crate) fn left_behind(home: &Home) -> Result<Vec<(Journal, Kept)>, CommandError> {
    let mut found = Vec::new();
    for path in paths(home)? {
        // Its process may tell its outcome and remove it at any moment.
        let Ok(mut file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) if path.exists() => {
                if let Some(kept) = read(&mut file) {
                    found.push((Journal { path, _lock: file }, kept));
                }
            }
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(CommandError::fault(format!("lock {}", path.display()), error));
            }
        }
    }
    Ok(found)
}

fn paths(home: &Home) -> Result<Vec<PathBuf>, CommandError> {
    let folder = home.below(FOLDER)?;
    let fault = |error: std::io::Error| CommandError::fault(format!("read {}", folder.display()), error);
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(fault)? {
        paths.push(entry.map_err(fault)?.path());
    }
    paths.retain(|path: &PathBuf| is_journal(path));
    paths.sort();
    Ok(paths)
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

fn read(file: &mut File) -> Option<Kept> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> Entry {
        Entry {
            execution: ExecutionId::derived(&[key]),
            start_key: key.to_owned(),
            version: FlowVersionId::derived(&["v"]),
            main: "flow.yaml".to_owned(),
            inputs: BTreeMap::new(),
            labels: BTreeMap::new(),
            secrets: BTreeMap::new(),
            rerun: None,
            only: None,
            keep_ms: None,
            file: None,
        }
    }

    #[test]
    fn a_journal_whose_state_was_removed_closes_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open_or_make(folder.path().join("state")).unwrap();
        let journal = Journal::write(&home, "a", vec![entry("1")]).unwrap();
        std::fs::remove_dir_all(home.folder()).unwrap();
        journal.close().unwrap();
    }

    #[test]
    fn a_journal_is_left_behind_only_when_nobody_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open_or_make(folder.path().join("state")).unwrap();
        let journal = Journal::write(&home, "a", vec![entry("1")]).unwrap();
        assert_eq!(living(&home).unwrap().len(), 1);
        assert!(left_behind(&home).unwrap().is_empty());
        drop(journal);
        assert!(living(&home).unwrap().is_empty());
        let left = left_behind(&home).unwrap();
        assert_eq!(left[0].1.entries, [entry("1")]);
        assert!(left_behind(&home).unwrap().is_empty(), "the first finder holds it");
        for (journal, _) in left {
            journal.close().unwrap();
        }
        assert!(left_behind(&home).unwrap().is_empty());
    }
}
