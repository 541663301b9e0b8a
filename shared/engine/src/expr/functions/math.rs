//! The `math` extension.

use std::cmp::Ordering;

use super::super::compare;
use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::registry::{Function, MANY, Outcome, arg, global, int, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    global("math.greatest", (1, MANY), |cx, args| extreme(cx, args, Ordering::Greater)),
    global("math.least", (1, MANY), |cx, args| extreme(cx, args, Ordering::Less)),
    global("math.ceil", (1, 1), |_, args| double(args).map(|x| Value::Double(x.ceil()))),
    global("math.floor", (1, 1), |_, args| double(args).map(|x| Value::Double(x.floor()))),
    global("math.round", (1, 1), |_, args| double(args).map(|x| Value::Double(x.round()))),
    global("math.trunc", (1, 1), |_, args| double(args).map(|x| Value::Double(x.trunc()))),
    global("math.sqrt", (1, 1), |_, args| double(args).map(|x| Value::Double(x.sqrt()))),
    global("math.isNaN", (1, 1), |_, args| double(args).map(|x| Value::Bool(x.is_nan()))),
    global("math.isInf", (1, 1), |_, args| double(args).map(|x| Value::Bool(x.is_infinite()))),
    global("math.isFinite", (1, 1), |_, args| double(args).map(|x| Value::Bool(x.is_finite()))),
    global("math.abs", (1, 1), abs),
    global("math.sign", (1, 1), sign),
    global("math.bitAnd", (2, 2), |_, args| bits(args, |a, b| a & b)),
    global("math.bitOr", (2, 2), |_, args| bits(args, |a, b| a | b)),
    global("math.bitXor", (2, 2), |_, args| bits(args, |a, b| a ^ b)),
    global("math.bitNot", (1, 1), |_, args| match arg(args, 0)? {
        Value::Int(number) => Ok(Value::Int(!number)),
        Value::Uint(number) => Ok(Value::Uint(!number)),
        other => Err(wrong(other, "an int or a uint")),
    }),
    global("math.bitShiftLeft", (2, 2), |_, args| shift(args, u64::checked_shl)),
    global("math.bitShiftRight", (2, 2), |_, args| shift(args, u64::checked_shr)),
];

#[expect(clippy::cast_precision_loss, reason = "a whole number is rounded to the nearest double")]
fn double(args: &[Value]) -> Result<f64, Fault> {
    match arg(args, 0)? {
        Value::Double(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        other => Err(wrong(other, "a number")),
    }
}

/// The largest or smallest of the arguments, or of the one argument that is a list.
fn extreme(cx: &mut Evaluation<'_>, args: &[Value], wanted: Ordering) -> Outcome {
    let numbers: Vec<Value> = match args {
        [Value::List(list)] => {
            cx.charge(list.len())?;
            list.iter().collect()
        }
        args => args.to_vec(),
    };
    let mut best: Option<Value> = None;
    for number in numbers {
        if !matches!(number, Value::Int(_) | Value::Uint(_) | Value::Double(_)) {
            return Err(wrong(&number, "a number"));
        }
        let better = match &best {
            None => true,
            Some(best) => compare::order(&number, best)? == Some(wanted),
        };
        if better {
            best = Some(number);
        }
    }
    best.ok_or_else(|| Fault::Argument("the list is empty".to_owned()))
}

fn abs(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::Int(number) => number.checked_abs().map(Value::Int).ok_or(Fault::Overflow),
        Value::Uint(number) => Ok(Value::Uint(*number)),
        Value::Double(number) => Ok(Value::Double(number.abs())),
        other => Err(wrong(other, "a number")),
    }
}

fn sign(_: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::Int(number) => Ok(Value::Int(number.signum())),
        Value::Uint(number) => Ok(Value::Uint((*number).min(1))),
        Value::Double(number) if *number == 0.0 || number.is_nan() => Ok(Value::Double(*number)),
        Value::Double(number) => Ok(Value::Double(number.signum())),
        other => Err(wrong(other, "a number")),
    }
}

fn bits(args: &[Value], join: fn(u64, u64) -> u64) -> Outcome {
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(join(a.cast_unsigned(), b.cast_unsigned()).cast_signed())),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(join(*a, *b))),
        _ => Err(Fault::Type("expected two ints or two uints".to_owned())),
    }
}

/// Shifts fill with zeros, also to the right of a negative int; by 64 and more nothing is left.
fn shift(args: &[Value], by: fn(u64, u32) -> Option<u64>) -> Outcome {
    let places = int(args, 1)?;
    if places < 0 {
        return Err(Fault::Argument("the number of places cannot be negative".to_owned()));
    }
    let shifted = |number: u64| {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        by(number, places).unwrap_or(0)
    };
    match arg(args, 0)? {
        Value::Int(number) => Ok(Value::Int(shifted(number.cast_unsigned()).cast_signed())),
        Value::Uint(number) => Ok(Value::Uint(shifted(*number))),
        other => Err(wrong(other, "an int or a uint")),
    }
}
