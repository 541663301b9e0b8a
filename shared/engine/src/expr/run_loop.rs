//! The macros over lists and maps.

use super::compare;
use super::error::{EvalError, Fault};
use super::map::{Key, Map};
use super::run::{Evaluated, Failure, Run};
use super::syntax::Id;
use super::tree::{Loop, LoopKind};
use super::value::Value;

/// Start of the part, end of what is looped over, end of the part.
type Place = (usize, usize, usize);

/// What a macro goes through, one item or entry at a time.
struct Range {
    over: Value,
    keys: Vec<Key>,
    length: usize,
}

impl Range {
    fn of(over: Value) -> Result<Self, Fault> {
        let (keys, length) = match &over {
            Value::List(list) => (Vec::new(), list.len()),
            Value::Map(map) => (map.keys(), map.len()),
            other => {
                let kind = other.kind().article();
                return Err(Fault::Type(format!("expected a list or a map, this is {kind}")));
            }
        };
        Ok(Self { over, keys, length })
    }

    /// Index and item, or key and value.
    fn at(&self, at: usize) -> Option<(Value, Value)> {
        match &self.over {
            Value::List(list) => Some((Value::Int(i64::try_from(at).ok()?), list.get(at)?)),
            Value::Map(map) => {
                let key = self.keys.get(at)?;
                Some((key.to_value(), map.get(key)?))
            }
            _ => None,
        }
    }

    /// What a macro with one variable sees.
    fn single(&self, (key, item): (Value, Value)) -> Value {
        if self.keys.is_empty() { item } else { key }
    }
}

impl Run<'_, '_> {
    pub(super) fn repeat(&mut self, each: &Loop, over: Value, place: Place) -> Evaluated {
        let range = Range::of(over).map_err(|fault| fault.at(self.text(place.0, place.1.saturating_sub(1)), ""))?;
        match each.kind {
            LoopKind::All => self.decide(each, &range, false),
            LoopKind::Exists => self.decide(each, &range, true),
            _ => {
                let result = match each.kind {
                    LoopKind::ExistsOne => self.exists_one(each, &range),
                    LoopKind::SortBy => self.sort_by(each, &range, place),
                    LoopKind::TransformMap | LoopKind::TransformMapEntry => self.transform(each, &range, place),
                    _ => self.collect(each, &range, place),
                };
                self.hide(each);
                result
            }
        }
    }

    fn hide(&mut self, each: &Loop) {
        if let Some(recorder) = &mut self.recorder {
            recorder.hide(each.sights.clone());
        }
    }

    /// Sets the variables for one round; false when the range has ended.
    fn enter(&mut self, each: &Loop, range: &Range, at: usize) -> Result<bool, Failure> {
        let Some((key, item)) = range.at(at) else {
            return Ok(false);
        };
        self.charge(1)?;
        if let Value::String(text) = &item {
            self.cx.bytes(text.len()).map_err(|_| Failure::from(EvalError::Budget))?;
        }
        if let Some(second) = each.second {
            self.set(each.first, key);
            self.set(second, item);
        } else {
            let single = range.single((key, item));
            self.set(each.first, single);
        }
        Ok(true)
    }

    fn test(&mut self, id: Id) -> Result<bool, Failure> {
        let value = self.eval(id)?;
        self.truth(&value, id)
    }

    /// `all` (decided by false) and `exists` (decided by true).
    fn decide(&mut self, each: &Loop, range: &Range, decides: bool) -> Evaluated {
        let mut failure = None;
        for at in 0..range.length {
            self.hide(each);
            if !self.enter(each, range, at)? {
                break;
            }
            match self.test(each.body) {
                Ok(truth) if truth == decides => {
                    if let (Some(recorder), Some(sight), Some(entry)) = (&mut self.recorder, each.element, range.at(at))
                    {
                        recorder.element(sight, entry);
                    }
                    return Ok(Value::Bool(decides));
                }
                Ok(_) => {}
                Err(error) if *error == EvalError::Budget => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.hide(each);
        failure.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn exists_one(&mut self, each: &Loop, range: &Range) -> Evaluated {
        let mut count = 0;
        for at in 0..range.length {
            if self.enter(each, range, at)? && self.test(each.body)? {
                count += 1;
            }
        }
        Ok(Value::Bool(count == 1))
    }

    /// `map`, `filter` and `transformList`.
    fn collect(&mut self, each: &Loop, range: &Range, place: Place) -> Evaluated {
        let mut values = Vec::new();
        for at in 0..range.length {
            if !self.enter(each, range, at)? || !self.passes(each)? {
                continue;
            }
            if each.kind == LoopKind::Filter {
                if self.test(each.body)? {
                    values.extend(range.at(at).map(|entry| range.single(entry)));
                }
            } else {
                values.push(self.eval(each.body)?);
            }
        }
        Value::list(values).map_err(|fault| self.loop_fault(fault, place))
    }

    fn passes(&mut self, each: &Loop) -> Result<bool, Failure> {
        each.filter.map_or(Ok(true), |filter| self.test(filter))
    }

    fn loop_fault(&self, fault: Fault, place: Place) -> Failure {
        fault.at(self.text(place.0, place.2), "")
    }

    fn transform(&mut self, each: &Loop, range: &Range, place: Place) -> Evaluated {
        let mut entries = Vec::new();
        for at in 0..range.length {
            if !self.enter(each, range, at)? || !self.passes(each)? {
                continue;
            }
            let made = self.eval(each.body)?;
            if each.kind == LoopKind::TransformMapEntry {
                let Value::Map(map) = &made else {
                    let why = format!("the entry must be a map, not {}", made.kind().article());
                    return Err(self.loop_fault(Fault::Type(why), place));
                };
                self.charge(map.len())?;
                let keys = map.keys().into_iter();
                entries.extend(keys.filter_map(|key| map.get(&key).map(|value| (key, value))));
            } else if let Some((key, _)) = range.at(at) {
                entries.extend(Key::of(&key).map(|key| (key, made)));
            }
        }
        let map = Map::new(entries).map(Value::Map);
        map.map_err(|fault| self.loop_fault(fault, place))
    }

    fn sort_by(&mut self, each: &Loop, range: &Range, place: Place) -> Evaluated {
        let mut keyed = Vec::with_capacity(range.length);
        for at in 0..range.length {
            if self.enter(each, range, at)? {
                let key = self.eval(each.body)?;
                keyed.extend(range.at(at).map(|entry| (key, range.single(entry))));
            }
        }
        let sorted = compare::sorted(keyed, &mut self.cx.meter).and_then(Value::list);
        sorted.map_err(|fault| self.loop_fault(fault, place))
    }
}
