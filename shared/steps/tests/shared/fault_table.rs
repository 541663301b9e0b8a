//! The table of faults in a step's page, read so that a test can walk it row by row.
#![allow(dead_code, reason = "each test binary uses its part")]

use assay_engine::job::JobResult;
use serde_json::Value as Json;

/// One row: the fault's id, the status it leads to, and the error's code.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    status: String,
    code: Option<String>,
}

/// The rows below the heading "Faults" of this page: `| id | fault | status | code |`.
pub(crate) fn rows(name: &str) -> Vec<Row> {
    rows_below(name, "## Faults\n")
}

/// The rows below this heading.
pub(crate) fn rows_below(name: &str, heading: &str) -> Vec<Row> {
    let page = format!("{}/../../docs/steps/{name}.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
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

/// What is wrong with the result of a case, if anything; `says` is part of what people are told.
pub(crate) fn judge(row: &Row, says: Option<&str>, result: &JobResult) -> Option<String> {
    let status = match serde_json::to_value(result.outcome).unwrap() {
        Json::String(word) => word,
        other => panic!("not a word: {other}"),
    };
    let code = result.error.as_ref().map(|error| error.code.clone());
    let told = result.error.as_ref().map(|error| error.message.clone());
    let reason = || result.assertions.iter().find_map(|assertion| assertion.reason.clone());
    let told = told.or_else(reason).unwrap_or_default();
    let said = says.is_none_or(|words| told.contains(words));
    (status != row.status || code != row.code || !said).then(|| {
        let Row { id, status: expected, code: expected_code } = row;
        format!("{id}: {status} {code:?} ({told}), the page says {expected} {expected_code:?}, {says:?}")
    })
}
