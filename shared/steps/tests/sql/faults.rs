//! Failed is never errored: the table of faults in the step's page, walked row by row.

use std::collections::BTreeMap;

use crate::fault_cases;
use crate::fault_cases::Case;
use crate::fault_table::{judge, rows};
use crate::surroundings::carry;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_the_page_leads_to_its_status() {
    let rows = rows("sql");
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
