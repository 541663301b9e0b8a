//! The execution: a state machine that turns events into effects.
//!
//! `apply` works on a draft; only a transition that is known whole changes the execution, so an event whose parts are
//! not all loaded changes nothing and names them.

mod accept;
mod advance;
mod attempts;
mod dispatch;
mod draft;
mod event;
mod machine;
mod request;
mod rerun;
mod scope;
mod state;
mod stop;
mod words;

pub use accept::{Acceptance, Refusal, START_BYTES, problem_of};
pub use event::{Change, ChildStart, Effect, Event, Ignored, Token, Transition};
pub use machine::Execution;
pub use request::NoRequest;
pub use rerun::{Carried, NotCarried, RerunOptions, plan_rerun};
pub use scope::path_text;
pub use state::{
    Active, ActiveState, BLOCK, CarriedInstance, Expansion, FORMAT, Head, InstanceState, Parent, Part, PartId,
    PartIdError, Signal, Standing, Start, StepState, Stop, Timer, UndoEntry, Unsent, Values,
};

use std::time::Duration;

/// Values up to this size lie in the part of their step.
const INLINE_VALUES: usize = 2 * 1024;
/// Captures of one step or instance, in bytes of JSON.
pub const CAPTURES_EACH: usize = 64 * 1024;
/// Captures of an execution.
pub const CAPTURES_WHOLE: u64 = 8 * 1024 * 1024;
/// `foreach` instances of an execution.
pub const LIMIT_INSTANCES: usize = 10_000;
/// Nested sub-flows.
pub const LIMIT_DEPTH: u32 = 10;
/// Signals that wait to be used.
pub const LIMIT_SIGNALS: usize = 100;
/// Instances of a `delay` or `wait` under way at once, unless `maxParallel` says otherwise.
const ENGINE_PARALLEL: u32 = 100;
/// Attempts beyond `maxAttempts` of a step with `onLost: retry`.
const EXTRA_ATTEMPTS: u32 = 10;
/// Tries of an undo.
const UNDO_ATTEMPTS: u32 = 3;
/// How long running attempts have to answer a stop.
pub const STOP_GRACE: Duration = Duration::from_secs(30);
