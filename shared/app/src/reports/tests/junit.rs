//! JUnit, read back by the crate that wrote it and by another XML reader.

use std::collections::BTreeMap;

use assay_engine::status::ExecutionStatus;
use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus};
use serde_json::json;

use super::{Kind, every_status, execution, hostile, nested, result, step, write};
use crate::view::ExecutionView;

fn read_all(report: &super::Report) -> (String, Xml) {
    let text = write(Kind::Junit, report).unwrap();
    let xml = Xml::deserialize_from_str(&text).unwrap();
    (text, xml)
}

fn read(execution: ExecutionView) -> (String, Xml) {
    read_all(&super::report(vec![execution]))
}

fn case<'a>(report: &'a Xml, name: &str) -> &'a TestCase {
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

/// The element that says what a case came to, as a reader that knows no dialect sees it.
fn told(text: &str) -> BTreeMap<String, String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    let about = |case: roxmltree::Node<'_, '_>| {
        let words = ["failure", "error", "skipped", "flakyFailure", "flakyError", "rerunFailure", "rerunError"];
        let found = case.children().filter(|node| words.contains(&node.tag_name().name()));
        let said = found.map(|node| format!("{} {}", node.tag_name().name(), node.attribute("type").unwrap_or("-")));
        (case.attribute("name").unwrap().to_owned(), said.collect::<Vec<_>>().join(", "))
    };
    cases.map(about).collect()
}

#[test]
fn each_status_is_what_the_table_says() {
    let (text, _) = read_all(&every_status());
    let told = told(&text);
    let expected = [
        ("passed", ""),
        ("flaky", "flakyError http.refused"),
        ("failed", "failure failed"),
        ("soft", "failure failed"),
        ("errored", "error http.refused, rerunError http.refused"),
        ("late", "error step.timeout"),
        ("allowed", "skipped -"),
        ("blocked", "skipped -"),
        ("condition", "skipped -"),
        ("stopped", "skipped -"),
        ("each[0]", ""),
        ("each[1]", ""),
        ("clean", ""),
    ];
    let expected: BTreeMap<String, String> = expected.map(|(name, said)| (name.to_owned(), said.to_owned())).into();
    assert_eq!(told, expected);
}

#[test]
fn counts_times_and_places_are_attributes_that_other_readers_know() {
    let (text, _) = read_all(&every_status());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.root_element();
    let suite = suites.first_element_child().unwrap();
    for (node, name, value) in [
        (suites, "tests", "13"),
        (suites, "failures", "2"),
        (suites, "errors", "2"),
        (suites, "skipped", "4"),
        (suite, "tests", "13"),
        (suite, "failures", "2"),
        (suite, "errors", "2"),
        (suite, "skipped", "4"),
        (suite, "time", "2.500"),
        (suite, "timestamp", "2026-01-02T03:04:05.000+00:00"),
        (suite, "file", "flows/pay,ments/flow.yaml"),
        (suite, "assertions", "5"),
    ] {
        assert_eq!(node.attribute(name), Some(value), "{name} of {text}");
    }
    let failed = document.descendants().find(|node| node.attribute("name") == Some("failed")).unwrap();
    // the line of the assertion that did not hold: its second one
    assert_eq!((failed.attribute("line"), failed.attribute("time")), (Some("32"), Some("1.500")));
    assert_eq!(failed.attribute("classname"), Some("check <out>"));
}

#[test]
fn a_sub_flow_is_a_suite_of_its_own() {
    let (text, report) = read_all(&nested());
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["check <out>", "check <out> / call: pay"]);
    assert!(text.contains("value=\"exe_child\""), "{text}");
}

#[test]
fn whatever_texts_hold_another_reader_reads_it() {
    let (text, _) = read_all(&hostile());
    let document = roxmltree::Document::parse(&text).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert!(failure.attribute("message").unwrap().contains("</script><!--<b onclick"), "{text}");
    assert!(!document.descendants().any(|node| node.has_tag_name("b")));
}
