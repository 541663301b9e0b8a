//! The compiled tree: names have become variables' slots, roots and functions. One arena again; only bracket
//! nesting makes it deep.

use std::ops::Range;
use std::sync::Arc;

use super::functions::Function;
use super::references::References;
use super::syntax::{Id, Operator};
use super::value::Value;

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) top: Id,
    /// How many variables are alive at once.
    pub(super) slots: usize,
    pub(super) references: References,
    pub(super) sights: Vec<Sight>,
}

impl Tree {
    pub(super) fn get(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) range: Range<usize>,
    /// Where its value is shown as evidence.
    pub(super) sight: Option<SightId>,
}

/// The number of a sight.
pub(super) type SightId = usize;

/// A part of the text whose value is worth seeing.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) range: Range<usize>,
    /// Within the body of a macro: shown only for the element that decided.
    pub(super) inner: bool,
    /// The element that decided a macro over this range's list or map.
    pub(super) element: bool,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Constant(Value),
    /// A macro's variable.
    Local(usize),
    Root(Arc<str>),
    List(Vec<super::syntax::Item>),
    Map(Vec<super::syntax::Entry>),
    Not {
        of: Id,
        odd: bool,
    },
    Negate {
        of: Id,
        odd: bool,
    },
    And(Vec<Id>),
    Or(Vec<Id>),
    Choose {
        cases: Vec<(Id, Id)>,
        otherwise: Id,
    },
    Chain {
        first: Id,
        rest: Vec<super::syntax::Link>,
    },
    Path {
        base: Id,
        steps: Vec<Step>,
    },
    Call {
        function: &'static Function,
        args: Vec<Id>,
    },
    /// `has(of.field)`
    Has {
        of: Id,
        field: Arc<str>,
    },
    /// `cel.bind(variable, init, body)`
    Bind {
        slot: usize,
        init: Id,
        body: Id,
    },
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) sight: Option<SightId>,
}

#[derive(Debug)]
pub(super) enum Action {
    Field {
        name: Arc<str>,
        optional: bool,
    },
    Index {
        index: Id,
        optional: bool,
    },
    Call {
        function: &'static Function,
        args: Vec<Id>,
    },
    Loop(Loop),
    /// `.orValue(x)` and `.or(x)`: `x` is evaluated only when it is needed.
    OrElse {
        other: Id,
        unwrap: bool,
    },
    /// `.optMap(v, body)` and `.optFlatMap(v, body)`.
    OptionalMap {
        slot: usize,
        body: Id,
        flat: bool,
    },
}

/// A macro over the items of a list or the entries of a map.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) first: usize,
    pub(super) second: Option<usize>,
    pub(super) filter: Option<Id>,
    pub(super) body: Id,
    /// Sights within the body.
    pub(super) sights: Range<SightId>,
    /// The sight of the element that decided.
    pub(super) element: Option<SightId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    /// `map` and `transformList`.
    Collect,
    TransformMap,
    TransformMapEntry,
    SortBy,
}

/// The methods that are macros, with the number of variables and arguments they take.
pub(super) const LOOPS: [(&str, LoopKind, usize, usize); 18] = [
    ("all", LoopKind::All, 1, 2),
    ("all", LoopKind::All, 2, 3),
    ("exists", LoopKind::Exists, 1, 2),
    ("exists", LoopKind::Exists, 2, 3),
    ("exists_one", LoopKind::ExistsOne, 1, 2),
    ("exists_one", LoopKind::ExistsOne, 2, 3),
    ("existsOne", LoopKind::ExistsOne, 1, 2),
    ("existsOne", LoopKind::ExistsOne, 2, 3),
    ("filter", LoopKind::Filter, 1, 2),
    ("map", LoopKind::Collect, 1, 2),
    ("map", LoopKind::Collect, 1, 3),
    ("transformList", LoopKind::Collect, 2, 3),
    ("transformList", LoopKind::Collect, 2, 4),
    ("transformMap", LoopKind::TransformMap, 2, 3),
    ("transformMap", LoopKind::TransformMap, 2, 4),
    ("transformMapEntry", LoopKind::TransformMapEntry, 2, 3),
    ("transformMapEntry", LoopKind::TransformMapEntry, 2, 4),
    ("sortBy", LoopKind::SortBy, 1, 2),
];

/// Whether an operator compares.
pub(super) fn compares(operator: Operator) -> bool {
    operator.level() == super::syntax::COMPARISON
}
