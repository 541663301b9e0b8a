//! Values with their places.

use std::sync::Arc;

use serde_json::{Number, Value as Json};

use super::text::Span;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A value; nested at most as deep as the reader allows, so that recursion over it is safe.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Value {
    /// A text, number or boolean as it would be written in one line; none for anything else.
    pub(crate) fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.contains('\n') => Some(text.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}

impl Node {
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| &*entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The value without places.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(truth) => Json::Bool(*truth),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => Json::String(text.to_string()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect())
            }
        }
    }

    /// A value that stands for a span as a whole.
    pub(crate) fn of_json(json: &Json, span: Span) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::Text(text.as_str().into()),
            Json::Array(items) => Value::List(items.iter().map(|item| Self::of_json(item, span)).collect()),
            Json::Object(map) => {
                let entry = |(key, value): (&String, &Json)| Entry {
                    key: key.as_str().into(),
                    key_span: span,
                    value: Self::of_json(value, span),
                };
                Value::Map(map.iter().map(entry).collect())
            }
        };
        Self { span, value }
    }

    /// The deepest node on the way of a JSON pointer, and the key's span when the last step is a map's.
    pub(crate) fn at(&self, pointer: &str) -> (&Self, Option<Span>) {
        let mut found = (self, None);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match &found.0.value {
                Value::Map(_) => found.0.entry(&token).map(|entry| (&entry.value, Some(entry.key_span))),
                Value::List(items) => token.parse().ok().and_then(|at: usize| items.get(at)).map(|item| (item, None)),
                _ => None,
            };
            match next {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }
}
