//! How modules look.

use crate::none;
use crate::tree::{files, read, rust_files};

const BANNED_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "impl", "misc"];
const ITEMS: [&str; 7] = ["fn ", "struct ", "enum ", "trait ", "impl ", "const ", "static "];

#[test]
fn every_module_says_what_it_is_for() {
    let says = |file: &String| read(file).lines().next().is_some_and(|line| line.starts_with("//!"));
    let silent: Vec<String> = rust_files().into_iter().filter(|file| !says(file)).collect();
    none("the first line of a module is `//!`", &silent);
}

#[test]
fn a_mod_file_holds_docs_and_reexports_only() {
    let mut findings = Vec::new();
    for file in rust_files().into_iter().filter(|file| file.ends_with("/mod.rs") && file.contains("/src/")) {
        for (index, line) in read(&file).lines().enumerate() {
            let item = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            if ITEMS.iter().any(|word| item.starts_with(word)) {
                findings.push(format!("{file}:{}: {line}", index + 1));
            }
        }
    }
    none("what is in a mod.rs belongs in a file with a name", &findings);
}

#[test]
fn nothing_is_named_after_nothing() {
    let empty = |part: &str| BANNED_NAMES.contains(&part.split('.').next().unwrap_or(part));
    let findings: Vec<String> = files().into_iter().filter(|file| file.split('/').any(empty)).collect();
    none("a file or folder is named after what it holds", &findings);
}

#[test]
fn a_test_is_named_by_a_sentence() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let text = read(&file);
        let lines: Vec<&str> = text.lines().collect();
        for (index, pair) in lines.windows(2).enumerate() {
            let test = pair[0].trim() == "#[test]" || pair[0].trim().starts_with("#[tokio::test");
            let name = pair[1].split_once("fn ").map(|(_, name)| name.split('(').next().unwrap_or(name));
            let bad = name.filter(|name| name.starts_with("test_") || !name.contains('_'));
            findings.extend(bad.filter(|_| test).map(|name| format!("{file}:{}: {name}", index + 2)));
        }
    }
    none("a test's name says what holds", &findings);
}
