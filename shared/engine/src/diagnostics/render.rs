//! Diagnostics as text for people.

use std::fmt;

use super::code::Severity;
use super::list::{Diagnostic, Diagnostics};

/// How the text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Characters only.
    Plain,
    /// With ANSI colours.
    Colour,
}

impl Style {
    fn paint(self, code: &str, text: impl fmt::Display) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

const BLUE: &str = "34;1";
const BOLD: &str = "1";

impl Diagnostic {
    /// The place, the line with a caret, the code, what is wrong, what to do; several lines, the last one ended.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let severity = self.severity();
        let colour = if severity == Severity::Error { "31;1" } else { "33;1" };
        let label = style.paint(colour, format!("{}[{}]", severity.word(), self.code));
        let message = printable(&self.message);
        let mut out = match &self.place {
            Some(place) => {
                let at = format!("{}:{}:{}", printable(&place.file), place.line, place.column);
                format!("{}: {label}: {message}\n", style.paint(BOLD, at))
            }
            None => format!("{label}: {message}\n"),
        };
        let mut margin = String::new();
        if let Some(place) = &self.place {
            let number = place.line.to_string();
            margin = " ".repeat(number.len());
            let bar = style.paint(BLUE, "|");
            let before = place.column.saturating_sub(place.excerpt_column);
            let shown = place.excerpt.chars().count();
            let length = match place.end_line == place.line {
                true => place.end_column.saturating_sub(place.column),
                false => shown.saturating_sub(before),
            };
            let length = length.min(shown.saturating_sub(before)).max(1);
            let carets = style.paint(colour, "^".repeat(length));
            out.push_str(&format!(" {} {bar} {}\n", style.paint(BLUE, &number), printable(&place.excerpt)));
            out.push_str(&format!(" {margin} {bar} {}{carets}\n", " ".repeat(before)));
        }
        if let Some(hint) = &self.hint {
            let equals = style.paint(BLUE, "=");
            out.push_str(&format!(" {margin} {equals} hint: {}\n", printable(hint)));
        }
        out
    }
}

impl Diagnostics {
    /// All that are shown, with an empty line between two, and a count of the rest.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let shown: Vec<String> = self.iter().map(|one| one.render(style)).collect();
        let mut out = shown.join("\n");
        if self.total() > shown.len() {
            let rest = self.total() - shown.len();
            let problems = if rest == 1 { "problem is" } else { "problems are" };
            out.push_str(&format!("\n{rest} more {problems} not shown\n"));
        }
        out
    }
}

/// No text of a user moves the cursor or colours the terminal; a tab is one column wide.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
