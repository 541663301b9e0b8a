//! Flows that steps start.

use std::sync::Arc;

use super::context::Shared;
use super::fields::cut;
use super::flow;
use super::needed::flow_candidates;
use super::path::{PathProblem, folder, resolve};
use super::step::{Kind, Raw};
use super::words::MAX_FLOWS;
use crate::diagnostics::Code;
use crate::plan::{Plan, StepKind};
use crate::source::Node;

/// A flow that was compiled because another starts it.
#[derive(Clone)]
pub(super) struct Child {
    plan: Option<Arc<Plan>>,
    /// Flows below it, one under the other.
    height: usize,
}

/// What a step starts.
pub(super) struct Started {
    pub(super) path: String,
    /// None when the flow has mistakes of its own.
    pub(super) plan: Option<Arc<Plan>>,
}

/// The flow that a step starts; `path` is the flow that it stands in, `chain` those that lead there.
pub(super) fn started(shared: &Shared<'_>, raw: &Raw<'_>, path: &str, chain: &[String]) -> Option<Started> {
    if !matches!(raw.kind, Kind::Flow) {
        return None;
    }
    let node = raw.get("with").and_then(|with| with.get("flow"))?;
    let name = shared.literal(node, "`flow`")?;
    let child = find(shared, path, &name, node)?;
    let mut chain = chain.to_vec();
    chain.push(path.to_owned());
    if chain.contains(&child) {
        let message = format!("these flows start each other: {} -> {child}", chain.join(" -> "));
        shared.error_hint(Code::FlowCycle, node.span, message, "break the circle");
        return None;
    }
    let known = shared.children.borrow().get(&child).cloned();
    let compiled = match known {
        Some(known) if chain.len() + known.height <= MAX_FLOWS => known,
        None if chain.len() <= MAX_FLOWS => {
            let plan = flow::compile(shared, &child, &chain);
            let height = plan.as_ref().map_or(0, |plan| height(shared, plan));
            let compiled = Child { plan, height };
            shared.children.borrow_mut().insert(child.clone(), compiled.clone());
            compiled
        }
        _ => {
            let message = format!("sub-flows are nested deeper than {MAX_FLOWS}: {} -> {child}", chain.join(" -> "));
            shared.error(Code::FlowsTooDeep, node.span, message);
            return None;
        }
    };
    Some(Started { path: child, plan: compiled.plan })
}

fn height(shared: &Shared<'_>, plan: &Plan) -> usize {
    let children = shared.children.borrow();
    let below = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Flow { path, .. } => children.get(path).map(|child| child.height + 1),
        _ => None,
    });
    below.max().unwrap_or(0)
}

/// The path of a flow that is named by its path or its name.
fn find(shared: &Shared<'_>, from: &str, name: &str, node: &Node) -> Option<String> {
    let resolved = match resolve(folder(from), name) {
        Ok(resolved) => resolved,
        Err(PathProblem::Outside | PathProblem::Absolute) => {
            let message = format!("`{}` is outside the flow's folder", cut(name));
            shared.error_hint(Code::OutsideFolder, node.span, message, "put the flow beside this one or below");
            return None;
        }
    };
    let found = flow_candidates(&resolved).into_iter().find(|path| shared.bundle.files.contains_key(path));
    if found.is_none() {
        let hint = format!("looked for {}", flow_candidates(&resolved).join(", "));
        shared.error_hint(Code::MissingFile, node.span, format!("there is no flow `{}`", cut(name)), hint);
    }
    found
}
