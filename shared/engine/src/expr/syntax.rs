//! The syntax tree: what was written, before names have a meaning. Nodes lie in one arena, so that neither a long
//! chain nor a deep nesting costs stack when the tree is dropped.

use std::ops::Range;
use std::sync::Arc;

use super::value::Value;

/// The number of a node in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(pub(super) u32);

#[derive(Debug)]
pub(super) struct Syntax {
    pub(super) nodes: Vec<Written>,
    pub(super) top: Id,
}

impl Syntax {
    pub(super) fn get(&self, id: Id) -> &Written {
        &self.nodes[id.0 as usize]
    }
}

/// A node and its place in the text.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) form: Form,
    pub(super) range: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Form {
    Literal(Value),
    /// `rooted`: written with a leading dot, so never a variable of a macro.
    Name {
        name: Arc<str>,
        rooted: bool,
    },
    /// `name(args)`
    Call {
        name: Arc<str>,
        args: Vec<Id>,
    },
    List(Vec<Item>),
    Map(Vec<Entry>),
    /// `!x`; `odd` is false for `!!x`.
    Not {
        of: Id,
        odd: bool,
    },
    /// `-x`; `odd` is false for `--x`.
    Negate {
        of: Id,
        odd: bool,
    },
    And(Vec<Id>),
    Or(Vec<Id>),
    /// `a ? b : c ? d : e`
    Choose {
        cases: Vec<(Id, Id)>,
        otherwise: Id,
    },
    /// Operators of one precedence, from left to right.
    Chain {
        first: Id,
        rest: Vec<Link>,
        level: u8,
    },
    /// What follows a value: fields, indexes, methods.
    Path {
        base: Id,
        steps: Vec<Step>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) of: Id,
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: Id,
    pub(super) value: Id,
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) operator: Operator,
    pub(super) right: Id,
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    /// Where the name or bracket starts.
    pub(super) start: usize,
    /// Where the step ends in the text.
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) enum Action {
    Field { name: Arc<str>, optional: bool },
    Index { index: Id, optional: bool },
    Method { name: Arc<str>, args: Vec<Id> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "||" => Self::Or,
            "&&" => Self::And,
            "<" => Self::Less,
            "<=" => Self::LessEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterEqual,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "in" => Self::In,
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            _ => return None,
        })
    }

    /// How tightly it binds.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Remainder => 5,
            _ => COMPARISON,
        }
    }
}

/// The level of the comparing operators.
pub(super) const COMPARISON: u8 = 3;
