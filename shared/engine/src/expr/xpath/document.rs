//! Reading a document, its nodes and the values of a path.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::parse::parse;
use super::token::{bad, tokens};
use super::walk::Walk;

/// Longest path, in bytes.
const LONGEST: usize = 2048;

/// A node of the document, or an attribute by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'d> {
    pub(super) node: Node<'d, 'd>,
    pub(super) attribute: Option<usize>,
}

impl Item<'_> {
    /// Its place in document order.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.node.id().get_usize(), self.attribute.map_or(0, |index| index + 1))
    }
}

/// What a path evaluates to.
#[derive(Debug, Clone)]
pub(super) enum Found<'d> {
    Items(Vec<Item<'d>>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// The value of `path` over the XML in `text`: of nodes the list of their texts, else a string, a double or a bool.
pub(in super::super) fn evaluate(cx: &mut Evaluation<'_>, text: &str, path: &str) -> Result<Value, Fault> {
    if path.len() > LONGEST {
        return Err(bad("it is too long"));
    }
    let expr = parse(tokens(path)?)?;
    cx.charge(text.len() / 4 + 1)?;
    cx.charge(crowding(text))?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: u32::try_from(cx.budget_left()).unwrap_or(u32::MAX),
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|error| Fault::Argument(format!("not XML: {error}")))?;
    let prefixes = prefixes(cx, &document)?;
    let root = Item { node: document.root(), attribute: None };
    let mut walk = Walk { cx, prefixes };
    match walk.eval(&expr, root, 1, 1)? {
        Found::Text(text) => Ok(Value::text(text)),
        Found::Number(number) => Ok(Value::Double(number)),
        Found::Truth(truth) => Ok(Value::Bool(truth)),
        Found::Items(items) => {
            let mut texts = Vec::with_capacity(items.len());
            for item in items {
                texts.push(Value::text(walk.text_of(item)?));
            }
            Value::list(texts)
        }
    }
}

/// What reading can cost beyond the length: each attribute of an element is compared with those before it, and each
/// namespace declaration repeats those around it.
fn crowding(text: &str) -> usize {
    let declarations = text.matches("xmlns").count();
    let attributes = text.split('<').map(|tag| tag.matches('=').count());
    let compared = attributes.fold(0_usize, |sum, count| sum.saturating_add(count.saturating_mul(count)));
    compared / 100 + declarations.saturating_mul(declarations) / 100
}

/// What each prefix means where it is declared first.
fn prefixes(cx: &mut Evaluation<'_>, document: &Document<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let mut prefixes = BTreeMap::new();
    let mut last = usize::MAX;
    for node in document.descendants() {
        cx.charge(1)?;
        // An element that declares nothing shares the list of its parent.
        let count = node.namespaces().len();
        if count == last {
            continue;
        }
        last = count;
        cx.charge(count)?;
        for namespace in node.namespaces() {
            let name = namespace.name().unwrap_or_default();
            let uri = || namespace.uri().to_owned();
            prefixes.entry(name.to_owned()).or_insert_with(uri);
        }
    }
    Ok(prefixes)
}
