//! Executions as records would make them.

use serde_json::{Value as Json, json};

use crate::reports::{Facts, Report, StepFacts};
use crate::view::{ExecutionView, StepView};

pub(super) fn result(outcome: &str, more: Json) -> Json {
    let mut whole =
        json!({"outcome": outcome, "startedAt": "2026-01-02T03:04:05Z", "endedAt": "2026-01-02T03:04:06.5Z"});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

pub(super) fn step(id: &str, status: &str, more: Json) -> Json {
    let mut whole = json!({"id": id, "finally": false, "status": status, "durationMs": 1500});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

pub(super) fn execution(status: &str, steps: Vec<Json>, more: Json) -> ExecutionView {
    let mut whole = json!({
        "id": "exe_report", "flow": "check <out>", "main": "flow.yaml", "attempt": 1, "status": status,
        "labels": {"team": "payments"}, "inputs": {}, "durationMs": 2500, "counts": {}, "steps": steps,
        "warnings": [], "lastSeq": 9, "startedAt": "2026-01-02T03:04:05Z",
    });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

/// A report of these, with no more than their records say.
pub(super) fn report(executions: Vec<ExecutionView>) -> Report {
    Report { executions, ..Report::default() }
}

/// Text that tries to be more than text in one format or another.
pub(super) const HOSTILE: &str =
    "</script><!--<b onclick=\"x\">'`|`` # \\ ::error::%0A\r\n\u{2028}\u{202e}gnp\u{1}]]>&amp;";

pub(super) fn attempts(list: Vec<Json>) -> Json {
    let numbered = list.into_iter().zip(1..).map(|(result, number)| json!({"number": number, "result": result}));
    json!({"attempts": numbered.collect::<Vec<_>>()})
}

pub(super) fn failed_assertion() -> Json {
    let parts = json!([{"text": "status", "value": 500}]);
    json!({"assertions": [{"that": "size(body) > 0", "passed": true},
                          {"that": "status == 200", "passed": false, "parts": parts}]})
}

pub(super) fn refused() -> Json {
    json!({"error": {"class": "connect", "code": "http.refused", "message": "nobody listens"}})
}

/// An execution with a step of every status that one can have, clean-up included, and what its text says of them.
pub(super) fn every_status() -> Report {
    let steps = vec![
        step("passed", "passed", attempts(vec![result("passed", json!({}))])),
        step("flaky", "passed", attempts(vec![result("errored", refused()), result("passed", json!({}))])),
        step("failed", "failed", attempts(vec![result("failed", failed_assertion())])),
        step(
            "soft",
            "failed",
            attempts(vec![result(
                "failed",
                json!({"assertions": [
            {"that": "status == 201", "passed": false, "soft": true, "parts": [{"text": "status", "value": 200}]}]}),
            )]),
        ),
        step("errored", "errored", attempts(vec![result("errored", refused()), result("errored", refused())])),
        step(
            "late",
            "timedOut",
            attempts(vec![result(
                "timedOut",
                json!({"error":
            {"class": "timeout", "code": "step.timeout", "message": "no answer within 30s"}}),
            )]),
        ),
        step("allowed", "failed", attempts(vec![result("failed", failed_assertion())])),
        step("blocked", "skipped", json!({"skipped": "blocked"})),
        step("condition", "skipped", json!({"skipped": "condition"})),
        step("stopped", "cancelled", json!({})),
        step(
            "each",
            "passed",
            json!({"expanded": 2, "instances": [
            {"index": 0, "status": "passed"}, {"index": 1, "status": "passed"}]}),
        ),
        step("clean", "passed", json!({"finally": true})),
    ];
    let mut report = report(vec![execution("errored", steps, json!({"endedAt": "2026-01-02T03:04:09Z"}))]);
    let view = &report.executions[0];
    let of = |(line, step): (usize, &StepView)| {
        let facts = StepFacts {
            type_name: "http".into(),
            line,
            assertions: vec![line + 1, line + 2],
            may_fail: step.id == "allowed",
            ..StepFacts::default()
        };
        (step.id.clone(), facts)
    };
    let steps = (1..).map(|number| number * 10).zip(&view.steps).map(of).collect();
    let facts = Facts { file: "flow.yaml".into(), steps, ..Facts::default() };
    report.facts.insert(view.id.clone(), facts);
    report.lies_in(&report.executions[0].id.clone(), "flows/pay,ments");
    report
}

/// A flow that ran another one, which failed.
pub(super) fn nested() -> Report {
    let child = execution(
        "failed",
        vec![step("charge", "failed", attempts(vec![result("failed", failed_assertion())]))],
        json!({"id": "exe_child", "flow": "pay"}),
    );
    let call = step(
        "call",
        "failed",
        json!({"child": "exe_child", "error":
        {"class": "error", "code": "flow.child", "message": "the sub-flow failed"}}),
    );
    report(vec![execution("failed", vec![call], json!({"children": [child]}))])
}

/// One whose every text is hostile.
pub(super) fn hostile() -> Report {
    let odd = json!({
        "assertions": [{"that": HOSTILE, "passed": false, "message": HOSTILE, "parts": [{"text": HOSTILE, "value": HOSTILE}]}],
        "captures": {HOSTILE: HOSTILE},
        "evidence": {"preview": {"note": HOSTILE, "sent": {"method": HOSTILE, "url": HOSTILE, "headers": {HOSTILE: HOSTILE},
            "body": HOSTILE}, "status": 500, "headers": {HOSTILE: HOSTILE}, "body": {HOSTILE: [HOSTILE]}}},
        "artifacts": [{"name": HOSTILE, "mediaType": HOSTILE, "key": HOSTILE, "size": 1, "sha256": "00"}],
        "looks": {"count": 2, "kept": [{"number": 1, "at": "2026-01-02T03:04:05Z", "outcome": "failed", "note": HOSTILE}]},
    });
    let rows = json!({"evidence": {"preview": {"rows": [{HOSTILE: HOSTILE}], "messages": [{"key": HOSTILE, "value": HOSTILE}],
        "entries": [{"timestamp": HOSTILE, "line": HOSTILE, "labels": {HOSTILE: HOSTILE}}], HOSTILE: HOSTILE}}});
    let steps = vec![
        step(HOSTILE, "failed", attempts(vec![result("failed", odd.clone()), result("failed", odd)])),
        step("rows", "passed", attempts(vec![result("passed", rows)])),
    ];
    let more = json!({"flow": HOSTILE, "labels": {HOSTILE: HOSTILE}, "inputs": {HOSTILE: HOSTILE}, "reason": HOSTILE,
                      "warnings": [{"step": HOSTILE, "message": HOSTILE}]});
    let mut report = report(vec![execution("failed", steps, more)]);
    let facts = StepFacts { type_name: HOSTILE.into(), name: Some(HOSTILE.into()), line: 3, ..StepFacts::default() };
    let steps = [(HOSTILE.to_owned(), facts)].into();
    let facts =
        Facts { file: HOSTILE.into(), description: Some(HOSTILE.into()), environment: Some(HOSTILE.into()), steps };
    report.facts.insert(report.executions[0].id.clone(), facts);
    report
}
