//! From bytes to a tree of values that know where they stand. JSON is read as JSON, everything else as YAML 1.2 with the
//! core schema; what is read is bounded in size, depth and the number of values its aliases stand for.

mod build;
mod json;
mod node;
mod problem;
mod read;
mod scalar;
mod slips;
mod text;
mod yaml;

pub(crate) use node::{Entry, Node, Value};
pub(crate) use problem::Problem;
pub(crate) use read::{MAX_BYTES, read, shown};
pub use read::{read_data, read_document};
pub(crate) use text::{Source, Span};
