//! What the engine must know of a step type: pure facts, never its runner.

use std::time::Duration;

use serde_json::Value as Json;

/// The kind of a flow; the `test_type` label of metrics.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum FlowKind {
    /// Calls and checks.
    Api,
    /// Browsers.
    Ui,
    /// Load.
    Load,
    /// Messages.
    Event,
    /// Faults on purpose.
    Chaos,
    /// Questions to a running system.
    Diagnostic,
}

/// How a step type is armed before another step acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arming {
    /// A job records a position and ends.
    Position,
    /// A job subscribes, says so, and keeps what it sees until its own step runs.
    Collector,
}

/// A field that a step puts in scope.
#[derive(Debug, Clone, Copy)]
pub struct OutputField {
    /// Its name.
    pub name: &'static str,
    /// Its shape and unit, for the reference.
    pub doc: &'static str,
}

/// Something wrong with a literal `with`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer into `with`.
    pub at: String,
    /// What is wrong; a lowercase fragment.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The pure side of a step type.
pub trait StepSpec: Send + Sync {
    /// Its word in the language.
    fn name(&self) -> &'static str;
    /// One sentence for lists and completion.
    fn summary(&self) -> &'static str;
    /// JSON Schema of `with`; object properties closed with `additionalProperties: false`.
    fn schema(&self) -> &Json;
    /// Keys of `with` that say where the target is and how to get in: what a resource may hold. None: all keys that
    /// the types of a family share.
    fn connection(&self) -> &'static [&'static str] {
        &[]
    }
    /// The names that its output puts in scope.
    fn outputs(&self) -> &'static [OutputField];
    /// Keys of `with` that hold bare expressions, evaluated by the step function.
    fn expressions(&self) -> &'static [&'static str] {
        &[]
    }
    /// What the schema cannot say. `with` may hold templates (strings with `${`): they are not judged.
    fn check(&self, with: &Json) -> Vec<Problem>;
    /// Names of files beside the flow that `with` names.
    fn files(&self, _with: &Json) -> Vec<String> {
        Vec::new()
    }
    /// Whether a lost attempt may be repeated without doubling an effect, judged on the rendered `with`.
    fn repeatable(&self, with: &Json) -> bool;
    /// Whether it has a prepare phase of its own (also without arming), whose undo is saved before it runs.
    fn prepares(&self) -> bool {
        false
    }
    /// How it can be armed.
    fn arming(&self) -> Option<Arming> {
        None
    }
    /// For a type that waits by itself: its own time. It takes neither `eventually` nor `throughout`.
    fn waits(&self, _with: &Json) -> Option<Duration> {
        None
    }
    /// What a flow of such steps is, unless it says otherwise.
    fn kind(&self) -> FlowKind {
        FlowKind::Api
    }
}

/// The step types that are built in.
pub trait StepTypes: Send + Sync {
    /// The type with this name.
    fn get(&self, name: &str) -> Option<&'static dyn StepSpec>;
    /// All names, sorted.
    fn names(&self) -> Vec<&'static str>;
}

/// The engine's own words: a timer, a child, a signal. They cost no function.
pub const ENGINE_WORDS: [&str; 3] = ["delay", "flow", "wait"];
