//! What people read: lines made from records.

mod detail;
mod flow;
mod paint;
mod summary;
mod text;

pub(crate) use detail::of_assertions;
pub(crate) use flow::FlowView;
pub(crate) use paint::Paint;
pub(crate) use summary::{Outcome, summary};
pub(crate) use text::{clean, duration};
