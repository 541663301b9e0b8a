//! Failed is never errored: the table of faults in the steps' page, walked row by row.

use std::collections::BTreeMap;

use crate::fault_cases;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/steps/kafka.md");

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

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_the_page_leads_to_its_status() {
    let rows = rows();
    assert!(rows.len() >= 20, "the table has {} rows", rows.len());
    let mut cases: BTreeMap<&str, _> = fault_cases::all().await;
    let mut wrong = Vec::new();
    for row in &rows {
        match cases.remove(row.id.as_str()) {
            None => wrong.push(format!("{}: no case", row.id)),
            Some(ended) => {
                if (ended.outcome(), ended.code()) != (row.status.clone(), row.code.clone()) {
                    wrong.push(format!("{row:?}: {} {:?} {}", ended.outcome(), ended.code(), ended.message()));
                }
            }
        }
    }
    wrong.extend(cases.keys().map(|id| format!("{id}: a case without a row")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
