//! What the literals of an expression stand for.

use super::value::Value;

/// The number that `digits` stands for; `negative` belongs to it, so that the smallest int can be written.
pub(super) fn int(digits: &str, negative: bool) -> Result<Value, String> {
    let (digits, radix) = radix(digits);
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    i64::from_str_radix(&signed, radix)
        .map(Value::Int)
        .map_err(|_| "the number does not fit into an int (64 bits)".to_owned())
}

pub(super) fn uint(digits: &str) -> Result<Value, String> {
    let (digits, radix) = radix(digits.trim_end_matches(['u', 'U']));
    u64::from_str_radix(digits, radix)
        .map(Value::Uint)
        .map_err(|_| "the number does not fit into a uint (64 bits)".to_owned())
}

pub(super) fn double(digits: &str, negative: bool) -> Result<Value, String> {
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Double(if negative { -number } else { number })),
        _ => Err("the number does not fit into a double".to_owned()),
    }
}

fn radix(digits: &str) -> (&str, u32) {
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    }
}

/// A string literal with its prefix and quotes.
pub(super) fn string(literal: &str) -> Result<Value, String> {
    let bytes = unescaped(literal, false)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) => Err("the text is not valid UTF-8".to_owned()),
    }
}

/// A bytes literal with its prefix and quotes.
pub(super) fn bytes(literal: &str) -> Result<Value, String> {
    unescaped(literal, true).map(|bytes| Value::Bytes(bytes.into()))
}

fn unescaped(literal: &str, bytes: bool) -> Result<Vec<u8>, String> {
    let quote = literal.find(['"', '\'']).unwrap_or(0);
    let (prefix, quoted) = literal.split_at(quote);
    let mark = quoted.get(..1).unwrap_or_default();
    let triple = mark.repeat(3);
    let inner = if quoted.len() >= 6 && quoted.starts_with(&triple) {
        quoted.get(3..quoted.len() - 3)
    } else {
        quoted.get(1..quoted.len().saturating_sub(1))
    };
    let inner = inner.unwrap_or_default().replace("\r\n", "\n").replace('\r', "\n");
    if prefix.contains(['r', 'R']) || !inner.contains('\\') {
        return Ok(inner.into_bytes());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.as_str();
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], bytes, &mut out)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Writes the escape that starts `rest` (behind the backslash); returns what is behind it.
fn escape<'a>(rest: &'a str, bytes: bool, out: &mut Vec<u8>) -> Result<&'a str, String> {
    let unknown = || {
        let shown: String = rest.chars().take(1).collect();
        format!("`\\{shown}` is not an escape")
    };
    let first = rest.chars().next().ok_or_else(unknown)?;
    let behind = &rest[first.len_utf8()..];
    let simple = match first {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' | '\'' | '"' | '`' | '?' => first as u8,
        'x' | 'X' => return numbered(behind, 2, 16, bytes, out),
        'u' if !bytes => return numbered(behind, 4, 16, false, out),
        'U' if !bytes => return numbered(behind, 8, 16, false, out),
        '0'..='3' => return numbered(rest, 3, 8, bytes, out),
        _ => return Err(unknown()),
    };
    out.push(simple);
    Ok(behind)
}

fn numbered<'a>(rest: &'a str, digits: usize, radix: u32, byte: bool, out: &mut Vec<u8>) -> Result<&'a str, String> {
    let bad = || format!("the escape needs {digits} digits that name a character");
    let number = rest.get(..digits).ok_or_else(bad)?;
    if !number.chars().all(|c| c.is_digit(radix)) {
        return Err(bad());
    }
    let number = u32::from_str_radix(number, radix).map_err(|_| bad())?;
    if byte {
        out.push(u8::try_from(number).map_err(|_| bad())?);
    } else {
        let character = char::from_u32(number).ok_or_else(bad)?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(&rest[digits..])
}
