//! Failed is never errored: the tables of faults in the steps' pages, walked row by row.

use assay_engine::job::{JobResult, Outcome};
use serde_json::Value as Json;

use crate::fault_cases;
use crate::page::page;
use crate::surroundings::{TYPES, carry};

/// One row: the fault's id, the status it leads to, and the error's code.
#[derive(Debug)]
struct Row {
    id: String,
    status: String,
    code: Option<String>,
}

/// The rows below the heading "Faults": `| id | fault | status | code |`.
fn rows(kind: &str) -> Vec<Row> {
    let page = page(kind);
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
    let told = result.error.as_ref().map(|error| error.message.clone());
    let told =
        told.or_else(|| result.assertions.iter().find_map(|assertion| assertion.reason.clone())).unwrap_or_default();
    let said = says.is_none_or(|words| told.contains(words));
    (status != row.status || code != row.code || !said).then(|| {
        let Row { id, status: expected, code: expected_code } = row;
        format!("{id}: {status} {code:?} ({told}), the page says {expected} {expected_code:?}, {says:?}")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_the_pages_leads_to_its_status() {
    let mut wrong = Vec::new();
    for kind in TYPES {
        let rows = rows(kind);
        let mut cases = fault_cases::all(kind).await;
        assert!(rows.len() >= 40, "the table of {kind} has {} rows", rows.len());
        for row in &rows {
            match cases.remove(row.id.as_str()) {
                None => wrong.push(format!("{kind} {}: no case", row.id)),
                Some(case) => {
                    let result = carry(case.world, kind, case.with, Json::Null, &case.assertions).await;
                    wrong.extend(judge(row, case.says, &result).map(|text| format!("{kind} {text}")));
                }
            }
        }
        wrong.extend(cases.keys().map(|id| format!("{kind} {id}: a case without a row")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
