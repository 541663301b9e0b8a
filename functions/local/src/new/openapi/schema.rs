//! From a schema of OpenAPI to JSON Schema (2020-12): what 3.0 says in its own words is said in those of JSON Schema, and
//! what concerns only the other direction is left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::document::{Document, unresolved};
use super::notes::Notes;
use super::sample::flag;

/// Deeper schemas are left out: readers of schemas have limits.
const DEEPEST: usize = 40;
/// The longest compiled pattern that the validator takes, in bytes.
const PATTERN_SIZE: usize = 256 << 10;

/// Who reads what the schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    /// Sent by us: nothing that is read-only.
    Request,
    /// Sent to us: nothing that is write-only.
    Response,
}

impl Direction {
    /// The property that does not travel in this direction.
    fn absent(self) -> &'static str {
        match self {
            Self::Request => "readOnly",
            Self::Response => "writeOnly",
        }
    }
}

/// Whether a value has the shape that a keyword wants.
type Shape = fn(&Json) -> bool;

/// Keywords whose value is copied, with the shape that it must have.
const COPIED: [(&str, Shape); 20] = [
    ("enum", Json::is_array),
    ("const", |_| true),
    ("multipleOf", Json::is_number),
    ("maximum", Json::is_number),
    ("minimum", Json::is_number),
    ("maxLength", Json::is_u64),
    ("minLength", Json::is_u64),
    ("maxItems", Json::is_u64),
    ("minItems", Json::is_u64),
    ("maxContains", Json::is_u64),
    ("minContains", Json::is_u64),
    ("maxProperties", Json::is_u64),
    ("minProperties", Json::is_u64),
    ("uniqueItems", Json::is_boolean),
    ("required", texts),
    ("dependentRequired", Json::is_object),
    ("format", Json::is_string),
    ("exclusiveMaximum", Json::is_number),
    ("exclusiveMinimum", Json::is_number),
    ("title", Json::is_string),
];
/// Keywords that hold a schema.
const ONE: [&str; 10] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
];
/// Keywords that hold a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
/// Keywords that say nothing about what is valid, or that are looked at elsewhere.
const SILENT: [&str; 21] = [
    "description",
    "example",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "discriminator",
    "nullable",
    "$comment",
    "$defs",
    "definitions",
    "type",
    "pattern",
    "$ref",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// Translates schemas; references stay references, and are collected.
pub(super) struct Translator<'a, 'n> {
    pub(super) document: &'a Document,
    pub(super) notes: &'n mut Notes,
    pub(super) direction: Direction,
    /// What was referred to.
    pub(super) references: BTreeSet<&'a str>,
}

impl<'a> Translator<'a, '_> {
    /// The schema, with references as they were written.
    pub(super) fn translate(&mut self, schema: &'a Json, depth: usize) -> Json {
        let Json::Object(keys) = schema else {
            return match schema {
                Json::Bool(_) => schema.clone(),
                _ => self.leave("a schema that is neither an object nor a boolean"),
            };
        };
        if depth > DEEPEST {
            return self.leave("schemas that are nested too deeply");
        }
        let mut made = Map::new();
        let reference = keys.get("$ref");
        if let Some(reference) = reference {
            self.reference(reference, &mut made);
        }
        // Beside a reference, 3.0 ignores everything.
        if reference.is_none() || self.document.modern {
            self.kinds(keys, &mut made);
            self.copied(keys, &mut made);
            self.nested(keys, depth, &mut made);
            self.unknown(keys);
        }
        self.absent(keys, &mut made);
        let null = keys.get("nullable") == Some(&json!(true)) && !self.document.modern;
        if null { or_null(made) } else { Json::Object(made) }
    }

    fn leave(&mut self, what: &str) -> Json {
        self.notes.add(format!("{what}: anything is accepted there"));
        json!({})
    }

    fn reference(&mut self, reference: &'a Json, made: &mut Map<String, Json>) {
        match reference.as_str() {
            Some(text) if self.document.at(text).is_some() => {
                self.references.insert(text);
                made.insert("$ref".to_owned(), reference.clone());
            }
            Some(text) => self.notes.add(format!("{}: anything is accepted there", unresolved(text))),
            None => self.notes.add("a `$ref` that is no text: anything is accepted there".to_owned()),
        }
    }

    fn kinds(&mut self, keys: &'a Map<String, Json>, made: &mut Map<String, Json>) {
        const KINDS: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];
        let good = |kind: &Json| kind.as_str().is_some_and(|kind| KINDS.contains(&kind));
        match keys.get("type") {
            None => {}
            Some(kind) if good(kind) => {
                made.insert("type".to_owned(), kind.clone());
            }
            Some(Json::Array(kinds)) if !kinds.is_empty() && kinds.iter().all(good) => {
                let mut distinct: Vec<Json> = Vec::new();
                kinds.iter().for_each(|kind| {
                    if !distinct.contains(kind) {
                        distinct.push(kind.clone())
                    }
                });
                made.insert("type".to_owned(), Json::Array(distinct));
            }
            Some(other) => {
                self.notes.add(format!("the type `{}` of a schema", super::operation::shortened(&other.to_string())))
            }
        }
    }

    fn copied(&mut self, keys: &'a Map<String, Json>, made: &mut Map<String, Json>) {
        for (key, fits) in COPIED {
            let Some(value) = keys.get(key) else { continue };
            if fits(value) {
                made.insert(key.to_owned(), value.clone());
            } else if !value.is_boolean() || !key.starts_with("exclusive") {
                // `required: true` within a property is a habit from elsewhere, and says nothing here.
                self.notes.add(format!("`{key}` of a schema: its value is of another type than it may have"));
            }
        }
        // 3.0: a flag beside the bound.
        for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            if keys.get(flag) == Some(&json!(true))
                && let Some(value) = made.shift_remove(bound)
            {
                made.insert(flag.to_owned(), value);
            }
        }
        if let Some(pattern) = keys.get("pattern") {
            let text = pattern.as_str().unwrap_or_default();
            if regex::RegexBuilder::new(text).size_limit(PATTERN_SIZE).build().is_ok() && pattern.is_string() {
                made.insert("pattern".to_owned(), pattern.clone());
            } else {
                let shown = super::operation::shortened(&pattern.to_string());
                self.notes.add(format!("the pattern {shown}: it uses what patterns here do not have"));
            }
        }
    }

    fn nested(&mut self, keys: &'a Map<String, Json>, depth: usize, made: &mut Map<String, Json>) {
        for key in ONE {
            if let Some(inner) = keys.get(key) {
                let inner = self.translate(inner, depth + 1);
                made.insert(key.to_owned(), inner);
            }
        }
        for key in LIST {
            match keys.get(key) {
                Some(Json::Array(inner)) if !inner.is_empty() => {
                    let inner = inner.iter().map(|inner| self.translate(inner, depth + 1)).collect();
                    made.insert(key.to_owned(), inner);
                }
                None => {}
                Some(_) => self.notes.add(format!("`{key}` of a schema: it is no list of schemas")),
            }
        }
        for key in NAMED {
            match keys.get(key) {
                Some(Json::Object(inner)) => {
                    let mut translated = Map::new();
                    for (name, inner) in inner {
                        let inner = self.translate(inner, depth + 1);
                        translated.insert(name.clone(), inner);
                    }
                    made.insert(key.to_owned(), Json::Object(translated));
                }
                None => {}
                Some(_) => self.notes.add(format!("`{key}` of a schema: it is no map of schemas")),
            }
        }
        made.shift_remove("title");
    }

    fn unknown(&mut self, keys: &Map<String, Json>) {
        for key in keys.keys().filter(|key| !key.starts_with("x-")) {
            let known = COPIED.iter().any(|(name, _)| name == key)
                || [ONE.as_slice(), &LIST, &NAMED, &SILENT].iter().any(|names| names.contains(&key.as_str()));
            if !known {
                self.notes.add(format!("the keyword `{}` of a schema", super::operation::shortened(key)));
            }
        }
    }

    /// What does not travel in this direction is not required.
    fn absent(&mut self, keys: &'a Map<String, Json>, made: &mut Map<String, Json>) {
        let Some(Json::Array(required)) = made.get("required").cloned() else { return };
        let properties = keys.get("properties").and_then(Json::as_object);
        let travels = |name: &Json| {
            let property = name.as_str().and_then(|name| properties?.get(name));
            !property.is_some_and(|property| flag(self.document, property, self.direction.absent(), self.notes))
        };
        let mut kept: Vec<Json> = Vec::new();
        required.into_iter().filter(travels).for_each(|name| {
            if !kept.contains(&name) {
                kept.push(name)
            }
        });
        if kept.is_empty() {
            made.shift_remove("required");
        } else {
            made.insert("required".to_owned(), Json::Array(kept));
        }
    }
}

fn texts(value: &Json) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Json::is_string))
}

/// The schema, or null.
fn or_null(mut made: Map<String, Json>) -> Json {
    let simple = !["$ref", "allOf", "anyOf", "oneOf", "not", "const", "if"].iter().any(|key| made.contains_key(*key));
    if made.is_empty() {
        return json!({});
    }
    if let (true, Some(Json::String(kind))) = (simple, made.get("type").cloned()) {
        made.insert("type".to_owned(), json!([kind, "null"]));
        if let Some(Json::Array(values)) = made.get_mut("enum")
            && !values.contains(&Json::Null)
        {
            values.push(Json::Null);
        }
        return Json::Object(made);
    }
    json!({"anyOf": [made, {"type": "null"}]})
}
