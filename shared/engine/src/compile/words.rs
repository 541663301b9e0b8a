//! The keys that flows and steps take, and the numbers that a flow may leave out.

use std::time::Duration;

/// The keys of a flow.
pub(super) const FLOW_KEYS: [&str; 16] = [
    "name",
    "description",
    "labels",
    "kind",
    "inputs",
    "secrets",
    "vars",
    "resources",
    "defaults",
    "timeout",
    "queueTimeout",
    "finallyTimeout",
    "concurrency",
    "priority",
    "steps",
    "finally",
];

/// The keys that steps share.
pub(super) const STEP_KEYS: [&str; 21] = [
    "id",
    "name",
    "type",
    "with",
    "needs",
    "if",
    "foreach",
    "maxParallel",
    "minItems",
    "failFast",
    "retry",
    "eventually",
    "throughout",
    "timeout",
    "assert",
    "capture",
    "continueOnError",
    "armBefore",
    "runsOn",
    "onLost",
    "rerun",
];

const DELAY_KEYS: [&str; 7] = ["id", "name", "type", "with", "needs", "if", "foreach"];
const WAIT_KEYS: [&str; 9] = ["id", "name", "type", "with", "needs", "if", "foreach", "assert", "capture"];
const CHILD_KEYS: [&str; 13] = [
    "id",
    "name",
    "type",
    "with",
    "needs",
    "if",
    "foreach",
    "maxParallel",
    "retry",
    "timeout",
    "assert",
    "capture",
    "continueOnError",
];

/// The shared keys that steps of a type take.
pub(super) fn keys_of(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "delay" => &DELAY_KEYS,
        "wait" => &WAIT_KEYS,
        "flow" => &CHILD_KEYS,
        _ => &STEP_KEYS,
    }
}

/// Fields of `execution` in expressions.
pub(super) const EXECUTION_FIELDS: [&str; 6] = ["id", "flow", "version", "environment", "startedAt", "attempt"];

/// Most steps of a flow, those of `finally` included.
pub(super) const MAX_STEPS: usize = 1000;
/// Most instances of an execution.
pub(super) const MAX_ITEMS: usize = 10_000;
/// Sub-flows below one another.
pub(super) const MAX_FLOWS: usize = 10;
/// The largest file that is put into a step as a whole.
pub(super) const MAX_INLINED: usize = 128 * 1024;
/// An attempt's time, unless given; also what waiting steps get beyond their own time.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// An execution's time, unless given.
pub(super) const EXECUTION_TIMEOUT: Duration = Duration::from_secs(3600);
/// The time of `finally`, unless given.
pub(super) const FINALLY_TIMEOUT: Duration = Duration::from_secs(300);
