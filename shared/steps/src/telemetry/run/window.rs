//! From instants as users write them to the parameters of a query.

use std::time::Duration;

use jiff::Timestamp;

use crate::contract::{StepContext, StepError, StepErrorClass as Class};
use crate::telemetry::When;

/// How many points a range has at most when no step is given.
const POINTS: u32 = 250;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Window {
    /// The instant that is meant. `code` is the error's when there is no such instant.
    pub(crate) fn instant(
        when: When,
        now: Timestamp,
        cx: &StepContext,
        code: &'static str,
    ) -> Result<Timestamp, StepError> {
        let found = when.resolve(now, cx.execution_started_at).filter(|instant| *instant >= Timestamp::UNIX_EPOCH);
        found.ok_or_else(|| StepError::new(Class::Permanent, code, "the instant asked for is out of all range"))
    }

    /// The window between two instants; the second is not before the first.
    pub(crate) fn between(
        start: When,
        end: When,
        now: Timestamp,
        cx: &StepContext,
        code: &'static str,
    ) -> Result<Self, StepError> {
        let (start, end) = (Self::instant(start, now, cx, code)?, Self::instant(end, now, cx, code)?);
        if end < start {
            let message =
                format!("the window ends at {end:.3}, before it begins at {start:.3}: check `start` and `end`");
            return Err(StepError::new(Class::Permanent, code, message));
        }
        Ok(Self { start, end })
    }

    /// A step that gives a readable number of points.
    pub(crate) fn default_step(&self) -> Duration {
        let length = Duration::try_from(self.end.duration_since(self.start)).unwrap_or_default();
        Duration::from_secs((length / POINTS).as_secs_f64().ceil().max(1.0) as u64)
    }
}

/// Seconds since 1970 with three decimals: what these systems count in.
pub(crate) fn seconds(instant: Timestamp) -> String {
    let millis = instant.as_millisecond();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// A duration in seconds.
pub(crate) fn span_seconds(span: Duration) -> String {
    format!("{}.{:03}", span.as_secs(), span.subsec_millis())
}
