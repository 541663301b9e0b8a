//! What is published of the job contract is what the code reads and writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::PathBuf;

use assay_engine::job::{CONTRACT, Job, JobResult};
use assay_steps::schema::{job_schema, result_schema};
use serde_json::Value as Json;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Compares a committed file with what the code says; with `UPDATE=1` it is written instead.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration but the environment")]
fn committed(name: &str, generated: &Json) {
    let path = docs().join("contract").join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(generated).unwrap());
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/contract/{name} is out of date: UPDATE=1 cargo test -p assay-steps --test contract");
}

#[test]
fn the_schema_of_a_job_is_published() {
    committed("job.schema.json", &job_schema());
}

#[test]
fn the_schema_of_a_result_is_published() {
    committed("result.schema.json", &result_schema());
}

/// The JSON blocks of the page, by their first key.
fn examples(key: &str) -> Vec<Json> {
    let page = std::fs::read_to_string(docs().join("step-contract.md")).unwrap();
    let blocks = page.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
    let examples = blocks.map(|block| serde_json::from_str::<Json>(block).expect(block));
    examples.filter(|example| example.as_object().unwrap().keys().next().unwrap() == key).collect()
}

#[test]
fn the_examples_of_the_page_are_jobs_and_results() {
    let (jobs, results) = (examples("contract"), examples("outcome"));
    assert!(!jobs.is_empty() && results.len() >= 2);
    for example in jobs {
        let job: Job = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(job.contract, CONTRACT);
        assert_eq!(serde_json::to_value(job).unwrap(), example, "the example says nothing that is not read");
    }
    for example in results {
        let result: JobResult = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(result).unwrap(), example, "the example says nothing that is not read");
    }
}
