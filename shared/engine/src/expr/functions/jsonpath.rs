//! `jsonpath`: RFC 9535 queries to values.

use serde_json::Value as Json;
use serde_json_path::JsonPath;

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::registry::{Function, Outcome, arg, global, string};

pub(super) const FUNCTIONS: &[Function] = &[global("jsonpath", (2, 2), jsonpath)];

/// Longest query in bytes, and deepest nesting of its brackets.
const LONGEST: usize = 2048;
const DEEPEST: usize = 16;

fn jsonpath(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let query = string(args, 1)?;
    if query.len() > LONGEST || nesting(query) > DEEPEST {
        return Err(Fault::Argument("the query is too long or too deep".to_owned()));
    }
    let value = arg(args, 0)?.as_json();
    let (nodes, depth) = weigh(&value, cx)?;
    cx.charge(effort(query, nodes, depth))?;
    let path = JsonPath::parse(query).map_err(|error| Fault::Argument(format!("not a JSONPath query: {error}")))?;
    let mut found = Vec::new();
    for node in path.query(&value).all() {
        weigh(node, cx)?;
        found.push(Value::from(node.clone()));
    }
    Value::list(found)
}

fn nesting(query: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in query.bytes() {
        match byte {
            b'(' | b'[' | b'!' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// How many values a JSON value holds, and how deep it is; charged for, texts by their length.
pub(super) fn weigh(value: &Json, cx: &mut Evaluation<'_>) -> Result<(usize, usize), Fault> {
    let mut open = vec![(value, 1)];
    let mut nodes = 0_usize;
    let mut deepest = 0;
    while let Some((value, depth)) = open.pop() {
        nodes += 1;
        deepest = deepest.max(depth);
        match value {
            Json::Array(items) => {
                cx.charge(items.len() / 4 + 1)?;
                open.extend(items.iter().map(|item| (item, depth + 1)));
            }
            Json::Object(fields) => {
                cx.charge(fields.len() / 4 + 1)?;
                open.extend(fields.values().map(|field| (field, depth + 1)));
            }
            Json::String(text) => cx.bytes(text.len())?,
            _ => {}
        }
    }
    Ok((nodes, deepest))
}

/// An upper bound of what a query can cost: each `..` visits what is below each place again, each filter that starts
/// at the root looks at everything again, and each bracket with several selectors multiplies what follows.
fn effort(query: &str, nodes: usize, depth: usize) -> usize {
    let descents = query.matches("..").count();
    let restarts = query.matches('$').count().saturating_sub(1);
    let patterns = query.matches("match(").count() + query.matches("search(").count();
    let mut effort = nodes / 4 + 1;
    for _ in 1..descents {
        effort = effort.saturating_mul(depth);
    }
    for _ in 0..restarts {
        effort = effort.saturating_mul(nodes);
    }
    for bracket in query.split('[').skip(1) {
        let selectors = 1 + bracket.matches(',').count();
        effort = effort.saturating_mul(selectors);
    }
    effort.saturating_mul(1 + patterns * (100 + query.len()))
}
