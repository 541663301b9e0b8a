//! A text and places in it.

use crate::diagnostics::Place;

/// The longest part of a line that is shown, in characters.
const EXCERPT: usize = 120;

/// A range of bytes in one of the texts that are compiled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Span {
    /// Which text.
    pub(crate) source: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(source: u32, start: usize, end: usize) -> Self {
        let byte = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: byte(start), end: byte(end) }
    }
}

/// A text that was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// How diagnostics name it.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where lines begin, in bytes.
    lines: Vec<u32>,
}

impl Source {
    pub(crate) fn new(name: &str, text: String) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name: name.to_owned(), text, lines }
    }

    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The line of a byte, from 1.
    pub(crate) fn line_of(&self, at: u32) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    fn position(&self, at: u32) -> (usize, usize) {
        let line = self.line_of(at);
        let start = self.lines.get(line - 1).copied().unwrap_or(0) as usize;
        let mut end = (at as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        (line, self.text.get(start..end).map_or(0, |before| before.chars().count()) + 1)
    }

    fn line(&self, number: usize) -> &str {
        let bound = |line: usize| self.lines.get(line).map_or(self.text.len(), |start| *start as usize);
        let text = self.text.get(bound(number - 1)..bound(number)).unwrap_or_default();
        text.trim_end_matches(['\n', '\r'])
    }

    /// The place of a span, with the part of its first line that is shown.
    pub(crate) fn place(&self, span: Span) -> Place {
        let start = span.start.min(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let trimmed = self.slice(span).trim_end().len();
        let end = start + u32::try_from(trimmed).unwrap_or(0);
        let ((line, column), (end_line, end_column)) = (self.position(start), self.position(end));
        let skip = match column > EXCERPT - 40 {
            true => column - 40,
            false => 0,
        };
        let excerpt = self.line(line).chars().skip(skip).take(EXCERPT).collect::<String>().trim_end().to_owned();
        let file = self.name.clone();
        Place { file, line, column, end_line, end_column, excerpt, excerpt_column: skip + 1 }
    }
}
