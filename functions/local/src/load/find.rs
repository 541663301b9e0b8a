//! From what was typed to flow files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::error::CommandError;

/// The endings of flow files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The flow files that these words name, each once, in the order of the words and sorted within a folder.
///
/// # Errors
/// A word that names nothing.
pub(crate) fn find(words: &[String]) -> Result<Vec<PathBuf>, CommandError> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for word in words {
        let path = Path::new(word);
        let files = if path.is_dir() {
            let files = flows_below(path, &|_| true)?;
            if files.is_empty() {
                return Err(CommandError::wrong(format!(
                    "there is no flow in {word}: none of its *.yaml, *.yml and *.json files has a `steps` key"
                )));
            }
            files
        } else if path.exists() {
            vec![path.to_owned()]
        } else if word.contains(['*', '?', '[', '{']) {
            by_pattern(word)?
        } else {
            return Err(CommandError::wrong(missing(path)));
        };
        for file in files {
            if seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
                found.push(file);
            }
        }
    }
    Ok(found)
}

fn missing(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("there is no file {}: the folder {} is missing", path.display(), folder.display());
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let near = names
        .map(|other| (strsim::jaro_winkler(&other, &name), other))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, other)) => {
            format!("there is no file {}; did you mean {}?", path.display(), path.with_file_name(other).display())
        }
        None => format!("there is no file {}", path.display()),
    }
}

fn by_pattern(pattern: &str) -> Result<Vec<PathBuf>, CommandError> {
    let glob = GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern)).literal_separator(true).build();
    let glob = glob.map_err(|error| CommandError::wrong(format!("`{pattern}` is no pattern: {}", error.kind())))?;
    let matcher = glob.compile_matcher();
    let fixed: PathBuf = Path::new(pattern).components().take_while(|part| !is_pattern(part.as_os_str())).collect();
    let top = if fixed.as_os_str().is_empty() { Path::new(".") } else { fixed.as_path() };
    if !top.is_dir() {
        return Err(CommandError::wrong(format!("no file matches `{pattern}`: there is no folder {}", top.display())));
    }
    let files = flows_below(top, &|path| matcher.is_match(path.strip_prefix("./").unwrap_or(path)))?;
    if files.is_empty() {
        return Err(CommandError::wrong(format!("no flow matches `{pattern}`")));
    }
    Ok(files)
}

fn is_pattern(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// Flow files below a folder. Hidden folders and `node_modules` are passed over, links to folders are not followed.
fn flows_below(top: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>, CommandError> {
    let mut files = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let fault = |error: std::io::Error| CommandError::fault(format!("read the folder {}", folder.display()), error);
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.') || name == "node_modules";
            let path = entry.path();
            if entry.file_type().map_err(fault)?.is_dir() {
                if !hidden {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
                && path.is_file()
                && wanted(&path)
                && is_flow(&path)
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the file has a `steps` key, as far as can be told without reading it as a flow: one that is broken
/// elsewhere must still be found, so that it is reported.
fn is_flow(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return text.contains("\"steps\"") || text.contains("steps:");
    }
    text.lines().any(|line| {
        let key = line.split_once(':').map(|(key, _)| key.trim_end().trim_matches(['"', '\'']));
        key == Some("steps")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn found(folder: &Path, words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| folder.join(word).display().to_string()).collect();
        let files = find(&words).map_err(|error| error.to_string())?;
        let short = |file: &PathBuf| file.strip_prefix(folder).unwrap().display().to_string();
        Ok(files.iter().map(short).collect())
    }

    #[test]
    fn a_folder_is_searched_for_files_with_a_steps_key() {
        let folder = laid_out(&[
            ("b.yaml", "name: b\nsteps: []"),
            ("sub/deep/a.yml", "'steps':\n  - {}"),
            ("c.json", "{\"name\": \"c\", \"steps\": []}"),
            ("data.json", "{\"users\": []}"),
            ("env.yaml", "inputs: {a: 1}"),
            ("notes.txt", "steps: none"),
            (".hidden/d.yaml", "steps: []"),
        ]);
        assert_eq!(found(folder.path(), &[""]).unwrap(), ["b.yaml", "c.json", "sub/deep/a.yml"]);
    }

    #[test]
    fn a_file_is_taken_once_and_in_the_order_of_the_words() {
        let folder = laid_out(&[("a.yaml", "steps: []"), ("b.yaml", "steps: []")]);
        assert_eq!(found(folder.path(), &["b.yaml", "", "a.yaml"]).unwrap(), ["b.yaml", "a.yaml"]);
    }

    #[test]
    fn a_pattern_stops_at_folders_unless_it_says_otherwise() {
        let folder = laid_out(&[("a/x.yaml", "steps: []"), ("a/b/y.yaml", "steps: []"), ("z.yaml", "steps: []")]);
        assert_eq!(found(folder.path(), &["a/*.yaml"]).unwrap(), ["a/x.yaml"]);
        assert_eq!(found(folder.path(), &["a/**/*.yaml"]).unwrap(), ["a/b/y.yaml", "a/x.yaml"]);
        assert!(found(folder.path(), &["a/*.yml"]).unwrap_err().contains("no flow matches"));
    }

    #[test]
    fn a_word_that_names_nothing_is_an_error_with_a_guess() {
        let folder = laid_out(&[("checkout.yaml", "steps: []"), ("empty/data.json", "{}")]);
        assert!(found(folder.path(), &["chekout.yaml"]).unwrap_err().contains("did you mean"));
        assert!(found(folder.path(), &["empty"]).unwrap_err().contains("there is no flow in"));
        assert!(found(folder.path(), &["nowhere/x.yaml"]).unwrap_err().contains("the folder"));
    }
}
