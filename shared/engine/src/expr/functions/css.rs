//! `css`: selectors over HTML.

use html5ever::driver::parse_document;
use html5ever::tendril::TendrilSink;
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::map::{Key, Map};
use super::super::value::Value;
use super::registry::{Function, Outcome, global, string};

pub(super) const FUNCTIONS: &[Function] = &[global("css", (2, 2), css)];

/// Longest selector in bytes, and deepest nesting of its parentheses.
const LONGEST: usize = 1024;
const DEEPEST: usize = 4;

/// How much is parsed before the size of the tree is looked at again.
const CHUNK: usize = 64;

fn css(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (text, wanted) = (string(args, 0)?, string(args, 1)?);
    if wanted.len() > LONGEST || wanted.matches('(').count() > DEEPEST {
        return Err(Fault::Argument("the selector is too long or too deep".to_owned()));
    }
    let selector = Selector::parse(wanted);
    let selector = selector.map_err(|_| Fault::Argument("not a CSS selector".to_owned()))?;
    let document = parse(cx, text)?;
    let (nodes, depth) = extent(&document);
    cx.charge(effort(wanted, nodes, depth))?;
    let mut found = Vec::new();
    for element in document.select(&selector) {
        found.push(described(cx, element)?);
    }
    Value::list(found)
}

/// Parses in small pieces: broken markup can make a tree far larger than its text.
fn parse(cx: &mut Evaluation<'_>, text: &str) -> Result<Html, Fault> {
    // Each tag may look through all that are open.
    let tag = |pair: &&[u8]| matches!(pair, [b'<', name] if name.is_ascii_alphabetic());
    let tags = text.as_bytes().windows(2).filter(tag).count();
    cx.charge(text.len() / 8 + tags.saturating_mul(tags) / 100)?;
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = parse_document(sink, html5ever::ParseOpts::default());
    let mut rest = text;
    let mut known = 0;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.ceil_char_boundary(CHUNK.min(rest.len())));
        parser.process(chunk.into());
        let nodes = parser.tokenizer.sink.sink.0.borrow().tree.nodes().len();
        cx.charge(nodes.saturating_sub(known))?;
        known = nodes;
        rest = behind;
    }
    Ok(parser.finish())
}

fn extent(document: &Html) -> (usize, usize) {
    let mut depth = 0_usize;
    let mut deepest = 1;
    for edge in document.tree.root().traverse() {
        match edge {
            ego_tree::iter::Edge::Open(_) => depth += 1,
            ego_tree::iter::Edge::Close(_) => depth = depth.saturating_sub(1),
        }
        deepest = deepest.max(depth);
    }
    (document.tree.nodes().len(), deepest)
}

/// An upper bound of what matching can cost: each part of a selector may walk up to the root, or along the siblings.
fn effort(selector: &str, nodes: usize, depth: usize) -> usize {
    let parts = selector.split([' ', '>', '+', '~', ',']).count();
    let along = if selector.contains(['~', ':']) { nodes } else { depth };
    let walked = nodes.saturating_mul(parts.saturating_mul(along) / 8 + 1);
    walked.saturating_add(selector.len())
}

/// An element as a map of its `name`, `text`, `html` and `attributes`.
fn described(cx: &mut Evaluation<'_>, element: ElementRef<'_>) -> Outcome {
    let mut text = String::new();
    for piece in element.text() {
        cx.bytes(piece.len())?;
        text.push_str(piece);
    }
    cx.charge(element.descendants().count() * 4)?;
    let html = element.html();
    cx.bytes(html.len())?;
    let mut attributes = Vec::new();
    for (name, value) in element.value().attrs() {
        cx.bytes(name.len() + value.len())?;
        attributes.push((Key::String(name.into()), Value::text(value)));
    }
    attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
    attributes.dedup_by(|(a, _), (b, _)| a == b);
    let field = |name: &str| Key::String(name.into());
    Map::new(vec![
        (field("name"), Value::text(element.value().name())),
        (field("text"), Value::text(text)),
        (field("html"), Value::text(html)),
        (field("attributes"), Value::Map(Map::new(attributes)?)),
    ])
    .map(Value::Map)
}
