//! The section of a flow: its verdict, what it was given, its steps.

use assay_engine::status::ExecutionStatus;
use serde_json::Value as Json;

use super::super::case::{Came, Case, Suite};
use super::super::report::Report;
use super::super::text::duration;
use super::lane::Span;
use super::markup::Markup;
use super::row::{Rows, sign};
use super::value::pairs;
use crate::view::ExecutionView;

/// The section of an execution at the top.
pub(super) fn section(out: &mut Markup, rows: &Rows<'_>, view: &ExecutionView, number: usize, open: bool) {
    let suite = Suite::top(rows.report, view);
    let came = verdict(view.status);
    out.raw("<section class=\"flow ").raw(super::row::class(came)).raw("\" id=\"f").number(number);
    out.raw("\"><details")
        .raw(if open { " open" } else { "" })
        .raw("><summary><h2><span class=\"sign\" aria-hidden=\"true\">");
    out.raw(sign(came))
        .raw("</span> ")
        .text(&view.flow)
        .raw("</h2> <span class=\"pill state\">")
        .text(said(view.status));
    out.raw("</span> <span class=\"faint\">").text(&counts(rows.report, &suite)).raw("</span>");
    out.element("span", "took", &duration(view.duration_ms.unwrap_or(0)));
    out.raw("</summary>");
    if let Some(description) = suite.facts.and_then(|facts| facts.description.as_deref()) {
        out.element("p", "about", description);
    }
    notices(out, &suite);
    given(out, &suite);
    let span = Span::of(view);
    if let Some(span) = span {
        out.raw("<div class=\"scale\">");
        span.axis(out);
        out.raw("<span class=\"took\"></span></div>");
    }
    rows.steps(out, &suite, span);
    out.raw("</details></section>");
}

/// What is said of the execution as a whole.
fn notices(out: &mut Markup, suite: &Suite<'_>) {
    let view = suite.view;
    if let Some((_, why)) = suite.unexplained() {
        out.raw("<div class=\"error\"><p>").text(&why).raw("</p></div>");
    }
    if let Some(worst) = view.worst {
        out.raw("<p>Until then, the worst of its steps was: ").text(worst.word()).raw("</p>");
    }
    if let Some(cleanup) = view.cleanup {
        out.raw("<p>Clean-up: ").text(cleanup.word()).raw("</p>");
    }
    for warning in &view.warnings {
        out.raw("<p class=\"warning\"><b>Warning</b> ");
        if let Some(step) = &warning.step {
            out.element("code", "", step).raw(": ");
        }
        out.text(&warning.message).raw("</p>");
    }
}

fn given(out: &mut Markup, suite: &Suite<'_>) {
    let view = suite.view;
    out.raw("<details class=\"fold given\"><summary>What it was given</summary>");
    let text = |text: &str| Json::String(text.to_owned());
    let mut facts: Vec<(String, Json)> = vec![("execution".into(), text(view.id.as_str()))];
    if let Some(known) = suite.facts {
        facts.push(("file".into(), text(&known.file)));
        facts.extend(known.environment.iter().map(|name| ("environment".to_owned(), text(name))));
    }
    facts.extend(view.version.iter().map(|version| ("version".to_owned(), text(version.as_str()))));
    facts.extend(view.started_at.iter().map(|at| ("started".to_owned(), text(&at.to_string()))));
    facts.extend(view.ended_at.iter().map(|at| ("ended".to_owned(), text(&at.to_string()))));
    if view.attempt > 1 {
        facts.push(("attempt".into(), view.attempt.into()));
    }
    facts.extend(view.labels.iter().map(|(name, value)| (format!("label {name}"), text(value))));
    facts.extend(view.inputs.iter().map(|(name, value)| (format!("input {name}"), value.clone())));
    pairs(out, facts.iter().map(|(name, value)| (name.as_str(), value)));
    out.raw("</details>");
}

/// Its cases by what they came to: `3 passed, 1 failed`, sub-flows included.
pub(super) fn counts(report: &Report, suite: &Suite<'_>) -> String {
    let mut cases: Vec<Case<'_>> = suite.cases();
    let mut below: Vec<Suite<'_>> = suite.view.children.iter().map(|child| suite.child(report, child)).collect();
    while let Some(child) = below.pop() {
        cases.extend(child.cases());
        below.extend(child.view.children.iter().map(|view| child.child(report, view)));
    }
    said_counts(&cases)
}

/// Cases by what they came to.
pub(super) fn said_counts(cases: &[Case<'_>]) -> String {
    let kinds = [
        (Came::Passed, "passed"),
        (Came::Failed, "failed"),
        (Came::Errored, "errored"),
        (Came::TimedOut, "out of time"),
        (Came::Allowed, "allowed to fail"),
        (Came::Skipped, "skipped"),
        (Came::Cancelled, "cancelled"),
        (Came::Unfinished, "not ended"),
    ];
    let counted = kinds.iter().map(|(came, word)| (cases.iter().filter(|case| case.came == *came).count(), *word));
    let flaky = cases.iter().filter(|case| case.flaky()).count();
    let said = counted.chain([(flaky, "flaky")]).filter(|(count, _)| *count > 0);
    said.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// What a verdict counts as.
pub(super) fn verdict(status: ExecutionStatus) -> Came {
    match status {
        ExecutionStatus::Passed => Came::Passed,
        ExecutionStatus::Failed => Came::Failed,
        ExecutionStatus::Errored => Came::Errored,
        ExecutionStatus::TimedOut => Came::TimedOut,
        ExecutionStatus::Cancelled => Came::Cancelled,
        ExecutionStatus::Queued | ExecutionStatus::Running => Came::Unfinished,
    }
}

/// A verdict in words.
pub(super) fn said(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::TimedOut => "out of time",
        ExecutionStatus::Queued | ExecutionStatus::Running => "not ended",
        other => other.word(),
    }
}
