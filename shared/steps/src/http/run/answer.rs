//! From an answer to what the step puts in scope.

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, SET_COOKIE};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

use super::decode::{DecodeFault, decompress, text};
use super::dial::Timings;
use super::exchange::Answer;
use super::fault;
use crate::answer::{apart, json_or_null};
use crate::contract::{Output, StepError, StepErrorClass as Class};
use crate::http::Size;

/// How much of an answer's text people see first.
const NOTE: usize = 300;

/// The output's fields. `total` is how long it took so far, `now` when it is.
pub(super) async fn output(
    answer: Answer,
    host: &str,
    limit: Size,
    timings: &Timings,
    total: Duration,
    now: Timestamp,
) -> Result<Output, StepError> {
    let (host, timings, bytes) = (host.to_owned(), *timings, work(&answer.body, &answer.headers));
    apart(bytes, move || read(answer, &host, limit, &timings, total, now)).await?
}

/// How much there is to do for a body, in bytes: what a compressed one comes to is not known.
pub(super) fn work(body: &Bytes, headers: &HeaderMap) -> usize {
    if headers.contains_key(CONTENT_ENCODING) { usize::MAX } else { body.len() }
}

fn read(
    answer: Answer,
    host: &str,
    limit: Size,
    timings: &Timings,
    total: Duration,
    now: Timestamp,
) -> Result<Output, StepError> {
    let bytes = decoded(answer.body, &answer.headers, host, limit)?;
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = text(&bytes, content_type);
    // When the bytes are text in another charset, the value of that text.
    let body = json_or_null(text.as_deref().map_or(&bytes, str::as_bytes)).map_err(|error| {
        let message = format!("{host}: {error}: ask for less");
        StepError::new(Class::Permanent, "http.tooLarge", message)
    })?;
    let note = (answer.status.as_u16() >= 400).then(|| {
        let start: String = text.as_deref().unwrap_or_default().chars().take(NOTE).collect();
        format!("{host} answered {}{}{start}", answer.status, if start.is_empty() { "" } else { ": " })
    });
    let mut fields = Map::new();
    fields.insert("status".into(), answer.status.as_u16().into());
    fields.insert("headers".into(), Json::Object(headers(&answer.headers)));
    fields.insert("body".into(), body);
    fields.insert("text".into(), text.map_or(Json::Null, Json::String));
    fields.insert("size".into(), bytes.len().into());
    fields.insert(
        "timings".into(),
        json!({
            "dns": millis(timings.dns),
            "connect": millis(timings.connect),
            "tls": millis(timings.tls),
            "firstByte": millis(timings.first_byte),
            "total": millis(total),
        }),
    );
    fields.insert("remoteAddress".into(), answer.remote.to_string().into());
    let tls = answer.tls.map(|facts| {
        let left = facts.not_after.map(|end| (end.as_second() - now.as_second()).div_euclid(24 * 3600));
        json!({"version": facts.version, "expiresInDays": left})
    });
    fields.insert("tls".into(), tls.unwrap_or_default());
    Ok(Output { fields, note, ..Output::default() })
}

/// The body as it was before it was encoded.
pub(super) fn decoded(body: Bytes, headers: &HeaderMap, host: &str, limit: Size) -> Result<Bytes, StepError> {
    let encodings = all(headers, CONTENT_ENCODING.as_str(), ", ");
    decompress(body, &encodings, limit.0).map_err(|wrong| match wrong {
        DecodeFault::TooLarge => fault::too_large(host, limit, " once decoded"),
        DecodeFault::Unknown(name) => StepError::new(
            Class::Permanent,
            "http.decode",
            format!("{host} sends content-encoding `{name}`, which is not understood: ask for another with `accept-encoding`"),
        ),
        DecodeFault::Broken(why) => {
            StepError::new(Class::Retry, "http.decode", format!("the answer of {host} cannot be decoded: {why}"))
        }
    })
}

/// Lower-case names, each with one string.
fn headers(headers: &HeaderMap) -> Map<String, Json> {
    headers
        .keys()
        .map(|name| {
            let between = if *name == SET_COOKIE { "\n" } else { ", " };
            (name.as_str().to_owned(), all(headers, name.as_str(), between).into())
        })
        .collect()
}

fn all(headers: &HeaderMap, name: &str, between: &str) -> String {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut out = values.next().unwrap_or_default().into_owned();
    for value in values {
        out.push_str(between);
        out.push_str(&value);
    }
    out
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
