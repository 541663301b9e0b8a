//! Asking and reading, over the `http` step's connections.
#![cfg_attr(
    not(all(feature = "loki", feature = "prometheus")),
    allow(dead_code, unused_imports, reason = "a function with one of the two types needs a part of this")
)]

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
