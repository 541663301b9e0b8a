//! Markdown for the page of a CI job: the verdict, the flows, what did not pass.
//!
//! Data stands in code only, so that no name or body is ever read as Markdown, HTML, a link or a mention.

use std::fmt::Write as _;

use assay_engine::job::AssertionResult;
use assay_engine::status::ExecutionStatus;

use super::case::{Came, Case, Suite};
use super::report::Report;
use super::text::{bytes, counted, cut, details, details_of, duration, line, visible};

/// GitHub takes so many bytes of a job's summary.
const LIMIT: usize = 1024 * 1024;
/// What is kept free for saying what was left out.
const RESERVE: usize = 512;
/// Characters of a name, an expression or a value within a line.
const LONGEST: usize = 400;

pub(super) fn markdown(report: &Report) -> String {
    let suites = Suite::all(report);
    let mut page = Page { text: String::new(), left_out: 0 };
    page.add(&verdict(report));
    page.add("\n| | Flow | Steps | Time | Execution |\n|---|---|---|---|---|\n");
    for suite in &suites {
        page.add(&row(suite));
    }
    let mut problems = Vec::new();
    for suite in &suites {
        problems.extend(suite.unexplained().map(|(came, why)| whole(suite, came, &why)));
        let cases = suite.cases();
        let told = cases.iter().filter(|case| case.came.counts() || case.came == Came::Allowed || case.flaky());
        problems.extend(told.map(|case| problem(suite, case)));
    }
    if !problems.is_empty() {
        page.add("\n### What did not pass at once\n");
    }
    for text in &problems {
        page.add(text);
    }
    page.end()
}

/// A text that stays below the limit.
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    fn add(&mut self, piece: &str) {
        if self.text.len() + piece.len() + RESERVE > LIMIT {
            self.left_out += 1;
        } else {
            self.text.push_str(piece);
        }
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            let pieces = counted(self.left_out, "piece");
            let _ = writeln!(
                self.text,
                "\n> **Cut:** {pieces} of this summary are left out, because a job's page takes at most {}. \
                 The other reports have everything.",
                bytes(LIMIT as u64)
            );
        }
        self.text
    }
}

fn verdict(report: &Report) -> String {
    let flows = &report.executions;
    let passed = flows.iter().filter(|flow| flow.status == ExecutionStatus::Passed).count();
    let status = report.verdict();
    let mut out = match (flows.len(), status) {
        (0, _) => "## Nothing ran\n".to_owned(),
        (1, status) => format!("## {} {}: {}\n", sign(status), title(status), code(&flows[0].flow)),
        (all, ExecutionStatus::Passed) => format!("## {} Passed: all {all} flows\n", sign(status)),
        (all, status) => {
            format!("## {} {}: {} of {all} flows did not pass\n", sign(status), title(status), all - passed)
        }
    };
    let worst = flows.iter().find(|flow| flow.status == status && status != ExecutionStatus::Passed);
    if let Some((suite, case)) = worst.and_then(|flow| Suite::top(report, flow).first(report)) {
        let place = place(&suite, &case).map(|place| format!(" ({place})")).unwrap_or_default();
        let _ = writeln!(
            out,
            "\n**Look first at** {} of {}{place}: {}",
            code(&case.name()),
            code(&suite.name()),
            code(&case.reason())
        );
    } else if let Some(reason) = worst.and_then(|flow| flow.reason.as_ref()) {
        let _ = writeln!(out, "\n{}", code(reason));
    }
    out
}

fn row(suite: &Suite<'_>) -> String {
    let view = suite.view;
    let cases = suite.cases();
    let came = |ways: &[Came]| cases.iter().filter(|case| ways.contains(&case.came)).count();
    let kinds = [
        ("passed", came(&[Came::Passed])),
        ("flaky", cases.iter().filter(|case| case.flaky()).count()),
        ("failed", came(&[Came::Failed])),
        ("errored", came(&[Came::Errored])),
        ("out of time", came(&[Came::TimedOut])),
        ("allowed to fail", came(&[Came::Allowed])),
        ("skipped", came(&[Came::Skipped])),
        ("not ended", came(&[Came::Cancelled, Came::Unfinished])),
    ];
    let counts = kinds.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}"));
    format!(
        "| {} {} | {} | {} | {} | {} |\n",
        sign(view.status),
        view.status.word(),
        cell(&suite.name()),
        counts.collect::<Vec<_>>().join(", "),
        duration(view.duration_ms.unwrap_or(0)),
        cell(view.id.as_str())
    )
}

