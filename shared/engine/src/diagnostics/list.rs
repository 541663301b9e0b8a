//! Diagnostics, and lists of them.

use serde_json::{Value as Json, json};

use super::code::{Code, Severity};

/// How many are shown; the rest is counted.
pub const SHOWN: usize = 100;

/// Something wrong, or perhaps wrong, with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of problem.
    pub code: Code,
    /// What is wrong; a fragment that begins in lower case unless with a quoted name.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Where; none when it concerns no text.
    pub place: Option<Place>,
}

impl Diagnostic {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// As machines read it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut json = json!({
            "severity": self.severity().word(),
            "code": self.code.as_str(),
            "message": self.message,
            "hint": self.hint,
        });
        if let (Some(place), Some(map)) = (&self.place, json.as_object_mut()) {
            map.insert("file".into(), json!(place.file));
            map.insert("line".into(), json!(place.line));
            map.insert("column".into(), json!(place.column));
            map.insert("endLine".into(), json!(place.end_line));
            map.insert("endColumn".into(), json!(place.end_column));
        }
        json
    }
}

/// A place in a text. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The first line.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// Its column.
    pub end_column: usize,
    /// The part of the first line that is shown.
    pub excerpt: String,
    /// The column of the excerpt's first character.
    pub excerpt_column: usize,
}

/// What was found in a text, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    total: usize,
}

impl Diagnostics {
    /// These, of which there are `total` in all.
    pub(crate) fn new(list: Vec<Diagnostic>, total: usize) -> Self {
        Self { total: total.max(list.len()), list }
    }

    /// Says how many there really are.
    pub(crate) fn set_total(&mut self, total: usize) {
        self.total = total.max(self.list.len());
    }

    /// One without a place.
    #[must_use]
    pub fn one(code: Code, message: impl Into<String>) -> Self {
        Self::new(vec![Diagnostic { code, message: message.into(), hint: None, place: None }], 1)
    }

    /// Those that are shown, at most [`SHOWN`].
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// How many there are, those not shown included.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|one| one.severity() == Severity::Error)
    }

    /// As machines read them.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let shown: Vec<Json> = self.list.iter().map(Diagnostic::to_json).collect();
        json!({ "diagnostics": shown, "total": self.total })
    }
}
