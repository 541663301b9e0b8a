//! The values expressions work with.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::error::Fault;
use super::json::Part;
use super::map::Map;

/// How deeply lists, maps and optionals that expressions build may be nested.
pub(super) const MAX_DEPTH: u16 = 100;

/// A value of the expression language. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, `int`.
    Int(i64),
    /// A whole number without sign, `uint`.
    Uint(u64),
    /// A floating-point number, `double`.
    Double(f64),
    /// A text; its size counts code points.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list of any values.
    List(List),
    /// A map; keys are bool, int, uint or string.
    Map(Map),
    /// A point in time.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(SignedDuration),
    /// The type of a value.
    Type(Type),
    /// A value that may be missing.
    Optional(Option<Arc<Value>>),
}

/// The types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the types' own")]
pub enum Type {
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    List,
    Map,
    Timestamp,
    Duration,
    Type,
    Optional,
}

impl Type {
    const ALL: [Self; 13] = [
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Double,
        Self::String,
        Self::Bytes,
        Self::List,
        Self::Map,
        Self::Timestamp,
        Self::Duration,
        Self::Type,
        Self::Optional,
    ];

    /// The type's name in CEL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::Type => "type",
            Self::Optional => "optional_type",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// How a message calls a value of this type.
    pub(super) fn article(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Uint => "a uint",
            Self::Double => "a double",
            Self::String => "a string",
            Self::Bytes => "bytes",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::Type => "a type",
            Self::Optional => "an optional",
        }
    }
}

impl Value {
    /// The value's type.
    pub fn kind(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::List(_) => Type::List,
            Self::Map(_) => Type::Map,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::Type(_) => Type::Type,
            Self::Optional(_) => Type::Optional,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth of a bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    pub(super) fn some(value: Self) -> Result<Self, Fault> {
        deeper(value.depth())?;
        Ok(Self::Optional(Some(Arc::new(value))))
    }

    pub(super) fn list(items: Vec<Self>) -> Result<Self, Fault> {
        Ok(Self::List(List::new(items)?))
    }

    /// Levels of nesting below this value, of what expressions have built.
    pub(super) fn depth(&self) -> u16 {
        match self {
            Self::List(List(Items::Built(built))) => built.depth,
            Self::Map(map) => map.depth(),
            Self::Optional(Some(inner)) => inner.depth() + 1,
            _ => 0,
        }
    }
}

pub(super) fn deeper(below: u16) -> Result<u16, Fault> {
    if below >= MAX_DEPTH {
        return Err(Fault::Argument(format!("the value is nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(below + 1)
}

/// A list: of values, or a JSON array that stays as it is until an item is touched.
#[derive(Debug, Clone)]
pub struct List(Items);

#[derive(Debug, Clone)]
enum Items {
    Built(Arc<Built>),
    Json(Part),
}

#[derive(Debug)]
struct Built {
    items: Vec<Value>,
    depth: u16,
}

impl List {
    pub(super) fn new(items: Vec<Value>) -> Result<Self, Fault> {
        let depth = deeper(items.iter().map(Value::depth).max().unwrap_or(0))?;
        Ok(Self(Items::Built(Arc::new(Built { items, depth }))))
    }

    pub(super) fn of_json(array: Part) -> Self {
        Self(Items::Json(array))
    }

    pub(super) fn json_part(&self) -> Option<&Part> {
        match &self.0 {
            Items::Json(part) => Some(part),
            Items::Built(_) => None,
        }
    }

    /// How many items.
    pub fn len(&self) -> usize {
        match &self.0 {
            Items::Built(built) => built.items.len(),
            Items::Json(part) => part.get().as_array().map_or(0, Vec::len),
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<Value> {
        match &self.0 {
            Items::Built(built) => built.items.get(index).cloned(),
            Items::Json(part) => {
                part.project(|json| json.as_array().and_then(|array| array.get(index))).map(Value::of_part)
            }
        }
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

impl Value {
    /// A JSON value; lists and maps are wrapped, not converted.
    pub fn json(json: Arc<Json>) -> Self {
        Self::of_part(Part::new(json))
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Self::json(Arc::new(json))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
