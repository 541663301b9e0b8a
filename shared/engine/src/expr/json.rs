//! Between JSON and the values of expressions.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value as Json};
use yoke::Yoke;

use super::map::Map;
use super::value::{List, Value};

/// A place within a shared JSON value.
#[derive(Clone)]
pub(super) struct Part(Yoke<&'static Json, Arc<Json>>);

impl Part {
    pub(super) fn new(root: Arc<Json>) -> Self {
        Self(Yoke::attach_to_cart(root, |json| json))
    }

    pub(super) fn get(&self) -> &Json {
        self.0.get()
    }

    /// A place below this one; the whole stays shared.
    pub(super) fn project(&self, step: impl for<'a> FnOnce(&'a Json) -> Option<&'a Json>) -> Option<Self> {
        let below = self.0.try_map_project_cloned(|json, _| step(json).ok_or(()));
        below.ok().map(Self)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Value {
    pub(super) fn of_part(part: Part) -> Self {
        match part.get() {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => of_number(number),
            Json::String(text) => Self::text(text),
            Json::Array(_) => Self::List(List::of_json(part)),
            Json::Object(_) => Self::Map(Map::of_json(part)),
        }
    }

    /// The value as JSON. What JSON lacks is written as text: bytes as base64, timestamps as RFC 3339, durations in
    /// seconds (`90s`), types by name, infinities and NaN as `Infinity`, `-Infinity`, `NaN`. An optional is its value, or null.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Int(number) => Json::from(*number),
            Self::Uint(number) => Json::from(*number),
            Self::Double(number) => match Number::from_f64(*number) {
                Some(number) => Json::Number(number),
                None => Json::String(double_text(*number)),
            },
            Self::List(list) => Json::Array(list.iter().map(|item| item.to_json()).collect()),
            Self::Map(map) => {
                let entries = map.keys().into_iter();
                let entries = entries.filter_map(|key| Some((key.to_text(), map.get(&key)?.to_json())));
                Json::Object(entries.collect())
            }
            Self::Optional(Some(inner)) => inner.to_json(),
            Self::Optional(None) => Json::Null,
            other => Json::String(other.plain_text().unwrap_or_default()),
        }
    }

    /// The value as JSON, borrowed where it is JSON already.
    pub(super) fn as_json(&self) -> Cow<'_, Json> {
        let held = match self {
            Self::List(list) => list.json_part(),
            Self::Map(map) => map.json_part(),
            _ => None,
        };
        held.map_or_else(|| Cow::Owned(self.to_json()), |part| Cow::Borrowed(part.get()))
    }

    /// The value as it stands within a longer text; none for null.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Null | Self::Optional(None) => None,
            Self::Optional(Some(inner)) => inner.to_text(),
            Self::List(_) | Self::Map(_) => Some(self.to_json().to_string()),
            other => other.plain_text(),
        }
    }

    /// The text of a value that is neither null nor holds others.
    fn plain_text(&self) -> Option<String> {
        match self {
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::Uint(number) => Some(number.to_string()),
            Self::Double(number) => Some(double_text(*number)),
            Self::String(text) => Some(text.to_string()),
            Self::Bytes(bytes) => Some(STANDARD.encode(bytes)),
            Self::Timestamp(time) => Some(time.to_string()),
            Self::Duration(span) => Some(super::time::duration_text(*span)),
            Self::Type(kind) => Some(kind.name().to_owned()),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Optional(_) => None,
        }
    }
}

fn of_number(number: &Number) -> Value {
    if let Some(whole) = number.as_i64() {
        Value::Int(whole)
    } else if let Some(whole) = number.as_u64() {
        Value::Uint(whole)
    } else {
        Value::Double(number.as_f64().unwrap_or(f64::NAN))
    }
}

/// A double as JSON would write it, so that `1.0` stays distinct from `1`.
fn double_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        format!("{sign}Infinity")
    } else {
        Json::from(number).to_string()
    }
}
