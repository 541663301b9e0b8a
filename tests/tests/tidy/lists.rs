//! Lists that must agree: step types wherever they are named, error codes and their pages.

use std::collections::BTreeSet;

use assay_engine::diagnostics::codes;
use assay_engine::types::{ENGINE_WORDS, StepTypes};
use assay_steps::registry::Types;

use crate::none;
use crate::tree::{entries, packages, read, root, rust_files};

type Names = BTreeSet<String>;

/// The step types that are built in, by the word before the dot.
fn registered() -> Names {
    Types.names().into_iter().map(|name| name.split('.').next().unwrap_or(name).to_owned()).collect()
}

/// The folders of step types: those with a spec and a runner.
fn folders() -> Names {
    let has = |name: &String, file: &str| root().join(format!("shared/steps/src/{name}/{file}.rs")).exists();
    let runner = |name: &String| has(name, "run") || has(name, "run/mod");
    entries("shared/steps/src").into_iter().filter(|name| has(name, "spec") && runner(name)).collect()
}

/// The pages of a folder, by name.
fn pages(folder: &str) -> Names {
    let pages = entries(folder).into_iter().filter_map(|name| name.strip_suffix(".md").map(str::to_owned));
    pages.filter(|name| name != "README").collect()
}

/// Adds what is in one list and not in the other.
fn compare(findings: &mut Vec<String>, one: (&str, &Names), other: (&str, &Names)) {
    for (has, lacks) in [(one, other), (other, one)] {
        findings.extend(has.1.difference(lacks.1).map(|name| format!("{name} is in {} but not in {}", has.0, lacks.0)));
    }
}

#[test]
fn the_lists_of_step_types_agree() {
    let registered = registered();
    let mut findings = Vec::new();
    compare(&mut findings, ("the registry", &registered), ("the folders of shared/steps/src", &folders()));

    let packages = packages();
    let steps = packages.iter().find(|package| package.folder == "shared/steps").unwrap();
    let ways = |name: &str| name == "default" || name == "kafka-cross"; // not a type, but how one is built
    let features: Names = steps.features.iter().filter(|name| !ways(name)).cloned().collect();
    compare(&mut findings, ("the registry", &registered), ("the features of shared/steps", &features));

    let mut paged = registered.clone();
    paged.extend(ENGINE_WORDS.map(str::to_owned));
    compare(&mut findings, ("the registry and the engine's words", &paged), ("docs/steps", &pages("docs/steps")));

    let functions = entries("functions").into_iter().filter_map(|name| name.strip_prefix("step-").map(str::to_owned));
    let functions: Names = functions.collect();
    compare(&mut findings, ("the registry", &registered), ("functions/step-*", &functions));
    let template = read("template.yaml");
    let bundles = template.lines().filter_map(|line| line.trim().strip_prefix("CodeUri: target/lambda/step-"));
    let deployed: Names = bundles.map(|name| name.trim_end_matches('/').to_owned()).collect();
    compare(&mut findings, ("the registry", &registered), ("template.yaml", &deployed));
    none("the lists of step types", &findings);
}

/// The codes that sources name outside their tests: `"http.refused"`. What stands before the dot is a step type, or
/// something of which a code is known: by its page, or because it stands beside the class of an error.
fn run_codes() -> Names {
    let registered = registered();
    let (mut families, mut found) = (registered, Names::new());
    families.extend(pages("docs/errors").iter().filter_map(|page| Some(page.split_once('.')?.0.to_owned())));
    let sources = rust_files()
        .into_iter()
        .filter(|file| ["shared/", "functions/"].iter().any(|top| file.starts_with(top)) && !file.contains("/tests"));
    // The names of records are no errors, though they look alike.
    for file in sources.filter(|file| !file.ends_with("engine/src/record.rs")) {
        let text = read(&file);
        for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
            for literal in line.split('"').skip(1).step_by(2) {
                let Some((family, rest)) = literal.split_once('.') else { continue };
                let word = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
                // The names of step types are no errors either.
                if family.is_empty() || !word || Types.names().contains(&literal) {
                    continue;
                }
                if line.contains("Class") {
                    families.insert(family.to_owned());
                }
                found.insert(literal.to_owned());
            }
        }
    }
    found.retain(|code| code.split_once('.').is_some_and(|(family, _)| families.contains(family)));
    found
}

#[test]
fn every_error_code_has_its_page_and_every_page_its_code() {
    let mut expected: Names = codes().map(|(code, _)| code.to_owned()).collect();
    expected.extend(run_codes());
    let mut findings = Vec::new();
    compare(&mut findings, ("the code", &expected), ("docs/errors", &pages("docs/errors")));
    none("error codes and their pages", &findings);
}

#[test]
fn every_sentence_of_the_language_has_a_case_and_every_case_its_sentence() {
    let list = read("tests/flows/sentences.txt");
    let mut findings = Vec::new();
    let mut named = Names::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cases = line.rsplit_once(": ").map_or("", |(_, cases)| cases);
        named.extend(cases.split(", ").map(str::to_owned));
        if cases.is_empty() || cases.split(", ").any(|case| !root().join(format!("tests/flows/{case}")).exists()) {
            findings.push(format!("no case: {line}"));
        }
    }
    for folder in ["ok", "bad"] {
        let flows = entries(&format!("tests/flows/{folder}")).into_iter();
        let flows = flows.filter(|name| name.ends_with(".yaml")).map(|name| format!("{folder}/{name}"));
        findings.extend(flows.filter(|case| !named.contains(case)).map(|case| format!("no sentence: {case}")));
    }
    none("tests/flows/sentences.txt", &findings);
}

#[test]
fn a_page_of_an_error_has_a_cause_an_example_and_a_remedy() {
    let mut findings = Vec::new();
    for name in pages("docs/errors") {
        let page = read(&format!("docs/errors/{name}.md"));
        if page.lines().next() != Some(&format!("# {name}")) {
            findings.push(format!("docs/errors/{name}.md does not begin with `# {name}`"));
        }
        if page.lines().filter(|line| !line.trim().is_empty()).count() < 4 {
            findings.push(format!("docs/errors/{name}.md says too little"));
        }
    }
    none("pages of errors", &findings);
}
