//! The functions that expressions can call, one file for each kind.

mod convert;
mod css;
mod encode;
mod fake;
mod instant;
mod jsonpath;
mod list;
mod math;
mod optional;
mod outside;
mod registry;
mod schema;
mod text;
mod text_format;
mod xpath;

pub(super) use registry::{Function, MANY, Style, find, is_namespace, nearest};
pub(super) use text::Pattern;
