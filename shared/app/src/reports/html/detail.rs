//! What stands below a step's row: assertions with their values, looks, captures, what it saw, each attempt.

use assay_engine::job::{AssertionResult, Captured, FailedCapture, JobError, JobResult, LookSummary};
use serde_json::{Value as Json, json};

use super::super::case::Case;
use super::super::report::Report;
use super::super::text::{between, bytes, counted, cut, duration, note};
use super::lane::{Span, said};
use super::markup::Markup;
use super::seen::seen;
use super::value::{inline, pairs};
use crate::view::{AttemptView, result_reason};

/// Characters of the reason in the line of an attempt.
const REASON: usize = 160;

/// Everything known of a step or an instance.
pub(super) fn detail(out: &mut Markup, report: &Report, span: Option<Span>, case: &Case<'_>, file: Option<&str>) {
    let place = case.place;
    out.raw("<div class=\"detail\">");
    if let Some(error) = &place.error {
        self::error(out, error);
    }
    assertions(out, &place.assertions);
    match place.attempts.as_slice() {
        [only] => attempt(out, report, span, only),
        several => {
            for (at, one) in several.iter().enumerate() {
                let last = at + 1 == several.len();
                out.raw(if last { "<details class=\"attempt\" open>" } else { "<details class=\"attempt\">" });
                out.raw("<summary><h4>Attempt ").number(one.number as usize);
                out.raw("</h4> <span class=\"faint\">").text(&about_attempt(one)).raw("</span></summary>");
                attempt(out, report, span, one);
                out.raw("</details>");
            }
        }
    }
    facts(out, span, case, file);
    out.raw("</div>");
}

fn about_attempt(attempt: &AttemptView) -> String {
    match &attempt.result {
        Some(result) => {
            let took = duration(between(result.started_at, result.ended_at));
            let why = result_reason(result).map(|why| format!(": {}", cut(&why, REASON))).unwrap_or_default();
            format!("{}, {took}{why}", said(result.outcome))
        }
        None => "no answer".to_owned(),
    }
}

fn attempt(out: &mut Markup, report: &Report, span: Option<Span>, attempt: &AttemptView) {
    let Some(result) = attempt.result.as_deref() else {
        out.element("p", "faint", "handed out, no answer");
        return;
    };
    let columns = result.evidence.is_some();
    out.raw(if columns { "<div class=\"columns\"><div class=\"told\">" } else { "<div><div class=\"told\">" });
    if let Some(error) = &result.error {
        self::error(out, error);
    }
    assertions(out, &result.assertions);
    failed_captures(out, &result.failed_captures);
    if let Some(note) = result.evidence.as_ref().and_then(note) {
        out.raw("<h4>Noted</h4><pre class=\"note\">").text(&note).raw("</pre>");
    }
    if let Some(looks) = &result.looks {
        self::looks(out, span, looks);
    }
    captures(out, result);
    artifacts(out, result);
    out.raw("</div>");
    if let Some(evidence) = &result.evidence {
        out.raw("<div class=\"seen\">");
        seen(out, report, evidence);
        out.raw("</div>");
    }
    out.raw("</div>");
}

/// An error with its code.
fn error(out: &mut Markup, error: &JobError) {
    out.raw("<div class=\"error\"><p>").text(&error.message).raw("</p><p class=\"faint\"><code>").text(&error.code);
    out.raw("</code> · <code>assay explain ").text(&error.code).raw("</code></p></div>");
}

/// Assertions, those that did not hold with the values of their parts.
pub(super) fn assertions(out: &mut Markup, assertions: &[AssertionResult]) {
    if assertions.is_empty() {
        return;
    }
    let failed = assertions.iter().filter(|assertion| !assertion.passed).count();
    out.raw("<h4>Assertions <span class=\"faint\">");
    let held = assertions.len() - failed;
    out.text(&if failed == 0 { format!("{held} held") } else { format!("{failed} did not hold, {held} held") });
    out.raw("</span></h4><ul class=\"assertions\">");
    // those that did not hold first
    for assertion in assertions.iter().filter(|one| !one.passed).chain(assertions.iter().filter(|one| one.passed)) {
        self::assertion(out, assertion);
    }
    out.raw("</ul>");
}

