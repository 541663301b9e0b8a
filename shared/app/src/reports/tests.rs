//! A report says what the records say.

use assay_engine::status::ExecutionStatus;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use serde_json::{Value as Json, json};

use super::junit;
use crate::view::ExecutionView;

fn result(outcome: &str, more: Json) -> Json {
    let mut whole =
        json!({"outcome": outcome, "startedAt": "2026-01-02T03:04:05Z", "endedAt": "2026-01-02T03:04:06.5Z"});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

fn step(id: &str, status: &str, more: Json) -> Json {
    let mut whole = json!({"id": id, "finally": false, "status": status, "durationMs": 1500});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

fn execution(status: &str, steps: Vec<Json>, more: Json) -> ExecutionView {
    let mut whole = json!({
        "id": "exe_report", "flow": "check <out>", "main": "flow.yaml", "attempt": 1, "status": status,
        "labels": {"team": "payments"}, "inputs": {}, "durationMs": 2500, "counts": {}, "steps": steps,
        "warnings": [], "lastSeq": 9, "startedAt": "2026-01-02T03:04:05Z",
    });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn read(execution: ExecutionView) -> (String, Report) {
    let text = junit(&[execution]).unwrap();
    let report = Report::deserialize_from_str(&text).unwrap();
    (text, report)
}

fn case<'a>(report: &'a Report, name: &str) -> &'a TestCase {
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    cases.into_iter().find(|case| case.name.as_str() == name).unwrap()
}

#[test]
fn a_failed_step_says_what_failed_with_its_values_and_shows_its_evidence() {
    let failed = result(
        "failed",
        json!({
            "assertions": [{"that": "status == 200", "passed": false, "parts": [{"text": "status", "value": 500}]}],
            "evidence": {"preview": {"status": 500, "body": "<html>"},
                         "blob": {"key": "org_a/exe_report/x", "size": 9000, "sha256": "00"}},
        }),
    );
    let steps = vec![step("pay", "failed", json!({"attempts": [{"number": 1, "result": failed}]}))];
    let (_, report) = read(execution("failed", steps, json!({})));
    let pay = case(&report, "pay");
    let TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, message: Some(message), .. } = &pay.status else {
        panic!("{pay:?}")
    };
    assert_eq!(message.as_str(), "status == 200 (status = 500)");
    let evidence = pay.system_out.as_ref().unwrap().as_str();
    assert!(evidence.contains("<html>") && evidence.contains("org_a/exe_report/x"), "{evidence}");
    assert_eq!(pay.time.unwrap().as_millis(), 1500);
    let suite = &report.test_suites[0];
    assert_eq!((suite.name.as_str(), suite.tests, suite.failures, suite.errors), ("check <out>", 1, 1, 0));
    let property = |name: &str| suite.properties.iter().find(|one| one.name.as_str() == name).unwrap().value.as_str();
    assert_eq!((property("execution"), property("label.team")), ("exe_report", "payments"));
}

#[test]
fn earlier_attempts_are_flaky_runs_of_a_passed_step_and_reruns_of_another() {
    let attempts = |last: &str| {
        let error = json!({"error": {"class": "connect", "code": "http.refused", "message": "refused"}});
        json!({"attempts": [{"number": 1, "result": result("errored", error.clone())},
                            {"number": 2, "result": result(last, if last == "passed" { json!({}) } else { error })}]})
    };
    let steps = vec![step("ok", "passed", attempts("passed")), step("no", "errored", attempts("errored"))];
    let (text, report) = read(execution("errored", steps, json!({})));
    assert!(text.contains("<flakyError") && text.contains("<rerunError"), "{text}");
    let TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, ty: Some(ty), .. } = &case(&report, "no").status
    else {
        panic!("{text}")
    };
    assert_eq!(ty.as_str(), "http.refused");
}

#[test]
fn instances_and_clean_up_are_cases_and_blocked_steps_are_skipped() {
    let steps = vec![
        step(
            "each",
            "passed",
            json!({"expanded": 2, "instances": [
            {"index": 0, "status": "passed"}, {"index": 1, "status": "passed"}]}),
        ),
        step("blocked", "skipped", json!({"skipped": "blocked"})),
        step("clean", "passed", json!({"finally": true})),
    ];
    let (_, report) = read(execution("passed", steps, json!({})));
    let names: Vec<&str> = report.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["each[0]", "each[1]", "blocked", "clean"]);
    assert!(matches!(case(&report, "blocked").status, TestCaseStatus::Skipped { .. }));
    assert_eq!(case(&report, "clean").classname.as_ref().unwrap().as_str(), "check <out>.finally");
}

#[test]
fn a_verdict_that_no_step_explains_is_a_case_of_its_own() {
    let more = json!({"stop": {"by": "ann", "forced": false}});
    let steps = vec![step("a", "cancelled", json!({}))];
    let cancelled = execution("cancelled", steps, more);
    assert_eq!(cancelled.status, ExecutionStatus::Cancelled);
    let (_, report) = read(cancelled);
    let TestCaseStatus::NonSuccess { message: Some(message), .. } = &case(&report, "(execution)").status else {
        panic!("{report:?}")
    };
    assert_eq!(message.as_str(), "stopped by ann");
    let (_, report) = read(execution("passed", vec![step("a", "passed", json!({}))], json!({})));
    assert_eq!(report.test_suites[0].test_cases.len(), 1);
}

#[test]
fn characters_that_xml_cannot_hold_do_not_break_the_report() {
    let failed = result(
        "failed",
        json!({"assertions": [{"that": "x == 'a\u{1}\u{0}<&]]>\u{fffe}\u{ffff}\u{b}\u{7f}'", "passed": false}],
               "evidence": {"preview": {"body": "\u{ffff}"}}}),
    );
    let steps = vec![step("odd", "failed", json!({"attempts": [{"number": 1, "result": failed}]}))];
    let (text, report) = read(execution("failed", steps, json!({})));
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(legal), "{text}");
    assert!(text.contains("\\u{fffe}"), "{text}");
    assert!(matches!(case(&report, "odd").status, TestCaseStatus::NonSuccess { .. }));
}

#[test]
fn evidence_is_for_those_that_did_not_pass() {
    let looked = |outcome: &str| {
        let result = result(outcome, json!({"evidence": {"preview": {"body": "looked at"}}}));
        json!({"attempts": [{"number": 1, "result": result}]})
    };
    let steps = vec![step("ok", "passed", looked("passed")), step("no", "failed", looked("failed"))];
    let (_, report) = read(execution("failed", steps, json!({})));
    assert!(case(&report, "ok").system_out.is_none());
    assert!(case(&report, "no").system_out.as_ref().unwrap().as_str().contains("looked at"));
}
