//! The JSON Schema of flows and environments, for editors that complete and check while people write.

use serde_json::{Map, Value as Json, json};

use super::resources;
use super::words::{FLOW_KEYS, MAX_STEPS, STEP_KEYS, keys_of};
use crate::types::{ENGINE_WORDS, StepSpec, StepTypes};

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

fn described(mut schema: Json, description: &str) -> Json {
    schema["description"] = json!(description);
    schema
}

fn reference(name: &str) -> Json {
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

fn name() -> Json {
    json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})
}

fn resource(types: &dyn StepTypes) -> Json {
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

fn template() -> Json {
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

fn definitions(types: &dyn StepTypes) -> Json {
    let names: Vec<&str> = types.names().into_iter().chain(ENGINE_WORDS).collect();
    let mut properties = Map::new();
    for key in STEP_KEYS {
        properties.insert(key.to_owned(), step_key(key));
    }
    properties.insert("type".into(), json!({"enum": names, "description": "What the step does."}));
    let jobs = types.names().into_iter().filter_map(|name| types.get(name)).map(|spec| {
        let then = json!({"properties": {"with": with(spec)}});
        json!({"if": {"properties": {"type": {"const": spec.name()}}}, "then": then})
    });
    let words = ENGINE_WORDS.into_iter().map(|word| {
        let then = json!({
            "propertyNames": {"enum": keys_of(word)},
            "required": ["with"],
            "properties": {"with": engine_with(word)},
        });
        json!({"if": {"properties": {"type": {"const": word}}}, "then": then})
    });
    let rules: Vec<Json> = jobs.chain(words).collect();
    json!({
        "duration": {"type": "string", "pattern": "^\\s*([0-9.]+(ms|s|m|h|d))+\\s*$"},
        "template": template(),
        "inlined": {
            "type": "object",
            "additionalProperties": false,
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "description": "A file beside the flow, put in here."},
                "template": {"type": "boolean", "description": "Whether `${...}` in it is filled in."},
            },
        },
        "expression": {"type": ["string", "boolean"]},
        "assertion": assertion(),
        "capture": {"anyOf": [{"type": "string"}, {
            "type": "object",
            "additionalProperties": false,
            "required": ["value"],
            "properties": {
                "value": {"type": "string", "description": "The expression."},
                "secret": {"type": "boolean", "description": "Mask the value wherever it occurs."},
            },
        }]},
        "resource": resource(types),
        "step": {
            "type": "object",
            "required": ["type"],
            "additionalProperties": false,
            "properties": properties,
            "allOf": rules,
        },
    })
}

fn assertion() -> Json {
    json!({"anyOf": [reference("expression"), {
        "type": "object",
        "additionalProperties": false,
        "required": ["that"],
        "properties": {
            "that": reference("expression"),
            "message": {"type": "string", "description": "What it means, for people."},
            "soft": {"type": "boolean", "description": "When it fails, steps that need this one still run."},
        },
    }]})
}

fn one_or_list(schema: Json) -> Json {
    json!({"anyOf": [{"type": "array", "items": schema}, schema]})
}

fn step_key(key: &str) -> Json {
    let boolean = json!({"type": "boolean"});
    let count = json!({"type": "integer", "minimum": 1});
    let looks = |bound: &str| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [bound],
            "properties": {bound: reference("duration"), "interval": reference("duration")},
        })
    };
    match key {
        "id" => described(name(), "How other steps name it."),
        "name" => json!({"type": ["string", "number", "boolean"], "description": "How people name it."}),
        "with" => json!({"type": ["object", "null"], "description": "What it does, by its type."}),
        "needs" => {
            described(one_or_list(json!({"type": "string"})), "Steps that end before; the one above unless given.")
        }
        "if" => described(reference("expression"), "When it runs; `success()` unless given."),
        "foreach" => json!({
            "description": "One instance for each item.",
            "anyOf": [{"type": "array"}, reference("template"), {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {"csv": {"type": "string"}, "json": {"type": "string"}},
            }],
        }),
        "maxParallel" => described(count, "Instances under way at once."),
        "minItems" => described(count, "Fewer items are an error."),
        "failFast" => described(boolean, "The first instance that does not pass ends the others."),
        "retry" => retry(),
        "eventually" => described(looks("timeout"), "Look again until all assertions hold."),
        "throughout" => described(looks("window"), "All assertions must hold at every look."),
        "timeout" => described(reference("duration"), "How long one attempt may take."),
        "assert" => described(one_or_list(reference("assertion")), "What must hold."),
        "capture" => json!({
            "type": "object",
            "propertyNames": name(),
            "additionalProperties": reference("capture"),
            "description": "Values for later steps.",
        }),
        "continueOnError" => described(boolean, "Its failure blocks nobody and does not count."),
        "armBefore" => json!({"type": "string", "description": "Starts to listen before this step acts."}),
        "runsOn" => json!({"type": ["string", "number"], "description": "The pool of workers."}),
        "onLost" => {
            json!({"enum": ["retry", "error"], "description": "What happens when a worker is lost that may have acted."})
        }
        "rerun" => json!({"const": "always", "description": "A rerun runs it again, also when it had passed."}),
        _ => json!({"type": "string"}),
    }
}

