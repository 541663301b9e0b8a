//! `--only`: the flow's text with a condition that is false on every main step that was not asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_engine::bundle::Bundle;
use assay_engine::plan::{Plan, Section};
use assay_engine::source::read_data;
use serde_json::{Value as Json, json};

use crate::error::CommandError;

/// The bundle of the flow in which only these steps, and what they need, run before `finally`.
///
/// # Errors
/// When one of them is no main step of the flow.
pub(crate) fn only(bundle: &Bundle, plan: &Plan, wanted: &[String]) -> Result<Bundle, CommandError> {
    let mut run = BTreeSet::new();
    for id in wanted {
        let index = plan.step_index(id.trim()).filter(|index| *index < plan.main_steps);
        let index = index.ok_or_else(|| CommandError::wrong(unknown(plan, id.trim())))?;
        run.insert(index);
        run.extend(plan.steps.get(index).into_iter().flat_map(|step| step.transitive.iter().copied()));
    }
    let lost = || CommandError::wrong(format!("--only: the text of {} cannot be read again", plan.name));
    let bytes = bundle.files.get(&bundle.main).ok_or_else(lost)?;
    let mut tree = read_data(&bundle.main, bytes).map_err(|_| lost())?;
    let steps = tree.get_mut("steps").and_then(Json::as_array_mut).ok_or_else(lost)?;
    for (index, step) in steps.iter_mut().enumerate().filter(|(index, _)| !run.contains(index)) {
        let step = step.as_object_mut().ok_or_else(lost)?;
        // A step without an id keeps the one that it had by its place.
        let id = plan.steps.get(index).map(|step| step.id.to_string()).unwrap_or_default();
        step.insert("id".into(), json!(id));
        step.insert("if".into(), json!("false"));
    }
    let text = serde_json::to_vec(&tree).map_err(|error| CommandError::fault("write the flow again", error))?;
    let mut bundle = bundle.clone();
    bundle.files.insert(bundle.main.clone(), Arc::from(text));
    Ok(bundle)
}

fn unknown(plan: &Plan, id: &str) -> String {
    let ids: Vec<&str> = plan.steps.iter().filter(|step| step.section == Section::Main).map(|step| &*step.id).collect();
    let near = ids.iter().max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
    match near.filter(|near| strsim::jaro_winkler(near, id) > 0.8) {
        Some(near) => format!("--only {id}: {} has no such step; did you mean `{near}`?", plan.name),
        None => format!("--only {id}: {} has no such step; steps: {}", plan.name, ids.join(", ")),
    }
}
