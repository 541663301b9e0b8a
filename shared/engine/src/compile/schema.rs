//! The JSON Schema of flows and environments, for editors that complete and check while people write.

use serde_json::{Map, Value as Json, json};

use super::resources;
use super::schema_steps::{definitions, loosened};
use super::words::{FLOW_KEYS, MAX_STEPS};
use crate::types::StepTypes;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a flow's text: every key, and by its type every step's `with`. It takes whatever compiles; what only
/// the compiler sees (names, order, expressions) it does not refuse.
#[must_use]
pub fn flow_schema(types: &dyn StepTypes) -> Json {
    let mut properties = Map::new();
    for key in FLOW_KEYS {
        properties.insert(key.to_owned(), flow_key(key));
    }
    json!({
        "$schema": DIALECT,
        "title": "Assay flow",
        "type": "object",
        "required": ["steps"],
        "additionalProperties": false,
        "properties": properties,
        "$defs": definitions(types),
    })
}

/// The schema of an environment file.
#[must_use]
pub fn environment_schema(types: &dyn StepTypes) -> Json {
    json!({
        "$schema": DIALECT,
        "title": "Assay environment",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "description": "How executions name it."},
            "inputs": {
                "type": "object",
                "description": "Values of inputs: the value itself, or a declaration with its `default`; maps always as a \
                                declaration.",
                "additionalProperties": {"anyOf": [{"not": {"type": "object"}}, input()]},
            },
            "vars": flow_key("vars"),
            "resources": flow_key("resources"),
            "secrets": flow_key("secrets"),
        },
        "$defs": {"resource": resource(types), "template": template()},
    })
}

pub(super) fn described(mut schema: Json, description: &str) -> Json {
    schema["description"] = json!(description);
    schema
}

pub(super) fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn flow_key(key: &str) -> Json {
    let steps =
        |text: &str| json!({"type": "array", "items": reference("step"), "maxItems": MAX_STEPS, "description": text});
    let map_of = |schema: Json| json!({"type": "object", "additionalProperties": schema});
    let scalar = json!({"type": ["string", "number", "boolean"]});
    match key {
        "name" => described(scalar, "What people call the flow; the file's name unless given."),
        "description" => described(scalar, "What it is for."),
        "labels" => described(map_of(scalar), "Labels, for lists and metrics."),
        "kind" => json!({
            "enum": ["api", "ui", "load", "event", "chaos", "diagnostic"],
            "description": "What kind of flow it is; told from its steps unless given.",
        }),
        "inputs" => {
            described(map_of(json!({"anyOf": [{"type": "null"}, input()]})), "What whoever starts it may give.")
        }
        "secrets" => json!({
            "description": "Secrets; expressions name them as `secrets.NAME`. A list of names, or a map from names to where \
                            their values are.",
            "anyOf": [{"type": "array", "items": name()}, secret_references()],
        }),
        "vars" => json!({"type": "object", "description": "Values that are computed once, at the start."}),
        "resources" => {
            described(map_of(reference("resource")), "Named systems; `resource: name` puts their fields into `with`.")
        }
        "defaults" => {
            described(map_of(json!({"type": "object"})), "By step type: what `with` of its steps begins with.")
        }
        "timeout" => described(reference("duration"), "How long the whole execution may take; 1h unless given."),
        "queueTimeout" => described(reference("duration"), "How long it may wait for its turn."),
        "finallyTimeout" => described(reference("duration"), "How long `finally` may take; 5m unless given."),
        "concurrency" => json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["group"],
            "description": "At most so many executions of a group at once.",
            "properties": {
                "group": {"type": "string", "description": "The group; may be a template over inputs and vars."},
                "max": {"type": "integer", "minimum": 1, "description": "How many; 1 unless given."},
                "onConflict": {"enum": ["queue", "cancelRunning", "reject"], "description": "What happens to one too many."},
            },
        }),
        "priority" => json!({"enum": ["p0", "p1", "p2"], "description": "Who goes first within an organization."}),
        "steps" => {
            let mut schema = steps("What is done, in the order of the text unless `needs` says otherwise.");
            schema["minItems"] = json!(1);
            schema
        }
        _ => steps("What is done at the end, whatever happened, one after the other."),
    }
}

pub(super) fn name() -> Json {
    json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})
}

pub(super) fn resource(types: &dyn StepTypes) -> Json {
    let kinds: Vec<&str> = resources::kinds(types).into_iter().collect();
    let rules = kinds.iter().filter_map(|kind| {
        let mut then = resources::schema_of(types, kind)?;
        for property in then["properties"].as_object_mut()?.values_mut() {
            *property = loosened(property);
        }
        then["properties"]["type"] = json!(true);
        Some(json!({"if": {"properties": {"type": {"const": kind}}}, "then": then}))
    });
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": kinds, "description": "The step type that it is for, before the dot."}},
        "allOf": rules.collect::<Vec<_>>(),
    })
}

pub(super) fn template() -> Json {
    json!({"type": "string", "pattern": "\\$\\{"})
}

fn secret_references() -> Json {
    let one = |key: &str, text: &str| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [key],
            "properties": {key: {"type": "string", "minLength": 1, "description": text}},
        })
    };
    json!({
        "type": "object",
        "propertyNames": name(),
        "additionalProperties": {"anyOf": [
            {"type": "null"},
            one("env", "An environment variable that holds the value."),
            one("file", "A file that holds the value, relative to the one that says so."),
        ]},
    })
}

/// The schema of `assay.yaml`.
#[must_use]
pub fn project_schema(reports: &[&str]) -> Json {
    let mut labels = flow_key("labels");
    labels["description"] = json!("Labels of executions, beside those of the flows.");
    let report =
        |kind: &&str| ((*kind).to_owned(), json!({"type": "string", "description": "Where it is written to."}));
    json!({
        "$schema": DIALECT,
        "title": "Assay project",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "env": {"type": "string", "description": "The environment, unless --env names another: a name or a path."},
            "jobs": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "How many flows run at once."},
            "store": {"type": "string", "description": "The folder that state is kept in, beside this file."},
            "labels": labels,
            "secrets": described(secret_references(), "Where values of secrets are, when nothing nearer says so."),
            "reports": {
                "type": "object",
                "additionalProperties": false,
                "description": "Reports that are written when everything has ended, by kind.",
                "properties": reports.iter().map(report).collect::<Map<_, _>>(),
            },
        },
    })
}

fn input() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "type": {
                "enum": ["string", "integer", "number", "boolean", "array", "object"],
                "description": "What a value must be; told from the default unless given.",
            },
            "default": {"description": "The value when none is given."},
            "required": {"type": "boolean", "description": "One must be given."},
            "enum": {"type": "array", "description": "One of these."},
            "pattern": {"type": "string", "description": "A regular expression that a string must match."},
            "description": {"type": "string", "description": "For people."},
            "fromFile": {"type": "string", "description": "A file beside the flow that holds the default."},
        },
    })
}
