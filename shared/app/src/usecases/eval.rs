//! An expression over what a step of a stored execution left.

use std::collections::BTreeMap;

use assay_engine::execution::{Execution, Look};
use assay_engine::expr::{EvalError, Program};
use assay_engine::id::ExecutionId;
use assay_engine::job::{Evidence, Part};
use assay_engine::plan::{Plan, StepKind};
use assay_engine::record::Place;
use serde_json::{Map, Value as Json};

use super::{ExecutionError, Executions};
use crate::ports::PortError;
use crate::view::{ExecutionView, PlaceView};

/// Executions that a carried step is followed through.
const MOST_RERUNS: u32 = 1000;

/// What an expression came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Its value; what is secret in it is masked.
    pub value: Json,
    /// The values of its parts.
    pub parts: Vec<Part>,
    /// What one should know of it.
    pub notes: Vec<String>,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum NoValue {
    /// The flow has no such step.
    #[error("the flow has no step `{step}`; steps: {known}")]
    NoStep {
        /// What was asked for.
        step: String,
        /// What there is.
        known: String,
    },
    /// The step has left nothing to look at.
    #[error("`{place}` has no output: {why}")]
    NoOutput {
        /// The step or instance.
        place: String,
        /// Why.
        why: String,
    },
    /// The expression has no value.
    #[error("{message}")]
    Expression {
        /// Why.
        message: String,
        /// The part of it that has none, as it is written.
        part: Option<String>,
    },
    /// The execution cannot be read.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// A store does not answer.
    #[error("read what is stored")]
    Port(#[from] PortError),
}

impl Executions {
    /// Evaluates an expression over the output of a step or an instance, in the scope that it had. `attempt`: which
    /// attempt's output; none: the last one that has one.
    ///
    /// # Errors
    /// See [`NoValue`].
    pub async fn evaluate(
        &self,
        id: &ExecutionId,
        place: &Place,
        attempt: Option<u32>,
        program: &Program,
    ) -> Result<Evaluated, NoValue> {
        let platform = &self.platform;
        let loaded = platform.store.load_whole(id).await?.ok_or_else(|| ExecutionError::Unknown(id.clone()))?;
        let (version, main) = (&loaded.head.flow_version, &loaded.head.main);
        let plan = platform.plans.get(&*platform.store, version, main).await.map_err(ExecutionError::from)?;
        let step = plan.step_index(&place.step).ok_or_else(|| NoValue::NoStep {
            step: place.step.clone(),
            known: plan.steps.iter().map(|step| &*step.id).collect::<Vec<_>>().join(", "),
        })?;
        let view = self.show(id, false).await?;
        let (output, from) = self.output_of(&plan, &view, place, attempt).await?;
        let mut others = BTreeMap::new();
        for reference in &program.references().roots {
            if let ["steps", other, "output", ..] = reference.names()[..]
                && plan.step_index(other).is_some()
            {
                let place = Place { step: other.to_owned(), instance: None };
                let (output, _) = self.output_of(&plan, &view, &place, None).await?;
                others.insert(other.to_owned(), Json::Object(output));
            }
        }
        let execution = Execution::restore(loaded.head, loaded.parts, loaded.absent);
        let look = Look { plan: &plan, step, instance: place.instance, output: &output, others: &others };
        let looked = execution.look(&look, program).map_err(|parts| {
            let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
            PortError::bug(format!("{id} was not loaded whole: {}", names.join(", ")))
        })?;
        let value = looked.value.map_err(|error| {
            let part = match &error {
                EvalError::NoSuchField { path, .. } | EvalError::NoSuchKey { path, .. } => Some(path.clone()),
                EvalError::TypeMismatch { part, .. } => Some(part.clone()),
                _ => None,
            };
            NoValue::Expression { message: error.to_string(), part }
        })?;
        let mut notes: Vec<String> =
            looked.undelivered.into_iter().map(|name| format!("{name} was never captured: it is null")).collect();
        notes.extend(from.filter(|from| from != id).map(|from| format!("`{place}` ran in {from}")));
        Ok(Evaluated { value, parts: looked.parts, notes })
    }

    /// The fields of a step's output, and where it ran; of a step that was carried over, as it was where it ran.
    async fn output_of(
        &self,
        plan: &Plan,
        view: &ExecutionView,
        place: &Place,
        attempt: Option<u32>,
    ) -> Result<(Map<String, Json>, Option<ExecutionId>), NoValue> {
        let none = |why: String| NoValue::NoOutput { place: place.to_string(), why };
        let mut at = view.clone();
        for _ in 0..MOST_RERUNS {
            let found = found(&at, place).map_err(none)?;
            if let Some(evidence) = evidence(found, attempt).map_err(none)? {
                return Ok((self.whole(evidence).await?.map_err(none)?, Some(at.id.clone())));
            }
            let of_step = at.step(&place.step).and_then(|step| step.place.carried.clone());
            let Some(earlier) = found.carried.clone().or(of_step) else {
                return Err(none(why_none(plan, found, place)));
            };
            at = self.show(&earlier, false).await.map_err(|error| match error {
                ExecutionError::Unknown(id) => none(format!("it ran in {id}, which is not in the store any more")),
                error => error.into(),
            })?;
        }
        Err(none("it was carried over too often".to_owned()))
    }

    async fn whole(&self, evidence: &Evidence) -> Result<Result<Map<String, Json>, String>, PortError> {
        let whole = match &evidence.blob {
            None => evidence.preview.clone(),
            Some(blob) => {
                let Some(stored) = self.platform.blobs.get(&blob.key).await? else {
                    return Ok(Err("it was kept apart, and is not in the store any more".to_owned()));
                };
                match serde_json::from_slice(&stored.bytes) {
                    Ok(whole) => whole,
                    Err(error) => return Ok(Err(format!("what was kept of it is no JSON: {error}"))),
                }
            }
        };
        Ok(match whole {
            Json::Object(fields) => match fields.get("notStored").and_then(Json::as_str) {
                Some(reason) => Err(format!("it could not be kept: {reason}")),
                None => Ok(fields),
            },
            _ => Err("what was kept of it has no fields".to_owned()),
        })
    }
}

fn found<'a>(view: &'a ExecutionView, place: &Place) -> Result<&'a PlaceView, String> {
    let step = view.step(&place.step).ok_or_else(|| format!("{} has not begun with it", view.id))?;
    match (place.instance, step.expanded) {
        (None, None) => Ok(&step.place),
        (None, Some(count)) => Err(format!("it has {count} instances: name one, as in {}[0]", step.id)),
        (Some(_), None) if step.place.carried.is_none() => Err("it has no instances".to_owned()),
        (Some(index), count) => {
            let instance = step.instances.iter().find(|instance| instance.index == index);
            match (instance, count) {
                (Some(instance), _) => Ok(&instance.place),
                (None, Some(count)) if index >= count => Err(format!("it has {count} instances, from [0]")),
                // Instances of a step that was carried over stand where they ran.
                (None, _) if step.place.carried.is_some() => Ok(&step.place),
                (None, _) => Err("it has not begun".to_owned()),
            }
        }
    }
}

