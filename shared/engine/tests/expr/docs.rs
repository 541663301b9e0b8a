//! The examples of the user's reference.

use std::collections::BTreeMap;

use assay_engine::expr::{Limits, Map, Program, Status, Value};
use serde_json::Value as Json;

use super::{evaluation, schemas};

const PAGE: &str = include_str!("../../../../docs/expressions.md");

/// The lines of the fenced blocks of this kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        if line.starts_with("```") {
            inside = !inside && line == format!("```{kind}");
        } else if inside {
            lines.push(line);
        }
    }
    lines
}

fn scope() -> Map {
    let scope: Json = serde_json::from_str(&blocks("json scope").join("\n")).unwrap();
    match Value::from(scope) {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_example_is_true() {
    let scope = scope();
    let schemas = schemas();
    let env = BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]);
    let status = Status { success: Some(true), failed: Some(false), always: Some(true), cancelled: Some(false) };
    let examples = blocks("expr");
    assert!(examples.len() > 120, "only {} examples", examples.len());
    for example in examples {
        let (text, wanted) = example.split_once(" → ").unwrap_or_else(|| panic!("no arrow in {example}"));
        let both = format!("[{text}] == [{wanted}]");
        let program = Program::compile(&both, Limits::default()).unwrap_or_else(|error| panic!("{example}: {error}"));
        let mut cx = evaluation().with_env(&env).with_schemas(&schemas).with_status(status);
        match program.evaluate(&scope, &mut cx) {
            Ok(Value::Bool(true)) => {}
            other => panic!(
                "{example}: {other:?}, it is {:?}",
                Program::compile(text, Limits::default()).unwrap().evaluate(&scope, &mut cx)
            ),
        }
    }
}
