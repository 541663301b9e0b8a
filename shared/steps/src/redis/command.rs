//! Commands as flows write them, and what is known of them by name.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// A command: its name and its arguments, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command(Vec<Vec<u8>>);

/// Commands that change nothing: they may be sent twice. Of two words where what they ask for decides.
#[rustfmt::skip]
const READS: &[&str] = &[
    "ACL LIST", "ACL WHOAMI", "MEMORY USAGE", "OBJECT ENCODING", "OBJECT FREQ", "OBJECT IDLETIME", "XINFO GROUPS", "XINFO STREAM",
    "BITCOUNT", "BITFIELD_RO", "BITPOS", "CONFIG GET", "COMMAND", "DBSIZE", "DUMP", "ECHO", "EVALSHA_RO", "EVAL_RO",
    "EXISTS", "EXPIRETIME", "FCALL_RO", "GEODIST", "GEOHASH", "GEOPOS", "GEORADIUSBYMEMBER_RO", "GEORADIUS_RO",
    "GEOSEARCH", "GET", "GETBIT", "GETRANGE", "HEXISTS", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "HRANDFIELD",
    "HSCAN", "HSTRLEN", "HVALS", "INFO", "KEYS", "LASTSAVE", "LCS", "LINDEX", "LLEN", "LOLWUT", "LPOS", "LRANGE", "MGET",
    "PEXPIRETIME", "PFCOUNT", "PING", "PTTL", "RANDOMKEY", "ROLE", "SCAN", "SCARD", "SDIFF", "SINTER", "SINTERCARD",
    "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SORT_RO", "SRANDMEMBER", "SSCAN", "STRLEN", "SUBSTR", "SUNION", "TIME", "TTL",
    "TYPE", "XLEN", "XPENDING", "XRANGE", "XREAD", "XREVRANGE", "ZCARD", "ZCOUNT", "ZDIFF", "ZINTER", "ZRANGE",
    "ZRANGEBYSCORE", "ZRANK", "ZREVRANGE", "ZSCAN", "ZSCORE", "ZUNION",
];

/// Commands after which a connection is not what it was.
#[rustfmt::skip]
const STATEFUL: &[&str] = &[
    "ASKING", "CLIENT", "DEBUG", "DISCARD", "EXEC", "MULTI", "READONLY", "READWRITE", "SCRIPT", "SELECT", "UNWATCH", "WATCH",
];

impl Command {
    /// Splits a text as redis-cli does: blanks between arguments, `'...'` as it is but for `\'`, `"..."` with `\n \r \t \b
    /// \a \xHH`.
    ///
    /// # Errors
    /// When a quote is not closed, or something follows a closing one at once.
    pub fn split(text: &str) -> Result<Self, String> {
        let mut rest = text.as_bytes();
        let mut parts = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                break;
            }
            let (part, after) = match rest {
                [quote @ (b'"' | b'\''), inside @ ..] => quoted(*quote, inside)?,
                _ => {
                    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                    let (part, after) = rest.split_at(end);
                    (part.to_vec(), after)
                }
            };
            parts.push(part);
            rest = after;
        }
        Self::of(parts)
    }

    fn of(parts: Vec<Vec<u8>>) -> Result<Self, String> {
        match parts.first() {
            Some(name) if !name.is_empty() => Ok(Self(parts)),
            _ => Err("there is no command".into()),
        }
    }

    /// Reads a text or a list of arguments.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn read(value: &Json) -> Result<Self, String> {
        match value {
            Json::String(text) => Self::split(text),
            Json::Array(items) => Self::of(items.iter().enumerate().map(argument).collect::<Result<_, _>>()?),
            _ => Err("a command is a list of arguments, or a text".into()),
        }
    }

    /// Its name in capitals.
    #[must_use]
    pub fn name(&self) -> String {
        self.word(0)
    }

    fn word(&self, index: usize) -> String {
        self.0.get(index).map(|part| String::from_utf8_lossy(part).to_ascii_uppercase()).unwrap_or_default()
    }

    /// Its parts for people: text, or how many bytes there are.
    pub fn parts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.iter().map(|part| match std::str::from_utf8(part) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(format!("({} bytes)", part.len())),
        })
    }

    /// Appends it as the protocol wants it: a list of bulk strings.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(format!("*{}\r\n", self.0.len()).as_bytes());
        for part in &self.0 {
            bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            bytes.extend_from_slice(part);
            bytes.extend_from_slice(b"\r\n");
        }
    }

    /// Why a step cannot send it, and what to do instead: one command has one reply here.
    pub(super) fn refused(&self) -> Option<(String, &'static str)> {
        let name = self.name();
        let hint = match name.as_str() {
            "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE" | "SUNSUBSCRIBE" => {
                "messages are no replies: have the system under test write to a stream, and use redis.expect"
            }
            "MONITOR" | "SYNC" | "PSYNC" | "REPLCONF" => "its answer has no end",
            "HELLO" | "AUTH" => "the step signs in by itself: use `username` and `password`",
            "RESET" | "QUIT" => "the step ends its connection by itself",
            "CLIENT" if matches!(self.word(1).as_str(), "REPLY" | "TRACKING") => "each command must have its one reply",
            _ => return None,
        };
        let shown = if name == "CLIENT" { format!("CLIENT {}", self.word(1)) } else { name };
        Some((format!("`{shown}` cannot be sent by a step"), hint))
    }

    /// Whether it changes nothing.
    pub(super) fn reads(&self) -> bool {
        let name = self.name();
        let pair = format!("{name} {}", self.word(1));
        READS.contains(&name.as_str()) || READS.contains(&pair.as_str())
    }

    /// Whether the connection may serve another step afterwards.
    pub(super) fn leaves_no_trace(&self) -> bool {
        !STATEFUL.contains(&self.name().as_str())
    }
}

