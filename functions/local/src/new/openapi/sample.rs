//! A value that a schema allows: its example or default where there is one, else one that is made up.

use serde_json::{Map, Number, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::pattern::matching;
use crate::new::yaml::{literal, literal_value};

/// How deep values are made up: deeper ones only where they are required.
const DEEP: usize = 5;
/// Nothing is made up deeper.
const DEEPEST: usize = 24;
/// The most values that one made-up value holds.
const MOST: usize = 2_000;

/// What templates stand for while a made-up value is held against its schema.
const CONCRETE: [(&str, &str); 2] =
    [("${uuid()}", "6f1b6c0e-6a5e-4c39-9a60-3f8f3f0d5b1a"), ("${fake.email()}", "ann@example.com")];

/// Makes values up. Texts in them are templates: `${uuid()}` differs with each execution.
pub(super) struct Sampler<'a, 'n> {
    document: &'a Document,
    notes: &'n mut Notes,
    made: usize,
}

/// A value as it will be when its templates are filled in.
pub(super) fn concrete(value: &Json) -> Json {
    match value {
        Json::String(text) => match CONCRETE.iter().find(|(template, _)| text == template) {
            Some((_, value)) => json!(value),
            None => Json::String(text.replace("$${", "${")),
        },
        Json::Array(items) => items.iter().map(concrete).collect(),
        Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), concrete(value))).collect()),
        other => other.clone(),
    }
}

/// `example`, or the first of `examples` of a parameter or a media type.
pub(super) fn example<'a>(document: &'a Document, node: &'a Json, notes: &mut Notes) -> Option<&'a Json> {
    if let Some(example) = node.get("example") {
        return Some(example);
    }
    let first = node.get("examples").and_then(Json::as_object)?.values().next()?;
    document.resolve(first, notes)?.get("value")
}

impl<'a, 'n> Sampler<'a, 'n> {
    pub(super) fn new(document: &'a Document, notes: &'n mut Notes) -> Self {
        Self { document, notes, made: 0 }
    }

    /// A value for something with this name.
    pub(super) fn sample(&mut self, schema: &'a Json, name: &str) -> Option<Json> {
        self.made(schema, name, &mut Vec::new())
    }

    fn made(&mut self, schema: &'a Json, name: &str, open: &mut Vec<&'a str>) -> Option<Json> {
        self.made += 1;
        if self.made > MOST || open.len() > DEEPEST {
            return None;
        }
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            // What holds itself is made up once.
            if open.contains(&reference) {
                return None;
            }
            let target = self.document.at(reference)?;
            open.push(reference);
            let made = self.made(target, name, open);
            open.pop();
            return made;
        }
        if schema == &Json::Bool(true) {
            return Some(json!({}));
        }
        if let Some(given) = given(schema) {
            return Some(literal_value(given));
        }
        let parts = |key: &str| schema.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut whole = self.of_type(schema, name, open);
        for part in parts("allOf") {
            let made = self.made(part, name, open);
            whole = merged(whole, made);
        }
        for key in ["oneOf", "anyOf"] {
            let option = parts(key).iter().find(|option| option.get("type") != Some(&json!("null")));
            if let Some(option) = option {
                let mut made = self.made(option, name, open);
                self.tell_apart(schema, option, &mut made);
                whole = merged(whole, made);
            }
        }
        whole
    }

    /// Sets the property that tells the options apart.
    fn tell_apart(&self, schema: &Json, option: &Json, made: &mut Option<Json>) {
        let property = schema.pointer("/discriminator/propertyName").and_then(Json::as_str);
        let reference = option.get("$ref").and_then(Json::as_str);
        let (Some(property), Some(reference), Some(Json::Object(made))) = (property, reference, made) else { return };
        let mapping = schema.pointer("/discriminator/mapping").and_then(Json::as_object);
        let named = mapping.and_then(|mapping| {
            let same = |target: &str| target == reference || reference.ends_with(&format!("/{target}"));
            mapping.iter().find(|(_, target)| target.as_str().is_some_and(same)).map(|(name, _)| name.as_str())
        });
        let named = named.or(reference.rsplit('/').next()).unwrap_or_default();
        made.insert(property.to_owned(), literal(named).into());
    }

    fn of_type(&mut self, schema: &'a Json, name: &str, open: &mut Vec<&'a str>) -> Option<Json> {
        match kind(schema)? {
            "string" => Some(self.string(schema, name)),
            "integer" => Some(number(schema, true)),
            "number" => Some(number(schema, false)),
            "boolean" => Some(json!(true)),
            "array" => self.array(schema, name, open),
            "object" => Some(Json::Object(self.object(schema, open))),
            _ => None,
        }
    }

    fn array(&mut self, schema: &'a Json, name: &str, open: &mut Vec<&'a str>) -> Option<Json> {
        let least = usize::try_from(schema.get("minItems").and_then(Json::as_u64).unwrap_or(0)).unwrap_or(0).min(100);
        let most = schema.get("maxItems").and_then(Json::as_u64).unwrap_or(u64::MAX);
        let Some(items) = schema.get("items").filter(|_| most > 0 && open.len() < DEEP * 2) else {
            return Some(json!([]));
        };
        let Some(one) = self.made(items, name, open) else { return Some(json!([])) };
        let mut all = vec![one];
        for number in 1..least {
            let next = match all.first() {
                Some(Json::Number(first)) => json!(first.as_i64().unwrap_or(0) + i64::try_from(number).unwrap_or(0)),
                Some(Json::String(first)) if schema.get("uniqueItems") == Some(&json!(true)) => {
                    json!(format!("{first}{number}"))
                }
                Some(first) => first.clone(),
                None => continue,
            };
            all.push(next);
        }
        Some(Json::Array(all))
    }

    fn object(&mut self, schema: &'a Json, open: &mut Vec<&'a str>) -> Map<String, Json> {
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let mut made = Map::new();
        for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            let needed = required.contains(&name.as_str());
            if flag(self.document, property, "readOnly", self.notes) || (!needed && open.len() > DEEP) {
                continue;
            }
            match self.made(property, name, open) {
                Some(value) => made.insert(name.clone(), value),
                None if needed => made.insert(name.clone(), json!({})),
                None => None,
            };
        }
        let least = schema.get("minProperties").and_then(Json::as_u64).unwrap_or(0);
        if let Some(additional) = schema.get("additionalProperties").filter(|it| it.is_object())
            && (made.len() as u64) < least.max(u64::from(made.is_empty()))
            && let Some(value) = self.made(additional, "key", open)
        {
            made.insert("key".to_owned(), value);
        }
        made
    }

    fn string(&mut self, schema: &Json, name: &str) -> Json {
        let bound = |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(usize::MAX));
        if let Some(pattern) = schema.get("pattern").and_then(Json::as_str) {
            match matching(pattern, least) {
                Some(text) => return literal(&text).into(),
                None => self.notes.add(format!("a text for the pattern `{pattern}` of `{name}`: put one in")),
            }
        }
        let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        let text = match format {
            "uuid" => "${uuid()}",
            "email" | "idn-email" if most >= 60 => "${fake.email()}",
            "email" | "idn-email" => "ann@example.com",
            "date-time" => "2026-01-31T12:00:00Z",
            "date" => "2026-01-31",
            "time" => "12:00:00Z",
            "duration" => "PT1H",
            "uri" | "url" | "iri" => "https://example.com/",
            "uri-reference" | "iri-reference" => "/sample",
            "hostname" | "idn-hostname" => "example.com",
            "ipv4" => "192.0.2.1",
            "ipv6" => "2001:db8::1",
            "byte" => "c2FtcGxl",
            "json-pointer" => "/sample",
            "regex" => "^a$",
            _ => "",
        };
        if !text.is_empty() {
            return text.into();
        }
        let mut text = format!("sample {name}").chars().take(most).collect::<String>();
        while text.chars().count() < least.min(10_000) {
            text.push('x');
        }
        literal(text.trim_end()).into()
    }
}

