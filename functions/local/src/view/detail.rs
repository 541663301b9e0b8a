//! What stands below the line of a step that did not pass: assertions with their values, captures, errors, looks.

use assay_engine::job::{AssertionResult, JobError, JobResult, LookSummary, Part};
use assay_engine::record::What;
use assay_engine::status::{SkipReason, StepStatus};
use serde_json::Value as Json;

use super::paint::Paint;
use super::text::{clean, duration, hang, value};

/// Everything to say of an attempt that did not pass, each line indented.
pub(crate) fn of_result(result: &JobResult, paint: Paint, indent: usize) -> String {
    let mut out = of_assertions(&result.assertions, paint, indent);
    for capture in &result.failed_captures {
        let said = format!("capture {}: {}: {}", capture.name, capture.value, capture.reason);
        out.push_str(&line(indent, &paint.red(&hang(&clean(&said), indent + 2))));
    }
    if let Some(error) = &result.error {
        out.push_str(&of_error(error, paint, indent));
    }
    if let Some(looks) = &result.looks {
        out.push_str(&of_looks(looks, paint, indent));
    }
    if let Some(note) = note_of(result) {
        out.push_str(&line(indent, &paint.faint(&hang(&clean(&note), indent + 2))));
    }
    out
}

/// What came nearest, or what else people read first of the evidence. Of large evidence there is only the beginning of
/// its text, with the note in front.
fn note_of(result: &JobResult) -> Option<String> {
    match &result.evidence.as_ref()?.preview {
        Json::String(beginning) => {
            let rest = beginning.strip_prefix("{\"note\":")?;
            serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
        }
        whole => whole.get("note")?.as_str().map(str::to_owned),
    }
}

/// The failed assertions.
pub(crate) fn of_assertions(assertions: &[AssertionResult], paint: Paint, indent: usize) -> String {
    let mut out = String::new();
    for assertion in assertions.iter().filter(|assertion| !assertion.passed) {
        let soft = if assertion.soft { " (soft)" } else { "" };
        out.push_str(&line(indent, &format!("{}{soft}", paint.red(&hang(&clean(&assertion.that), indent + 2)))));
        if let Some(message) = &assertion.message {
            out.push_str(&line(indent + 2, &format!("means: {}", hang(&clean(message), indent + 4))));
        }
        for part in &assertion.parts {
            out.push_str(&line(indent + 2, &of_part(part, paint)));
        }
        let told = |reason: &&String| !assertion.parts.iter().any(|part| part.note.as_ref() == Some(*reason));
        if let Some(reason) = assertion.reason.as_ref().filter(told) {
            out.push_str(&line(indent + 2, &hang(&clean(reason), indent + 4)));
        }
    }
    out
}

fn of_part(part: &Part, paint: Paint) -> String {
    let text = clean(&part.text);
    let found = part.value.as_ref().map(value).unwrap_or_default();
    match (&part.value, &part.note) {
        (Some(_), None) => format!("{text} = {}", paint.bold(&found)),
        (Some(_), Some(note)) => format!("{text} = {} ({})", paint.bold(&found), clean(note)),
        // Why a part has no value says of itself which part that is.
        (None, Some(note)) if note.starts_with(&format!("{}: ", part.text)) => clean(note),
        (None, Some(note)) => format!("{text}: {}", clean(note)),
        (None, None) => format!("{text}: not evaluated"),
    }
}

/// An error: its message first, then its code.
pub(crate) fn of_error(error: &JobError, paint: Paint, indent: usize) -> String {
    let said = hang(&clean(&error.message), indent + 2);
    line(indent, &format!("{} {}", paint.red(&said), paint.faint(&format!("({})", error.code))))
}

fn of_looks(looks: &LookSummary, paint: Paint, indent: usize) -> String {
    let last = looks.kept.last().and_then(|look| look.note.as_deref());
    let count = if looks.count == 1 { "1 look".to_owned() } else { format!("{} looks", looks.count) };
    let said = match last {
        Some(note) => format!("{count}; at the last one: {}", clean(note)),
        None => count,
    };
    line(indent, &paint.faint(&hang(&said, indent + 2)))
}

/// The first thing to say of a result in one line: for the summary.
pub(crate) fn headline(result: Option<&JobResult>, own: &[AssertionResult], error: Option<&JobError>) -> String {
    if let Some(error) = error.or(result.and_then(|result| result.error.as_ref())) {
        return first_line(&error.message);
    }
    let assertions = result.map_or(own, |result| if own.is_empty() { &result.assertions } else { own });
    let failed = assertions.iter().find(|a| !a.passed && !a.soft).or(assertions.iter().find(|a| !a.passed));
    if let Some(failed) = failed {
        let mut said = first_line(&failed.that);
        let telling = failed.parts.iter().find(|part| part.value.as_ref().is_some_and(|v| !v.is_boolean()));
        if let Some((part, found)) = telling.and_then(|part| Some((part, part.value.as_ref()?))) {
            said.push_str(&format!(", but {} = {}", first_line(&part.text), short(found)));
        } else if let Some(reason) = &failed.reason {
            said.push_str(&format!(": {}", first_line(reason)));
        }
        return said;
    }
    match result.and_then(|result| result.failed_captures.first()) {
        Some(capture) => format!("capture {}: {}", capture.name, first_line(&capture.reason)),
        None => String::new(),
    }
}

fn short(found: &Json) -> String {
    let text = value(found);
    if text.chars().count() <= 80 { text } else { text.chars().take(77).chain("...".chars()).collect() }
}

fn first_line(text: &str) -> String {
    clean(text.trim().lines().next().unwrap_or_default())
}

fn line(indent: usize, text: &str) -> String {
    format!("{}{text}\n", " ".repeat(indent))
}

/// What stands behind the status of a step: how long it took, or why it did not run.
pub(crate) fn about(what: &What, instances: Option<u32>) -> String {
    let What::StepFinished { place, status, skipped, attempts, result, duration_ms, carried, .. } = what else {
        return String::new();
    };
    let counted = |count: u32, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let mut about = vec![match status {
        StepStatus::Skipped => skipped.map_or("", why_skipped).to_owned(),
        _ => duration(*duration_ms),
    }];
    if *attempts > 1 {
        about.push(counted(*attempts, "attempt"));
    }
    let looks = result.as_ref().and_then(|result| result.looks.as_ref());
    if let (StepStatus::Passed, Some(looks)) = (status, looks) {
        about.push(counted(looks.count, "look"));
    }
    if let (None, Some(count)) = (place.instance, instances) {
        about.push(counted(count, "instance"));
    }
    if let Some(carried) = carried {
        about.push(format!("carried over from {carried}"));
    }
    about.join(", ")
}

/// Why a step did not run.
pub(crate) fn why_skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Blocked => "blocked: a step that it needs did not pass",
        SkipReason::Condition => "its condition is false",
        SkipReason::Empty => "its list is empty",
        SkipReason::MissingValue => "a value that it names was never captured",
        SkipReason::LeftOut => "not asked for",
        SkipReason::HandedOver => "left to the rerun that goes on from here",
    }
}
