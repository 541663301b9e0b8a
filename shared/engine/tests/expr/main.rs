//! Tests of the expression language.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use assay_engine::expr::{EvalError, Evaluation, Limits, Program, Status, Value};
use serde_json::{Value as Json, json};

mod docs;
mod evidence;
mod hostile;
mod references;
mod table;
mod templates;

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
        ("page".to_owned(), Value::from("<h1>Hi <b>you</b></h1><ul><li>one<li class=last>two</ul>")),
        (
            "xml".to_owned(),
            Value::from(
                "<order id='7' xmlns:n='urn:n'><item sku='A1' price='5'>one</item>\
                 <item sku='B2' price='7.5'>two</item><!-- c --><n:note>x  y</n:note></order>",
            ),
        ),
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

fn schemas() -> BTreeMap<String, Json> {
    BTreeMap::from([
        (
            "item.json".to_owned(),
            json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}),
        ),
        ("tree.json".to_owned(), json!({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]})),
        ("broken.json".to_owned(), json!({"type": 5})),
        ("remote.json".to_owned(), json!({"$ref": "https://example.org/schema.json"})),
        ("loop.json".to_owned(), json!({"allOf": [{"$ref": "#"}]})),
        ("exponential.json".to_owned(), exponential()),
    ])
}

/// Each definition tries the next one twice: 2^64 ways through one value.
fn exponential() -> Json {
    let definitions = (0..64).map(|n| {
        let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
        (n.to_string(), json!({"anyOf": [next.clone(), next]}))
    });
    let mut definitions: serde_json::Map<String, Json> = definitions.collect();
    definitions.insert("64".to_owned(), json!({"type": "string"}));
    json!({"$ref": "#/$defs/0", "$defs": definitions})
}

fn evaluate(text: &str) -> Result<Value, EvalError> {
    let program = Program::compile(text, Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let schemas = schemas();
    program.evaluate(&scope(), &mut evaluation().with_schemas(&schemas))
}
