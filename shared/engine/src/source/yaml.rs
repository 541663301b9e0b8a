//! YAML 1.2 from the parser's events; anchors and aliases are resolved within a budget.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Marked, Tag};

use super::build::{Builder, short};
use super::node::{Node, Value};
use super::problem::Problem;
use super::scalar;
use super::slips;
use super::text::Span;
use crate::diagnostics::Code;

/// What YAML text comes to; the last problem may be why reading stopped.
pub(super) fn read(text: &str, source: u32) -> (Option<Node>, Vec<Problem>) {
    let mut reader = Reader { text, source, places: Places::of(text), builder: Builder::default(), documents: 0 };
    let stopped = reader.read().err();
    let (root, mut problems) = reader.builder.finish();
    problems.extend(stopped);
    (root, problems)
}

struct Reader<'a> {
    text: &'a str,
    source: u32,
    places: Places,
    builder: Builder,
    documents: usize,
}

/// From the parser's character numbers to bytes.
enum Places {
    Ascii,
    Bytes(Vec<u32>),
}

impl Places {
    fn of(text: &str) -> Self {
        match text.is_ascii() {
            true => Self::Ascii,
            false => Self::Bytes(text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()),
        }
    }

    fn byte(&self, character: usize, end: usize) -> usize {
        match self {
            Self::Ascii => character.min(end),
            Self::Bytes(bytes) => bytes.get(character).map_or(end, |byte| *byte as usize),
        }
    }
}

impl Reader<'_> {
    fn span(&self, marked: Marked) -> Span {
        let byte = |character| self.places.byte(character, self.text.len());
        Span::new(self.source, byte(marked.start.index()), byte(marked.end.index()))
    }

    fn read(&mut self) -> Result<(), Problem> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(event) = parser.next_event() {
            let (event, marked) = event.map_err(|error| self.syntax(&error))?;
            let span = self.span(marked);
            match event {
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        let problem = Problem::new(Code::SeveralDocuments, span, "a second document begins here");
                        return Err(problem.hint("one flow a file: put it into a file of its own"));
                    }
                }
                Event::Alias(anchor) => self.builder.alias(anchor, span)?,
                Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span),
                Event::SequenceStart(anchor, tag) => {
                    self.tag(tag.as_deref(), "seq", span);
                    self.builder.open_list(span, anchor)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.tag(tag.as_deref(), "map", span);
                    self.builder.open_map(span, anchor)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.builder.close(span),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: Span) {
        let as_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "str" | "int" | "float" | "bool" | "null"))
        {
            self.unknown_tag(tag, span);
        }
        if self.builder.wants_key() {
            if text == "<<" && !as_text {
                self.builder.merge(span);
            }
            return self.builder.key(text, span);
        }
        let value = match as_text {
            true => Ok(Value::Text(text.into())),
            false => scalar::plain(text),
        };
        let value = value.unwrap_or_else(|why| {
            let problem = Problem::new(Code::NumberRange, span, why);
            self.builder.problems.push(problem.hint("write it as a text, in quotes"));
            Value::Null
        });
        self.builder.scalar(value, span, anchor);
    }

    fn tag(&mut self, tag: Option<&Tag>, own: &str, span: Span) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == own)
        {
            self.unknown_tag(tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, span: Span) {
        let message = format!("the tag `{}` has no meaning here", short(&tag.to_string()));
        self.builder.problems.push(Problem::new(Code::UnknownTag, span, message).hint("leave it out"));
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = self.places.byte(error.marker().index(), self.text.len());
        let line_start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = self.text.get(line_start..).unwrap_or_default();
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent).and_then(|blanks| blanks.find('\t')) {
            let span = Span::new(self.source, line_start + tab, line_start + tab + 1);
            return Problem::new(Code::TabIndent, span, "a tab indents this line").hint("indent with spaces");
        }
        if error.info().contains("tab")
            && let Some(tab) = slips::tab_below(self.text, line_start)
        {
            let span = Span::new(self.source, tab, tab + 1);
            return Problem::new(Code::TabIndent, span, "a tab indents this line").hint("indent with spaces");
        }
        let unknown = error.info().contains("unknown anchor");
        let code = if unknown { Code::UnknownAlias } else { Code::BadSyntax };
        let recursion = error.info().contains("recursion limit");
        let code = if recursion { Code::TooDeep } else { code };
        let end = at + self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let message = format!("the YAML is broken: {}", error.info());
        let problem = Problem::new(code, Span::new(self.source, at, end), message);
        match slips::hint(self.text, line_start, at, error.info()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}
