//! A record as expressions see it. Its value is decoded when an expression asks for it, and no more of it than that.

use std::cell::OnceCell;

use assay_engine::expr::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde_json::{Map, Value as Json, json};

use crate::expect::{Message, Picks};
use crate::kafka::Decode;

/// A record.
pub(super) struct Record<'m> {
    message: &'m BorrowedMessage<'m>,
    decode: Decode,
    picks: Option<&'m Picks>,
    value: OnceCell<Value>,
}

impl<'m> Record<'m> {
    pub(super) fn new(message: &'m BorrowedMessage<'m>, decode: Decode, picks: Option<&'m Picks>) -> Self {
        Self { message, decode, picks, value: OnceCell::new() }
    }

    fn value(&self, picks: &Picks) -> Value {
        let Some(bytes) = self.message.payload() else { return Value::Null };
        match self.decode {
            Decode::Json => picks.read(bytes).map_or(Value::Null, Value::from),
            Decode::Text => std::str::from_utf8(bytes).map_or(Value::Null, Value::from),
            Decode::Bytes => Value::Bytes(bytes.into()),
        }
    }

    fn headers(&self) -> Json {
        let mut headers = Map::new();
        for header in self.message.headers().into_iter().flat_map(|headers| headers.iter()) {
            headers.insert(header.key.to_owned(), header.value.map_or(Json::Null, |value| text_of(value).into()));
        }
        headers.into()
    }

    fn size(&self) -> Json {
        self.message.payload().map_or(Json::Null, |bytes| bytes.len().into())
    }

    fn timestamp(&self) -> Json {
        self.message.timestamp().to_millis().map_or(Json::Null, Json::from)
    }
}

/// Bytes as the text that they are, else as base64.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned)
}

impl Message for Record<'_> {
    fn field(&self, name: &str, whole: bool) -> Option<Value> {
        Some(match name {
            "value" if whole => self.value(&Picks::all()),
            "value" => {
                let picks = self.picks?;
                self.value.get_or_init(|| self.value(picks)).clone()
            }
            "key" => self.message.key().map_or(Value::Null, |key| Value::from(text_of(key).as_str())),
            "headers" => self.headers().into(),
            "partition" => Value::Int(self.message.partition().into()),
            "offset" => Value::Int(self.message.offset()),
            "timestamp" => self.timestamp().into(),
            "size" => self.size().into(),
            _ => return None,
        })
    }

    fn to_json(&self) -> Json {
        json!({
            "key": self.message.key().map(text_of),
            "value": self.value(&Picks::all()).to_json(),
            "headers": self.headers(),
            "partition": self.message.partition(),
            "offset": self.message.offset(),
            "timestamp": self.timestamp(),
            "size": self.size(),
        })
    }

    fn partition(&self) -> i64 {
        self.message.partition().into()
    }

    fn place(&self) -> String {
        format!("offset {} of partition {}", self.message.offset(), self.message.partition())
    }
}
