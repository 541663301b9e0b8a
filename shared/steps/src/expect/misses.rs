//! The nearest misses: the messages of which most parts of `match` held, and which part did not.

use assay_engine::expr::{Evaluation, Program, Scope, Seen};
use serde::{Deserialize, Serialize};

/// How many are kept.
const KEPT: usize = 3;
/// How many failing parts of one are told, and how many values of a part.
const TOLD: usize = 3;
const VALUES: usize = 4;
/// Bytes of a value that are told.
const VALUE_BYTES: usize = 160;

/// A message that did not match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Miss {
    place: String,
    held: usize,
    failed: Vec<String>,
}

/// The nearest misses, best first, the earlier one first among equals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Misses(Vec<Miss>);

impl Misses {
    /// Whether a message of which so many parts held would be kept.
    pub(super) fn would_keep(&self, held: usize) -> bool {
        self.0.len() < KEPT || self.0.last().is_some_and(|worst| worst.held < held)
    }

    pub(super) fn keep(&mut self, place: String, held: usize, failed: Vec<String>) {
        let at = self.0.partition_point(|miss| miss.held >= held);
        self.0.insert(at, Miss { place, held, failed });
        self.0.truncate(KEPT);
    }

    /// What people read; none when nothing came near.
    pub(super) fn told(&self) -> Option<String> {
        let lines: Vec<String> =
            self.0.iter().map(|miss| format!("{}: {}", miss.place, miss.failed.join("; "))).collect();
        (!lines.is_empty()).then(|| format!("nearest: {}", lines.join("\n         ")))
    }
}

/// The failing parts of a match with the values that made them fail.
pub(super) fn explained(parts: &[&Program], scope: &dyn Scope, cx: &mut Evaluation<'_>) -> Vec<String> {
    let mut lines: Vec<String> = parts.iter().take(TOLD).map(|part| line(part, scope, cx)).collect();
    if parts.len() > TOLD {
        lines.push(format!("and {} more parts", parts.len() - TOLD));
    }
    lines
}

fn line(part: &Program, scope: &dyn Scope, cx: &mut Evaluation<'_>) -> String {
    let explanation = part.explain(scope, cx);
    let text = cut(part.text().trim());
    match explanation.result {
        Err(error) => format!("`{text}` has no answer: {}", cut(&error.to_string())),
        Ok(value) if value.as_bool().is_none() => format!("`{text}` is {}, not true or false", value.kind().name()),
        Ok(_) => {
            let values = explanation.parts.iter().filter_map(|part| match &part.seen {
                Seen::Value(value) => Some(format!("{} = {}", part.text, cut(&value.to_string()))),
                _ => None,
            });
            let values: Vec<String> = values.take(VALUES).collect();
            if values.is_empty() { format!("not `{text}`") } else { format!("not `{text}`: {}", values.join(", ")) }
        }
    }
}

fn cut(text: &str) -> String {
    if text.len() <= VALUE_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(VALUE_BYTES)])
}
