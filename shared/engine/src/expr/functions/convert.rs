//! Sizes, types and conversions between them.

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::time;
use super::super::value::Value;
use super::registry::{Function, Outcome, arg, count, either, global, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    either("size", (1, 1), size),
    global("type", (1, 1), |_, args| Ok(Value::Type(arg(args, 0)?.kind()))),
    global("dyn", (1, 1), |_, args| arg(args, 0).cloned()),
    global("int", (1, 1), to_int),
    global("uint", (1, 1), to_uint),
    global("double", (1, 1), to_double),
    global("string", (1, 1), to_string),
    global("bytes", (1, 1), to_bytes),
    global("bool", (1, 1), to_bool),
    global("duration", (1, 1), to_duration),
];

fn size(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(count(match arg(args, 0)? {
        Value::String(text) => {
            cx.bytes(text.len())?;
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => return Err(wrong(other, "a string, bytes, a list or a map")),
    }))
}

fn unreadable(text: &str, what: &str) -> Fault {
    let shown = super::super::error::shortened(text, 60);
    Fault::Argument(format!("`{shown}` is not {what}"))
}

/// 2^63 and 2^64, the first doubles beyond the ints and the uints.
const INT_END: f64 = 9_223_372_036_854_775_808.0;
const UINT_END: f64 = 18_446_744_073_709_551_616.0;

#[expect(clippy::cast_possible_truncation, reason = "the range was checked before the cast")]
fn to_int(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Int(match arg(args, 0)? {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).map_err(|_| Fault::Overflow)?,
        Value::Double(number) if *number > -INT_END && *number < INT_END => *number as i64,
        Value::Double(_) => return Err(Fault::Overflow),
        Value::String(text) => text.parse().map_err(|_| unreadable(text, "an int"))?,
        Value::Timestamp(time) => {
            time.as_nanosecond().div_euclid(1_000_000_000).try_into().map_err(|_| Fault::Overflow)?
        }
        Value::Duration(span) => span.as_secs(),
        other => return Err(wrong(other, "a number, a string or a timestamp")),
    }))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked before the cast")]
fn to_uint(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Uint(match arg(args, 0)? {
        Value::Uint(number) => *number,
        Value::Int(number) => u64::try_from(*number).map_err(|_| Fault::Overflow)?,
        Value::Double(number) if *number > -1.0 && *number < UINT_END => *number as u64,
        Value::Double(_) => return Err(Fault::Overflow),
        Value::String(text) => text.parse().map_err(|_| unreadable(text, "a uint"))?,
        other => return Err(wrong(other, "a number or a string")),
    }))
}

#[expect(clippy::cast_precision_loss, reason = "CEL rounds to the nearest double")]
fn to_double(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Double(match arg(args, 0)? {
        Value::Double(number) => *number,
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::String(text) => text.parse().map_err(|_| unreadable(text, "a double"))?,
        other => return Err(wrong(other, "a number or a string")),
    }))
}

fn to_string(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(match arg(args, 0)? {
        Value::String(text) => Value::String(text.clone()),
        Value::Bytes(bytes) => {
            cx.bytes(bytes.len())?;
            let text = std::str::from_utf8(bytes);
            Value::text(text.map_err(|_| Fault::Argument("the bytes are not UTF-8".to_owned()))?)
        }
        Value::Double(number) => Value::text(double_text(*number)),
        simple @ (Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Timestamp(_) | Value::Duration(_)) => {
            Value::text(simple.to_text().unwrap_or_default())
        }
        other => return Err(wrong(other, "a bool, a number, bytes, a timestamp or a duration")),
    })
}

/// A double in the fewest digits; very large and very small ones with an exponent.
pub(super) fn double_text(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

fn to_bytes(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes.clone())),
        Value::String(text) => {
            cx.bytes(text.len())?;
            Ok(Value::Bytes(text.as_bytes().into()))
        }
        other => Err(wrong(other, "a string or bytes")),
    }
}

fn to_bool(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    Ok(Value::Bool(match arg(args, 0)? {
        Value::Bool(truth) => *truth,
        Value::String(text) => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => true,
            "false" | "False" | "FALSE" | "f" | "0" => false,
            _ => return Err(unreadable(text, "a bool")),
        },
        other => return Err(wrong(other, "a bool or a string")),
    }))
}

fn to_duration(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::Duration(span) => Ok(Value::Duration(*span)),
        Value::String(text) => time::parse_duration(text),
        Value::Int(seconds) => time::duration(jiff::SignedDuration::from_secs(*seconds)),
        other => Err(wrong(other, "a string such as 1h30m")),
    }
}
