//! Entries of a stream: their ids, and what expressions see of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use assay_engine::expr::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::reply::Reply;
use crate::expect::Message;

/// The id of an entry: milliseconds since 1970 and a number within them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u64, u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-').and_then(|(time, number)| Some((time.parse().ok()?, number.parse().ok()?)));
        parts.map(|(time, number)| Self(time, number)).ok_or_else(|| "no id of an entry".to_owned())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Id {
    /// The id in a reply.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        match reply {
            Reply::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    stream: Arc<str>,
    pub(super) id: Id,
    pub(super) fields: Map<String, Json>,
}

impl Entry {
    /// Reads what XREAD answers for one stream, in both protocols. None when it is something else.
    pub(super) fn read_all(stream: &str, reply: Reply) -> Option<Vec<Self>> {
        let entries = match reply {
            Reply::Null => return Some(Vec::new()),
            Reply::Map(streams) => streams.into_iter().next()?.1,
            Reply::List(streams) => match streams.into_iter().next()? {
                Reply::List(pair) => pair.into_iter().nth(1)?,
                _ => return None,
            },
            _ => return None,
        };
        let Reply::List(entries) = entries else { return None };
        let stream: Arc<str> = Arc::from(stream);
        entries.into_iter().map(|entry| Self::read(&stream, entry)).collect()
    }

    fn read(stream: &Arc<str>, reply: Reply) -> Option<Self> {
        let Reply::List(parts) = reply else { return None };
        let mut parts = parts.into_iter();
        let id = Id::of(&parts.next()?)?;
        let Reply::List(fields) = parts.next()? else { return None };
        let mut values = fields.into_iter();
        let pairs = std::iter::from_fn(|| Some((values.next()?.into_key(), values.next()?.into_json())));
        Some(Self { stream: Arc::clone(stream), id, fields: pairs.collect() })
    }
}

impl Message for Entry {
    fn field(&self, name: &str, _: bool) -> Option<Value> {
        match name {
            "id" => Some(Value::from(Json::from(self.id.to_string()))),
            "fields" => Some(Value::from(Json::Object(self.fields.clone()))),
            "timestamp" => Some(Value::from(Json::from(self.id.0))),
            "stream" => Some(Value::from(Json::from(&*self.stream))),
            _ => None,
        }
    }

    fn to_json(&self) -> Json {
        json!({"id": self.id, "fields": self.fields, "timestamp": self.id.0, "stream": &*self.stream})
    }

    fn partition(&self) -> i64 {
        0
    }

    fn place(&self) -> String {
        format!("entry {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Bytes(text.into())
    }

    #[test]
    fn ids_compare_as_numbers() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        assert!(id("9-9") < id("10-0") && id("10-2") < id("10-10") && Id::default() < id("0-1"));
        assert_eq!(id("1526919030474-55").to_string(), "1526919030474-55");
        assert!("1".parse::<Id>().is_err() && "a-b".parse::<Id>().is_err() && "1--1".parse::<Id>().is_err());
    }

    #[test]
    fn entries_are_read_in_both_protocols() {
        let entries = || {
            let fields = Reply::List(vec![text("state"), text("PAID"), text("raw"), Reply::Bytes(vec![0xff])]);
            Reply::List(vec![Reply::List(vec![text("7-1"), fields])])
        };
        let newer = Entry::read_all("s", Reply::Map(vec![(text("s"), entries())])).unwrap();
        let older = Entry::read_all("s", Reply::List(vec![Reply::List(vec![text("s"), entries()])])).unwrap();
        assert_eq!(newer, older);
        let expected =
            json!({"id": "7-1", "fields": {"state": "PAID", "raw": {"base64": "/w=="}}, "timestamp": 7, "stream": "s"});
        assert_eq!(newer[0].to_json(), expected);
        assert_eq!(Entry::read_all("s", Reply::Null).unwrap(), []);
        for odd in
            [text("x"), Reply::List(vec![text("x")]), Reply::Map(vec![(text("s"), Reply::List(vec![text("x")]))])]
        {
            assert!(Entry::read_all("s", odd).is_none());
        }
    }
}
