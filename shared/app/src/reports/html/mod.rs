//! One HTML page that needs nothing else: no network, no other file, and no script to be read.
//!
//! The page is written whole here; its script only filters, folds and moves about. Nothing in it is markup but what stands
//! in this code (see [`Markup`](markup::Markup)), and its policy lets neither other scripts nor other styles in.

mod detail;
mod flow;
mod lane;
mod markup;
mod page;
mod row;
mod seen;
mod value;

pub(super) use page::html;
