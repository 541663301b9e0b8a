//! The step's page: its examples are flows, and it names every key and every field.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::types::StepTypes;
use assay_steps::registry::Types;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/steps/sql.md");

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

#[test]
fn every_example_of_the_page_compiles_without_a_warning() {
    let page = page();
    let flows: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    let mut found = String::new();
    for flow in &flows {
        let files = BTreeMap::from([("flow.yaml".to_owned(), Arc::from(flow.as_bytes()))]);
        let env = BTreeMap::new();
        let bundle = Bundle {
            main: "flow.yaml".to_owned(),
            files,
            env,
            sealed: BTreeMap::new(),
            environment: None,
            runs_at: RunsAt::Laptop,
        };
        let problems = match compile(&bundle, &Types, &Programs::default()) {
            Ok(compiled) => compiled.warnings,
            Err(problems) => problems,
        };
        found.extend(problems.iter().map(|problem| problem.render(Style::Plain)));
    }
    assert!(flows.len() >= 2 && found.is_empty(), "{found}");
}

#[test]
fn the_page_names_every_key_and_every_field() {
    let page = page();
    let spec = Types.get("sql").unwrap();
    let keys = spec.schema()["properties"].as_object().unwrap().keys().cloned();
    let fields = spec.outputs().iter().map(|field| field.name.to_owned());
    let missing: Vec<String> = keys.chain(fields).filter(|name| !page.contains(&format!("| `{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
