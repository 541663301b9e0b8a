//! `armBefore`.

use super::flow::Scene;
use super::graph::unknown_step;
use super::step::{Kind, Raw};
use crate::diagnostics::Code;

/// The step that this one is armed before.
pub(super) fn before(scene: &Scene<'_>, raw: &Raw<'_>) -> Option<usize> {
    let shared = scene.shared;
    let node = raw.get("armBefore")?;
    let Kind::Job(spec) = raw.kind else { return None };
    let name = shared.literal(node, "`armBefore`")?;
    if spec.arming().is_none() {
        let message = format!("`{}` steps cannot be armed", raw.type_name);
        shared.error_hint(Code::CannotArm, node.span, message, "only steps that wait for messages can");
        return None;
    }
    if raw.get("foreach").is_some() {
        let hint = "write one step for each, or match all of them in one";
        shared.error_hint(Code::ArmForeach, node.span, "`armBefore` does not go with `foreach`", hint);
    }
    let Some(before) = scene.names.by_id.get(name.as_str()).copied() else {
        unknown_step(shared, scene.raws, &name, node.span);
        return None;
    };
    let graph = &scene.names.graph;
    let same = graph.is_finally(before) == graph.is_finally(raw.index);
    if !same || before == raw.index || !graph.reaches(raw.index, before) {
        let message = format!("`{}` does not need `{name}`", raw.id);
        shared.error_hint(Code::ArmNotNeeded, node.span, message, format!("add `needs: [{name}]`"));
        return None;
    }
    Some(before)
}
