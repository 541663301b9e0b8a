//! Looking back: an expression over what a step of a stored execution left.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::draft::{At, Draft, Missing};
use super::machine::Execution;
use super::words::parts;
use crate::expr::{EvalError, Program};
use crate::job::Part;
use crate::plan::Plan;

/// What stands where a secret is.
const MASKED: &str = "***";

/// What is looked at. The execution must be loaded whole.
pub struct Look<'a> {
    /// The plan that the execution runs.
    pub plan: &'a Plan,
    /// The step, by index in the plan.
    pub step: usize,
    /// The instance.
    pub instance: Option<u32>,
    /// The step's output, by field.
    pub output: &'a Map<String, Json>,
    /// Outputs of other steps that the expression names, by step.
    pub others: &'a BTreeMap<String, Json>,
}

/// What an expression comes to.
#[derive(Debug, Clone)]
pub struct LookedAt {
    /// Its value, or why it has none.
    pub value: Result<Json, EvalError>,
    /// The values of its parts.
    pub parts: Vec<Part>,
    /// Names of captures that were never made.
    pub undelivered: Vec<String>,
}

impl Execution {
    /// Evaluates an expression in the scope that the step had; what is secret in it is masked.
    ///
    /// # Errors
    /// When the execution is not loaded whole.
    pub fn look(&self, look: &Look<'_>, program: &Program) -> Result<LookedAt, BTreeSet<super::PartId>> {
        let draft = Draft::new(look.plan, self, self.head.now);
        let at = At { step: look.step, instance: look.instance };
        let mut seen = draft.see(program.references(), at).map_err(|Missing(parts)| parts)?;
        for path in std::mem::take(&mut seen.opaque) {
            mask(&mut seen.values, &path);
        }
        if program.references().names_root("secrets") {
            let names = look.plan.secrets.iter().map(|name| (name.clone(), json!(MASKED)));
            seen.values.insert("secrets".to_owned(), Json::Object(names.collect()));
        }
        for (step, output) in look.others {
            let steps = seen.values.entry("steps").or_insert_with(|| json!({}));
            if let Some(steps) = steps.as_object_mut() {
                let step = steps.entry(step.clone()).or_insert_with(|| json!({}));
                if let Some(step) = step.as_object_mut() {
                    step.insert("output".to_owned(), output.clone());
                }
            }
        }
        seen.values.extend(look.output.iter().map(|(name, value)| (name.clone(), value.clone())));
        let mut cx = draft.evaluation("look".to_owned(), draft.now);
        let explained = program.explain(&seen.scope(), &mut cx);
        let value = explained.result.map(|value| value.to_json());
        Ok(LookedAt { value, parts: parts(explained.parts), undelivered: seen.undelivered })
    }
}

fn mask(values: &mut Map<String, Json>, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut map = values;
    for name in parents {
        let Some(Json::Object(inner)) = map.get_mut(name) else { return };
        map = inner;
    }
    map.insert(last.clone(), json!(MASKED));
}
