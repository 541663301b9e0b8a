//! Lists.

use super::super::compare;
use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::map::Key;
use super::super::value::{List, Value};
use super::registry::{Function, Outcome, global, int, items, method, position};

pub(super) const FUNCTIONS: &[Function] = &[
    method("slice", (3, 3), slice),
    method("flatten", (1, 2), flatten),
    method("sort", (1, 1), sort),
    method("distinct", (1, 1), distinct),
    method("first", (1, 1), |_, args| optional(items(args, 0)?.get(0))),
    method("last", (1, 1), |_, args| {
        let list = items(args, 0)?;
        optional(list.len().checked_sub(1).and_then(|last| list.get(last)))
    }),
    global("lists.range", (1, 1), range),
];

fn optional(item: Option<Value>) -> Outcome {
    item.map_or(Ok(Value::Optional(None)), Value::some)
}

fn slice(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let list = items(args, 0)?;
    let end = position(int(args, 2)?, list.len())?;
    let start = position(int(args, 1)?, end)?;
    cx.charge(end - start)?;
    Value::list((start..end).filter_map(|index| list.get(index)).collect())
}

fn flatten(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let depth = if args.len() > 1 { int(args, 1)? } else { 1 };
    if depth < 0 {
        return Err(Fault::Argument("the depth cannot be negative".to_owned()));
    }
    let mut flat = Vec::new();
    flatten_into(cx, items(args, 0)?, depth.min(1000), &mut flat)?;
    Value::list(flat)
}

fn flatten_into(cx: &mut Evaluation<'_>, list: &List, depth: i64, flat: &mut Vec<Value>) -> Result<(), Fault> {
    cx.charge(list.len())?;
    for item in list.iter() {
        match item {
            Value::List(inner) if depth > 0 => flatten_into(cx, &inner, depth - 1, flat)?,
            other => flat.push(other),
        }
    }
    Ok(())
}

fn sort(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let list = items(args, 0)?;
    let keyed = list.iter().map(|item| (item.clone(), item)).collect();
    compare::sorted(keyed, &mut cx.meter).and_then(Value::list)
}

fn distinct(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let mut seen = std::collections::BTreeSet::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut others: Vec<Value> = Vec::new();
    for item in items(args, 0)?.iter() {
        cx.charge(2)?;
        // What can be a map's key is found in a set; the rest is compared one by one, which the budget counts.
        let fresh = if let Some(key) = Key::of(&item) {
            if let Value::String(text) = &item {
                cx.bytes(text.len())?;
            }
            seen.insert(key)
        } else {
            let mut fresh = true;
            for other in &others {
                if compare::equal(other, &item, &mut cx.meter)? {
                    fresh = false;
                    break;
                }
            }
            if fresh {
                others.push(item.clone());
            }
            fresh
        };
        if fresh {
            kept.push(item);
        }
    }
    Value::list(kept)
}

/// The longest list that `lists.range` makes.
const LONGEST: usize = 1_000_000;

fn range(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let length = position(int(args, 0)?, LONGEST)?;
    cx.charge(length)?;
    Value::list((0_i64..).take(length).map(Value::Int).collect())
}

pub(super) fn reversed(cx: &mut Evaluation<'_>, list: &List) -> Outcome {
    cx.charge(list.len())?;
    Value::list((0..list.len()).rev().filter_map(|index| list.get(index)).collect())
}