/// What the schema itself says a value may be.
fn given(schema: &Json) -> Option<&Json> {
    let first = |key: &str| schema.get(key).and_then(Json::as_array)?.iter().find(|value| !value.is_null());
    let plain = |key: &str| schema.get(key).filter(|value| !value.is_null());
    plain("example")
        .or_else(|| first("examples"))
        .or_else(|| plain("default"))
        .or_else(|| plain("const"))
        .or_else(|| first("enum"))
}

/// The type, told or seen from what else is said.
pub(super) fn kind(schema: &Json) -> Option<&str> {
    match schema.get("type") {
        Some(Json::String(kind)) => return Some(kind),
        Some(Json::Array(kinds)) => return kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null"),
        _ => {}
    }
    let has = |keys: &[&str]| keys.iter().any(|key| schema.get(key).is_some());
    if has(&["properties", "additionalProperties", "required", "minProperties"]) {
        Some("object")
    } else if has(&["items", "minItems", "maxItems", "prefixItems"]) {
        Some("array")
    } else if has(&["pattern", "minLength", "maxLength", "format"]) {
        Some("string")
    } else if has(&["minimum", "maximum", "multipleOf"]) {
        Some("number")
    } else {
        None
    }
}

/// Whether a property says so of itself, or what it refers to does.
pub(super) fn flag(document: &Document, schema: &Json, key: &str, notes: &mut Notes) -> bool {
    let says = |schema: &Json| schema.get(key) == Some(&json!(true));
    says(schema) || document.resolve(schema, notes).is_some_and(says)
}

fn merged(one: Option<Json>, two: Option<Json>) -> Option<Json> {
    match (one, two) {
        (Some(Json::Object(mut one)), Some(Json::Object(two))) => {
            for (key, value) in two {
                let value = match one.remove(&key) {
                    Some(before @ Json::Object(_)) if value.is_object() => {
                        merged(Some(before), Some(value.clone())).unwrap_or(value)
                    }
                    _ => value,
                };
                one.insert(key, value);
            }
            Some(Json::Object(one))
        }
        (Some(one), None) => Some(one),
        (_, two) => two,
    }
}

/// A number within its bounds.
fn number(schema: &Json, whole: bool) -> Json {
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    let strict = |key: &str| schema.get(key) == Some(&json!(true));
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if whole { 1.0 } else { 0.0 });
    let small = if step > 0.0 { step } else { 0.5 };
    let least = match bound("minimum") {
        Some(least) if strict("exclusiveMinimum") => Some(least + small),
        least => match (least, bound("exclusiveMinimum").map(|least| least + small)) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        },
    };
    let most = match bound("maximum") {
        Some(most) if strict("exclusiveMaximum") => Some(most - small),
        most => match (most, bound("exclusiveMaximum").map(|most| most - small)) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        },
    };
    let mut value = 1.0_f64;
    if let Some(most) = most {
        value = value.min(most);
    }
    if let Some(least) = least {
        value = value.max(least);
    }
    if step > 0.0 {
        value = (value / step).ceil() * step;
        if most.is_some_and(|most| value > most) {
            value -= step;
        }
    }
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(json!(1), Json::Number)
}
