//! Equality and order, across the numeric types as CEL defines them.

use std::cmp::Ordering;

use super::error::Fault;
use super::meter::Meter;
use super::value::Value;

/// Whether two values are equal; values of different types are not, numbers compare by what they stand for.
pub(super) fn equal(a: &Value, b: &Value, meter: &mut Meter) -> Result<bool, Fault> {
    meter.charge(1)?;
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => {
            meter.bytes(a.len().min(b.len()))?;
            a == b
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            meter.bytes(a.len().min(b.len()))?;
            a == b
        }
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a == b,
        (Value::Optional(None), Value::Optional(None)) => true,
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => equal(a, b, meter)?,
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(&a, &b, meter)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            meter.charge(a.len())?;
            for key in a.keys() {
                match (a.get(&key), b.get(&key)) {
                    (Some(a), Some(b)) if equal(&a, &b, meter)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        _ => matches!(numbers(a, b), Some(Some(Ordering::Equal))),
    })
}

/// The order of two values; none when one is NaN.
pub(super) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Fault> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(Some(a.cmp(b))),
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(Some(a.cmp(b))),
        (Value::Duration(a), Value::Duration(b)) => Ok(Some(a.cmp(b))),
        _ => numbers(a, b).ok_or_else(|| {
            Fault::Type(format!("{} cannot be compared with {}", a.kind().article(), b.kind().article()))
        }),
    }
}

/// The order of two numbers; the outer none when one is not a number.
fn numbers(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), b) => order_double(*a, whole(b)?),
        (a, Value::Double(b)) => order_double(*b, whole(a)?).map(Ordering::reverse),
        _ => Some(whole(a)?.cmp(&whole(b)?)),
    })
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        _ => None,
    }
}

/// A double against a whole number, exactly: the double's whole part first, then what is behind its point.
#[expect(clippy::cast_possible_truncation, reason = "a saturated cast still lies beyond every 64-bit number")]
fn order_double(double: f64, whole: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    let floor = double.floor();
    let rest = if double > floor { Ordering::Greater } else { Ordering::Equal };
    Some((floor as i128).cmp(&whole).then(rest))
}

/// The second values in the order of the first: a stable sort. All keys must be comparable with each other.
pub(super) fn sorted(mut keyed: Vec<(Value, Value)>, meter: &mut Meter) -> Result<Vec<Value>, Fault> {
    let rounds = keyed.len().checked_ilog2().unwrap_or(0) as usize + 1;
    meter.charge(keyed.len().saturating_mul(rounds))?;
    for (key, _) in &keyed {
        if let Value::String(text) = key {
            meter.charge((text.len() / 16).saturating_mul(rounds))?;
        }
        if let Some((first, _)) = keyed.first()
            && order(first, key)?.is_none()
        {
            return Err(Fault::Argument("NaN has no order".to_owned()));
        }
    }
    keyed.sort_by(|(a, _), (b, _)| order(a, b).ok().flatten().unwrap_or(Ordering::Equal));
    Ok(keyed.into_iter().map(|(_, value)| value).collect())
}