fn evidence(place: &PlaceView, attempt: Option<u32>) -> Result<Option<&Evidence>, String> {
    let evidence = |wanted: Option<u32>| {
        let attempts = place.attempts.iter().rev().filter(|one| wanted.is_none_or(|wanted| one.number == wanted));
        attempts.filter_map(|one| one.result.as_ref()?.evidence.as_ref()).next()
    };
    match attempt {
        Some(number) if place.attempts.iter().all(|one| one.number != number) && place.carried.is_none() => {
            let count = place.attempts.len();
            Err(format!("it has {count} attempt{}", if count == 1 { "" } else { "s" }))
        }
        attempt => Ok(evidence(attempt)),
    }
}

fn why_none(plan: &Plan, found: &PlaceView, place: &Place) -> String {
    let kind = plan.step_index(&place.step).map(|index| &plan.steps[index].kind);
    if let (Some(StepKind::Flow { .. }), Some(child)) = (kind, &found.child) {
        return format!("it is a sub-flow; look into {child}");
    }
    match kind {
        Some(StepKind::Delay) => return "a delay has none".to_owned(),
        Some(StepKind::Wait { .. }) => return "of a signal only captures are kept".to_owned(),
        _ => {}
    }
    let error = found.error.as_ref().or_else(|| found.attempts.last()?.result.as_ref()?.error.as_ref());
    match error {
        Some(error) => format!("it {}: {}", found.status.word(), error.message),
        None => format!("it is {}", found.status.word()),
    }
}
