//! The examples, and the flows that the docs show, compile, and fit the schema that editors check them with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read the examples fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use assay_engine::bundle::{Bundle, EnvironmentText, RunsAt};
use assay_engine::compile::{check_environment, compile, flow_schema};
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::source::read_data;
use assay_steps::registry::Types;

/// The resources that `scripts/services` writes, for the example that needs systems.
const RESOURCES: &str = "
resources:
  ledger: {type: sql, url: 'postgres://app@127.0.0.1/app'}
  announcements: {type: kafka, brokers: '127.0.0.1:9092'}
  cache: {type: redis, url: 'redis://127.0.0.1'}
  logs: {type: loki, url: 'http://127.0.0.1:3100'}
  metrics: {type: prometheus, url: 'http://127.0.0.1:9090'}
";

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Arc<[u8]>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, Arc::from(std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// What is wrong with a flow among these files.
fn problems(files: &BTreeMap<String, Arc<[u8]>>, main: &str) -> String {
    let (files, env) = (files.clone(), BTreeMap::new());
    let environment = || EnvironmentText { name: "all".into(), file: "all.yaml".into(), text: RESOURCES.into() };
    let environment = (main == "everywhere.yaml").then(environment);
    let bundle =
        Bundle { main: main.to_owned(), files, env, sealed: BTreeMap::new(), environment, runs_at: RunsAt::Laptop };
    let problems = match compile(&bundle, &Types, &Programs::default()) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    problems.iter().map(|problem| problem.render(Style::Plain)).collect()
}

#[test]
fn the_flow_of_the_readme_compiles_without_a_warning() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let (_, flow) = readme.split_once("```yaml\n").unwrap();
    let (flow, _) = flow.split_once("```").unwrap();
    let found = problems(&BTreeMap::from([("readme.yaml".to_owned(), Arc::from(flow.as_bytes()))]), "readme.yaml");
    assert!(found.is_empty(), "{found}");
}

#[test]
fn every_example_compiles_without_a_warning() {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"), "", &mut files);
    let flows: Vec<String> = files.keys().filter(|name| name.ends_with(".yaml")).cloned().collect();
    let found: String = flows.iter().map(|main| problems(&files, main)).collect();
    assert!(flows.len() >= 5 && found.is_empty(), "{found}");
}

/// Every page below `docs`, by its path.
fn pages() -> Vec<(String, String)> {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"), "docs/", &mut files);
    let pages = files.into_iter().filter(|(name, _)| name.ends_with(".md"));
    pages.map(|(name, text)| (name, String::from_utf8(text.to_vec()).unwrap())).collect()
}

/// A fenced block: its line, what stands behind the fence, and its text.
type Block = (usize, String, String);

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (at, line) in page.lines().enumerate() {
        match (inside, line.strip_prefix("```")) {
            (false, Some(info)) => {
                blocks.push((at + 1, info.trim().to_owned(), String::new()));
                inside = true;
            }
            (true, Some(_)) => inside = false,
            (true, None) => blocks.last_mut().unwrap().2.push_str(&format!("{line}\n")),
            (false, None) => {}
        }
    }
    blocks
}

/// Every block of YAML that the docs show, but for those of the errors, which are wrong on purpose, and of the language
/// reference, whose flows a test of their own compiles.
fn shown() -> Vec<(String, Vec<Block>)> {
    let own = |name: &str| name.starts_with("docs/errors/") || name == "docs/language.md";
    let pages = pages().into_iter().filter(|(name, _)| !own(name));
    pages.map(|(name, text)| (name, blocks(&text))).collect()
}

fn is_flow(info: &str, text: &str) -> bool {
    let words: Vec<&str> = info.split(' ').collect();
    let of_flow = words[0] == "yaml" && !words.contains(&"environment") && !words.contains(&"ci");
    of_flow && read_data("x.yaml", text.as_bytes()).is_ok_and(|value| value.get("steps").is_some())
}

#[test]
fn every_flow_and_environment_of_the_docs_compiles() {
    let (mut wrong, mut flows) = (Vec::new(), 0);
    for (page, blocks) in shown() {
        let named = |info: &str| info.split(' ').find_map(|word| word.strip_prefix("file=").map(str::to_owned));
        let beside = blocks.iter().filter_map(|(_, info, text)| Some((named(info)?, Arc::from(text.as_bytes()))));
        let beside: BTreeMap<String, Arc<[u8]>> = beside.collect();
        for (line, info, text) in blocks.iter().filter(|(_, info, _)| info.starts_with("yaml")) {
            let place = format!("{page}:{line}");
            let file = named(info).unwrap_or_default();
            if info.contains("environment") || file.starts_with("environments/") {
                let found = check_environment("env.yaml", text.as_bytes()).err();
                wrong.extend(found.map(|found| format!("{place}\n{}", found.render(Style::Plain))));
            } else if is_flow(info, text) {
                flows += 1;
                let mut files = beside.clone();
                files.insert("page.yaml".to_owned(), Arc::from(text.as_bytes()));
                let (main, env) = ("page.yaml".to_owned(), BTreeMap::new());
                let bundle =
                    Bundle { main, files, env, sealed: BTreeMap::new(), environment: None, runs_at: RunsAt::Laptop };
                let found = compile(&bundle, &Types, &Programs::default()).err();
                wrong.extend(found.map(|found| format!("{place}\n{}", found.render(Style::Plain))));
            } else if let Err(found) = read_data("x.yaml", text.as_bytes()) {
                wrong.push(format!("{place}\n{}", found.render(Style::Plain)));
            }
        }
    }
    assert!(flows > 30, "only {flows} flows were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_schema_for_editors_takes_every_flow_that_compiles() {
    let validator = jsonschema::validator_for(&flow_schema(&Types)).unwrap();
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"), "examples/", &mut files);
    let examples = files.iter().filter(|(name, _)| name.ends_with(".yaml"));
    let mut flows: Vec<(String, String)> =
        examples.map(|(name, text)| (name.clone(), String::from_utf8(text.to_vec()).unwrap())).collect();
    for (page, blocks) in shown() {
        let blocks = blocks.into_iter().filter(|(_, info, text)| is_flow(info, text));
        flows.extend(blocks.map(|(line, _, text)| (format!("{page}:{line}"), text)));
    }
    let mut wrong = Vec::new();
    for (place, text) in &flows {
        let value = read_data("x.yaml", text.as_bytes()).unwrap();
        let found = validator.iter_errors(&value).map(|error| format!("{place} {}: {error}", error.instance_path()));
        wrong.extend(found);
    }
    assert!(flows.len() > 35 && wrong.is_empty(), "{} flows\n{}", flows.len(), wrong.join("\n"));
    for bad in ["steps: []", "steps: [{type: http, wiht: {}}]", "step: []", "steps: [{type: nothing}]"] {
        let value = read_data("x.yaml", bad.as_bytes()).unwrap();
        assert!(!validator.is_valid(&value), "the schema takes {bad}");
    }
}
