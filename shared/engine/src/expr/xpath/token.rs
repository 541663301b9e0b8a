//! The tokens of a path.

use super::super::error::Fault;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, with its prefix: `a`, `p:a`, `p:*`.
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

/// Signs, longest first.
const SIGNS: [&str; 22] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "[", "]", "(", ")", "@", ",", "|", "+", "-", "=", "<", ">", "*", "$", ".",
];

pub(super) fn tokens(path: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = path.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '"' | '\'' => text(rest, first)?,
            '0'..='9' => number(rest)?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number(rest)?,
            c if is_name_start(c) => name(rest),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| bad(&format!("`{first}` has no meaning")))?;
                (Token::Sign(sign), &rest[sign.len()..])
            }
        };
        tokens.push(token);
        rest = behind.trim_start();
    }
    Ok(tokens)
}

/// The fault of a path that cannot be read.
pub(super) fn bad(why: &str) -> Fault {
    Fault::Argument(format!("not an XPath expression: {why}"))
}

fn text(rest: &str, quote: char) -> Result<(Token, &str), Fault> {
    let (text, behind) = rest[1..].split_once(quote).ok_or_else(|| bad("a text without its closing quote"))?;
    Ok((Token::Text(text.to_owned()), behind))
}

fn number(rest: &str) -> Result<(Token, &str), Fault> {
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    let number = digits.parse().map_err(|_| bad("a number that cannot be read"))?;
    Ok((Token::Number(number), behind))
}

fn name(rest: &str) -> (Token, &str) {
    let mut end = name_end(rest);
    let behind = &rest[end..];
    if let Some(local) = behind.strip_prefix(':') {
        if local.starts_with(is_name_start) {
            end += 1 + name_end(local);
        } else if local.starts_with('*') {
            end += 2;
        }
    }
    (Token::Name(rest[..end].to_owned()), &rest[end..])
}

fn name_end(rest: &str) -> usize {
    let part = |c: char| is_name_start(c) || c.is_numeric() || c == '-' || c == '.';
    rest.find(|c| !part(c)).unwrap_or(rest.len())
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}
