//! The operations of a document.

use serde_json::Value as Json;

use super::document::Document;
use super::notes::Notes;
use crate::new::names::{Taken, identifier};

/// Paths with more parts than this are left out.
const DEEPEST: usize = 64;
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One operation.
#[derive(Debug)]
pub(super) struct Operation<'a> {
    /// As documented: `/orders/{orderId}`.
    pub(super) path: &'a str,
    /// `GET`
    pub(super) method: String,
    /// The operation.
    pub(super) node: &'a Json,
    /// What holds for all operations of the path.
    pub(super) shared: &'a Json,
    /// The step's id: unique in all flows.
    pub(super) id: String,
}

impl<'a> Operation<'a> {
    /// The parts of the path.
    pub(super) fn segments(&self) -> Vec<&'a str> {
        segments(self.path)
    }

    /// A value of the operation, or else of its path.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json> {
        self.node.get(key).or_else(|| self.shared.get(key))
    }

    /// How messages call it.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The parts of a path.
pub(super) fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Whether a part of a path is nothing but one parameter.
pub(super) fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}') && segment.matches('{').count() == 1
}

/// Every operation, in the order of the document.
pub(super) fn operations<'a>(document: &'a Document, notes: &mut Notes) -> Vec<Operation<'a>> {
    let mut found = Vec::new();
    let mut taken = Taken::default();
    if document.root.get("webhooks").and_then(Json::as_object).is_some_and(|hooks| !hooks.is_empty()) {
        notes.add("webhooks: what the API calls itself");
    }
    let Some(Json::Object(paths)) = document.root.get("paths") else {
        notes.add("there are no `paths`");
        return found;
    };
    for (path, item) in paths {
        if path.starts_with("x-") {
            continue;
        }
        if !path.starts_with('/') {
            notes.add(format!("the path `{}`: it does not begin with `/`", shortened(path)));
            continue;
        }
        if segments(path).len() > DEEPEST {
            notes.add(format!("the path `{}`: it has too many parts", shortened(path)));
            continue;
        }
        let Some(shared) = document.resolve(item, notes) else { continue };
        let Json::Object(keys) = shared else {
            notes.add(format!("the path `{}`: it holds no operations", shortened(path)));
            continue;
        };
        for method in METHODS {
            match keys.get(method) {
                None => {}
                Some(node @ Json::Object(_)) => {
                    let id = wanted_id(node, method, path);
                    let id = taken.unique(&id);
                    found.push(Operation { path, method: method.to_uppercase(), node, shared, id });
                }
                Some(_) => notes.add(format!("{} {}: it is no object", method.to_uppercase(), shortened(path))),
            }
        }
    }
    found
}

fn wanted_id(node: &Json, method: &str, path: &str) -> String {
    let named = node.get("operationId").and_then(Json::as_str).map(|id| identifier(id, ""));
    named.filter(|id| !id.is_empty()).unwrap_or_else(|| identifier(&format!("{method} {path}"), "operation"))
}

/// A text that is not too long to be shown.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
