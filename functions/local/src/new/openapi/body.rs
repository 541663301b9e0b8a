//! The body that an operation sends.

use serde_json::{Map, Value as Json, json};

use super::document::Document;
use super::notes::Notes;
use super::operation::{Operation, shortened};
use super::parameters::text;
use super::sample::{Sampler, concrete, example};
use super::schema::Direction;
use super::schema_file::Schemas;
use crate::new::yaml::literal;

/// What a body became.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Keys of `with`.
    pub(super) with: Map<String, Json>,
    /// The content type, when the keys alone would send another one.
    pub(super) content_type: Option<String>,
    /// The value that is sent, if it is JSON or a form.
    pub(super) value: Json,
}

/// Whether a media type is JSON.
pub(super) fn is_json(media: &str) -> bool {
    let media = bare(media);
    media.ends_with("/json") || media.ends_with("+json") || media == "*/*" || media == "application/*"
}

/// A media type without its parameters.
pub(super) fn bare(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The request's body, if the operation takes one.
pub(super) fn body<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
    schemas: &mut Schemas<'a>,
    notes: &mut Notes,
) -> Body {
    let node = operation.node.get("requestBody").and_then(|node| document.resolve(node, notes));
    let content = node.and_then(|node| node.get("content")).and_then(Json::as_object);
    let Some(content) = content.filter(|content| !content.is_empty()) else { return Body::default() };
    let order = |media: &str| match bare(media).as_str() {
        "application/json" => 0,
        _ if is_json(media) => 1,
        "application/x-www-form-urlencoded" => 2,
        "multipart/form-data" => 3,
        kind if kind.starts_with("text/") => 4,
        _ => 5,
    };
    let Some((media, node)) = content.iter().min_by_key(|(media, _)| order(media)) else { return Body::default() };
    let schema = node.get("schema").filter(|schema| schema.is_object());
    let given = example(document, node, notes).map(crate::new::yaml::literal_value);
    let value = given.or_else(|| Sampler::new(document, notes).sample(schema?, "body"));
    let mut body = Body { value: value.clone().unwrap_or_default(), ..Body::default() };
    match (order(media), value) {
        (0 | 1, Some(value)) => {
            if let Some(schema) = schema {
                held_against(&value, schema, operation, schemas, notes);
            }
            json_body(&mut body, value, media);
        }
        (2, Some(Json::Object(fields))) => {
            let fields: Map<String, Json> = fields.iter().map(|(key, value)| (key.clone(), field(value))).collect();
            body.with.insert("form".to_owned(), Json::Object(fields));
        }
        (3, Some(Json::Object(fields))) => {
            let parts = fields.iter().map(|(key, value)| (key.clone(), part(schema, key, value))).collect();
            body.with.insert("multipart".to_owned(), Json::Object(parts));
        }
        (_, Some(Json::String(text))) => {
            body.with.insert("text".to_owned(), text.into());
            body.content_type = Some(literal(media));
        }
        _ => {
            let what =
                format!("the body of {} ({}): a short text is sent instead", operation.shown(), shortened(media));
            notes.add(what);
            body.with.insert("text".to_owned(), "sample".into());
            body.content_type = Some(literal(media));
        }
    }
    body
}

fn json_body(body: &mut Body, value: Json, media: &str) {
    // A lone `file` would be taken for the name of a file.
    if value.get("file").is_some() {
        body.with.insert("text".to_owned(), value.to_string().into());
        body.content_type = Some("application/json".to_owned());
        return;
    }
    body.with.insert("json".to_owned(), value);
    if bare(media) != "application/json" && !media.contains('*') {
        body.content_type = Some(literal(media));
    }
}

/// What is made up should be what the document allows; where it is not, somebody must look.
fn held_against<'a>(
    value: &Json,
    schema: &'a Json,
    operation: &Operation<'a>,
    schemas: &mut Schemas<'a>,
    notes: &mut Notes,
) {
    let Some(whole) = schemas.whole(schema, Direction::Request, notes) else { return };
    let Ok(validator) = jsonschema::validator_for(&whole) else { return };
    let value = concrete(value);
    if let Some(error) = validator.iter_errors(&value).next() {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "/".to_owned() } else { place };
        let why = shortened(&error.to_string());
        notes.add(format!("a body for {} that fits its schema (at {place}: {why}): put one in", operation.shown()));
    }
}

fn field(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(|item| Json::String(text(item))).collect(),
        Json::Object(_) => json!(concrete(value).to_string()),
        other => text(other).into(),
    }
}

/// A part: what is binary is sent as a small file.
fn part(schema: Option<&Json>, key: &str, value: &Json) -> Json {
    let property =
        schema.and_then(|schema| schema.pointer(&format!("/properties/{}", key.replace('~', "~0").replace('/', "~1"))));
    let binary = property.is_some_and(|property| {
        property.get("format") == Some(&json!("binary")) || property.get("contentMediaType").is_some()
    });
    match value {
        _ if binary => json!({"value": "sample", "filename": "sample.bin", "contentType": "application/octet-stream"}),
        Json::Object(_) | Json::Array(_) => json!({ "value": value }),
        other => text(other).into(),
    }
}
