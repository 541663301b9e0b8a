//! From what was typed to flow files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::error::CommandError;

/// So much of a file decides whether it is a flow.
const LOOKED_AT: u64 = super::read::LARGEST_TEXT;
/// The endings of flow files.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The flow files that these words name, each once, in the order of the words and sorted within a folder.
///
/// `note` is told of each file of a folder that is passed over though it looks like a flow.
///
/// # Errors
/// A word that names nothing.
pub(crate) fn find(words: &[String], note: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>, CommandError> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for word in words {
        let path = Path::new(word);
        let files = if path.is_dir() {
            let files = flows_below(path, &|_| true, note)?;
            if files.is_empty() {
                return Err(CommandError::wrong(format!(
                    "there is no flow in {word}: none of its *.yaml, *.yml and *.json files has a `steps` key"
                )));
            }
            files
        } else if path.exists() {
            vec![path.to_owned()]
        } else if word.contains(['*', '?', '[', '{']) {
            by_pattern(word, note)?
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

fn by_pattern(pattern: &str, note: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>, CommandError> {
    let glob = GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern)).literal_separator(true).build();
    let glob = glob.map_err(|error| CommandError::wrong(format!("`{pattern}` is no pattern: {}", error.kind())))?;
    let matcher = glob.compile_matcher();
    let fixed: PathBuf = Path::new(pattern).components().take_while(|part| !is_pattern(part.as_os_str())).collect();
    let top = if fixed.as_os_str().is_empty() { Path::new(".") } else { fixed.as_path() };
    if !top.is_dir() {
        return Err(CommandError::wrong(format!("no file matches `{pattern}`: there is no folder {}", top.display())));
    }
    let files = flows_below(top, &|path| matcher.is_match(path.strip_prefix("./").unwrap_or(path)), note)?;
    if files.is_empty() {
        return Err(CommandError::wrong(format!("no flow matches `{pattern}`")));
    }
    Ok(files)
}

fn is_pattern(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// Flow files below a folder. Hidden folders and `node_modules` are passed over, links to folders are not followed.
fn flows_below(
    top: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    note: &mut dyn FnMut(&str),
) -> Result<Vec<PathBuf>, CommandError> {
    let mut passed_over = Vec::new();
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
            {
                match kind_of(&path) {
                    Kind::Flow => files.push(path),
                    Kind::NearlyFlow(why) => passed_over.push((path, why)),
                    Kind::Other => {}
                }
            }
        }
    }
    passed_over.sort();
    for (path, why) in passed_over {
        note(&format!("note: passed over: {} ({why})\n", path.display()));
    }
    files.sort();
    Ok(files)
}

/// What a file is.
#[derive(Debug, PartialEq)]
enum Kind {
    Flow,
    /// No flow, but somebody may believe so; with what is wrong.
    NearlyFlow(String),
    Other,
}

/// Whether the file has a `steps` key, as far as can be told without reading it as a flow: one that is broken
/// elsewhere must still be found, so that it is reported.
fn kind_of(path: &Path) -> Kind {
    let Some(bytes) = super::read::beginning(path, LOOKED_AT) else { return Kind::Flow };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        let has = text.contains("\"steps\"") || text.contains("steps:");
        return if has { Kind::Flow } else { Kind::Other };
    }
    let keys: Vec<(usize, &str)> = text.lines().filter_map(key_of).collect();
    if keys.contains(&(0, "steps")) {
        return Kind::Flow;
    }
    let near = |key: &str| {
        let key = key.to_ascii_lowercase();
        key == "step" || (key.starts_with('s') && strsim::osa_distance(&key, "steps") <= 2 && key.len() > 3)
    };
    if let Some((_, key)) = keys.iter().find(|(indent, key)| *indent <= 1 && near(key)) {
        return Kind::NearlyFlow(format!("it has no `steps` at its top; did you mean `steps` by `{key}`?"));
    }
    let list = text.lines().any(|line| line.starts_with("- "));
    let typed = keys.iter().any(|(_, key)| *key == "type")
        || text.lines().any(|line| line.starts_with("- {") && line.contains("type:"));
    if list && typed && !keys.iter().any(|(indent, _)| *indent == 0) {
        return Kind::NearlyFlow("it is a list; did you mean it to stand below `steps:`?".to_owned());
    }
    Kind::Other
}

/// A line's key and how far it is indented, the dash of a list's item included.
fn key_of(line: &str) -> Option<(usize, &str)> {
    let (key, _) = line.split_once(':')?;
    let bare = key.trim_start_matches([' ', '-']);
    Some((key.len() - bare.len(), bare.trim_end().trim_matches(['"', '\''])))
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
        let files = find(&words, &mut |_| {}).map_err(|error| error.to_string())?;
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

    #[test]
    fn a_file_that_is_nearly_a_flow_is_not_passed_over_without_a_word() {
        let step = "- {id: a, type: delay, with: {for: 1s}}\n";
        let folder = laid_out(&[
            ("a.yaml", &format!("name: a\nstep:\n  {step}")),
            ("b.yaml", &format!("stpes:\n  {step}")),
            ("c.yaml", &format!(" steps:\n   {step}")),
            ("d.yaml", step),
            ("e.yaml", "- id: a\n  type: delay\n"),
            ("env.yaml", "inputs: {a: 1}\nsecrets: {}\nsetup: x\n"),
            ("users.yaml", "- {name: ann}\n"),
            ("openapi.yaml", "openapi: 3.1.0\npaths:\n  /x:\n    type: object\n"),
            ("ok.yaml", "steps: []"),
        ]);
        let mut notes = Vec::new();
        let words = [folder.path().display().to_string()];
        assert_eq!(find(&words, &mut |note| notes.push(note.to_owned())).unwrap().len(), 1);
        let told: Vec<&str> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .filter(|name| notes.iter().any(|n| n.contains(&format!("{name}.yaml ("))))
            .collect();
        assert_eq!(told, ["a", "b", "c", "d", "e"], "{notes:?}");
        assert_eq!(notes.len(), 5, "{notes:?}");
        assert!(notes[0].contains("did you mean `steps` by `step`?"), "{notes:?}");
        assert!(notes[4].contains("below `steps:`"), "{notes:?}");
    }
}
