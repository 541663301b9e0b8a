//! Schemas as files that stand by themselves: everything that is referred to lies in the file, and nothing in it goes
//! round in circles without getting deeper into the value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::schema::{Direction, Translator};
use crate::new::names::Taken;

/// So many schemas lie in one file at most; what is referred to beyond them accepts anything.
const MOST: usize = 300;
/// The largest file, in bytes.
const LARGEST: usize = 512 * 1024;

/// The schemas of a document, translated once each.
pub(super) struct Schemas<'a> {
    document: &'a Document,
    known: BTreeMap<(Direction, &'a str), Known<'a>>,
    names: BTreeMap<&'a str, String>,
    taken: Taken,
}

struct Known<'a> {
    schema: Json,
    references: BTreeSet<&'a str>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, known: BTreeMap::new(), names: BTreeMap::new(), taken: Taken::default() }
    }

    /// The schema with everything that it refers to; none when no validator takes it.
    pub(super) fn whole(&mut self, schema: &'a Json, direction: Direction, notes: &mut Notes) -> Option<Json> {
        let mut references = BTreeSet::new();
        let top = translated(self.document, schema, direction, notes, &mut references);
        let mut wanted: Vec<&'a str> = references.into_iter().collect();
        let mut inside: BTreeSet<&'a str> = BTreeSet::new();
        while let Some(reference) = wanted.pop() {
            if inside.contains(reference) {
                continue;
            }
            if inside.len() >= MOST {
                notes.add(format!("a schema refers to more than {MOST} others: beyond these anything is accepted"));
                break;
            }
            inside.insert(reference);
            self.know(reference, direction, notes);
            wanted
                .extend(self.known.get(&(direction, reference)).into_iter().flat_map(|known| known.references.iter()));
        }
        let mut whole = self.assembled(top, direction, &inside);
        unwound(&mut whole, notes);
        if whole.to_string().len() > LARGEST {
            notes.add(format!("a schema of more than {LARGEST} bytes: anything is accepted"));
            return None;
        }
        match jsonschema::validator_for(&whole) {
            Ok(_) => Some(whole),
            Err(error) => {
                let why = super::operation::shortened(&error.to_string());
                notes.add(format!("a schema that is no JSON Schema ({why}): anything is accepted"));
                None
            }
        }
    }

    fn know(&mut self, reference: &'a str, direction: Direction, notes: &mut Notes) {
        if self.known.contains_key(&(direction, reference)) {
            return;
        }
        let mut references = BTreeSet::new();
        let schema = match self.document.at(reference) {
            Some(schema) => translated(self.document, schema, direction, notes, &mut references),
            None => json!({}),
        };
        self.known.insert((direction, reference), Known { schema, references });
        if !self.names.contains_key(reference) {
            let last = reference.rsplit('/').next().unwrap_or_default();
            let clean: String =
                last.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(60).collect();
            let name = self.taken.unique_with(if clean.is_empty() { "Schema" } else { &clean }, "_");
            self.names.insert(reference, name);
        }
    }

    /// A lone reference at the top is replaced by what it refers to, so that the file reads well.
    fn assembled(&self, top: Json, direction: Direction, inside: &BTreeSet<&'a str>) -> Json {
        let mut defs = Map::new();
        let mut named: Vec<(&String, &str)> =
            inside.iter().filter_map(|reference| Some((self.names.get(reference)?, *reference))).collect();
        named.sort_unstable();
        for (name, reference) in named {
            if let Some(known) = self.known.get(&(direction, reference)) {
                let mut schema = known.schema.clone();
                self.rename(&mut schema, inside);
                defs.insert(name.clone(), schema);
            }
        }
        let mut top = top;
        self.rename(&mut top, inside);
        let mut whole = Map::new();
        whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        match top {
            Json::Object(keys) => whole.extend(keys),
            Json::Bool(false) => {
                whole.insert("not".to_owned(), json!({}));
            }
            _ => {}
        }
        if !defs.is_empty() {
            whole.insert("$defs".to_owned(), Json::Object(defs));
        }
        Json::Object(whole)
    }

    fn rename(&self, schema: &mut Json, inside: &BTreeSet<&'a str>) {
        each_schema(schema, &mut |keys| {
            let Some(Json::String(reference)) = keys.get("$ref") else { return };
            match self.names.get(reference.as_str()).filter(|_| inside.contains(reference.as_str())) {
                Some(name) => {
                    let reference = json!(format!("#/$defs/{name}"));
                    keys.insert("$ref".to_owned(), reference);
                }
                None => {
                    keys.shift_remove("$ref");
                }
            }
        });
    }
}

