//! Puts a tree together from what a reader reports, one value after the other; nothing here recurs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::node::{Entry, Node, Value};
use super::problem::Problem;
use super::text::Span;
use crate::diagnostics::Code;

/// How deep lists and maps may be nested.
const MAX_DEPTH: usize = 100;
/// How many values all aliases together may stand for; 16 bytes of a text count as one.
const MAX_ALIASED: usize = 100_000;

/// The tree under construction.
#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    pub(super) problems: Vec<Problem>,
}

/// A list or map that has not ended.
struct Open {
    span: Span,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashSet<Arc<str>>, key: Option<(Arc<str>, Span)> },
}

struct Anchored {
    node: Node,
    values: usize,
    depth: usize,
}

impl Builder {
    /// The root, when something was read.
    pub(super) fn finish(self) -> (Option<Node>, Vec<Problem>) {
        (self.root, self.problems)
    }

    /// Whether the next scalar is a key.
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    pub(super) fn open_list(&mut self, span: Span, anchor: usize) -> Result<(), Problem> {
        self.open(span, anchor, Content::List(Vec::new()))
    }

    pub(super) fn open_map(&mut self, span: Span, anchor: usize) -> Result<(), Problem> {
        self.open(span, anchor, Content::Map { entries: Vec::new(), seen: HashSet::new(), key: None })
    }

    fn open(&mut self, span: Span, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.wants_key() {
            let problem = Problem::new(Code::BadKey, span, "a key is a list or a map");
            return Err(problem.hint("keys are plain texts; quote one that begins with `{` or `[`"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.open.push(Open { span, anchor, content });
        Ok(())
    }

    /// Ends the innermost list or map at the end of `span`.
    pub(super) fn close(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        let node = Node { span: Span { end: span.end.max(open.span.start), ..open.span }, value };
        self.keep(&node, open.anchor);
        self.put(node);
    }

    /// A plain `<<` for a key: in quotes, and in JSON, it is a key like any other.
    pub(super) fn merge(&mut self, span: Span) {
        let problem = Problem::new(Code::MergeKey, span, "`<<` does not merge maps: it is not part of YAML 1.2");
        self.problems.push(problem.hint("write the keys out, or share them with `defaults`"));
    }

    pub(super) fn key(&mut self, name: &str, span: Span) {
        let Some(Open { content: Content::Map { seen, key, .. }, .. }) = self.open.last_mut() else { return };
        let name: Arc<str> = name.into();
        if !seen.insert(name.clone()) {
            let problem = Problem::new(Code::DuplicateKey, span, format!("the key `{}` stands twice", short(&name)));
            self.problems.push(problem.hint("keep one of them"));
        }
        *key = Some((name, span));
    }

    pub(super) fn scalar(&mut self, value: Value, span: Span, anchor: usize) {
        let node = Node { span, value };
        self.keep(&node, anchor);
        self.put(node);
    }

    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Problem> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Problem::new(Code::UnknownAlias, span, "an alias within the value that it names"));
        };
        if self.wants_key() {
            let Some(text) = anchored.node.text().map(str::to_owned) else {
                return Err(Problem::new(Code::BadKey, span, "the alias of a key stands for no text"));
            };
            self.key(&text, span);
            return Ok(());
        }
        if self.open.len() + anchored.depth > MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.aliased = self.aliased.saturating_add(anchored.values);
        if self.aliased > MAX_ALIASED {
            let problem = Problem::new(
                Code::TooManyAliases,
                span,
                format!("the aliases up to here stand for more than {MAX_ALIASED} values"),
            );
            return Err(problem.hint("write less with aliases; a `foreach` repeats steps"));
        }
        let node = Node { span, value: anchored.node.value.clone() };
        self.put(node);
        Ok(())
    }

    fn keep(&mut self, node: &Node, anchor: usize) {
        if anchor != 0 {
            let (values, depth) = measure(node);
            // Kept copies count too: nested anchors would otherwise cost the square of the text.
            self.aliased = self.aliased.saturating_add(values / 4);
            let copy = match self.aliased > MAX_ALIASED {
                true => Node { span: node.span, value: Value::Null },
                false => node.clone(),
            };
            self.anchors.insert(anchor, Anchored { node: copy, values, depth });
        }
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, .. }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, value: node });
                }
            }
        }
    }
}

fn too_deep(span: Span) -> Problem {
    Problem::new(Code::TooDeep, span, format!("lists and maps are nested deeper than {MAX_DEPTH} levels"))
}

/// Values in a tree, and its depth.
fn measure(node: &Node) -> (usize, usize) {
    let children: Box<dyn Iterator<Item = &Node> + '_> = match &node.value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
        Value::Text(text) => return (1 + text.len() / 16, 0),
        _ => return (1, 0),
    };
    let below = children.map(measure).fold((1, 0), |sum, one| (sum.0 + one.0, sum.1.max(one.1)));
    (below.0, below.1 + 1)
}

/// A text cut to what a message can hold.
pub(super) fn short(text: &str) -> String {
    match text.chars().count() > 60 {
        true => format!("{}...", text.chars().take(60).collect::<String>()),
        false => text.to_owned(),
    }
}
