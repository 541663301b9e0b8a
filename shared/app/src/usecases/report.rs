//! Putting together what reports are made of.

use std::collections::HashMap;

use assay_engine::job::BlobRef;
use assay_engine::status::StepStatus;

use super::{ExecutionError, Executions};
use crate::platform::Platform;
use crate::reports::{Body, Facts, Report};
use crate::view::{ExecutionView, PlaceView};
use assay_engine::id::ExecutionId;

/// A larger body is shown by its beginning.
const LARGEST: u64 = 1024 * 1024;
/// So much of bodies goes into a report, what did not pass first.
const ALL: u64 = 24 * 1024 * 1024;
/// Bodies fetched at once.
const AT_ONCE: usize = 16;

impl Executions {
    /// Everything that a report of these executions says, in their order, with their sub-flows. `bodies`: also what steps
    /// saw and lies in the blob store, each up to 1 MiB and 24 MiB in all; what is beyond says so.
    ///
    /// # Errors
    /// When one of them is unknown, or the store does not answer. A flow that cannot be read any more is no error: the
    /// report has no places in its text then.
    pub async fn report(&self, ids: &[ExecutionId], bodies: bool) -> Result<Report, ExecutionError> {
        let mut report = Report::default();
        for id in ids {
            report.executions.push(self.show(id, true).await?);
        }
        for view in all(&report.executions) {
            if let Some(version) = &view.version
                && let Ok(plan) = self.platform.plans.get(self.platform.store.as_ref(), version, &view.main).await
            {
                report.facts.insert(view.id.clone(), Facts::of(&plan));
            }
        }
        if bodies {
            report.bodies = fetch(&self.platform, wanted(&report)).await;
        }
        Ok(report)
    }
}

/// The executions and their sub-flows.
fn all(executions: &[ExecutionView]) -> Vec<&ExecutionView> {
    let mut found = Vec::new();
    let mut next: Vec<&ExecutionView> = executions.iter().rev().collect();
    while let Some(view) = next.pop() {
        found.push(view);
        next.extend(view.children.iter().rev());
    }
    found
}

/// What lies in the blob store, those of steps that did not pass first.
fn wanted(report: &Report) -> Vec<&BlobRef> {
    let views = all(&report.executions);
    let steps = views.iter().flat_map(|view| &view.steps);
    let places = steps
        .flat_map(|step| std::iter::once(&step.place).chain(step.instances.iter().map(|instance| &instance.place)));
    let (passed, others): (Vec<&PlaceView>, Vec<&PlaceView>) =
        places.partition(|place| place.status == StepStatus::Passed);
    let attempts = others.into_iter().chain(passed).flat_map(|place| place.attempts.iter().rev());
    attempts.filter_map(|attempt| attempt.result.as_ref()?.evidence.as_ref()?.blob.as_ref()).collect()
}

async fn fetch(platform: &Platform, wanted: Vec<&BlobRef>) -> HashMap<String, Body> {
    let mut bodies = HashMap::new();
    let mut room = ALL;
    let mut fetched = Vec::new();
    for blob in wanted {
        if blob.size > LARGEST {
            bodies.insert(blob.key.clone(), Body::LeftOut("it is larger than 1 MiB".to_owned()));
        } else if blob.size > room {
            bodies.insert(blob.key.clone(), Body::LeftOut("the report has 24 MiB of bodies already".to_owned()));
        } else if !bodies.contains_key(&blob.key) {
            room -= blob.size;
            fetched.push(blob.key.as_str());
        }
    }
    for keys in fetched.chunks(AT_ONCE) {
        let bytes = futures_util::future::join_all(keys.iter().map(|key| platform.blobs.get(key))).await;
        for (key, found) in keys.iter().zip(bytes) {
            let body = match found {
                Ok(Some(blob)) => match serde_json::from_slice(&blob.bytes) {
                    Ok(whole) => Body::Whole(whole),
                    Err(_) => Body::LeftOut("it is not what the step stored".to_owned()),
                },
                Ok(None) => Body::LeftOut("it is not in the store any more".to_owned()),
                Err(error) => Body::LeftOut(format!("the store of bodies did not answer: {}", error.message)),
            };
            bodies.insert((*key).to_owned(), body);
        }
    }
    bodies
}