fn retry() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "Tries again with a new attempt.",
        "properties": {
            "maxAttempts": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Attempts in all; 3 unless given."},
            "interval": described(reference("duration"), "The pause before the second attempt; 1s unless given."),
            "backoff": {"type": "number", "minimum": 1, "maximum": 100, "description": "By which the pause grows; 2 unless given."},
            "maxInterval": described(reference("duration"), "The longest pause."),
            "jitter": {"type": "boolean", "description": "Draw each pause from half to all of it; true unless given."},
            "on": described(
                one_or_list(json!({"type": "string"})),
                "After what: error, timeout, connect, lost, failed, or an expression over the output.",
            ),
        },
    })
}

fn engine_with(word: &str) -> Json {
    let text = |description: &str| json!({"type": "string", "description": description});
    let (properties, required) = match word {
        "delay" => {
            (json!({"for": text("How long."), "until": text("Until when, as in 2026-01-31T08:00:00Z.")}), json!([]))
        }
        "wait" => {
            let within = described(reference("duration"), "How long at most.");
            (json!({"signal": text("The signal's name."), "within": within}), json!(["signal"]))
        }
        _ => {
            let inputs = json!({"type": "object", "description": "Its inputs."});
            (json!({"flow": text("The path or the name of a flow."), "inputs": inputs}), json!(["flow"]))
        }
    };
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

/// `with` of a type as people may write it: keys may come from defaults or a resource, values may be templates.
fn with(spec: &dyn StepSpec) -> Json {
    let mut schema = spec.schema().clone();
    if let Json::Object(map) = &mut schema {
        map.remove("required");
        map.remove("$schema");
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Json::Object(properties) = properties {
            for property in properties.values_mut() {
                let description = property.get("description").cloned();
                *property = json!({"anyOf": [loosened(property), reference("inlined")]});
                if let (Some(description), Json::Object(outer)) = (description, &mut *property) {
                    outer.insert("description".into(), description);
                }
            }
            let text = json!({"type": "string", "description": "A resource whose fields belong here."});
            properties.insert("resource".into(), text);
        }
        map.insert("description".into(), json!(spec.summary()));
    }
    schema
}

/// The schema, or a template in its place, all the way down.
fn loosened(schema: &Json) -> Json {
    let Json::Object(map) = schema else { return schema.clone() };
    let mut inner = Map::new();
    for (key, value) in map {
        let each = |map: &Map<String, Json>| map.iter().map(|(name, one)| (name.clone(), loosened(one))).collect();
        let loose = match (key.as_str(), value) {
            ("properties" | "$defs", Json::Object(map)) => Json::Object(each(map)),
            ("items" | "additionalProperties", Json::Object(_)) => loosened(value),
            ("anyOf" | "oneOf" | "allOf", Json::Array(list)) => Json::Array(list.iter().map(loosened).collect()),
            _ => value.clone(),
        };
        // A template would fit several of `oneOf`.
        inner.insert(if key == "oneOf" { "anyOf".into() } else { key.clone() }, loose);
    }
    let narrow = ["type", "enum", "const", "anyOf", "oneOf"].iter().any(|key| map.contains_key(*key));
    let plain_text = map.get("type") == Some(&json!("string"))
        && !["enum", "pattern", "format", "minLength", "maxLength"].iter().any(|key| map.contains_key(*key));
    // A null takes a default away.
    match (plain_text, narrow) {
        (true, _) => json!({"anyOf": [inner, {"type": "null"}]}),
        (false, true) => json!({"anyOf": [inner, reference("template"), {"type": "null"}]}),
        (false, false) => Json::Object(inner),
    }
}
