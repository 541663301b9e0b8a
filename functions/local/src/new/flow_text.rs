//! A flow as it is written for people: comments, and the keys in the order in which they are read.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::yaml::{entry, expression, inline, prose, text};

/// A flow to write.
#[derive(Debug, Default)]
pub(super) struct FlowText {
    /// What stands above it.
    pub(super) comments: Vec<String>,
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    pub(super) description: String,
    /// What may be given, each with its declaration.
    pub(super) inputs: Map<String, Json>,
    /// Secrets that must be given, each with what it is.
    pub(super) secrets: BTreeMap<String, String>,
    /// What every http step has.
    pub(super) defaults: Map<String, Json>,
    /// The steps.
    pub(super) steps: Vec<StepText>,
    /// What is done at the end, whatever happened.
    pub(super) finally: Vec<StepText>,
}

/// An http step to write.
#[derive(Debug, Default, Clone)]
pub(super) struct StepText {
    /// What stands above it.
    pub(super) comments: Vec<String>,
    /// Its id.
    pub(super) id: String,
    /// For people.
    pub(super) name: String,
    /// When it runs.
    pub(super) condition: Option<String>,
    /// The request.
    pub(super) with: Map<String, Json>,
    /// Of one attempt.
    pub(super) timeout: Option<String>,
    /// New attempts.
    pub(super) retry: Option<Json>,
    /// What must hold.
    pub(super) asserts: Vec<Assertion>,
    /// What is kept.
    pub(super) captures: Vec<(String, String)>,
}

/// What must hold.
#[derive(Debug, Clone)]
pub(super) struct Assertion {
    /// The expression.
    pub(super) that: String,
    /// What it means.
    pub(super) message: Option<String>,
    /// Whether the steps after it run all the same.
    pub(super) soft: bool,
}

impl Assertion {
    /// An assertion that needs no words.
    pub(super) fn plain(that: impl Into<String>) -> Self {
        Self { that: that.into(), message: None, soft: false }
    }

    fn write(&self, out: &mut String) {
        if self.message.is_none() && !self.soft {
            out.push_str(&format!("      - {}\n", expression(&self.that)));
            return;
        }
        out.push_str(&format!("      - that: {}\n", expression(&self.that)));
        if let Some(message) = &self.message {
            out.push_str(&format!("        message: {}\n", prose(message)));
        }
        if self.soft {
            out.push_str("        soft: true\n");
        }
    }
}

impl FlowText {
    /// The text of the file.
    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        comments(&mut out, 0, &self.comments);
        out.push_str(&format!("name: {}\n", prose(&self.name)));
        if !self.description.is_empty() {
            out.push_str(&format!("description: {}\n", prose(&self.description)));
        }
        if !self.inputs.is_empty() {
            out.push_str("\n# Each may be given: `assay run FILE --input NAME=VALUE`.\ninputs:\n");
            for (name, declaration) in &self.inputs {
                out.push_str(&format!("  {name}: {}\n", inline(declaration)));
            }
        }
        if !self.secrets.is_empty() {
            out.push_str("\n# Their values never stand in a file: `--secret NAME` takes the environment variable NAME.\nsecrets:\n");
            for (name, what) in &self.secrets {
                out.push_str(&format!(
                    "  - {name}{}\n",
                    if what.is_empty() { String::new() } else { format!(" # {what}") }
                ));
            }
        }
        if !self.defaults.is_empty() {
            out.push_str("\n# What every http step has, unless it says otherwise.\ndefaults:\n");
            entry(&mut out, 2, "http", &Json::Object(self.defaults.clone()));
        }
        for (key, steps) in [("steps", &self.steps), ("finally", &self.finally)] {
            if steps.is_empty() {
                continue;
            }
            let about = if key == "finally" { "# After pass, failure, cancel, timeout and crash alike.\n" } else { "" };
            out.push_str(&format!("\n{about}{key}:\n"));
            let texts: Vec<String> = steps.iter().map(StepText::render).collect();
            out.push_str(&texts.join("\n"));
        }
        out
    }
}

impl StepText {
    fn render(&self) -> String {
        let mut out = String::new();
        comments(&mut out, 2, &self.comments);
        out.push_str(&format!("  - id: {}\n", text(&self.id)));
        if !self.name.is_empty() {
            out.push_str(&format!("    name: {}\n", prose(&self.name)));
        }
        out.push_str("    type: http\n");
        if let Some(condition) = &self.condition {
            out.push_str(&format!("    if: {}\n", expression(condition)));
        }
        entry(&mut out, 4, "with", &Json::Object(self.with.clone()));
        if let Some(retry) = &self.retry {
            entry(&mut out, 4, "retry", retry);
        }
        if let Some(timeout) = &self.timeout {
            out.push_str(&format!("    timeout: {timeout}\n"));
        }
        if !self.asserts.is_empty() {
            out.push_str("    assert:\n");
            self.asserts.iter().for_each(|assertion| assertion.write(&mut out));
        }
        if !self.captures.is_empty() {
            out.push_str("    capture:\n");
            for (name, what) in &self.captures {
                out.push_str(&format!("      {name}: {}\n", expression(what)));
            }
        }
        out
    }
}

/// Comments, broken into lines; nothing in them can end the comment.
fn comments(out: &mut String, indent: usize, lines: &[String]) {
    let width = 118_usize.saturating_sub(indent + 2);
    let pad = " ".repeat(indent);
    for line in lines {
        let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut row = String::new();
        for word in clean.split_whitespace() {
            if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
                out.push_str(&format!("{pad}# {row}\n"));
                row.clear();
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        out.push_str(&format!("{pad}# {row}\n"));
    }
}
