//! Where compiling begins and ends.

use std::sync::Arc;

use super::context::Shared;
use super::flow;
use crate::bundle::Bundle;
use crate::diagnostics::Diagnostics;
use crate::expr::Programs;
use crate::plan::Plan;
use crate::types::StepTypes;

/// A flow that can run.
pub struct Compiled {
    /// What an execution runs from.
    pub plan: Arc<Plan>,
    /// What may be wrong nevertheless.
    pub warnings: Diagnostics,
}

/// Compiles the bundle's main flow and all flows that it starts.
///
/// # Errors
/// All problems of all its texts at once, warnings included, when one of them is an error.
pub fn compile(bundle: &Bundle, types: &dyn StepTypes, programs: &Programs) -> Result<Compiled, Diagnostics> {
    let shared = Shared::new(bundle, types, programs);
    let plan = flow::compile(&shared, &bundle.main, &[]);
    let errors = shared.errors() > 0;
    let found = shared.into_diagnostics();
    match plan {
        Some(plan) if !errors => Ok(Compiled { plan, warnings: found }),
        _ => Err(found),
    }
}
