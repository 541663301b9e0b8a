//! Step types of the simulator: one for each way in which the engine treats them differently.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assay_app::plans::{Compiler, FlowFault};
use assay_engine::bundle::Bundle;
use assay_engine::compile::compile;
use assay_engine::expr::{Limits, Programs};
use assay_engine::id::FlowVersionId;
use assay_engine::plan::Plan;
use assay_engine::types::{Arming, OutputField, Problem, StepSpec, StepTypes};
use serde_json::{Value as Json, json};

struct SimType {
    name: &'static str,
    repeatable: bool,
    prepares: bool,
    arming: Option<Arming>,
}

static TYPES: [SimType; 4] = [
    SimType { name: "act", repeatable: false, prepares: false, arming: None },
    SimType { name: "expect", repeatable: true, prepares: false, arming: Some(Arming::Position) },
    SimType { name: "fault", repeatable: false, prepares: true, arming: None },
    SimType { name: "look", repeatable: true, prepares: false, arming: None },
];

impl StepSpec for SimType {
    fn name(&self) -> &'static str {
        self.name
    }
    fn summary(&self) -> &'static str {
        "a simulated step"
    }
    fn schema(&self) -> &Json {
        static SCHEMA: OnceLock<Json> = OnceLock::new();
        SCHEMA.get_or_init(|| json!({"type": "object", "properties": {"x": {}}, "additionalProperties": false}))
    }
    fn outputs(&self) -> &'static [OutputField] {
        const { &[OutputField { name: "status", doc: "drawn" }, OutputField { name: "body", doc: "drawn" }] }
    }
    fn check(&self, _with: &Json) -> Vec<Problem> {
        Vec::new()
    }
    fn repeatable(&self, _with: &Json) -> bool {
        self.repeatable
    }
    fn prepares(&self) -> bool {
        self.prepares
    }
    fn arming(&self) -> Option<Arming> {
        self.arming
    }
    fn waits(&self, _with: &Json) -> Option<Duration> {
        self.arming.map(|_| Duration::from_secs(20))
    }
}

/// `act` (not repeatable), `look` (repeatable), `expect` (armed by position), `fault` (prepares and is taken back).
pub struct SimTypes;

impl StepTypes for SimTypes {
    fn get(&self, name: &str) -> Option<&'static dyn StepSpec> {
        TYPES.iter().find(|one| one.name == name).map(|one| one as &dyn StepSpec)
    }
    fn names(&self) -> Vec<&'static str> {
        TYPES.iter().map(|one| one.name).collect()
    }
}

/// Whether a lost attempt of this type may be repeated.
pub(super) fn repeatable(name: &str) -> bool {
    TYPES.iter().any(|one| one.name == name && one.repeatable)
}

/// Compiles with the step types of the simulator.
pub(super) struct SimCompiler {
    programs: Programs,
}

impl Default for SimCompiler {
    fn default() -> Self {
        Self { programs: Programs::new(4096, Limits::default()) }
    }
}

impl Compiler for SimCompiler {
    fn compile(&self, _version: &FlowVersionId, bundle: &Bundle, main: &str) -> Result<Arc<Plan>, FlowFault> {
        let mut bundle = bundle.clone();
        bundle.main = main.to_owned();
        let compiled = compile(&bundle, &SimTypes, &self.programs);
        compiled.map(|compiled| compiled.plan).map_err(|wrong| FlowFault { problems: vec![format!("{wrong:?}")] })
    }
}
