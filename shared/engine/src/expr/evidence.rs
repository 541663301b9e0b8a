//! Evidence: what the parts of an expression were when it was evaluated.

use std::ops::Range;

use serde_json::{Map as JsonMap, Value as Json};

use super::error::{EvalError, shortened};
use super::map::Key;
use super::program::Compiled;
use super::tree::{Sight, SightId};
use super::value::Value;

/// Bytes of JSON that the preview of one part may take, about.
pub const PREVIEW_BYTES: usize = 1024;

/// An expression's value with the values of its parts.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The value, or why there is none.
    pub result: Result<Value, EvalError>,
    /// The parts that are not literals, in the order of the text, each text once.
    pub parts: Vec<Part>,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The part as it is written; for the element that decided `all` or `exists`, its list with its index.
    pub text: String,
    /// What it was.
    pub seen: Seen,
}

/// What a part was.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A value, shortened to about [`PREVIEW_BYTES`].
    Value(Json),
    /// It had no value, for this reason.
    Error(String),
    /// What came before it had decided already.
    NotEvaluated,
}

#[derive(Debug, Clone)]
enum Record {
    Hidden,
    NotEvaluated,
    Done(super::run::Evaluated),
    Element(Value, Value),
}

#[derive(Debug)]
pub(super) struct Recorder {
    records: Vec<Record>,
}

impl Recorder {
    pub(super) fn new(sights: &[Sight]) -> Self {
        let initial = |sight: &Sight| {
            if sight.inner { Record::Hidden } else { Record::NotEvaluated }
        };
        Self { records: sights.iter().map(initial).collect() }
    }

    pub(super) fn record(&mut self, sight: SightId, result: &super::run::Evaluated) {
        self.set(sight, Record::Done(result.clone()));
    }

    pub(super) fn element(&mut self, sight: SightId, (key, item): (Value, Value)) {
        self.set(sight, Record::Element(key, item));
    }

    pub(super) fn hide(&mut self, sights: Range<SightId>) {
        for record in self.records.get_mut(sights).unwrap_or_default() {
            *record = Record::Hidden;
        }
    }

    fn set(&mut self, sight: SightId, record: Record) {
        if let Some(place) = self.records.get_mut(sight) {
            *place = record;
        }
    }

    pub(super) fn parts(self, program: &Compiled) -> Vec<Part> {
        let mut placed: Vec<(&Sight, Record)> = program.tree.sights.iter().zip(self.records).collect();
        placed.sort_by_key(|(sight, _)| (sight.range.start, sight.range.end, sight.element));
        let mut parts: Vec<Part> = Vec::new();
        for (sight, record) in placed {
            let text = program.text.get(sight.range.clone()).unwrap_or_default().trim();
            let (text, seen) = match record {
                Record::Hidden => continue,
                Record::NotEvaluated => (text.to_owned(), Seen::NotEvaluated),
                Record::Done(Ok(value)) => (text.to_owned(), Seen::Value(preview(&value))),
                Record::Done(Err(error)) => (text.to_owned(), Seen::Error(error.to_string())),
                Record::Element(key, item) => (format!("{text}[{}]", preview(&key)), Seen::Value(preview(&item))),
            };
            match parts.iter_mut().find(|part| part.text == text) {
                Some(part) if part.seen == Seen::NotEvaluated => part.seen = seen,
                Some(_) => {}
                None => parts.push(Part { text, seen }),
            }
        }
        let whole = program.text.trim();
        if parts.len() > 1 {
            parts.retain(|part| part.text != whole);
        }
        parts
    }
}

/// A value as JSON, cut where it is long: texts end in an ellipsis, lists and maps say how much more there is.
pub(super) fn preview(value: &Value) -> Json {
    let mut left = PREVIEW_BYTES;
    cut(value, &mut left, 0)
}

fn cut(value: &Value, left: &mut usize, depth: usize) -> Json {
    match value {
        Value::List(list) => {
            let mut items = Vec::new();
            for item in list.iter() {
                if *left == 0 || depth > 8 {
                    items.push(Json::String(format!("… {} more", list.len() - items.len())));
                    break;
                }
                items.push(cut(&item, left, depth + 1));
            }
            *left = left.saturating_sub(2);
            Json::Array(items)
        }
        Value::Map(map) => {
            let mut fields = JsonMap::new();
            // A key takes at least a few bytes of the preview, so no more of them are looked at than can fit.
            for name in map.some_keys(PREVIEW_BYTES / 4) {
                if *left == 0 || depth > 8 {
                    break;
                }
                *left = left.saturating_sub(name.len() + 4);
                let value = map.field(&name).or_else(|| by_text(map, &name));
                let value = value.map_or(Json::Null, |value| cut(&value, left, depth + 1));
                fields.insert(shortened(&name, 200), value);
            }
            if fields.len() < map.len() {
                let more = format!("{} more", map.len() - fields.len());
                fields.insert("…".to_owned(), Json::String(more));
            }
            Json::Object(fields)
        }
        Value::Optional(Some(inner)) => cut(inner, left, depth + 1),
        Value::String(text) => cut_text(text, left),
        Value::Bytes(bytes) if bytes.len() > *left => {
            let shown = Value::Bytes(bytes.get(..*left / 2).unwrap_or_default().into());
            let shown = shown.to_text().unwrap_or_default();
            *left = 0;
            Json::String(format!("{shown}… ({} bytes)", bytes.len()))
        }
        other => {
            *left = left.saturating_sub(8);
            other.to_json()
        }
    }
}

fn cut_text(text: &str, left: &mut usize) -> Json {
    if text.len() <= *left {
        *left -= text.len();
        return Json::String(text.to_owned());
    }
    let shown = shortened(text, *left);
    *left = 0;
    Json::String(format!("{shown} ({} bytes)", text.len()))
}

/// The value of a key that is no string.
fn by_text(map: &super::map::Map, name: &str) -> Option<Value> {
    let whole = name.parse().ok().map(Key::Int);
    let truth = name.parse().ok().map(Key::Bool);
    let large = name.parse().ok().map(Key::Uint);
    let mut keys = [whole, large, truth].into_iter().flatten();
    keys.find_map(|key| map.get(&key))
}
