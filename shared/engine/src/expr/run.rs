//! Walking the compiled tree.

use std::sync::Arc;

use super::compare;
use super::error::{EvalError, Fault};
use super::evaluation::{Evaluation, Scope};
use super::evidence::Recorder;
use super::map::{Key, Map};
use super::operators;
use super::program::Compiled;
use super::syntax::{Entry, Id, Item, Link, Operator};
use super::tree::{Node, NodeKind, SightId};
use super::value::Value;

/// Errors are boxed to keep the frames of the recursion small.
pub(super) type Evaluated = Result<Value, Failure>;

pub(super) type Failure = Box<EvalError>;

pub(super) struct Run<'r, 'a> {
    pub(super) program: &'r Compiled,
    pub(super) scope: &'r dyn Scope,
    pub(super) cx: &'r mut Evaluation<'a>,
    pub(super) locals: Vec<Value>,
    pub(super) recorder: Option<Recorder>,
}

impl<'r> Run<'r, '_> {
    /// The text between two offsets.
    pub(super) fn text(&self, start: usize, end: usize) -> &'r str {
        let program: &'r Compiled = self.program;
        program.text.get(start..end).unwrap_or_default().trim_end()
    }

    pub(super) fn charge(&mut self, units: usize) -> Result<(), Failure> {
        self.cx.charge(units).map_err(|_| EvalError::Budget.into())
    }

    pub(super) fn record(&mut self, sight: Option<SightId>, result: &Evaluated) {
        if let (Some(recorder), Some(sight)) = (&mut self.recorder, sight) {
            recorder.record(sight, result);
        }
    }

    pub(super) fn eval(&mut self, id: Id) -> Evaluated {
        self.charge(1)?;
        let node: &'r Node = self.program.tree.get(id);
        let result = match &node.kind {
            NodeKind::Constant(value) => Ok(value.clone()),
            NodeKind::Local(slot) => Ok(self.locals.get(*slot).cloned().unwrap_or(Value::Null)),
            NodeKind::Root(name) => self.root(name),
            NodeKind::Path { base, steps } => {
                let base = self.eval(*base);
                self.path(base, steps, node.range.start)
            }
            NodeKind::And(parts) => self.logic(parts, false),
            NodeKind::Or(parts) => self.logic(parts, true),
            NodeKind::Chain { first, rest } => self.chain(*first, rest, node),
            NodeKind::Call { function, args } => match self.arguments(None, args) {
                Ok(args) => self.call(function, &args, (node.range.start, node.range.end)),
                Err(error) => Err(error),
            },
            NodeKind::Not { of, odd } => self.not(*of, *odd),
            NodeKind::Negate { of, odd } => self.negate(*of, *odd, node),
            NodeKind::Choose { cases, otherwise } => self.choose(cases, *otherwise),
            NodeKind::List(items) => self.list(items, node),
            NodeKind::Map(entries) => self.map(entries, node),
            NodeKind::Has { of, field } => self.has(*of, field, node),
            NodeKind::Bind { slot, init, body } => self.bind(*slot, *init, *body),
        };
        if self.recorder.is_some() {
            self.record(node.sight, &result);
        }
        result
    }

    fn root(&mut self, name: &str) -> Evaluated {
        self.scope.root(name).ok_or_else(|| EvalError::UnknownName { name: name.to_owned() }.into())
    }

    fn bind(&mut self, slot: usize, init: Id, body: Id) -> Evaluated {
        let value = self.eval(init)?;
        self.set(slot, value);
        self.eval(body)
    }

    pub(super) fn set(&mut self, slot: usize, value: Value) {
        if let Some(local) = self.locals.get_mut(slot) {
            *local = value;
        }
    }

    pub(super) fn truth(&self, value: &Value, id: Id) -> Result<bool, Failure> {
        let range = &self.program.tree.get(id).range;
        value.as_bool().ok_or_else(|| {
            let why = format!("expected a bool, this is {}", value.kind().article());
            Fault::Type(why).at(self.text(range.start, range.end), "")
        })
    }

    /// `&&` (decided by false) and `||` (decided by true): what decides absorbs the errors of the others.
    fn logic(&mut self, parts: &[Id], decides: bool) -> Evaluated {
        let mut failure = None;
        for part in parts {
            let truth = match self.eval(*part) {
                Ok(value) => self.truth(&value, *part),
                Err(error) => Err(error),
            };
            match truth {
                Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(error) if *error == EvalError::Budget => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn choose(&mut self, cases: &[(Id, Id)], otherwise: Id) -> Evaluated {
        for (condition, value) in cases {
            let met = self.eval(*condition)?;
            if self.truth(&met, *condition)? {
                return self.eval(*value);
            }
        }
        self.eval(otherwise)
    }

    fn not(&mut self, of: Id, odd: bool) -> Evaluated {
        let value = self.eval(of)?;
        Ok(Value::Bool(self.truth(&value, of)? != odd))
    }

    fn negate(&mut self, of: Id, odd: bool, node: &Node) -> Evaluated {
        let value = self.eval(of)?;
        operators::negate(&value, odd).map_err(|fault| self.at(fault, node))
    }

    fn at(&self, fault: Fault, node: &Node) -> Failure {
        fault.at(self.text(node.range.start, node.range.end), "")
    }

    fn chain(&mut self, first: Id, rest: &[Link], node: &Node) -> Evaluated {
        let mut left = self.eval(first)?;
        for link in rest {
            let right = self.eval(link.right)?;
            left = self
                .binary(link.operator, &left, &right)
                .map_err(|fault| fault.at(self.text(node.range.start, link.end), ""))?;
        }
        Ok(left)
    }

    fn binary(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
        let meter = &mut self.cx.meter;
        let ordered = |meter: &mut super::meter::Meter| {
            if let (Value::String(a), Value::String(b)) = (left, right) {
                meter.bytes(a.len().min(b.len()))?;
            }
            compare::order(left, right)
        };
        Ok(Value::Bool(match operator {
            Operator::Equal => compare::equal(left, right, meter)?,
            Operator::NotEqual => !compare::equal(left, right, meter)?,
            Operator::Less => ordered(meter)?.is_some_and(std::cmp::Ordering::is_lt),
            Operator::LessEqual => ordered(meter)?.is_some_and(std::cmp::Ordering::is_le),
            Operator::Greater => ordered(meter)?.is_some_and(std::cmp::Ordering::is_gt),
            Operator::GreaterEqual => ordered(meter)?.is_some_and(std::cmp::Ordering::is_ge),
            Operator::In => operators::contains(left, right, meter)?,
            _ => return operators::arithmetic(operator, left, right, meter),
        }))
    }

    fn list(&mut self, items: &[Item], node: &Node) -> Evaluated {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.eval(item.of)?;
            if item.optional {
                values.extend(self.optional(value, item.of)?);
            } else {
                values.push(value);
            }
        }
        Value::list(values).map_err(|fault| self.at(fault, node))
    }

    /// What an optional holds; anything else is an error.
    fn optional(&self, value: Value, id: Id) -> Result<Option<Value>, Failure> {
        match value {
            Value::Optional(inner) => Ok(inner.map(|inner| (*inner).clone())),
            other => {
                let why = format!("`?` needs an optional, this is {}", other.kind().article());
                Err(self.at(Fault::Type(why), self.program.tree.get(id)))
            }
        }
    }

    fn map(&mut self, entries: &[Entry], node: &Node) -> Evaluated {
        let mut values = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.eval(entry.key)?;
            let key = match key {
                Value::Double(_) => None,
                key => Key::of(&key),
            };
            let Some(key) = key else {
                let why = "a map's key is a bool, int, uint or string".to_owned();
                return Err(self.at(Fault::Type(why), self.program.tree.get(entry.key)));
            };
            let value = self.eval(entry.value)?;
            if entry.optional {
                let value = self.optional(value, entry.value)?;
                values.extend(value.map(|value| (key, value)));
            } else {
                values.push((key, value));
            }
        }
        let map = Map::new(values).map(Value::Map);
        map.map_err(|fault| self.at(fault, node))
    }

    fn has(&mut self, of: Id, field: &Arc<str>, node: &Node) -> Evaluated {
        let value = self.eval(of)?;
        let held = match &value {
            Value::Optional(None) => return Ok(Value::Bool(false)),
            Value::Optional(Some(inner)) => inner,
            other => other,
        };
        match held {
            Value::Map(map) => Ok(Value::Bool(map.field(field).is_some())),
            other => {
                let why = format!("only a map has fields, this is {}", other.kind().article());
                let of = &self.program.tree.get(of).range;
                let end = of.end.max(node.range.start);
                Err(Fault::Type(why).at(self.text(of.start, end), "has"))
            }
        }
    }
}
