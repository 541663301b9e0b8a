//! Lowering the macros: calls whose arguments name variables, or are evaluated only when they are needed.

use std::ops::Range;
use std::sync::Arc;

use super::error::ExprError;
use super::lower::{Lowered, Lowering};
use super::syntax::{self, Form, Id};
use super::tree::{Action, LOOPS, Loop, LoopKind, NodeKind};

impl Lowering<'_> {
    /// `has(a.b)`
    pub(super) fn has(&mut self, args: &[Id], range: &Range<usize>) -> Lowered<Id> {
        let wrong = || -> Box<ExprError> {
            ExprError::new("`has` takes one argument that ends in a field", range.clone())
                .hint("e.g. has(body.token) or has(body.`content-type`)")
                .into()
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
        let of = if before.is_empty() { self.node(*base)? } else { self.path(*base, before, &(start..end))? };
        self.extend_reference(known, start, name, last.end, end);
        self.note("has", range.clone(), None);
        let sight = self.sight(range.clone(), false);
        let field = name.clone();
        Ok(self.add(NodeKind::Has { of, field }, range.clone(), Some(sight)))
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
    pub(super) fn bind(&mut self, args: &[Id], range: &Range<usize>) -> Lowered<Id> {
        let [variable, init, body] = args else {
            let why = "`cel.bind` takes a variable, its value and an expression";
            return Err(ExprError::new(why, range.clone()).into());
        };
        let variable = self.variable("cel.bind", *variable)?;
        let init = self.node(*init)?;
        let slot = self.enter(variable);
        let body = self.node(*body);
        self.leave(1);
        self.note("cel.bind", range.clone(), None);
        let body = body?;
        Ok(self.add(NodeKind::Bind { slot, init, body }, range.clone(), None))
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
                Err(ExprError::new(message, written.range.clone()).into())
            }
        }
    }

    /// The macro that a method is; none for a function.
    pub(super) fn method_macro(&mut self, name: &str, args: &[Id], step: &syntax::Step) -> Lowered<Option<Macro>> {
        let range = step.start..step.end;
        let found = match (name, args.len()) {
            ("orValue", 1) => Some(("orValue", Macro::OrElse { unwrap: true })),
            ("or", 1) => Some(("or", Macro::OrElse { unwrap: false })),
            ("optMap", 2) => Some(("optMap", Macro::OptionalMap { flat: false })),
            ("optFlatMap", 2) => Some(("optFlatMap", Macro::OptionalMap { flat: true })),
            _ => {
                let same = || LOOPS.iter().filter(|(known, ..)| *known == name);
                let fits = same().find(|(.., count)| *count == args.len());
                if fits.is_none() && same().next().is_some() {
                    let counts: Vec<String> = same().map(|(.., count)| count.to_string()).collect();
                    let message = format!("`{name}` takes {} arguments, not {}", counts.join(" or "), args.len());
                    return Err(ExprError::new(message, range).into());
                }
                fits.map(|(known, kind, variables, _)| (*known, Macro::Loop { kind: *kind, variables: *variables }))
            }
        };
        let Some((known, found)) = found else {
            return Ok(None);
        };
        self.note(known, range, None);
        Ok(Some(found))
    }

    /// Lowers a macro behind what stands in `over`.
    pub(super) fn lazy(&mut self, found: Macro, name: &str, args: &[Id], over: Range<usize>) -> Lowered<Action> {
        match (found, args) {
            (Macro::OrElse { unwrap }, [other]) => Ok(Action::OrElse { other: self.node(*other)?, unwrap }),
            (Macro::OptionalMap { flat }, [variable, body]) => {
                let variable = self.variable(name, *variable)?;
                let slot = self.enter(variable);
                self.loops += 1;
                let body = self.node(*body)?;
                self.loops -= 1;
                self.leave(1);
                Ok(Action::OptionalMap { slot, body, flat })
            }
            (Macro::Loop { kind, variables }, args) => {
                let decides = matches!(kind, LoopKind::All | LoopKind::Exists);
                let element = decides.then(|| self.sight(over, true));
                let slots = self.enter_all(name, args.get(..variables).unwrap_or_default())?;
                let first_sight = self.sights.len();
                self.loops += 1;
                let mut parts = self.nodes(args.get(variables..).unwrap_or_default())?;
                self.loops -= 1;
                self.leave(variables);
                let body = parts.pop().unwrap_or(Id(0));
                Ok(Action::Loop(Loop {
                    kind,
                    first: slots.0,
                    second: slots.1,
                    filter: parts.pop(),
                    body,
                    sights: first_sight..self.sights.len(),
                    element,
                }))
            }
            _ => Err(ExprError::new(format!("`{name}` takes other arguments"), over).into()),
        }
    }

    /// Makes variables of these names; the slots of the first and the second.
    fn enter_all(&mut self, name: &str, names: &[Id]) -> Lowered<(usize, Option<usize>)> {
        let mut slots = Vec::with_capacity(names.len());
        for id in names {
            let variable = self.variable(name, *id)?;
            slots.push(self.enter(variable));
        }
        Ok((slots.first().copied().unwrap_or_default(), slots.get(1).copied()))
    }
}

/// A method whose arguments are not evaluated before it is called.
pub(super) enum Macro {
    OrElse { unwrap: bool },
    OptionalMap { flat: bool },
    Loop { kind: LoopKind, variables: usize },
}
