//! Entries as they come, and as they are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json, json};

use crate::loki::Direction;

/// The labels of a stream.
pub(super) type Labels = BTreeMap<String, String>;

/// A stream as it comes.
#[derive(Deserialize)]
pub(super) struct RawStream {
    #[serde(default)]
    stream: Labels,
    #[serde(default)]
    values: Vec<RawEntry>,
}

struct RawEntry(i64, String);

/// An entry of any stream.
pub(super) struct Entry {
    /// Nanoseconds since 1970.
    pub(super) at: i64,
    pub(super) line: String,
    pub(super) labels: Arc<Labels>,
}

/// All entries of a page in the order of the direction; those of one instant stay in the order they came in.
pub(super) fn in_order(streams: Vec<RawStream>, direction: Direction) -> Vec<Entry> {
    let mut entries: Vec<Entry> = streams
        .into_iter()
        .flat_map(|stream| {
            let labels = Arc::new(stream.stream);
            stream.values.into_iter().map(move |RawEntry(at, line)| Entry { at, line, labels: Arc::clone(&labels) })
        })
        .collect();
    match direction {
        Direction::Forward => entries.sort_by_key(|entry| entry.at),
        Direction::Backward => entries.sort_by_key(|entry| std::cmp::Reverse(entry.at)),
    }
    entries
}

impl Entry {
    /// How much the entry weighs when it is kept.
    pub(super) fn weight(&self) -> usize {
        self.line.len() + self.labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }

    /// The entry in the step's words.
    pub(super) fn into_json(self) -> Json {
        let at = instant_text(self.at);
        json!({"timestamp": at, "line": self.line, "labels": labels_json(&self.labels)})
    }
}

pub(super) fn labels_json(labels: &Labels) -> Map<String, Json> {
    labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

/// RFC 3339 with nine decimals: texts of it are in the order of their instants.
pub(super) fn instant_text(nanos: i64) -> String {
    Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(|_| nanos.to_string(), |instant| format!("{instant:.9}"))
}

impl<'de> Deserialize<'de> for RawEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = RawEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entry, [nanoseconds as text, line]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<RawEntry, A::Error> {
                let at: String = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let at = at.parse().map_err(|_| A::Error::custom("an entry's instant is no number of nanoseconds"))?;
                let line = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(RawEntry(at, line))
            }
        }

        deserializer.deserialize_seq(Reads)
    }
}
