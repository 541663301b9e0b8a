//! The HTML page of a large execution that lies in the store.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::Tools;
use crate::figures::{begin, figure};
use crate::flows::{flow, middle};
use crate::process::cost;
use crate::target;

const STEPS: usize = 500;
const MILLISECONDS: f64 = 200.0;
const MEGABYTES: f64 = 2.0;

/// From process start to exit, and how large the page is without what the steps saw.
pub(crate) fn page(tools: &Tools) {
    begin(&format!(
        "the page of an execution of {STEPS} steps (limits: {MILLISECONDS} ms, {MEGABYTES} MB beyond bodies)"
    ));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large.yaml"), flow(&target::start(), STEPS)).unwrap();
    let store = folder.path().join("store").display().to_string();
    let flow = folder.path().join("large.yaml").display().to_string();
    cost(&[&tools.assay, "run", &flow, "--store", &store]);
    let page = folder.path().join("page.html");
    let target = format!("html={}", page.display());
    let reported = middle(9, || cost(&[&tools.assay, "report", "latest", "--report", &target, "--store", &store]));
    figure("store to page, wall", reported.wall, "ms", Some(("limit", MILLISECONDS)));
    figure("store to page, processor", reported.cpu, "ms", None);
    let size = std::fs::metadata(&page).unwrap().len() as f64 / 1e6;
    let bodies = seen(&tools.assay, &store, folder.path()) as f64 / 1e6;
    figure("the page", size, "MB", None);
    figure("the page without what was seen", size - bodies, "MB", Some(("limit", MEGABYTES)));
}

/// Bytes of what the steps sent and saw, as the store holds it.
fn seen(assay: &str, store: &str, folder: &Path) -> usize {
    let output = Command::new(assay).args(["show", "latest", "--json", "--store", store]).current_dir(folder).output();
    let view: Json = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let steps = view["steps"].as_array().unwrap();
    assert_eq!(steps.len(), STEPS);
    steps.iter().map(|step| step["attempts"][0]["result"]["evidence"]["preview"].to_string().len()).sum()
}
