//! From bytes to a tree.

use serde_json::Value as Json;

use super::node::Node;
use super::problem::Problem;
use super::text::{Source, Span};
use super::{json, yaml};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, SHOWN};

/// The largest text of a flow.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// Reads a text; `number` is the one that its spans carry. The source is there even when nothing could be read.
pub(crate) fn read(name: &str, bytes: &[u8], number: u32, limit: usize) -> (Source, Option<Node>, Vec<Problem>) {
    let start = Span::new(number, 0, 0);
    if bytes.len() > limit {
        let message = format!("the text has {} bytes; {limit} are the most", bytes.len());
        return (Source::new(name, String::new()), None, vec![Problem::new(Code::TooLarge, start, message)]);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let at = good.strip_prefix('\u{feff}').unwrap_or(&good).len();
            let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            let message = format!("the byte 0x{byte:02X} is not UTF-8 here");
            let problem = Problem::new(Code::NotUtf8, Span::new(number, at, at), message);
            let good = good.strip_prefix('\u{feff}').unwrap_or(&good).to_owned();
            return (Source::new(name, good), None, vec![problem.hint("save the file as UTF-8")]);
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, problems) = read_text(name, text, number);
    (Source::new(name, text.to_owned()), root, problems)
}

fn read_text(name: &str, text: &str, number: u32) -> (Option<Node>, Vec<Problem>) {
    if let Some((at, control)) = control_character(text) {
        let message = format!("the character U+{:04X} cannot stand here", u32::from(control));
        let span = Span::new(number, at, at + control.len_utf8());
        return (None, vec![Problem::new(Code::ControlCharacter, span, message).hint("remove it")]);
    }
    let not_json = match json::read(text, number) {
        Ok(read) => return read,
        Err(problem) => problem,
    };
    if name.ends_with(".json") || not_json.code == Code::TooDeep {
        return (None, vec![not_json]);
    }
    let (root, mut problems) = yaml::read(text, number);
    if root.is_none() && problems.is_empty() {
        problems.push(Problem::new(Code::EmptyFile, Span::new(number, 0, 0), "there is nothing in the file"));
    }
    (root, problems)
}

/// The first character that a text may not hold; tabs and line ends may stand.
fn control_character(text: &str) -> Option<(usize, char)> {
    let bad = |c: &char| (*c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || *c == '\u{7f}';
    text.char_indices().find(|(_, c)| bad(c))
}

/// The value of a JSON or YAML file: data beside a flow, an environment, inputs.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn read_data(name: &str, bytes: &[u8]) -> Result<Json, Diagnostics> {
    read_document(name, bytes, MAX_BYTES)
}

/// As [`read_data`], with another largest size in bytes: for documents that no flow carries along.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn read_document(name: &str, bytes: &[u8], most: usize) -> Result<Json, Diagnostics> {
    let (source, root, mut problems) = read(name, bytes, 0, most);
    match root {
        Some(root) if problems.is_empty() => Ok(root.to_json()),
        _ => {
            problems.sort();
            Err(shown(problems, &|_| Some(&source)))
        }
    }
}

/// Problems, in order, as diagnostics.
pub(crate) fn shown<'a>(problems: Vec<Problem>, source: &dyn Fn(u32) -> Option<&'a Source>) -> Diagnostics {
    let total = problems.len();
    let show = |problem: Problem| Diagnostic {
        place: problem.span.and_then(|span| source(span.source).map(|source| source.place(span))),
        code: problem.code,
        message: problem.message,
        hint: problem.hint,
    };
    Diagnostics::new(problems.into_iter().take(SHOWN).map(show).collect(), total)
}
