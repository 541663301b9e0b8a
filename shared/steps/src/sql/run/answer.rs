//! What a statement answers: rows as JSON, counted while they come.

use serde_json::{Map, Value as Json, json};

use super::fault;
use crate::contract::StepError;
use crate::http::Size;

/// How much an answer may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) rows: u64,
    pub(super) bytes: Size,
}

/// The answer of the statement that came last.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) columns: Vec<(String, String)>,
    pub(super) rows: Vec<Json>,
    pub(super) affected: u64,
    size: u64,
}

/// What a cell costs in memory beside its text.
const CELL: u64 = 16;

impl Answer {
    /// Takes the names and types of the columns. A name that comes twice is numbered, so that no value hides another.
    pub(super) fn describe(&mut self, columns: impl Iterator<Item = (String, String)>) {
        self.columns.clear();
        for (name, kind) in columns {
            let taken = |name: &str, columns: &[(String, String)]| columns.iter().any(|(known, _)| known == name);
            let mut free = name.clone();
            let mut number = 2;
            while taken(&free, &self.columns) {
                free = format!("{name}_{number}");
                number += 1;
            }
            self.columns.push((free, kind));
        }
    }

    /// Takes a row.
    pub(super) fn add(
        &mut self,
        host: &str,
        limits: Limits,
        mut value: impl FnMut(usize) -> Result<Json, StepError>,
    ) -> Result<(), StepError> {
        if self.rows.len() as u64 >= limits.rows {
            return Err(fault::too_many_rows(host, limits.rows));
        }
        let mut row = Map::with_capacity(self.columns.len());
        for (index, (name, _)) in self.columns.iter().enumerate() {
            let value = value(index)?;
            self.size += CELL + (name.len() + weight(&value)) as u64;
            row.insert(name.clone(), value);
        }
        // What is counted on the wire can be much less than what it becomes: a hundred NULLs are four hundred bytes.
        if self.size > limits.bytes.0.saturating_mul(4) {
            return Err(fault::too_large(host, limits.bytes));
        }
        self.rows.push(Json::Object(row));
        Ok(())
    }

    /// The output's fields.
    pub(super) fn fields(self) -> Map<String, Json> {
        let count = if self.columns.is_empty() { self.affected } else { self.rows.len() as u64 };
        let columns: Vec<Json> =
            self.columns.into_iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let mut fields = Map::new();
        fields.insert("rows".into(), Json::Array(self.rows));
        fields.insert("rowCount".into(), count.into());
        fields.insert("columns".into(), Json::Array(columns));
        fields
    }
}

fn weight(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(|item| CELL as usize + weight(item)).sum(),
        Json::Object(fields) => fields.iter().map(|(name, value)| CELL as usize + name.len() + weight(value)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 8,
    }
}

/// An integer as JSON: a number within 64 bits with a sign, else its digits as text.
pub(super) fn integer(text: &str) -> Json {
    text.parse::<i64>().map_or_else(|_| text.into(), Json::from)
}

/// A floating-point number as JSON; what JSON has no number for (`NaN`, `Infinity`) as text.
pub(super) fn float(text: &str) -> Json {
    let number = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    number.map_or_else(|| text.into(), Json::Number)
}

/// A JSON text as its value; what is nested too deep to be read stays text.
pub(super) fn json_value(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
