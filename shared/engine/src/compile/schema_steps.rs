//! The JSON Schema of steps: their shared keys, and `with` by their type.

use serde_json::{Map, Value as Json, json};

use super::schema::{described, name, reference, resource, template};
use super::words::{STEP_KEYS, keys_of};
use crate::types::{ENGINE_WORDS, StepSpec, StepTypes};

/// What the flow's keys refer to: a step above all.
pub(super) fn definitions(types: &dyn StepTypes) -> Json {
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
pub(super) fn loosened(schema: &Json) -> Json {
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