/// One assertion.
pub(super) fn assertion(out: &mut Markup, assertion: &AssertionResult) {
    let (class, sign, word) = match assertion.passed {
        true => ("<li class=\"held\">", "✓", "held: "),
        false => ("<li class=\"missed\">", "✗", "did not hold: "),
    };
    out.raw(class).raw("<span class=\"sign\" aria-hidden=\"true\">").raw(sign).raw("</span>");
    out.element("span", "hidden", word).element("code", "", &assertion.that);
    if assertion.soft {
        out.raw(" <span class=\"pill\">soft</span>");
    }
    if let Some(message) = &assertion.message {
        out.raw("<p class=\"means\">").text(message).raw("</p>");
    }
    let parts = || assertion.parts.iter().filter(|part| part.text != assertion.that);
    if parts().next().is_some() {
        out.raw("<table class=\"pairs values\"><tbody>");
        for part in parts() {
            out.raw("<tr><th scope=\"row\"><code>").text(&part.text).raw("</code></th><td>");
            match (&part.value, &part.note) {
                (Some(value), note) => {
                    json_value(out, value);
                    if let Some(note) = note {
                        out.raw(" ").element("span", "faint", note);
                    }
                }
                (None, Some(note)) => {
                    out.element("span", "faint", note);
                }
                (None, None) => {
                    out.element("span", "faint", "not evaluated");
                }
            }
            out.raw("</td></tr>");
        }
        out.raw("</tbody></table>");
    }
    let told = |reason: &&String| !assertion.parts.iter().any(|part| part.note.as_ref() == Some(*reason));
    if let Some(reason) = assertion.reason.as_ref().filter(told) {
        out.raw("<p>").text(reason).raw("</p>");
    }
    out.raw("</li>");
}

/// A value as JSON, so that a text and a number differ.
fn json_value(out: &mut Markup, value: &Json) {
    match value {
        Json::String(text) if text.len() <= 400 => {
            out.element("code", "", &value.to_string());
        }
        other => inline(out, other),
    }
}

fn failed_captures(out: &mut Markup, failed: &[FailedCapture]) {
    if failed.is_empty() {
        return;
    }
    out.raw("<h4>Captures without an answer</h4><ul class=\"assertions\">");
    for one in failed {
        out.raw("<li class=\"missed\"><span class=\"sign\" aria-hidden=\"true\">✗</span><code>").text(&one.name);
        out.raw(": ").text(&one.value).raw("</code><p>").text(&one.reason).raw("</p></li>");
    }
    out.raw("</ul>");
}

fn captures(out: &mut Markup, result: &JobResult) {
    if result.captures.is_empty() {
        return;
    }
    out.raw("<h4>Captured</h4>");
    let shown: Vec<(&String, Json)> = result.captures.iter().map(|(name, value)| (name, clear(value))).collect();
    pairs(out, shown.iter().map(|(name, value)| (name.as_str(), value)));
}

fn clear(captured: &Captured) -> Json {
    match captured {
        Captured::Clear(value) => value.clone(),
        Captured::Sealed(_) => json!("*** (sealed: it holds a secret)"),
        Captured::Deferred(_) => json!("*** (made only where it is used: it names a secret)"),
    }
}

fn looks(out: &mut Markup, span: Option<Span>, looks: &LookSummary) {
    out.raw("<h4>Looks <span class=\"faint\">").text(&counted(looks.count as usize, "look"));
    if (looks.kept.len() as u64) < u64::from(looks.count) {
        out.raw("; the first, the last and each change");
    }
    out.raw("</span></h4><table class=\"grid looks\"><tbody>");
    for look in &looks.kept {
        out.raw("<tr><td>").number(look.number as usize).raw("</td><td class=\"faint\">");
        if let Some(span) = span {
            out.text(&format!("+{}", duration(span.after(look.at))));
        }
        out.raw("</td><td>").text(said(look.outcome)).raw("</td><td>");
        out.text(look.note.as_deref().unwrap_or_default()).raw("</td></tr>");
    }
    out.raw("</tbody></table>");
}

fn artifacts(out: &mut Markup, result: &JobResult) {
    if result.artifacts.is_empty() {
        return;
    }
    out.raw("<h4>Artifacts</h4><ul>");
    for artifact in &result.artifacts {
        out.raw("<li>").element("b", "", &artifact.name).raw(" <span class=\"faint\">").text(&artifact.media_type);
        out.raw(", ").text(&bytes(artifact.blob.size)).raw(" · <code>").text(&artifact.blob.key);
        out.raw("</code></span></li>");
    }
    out.raw("</ul>");
}

/// Where and when.
fn facts(out: &mut Markup, span: Option<Span>, case: &Case<'_>, file: Option<&str>) {
    let place = case.place;
    let mut about = Vec::new();
    let instances = case.step.expanded.is_some() && case.index.is_none();
    if let (Some(file), Some(line), false) = (file, case.line(), instances) {
        about.push(format!("{file}:{line}"));
    }
    if let (Some(span), Some(at), false) = (span, place.started_at, instances) {
        about.push(format!("began at +{}", duration(span.after(at))));
    }
    about.extend(place.child.as_ref().map(|child| format!("ran {child}")));
    about.extend(place.carried.as_ref().map(|from| format!("carried over from {from}")));
    about.extend(place.undone.as_ref().map(|undone| match (&undone.error, undone.ok) {
        (_, true) => "taken back".to_owned(),
        (Some(error), false) => format!("not taken back: {}", error.message),
        (None, false) => "not taken back".to_owned(),
    }));
    if !about.is_empty() {
        out.element("p", "faint facts", &about.join(" · "));
    }
}
