//! Replies, and the JSON that they become.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

/// A reply with its type (RESP3; RESP2 has some of them).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Null,
    /// A text or bytes: simple, bulk and verbatim strings.
    Bytes(Vec<u8>),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    /// A list or a set.
    List(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// What Redis refuses, and why.
    Error(String),
}

impl Reply {
    /// The first error in it.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Error(message) => Some(message),
            Self::List(items) => items.iter().find_map(Self::refusal),
            Self::Map(pairs) => pairs.iter().find_map(|(key, value)| key.refusal().or_else(|| value.refusal())),
            _ => None,
        }
    }

    /// As JSON: texts as they are, other bytes as `{base64: ...}`, what JSON has no number for as its text.
    pub(super) fn into_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Json::String(text),
                Err(error) => {
                    let text = STANDARD.encode(error.as_bytes());
                    Json::Object(Map::from_iter([("base64".to_owned(), Json::String(text))]))
                }
            },
            Self::Integer(number) => number.into(),
            Self::Double(number) if number.is_nan() => "nan".into(),
            Self::Double(number) if number.is_infinite() => if number > 0.0 { "inf" } else { "-inf" }.into(),
            Self::Double(number) => number.into(),
            Self::Boolean(boolean) => boolean.into(),
            Self::List(items) => items.into_iter().map(Self::into_json).collect(),
            Self::Map(pairs) => pairs.into_iter().map(|(key, value)| (key.into_key(), value.into_json())).collect(),
            Self::Error(message) => message.into(),
        }
    }

    /// As the key of an object: texts as they are, everything else as its JSON text.
    pub(super) fn into_key(self) -> String {
        match self.into_json() {
            Json::String(text) => text,
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_type_has_its_json() {
        let text = |text: &str| Reply::Bytes(text.into());
        for (reply, expected) in [
            (Reply::Null, json!(null)),
            (text("é"), json!("é")),
            (Reply::Bytes(vec![0, 0xff]), json!({"base64": "AP8="})),
            (Reply::Integer(i64::MIN), json!(i64::MIN)),
            (Reply::Double(1.5), json!(1.5)),
            (Reply::Double(f64::NAN), json!("nan")),
            (Reply::Double(f64::INFINITY), json!("inf")),
            (Reply::Double(f64::NEG_INFINITY), json!("-inf")),
            (Reply::Boolean(true), json!(true)),
            (Reply::List(vec![Reply::Null, text("a")]), json!([null, "a"])),
            (
                Reply::Map(vec![
                    (text("a"), Reply::Integer(1)),
                    (Reply::Integer(2), text("b")),
                    (Reply::Null, Reply::Null),
                ]),
                json!({"a": 1, "2": "b", "null": null}),
            ),
        ] {
            assert_eq!(reply.into_json(), expected);
        }
    }
}
