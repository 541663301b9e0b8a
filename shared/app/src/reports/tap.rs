//! TAP 14: a test point for each flow, with its steps as a subtest before it, and sub-flows as subtests within.

use std::fmt::Write as _;

use assay_engine::status::ExecutionStatus;

use super::case::{Came, Case, Suite};
use super::report::Report;
use super::text::{details, details_of, line};

pub(super) fn tap(report: &Report) -> String {
    let mut out = String::from("TAP version 14\n");
    let _ = writeln!(out, "1..{}", report.executions.len());
    for (number, view) in (1..).zip(&report.executions) {
        let suite = Suite::top(report, view);
        subtest(&mut out, report, &suite, 0);
        let ok = if view.status == ExecutionStatus::Passed { "ok" } else { "not ok" };
        let _ = writeln!(out, "{ok} {number} - {}", escaped(&view.flow));
        let mut about = vec![
            ("execution", quoted(view.id.as_str())),
            ("status", quoted(view.status.word())),
            ("duration_ms", view.duration_ms.unwrap_or(0).to_string()),
        ];
        about.extend(suite.facts.map(|facts| ("file", quoted(&facts.file))));
        about.extend(view.reason.as_ref().map(|reason| ("message", quoted(reason))));
        block(&mut out, "", &about, &[]);
    }
    out
}

fn subtest(out: &mut String, report: &Report, suite: &Suite<'_>, depth: usize) {
    let outer = "    ".repeat(depth);
    let inner = "    ".repeat(depth + 1);
    let cases = suite.cases();
    let unexplained = suite.unexplained();
    let _ = writeln!(out, "{outer}# Subtest: {}", escaped(&suite.view.flow));
    let _ = writeln!(out, "{inner}1..{}", cases.len() + usize::from(unexplained.is_some()));
    for (number, case) in (1..).zip(&cases) {
        if let Some(child) = suite.child_of(report, case.place) {
            subtest(out, report, &child, depth + 1);
        }
        point(out, &inner, number, suite, case);
    }
    if let Some((_, why)) = unexplained {
        let _ = writeln!(out, "{inner}not ok {} - (execution)", cases.len() + 1);
        let about = [("message", quoted(&why)), ("status", quoted(suite.view.status.word()))];
        block(out, &inner, &about, &[]);
    }
}

fn point(out: &mut String, indent: &str, number: usize, suite: &Suite<'_>, case: &Case<'_>) {
    let (word, directive) = match case.came {
        Came::Passed => ("ok", None),
        Came::Failed | Came::Errored | Came::TimedOut => ("not ok", None),
        // A test point that is expected to fail, and counts for nothing.
        Came::Allowed => ("not ok", Some("TODO")),
        Came::Skipped | Came::Cancelled | Came::Unfinished => ("ok", Some("SKIP")),
    };
    let _ = write!(out, "{indent}{word} {number} - {}", escaped(&case.name()));
    if let Some(directive) = directive {
        let _ = write!(out, " # {directive} {}", escaped(&case.reason()));
    }
    out.push('\n');
    let place = case.place;
    let mut about = Vec::new();
    if case.came != Came::Passed {
        about.push(("message", quoted(&case.reason())));
    }
    about.push(("status", quoted(place.status.word())));
    about.push(("duration_ms", place.duration_ms.unwrap_or(0).to_string()));
    if let (true, Some(facts), Some(line)) = (case.came.counts(), suite.facts, case.line()) {
        about.push(("file", quoted(&facts.file)));
        about.push(("line", line.to_string()));
    }
    if case.came.counts() {
        about.push(("code", quoted(&case.type_of())));
    }
    let mut lists = Vec::new();
    if case.came.counts() || case.came == Came::Allowed {
        lists.push(("details", details_of(place)));
    }
    let attempts = case.earlier().iter().filter_map(|attempt| {
        let result = attempt.result.as_deref()?;
        Some(format!("attempt {}: {}", attempt.number, details(result).join("; ")))
    });
    lists.push(("earlier_attempts", attempts.collect()));
    block(out, indent, &about, &lists);
}

/// Diagnostics: a block of YAML, two spaces further in. Texts are quoted as JSON is, so that none of them ends it.
fn block(out: &mut String, indent: &str, pairs: &[(&str, String)], lists: &[(&str, Vec<String>)]) {
    let _ = writeln!(out, "{indent}  ---");
    for (key, value) in pairs {
        let _ = writeln!(out, "{indent}  {key}: {value}");
    }
    for (key, items) in lists.iter().filter(|(_, items)| !items.is_empty()) {
        let _ = writeln!(out, "{indent}  {key}:");
        for item in items {
            let _ = writeln!(out, "{indent}    - {}", quoted(item));
        }
    }
    let _ = writeln!(out, "{indent}  ...");
}

/// A description or the reason of a directive: one line, in which nothing begins a directive.
fn escaped(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('#', "\\#")
}

/// A double-quoted scalar that YAML 1.2 and JSON read alike.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(u32::from(c), 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
