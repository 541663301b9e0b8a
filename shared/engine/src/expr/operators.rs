//! Arithmetic and membership.

use jiff::{SignedDuration, Timestamp};

use super::compare::equal;
use super::error::Fault;
use super::map::Key;
use super::meter::Meter;
use super::syntax::Operator;
use super::time;
use super::value::Value;

/// `-x`, or `x` checked to be a number when the minuses cancel out.
pub(super) fn negate(value: &Value, odd: bool) -> Result<Value, Fault> {
    match value {
        Value::Int(number) if odd => number.checked_neg().map(Value::Int).ok_or(Fault::Overflow),
        Value::Double(number) if odd => Ok(Value::Double(-number)),
        Value::Int(_) | Value::Double(_) => Ok(value.clone()),
        other => {
            Err(Fault::Type(format!("only an int or a double can be negated, this is {}", other.kind().article())))
        }
    }
}

/// `left in right`
pub(super) fn contains(left: &Value, right: &Value, meter: &mut Meter) -> Result<bool, Fault> {
    match right {
        Value::List(list) => {
            for item in list.iter() {
                if equal(left, &item, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(Key::of(left).is_some_and(|key| map.get(&key).is_some())),
        other => Err(Fault::Type(format!("`in` looks into a list or a map, this is {}", other.kind().article()))),
    }
}

/// `+ - * / %`
pub(super) fn arithmetic(operator: Operator, left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, Fault> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(operator, *a, *b),
        (Value::Uint(a), Value::Uint(b)) => uint(operator, *a, *b),
        (Value::Double(a), Value::Double(b)) => match operator {
            Operator::Add => Ok(Value::Double(a + b)),
            Operator::Subtract => Ok(Value::Double(a - b)),
            Operator::Multiply => Ok(Value::Double(a * b)),
            Operator::Divide => Ok(Value::Double(a / b)),
            _ => Err(mismatch(operator, left, right)),
        },
        _ if operator == Operator::Add => add(left, right, meter),
        _ if operator == Operator::Subtract => subtract(left, right),
        _ => Err(mismatch(operator, left, right)),
    }
}

fn int(operator: Operator, a: i64, b: i64) -> Result<Value, Fault> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        _ if b == 0 => return Err(Fault::DivideByZero),
        Operator::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.map(Value::Int).ok_or(Fault::Overflow)
}

fn uint(operator: Operator, a: u64, b: u64) -> Result<Value, Fault> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        _ if b == 0 => return Err(Fault::DivideByZero),
        Operator::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.map(Value::Uint).ok_or(Fault::Overflow)
}

fn add(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, Fault> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => {
            meter.bytes(a.len() + b.len())?;
            Ok(Value::String([&**a, &**b].concat().into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.bytes(a.len() + b.len())?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::List(a), Value::List(b)) => {
            meter.charge(a.len() + b.len())?;
            Value::list(a.iter().chain(b.iter()).collect())
        }
        (Value::Timestamp(time), Value::Duration(span)) | (Value::Duration(span), Value::Timestamp(time)) => {
            moved(*time, *span)
        }
        (Value::Duration(a), Value::Duration(b)) => span(a.checked_add(*b)),
        _ => Err(mismatch(Operator::Add, left, right)),
    }
}

fn subtract(left: &Value, right: &Value) -> Result<Value, Fault> {
    match (left, right) {
        (Value::Timestamp(time), Value::Duration(span)) => moved(*time, span.checked_neg().ok_or(Fault::Overflow)?),
        (Value::Timestamp(a), Value::Timestamp(b)) => span(Some(a.duration_since(*b))),
        (Value::Duration(a), Value::Duration(b)) => span(a.checked_sub(*b)),
        _ => Err(mismatch(Operator::Subtract, left, right)),
    }
}

fn moved(time: Timestamp, span: SignedDuration) -> Result<Value, Fault> {
    let moved = time.checked_add(span).map_err(|_| Fault::Overflow)?;
    time::timestamp(moved)
}

fn span(span: Option<SignedDuration>) -> Result<Value, Fault> {
    time::duration(span.ok_or(Fault::Overflow)?)
}

fn mismatch(operator: Operator, left: &Value, right: &Value) -> Fault {
    let (a, b) = (left.kind().article(), right.kind().article());
    let verb = match operator {
        Operator::Add => "added",
        Operator::Subtract => "subtracted",
        Operator::Multiply => "multiplied",
        _ => "divided",
    };
    let numbers = |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    let advice = if numbers(left) && numbers(right) { "; convert one with int(), uint() or double()" } else { "" };
    Fault::Type(format!("{a} and {b} cannot be {verb}{advice}"))
}
