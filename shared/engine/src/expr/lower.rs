//! From the syntax tree to the compiled one: names get their meaning, and what has none is an error.

use std::ops::Range;
use std::sync::Arc;

use super::error::ExprError;
use super::functions::{self, Function, Style};
use super::references::{FunctionUse, PathPart, Reference, References};
use super::syntax::{self, Entry, Form, Id, Item, Link, Syntax};
use super::tree::{Action, Node, NodeKind, Sight, SightId, Step, Tree, compares};
use super::value::{Type, Value};

/// Errors are boxed to keep the frames of the recursion small.
pub(super) type Lowered<T> = Result<T, Box<ExprError>>;

pub(super) fn lower(syntax: &Syntax) -> Result<Tree, ExprError> {
    let mut lowering = Lowering {
        syntax,
        nodes: Vec::new(),
        variables: Vec::new(),
        slots: 0,
        references: References::default(),
        sights: Vec::new(),
        loops: 0,
    };
    let top = lowering.node(syntax.top).map_err(|error| *error)?;
    let mut references = lowering.references;
    references.roots.sort_by_key(|reference| reference.range.start);
    references.functions.sort_by_key(|call| call.range.start);
    Ok(Tree { nodes: lowering.nodes, top, slots: lowering.slots, references, sights: lowering.sights })
}

pub(super) struct Lowering<'a> {
    pub(super) syntax: &'a Syntax,
    nodes: Vec<Node>,
    /// Variables of the macros around the current node, outermost first; a variable's place is its slot.
    pub(super) variables: Vec<Arc<str>>,
    pub(super) slots: usize,
    pub(super) references: References,
    pub(super) sights: Vec<Sight>,
    /// How many macros with a body are around the current node.
    pub(super) loops: usize,
}

