//! Asking and reading, over the `http` step's connections.

mod answer;
mod ask;
mod fault;
mod measured;
mod output;
mod window;

pub(crate) use answer::Answer;
pub(crate) use ask::Question;
pub(crate) use fault::Codes;
pub(crate) use output::{empty, fields, with_warnings};
pub(crate) use window::{Window, seconds, span_seconds};
