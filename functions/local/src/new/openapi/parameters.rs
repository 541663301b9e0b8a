//! The parameters of an operation: those of its path, and what it sends in the query, headers and cookies.

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::operation::{Operation, shortened};
use super::sample::{Sampler, concrete, example, kind};

/// A parameter, with a value to send.
#[derive(Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) place: &'a str,
    pub(super) node: &'a Json,
    pub(super) required: bool,
    pub(super) value: Json,
}

/// What goes into `with`, and what else may be sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) query: Map<String, Json>,
    pub(super) headers: Map<String, Json>,
    /// Optional ones: their names and what they may be.
    pub(super) more: Vec<String>,
}

/// All parameters; those of the operation win over those of its path.
pub(super) fn parameters<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
    notes: &mut Notes,
) -> Vec<Parameter<'a>> {
    let mut found: Vec<Parameter<'a>> = Vec::new();
    for node in [operation.shared, operation.node] {
        for node in node.get("parameters").and_then(Json::as_array).into_iter().flatten() {
            let Some(node) = document.resolve(node, notes) else { continue };
            let text = |key: &str| node.get(key).and_then(Json::as_str);
            let (Some(name), Some(place)) = (text("name"), text("in")) else {
                notes.add(format!("a parameter of {} without `name` or `in`", operation.shown()));
                continue;
            };
            found.retain(|known| (known.name, known.place) != (name, place));
            let required = place == "path" || node.get("required") == Some(&json!(true));
            let value = value(document, node, name, notes);
            found.push(Parameter { name, place, node, required, value });
        }
    }
    found
}

fn value(document: &Document, node: &Json, name: &str, notes: &mut Notes) -> Json {
    if let Some(example) = example(document, node, notes) {
        return crate::new::yaml::literal_value(example);
    }
    let content = node.get("content").and_then(Json::as_object).and_then(|content| content.values().next());
    if let Some(content) = content {
        let given = example(document, content, notes).cloned();
        let schema = content.get("schema");
        let made = given.or_else(|| Sampler::new(document, notes).sample(schema?, name));
        return made.map_or(json!("sample"), |value| json!(value.to_string()));
    }
    let schema = node.get("schema").filter(|schema| schema.is_object());
    schema.and_then(|schema| Sampler::new(document, notes).sample(schema, name)).unwrap_or_else(|| json!("sample"))
}

/// Those that are no part of the path.
pub(super) fn sent(parameters: &[Parameter<'_>], operation: &Operation<'_>, notes: &mut Notes) -> Sent {
    let mut sent = Sent::default();
    for parameter in parameters {
        if !parameter.required {
            if ["query", "header", "cookie"].contains(&parameter.place) {
                sent.more.push(about(parameter));
            }
            continue;
        }
        match parameter.place {
            "query" => in_query(parameter, &mut sent.query, operation, notes),
            "header" => {
                let name = parameter.name.to_ascii_lowercase();
                if !["accept", "content-type", "authorization"].contains(&name.as_str()) {
                    sent.headers.insert(name, text(&parameter.value).into());
                }
            }
            "cookie" => {
                let pair = format!("{}={}", parameter.name, text(&parameter.value));
                let all = match sent.headers.get("cookie").and_then(Json::as_str) {
                    Some(before) => format!("{before}; {pair}"),
                    None => pair,
                };
                sent.headers.insert("cookie".to_owned(), all.into());
            }
            "path" => {}
            other => notes.add(format!(
                "the parameter `{}` of {} in `{}`",
                shortened(parameter.name),
                operation.shown(),
                shortened(other)
            )),
        }
    }
    sent
}

/// `limit (integer)`
fn about(parameter: &Parameter<'_>) -> String {
    let schema = parameter.node.get("schema");
    let what = match schema.and_then(|schema| schema.get("enum")).and_then(Json::as_array) {
        Some(values) => values.iter().take(6).map(text).collect::<Vec<_>>().join(" | "),
        None => schema.and_then(kind).unwrap_or_default().to_owned(),
    };
    let place = if parameter.place == "query" { String::new() } else { format!(", {}", parameter.place) };
    match what.as_str() {
        "" => format!("{}{place}", shortened(parameter.name)),
        what => format!("{} ({}{place})", shortened(parameter.name), shortened(what)),
    }
}

fn in_query(parameter: &Parameter<'_>, query: &mut Map<String, Json>, operation: &Operation<'_>, notes: &mut Notes) {
    let node = parameter.node;
    let style = node.get("style").and_then(Json::as_str).unwrap_or("form");
    let explode = node.get("explode").and_then(Json::as_bool).unwrap_or(style == "form");
    let name = parameter.name;
    match (&parameter.value, style) {
        (Json::Object(fields), "deepObject") => {
            for (key, value) in fields {
                query.insert(format!("{name}[{key}]"), text(value).into());
            }
        }
        (Json::Object(fields), "form") if explode => {
            fields.iter().for_each(|(key, value)| drop(query.insert(key.clone(), text(value).into())));
        }
        (Json::Object(fields), _) => {
            let flat: Vec<String> = fields.iter().flat_map(|(key, value)| [key.clone(), text(value)]).collect();
            query.insert(name.to_owned(), flat.join(",").into());
        }
        (Json::Array(items), "form") if explode => {
            let items: Vec<Json> = items.iter().map(|item| text(item).into()).collect();
            query.insert(name.to_owned(), items.into());
        }
        (Json::Array(items), style) => {
            let between = match style {
                "spaceDelimited" => " ",
                "pipeDelimited" => "|",
                "form" => ",",
                _ => {
                    notes.add(format!("the style of `{}` of {}", shortened(name), operation.shown()));
                    ","
                }
            };
            let joined = items.iter().map(text).collect::<Vec<_>>().join(between);
            query.insert(name.to_owned(), joined.into());
        }
        (value, _) => {
            query.insert(name.to_owned(), plain(value));
        }
    }
}

/// Numbers and booleans stay what they are; everything else is a text.
fn plain(value: &Json) -> Json {
    match value {
        Json::Number(_) | Json::Bool(_) => value.clone(),
        other => text(other).into(),
    }
}

/// A value as it stands in an address or a header; texts are templates already.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => concrete(other).to_string(),
    }
}
