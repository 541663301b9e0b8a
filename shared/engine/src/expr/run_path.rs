//! What follows a value: fields, indexes, calls, optionals.

use std::sync::Arc;

use super::error::Fault;
use super::functions::Function;
use super::map::Key;
use super::run::{Evaluated, Failure, Run};
use super::syntax::Id;
use super::tree::{Action, Step};
use super::value::Value;

impl<'r> Run<'r, '_> {
    pub(super) fn path(&mut self, base: Evaluated, steps: &'r [Step], start: usize) -> Evaluated {
        let mut value = base;
        for (at, step) in steps.iter().enumerate() {
            let Ok(held) = value else {
                self.record_rest(steps.get(at..).unwrap_or_default(), &value);
                return value;
            };
            value = self.charge(1).and_then(|()| self.step(held, step, start));
            if self.recorder.is_some() {
                self.record(step.sight, &value);
            }
        }
        value
    }

    /// A path that failed: what it stands for as a whole failed with it.
    fn record_rest(&mut self, steps: &[Step], result: &Evaluated) {
        let next = steps.iter().find_map(|step| step.sight);
        self.record(next, result);
    }

    fn step(&mut self, value: Value, step: &'r Step, start: usize) -> Evaluated {
        match &step.action {
            Action::Field { .. } => self.select(value, &Value::Null, step, start),
            Action::Index { index, .. } => {
                let key = self.eval(*index)?;
                self.select(value, &key, step, start)
            }
            Action::Call { function, args } => {
                let args = self.arguments(Some(value), args)?;
                self.call(function, &args, (start, step.end))
            }
            Action::Loop(each) => self.repeat(each, value, (start, step.start, step.end)),
            Action::OrElse { other, unwrap } => self.or_else(value, *other, *unwrap, (start, step.start)),
            Action::OptionalMap { slot, body, flat } => {
                let Some(held) = self.held(value, (start, step.start))? else {
                    return Ok(Value::Optional(None));
                };
                self.set(*slot, (*held).clone());
                let mapped = self.eval(*body)?;
                self.optional_result(mapped, *flat, (start, step.end))
            }
        }
    }

    /// A field or an index, whose value is `key`.
    fn select(&self, value: Value, key: &Value, step: &Step, start: usize) -> Evaluated {
        let found = match &step.action {
            Action::Field { name, optional: true } => softly(&value, |value| field(value, name, true)),
            Action::Field { name, .. } => hard(&value, |value, soft| field(value, name, soft)),
            Action::Index { optional: true, .. } => softly(&value, |value| item(value, key, true)),
            _ => hard(&value, |value, soft| item(value, key, soft)),
        };
        found.map_err(|fault| fault.at(self.text(start, step.end), ""))
    }

    fn optional_result(&self, mapped: Value, flat: bool, place: (usize, usize)) -> Evaluated {
        let fault = match (mapped, flat) {
            (mapped @ Value::Optional(_), true) => return Ok(mapped),
            (mapped, true) => {
                let why = format!("`optFlatMap` must make an optional, not {}", mapped.kind().article());
                Fault::Type(why)
            }
            (mapped, false) => match Value::some(mapped) {
                Ok(some) => return Ok(some),
                Err(fault) => fault,
            },
        };
        Err(fault.at(self.text(place.0, place.1), ""))
    }

    fn held(&self, value: Value, place: (usize, usize)) -> Result<Option<Arc<Value>>, Failure> {
        match value {
            Value::Optional(held) => Ok(held),
            other => {
                let why = format!("expected an optional, this is {}", other.kind().article());
                let part = self.text(place.0, place.1.saturating_sub(1));
                Err(Fault::Type(why).at(part, ""))
            }
        }
    }

    fn or_else(&mut self, value: Value, other: Id, unwrap: bool, place: (usize, usize)) -> Evaluated {
        match self.held(value, place)? {
            Some(held) if unwrap => Ok((*held).clone()),
            Some(held) => Ok(Value::Optional(Some(held))),
            None => {
                let value = self.eval(other)?;
                if !unwrap && !matches!(value, Value::Optional(_)) {
                    let why = format!("`or` takes an optional, not {}", value.kind().article());
                    let range = &self.program.tree.get(other).range;
                    return Err(Fault::Type(why).at(self.text(range.start, range.end), "or"));
                }
                Ok(value)
            }
        }
    }

    pub(super) fn arguments(&mut self, receiver: Option<Value>, args: &[Id]) -> Result<Vec<Value>, Failure> {
        let mut values = Vec::with_capacity(args.len() + usize::from(receiver.is_some()));
        values.extend(receiver);
        for arg in args {
            values.push(self.eval(*arg)?);
        }
        Ok(values)
    }

    pub(super) fn call(&mut self, function: &'static Function, args: &[Value], place: (usize, usize)) -> Evaluated {
        self.cx.offset = self.cx.base + place.1;
        let result = (function.body)(self.cx, args);
        result.map_err(|fault| fault.at(self.text(place.0, place.1), function.name))
    }
}

