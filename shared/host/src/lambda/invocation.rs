//! One call of the function: who it is, and how long it may take.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use tokio::time::Instant;

/// So long before its deadline an invocation answers, whatever is still under way.
const LAST_ANSWER: SignedDuration = SignedDuration::from_secs(2);
/// So long before its deadline a turn must be over: its result is still to be kept and told.
const TURN_MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// One call of the function.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    began: Instant,
    deadline: Timestamp,
}

impl Invocation {
    pub(super) fn of(context: &Context) -> Self {
        let millis = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        let deadline = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        Self { began: Instant::now(), deadline }
    }

    /// When a turn must be over.
    pub(super) fn turn_ends(&self) -> Timestamp {
        before(self.deadline, TURN_MARGIN)
    }

    /// When it answers at the latest.
    pub(super) fn answers(&self, now: Timestamp) -> Instant {
        let left = before(self.deadline, LAST_ANSWER).duration_since(now);
        Instant::now() + Duration::try_from(left).unwrap_or(Duration::ZERO)
    }

    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

fn before(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_sub(by).unwrap_or(Timestamp::MIN)
}
