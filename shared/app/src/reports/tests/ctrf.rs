//! CTRF: what a reader that trusts its schema gets.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Kind, Report, every_status, hostile, nested, report, write};

/// The format's rules for what we write, from its specification; fields that we never write are left out, and nothing else
/// is allowed, as there.
const SCHEMA: &str = include_str!("ctrf.schema.json");

fn read(report: &Report) -> Json {
    let whole: Json = serde_json::from_str(&write(Kind::Ctrf, report).unwrap()).unwrap();
    let schema: Json = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&whole).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    whole
}

fn test<'a>(whole: &'a Json, name: &str) -> &'a Json {
    whole["results"]["tests"].as_array().unwrap().iter().find(|test| test["name"] == name).unwrap()
}

#[test]
fn every_report_fits_its_schema() {
    for report in [every_status(), nested(), hostile(), report(Vec::new())] {
        read(&report);
    }
}

#[test]
fn what_the_schema_does_not_know_is_refused_so_that_the_test_above_can_fail() {
    let schema: Json = serde_json::from_str(SCHEMA).unwrap();
    let mut whole = read(&every_status());
    whole["results"]["tests"][0]["status"] = "errored".into();
    whole["results"]["tests"][1]["ours"] = true.into();
    assert_eq!(jsonschema::validator_for(&schema).unwrap().iter_errors(&whole).count(), 2);
}

#[test]
fn each_status_is_what_the_table_says() {
    let whole = read(&every_status());
    let tests = whole["results"]["tests"].as_array().unwrap().iter();
    let word = |test: &Json, key: &str| test[key].as_str().unwrap().to_owned();
    let came: BTreeMap<String, (String, String)> =
        tests.map(|test| (word(test, "name"), (word(test, "status"), word(test, "rawStatus")))).collect();
    let expected = [
        ("passed", "passed", "passed"),
        ("flaky", "passed", "passed"),
        ("failed", "failed", "failed"),
        ("soft", "failed", "failed"),
        ("errored", "failed", "errored"),
        ("late", "failed", "timedOut"),
        ("allowed", "other", "failed"),
        ("blocked", "skipped", "skipped"),
        ("condition", "skipped", "skipped"),
        ("stopped", "other", "cancelled"),
        ("each[0]", "passed", "passed"),
        ("each[1]", "passed", "passed"),
        ("clean", "passed", "passed"),
    ];
    let expected: BTreeMap<String, (String, String)> =
        expected.map(|(name, status, raw)| (name.to_owned(), (status.to_owned(), raw.to_owned()))).into();
    assert_eq!(came, expected);
    let summary = &whole["results"]["summary"];
    let count = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(
        ["tests", "passed", "failed", "skipped", "pending", "other", "flaky"].map(count),
        [13, 5, 4, 2, 0, 2, 1]
    );
    assert_eq!(count("duration"), 4000);
}

#[test]
fn attempts_are_kept_and_a_flaky_step_says_so() {
    let whole = read(&every_status());
    let flaky = test(&whole, "flaky");
    assert_eq!((&flaky["flaky"], &flaky["retries"]), (&true.into(), &1.into()));
    let attempt = &flaky["retryAttempts"][0];
    assert_eq!(
        (&attempt["attempt"], &attempt["status"], &attempt["duration"]),
        (&1.into(), &"failed".into(), &1500.into())
    );
    assert_eq!(attempt["message"], "nobody listens");
    assert_eq!(test(&whole, "errored")["flaky"], false);
    assert!(test(&whole, "passed").get("retryAttempts").is_none());
}

#[test]
fn a_failed_test_says_where_and_why() {
    let whole = read(&every_status());
    let failed = test(&whole, "failed");
    assert_eq!((&failed["filePath"], &failed["line"]), (&"flows/pay,ments/flow.yaml".into(), &32.into()));
    assert_eq!(failed["message"], "status == 200 (status = 500)");
    assert_eq!(failed["steps"][1]["extra"]["parts"][0]["value"], 500);
}

#[test]
fn the_same_step_has_the_same_id_in_every_run_and_no_other_has_it() {
    let (one, other) = (read(&every_status()), read(&every_status()));
    let ids = |whole: &Json| -> Vec<String> {
        let tests = whole["results"]["tests"].as_array().unwrap().iter();
        tests.map(|test| test["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut unique = ids(&one);
    assert_eq!(unique, ids(&other));
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 13);
    assert_eq!(&unique[0][14..15], "8");
}
