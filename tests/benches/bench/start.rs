//! What people wait for at the prompt: help, completions, and flows from a large OpenAPI document.

use serde_json::{Map, json};

use crate::Tools;
use crate::figures::{begin, figure};
use crate::flows::middle;
use crate::process::cost;

const ROUNDS: usize = 15;
const OPERATIONS: usize = 500;
/// List, create, read, change, delete.
const EACH: usize = 5;

/// A document of so many operations, whose schemas lead from one to the next.
fn document(operations: usize) -> String {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    let things = operations / EACH;
    for number in 0..things {
        let thing = json!({"$ref": format!("#/components/schemas/Thing{number}")});
        let next = json!({"$ref": format!("#/components/schemas/Thing{}", (number + 1) % things)});
        let content = |schema| json!({"application/json": {"schema": schema}});
        let answers = |status: &str, schema| json!({status: {"description": "ok", "content": content(schema)}});
        let schema = json!({
            "type": "object", "required": ["id", "name"],
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "size": {"type": "integer"}, "next": next},
        });
        schemas.insert(format!("Thing{number}"), schema);
        let collection = json!({
            "get": {"operationId": format!("list{number}"), "responses": answers("200", json!({"type": "array", "items": thing}))},
            "post": {"operationId": format!("add{number}"), "requestBody": {"content": content(thing.clone())}, "responses": answers("201", thing.clone())},
        });
        let item = json!({
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "get": {"operationId": format!("get{number}"), "responses": answers("200", thing.clone())},
            "put": {"operationId": format!("put{number}"), "requestBody": {"content": content(thing.clone())}, "responses": answers("200", thing)},
            "delete": {"operationId": format!("end{number}"), "responses": {"204": {"description": "gone"}}},
        });
        let area = number / 4;
        paths.insert(format!("/area{area}/things{number}"), collection);
        paths.insert(format!("/area{area}/things{number}/{{id}}"), item);
    }
    let document = json!({
        "openapi": "3.0.3", "info": {"title": "Many", "version": "1"}, "servers": [{"url": "http://127.0.0.1:8080"}],
        "paths": paths, "components": {"schemas": schemas},
    });
    document.to_string()
}

/// Process start to exit.
pub(crate) fn at_the_prompt(tools: &Tools) {
    begin("at the prompt (ms, process start to exit)");
    let folder = tempfile::tempdir().unwrap();
    let api = folder.path().join("api.json");
    std::fs::write(&api, document(OPERATIONS)).unwrap();
    let (api, to) = (api.display().to_string(), folder.path().join("made").display().to_string());
    let measured = |what: &str, words: &[&str], limit: f64, rounds: usize| {
        let command: Vec<&str> = std::iter::once(tools.assay.as_str()).chain(words.iter().copied()).collect();
        let wall = middle(rounds, || cost(&command)).wall;
        figure(what, wall, "ms", Some(("limit", limit)));
    };
    measured("help run", &["help", "run"], 20.0, ROUNDS);
    measured("completions zsh", &["completions", "zsh"], 20.0, ROUNDS);
    measured("new --from openapi, 500 operations", &["new", "--from", &api, "--to", &to, "--force"], 1000.0, 5);
}
