//! Values that may be missing.

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::registry::{Function, Outcome, arg, global, items, method, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    global("optional.of", (1, 1), |_, args| Value::some(arg(args, 0)?.clone())),
    global("optional.none", (0, 0), |_, _| Ok(Value::Optional(None))),
    global("optional.ofNonZeroValue", (1, 1), of_non_zero),
    global("optional.unwrap", (1, 1), unwrap),
    method("unwrapOpt", (1, 1), unwrap),
    method("hasValue", (1, 1), |_, args| held(args).map(|held| Value::Bool(held.is_some()))),
    method("value", (1, 1), |_, args| {
        let held = held(args)?;
        held.cloned().ok_or_else(|| Fault::Argument("the optional has no value".to_owned()))
    }),
];

fn held(args: &[Value]) -> Result<Option<&Value>, Fault> {
    match arg(args, 0)? {
        Value::Optional(held) => Ok(held.as_deref()),
        other => Err(wrong(other, "an optional")),
    }
}

fn of_non_zero(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let value = arg(args, 0)?;
    let zero = match value {
        Value::Null | Value::Optional(None) => true,
        Value::Bool(truth) => !truth,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Double(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Duration(span) => span.is_zero(),
        Value::Timestamp(time) => *time == jiff::Timestamp::UNIX_EPOCH,
        Value::Type(_) | Value::Optional(Some(_)) => false,
    };
    if zero {
        return Ok(Value::Optional(None));
    }
    Value::some(value.clone())
}

/// The values of those optionals of a list that have one.
fn unwrap(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let list = items(args, 0)?;
    cx.charge(list.len())?;
    let mut values = Vec::new();
    for item in list.iter() {
        match item {
            Value::Optional(held) => values.extend(held.map(|held| (*held).clone())),
            other => return Err(wrong(&other, "a list of optionals")),
        }
    }
    Value::list(values)
}