type Found = Result<Option<Value>, Fault>;

/// `.?` and `[?]`: an optional.
fn softly(value: &Value, find: impl Fn(&Value) -> Found) -> Result<Value, Fault> {
    let found = match value {
        Value::Optional(None) => None,
        Value::Optional(Some(held)) => find(held)?,
        held => find(held)?,
    };
    found.map_or(Ok(Value::Optional(None)), Value::some)
}

/// `.` and `[]`: the value itself, unless an optional came before.
fn hard(value: &Value, find: impl Fn(&Value, bool) -> Found) -> Result<Value, Fault> {
    if let Value::Optional(_) = value {
        return softly(value, |value| find(value, true));
    }
    find(value, false)?.ok_or_else(|| Fault::Key("there is nothing".to_owned()))
}

/// A map's field; `soft` finds nothing where there is none.
fn field(value: &Value, name: &str, soft: bool) -> Found {
    match value {
        Value::Map(map) => match map.field(name) {
            None if !soft => {
                let keys = map.some_keys(8);
                let more = if map.len() > keys.len() { ", …" } else { "" };
                Err(Fault::Field(if keys.is_empty() {
                    "no such field, the map is empty".to_owned()
                } else {
                    let keys = super::error::shortened(&keys.join(", "), 160);
                    format!("no such field, the map has {keys}{more}")
                }))
            }
            found => Ok(found),
        },
        Value::Null if soft => Ok(None),
        Value::Null => Err(Fault::Field("no such field, what it is asked of is null".to_owned())),
        other => {
            let kind = other.kind().article();
            Err(Fault::Type(format!("only a map has fields, this is asked of {kind}")))
        }
    }
}

/// A list's item or a map's value.
fn item(value: &Value, key: &Value, soft: bool) -> Found {
    match value {
        Value::List(list) => {
            let index = match Key::of(key) {
                Some(Key::Int(index)) => index,
                Some(Key::Uint(index)) => i64::try_from(index).unwrap_or(i64::MAX),
                _ => {
                    let kind = key.kind().article();
                    return Err(Fault::Type(format!("a list's index is an int, not {kind}")));
                }
            };
            let found = usize::try_from(index).ok().and_then(|index| list.get(index));
            if found.is_none() && !soft {
                let length = list.len();
                return Err(Fault::Key(format!("index out of range, the list has {length}")));
            }
            Ok(found)
        }
        Value::Map(map) => {
            let Some(key) = Key::of(key) else {
                let kind = key.kind().article();
                return Err(Fault::Type(format!("{kind} cannot be a map's key")));
            };
            match map.get(&key) {
                None if !soft => {
                    let key = super::error::shortened(&key.to_text(), 60);
                    Err(Fault::Key(format!("the map has no key `{key}`")))
                }
                found => Ok(found),
            }
        }
        Value::Null if soft => Ok(None),
        Value::Null => Err(Fault::Key("what it is asked of is null".to_owned())),
        other => {
            let kind = other.kind().article();
            Err(Fault::Type(format!("{kind} has no items")))
        }
    }
}
