//! The steps' pages: their examples are flows, and they name every key and every field.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_engine::bundle::{Bundle, RunsAt};
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::types::StepTypes;
use assay_steps::registry::Types;

use crate::surroundings::TYPES;

pub(crate) fn page(kind: &str) -> String {
    std::fs::read_to_string(format!("{}/../../docs/steps/{kind}.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_example_of_the_pages_compiles_without_a_warning() {
    let pages = TYPES.map(page).concat();
    let flows: Vec<&str> =
        pages.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
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
    assert!(flows.len() >= 5 && found.is_empty(), "{found}");
}

#[test]
fn the_pages_name_every_key_and_every_field() {
    for kind in TYPES {
        let page = page(kind);
        let spec = Types.get(kind).unwrap();
        let keys = spec.schema()["properties"].as_object().unwrap().keys().cloned();
        let fields = spec.outputs().iter().map(|field| field.name.to_owned());
        let missing: Vec<String> = keys.chain(fields).filter(|name| !page.contains(&format!("| `{name}"))).collect();
        assert!(missing.is_empty(), "{kind}: {missing:?}");
    }
}

#[test]
fn a_query_without_a_target_does_not_compile() {
    for kind in TYPES {
        let flow = format!("steps:\n  - type: {kind}\n    with: {{query: up}}\n    assert: [\"series.size() > 0\"]\n");
        let files = BTreeMap::from([("flow.yaml".to_owned(), Arc::from(flow.as_bytes()))]);
        let env = BTreeMap::new();
        let bundle = Bundle {
            main: "flow.yaml".to_owned(),
            files,
            env,
            sealed: BTreeMap::new(),
            environment: None,
            runs_at: RunsAt::Server,
        };
        let Err(problems) = compile(&bundle, &Types, &Programs::default()) else { panic!("{kind} compiles") };
        let text: String = problems.iter().map(|problem| problem.render(Style::Plain)).collect();
        assert!(text.contains("url"), "{text}");
    }
}
