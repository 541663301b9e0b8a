//! The files and packages of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file that is, or could be, committed, as a path from the root with `/`.
pub(crate) fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "git ls-files failed");
    let mut files: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    files
}

/// Those with one of these endings.
pub(crate) fn files_ending(endings: &[&str]) -> Vec<String> {
    files().into_iter().filter(|file| endings.iter().any(|ending| file.ends_with(ending))).collect()
}

/// The Rust files that people write.
pub(crate) fn rust_files() -> Vec<String> {
    files_ending(&[".rs"]).into_iter().filter(|file| !file.contains("/generated/")).collect()
}

/// The text of a file.
pub(crate) fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The text of a file, when it is text.
pub(crate) fn read_text(file: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(file)).unwrap()).ok()
}

/// A package of the workspace.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its folder, from the root.
    pub(crate) folder: String,
    /// `(name, is only for tests)` of what it depends on.
    pub(crate) dependencies: Vec<(String, bool)>,
    /// Its features.
    pub(crate) features: Vec<String>,
}

/// The packages of the workspace, as cargo sees them.
pub(crate) fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo describes the workspace");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(package: &Json) -> Package {
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
    let folder = folder.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    Package {
        name: package["name"].as_str().unwrap().to_owned(),
        folder,
        dependencies: dependencies
            .map(|dependency| (dependency["name"].as_str().unwrap().to_owned(), dependency["kind"] == "dev"))
            .collect(),
        features: package["features"].as_object().unwrap().keys().cloned().collect(),
    }
}

/// The names of the entries of a folder; empty when there is no such folder.
pub(crate) fn entries(folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root().join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
