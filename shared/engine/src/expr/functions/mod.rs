//! The functions that expressions can call, one file for each kind.

mod convert;
mod encode;
mod instant;
mod list;
mod math;
mod optional;
mod outside;
mod registry;
mod text;
mod text_format;

pub(super) use registry::{Function, MANY, Style, find, is_namespace, nearest};
pub(super) use text::Pattern;
