//! The end of a step's time, and the wish that it stop.

use std::future::Future;

use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::doing::Doing;
use super::fault;
use crate::contract::{StepContext, StepError, StepErrorClass};
use crate::redis::target::Target;

/// Does this work until it is done, the step must stop, or its time is over.
pub(super) async fn bounded<T>(
    work: impl Future<Output = Result<T, StepError>>,
    cx: &StepContext,
    doing: &Doing,
    target: &Target,
) -> Result<T, StepError> {
    let start = Instant::now();
    // A target that never pauses uses up what a turn of the runtime allows; the clock must be looked at all the same.
    tokio::select! {
        biased;
        done = work => done,
        () = unconstrained(cx.stop.cancelled()) => {
            let message = format!("stopped on request while {}", doing.get());
            Err(StepError::new(StepErrorClass::Stopped, "step.stopped", message))
        }
        () = unconstrained(tokio::time::sleep_until(cx.deadline)) => {
            Err(fault::timeout(&target.place(), &doing.get(), start.elapsed()))
        }
    }
}
