//! CTRF JSON. What its schema has no field for stands under `extra`, the only place that it leaves open.

use assay_engine::job::{Artifact, Outcome};
use assay_engine::status::ExecutionStatus;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::case::{Came, Case, Suite};
use super::kind::ReportError;
use super::report::Report;
use super::text::{between, details, details_of};
use crate::view::{AttemptView, result_reason};

/// The version of the format.
const SPEC: &str = "0.0.0";
/// Whose report it is.
const TOOL: &str = "assay";

pub(super) fn ctrf(report: &Report) -> Result<String, ReportError> {
    let suites = Suite::all(report);
    let tests: Vec<Json> = suites.iter().flat_map(tests_of).collect();
    let ids: Vec<&str> = report.executions.iter().map(|execution| execution.id.as_str()).collect();
    let ended = report.executions.iter().filter_map(|execution| execution.ended_at).max();
    let mut whole = json!({
        "reportFormat": "CTRF", "specVersion": SPEC, "reportId": uuid(&ids),
        "generatedBy": format!("{TOOL} {}", env!("CARGO_PKG_VERSION")),
        "results": {
            "tool": {"name": TOOL, "version": env!("CARGO_PKG_VERSION")},
            "summary": summary(report, &suites, &tests),
            "tests": tests,
            "extra": {"executions": executions(&suites)},
        },
    });
    if let Some(ended) = ended {
        whole["timestamp"] = ended.to_string().into();
    }
    if let Some(environment) = suites.iter().find_map(|suite| suite.facts?.environment.as_deref()) {
        whole["results"]["environment"] = json!({"testEnvironment": environment});
    }
    let text = serde_json::to_string_pretty(&whole).map_err(|error| ReportError(error.to_string()))?;
    Ok(text + "\n")
}

fn summary(report: &Report, suites: &[Suite<'_>], tests: &[Json]) -> Json {
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let start = report.executions.iter().filter_map(|execution| execution.started_at.or(execution.queued_at)).min();
    let stop = report.executions.iter().filter_map(|execution| execution.ended_at).max();
    let start = start.map_or(0, Timestamp::as_millisecond);
    let stop = stop.map_or(start, Timestamp::as_millisecond);
    json!({
        "tests": tests.len(), "passed": count("passed"), "failed": count("failed"), "skipped": count("skipped"),
        "pending": count("pending"), "other": count("other"),
        "flaky": tests.iter().filter(|test| test["flaky"] == true).count(),
        "suites": suites.len(), "start": start, "stop": stop, "duration": stop - start,
    })
}

/// What a reader cannot tell from the tests: the verdicts themselves.
fn executions(suites: &[Suite<'_>]) -> Json {
    let one = |suite: &Suite<'_>| {
        let view = suite.view;
        let mut one = json!({"id": view.id, "suite": suite.path, "status": view.status, "attempt": view.attempt});
        if let Some(reason) = &view.reason {
            one["reason"] = reason.as_str().into();
        }
        one
    };
    suites.iter().map(one).collect()
}

fn tests_of(suite: &Suite<'_>) -> Vec<Json> {
    let mut tests: Vec<Json> = suite.cases().iter().map(|case| test(suite, case)).collect();
    if let Some((_, why)) = suite.unexplained() {
        let view = suite.view;
        tests.push(json!({
            "id": id(suite, "(execution)"), "name": "(execution)", "status": of_execution(view.status),
            "rawStatus": view.status, "duration": view.duration_ms.unwrap_or(0), "suite": suite.path, "message": why,
            "extra": {"execution": view.id},
        }));
    }
    tests
}

fn of_execution(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Queued | ExecutionStatus::Running => "pending",
        ExecutionStatus::Cancelled => "other",
        _ => "failed",
    }
}

fn word(came: Came) -> &'static str {
    match came {
        Came::Passed => "passed",
        Came::Failed | Came::Errored | Came::TimedOut => "failed",
        Came::Skipped => "skipped",
        Came::Unfinished => "pending",
        Came::Allowed | Came::Cancelled => "other",
    }
}

