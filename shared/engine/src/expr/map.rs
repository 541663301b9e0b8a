//! Maps and their keys.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Fault;
use super::json::Part;
use super::value::{Value, deeper};

/// From this size on a built map is searched by an index instead of one by one.
const INDEXED_FROM: usize = 9;

/// A map's key. Whole numbers are equal across `int` and `uint`.
#[derive(Debug, Clone)]
pub enum Key {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number without sign.
    Uint(u64),
    /// A text.
    String(Arc<str>),
}

impl Key {
    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::String(text) => Value::String(text.clone()),
        }
    }

    /// The key as JSON writes it: always a text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Uint(number) => number.to_string(),
            Self::String(text) => text.to_string(),
        }
    }

    /// The key that finds `value` in a map; a double finds the whole number it equals.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked before the cast")]
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Bool(*truth)),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Uint(number) => Some(Self::Uint(*number)),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Double(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
                Some(Self::Int(*number as i64))
            }
            _ => None,
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            _ => None,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |key: &Self| match key {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Uint(_) => 1,
            Self::String(_) => 2,
        };
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)).then_with(|| self.whole().cmp(&other.whole())),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

/// A map in the order it was written: of values, or a JSON object that stays as it is until a field is touched.
#[derive(Debug, Clone)]
pub struct Map(Entries);

#[derive(Debug, Clone)]
enum Entries {
    Built(Arc<Built>),
    Json(Part),
}

#[derive(Debug)]
struct Built {
    entries: Vec<(Key, Value)>,
    index: BTreeMap<Key, usize>,
    depth: u16,
}

impl Map {
    /// A map of these entries; a key that comes twice is refused.
    pub(super) fn new(entries: Vec<(Key, Value)>) -> Result<Self, Fault> {
        let below = entries.iter().map(|(_, value)| value.depth()).max();
        let depth = deeper(below.unwrap_or(0))?;
        let mut index = BTreeMap::new();
        for (at, (key, _)) in entries.iter().enumerate() {
            if index.insert(key.clone(), at).is_some() {
                return Err(Fault::Argument(format!("the key {} comes twice", key.to_text())));
            }
        }
        if entries.len() < INDEXED_FROM {
            index.clear();
        }
        Ok(Self(Entries::Built(Arc::new(Built { entries, index, depth }))))
    }

    pub(super) fn of_json(object: Part) -> Self {
        Self(Entries::Json(object))
    }

    pub(super) fn json_part(&self) -> Option<&Part> {
        match &self.0 {
            Entries::Json(part) => Some(part),
            Entries::Built(_) => None,
        }
    }

    pub(super) fn depth(&self) -> u16 {
        match &self.0 {
            Entries::Built(built) => built.depth,
            Entries::Json(_) => 0,
        }
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Built(built) => built.entries.len(),
            Entries::Json(part) => part.get().as_object().map_or(0, serde_json::Map::len),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<Value> {
        match &self.0 {
            Entries::Built(built) if built.index.is_empty() => built
                .entries
                .iter()
                .find(|(key, _)| matches!(key, Key::String(text) if **text == *name))
                .map(|(_, value)| value.clone()),
            Entries::Built(_) => self.get(&Key::String(Arc::from(name))),
            Entries::Json(part) => {
                part.project(|json| json.as_object().and_then(|object| object.get(name))).map(Value::of_part)
            }
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> Option<Value> {
        match (&self.0, key) {
            (Entries::Built(built), _) if built.index.is_empty() => {
                built.entries.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
            }
            (Entries::Built(built), _) => {
                let at = built.index.get(key)?;
                built.entries.get(*at).map(|(_, value)| value.clone())
            }
            (Entries::Json(_), Key::String(name)) => self.field(name),
            (Entries::Json(_), _) => None,
        }
    }

    /// The keys in order.
    pub fn keys(&self) -> Vec<Key> {
        match &self.0 {
            Entries::Built(built) => built.entries.iter().map(|(key, _)| key.clone()).collect(),
            Entries::Json(part) => part
                .get()
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
                .map(|name| Key::String(Arc::from(name.as_str())))
                .collect(),
        }
    }

    /// The first `count` keys as text, for messages.
    pub(super) fn some_keys(&self, count: usize) -> Vec<String> {
        match &self.0 {
            Entries::Built(built) => {
                let keys = built.entries.iter().take(count);
                keys.map(|(key, _)| key.to_text()).collect()
            }
            Entries::Json(part) => {
                let object = part.get().as_object().into_iter();
                let keys = object.flat_map(serde_json::Map::keys).take(count);
                keys.cloned().collect()
            }
        }
    }
}
