//! The order of values that `orderedBy` compares, in a form that can be written down.

use std::cmp::Ordering;
use std::fmt;

use assay_engine::expr::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A value that has an order among its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Rank {
    /// A whole number.
    Int(i64),
    /// A whole number beyond `Int`.
    Uint(u64),
    /// A number.
    Double(f64),
    /// A text, by its code points.
    Text(String),
    /// A point in time.
    Time(Timestamp),
}

impl Rank {
    /// None for what has no order.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(number) => Self::Int(*number),
            Value::Uint(number) => i64::try_from(*number).map_or(Self::Uint(*number), Self::Int),
            Value::Double(number) if !number.is_nan() => Self::Double(*number),
            Value::String(text) => Self::Text(text.to_string()),
            Value::Timestamp(time) => Self::Time(*time),
            Value::Optional(Some(inner)) => return Self::of(inner),
            _ => return None,
        })
    }

    /// None when the two are of kinds that do not compare.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Uint(a), Self::Uint(b)) => Some(a.cmp(b)),
            (Self::Int(_), Self::Uint(_)) => Some(Ordering::Less),
            (Self::Uint(_), Self::Int(_)) => Some(Ordering::Greater),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(_) | Self::Time(_) => None,
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Uint(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{:?}", text.chars().take(100).collect::<String>()),
            Self::Time(time) => time.fmt(f),
        }
    }
}
