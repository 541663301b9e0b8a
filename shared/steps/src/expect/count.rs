//! How many messages must match: `>= 1`, `== 2`, `<= 3`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// How many messages must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// `>= n`: decided as soon as it holds.
    AtLeast(u64),
    /// `== n`: decided when nothing more can come.
    Exactly(u64),
    /// `<= n`: decided when nothing more can come.
    AtMost(u64),
}

/// Why a text is no count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// Neither a number nor a comparison with one.
    #[error("`{0}` is no count: write a number, or one after `>=`, `==` or `<=`")]
    Malformed(String),
    /// It holds whatever comes.
    #[error("`{0}` holds whatever comes: ask for at least 1")]
    Always(String),
}

impl Default for Count {
    fn default() -> Self {
        Self::AtLeast(1)
    }
}

impl Count {
    /// Whether so many are right.
    #[must_use]
    pub fn holds(self, count: u64) -> bool {
        match self {
            Self::AtLeast(n) => count >= n,
            Self::Exactly(n) => count == n,
            Self::AtMost(n) => count <= n,
        }
    }

    /// Whether it holds for good, whatever else comes.
    #[must_use]
    pub fn is_settled(self, count: u64) -> bool {
        matches!(self, Self::AtLeast(n) if count >= n)
    }

    /// Whether more could still make it hold.
    pub(super) fn wants_more(self, count: u64) -> bool {
        match self {
            Self::AtLeast(n) | Self::Exactly(n) => count < n,
            Self::AtMost(_) => false,
        }
    }

    /// Whether it is decided only when nothing more can come.
    #[must_use]
    pub fn waits_for_quiet(self) -> bool {
        !matches!(self, Self::AtLeast(_))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(n) => write!(f, "count >= {n}"),
            Self::Exactly(n) => write!(f, "count == {n}"),
            Self::AtMost(n) => write!(f, "count <= {n}"),
        }
    }
}

impl FromStr for Count {
    type Err = CountError;

    fn from_str(text: &str) -> Result<Self, CountError> {
        let malformed = || CountError::Malformed(text.chars().take(40).collect());
        let trimmed = text.trim();
        let (make, number): (fn(u64) -> Self, &str) = match trimmed.get(..2) {
            Some(">=") => (Self::AtLeast, &trimmed[2..]),
            Some("==") => (Self::Exactly, &trimmed[2..]),
            Some("<=") => (Self::AtMost, &trimmed[2..]),
            _ => (Self::Exactly, trimmed),
        };
        let number = number.trim();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed());
        }
        let count = make(number.parse().map_err(|_| malformed())?);
        if count == Self::AtLeast(0) { Err(CountError::Always(trimmed.to_owned())) } else { Ok(count) }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::String(text) => text.parse().map_err(D::Error::custom),
            Json::Number(number) => number.to_string().parse().map_err(D::Error::custom),
            other => Err(D::Error::custom(CountError::Malformed(other.to_string().chars().take(40).collect()))),
        }
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^\\s*(>=|==|<=)?\\s*[0-9]+\\s*$"}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        for (text, count) in [
            (">= 1", Count::AtLeast(1)),
            (">=10", Count::AtLeast(10)),
            (" == 2 ", Count::Exactly(2)),
            ("2", Count::Exactly(2)),
            ("== 0", Count::Exactly(0)),
            ("<= 3", Count::AtMost(3)),
        ] {
            assert_eq!(text.parse(), Ok(count), "{text}");
        }
        for bad in ["", "> 1", "= 1", "!= 1", ">= -1", "one", ">= 1.5", "99999999999999999999", "é"] {
            assert!(bad.parse::<Count>().is_err(), "{bad}");
        }
    }

    #[test]
    fn at_least_none_is_refused_because_it_cannot_fail() {
        assert_eq!(">= 0".parse::<Count>(), Err(CountError::Always(">= 0".into())));
    }

    #[test]
    fn a_number_alone_means_exactly_that_many() {
        assert_eq!(serde_json::from_str::<Count>("2").unwrap(), Count::Exactly(2));
        assert!(serde_json::from_str::<Count>("[2]").is_err());
    }
}
