//! Tests of the expression language.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use assay_engine::expr::{EvalError, Evaluation, Limits, Program, Status, Value};
use serde_json::json;

mod table;

/// The scope most tests share.
fn scope() -> BTreeMap<String, Value> {
    let body = json!({
        "token": "abc", "items": [{"id": 1, "price": 5}, {"id": 2, "price": 15}], "nothing": null,
        "content-type": "text/plain", "total": 20.5, "big": 18_446_744_073_709_551_615_u64, "deep": {"a": {"b": [1, 2]}},
    });
    BTreeMap::from([
        ("body".to_owned(), Value::from(body)),
        ("status".to_owned(), Value::Int(200)),
        ("inputs".to_owned(), Value::from(json!({"name": "x", "list": [3, 1, 2]}))),
        ("empty".to_owned(), Value::Null),
    ])
}

fn evaluation() -> Evaluation<'static> {
    Evaluation::new("2026-01-31T12:00:00Z".parse().unwrap(), 7).with_status(Status {
        success: Some(true),
        failed: Some(false),
        always: Some(true),
        cancelled: None,
    })
}

fn evaluate(text: &str) -> Result<Value, EvalError> {
    let program = Program::compile(text, Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    program.evaluate(&scope(), &mut evaluation())
}
