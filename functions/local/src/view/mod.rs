//! What people read: lines made from records, and on a terminal a tree that is drawn again as they come.

mod cells;
mod detail;
mod flow;
mod live;
mod paint;
mod screen;
mod summary;
mod text;

pub(crate) use detail::of_assertions;
pub(crate) use flow::FlowView;
pub(crate) use live::{Live, Signs, Size};
pub(crate) use paint::Paint;
pub(crate) use screen::SHOW;
pub(crate) use summary::{Next, Outcome, summary};
pub(crate) use text::{clean, duration};
