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
/// Transitions that every execution may make, and for each step and instance so many more. A step that looks again every few
/// seconds for a day makes a tenth of its share; what makes more goes round in circles.
const TRANSITIONS: u64 = 100_000;
const TRANSITIONS_EACH: u64 = 100_000;
/// How long running attempts have to answer a stop.
pub const STOP_GRACE: Duration = Duration::from_secs(30);

/// Whether an execution of this size has made more transitions than any flow needs.
pub(super) fn goes_in_circles(transitions: u64, steps: usize, instances: u32) -> bool {
    let size = (steps as u64).saturating_add(u64::from(instances));
    transitions >= TRANSITIONS.saturating_add(size.saturating_mul(TRANSITIONS_EACH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_on_transitions_grows_with_the_flow_and_no_flow_reaches_it() {
        // Every look of a day, one a second, at one step: three transitions each.
        assert!(!goes_in_circles(3 * 24 * 3600, 2, 0));
        assert!(!goes_in_circles(10_000 * 40, 3, 10_000));
        assert!(goes_in_circles(400_000, 3, 0));
        assert!(goes_in_circles(u64::MAX, usize::MAX, u32::MAX));
    }
}
