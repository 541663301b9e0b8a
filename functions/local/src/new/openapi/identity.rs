//! Which part of an answer names what was created.

use serde_json::Value as Json;

use super::document::Document;
use super::notes::Notes;

/// Maps that answers are wrapped in.
const WRAPPERS: [&str; 6] = ["data", "result", "item", "payload", "response", "attributes"];
/// Schemas that are looked through for properties.
const MOST: usize = 200;

/// The path within the body to the value that stands in addresses as `{parameter}`.
pub(super) fn in_body(
    document: &Document,
    schema: &Json,
    parameter: &str,
    collection: &str,
    notes: &mut Notes,
) -> Option<Vec<String>> {
    let found = properties(document, schema, notes);
    if let Some(name) = best(&found, parameter, collection) {
        return Some(vec![name.to_owned()]);
    }
    let singular = collection.trim_end_matches('s').to_ascii_lowercase();
    for (wrapper, inner) in &found {
        if WRAPPERS.contains(&wrapper.as_str()) || *wrapper.to_ascii_lowercase() == singular {
            let inside = properties(document, inner, notes);
            if let Some(name) = best(&inside, parameter, collection) {
                return Some(vec![(*wrapper).clone(), name.to_owned()]);
            }
        }
    }
    None
}

/// Whether a body has a value at this path.
pub(super) fn has(document: &Document, schema: &Json, path: &[String], notes: &mut Notes) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let found = properties(document, schema, notes);
    found.iter().find(|(name, _)| *name == first).is_some_and(|(_, inner)| has(document, inner, rest, notes))
}

/// `body.data.id`
pub(super) fn expression(path: &[String]) -> String {
    let part = |name: &String| {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if letters && !name.starts_with(|c: char| c.is_ascii_digit()) {
            format!(".{name}")
        } else {
            format!(".`{name}`")
        }
    };
    std::iter::once("body".to_owned()).chain(path.iter().map(part)).collect()
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The property that the parameter means, if one does.
fn best<'p>(found: &[(&'p String, &'p Json)], parameter: &str, collection: &str) -> Option<&'p str> {
    let (wanted, collection) = (plain(parameter), plain(collection));
    let singular = collection.strip_suffix('s').unwrap_or(&collection);
    let fits = |name: &&(&String, &Json)| !name.0.contains(['`', '\n']);
    let named =
        |wanted: &str| found.iter().filter(fits).find(|(name, _)| plain(name) == wanted).map(|(name, _)| name.as_str());
    let is_id = wanted.ends_with("id") || wanted == "key";
    named(&wanted)
        .or_else(|| is_id.then(|| named("id").or_else(|| named(&format!("{singular}id")))).flatten())
        .or_else(|| {
            ["uuid", "key", "slug", "name", "code", "number"]
                .into_iter()
                .find_map(|end| if wanted.ends_with(end) { named(end) } else { None })
        })
        .or_else(|| named("id"))
        .or_else(|| named("uuid"))
}

/// The properties of a body, those that it takes from other schemas included.
pub(super) fn properties<'a>(
    document: &'a Document,
    schema: &'a Json,
    notes: &mut Notes,
) -> Vec<(&'a String, &'a Json)> {
    let mut found: Vec<(&'a String, &'a Json)> = Vec::new();
    let mut wanted = vec![schema];
    for _ in 0..MOST {
        let Some(schema) = wanted.pop().and_then(|schema| document.resolve(schema, notes)) else {
            if wanted.is_empty() {
                break;
            }
            continue;
        };
        found.extend(schema.get("properties").and_then(Json::as_object).into_iter().flatten());
        for key in ["allOf", "oneOf", "anyOf"] {
            let parts = schema.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            let most = if key == "allOf" { parts.len() } else { 1 };
            wanted.extend(parts.iter().take(most));
        }
    }
    found
}
