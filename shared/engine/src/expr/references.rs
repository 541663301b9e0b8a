//! What an expression names: roots of its scope, and functions.

use std::ops::Range;
use std::sync::Arc;

/// A step of a static path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathPart {
    /// `.name` or `['name']`.
    Field(Arc<str>),
    /// `[3]`.
    Index(i64),
}

/// One use of a root: the path from it as far as it is static.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The root's name, e.g. `steps`.
    pub root: Arc<str>,
    /// What follows it, as far as it is static, e.g. `.order.id`.
    pub path: Vec<PathPart>,
    /// The place of root and path, in bytes of the text.
    pub range: Range<usize>,
    /// Whether a part that is only known at run time follows the path, as in `inputs[x]`.
    pub dynamic: bool,
}

impl Reference {
    /// The names from the root on, up to the first index.
    pub fn names(&self) -> Vec<&str> {
        let fields = self.path.iter().map_while(|part| match part {
            PathPart::Field(name) => Some(&**name),
            PathPart::Index(_) => None,
        });
        std::iter::once(&*self.root).chain(fields).collect()
    }
}

/// One call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionUse {
    /// The function's whole name, e.g. `fake.name` or `size`.
    pub name: &'static str,
    /// The place of the call, in bytes of the text.
    pub range: Range<usize>,
    /// The last argument, when it is a string literal: the name of `env('NAME')`, the file of `matchesSchema(v, 'file')`.
    pub literal: Option<Arc<str>>,
}

/// Everything an expression (or a text with expressions) names, in source order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Uses of roots; variables of macros are none.
    pub roots: Vec<Reference>,
    /// Calls of functions and macros other than operators.
    pub functions: Vec<FunctionUse>,
}

impl References {
    /// Whether a root of this name is used.
    pub fn names_root(&self, root: &str) -> bool {
        self.roots.iter().any(|reference| *reference.root == *root)
    }

    /// Whether a function of this name is called.
    pub fn calls(&self, function: &str) -> bool {
        self.functions.iter().any(|call| call.name == function)
    }

    /// Whether one of `success() failed() always() cancelled()` is called.
    pub fn asks_status(&self) -> bool {
        ["success", "failed", "always", "cancelled"].iter().any(|name| self.calls(name))
    }

    /// The names that `env()` is asked for.
    pub fn env_names(&self) -> impl Iterator<Item = &str> {
        self.literals("env")
    }

    /// The files that `matchesSchema()` is asked for.
    pub fn schema_files(&self) -> impl Iterator<Item = &str> {
        self.literals("matchesSchema")
    }

    fn literals<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a str> {
        let calls = self.functions.iter().filter(move |call| call.name == function);
        calls.filter_map(|call| call.literal.as_deref())
    }

    /// Adds what another names, which stands at `offset` of a longer text.
    pub(super) fn merge(&mut self, other: &Self, offset: usize) {
        let moved = |range: &Range<usize>| range.start + offset..range.end + offset;
        self.roots.extend(
            other.roots.iter().map(|reference| Reference { range: moved(&reference.range), ..reference.clone() }),
        );
        self.functions
            .extend(other.functions.iter().map(|call| FunctionUse { range: moved(&call.range), ..call.clone() }));
    }
}