fn translated<'a>(
    document: &'a Document,
    schema: &'a Json,
    direction: Direction,
    notes: &mut Notes,
    references: &mut BTreeSet<&'a str>,
) -> Json {
    let mut translator = Translator { document, notes, direction, references: BTreeSet::new() };
    let made = translator.translate(schema, 0);
    references.append(&mut translator.references);
    made
}

/// Every schema within a schema, itself included.
fn each_schema(schema: &mut Json, act: &mut dyn FnMut(&mut Map<String, Json>)) {
    let Json::Object(keys) = schema else { return };
    act(keys);
    for (key, value) in keys {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "dependentSchemas" | "$defs", Json::Object(named)) => {
                named.values_mut().for_each(|inner| each_schema(inner, act));
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Json::Array(list)) => {
                list.iter_mut().for_each(|inner| each_schema(inner, act));
            }
            ("enum" | "const" | "required" | "dependentRequired", _) => {}
            (_, inner @ Json::Object(_)) => each_schema(inner, act),
            _ => {}
        }
    }
}

/// References that apply to the same place of the value.
fn in_place(schema: &Json, found: &mut BTreeSet<String>) {
    let Json::Object(keys) = schema else { return };
    for (key, value) in keys {
        match (key.as_str(), value) {
            ("$ref", Json::String(reference)) => found.extend(reference.strip_prefix("#/$defs/").map(str::to_owned)),
            ("allOf" | "anyOf" | "oneOf", Json::Array(list)) => list.iter().for_each(|inner| in_place(inner, found)),
            ("dependentSchemas", Json::Object(named)) => named.values().for_each(|inner| in_place(inner, found)),
            ("not" | "if" | "then" | "else", inner) => in_place(inner, found),
            _ => {}
        }
    }
}

/// Takes away the references by which a schema comes back to itself at the same place of the value, as where a base names
/// its variants and each variant names its base.
fn unwound(whole: &mut Json, notes: &mut Notes) {
    let Some(Json::Object(defs)) = whole.get("$defs") else { return };
    let edges: BTreeMap<String, BTreeSet<String>> = defs
        .iter()
        .map(|(name, schema)| {
            let mut to = BTreeSet::new();
            in_place(schema, &mut to);
            (name.clone(), to)
        })
        .collect();
    let mut cut: BTreeSet<(String, String)> = BTreeSet::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        let mut path: Vec<(&str, Vec<&str>)> = vec![(start, next(&edges, start))];
        while let Some((name, rest)) = path.last_mut() {
            let name: &str = name;
            let Some(to) = rest.pop() else {
                ended.insert(name);
                path.pop();
                continue;
            };
            if path.iter().any(|(open, _)| *open == to) {
                cut.insert((name.to_owned(), to.to_owned()));
            } else if !ended.contains(to) {
                path.push((to, next(&edges, to)));
            }
        }
    }
    for (name, _) in &cut {
        notes.add(format!("the schema `{name}` refers back to itself through others: there anything is accepted"));
    }
    let Some(Json::Object(defs)) = whole.get_mut("$defs") else { return };
    for (name, to) in cut {
        if let Some(schema) = defs.get_mut(&name) {
            forget(schema, &format!("#/$defs/{to}"));
        }
    }
}

fn next<'e>(edges: &'e BTreeMap<String, BTreeSet<String>>, name: &str) -> Vec<&'e str> {
    edges.get(name).into_iter().flatten().map(String::as_str).collect()
}

/// Takes away a reference wherever it applies to the same place of the value.
fn forget(schema: &mut Json, reference: &str) {
    let Json::Object(keys) = schema else { return };
    if keys.get("$ref").and_then(Json::as_str) == Some(reference) {
        keys.shift_remove("$ref");
    }
    for (key, value) in keys {
        match (key.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf", Json::Array(list)) => {
                list.iter_mut().for_each(|inner| forget(inner, reference));
            }
            ("dependentSchemas", Json::Object(named)) => named.values_mut().for_each(|inner| forget(inner, reference)),
            ("not" | "if" | "then" | "else", inner) => forget(inner, reference),
            _ => {}
        }
    }
}