impl Lowering<'_> {
    pub(super) fn add(&mut self, kind: NodeKind, range: Range<usize>, sight: Option<SightId>) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { kind, range, sight });
        id
    }

    pub(super) fn sight(&mut self, range: Range<usize>, element: bool) -> SightId {
        let inner = self.loops > 0 || element;
        self.sights.push(Sight { range, inner, element });
        self.sights.len() - 1
    }

    /// Gives a node a sight unless it has one or is a literal.
    fn show(&mut self, id: Id) {
        let Some(node) = self.nodes.get(id.0 as usize) else {
            return;
        };
        if node.sight.is_some()
            || matches!(node.kind, NodeKind::Path { .. } | NodeKind::Local(_))
            || self.is_literal(id)
        {
            return;
        }
        let sight = self.sight(node.range.clone(), false);
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.sight = Some(sight);
        }
    }

    /// Whether a node is written out whole, so that its value need not be shown.
    fn is_literal(&self, id: Id) -> bool {
        match self.nodes.get(id.0 as usize).map(|node| &node.kind) {
            Some(NodeKind::Constant(_)) => true,
            Some(NodeKind::List(items)) => items.iter().all(|item| self.is_literal(item.of)),
            Some(NodeKind::Map(entries)) => {
                entries.iter().all(|entry| self.is_literal(entry.key) && self.is_literal(entry.value))
            }
            _ => false,
        }
    }

    /// The way down to what nests most is kept short; the rest stands in [`Lowering::plain`].
    pub(super) fn node(&mut self, id: Id) -> Lowered<Id> {
        let syntax = self.syntax;
        let written = syntax.get(id);
        match &written.form {
            Form::Call { name, args } if **name == *"has" => self.has(args, &written.range),
            Form::Call { name, args } => self.global(name, args, &written.range),
            Form::Path { base, steps } => self.path(*base, steps, &written.range),
            Form::Name { name, rooted } => Ok(self.name(name, *rooted, written.range.clone())),
            form => {
                let kind = self.plain(form)?;
                Ok(self.add(kind, written.range.clone(), None))
            }
        }
    }

    fn plain(&mut self, form: &Form) -> Lowered<NodeKind> {
        match form {
            Form::List(items) => self.items(items),
            Form::Map(entries) => self.entries(entries),
            Form::And(parts) => Ok(NodeKind::And(self.all_shown(parts)?)),
            Form::Or(parts) => Ok(NodeKind::Or(self.all_shown(parts)?)),
            Form::Choose { cases, otherwise } => self.choose(cases, *otherwise),
            Form::Chain { first, rest, .. } => self.chain(*first, rest),
            Form::Not { of, odd } => Ok(NodeKind::Not { of: self.shown(*of)?, odd: *odd }),
            Form::Negate { of, odd } => Ok(NodeKind::Negate { of: self.node(*of)?, odd: *odd }),
            Form::Literal(value) => Ok(NodeKind::Constant(value.clone())),
            Form::Name { .. } | Form::Call { .. } | Form::Path { .. } => Ok(NodeKind::Constant(Value::Null)),
        }
    }

    fn shown(&mut self, id: Id) -> Lowered<Id> {
        let id = self.node(id)?;
        self.show(id);
        Ok(id)
    }

    fn all_shown(&mut self, parts: &[Id]) -> Lowered<Vec<Id>> {
        let mut shown = Vec::with_capacity(parts.len());
        for part in parts {
            shown.push(self.shown(*part)?);
        }
        Ok(shown)
    }

    pub(super) fn nodes(&mut self, ids: &[Id]) -> Lowered<Vec<Id>> {
        // A loop and not an iterator chain, whose frames would stand between the levels of the recursion.
        let mut nodes = Vec::with_capacity(ids.len());
        for id in ids {
            nodes.push(self.node(*id)?);
        }
        Ok(nodes)
    }

    fn items(&mut self, items: &[Item]) -> Lowered<NodeKind> {
        let mut lowered = Vec::with_capacity(items.len());
        for item in items {
            lowered.push(Item { of: self.node(item.of)?, optional: item.optional });
        }
        Ok(NodeKind::List(lowered))
    }

    fn entries(&mut self, entries: &[Entry]) -> Lowered<NodeKind> {
        let mut lowered = Vec::with_capacity(entries.len());
        for entry in entries {
            lowered.push(Entry {
                key: self.node(entry.key)?,
                value: self.node(entry.value)?,
                optional: entry.optional,
            });
        }
        Ok(NodeKind::Map(lowered))
    }

    fn choose(&mut self, cases: &[(Id, Id)], otherwise: Id) -> Lowered<NodeKind> {
        let mut lowered = Vec::with_capacity(cases.len());
        for (condition, value) in cases {
            lowered.push((self.shown(*condition)?, self.node(*value)?));
        }
        Ok(NodeKind::Choose { cases: lowered, otherwise: self.node(otherwise)? })
    }

    fn chain(&mut self, first: Id, rest: &[Link]) -> Lowered<NodeKind> {
        let compared = rest.iter().any(|link| compares(link.operator));
        let operand = |lowering: &mut Self, id| {
            if compared { lowering.shown(id) } else { lowering.node(id) }
        };
        let first = operand(self, first)?;
        let mut lowered = Vec::with_capacity(rest.len());
        for link in rest {
            lowered.push(Link { right: operand(self, link.right)?, ..*link });
        }
        Ok(NodeKind::Chain { first, rest: lowered })
    }

    fn local(&self, name: &str) -> Option<usize> {
        self.variables.iter().rposition(|variable| **variable == *name)
    }

    fn name(&mut self, name: &Arc<str>, rooted: bool, range: Range<usize>) -> Id {
        if let Some(slot) = self.local(name)
            && !rooted
        {
            return self.add(NodeKind::Local(slot), range, None);
        }
        if let Some(kind) = Type::named(name) {
            return self.add(NodeKind::Constant(Value::Type(kind)), range, None);
        }
        self.references.roots.push(Reference {
            root: name.clone(),
            path: Vec::new(),
            range: range.clone(),
            dynamic: false,
        });
        let sight = self.sight(range.clone(), false);
        self.add(NodeKind::Root(name.clone()), range, Some(sight))
    }

    /// A call without a receiver.
    pub(super) fn global(&mut self, name: &str, args: &[Id], range: &Range<usize>) -> Lowered<Id> {
        let function = self.called(name, Style::Global, args, range)?;
        let args = self.nodes(args)?;
        let sight = self.sight(range.clone(), false);
        Ok(self.add(NodeKind::Call { function, args }, range.clone(), Some(sight)))
    }

    /// The function of a call, checked and noted.
    fn called(&mut self, name: &str, style: Style, args: &[Id], range: &Range<usize>) -> Lowered<&'static Function> {
        let function = functions::find(name, style).ok_or_else(|| unknown(name, range.clone()))?;
        let receiver = usize::from(style == Style::Method);
        let literal = self.check(function, args, receiver, range)?;
        self.note(function.name, range.clone(), literal);
        Ok(function)
    }

    pub(super) fn note(&mut self, name: &'static str, range: Range<usize>, literal: Option<Arc<str>>) {
        self.references.functions.push(FunctionUse { name, range, literal });
    }

    /// Whether a function can be called with so many arguments; its last one, if that is a string literal.
    fn check(
        &self,
        function: &Function,
        args: &[Id],
        receiver: usize,
        range: &Range<usize>,
    ) -> Lowered<Option<Arc<str>>> {
        let count = args.len() + receiver;
        let (least, most) = function.arguments;
        if count < least || count > most {
            let wanted = if least == most {
                format!("{}", least - receiver)
            } else if most == functions::MANY {
                format!("at least {}", least - receiver)
            } else {
                format!("{} to {}", least - receiver, most - receiver)
            };
            let message = format!("`{}` takes {wanted} arguments, not {}", function.name, args.len());
            return Err(ExprError::new(message, range.clone()).into());
        }
        let literal = args.last().and_then(|last| match &self.syntax.get(*last).form {
            Form::Literal(Value::String(text)) => Some(text.clone()),
            _ => None,
        });
        if function.literal && literal.is_none() {
            let message = format!("the last argument of `{}` must be a text in quotes", function.name);
            return Err(ExprError::new(message, range.clone())
                .hint("it is read before the flow starts, so it cannot be computed")
                .into());
        }
        Ok(literal)
    }

    pub(super) fn path(&mut self, base: Id, steps: &[syntax::Step], range: &Range<usize>) -> Lowered<Id> {
        let (base, used) = self.base(base, steps, range.start)?;
        let rest = &steps[used..];
        if rest.is_empty() {
            return Ok(base);
        }
        let mut lowered = Vec::with_capacity(rest.len());
        for step in rest {
            lowered.push(self.step(step, range.start)?);
        }
        self.see_steps(base, rest, &mut lowered, range.start);
        let kind = NodeKind::Path { base, steps: lowered };
        Ok(self.add(kind, range.clone(), None))
    }

    /// What a path starts with, and how many of its steps belong to that.
    fn base(&mut self, base: Id, steps: &[syntax::Step], start: usize) -> Lowered<(Id, usize)> {
        let written = self.syntax.get(base);
        match &written.form {
            Form::Name { name, rooted } if *rooted || self.local(name).is_none() => {
                let (id, used) = self.qualified(name, steps, start)?;
                let root = |lowering: &mut Self| lowering.root(name, steps, written.range.clone());
                Ok((id.unwrap_or_else(|| root(self)), used))
            }
            _ => Ok((self.node(base)?, 0)),
        }
    }

    /// Gives sights to the static path from a root, to each call, and to the whole.
    fn see_steps(&mut self, base: Id, written: &[syntax::Step], steps: &mut [Step], start: usize) {
        let root = matches!(self.nodes[base.0 as usize].kind, NodeKind::Root(_));
        let fixed = written.iter().take_while(|step| root && self.fixed(step).is_some()).count();
        let last = steps.len();
        for (at, step) in steps.iter_mut().enumerate() {
            let call = matches!(step.action, Action::Call { .. } | Action::Loop(_));
            if call || at + 1 == fixed || at + 1 == last {
                step.sight = Some(self.sight(start..step.end, false));
            }
        }
    }

    /// `math.abs(x)`, `cel.bind(...)`, `google.protobuf.Timestamp`: a name with dots that is no root. Says how many steps it took.
    fn qualified(&mut self, name: &str, steps: &[syntax::Step], start: usize) -> Lowered<(Option<Id>, usize)> {
        let [first, rest @ ..] = steps else {
            return Ok((None, 0));
        };
        let range = start..first.end;
        match &first.action {
            syntax::Action::Method { name: method, args } if name == "cel" && **method == *"bind" => {
                Ok((Some(self.bind(args, &range)?), 1))
            }
            syntax::Action::Method { name: method, args } if functions::is_namespace(name) => {
                let whole = format!("{name}.{method}");
                Ok((Some(self.global(&whole, args, &range)?), 1))
            }
            syntax::Action::Field { name: middle, .. } if name == "google" => {
                let last = rest.first().map(|step| (&step.action, step.end));
                if let Some((syntax::Action::Field { name: last, .. }, end)) = last
                    && let Some(kind) = Type::named(&format!("{name}.{middle}.{last}"))
                {
                    let id = self.add(NodeKind::Constant(Value::Type(kind)), start..end, None);
                    return Ok((Some(id), 2));
                }
                Ok((None, 0))
            }
            _ => Ok((None, 0)),
        }
    }

    /// A root with what follows it statically.
    fn root(&mut self, name: &Arc<str>, steps: &[syntax::Step], range: Range<usize>) -> Id {
        let path: Vec<PathPart> = steps.iter().map_while(|step| self.fixed(step)).collect();
        let next = steps.get(path.len());
        let bare = path.is_empty();
        let end = path.len().checked_sub(1).and_then(|last| steps.get(last));
        self.references.roots.push(Reference {
            root: name.clone(),
            range: range.start..end.map_or(range.end, |step| step.end),
            dynamic: next.is_some_and(|step| matches!(step.action, syntax::Action::Index { .. })),
            path,
        });
        // With a static path behind it, it is the path that is shown.
        let sight = bare.then(|| self.sight(range.clone(), false));
        self.add(NodeKind::Root(name.clone()), range, sight)
    }

    /// The static part that a step stands for.
    fn fixed(&self, step: &syntax::Step) -> Option<PathPart> {
        match &step.action {
            syntax::Action::Field { name, .. } => Some(PathPart::Field(name.clone())),
            syntax::Action::Index { index, .. } => match &self.syntax.get(*index).form {
                Form::Literal(Value::String(name)) => Some(PathPart::Field(name.clone())),
                Form::Literal(Value::Int(index)) => Some(PathPart::Index(*index)),
                _ => None,
            },
            syntax::Action::Method { .. } => None,
        }
    }

    fn step(&mut self, step: &syntax::Step, start: usize) -> Lowered<Step> {
        let action = match &step.action {
            syntax::Action::Field { name, optional } => Action::Field { name: name.clone(), optional: *optional },
            syntax::Action::Index { index, optional } => {
                Action::Index { index: self.node(*index)?, optional: *optional }
            }
            syntax::Action::Method { name, args } => match self.method_macro(name, args, step)? {
                Some(found) => self.lazy(found, name, args, start..step.start.saturating_sub(1))?,
                None => {
                    let function = self.called(name, Style::Method, args, &(step.start..step.end))?;
                    Action::Call { function, args: self.nodes(args)? }
                }
            },
        };
        Ok(Step { action, start: step.start, end: step.end, sight: None })
    }
}

/// The error for a function that does not exist.
fn unknown(name: &str, range: Range<usize>) -> Box<ExprError> {
    let end = range.end.min(range.start + name.len());
    let error = ExprError::new(format!("there is no function `{name}`"), range.start..end);
    Box::new(match functions::nearest(name) {
        Some(hint) => error.hint(hint),
        None => error,
    })
}
