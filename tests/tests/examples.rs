//! The examples are flows that compile without a warning, whatever else changes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read the examples fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use assay_engine::bundle::{Bundle, EnvironmentText, RunsAt};
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
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
    let bundle = Bundle { main: main.to_owned(), files, env, environment, runs_at: RunsAt::Laptop };
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
