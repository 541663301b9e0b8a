//! The names that a step's own expressions see.

use std::sync::Arc;

use assay_engine::expr::{Scope, Value};
use serde_json::{Map, Value as Json};

/// Names that always mean the execution's values. An output field of such a name is not reachable by it: what
/// `inputs.x` means never depends on what a target answered.
pub(super) const RESERVED: [&str; 7] = ["inputs", "vars", "steps", "secrets", "item", "index", "execution"];

/// The job's scope, opened, and the output of a look.
#[derive(Clone)]
pub(super) struct StepScope {
    given: Arc<Json>,
    output: Option<Value>,
}

impl StepScope {
    /// The execution's values alone: what templates see.
    pub(super) fn of(given: Json) -> Self {
        Self { given: Arc::new(given), output: None }
    }

    /// With an output, an object whose fields are in scope.
    pub(super) fn with_output(&self, output: &Arc<Json>) -> Self {
        Self { given: self.given.clone(), output: Some(Value::json(output.clone())) }
    }

    /// The execution's values, copied.
    pub(super) fn values(&self) -> Map<String, Json> {
        self.given.as_object().cloned().unwrap_or_default()
    }
}

impl Scope for StepScope {
    fn root(&self, name: &str) -> Option<Value> {
        if RESERVED.contains(&name) {
            let Value::Map(given) = Value::json(self.given.clone()) else { return None };
            return given.field(name);
        }
        match &self.output {
            Some(Value::Map(output)) => output.field(name),
            _ => None,
        }
    }
}
