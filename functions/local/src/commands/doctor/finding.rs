//! What was found, and how it is told.

use serde_json::json;

use crate::view::Paint;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is wrong.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// Something may go wrong.
    Warning,
    /// Flows cannot run as they should.
    Failed,
}

/// What a check found.
#[derive(Debug)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it came out.
    pub(super) state: State,
    /// What was found.
    pub(super) said: String,
    /// What to do about it; empty when there is nothing to do.
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, state: State::Ok, said: said.into(), advice: String::new() }
    }

    pub(super) fn note(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Note, said: said.into(), advice: advice.into() }
    }

    pub(super) fn warning(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, said: said.into(), advice: advice.into() }
    }

    pub(super) fn failed(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Failed, said: said.into(), advice: advice.into() }
    }

    /// For people: a line, and below it what to do.
    pub(super) fn text(&self, width: usize, paint: Paint) -> String {
        let mark = match self.state {
            State::Ok => paint.faint("ok     "),
            State::Note => paint.faint("note   "),
            State::Warning => paint.yellow("warning"),
            State::Failed => paint.red("failed "),
        };
        let check = format!("{:<width$}", self.check);
        let mut lines = self.said.trim_end().lines();
        let mut text = format!("{mark}  {}  {}\n", paint.bold(&check), lines.next().unwrap_or_default());
        let pad = " ".repeat(width + 11);
        lines.for_each(|line| text.push_str(&format!("{pad}{line}\n")));
        if !self.advice.is_empty() {
            text.push_str(&format!("{pad}-> {}\n", self.advice));
        }
        text
    }

    /// For programs: one line.
    pub(super) fn json(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Warning => "warning",
            State::Failed => "failed",
        };
        let line = json!({"check": self.check, "state": state, "said": self.said, "advice": self.advice});
        format!("{line}\n")
    }
}
