//! Failed is never errored: the table of faults in the step's page, walked row by row.

use std::collections::BTreeMap;

use assay_engine::job::{JobResult, Outcome};
use serde_json::Value as Json;

use crate::fault_cases;
use crate::fault_cases::Case;
use crate::surroundings::carry;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/steps/sql.md");

/// One row: the fault's id, the status it leads to, and the error's code.
#[derive(Debug)]
struct Row {
    id: String,
    status: String,
    code: Option<String>,
}

/// The rows below the heading "Faults": `| id | fault | status | code |`.
fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let section = page.split("## Faults").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let table = section.lines().filter(|line| line.starts_with("| `"));
    table
        .map(|line| match cells(line).as_slice() {
            [id, _, status, code] => {
                Row { id: id.clone(), status: status.clone(), code: Some(code.clone()).filter(|code| !code.is_empty()) }
            }
            _ => panic!("not a row of four cells: {line}"),
        })
        .collect()
}

fn status(outcome: Outcome) -> String {
    match serde_json::to_value(outcome).unwrap() {
        Json::String(word) => word,
        other => panic!("not a word: {other}"),
    }
}

/// What is wrong with the result of a case, if anything.
fn judge(row: &Row, says: Option<&str>, result: &JobResult) -> Option<String> {
    let status = status(result.outcome);
    let code = result.error.as_ref().map(|error| error.code.clone());
    let message = result.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
    let said = says.is_none_or(|words| message.contains(words));
    (status != row.status || code != row.code || !said).then(|| {
        let Row { id, status: expected, code: expected_code } = row;
        format!("{id}: {status} {code:?} ({message}), the page says {expected} {expected_code:?}, {says:?}")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_the_page_leads_to_its_status() {
    let rows = rows();
    let mut cases: BTreeMap<&str, Case> = fault_cases::all().await;
    assert!(rows.len() >= 30, "the table has {} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        match cases.remove(row.id.as_str()) {
            None => wrong.push(format!("{}: no case", row.id)),
            Some(case) => {
                let result = carry(case.world, case.with, &case.assertions).await;
                wrong.extend(judge(row, case.says, &result));
            }
        }
    }
    wrong.extend(cases.keys().map(|id| format!("{id}: a case without a row")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
