//! How long files and functions may get.

use crate::none;
use crate::tree::{read, rust_files};

const FILE_LIMIT: usize = 800;
const FILE_AIM: usize = 400;
const FUNCTION_AIM: usize = 60;
const MAIN_LIMIT: usize = 40;

/// How many files are over the aim, and how many functions. These numbers go down, never up: split something first.
const FILES_OVER_AIM: usize = 0;
const FUNCTIONS_OVER_AIM: usize = 1;

fn lines(file: &str) -> usize {
    read(file).lines().count()
}

/// `(name, line, length)` of the functions of a formatted file: from `fn` to the brace that closes at its indentation.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(name) = function_name(code) else { continue };
        let indentation = &line[..line.len() - code.len()];
        let one_line = code.ends_with('}') || code.ends_with(';');
        let closes =
            |index: &usize| lines[*index].strip_prefix(indentation).is_some_and(|rest| ["}", ";"].contains(&rest));
        let end = if one_line { Some(start) } else { (start..lines.len()).find(closes) };
        functions.extend(end.map(|end| (name.to_owned(), start + 1, end - start + 1)));
    }
    functions
}

/// The name of the function whose declaration begins here.
fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async"];
    let declared = before.split_whitespace().all(|word| qualifiers.contains(&word));
    // A name that a macro makes belongs to no function of this file.
    let name = after.split(['(', '<']).next().filter(|name| !name.starts_with('$'));
    name.filter(|_| declared)
}

#[test]
fn no_file_is_too_long() {
    let mut findings = Vec::new();
    for file in rust_files() {
        if lines(&file) >= FILE_LIMIT {
            findings.push(format!("{file}: {} lines", lines(&file)));
        }
    }
    none("a file ends before line 800", &findings);
}

#[test]
fn files_over_the_aim_become_fewer() {
    let mut findings = Vec::new();
    for file in rust_files() {
        if lines(&file) > FILE_AIM {
            findings.push(format!("{file}: {} lines", lines(&file)));
        }
    }
    same_count("files over 400 lines", "FILES_OVER_AIM", FILES_OVER_AIM, &findings);
}

#[test]
fn functions_over_the_aim_become_fewer() {
    let mut findings = Vec::new();
    for file in rust_files() {
        for (name, line, length) in functions(&read(&file)) {
            if length > FUNCTION_AIM {
                findings.push(format!("{file}:{line}: {name} has {length} lines"));
            }
        }
    }
    same_count("functions over 60 lines", "FUNCTIONS_OVER_AIM", FUNCTIONS_OVER_AIM, &findings);
}

#[test]
fn the_main_of_a_function_is_thin() {
    let mut findings = Vec::new();
    for file in rust_files() {
        if file.starts_with("functions/") && file.ends_with("/src/main.rs") && lines(&file) > MAIN_LIMIT {
            findings.push(format!("{file}: {} lines", lines(&file)));
        }
    }
    none("a function's main.rs has at most 40 lines", &findings);
}

#[track_caller]
fn same_count(what: &str, constant: &str, expected: usize, findings: &[String]) {
    let (count, list) = (findings.len(), findings.join("\n  "));
    assert!(
        count <= expected,
        "{count} {what}, at most {expected} (split one rather than raise {constant}):\n  {list}"
    );
    assert!(count == expected, "{count} {what}: lower {constant} in tests/tests/tidy/lengths.rs from {expected}");
}

#[test]
fn the_length_of_a_function_is_counted_to_its_own_brace() {
    let text = [
        "impl A {",
        "    pub(crate) fn one() {",
        "        if x {",
        "        }",
        "    }",
        "    fn two() {}",
        "}",
        "const fn three(",
        "    a: u8,",
        ") -> u8 {",
        "    a",
        "}",
    ];
    let expected = [("one", 2, 4), ("two", 6, 1), ("three", 8, 5)];
    assert_eq!(functions(&text.join("\n")), expected.map(|(name, line, length)| (name.to_owned(), line, length)));
}
