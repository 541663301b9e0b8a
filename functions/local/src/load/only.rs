//! `--only` and `--until`: the steps that are asked for.

use std::collections::BTreeSet;

use assay_engine::plan::{Plan, Section};

use crate::error::CommandError;

/// The ids that are asked for after this option.
///
/// # Errors
/// When one of them is no main step of the flow.
pub(crate) fn only(option: &str, plan: &Plan, wanted: &[String]) -> Result<BTreeSet<String>, CommandError> {
    let mut ids = BTreeSet::new();
    for id in wanted.iter().map(|id| id.trim()) {
        if plan.step_index(id).is_none_or(|index| index >= plan.main_steps) {
            return Err(CommandError::wrong(unknown(option, plan, id)));
        }
        ids.insert(id.to_owned());
    }
    Ok(ids)
}

fn unknown(option: &str, plan: &Plan, id: &str) -> String {
    let ids: Vec<&str> = plan.steps.iter().filter(|step| step.section == Section::Main).map(|step| &*step.id).collect();
    let near = ids.iter().max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
    match near.filter(|near| strsim::jaro_winkler(near, id) > 0.8) {
        Some(near) => format!("{option} {id}: {} has no such step; did you mean `{near}`?", plan.name),
        None => format!("{option} {id}: {} has no such step; steps: {}", plan.name, ids.join(", ")),
    }
}
