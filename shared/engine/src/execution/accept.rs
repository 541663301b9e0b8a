//! Accepting an execution: inputs are checked, vars computed, the state made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::draft::{At, Draft, Draw, Missing};
use super::event::{Change, Token};
use super::parts::{Part, PartId, Start};
use super::standing::Standing;
use super::state::{FORMAT, Head, Parent};
use super::{Carried, Execution};
use crate::id::{ExecutionId, OrganizationId, ProjectId};
use crate::job::{Captured, Mask};
use crate::plan::{Input, InputType, Plan};
use crate::record::{Rerun, What};
use crate::status::{ExecutionStatus, Phase};

/// Inputs and vars together may be this large, as JSON.
pub const START_BYTES: usize = 256 * 1024;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The execution's id.
    pub id: ExecutionId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
    /// Whose `flow` step it is.
    pub parent: Option<Parent>,
    /// 0, or how many parents are above.
    pub depth: u32,
    /// From which `uuid()` and `fake.*` derive.
    pub seed: u64,
    /// The inputs that were given.
    pub inputs: BTreeMap<String, Captured>,
    /// Of a sub-flow: what its parent masks.
    pub mask: Mask,
    /// Labels beside the flow's own.
    pub labels: BTreeMap<String, String>,
    /// The earlier execution that it repeats or goes on from.
    pub rerun: Option<Rerun>,
    /// From 1; a rerun counts on.
    pub attempt: u32,
    /// What a rerun carries over.
    pub carried: Option<Box<Carried>>,
    /// Ids of main steps: only these and what they need run; none: all.
    pub only: Option<BTreeSet<String>>,
    /// How long `finally` is held back when the main steps have ended.
    pub keep: Option<Duration>,
    /// Where the flow was found, for people.
    pub file: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// Why an execution is not accepted; every reason at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("; "))]
pub struct Refusal {
    /// For people, a line each.
    pub problems: Vec<String>,
}

impl Execution {
    /// Makes an execution of a plan; its first change is what a store creates.
    ///
    /// # Errors
    /// When inputs are missing, unknown or of another type, when a var cannot be computed, or when they are too large.
    pub fn accept(plan: &Plan, asked: Acceptance) -> Result<(Self, Change), Refusal> {
        let mut problems = Vec::new();
        let inputs = checked_inputs(plan, &asked.inputs, &mut problems);
        if !problems.is_empty() {
            return Err(Refusal { problems });
        }
        let mut labels = plan.labels.clone();
        labels.extend(asked.labels.clone());
        let environment = plan.environment.clone();
        let start = Start { inputs, mask: asked.mask.clone(), labels, environment, ..Start::default() };
        let mut execution = Self::empty(first_head(plan, &asked));
        execution.parts.insert(PartId::Start, Part::Start(start));
        execution.absent.insert(PartId::Signals);
        let mut draft = Draft::new(plan, &execution, asked.now);
        accept_into(&mut draft, &asked).map_err(|problem| Refusal { problems: vec![problem] })?;
        let mut change = draft.finish();
        let start = execution.parts[&PartId::Start].clone();
        change.parts.entry(PartId::Start).or_insert(start);
        execution.adopt(&change);
        Ok((execution, change))
    }
}

fn first_head(plan: &Plan, asked: &Acceptance) -> Head {
    let carried = asked.carried.as_deref();
    Head {
        format: FORMAT,
        id: asked.id.clone(),
        organization: asked.organization.clone(),
        project: asked.project.clone(),
        flow_version: plan.version.clone(),
        main: plan.main_path.clone(),
        flow: plan.name.clone(),
        parent: asked.parent.clone(),
        depth: asked.depth,
        attempt: asked.attempt,
        rerun_of: asked.rerun.as_ref().map(|rerun| rerun.of.clone()),
        keep_ms: asked.keep.map(|keep| u64::try_from(keep.as_millis()).unwrap_or(u64::MAX)),
        left_to: None,
        status: ExecutionStatus::Queued,
        phase: Phase::Main,
        seed: carried.map_or(asked.seed, |carried| carried.seed),
        created_at: asked.now,
        started_at: None,
        ended_at: None,
        now: asked.now,
        width: 0,
        in_flight: 0,
        transitions: 0,
        last_seq: 0,
        steps: vec![Standing::Pending; plan.steps.len()],
        stop: None,
        timers: Vec::new(),
        unsent: Vec::new(),
        undo: Vec::new(),
        cookie_steps: Vec::new(),
        signals: false,
        undo_failed: false,
        instances: 0,
        capture_bytes: 0,
        reason: None,
    }
}

fn accept_into(draft: &mut Draft<'_>, asked: &Acceptance) -> Result<(), String> {
    let fault = |_: Missing| "the state is incomplete".to_owned();
    let start = draft.start().map_err(fault)?.clone();
    let what = What::Queued {
        flow: draft.plan.name.clone(),
        version: draft.plan.version.clone(),
        main: draft.plan.main_path.clone(),
        attempt: draft.head.attempt,
        parent: asked.parent.as_ref().map(|parent| parent.execution.clone()),
        rerun: asked.rerun.clone(),
        file: asked.file.clone(),
        labels: start.labels.clone(),
        inputs: start.inputs.iter().filter_map(|(name, value)| Some((name.clone(), value.clear()?.clone()))).collect(),
    };
    draft.record(what);
    if let Some(carried) = asked.carried.as_deref() {
        carry_into(draft, start, carried);
    } else {
        compute_vars(draft)?;
    }
    if let Some(only) = &asked.only {
        leave_out(draft, only)?;
    }
    let size = draft.start().map_err(fault).map(|start| {
        let text = serde_json::to_vec(&(&start.inputs, &start.vars)).unwrap_or_default();
        text.len()
    })?;
    if size > START_BYTES {
        return Err(format!("inputs and vars are {size} bytes of JSON together; {START_BYTES} are the limit"));
    }
    if let Some(limit) = draft.plan.queue_timeout {
        draft.arm(Token::Queue, limit);
    }
    Ok(())
}

