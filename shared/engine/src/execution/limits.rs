//! Limits of an execution.

use std::time::Duration;

/// Values up to this size lie in the part of their step.
pub(super) const INLINE_VALUES: usize = 2 * 1024;
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
pub(super) const ENGINE_PARALLEL: u32 = 100;
/// Attempts beyond `maxAttempts` of a step with `onLost: retry`.
pub(super) const EXTRA_ATTEMPTS: u32 = 10;
/// Tries of an undo.
pub(super) const UNDO_ATTEMPTS: u32 = 3;
/// How long running attempts have to answer a stop.
pub const STOP_GRACE: Duration = Duration::from_secs(30);
