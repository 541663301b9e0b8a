//! Values as they stand in `with`: scalars, ordered pairs, sizes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

/// A text, a number or a boolean; sent as its text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// As it is.
    Text(String),
    /// As JSON writes it.
    Number(serde_json::Number),
    /// `true` or `false`.
    Boolean(bool),
}

impl Scalar {
    /// The text that is sent.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Boolean(boolean) => Cow::Borrowed(if *boolean { "true" } else { "false" }),
        }
    }
}

/// Names with values, in the order they were written. A list repeats the name, null leaves it out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs(Vec<(String, Vec<Scalar>)>);

impl Pairs {
    /// Every name with its value; a name with several values comes several times.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.text())))
    }

    /// Names that were given null: a header that is otherwise sent is left out.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, values)| values.is_empty()).map(|(name, _)| name.as_str())
    }
}

impl FromIterator<(String, String)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name, vec![Scalar::Text(value)])).collect())
    }
}

impl Extend<(String, String)> for Pairs {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
        self.0.extend(pairs.into_iter().map(|(name, value)| (name, vec![Scalar::Text(value)])));
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = |name: &str, value: Json| {
            serde_json::from_value(value).map_err(|_| {
                D::Error::custom(format!("`{name}` must be a text, a number, a boolean, null or a list of them"))
            })
        };
        Map::<String, Json>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, value)| {
                let values = match value {
                    Json::Null => Vec::new(),
                    Json::Array(values) => {
                        values.into_iter().map(|value| scalar(&name, value)).collect::<Result<_, _>>()?
                    }
                    value => vec![scalar(&name, value)?],
                };
                Ok((name, values))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl JsonSchema for Pairs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Pairs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": ["string", "number", "boolean", "null"]},
                    {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
                ]
            }
        })
    }
}

/// A number of bytes: `10MB`, `16MiB`, or the number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// Reads a number with a unit: `B`, `KB MB GB` (powers of 1000), `KiB MiB GiB` (powers of 1024).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kb" => 1000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(scale).map(Self)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => write!(f, "{} MiB", bytes >> 20),
            bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => write!(f, "{} KiB", bytes >> 10),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        match &value {
            Json::Number(number) => number.as_u64().map(Self),
            Json::String(text) => Self::parse(text),
            _ => None,
        }
        .ok_or_else(|| D::Error::custom("not a size: write bytes as a number, or a text such as 10MB or 16MiB"))
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^\\s*[0-9]+\\s*([KkMmGg][Ii]?)?[Bb]?\\s*$"}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in
            [("10", 10), ("10B", 10), ("10 KB", 10_000), ("10kb", 10_000), ("16MiB", 16 << 20), ("1GB", 1_000_000_000)]
        {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for bad in ["", "MB", "1.5MB", "-1", "10TB", "99999999999GiB"] {
            assert_eq!(Size::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn pairs_keep_their_order_repeat_lists_and_leave_out_null() {
        let pairs: Pairs =
            serde_json::from_value(serde_json::json!({"z": 1, "a": ["x", true], "n": null, "e": []})).unwrap();
        let sent: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(sent, ["z=1", "a=x", "a=true"]);
        assert_eq!(pairs.left_out().collect::<Vec<_>>(), ["n", "e"]);
        assert!(serde_json::from_value::<Pairs>(serde_json::json!({"o": {"a": 1}})).is_err());
    }
}
