//! Failed is never errored: the tables of faults in the steps' pages, walked row by row.

use serde_json::Value as Json;

use crate::fault_cases;
use crate::fault_table::{judge, rows};
use crate::surroundings::{TYPES, carry};

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
