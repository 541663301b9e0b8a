//! Lowering the macros: calls whose arguments name variables, or are evaluated only when they are needed.

use std::ops::Range;
use std::sync::Arc;

use super::error::ExprError;
use super::lower::{Lowered, Lowering};
use super::syntax::{self, Form, Id};
use super::tree::{Action, LOOPS, Loop, LoopKind, NodeKind};

impl Lowering<'_> {
    /// `has(a.b)`
    pub(super) fn has(&mut self, args: &[Id], range: Range<usize>) -> Lowered<Id> {
        let wrong = || {
            ExprError::new("`has` takes one argument that ends in a field", range.clone())
                .hint("e.g. has(body.token) or has(body.`content-type`)")
        };
        let [argument] = args else {
            return Err(wrong());
        };
        let syntax = self.syntax;
        let written = syntax.get(*argument);
        let Form::Path { base, steps } = &written.form else {
            return Err(wrong());
        };
        let Some((last, before)) = steps.split_last() else {
            return Err(wrong());
        };
        let syntax::Action::Field { name, .. } = &last.action else {
            return Err(wrong());
        };
        let start = written.range.start;
        let end = before.last().map_or(syntax.get(*base).range.end, |step| step.end);
        let known = self.references.roots.len();
        let of = if before.is_empty() { self.node(*base)? } else { self.path(*base, before, start..end)? };
        self.extend_reference(known, start, name, last.end, end);
        self.note("has", range.clone(), None);
        let sight = self.sight(range.clone(), false);
        let field = name.clone();
        Ok(self.add(NodeKind::Has { of, field }, range, Some(sight)))
    }

    /// The field that `has` asks for belongs to the path before it, if that is static to its end.
    fn extend_reference(&mut self, known: usize, start: usize, name: &Arc<str>, end: usize, before: usize) {
        let added = self.references.roots.get_mut(known..).unwrap_or_default();
        let whole = added.iter_mut().find(|reference| reference.range == (start..before));
        if let Some(reference) = whole {
            reference.path.push(super::references::PathPart::Field(name.clone()));
            reference.range.end = end;
        }
    }

    /// `cel.bind(variable, init, body)`
    pub(super) fn bind(&mut self, args: &[Id], range: Range<usize>) -> Lowered<Id> {
        let [variable, init, body] = args else {
            return Err(ExprError::new("`cel.bind` takes a variable, its value and an expression", range));
        };
        let variable = self.variable("cel.bind", *variable)?;
        let init = self.node(*init)?;
        let slot = self.enter(variable);
        let body = self.node(*body);
        self.leave(1);
        self.note("cel.bind", range.clone(), None);
        let body = body?;
        Ok(self.add(NodeKind::Bind { slot, init, body }, range, None))
    }

    fn enter(&mut self, variable: Arc<str>) -> usize {
        self.variables.push(variable);
        self.slots = self.slots.max(self.variables.len());
        self.variables.len() - 1
    }

    fn leave(&mut self, count: usize) {
        self.variables.truncate(self.variables.len().saturating_sub(count));
    }

    fn variable(&self, name: &str, id: Id) -> Lowered<Arc<str>> {
        let written = self.syntax.get(id);
        match &written.form {
            Form::Name { name, rooted: false } => Ok(name.clone()),
            _ => {
                let message = format!("`{name}` takes the name of a variable here");
                Err(ExprError::new(message, written.range.clone()))
            }
        }
    }

    /// A method that is a macro; none for any other.
    pub(super) fn method_macro(
        &mut self,
        name: &str,
        args: &[Id],
        start: usize,
        step: &syntax::Step,
    ) -> Lowered<Option<Action>> {
        let range = step.start..step.end;
        match (name, args) {
            ("orValue" | "or", [other]) => {
                let unwrap = name == "orValue";
                self.note(if unwrap { "orValue" } else { "or" }, range, None);
                let other = self.node(*other)?;
                return Ok(Some(Action::OrElse { other, unwrap }));
            }
            ("optMap" | "optFlatMap", [variable, body]) => {
                let flat = name == "optFlatMap";
                self.note(if flat { "optFlatMap" } else { "optMap" }, range, None);
                let variable = self.variable(name, *variable)?;
                let slot = self.enter(variable);
                self.loops += 1;
                let body = self.node(*body);
                self.loops -= 1;
                self.leave(1);
                let body = body?;
                return Ok(Some(Action::OptionalMap { slot, body, flat }));
            }
            _ => {}
        }
        let mut same = LOOPS.iter().filter(|(macro_name, ..)| *macro_name == name).peekable();
        let Some((known, ..)) = same.peek().copied() else {
            return Ok(None);
        };
        let Some((_, kind, variables, _)) = same.clone().find(|(.., count)| *count == args.len()) else {
            let counts: Vec<String> = same.map(|(.., count)| count.to_string()).collect();
            let message = format!("`{name}` takes {} arguments, not {}", counts.join(" or "), args.len());
            return Err(ExprError::new(message, range));
        };
        self.note(known, range, None);
        self.repeat(name, *kind, *variables, args, start..step.start.saturating_sub(1)).map(Some)
    }

    fn repeat(
        &mut self,
        name: &str,
        kind: LoopKind,
        variables: usize,
        args: &[Id],
        over: Range<usize>,
    ) -> Lowered<Action> {
        let (names, rest) = args.split_at(variables);
        let decides = matches!(kind, LoopKind::All | LoopKind::Exists);
        let element = decides.then(|| self.sight(over, true));
        let mut slots = Vec::with_capacity(variables);
        for variable in names {
            let variable = self.variable(name, *variable)?;
            slots.push(self.enter(variable));
        }
        let first_sight = self.sights.len();
        self.loops += 1;
        let parts = self.nodes(rest);
        self.loops -= 1;
        self.leave(variables);
        let parts = parts?;
        let (filter, body) = match parts.as_slice() {
            [filter, body] => (Some(*filter), *body),
            [body] => (None, *body),
            _ => return Err(ExprError::new(format!("`{name}` takes no such arguments"), 0..0)),
        };
        Ok(Action::Loop(Loop {
            kind,
            first: slots.first().copied().unwrap_or_default(),
            second: slots.get(1).copied(),
            filter,
            body,
            sights: first_sight..self.sights.len(),
            element,
        }))
    }
}
