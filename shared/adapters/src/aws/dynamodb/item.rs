//! Items and their attributes.

use std::collections::HashMap;

use assay_app::ports::PortError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{PK, SK};

/// An item by the names of its attributes.
pub(super) type Item = HashMap<String, AttributeValue>;

/// An item under this key.
pub(super) fn item(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    Item::from([(PK.into(), text(partition)), (SK.into(), text(sort))])
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// An instant as nanoseconds.
pub(super) fn instant(at: Timestamp) -> AttributeValue {
    number(at.as_nanosecond())
}

/// What a stored item says.
pub(super) trait Attributes {
    /// A text, if it is there.
    fn text(&self, name: &str) -> Option<&str>;
    /// A number, if it is there.
    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T>;
    /// Bytes, if they are there.
    fn bytes(&self, name: &str) -> Option<&[u8]>;

    /// An instant, if it is there.
    fn instant(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_nanosecond(self.number(name)?).ok()
    }

    /// A text that must be there.
    fn needed_text(&self, name: &str) -> Result<&str, PortError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// A number that must be there.
    fn needed_number<T: std::str::FromStr>(&self, name: &str) -> Result<T, PortError> {
        self.number(name).ok_or_else(|| missing(name))
    }

    /// A text that must be there and mean something.
    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, PortError> {
        self.needed_text(name)?.parse().map_err(|_| missing(name))
    }
}

fn missing(name: &str) -> PortError {
    PortError::bug(format!("read the attribute `{name}` of a stored item"))
}

impl Attributes for Item {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_s().ok().map(String::as_str)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.as_n().ok()?.parse().ok()
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.get(name)?.as_b().ok().map(AsRef::as_ref)
    }
}

/// As JSON text, which is one line.
pub(super) fn json(value: &impl Serialize) -> Result<String, PortError> {
    serde_json::to_string(value).map_err(|error| PortError::bug("write as JSON").because(error))
}

/// The value of a JSON text.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, PortError> {
    serde_json::from_str(text).map_err(|error| PortError::bug(format!("read the stored {what}")).because(error))
}
