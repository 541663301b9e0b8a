//! An execution as people and programs look at it: what its records say so far, put together.
//!
//! Live lines, summaries, reports and the API all read an [`ExecutionView`]; nothing else interprets records.

mod apply;
mod explain;
mod model;
#[cfg(test)]
mod tests;

pub use apply::Fit;
pub(crate) use explain::{assertion_reason, result_reason};
pub use model::{AttemptView, ExecutionView, InstanceView, PlaceView, StepView, StopView, UndoneView, WarningView};
