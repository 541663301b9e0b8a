//! JUnit XML, as CI systems read it: a flow is a suite, each step or instance a case, clean-up too.

use std::time::Duration;

use assay_engine::job::{JobResult, Outcome};
use jiff::Timestamp;
use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, Report as Xml, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::case::{Came, Case, Suite};
use super::kind::ReportError;
use super::report::Report;
use super::text::{between, details, details_of};
use crate::view::{AttemptView, result_reason};

pub(super) fn junit(report: &Report) -> Result<String, ReportError> {
    let mut xml = Xml::new("assay");
    let total: u64 = report.executions.iter().filter_map(|execution| execution.duration_ms).sum();
    xml.set_time(Duration::from_millis(total));
    let began = report.executions.iter().filter_map(|execution| execution.started_at.or(execution.queued_at)).min();
    if let Some(at) = began.and_then(written) {
        xml.set_timestamp(at);
    }
    for one in Suite::all(report) {
        xml.add_test_suite(suite(&one));
    }
    xml.to_string().map(legal).map_err(|error| ReportError(error.to_string()))
}

/// Without the two characters that no XML 1.0 document may hold and that the writer lets through (section 2.2, `Char`);
/// it leaves out the control characters itself.
fn legal(text: String) -> String {
    if !text.contains(['\u{fffe}', '\u{ffff}']) {
        return text;
    }
    text.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

fn suite(one: &Suite<'_>) -> TestSuite {
    let execution = one.view;
    let mut suite = TestSuite::new(one.name());
    suite.add_property(Property::new("execution", execution.id.as_str()));
    suite.add_property(Property::new("status", execution.status.word()));
    suite.add_property(Property::new("attempt", execution.attempt.to_string()));
    for (label, value) in &execution.labels {
        suite.add_property(Property::new(format!("label.{label}"), value.as_str()));
    }
    suite.set_time(milliseconds(execution.duration_ms));
    if let Some(at) = execution.started_at.or(execution.queued_at).and_then(written) {
        suite.set_timestamp(at);
    }
    if let Some(facts) = one.facts {
        suite.extra.insert("file".into(), facts.file.as_str().into());
    }
    let cases = one.cases();
    let assertions: usize = cases.iter().map(|case| case.place.all_assertions().len()).sum();
    suite.extra.insert("assertions".into(), assertions.to_string().into());
    for case in &cases {
        suite.add_test_case(test_case(one, case));
    }
    if let Some((came, why)) = one.unexplained() {
        let mut status = TestCaseStatus::non_success(kind_of(came));
        status.set_type(execution.status.word());
        status.set_message(why);
        let mut case = TestCase::new("(execution)", status);
        case.set_classname(one.name());
        case.set_time(milliseconds(execution.duration_ms));
        suite.add_test_case(case);
    }
    suite
}

fn test_case(suite: &Suite<'_>, one: &Case<'_>) -> TestCase {
    let suite_name = suite.name();
    let mut case = TestCase::new(one.name(), status(one));
    case.set_classname(if one.step.finally { format!("{suite_name}.finally") } else { suite_name });
    case.set_time(milliseconds(one.place.duration_ms));
    case.set_assertions(one.place.all_assertions().len());
    if let Some(at) = one.place.started_at.and_then(written) {
        case.set_timestamp(at);
    }
    if let (Some(facts), Some(line)) = (suite.facts, one.line()) {
        case.extra.insert("file".into(), facts.file.as_str().into());
        case.extra.insert("line".into(), line.to_string().into());
    }
    if let Some(facts) = one.facts {
        case.add_property(Property::new("type", facts.type_name.as_str()));
    }
    let mut property = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            case.add_property(Property::new(name, value));
        }
    };
    property("child", one.place.child.as_ref().map(|id| id.as_str()));
    property("carriedOver", one.place.carried.as_ref().map(|id| id.as_str()));
    property("soft", one.soft().then_some("true"));
    property("allowed", (one.came == Came::Allowed).then(|| one.place.status.word()));
    let with_evidence = one.came.counts() || one.came == Came::Allowed;
    if let Some(shown) = one.place.result().and_then(|result| shown(result, with_evidence)) {
        case.set_system_out(shown);
    }
    case
}

fn status(case: &Case<'_>) -> TestCaseStatus {
    match case.came {
        Came::Passed => with_earlier_attempts(TestCaseStatus::success(), case, FlakyOrRerun::Flaky),
        Came::Failed | Came::Errored | Came::TimedOut => {
            let mut status = TestCaseStatus::non_success(kind_of(case.came));
            status.set_type(case.type_of());
            status.set_message(case.reason());
            status.set_description(details_of(case.place).join("\n"));
            with_earlier_attempts(status, case, FlakyOrRerun::Rerun)
        }
        Came::Allowed | Came::Skipped | Came::Cancelled | Came::Unfinished => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(case.reason());
            skipped
        }
    }
}

fn kind_of(came: Came) -> NonSuccessKind {
    if came == Came::Failed { NonSuccessKind::Failure } else { NonSuccessKind::Error }
}

fn with_earlier_attempts(mut status: TestCaseStatus, case: &Case<'_>, kind: FlakyOrRerun) -> TestCaseStatus {
    let reruns: Vec<TestRerun> = case.earlier().iter().filter_map(rerun).collect();
    if !reruns.is_empty() {
        status.set_rerun_kind(kind);
        status.add_reruns(reruns);
    }
    status
}

fn rerun(attempt: &AttemptView) -> Option<TestRerun> {
    let result = attempt.result.as_deref()?;
    let kind = if result.outcome == Outcome::Failed { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let mut rerun = TestRerun::new(kind);
    rerun.set_message(result_reason(result).unwrap_or_else(|| format!("attempt {}", attempt.number)));
    rerun.set_type(result.error.as_ref().map_or("failed", |error| error.code.as_str()));
    rerun.set_stack_trace(details(result).join("\n"));
    rerun.set_time(Duration::from_millis(between(result.started_at, result.ended_at)));
    if let Some(at) = written(result.started_at) {
        rerun.set_timestamp(at);
    }
    Some(rerun)
}

/// Where the step's artifacts lie; of one that did not pass also what it looked at, and where the whole of that lies.
fn shown(result: &JobResult, with_evidence: bool) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(evidence) = result.evidence.as_ref().filter(|_| with_evidence) {
        lines.push(match &evidence.preview {
            serde_json::Value::String(preview) => preview.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        });
        lines.extend(evidence.blob.iter().map(|blob| format!("… {} bytes in all: {}", blob.size, blob.key)));
    }
    let artifacts = result.artifacts.iter();
    lines.extend(artifacts.map(|artifact| format!("artifact {}: {}", artifact.name, artifact.blob.key)));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn milliseconds(duration: Option<u64>) -> Duration {
    Duration::from_millis(duration.unwrap_or(0))
}

/// JUnit writers want their own kind of instant.
fn written(at: Timestamp) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp_millis(at.as_millisecond())
}
