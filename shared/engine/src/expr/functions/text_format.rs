//! `format`: a text with clauses such as `%s`, `%d` and `%.2f` filled from a list.

use std::fmt::Write;

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::{List, Value};
use super::convert::double_text;
use super::registry::{Function, Outcome, items, method, string, wrong};

pub(super) const FUNCTIONS: &[Function] = &[method("format", (2, 2), format)];

/// Most digits behind the point.
const MOST_DIGITS: usize = 100;

fn format(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, values) = (string(args, 0)?, items(args, 1)?);
    cx.bytes(text.len())?;
    let mut out = String::with_capacity(text.len());
    let mut used = 0;
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (literal, behind) = rest.split_at(at);
        out.push_str(literal);
        let behind = behind.get(1..).unwrap_or_default();
        let (clause, behind) = clause(behind)?;
        rest = behind;
        if clause.verb == '%' {
            out.push('%');
            continue;
        }
        let value = next(values, &mut used)?;
        let before = out.len();
        write_clause(cx, &mut out, &clause, &value)?;
        cx.bytes(out.len() - before)?;
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

struct Clause {
    verb: char,
    digits: Option<usize>,
}

fn clause(text: &str) -> Result<(Clause, &str), Fault> {
    let mut digits = None;
    let mut rest = text;
    if let Some(behind) = text.strip_prefix('.') {
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (number, behind) = behind.split_at(end);
        let number = number.parse().ok().filter(|number| *number <= MOST_DIGITS);
        digits =
            Some(number.ok_or_else(|| Fault::Argument(format!("at most {MOST_DIGITS} digits can follow the point")))?);
        rest = behind;
    }
    let verb = rest.chars().next();
    let verb = verb.filter(|verb| "sdfebxXo%".contains(*verb));
    let verb = verb.ok_or_else(|| Fault::Argument("a clause is one of %s %d %f %e %b %x %X %o %%".to_owned()))?;
    Ok((Clause { verb, digits }, rest.get(1..).unwrap_or_default()))
}

fn next(values: &List, used: &mut usize) -> Result<Value, Fault> {
    let value = values.get(*used);
    *used += 1;
    value.ok_or_else(|| Fault::Argument(format!("the text has more clauses than the {} values", values.len())))
}

fn write_clause(cx: &mut Evaluation<'_>, out: &mut String, clause: &Clause, value: &Value) -> Result<(), Fault> {
    let digits = clause.digits.unwrap_or(6);
    match clause.verb {
        's' => return write_text(cx, out, value),
        'd' => match value {
            Value::Int(_) | Value::Uint(_) => return write_text(cx, out, value),
            Value::Double(number) if !number.is_finite() => out.push_str(&infinite(*number)),
            other => return Err(wrong(other, "an int or a uint for %d")),
        },
        'f' | 'e' => {
            let number = float(value, clause.verb)?;
            if !number.is_finite() {
                out.push_str(&infinite(number));
            } else if clause.verb == 'f' {
                push(out, format_args!("{number:.digits$}"));
            } else {
                exponent(out, number, digits);
            }
        }
        verb => return write_based(out, verb, value),
    }
    Ok(())
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
}

#[expect(clippy::cast_precision_loss, reason = "a whole number is rounded to the nearest double")]
fn float(value: &Value, verb: char) -> Result<f64, Fault> {
    match value {
        Value::Double(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        other => Err(wrong(other, &format!("a number for %{verb}"))),
    }
}

fn infinite(number: f64) -> String {
    let sign = if number < 0.0 { "-" } else { "" };
    if number.is_nan() { "NaN".to_owned() } else { format!("{sign}Infinity") }
}

/// An exponent of at least two digits, with its sign.
fn exponent(out: &mut String, number: f64, digits: usize) {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    push(out, format_args!("{mantissa}e{sign}{exponent:0>2}"));
}

fn write_based(out: &mut String, verb: char, value: &Value) -> Result<(), Fault> {
    let (sign, size) = match value {
        Value::Int(number) => (if *number < 0 { "-" } else { "" }, number.unsigned_abs()),
        Value::Uint(number) => ("", *number),
        Value::Bool(truth) if verb == 'b' => ("", u64::from(*truth)),
        Value::String(text) if verb == 'x' || verb == 'X' => {
            out.push_str(&hexadecimal(text.as_bytes(), verb));
            return Ok(());
        }
        Value::Bytes(bytes) if verb == 'x' || verb == 'X' => {
            out.push_str(&hexadecimal(bytes, verb));
            return Ok(());
        }
        other => return Err(wrong(other, &format!("an int or a uint for %{verb}"))),
    };
    match verb {
        'b' => push(out, format_args!("{sign}{size:b}")),
        'o' => push(out, format_args!("{sign}{size:o}")),
        'x' => push(out, format_args!("{sign}{size:x}")),
        _ => push(out, format_args!("{sign}{size:X}")),
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8], verb: char) -> String {
    if verb == 'X' { hex::encode_upper(bytes) } else { hex::encode(bytes) }
}

fn write_text(cx: &mut Evaluation<'_>, out: &mut String, value: &Value) -> Result<(), Fault> {
    cx.charge(1)?;
    match value {
        Value::String(text) => {
            cx.bytes(text.len())?;
            out.push_str(text);
        }
        Value::Null => out.push_str("null"),
        Value::Double(number) if number.is_finite() => out.push_str(&double_text(*number)),
        Value::Double(number) => out.push_str(&infinite(*number)),
        Value::Bytes(bytes) => {
            cx.bytes(bytes.len())?;
            out.push_str(&String::from_utf8_lossy(bytes));
        }
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_text(cx, out, &item)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut keys = map.keys();
            cx.charge(keys.len().saturating_mul(4))?;
            keys.sort();
            out.push('{');
            for (index, key) in keys.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&key.to_text());
                out.push_str(": ");
                write_text(cx, out, &map.get(key).unwrap_or(Value::Null))?;
            }
            out.push('}');
        }
        Value::Optional(Some(held)) => {
            out.push_str("optional(");
            write_text(cx, out, held)?;
            out.push(')');
        }
        Value::Optional(None) => out.push_str("optional.none()"),
        simple => out.push_str(&simple.to_text().unwrap_or_default()),
    }
    Ok(())
}
