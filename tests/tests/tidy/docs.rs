//! What the docs say exists.

use std::path::Path;

use crate::none;
use crate::tree::{files_ending, read, root};

/// `(line, target)` of the links of a page, outside code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let outside = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let mut rest = outside.as_str();
        while let Some((_, after)) = rest.split_once("](").filter(|_| !in_code) {
            let Some((target, tail)) = after.split_once(')') else { break };
            links.push((index + 1, target.to_owned()));
            rest = tail;
        }
    }
    links
}

/// The anchor of a heading, as the usual renderers make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is wrong with a link to another page of ours, if anything.
fn broken(page: &str, target: &str) -> Option<String> {
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let file = if path.is_empty() { root().join(page) } else { root().join(folder).join(path) };
    if !file.exists() {
        return Some(format!("{target} does not exist"));
    }
    if fragment.is_empty() || file.is_dir() {
        return None;
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let found = text.lines().any(|line| line.starts_with('#') && anchor(line) == fragment);
    (!found).then(|| format!("{target}: no such heading"))
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut findings = Vec::new();
    for page in files_ending(&[".md"]) {
        for (line, target) in links(&read(&page)) {
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            findings.extend(broken(&page, &target).filter(|_| !elsewhere).map(|why| format!("{page}:{line}: {why}")));
        }
    }
    none("links", &findings);
}

/// The blocks of a page that are meant for a shell.
fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "```sh" {
            blocks.push(lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

#[test]
fn the_readme_begins_with_the_main_job_and_every_test() {
    let blocks = shell_blocks(&read("README.md"));
    assert_eq!(blocks[0], "cargo run --release --bin assay -- demo");
    assert_eq!(blocks[1], "scripts/test");
}

#[test]
fn scripts_that_pages_name_exist() {
    let mut findings = Vec::new();
    for page in files_ending(&[".md"]) {
        let text = read(&page);
        for (at, _) in text.match_indices("scripts/") {
            let name: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || "/-_".contains(*c)).collect();
            if !root().join(name.trim_end_matches('/')).exists() {
                findings.push(format!("{page}: {name}"));
            }
        }
    }
    none("scripts", &findings);
}

#[test]
fn every_page_is_listed_where_people_look_first() {
    let index = read("docs/README.md");
    let pages = files_ending(&[".md"]).into_iter().filter_map(|page| page.strip_prefix("docs/").map(str::to_owned));
    let pages = pages.filter(|page| page != "README.md" && !page.contains('/'));
    let missing: Vec<String> = pages.filter(|page| !index.contains(&format!("]({page})"))).collect();
    none("docs/README.md lists every page beside it", &missing);
}
