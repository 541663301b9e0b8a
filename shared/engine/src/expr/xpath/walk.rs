//! Evaluating a path.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use roxmltree::NodeType;

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::calls::{number_of, number_text, truth_of};
use super::document::{Found, Item};
use super::parse::{Axis, Expr, Operator, Path, Start, Step, Test};
use super::token::bad;

pub(super) struct Walk<'w, 'a> {
    pub(super) cx: &'w mut Evaluation<'a>,
    pub(super) prefixes: BTreeMap<String, String>,
}

type Outcome<'d> = Result<Found<'d>, Fault>;

impl Walk<'_, '_> {
    /// The value of `expr` for a node that is number `position` of `size`.
    pub(super) fn eval<'d>(&mut self, expr: &Expr, here: Item<'d>, position: usize, size: usize) -> Outcome<'d> {
        self.cx.charge(1)?;
        match expr {
            Expr::Text(text) => Ok(Found::Text(text.clone())),
            Expr::Number(number) => Ok(Found::Number(*number)),
            Expr::Negate(of) => {
                let of = self.eval(of, here, position, size)?;
                Ok(Found::Number(-self.number(of)?))
            }
            Expr::Chain(first, rest) => {
                let mut left = self.eval(first, here, position, size)?;
                for (operator, right) in rest {
                    left = self.join(left, *operator, right, (here, position, size))?;
                }
                Ok(left)
            }
            Expr::Call(call, args) => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(arg, here, position, size)?);
                }
                call.apply(self, values, (here, position, size))
            }
            Expr::Path(path) => self.path(path, here, position, size).map(Found::Items),
        }
    }

    fn join<'d>(
        &mut self,
        left: Found<'d>,
        operator: Operator,
        right: &Expr,
        (here, position, size): (Item<'d>, usize, usize),
    ) -> Outcome<'d> {
        if let Operator::Or | Operator::And = operator {
            let decides = operator == Operator::Or;
            if truth_of(&left) == decides {
                return Ok(Found::Truth(decides));
            }
            let right = self.eval(right, here, position, size)?;
            return Ok(Found::Truth(truth_of(&right)));
        }
        let right = self.eval(right, here, position, size)?;
        let calculated = match operator {
            Operator::Union => match (left, right) {
                (Found::Items(mut left), Found::Items(right)) => {
                    left.extend(right);
                    return Ok(Found::Items(self.ordered(left)?));
                }
                _ => return Err(bad("`|` joins nodes only")),
            },
            Operator::Add => self.number(left)? + self.number(right)?,
            Operator::Subtract => self.number(left)? - self.number(right)?,
            Operator::Multiply => self.number(left)? * self.number(right)?,
            Operator::Divide => self.number(left)? / self.number(right)?,
            Operator::Remainder => self.number(left)? % self.number(right)?,
            _ => return Ok(Found::Truth(self.compare(operator, left, right)?)),
        };
        Ok(Found::Number(calculated))
    }

    /// Nodes compare by any of them that does.
    fn compare(&mut self, operator: Operator, left: Found<'_>, right: Found<'_>) -> Result<bool, Fault> {
        let (lefts, rights) = match (left, right) {
            (Found::Truth(a), b) => (vec![Found::Truth(a)], vec![Found::Truth(truth_of(&b))]),
            (a, Found::Truth(b)) => (vec![Found::Truth(truth_of(&a))], vec![Found::Truth(b)]),
            (a, b) => (self.singles(a)?, self.singles(b)?),
        };
        for left in &lefts {
            for right in &rights {
                self.cx.charge(1)?;
                if self.compare_single(operator, left, right)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn singles<'d>(&mut self, found: Found<'d>) -> Result<Vec<Found<'d>>, Fault> {
        let Found::Items(items) = found else {
            return Ok(vec![found]);
        };
        let mut singles = Vec::with_capacity(items.len());
        for item in items {
            singles.push(Found::Text(self.text_of(item)?));
        }
        Ok(singles)
    }

    fn compare_single(&mut self, operator: Operator, left: &Found<'_>, right: &Found<'_>) -> Result<bool, Fault> {
        if let Operator::Equal | Operator::NotEqual = operator {
            let equal = match (left, right) {
                (Found::Truth(a), Found::Truth(b)) => a == b,
                (Found::Text(a), Found::Text(b)) => {
                    self.cx.bytes(a.len().min(b.len()))?;
                    a == b
                }
                (a, b) => number_of(a) == number_of(b),
            };
            return Ok(equal == (operator == Operator::Equal));
        }
        let order = number_of(left).partial_cmp(&number_of(right));
        Ok(match operator {
            Operator::Less => order == Some(Ordering::Less),
            Operator::LessEqual => order.is_some_and(Ordering::is_le),
            Operator::Greater => order == Some(Ordering::Greater),
            _ => order.is_some_and(Ordering::is_ge),
        })
    }

    fn path<'d>(&mut self, path: &Path, here: Item<'d>, position: usize, size: usize) -> Result<Vec<Item<'d>>, Fault> {
        let mut items = match &path.start {
            Start::Here => vec![here],
            Start::Root => vec![Item { node: here.node.document().root(), attribute: None }],
            Start::Of(expr, predicates) => match self.eval(expr, here, position, size)? {
                Found::Items(mut items) => {
                    for predicate in predicates {
                        items = self.filtered(items, predicate)?;
                    }
                    items
                }
                _ => return Err(bad("only nodes have steps and predicates")),
            },
        };
        for step in &path.steps {
            let mut found = Vec::new();
            for item in items {
                found.extend(self.step(step, item)?);
            }
            items = self.ordered(found)?;
        }
        Ok(items)
    }

    /// In document order, each once.
    fn ordered<'d>(&mut self, mut items: Vec<Item<'d>>) -> Result<Vec<Item<'d>>, Fault> {
        self.cx.charge(items.len())?;
        if !items.is_sorted_by(|a, b| a.place() < b.place()) {
            items.sort_by_key(Item::place);
            items.dedup_by_key(|item| item.place());
        }
        Ok(items)
    }

    fn step<'d>(&mut self, step: &Step, from: Item<'d>) -> Result<Vec<Item<'d>>, Fault> {
        let mut items = Vec::new();
        let of_node = |node| Item { node, attribute: None };
        let inner = from.attribute.is_none();
        let mut each = |walk: &mut Self, item: Item<'d>| {
            walk.cx.charge(1)?;
            if walk.passes(step, &item)? {
                items.push(item);
            }
            Ok::<_, Fault>(())
        };
        let node = from.node;
        let owner = inner.then_some(node);
        match step.axis {
            Axis::Itself => each(self, from)?,
            Axis::Parent if !inner => each(self, of_node(node))?,
            Axis::Parent => node.parent().map(of_node).map_or(Ok(()), |item| each(self, item))?,
            Axis::Attribute => {
                for index in 0..owner.map_or(0, |owner| owner.attributes().len()) {
                    let attribute = Some(index);
                    each(self, Item { node, attribute })?;
                }
            }
            Axis::Child => {
                for child in owner.into_iter().flat_map(|owner| owner.children()) {
                    each(self, of_node(child))?;
                }
            }
            Axis::Descendant | Axis::DescendantOrSelf => {
                if !inner && step.axis == Axis::DescendantOrSelf {
                    each(self, from)?;
                }
                let skipped = usize::from(step.axis == Axis::Descendant);
                for below in owner.into_iter().flat_map(|owner| owner.descendants().skip(skipped)) {
                    each(self, of_node(below))?;
                }
            }
            Axis::Ancestor | Axis::AncestorOrSelf => {
                if step.axis == Axis::AncestorOrSelf {
                    each(self, from)?;
                }
                for above in node.ancestors().skip(usize::from(inner)) {
                    each(self, of_node(above))?;
                }
            }
            Axis::FollowingSibling => {
                for sibling in owner.into_iter().flat_map(|owner| owner.next_siblings().skip(1)) {
                    each(self, of_node(sibling))?;
                }
            }
            Axis::PrecedingSibling => {
                for sibling in owner.into_iter().flat_map(|owner| owner.prev_siblings().skip(1)) {
                    each(self, of_node(sibling))?;
                }
            }
            Axis::Following => {
                for above in node.ancestors() {
                    for sibling in above.next_siblings().skip(1) {
                        for below in sibling.descendants() {
                            each(self, of_node(below))?;
                        }
                    }
                }
            }
            Axis::Preceding => {
                for above in node.ancestors() {
                    for sibling in above.prev_siblings().skip(1) {
                        let mut within: Vec<_> = sibling.descendants().collect();
                        while let Some(below) = within.pop() {
                            each(self, of_node(below))?;
                        }
                    }
                }
            }
        }
        for predicate in &step.predicates {
            items = self.filtered(items, predicate)?;
        }
        Ok(items)
    }

    fn passes(&self, step: &Step, item: &Item<'_>) -> Result<bool, Fault> {
        let kind = item.node.node_type();
        let plain = item.attribute.is_none();
        Ok(match &step.test {
            Test::Node => true,
            Test::Text => plain && kind == NodeType::Text,
            Test::Comment => plain && kind == NodeType::Comment,
            Test::Instruction(target) => {
                let wanted = |found: &str| target.as_ref().is_none_or(|target| target == found);
                plain && item.node.pi().is_some_and(|pi| wanted(pi.target))
            }
            Test::Named(prefix, local) => {
                let Some((namespace, name)) = item.name() else {
                    return Ok(false);
                };
                let uri = match prefix {
                    None => None,
                    Some(prefix) => Some(
                        self.prefixes
                            .get(prefix)
                            .ok_or_else(|| Fault::Argument(format!("the document declares no prefix `{prefix}`")))?,
                    ),
                };
                uri.is_none_or(|uri| namespace == Some(uri)) && local.as_ref().is_none_or(|local| local == name)
            }
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "positions are far below 2^53")]
    fn filtered<'d>(&mut self, items: Vec<Item<'d>>, predicate: &Expr) -> Result<Vec<Item<'d>>, Fault> {
        let size = items.len();
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let position = index + 1;
            let holds = match self.eval(predicate, item, position, size)? {
                Found::Number(number) => number == position as f64,
                other => truth_of(&other),
            };
            if holds {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// The text of a node: its own, or all text below it.
    pub(super) fn text_of(&mut self, item: Item<'_>) -> Result<String, Fault> {
        if let Some(attribute) = item.attribute() {
            self.cx.bytes(attribute.value().len())?;
            return Ok(attribute.value().to_owned());
        }
        if let NodeType::Text | NodeType::Comment = item.node.node_type() {
            let text = item.node.text().unwrap_or_default();
            self.cx.bytes(text.len())?;
            return Ok(text.to_owned());
        }
        if let Some(instruction) = item.node.pi() {
            return Ok(instruction.value.unwrap_or_default().to_owned());
        }
        let mut text = String::new();
        for below in item.node.descendants() {
            self.cx.charge(1)?;
            if below.is_text() {
                let piece = below.text().unwrap_or_default();
                self.cx.bytes(piece.len())?;
                text.push_str(piece);
            }
        }
        Ok(text)
    }

    pub(super) fn text(&mut self, found: Found<'_>) -> Result<String, Fault> {
        match found {
            Found::Text(text) => Ok(text),
            Found::Number(number) => Ok(number_text(number)),
            Found::Truth(truth) => Ok(truth.to_string()),
            Found::Items(items) => items.first().map_or(Ok(String::new()), |first| self.text_of(*first)),
        }
    }

    pub(super) fn number(&mut self, found: Found<'_>) -> Result<f64, Fault> {
        if let Found::Items(_) = found {
            let text = self.text(found)?;
            return Ok(number_of(&Found::Text(text)));
        }
        Ok(number_of(&found))
    }
}

impl<'d> Item<'d> {
    pub(super) fn attribute(&self) -> Option<roxmltree::Attribute<'d, 'd>> {
        self.node.attributes().nth(self.attribute?)
    }

    /// Namespace and local name of an element or attribute.
    pub(super) fn name(&self) -> Option<(Option<&'d str>, &'d str)> {
        if self.attribute.is_some() {
            let attribute = self.attribute()?;
            return Some((attribute.namespace(), attribute.name()));
        }
        let name = self.node.is_element().then(|| self.node.tag_name())?;
        Some((name.namespace(), name.name()))
    }
}
