//! Schemas as files that stand by themselves: everything that is referred to lies in the file, and nothing in it goes
//! round in circles without getting deeper into the value.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::schema::{Direction, Translator};
use crate::new::names::Taken;

/// So many schemas lie in one file at most, the nearest ones; what is referred to beyond them accepts anything. In some
/// documents everything leads to everything.
const MOST: usize = 40;
/// The largest file, in bytes.
const LARGEST: usize = 512 * 1024;

/// The schemas of a document, translated once each.
pub(super) struct Schemas<'a> {
    document: &'a Document,
    known: BTreeMap<(Direction, &'a str), Known<'a>>,
    names: BTreeMap<&'a str, String>,
    taken: Taken,
    wholes: BTreeMap<(Direction, String), Option<Json>>,
}

/// A schema that others refer to, with references as they stand in files.
struct Known<'a> {
    schema: Json,
    references: BTreeSet<&'a str>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        let (known, names, wholes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { document, known, names, taken: Taken::default(), wholes }
    }

    /// The schema with everything that it refers to; none when no validator takes it.
    pub(super) fn whole(&mut self, schema: &'a Json, direction: Direction, notes: &mut Notes) -> Option<Json> {
        let key = (direction, schema.to_string());
        if let Some(known) = self.wholes.get(&key) {
            return known.clone();
        }
        let whole = self.assembled(schema, direction, notes);
        self.wholes.insert(key, whole.clone());
        whole
    }

    fn assembled(&mut self, schema: &'a Json, direction: Direction, notes: &mut Notes) -> Option<Json> {
        let Known { schema: top, references } = self.translated(schema, direction, notes);
        let mut wanted: VecDeque<&'a str> = references.into_iter().collect();
        let mut inside: BTreeSet<&'a str> = BTreeSet::new();
        let mut cut = false;
        while let Some(reference) = wanted.pop_front() {
            if inside.contains(reference) {
                continue;
            }
            if inside.len() >= MOST {
                cut = true;
                notes.add(format!(
                    "schemas that lead to more than {MOST} others: beyond the nearest anything is accepted"
                ));
                break;
            }
            inside.insert(reference);
            self.know(reference, direction, notes);
            wanted.extend(self.known.get(&(direction, reference)).into_iter().flat_map(|known| &known.references));
        }
        let mut whole = self.together(top, direction, &inside);
        if cut {
            let defs: BTreeSet<String> =
                inside.iter().filter_map(|it| self.names.get(it)).map(|it| format!("#/$defs/{it}")).collect();
            each_schema(&mut whole, &mut |keys| {
                if keys.get("$ref").and_then(Json::as_str).is_some_and(|it| !defs.contains(it)) {
                    keys.shift_remove("$ref");
                }
            });
        }
        unwound(&mut whole, notes);
        if whole.to_string().len() > LARGEST {
            notes.add(format!("a schema of more than {LARGEST} bytes: anything is accepted"));
            return None;
        }
        Some(whole)
    }

    fn know(&mut self, reference: &'a str, direction: Direction, notes: &mut Notes) {
        if !self.known.contains_key(&(direction, reference)) {
            let known = match self.document.at(reference) {
                Some(schema) => self.translated(schema, direction, notes),
                None => Known { schema: json!({}), references: BTreeSet::new() },
            };
            self.known.insert((direction, reference), known);
        }
    }

    /// The schema in JSON Schema's words, its references as they stand in files. What no validator takes accepts
    /// anything.
    fn translated(&mut self, schema: &'a Json, direction: Direction, notes: &mut Notes) -> Known<'a> {
        let mut translator = Translator { document: self.document, notes, direction, references: BTreeSet::new() };
        let mut made = translator.translate(schema, 0);
        let references = translator.references;
        let mut alone = made.clone();
        each_schema(&mut alone, &mut |keys| drop(keys.shift_remove("$ref")));
        if let Err(error) = jsonschema::validator_for(&alone) {
            let why = super::operation::shortened(&error.to_string());
            notes.add(format!("a schema that is no JSON Schema ({why}): anything is accepted"));
            return Known { schema: json!({}), references: BTreeSet::new() };
        }
        for reference in &references {
            self.name(reference);
        }
        each_schema(&mut made, &mut |keys| {
            let name = keys.get("$ref").and_then(Json::as_str).and_then(|reference| self.names.get(reference));
            if let Some(name) = name {
                let reference = json!(format!("#/$defs/{name}"));
                keys.insert("$ref".to_owned(), reference);
            }
        });
        Known { schema: made, references }
    }

    fn name(&mut self, reference: &'a str) {
        if !self.names.contains_key(reference) {
            let last = reference.rsplit('/').next().unwrap_or_default();
            let clean: String =
                last.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(60).collect();
            let name = self.taken.unique_with(if clean.is_empty() { "Schema" } else { &clean }, "_");
            self.names.insert(reference, name);
        }
    }

    fn together(&self, top: Json, direction: Direction, inside: &BTreeSet<&'a str>) -> Json {
        let mut named: Vec<(&String, &str)> =
            inside.iter().filter_map(|reference| Some((self.names.get(reference)?, *reference))).collect();
        named.sort_unstable();
        let mut defs = Map::new();
        for (name, reference) in named {
            if let Some(known) = self.known.get(&(direction, reference)) {
                defs.insert(name.clone(), known.schema.clone());
            }
        }
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
