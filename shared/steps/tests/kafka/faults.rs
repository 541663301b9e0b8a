//! Failed is never errored: the table of faults in the steps' page, walked row by row.

use std::collections::BTreeMap;

use crate::fault_cases;
use crate::fault_table::{judge, rows};

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_the_page_leads_to_its_status() {
    let rows = rows("kafka");
    assert!(rows.len() >= 20, "the table has {} rows", rows.len());
    let mut cases: BTreeMap<&str, _> = fault_cases::all().await;
    let mut wrong = Vec::new();
    for row in &rows {
        match cases.remove(row.id.as_str()) {
            None => wrong.push(format!("{}: no case", row.id)),
            Some(ended) => {
                wrong.extend(judge(row, None, &ended.result));
            }
        }
    }
    wrong.extend(cases.keys().map(|id| format!("{id}: a case without a row")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
