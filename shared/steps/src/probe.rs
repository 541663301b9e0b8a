//! Checking a resource by asking something harmless: a step's own run, with what the resource leaves out filled in.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::contract::{Output, StepContext, StepError, StepErrorClass, StepOutcome, StepRunner};

/// Runs a step whose `with` is the resource and these keys; answers its output and how long it took.
pub(crate) async fn ask<R: StepRunner>(
    runner: &R,
    resource: &Json,
    more: Json,
    cx: &StepContext,
) -> Result<(Output, Duration), StepError> {
    let mut with = resource.as_object().cloned().unwrap_or_default();
    if let Json::Object(more) = more {
        with.extend(more);
    }
    let config = R::Config::deserialize(Json::Object(with)).map_err(|error| {
        StepError::new(StepErrorClass::Permanent, "step.config", format!("the resource does not fit: {error}"))
    })?;
    let start = Instant::now();
    match runner.run(config, cx).await? {
        StepOutcome::Done(output) => Ok((output, start.elapsed())),
        StepOutcome::Continue { .. } => Err(StepError::bug("a check wants to go on in another turn")),
    }
}

/// `12 ms`
#[cfg(any(feature = "redis", feature = "sql", feature = "loki", feature = "prometheus"))]
pub(crate) fn millis(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}