fn whole(suite: &Suite<'_>, came: Came, why: &str) -> String {
    format!("\n#### {} {}\n\n- {}\n", mark(came), code(&suite.name()), code(why))
}

fn problem(suite: &Suite<'_>, case: &Case<'_>) -> String {
    let place = case.place;
    let mark = if case.flaky() { "⚠️" } else { mark(case.came) };
    let mut about = vec![place.status.word().to_owned()];
    if case.came == Came::Allowed {
        about.push("allowed".to_owned());
    }
    if !case.earlier().is_empty() {
        about.push(format!("{} attempts", case.earlier().len() + 1));
    }
    about.push(duration(place.duration_ms.unwrap_or(0)));
    let mut out = format!("\n#### {mark} {} › {}: {}\n\n", code(&suite.name()), code(&case.name()), about.join(", "));
    if let Some(place) = self::place(suite, case) {
        let _ = writeln!(out, "{place}\n");
    }
    for assertion in place.all_assertions().iter().filter(|assertion| !assertion.passed) {
        out.push_str(&failed(assertion));
    }
    let told: Vec<String> = place.all_assertions().iter().map(crate::view::assertion_reason).collect();
    for line in details_of(place).iter().filter(|line| !told.contains(line)) {
        let _ = writeln!(out, "- {}", code(line));
    }
    for attempt in case.earlier() {
        let said = attempt.result.as_deref().map(|result| details(result).join("; ")).unwrap_or_default();
        let _ = writeln!(out, "- attempt {}: {}", attempt.number, code(&said));
    }
    if let Some(evidence) = place.result().and_then(|result| result.evidence.as_ref()).filter(|_| !case.flaky()) {
        let shown = match &evidence.preview {
            serde_json::Value::String(beginning) => beginning.clone(),
            whole => serde_json::to_string_pretty(whole).unwrap_or_default(),
        };
        let rest = evidence.blob.as_ref().map(|blob| format!(" (the beginning of {})", bytes(blob.size)));
        let _ = write!(out, "\n<details><summary>What it saw{}</summary>\n\n", rest.unwrap_or_default());
        out.push_str(&fenced(&shown));
        out.push_str("\n</details>\n");
    }
    out
}

fn failed(assertion: &AssertionResult) -> String {
    let soft = if assertion.soft { " (soft)" } else { "" };
    let mut out = format!("- ❌ {}{soft}\n", code(&assertion.that));
    if let Some(message) = &assertion.message {
        let _ = writeln!(out, "  - means: {}", code(message));
    }
    for part in assertion.parts.iter().filter(|part| part.text != assertion.that) {
        if let Some(value) = &part.value {
            let _ = writeln!(out, "  - {} is {}", code(&part.text), code(&value.to_string()));
        }
    }
    if let Some(reason) = &assertion.reason {
        let _ = writeln!(out, "  - {}", code(reason));
    }
    out
}

/// The file and line of a step, as far as they are known.
fn place(suite: &Suite<'_>, case: &Case<'_>) -> Option<String> {
    Some(code(&format!("{}:{}", suite.facts?.file, case.line()?)))
}

/// Inline code that holds the text whatever it is: one line, between more backticks than it has in a row.
fn code(text: &str) -> String {
    let text = cut(&line(text), LONGEST);
    if text.is_empty() {
        return "` `".to_owned();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// The same within a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A block of code that holds the text whatever it is.
fn fenced(text: &str) -> String {
    let text = visible(text);
    let ticks = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{ticks}json\n{text}\n{ticks}\n")
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn sign(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Passed => "✅",
        ExecutionStatus::Failed => "❌",
        ExecutionStatus::Errored => "💥",
        ExecutionStatus::TimedOut => "⏰",
        ExecutionStatus::Cancelled => "🚫",
        ExecutionStatus::Queued | ExecutionStatus::Running => "⏳",
    }
}

fn mark(came: Came) -> &'static str {
    match came {
        Came::Errored => "💥",
        Came::TimedOut => "⏰",
        Came::Allowed => "⚠️",
        _ => "❌",
    }
}

fn title(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Passed => "Passed",
        ExecutionStatus::Failed => "Failed",
        ExecutionStatus::Errored => "Errored",
        ExecutionStatus::TimedOut => "Out of time",
        ExecutionStatus::Cancelled => "Cancelled",
        ExecutionStatus::Queued | ExecutionStatus::Running => "Not ended",
    }
}