fn carry_into(draft: &mut Draft<'_>, mut start: Start, carried: &Carried) {
    start.vars = carried.vars.clone();
    start.children = carried.children.clone();
    start.after_finally = carried.after_finally;
    start.carried_instances = carried.instances.clone();
    draft.changed.insert(PartId::Start, Part::Start(start));
    for (step, (standing, state)) in &carried.steps {
        draft.head.instances += state.foreach.as_ref().map_or(0, |expansion| expansion.count);
        draft.changed.insert(PartId::Step(*step as u32), Part::Step(state.clone()));
        draft.set_standing(*step, *standing);
    }
    draft.changed.extend(carried.values.clone());
    draft.head.cookie_steps = carried.cookie_steps.clone();
}

/// Main steps that were not asked for, and that none of those needs, do not run.
fn leave_out(draft: &mut Draft<'_>, only: &BTreeSet<String>) -> Result<(), String> {
    let plan = draft.plan;
    let mut run = BTreeSet::new();
    for id in only {
        let step = plan.step_index(id).filter(|step| *step < plan.main_steps);
        let step = step.ok_or_else(|| format!("`{}` has no main step `{id}`", plan.name))?;
        run.insert(step);
        run.extend(plan.steps[step].transitive.iter().copied());
    }
    for step in (0..plan.main_steps).filter(|step| !run.contains(step)) {
        if draft.standing(step) == Standing::Pending {
            draft.set_standing(step, Standing::LeftOut);
        }
    }
    Ok(())
}

fn compute_vars(draft: &mut Draft<'_>) -> Result<(), String> {
    for var in &draft.plan.vars {
        let value = compute_var(draft, var).map_err(|_| "the state is incomplete".to_owned())?;
        let value = value.map_err(|why| format!("vars.{}: {why}", var.name))?;
        let mut start = draft.start().map_err(|_| "the state is incomplete".to_owned())?.clone();
        start.vars.insert(var.name.clone(), value);
        draft.changed.insert(PartId::Start, Part::Start(start));
    }
    Ok(())
}

fn compute_var(draft: &Draft<'_>, var: &crate::plan::Var) -> Draw<Result<Captured, String>> {
    let seen = draft.see(var.value.references(), At::step(0))?;
    Ok(draft.captured_of(&var.value, seen, format!("vars/{}", var.name), draft.now))
}

fn checked_inputs(
    plan: &Plan,
    given: &BTreeMap<String, Captured>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Captured> {
    let known: BTreeSet<&str> = plan.inputs.iter().map(|input| input.name.as_str()).collect();
    for name in given.keys().filter(|name| !known.contains(name.as_str())) {
        let near = plan.inputs.iter().map(|input| input.name.as_str());
        let near = near.max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
        let hint = match near {
            Some(near) if strsim::jaro(near, name) > 0.75 => format!(": did you mean `{near}`?"),
            Some(_) => format!(": it has {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
            None => ": it has none".to_owned(),
        };
        problems.push(format!("`{}` has no input `{name}`{hint}", plan.name));
    }
    let mut inputs = BTreeMap::new();
    for input in &plan.inputs {
        let value = match (given.get(&input.name), &input.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => Captured::Clear(default.clone()),
            (None, None) if input.required => {
                problems.push(format!("input `{}` is required and was not given", input.name));
                continue;
            }
            (None, None) => Captured::NULL,
        };
        if let (Captured::Clear(value), true) = (&value, given.contains_key(&input.name))
            && let Some(problem) = problem_of(input, value)
        {
            problems.push(problem);
        }
        inputs.insert(input.name.clone(), value);
    }
    inputs
}

/// What is wrong with a value for an input, if anything.
#[must_use]
pub fn problem_of(input: &Input, value: &Json) -> Option<String> {
    let (fits, wanted) = match input.kind {
        InputType::String => (value.is_string(), "a string"),
        InputType::Integer => (value.is_i64() || value.is_u64(), "an integer"),
        InputType::Number => (value.is_number(), "a number"),
        InputType::Boolean => (value.is_boolean(), "true or false"),
        InputType::Array => (value.is_array(), "a list"),
        InputType::Object => (value.is_object(), "an object"),
    };
    let shown = || value.to_string().chars().take(60).collect::<String>();
    if !fits {
        return Some(format!("input `{}` must be {wanted}, and is {}", input.name, shown()));
    }
    if !input.choices.is_empty() && !input.choices.contains(value) {
        let choices = input.choices.iter().map(Json::to_string).collect::<Vec<_>>().join(", ");
        return Some(format!("input `{}` must be one of {choices}, and is {}", input.name, shown()));
    }
    let (Some(pattern), Some(text)) = (&input.pattern, value.as_str()) else { return None };
    match regex::Regex::new(pattern) {
        Ok(regex) if !regex.is_match(text) => {
            Some(format!("input `{}` must match `{pattern}`, and is {}", input.name, shown()))
        }
        _ => None,
    }
}
