//! What no project file says.

use crate::none;
use crate::tree::{files, read, read_text, root, rust_files};

/// Written in two halves, so that this file does not find itself.
const UNFINISHED: [(&str, &str); 9] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("HA", "CK"),
    ("todo", "!("),
    ("unimpl", "emented!("),
    ("for ", "now,"),
    ("not ", "implemented yet"),
    ("#[ig", "nore"),
];
const LOCAL_PATHS: [(&str, &str); 4] = [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("/wo", "rk/")];
const TEXT: [&str; 9] = [".rs", ".toml", ".md", ".yaml", ".yml", ".sh", ".json", ".html", ".ci/run"];

/// `(file, text)` of what people write.
fn texts() -> Vec<(String, String)> {
    let text = |file: &String| file.starts_with("scripts/") || TEXT.iter().any(|ending| file.ends_with(ending));
    let files = files().into_iter().filter(|file| text(file) && !file.contains("fuzz/corpus/"));
    files.filter_map(|file| read_text(&file).map(|text| (file, text))).collect()
}

fn finds(words: &[(&str, &str)], found: fn(&str, &str) -> bool) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|(one, two)| format!("{one}{two}")).collect();
    let mut findings = Vec::new();
    for (file, text) in texts() {
        for (index, line) in text.lines().enumerate() {
            let word = words.iter().find(|word| found(line, word));
            findings.extend(word.map(|word| format!("{file}:{}: {word}", index + 1)));
        }
    }
    findings
}

/// The word stands alone.
fn stands_alone(line: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        !(letter(before) || letter(after) && letter(word.chars().next_back()))
    })
}

/// A path begins here: nothing of a longer path or of an address stands before it.
fn begins_a_path(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "}./_-$~*".contains(c);
    line.match_indices(word).any(|(at, _)| !line[..at].chars().next_back().is_some_and(inside))
}

/// Where a report in TAP is written or explained: what may fail carries a directive there that is one of these words.
const TAP: [&str; 3] = ["docs/reports.md:", "shared/app/src/reports/tap.rs:", "shared/app/src/reports/tests/lines.rs:"];

#[test]
fn nothing_is_left_unfinished() {
    let (one, two) = UNFINISHED[0];
    let directive =
        |found: &String| TAP.iter().any(|file| found.starts_with(file)) && found.ends_with(&format!("{one}{two}"));
    let findings: Vec<String> =
        finds(&UNFINISHED, stands_alone).into_iter().filter(|found| !directive(found)).collect();
    none("say it in an issue, or finish it", &findings);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let mut findings = finds(&LOCAL_PATHS, begins_a_path);
    let here = root().to_str().unwrap().to_owned();
    findings.extend(texts().into_iter().filter(|(_, text)| text.contains(&here)).map(|(file, _)| file));
    none("paths of one machine", &findings);
}

#[test]
fn only_the_binary_and_the_benches_print() {
    let printing = ["clippy::print_stdout", "clippy::print_stderr", "println!("];
    let mut findings = Vec::new();
    for file in rust_files() {
        if file.starts_with("functions/local/") || file.starts_with("tests/") {
            continue;
        }
        let text = read(&file);
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate();
        let printed = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
        let printed = printed.filter(|(_, line)| printing.iter().any(|word| line.contains(word)));
        findings.extend(printed.map(|(index, line)| format!("{file}:{}: {}", index + 1, line.trim())));
    }
    none("what is said goes through tracing, or is returned", &findings);
}

#[test]
fn words_are_found_where_they_stand_alone() {
    assert!(stands_alone("// ABC: later", "ABC") && !stands_alone("ABCD", "ABC") && stands_alone("abc!(x)", "abc!("));
    assert!(begins_a_path("see /abc/x", "/abc/") && !begins_a_path("http://host/abc/x", "/abc/"));
}
