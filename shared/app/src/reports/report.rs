//! What a report is made of.

use std::collections::HashMap;

use assay_engine::id::ExecutionId;
use assay_engine::job::Evidence;
use assay_engine::plan::{Plan, Step};
use assay_engine::status::ExecutionStatus;
use serde_json::Value as Json;

use crate::view::ExecutionView;

/// Executions, and what else is known of them.
#[derive(Debug, Default)]
pub struct Report {
    /// The executions at the top, in the order in which they are reported, each with its sub-flows.
    pub executions: Vec<ExecutionView>,
    /// What their flows' texts say, sub-flows included. Where it is missing, reports do without.
    pub facts: HashMap<ExecutionId, Facts>,
    /// What lies in the blob store, by key. What was not asked for is not here.
    pub bodies: HashMap<String, Body>,
}

/// Something that lies in the blob store.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// As it is.
    Whole(Json),
    /// Why it is not here; reads after "the rest is left out: ".
    LeftOut(String),
}

/// What a flow's text says that records do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The flow's file, as the reader of the report should find it; `/` between folders.
    pub file: String,
    /// What the flow is for.
    pub description: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// Its steps by id.
    pub steps: HashMap<String, StepFacts>,
}

/// What a step's text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepFacts {
    /// The step type.
    pub type_name: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Its line in the file, from 1.
    pub line: usize,
    /// The lines of its assertions, in their order.
    pub assertions: Vec<usize>,
    /// Its failure does not count (`continueOnError`).
    pub may_fail: bool,
}

impl Facts {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self {
            file: plan.main_path.clone(),
            description: plan.description.clone(),
            environment: plan.environment.clone(),
            steps: plan.steps.iter().map(|step| (step.id.to_string(), StepFacts::of(step))).collect(),
        }
    }
}

impl StepFacts {
    fn of(step: &Step) -> Self {
        Self {
            type_name: step.kind.type_name().to_owned(),
            name: step.name.clone(),
            line: step.line,
            assertions: step.assertions.iter().map(|assertion| assertion.line).collect(),
            may_fail: step.continue_on_error,
        }
    }
}

impl Report {
    /// Says in which folder the flow of an execution at the top lies. The files of its sub-flows lie below the same.
    pub fn lies_in(&mut self, execution: &ExecutionId, folder: &str) {
        let Some(view) = self.executions.iter().find(|view| view.id == *execution) else { return };
        let folder = folder.trim_end_matches('/');
        let mut views = vec![view];
        while let Some(view) = views.pop() {
            if let Some(facts) = self.facts.get_mut(&view.id)
                && !folder.is_empty()
                && folder != "."
            {
                facts.file = format!("{folder}/{}", facts.file);
            }
            views.extend(&view.children);
        }
    }

    /// The verdict of all executions: the worst, in the order of the exit codes of a command that runs them.
    #[must_use]
    pub fn verdict(&self) -> ExecutionStatus {
        let rank = |status: ExecutionStatus| match status {
            ExecutionStatus::Passed => 0,
            ExecutionStatus::Cancelled => 1,
            ExecutionStatus::Failed => 2,
            ExecutionStatus::TimedOut => 3,
            ExecutionStatus::Queued | ExecutionStatus::Running => 4,
            ExecutionStatus::Errored => 5,
        };
        let all = self.executions.iter().map(|execution| execution.status);
        all.max_by_key(|status| rank(*status)).unwrap_or(ExecutionStatus::Passed)
    }

    /// What a step looked at, whole where it is here; else its beginning, and what is said of the rest.
    pub(super) fn seen<'a>(&'a self, evidence: &'a Evidence) -> (&'a Json, Option<String>) {
        let Some(blob) = &evidence.blob else { return (&evidence.preview, None) };
        let size = super::text::bytes(blob.size);
        let why = match self.bodies.get(&blob.key) {
            Some(Body::Whole(whole)) => return (whole, None),
            Some(Body::LeftOut(why)) => why.as_str(),
            None => "it was not asked for",
        };
        (
            &evidence.preview,
            Some(format!("this is the beginning of {size}; the rest is left out: {why} ({})", blob.key)),
        )
    }
}
