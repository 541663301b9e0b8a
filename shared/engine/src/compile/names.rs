//! What the expressions of a flow may name.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::graph::Graph;
use crate::expr::Reference;

/// The names of a flow.
pub(super) struct Names {
    pub(super) inputs: Vec<String>,
    /// Each var with the secrets that it leads to.
    pub(super) vars: BTreeMap<String, BTreeSet<String>>,
    pub(super) secrets: HashSet<String>,
    pub(super) steps: Vec<StepNames>,
    pub(super) by_id: HashMap<Arc<str>, usize>,
    pub(super) graph: Graph,
    /// The flow's folder, where files are looked for.
    pub(super) folder: String,
    pub(super) found: RefCell<Named>,
}

/// What a step offers to those after it.
pub(super) struct StepNames {
    pub(super) id: Arc<str>,
    /// Its captures; true: secret.
    pub(super) captures: BTreeMap<String, bool>,
    /// The fields of its output; none when they cannot be told.
    pub(super) outputs: Option<Vec<String>>,
    pub(super) foreach: bool,
}

impl StepNames {
    pub(super) fn outputs(&self) -> &[String] {
        self.outputs.as_deref().unwrap_or_default()
    }

    /// Whether the output has this field, or may have it.
    pub(super) fn may_output(&self, name: &str) -> bool {
        self.outputs.is_none() || self.outputs().iter().any(|output| output == name)
    }
}

/// What the expressions of the whole flow have named.
#[derive(Default)]
pub(super) struct Named {
    pub(super) inputs: HashSet<String>,
    pub(super) secrets: BTreeSet<String>,
    /// Static paths below the outputs of steps.
    pub(super) hidden: BTreeMap<usize, BTreeSet<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) schemas: BTreeMap<String, Json>,
}

/// Where an expression stands, which decides what it may name.
pub(super) struct Site<'a> {
    /// How messages call it.
    pub(super) what: &'a str,
    /// The step that it belongs to; none: no step may be named.
    pub(super) step: Option<usize>,
    /// It is evaluated before the step with this index acts.
    pub(super) armed: Option<usize>,
    pub(super) outputs: Outputs,
    /// Whether it may name a secret.
    pub(super) secrets: bool,
    /// Whether it may ask `success()` and its siblings.
    pub(super) status: bool,
    /// Whether `item` and `index` are known, when the step has a `foreach`.
    pub(super) item: bool,
}

/// Names that have their meaning from the step's own output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outputs {
    /// None.
    Absent,
    /// Those that the step type declares.
    Declared,
    /// Names that only the step type knows.
    Open,
}

impl<'a> Site<'a> {
    /// A place in a step that is rendered before the step acts.
    pub(super) fn before(what: &'a str, step: usize) -> Self {
        let step = Some(step);
        Self { what, step, armed: None, outputs: Outputs::Absent, secrets: true, status: false, item: true }
    }

    /// A place in a step that is evaluated where its output is.
    pub(super) fn after(what: &'a str, step: usize) -> Self {
        Self { outputs: Outputs::Declared, ..Self::before(what, step) }
    }

    /// A place outside of steps.
    pub(super) fn outside(what: &'a str) -> Self {
        Self { what, step: None, armed: None, outputs: Outputs::Absent, secrets: true, status: false, item: false }
    }

    /// The engine itself evaluates it: no secret may be named.
    pub(super) fn open(self) -> Self {
        Self { secrets: false, ..self }
    }
}

/// What a step names.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) secrets: BTreeSet<String>,
    /// What its expressions name besides secrets and its own output.
    pub(super) scope: Vec<Reference>,
    /// Files that its expressions name: the name, and the path in the flow version.
    pub(super) files: BTreeMap<String, String>,
}