fn test(suite: &Suite<'_>, case: &Case<'_>) -> Json {
    let (place, name) = (case.place, case.name());
    let mut test = Map::new();
    let mut set = |key: &str, value: Json| test.insert(key.to_owned(), value);
    set("id", id(suite, &name).into());
    set("name", name.into());
    set("status", word(case.came).into());
    set("rawStatus", place.status.word().into());
    set("duration", place.duration_ms.unwrap_or(0).into());
    set("suite", json!(suite.path));
    if let (Some(start), Some(stop)) = (place.started_at, place.ended_at) {
        set("start", start.as_millisecond().into());
        set("stop", stop.as_millisecond().into());
    }
    if case.came != Came::Passed {
        set("message", case.reason().into());
        let trace = details_of(place).join("\n");
        if !trace.is_empty() {
            set("trace", trace.into());
        }
    }
    if let (Some(facts), Some(line)) = (suite.facts, case.line()) {
        set("filePath", facts.file.as_str().into());
        set("line", line.into());
    }
    if let Some(facts) = case.facts {
        set("tags", json!([facts.type_name]));
    }
    if !suite.view.labels.is_empty() {
        set("labels", json!(suite.view.labels));
    }
    let attempts: Vec<Json> = case.earlier().iter().filter_map(attempt).collect();
    set("retries", attempts.len().into());
    if !attempts.is_empty() {
        set("retryAttempts", attempts.into());
    }
    set("flaky", case.flaky().into());
    if !place.all_assertions().is_empty() {
        set("steps", place.all_assertions().iter().map(assertion).collect());
    }
    if let Some(result) = place.result().filter(|result| !result.artifacts.is_empty()) {
        set("attachments", result.artifacts.iter().map(attachment).collect());
    }
    set("extra", extra(suite, case));
    Json::Object(test)
}

/// An assertion, as a step of its test.
fn assertion(one: &assay_engine::job::AssertionResult) -> Json {
    let status = if one.passed { "passed" } else { "failed" };
    let mut step = json!({"name": one.that, "status": status});
    if !one.passed || one.message.is_some() || one.soft {
        step["extra"] = json!({"message": one.message, "soft": one.soft, "reason": one.reason, "parts": one.parts});
    }
    step
}

fn attachment(artifact: &Artifact) -> Json {
    let extra = json!({"size": artifact.blob.size, "sha256": artifact.blob.sha256});
    json!({"name": artifact.name, "contentType": artifact.media_type, "path": artifact.blob.key, "extra": extra})
}

fn attempt(attempt: &AttemptView) -> Option<Json> {
    let result = attempt.result.as_deref()?;
    let status = match result.outcome {
        Outcome::Passed => "passed",
        Outcome::Cancelled => "other",
        Outcome::Failed | Outcome::Errored | Outcome::TimedOut => "failed",
    };
    let mut one = json!({
        "attempt": attempt.number.max(1), "status": status, "duration": between(result.started_at, result.ended_at),
        "start": result.started_at.as_millisecond(), "stop": result.ended_at.as_millisecond(),
        "extra": {"rawStatus": result.outcome},
    });
    if let Some(reason) = result_reason(result) {
        one["message"] = reason.into();
        one["trace"] = details(result).join("\n").into();
    }
    if !result.artifacts.is_empty() {
        one["attachments"] = result.artifacts.iter().map(attachment).collect();
    }
    Some(one)
}

fn extra(suite: &Suite<'_>, case: &Case<'_>) -> Json {
    let place = case.place;
    let mut extra = json!({"execution": suite.view.id, "finally": case.step.finally});
    let mut set = |key: &str, value: Json| {
        if !value.is_null() && value != Json::Bool(false) {
            extra[key] = value;
        }
    };
    set("skipped", json!(place.skipped));
    set("carriedOver", json!(place.carried));
    set("child", json!(place.child));
    set("soft", case.soft().into());
    set("allowed", (case.came == Came::Allowed).into());
    set("looks", json!(place.result().and_then(|result| result.looks.as_ref())));
    extra
}

fn id(suite: &Suite<'_>, name: &str) -> String {
    let mut parts: Vec<&str> = suite.path.iter().map(String::as_str).collect();
    parts.push(name);
    uuid(&parts)
}

/// A UUID of version 8 that belongs to these parts: the same step has the same one in every run.
fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hash = hash.finalize();
    let mut number = u128::from_be_bytes(std::array::from_fn(|at| hash[at]));
    number = number & !(0xf << 76) | (8 << 76);
    number = number & !(0x3 << 62) | (0x2 << 62);
    let text = format!("{number:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
