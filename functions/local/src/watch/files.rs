//! Whether files are still what was read of them.
//!
//! Looked at again and again rather than told by the system: it works the same for files that an editor replaces by
//! renaming, on folders that are mounted from elsewhere, and without a limit of watches. Only a file whose stamp has
//! changed is read, and only other contents count.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often files are looked at. A change counts when two looks in a row see the same: an editor may be in the middle.
const EVERY: Duration = Duration::from_millis(150);
/// Of a folder that a broken flow lies in, at most this many files are looked at.
const BESIDE: usize = 500;
/// The endings of flow files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What a file held; none: it was not there.
pub(crate) type Contents = Option<u64>;

/// The contents of bytes, as they are compared.
pub(crate) fn contents(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// What can be known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// Another file by the same name has another number.
    number: u64,
}

/// Files that are watched.
#[derive(Debug)]
pub(crate) struct Watched {
    /// What the last round has read.
    known: BTreeMap<PathBuf, Contents>,
    /// Folders in which a flow may be added, and the files that were there.
    folders: Vec<PathBuf>,
    listed: BTreeSet<PathBuf>,
    /// What was read of a file that has this stamp.
    seen: HashMap<PathBuf, (Stamp, u64)>,
    /// What differed at the last look.
    before: BTreeMap<PathBuf, Contents>,
    tick: Option<Interval>,
}

impl Watched {
    /// Watches nothing yet but for flows that are added to these folders.
    pub(crate) fn new(folders: Vec<PathBuf>) -> Self {
        let listed = listed(&folders);
        let (known, seen, before) = (BTreeMap::new(), HashMap::new(), BTreeMap::new());
        Self { known, folders, listed, seen, before, tick: None }
    }

    /// How many files are watched.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    /// Watches these from now on, which held this when they were read.
    pub(crate) fn expect(&mut self, read: BTreeMap<PathBuf, Contents>) {
        self.known = read;
        self.listed = listed(&self.folders);
        self.before.clear();
    }

    /// Watches these files and what lies beside them, as they are now: of what could not be loaded nobody knows what
    /// belongs to it.
    pub(crate) fn expect_beside(&mut self, files: &[PathBuf]) {
        let mut all: BTreeSet<PathBuf> = self.known.keys().cloned().chain(files.iter().cloned()).collect();
        for file in files {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let paths = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
            all.extend(paths.map(|entry| entry.path()).filter(|path| path.is_file()).take(BESIDE));
        }
        let read = all.into_iter().map(|path| {
            let contents = self.now(&path);
            (path, contents)
        });
        let read = read.collect();
        self.expect(read);
    }

    /// Comes back when something differs from what was read, and an instant has passed in which it stayed so. May be
    /// dropped while it waits.
    pub(crate) async fn change(&mut self) -> Vec<PathBuf> {
        loop {
            let tick = self.tick.get_or_insert_with(|| {
                let mut tick = interval(EVERY);
                tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                tick
            });
            tick.tick().await;
            let differing = self.differing();
            if !differing.is_empty() && differing == self.before {
                self.before.clear();
                return differing.into_keys().collect();
            }
            self.before = differing;
        }
    }

    /// What is not as it was read.
    fn differing(&mut self) -> BTreeMap<PathBuf, Contents> {
        let mut differing = BTreeMap::new();
        for (path, contents) in std::mem::take(&mut self.known) {
            let now = self.now(&path);
            if now != contents {
                differing.insert(path.clone(), now);
            }
            self.known.insert(path, contents);
        }
        if !self.folders.is_empty() {
            let listed = listed(&self.folders);
            for path in listed.difference(&self.listed) {
                differing.entry(path.clone()).or_insert(None);
            }
        }
        differing
    }

    /// What the file holds now.
    fn now(&mut self, path: &Path) -> Contents {
        let stamp = stamp(path)?;
        if let Some((known, contents)) = self.seen.get(path)
            && *known == stamp
        {
            return Some(*contents);
        }
        let contents = contents(&std::fs::read(path).ok()?);
        self.seen.insert(path.to_owned(), (stamp, contents));
        Some(contents)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&about);
    #[cfg(not(unix))]
    let number = 0;
    Some(Stamp { modified: about.modified().ok(), size: about.len(), number })
}

/// Files below the folders that may be flows.
fn listed(folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut left = folders.to_vec();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.') || name == "node_modules";
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !hidden {
                    left.push(path);
                }
            } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
                found.insert(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(folder: &Path, names: &[&str]) -> Watched {
        let mut watched = Watched::new(Vec::new());
        let read =
            names.iter().map(|name| (folder.join(name), std::fs::read(folder.join(name)).ok().map(|it| contents(&it))));
        watched.expect(read.collect());
        watched
    }

    #[test]
    fn other_contents_count_and_a_new_stamp_alone_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "one").unwrap();
        let mut watched = watched(folder.path(), &["a.yaml", "missing.csv"]);
        assert!(watched.differing().is_empty());
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(watched.differing().is_empty(), "touched");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(watched.differing().into_keys().collect::<Vec<_>>(), std::slice::from_ref(&path));
        std::fs::write(&path, "one").unwrap();
        assert!(watched.differing().is_empty(), "taken back");
        std::fs::write(folder.path().join("missing.csv"), "x").unwrap();
        assert_eq!(watched.differing().len(), 1);
    }

    #[test]
    fn a_file_that_an_editor_replaces_by_renaming_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "one").unwrap();
        let mut watched = watched(folder.path(), &["a.yaml"]);
        let draft = folder.path().join(".a.yaml.swp");
        std::fs::write(&draft, "two").unwrap();
        assert!(watched.differing().is_empty());
        std::fs::rename(&draft, &path).unwrap();
        assert_eq!(watched.differing().len(), 1);
    }

    #[test]
    fn a_flow_that_is_added_to_a_folder_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut watched = Watched::new(vec![folder.path().to_owned()]);
        watched.expect(BTreeMap::new());
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        assert!(watched.differing().is_empty());
        std::fs::write(folder.path().join("new.yaml"), "x").unwrap();
        assert_eq!(watched.differing().len(), 1);
    }

    #[tokio::test]
    async fn a_change_counts_once_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "one").unwrap();
        let mut watched = watched(folder.path(), &["a.yaml"]);
        std::fs::write(&path, "two").unwrap();
        assert_eq!(watched.change().await, [path]);
    }
}
