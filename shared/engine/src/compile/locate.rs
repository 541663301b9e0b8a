//! From a place within a scalar's value to its place in the text.

use std::ops::Range;

use super::context::Shared;
use crate::source::{Node, Span};

/// Longer scalars are pointed at as a whole.
const SEARCHED: usize = 64 * 1024;

impl Shared<'_> {
    /// The place of a byte range of a text value. Folded and escaped texts are searched for the piece itself.
    pub(super) fn locate(&self, node: &Node, range: &Range<usize>) -> Span {
        let (Some(value), Some(source)) = (node.text(), self.source(node.span)) else { return node.span };
        let written = source.slice(node.span);
        if written.len() > SEARCHED {
            return node.span;
        }
        let start = node.span.start as usize;
        let at = |offset: usize| Span::new(node.span.source, start + offset, start + offset + range.len().max(1));
        if written == value {
            return at(range.start);
        }
        if written.get(1..written.len().saturating_sub(1)) == Some(value) {
            return at(range.start + 1);
        }
        let piece = value.get(range.clone()).unwrap_or_default();
        let piece = piece.lines().next().unwrap_or_default();
        if piece.is_empty() {
            return node.span;
        }
        let before = value.get(..range.start).unwrap_or_default().matches(piece).count();
        match written.match_indices(piece).nth(before) {
            Some((offset, _)) => Span::new(node.span.source, start + offset, start + offset + piece.len()),
            None => node.span,
        }
    }
}
