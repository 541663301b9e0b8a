//! JUnit XML, as CI systems read it: a flow is a suite, each step or instance a case, clean-up too.

use std::time::Duration;

use assay_engine::job::{JobResult, Outcome};
use assay_engine::status::{ExecutionStatus, StepStatus};
use jiff::Timestamp;
use quick_junit::{FlakyOrRerun, NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use crate::view::{AttemptView, ExecutionView, PlaceView, StepView, assertion_reason, result_reason};

/// The report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write the JUnit report: {0}")]
pub struct JunitError(String);

/// The report of these executions, in their order. Sub-flows that were asked for are suites of their own.
///
/// # Errors
/// When a text cannot be written as XML.
pub fn junit(executions: &[ExecutionView]) -> Result<String, JunitError> {
    let mut report = Report::new("assay");
    let mut total = Duration::ZERO;
    for execution in executions {
        total += milliseconds(execution.duration_ms);
        add_suites(&mut report, execution, &execution.flow);
    }
    report.set_time(total);
    report.to_string().map(legal).map_err(|error| JunitError(error.to_string()))
}

/// Without the two characters that no XML 1.0 document may hold and that the writer lets through (section 2.2, `Char`);
/// it leaves out the control characters itself.
fn legal(text: String) -> String {
    if !text.contains(['\u{fffe}', '\u{ffff}']) {
        return text;
    }
    text.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

fn add_suites(report: &mut Report, execution: &ExecutionView, name: &str) {
    let mut suite = TestSuite::new(name);
    suite.add_property(Property::new("execution", execution.id.as_str()));
    suite.add_property(Property::new("status", execution.status.word()));
    for (label, value) in &execution.labels {
        suite.add_property(Property::new(format!("label.{label}"), value.as_str()));
    }
    suite.set_time(milliseconds(execution.duration_ms));
    if let Some(at) = execution.started_at.or(execution.queued_at).and_then(written) {
        suite.set_timestamp(at);
    }
    for step in &execution.steps {
        add_cases(&mut suite, execution, step);
    }
    if let Some(case) = case_of_the_whole(execution) {
        suite.add_test_case(case);
    }
    report.add_test_suite(suite);
    for child in &execution.children {
        add_suites(report, child, &format!("{name} / {}", child.flow));
    }
}

fn add_cases(suite: &mut TestSuite, execution: &ExecutionView, step: &StepView) {
    if step.instances.is_empty() {
        suite.add_test_case(case(execution, step, &step.id, &step.place));
        return;
    }
    for instance in &step.instances {
        let name = format!("{}[{}]", step.id, instance.index);
        suite.add_test_case(case(execution, step, &name, &instance.place));
    }
}

/// A verdict that no step explains is a case of its own, so that a report is never greener than its execution.
fn case_of_the_whole(execution: &ExecutionView) -> Option<TestCase> {
    let explained = execution.steps.iter().any(|step| {
        let instances = step.instances.iter().map(|instance| instance.place.status);
        instances.chain([step.place.status]).any(|status| kind_of(status).is_some())
    });
    let kind = match execution.status {
        ExecutionStatus::Passed => return None,
        ExecutionStatus::Failed if explained => return None,
        ExecutionStatus::Errored if explained && execution.reason.is_none() => return None,
        ExecutionStatus::Failed => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(execution.status.word());
    let by = execution.stop.as_ref().map(|stop| format!("stopped by {}", stop.by));
    let why = execution.reason.clone().or(by).unwrap_or_else(|| format!("the execution {}", has(execution.status)));
    status.set_message(why);
    let mut case = TestCase::new("(execution)", status);
    case.set_classname(execution.flow.as_str());
    case.set_time(milliseconds(execution.duration_ms));
    Some(case)
}

fn has(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Cancelled => "was cancelled",
        ExecutionStatus::TimedOut => "was out of time",
        ExecutionStatus::Queued | ExecutionStatus::Running => "has not ended",
        _ => "did not pass",
    }
}

fn case(execution: &ExecutionView, step: &StepView, name: &str, place: &PlaceView) -> TestCase {
    let mut case = TestCase::new(name, case_status(place));
    let class = if step.finally { format!("{}.finally", execution.flow) } else { execution.flow.clone() };
    case.set_classname(class);
    case.set_time(milliseconds(place.duration_ms));
    case.set_assertions(place.all_assertions().len());
    if let Some(at) = place.started_at.and_then(written) {
        case.set_timestamp(at);
    }
    if let Some(child) = &place.child {
        case.add_property(Property::new("child", child.as_str()));
    }
    if let Some(from) = &place.carried {
        case.add_property(Property::new("carriedOver", from.as_str()));
    }
    if let Some(shown) = place.result().and_then(|result| shown(result, kind_of(place.status).is_some())) {
        case.set_system_out(shown);
    }
    case
}

fn case_status(place: &PlaceView) -> TestCaseStatus {
    let Some(kind) = kind_of(place.status) else {
        return match place.status {
            StepStatus::Passed => with_earlier_attempts(TestCaseStatus::success(), place, FlakyOrRerun::Flaky),
            _ => {
                let mut skipped = TestCaseStatus::skipped();
                skipped.set_message(place.reason().unwrap_or_else(|| place.status.word().to_owned()));
                skipped
            }
        };
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(type_of(place));
    status.set_message(place.reason().unwrap_or_else(|| place.status.word().to_owned()));
    status.set_description(details(place));
    with_earlier_attempts(status, place, FlakyOrRerun::Rerun)
}

fn kind_of(status: StepStatus) -> Option<NonSuccessKind> {
    match status {
        StepStatus::Failed => Some(NonSuccessKind::Failure),
        StepStatus::Errored | StepStatus::TimedOut | StepStatus::Cancelled => Some(NonSuccessKind::Error),
        StepStatus::Pending | StepStatus::Ready | StepStatus::Running | StepStatus::Passed | StepStatus::Skipped => {
            None
        }
    }
}

/// The error's code where there is one: what tools group by.
fn type_of(place: &PlaceView) -> String {
    let error = place.error.as_ref().or_else(|| place.result().and_then(|result| result.error.as_ref()));
    error.map_or_else(|| place.status.word().to_owned(), |error| error.code.clone())
}

/// Every failed assertion and capture, a line each.
fn details(place: &PlaceView) -> String {
    let failed = place.all_assertions().iter().filter(|assertion| !assertion.passed).map(assertion_reason);
    let captures = place.result().map(|result| result.failed_captures.as_slice()).unwrap_or_default();
    let captures =
        captures.iter().map(|failed| format!("capture {}: {}: {}", failed.name, failed.value, failed.reason));
    failed.chain(captures).collect::<Vec<_>>().join("\n")
}

fn with_earlier_attempts(mut status: TestCaseStatus, place: &PlaceView, kind: FlakyOrRerun) -> TestCaseStatus {
    let earlier = place.attempts.len().saturating_sub(1);
    let reruns: Vec<TestRerun> = place.attempts.iter().take(earlier).filter_map(rerun).collect();
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
    let took = result.ended_at.duration_since(result.started_at);
    rerun.set_time(Duration::try_from(took).unwrap_or(Duration::ZERO));
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