#[cfg(feature = "redis")]
impl Command {
    /// A command of our own.
    pub(super) fn new(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| part.as_bytes().to_vec()).collect())
    }
}

/// One argument of a list: numbers and booleans as their text.
fn argument((index, value): (usize, &Json)) -> Result<Vec<u8>, String> {
    match value {
        Json::String(text) => Ok(text.clone().into_bytes()),
        Json::Number(number) => Ok(number.to_string().into_bytes()),
        Json::Bool(boolean) => Ok(boolean.to_string().into_bytes()),
        Json::Object(fields) if fields.len() == 1 => {
            let text = fields.get("base64").and_then(Json::as_str);
            let text =
                text.ok_or_else(|| format!("argument {index} is an object: only {{base64: ...}} is one value"))?;
            STANDARD.decode(text).map_err(|error| format!("argument {index} is no base64: {error}"))
        }
        Json::Null => Err(format!("argument {index} is null, which Redis does not know: leave it out, or write \"\"")),
        _ => Err(format!("argument {index} is a list or an object: encode it first")),
    }
}

/// A quoted argument, and what comes after it.
fn quoted(quote: u8, text: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut part = Vec::new();
    let mut rest = text;
    loop {
        match (quote, rest) {
            (_, []) => return Err("a quote is not closed".into()),
            (_, [byte, after @ ..]) if *byte == quote => {
                return match after.first() {
                    Some(byte) if !byte.is_ascii_whitespace() => {
                        Err("something follows a closing quote at once".into())
                    }
                    _ => Ok((part, after)),
                };
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                part.push(b'\'');
                rest = after;
            }
            (b'"', [b'\\', b'x', high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let byte = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                part.push(byte.unwrap_or_default());
                rest = after;
            }
            (b'"', [b'\\', escaped, after @ ..]) => {
                part.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = after;
            }
            (_, [byte, after @ ..]) => {
                part.push(*byte);
                rest = after;
            }
        }
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Command {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let bytes = serde_json::json!({
            "type": "object",
            "properties": {"base64": {"type": "string", "description": "bytes that are no text"}},
            "required": ["base64"],
            "additionalProperties": false
        });
        json_schema!({
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"anyOf": [{"type": ["string", "number", "boolean"]}, bytes]}}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn split(text: &str) -> Vec<Vec<u8>> {
        Command::split(text).unwrap().0
    }

    #[test]
    fn a_text_is_split_as_redis_cli_does() {
        assert_eq!(split("  SET k\tv "), [b"SET".as_slice(), b"k", b"v"]);
        assert_eq!(split(r#"set "a b" 'c d' "" ''"#), [b"set".as_slice(), b"a b", b"c d", b"", b""]);
        assert_eq!(
            split(r#"x "\x00\xFf\n\r\t\b\a\"\\" '\'\n'"#),
            [b"x".as_slice(), b"\0\xff\n\r\t\x08\x07\"\\", b"'\\n"]
        );
        assert_eq!(split("x a'b\"c"), [b"x".as_slice(), b"a'b\"c"]);
        for wrong in ["", "  ", "\"", "x 'a", "x 'a'b", "x \"\\", "\"\" x"] {
            assert!(Command::split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_keeps_its_arguments_apart() {
        let command = Command::read(&json!(["SET", "a b", 1, 1.5, true, "", {"base64": "AP8="}])).unwrap();
        assert_eq!(command.0, [b"SET".as_slice(), b"a b", b"1", b"1.5", b"true", b"", b"\0\xff"]);
        for wrong in [json!([]), json!([""]), json!(["GET", null]), json!(["GET", ["a"]]), json!(["GET", {"a": 1}])] {
            assert!(Command::read(&wrong).is_err(), "{wrong}");
        }
        assert!(Command::read(&json!(["GET", {"base64": "?"}])).is_err() && Command::read(&json!(7)).is_err());
    }

    #[test]
    fn what_reads_may_be_sent_twice_and_nothing_else() {
        for reads in ["get k", "MGET a b", "xread streams s 0", "config get *", "object encoding k", "Xinfo Stream s"] {
            assert!(Command::split(reads).unwrap().reads(), "{reads}");
        }
        for writes in
            ["set k v", "getdel k", "getset k v", "config set a b", "eval x 0", "sort a store b", "foo", "lpop l"]
        {
            assert!(!Command::split(writes).unwrap().reads(), "{writes}");
        }
    }

    #[test]
    fn a_command_is_encoded_as_bulk_strings() {
        let mut bytes = Vec::new();
        Command::split(r#"SET k "\r\n""#).unwrap().encode(&mut bytes);
        assert_eq!(bytes, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n");
    }
}
