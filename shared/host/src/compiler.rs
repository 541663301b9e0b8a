//! Compiles flow versions with the step types that are built in.

use std::sync::Arc;

use assay_app::plans::{Compiler, FlowFault};
use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::diagnostics::Style;
use assay_engine::expr::Programs;
use assay_engine::id::FlowVersionId;
use assay_engine::plan::{Plan, StepKind};
use assay_steps::registry::Types;

/// The engine's compiler, the built-in step types, and one collection of compiled expressions.
pub struct BuiltInCompiler {
    /// Compiled expressions, one collection for the process.
    pub programs: Arc<Programs>,
}

impl Compiler for BuiltInCompiler {
    fn compile(&self, _version: &FlowVersionId, bundle: &Bundle, main: &str) -> Result<Arc<Plan>, FlowFault> {
        let compiled = compile(bundle, &Types, &self.programs).map_err(|problems| FlowFault {
            problems: problems.iter().map(|problem| problem.render(Style::Plain).trim_end().to_owned()).collect(),
        })?;
        within(&compiled.plan, main)
            .ok_or_else(|| FlowFault { problems: vec![format!("no step starts the flow {main}")] })
    }
}

/// The plan of the flow at this path: the one at the top, or that of a sub-flow.
fn within(plan: &Arc<Plan>, path: &str) -> Option<Arc<Plan>> {
    if plan.main_path == path {
        return Some(plan.clone());
    }
    plan.steps.iter().find_map(|step| match &step.kind {
        StepKind::Flow { plan, .. } => within(plan, path),
        _ => None,
    })
}
